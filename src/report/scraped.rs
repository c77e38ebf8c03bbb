//! The answer of `scrape`.

/// One sample as it is printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Printed<'a> {
    /// Name of the metric.
    pub name: &'a str,
    /// Labels, exact.
    pub labels: &'a [(String, String)],
    /// The value.
    pub value: f64,
    /// Its time, ms since the epoch.
    pub timestamp_ms: Option<i64>,
}

/// Writes `{"schema":1,"samples":[…],"problems":[…]}` piece by piece: a body of 16 MB is not held twice.
///
/// # Errors
/// When `out` cannot be written to.
pub fn json<'a>(
    out: &mut impl std::io::Write,
    samples: impl Iterator<Item = Printed<'a>>,
    problems: impl Iterator<Item = (usize, &'a str)>,
) -> std::io::Result<()> {
    write!(out, "{{\"schema\":1,\"samples\":[")?;
    for (i, s) in samples.enumerate() {
        let comma = if i > 0 { "," } else { "" };
        write!(out, "{comma}{{\"name\":{},\"labels\":{{", quoted(s.name))?;
        for (j, (k, v)) in s.labels.iter().enumerate() {
            let comma = if j > 0 { "," } else { "" };
            write!(out, "{comma}{}:{}", quoted(k), quoted(v))?;
        }
        let at = s.timestamp_ms.map_or_else(|| "null".to_owned(), |t| t.to_string());
        write!(out, "}},\"value\":{},\"timestamp_ms\":{at}}}", number(s.value))?;
    }
    write!(out, "],\"problems\":[")?;
    for (i, (line, text)) in problems.enumerate() {
        let comma = if i > 0 { "," } else { "" };
        write!(out, "{comma}{{\"line\":{line},\"text\":{}}}", quoted(text))?;
    }
    writeln!(out, "]}}")
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

fn number(value: f64) -> String {
    match () {
        () if value.is_nan() => "\"NaN\"".to_owned(),
        () if value == f64::INFINITY => "\"+Inf\"".to_owned(),
        () if value == f64::NEG_INFINITY => "\"-Inf\"".to_owned(),
        () => serde_json::to_string(&value).unwrap_or_else(|_| "null".to_owned()),
    }
}
