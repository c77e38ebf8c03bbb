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
use crate::model::time::Millis;
use crate::sources::http::Clients;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::prometheus::api::Api;
use crate::sources::prometheus::api::Element;
use crate::sources::prometheus::api::Labels;
use crate::sources::secrets::Secrets;

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

    async fn errors(&self, by: Dimension) -> Result<Option<Breakdown>, Absence> {
        let metrics = &self.api.spec.metrics;
        let asked = self.api.instant(&failed(metrics, by)).await?.data;
        let Some(mut found) = Breakdown::of(Topic::Errors, by, parts(&asked, by)) else {
            return Ok(None);
        };
        if by == Dimension::Endpoint
            && let Ok(totals) = self.api.instant(&total(metrics, by)).await
        {
            // What stands behind each: three failures of three are not three of a thousand.
            let totals: Vec<Part> = parts(&totals.data, by).into_iter().filter(|p| !p.name.is_empty()).collect();
            for part in &mut found.parts {
                part.total = totals.iter().find(|t| t.name == part.name).map(|t| t.value);
            }
            found.others = totals.len().saturating_sub(found.parts.len());
            found.requests = Some(totals.iter().map(|t| t.value).sum());
        }
        Ok(Some(found))
    }

    async fn latency(&self, by: Dimension) -> Result<Option<Breakdown>, Absence> {
        let asked = self.api.instant(&slow(&self.api.spec.metrics, by)).await?.data;
        Ok(Breakdown::of(Topic::Latency, by, parts(&asked, by)))
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
fn failed(metrics: &MetricNames, by: Dimension) -> String {
    let (requests, errors) = (metrics.apart(), &metrics.errors);
    format!("sum by ({}) (increase({requests}{{{errors}}}[5m])) > 0", by_labels(by))
}

/// All requests by part.
fn total(metrics: &MetricNames, by: Dimension) -> String {
    format!("sum by ({}) (increase({}[5m])) > 0", by_labels(by), metrics.apart())
}

/// p95 by part, the slowest.
fn slow(metrics: &MetricNames, by: Dimension) -> String {
    let labels = by_labels(by);
    format!(
        "topk({PARTS}, histogram_quantile(0.95, sum by (le, {labels}) (rate({}_bucket[5m]))) > 0)",
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
        let asked = failed(&django, Dimension::Status);
        assert_eq!(
            asked,
            "sum by (status, code, status_code) (increase(django_http_responses_total_by_status_view_method_total{status=~\"5..\"}[5m])) > 0"
        );
    }
}
