//! What the built-in signals ask, and how answers become samples.
//!
//! The request figures are read as counts (`increase` over 5m and 1m of all and of failed requests), so that a share
//! never stands without what is behind it. `increase` is `rate` times the window, so the quotient is exactly
//! `(sum(rate(E[5m])) or 0*sum(rate(R[5m]))) / sum(rate(R[5m]))`.

use std::collections::BTreeMap;

use crate::engine::settings::MetricNames;
use crate::engine::settings::SignalSpec;
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
use crate::model::signal::Side;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::sources::prometheus::api::Element;
use crate::sources::prometheus::api::Row;
use crate::sources::prometheus::api::shown;

/// One question and the name of its answer.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) name: String,
    pub(super) query: String,
    /// Trouble lies below the limit: of many series the least is the worst.
    pub(super) below: bool,
}

/// What one question brought.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) at: Option<Millis>,
    pub(super) reading: Reading,
    pub(super) worst: Option<String>,
}

impl Answered {
    pub(super) fn absent(why: Absence) -> Self {
        Self { at: None, reading: Reading::Absent(why), worst: None }
    }
}

/// Answers by the name of their question.
pub(super) type Answers = BTreeMap<String, Answered>;

pub(super) const TOTAL_5: &str = "total_5m";
const FAILED_5: &str = "failed_5m";
const TOTAL_1: &str = "total_1m";
const FAILED_1: &str = "failed_1m";
const TOTAL_30: &str = "total_30m";
const FAILED_30: &str = "failed_30m";

/// All questions: the counts and quantiles behind the built-in signals, then the configured queries.
pub(super) fn asks(metrics: &MetricNames, signals: &[SignalSpec]) -> Vec<Ask> {
    let mut asks = counts(metrics, "5m", TOTAL_5, FAILED_5);
    asks.extend(counts(metrics, "1m", TOTAL_1, FAILED_1));
    for spec in signals.iter().filter(|s| s.origin.tells_requests()) {
        let query = match (&spec.query, spec.name.as_str()) {
            (Some(query), _) => query.clone(),
            (None, LATENCY_P95) => quantile_query(metrics, "0.95", "5m"),
            (None, LATENCY_P99) => quantile_query(metrics, "0.99", "5m"),
            _ => continue,
        };
        let below = spec.critical.or(spec.warning).is_some_and(|l| l.side == Side::Below);
        asks.push(Ask { name: spec.name.clone(), query, below });
    }
    asks
}

/// The quantiles of one minute: of now only, no curve is drawn of them. Where a configured query stands for the signal,
/// that is asked alone.
pub(super) fn asks_1m(metrics: &MetricNames, signals: &[SignalSpec]) -> Vec<Ask> {
    let own = |name: &str| signals.iter().any(|s| s.name == name && s.query.is_none());
    let both = [(LATENCY_P95, LATENCY_P95_1M, "0.95"), (LATENCY_P99, LATENCY_P99_1M, "0.99")];
    let asked = both.into_iter().filter(|(signal, ..)| own(signal));
    asked
        .map(|(_, name, q)| Ask { name: name.to_owned(), query: quantile_query(metrics, q, "1m"), below: false })
        .collect()
}

/// The questions over half an hour, for when five minutes hold too few requests.
pub(super) fn asks_30m(metrics: &MetricNames) -> Vec<Ask> {
    counts(metrics, "30m", TOTAL_30, FAILED_30)
}

fn counts(metrics: &MetricNames, window: &str, total: &str, failed: &str) -> Vec<Ask> {
    let (requests, errors) = (&metrics.requests, &metrics.errors);
    let all = format!("sum(increase({requests}[{window}]))");
    // A service that never failed has no 5xx series: that is zero failures, not "no data".
    let bad = format!("sum(increase({requests}{{{errors}}}[{window}])) or 0 * {all}");
    [(total, all), (failed, bad)].map(|(name, query)| Ask { name: name.to_owned(), query, below: false }).to_vec()
}

fn quantile_query(metrics: &MetricNames, q: &str, window: &str) -> String {
    format!("histogram_quantile({q}, sum by (le) (rate({}_bucket[{window}])))", metrics.duration)
}

/// Turns what was answered into samples of the signals.
pub(super) fn samples(signals: &[SignalSpec], at: Millis, values: &Answers) -> Vec<Sample> {
    let get = |name: &str| values.get(name).map_or(Reading::Absent(Absence::NotYet), |a| a.reading.clone());
    let mut out = Vec::new();
    let five = share(&get(TOTAL_5), &get(FAILED_5), 5 * MINUTE);
    for spec in signals.iter().filter(|s| s.origin.tells_requests()) {
        let mut sample = Sample { signal: spec.name.clone(), at, reading: five.0.clone(), counts: five.1, worst: None };
        match (spec.name.as_str(), &spec.query) {
            (name, Some(_)) => {
                let answered = values.get(name).cloned().unwrap_or_else(|| Answered::absent(Absence::NotYet));
                sample.reading = answered.reading;
                sample.worst = answered.worst;
                sample.counts = None;
            }
            (ERROR_RATE, None) => {}
            (ERROR_RATE_1M, None) => (sample.reading, sample.counts) = share(&get(TOTAL_1), &get(FAILED_1), MINUTE),
            (LATENCY_P95 | LATENCY_P99, None) => {
                sample.reading = quantile(get(&spec.name), five.1);
                sample.counts = five.1.map(|c| Counts { failed: 0.0, ..c });
            }
            (REQUEST_RATE, None) => {
                sample.reading = match get(TOTAL_5) {
                    Reading::Value(v) => Reading::Value(v / 300.0),
                    absent @ Reading::Absent(_) => absent,
                };
                sample.counts = None;
            }
            _ => continue,
        }
        out.push(sample);
    }
    let one = share(&get(TOTAL_1), &get(FAILED_1), MINUTE).1;
    for name in [LATENCY_P95_1M, LATENCY_P99_1M].into_iter().filter(|n| values.contains_key(*n)) {
        let reading = quantile(get(name), one);
        out.push(Sample { signal: name.to_owned(), at, reading, counts: None, worst: None });
    }
    if values.contains_key(TOTAL_30) {
        let (reading, counts) = share(&get(TOTAL_30), &get(FAILED_30), 30 * MINUTE);
        out.push(Sample { signal: ERROR_RATE_30M.to_owned(), at, reading, counts, worst: None });
    }
    out.insert(0, Sample { signal: REQUESTS_5M.to_owned(), at, reading: get(TOTAL_5), counts: None, worst: None });
    out
}

