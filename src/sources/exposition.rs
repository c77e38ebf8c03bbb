//! The text that targets expose: `text/plain; version=0.0.4` and OpenMetrics.
//!
//! `prometheus-parse` reads the samples, behind a front end of ours that reads each line by Prometheus' own grammar
//! (`model/textparse/promlex.l`): taken bare, the crate silently loses names with `:` and values with `}`, and lets
//! `,` in a value forge labels. The front end replaces name and labels by a number, in which nothing can be mangled,
//! and puts them back; a line that it cannot read is a problem with its number, never a silent loss.

mod line;
mod openmetrics;

use std::io;

use prometheus_parse::Scrape;
use prometheus_parse::Value;

use crate::sources::exposition::line::Line;
use crate::sources::exposition::openmetrics::Strict;

/// Problems that are kept; a body with more is no exposition at all, and the count says how many there were.
pub const PROBLEMS: usize = 1_000;
/// Lines given to the crate at once: enough to drown the cost of a call, little enough to stay in the cache.
const BATCH: usize = 2_048;

/// Which grammar a body follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text format 0.0.4: timestamps in milliseconds.
    Text,
    /// OpenMetrics 1.0: timestamps in seconds, exemplars, `# EOF` at the end.
    OpenMetrics,
}

impl Format {
    /// The format of a response, by its `Content-Type`.
    #[must_use]
    pub fn of_content_type(content_type: &str) -> Self {
        if content_type.trim_start().starts_with("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// The format of a file: OpenMetrics if a line starts with `# EOF`.
    #[must_use]
    pub fn of_file(body: &[u8]) -> Self {
        let eof = memchr::memmem::find_iter(body, b"# EOF").any(|i| i == 0 || body.get(i - 1) == Some(&b'\n'));
        if eof { Self::OpenMetrics } else { Self::Text }
    }
}

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Name of the metric.
    pub name: String,
    /// Labels in the order of the line, exact.
    pub labels: Vec<(String, String)>,
    /// The value; may be NaN or infinite.
    pub value: f64,
    /// The time the line gives, in ms since the epoch.
    pub timestamp_ms: Option<i64>,
}

impl Sample {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub text: String,
}

/// What a body holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// Everything that could be read, in the order of the body.
    pub samples: Vec<Sample>,
    /// The first `PROBLEMS` lines that could not.
    pub problems: Vec<Problem>,
    /// How many lines could not be read in all.
    pub rejected: usize,
}

impl Exposition {
    fn reject(&mut self, line: usize, text: impl Into<String>) {
        self.rejected += 1;
        if self.problems.len() < PROBLEMS {
            self.problems.push(Problem { line, text: text.into() });
        }
    }
}

/// Reads a body, every line of it.
#[must_use]
pub fn read(body: &[u8], format: Format) -> Exposition {
    match format {
        Format::Text => read_text(body, |_| true),
        Format::OpenMetrics => read_openmetrics(body),
    }
}

/// Reads only the samples of these names: other lines are left out before anything is made of them, and what is wrong
/// with them is nobody's matter here.
#[must_use]
pub fn read_only(body: &[u8], format: Format, names: &[&str]) -> Exposition {
    let wanted = |line: &[u8]| is_one_of(line, names);
    match format {
        Format::Text => read_text(body, wanted),
        Format::OpenMetrics => {
            let mut out = Exposition::default();
            let mut batch = Batch::default();
            let body = body.strip_suffix(b"\n").unwrap_or(body);
            for (number, raw) in lines(body).enumerate().filter(|(_, raw)| wanted(raw)) {
                one(raw, number + 1, format, &mut batch, &mut out);
            }
            batch.empty_into(&mut out);
            if !body.ends_with(b"# EOF") {
                out.reject(1, "the body ends without # EOF: it may be cut off");
            }
            out
        }
    }
}

/// Does a sample of one of these names stand on the line? A name in quotes may be any.
fn is_one_of(line: &[u8], names: &[&str]) -> bool {
    let line = match line.first() {
        Some(b'#') | None => return false,
        Some(b'{') => return true,
        Some(b' ' | b'\t') => line.trim_ascii_start(),
        Some(_) => line,
    };
    names.iter().any(|n| {
        line.strip_prefix(n.as_bytes()).is_some_and(|rest| matches!(rest.first(), Some(b'{' | b' ' | b'\t') | None))
    })
}

