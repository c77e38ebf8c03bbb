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

/// Writes `{"schema":1,"samples":[…],"problems":[…]}` piece by piece: a body of any length is never held whole.
#[derive(Debug)]
pub struct Printer<W: std::io::Write> {
    out: W,
    samples: usize,
}

impl<W: std::io::Write> Printer<W> {
    /// Begins.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn new(mut out: W) -> std::io::Result<Self> {
        write!(out, "{{\"schema\":1,\"samples\":[")?;
        Ok(Self { out, samples: 0 })
    }

    /// Writes a sample.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sample(&mut self, s: &Printed<'_>) -> std::io::Result<()> {
        let comma = if self.samples > 0 { "," } else { "" };
        self.samples += 1;
        write!(self.out, "{comma}{{\"name\":{},\"labels\":{{", quoted(s.name))?;
        for (j, (k, v)) in s.labels.iter().enumerate() {
            let comma = if j > 0 { "," } else { "" };
            write!(self.out, "{comma}{}:{}", quoted(k), quoted(v))?;
        }
        let at = s.timestamp_ms.map_or_else(|| "null".to_owned(), |t| t.to_string());
        write!(self.out, "}},\"value\":{},\"timestamp_ms\":{at}}}", number(s.value))
    }

    /// Ends, with what was not understood.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish<'a>(mut self, problems: impl Iterator<Item = (usize, &'a str)>) -> std::io::Result<()> {
        write!(self.out, "],\"problems\":[")?;
        for (i, (line, text)) in problems.enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(self.out, "{comma}{{\"line\":{line},\"text\":{}}}", quoted(text))?;
        }
        writeln!(self.out, "]}}")?;
        self.out.flush()
    }
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
