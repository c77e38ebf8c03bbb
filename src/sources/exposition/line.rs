//! One line of exposition text, read by Prometheus' grammar.

use crate::sources::exposition::Format;
use crate::sources::exposition::Raw;

/// What a line is.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// Blank or a comment.
    Nothing,
    /// `# HELP`, `# TYPE` or `# UNIT`.
    Metadata(Metadata),
    /// `# EOF`
    End,
    /// A sample.
    Sample(Raw<'a>),
}

/// What is said of a family.
#[derive(Debug, PartialEq)]
pub(super) struct Metadata {
    /// Its name.
    pub(super) name: String,
    /// What is said.
    pub(super) words: Words,
}

/// The words of a metadata line.
#[derive(Debug, PartialEq)]
pub(super) enum Words {
    /// What it means.
    Help,
    /// Its type.
    Type(String),
    /// Its unit.
    Unit(String),
}

/// Types that a `# TYPE` line may name; OpenMetrics and the newer Prometheus have more than 0.0.4 did.
const TYPES: [&str; 10] = [
    "counter",
    "gauge",
    "histogram",
    "gaugehistogram",
    "gauge_histogram",
    "summary",
    "untyped",
    "unknown",
    "info",
    "stateset",
];
/// Characters of all names and values of an exemplar's labels (OpenMetrics 1.0, "Exemplars").
const EXEMPLAR: usize = 128;

/// Reads one line.
pub(super) fn read(text: &str, format: Format) -> Result<Line<'_>, String> {
    if format == Format::OpenMetrics {
        return strictly(text);
    }
    let text = text.trim_matches([' ', '\t']);
    if text.is_empty() {
        return Ok(Line::Nothing);
    }
    if let Some(comment) = text.strip_prefix('#') {
        return metadata(comment);
    }
    sample(text).map(Line::Sample)
}

fn metadata(comment: &str) -> Result<Line<'static>, String> {
    let mut c = Cursor::new(comment);
    c.blanks();
    if c.word() != "TYPE" {
        return Ok(Line::Nothing);
    }
    c.blanks();
    let name = family_name(&mut c)?;
    c.blanks();
    let kind = c.rest().trim();
    if TYPES.contains(&kind) {
        Ok(Line::Metadata(Metadata { name, words: Words::Type(kind.to_owned()) }))
    } else {
        Err(format!("{} is no metric type", short(kind)))
    }
}

fn family_name(c: &mut Cursor<'_>) -> Result<String, String> {
    if c.peek() == Some(b'"') {
        return c.quoted();
    }
    let name = c.word();
    if is_name(name) { Ok(name.to_owned()) } else { Err(format!("{} is no metric name", short(name))) }
}

fn sample(text: &str) -> Result<Raw<'_>, String> {
    let mut c = Cursor::new(text);
    let mut name = c.name().to_owned();
    if name.is_empty() && c.peek() != Some(b'{') {
        return Err(format!("{} does not begin with a metric name", short(text)));
    }
    c.blanks();
    let mut labels = Vec::new();
    if c.peek() == Some(b'{') {
        c.next();
        c.labels(&mut name, &mut labels)?;
        c.blanks();
    }
    if name.is_empty() {
        return Err("there is no metric name".to_owned());
    }
    let value = number(&mut c)?;
    c.blanks();
    let mut timestamp_ms = None;
    if c.peek().is_some() {
        let word = c.word();
        timestamp_ms = Some(word.parse::<i64>().map_err(|_| format!("{} is not a timestamp", short(word)))?);
        c.blanks();
    }
    if c.peek().is_some() {
        return Err(format!("{} follows the sample", short(c.rest())));
    }
    Ok(Raw { name, labels, value, timestamp_ms, exemplar: false })
}

fn number<'a>(c: &mut Cursor<'a>) -> Result<&'a str, String> {
    let value = c.word();
    if is_number(value) {
        return Ok(value);
    }
    Err(if value.is_empty() { "there is no value".to_owned() } else { format!("{} is not a number", short(value)) })
}

/// OpenMetrics: one space where there is one, and nothing that the grammar does not name.
fn strictly(text: &str) -> Result<Line<'_>, String> {
    if text.is_empty() {
        return Err("a blank line".to_owned());
    }
    if text == "# EOF" {
        return Ok(Line::End);
    }
    if text.starts_with('#') {
        return strict_metadata(text);
    }
    strict_sample(text).map(Line::Sample)
}

