//! A table of the file being read: every key is taken once, what is left over at the end is a mistake.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::config::Surroundings;
use crate::model::time::Millis;
use crate::model::time::Span;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Its line, from 1.
    pub line: usize,
    /// The key, with its path: `health[1].every`.
    pub key: String,
    /// What is wrong.
    pub text: String,
    /// What to write instead; may be empty.
    pub hint: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.line, self.key, self.text)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "; {}", self.hint) }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The key, with its path.
    pub key: String,
    /// The value as it may be shown.
    pub value: String,
    /// The line of the file; `None` is a default.
    pub line: Option<usize>,
}

/// What is gathered while a file is read.
pub(super) struct Context<'a> {
    /// Where each line begins, in bytes.
    line_starts: Vec<usize>,
    pub(super) around: &'a Surroundings<'a>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) hidden: Vec<String>,
    pub(super) origins: Vec<Origin>,
    pub(super) not_yet: Vec<String>,
}

impl<'a> Context<'a> {
    pub(super) fn new(text: &'a str, around: &'a Surroundings<'a>) -> Self {
        Self {
            line_starts: std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect(),
            around,
            mistakes: Vec::new(),
            secrets: BTreeMap::new(),
            hidden: Vec::new(),
            origins: Vec::new(),
            not_yet: Vec::new(),
        }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.line_starts.partition_point(|start| *start <= span.start).max(1)
    }

    pub(super) fn syntax(&mut self, error: &toml::de::Error) {
        let line = error.span().map_or(1, |s| self.line(&s));
        self.mistakes.push(Mistake {
            line,
            key: "TOML".to_owned(),
            text: error.message().to_owned(),
            hint: String::new(),
        });
    }

    /// Notes a mistake at a key of a section; at the section itself where the key is not there.
    pub(super) fn mistake(&mut self, section: &Section<'_>, key: &str, text: String, hint: impl Into<String>) {
        let span = section.span_of(key).unwrap_or_else(|| section.span.clone());
        let line = self.line(&span);
        let key = if key.is_empty() { section.path.clone() } else { section.path_of(key) };
        self.mistakes.push(Mistake { line, key, text, hint: hint.into() });
    }

    /// Keeps a secret under its path, and sees to it that it is never shown.
    pub(super) fn keep(&mut self, path: &str, value: String) -> String {
        self.hide(&value);
        self.secrets.insert(path.to_owned(), value);
        path.to_owned()
    }

    /// Sees to it that a text is never shown.
    pub(super) fn hide(&mut self, value: &str) {
        if !value.is_empty() && !self.hidden.iter().any(|h| h == value) {
            self.hidden.push(value.to_owned());
        }
    }

    fn origin(&mut self, key: String, value: String, line: Option<usize>) {
        self.origins.push(Origin { key, value, line });
    }
}

/// How a value from the environment goes into a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expansion {
    /// As it is.
    Plain,
    /// Percent-encoded: a slash in a password is no path.
    Url,
}

/// One table of the file.
pub(super) struct Section<'t> {
    table: &'t DeTable<'t>,
    pub(super) path: String,
    span: Range<usize>,
    taken: Vec<String>,
}

