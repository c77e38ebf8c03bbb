//! The counters of one target, sample by sample, for as long as a window needs them: figures come out of them by the
//! arithmetic of Prometheus itself.

use std::collections::HashMap;
use std::collections::VecDeque;

use crate::engine::settings::MetricNames;
use crate::model::matcher;
use crate::model::matcher::Ready;
use crate::model::promql;
use crate::model::promql::Point;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::sources::exposition::Exposition;
use crate::sources::exposition::Sample;

/// Samples of one target that are kept: 16 MB. A target that exposes more series than fit is read in part, and said so.
const POINTS: usize = 1_000_000;
/// Bytes of names and labels that are kept: fifty thousand series of ordinary length.
const BYTES: usize = 32 * 1024 * 1024;
/// A sample dated further ahead is left out.
const AHEAD: Millis = 10 * MINUTE;
/// Requests are also judged over half an hour, where five minutes hold too few.
const LONG: Millis = 30 * MINUTE;

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Counts {
    /// Requests; the flag says whether they failed.
    Requests(bool),
    /// Observations up to this bound.
    Bucket(f64),
}

/// One counter.
#[derive(Debug)]
pub(super) struct Counter {
    pub(super) counts: Counts,
    /// Its labels, exact.
    pub(super) labels: Vec<(String, String)>,
    samples: VecDeque<Point>,
}

impl Counter {
    /// Its growth over `(start, end]`; `None` with fewer than two samples.
    pub(super) fn grown(&mut self, start: Millis, end: Millis) -> Option<f64> {
        promql::Function::Increase.over(self.samples.make_contiguous(), start, end)
    }

    /// Its growth from its first sample on: where the window is longer than the time it has been watched.
    fn grown_from(&mut self, first: Millis, end: Millis) -> Option<f64> {
        let samples = self.samples.make_contiguous();
        let from = samples.partition_point(|(at, _)| *at < first);
        let to = samples.partition_point(|(at, _)| *at <= end);
        promql::extrapolated(samples.get(from..to)?, first, end, true)
    }
}

/// All counters of one target.
#[derive(Debug)]
pub(super) struct Counters {
    by_identity: HashMap<String, Counter>,
    window: Millis,
    points: usize,
    /// Of names and labels.
    bytes: usize,
    /// The time of the oldest look that is still kept.
    looks: VecDeque<Millis>,
    requests_seen: bool,
    durations_seen: bool,
    /// From when on durations are kept.
    buckets_from: Millis,
    /// Series left out because there was no room.
    pub(super) left_out: usize,
}

/// What grew over a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Grown {
    pub(super) total: f64,
    pub(super) failed: f64,
    /// Observations by upper bound.
    pub(super) buckets: Vec<(f64, f64)>,
    /// The time that the figures cover: the window, or less while the target is young.
    pub(super) covered: Millis,
    /// The target exposes requests.
    pub(super) requests_seen: bool,
    /// The target exposes durations.
    pub(super) durations_seen: bool,
    /// There are two looks to compare.
    pub(super) known: bool,
}

/// Which requests failed.
#[derive(Debug)]
pub(super) struct Failures(Vec<Ready>);

impl Failures {
    /// Reads the matchers of the configuration.
    pub(super) fn new(errors: &str) -> Result<Self, String> {
        matcher::parse(errors)?.iter().map(matcher::Matcher::ready).collect::<Result<_, _>>().map(Self)
    }

    fn of(&self, s: &Sample) -> bool {
        self.0.iter().all(|m| m.holds(|label| s.label(label)))
    }
}

impl Counters {
    pub(super) fn new(window: Millis) -> Self {
        Self {
            by_identity: HashMap::new(),
            window,
            points: 0,
            bytes: 0,
            looks: VecDeque::new(),
            requests_seen: false,
            durations_seen: false,
            buckets_from: Millis::MIN,
            left_out: 0,
        }
    }

