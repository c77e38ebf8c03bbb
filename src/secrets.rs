//! Secret values by name. They live here and with whoever uses them, never in `Settings`, `State` or an event.

pub mod stream;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::sync::PoisonError;
use std::sync::RwLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use secrecy::SecretString;

use crate::model::credential;
use crate::model::credential::HIDDEN;
pub use crate::model::credential::named_secret;

/// Shorter values are not looked for in texts: they would blot out ordinary words.
const LEAST: usize = 8;
/// What a machine is called that is no name of the world: nobody's secret ends so.
const HOSTS: [&str; 12] =
    [".local", ".internal", ".lan", ".svc", ".localdomain", ".home", ".corp", ".com", ".net", ".org", ".mx", ".es"];

/// Can a value be looked for in texts? A path that is there, a host, a number, a word for yes or no stand in a thousand
/// places where they tell nobody anything.
#[must_use]
pub fn can_be_hidden(value: &str) -> bool {
    let low = value.to_lowercase();
    let bare = low.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(low.as_str(), |(h, _)| h);
    let letters = |host: &str| host.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    let host = bare == "localhost"
        || bare.parse::<std::net::IpAddr>().is_ok()
        || (letters(bare) && HOSTS.iter().any(|end| bare.ends_with(end)));
    let number = value.parse::<f64>().is_ok();
    let word = ["disabled", "required", "optional", "undefined"].contains(&low.as_str());
    let path = value.contains('/') && std::path::Path::new(value).exists();
    value.len() >= LEAST && !host && !number && !word && !path
}

/// Secret values by name.
#[derive(Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretString>,
    /// Values to blot out wherever they appear, beside the ones above (parts of URLs, for instance).
    hidden: RwLock<Vec<SecretString>>,
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
        let forms = hidden.into_iter().flat_map(|v| forms(v.expose_secret()));
        Self { values, hidden: RwLock::new(sorted(forms.collect())) }
    }

    /// Blots out from now on what others know to be secret too: whoever holds these has the newest at once. What was
    /// secret before stays so.
    pub fn learn(&self, others: &Self) {
        let mut all = self.hidden();
        all.extend(others.hidden());
        *self.hidden.write().unwrap_or_else(PoisonError::into_inner) = sorted(all);
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

    /// The values that must never be shown, for whoever has to blot them out elsewhere.
    #[must_use]
    pub fn hidden(&self) -> Vec<String> {
        let hidden = self.hidden.read().unwrap_or_else(PoisonError::into_inner);
        hidden.iter().map(|v| v.expose_secret().to_owned()).collect()
    }

    /// The text with every secret value blotted out, the known ones and what looks like one.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        credential::mask(&self.blot(text))
    }

    /// The same by value alone, for texts whose words are cabina's own.
    #[must_use]
    pub fn blot(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for value in &*self.hidden.read().unwrap_or_else(PoisonError::into_inner) {
            let value = value.expose_secret();
            if value.len() >= LEAST && out.contains(value) {
                out = out.replace(value, HIDDEN);
            }
        }
        out
    }
}

/// The longest first: one secret may be part of another.
fn sorted(mut forms: Vec<String>) -> Vec<SecretString> {
    forms.sort_by_key(|f| (std::cmp::Reverse(f.len()), f.clone()));
    forms.dedup();
    forms.into_iter().map(SecretString::from).collect()
}

/// A secret as it is, percent-encoded, and in base64 wherever it begins in what is encoded.
fn forms(value: &str) -> Vec<String> {
    if !can_be_hidden(value) {
        return Vec::new();
    }
    let mut forms = vec![value.to_owned(), url::form_urlencoded::byte_serialize(value.as_bytes()).collect()];
    for before in 0..3usize {
        let padded = [vec![0u8; before].as_slice(), value.as_bytes()].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            // Only the letters that come of the secret alone: neighbours share the first and the last.
            let from = (before * 8).div_ceil(6);
            let to = padded.len() * 8 / 6;
            forms.extend(encoded.get(from..to).map(str::to_owned));
        }
    }
    forms.retain(|f| f.len() >= LEAST);
    forms
}

