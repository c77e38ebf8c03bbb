//! Targets read directly: the same request figures as from a Prometheus server, by the same arithmetic, over the
//! samples that cabina itself took of `/metrics`.

mod place;
mod series;
mod window;

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::broadcast;
use tokio::sync::watch;

use crate::bus;
use crate::engine::Kind;
use crate::engine::effect::Closer;
use crate::engine::effect::CountOrder;
use crate::engine::settings::ScrapeSpec;
use crate::engine::sources::SCRAPE;
use crate::model::promql::histogram_quantile;
use crate::model::signal::Absence;
use crate::model::signal::Counts;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::ERROR_RATE_30M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P95_1M;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::LATENCY_P99_1M;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::REQUESTS_5M;
use crate::model::signal::Reading;
use crate::model::signal::Sample;
use crate::model::source::Origin;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::sources::exposition;
use crate::sources::exposition::Exposition;
use crate::sources::exposition::Format;
use crate::sources::exposition::Reader;
use crate::sources::http;
use crate::sources::http::Clients;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::poll::no_answer;
use crate::sources::scrape::series::Counters;
use crate::sources::scrape::series::Failures;
use crate::sources::scrape::series::Grown;

/// Samples of one look that are taken: as many series of ordinary length as are kept.
const SAMPLES: usize = 50_000;
/// So much of a body without a wanted line is read in full, to say what it is.
const BEGINNING: usize = 64 * 1024;
/// Fewer requests than this in the window, and thirty minutes are given too.
const FEW: f64 = 100.0;
/// Only after so much time without a request is "no requests" an answer.
const QUIET_LEAST: Millis = 5_000;
/// What text is asked for: 0.0.4 has neither exemplars nor names that need quotes.
const ACCEPT: &str = "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.5";

/// All targets and what was read of them.
pub struct Targets {
    all: Vec<Target>,
    /// The newest moment at which any target answered.
    at: Option<Millis>,
    looks: u32,
    window: Millis,
    clients: Arc<Clients>,
    secrets: Arc<Secrets>,
    closer: watch::Receiver<Closer>,
    counts: broadcast::Receiver<CountOrder>,
}

struct Target {
    spec: ScrapeSpec,
    /// Which requests failed; an error keeps the target from being read at all.
    failed: Result<Failures, String>,
    counters: Counters,
}

impl Targets {
    /// Targets that are polled together.
    #[must_use]
    pub fn new(
        specs: Vec<ScrapeSpec>,
        clients: &Arc<Clients>,
        secrets: &Arc<Secrets>,
        (closer, counts): (watch::Receiver<Closer>, broadcast::Receiver<CountOrder>),
    ) -> Self {
        let window = specs.iter().map(|s| s.window).max().unwrap_or(5 * MINUTE);
        let all = specs
            .into_iter()
            .map(|spec| Target {
                failed: Failures::new(&spec.metrics.errors),
                counters: Counters::new(spec.window.max(MINUTE)),
                spec,
            })
            .collect();
        Self {
            all,
            at: None,
            looks: 0,
            window,
            clients: Arc::clone(clients),
            secrets: Arc::clone(secrets),
            closer,
            counts,
        }
    }

    async fn poll(&mut self) -> Result<Vec<Kind>, Absence> {
        let start = bus::now();
        let reads = join_all(self.all.iter().map(|t| read(&t.spec, &self.clients, &self.secrets))).await;
        let mut notes = Vec::new();
        let mut why = None;
        let mut any = false;
        for (target, read) in self.all.iter_mut().zip(reads) {
            let failed = match &target.failed {
                Ok(failed) => failed,
                Err(bad) => {
                    why = Some(Absence::Failed(bad.clone()));
                    continue;
                }
            };
            match read {
                Ok(exposition) => {
                    any = true;
                    let shown = &target.spec.endpoint.shown;
                    if let Some(first) = exposition.problems.first() {
                        notes.push(format!(
                            "{shown}: {} lines not understood; line {}: {}",
                            exposition.rejected, first.line, first.text
                        ));
                    }
                    target.counters.take(start.wall, &exposition, &target.spec.metrics, failed);
                    let left_out = exposition.left_out + target.counters.left_out;
                    if left_out > 0 {
                        notes.push(format!("{shown}: {left_out} series left out, too many"));
                    }
                }
                Err(reason) => {
                    if self.at.is_some() {
                        notes.push(format!("{}: {}", target.spec.endpoint.shown, reason.word()));
                    }
                    target.counters.forget(start.wall);
                    why = Some(reason);
                }
            }
        }
        if let (false, Some(why)) = (any, why) {
            return Err(why);
        }
        self.at = Some(start.wall);
        self.looks = self.looks.saturating_add(1);
        let mut kinds = vec![Kind::Sampled {
            source: SCRAPE.to_owned(),
            origin: Origin::Scrape,
            samples: self.samples(start.wall),
            history: false,
            took: bus::now().since(start),
            notes,
        }];
        let wanted = *self.closer.borrow_and_update();
        if wanted != Closer::default() {
            let parts = place::breakdowns(self.all.iter_mut().map(|t| (&t.spec, &mut t.counters)), start.wall, wanted);
            kinds.push(Kind::BrokenDown { source: SCRAPE.to_owned(), wanted, parts });
        }
        Ok(kinds)
    }

