//! Where it fails or is slow: the request figures by endpoint, status and host. Asked only while the engine wants it:
//! on a quiet night nobody pays for it.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::watch;

use crate::engine::Kind;
use crate::engine::effect::Closer;
use crate::engine::settings::MetricNames;
use crate::engine::settings::PrometheusSpec;
use crate::engine::sources::PROMETHEUS;
use crate::model::breakdown::Breakdown;
use crate::model::breakdown::Dimension;
use crate::model::breakdown::PARTS;
use crate::model::breakdown::Part;
use crate::model::breakdown::Topic;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::sources::http::Clients;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::prometheus::api::Api;
use crate::sources::prometheus::api::Element;
use crate::sources::prometheus::api::Labels;

/// Windows that are tried, the shortest first.
const WINDOWS: [(&str, Millis); 2] = [("2m", 2 * MINUTE), ("5m", 5 * MINUTE)];

/// Asks where.
pub struct Place {
    api: Api,
    closer: watch::Receiver<Closer>,
    once: bool,
}

impl Place {
    /// Asks what `closer` says at each poll; a one-shot asks for everything, once.
    #[must_use]
    pub fn new(
        spec: PrometheusSpec,
        clients: &Arc<Clients>,
        secrets: &Arc<Secrets>,
        closer: watch::Receiver<Closer>,
        once: bool,
    ) -> Self {
        Self { api: Api::new(spec, clients, secrets), closer, once }
    }

    /// The last two minutes: where it fails now, not where it failed. A server that scrapes once a minute may not have
    /// two samples in them; then five.
    async fn errors(&self, by: Dimension) -> Result<Option<Breakdown>, Absence> {
        let metrics = &self.api.spec.metrics;
        let mut found = None;
        for (window, span) in WINDOWS {
            let asked = self.api.instant(&failed(metrics, by, window)).await?.data;
            found =
                Breakdown::of(Topic::Errors, by, parts(&asked, by)).map(|b| (window, Breakdown { window: span, ..b }));
            if found.is_some() {
                break;
            }
        }
        let Some((window, mut found)) = found else { return Ok(None) };
        if by == Dimension::Endpoint
            && let Ok(totals) = self.api.instant(&total(metrics, by, window)).await
        {
            // What stands behind each: three failures of three are not three of a thousand.
            let totals: Vec<Part> = parts(&totals.data, by).into_iter().filter(|p| !p.name.is_empty()).collect();
            for part in &mut found.parts {
                part.total = totals.iter().find(|t| t.name == part.name).map(|t| t.value);
            }
            let one = async |query: String| self.api.instant(&query).await.ok()?.data.first().map(|e| e.value);
            let [count, requests, failed] = whole(metrics, by, window);
            let (count, requests, failed) = tokio::join!(one(count), one(requests), one(failed));
            found.others = (count.unwrap_or_default() as usize).saturating_sub(found.parts.len());
            found.requests = requests;
            found.sum = failed.filter(|f| *f >= found.sum).unwrap_or(found.sum);
        }
        Ok(Some(found))
    }

    async fn latency(&self, by: Dimension) -> Result<Option<Breakdown>, Absence> {
        for (window, span) in WINDOWS {
            let asked = self.api.instant(&slow(&self.api.spec.metrics, by, window)).await?.data;
            if let Some(found) = Breakdown::of(Topic::Latency, by, parts(&asked, by)) {
                return Ok(Some(Breakdown { window: span, ..found }));
            }
        }
        Ok(None)
    }

    async fn poll(&self, wanted: Closer) -> Result<Vec<Breakdown>, Absence> {
        let mut out = Vec::new();
        if wanted.errors {
            for answer in join_all(Dimension::ALL.map(|by| self.errors(by))).await {
                out.extend(answer?);
            }
        }
        if wanted.latency {
            for answer in join_all([Dimension::Endpoint, Dimension::Host].map(|by| self.latency(by))).await {
                out.extend(answer?);
            }
        }
        Ok(out)
    }
}

