//! Secret values by name. They live here and with whoever uses them, never in `Settings`, `State` or an event.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;

use secrecy::ExposeSecret;
use secrecy::SecretString;

/// Shorter values are not looked for in texts: they would blot out ordinary words.
const LEAST: usize = 6;

/// Secret values by name.
#[derive(Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretString>,
    /// Values to blot out wherever they appear, beside the ones above (parts of URLs, for instance).
    hidden: Vec<SecretString>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.values.len())
    }
}

impl Secrets {
    /// Keeps named values, and further values that must never be shown.
    #[must_use]
    pub fn new(values: BTreeMap<String, SecretString>, hidden: Vec<SecretString>) -> Self {
        Self { values, hidden }
    }

    /// The value of a name; empty when there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |v| v.expose_secret())
    }

    /// A print of all values: another one when any of them has changed. It tells nothing of the values themselves.
    #[must_use]
    pub fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (name, value) in &self.values {
            (name, value.expose_secret()).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The text with every secret value blotted out.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for value in &self.hidden {
            let value = value.expose_secret();
            if value.len() >= LEAST && out.contains(value) {
                out = out.replace(value, "•••");
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_part_of_a_sentence() {
        let s = Secrets::new(BTreeMap::new(), vec!["hunter22".into(), "abc".into()]);
        assert_eq!(s.redact("Access denied for 'x' using hunter22 abc"), "Access denied for 'x' using ••• abc");
        assert!(!format!("{s:?}").contains("hunter"));
    }
}
