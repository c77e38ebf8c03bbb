//! A block of shell, taken apart into the commands that it runs: through quotes, substitutions, pipes, here-documents,
//! and what stands before a command (`sudo`, `env`, `ssh host`, `bash -c`). Read so far as to know what is run, not to
//! run it; what cannot be told apart stays one word.

/// Commands that run another: how many words of their own they take before it is found by their options.
const BEFORE: [&str; 17] = [
    "sudo", "doas", "env", "nohup", "time", "nice", "ionice", "exec", "command", "builtin", "xargs", "timeout",
    "setsid", "stdbuf", "watch", "eval", "flock",
];
/// Words of the shell itself before a command.
const WORDS: [&str; 13] = ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "(", "time", "in", "coproc"];
/// Substitutions inside of each other are followed so far.
const DEEPEST: usize = 8;
/// Commands of one block.
const MOST: usize = 20_000;

/// One command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    /// Its words, without quotes; the first is its name, without a path.
    pub words: Vec<String>,
    /// Files that it writes to, and how: `>` or `>>`.
    pub writes: Vec<(String, bool)>,
    /// What it is given to read: here-documents, here-strings.
    pub given: String,
    /// It reads a file, or what the command before it in the pipe prints.
    pub fed: bool,
}

impl Simple {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Its words after the name.
    #[must_use]
    pub fn args(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Is one of these a word of it?
    #[must_use]
    pub fn has(&self, any: &[&str]) -> bool {
        self.args().iter().any(|a| any.contains(&a.as_str()))
    }

    /// Words that are no options.
    pub fn plain(&self) -> impl Iterator<Item = &str> {
        self.args().iter().map(String::as_str).filter(|a| !a.starts_with('-'))
    }
}

/// Every command that a block runs, in order; those of substitutions come before the one that they stand in.
#[must_use]
pub fn commands(text: &str) -> Vec<Simple> {
    let mut found = Vec::new();
    read(text, 0, &mut found);
    found
}

fn read(text: &str, depth: usize, found: &mut Vec<Simple>) {
    if depth > DEEPEST {
        return;
    }
    let mut reader =
        Reader { rest: text, depth, found, now: Simple::default(), word: None, waits: Vec::new(), piped: false };
    reader.all();
}

/// What the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Word,
    Write(bool),
    From,
    Here,
}

struct Reader<'a, 'f> {
    rest: &'a str,
    depth: usize,
    found: &'f mut Vec<Simple>,
    now: Simple,
    word: Option<String>,
    /// Ends of here-documents whose text begins on the next line.
    waits: Vec<String>,
    piped: bool,
}

impl Reader<'_, '_> {
    fn all(&mut self) {
        let mut next = Next::Word;
        while let Some(c) = self.rest.chars().next() {
            if self.found.len() > MOST {
                return;
            }
            match c {
                '\\' => {
                    self.skip(1);
                    match self.rest.chars().next() {
                        Some('\n') | None => self.skip(1),
                        Some(c) => {
                            self.push(c);
                            self.skip(c.len_utf8());
                        }
                    }
                }
                '\'' => {
                    let end = self.rest.get(1..).and_then(|r| r.find('\'')).map_or(self.rest.len(), |n| n + 1);
                    let inner = self.rest.get(1..end).unwrap_or_default().to_owned();
                    self.word.get_or_insert_default().push_str(&inner);
                    self.skip(end + 1);
                }
                '"' => self.double(),
                '`' => {
                    let end = self.rest.get(1..).and_then(|r| r.find('`')).map_or(self.rest.len(), |n| n + 1);
                    let inner = self.rest.get(1..end).unwrap_or_default().to_owned();
                    self.inside(&inner);
                    self.skip(end + 1);
                }
                '$' if self.rest.starts_with("$(") && !self.rest.starts_with("$((") => self.substitution(2),
                '<' | '>' if self.rest.get(1..2) == Some("(") => self.substitution(2),
                '#' if self.word.is_none() => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.skip(end);
                }
                ' ' | '\t' => {
                    self.ends_word(&mut next);
                    self.skip(1);
                }
                '\n' => {
                    self.ends_command(&mut next, false);
                    self.skip(1);
                    self.documents();
                }
                ';' | '&' | '|' | '(' | ')' => self.operator(c, &mut next),
                '<' | '>' => self.redirection(c, &mut next),
                c => {
                    self.push(c);
                    self.skip(c.len_utf8());
                }
            }
        }
        self.ends_command(&mut next, false);
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    /// What a substitution runs; the word keeps that there is one.
    fn inside(&mut self, text: &str) {
        read(text, self.depth + 1, self.found);
        self.word.get_or_insert_default().push_str("$()");
    }

