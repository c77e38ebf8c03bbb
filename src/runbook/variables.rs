//! The variables of a block of shell: which ones it asks its surroundings for, and which ones it makes itself. Read as
//! far as a person reads it at a glance; what is doubtful is neither.

use std::collections::BTreeSet;

/// A use of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Its name.
    pub name: String,
    /// Where `${NAME}` or `$NAME` stands, in bytes.
    pub at: std::ops::Range<usize>,
    /// Written with braces and nothing else in them: whoever wrote it means a value from outside.
    pub asked: bool,
}

/// Names that the shell fills in itself.
const SHELLS: [&str; 21] = [
    "PWD",
    "OLDPWD",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PATH",
    "HOSTNAME",
    "RANDOM",
    "SECONDS",
    "LINENO",
    "UID",
    "EUID",
    "PPID",
    "IFS",
    "OPTARG",
    "OPTIND",
    "REPLY",
    "BASH_SOURCE",
    "FUNCNAME",
    "CABINA_OUTPUT",
];

/// Every use of a variable that the shell would fill in: not in single quotes, not in comments, not after a backslash.
#[must_use]
pub fn used(text: &str) -> Vec<Use> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut single, mut double) = (false, false);
    let mut at = 0;
    let mut verbatim: Vec<String> = Vec::new();
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'\n' if !single => {
                at += 1;
                while let Some(end) = (!verbatim.is_empty()).then(|| verbatim.remove(0)) {
                    at = after_document(text, at, &end);
                }
                continue;
            }
            b'\\' if !single => at += 1,
            b'\'' if !double => single = !single,
            b'"' if !single => double = !double,
            b'#' if !single && !double && comment(bytes, at) => {
                at = text.get(at..).and_then(|t| t.find('\n')).map_or(bytes.len(), |n| at + n);
                continue;
            }
            b'<' if !single && !double => {
                if let Some((end, quoted)) = document(text, at) {
                    if quoted {
                        verbatim.push(end);
                    }
                    // What stands in the document itself may hold a single quote that opens nothing.
                    at += 2;
                }
            }
            b'$' if !single => {
                if let Some(hit) = variable(text, at) {
                    at = hit.at.end;
                    found.push(hit);
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn comment(bytes: &[u8], at: usize) -> bool {
    at == 0 || bytes.get(at - 1).is_some_and(|b| b.is_ascii_whitespace() || *b == b';')
}

/// `<<EOF`, `<<-'EOF'`: its end, and whether its text stays as it is.
fn document(text: &str, at: usize) -> Option<(String, bool)> {
    let rest = text.get(at..)?.strip_prefix("<<")?;
    if rest.starts_with('<') {
        return None;
    }
    let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start_matches(' ');
    let quoted = rest.starts_with(['\'', '"', '\\']);
    let word: String =
        rest.trim_start_matches(['\'', '"', '\\']).chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some((word, quoted))
}

fn after_document(text: &str, from: usize, end: &str) -> usize {
    let mut at = from;
    for line in text.get(from..).unwrap_or_default().split_inclusive('\n') {
        at += line.len();
        if line.trim() == end {
            return at;
        }
    }
    text.len()
}

fn variable(text: &str, at: usize) -> Option<Use> {
    let rest = text.get(at + 1..)?;
    let inside = rest.strip_prefix('{');
    let body = inside.unwrap_or(rest);
    let body = body.strip_prefix('!').filter(|_| inside.is_some()).unwrap_or(body);
    let name: String = body.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let end = at + 1 + usize::from(inside.is_some()) + name.len();
    let closed = inside.is_some() && body.get(name.len()..)?.starts_with('}');
    let asked = closed && !SHELLS.contains(&name.as_str());
    Some(Use { name, at: at..end + usize::from(closed), asked })
}

/// Is a variable used in any form before the block makes it: `$X`, `"${X:-1}"`, `${X%/}`, `$((X + 1))`?
#[must_use]
pub fn mentions(text: &str, name: &str) -> bool {
    let direct = used(text).into_iter().find(|u| u.name == name).map(|u| u.at.start);
    let sums = text.match_indices("((").filter_map(|(at, _)| {
        let inside = text.get(at + 2..)?.split("))").next()?;
        let word = |w: &str| w == name;
        inside.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(word).then_some(at)
    });
    let first = direct.into_iter().chain(sums).min();
    first.is_some_and(|at| !made(text.get(..at).unwrap_or_default()).iter().any(|m| m == name))
}

/// Variables that a block makes: `NAME=`, `export NAME`, `for NAME in`, `read NAME`, and what it hands on.
#[must_use]
pub fn made(text: &str) -> Vec<String> {
    let hands_on = text.contains(HANDS_ON);
    let mut names: Vec<String> = text.lines().flat_map(|line| made_in(line, hands_on)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A block that speaks of it hands on what it prints there.
const HANDS_ON: &str = "CABINA_OUTPUT";

/// Variables that one line makes.
fn made_in(line: &str, hands_on: bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let words: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | '(' | ')' | '{' | '|' | '&' | '`'))
        .filter(|w| !w.is_empty())
        .collect();
    let mut before: Option<&str> = None;
    for word in &words {
        let bare = word.trim_start_matches(['"', '\'']);
        let makes = bare.split_once('=').map(|(n, _)| n.trim_end_matches('+')).filter(|n| name(n));
        // `declare -x A=1` makes one, `curl -d a=1` does not.
        let declares = words.first().is_some_and(|w| OPENERS.contains(w));
        let free = before.is_none_or(|b| b.contains('=') || OPENERS.contains(&b) || (b.starts_with('-') && declares));
        match (makes, before) {
            (Some(n), _) if free || hands_on => names.push(n.to_owned()),
            (None, Some("for" | "read" | "select" | "mapfile" | "readarray")) if name(word) => {
                names.push((*word).to_owned());
            }
            (None, Some(b)) if name(word) && b.starts_with('-') && words.first() == Some(&"read") => {
                names.push((*word).to_owned());
            }
            _ => {}
        }
        before = Some(word);
    }
    names
}

/// What a block has made up to a place, found in one walk through it: places are asked for in their order.
struct Made<'a> {
    text: &'a str,
    /// The beginning of the line that was come to.
    at: usize,
    names: BTreeSet<String>,
    /// The same, where the block hands on what it prints.
    handed: BTreeSet<String>,
    hands_on: Option<usize>,
}

/// In a line that is longer nobody reads what it makes before it is used.
const LINE: usize = 16 * 1024;

impl<'a> Made<'a> {
    fn new(text: &'a str) -> Self {
        let (names, handed) = (BTreeSet::new(), BTreeSet::new());
        Self { text, at: 0, names, handed, hands_on: text.find(HANDS_ON) }
    }

    /// Is this made before a place?
    fn before(&mut self, place: usize, name: &str) -> bool {
        while let Some(end) = self.text.get(self.at..place).and_then(|t| t.find('\n')) {
            let line = self.text.get(self.at..self.at + end).unwrap_or_default();
            self.names.extend(made_in(line, false));
            if self.hands_on.is_some() {
                self.handed.extend(made_in(line, true));
            }
            self.at += end + 1;
        }
        let hands_on = self.hands_on.is_some_and(|at| at + HANDS_ON.len() <= place);
        let known = if hands_on { &self.handed } else { &self.names };
        // What is made in the very line of its use may be made of itself: `PATH=${PATH}:x`.
        let begun = self.text.get(self.at..place).filter(|t| t.len() <= LINE).unwrap_or_default();
        known.contains(name) || made_in(begun, hands_on).iter().any(|n| n == name)
    }
}

/// Words after which a variable is made.
const OPENERS: [&str; 14] = [
    "export", "local", "declare", "readonly", "typeset", "env", "then", "do", "else", "if", "while", "until", "!",
    "time",
];

/// May a shell call a variable so?
#[must_use]
pub fn is_name(text: &str) -> bool {
    name(text)
}

fn name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Variables that a block asks its surroundings for: written `${NAME}`, and not made by the block before they are used.
#[must_use]
pub fn wanted(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut made = Made::new(text);
    for hit in used(text).into_iter().filter(|u| u.asked) {
        if !names.contains(&hit.name) && !made.before(hit.at.start, &hit.name) {
            names.push(hit.name);
        }
    }
    names
}

/// The text with the values that are known in the place of their variables, to be read by a person.
#[must_use]
pub fn filled<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for hit in used(text) {
        // Only what is the whole of a variable: `${NAME:-x}` stays as it is.
        let whole = text.get(hit.at.clone()).is_some_and(|t| !t.starts_with("${") || t.ends_with('}'));
        // What the shell fills in itself may be another by then.
        let own = SHELLS.contains(&hit.name.as_str());
        if let Some(value) = value(&hit.name).filter(|_| whole && !own) {
            out.push_str(text.get(at..hit.at.start).unwrap_or_default());
            out.push_str(value);
            at = hit.at.end;
        }
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_used_in_many_forms() {
        for text in [
            "echo $D",
            "echo \"$D\"",
            "x=${D:-1}",
            "cd ${D%/}",
            "echo $((D+1))",
            "echo ${#D} ${D[0]}",
            "(( D > 1 )) && x",
            "echo ${!D}",
        ] {
            assert!(mentions(text, "D"), "{text}");
        }
        for text in
            ["echo '$D'", "D=1; echo $D", "# $D", "echo $DD ${XD}", "echo \\$D", "for D in a b; do echo $D; done"]
        {
            assert!(!mentions(text, "D"), "{text}");
        }
    }

    #[test]
    fn what_comes_from_outside_is_asked_for() {
        assert_eq!(
            wanted("curl ${BASE_URL}/x -u \"${USER_NAME}:${DB_PASSWORD}\""),
            ["BASE_URL", "USER_NAME", "DB_PASSWORD"]
        );
        for nothing in [
            "echo $HOME ${HOME} ${1} ${#x[@]} ${X:-1} ${arr[0]}",
            "ssh h 'echo ${REMOTE}'",
            "# curl ${URL}",
            "X=1; echo ${X}",
            "X=$(date)\necho \"${X}\"",
            "for s in a b; do echo ${s}; done",
            "read -r NAME\necho ${NAME}",
            "cat <<'EOF' > f\n${NOT_OURS}\nEOF\n",
            "echo \\${ESCAPED}",
            "export CODE=$(curl x) && test ${CODE} = 200",
            "echo \"SIDE=blue\" >> \"$CABINA_OUTPUT\"; echo ${SIDE}",
        ] {
            assert_eq!(wanted(nothing), Vec::<String>::new(), "{nothing}");
        }
        assert_eq!(wanted("cat <<EOF\n${OURS}\nEOF"), ["OURS"]);
        assert_eq!(wanted("test ${CODE} = 200; CODE=1"), ["CODE"]);
        assert_eq!(wanted("ssh h \"cd ${DIR} && ls\""), ["DIR"]);
    }

    #[test]
    fn what_is_made_is_known_by_where_it_stands() {
        assert_eq!(made("export A=1 B=2\nlocal c=3; D+=x\nif E=$(x); then F=1; fi"), ["A", "B", "D", "E", "F", "c"]);
        assert_eq!(made("curl -d 'x=1' --opt Y=2"), Vec::<String>::new());
        assert_eq!(made("declare -x A=1"), ["A"]);
        assert_eq!(made("grep NAME=value file"), Vec::<String>::new());
    }

    #[test]
    fn known_values_stand_in_their_place_for_reading() {
        let value = |n: &str| match n {
            "A" => Some("1"),
            "P" => Some("•••"),
            _ => None,
        };
        assert_eq!(filled("x ${A} $A ${A:-2} '${A}' ${B} -p${P}", value), "x 1 1 ${A:-2} '${A}' ${B} -p•••");
    }
}