    /// Takes one look in. `at` is when it began: the time that Prometheus gives to samples without one of their own.
    pub(super) fn take(&mut self, at: Millis, exposition: &Exposition, metrics: &MetricNames, failed: &Failures) {
        if self.looks.back().is_some_and(|last| *last >= at) {
            // The wall clock was set back: what was read before cannot be compared with what comes.
            *self = Self::new(self.window);
        }
        self.looks.push_back(at);
        (self.requests_seen, self.durations_seen, self.left_out) = (false, false, 0);
        let bucket = format!("{}_bucket", metrics.duration);
        for s in &exposition.samples {
            let counts = if s.name == metrics.requests {
                self.requests_seen = true;
                Counts::Requests(failed.of(s))
            } else if s.name == bucket {
                let Some(bound) = s.label("le").and_then(|le| le.parse::<f64>().ok()).filter(|b| !b.is_nan()) else {
                    continue;
                };
                self.durations_seen = true;
                Counts::Bucket(bound)
            } else {
                continue;
            };
            self.add(s, counts, s.timestamp_ms.unwrap_or(at), at);
        }
        self.forget(at);
    }

    fn add(&mut self, s: &Sample, counts: Counts, at: Millis, now: Millis) {
        let identity = identity(s);
        let new = !self.by_identity.contains_key(&identity);
        // A clock that is far ahead is no clock: Prometheus takes nothing from more than ten minutes ahead either.
        if self.points >= POINTS || (new && self.bytes >= BYTES) || at > now + AHEAD {
            self.left_out += 1;
            return;
        }
        // Twice: the identity holds the labels too.
        self.bytes += if new { 2 * identity.len() } else { 0 };
        let counter = self.by_identity.entry(identity).or_insert_with(|| Counter {
            counts,
            labels: s.labels.clone(),
            samples: VecDeque::new(),
        });
        // A target that stands still shows the same timestamp again: that is no new sample.
        if counter.samples.back().is_none_or(|(last, _)| *last < at) {
            counter.samples.push_back((at, s.value));
            self.points += 1;
        }
    }

    /// Forgets what no window reaches any more.
    pub(super) fn forget(&mut self, now: Millis) {
        let requests = now - LONG.max(self.window);
        // Durations have many counters: while they are few, they are kept as long, for windows of the past.
        let buckets = if self.points < POINTS / 4 { requests } else { now - self.window };
        self.buckets_from = self.buckets_from.max(buckets);
        let (mut points, mut bytes) = (0, 0);
        self.by_identity.retain(|identity, c| {
            let oldest = if matches!(c.counts, Counts::Requests(_)) { requests } else { buckets };
            while c.samples.front().is_some_and(|(at, _)| *at <= oldest) {
                c.samples.pop_front();
            }
            points += c.samples.len();
            bytes += if c.samples.is_empty() { 0 } else { 2 * identity.len() };
            !c.samples.is_empty()
        });
        (self.points, self.bytes) = (points, bytes);
        while self.looks.front().is_some_and(|at| *at <= requests) {
            self.looks.pop_front();
        }
    }

    /// The time from which figures over `window` can be told, and whether that is the whole window.
    fn start(&self, now: Millis, window: Millis) -> (Millis, bool) {
        let first = self.looks.front().copied().unwrap_or(now);
        if first < now - window { (now - window, true) } else { (first, false) }
    }

    /// What grew over the last `window`. Where the target has been watched for less, over that: a rate over five
    /// minutes of which four were not seen would be a wrong rate.
    pub(super) fn grown(&mut self, now: Millis, window: Millis, durations: bool) -> Grown {
        let (start, whole) = self.start(now, window);
        let mut out = Grown {
            covered: now - start,
            requests_seen: self.requests_seen,
            durations_seen: self.durations_seen,
            known: self.looks.iter().filter(|at| **at >= start).nth(1).is_some(),
            ..Grown::default()
        };
        let mut buckets: HashMap<u64, f64> = HashMap::new();
        for c in self.by_identity.values_mut() {
            if matches!(c.counts, Counts::Bucket(_)) && !durations {
                continue;
            }
            let grown = if whole { c.grown(start, now) } else { c.grown_from(start, now) };
            let Some(grown) = grown.filter(|g| g.is_finite()) else { continue };
            match c.counts {
                Counts::Requests(failed) => {
                    out.total += grown;
                    out.failed += if failed { grown } else { 0.0 };
                }
                Counts::Bucket(bound) => *buckets.entry(bound.to_bits()).or_default() += grown,
            }
        }
        out.buckets = buckets.into_iter().map(|(bound, n)| (f64::from_bits(bound), n)).collect();
        out
    }