    fn substitution(&mut self, opens: usize) {
        let inner = self.rest.get(opens..).unwrap_or_default();
        let end = closing(inner);
        let text = inner.get(..end).unwrap_or(inner).to_owned();
        self.inside(&text);
        self.skip(opens + end + 1);
    }

    fn double(&mut self) {
        self.word.get_or_insert_default();
        self.skip(1);
        while let Some(c) = self.rest.chars().next() {
            match c {
                '"' => {
                    self.skip(1);
                    return;
                }
                '\\' => {
                    self.skip(1);
                    if let Some(c) = self.rest.chars().next() {
                        self.push(c);
                        self.skip(c.len_utf8());
                    }
                }
                '$' if self.rest.starts_with("$(") && !self.rest.starts_with("$((") => self.substitution(2),
                '`' => {
                    let end = self.rest.get(1..).and_then(|r| r.find('`')).map_or(self.rest.len(), |n| n + 1);
                    let inner = self.rest.get(1..end).unwrap_or_default().to_owned();
                    self.inside(&inner);
                    self.skip(end + 1);
                }
                c => {
                    self.push(c);
                    self.skip(c.len_utf8());
                }
            }
        }
    }

    fn ends_word(&mut self, next: &mut Next) {
        let Some(word) = self.word.take() else { return };
        match std::mem::replace(next, Next::Word) {
            Next::Word => self.now.words.push(word),
            Next::Write(over) => self.now.writes.push((word, over)),
            Next::From => self.now.fed = true,
            Next::Here => {
                self.now.given.push_str(&word);
                self.now.given.push('\n');
            }
        }
    }

    fn ends_command(&mut self, next: &mut Next, pipes: bool) {
        self.ends_word(next);
        *next = Next::Word;
        let mut simple = std::mem::take(&mut self.now);
        simple.fed |= std::mem::replace(&mut self.piped, pipes);
        if !simple.words.is_empty() || !simple.writes.is_empty() {
            bare(simple, self.depth, self.found);
        }
    }

    fn operator(&mut self, c: char, next: &mut Next) {
        // `&>` and `2>&1` belong to redirections.
        if c == '&' && self.rest.get(1..2) == Some(">") {
            self.ends_word(next);
            *next = Next::Write(true);
            self.skip(if self.rest.starts_with("&>>") { 3 } else { 2 });
            return;
        }
        let double = self.rest.get(1..2).is_some_and(|n| n.starts_with(c)) && matches!(c, '&' | '|' | ';');
        self.ends_command(next, c == '|' && !double);
        self.skip(if double { 2 } else { 1 });
    }

    fn redirection(&mut self, c: char, next: &mut Next) {
        // A number before it is a descriptor, and no word.
        if self.word.as_ref().is_some_and(|w| !w.is_empty() && w.chars().all(|c| c.is_ascii_digit())) {
            self.word = None;
        }
        self.ends_word(next);
        let rest = self.rest;
        let (length, what) = match () {
            () if rest.starts_with("<<<") => (3, Some(Next::Here)),
            () if rest.starts_with("<<") => return self.document(),
            () if rest.starts_with(">&") || rest.starts_with("<&") => {
                // To another descriptor; to a file only where no number follows.
                let number = rest.get(2..).is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
                (if number { 3 } else { 2 }, (!number && c == '>').then_some(Next::Write(true)))
            }
            () if rest.starts_with(">>") => (2, Some(Next::Write(false))),
            () if rest.starts_with(">|") => (2, Some(Next::Write(true))),
            () if c == '>' => (1, Some(Next::Write(true))),
            () => (1, Some(Next::From)),
        };
        if let Some(what) = what {
            *next = what;
        }
        self.skip(length);
    }

