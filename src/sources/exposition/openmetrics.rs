//! What OpenMetrics 1.0 demands beyond the grammar of a line: what belongs to which family, in which order, and with
//! which values. The order of the checks follows the standard's own sections; the reference parser
//! (`prometheus/client_python`, `openmetrics/parser.py`) refuses the same.

use std::collections::HashSet;
use std::hash::Hash as _;
use std::hash::Hasher as _;

use crate::sources::exposition::Sample;
use crate::sources::exposition::line::Metadata;
use crate::sources::exposition::line::Words;

/// What a family is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    #[default]
    Unknown,
}

impl Kind {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// What samples of the family may add to its name.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["_total", "_created"],
            Self::Summary => &["", "_count", "_sum", "_created"],
            Self::Histogram => &["_bucket", "_count", "_sum", "_created"],
            Self::GaugeHistogram => &["_bucket", "_gcount", "_gsum"],
            Self::Info => &["_info"],
            Self::Gauge | Self::StateSet | Self::Unknown => &[""],
        }
    }
}

/// So many names and groups are remembered: of what comes beyond nobody knows whether it was there before.
const REMEMBERED: usize = 1_000_000;

/// What was there before, by its hash: a body of any length costs some 18 MB at the most. With a million of them two
/// share a hash once in forty million bodies.
#[derive(Debug, Default)]
struct Seen(HashSet<u64>);

impl Seen {
    fn is_new(&mut self, what: &str) -> bool {
        let mut hasher = std::hash::DefaultHasher::new();
        what.hash(&mut hasher);
        let hash = hasher.finish();
        if self.0.len() >= REMEMBERED { !self.0.contains(&hash) } else { self.0.insert(hash) }
    }
}

/// The family whose lines are being read.
#[derive(Debug, Default)]
struct Family {
    name: String,
    kind: Option<Kind>,
    unit: Option<String>,
    helped: bool,
    /// The line it began at.
    line: usize,
    sampled: bool,
    groups: Seen,
    group: Option<String>,
    time: Option<i64>,
    histogram: Option<Histogram>,
}

/// One group of a histogram, as far as it was read.
#[expect(clippy::struct_excessive_bools, reason = "four things that were seen or not")]
#[derive(Debug, Default)]
struct Histogram {
    group: String,
    time: Option<i64>,
    bound: Option<f64>,
    value: f64,
    count: Option<f64>,
    sum: bool,
    gsum: bool,
    negative_bounds: bool,
    negative_gsum: bool,
}

/// Follows the lines of a body.
#[derive(Debug, Default)]
pub(super) struct Strict {
    family: Option<Family>,
    /// Names that samples of earlier families had.
    taken: Seen,
}

impl Strict {
    /// A line of metadata.
    pub(super) fn metadata(&mut self, line: usize, m: &Metadata) -> Result<(), String> {
        let current = self.family.as_ref().is_some_and(|f| f.name == m.name);
        let mut late = Ok(());
        if !current {
            late = self.close();
            self.family = Some(Family { name: m.name.clone(), line, ..Family::default() });
        }
        let Some(family) = self.family.as_mut() else { return late };
        if family.sampled {
            return Err(format!("metadata of {} after its samples", m.name));
        }
        match &m.words {
            Words::Help if family.helped => return Err(format!("a second HELP of {}", m.name)),
            Words::Help => family.helped = true,
            Words::Type(_) if family.kind.is_some() => return Err(format!("a second TYPE of {}", m.name)),
            Words::Type(word) => {
                let Some(kind) = Kind::named(word) else {
                    return Err(format!("{word:?} is no metric type of OpenMetrics"));
                };
                family.kind = Some(kind);
            }
            Words::Unit(_) if family.unit.is_some() => return Err(format!("a second UNIT of {}", m.name)),
            Words::Unit(unit) => family.unit = Some(unit.clone()),
        }
        late
    }