    /// What grew over a span of the past; `None` where fewer than two looks saw it. The beginning of it may not have been
    /// watched: then what is told is of the rest.
    pub(super) fn grown_within(&mut self, (from, to): (Millis, Millis), durations: bool) -> Option<Grown> {
        let first = self.looks.front().copied().filter(|at| *at > from);
        // Durations of a part do not speak for the whole.
        let durations = durations && self.buckets_from <= first.unwrap_or(from);
        self.looks.iter().filter(|at| **at > from && **at <= to).nth(1)?;
        let mut out = Grown { known: true, covered: to - first.unwrap_or(from), ..Grown::default() };
        let mut buckets: HashMap<u64, f64> = HashMap::new();
        for c in self.by_identity.values_mut() {
            let grown = match first {
                Some(first) => c.grown_from(first, to),
                None => c.grown(from, to),
            };
            match (c.counts, grown.filter(|g| g.is_finite())) {
                (Counts::Requests(failed), Some(grown)) => {
                    out.total += grown;
                    out.failed += if failed { grown } else { 0.0 };
                }
                (Counts::Bucket(bound), Some(grown)) if durations => {
                    *buckets.entry(bound.to_bits()).or_default() += grown;
                }
                _ => {}
            }
        }
        out.buckets = buckets.into_iter().map(|(bound, n)| (f64::from_bits(bound), n)).collect();
        Some(out)
    }

    /// Every counter with its growth over the last `window`, for whoever asks where.
    pub(super) fn each(&mut self, now: Millis, window: Millis) -> Vec<(&Counter, f64)> {
        let (start, whole) = self.start(now, window);
        let mut out = Vec::new();
        for c in self.by_identity.values_mut() {
            let grown = if whole { c.grown(start, now) } else { c.grown_from(start, now) };
            if let Some(grown) = grown.filter(|g| g.is_finite()) {
                out.push((&*c, grown));
            }
        }
        out
    }
}

/// Name and labels as one text, whatever their order on the line.
fn identity(s: &Sample) -> String {
    let mut labels: Vec<&(String, String)> = s.labels.iter().collect();
    labels.sort();
    let mut out = s.name.clone();
    for (k, v) in labels {
        out.push('\u{0}');
        out.push_str(k);
        out.push('\u{1}');
        out.push_str(v);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::exposition;
    use crate::sources::exposition::Format;

    fn fed(window: Millis, looks: &[(Millis, &str)]) -> Counters {
        let mut c = Counters::new(window);
        let failed = Failures::new("status=~\"5..\"").unwrap();
        for (at, body) in looks {
            c.take(*at, &exposition::read(body.as_bytes(), Format::Text), &MetricNames::default(), &failed);
        }
        c
    }

    #[test]
    fn a_full_window_is_extrapolated_as_prometheus_does() {
        // Samples at 10, 20, 30 in (0, 30]: ten a second, stretched by the ten seconds before the first.
        let looks: Vec<(Millis, String)> =
            (0..=3).map(|i| (i * 10_000, format!("http_requests_total {}\n", 1_000 + i * 100))).collect();
        let looks: Vec<(Millis, &str)> = looks.iter().map(|(at, body)| (*at, body.as_str())).collect();
        let mut c = fed(29_000, &looks);
        let grown = c.grown(30_000, 29_000, false);
        assert_eq!(grown.covered, 29_000);
        // (1, 30]: two gaps of 100 over 20 s, 9 s to the start (within 1.1 gaps), none to the end.
        assert!((grown.total - 200.0 * 29.0 / 20.0).abs() < 1e-9, "{grown:?}");
    }

    #[test]
    fn a_young_target_is_told_over_the_time_it_was_watched() {
        let mut c = fed(300_000, &[(0, "http_requests_total 100\n"), (5_000, "http_requests_total 150\n")]);
        let grown = c.grown(5_000, 300_000, false);
        assert_eq!((grown.total, grown.covered, grown.known), (50.0, 5_000, true));
    }

    #[test]
    fn a_clock_set_back_starts_over_and_memory_stays_bounded() {
        let mut c = fed(300_000, &[(50_000, "http_requests_total 1\n"), (40_000, "http_requests_total 2\n")]);
        assert!(!c.grown(40_000, 300_000, false).known);
        let line = |i: u32| format!("http_requests_total{{i=\"{i}\"}} 1\n");
        let many = (0..3_000).map(line).collect::<Vec<_>>().concat();
        let looks: Vec<(Millis, &str)> = (0..400).map(|i| (i * 1_000, many.as_str())).collect();
        let c = fed(300_000, &looks);
        assert!(c.points <= POINTS && c.left_out > 0);
    }
}
