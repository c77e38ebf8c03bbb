//! What a block of code is: commands, with their prompts and their output told apart; or something to look at.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::runbook::Command;

/// Words after three backticks that name a shell.
const SHELLS: [&str; 8] = ["bash", "sh", "shell", "zsh", "ksh", "fish", "dash", "ash"];
/// … that name a session at one: prompts and output together.
const SESSIONS: [&str; 9] = [
    "console",
    "shell-session",
    "shellsession",
    "sh-session",
    "bash-session",
    "terminal",
    "command",
    "cmd",
    "zsh-session",
];
/// … that name a language of queries.
const QUERIES: [&str; 8] = ["sql", "mysql", "mariadb", "psql", "pgsql", "postgresql", "postgres", "sqlite"];
/// What an engineer's line begins with, where the fence does not say what it is. No word that a sentence begins with.
const PROGRAMS: [&str; 118] = [
    "alembic",
    "amtool",
    "ansible",
    "ansible-playbook",
    "apt",
    "apt-get",
    "argocd",
    "aws",
    "awk",
    "az",
    "base64",
    "brew",
    "bundle",
    "cargo",
    "cat",
    "cd",
    "celery",
    "ceph",
    "certbot",
    "chmod",
    "chown",
    "cloud-platform",
    "cp",
    "crictl",
    "crontab",
    "curl",
    "cut",
    "df",
    "dig",
    "dmesg",
    "docker",
    "docker-compose",
    "du",
    "echo",
    "eksctl",
    "etcdctl",
    "export",
    "gcloud",
    "gh",
    "git",
    "gitlab-ctl",
    "gitlab-rake",
    "grep",
    "gunicorn",
    "gunzip",
    "gzip",
    "head",
    "helm",
    "helmfile",
    "htop",
    "ip",
    "iostat",
    "iotop",
    "iptables",
    "jq",
    "journalctl",
    "kill",
    "killall",
    "knife",
    "kubectl",
    "kubectx",
    "kubens",
    "ln",
    "ls",
    "lsof",
    "make",
    "mariadb",
    "mkdir",
    "mongo",
    "mount",
    "mv",
    "mysql",
    "mysqladmin",
    "mysqldump",
    "nc",
    "netstat",
    "nginx",
    "npm",
    "npx",
    "nslookup",
    "oc",
    "openssl",
    "pg_dump",
    "pg_restore",
    "php",
    "pip",
    "pip3",
    "pkill",
    "podman",
    "promtool",
    "ps",
    "psql",
    "pushd",
    "python",
    "python3",
    "rabbitmqctl",
    "rails",
    "rake",
    "redis-cli",
    "rm",
    "rsync",
    "scp",
    "sed",
    "service",
    "ssh",
    "ss",
    "sudo",
    "supervisorctl",
    "systemctl",
    "tail",
    "tar",
    "tee",
    "terraform",
    "top",
    "touch",
    "velero",
    "virtctl",
    "wget",
];

/// A prompt of a shell, of a shell on another machine, or of a database.
static PROMPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:\[?[\w.-]+@[\w.:-]+[^\]$#>]*\]?\s*[$#]|(?:sh|bash)-[\d.]+[$#]|\$|❯|➜)\s+(.*)$").ok()
});
static DATABASE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:mysql|sqlite|MariaDB \[[^\]]*\]|[\w-]+=[#>*]|postgres[=-][#>])(?:>)?\s+(.*)$").ok()
});
/// A line of a table of jobs: five fields of time, then what is run.
static JOB: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:@\w+|[\d*/,-]+\s+[\d*/,-]+\s+[\d*/,A-Za-z-]+\s+[\d*/,A-Za-z-]+\s+[\d*/,A-Za-z-]+)\s+\S").ok()
});

/// What a block of code is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It can be run.
    Run(Command),
    /// It is to be looked at.
    Look,
}

fn word(info: &str) -> String {
    let first = info
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | ':'))
        .find(|w| !w.is_empty())
        .unwrap_or_default();
    first.trim_matches(|c: char| matches!(c, '.' | '}' | '=')).to_lowercase()
}

fn captured<'a>(regex: &LazyLock<Option<Regex>>, line: &'a str) -> Option<&'a str> {
    // To find groups costs more than to look, and most lines are no prompt.
    regex.as_ref().filter(|r| r.is_match(line))?.captures(line)?.get(1).map(|m| m.as_str())
}

/// Does the shell of a run read a block with this word? Nothing said means yes; `fish` and `cmd` have a grammar of their
/// own.
#[must_use]
pub fn is_shell(word: &str) -> bool {
    let word = word.to_lowercase();
    let known = SHELLS.contains(&word.as_str()) || SESSIONS.contains(&word.as_str());
    word.is_empty() || known && !matches!(word.as_str(), "fish" | "cmd")
}

