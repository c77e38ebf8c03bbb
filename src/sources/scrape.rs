//! Targets read directly: the same request figures as from a Prometheus server, computed from what `/metrics` shows.
//!
//! Each poll turns counters into increments (a counter that falls was reset and counts from zero); windows are sums of
//! increments, over all series and all targets. A series seen for the first time brings no increment: how long it took
//! to get there is not known (Prometheus has it the same way).

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::join_all;
use regex::Regex;

use crate::bus;
use crate::engine::Kind;
use crate::engine::settings::ScrapeSpec;
use crate::engine::sources::SCRAPE;
use crate::model::signal::Absence;
use crate::model::signal::Counts;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::ERROR_RATE_30M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::REQUESTS_5M;
use crate::model::signal::Reading;
use crate::model::signal::Sample;
use crate::model::source::Origin;
use crate::model::text::clean;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::sources::exposition;
use crate::sources::exposition::Exposition;
use crate::sources::exposition::Format;
use crate::sources::http;
use crate::sources::http::Clients;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::poll::no_answer;
use crate::sources::secrets::Secrets;

/// Series of one target that are remembered; a target with more exposes something that is no request metric.
const SERIES: usize = 50_000;
/// Bodies above this are read on a thread of their own, so that other pollers go on.
const LARGE: usize = 256 * 1024;
/// Fewer requests than this in the window, and thirty minutes are given too.
const FEW: f64 = 100.0;
/// Only after so much time without a request is "no requests" an answer.
const QUIET_LEAST: Millis = 5_000;
/// What text is asked for: 0.0.4 has neither exemplars nor names that need quotes.
const ACCEPT: &str = "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.5";

/// All targets and what was read of them.
pub struct Targets {
    all: Vec<Target>,
    moments: VecDeque<Moment>,
    window: Millis,
    clients: Arc<Clients>,
    secrets: Arc<Secrets>,
}

struct Target {
    spec: ScrapeSpec,
    /// Which requests failed; an error keeps the target from being read at all.
    failed: Result<Vec<Matcher>, String>,
    before: HashMap<String, f64>,
    at: Option<Millis>,
}

/// What happened between two polls, over all targets.
#[derive(Clone, Debug, Default)]
struct Moment {
    at: Millis,
    /// The window this sums up; 0 for a single moment.
    window: Millis,
    /// How much time it covers.
    span: Millis,
    total: f64,
    failed: f64,
    /// Observations by upper bound (bits of the float, which sort as the floats do when they are not negative).
    buckets: BTreeMap<u64, f64>,
    requests_seen: bool,
    durations_seen: bool,
    young: bool,
}

impl Targets {
    /// Targets that are polled together.
    #[must_use]
    pub fn new(specs: Vec<ScrapeSpec>, clients: &Arc<Clients>, secrets: &Arc<Secrets>) -> Self {
        let window = specs.iter().map(|s| s.window).max().unwrap_or(5 * MINUTE);
        let all = specs
            .into_iter()
            .map(|spec| Target { failed: matchers(&spec.metrics.errors), spec, before: HashMap::new(), at: None })
            .collect();
        Self { all, moments: VecDeque::new(), window, clients: Arc::clone(clients), secrets: Arc::clone(secrets) }
    }

