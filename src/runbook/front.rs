//! The front matter: read as a map, whatever it says. What cannot be read of it is told with its line; the document
//! opens all the same.

use serde::Deserialize;

use crate::model::runbook::Front;
use crate::model::runbook::Input;
use crate::model::runbook::InputKind;
use crate::model::text::clean;

/// More than this is no front matter: a bomb of references would cost seconds.
const LARGEST: usize = 64 * 1024;
/// Levels of lists and maps that are looked into.
const DEEPEST: usize = 8;

/// Any value of YAML, told apart as far as needed.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Value {
    Flag(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Map(std::collections::BTreeMap<String, Value>),
    Nothing(()),
}

impl Value {
    fn words(&self, depth: usize) -> String {
        if depth > DEEPEST {
            return String::new();
        }
        match self {
            Self::Flag(b) => b.to_string(),
            Self::Whole(n) => n.to_string(),
            Self::Number(n) => n.to_string(),
            Self::Text(t) => clean(t),
            Self::List(parts) => parts.iter().map(|p| p.words(depth + 1)).collect::<Vec<_>>().join(", "),
            Self::Map(parts) => parts
                .iter()
                .map(|(k, v)| format!("{}: {}", clean(k), v.words(depth + 1)))
                .collect::<Vec<_>>()
                .join("; "),
            Self::Nothing(()) => String::new(),
        }
    }
}

/// The front matter at the beginning of lines, and how many lines it takes.
pub(super) fn take(lines: &[&str]) -> Front {
    let opens = lines.first().is_some_and(|l| l.trim_end() == "---");
    let mut size = 0;
    let ends = lines.iter().enumerate().skip(1).take_while(|(_, l)| {
        size += l.len() + 1;
        size <= LARGEST
    });
    let end = ends.filter(|(_, l)| matches!(l.trim_end(), "---" | "...")).map(|(i, _)| i).next();
    let Some(end) = end.filter(|_| opens) else {
        let huge = opens && size > LARGEST;
        let problem = huge.then(|| (1, format!("more than {LARGEST} bytes")));
        return Front { problem, ..Front::default() };
    };
    let inside = lines.get(1..end).unwrap_or_default();
    let mut front = Front { present: true, ends: end + 1, ..Front::default() };
    let text = inside.join("\n");
    match serde_saphyr::from_str::<std::collections::BTreeMap<String, Value>>(&text) {
        Ok(map) => {
            for (key, value) in map {
                let key = clean(&key);
                let at = inside.iter().position(|l| named(l, &key)).map_or(1, |i| i + 2);
                if matches!(key.as_str(), "inputs" | "entradas")
                    && let Value::List(parts) = &value
                {
                    front.inputs = parts.iter().filter_map(input).collect();
                }
                if let Value::List(parts) = &value {
                    front.lists.push((key.clone(), parts.iter().map(|p| p.words(1)).collect()));
                }
                front.keys.push((key, at, value.words(0)));
            }
            front.keys.sort_by_key(|(_, line, _)| *line);
        }
        Err(why) => {
            front.problem = Some(problem(&why.to_string()));
            // What stands in plain lines is read all the same: the rest of the night does not hang on a quote.
            for (i, line) in inside.iter().enumerate() {
                if let Some((key, value)) = line.split_once(':').filter(|(k, _)| plain(k)) {
                    let value = clean(value.trim().trim_matches(['"', '\'']));
                    if !front.keys.iter().any(|(k, _, _)| k == key) {
                        front.keys.push((key.to_owned(), i + 2, value));
                    }
                }
            }
        }
    }
    front
}

/// A value that is asked for: a name alone, or a map that tells of it, in either language.
fn input(value: &Value) -> Option<Input> {
    let Value::Map(map) = value else {
        let name = value.words(1);
        return (!name.is_empty()).then(|| Input { name, ..Input::default() });
    };
    let get = |names: &[&str]| names.iter().find_map(|n| map.get(*n));
    let text = |names: &[&str]| get(names).map(|v| v.words(1)).unwrap_or_default();
    let choices = match get(&["choices", "opciones"]) {
        Some(Value::List(parts)) => parts.iter().map(|p| p.words(1)).collect(),
        _ => Vec::new(),
    };
    let command = text(&["command", "comando", "choices_from"]);
    let kind = match text(&["type", "tipo"]).as_str() {
        "number" | "numero" | "número" => InputKind::Number,
        "choice" | "opcion" | "opción" => InputKind::Choice,
        _ if !choices.is_empty() || !command.is_empty() => InputKind::Choice,
        _ => InputKind::Text,
    };
    let name = text(&["name", "nombre"]);
    (!name.is_empty()).then(|| Input {
        name,
        kind,
        label: text(&["label", "prompt", "pregunta", "descripcion", "description"]),
        choices,
        command,
        default: get(&["default", "defecto"]).map(|v| v.words(1)),
        secret: matches!(get(&["secret", "secreto"]), Some(Value::Flag(true))),
    })
}

fn named(line: &str, key: &str) -> bool {
    let line = line.trim_start().trim_start_matches(['"', '\'']);
    line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
}

fn plain(key: &str) -> bool {
    !key.is_empty() && key.len() < 40 && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// The line in the document, and the first sentence of the parser.
fn problem(said: &str) -> (usize, String) {
    let first = said.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>().ok();
    let line = said.split_once("line ").and_then(|(_, rest)| digits(rest)).unwrap_or(0);
    (line + 1, clean(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Front {
        take(&text.split('\n').collect::<Vec<_>>())
    }

    #[test]
    fn keys_values_and_lists_come_with_their_lines() {
        let front =
            read("---\nid: PROC-1\nversion: 1.10\nrevisores: [Ana, Eva]\ntipo: [deployment|rollback]\n---\n# x");
        assert_eq!(front.ends, 6);
        assert_eq!(front.get(&["id"]), Some("PROC-1"));
        assert_eq!(front.entry(&["revisores"]).map(|(_, l, _)| *l), Some(4));
        assert_eq!(front.list(&["revisores"]), ["Ana", "Eva"]);
        assert_eq!(front.problem, None);
    }

    #[test]
    fn values_that_are_asked_for_are_told_by_name_kind_and_choices() {
        let front = read(
            "---\ninputs:\n  - VERSION\n  - {name: SIDE, choices: [blue, green], default: blue}\n  - name: COUNT\n    tipo: numero\n    pregunta: cuántos\n  - {name: DB_PASSWORD, secret: true}\n---\n",
        );
        let names: Vec<&str> = front.inputs.iter().map(|i| i.name.as_str()).collect();
        assert_eq!(names, ["VERSION", "SIDE", "COUNT", "DB_PASSWORD"]);
        assert_eq!(front.inputs[1].kind, InputKind::Choice);
        assert_eq!((front.inputs[1].choices.len(), front.inputs[1].default.as_deref()), (2, Some("blue")));
        assert_eq!((front.inputs[2].kind, front.inputs[2].label.as_str()), (InputKind::Number, "cuántos"));
        assert!(front.inputs[3].secret);
    }

    #[test]
    fn what_is_wrong_is_told_and_the_rest_is_read() {
        let front = read("---\nid: PROC-1\nid: PROC-2\ntitle: \"open\n---\n");
        assert!(front.problem.is_some(), "{front:?}");
        assert_eq!(front.get(&["id"]), Some("PROC-1"));
        assert!(!read("# no front matter\n---\n").present);
        assert!(!read("---\nnever closed").present);
        let bomb = "---\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f]\nid: B\n---\n";
        let front = read(bomb);
        assert!(front.problem.is_some());
        assert_eq!(front.get(&["id"]), Some("B"));
    }
}