impl<'t> Section<'t> {
    pub(super) fn root(table: &'t DeTable<'t>) -> Self {
        Self { table, path: String::new(), span: 0..0, taken: Vec::new() }
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn span_of(&self, key: &str) -> Option<Range<usize>> {
        self.table.iter().find(|(k, _)| k.get_ref() == key).map(|(k, _)| k.span())
    }

    fn take(&mut self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        if !self.taken.iter().any(|t| t == key) {
            self.taken.push(key.to_owned());
        }
        self.table.iter().find(|(k, _)| k.get_ref() == key).map(|(_, v)| v)
    }

    /// Is the key there?
    pub(super) fn has(&self, key: &str) -> bool {
        self.span_of(key).is_some()
    }

    fn wrong_type(&self, cx: &mut Context<'_>, key: &str, wanted: &str, value: &DeValue<'_>) {
        cx.mistake(self, key, format!("is {} {}, not {wanted}", article(value.type_str()), value.type_str()), "");
    }

    fn note(&self, cx: &mut Context<'_>, key: &str, value: String) {
        let line = self.span_of(key).map(|s| cx.line(&s));
        cx.origin(self.path_of(key), value, line);
    }

    /// A text as it stands in the file, before the environment is filled in.
    fn raw(&mut self, cx: &mut Context<'_>, key: &str) -> Option<String> {
        let value = self.take(key)?.get_ref();
        if let Some(text) = value.as_str() {
            Some(text.to_owned())
        } else {
            self.wrong_type(cx, key, "a text in quotes", value);
            None
        }
    }

    /// Fills in the environment: `${NAME}`, and `$$` for a dollar.
    pub(super) fn expand(&self, cx: &mut Context<'_>, key: &str, raw: &str, how: Expansion) -> String {
        let mut out = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            if let Some(after) = from.strip_prefix("$$") {
                out.push('$');
                rest = after;
            } else if let Some((name, after)) = from.strip_prefix("${").and_then(|f| f.split_once('}')) {
                match cx.around.env.get(name).cloned() {
                    Some(value) => {
                        let secret =
                            ["PASS", "SECRET", "TOKEN", "KEY", "PWD"].iter().any(|w| name.to_uppercase().contains(w));
                        if secret || how == Expansion::Url {
                            cx.hide(&value);
                            cx.hide(&encoded(&value));
                        }
                        match how {
                            Expansion::Plain => out.push_str(&value),
                            Expansion::Url => out.push_str(&encoded(&value)),
                        }
                    }
                    None => cx.mistake(
                        self,
                        key,
                        format!("the environment has no {name}"),
                        format!("export {name}, or write $${{{name}}} for the text itself"),
                    ),
                }
                rest = after;
            } else {
                out.push('$');
                rest = from.strip_prefix('$').unwrap_or_default();
            }
        }
        out.push_str(rest);
        out
    }

    /// A text with the environment filled in.
    pub(super) fn text(&mut self, cx: &mut Context<'_>, key: &str) -> Option<String> {
        let raw = self.raw(cx, key)?;
        let text = self.expand(cx, key, &raw, Expansion::Plain);
        self.note(cx, key, raw);
        Some(text)
    }

    pub(super) fn text_or(&mut self, cx: &mut Context<'_>, key: &str, default: &str) -> String {
        let there = self.has(key);
        let text = self.text(cx, key);
        if !there && !default.is_empty() {
            self.note(cx, key, default.to_owned());
        }
        text.unwrap_or_else(|| default.to_owned())
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, cx: &mut Context<'_>, key: &str, hint: &str) -> String {
        if !self.has(key) {
            self.taken.push(key.to_owned());
            cx.mistake(self, "", format!("{key} is missing"), hint);
            return String::new();
        }
        let text = self.text(cx, key);
        if text.as_deref() == Some("") {
            cx.mistake(self, key, "is empty".to_owned(), hint);
        }
        text.unwrap_or_default()
    }

    /// A secret, or the file it stands in (`key_file`). Returns the text as it stands in the file too, for showing.
    pub(super) fn secret(&mut self, cx: &mut Context<'_>, key: &str, how: Expansion) -> Option<(String, String)> {
        let twin = format!("{key}_file");
        let file = self.raw(cx, &twin);
        if let (Some(_), true) = (&file, self.has(key)) {
            cx.mistake(self, &twin, format!("stands beside {key}"), "give one of the two");
        }
        if let Some(file) = file {
            let path = cx.around.folder.join(&file);
            self.note(cx, &twin, file.clone());
            self.taken.push(key.to_owned());
            return match (cx.around.read_file)(&path) {
                Ok(value) => Some((value.trim_end_matches(['\n', '\r']).to_owned(), "•••".to_owned())),
                Err(why) => {
                    cx.mistake(self, &twin, format!("{}: {why}", path.display()), "");
                    None
                }
            };
        }
        let raw = self.raw(cx, key)?;
        // A variable that is the whole address, and a path, go in as they are.
        let whole = raw.starts_with("${") && raw.find('}') == Some(raw.len() - 1);
        let how = if whole || raw.starts_with("sqlite:") { Expansion::Plain } else { how };
        Some((self.expand(cx, key, &raw, how), raw))
    }

