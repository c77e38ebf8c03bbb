//! The arithmetic of PromQL over one series, as Prometheus 3 has it: a range is open on its left end, `(start, end]`.
//!
//! Sources: `promql/functions.go` (`extrapolatedRate`, `instantValue`, `funcResets`, `funcChanges`) and
//! `promql/quantile.go` (`BucketQuantile`, `ensureMonotonicAndIgnoreSmallDeltas`) of Prometheus 3. Prometheus 2 takes a
//! sample that lies exactly on the left end into the range, and limits the extrapolation to zero before it looks at the
//! threshold.

use crate::model::time::Millis;

/// One sample: its time in ms since the epoch, and its value.
pub type Point = (Millis, f64);

/// Samples further from the end of the range than so many usual gaps are not extrapolated all the way to it.
const THRESHOLD: f64 = 1.1;
/// Buckets that differ by less than this share differ by rounding only.
const SMALL_DELTA: f64 = 1e-12;

/// What is asked of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Growth per second of a counter.
    Rate,
    /// Growth of a counter over the range.
    Increase,
    /// Difference of a gauge over the range.
    Delta,
    /// Growth per second between the last two samples of a counter.
    Irate,
    /// Difference between the last two samples of a gauge.
    Idelta,
    /// How often a counter fell.
    Resets,
    /// How often a value changed.
    Changes,
}

impl Function {
    /// The function of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "rate" => Self::Rate,
            "increase" => Self::Increase,
            "delta" => Self::Delta,
            "irate" => Self::Irate,
            "idelta" => Self::Idelta,
            "resets" => Self::Resets,
            "changes" => Self::Changes,
            _ => return None,
        })
    }

    /// The function over the samples of `(start, end]`, which may lie anywhere in `samples` (oldest first). `None` where
    /// Prometheus has no result.
    #[must_use]
    pub fn over(self, samples: &[Point], start: Millis, end: Millis) -> Option<f64> {
        let from = samples.partition_point(|(at, _)| *at <= start);
        let to = samples.partition_point(|(at, _)| *at <= end);
        let within = samples.get(from..to).filter(|s| !s.is_empty())?;
        match self {
            Self::Rate => extrapolated(within, start, end, true).map(|v| v / ((end - start) as f64 / 1_000.0)),
            Self::Increase => extrapolated(within, start, end, true),
            Self::Delta => extrapolated(within, start, end, false),
            Self::Irate => instant(within, true),
            Self::Idelta => instant(within, false),
            Self::Resets => Some(within.windows(2).filter(|w| w[1].1 < w[0].1).count() as f64),
            Self::Changes => Some(within.windows(2).filter(|w| differs(w[0].1, w[1].1)).count() as f64),
        }
    }
}

/// What happened between the first and the last sample, stretched to the whole range. Needs two samples.
///
/// `samples` all lie within `start..=end`.
#[must_use]
pub fn extrapolated(samples: &[Point], start: Millis, end: Millis, counter: bool) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    let gaps = samples.len() - 1;
    if gaps == 0 {
        return None;
    }
    let mut grown = last.1 - first.1;
    if counter {
        // A counter that fell was reset and counts from zero.
        grown += samples.windows(2).filter(|w| w[1].1 < w[0].1).map(|w| w[0].1).sum::<f64>();
    }
    let seconds = |ms: Millis| ms as f64 / 1_000.0;
    let watched = seconds(last.0 - first.0);
    let usual = watched / gaps as f64;
    let (mut before, mut after) = (seconds(first.0 - start), seconds(end - last.0));
    if before >= usual * THRESHOLD {
        before = usual / 2.0;
    }
    if counter && grown > 0.0 && first.1 >= 0.0 {
        // It cannot have been below zero: it may have begun within the range.
        before = before.min(watched * (first.1 / grown));
    }
    if after >= usual * THRESHOLD {
        after = usual / 2.0;
    }
    Some(grown * ((watched + before + after) / watched))
}

/// From the last two samples; per second where it is a counter.
fn instant(samples: &[Point], counter: bool) -> Option<f64> {
    let [.., before, last] = samples else {
        return None;
    };
    let passed = last.0 - before.0;
    if passed == 0 {
        return None;
    }
    let grown = if counter && last.1 < before.1 { last.1 } else { last.1 - before.1 };
    Some(if counter { grown / (passed as f64 / 1_000.0) } else { grown })
}

fn differs(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_ne() && !(a.is_nan() && b.is_nan()) && (a - b).abs() != 0.0
}