fn strict_metadata(text: &str) -> Result<Line<'static>, String> {
    let no_form = || format!("{} is neither HELP, TYPE, UNIT nor EOF", short(text));
    let (word, rest) = text.strip_prefix("# ").and_then(|t| t.split_once(' ')).ok_or_else(no_form)?;
    let mut c = Cursor::new(rest);
    let name = family_name(&mut c)?;
    let said = c.rest().strip_prefix(' ').ok_or_else(|| format!("{word} of {name} says nothing"))?;
    let words = match word {
        "HELP" => Words::Help,
        "TYPE" => Words::Type(said.to_owned()),
        "UNIT" if said.bytes().all(is_name_byte) => Words::Unit(said.to_owned()),
        "UNIT" => return Err(format!("{} is no unit", short(said))),
        _ => return Err(no_form()),
    };
    Ok(Line::Metadata(Metadata { name, words }))
}

fn strict_sample(text: &str) -> Result<Raw<'_>, String> {
    let mut c = Cursor::new(text);
    let mut name = c.name().to_owned();
    if name.is_empty() && c.peek() != Some(b'{') {
        return Err(format!("{} does not begin with a metric name", short(text)));
    }
    let mut labels = Vec::new();
    if c.peek() == Some(b'{') {
        c.next();
        c.strict_labels(Some(&mut name), &mut labels)?;
    }
    if name.is_empty() {
        return Err("there is no metric name".to_owned());
    }
    c.space("the value")?;
    let value = number(&mut c)?;
    let mut raw = Raw { name, labels, value, timestamp_ms: None, exemplar: false };
    if c.peek().is_none() {
        return Ok(raw);
    }
    c.space("the timestamp")?;
    if c.peek() != Some(b'#') {
        let word = c.word();
        raw.timestamp_ms = Some(seconds(word).ok_or_else(|| format!("{} is not a timestamp", short(word)))?);
        if c.peek().is_none() {
            return Ok(raw);
        }
        c.space("the exemplar")?;
    }
    exemplar(&mut c)?;
    raw.exemplar = true;
    Ok(raw)
}

/// `# {trace_id="…"} 0.5 1395066363.1`
fn exemplar(c: &mut Cursor<'_>) -> Result<(), String> {
    if !c.rest().starts_with("# {") {
        return Err(format!("{} follows the sample", short(c.rest())));
    }
    c.at += 3;
    let mut labels = Vec::new();
    c.strict_labels(None, &mut labels)?;
    let length: usize = labels.iter().map(|(k, v)| k.chars().count() + v.chars().count()).sum();
    if length > EXEMPLAR {
        return Err(format!("the labels of an exemplar are longer than {EXEMPLAR} characters"));
    }
    c.space("the exemplar's value")?;
    number(c)?;
    if c.peek().is_none() {
        return Ok(());
    }
    c.space("the exemplar's timestamp")?;
    let time = c.word();
    if seconds(time).is_none() || c.peek().is_some() {
        return Err("something follows an exemplar".to_owned());
    }
    Ok(())
}

/// Seconds with decimals, in milliseconds.
fn seconds(word: &str) -> Option<i64> {
    let value: f64 = if is_number(word) {
        word.parse().ok()?
    } else {
        return None;
    };
    let ms = (value * 1_000.0).round();
    // Beyond this a float no longer holds every millisecond: it is no time anyone meant.
    (ms.abs() < 9e15).then_some(ms as i64)
}

/// Numbers as Prometheus takes them: decimal floats, NaN and infinities; no hex, no underscores.
fn is_number(word: &str) -> bool {
    let bare = word.strip_prefix(['+', '-']).unwrap_or(word);
    if ["inf", "infinity", "nan"].iter().any(|w| bare.eq_ignore_ascii_case(w)) {
        return bare.len() == word.len() || !bare.eq_ignore_ascii_case("nan");
    }
    bare.bytes().next().is_some_and(|b| b.is_ascii_digit() || b == b'.')
        && bare.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && word.parse::<f64>().is_ok()
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':') && bytes.all(is_name_byte)
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b':'
}

/// A piece of a line fit for a sentence.
fn short(text: &str) -> String {
    let text = crate::model::text::clean(text);
    format!("{:?}", crate::model::text::fit(&text, 40))
}