    fn document(&mut self) {
        let after = self.rest.get(2..).unwrap_or_default();
        let after = after.strip_prefix('-').unwrap_or(after).trim_start_matches([' ', '\t']);
        let bare = after.trim_start_matches(['\'', '"', '\\']);
        let end: String = bare.chars().take_while(|c| !c.is_whitespace() && !"'\";|&()<>".contains(*c)).collect();
        let skipped = self.rest.len() - bare.len() + end.len();
        self.skip(skipped);
        if self.rest.starts_with(['\'', '"']) {
            self.skip(1);
        }
        if !end.is_empty() {
            self.waits.push(end);
        }
    }

    /// The texts of here-documents; they belong to the commands of the line before.
    fn documents(&mut self) {
        for end in std::mem::take(&mut self.waits) {
            let mut text = String::new();
            while !self.rest.is_empty() {
                let line_end = self.rest.find('\n').map_or(self.rest.len(), |n| n + 1);
                let line = self.rest.get(..line_end).unwrap_or_default().to_owned();
                self.skip(line_end);
                if line.trim() == end {
                    break;
                }
                text.push_str(&line);
            }
            if let Some(last) = self.found.last_mut() {
                last.given.push_str(&text);
                last.fed = true;
                let (name, depth) = (last.name().to_owned(), self.depth);
                if matches!(name.as_str(), "bash" | "sh" | "zsh" | "dash" | "ssh") {
                    read(&text, depth + 1, self.found);
                }
            }
        }
    }
}

