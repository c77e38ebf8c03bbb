//! How dangerous a block is, by what its commands say. When in doubt it changes something.

use std::sync::LazyLock;

use regex::Regex;

/// Commands that take data away: what was written since is gone, whatever is done afterwards.
static DESTROYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?im)(?:\bDROP\s+(?:TABLE|DATABASE|SCHEMA|COLUMN)\b|\bTRUNCATE\s+(?:TABLE\s+)?[`\w.]+|\bDELETE\s+FROM\b",
        r"|\bREPLACE\s+INTO\b",
        // A dump that is read into a server replaces what is there.
        r"|\b(?:mysql|mariadb|psql)\b[^\n|;&<]*<\s*[^<\s(&]|\|\s*(?:sudo\s+)?(?:mysql|mariadb|psql)\b",
        r"|\bpg_restore\b|\bmysqlbinlog\b[^\n]*\|\s*mysql|\bmanage\.py\s+(?:flush|sqlflush|reset_db)\b",
        // Migrations that go back: an application and a number, or zero.
        r"|\bmanage\.py\s+migrate\s+\S+\s+(?:zero|\d{4}|\$\{?\w*MIGRATION\w*)",
        r"|\brm\s+-\w*[rR]\w*\s+\S*(?:/var/lib|/data|mysql|postgres|backup)|\bmkfs\b|\bdd\b[^\n]*\bof=/dev/)",
    ))
    .ok()
});

/// Does it destroy data?
#[must_use]
pub fn destroys(text: &str) -> bool {
    let bare: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with('#')).collect();
    DESTROYS.as_ref().is_some_and(|r| r.is_match(&bare.join("\n")))
}

/// The machines that its commands are run on by ssh.
#[must_use]
pub fn machines(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.lines().filter(|l| !l.trim_start().starts_with('#')) {
        let words: Vec<&str> = line
            .split(|c: char| c.is_whitespace() || matches!(c, '(' | ';' | '|' | '&' | '`' | '"'))
            .filter(|w| !w.is_empty())
            .collect();
        for (at, _) in words.iter().enumerate().filter(|(_, w)| matches!(**w, "ssh" | "$(ssh" | "/usr/bin/ssh")) {
            let mut rest = words.iter().skip(at + 1);
            let host = loop {
                match rest.next() {
                    // Options that take a word after them (`man ssh`).
                    Some(w) if w.len() == 2 && w.starts_with('-') && OPTIONS.contains(*w) => drop(rest.next()),
                    Some(w) if w.starts_with('-') => {}
                    other => break other,
                }
            };
            let Some(host) = host.map(|h| h.rsplit('@').next().unwrap_or(h).trim_matches(['\'', '"'])) else {
                continue;
            };
            if !host.is_empty() && !found.iter().any(|f| f == host) {
                found.push(host.to_owned());
            }
        }
    }
    found
}

/// Options of ssh that a word follows.
const OPTIONS: &str = "-b-c-D-E-e-F-I-i-J-L-l-m-O-o-p-Q-R-S-W-w";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_data_away_is_known() {
        for text in [
            "mysql iact -e 'DROP TABLE x'",
            "gunzip -c d.sql.gz | mysql iact_production",
            "mysql iact < /backup/dump.sql",
            "DELETE FROM django_session WHERE expire_date < NOW()",
            "sudo -u iact ./manage.py migrate calls 0007 --noinput",
            "manage.py migrate ${APP} ${OLD_MIGRATION}",
            "rm -rf /var/lib/mysql/*",
        ] {
            assert!(destroys(text), "{text}");
        }
        for text in [
            "mysql -e 'SELECT 1'",
            "python manage.py migrate --noinput",
            "# DROP TABLE x",
            "mysqldump iact | gzip > x",
            "mysql iact <<'SQL'\nSELECT 1;\nSQL",
            "systemctl restart gunicorn",
            "rm -f /tmp/x",
        ] {
            assert!(!destroys(text), "{text}");
        }
    }

    #[test]
    fn the_machine_that_is_meant_is_named() {
        assert_eq!(machines("ssh lb1 uptime && ssh -p 22 ana@db1 'x'"), ["lb1", "db1"]);
        assert_eq!(machines("X=\"$(ssh -o BatchMode=yes iact-blue readlink x)\""), ["iact-blue"]);
        assert_eq!(machines("echo no\n# ssh lb1"), Vec::<String>::new());
    }
}