fn by_labels(by: Dimension) -> String {
    by.labels().join(", ")
}

/// Failed requests by part.
fn failed(metrics: &MetricNames, by: Dimension, window: &str) -> String {
    let (requests, errors) = (metrics.apart(), &metrics.errors);
    format!("topk({PARTS}, sum by ({}) (increase({requests}{{{errors}}}[{window}])) > 0)", by_labels(by))
}

/// All requests of the parts that fail most.
fn total(metrics: &MetricNames, by: Dimension, window: &str) -> String {
    let labels = by_labels(by);
    format!(
        "sum by ({labels}) (increase({}[{window}])) and on ({labels}) {}",
        metrics.apart(),
        failed(metrics, by, window)
    )
}

/// How many parts there are, how many requests they have, and how many of those fail.
fn whole(metrics: &MetricNames, by: Dimension, window: &str) -> [String; 3] {
    let (requests, errors) = (metrics.apart(), &metrics.errors);
    [
        format!("count(sum by ({}) (increase({requests}[{window}])) > 0)", by_labels(by)),
        format!("sum(increase({requests}[{window}]))"),
        format!("sum(increase({requests}{{{errors}}}[{window}]))"),
    ]
}

/// p95 by part, the slowest.
fn slow(metrics: &MetricNames, by: Dimension, window: &str) -> String {
    let labels = by_labels(by);
    format!(
        "topk({PARTS}, histogram_quantile(0.95, sum by (le, {labels}) (rate({}_bucket[{window}]))) > 0)",
        metrics.duration
    )
}

fn parts(all: &[Element], by: Dimension) -> Vec<Part> {
    all.iter().map(|e| Part { name: name(&e.labels, by), value: e.value, total: None }).collect()
}

/// The labels that name a part, in the order of `Dimension::labels`.
fn name(labels: &Labels, by: Dimension) -> String {
    let words: Vec<String> = by.labels().iter().filter_map(|l| labels.get(*l)).map(|v| clean(v)).collect();
    // A method alone is no place.
    if by == Dimension::Endpoint && by.labels().iter().skip(1).all(|l| !labels.contains_key(*l)) {
        return String::new();
    }
    words.join(" ")
}

impl Source for Place {
    async fn ask(&mut self) -> Round {
        let wanted = if self.once { Closer { errors: true, latency: true } } else { *self.closer.borrow_and_update() };
        if wanted == Closer::default() {
            return Round { kinds: Vec::new(), failed: false };
        }
        match self.poll(wanted).await {
            Ok(parts) => Round::good(Kind::BrokenDown { source: PROMETHEUS.to_owned(), wanted, parts }),
            // Whether the server answers is the matter of the poller that asks for the figures.
            Err(_) => Round { kinds: Vec::new(), failed: true },
        }
    }

    fn overdue(&mut self, _after: Millis) -> Option<Kind> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_named_by_what_its_exporter_calls_it() {
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        assert_eq!(name(&labels(&[("endpoint", "/api/x/"), ("method", "POST")]), Dimension::Endpoint), "POST /api/x/");
        assert_eq!(name(&labels(&[("view", "calls:list")]), Dimension::Endpoint), "calls:list");
        assert_eq!(name(&labels(&[("method", "GET")]), Dimension::Endpoint), "");
        assert_eq!(name(&labels(&[("instance", "web1:8000")]), Dimension::Host), "web1:8000");
        assert_eq!(name(&Labels::new(), Dimension::Host), "");
    }

    #[test]
    fn the_questions_work_for_any_preset() {
        let django = MetricNames::preset("django-prometheus").unwrap();
        let asked = failed(&django, Dimension::Status, "2m");
        assert_eq!(
            asked,
            "topk(20, sum by (status, code, status_code) (increase(django_http_responses_total_by_status_view_method_total{status=~\"5..\"}[2m])) > 0)"
        );
    }
}
