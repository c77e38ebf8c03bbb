//! Credentials in a text: what looks like a secret by its name, its place, or its own form. For masking what was typed
//! or said, and for finding what must not stand in a document.
//!
//! Forms with a fixed beginning are those that their issuers document (AWS access keys, GitHub and GitLab tokens, Slack
//! tokens, JSON Web Tokens of RFC 7519, PEM private keys of RFC 7468).

mod pattern;

use std::ops::Range;

use crate::model::credential::pattern::Named;
use crate::model::credential::pattern::Pattern;
use crate::model::plain::plain;

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

/// What is filled in later, read from elsewhere, or hidden already is no secret.
fn stands_for_another(value: &str) -> bool {
    let bare = value.trim_matches(['"', '\'', '\\']);
    bare.is_empty()
        || bare.starts_with(['$', '<', '{', '[', '%', '@'])
        || bare.contains(HIDDEN)
        || bare.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '…' | '-' | '_'))
        || matches!(bare.to_lowercase().as_str(), "true" | "false" | "yes" | "no" | "null" | "none" | "nil")
}

/// Every credential of a text, in order; none overlaps another.
#[must_use]
pub fn find(text: &str) -> Vec<Credential> {
    let seen = pattern::seen(text);
    if seen == 0 {
        return Vec::new();
    }
    let mut found: Vec<Credential> = Vec::new();
    for named in pattern::named(text, seen) {
        named.find(text, &mut found);
    }
    for Pattern { kind, shape, .. } in pattern::patterns(text, seen) {
        for taken in shape.regex().into_iter().flat_map(|r| r.captures_iter(text)) {
            if let Some(value) = taken.iter().skip(1).flatten().next()
                && !stands_for_another(value.as_str())
            {
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

impl Named {
    fn find(&self, text: &str, found: &mut Vec<Credential>) {
        let (Some(heads), Some(wholes)) = (self.head.regex(), self.whole.regex()) else { return };
        let mut from = 0;
        while let Some(head) = heads.captures_at(text, from) {
            let (Some(whole), Some(name)) = (head.get(0), head.name("name")) else { break };
            // Names may follow each other closely: the value of one that is none may hold the next.
            from = name.end();
            let folder = FOLDERS.contains(&name.as_str());
            if !(named_secret(name.as_str()) || folder) || is_prose(name.as_str(), text, name.end()) {
                continue;
            }
            let rest = text.get(whole.start()..).unwrap_or_default();
            let Some(taken) = wholes.captures(rest) else { continue };
            let value = taken.iter().skip(2).flatten().next();
            let value = value.filter(|v| !stands_for_another(v.as_str()));
            // The folder one is in, and the password of whoever calls it so.
            let value = value.filter(|v| !(folder && v.as_str().starts_with(['/', '~', '.'])));
            if let Some(value) = value {
                let at = whole.start() + value.start()..whole.start() + value.end();
                from = whole.start() + taken.get(0).map_or(0, |m| m.end());
                found.push(Credential { at, kind: Kind::Named });
            }
        }
    }
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

/// The same of what a program printed: the name of a secret and its value may have colours inside.
#[must_use]
pub fn mask_printed(text: &str) -> String {
    let plain = plain(text.as_bytes());
    let Ok(bare) = std::str::from_utf8(&plain.bytes) else { return mask(text) };
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for Credential { at, .. } in find(bare) {
        let (start, end) = plain.span(at.start, at.end);
        out.push_str(text.get(from..start).unwrap_or_default());
        out.push_str(HIDDEN);
        from = end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// Words that say so as a part of a name, whatever stands before them: `SSHPASS`, `PGPASSWORD`, `AUTHTOKEN`.
const ENDS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "contrasena",
    "contraseña",
    "secret",
    "token",
    "credential",
    "apikey",
    "pwd",
    "pass",
];
/// Words that say so where they are a part of their own: `API_KEY`, `REDISCLI_AUTH`, `SENTRY_DSN`.
const PARTS: [&str; 9] = ["clave", "auth", "dsn", "cookie", "bearer", "pat", "key", "pw", "passcode"];
/// The working directories of a shell.
const FOLDERS: [&str; 3] = ["PWD", "OLDPWD", "pwd"];
/// Words that end like one and are none.
const NONE: [&str; 7] = ["bypass", "compass", "surpass", "trespass", "overpass", "underpass", "cwdpwd"];
/// What makes a key one that everybody may know.
const KNOWN: [&str; 10] = ["public", "pub", "primary", "foreign", "sort", "cache", "partition", "index", "host", "hot"];
/// Where a secret lies, what it is called, how long it lasts, whether there is one: none of these is one.
const ABOUT: [&str; 34] = [
    "file", "files", "path", "dir", "name", "names", "url", "uri", "id", "ids", "ttl", "count", "length", "len",
    "size", "host", "user", "username", "port", "type", "mode", "enabled", "required", "expiry", "expires", "age",
    "sock", "socket", "method", "policy", "backend", "field", "header", "domain",
];

/// The parts of a name, in small letters: `MYSQL_PWD`, `X-Api-Key`, `dbPassword`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            parts.push(String::new());
        }
        if c.is_alphanumeric() {
            parts.last_mut().into_iter().for_each(|p| p.extend(c.to_lowercase()));
        }
        before = c;
    }
    parts.retain(|p| !p.is_empty());
    parts
}

/// Does the name of a variable say that its value is secret? It is read part by part.
#[must_use]
pub fn named_secret(name: &str) -> bool {
    let parts = parts(name);
    if FOLDERS.contains(&name) || parts.last().is_none_or(|p| ABOUT.contains(&p.as_str())) {
        return false;
    }
    let known = parts.iter().any(|p| KNOWN.contains(&p.as_str()));
    // What follows a weak word says that the name is about something else: `session_key__gt`, `auth_backend`.
    let last = parts.iter().rposition(|p| !p.chars().all(|c| c.is_ascii_digit())).unwrap_or(0);
    parts.iter().enumerate().any(|(at, part)| {
        let one = part.strip_suffix('s').filter(|p| !p.ends_with('s')).unwrap_or(part);
        let ends = ENDS.iter().any(|w| part.ends_with(w) || one.ends_with(w));
        let own = PARTS.contains(&part.as_str()) || (one != "key" && PARTS.contains(&one));
        (ends && !NONE.contains(&part.as_str())) || (own && at == last && !(part == "key" && known))
    })
}

/// Is it a word of a sentence, or of a table, and not the name of a field? "key: 5 rows", "auth=off", "pass 2".
fn is_prose(name: &str, text: &str, end: usize) -> bool {
    let weak = ["key", "keys", "auth", "pat", "pass", "token", "tokens", "cookie", "pw"]
        .contains(&name.to_lowercase().as_str());
    let colon =
        text.get(end..).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ', '\t', '\\']).starts_with(':'));
    let quoted = text.get(..name_start(text, name, end)).is_some_and(|before| before.ends_with(['"', '\'']));
    let small = name.chars().all(|c| !c.is_uppercase());
    let very = ["key", "keys", "auth", "pat", "pass", "pw"].contains(&name.to_lowercase().as_str());
    weak && !quoted && (colon || (very && small))
}

fn name_start(text: &str, name: &str, end: usize) -> usize {
    debug_assert!(text.is_char_boundary(end), "a name ends where a letter does");
    end.saturating_sub(name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_assignments_without_a_blank_takes_no_longer_than_its_length() {
        let line = "regex:slow=[0-9]+".repeat(12_000) + "DB_PASS=hunter2 x";
        assert!(mask(&line).ends_with("DB_PASS=••• x"));
        let secrets = "token=\"a\"".repeat(12_000);
        assert_eq!(find(&secrets).len(), 12_000);
    }

    #[test]
    fn what_is_secret_by_name_place_or_form_is_hidden() {
        let cases = [
            ("sh -c 'TOKEN=abc true'", "sh -c 'TOKEN=••• true'"),
            ("PASSWORD=hunter2", "PASSWORD=•••"),
            ("entra con pwd=zanahoria44", "entra con pwd=•••"),
            ("DB_PASS hunter2hunter2 va", "DB_PASS ••• va"),
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
            ("MYSQL_PWD=conejo mysql", "MYSQL_PWD=••• mysql"),
            ("DB_PASS='a b' SSHPASS=x1 CLAVE=conejo", "DB_PASS='•••' SSHPASS=••• CLAVE=•••"),
            ("REDISCLI_AUTH=abc SENTRY_DSN=https://k@h/1", "REDISCLI_AUTH=••• SENTRY_DSN=•••"),
            ("DATABASE_URL=mysql://u:hunter2@db/app", "DATABASE_URL=mysql://u:•••@db/app"),
            ("dbPassword=x1 githubPat=y2 apiKey=z3", "dbPassword=••• githubPat=••• apiKey=•••"),
            ("CREATE USER a@b IDENTIFIED BY 'p w'", "CREATE USER a@b IDENTIFIED BY '•••'"),
            ("alter user x identified with native as \"h1\"", "alter user x identified with native as \"•••\""),
            ("SET PASSWORD FOR 'a'@'%' = PASSWORD('x y')", "SET PASSWORD FOR 'a'@'%' = PASSWORD('•••')"),
            ("SET PASSWORD='y1'", "SET PASSWORD='•••'"),
            ("ALTER ROLE cabina WITH LOGIN PASSWORD 'abc'", "ALTER ROLE cabina WITH LOGIN PASSWORD '•••'"),
            ("redis-cli -h r -a conejo ping", "redis-cli -h r -a ••• ping"),
            ("docker login -u me -p conejo reg", "docker login -u me -p ••• reg"),
            ("htpasswd -b /etc/x ana conejo", "htpasswd -b /etc/x ana •••"),
            ("htpasswd -nbB ana conejo", "htpasswd -nbB ana •••"),
            ("openssl enc -aes-256-cbc -pass pass:conejo -in f", "openssl enc -aes-256-cbc -pass pass:••• -in f"),
            ("echo 'ana:conejo' | chpasswd", "echo 'ana:•••' | chpasswd"),
            ("echo ana:conejo | sudo chpasswd", "echo ana:••• | sudo chpasswd"),
            ("echo conejo | sudo -S systemctl x", "echo ••• | sudo -S systemctl x"),
            ("echo 'co nejo' | sudo -u x -kS id", "echo '•••' | sudo -u x -kS id"),
            ("db.local:5432:app:ana:conejo", "db.local:5432:app:ana:•••"),
            ("*:*:*:ana:conejo", "*:*:*:ana:•••"),
            ("curl -b sessionid=abc123def https://h", "curl -b sessionid=••• https://h"),
            ("Cookie: a=b; sessionid=x", "Cookie: •••"),
            ("git clone https://a1b2c3d4e5@git.local/x", "git clone https://•••@git.local/x"),
            ("{\"password\": \"a\\\"b\"}", "{\"password\": \"•••\"}"),
            (
                "\"{\\\"password\\\": \\\"conejo\\\", \\\"n\\\": 1}\"",
                "\"{\\\"password\\\": \\\"•••\\\", \\\"n\\\": 1}\"",
            ),
            ("la clave es c0nejo, dijo", "la clave es •••, dijo"),
            ("la contraseña de ana es «conejo»", "la contraseña de ana es «•••»"),
            ("X-Api-Key: abcdef", "X-Api-Key: •••"),
            ("curl -H 'X-Auth-Token: abcdef' h", "curl -H 'X-Auth-Token: •••' h"),
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
            "Password: ",
            "Password:\nlast login 10:20",
            "la clave es reiniciar antes el servicio",
            "la contraseña es incorrecta",
            "key: 5 rows, auth=off, pass 2 of 3",
            "MONKEY=3 KEYBOARD=es BYPASS=1 COMPASS=n PATH=/bin PATTERN=x AUTHOR=ana",
            "PRIMARY_KEY=id SSH_PUBLIC_KEY=abc AWS_ACCESS_KEY_ID=x SSH_AUTH_SOCK=/tmp/x",
            "ssh ana@db.local; psql postgres://cabina@db/app; curl https://jlopez@h/x",
            "src/main.rs:1234:5:error: no",
            "2001:4860:4860:0:0:0:0:8888",
            "echo hello | sudo tee /etc/x",
            "PWD=/srv/app OLDPWD=/",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