fn read_text(body: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Exposition {
    let mut out = Exposition::default();
    let mut batch = Batch::default();
    // A byte order mark is no part of any line.
    let body = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body);
    for (i, raw) in lines(body).enumerate() {
        if wanted(raw) {
            one(raw.strip_suffix(b"\r").unwrap_or(raw), i + 1, Format::Text, &mut batch, &mut out);
        }
    }
    batch.empty_into(&mut out);
    out.problems.sort_by_key(|p| p.line);
    out
}

fn read_openmetrics(body: &[u8]) -> Exposition {
    let mut out = Exposition::default();
    let mut batch = Batch::default();
    // What a family demands is checked when values are known: batch by batch, beside the lines that are no samples.
    let mut strict = Strict::default();
    let mut ended = false;
    let mut last = 1;
    for (i, raw) in lines(body).enumerate() {
        last = i + 1;
        if ended {
            out.reject(last, "something follows # EOF");
            break;
        }
        match one(raw, last, Format::OpenMetrics, &mut batch, &mut out) {
            Some(Line::End) => ended = true,
            Some(Line::Metadata(metadata)) => {
                batch.judge_into(&mut out, &mut strict);
                if let Err(why) = strict.metadata(last, &metadata) {
                    out.reject(last, why);
                }
            }
            _ if batch.len() == BATCH => batch.judge_into(&mut out, &mut strict),
            _ => {}
        }
    }
    batch.judge_into(&mut out, &mut strict);
    if let Err(why) = strict.close() {
        out.reject(last, why);
    }
    if !ended {
        out.reject(last, "the body ends without # EOF: it may be cut off");
    }
    out.problems.sort_by_key(|p| p.line);
    out
}

/// Reads one line; a sample goes into the batch, what is no sample comes back.
fn one<'a>(raw: &'a [u8], number: usize, format: Format, batch: &mut Batch, out: &mut Exposition) -> Option<Line<'a>> {
    let Ok(text) = std::str::from_utf8(raw) else {
        out.reject(number, "not UTF-8");
        return None;
    };
    match line::read(text, format) {
        Ok(Line::Sample(sample)) => {
            batch.push(number, sample);
            if batch.len() == BATCH && format == Format::Text {
                batch.empty_into(out);
            }
            None
        }
        Ok(other) => Some(other),
        Err(why) => {
            out.reject(number, why);
            None
        }
    }
}

/// Lines by `\n`; nothing after the last one.
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = (!body.is_empty()).then(|| body.strip_suffix(b"\n").unwrap_or(body));
    std::iter::from_fn(move || {
        let now = rest?;
        let (line, after) = match memchr::memchr(b'\n', now) {
            Some(i) => (&now[..i], Some(&now[i + 1..])),
            None => (now, None),
        };
        rest = after;
        Some(line)
    })
}

/// A sample whose value is still text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Raw<'a> {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: &'a str,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) exemplar: bool,
}

/// A sample and whether it carries an exemplar, or what is wrong with its value.
type Parsed = Result<(Sample, bool), &'static str>;

/// Lines on their way through the crate: the canonical text, and what was taken out of it.
#[derive(Default)]
struct Batch {
    canonical: Vec<io::Result<String>>,
    /// Line, sample, and whether it carries an exemplar.
    taken: Vec<(usize, Sample, bool)>,
}

impl Batch {
    fn len(&self) -> usize {
        self.taken.len()
    }

    fn push(&mut self, number: usize, raw: Raw<'_>) {
        // `m{i="7"} 12.5`: only word characters are left for the crate to read.
        let i = self.taken.len();
        self.canonical.push(Ok(format!("m{{i=\"{i}\"}} {}", raw.value)));
        let sample = Sample { name: raw.name, labels: raw.labels, value: f64::NAN, timestamp_ms: raw.timestamp_ms };
        self.taken.push((number, sample, raw.exemplar));
    }

    /// Gives out what was read.
    fn empty_into(&mut self, out: &mut Exposition) {
        for (number, read) in self.read() {
            match read {
                Ok((sample, _)) => out.samples.push(sample),
                Err(why) => out.reject(number, why),
            }
        }
    }

