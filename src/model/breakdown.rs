//! Where it fails: a figure taken apart by endpoint, status or host.

use serde::Deserialize;
use serde::Serialize;

use crate::model::time::Millis;

/// Parts kept of one breakdown; a screen shows fewer.
pub const PARTS: usize = 20;

/// Which figure is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Failed requests of the last five minutes.
    Errors,
    /// 95th percentile of the duration over five minutes, in seconds.
    Latency,
}

/// By what it is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Method and path, or view.
    Endpoint,
    /// Status code.
    Status,
    /// Instance, host or pod.
    Host,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 3] = [Self::Endpoint, Self::Status, Self::Host];

    /// The labels that exporters use for it, the ones that read first first.
    ///
    /// Sources: `prometheus-fastapi-instrumentator`, `starlette_exporter`, `django-prometheus`, `prom-client` examples,
    /// Prometheus' own handler metrics, the Kubernetes service discovery.
    #[must_use]
    pub fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Endpoint => &["method", "endpoint", "handler", "path", "route", "view", "uri", "url"],
            Self::Status => &["status", "code", "status_code"],
            Self::Host => &["instance", "host", "pod", "node"],
        }
    }
}

/// One part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is, fit for showing: `POST /api/llamadas/`.
    pub name: String,
    /// Failed requests, or seconds.
    pub value: f64,
    /// All requests of this part, where known.
    pub total: Option<f64>,
}

/// A figure taken apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// Which figure.
    pub topic: Topic,
    /// By what.
    pub by: Dimension,
    /// The worst parts, worst first.
    pub parts: Vec<Part>,
    /// How many parts there are beyond those.
    pub others: usize,
    /// Requests of all parts together, where known.
    pub requests: Option<f64>,
    /// The time that it speaks of, in ms; 0 where that is not known.
    pub window: Millis,
    /// All values together (of failures; a sum of quantiles means nothing).
    pub sum: f64,
}

impl Breakdown {
    /// Puts parts in order and keeps the worst; parts without a name (a series without the label) are left out.
    #[must_use]
    pub fn of(topic: Topic, by: Dimension, mut parts: Vec<Part>) -> Option<Self> {
        parts.retain(|p| !p.name.is_empty() && p.value.is_finite());
        let sum = parts.iter().map(|p| p.value).sum();
        parts.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
        let all = parts.len();
        parts.truncate(PARTS);
        (all > 0).then_some(Self { topic, by, others: all - parts.len(), requests: None, window: 0, parts, sum })
    }

    /// The worst part and its share of all.
    #[must_use]
    pub fn worst(&self) -> Option<(&Part, f64)> {
        let first = self.parts.first()?;
        (self.sum > 0.0).then(|| (first, first.value / self.sum))
    }

    /// How many parts there are beside the worst, and the share of their requests that fails.
    #[must_use]
    pub fn rest(&self) -> Option<(usize, f64)> {
        let first = self.parts.first()?;
        let (left, requests) = (self.sum - first.value, self.requests? - first.total?);
        let n = self.parts.len() - 1 + self.others;
        (n > 0 && requests > 0.0).then(|| (n, (left / requests).clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first_and_what_has_no_name_is_left_out() {
        let part = |name: &str, value| Part { name: name.to_owned(), value, total: None };
        let b = Breakdown::of(
            Topic::Errors,
            Dimension::Endpoint,
            vec![part("a", 6.0), part("b", 94.0), part("", 9.0), part("c", f64::NAN)],
        )
        .unwrap();
        assert_eq!(b.worst().map(|(p, share)| (p.name.as_str(), share)), Some(("b", 0.94)));
        assert_eq!(Breakdown::of(Topic::Errors, Dimension::Host, Vec::new()), None);
        let many = (0..50).map(|i| part(&i.to_string(), f64::from(i))).collect();
        let b = Breakdown::of(Topic::Errors, Dimension::Host, many).unwrap();
        assert_eq!((b.parts.len(), b.others), (PARTS, 30));
    }
}