/// Where a parenthesis closes that is open already.
fn closing(text: &str) -> usize {
    let (mut open, mut single, mut double, mut escaped) = (1usize, false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' if !single => escaped = true,
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '(' if !single => open += 1,
            ')' if !single => {
                open -= 1;
                if open == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// A command without what stands before it; what it runs itself is found too.
fn bare(mut simple: Simple, depth: usize, found: &mut Vec<Simple>) {
    // At most as many words as there are can stand before it.
    for _ in 0..=simple.words.len() {
        let Some(first) = simple.words.first().cloned() else { break };
        let name = first.rsplit('/').next().unwrap_or_default().to_owned();
        let assigns = first.split_once('=').is_some_and(|(n, _)| {
            !n.is_empty() && n.trim_end_matches('+').chars().all(|c| c.is_alphanumeric() || c == '_')
        });
        if WORDS.contains(&first.as_str()) || assigns {
            simple.words.remove(0);
        } else if BEFORE.contains(&name.as_str()) {
            simple.words.remove(0);
            options(&mut simple.words, &name);
        } else {
            *simple.words.first_mut().unwrap_or(&mut String::new()) = name;
            break;
        }
    }
    let inner = inner(&simple);
    if !simple.words.is_empty() || !simple.writes.is_empty() {
        found.push(simple);
    }
    if let Some(text) = inner {
        read(&text, depth + 1, found);
    }
}

/// Takes the options of a command that runs another away, with the words that belong to them.
fn options(words: &mut Vec<String>, name: &str) {
    let takes: &str = match name {
        "sudo" | "doas" => "ugpCDhRTUr",
        "env" => "uCS",
        "nice" | "watch" => "n",
        "ionice" => "cnp",
        "xargs" => "InLPdEs",
        "timeout" => "ks",
        "flock" => "wE",
        "stdbuf" => "ioe",
        _ => "",
    };
    while let Some(first) = words.first().cloned().filter(|w| w.starts_with('-') && w.len() > 1) {
        words.remove(0);
        if first == "--" {
            break;
        }
        let last = first.chars().last().unwrap_or(' ');
        if !first.starts_with("--") && first.len() == 2 && takes.contains(last) && !words.is_empty() {
            words.remove(0);
        }
    }
    // How long, or which lock.
    if matches!(name, "timeout" | "flock") && !words.is_empty() {
        words.remove(0);
    }
}

/// The commands that a command is given as a word: over ssh, in a container, by another shell.
fn inner(simple: &Simple) -> Option<String> {
    let args = simple.args();
    let after = |at: usize| args.get(at..).filter(|a| !a.is_empty()).map(|a| a.join(" "));
    match simple.name() {
        "bash" | "sh" | "zsh" | "dash" | "su" | "runuser" => {
            let at = args
                .iter()
                .position(|a| a == "-c" || a.starts_with('-') && !a.starts_with("--") && a.ends_with('c'))?;
            args.get(at + 1).cloned()
        }
        "ssh" => {
            let mut at = 0;
            while let Some(word) = args.get(at).filter(|a| a.starts_with('-')) {
                at += if word.len() == 2 && "bcDEeFIiJLlmOopQRSWw".contains(word.get(1..).unwrap_or(" ")) {
                    2
                } else {
                    1
                };
            }
            after(at + 1)
        }
        "docker" | "podman" | "kubectl" | "oc" | "nsenter" | "chroot" | "systemd-run" | "lxc" => {
            let runs = args.iter().position(|a| a == "exec" || a == "run" || a == "--");
            let dashes = args.iter().position(|a| a == "--");
            match (dashes, runs, simple.name()) {
                (Some(at), _, _) => after(at + 1),
                (None, Some(at), _) => {
                    let mut at = at + 1;
                    while let Some(word) = args.get(at).filter(|a| a.starts_with('-')) {
                        at += if word.len() == 2 && "uewn".contains(word.get(1..).unwrap_or(" ")) { 2 } else { 1 };
                    }
                    after(at + 1)
                }
                (None, None, "chroot") => after(1),
                _ => None,
            }
        }
        "find" => {
            let at = args.iter().position(|a| a == "-exec" || a == "-execdir" || a == "-ok")?;
            after(at + 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        commands(text).iter().map(|c| c.words.join(" ")).collect()
    }

    #[test]
    fn a_block_is_taken_apart() {
        let cases: [(&str, &[&str]); 16] = [
            ("a b; c && d || e | f", &["a b", "c", "d", "e", "f"]),
            ("sudo -u iact X=1 /usr/bin/rm -rf \"/a b\"", &["rm -rf /a b"]),
            ("X=$(mysql -e 'DROP TABLE x') cat", &["mysql -e DROP TABLE x", "cat"]),
            (
                "if ! systemctl is-active x; then systemctl restart x; fi",
                &["systemctl is-active x", "systemctl restart x", "fi"],
            ),
            (
                "ssh -p 22 ana@db1 'sudo systemctl stop mysql'",
                &["ssh -p 22 ana@db1 sudo systemctl stop mysql", "systemctl stop mysql"],
            ),
            ("bash -c \"rm -rf /x\"", &["bash -c rm -rf /x", "rm -rf /x"]),
            ("timeout 10 nice -n 5 rm x", &["rm x"]),
            ("echo a > /etc/x 2>&1 # rm y", &["echo a"]),
            (
                "docker exec -it db mysql -e 'DROP DATABASE x'",
                &["docker exec -it db mysql -e DROP DATABASE x", "mysql -e DROP DATABASE x"],
            ),
            ("kubectl exec pod -- rm -rf /data", &["kubectl exec pod -- rm -rf /data", "rm -rf /data"]),
            ("echo \"it's $(rm x) here\"", &["rm x", "echo it's $() here"]),
            ("find /x -name '*.log' -exec rm {} \\;", &["find /x -name *.log -exec rm {} ;", "rm {}"]),
            ("mysql app <<'SQL'\nDROP TABLE x;\nSQL\necho ok", &["mysql app", "echo ok"]),
            ("ssh h bash <<EOF\nrm -rf /y\nEOF", &["ssh h bash", "bash", "rm -rf /y"]),
            ("a \\\n  b\nc", &["a b", "c"]),
            ("find . -print0 | xargs -0 rm -f", &["find . -print0", "rm -f"]),
        ];
        for (text, wanted) in cases {
            assert_eq!(names(text), wanted, "{text}");
        }
        let all = commands("mysql app <<'SQL'\nDROP TABLE x;\nSQL");
        assert_eq!((all[0].given.as_str(), all[0].fed), ("DROP TABLE x;\n", true));
        let all = commands("zcat d.gz | mysql app; cat < f; echo x >> /a; echo y &> /b");
        assert!(all[1].fed && all[2].fed);
        assert_eq!(
            (all[3].writes[0].clone(), all[4].writes[0].clone()),
            (("/a".to_owned(), false), ("/b".to_owned(), true))
        );
    }

    #[test]
    fn rubbish_is_read_to_its_end() {
        for text in ["'", "\"", "$(", "`", "<<", "<<<", "a <<'E", "((((", ">", "|", "\\", "$($($($(", "ñ'é\"ü`"] {
            let _ = commands(text);
            let _ = commands(&text.repeat(200));
        }
    }
}
