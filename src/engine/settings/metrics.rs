//! Where the request figures and the alerts come from, and how the house names them.

use serde::Deserialize;
use serde::Serialize;

use crate::engine::settings::check::Endpoint;
use crate::model::rule::Group;
use crate::model::time::Millis;

/// The Prometheus server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrometheusSpec {
    /// Base URL of the server and how to get in.
    pub endpoint: Endpoint,
    /// Time between polls.
    pub every: Millis,
    /// Time one query may take.
    pub timeout: Millis,
    /// How much history is read at start.
    pub history: Millis,
    /// Which metrics the service exports.
    pub metrics: MetricNames,
    /// Rule files of the configuration, judged by cabina through the server.
    pub rules: Vec<Group>,
    /// An alert that always fires; that it does not is itself a warning.
    pub watchdog: Option<String>,
}

/// One Alertmanager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertmanagerSpec {
    /// The name of its source: `alertmanager`, or with a number where there are several.
    pub name: String,
    /// Base URL and how to get in.
    pub endpoint: Endpoint,
    /// Time between polls.
    pub every: Millis,
    /// Time one poll may take.
    pub timeout: Millis,
}

/// A target whose `/metrics` is read directly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScrapeSpec {
    /// The URL and how to get in.
    pub endpoint: Endpoint,
    /// Time between polls.
    pub every: Millis,
    /// Time one poll may take.
    pub timeout: Millis,
    /// The window of the "five-minute" figures.
    pub window: Millis,
    /// Which metrics the target exports.
    pub metrics: MetricNames,
}

/// The three names from which the request figures come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricNames {
    /// A counter of requests.
    pub requests: String,
    /// A label matcher that picks the failed ones.
    pub errors: String,
    /// A histogram of durations in seconds.
    pub duration: String,
}

impl Default for MetricNames {
    fn default() -> Self {
        Self {
            requests: "http_requests_total".to_owned(),
            errors: "status=~\"5..\"".to_owned(),
            duration: "http_request_duration_seconds".to_owned(),
        }
    }
}

impl MetricNames {
    /// The names of the presets, for hints.
    pub const PRESETS: [&str; 3] = ["default", "django-prometheus", "starlette"];

    /// The counter of requests that carries the labels of endpoints: django-prometheus has one of its own for them.
    #[must_use]
    pub fn apart(&self) -> &str {
        match self.requests.as_str() {
            "django_http_responses_total_by_status_total" => "django_http_responses_total_by_status_view_method_total",
            other => other,
        }
    }

    /// The names that a well-known exporter uses.
    ///
    /// Sources: django-prometheus `middleware.py` (responses by status, latency by view and method);
    /// `starlette_exporter` README (`starlette_requests_total`, label `status_code`).
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let (requests, errors, duration) = match name {
            "default" => return Some(Self::default()),
            "django-prometheus" => (
                "django_http_responses_total_by_status_total",
                "status=~\"5..\"",
                "django_http_requests_latency_seconds_by_view_method",
            ),
            "starlette" => ("starlette_requests_total", "status_code=~\"5..\"", "starlette_request_duration_seconds"),
            _ => return None,
        };
        Some(Self { requests: requests.to_owned(), errors: errors.to_owned(), duration: duration.to_owned() })
    }
}