/// What is computed from samples that are history says nothing of now.
pub(super) fn outdate(values: &mut Answers, age: Millis) {
    let counts = [TOTAL_5, FAILED_5, TOTAL_1, FAILED_1, TOTAL_30, FAILED_30];
    let quantiles = [LATENCY_P95, LATENCY_P99, LATENCY_P95_1M, LATENCY_P99_1M];
    for name in counts.into_iter().chain(quantiles) {
        if let Some(answered) = values.get_mut(name) {
            answered.reading = Reading::Absent(Absence::Stale(age));
        }
    }
}

/// A share and its counts; no requests is a reason of its own.
fn share(total: &Reading, failed: &Reading, window: Millis) -> (Reading, Option<Counts>) {
    match (total, failed) {
        (Reading::Value(t), Reading::Value(f)) if *t > 0.0 => {
            (Reading::from_float(f / t), Some(Counts { failed: *f, total: *t, window }))
        }
        (Reading::Value(_), Reading::Value(_)) => {
            (Reading::Absent(Absence::NoTraffic), Some(Counts { failed: 0.0, total: 0.0, window }))
        }
        (Reading::Absent(why), _) | (_, Reading::Absent(why)) => (Reading::Absent(why.clone()), None),
    }
}

/// NaN of a quantile means that nothing was observed.
fn quantile(reading: Reading, counts: Option<Counts>) -> Reading {
    let quiet = counts.is_some_and(|c| c.total <= 0.0);
    match reading {
        Reading::Absent(Absence::NotANumber) if quiet => Reading::Absent(Absence::NoTraffic),
        other => other,
    }
}

/// Is `a` worse than `b`?
fn worse(a: f64, b: f64, below: bool) -> bool {
    match (a.is_finite(), b.is_finite()) {
        (true, false) => true,
        (false, _) => false,
        _ if below => a < b,
        _ => a > b,
    }
}

/// Of many series the worst, with its labels.
pub(super) fn worst_of(all: &[Element], below: bool) -> Answered {
    let mut worst: Option<&Element> = None;
    for e in all {
        if worst.is_none_or(|w| worse(e.value, w.value, below)) {
            worst = Some(e);
        }
    }
    match worst {
        None => Answered::absent(Absence::NoSeries),
        Some(e) => Answered {
            at: Some(e.at),
            reading: Reading::from_float(e.value),
            worst: (all.len() > 1).then(|| shown(&e.labels)),
        },
    }
}

/// Of many series the worst at each moment.
pub(super) fn worst_range(rows: &[Row], below: bool) -> Vec<(Millis, Reading, Option<String>)> {
    let mut moments: BTreeMap<Millis, (f64, usize)> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        for (at, value) in &row.points {
            if moments.get(at).is_none_or(|(w, _)| worse(*value, *w, below)) {
                moments.insert(*at, (*value, i));
            }
        }
    }
    let many = rows.len() > 1;
    let name = |i: usize| rows.get(i).filter(|_| many).map(|r| shown(&r.labels));
    moments.into_iter().map(|(at, (value, i))| (at, Reading::from_float(value), name(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(queue: &str, value: f64) -> Element {
        Element { labels: [("queue".to_owned(), queue.to_owned())].into(), at: 1_700_000_000_500, value }
    }

    #[test]
    fn of_many_series_the_worst_is_judged_and_named() {
        let all = [element("a", 3.0), element("b", 7.0), element("c", f64::NAN)];
        let a = worst_of(&all, false);
        assert_eq!((a.reading, a.worst.as_deref()), (Reading::Value(7.0), Some("queue=\"b\"")));
        assert_eq!(worst_of(&all, true).reading, Reading::Value(3.0));
    }

    #[test]
    fn an_empty_vector_and_nan_are_no_data_and_never_zero() {
        assert_eq!(worst_of(&[], false).reading, Reading::Absent(Absence::NoSeries));
        assert_eq!(worst_of(&[element("a", f64::NAN)], false).reading, Reading::Absent(Absence::NotANumber));
        assert_eq!(share(&Reading::Value(0.0), &Reading::Value(0.0), MINUTE).0, Reading::Absent(Absence::NoTraffic));
    }

    #[test]
    fn a_service_that_never_failed_has_a_zero_share() {
        let asks = counts(&MetricNames::default(), "5m", "t", "f");
        assert_eq!(asks[0].query, "sum(increase(http_requests_total[5m]))");
        assert_eq!(
            asks[1].query,
            "sum(increase(http_requests_total{status=~\"5..\"}[5m])) or 0 * sum(increase(http_requests_total[5m]))"
        );
    }
}
