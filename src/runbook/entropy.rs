//! Values that look random: keys that no name gives away.

use std::sync::LazyLock;

use regex::Regex;

/// Shorter values are words often enough.
const SHORTEST: usize = 24;
/// Bits a letter: text in a language has about 4, base64 of random bytes nearly 6.
const BITS: f64 = 4.4;

/// A value that is set or quoted: `key = "…"`, `key: …`, `'…'`.
static VALUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"[=:]\s*["']?([A-Za-z0-9+/_=-]{24,})["']?"#).ok());

/// Where such values stand, in bytes.
pub(super) fn find(text: &str) -> Vec<usize> {
    let hits = VALUE.iter().flat_map(|r| r.captures_iter(text)).filter_map(|c| c.get(1));
    hits.filter(|m| random(m.as_str())).map(|m| m.start()).collect()
}

/// Letters of both cases and digits, spread as evenly as chance spreads them. A path, a name in words, a digest (which is
/// no secret) is not.
fn random(value: &str) -> bool {
    let has = |f: fn(&char) -> bool| value.chars().any(|c| f(&c));
    let mixed = has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit);
    let words = value
        .split(['-', '_', '/'])
        .filter(|w| w.len() >= 3 && w.chars().skip(1).all(|c| c.is_ascii_lowercase()))
        .count();
    value.len() >= SHORTEST && mixed && words < 2 && bits(value) >= BITS
}

/// Shannon's entropy of the letters, in bits each.
fn bits(value: &str) -> f64 {
    let mut counts = [0usize; 128];
    let mut all = 0.0;
    for b in value.bytes() {
        if let Some(n) = counts.get_mut(usize::from(b)) {
            *n += 1;
            all += 1.0;
        }
    }
    counts.iter().filter(|n| **n > 0).map(|n| *n as f64 / all).map(|p| -p * p.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_told_from_words() {
        assert_eq!(find("export K='tGzv3JOkF0XG5Qx2TlKWIA9bPm7ZyRq1'").len(), 1);
        for text in [
            "image: registry/backend@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "path=/usr/local/share/ca-certificates/HouseRootCertificate2024",
            "id: 123e4567-e89b-12d3-a456-426614174000",
            "name = IactBackendProductionDatabaseReader",
        ] {
            assert_eq!(find(text), Vec::<usize>::new(), "{text}");
        }
    }
}
