//! What credentials look like. A pattern is read and kept in memory only once a text holds its words: most texts hold
//! none of them, and all the patterns together with what a search leaves behind take twenty megabytes.

use std::sync::LazyLock;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::Regex;
use regex::RegexBuilder;

use super::Kind;

/// What a search may keep of the way it went. The default of two megabytes is for texts of megabytes.
const KEPT: usize = 128 * 1024;

/// A regular expression that is read when it is first wanted.
pub(super) struct Shape {
    source: String,
    read: OnceLock<Option<Regex>>,
}

impl Shape {
    fn new(source: impl Into<String>) -> Self {
        Self { source: source.into(), read: OnceLock::new() }
    }

    /// Every source can be read: a test holds them to it.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.read.get_or_init(|| RegexBuilder::new(&self.source).dfa_size_limit(KEPT).build().ok()).as_ref()
    }
}

/// Where a pattern can match at all: a text holds one of its words, in any case, and all of its signs.
struct Needs {
    words: u64,
    signs: &'static [&'static str],
}

impl Needs {
    fn new(words: &[&str], signs: &'static [&'static str]) -> Self {
        let bit = |word: &&str| WORDS.iter().position(|w| w == word).map_or(0, |at| 1 << at);
        Self { words: words.iter().map(bit).fold(0, |all, one| all | one), signs }
    }

    fn met(&self, text: &str, seen: u64) -> bool {
        seen & self.words != 0 && self.signs.iter().all(|s| text.contains(s))
    }
}

/// A pattern; its first group that took part is the value.
pub(super) struct Pattern {
    needs: Needs,
    pub(super) kind: Kind,
    pub(super) shape: Shape,
}

/// A name and what follows it. Only where the name is that of a secret its value is looked for: on a line of a hundred
/// thousand assignments without a blank each value would be all the rest of the line.
pub(super) struct Named {
    needs: Needs,
    /// The name, a group of that name, and what stands between it and its value.
    pub(super) head: Shape,
    /// The same and the value, from the beginning of the head on.
    pub(super) whole: Shape,
}

/// Words, in small letters, without which no credential is looked for. A bit of a number stands for each. The first are
/// what the names of secrets have in them.
const WORDS: [&str; 53] = [
    "pass",
    "pwd",
    "pw",
    "clave",
    "contrase",
    "secret",
    "token",
    "auth",
    "dsn",
    "credential",
    "cookie",
    "bearer",
    "pat",
    "key",
    "identified",
    "redis-cli",
    "valkey-cli",
    "login",
    "openssl",
    "sudo",
    "mysql",
    "mariadb",
    "curl",
    "wget",
    "http",
    "://",
    "sessionid",
    "session_id",
    "csrftoken",
    "sessid",
    "connect.sid",
    "akia",
    "asia",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxa-",
    "xoxb-",
    "xoxp-",
    "xoxr-",
    "xoxs-",
    "sk_",
    "rk_",
    "aiza",
    "npm_",
    "hvs.",
    "eyj",
    "private key",
    "machine",
];
/// How many of them are in names.
const NAMES: usize = 14;
/// The bit of a text that may be a line of `~/.pgpass`: no word says so, but colons.
const COLONS: u64 = 1 << WORDS.len();

static FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(WORDS).ok());

/// The words that a text holds.
pub(super) fn seen(text: &str) -> u64 {
    let colons = if text.bytes().filter(|b| *b == b':').nth(3).is_some() { COLONS } else { 0 };
    let Some(finder) = FINDER.as_ref() else { return u64::MAX };
    // Most texts hold none, and to look for the first is quicker than to look for all.
    if !finder.is_match(text) {
        return colons;
    }
    finder.find_overlapping_iter(text).fold(colons, |all, found| all | 1 << found.pattern().as_u32())
}

/// The patterns by name that can match in a text.
pub(super) fn named(text: &str, seen: u64) -> impl Iterator<Item = &'static Named> {
    NAMED.iter().filter(move |named| named.needs.met(text, seen))
}

/// The other patterns that can match in a text.
pub(super) fn patterns(text: &str, seen: u64) -> impl Iterator<Item = &'static Pattern> {
    PATTERNS.iter().filter(move |pattern| pattern.needs.met(text, seen))
}

/// A word of a shell, quoted or not.
const WORD: &str = r#"(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"'`;&|)<>]+))"#;
/// What stands between a program and its option, on one line and in one command.
const UP_TO: &str = r"\b[^\n|;&]*?\s";