/// `histogram_quantile` over classic buckets: upper bound and cumulative count, in any order. NaN where Prometheus says
/// NaN (no buckets, no `+Inf`, nothing observed).
#[must_use]
pub fn histogram_quantile(q: f64, buckets: &[(f64, f64)]) -> f64 {
    match () {
        () if q.is_nan() => return f64::NAN,
        () if q < 0.0 => return f64::NEG_INFINITY,
        () if q > 1.0 => return f64::INFINITY,
        () => {}
    }
    let buckets = tidy(buckets);
    let [.., (before_last, _), (last, observed)] = buckets.as_slice() else {
        return f64::NAN;
    };
    if *last != f64::INFINITY || *observed == 0.0 || observed.is_nan() {
        return f64::NAN;
    }
    let rank = q * observed;
    let place = buckets.iter().take(buckets.len() - 1).position(|(_, n)| *n >= rank);
    let Some(i) = place else {
        return *before_last;
    };
    let (end, count) = buckets[i];
    if i == 0 {
        return if end <= 0.0 { end } else { end * (rank / count) };
    }
    let (start, below) = buckets[i - 1];
    start + (end - start) * ((rank - below) / (count - below))
}

/// Buckets in order, those of one bound added up, and none smaller than the one before it: a scrape in the middle of
/// an observation can leave such.
fn tidy(buckets: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<(f64, f64)> = buckets.iter().copied().filter(|(bound, _)| !bound.is_nan()).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut out: Vec<(f64, f64)> = Vec::with_capacity(sorted.len());
    for (bound, n) in sorted {
        match out.last_mut() {
            Some(same) if same.0.total_cmp(&bound).is_eq() => same.1 += n,
            _ => out.push((bound, n)),
        }
    }
    let mut most = out.first().map_or(0.0, |(_, n)| *n);
    for (_, n) in out.iter_mut().skip(1) {
        if *n < most || nearly(most, *n) {
            *n = most;
        } else {
            most = *n;
        }
    }
    out
}

/// Equal but for rounding (`util/almost.Equal`).
fn nearly(a: f64, b: f64) -> bool {
    let sum = a.abs() + b.abs();
    let apart = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return apart < SMALL_DELTA * f64::MIN_POSITIVE;
    }
    apart / sum.min(f64::MAX) < SMALL_DELTA
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Cases of Prometheus' own `promql/promqltest/testdata` (Apache-2.0), worked out to single series.
    const CASES: &str = include_str!("../../tests/fixtures/promql.json");

    fn float(v: &Value) -> f64 {
        match v {
            Value::String(s) => s.trim_start_matches('+').parse().unwrap(),
            other => other.as_f64().unwrap(),
        }
    }

    fn same(a: f64, b: f64, tolerance: f64) -> bool {
        (a.is_nan() && b.is_nan()) || a.to_bits() == b.to_bits() || (a - b).abs() <= tolerance * a.abs().max(b.abs())
    }

    #[test]
    fn ranges_are_judged_as_prometheus_3_judges_them() {
        let all: Value = serde_json::from_str(CASES).unwrap();
        let cases = all["range"].as_array().unwrap();
        assert!(cases.len() > 80);
        for case in cases {
            let samples: Vec<Point> =
                case["samples"].as_array().unwrap().iter().map(|p| (p[0].as_i64().unwrap(), float(&p[1]))).collect();
            let (start, end) = (case["start"].as_i64().unwrap(), case["end"].as_i64().unwrap());
            let function = Function::named(case["function"].as_str().unwrap()).unwrap();
            let got = function.over(&samples, start, end);
            let good = match &case["expected"] {
                Value::Null => got.is_none(),
                wanted => got.is_some_and(|v| same(v, float(wanted), 1e-9)),
            };
            assert!(good, "{}: {got:?}, not {}", case["id"], case["expected"]);
        }
    }

    #[test]
    fn quantiles_are_those_of_prometheus_3() {
        let all: Value = serde_json::from_str(CASES).unwrap();
        let cases = all["quantile"].as_array().unwrap();
        assert!(cases.len() > 70);
        for case in cases {
            let buckets: Vec<(f64, f64)> =
                case["buckets"].as_array().unwrap().iter().map(|b| (float(&b[0]), float(&b[1]))).collect();
            let got = histogram_quantile(float(&case["q"]), &buckets);
            assert!(same(got, float(&case["expected"]), 1e-9), "{}: {got}, not {}", case["id"], case["expected"]);
        }
    }

    #[test]
    fn a_bucket_smaller_than_the_one_before_it_is_taken_as_equal() {
        let (q, inf) = (0.5, f64::INFINITY);
        let rising = histogram_quantile(q, &[(1.0, 10.0), (2.0, 20.0), (4.0, 20.0), (inf, 20.0)]);
        let torn = histogram_quantile(q, &[(1.0, 10.0), (2.0, 20.0), (4.0, 19.0), (inf, 20.0)]);
        assert_eq!(rising.to_bits(), torn.to_bits());
    }
}