    async fn poll(&mut self) -> Result<Kind, Absence> {
        let start = bus::now();
        let reads = join_all(self.all.iter().map(|t| read(&t.spec, &self.clients, &self.secrets))).await;
        let mut moment = Moment { at: bus::now().wall, ..Moment::default() };
        let mut notes = Vec::new();
        let mut why = None;
        let mut any = false;
        for (target, read) in self.all.iter_mut().zip(reads) {
            let read = match &target.failed {
                Err(why) => Err(Absence::Failed(why.clone())),
                Ok(_) => read,
            };
            match read {
                Ok(exposition) => {
                    any = true;
                    if let Some(first) = exposition.problems.first() {
                        notes.push(format!(
                            "{}: {} lines not understood; line {}: {}",
                            target.spec.endpoint.shown, exposition.rejected, first.line, first.text
                        ));
                    }
                    target.take(&exposition, &mut moment);
                }
                Err(reason) => {
                    if self.moments.back().is_some() {
                        notes.push(format!("{}: {}", target.spec.endpoint.shown, reason.word()));
                    }
                    why = Some(reason);
                }
            }
        }
        if let (false, Some(why)) = (any, why) {
            return Err(why);
        }
        self.moments.push_back(moment);
        let oldest = start.wall - (30 * MINUTE).max(self.window);
        while self.moments.front().is_some_and(|m| m.at <= oldest) {
            self.moments.pop_front();
        }
        Ok(Kind::Sampled {
            source: SCRAPE.to_owned(),
            origin: Origin::Scrape,
            samples: self.samples(),
            history: false,
            took: bus::now().since(start),
            notes,
        })
    }

    fn samples(&self) -> Vec<Sample> {
        let Some(newest) = self.moments.back() else {
            return Vec::new();
        };
        let at = newest.at;
        let (five, one) = (self.sum(self.window), self.sum(MINUTE));
        let sample =
            |signal: &str, reading, counts| Sample { signal: signal.to_owned(), at, reading, counts, worst: None };
        let total = five.counts().map(|c| Counts { failed: 0.0, ..c });
        let mut out = vec![
            sample(ERROR_RATE, five.share(), five.counts()),
            sample(ERROR_RATE_1M, one.share(), one.counts()),
            sample(LATENCY_P95, five.quantile(0.95), total),
            sample(LATENCY_P99, five.quantile(0.99), total),
            sample(REQUEST_RATE, five.rate(), None),
            sample(
                REQUESTS_5M,
                five.counts().map_or(Reading::Absent(Absence::TooYoung), |c| Reading::Value(c.total)),
                None,
            ),
        ];
        // What limits are judged by comes first.
        out.rotate_right(1);
        if five.counts().is_some_and(|c| c.total < FEW) {
            let thirty = self.sum(30 * MINUTE);
            out.push(sample(ERROR_RATE_30M, thirty.share(), thirty.counts()));
        }
        out
    }

    /// All that happened in the last `window`.
    fn sum(&self, window: Millis) -> Moment {
        let Some(newest) = self.moments.back() else {
            return Moment::default();
        };
        let mut sum = Moment {
            at: newest.at,
            window,
            requests_seen: newest.requests_seen,
            durations_seen: newest.durations_seen,
            young: true,
            ..Moment::default()
        };
        for m in self.moments.iter().rev().take_while(|m| newest.at - m.at < window) {
            sum.total += m.total;
            sum.failed += m.failed;
            sum.span += m.span;
            sum.young &= m.young;
            for (bound, n) in &m.buckets {
                *sum.buckets.entry(*bound).or_default() += n;
            }
        }
        sum
    }
}

impl Moment {
    /// What stands behind a share; `None` while there is nothing to compare with.
    fn counts(&self) -> Option<Counts> {
        (self.requests_seen && !self.young).then_some(Counts {
            failed: self.failed,
            total: self.total,
            // Never more than was looked at: a cockpit that has just been opened says so.
            window: self.window.min(self.span),
        })
    }

    fn share(&self) -> Reading {
        match self.counts() {
            None if !self.requests_seen => Reading::Absent(Absence::NoSeries),
            None => Reading::Absent(Absence::TooYoung),
            // Seconds without a request are no silence yet.
            Some(c) if c.total <= 0.0 && self.span < QUIET_LEAST => Reading::Absent(Absence::TooYoung),
            Some(c) if c.total <= 0.0 => Reading::Absent(Absence::NoTraffic),
            Some(c) => Reading::from_float(c.failed / c.total),
        }
    }