    /// The windows that somebody wants counted, as far as they were seen from here.
    fn counted(&mut self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        loop {
            match self.counts.try_recv() {
                Ok(CountOrder { part, span, since, piece }) => {
                    let all = self.all.iter_mut().map(|t| &mut t.counters);
                    let counted = window::count(all, span, since, piece);
                    kinds.push(Kind::WindowCounted { part, span, counted });
                }
                // Whoever asked too often asks again.
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return kinds,
            }
        }
    }

    fn samples(&mut self, at: Millis) -> Vec<Sample> {
        let five = self.sum(at, self.window, true);
        let one = self.sum(at, MINUTE, true);
        let sample =
            |signal: &str, reading, counts| Sample { signal: signal.to_owned(), at, reading, counts, worst: None };
        let total = five.counts().map(|c| Counts { failed: 0.0, ..c });
        let requests = five.counts().map_or(Reading::Absent(Absence::TooYoung), |c| Reading::Value(c.total));
        let mut out = vec![
            // What limits are judged by comes first.
            sample(REQUESTS_5M, requests, None),
            sample(ERROR_RATE, five.share(), five.counts()),
            sample(ERROR_RATE_1M, one.share(), one.counts()),
            sample(LATENCY_P95, five.quantile(0.95), total),
            sample(LATENCY_P99, five.quantile(0.99), total),
            sample(LATENCY_P95_1M, one.quantile(0.95), None),
            sample(LATENCY_P99_1M, one.quantile(0.99), None),
            sample(REQUEST_RATE, five.rate(), None),
        ];
        if five.counts().is_some_and(|c| c.total < FEW) {
            let thirty = self.sum(at, 30 * MINUTE, false);
            out.push(sample(ERROR_RATE_30M, thirty.share(), thirty.counts()));
        }
        out
    }

    /// What grew over the last `window`, over all targets.
    fn sum(&mut self, at: Millis, window: Millis, durations: bool) -> Grown {
        let mut sum = Grown::default();
        for target in &mut self.all {
            let g = target.counters.grown(at, window, durations);
            sum.total += g.total;
            sum.failed += g.failed;
            sum.covered = sum.covered.max(g.covered);
            sum.requests_seen |= g.requests_seen;
            sum.durations_seen |= g.durations_seen;
            sum.known |= g.known;
            // Buckets of one bound are added up where the quantile is taken.
            sum.buckets.extend(g.buckets);
        }
        sum
    }
}

impl Grown {
    /// What stands behind a share; `None` while there is nothing to compare with.
    fn counts(&self) -> Option<Counts> {
        (self.requests_seen && self.known).then_some(Counts {
            failed: self.failed,
            total: self.total,
            // Never more than was looked at: a cockpit that has just been opened says so.
            window: self.covered,
        })
    }

    fn share(&self) -> Reading {
        match self.counts() {
            None if !self.requests_seen => Reading::Absent(Absence::NoSeries),
            None => Reading::Absent(Absence::TooYoung),
            // Seconds without a request are no silence yet.
            Some(c) if c.total <= 0.0 && self.covered < QUIET_LEAST => Reading::Absent(Absence::TooYoung),
            Some(c) if c.total <= 0.0 => Reading::Absent(Absence::NoTraffic),
            Some(c) => Reading::from_float(c.failed / c.total),
        }
    }

    fn rate(&self) -> Reading {
        match self.counts() {
            None if !self.requests_seen => Reading::Absent(Absence::NoSeries),
            Some(c) if self.covered > 0 => Reading::from_float(c.total * 1_000.0 / self.covered as f64),
            _ => Reading::Absent(Absence::TooYoung),
        }
    }

    fn quantile(&self, q: f64) -> Reading {
        match () {
            () if !self.durations_seen => Reading::Absent(Absence::NoSeries),
            () if !self.known => Reading::Absent(Absence::TooYoung),
            () if self.buckets.iter().all(|(_, n)| *n <= 0.0) => Reading::Absent(Absence::NoTraffic),
            () => Reading::from_float(histogram_quantile(q, &self.buckets)),
        }
    }
}