    /// Gives out what was read, and holds it against what its family demands.
    fn judge_into(&mut self, out: &mut Exposition, strict: &mut Strict) {
        for (number, read) in self.read() {
            match read {
                Ok((sample, exemplar)) => {
                    if let Err(why) = strict.sample(number, &sample, exemplar) {
                        out.reject(number, why);
                    }
                    out.samples.push(sample);
                }
                Err(why) => out.reject(number, why),
            }
        }
    }

    /// Reads the values and puts names and labels back. What the crate did not give back is a problem.
    fn read(&mut self) -> Vec<(usize, Parsed)> {
        let mut values: Vec<Option<f64>> = vec![None; self.taken.len()];
        if let Ok(scrape) = Scrape::parse_at(self.canonical.drain(..), chrono::DateTime::UNIX_EPOCH) {
            for sample in scrape.samples {
                let place = sample.labels.get("i").and_then(|i| i.parse::<usize>().ok());
                if let (Some(slot), Value::Untyped(v)) = (place.and_then(|i| values.get_mut(i)), sample.value) {
                    *slot = Some(v);
                }
            }
        }
        let with_value = |((number, sample, exemplar), value): ((usize, Sample, bool), Option<f64>)| {
            let read = value.map(|value| (Sample { value, ..sample }, exemplar)).ok_or("the value is not a number");
            (number, read)
        };
        self.taken.drain(..).zip(values).map(with_value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Result<Sample, String> {
        let e = read(text.as_bytes(), Format::Text);
        match (e.samples.as_slice(), e.problems.first()) {
            ([s], None) => Ok(s.clone()),
            (_, Some(p)) => Err(p.text.clone()),
            _ => Err("nothing".to_owned()),
        }
    }

    fn labels(text: &str) -> Vec<(String, String)> {
        one(text).unwrap_or_else(|e| panic!("{text}: {e}")).labels
    }

    fn pair(k: &str, v: &str) -> (String, String) {
        (k.to_owned(), v.to_owned())
    }

    #[test]
    fn what_the_bare_crate_loses_or_forges_is_read_as_prometheus_reads_it() {
        assert_eq!(one("job:errs:rate5m{a=\"b\"} 1").unwrap().name, "job:errs:rate5m");
        assert_eq!(labels("a{path=\"/users/{id}\"} 7"), [pair("path", "/users/{id}")]);
        assert_eq!(labels("a{q=\"x} 7 y\",b=\"z\"} 1"), [pair("q", "x} 7 y"), pair("b", "z")]);
        assert_eq!(labels("a{msg=\"x,job=evil\"} 1"), [pair("msg", "x,job=evil")]);
        assert_eq!(labels("a{q=\"k=v\",b=\"z\"} 1"), [pair("q", "k=v"), pair("b", "z")]);
        assert_eq!(labels(r#"a{e="say \"hi\" \\ \n"} 1"#), [pair("e", "say \"hi\" \\ \n")]);
        assert_eq!(labels("a\t{ x = \"1\" , y=\"2\" , } 5"), [pair("x", "1"), pair("y", "2")]);
        assert_eq!(labels("a{} 1"), []);
        assert_eq!(one("a{x=\"1\"}5").unwrap().value.to_bits(), 5f64.to_bits());
        assert!(one("a NaN").unwrap().value.is_nan());
        assert_eq!(one("a -Inf").unwrap().value.to_bits(), f64::NEG_INFINITY.to_bits());
        assert_eq!(one("a 1.5e-3 1395066363000").unwrap().timestamp_ms, Some(1_395_066_363_000));
        assert_eq!(one("{\"http.requests\",m=\"a\"} 1").unwrap().name, "http.requests");
    }

    #[test]
    fn a_malformed_line_is_a_problem_and_the_others_are_read() {
        for bad in [
            "a",
            "a hello",
            "a-b 5",
            "1a 5",
            "a{x=1} 5",
            "a{x='1'} 5",
            "a{x=\"1} 5",
            "a{x=\"1\",,} 5",
            "a 1 yesterday",
            "a 1 2 3",
            "a 0x1p-2",
            "a 1_000",
            "{} 1",
            "a{x=\"1\",x=\"2\"} 1",
            "a{__name__=\"b\"} 1",
            "<html>",
            "# TYPE a sparkle",
            "# TYPE a",
            "a 1 1395066363.123",
        ] {
            let body = format!("good 1\n{bad}\nalso_good 2\n");
            let e = read(body.as_bytes(), Format::Text);
            assert_eq!(e.samples.len(), 2, "{bad}");
            assert_eq!(e.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [2], "{bad}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_cost_one_line() {
        let e = read(b"a 1\nb{x=\"\xff\"} 1\nc 2\r\n", Format::Text);
        assert_eq!(e.samples.len(), 2);
        assert_eq!(e.problems[0], Problem { line: 2, text: "not UTF-8".to_owned() });
    }

    #[test]
    fn openmetrics_has_seconds_exemplars_and_an_end() {
        let body = "# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total{x=\"1\"} 5 1395066363.123 # {trace_id=\"k\"} 0.5\n# EOF\n";
        assert_eq!(Format::of_file(body.as_bytes()), Format::OpenMetrics);
        let e = read(body.as_bytes(), Format::OpenMetrics);
        assert_eq!(e.problems, []);
        assert_eq!(e.samples[0].timestamp_ms, Some(1_395_066_363_123));
        let cut = read(b"a_total 5\n", Format::OpenMetrics);
        assert_eq!(cut.rejected, 1, "a cut-off body is noticed");
        assert_eq!(read(b"# EOF\na 1\n", Format::OpenMetrics).rejected, 1);
    }

    #[test]
    fn only_what_is_wanted_is_read_and_the_rest_costs_nothing() {
        let body = "# TYPE a counter\na_total{x=\"1\"} 5\n  a_total 6\na_totally 1\nb_total what\n{\"c.d\"} 7\n# EOF\n";
        for format in [Format::Text, Format::OpenMetrics] {
            let e = read_only(body.as_bytes(), format, &["a_total", "c.d"]);
            let read: Vec<(&str, f64)> = e.samples.iter().map(|s| (s.name.as_str(), s.value)).collect();
            let all = [("a_total", 5.0), ("a_total", 6.0), ("c.d", 7.0)];
            // OpenMetrics knows no indentation.
            let wanted: Vec<(&str, f64)> =
                all.into_iter().filter(|(_, v)| format == Format::Text || *v < 5.5 || *v > 6.5).collect();
            assert_eq!(read, wanted);
            assert_eq!(e.rejected, usize::from(format == Format::OpenMetrics));
        }
        assert_eq!(read_only(b"a 1\n", Format::OpenMetrics, &["a"]).rejected, 1, "cut off");
    }

    #[test]
    fn problems_stay_bounded_and_are_all_counted() {
        let e = read("x\n".repeat(5_000).as_bytes(), Format::Text);
        assert_eq!((e.problems.len(), e.rejected), (PROBLEMS, 5_000));
    }

    fn escaped(value: &str) -> String {
        value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_family_comes_back_exactly(
            name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,20}",
            pairs in proptest::collection::btree_map("[a-z][a-z0-9_]{0,8}", any::<String>(), 0..5),
            value in any::<f64>(),
            at in proptest::option::of(-1_000_000_000_000i64..4_000_000_000_000),
        ) {
            let inner: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}=\"{}\"", escaped(v))).collect();
            let time = at.map(|t| format!(" {t}")).unwrap_or_default();
            let text = format!("{name}{{{}}} {value:?}{time}", inner.join(","));
            let text = text.replace(" inf", " +Inf").replace(" -inf", " -Inf");
            let s = one(&text).map_err(TestCaseError::fail)?;
            prop_assert_eq!(s.name, name);
            prop_assert_eq!(s.labels, pairs.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(s.value.to_bits() == value.to_bits() || (s.value.is_nan() && value.is_nan()), true);
            prop_assert_eq!(s.timestamp_ms, at);
        }

        #[test]
        fn no_bytes_make_it_panic_or_lose_a_line(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            for format in [Format::Text, Format::OpenMetrics] {
                let e = read(&body, format);
                prop_assert!(e.samples.len() + e.rejected <= lines(&body).count() + 1);
            }
        }

        #[test]
        fn nearly_right_lines_never_panic(body in "[a-z{}=\", \\\\#0-9.\\n\\t+-]{0,200}") {
            for format in [Format::Text, Format::OpenMetrics] {
                let e = read(body.as_bytes(), format);
                prop_assert!(e.samples.len() + e.rejected <= body.lines().count() + 1);
            }
        }
    }
}