static NAMED: LazyLock<Vec<Named>> = LazyLock::new(|| {
    // The name of a variable, a header, a field.
    const NAME: &str = r"(?P<name>[\p{L}_][\p{L}\d_.-]*)";
    let colon = format!(r#"["']?{NAME}["']?[ \t]*:[ \t]*"#);
    let sources: [(&[&str], String, &str); 8] = [
        // An assignment takes anything.
        (&["="], format!("{NAME}="), WORD),
        // A field of JSON, as it is and inside of a string; what is escaped in its value belongs to it.
        (&["\"", ":"], format!(r#""{NAME}"\s*:\s*"#), r#""((?:[^"\\\n]|\\.)+)""#),
        (&["\\\"", ":"], format!(r#"\\"{NAME}\\"\s*:\s*"#), r#"\\"((?:[^"\\\n]|\\\\(?:\\"|[^"]))+)\\""#),
        (&[":"], colon.clone(), r#"(?:"([^"\n]+)"|'([^'\n]+)')"#),
        // After a colon prose goes on: a value there has a digit in it …
        (&[":"], colon, r#"([^\s"'`,;&|)<>]*\d[^\s"'`,;&|)<>]*)"#),
        // … but for a header, whose name no prose has.
        (&["-", ":"], r"(?P<name>[A-Za-z]+(?:-[A-Za-z]+)+)[ \t]*:[ \t]*".to_owned(), r#"([^\s"'`,;&|)<>]+)"#),
        (&["--"], format!(r"--{NAME}\s+"), WORD),
        // A name that is no word of a sentence needs no sign: `DB_PASS hunter2`.
        (
            &["_"],
            r"\b(?P<name>[A-Z][A-Z\d]*(?:_[A-Z\d]+)+)[ \t]+".to_owned(),
            r#"([^\s"'`,;&|)<>]{5,}\d[^\s"'`,;&|)<>]*|[^\s"'`,;&|)<>]*\d[^\s"'`,;&|)<>]{5,})"#,
        ),
    ];
    let made = |(signs, head, value): (&'static [&'static str], String, &str)| Named {
        needs: Needs::new(&WORDS[..NAMES], signs),
        whole: Shape::new(format!(r"\A{head}{value}")),
        head: Shape::new(head),
    };
    sources.into_iter().map(made).collect()
});

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let sql = r#"(?:'([^'\n]+)'|"([^"\n]+)")"#;
    let others: [(&[&str], &[&str], Kind, String); 30] = [
        (&["://"], &["@"], Kind::Url, r#"(?i)\b[a-z][a-z0-9+.-]*://[^\s:/@"']*:([^\s/@"']+)@"#.to_owned()),
        // A token in the place of a user: nobody is called so.
        (&["://"], &["@"], Kind::Url, r#"(?i)\bhttps?://([^\s:/@"']{16,}|[^\s:/@"'\d]*\d[^\s:/@"']{7,}|[^\s:/@"'\d]{4,}\d[^\s:/@"']{3,})@"#.to_owned()),
        (&["auth"], &[], Kind::Header, r#"(?i)\bauthorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|digest|apikey)\s+)?([^\s"']+)"#.to_owned()),
        (&["cookie"], &[":"], Kind::Header, r#"(?i)\b(?:set-)?cookie["']?[ \t]*:[ \t]*["']?([^\s"'][^"'\n]*)"#.to_owned()),
        (&["bearer"], &[], Kind::Header, r"\b[Bb]earer\s+([\w+/=.~-]{16,})".to_owned()),
        (&["sessionid", "session_id", "csrftoken", "sessid", "connect.sid"], &[], Kind::Named, r#"(?i)\b(?:sessionid|session_id|csrftoken|jsessionid|phpsessid|connect\.sid)["']?[=:][ \t]*["']?([\w%.~+/-]{6,})"#.to_owned()),
        (&["mysql", "mariadb", "pass"], &["-p"], Kind::Flag, format!(r#"\b(?:mysql|mysqldump|mysqladmin|mysqlcheck|mysqlimport|mariadb|mariadb-dump|mariadb-admin|mariadb-check|sshpass){UP_TO}-p["']?([^\s"']+)"#)),
        (&["pass"], &["sshpass", "-p"], Kind::Flag, format!(r"\bsshpass\s+-p\s+{WORD}")),
        (&["curl", "wget", "http"], &["-", ":"], Kind::Flag, format!(r#"\b(?:curl|wget|http){UP_TO}(?:-u|--user|--proxy-user)[ =]?["']?[^\s:"']+:([^\s"']+)"#)),
        (&["redis-cli", "valkey-cli"], &["-"], Kind::Flag, format!(r"\b(?:redis-cli|valkey-cli){UP_TO}(?:-a|--pass)[ =]?{WORD}")),
        (&["login"], &["-"], Kind::Flag, format!(r"\b(?:docker|podman|buildah|skopeo|helm)\s+(?:registry\s+)?login{UP_TO}(?:-p|--password)[ =]?{WORD}")),
        (&["pass"], &["htpasswd"], Kind::Flag, format!(r"\bhtpasswd\s+(?:-\w+\s+)*-(?:\w*n\w*b\w*|\w*b\w*n\w*)\s+(?:-\w+\s+)*[^\s-]\S*\s+{WORD}")),
        (&["pass"], &["htpasswd"], Kind::Flag, format!(r"\bhtpasswd\s+(?:-\w+\s+)*-[a-mo-zA-Z\d]*b[a-mo-zA-Z\d]*\s+(?:-\w+\s+)*[^\s-]\S*\s+\S+\s+{WORD}")),
        (&["openssl"], &["pass:"], Kind::Flag, format!(r#"\bopenssl{UP_TO}["']?pass:([^\s"']+)"#)),
        (&["pass"], &["chpasswd", "|", ":"], Kind::Flag, r#"\b(?:echo|printf)\s+(?:-\w+\s+|["']%s(?:\\n)?["']\s+)*["']?[^\s:"'|]+:([^"'|\n]+?)["']?\s*\|\s*(?:sudo\s+(?:-\w+\s+)*)?chpasswd"#.to_owned()),
        (&["pass"], &["chpasswd", "<<<"], Kind::Flag, r#"\bchpasswd\b[^\n]*<<<\s*["']?[^\s:"']+:([^\s"']+)"#.to_owned()),
        (&["pass"], &["chpasswd", "<<"], Kind::Flag, r#"\bchpasswd\b[^\n]*<<-?\s*["']?\w+["']?\n\s*[^\s:]+:(\S+)"#.to_owned()),
        (&["sudo"], &["|", "-"], Kind::Flag, format!(r#"\b(?:echo|printf)\s+(?:-\w+\s+|["']%s(?:\\n)?["']\s+)*{WORD}\s*\|\s*sudo\s(?:[^\n|;&]*?\s)?(?:-\w*S|--stdin)\b"#)),
        (&["sudo"], &["<<<"], Kind::Flag, r#"\bsudo\s[^\n|;&]*?(?:-\w*S|--stdin)\b[^\n|;&]*<<<\s*["']?([^\s"']+)"#.to_owned()),
        // SQL of MySQL, MariaDB and PostgreSQL.
        (&["identified"], &[], Kind::Flag, format!(r"(?i)\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+)?{sql}")),
        (&["pass"], &["="], Kind::Flag, format!(r"(?i)\bset\s+password\b[^=\n;]*=\s*(?:(?:old_)?password\s*\(\s*)?{sql}")),
        (&["pass"], &[], Kind::Flag, format!(r"(?i)\b(?:user|role)\b[^\n;]*?\bpassword\s+{sql}")),
        // A line of ~/.pgpass (https://www.postgresql.org/docs/current/libpq-pgpass.html) or ~/.netrc.
        (&[], &[":"], Kind::Form, r#"(?m)(?:^|[\s"'])[\w.-]*[.g-zG-Z*][\w.*-]*:(?:\d{4,5}|\*):[\w.*-]+:[\w.*-]+:([^\s"']+)"#.to_owned()),
        (&["machine"], &[], Kind::Form, r"(?i)\bmachine\s+\S+\s+login\s+\S+\s+password\s+(\S+)".to_owned()),
        // Said in a sentence. "The key is to restart it" is a sentence too: what is a secret has a digit or a sign in it.
        (&["clave", "contrase", "pass"], &[], Kind::Named, r#"(?i)\b(?:claves?|contrase[ñn]as?|passwords?|passwd|pass|passphrase)\s+(?:(?:nueva|temporal|actual)\s+)?(?:de(?:l|\s+la)?\s+[\w@.-]+\s+|para\s+[\w@.-]+\s+|for\s+[\w@.-]+\s+|of\s+[\w@.-]+\s+)?(?:es|era|ser[aá]|is|was|=|:)\s*:?\s*(?:["'«“]([^"'»”\n]{3,})["'»”]|([^\s"',;]*[\d!@#$%^&*_+=][^\s"',;]*))"#.to_owned()),
        (&["akia", "asia"], &[], Kind::Form, r"\b((?:AKIA|ASIA)[0-9A-Z]{16})\b".to_owned()),
        (&["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"], &[], Kind::Form, r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,})".to_owned()),
        (&["sk_", "rk_", "aiza", "npm_", "hvs."], &[], Kind::Form, r"\b((?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|AIza[\w-]{35}|npm_[A-Za-z0-9]{30,}|hvs\.[\w-]{20,})".to_owned()),
        (&["eyj"], &[], Kind::Form, r"\b(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)".to_owned()),
        (&["private key"], &[], Kind::Form, r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)(?:-----END|\z)".to_owned()),
    ];
    let made = |(words, signs, kind, source): (&[&str], &'static [&'static str], Kind, String)| {
        // What no word tells of, colons do.
        let mut needs = Needs::new(words, signs);
        if words.is_empty() {
            needs.words = COLONS;
        }
        Pattern { needs, kind, shape: Shape::new(source) }
    };
    others.into_iter().map(made).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_can_be_read_and_every_word_is_one() {
        assert!(NAMED.iter().all(|n| n.head.regex().is_some() && n.whole.regex().is_some()));
        assert!(PATTERNS.iter().all(|p| p.shape.regex().is_some()), "a pattern cannot be read");
        let all = NAMED.iter().map(|n| n.needs.words).chain(PATTERNS.iter().map(|p| p.needs.words));
        assert_eq!(all.fold(0, |all, one| all | one), (COLONS << 1) - 1, "a word that nobody needs, or that is none");
    }
}
