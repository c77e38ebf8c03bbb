//! Credentials in a text: what looks like a secret by its name, its place, or its own form. For masking what was typed
//! or said, and for finding what must not stand in a document.
//!
//! Forms with a fixed beginning are those that their issuers document (AWS access keys, GitHub and GitLab tokens, Slack
//! tokens, JSON Web Tokens of RFC 7519, PEM private keys of RFC 7468).

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What stands in the place of a secret.
pub const HIDDEN: &str = "•••";

/// Why something is taken for a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Its name says so: `DB_PASSWORD=…`.
    Named,
    /// It stands in a URL: `mysql://user:…@host`.
    Url,
    /// It stands in a header: `Authorization: Bearer …`.
    Header,
    /// It follows an option: `mysql -p…`, `curl -u user:…`.
    Flag,
    /// It has the form of one.
    Form,
}

/// A credential in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Where its value stands, in bytes.
    pub at: Range<usize>,
    /// Why it is taken for one.
    pub kind: Kind,
}

/// A pattern; its first group that took part is the value.
struct Pattern {
    kind: Kind,
    regex: Regex,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    const NAME: &str =
        r"[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key|credential|contrase[ñn]a)[\w-]*";
    let sources = [
        // An assignment takes anything; after a colon prose goes on, so a value there is quoted or has a digit in it.
        (Kind::Named, format!(r#"(?i){NAME}["']?=(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"'`;&|)<>]+))"#)),
        (Kind::Named, format!(r#"(?i){NAME}["']?\s*:\s*(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"'`,;&|)<>]*\d[^\s"'`,;&|)<>]*))"#)),
        (Kind::Flag, format!(r#"(?i)--{NAME}\s+(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"'`;&|)<>-][^\s"'`;&|)<>]*))"#)),
        (Kind::Url, r#"(?i)\b[a-z][a-z0-9+.-]*://[^\s:/@"']*:([^\s/@"']+)@"#.to_owned()),
        (Kind::Header, r#"(?i)\bauthorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|digest)\s+)?([^\s"']+)"#.to_owned()),
        (Kind::Header, r"\b[Bb]earer\s+([\w+/=.~-]{16,})".to_owned()),
        (Kind::Flag, r#"\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|mariadb-admin|sshpass)\b[^\n|;&]*?\s-p["']?([^\s"']+)"#.to_owned()),
        (Kind::Flag, r#"\bsshpass\s+-p\s+["']?([^\s"']+)"#.to_owned()),
        (Kind::Flag, r#"\b(?:curl|wget|http)\b[^\n|;&]*?\s(?:-u|--user|--proxy-user)[ =]?["']?[^\s:"']+:([^\s"']+)"#.to_owned()),
        (Kind::Form, r"\b((?:AKIA|ASIA)[0-9A-Z]{16})\b".to_owned()),
        (Kind::Form, r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,})".to_owned()),
        (Kind::Form, r"\b(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)".to_owned()),
        (Kind::Form, r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)(?:-----END|\z)".to_owned()),
    ];
    sources.into_iter().filter_map(|(kind, source)| Some(Pattern { kind, regex: Regex::new(&source).ok()? })).collect()
});

/// What is filled in later, read from elsewhere, or hidden already is no secret.
fn stands_for_another(value: &str) -> bool {
    let bare = value.trim_matches(['"', '\'']);
    bare.is_empty()
        || bare.starts_with(['$', '<', '{', '[', '%', '@'])
        || bare.contains(HIDDEN)
        || bare.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '…' | '-' | '_'))
}

/// Where a secret lies, what it is called, whether there is one: none of these is one.
fn names_no_secret(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| "=: \"'".contains(c)).to_lowercase();
    ["_file", "_path", "_dir", "-file", "_name", "_url", "_id", "_ttl", "_count", "_length"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Every credential of a text, in order; none overlaps another.
#[must_use]
pub fn find(text: &str) -> Vec<Credential> {
    let mut found: Vec<Credential> = Vec::new();
    for Pattern { kind, regex } in PATTERNS.iter() {
        for taken in regex.captures_iter(text) {
            let (Some(whole), Some(value)) = (taken.get(0), taken.iter().skip(1).flatten().next()) else { continue };
            let name = text.get(whole.start()..value.start()).unwrap_or_default();
            if !stands_for_another(value.as_str()) && !names_no_secret(name) {
                found.push(Credential { at: value.range(), kind: *kind });
            }
        }
    }
    found.sort_by_key(|c| (c.at.start, std::cmp::Reverse(c.at.end), c.kind));
    let mut end = 0;
    found.retain(|c| {
        let free = c.at.start >= end;
        if free {
            end = c.at.end;
        }
        free
    });
    found
}

/// The text with every credential hidden.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for Credential { at, .. } in find(text) {
        out.push_str(text.get(from..at.start).unwrap_or_default());
        out.push_str(HIDDEN);
        from = at.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// Does the name of a variable say that its value is secret?
#[must_use]
pub fn named_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = ["passw", "passphrase", "secret", "token", "apikey", "api_key", "api-key", "private_key", "credential"];
    // Where a secret lies is no secret.
    let place = ["_file", "_path", "_dir"].iter().any(|end| name.ends_with(end));
    !place && words.iter().any(|w| name.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_can_be_read() {
        assert_eq!(PATTERNS.len(), 13);
    }

    #[test]
    fn what_is_secret_by_name_place_or_form_is_hidden() {
        let cases = [
            ("sh -c 'TOKEN=abc true'", "sh -c 'TOKEN=••• true'"),
            ("PASSWORD=hunter2", "PASSWORD=•••"),
            ("export PGPASSWORD=\"a b\"; psql", "export PGPASSWORD=\"•••\"; psql"),
            ("{\"api_key\": \"k\", \"n\": 1}", "{\"api_key\": \"•••\", \"n\": 1}"),
            ("contraseña: c0nejo", "contraseña: •••"),
            ("mysql -u root -psecreto app", "mysql -u root -p••• app"),
            ("mysqldump --password=x1 app | gzip -p", "mysqldump --password=••• app | gzip -p"),
            ("tool --token abc --loud", "tool --token ••• --loud"),
            ("curl -u yo:secreto https://h", "curl -u yo:••• https://h"),
            ("-H 'Authorization: Bearer abc123'", "-H 'Authorization: Bearer •••'"),
            ("mysql://cabina:s3@db/app", "mysql://cabina:•••@db/app"),
            ("key AKIAABCDEFGHIJKLMNOP here", "key ••• here"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN RSA PRIVATE KEY-----•••-----END RSA PRIVATE KEY-----",
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(mask(text), wanted, "{text}");
            assert_eq!(mask(wanted), wanted, "what is hidden stays as it is");
        }
    }

    #[test]
    fn what_only_speaks_of_secrets_stays() {
        for text in [
            "the password: ask Ana, she has it",
            "token count: 512 of them",
            "PASSWORD_FILE=/run/secrets/db",
            "mysql -u root -p app",
            "DB_PASSWORD=$DB_PASSWORD ./run",
            "curl --user ${WHO} https://h:8443/x",
            "password=<contraseña>",
            "basic auth is off",
            "http://host:9090/path@2x.png",
            "mkdir -p /srv/app",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
