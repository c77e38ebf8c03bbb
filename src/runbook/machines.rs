//! The machines that a block reaches from here.

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
    fn the_machine_that_is_meant_is_named() {
        assert_eq!(machines("ssh lb1 uptime && ssh -p 22 ana@db1 'x'"), ["lb1", "db1"]);
        assert_eq!(machines("X=\"$(ssh -o BatchMode=yes iact-blue readlink x)\""), ["iact-blue"]);
        assert_eq!(machines("echo no\n# ssh lb1"), Vec::<String>::new());
    }
}
