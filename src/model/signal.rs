//! A signal is a named figure; a reading is its value or the reason why there is none.

use serde::Deserialize;
use serde::Serialize;

use crate::model::time::Millis;

/// Failed requests over all requests, five minutes.
pub const ERROR_RATE: &str = "error_rate";
/// The same over one minute: the figure that calming and onset are read from.
pub const ERROR_RATE_1M: &str = "error_rate_1m";
/// The same over thirty minutes: judged instead when five minutes hold too few requests.
pub const ERROR_RATE_30M: &str = "error_rate_30m";
/// 95th percentile of the request duration over five minutes, in seconds.
pub const LATENCY_P95: &str = "latency_p95";
/// 99th percentile of the request duration over five minutes, in seconds.
pub const LATENCY_P99: &str = "latency_p99";
/// The same two over one minute: what a step that waits is judged by.
pub const LATENCY_P95_1M: &str = "latency_p95_1m";
/// See [`LATENCY_P95_1M`].
pub const LATENCY_P99_1M: &str = "latency_p99_1m";
/// Requests per second over five minutes.
pub const REQUEST_RATE: &str = "request_rate";

/// Database connections in use over all that there may be; where the service exports it.
pub const CONNECTION_POOL: &str = "connection_pool";
/// Tasks that wait in the longest Celery queue; where the service exports it.
pub const CELERY_QUEUE: &str = "celery_queue";

/// Requests in five minutes: not a signal of its own, but what `min_requests` of any signal is measured by.
pub const REQUESTS_5M: &str = "requests_5m";

/// What a figure counts in; it decides how the figure is written, never how it is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share, 0 to 1, shown in per cent.
    Ratio,
    /// Seconds, shown in ms below one.
    Seconds,
    /// A plain number.
    #[default]
    Count,
    /// Bytes, shown in kB, MB, GB (powers of ten).
    Bytes,
    /// A number per second.
    PerSecond,
}

impl Unit {
    /// The word used in configuration and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::Seconds => "seconds",
            Self::Count => "count",
            Self::Bytes => "bytes",
            Self::PerSecond => "per_second",
        }
    }
}

/// Why there is no value. Absence is data: it is judged, shown and recorded like any other reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// Nothing has been read yet.
    NotYet,
    /// No answer within the time allowed.
    Timeout(Millis),
    /// Nobody listens there.
    Refused,
    /// The connection broke while the answer came.
    Broken,
    /// The name does not resolve.
    Dns,
    /// The certificate or the handshake is not acceptable; the text says why.
    Tls(String),
    /// Credentials were refused.
    Denied(String),
    /// An HTTP status that is not an answer.
    Status(u16),
    /// The answer is larger than we are willing to read, in bytes.
    TooLarge(u64),
    /// The answer is not what this API speaks; the text says what was wrong.
    Malformed(String),
    /// The server understood and refused; its own words.
    Refusal(String),
    /// The query matches no series.
    NoSeries,
    /// The series is there and nothing was requested in the window.
    NoTraffic,
    /// The figure is not a number.
    NotANumber,
    /// Too little history in the window to form a rate.
    TooYoung,
    /// The samples the server holds are too old.
    Stale(Millis),
    /// The poller itself came to an end; its last words.
    Died(String),
    /// Anything else, as one sentence.
    Failed(String),
}

impl Absence {
    /// The word that JSON carries as `reason`; never translated.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotYet => "not_yet",
            Self::Timeout(_) => "timeout",
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::Dns => "dns",
            Self::Tls(_) => "tls",
            Self::Denied(_) => "denied",
            Self::Status(_) => "status",
            Self::TooLarge(_) => "too_large",
            Self::Malformed(_) => "malformed",
            Self::Refusal(_) => "refusal",
            Self::NoSeries => "no_series",
            Self::NoTraffic => "no_traffic",
            Self::NotANumber => "not_a_number",
            Self::TooYoung => "too_young",
            Self::Stale(_) => "stale",
            Self::Died(_) => "died",
            Self::Failed(_) => "failed",
        }
    }
}

/// A value, or why there is none. Never 0 for "unknown", never an old value passed off as new.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// A finite value.
    Value(f64),
    /// No value, and the reason.
    Absent(Absence),
}