/// Tells what a block is, by its word and by what stands in it.
pub(super) fn meaning(info: &str, text: &str, line: usize) -> Meaning {
    let word = word(info);
    let named = SHELLS.contains(&word.as_str());
    let session = SESSIONS.contains(&word.as_str());
    let query = QUERIES.contains(&word.as_str());
    let lines: Vec<&str> = text.lines().collect();
    let says = |l: &&str| !l.trim().is_empty() && !l.trim_start().starts_with('#');
    // A line that is to be compared is no line that is run.
    let significant: Vec<&str> = lines.iter().copied().filter(says).collect();
    // Few blocks have what a prompt ends with at all.
    let may = |marks: &[&str]| marks.iter().any(|m| text.contains(m));
    let prompted = may(&["$ ", "# ", "❯ ", "➜ "]) && lines.iter().any(|l| captured(&PROMPT, l).is_some());
    let at_database = may(&["> ", "=# ", "=* ", "-# "]) && lines.iter().any(|l| captured(&DATABASE, l).is_some());
    if prompted && (session || !named || significant.first().is_some_and(|l| captured(&PROMPT, l).is_some())) {
        return spoken(&lines, &PROMPT, if named { &word } else { "bash" }, line);
    }
    if at_database && !named {
        return spoken(&lines, &DATABASE, "sql", line);
    }
    if query {
        let says = lines.iter().any(|l| !l.trim().is_empty() && !l.trim_start().starts_with("--"));
        return if says { run("sql", text, line) } else { Meaning::Look };
    }
    if session {
        return rooted(&lines, line);
    }
    let Some(first) = significant.first() else { return Meaning::Look };
    if named {
        let timed = first.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '*' | '@'));
        let jobs = timed && significant.iter().all(|l| JOB.as_ref().is_some_and(|job| job.is_match(l)));
        return if jobs || is_settings(&significant) { Meaning::Look } else { run(&word, text, line) };
    }
    // Nothing says what it is, or something that is wrong: its own first line does.
    let unnamed = word.is_empty();
    if (unnamed && begins_as_command(first))
        || (!unnamed && strange(&word) && begins_as_command(first) && !first.contains(": "))
    {
        return run("bash", text, line);
    }
    if unnamed && significant.iter().all(|l| is_query(l)) {
        return run("sql", text, line);
    }
    Meaning::Look
}

fn run(shell: &str, text: &str, line: usize) -> Meaning {
    Meaning::Run(Command { shell: shell.to_owned(), text: text.trim_end().to_owned(), line, ..Command::default() })
}

/// Words that stand over commands by mistake; over `text` and `output` stands output.
fn strange(word: &str) -> bool {
    matches!(
        word,
        "yaml"
            | "yml"
            | "ruby"
            | "python"
            | "dockerfile"
            | "properties"
            | "ini"
            | "conf"
            | "makefile"
            | "code"
            | "plaintext"
            | "lenguaje"
    )
}

/// `[section]` and then `name = value`: a file of settings, where `[comando]` alone is to be filled in.
fn is_settings(lines: &[&str]) -> bool {
    let is_section = |l: &&&str| l.trim().starts_with('[') && l.trim().ends_with(']') && !l.trim().contains(' ');
    let sets = |l: &&str| l.split_once(" = ").is_some_and(|(name, _)| !name.trim().contains(' '));
    lines.first().as_ref().is_some_and(is_section) && lines.iter().skip(1).any(sets)
}

fn is_query(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    ["SELECT", "SHOW", "EXPLAIN", "UPDATE", "DELETE", "INSERT", "ALTER", "KILL", "ANALYZE", "USE"].contains(&first)
        && (line.trim_end().ends_with(';') || line.contains(" FROM "))
}

/// Does a line begin with something that is run?
pub(super) fn begins_as_command(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|w| {
        let name = w.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    });
    let Some(first) = words.next() else { return line.contains("=$(") };
    let next = words.next();
    PROGRAMS.contains(&first) && next.is_none_or(|n| !n.starts_with(':'))
        || (first.starts_with("./") && first.len() > 2)
        || (first.starts_with('/') && ["/bin/", "/sbin/", "/usr/", "/opt/"].iter().any(|p| first.starts_with(p)))
}

/// The commands of a session: what stands behind prompts, and what goes on from there.
fn spoken(lines: &[&str], prompt: &LazyLock<Option<Regex>>, shell: &str, line: usize) -> Meaning {
    let mut out: Vec<String> = Vec::new();
    let mut first = None;
    let mut rest = Rest::default();
    for (i, text) in lines.iter().enumerate() {
        if rest.open() {
            let text = text.strip_prefix("> ").unwrap_or(text);
            rest.take(text);
            out.push(text.to_owned());
        } else if let Some(command) = captured(prompt, text) {
            first.get_or_insert(line + i);
            rest.take(command);
            if shell == "sql" && !command.trim_end().ends_with(';') && !command.starts_with('\\') {
                rest.statement = true;
            }
            out.push(command.to_owned());
        }
    }
    match first {
        Some(line) => run(shell, &out.join("\n"), line),
        None => Meaning::Look,
    }
}