/// The words of a command line without the values of options that are called after secrets.
#[must_use]
pub fn without_passwords(words: Vec<String>) -> Vec<String> {
    let mut next = false;
    let mut mysql = false;
    let hide = |w: String| {
        let option = w.starts_with('-');
        let name = w.split_once('=').map_or(w.as_str(), |(name, _)| name);
        let secret = named_secret(name) || name.ends_with("pwd");
        let out = match w.split_once('=') {
            _ if std::mem::take(&mut next) => HIDDEN.to_owned(),
            // A whole script in one word is read as a text.
            Some((name, value)) if secret && !value.contains(char::is_whitespace) => format!("{name}={HIDDEN}"),
            None if option && secret => {
                next = true;
                w.clone()
            }
            // `mysql -psecret`, with nothing in between.
            _ if mysql && w.starts_with("-p") && w.len() > 2 => format!("-p{HIDDEN}"),
            _ => w.clone(),
        };
        mysql |= w.rsplit('/').next().is_some_and(|p| p.starts_with("mysql") || p.starts_with("mariadb"));
        out
    };
    words.into_iter().map(hide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_everywhere_is_not_blotted_out_everywhere() {
        let here = std::env::temp_dir().display().to_string() + "/../tmp";
        for value in
            ["hunter2", "localhost", "db1.internal:3306", "10.20.30.40", "123456789", "disabled", here.as_str()]
        {
            let s = Secrets::new(BTreeMap::new(), vec![value.to_owned().into()]);
            assert_eq!(s.redact(&format!("see {value} there")), format!("see {value} there"));
        }
        let s = Secrets::new(BTreeMap::new(), vec!["hunter22".into(), "/no/such/path/s3cr3t".into()]);
        assert_eq!(s.redact("hunter22 /no/such/path/s3cr3t"), "••• •••");
        // Taken up later, everybody who holds them hides it, and what was secret before stays so.
        s.learn(&Secrets::new(BTreeMap::new(), vec!["n3wsecret".into()]));
        assert_eq!(s.redact("hunter22 n3wsecret"), "••• •••");
    }

    #[test]
    fn a_secret_is_never_part_of_a_sentence() {
        let s = Secrets::new(BTreeMap::new(), vec!["hunter22".into(), "abc".into()]);
        assert_eq!(s.redact("Access denied for 'x' using hunter22 abc"), "Access denied for 'x' using ••• abc");
        assert!(!format!("{s:?}").contains("hunter"));
    }

    #[test]
    fn nor_is_it_there_encoded() {
        let s = Secrets::new(BTreeMap::new(), vec!["s3cr3t/p@ss".into()]);
        for before in ["", "u", "u:", "user:", "cabina:"] {
            let basic = STANDARD_NO_PAD.encode(format!("{before}s3cr3t/p@ss"));
            let left = s.redact(&format!("Authorization: Basic {basic}="));
            // A letter at either end is shared with its neighbours; the rest is gone.
            let most = "Authorization: Basic •••=".chars().count() + before.len() * 4 / 3 + 2;
            assert!(left.contains("•••") && left.chars().count() <= most, "{before}: {left}");
        }
        assert_eq!(s.redact("mysql://u:s3cr3t%2Fp%40ss@db"), "mysql://u:•••@db");
    }

    #[test]
    fn options_called_after_secrets_lose_their_values() {
        let hide = |text: &str| without_passwords(text.split(' ').map(str::to_owned).collect()).join(" ");
        assert_eq!(hide("mysql -uroot -phunter -h db"), "mysql -uroot -p••• -h db");
        assert_eq!(hide("curl --token abc -o x"), "curl --token ••• -o x");
        assert_eq!(hide("env DB_PASSWORD=x ./go --api-key=y"), "env DB_PASSWORD=••• ./go --api-key=•••");
        assert_eq!(hide("cp -p a b"), "cp -p a b");
        assert_eq!(hide("cat token.txt"), "cat token.txt");
    }
}
