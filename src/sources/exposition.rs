//! The text that targets expose: `text/plain; version=0.0.4` and OpenMetrics.
//!
//! `prometheus-parse` reads the samples, behind a front end of ours that reads each line by Prometheus' own grammar
//! (`model/textparse/promlex.l`): taken bare, the crate silently loses names with `:` and values with `}`, and lets
//! `,` in a value forge labels. The front end replaces name and labels by a number, in which nothing can be mangled,
//! and puts them back; a line that it cannot read is a problem with its number, never a silent loss.

mod batch;
mod line;
mod openmetrics;
mod reader;

pub use reader::Reader;

/// Problems that are kept; a body with more is no exposition at all, and the count says how many there were.
pub const PROBLEMS: usize = 1_000;

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
    /// How many samples were left out because there were too many.
    pub left_out: usize,
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
    read_with(Reader::new(format), body)
}

/// Reads only the samples of these names: other lines are left out before anything is made of them, and what is wrong
/// with them is nobody's matter here.
#[must_use]
pub fn read_only(body: &[u8], format: Format, names: &[&str]) -> Exposition {
    read_with(Reader::only(format, names.iter().map(|n| (*n).to_owned()).collect()), body)
}

fn read_with(mut reader: Reader, body: &[u8]) -> Exposition {
    reader.feed(body);
    reader.end()
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
    fn a_line_without_an_end_is_a_problem_and_the_next_is_read() {
        let long = format!("a 1\nb{{x=\"{}\"}} 2\nc 3\n", "x".repeat(3 * 1024 * 1024));
        let e = read(long.as_bytes(), Format::Text);
        assert_eq!((e.samples.len(), e.rejected, e.problems[0].line), (2, 1, 2));
        assert_eq!(read_only(long.as_bytes(), Format::Text, &["a", "c"]).rejected, 0);
        assert_eq!(read_only(long.as_bytes(), Format::Text, &["b"]).rejected, 1);
    }

    #[test]
    fn of_too_many_samples_it_is_counted_how_many_are_left_out() {
        let names = vec!["a".to_owned()];
        let mut reader = Reader::only(Format::Text, names).at_most(3_000);
        reader.feed("a 1\nb 2\n".repeat(5_000).as_bytes());
        let e = reader.end();
        assert_eq!((e.samples.len(), e.left_out, e.rejected), (3_000, 2_000, 0));
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
                prop_assert!(e.samples.len() + e.rejected <= memchr::memchr_iter(b'\n', &body).count() + 2);
            }
        }

        #[test]
        fn however_a_body_arrives_it_is_read_alike(
            body in "(# TYPE a counter\n|# HELP a x\n|a_total 1\n|a_total\\{b=\"c\"\\} 2 3\n|x\n|\n|\u{feff}|é 1\r\n|# EOF\n|# EOF){0,12}",
            cuts in proptest::collection::vec(1usize..9, 1..20),
        ) {
            for format in [Format::Text, Format::OpenMetrics] {
                for names in [None, Some(vec!["a_total".to_owned()])] {
                    let make = || names.clone().map_or_else(|| Reader::new(format), |n| Reader::only(format, n));
                    let whole = read_with(make(), body.as_bytes());
                    let (mut reader, mut rest, mut taken) = (make(), body.as_bytes(), Vec::new());
                    for cut in cuts.iter().cycle() {
                        let (now, later) = rest.split_at((*cut).min(rest.len()));
                        reader.feed(now);
                        taken.extend(reader.taken());
                        rest = later;
                        if rest.is_empty() {
                            break;
                        }
                    }
                    let end = reader.end();
                    taken.extend(end.samples.clone());
                    prop_assert_eq!(taken, whole.samples);
                    prop_assert_eq!((end.problems, end.rejected), (whole.problems, whole.rejected));
                }
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