    /// Records a value that was read by other means.
    pub(super) fn shown(&self, cx: &mut Context<'_>, key: &str, value: &str) {
        self.note(cx, key, value.to_owned());
    }

    /// One of a few words.
    pub(super) fn choice(&mut self, cx: &mut Context<'_>, key: &str, words: &[&str], default: &str) -> String {
        let text = self.text_or(cx, key, default);
        if words.contains(&text.as_str()) {
            return text;
        }
        cx.mistake(self, key, format!("{text:?} is not known"), format!("one of {}", words.join(", ")));
        default.to_owned()
    }

    pub(super) fn flag(&mut self, cx: &mut Context<'_>, key: &str, default: bool) -> bool {
        let Some(value) = self.take(key).map(Spanned::get_ref) else {
            self.note(cx, key, default.to_string());
            return default;
        };
        if let Some(flag) = value.as_bool() {
            self.note(cx, key, flag.to_string());
            flag
        } else {
            self.wrong_type(cx, key, "true or false", value);
            default
        }
    }

    /// A whole number within bounds.
    pub(super) fn whole(&mut self, cx: &mut Context<'_>, key: &str, default: u64, least: u64, most: u64) -> u64 {
        let Some(value) = self.take(key).map(Spanned::get_ref) else {
            self.note(cx, key, default.to_string());
            return default;
        };
        let Some(n) = value.as_integer().and_then(|i| i64::from_str_radix(i.as_str(), i.radix()).ok()) else {
            self.wrong_type(cx, key, "a whole number", value);
            return default;
        };
        if let Some(n) = u64::try_from(n).ok().filter(|n| (least..=most).contains(n)) {
            self.note(cx, key, n.to_string());
            n
        } else {
            cx.mistake(self, key, format!("{n} is out of bounds"), format!("at least {least}"));
            default
        }
    }

    /// A number, whole or not.
    pub(super) fn number(&mut self, cx: &mut Context<'_>, key: &str) -> Option<f64> {
        let value = self.take(key)?.get_ref();
        let whole = value.as_integer().and_then(|i| i64::from_str_radix(i.as_str(), i.radix()).ok()).map(|n| n as f64);
        let number = whole.or_else(|| value.as_float().and_then(|f| f.as_str().parse().ok()));
        if let Some(n) = number.filter(|n| n.is_finite()) {
            self.note(cx, key, n.to_string());
            Some(n)
        } else {
            self.wrong_type(cx, key, "a number", value);
            None
        }
    }

    /// A span of time within bounds, in milliseconds.
    pub(super) fn duration(
        &mut self,
        cx: &mut Context<'_>,
        key: &str,
        default: Millis,
        least: Millis,
        most: Millis,
    ) -> Millis {
        if !self.has(key) {
            self.taken.push(key.to_owned());
            self.note(cx, key, short(default));
            return default;
        }
        let Some(text) = self.text(cx, key) else {
            return default;
        };
        let Some(ms) = parse_duration(&text) else {
            cx.mistake(
                self,
                key,
                format!("{text:?} is not a duration"),
                "write a number and a unit: 250ms, 5s, 10m, 6h, 14d",
            );
            return default;
        };
        if (least..=most).contains(&ms) {
            return ms;
        }
        let bounds = format!("between {} and {}", short(least), short(most));
        cx.mistake(self, key, format!("{text:?} is out of bounds"), bounds);
        default
    }