impl Reading {
    /// Wraps a float; what is not finite is `NotANumber`.
    #[must_use]
    pub fn from_float(value: f64) -> Self {
        if value.is_finite() { Self::Value(value) } else { Self::Absent(Absence::NotANumber) }
    }

    /// The value, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Value(v) => Some(*v),
            Self::Absent(_) => None,
        }
    }
}

/// The requests behind a share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that failed in the window.
    pub failed: f64,
    /// All requests in the window.
    pub total: f64,
    /// The window, in ms.
    pub window: Millis,
}

/// One figure at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which signal.
    pub signal: String,
    /// The moment the figure speaks of, by the server's clock, ms since the epoch.
    pub at: Millis,
    /// The figure, or why there is none.
    pub reading: Reading,
    /// How many requests stand behind it, where the signal is about requests.
    pub counts: Option<Counts>,
    /// The labels of the worst of several series, where the query returned more than one.
    pub worst: Option<String>,
}

/// On which side of a limit trouble lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Trouble when the value is greater.
    Above,
    /// Trouble when the value is less.
    Below,
}

/// The clear limit is 80 % of the limit, so that a figure that dances on the line does not ring all night.
const CLEAR_SHARE: f64 = 0.8;

/// A limit and how long it must be broken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Which side is trouble.
    pub side: Side,
    /// The limit itself, in the signal's unit.
    pub value: f64,
    /// How long it must hold before it counts.
    pub hold: Millis,
    /// Fewer requests than this in the window and the figure is not judged.
    pub min_requests: f64,
    /// Fewer failures than this in the window and the figure is not judged.
    pub min_failed: f64,
}

impl Limit {
    /// A limit that judges at once.
    #[must_use]
    pub fn above(value: f64) -> Self {
        Self { side: Side::Above, value, hold: 0, min_requests: 0.0, min_failed: 0.0 }
    }

    /// The same limit, to be held for `hold`.
    #[must_use]
    pub fn held(self, hold: Millis) -> Self {
        Self { hold, ..self }
    }

    /// The same limit, only judged from so many requests and failures on.
    #[must_use]
    pub fn from_requests(self, min_requests: f64, min_failed: f64) -> Self {
        Self { min_requests, min_failed, ..self }
    }

    /// Is this value trouble?
    #[must_use]
    pub fn broken_by(&self, value: f64) -> bool {
        match self.side {
            Side::Above => value > self.value,
            Side::Below => value < self.value,
        }
    }

    /// Where a broken limit counts as calm again: 80 % of it, or 125 % for a lower limit.
    #[must_use]
    pub fn clear_value(&self) -> f64 {
        match self.side {
            Side::Above if self.value > 0.0 => self.value * CLEAR_SHARE,
            Side::Below if self.value > 0.0 => self.value / CLEAR_SHARE,
            // A limit of 0 ("any at all") has no room below it: back on the line is calm.
            _ => self.value,
        }
    }

    /// Is this value well on the good side?
    #[must_use]
    pub fn cleared_by(&self, value: f64) -> bool {
        match self.side {
            Side::Above => value <= self.clear_value() && !self.broken_by(value),
            Side::Below => value >= self.clear_value() && !self.broken_by(value),
        }
    }

    /// Are there enough requests to judge?
    #[must_use]
    pub fn judges(&self, counts: Option<Counts>) -> bool {
        counts.is_none_or(|c| c.total >= self.min_requests)
            && counts.is_none_or(|c| c.failed >= self.min_failed || self.min_failed <= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_clears_at_four_fifths() {
        let five = Limit::above(0.05);
        assert!(five.broken_by(0.051) && !five.broken_by(0.05));
        assert!(five.cleared_by(0.04) && !five.cleared_by(0.041));
        let any = Limit::above(0.0);
        assert!(any.broken_by(1.0) && any.cleared_by(0.0));
        let below = Limit { side: Side::Below, ..Limit::above(8.0) };
        assert!(below.broken_by(7.9) && below.cleared_by(10.0) && !below.cleared_by(9.0));
    }

    #[test]
    fn what_is_not_finite_is_no_value() {
        assert_eq!(Reading::from_float(f64::NAN), Reading::Absent(Absence::NotANumber));
        assert_eq!(Reading::from_float(f64::INFINITY).value(), None);
        assert_eq!(Reading::from_float(0.0).value(), Some(0.0));
    }
}