    fn rate(&self) -> Reading {
        match self.counts() {
            None if !self.requests_seen => Reading::Absent(Absence::NoSeries),
            Some(c) if self.span > 0 => Reading::from_float(c.total * 1_000.0 / self.span as f64),
            _ => Reading::Absent(Absence::TooYoung),
        }
    }

    fn quantile(&self, q: f64) -> Reading {
        if !self.durations_seen {
            return Reading::Absent(Absence::NoSeries);
        }
        if self.young {
            return Reading::Absent(Absence::TooYoung);
        }
        let buckets: Vec<(f64, f64)> = self.buckets.iter().map(|(bound, n)| (f64::from_bits(*bound), *n)).collect();
        match histogram_quantile(q, &buckets) {
            Some(v) => Reading::from_float(v),
            None => Reading::Absent(Absence::NoTraffic),
        }
    }
}

impl Target {
    /// Adds what this target's counters gained since it was last read.
    fn take(&mut self, exposition: &Exposition, moment: &mut Moment) {
        let metrics = &self.spec.metrics;
        let bucket = format!("{}_bucket", metrics.duration);
        let span = self.at.map_or(0, |t| moment.at - t);
        // After a long silence the old values say nothing about the window.
        if span > self.spec.window {
            self.before.clear();
        }
        let first = self.before.is_empty();
        let mut now = HashMap::with_capacity(self.before.len());
        for s in &exposition.samples {
            let is_request = s.name == metrics.requests;
            if !is_request && s.name != bucket || !s.value.is_finite() || now.len() >= SERIES {
                continue;
            }
            let key = identity(s);
            let gained = self.before.get(&key).map_or(0.0, |b| if s.value < *b { s.value } else { s.value - b });
            now.insert(key, s.value);
            if is_request {
                moment.requests_seen = true;
                moment.total += gained;
                if self.failed.as_ref().is_ok_and(|all| all.iter().all(|m| m.matches(s))) {
                    moment.failed += gained;
                }
            } else if let Some(bound) = s.label("le").and_then(|le| le.parse::<f64>().ok()).filter(|b| *b >= 0.0) {
                moment.durations_seen = true;
                *moment.buckets.entry(bound.to_bits()).or_default() += gained;
            }
        }
        moment.young |= first;
        moment.span = moment.span.max(span);
        self.before = now;
        self.at = Some(moment.at);
    }
}

