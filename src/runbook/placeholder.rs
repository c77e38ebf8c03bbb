//! What somebody has to fill in before a command can run: `<pod>`, `[comando1]`, `XXX`, `{{ var }}`, `YYYYMMDD`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Something to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// As it stands in the text.
    pub text: String,
    /// Where it stands, in bytes.
    pub at: Range<usize>,
    /// It stands in a text that the command shows or sends, and may be meant as it is: `"[sudo] password: "`.
    pub literal: bool,
}

/// Of one form in one text; whoever has to fill in more has another problem.
const MOST: usize = 200;

static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // A word in angles: a shell would read it as a file to read from.
        r"<[\p{L}_][^<>\n|;&$=]{0,60}>",
        r"\{\{-?\s*[$\w][^{}\n]{0,60}\}\}",
        r"\{[\p{L}_][\w-]{1,40}\}",
        r"\[[\p{L}][^\]\[\n]{1,60}\]",
        r"[\w-]*(?:XXX+|xxx+)[\w-]*",
        r"YYYY[-_/]?MM[-_/]?DD(?:[-_T]?HH[:_-]?MM(?:[:_-]?SS)?)?",
    ]
    .iter()
    .filter_map(|form| Regex::new(form).ok())
    .collect()
});

/// Every placeholder of a command, in order.
#[must_use]
pub fn find(text: &str) -> Vec<Placeholder> {
    let mut found: Vec<Placeholder> = Vec::new();
    for form in FORMS.iter() {
        for hit in form.find_iter(text).take(MOST) {
            let (Some(before), Some(after)) = (text.get(..hit.start()), text.get(hit.end()..)) else { continue };
            // On its own line.
            let before = before.rsplit('\n').next().unwrap_or_default();
            let after = after.split('\n').next().unwrap_or_default();
            if !before.trim_start().starts_with('#') && is_one(hit.as_str(), before, after) {
                let quoted = |mark: char| before.matches(mark).count() % 2 == 1;
                let literal = hit.as_str().starts_with('[') && (quoted('"') || quoted('\''));
                found.push(Placeholder { text: hit.as_str().to_owned(), at: hit.range(), literal });
            }
        }
    }
    found.sort_by_key(|p| (p.at.start, std::cmp::Reverse(p.at.end)));
    let mut end = 0;
    found.retain(|p| {
        let free = p.at.start >= end;
        end = end.max(p.at.end);
        free
    });
    found
}

fn is_one(hit: &str, before: &str, after: &str) -> bool {
    let last = before.chars().next_back();
    let inside = hit.get(1..hit.len().saturating_sub(1)).unwrap_or_default();
    match hit.chars().next() {
        // `<<EOF`, `<(…)`, `->`, and the tags of a document that is being written.
        Some('<') => {
            !matches!(last, Some('<' | '-' | '='))
                && !matches!(inside, "br" | "b" | "p" | "html" | "head" | "body" | "EOF")
        }
        Some('{') if hit.starts_with("{{") => {
            // What a program fills in itself: `--format '{{.Names}}'`, `{{range .items}}`.
            let word = hit.trim_matches(['{', '}', '-', ' ']).split_whitespace().next().unwrap_or_default();
            !matches!(
                word,
                "range" | "end" | "if" | "else" | "with" | "json" | "table" | "template" | "printf" | "index" | "len"
            )
        }
        Some('{') => {
            let program = matches!(inside, "print" | "next" | "getline" | "exit" | "END" | "BEGIN")
                // Python fills in its own: f"seen={seen}".
                || before.contains("f\"")
                || before.contains("f'");
            !program && last.is_none_or(|c| !matches!(c, '$' | '{' | '#' | '%' | '@' | '\\') && !c.is_alphanumeric())
        }
        Some('[') => {
            // Tests, indexes, classes of letters, links, marks such as [PROD], lists of JSON.
            let class = inside.len() <= 3 || inside.contains("-z") || inside.contains("-Z") || inside.contains(':');
            let mark = inside.chars().all(|c| c.is_uppercase() || c.is_ascii_digit() || matches!(c, ' ' | '-' | '_'));
            let place = last.is_none_or(|c| {
                c.is_whitespace() || matches!(c, '/' | '=' | '"' | '\'' | '-' | '_' | ':' | '(' | '`' | '@')
            });
            let json = inside.contains('"') || inside.contains("': ");
            place
                && !class
                && !mark
                && !json
                && !after.starts_with(['(', '=', ']'])
                && !before.trim_end().ends_with('[')
        }
        Some('Y') => true,
        // `mktemp /tmp/x.XXXXXX` fills its own in.
        _ => !before.contains("mktemp") && !after.starts_with('=') && last != Some('\\'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        find(text).into_iter().map(|p| p.text).collect()
    }

    #[test]
    fn what_is_to_be_filled_in_is_found() {
        assert_eq!(texts("kubectl delete pod <pod> -n <Name of it>"), ["<pod>", "<Name of it>"]);
        assert_eq!(texts("[comando1]\ngit checkout [commit-previo]"), ["[comando1]", "[commit-previo]"]);
        assert_eq!(
            texts("aws ec2 describe-volumes vol-xxx; cat backup_YYYYMMDD_HHMMSS.sql"),
            ["vol-xxx", "YYYYMMDD_HHMMSS"]
        );
        assert_eq!(
            texts("curl https://hooks/services/XXX -d '{\"text\":\"[PROD] PROC-BACKEND-XXX: [Titulo]\"}'"),
            ["XXX", "PROC-BACKEND-XXX", "[Titulo]"]
        );
        assert_eq!(texts("oc logs {{ $labels.pod }} {tipo}"), ["{{ $labels.pod }}", "{tipo}"]);
    }

    #[test]
    fn what_a_shell_or_a_program_fills_in_is_not() {
        for text in [
            "cat <<EOF > x",
            "diff <(ls a) <(ls b)",
            "docker ps --format '{{.Names}}'",
            "kubectl get -o go-template='{{range .items}}{{.metadata.name}}{{end}}'",
            "echo ${DB_PASSWORD} $HOME {a,b}",
            "awk '{print $1}' f | grep '[0-9a-z]'",
            "[ -f /etc/x ] && [[ $a == b ]] && echo ${arr[0]}",
            "mktemp /tmp/run.XXXXXX",
            "# replace <pod> below",
            "date +%Y%m%d",
            "print(f\"seen={seen}\")",
            "curl -d '{\"a\": [\"b\"]}' h",
            "if [ $a -lt 3 ]; then x; fi",
        ] {
            assert_eq!(texts(text), Vec::<String>::new(), "{text}");
        }
    }
}