    /// A list of texts.
    pub(super) fn list(&mut self, cx: &mut Context<'_>, key: &str) -> Vec<String> {
        let Some(value) = self.take(key).map(Spanned::get_ref) else {
            return Vec::new();
        };
        let Some(array) = value.as_array() else {
            self.wrong_type(cx, key, "a list in brackets", value);
            return Vec::new();
        };
        let (mut out, mut raw) = (Vec::new(), Vec::new());
        for item in array {
            match item.get_ref().as_str() {
                Some(text) => {
                    raw.push(text.to_owned());
                    out.push(self.expand(cx, key, text, Expansion::Plain));
                }
                None => self.wrong_type(cx, key, "a list of texts", item.get_ref()),
            }
        }
        self.note(cx, key, format!("[{}]", raw.join(", ")));
        out
    }

    /// A table of texts, values with the environment filled in.
    pub(super) fn pairs(&mut self, cx: &mut Context<'_>, key: &str) -> Vec<(String, String)> {
        let Some(value) = self.take(key).map(Spanned::get_ref) else {
            return Vec::new();
        };
        let Some(table) = value.as_table() else {
            self.wrong_type(cx, key, "a table such as { X-Probe = \"cabina\" }", value);
            return Vec::new();
        };
        let mut out = Vec::new();
        for (k, v) in table {
            match v.get_ref().as_str() {
                Some(text) => out.push((k.get_ref().to_string(), self.expand(cx, key, text, Expansion::Plain))),
                None => self.wrong_type(cx, key, "a table of texts", v.get_ref()),
            }
        }
        out
    }

    /// A table of its own.
    pub(super) fn section(&mut self, cx: &mut Context<'_>, key: &str) -> Option<Section<'t>> {
        let value = self.take(key)?;
        let path = self.path_of(key);
        let span = self.span_of(key).unwrap_or_else(|| value.span());
        if let Some(table) = value.get_ref().as_table() {
            Some(Section { table, path, span, taken: Vec::new() })
        } else {
            self.wrong_type(cx, key, "a table", value.get_ref());
            None
        }
    }

    /// Several tables of one name.
    pub(super) fn sections(&mut self, cx: &mut Context<'_>, key: &str) -> Vec<Section<'t>> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            let words = format!("is written [[{key}]], with two brackets");
            cx.mistake(self, key, words, "");
            return Vec::new();
        };
        let mut out = Vec::new();
        for (i, item) in array.iter().enumerate() {
            if let Some(table) = item.get_ref().as_table() {
                let path = format!("{}[{i}]", self.path_of(key));
                out.push(Section { table, path, span: item.span(), taken: Vec::new() });
            }
        }
        out
    }

    /// Whatever was not taken is a mistake.
    pub(super) fn finish(&self, cx: &mut Context<'_>) {
        for (key, _) in self.table {
            let key = key.get_ref().as_ref();
            if self.taken.iter().any(|t| t == key) {
                continue;
            }
            let near = self.taken.iter().map(|t| (strsim::jaro_winkler(t, key), t)).max_by(|a, b| a.0.total_cmp(&b.0));
            // Below this two words are only alike by chance.
            let hint = near.filter(|(score, _)| *score > 0.8).map(|(_, t)| format!("did you mean {t}?"));
            let known = || format!("known here: {}", self.taken.join(", "));
            cx.mistake(self, key, "is not a known key".to_owned(), hint.unwrap_or_else(known));
        }
    }
}

/// Reads `250ms`, `5s`, `10m`, `6h`, `14d` and combinations. Months and years are no durations here: `5M` would be
/// five months.
pub(super) fn parse_duration(text: &str) -> Option<Millis> {
    if text.contains('M') || text.contains('y') || text.contains("mo") {
        return None;
    }
    let d = humantime::parse_duration(text.trim()).ok()?;
    Millis::try_from(d.as_millis()).ok()
}

fn short(ms: Millis) -> String {
    if ms % 1_000 == 0 { Span(ms).to_string() } else { format!("{ms}ms") }
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Percent-encodes everything that is not a letter, a digit or one of `-._~`.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_no_months() {
        assert_eq!(parse_duration("5m"), Some(300_000));
        assert_eq!(parse_duration("1h 30m"), Some(5_400_000));
        assert_eq!(parse_duration("250ms"), Some(250));
        for bad in ["5M", "1y", "5", "", "-5s", "5x"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}