/// Name and labels as one text, whatever their order on the line.
fn identity(s: &exposition::Sample) -> String {
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

async fn read(spec: &ScrapeSpec, clients: &Clients, secrets: &Secrets) -> Result<Exposition, Absence> {
    let get = async {
        let answer = http::get(clients, secrets, &spec.endpoint, "", &[], ACCEPT, spec.timeout).await?;
        match answer.status() {
            200 => {}
            401 | 403 => return Err(Absence::Denied(format!("HTTP {}", answer.status()))),
            other => return Err(Absence::Status(other)),
        }
        let content_type = answer.header("content-type").to_owned();
        if content_type.starts_with("text/html") {
            return Err(Absence::Malformed("a web page instead of metrics".to_owned()));
        }
        Ok((Format::of_content_type(&content_type), answer.body(http::BODY_LIMIT).await?))
    };
    let limit = std::time::Duration::from_millis(spec.timeout.max(1) as u64);
    let (format, body) = tokio::time::timeout(limit, get).await.unwrap_or(Err(Absence::Timeout(spec.timeout)))?;
    if body.len() < LARGE {
        return Ok(exposition::read(&body, format));
    }
    tokio::task::spawn_blocking(move || exposition::read(&body, format))
        .await
        .map_err(|e| Absence::Failed(clean(&e.to_string())))
}

/// One condition on a label.
#[derive(Debug)]
pub struct Matcher {
    label: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Equal(String),
    Different(String),
    Like(Regex),
    Unlike(Regex),
}

impl Matcher {
    fn matches(&self, s: &exposition::Sample) -> bool {
        // A label that is not there is the empty text, as in PromQL.
        let value = s.label(&self.label).unwrap_or_default();
        match &self.test {
            Test::Equal(v) => value == v,
            Test::Different(v) => value != v,
            Test::Like(r) => r.is_match(value),
            Test::Unlike(r) => !r.is_match(value),
        }
    }
}

/// Reads label matchers as PromQL has them between braces: `status=~"5..",method!="HEAD"`.
///
/// # Errors
/// What is wrong, as a fragment.
pub fn matchers(text: &str) -> Result<Vec<Matcher>, String> {
    let shape = Regex::new(r#"^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)"#)
        .map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let found = shape
            .captures(rest)
            .ok_or_else(|| format!("{:?} is no label matcher such as status=~\"5..\"", clean(rest)))?;
        let (whole, [label, op, value]) = found.extract();
        let value = value.replace("\\\\", "\\").replace("\\\"", "\"");
        // PromQL anchors its regular expressions.
        let regex = || {
            Regex::new(&format!("^(?s:{value})$")).map_err(|_| format!("{:?} is no regular expression", clean(&value)))
        };
        let condition = match op {
            "=" => Test::Equal(value.clone()),
            "!=" => Test::Different(value.clone()),
            "=~" => Test::Like(regex()?),
            _ => Test::Unlike(regex()?),
        };
        out.push(Matcher { label: label.to_owned(), test: condition });
        rest = rest.get(whole.len()..).unwrap_or_default();
    }
    Ok(out)
}

/// `histogram_quantile` of Prometheus (`promql/quantile.go`, `BucketQuantile`) over cumulative buckets in ascending
/// order: linear within the bucket, from 0 in the first; beyond the last finite bound, that bound. `None` when nothing
/// was observed or there is no `+Inf`.
#[must_use]
pub fn histogram_quantile(q: f64, buckets: &[(f64, f64)]) -> Option<f64> {
    let (last, _) = buckets.last()?;
    if *last != f64::INFINITY || buckets.len() < 2 {
        return None;
    }
    // A scrape in the middle of an observation can make a bucket smaller than the one before it.
    let mut cumulative = Vec::with_capacity(buckets.len());
    let mut most = 0.0f64;
    for (_, n) in buckets {
        most = most.max(*n);
        cumulative.push(most);
    }
    let total = most;
    if total <= 0.0 {
        return None;
    }
    let rank = q * total;
    let i = cumulative.iter().position(|n| *n >= rank).unwrap_or(buckets.len() - 1);
    if i == buckets.len() - 1 {
        return Some(buckets[buckets.len() - 2].0);
    }
    let end = buckets[i].0;
    if i == 0 && end <= 0.0 {
        return Some(end);
    }
    let (start, below) = if i == 0 { (0.0, 0.0) } else { (buckets[i - 1].0, cumulative[i - 1]) };
    Some(start + (end - start) * ((rank - below) / (cumulative[i] - below)))
}

impl Source for Targets {
    async fn ask(&mut self) -> Round {
        match self.poll().await {
            // A one-shot asks again at once: a rate needs two looks.
            Ok(kind) => Round { failed: self.moments.len() < 2, kinds: vec![kind] },
            Err(why) => Round { kinds: vec![no_answer(SCRAPE, why)], failed: true },
        }
    }

    fn overdue(&mut self, after: Millis) -> Kind {
        no_answer(SCRAPE, Absence::Timeout(after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::settings::Endpoint;
    use crate::engine::settings::MetricNames;

    fn targets(n: usize) -> Targets {
        let spec = ScrapeSpec {
            endpoint: Endpoint::open(String::new(), "http://t/metrics"),
            every: 5_000,
            timeout: 1_000,
            window: 5 * MINUTE,
            metrics: MetricNames::default(),
        };
        Targets::new(vec![spec; n], &Arc::default(), &Arc::default())
    }

    fn feed(t: &mut Targets, at: Millis, bodies: &[&str]) {
        let mut moment = Moment { at, ..Moment::default() };
        for (target, body) in t.all.iter_mut().zip(bodies) {
            target.take(&exposition::read(body.as_bytes(), Format::Text), &mut moment);
        }
        t.moments.push_back(moment);
    }

    fn value(t: &Targets, signal: &str) -> Reading {
        t.samples().into_iter().find(|s| s.signal == signal).unwrap().reading
    }

    #[test]
    fn counters_become_shares_and_a_reset_counts_from_zero() {
        let mut t = targets(1);
        feed(&mut t, 0, &["http_requests_total{status=\"200\"} 100\nhttp_requests_total{status=\"500\"} 10\n"]);
        assert_eq!(value(&t, ERROR_RATE), Reading::Absent(Absence::TooYoung));
        feed(&mut t, 5_000, &["http_requests_total{status=\"200\"} 190\nhttp_requests_total{status=\"500\"} 20\n"]);
        assert_eq!(value(&t, ERROR_RATE), Reading::Value(0.1));
        assert_eq!(value(&t, REQUEST_RATE), Reading::Value(20.0));
        feed(&mut t, 10_000, &["http_requests_total{status=\"200\"} 90\nhttp_requests_total{status=\"500\"} 10\n"]);
        assert_eq!(value(&t, ERROR_RATE), Reading::Value(0.1));
        assert_eq!(t.samples()[1].counts, Some(Counts { failed: 20.0, total: 200.0, window: 10_000 }));
    }

    #[test]
    fn several_targets_are_added_up() {
        let mut t = targets(2);
        feed(&mut t, 0, &["http_requests_total{status=\"200\"} 0\n", "http_requests_total{status=\"503\"} 0\n"]);
        feed(&mut t, 5_000, &["http_requests_total{status=\"200\"} 30\n", "http_requests_total{status=\"503\"} 10\n"]);
        assert_eq!(value(&t, ERROR_RATE), Reading::Value(0.25));
    }

    #[test]
    fn silence_is_no_traffic_and_a_missing_family_is_no_series() {
        let mut t = targets(1);
        feed(&mut t, 0, &["http_requests_total 5\n"]);
        feed(&mut t, 5_000, &["http_requests_total 5\n"]);
        assert_eq!(value(&t, ERROR_RATE), Reading::Absent(Absence::NoTraffic));
        assert_eq!(value(&t, LATENCY_P95), Reading::Absent(Absence::NoSeries));
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let inf = f64::INFINITY;
        assert_eq!(histogram_quantile(0.5, &[(1.0, 10.0), (inf, 10.0)]), Some(0.5));
        assert_eq!(histogram_quantile(0.95, &[(0.1, 50.0), (0.5, 90.0), (1.0, 100.0), (inf, 100.0)]), Some(0.75));
        assert_eq!(
            histogram_quantile(0.99, &[(1.0, 10.0), (inf, 100.0)]),
            Some(1.0),
            "beyond the last bound: that bound"
        );
        assert_eq!(histogram_quantile(0.5, &[(1.0, 0.0), (inf, 0.0)]), None);
        assert_eq!(histogram_quantile(0.5, &[(1.0, 5.0)]), None, "no +Inf");
    }

    #[test]
    fn matchers_are_read_as_promql_reads_them() {
        let m = matchers(r#"status=~"5..", method!="HEAD""#).unwrap();
        let sample = |status: &str, method: &str| exposition::Sample {
            name: "r".to_owned(),
            labels: vec![("status".to_owned(), status.to_owned()), ("method".to_owned(), method.to_owned())],
            value: 1.0,
            timestamp_ms: None,
        };
        let all = |s: &exposition::Sample| m.iter().all(|m| m.matches(s));
        assert!(all(&sample("503", "GET")));
        assert!(!all(&sample("503", "HEAD")) && !all(&sample("5033", "GET")) && !all(&sample("200", "GET")));
        assert!(matchers("status=5").is_err() && matchers("status=~\"(\"").is_err());
    }
}