    /// A sample.
    pub(super) fn sample(&mut self, line: usize, s: &Sample, exemplar: bool) -> Result<(), String> {
        let ours = self.family.as_ref().is_some_and(|f| suffix(f, &s.name).is_some());
        let mut late = Ok(());
        if !ours {
            late = self.close();
            self.family = Some(Family { name: s.name.clone(), line, ..Family::default() });
        }
        let Some(family) = self.family.as_mut() else { return late };
        let kind = family.kind.unwrap_or_default();
        let suffix = suffix(family, &s.name).unwrap_or_default();
        family.sampled = true;
        labels(family, kind, suffix, s)?;
        values(kind, suffix, s)?;
        let may =
            matches!((kind, suffix), (Kind::Histogram | Kind::GaugeHistogram, "_bucket") | (Kind::Counter, "_total"));
        if exemplar && !may {
            return Err("only counters and buckets have exemplars".to_owned());
        }
        grouping(family, kind, s)?;
        if matches!(kind, Kind::Histogram | Kind::GaugeHistogram) {
            histogram(family, suffix, s)?;
        }
        late
    }

    /// The end of the body.
    pub(super) fn close(&mut self) -> Result<(), String> {
        let Some(family) = self.family.take() else {
            return Ok(());
        };
        let kind = family.kind.unwrap_or_default();
        let mut clash = None;
        // The bare name is the family's own, whatever its samples are called.
        let bare = [""].into_iter().filter(|_| !kind.suffixes().contains(&""));
        for suffix in kind.suffixes().iter().copied().chain(bare) {
            let name = format!("{}{suffix}", family.name);
            if !self.taken.is_new(&name) {
                clash.get_or_insert(name);
            }
        }
        let at = |why: String| Err(format!("{why} (family of line {})", family.line));
        if let Some(name) = clash {
            return at(format!("the name {name} was used before"));
        }
        if let Some(unit) = family.unit.as_deref().filter(|u| !u.is_empty()) {
            if matches!(kind, Kind::Info | Kind::StateSet) {
                return at("a family of this type has no unit".to_owned());
            }
            if !family.name.ends_with(&format!("_{unit}")) {
                return at(format!("the name {} does not end in its unit {unit}", family.name));
            }
        }
        match family.histogram.as_ref().map(complete) {
            Some(Err(why)) => at(why),
            _ => Ok(()),
        }
    }
}

/// What the sample adds to its family's name; `None` where it is no sample of it.
fn suffix<'a>(family: &Family, name: &'a str) -> Option<&'a str> {
    let rest = name.strip_prefix(family.name.as_str())?;
    family.kind.unwrap_or_default().suffixes().contains(&rest).then_some(rest)
}

fn labels(family: &Family, kind: Kind, suffix: &str, s: &Sample) -> Result<(), String> {
    if kind == Kind::StateSet && s.label(&family.name).is_none() {
        return Err(format!("a state set needs the label {}", family.name));
    }
    if suffix == "_bucket" && matches!(kind, Kind::Histogram | Kind::GaugeHistogram) {
        let le = s.label("le").ok_or("a bucket needs the label le")?;
        let bound: f64 = le.parse().map_err(|_| "the label le is no number")?;
        if bound.is_nan() || (bound.is_infinite() && le != "+Inf") {
            return Err("the last bucket is written le=\"+Inf\"".to_owned());
        }
    }
    if kind == Kind::Summary && suffix.is_empty() {
        let q = s.label("quantile").ok_or("a summary needs the label quantile")?;
        if !q.parse::<f64>().is_ok_and(|q| (0.0..=1.0).contains(&q)) {
            return Err("the label quantile is no number between 0 and 1".to_owned());
        }
    }
    Ok(())
}

fn values(kind: Kind, suffix: &str, s: &Sample) -> Result<(), String> {
    let v = s.value;
    let counts = ["_total", "_sum", "_count", "_bucket", "_gcount", "_gsum"].contains(&suffix);
    let wrong = match () {
        () if kind == Kind::StateSet && ![0.0, 1.0].contains(&v) => "a state is 0 or 1",
        () if kind == Kind::Info && ![1.0].contains(&v) => "an info is 1",
        () if kind == Kind::Summary && suffix.is_empty() && v < 0.0 => "a quantile is not negative",
        () if counts && v.is_nan() => "a count or sum is never NaN",
        () if counts && suffix != "_gsum" && v < 0.0 => "a count or sum is never negative",
        () if matches!(suffix, "_bucket" | "_count" | "_gcount") && v.is_finite() && v.fract() != 0.0 => {
            "a count is a whole number"
        }
        () => return Ok(()),
    };
    Err(wrong.to_owned())
}

