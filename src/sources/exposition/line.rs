//! One line of exposition text, read by Prometheus' grammar.

use crate::sources::exposition::Format;
use crate::sources::exposition::Raw;

/// What a line is.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// Blank, a comment, or metadata.
    Nothing,
    /// `# EOF`
    End,
    /// A sample.
    Sample(Raw<'a>),
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

/// Reads one line.
pub(super) fn read(text: &str, format: Format) -> Result<Line<'_>, String> {
    let text = text.trim_matches([' ', '\t']);
    if text.is_empty() {
        return if format == Format::OpenMetrics { Err("a blank line".to_owned()) } else { Ok(Line::Nothing) };
    }
    if let Some(comment) = text.strip_prefix('#') {
        return metadata(comment, format);
    }
    sample(text, format).map(Line::Sample)
}

fn metadata(comment: &str, format: Format) -> Result<Line<'static>, String> {
    let mut c = Cursor::new(comment);
    c.blanks();
    if format == Format::OpenMetrics && comment.trim() == "EOF" {
        return Ok(Line::End);
    }
    if c.word() != "TYPE" {
        return Ok(Line::Nothing);
    }
    c.blanks();
    if c.peek() == Some(b'"') {
        c.quoted()?;
    } else {
        let name = c.word();
        if !is_name(name) {
            return Err(format!("TYPE of {}, which is no metric name", short(name)));
        }
    }
    c.blanks();
    let kind = c.rest().trim();
    if TYPES.contains(&kind) { Ok(Line::Nothing) } else { Err(format!("{} is no metric type", short(kind))) }
}

fn sample(text: &str, format: Format) -> Result<Raw<'_>, String> {
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
    let value = c.word();
    if !is_number(value) {
        return Err(if value.is_empty() {
            "there is no value".to_owned()
        } else {
            format!("{} is not a number", short(value))
        });
    }
    c.blanks();
    let mut timestamp_ms = None;
    if !matches!(c.peek(), None | Some(b'#')) {
        let word = c.word();
        let read = match format {
            Format::Text => word.parse::<i64>().ok(),
            Format::OpenMetrics => seconds(word),
        };
        timestamp_ms = Some(read.ok_or_else(|| format!("{} is not a timestamp", short(word)))?);
        c.blanks();
    }
    match (c.peek(), format) {
        (None, _) => {}
        (Some(b'#'), Format::OpenMetrics) => exemplar(&mut c)?,
        _ => return Err(format!("{} follows the sample", short(c.rest()))),
    }
    Ok(Raw { name, labels, value, timestamp_ms })
}

/// ` # {trace_id="…"} 0.5 1395066363.1`
fn exemplar(c: &mut Cursor<'_>) -> Result<(), String> {
    c.next();
    c.blanks();
    if c.peek() != Some(b'{') {
        return Err("an exemplar has no labels".to_owned());
    }
    c.next();
    let mut name = "exemplar".to_owned();
    c.labels(&mut name, &mut Vec::new())?;
    c.blanks();
    if !is_number(c.word()) {
        return Err("an exemplar has no value".to_owned());
    }
    c.blanks();
    let time = c.word();
    c.blanks();
    if !time.is_empty() && seconds(time).is_none() || c.peek().is_some() {
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