async fn read(spec: &ScrapeSpec, clients: &Clients, secrets: &Secrets) -> Result<Exposition, Absence> {
    let read = async {
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
        let names = vec![spec.metrics.requests.clone(), format!("{}_bucket", spec.metrics.duration)];
        let mut reader = Reader::only(Format::of_content_type(&content_type), names).at_most(SAMPLES);
        let mut beginning = Vec::new();
        let take = |piece: &[u8]| {
            reader.feed(piece);
            let room = BEGINNING.saturating_sub(beginning.len()).min(piece.len());
            beginning.extend_from_slice(piece.get(..room).unwrap_or_default());
        };
        answer.each(http::BODY_LIMIT, take).await?;
        Ok((reader.end(), beginning))
    };
    let limit = std::time::Duration::from_millis(spec.timeout.max(1) as u64);
    let (read, beginning) = tokio::time::timeout(limit, read).await.unwrap_or(Err(Absence::Timeout(spec.timeout)))?;
    if !read.samples.is_empty() || !read.problems.is_empty() {
        return Ok(read);
    }
    // Nothing of what is wanted: is it an exposition at all? Its beginning tells.
    let whole = beginning.iter().rposition(|b| *b == b'\n').map_or(beginning.len(), |i| i + 1);
    let about = exposition::read(beginning.get(..whole).unwrap_or_default(), Format::Text);
    Ok(Exposition { samples: Vec::new(), ..about })
}

impl Source for Targets {
    async fn ask(&mut self) -> Round {
        let (failed, mut kinds) = match self.poll().await {
            // A one-shot asks again at once: a rate needs two looks.
            Ok(kinds) => (self.looks < 2, kinds),
            Err(why) => (true, vec![no_answer(SCRAPE, why)]),
        };
        kinds.extend(self.counted());
        Round { kinds, failed }
    }

    fn overdue(&mut self, after: Millis) -> Option<Kind> {
        Some(no_answer(SCRAPE, Absence::Timeout(after)))
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
        let wanted = (watch::channel(Closer::default()).1, broadcast::channel(1).1);
        Targets::new(vec![spec; n], &Arc::default(), &Arc::default(), wanted)
    }

    fn feed(t: &mut Targets, at: Millis, bodies: &[&str]) {
        for (target, body) in t.all.iter_mut().zip(bodies) {
            let failed = target.failed.as_ref().unwrap();
            target.counters.take(at, &exposition::read(body.as_bytes(), Format::Text), &target.spec.metrics, failed);
        }
        t.at = Some(at);
    }

    fn sample(t: &mut Targets, signal: &str) -> Sample {
        let at = t.at.unwrap();
        t.samples(at).into_iter().find(|s| s.signal == signal).unwrap()
    }

    fn value(t: &mut Targets, signal: &str) -> Reading {
        sample(t, signal).reading
    }

    #[test]
    fn counters_become_shares_and_a_reset_counts_from_zero() {
        let mut t = targets(1);
        feed(&mut t, 0, &["http_requests_total{status=\"200\"} 100\nhttp_requests_total{status=\"500\"} 10\n"]);
        assert_eq!(value(&mut t, ERROR_RATE), Reading::Absent(Absence::TooYoung));
        feed(&mut t, 5_000, &["http_requests_total{status=\"200\"} 190\nhttp_requests_total{status=\"500\"} 20\n"]);
        assert_eq!(value(&mut t, ERROR_RATE), Reading::Value(0.1));
        assert_eq!(value(&mut t, REQUEST_RATE), Reading::Value(20.0));
        feed(&mut t, 10_000, &["http_requests_total{status=\"200\"} 90\nhttp_requests_total{status=\"500\"} 10\n"]);
        assert_eq!(value(&mut t, ERROR_RATE), Reading::Value(0.1));
        let counts = sample(&mut t, ERROR_RATE).counts;
        assert_eq!(counts, Some(Counts { failed: 20.0, total: 200.0, window: 10_000 }));
    }

    #[test]
    fn several_targets_are_added_up() {
        let mut t = targets(2);
        feed(&mut t, 0, &["http_requests_total{status=\"200\"} 0\n", "http_requests_total{status=\"503\"} 0\n"]);
        feed(&mut t, 5_000, &["http_requests_total{status=\"200\"} 30\n", "http_requests_total{status=\"503\"} 10\n"]);
        assert_eq!(value(&mut t, ERROR_RATE), Reading::Value(0.25));
    }

    #[test]
    fn silence_is_no_traffic_and_a_missing_family_is_no_series() {
        let mut t = targets(1);
        feed(&mut t, 0, &["http_requests_total 5\n"]);
        feed(&mut t, 5_000, &["http_requests_total 5\n"]);
        assert_eq!(value(&mut t, ERROR_RATE), Reading::Absent(Absence::NoTraffic));
        assert_eq!(value(&mut t, LATENCY_P95), Reading::Absent(Absence::NoSeries));
    }
}