/// The labels that samples of one metric share.
fn group_of(family: &Family, kind: Kind, s: &Sample) -> String {
    let left_out = match kind {
        // All infos of a family are one group: nothing tells them apart.
        Kind::Info => return String::new(),
        Kind::Summary if s.name == family.name => "quantile",
        Kind::StateSet => family.name.as_str(),
        Kind::Histogram | Kind::GaugeHistogram if s.name.ends_with("_bucket") => "le",
        _ => "",
    };
    let mut labels: Vec<String> =
        s.labels.iter().filter(|(k, _)| k != left_out).map(|(k, v)| format!("{k}\u{1}{v}")).collect();
    labels.sort();
    labels.join("\u{0}")
}

fn grouping(family: &mut Family, kind: Kind, s: &Sample) -> Result<(), String> {
    let group = group_of(family, kind, s);
    let same = family.group.as_ref() == Some(&group);
    let known = !family.groups.is_new(&group);
    let before = family.time;
    let first = family.group.is_none();
    family.group = Some(group);
    family.time = s.timestamp_ms;
    if first {
        return Ok(());
    }
    if !same {
        return if known { Err("samples of one metric stand apart".to_owned()) } else { Ok(()) };
    }
    match (before, s.timestamp_ms) {
        (None, Some(_)) | (Some(_), None) => Err("some samples of one metric have a time, some have none".to_owned()),
        (Some(a), Some(b)) if a > b && kind != Kind::Info => Err("the times of one metric go backwards".to_owned()),
        _ => Ok(()),
    }
}

fn histogram(family: &mut Family, suffix: &str, s: &Sample) -> Result<(), String> {
    let group = family.group.clone().unwrap_or_default();
    let mut ended = Ok(());
    let mut h = match family.histogram.take() {
        Some(h) if h.group == group && h.time == s.timestamp_ms => h,
        before => {
            ended = before.as_ref().map_or(Ok(()), complete);
            Histogram { group, time: s.timestamp_ms, ..Histogram::default() }
        }
    };
    let mut wrong = None;
    match suffix {
        "_bucket" => {
            let bound: f64 = s.label("le").and_then(|le| le.parse().ok()).unwrap_or(f64::INFINITY);
            h.negative_bounds |= bound < 0.0;
            if h.bound.is_some_and(|b| bound <= b) {
                wrong = Some("the buckets are not in order");
            } else if s.value < h.value {
                wrong = Some("a bucket counts less than the one before it");
            }
            (h.bound, h.value) = (Some(bound), s.value);
        }
        "_count" | "_gcount" => h.count = Some(s.value),
        "_sum" => h.sum = true,
        "_gsum" => {
            h.gsum = true;
            h.negative_gsum |= s.value < 0.0;
        }
        _ => {}
    }
    family.histogram = Some(h);
    ended?;
    wrong.map_or(Ok(()), |w| Err(w.to_owned()))
}