/// A place in a line.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) {
        self.at += 1;
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn while_(&mut self, keep: impl Fn(u8) -> bool) -> &'a str {
        let bytes = self.text.as_bytes();
        let from = self.at;
        while bytes.get(self.at).is_some_and(|b| keep(*b)) {
            self.at += 1;
        }
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.while_(|b| b == b' ' || b == b'\t');
    }

    fn word(&mut self) -> &'a str {
        self.while_(|b| b != b' ' && b != b'\t')
    }

    /// A name, or nothing where none begins here.
    fn name(&mut self) -> &'a str {
        if self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return "";
        }
        self.while_(is_name_byte)
    }

    /// Everything up to `}`; a quoted string alone is the name (Prometheus 3).
    fn labels(&mut self, name: &mut String, labels: &mut Vec<(String, String)>) -> Result<(), String> {
        self.blanks();
        if self.peek() == Some(b',') {
            // `a{,}` is read by the reference lexers.
            self.next();
            self.blanks();
            return self.close();
        }
        loop {
            if self.peek() == Some(b'}') {
                return self.close();
            }
            let quoted = self.peek() == Some(b'"');
            let key = if quoted { self.quoted()? } else { self.name().to_owned() };
            self.blanks();
            if quoted && matches!(self.peek(), Some(b',' | b'}')) {
                if !name.is_empty() {
                    return Err("there are two metric names".to_owned());
                }
                *name = key;
            } else {
                self.label(key, quoted, labels)?;
            }
            self.blanks();
            match self.peek() {
                Some(b',') => {
                    self.next();
                    self.blanks();
                }
                Some(b'}') => {}
                _ => return Err("the labels do not end".to_owned()),
            }
        }
    }

    /// Exactly one space, and something after it.
    fn space(&mut self, before: &str) -> Result<(), String> {
        if self.peek() != Some(b' ') {
            return Err(format!("{before} does not follow after a space"));
        }
        self.next();
        match self.peek() {
            None | Some(b' ' | b'\t') => Err(format!("{before} is missing, or stands after more than one space")),
            Some(_) => Ok(()),
        }
    }

    /// Labels of OpenMetrics: no blanks, no comma at the end. A quoted string alone is the name.
    fn strict_labels(
        &mut self,
        mut name: Option<&mut String>,
        labels: &mut Vec<(String, String)>,
    ) -> Result<(), String> {
        if self.peek() == Some(b'}') {
            return self.close();
        }
        loop {
            let quoted = self.peek() == Some(b'"');
            let key = if quoted { self.quoted()? } else { self.name().to_owned() };
            match (quoted && matches!(self.peek(), Some(b',' | b'}')), name.as_mut()) {
                (true, Some(name)) if name.is_empty() => **name = key,
                (true, _) => return Err("there are two metric names".to_owned()),
                (false, _) => {
                    if self.rest().starts_with("= ") {
                        return Err("a blank stands between the labels".to_owned());
                    }
                    self.label(key, quoted, labels)?;
                }
            }
            if self.peek() != Some(b',') {
                return self.close();
            }
            self.next();
        }
    }

    fn close(&mut self) -> Result<(), String> {
        if self.peek() == Some(b'}') {
            self.next();
            Ok(())
        } else {
            Err("the labels do not end".to_owned())
        }
    }

    fn label(&mut self, key: String, quoted: bool, labels: &mut Vec<(String, String)>) -> Result<(), String> {
        if !quoted && (key.is_empty() || key.contains(':')) {
            return Err("a label has no name".to_owned());
        }
        if key == "__name__" {
            return Err("__name__ is not a label of its own".to_owned());
        }
        if self.peek() != Some(b'=') {
            return Err(format!("label {} has no value", short(&key)));
        }
        self.next();
        self.blanks();
        if self.peek() != Some(b'"') {
            return Err(format!("the value of label {} is not quoted", short(&key)));
        }
        let value = self.quoted()?;
        if labels.iter().any(|(k, _)| *k == key) {
            return Err(format!("label {} stands twice", short(&key)));
        }
        labels.push((key, value));
        Ok(())
    }

    /// A quoted string; `\\`, `\"` and `\n` are read, any other escape is kept as it stands (as Prometheus does).
    fn quoted(&mut self) -> Result<String, String> {
        self.next();
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let Some(first) = memchr::memchr2(b'"', b'\\', bytes) else {
            return Err("a quote does not end".to_owned());
        };
        if bytes[first] == b'"' {
            self.at += first + 1;
            return Ok(rest.get(..first).unwrap_or_default().to_owned());
        }
        let mut out = String::with_capacity(first + 16);
        let mut chars = rest.char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += i + 1;
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, e @ ('"' | '\\'))) => out.push(e),
                    Some((_, other)) => out.extend(['\\', other]),
                    None => break,
                },
                other => out.push(other),
            }
        }
        Err("a quote does not end".to_owned())
    }
}