/// A session without a prompt that anybody would take for one: `# ` may be root's.
fn rooted(lines: &[&str], line: usize) -> Meaning {
    let root = |l: &str| l.strip_prefix("# ").filter(|rest| begins_as_command(rest)).map(str::to_owned);
    let commands: Vec<(usize, String)> = lines.iter().enumerate().filter_map(|(i, l)| Some((i, root(l)?))).collect();
    if let Some((first, _)) = commands.first() {
        let text: Vec<String> = commands.iter().map(|(_, c)| c.clone()).collect();
        return run("bash", &text.join("\n"), line + first);
    }
    let significant = lines.iter().find(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'));
    if significant.is_some_and(|l| begins_as_command(l)) { run("bash", &lines.join("\n"), line) } else { Meaning::Look }
}

/// Whether a command goes on in the next line.
#[derive(Default)]
struct Rest {
    backslash: bool,
    quote: Option<char>,
    document: Option<String>,
    statement: bool,
}

impl Rest {
    fn open(&self) -> bool {
        self.backslash || self.quote.is_some() || self.document.is_some() || self.statement
    }

    fn take(&mut self, line: &str) {
        if let Some(end) = &self.document {
            if line.trim() == end {
                self.document = None;
            }
            return;
        }
        if self.statement {
            self.statement = !line.trim_end().ends_with(';');
            return;
        }
        self.backslash = line.ends_with('\\');
        let mut escaped = false;
        for c in line.chars() {
            match (self.quote, c) {
                _ if escaped => escaped = false,
                (Some('\''), '\'') | (Some('"'), '"') => self.quote = None,
                (None | Some('"'), '\\') => escaped = true,
                (None, '\'' | '"') => self.quote = Some(c),
                _ => {}
            }
        }
        if self.quote.is_none()
            && let Some((_, after)) = line.split_once("<<").filter(|(_, a)| !a.starts_with('<'))
        {
            let word: String = after
                .trim_start_matches(['-', '~', ' ', '\'', '"'])
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            self.document = Some(word).filter(|w| !w.is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(info: &str, text: &str) -> Option<(String, String, usize)> {
        match meaning(info, text, 10) {
            Meaning::Run(c) => Some((c.shell, c.text, c.line)),
            Meaning::Look => None,
        }
    }

    #[test]
    fn prompts_and_output_are_told_apart() {
        let session = "Log in first:\n$ kubectl get pods\nNAME   READY\napi-1  1/1\n$ cat <<EOF\nhi\nEOF\nhi\n$ ls \\\n  -l\ntotal 0";
        assert_eq!(
            text("console", session),
            Some(("bash".into(), "kubectl get pods\ncat <<EOF\nhi\nEOF\nls \\\n  -l".into(), 11))
        );
        assert_eq!(
            text("", "[root@db1 ~]# systemctl status mysql\n● mysql"),
            Some(("bash".into(), "systemctl status mysql".into(), 10))
        );
        assert_eq!(
            text("ruby", "$ gitlab-rake cache:clear\ndone").map(|t| t.1),
            Some("gitlab-rake cache:clear".into())
        );
        assert_eq!(
            text("", "gitlabhq_production=# select 1\n  from t;\n ?column?\n 1"),
            Some(("sql".into(), "select 1\n  from t;".into(), 10))
        );
        assert_eq!(text("console", "# systemctl restart x").map(|t| t.1), Some("systemctl restart x".into()));
    }

    #[test]
    fn what_is_to_be_looked_at_is_not_run() {
        for (info, body) in [
            ("bash", "# En VS Code: abre el panel\n# y espera"),
            ("sh", "*/5 * * * * /opt/x.sh\n0 3 * * 1 root y"),
            ("", "NAME   READY\napi-1  1/1"),
            ("json", "{\"a\": 1}"),
            ("yaml", "kind: Pod\nmetadata:"),
            ("text", "curl is not found"),
            ("", "Find the pod that fails"),
            ("sh", "[user]\nname = x"),
        ] {
            assert_eq!(text(info, body), None, "{info}: {body}");
        }
    }

    #[test]
    fn what_is_run_is_run_as_it_stands() {
        let doc = "cat > f <<'RC'\n# no heading\n\"quoted\nRC\necho done";
        assert_eq!(text("bash", doc), Some(("bash".into(), doc.into(), 10)));
        assert_eq!(text("", "DB=x sudo mysql -e 'select 1'").map(|t| t.0), Some("bash".into()));
        assert_eq!(text("yaml", "gh workflow run deploy.yml").map(|t| t.0), Some("bash".into()));
        assert_eq!(text("SQL", "SELECT 1;").map(|t| t.0), Some("sql".into()));
        assert_eq!(text("shell", "# first\nls").map(|t| (t.0, t.1)), Some(("shell".into(), "# first\nls".into())));
    }
}