/// Is a group of a histogram whole?
fn complete(h: &Histogram) -> Result<(), String> {
    let wrong = match () {
        () if h.bound != Some(f64::INFINITY) => "the bucket le=\"+Inf\" is missing",
        () if h.count.is_some_and(|c| c.total_cmp(&h.value).is_ne()) => {
            "the count is not that of the bucket le=\"+Inf\""
        }
        () if (h.sum || h.gsum) && h.count.is_none() => "there is a sum and no count",
        () if h.count.is_some() && !(h.sum || h.gsum) => "there is a count and no sum",
        () if h.negative_bounds && h.sum => "there is a sum, and a bucket below zero",
        () if !h.negative_bounds && h.negative_gsum => "the sum is negative, and no bucket is",
        () => return Ok(()),
    };
    Err(wrong.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::sources::exposition::Format;
    use crate::sources::exposition::read;

    fn problems(body: &str) -> Vec<String> {
        let e = read(format!("{body}# EOF\n").as_bytes(), Format::OpenMetrics);
        e.problems.into_iter().map(|p| format!("{}: {}", p.line, p.text)).collect()
    }

    #[test]
    fn whole_families_are_read_without_a_word() {
        for body in [
            "# TYPE a counter\n# UNIT a \n# HELP a \na_total 1\na_created 123.456\n",
            "# HELP a_seconds Some \\\"text\\\".\n# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds{x=\"1\"} -1.5\n",
            "# TYPE a histogram\na_bucket{le=\"1.0\"} 0 # {} 0.5\na_bucket{le=\"+Inf\"} 3 # {a=\"b\"} 2 123.4\na_count 3\na_sum 2\n",
            "# TYPE a gaugehistogram\na_bucket{le=\"-1.0\"} 0\na_bucket{le=\"+Inf\"} 3\na_gcount 3\na_gsum -2\n",
            "# TYPE a summary\na{quantile=\"0.5\"} 1\na_count 3\na_sum 2\n",
            "# TYPE a info\na_info{x=\"1\"} 1\na_info{x=\"2\"} 1\n",
            "# TYPE a stateset\na{a=\"on\"} 1\na{a=\"off\"} 0\n",
            "a 1 1\na 2 2\nb NaN\nc +Inf\n{\"d.e\",\"f g\"=\"h\"} 1\n",
            "# TYPE a histogram\na_bucket{x=\"1\",le=\"+Inf\"} 1\na_bucket{x=\"2\",le=\"+Inf\"} 1\n",
        ] {
            assert_eq!(problems(body), Vec::<String>::new(), "{body}");
        }
    }

    #[test]
    fn what_the_standard_forbids_is_a_problem() {
        for body in [
            "\na 1\n",
            "# a comment\n",
            "#EOF\n",
            "# HELP a\n",
            "# TYPE a\n",
            "# TYPE a gauge \n",
            "# TYPE a untyped\n",
            " # TYPE a gauge\n",
            "# UNIT a seconds\n",
            "# TYPE a_u info\n# UNIT a_u u\n",
            "# TYPE a gauge\n# TYPE a gauge\n",
            "# HELP a x\n# HELP a x\n",
            "a 1\n# TYPE a gauge\n",
            "# TYPE a gauge\na 1\nb 2\na 3\n",
            "# TYPE a_created gauge\n# TYPE a counter\n",
            "# TYPE a counter\na_total 1\n# TYPE a gauge\na 1\n",
            "a  1\n",
            "a 1 \n",
            "a 1\t\n",
            "a\t1\n",
            "a 1_2\n",
            "a 0x1\n",
            "a 1 NaN\n",
            "a 1 +Inf\n",
            "a 1 1_2\n",
            "a{x=\"1\",} 1\n",
            "a{,} 1\n",
            "a{x=\"1\", y=\"2\"} 1\n",
            "a{ x=\"1\"} 1\n",
            "a {x=\"1\"} 1\n",
            "a 1\r\n",
            "a 1 # {x=\"1\"} 1\n",
            "# TYPE a counter\na_total 1# {} 1\n",
            "# TYPE a counter\na_total 1 #{} 1\n",
            "# TYPE a counter\na_total 1 # {}\n",
            "# TYPE a counter\na_total 1 # {} 1 \n",
            "# TYPE a counter\na_created 1 # {x=\"1\"} 1\n",
            "# TYPE a counter\na_total NaN\n",
            "# TYPE a counter\na_total -1\n",
            "# TYPE a info\na_info 2\n",
            "# TYPE a stateset\na{a=\"on\"} 2\n",
            "# TYPE a stateset\na 1\n",
            "# TYPE a summary\na 1\n",
            "# TYPE a summary\na{quantile=\"1.5\"} 1\n",
            "# TYPE a histogram\na_bucket 1\n",
            "# TYPE a histogram\na_bucket{le=\"1\"} 0\n",
            "# TYPE a histogram\na_bucket{le=\"2\"} 0\na_bucket{le=\"1\"} 0\na_bucket{le=\"+Inf\"} 0\n",
            "# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n",
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2\na_sum 1\n",
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\n",
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n",
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 0.5\n",
            "# TYPE a gauge\na 0 2\na 0 1\n",
            "# TYPE a gauge\na 0 2\na 0\n",
            "# TYPE a gauge\na{x=\"1\"} 0\na{x=\"2\"} 0\na{x=\"1\"} 0\n",
        ] {
            assert_ne!(problems(body), Vec::<String>::new(), "{body}");
        }
        let long = "x".repeat(130);
        assert_ne!(problems(&format!("# TYPE a counter\na_total 1 # {{x=\"{long}\"}} 1\n")), Vec::<String>::new());
    }
}
