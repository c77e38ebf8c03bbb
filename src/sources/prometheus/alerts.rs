//! The alerts that Prometheus itself has: pending and firing, active since when; and how often each has fired this week.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::bus;
use crate::engine::Kind;
use crate::engine::settings::PrometheusSpec;
use crate::engine::sources::PROMETHEUS_ALERTS;
use crate::model::alert::Alert;
use crate::model::alert::Labels;
use crate::model::alert::MOST;
use crate::model::alert::Standing;
use crate::model::flaps::Flaps;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::DAY;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::sources::http::Clients;
use crate::sources::json::First;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::poll::no_answer;
use crate::sources::prometheus::api::Api;

/// A week of `ALERTS` is read this often, and when a new name turns up.
const HISTORY_EVERY: Millis = 10 * MINUTE;
/// Alerts whose week is read: a storm of five hundred names has no history worth five hundred answers.
const NAMES: usize = 30;
/// Time between two points of the week, each over all of it: a firing of a minute is one point too.
const STEP: Millis = 5 * MINUTE;

/// Asks for the alerts.
pub struct Alerts {
    api: Api,
    /// When the week was last read, and for which names.
    history: Option<(Millis, Vec<String>)>,
}

/// `/api/v1/alerts`.
#[derive(Deserialize)]
struct Listed {
    alerts: Option<First<Entry, MOST>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    state: String,
    #[serde(rename = "activeAt", default)]
    active_at: Option<String>,
    #[serde(default)]
    value: Option<String>,
}

impl Alerts {
    /// A poller of a server's alerts.
    #[must_use]
    pub fn new(spec: PrometheusSpec, clients: &Arc<Clients>, secrets: &Arc<Secrets>) -> Self {
        Self { api: Api::new(spec, clients, secrets), history: None }
    }

    async fn poll(&mut self) -> Result<Vec<Kind>, Absence> {
        let start = bus::now();
        let said = match self.api.ask::<Listed>("/api/v1/alerts", &[]).await {
            // A server without rules of its own (VictoriaMetrics without vmalert, Thanos query) has no such page.
            Err(Absence::Status(404 | 405 | 501)) => return Ok(vec![read(Vec::new(), 0, None, start.wall)]),
            other => other?,
        };
        let (listed, all) = said.data.alerts.map(|f| (f.kept, f.all)).unwrap_or_default();
        let left_out = all.saturating_sub(MOST);
        let alerts: Vec<Alert> = listed.into_iter().filter_map(alert).collect();
        let mut names: Vec<String> = alerts.iter().filter_map(|a| a.labels.get("alertname").cloned()).collect();
        names.sort();
        names.dedup();
        names.truncate(NAMES);
        let mut kinds = vec![read(alerts, left_out, said.skew, bus::now().since(start))];
        let due = self
            .history
            .as_ref()
            .is_none_or(|(at, known)| start.wall - at >= HISTORY_EVERY || names.iter().any(|n| !known.contains(n)));
        if due && !names.is_empty() {
            // A help, not a condition: without it there is no strip, and nothing else is missing.
            if let Ok(flaps) = self.week(&names, start.wall).await {
                kinds.push(Kind::Flapped { flaps });
            }
            self.history = Some((start.wall, names));
        }
        Ok(kinds)
    }

    async fn week(&self, names: &[String], now: Millis) -> Result<BTreeMap<String, Flaps>, Absence> {
        let names = names.iter().map(|n| regex::escape(n)).collect::<Vec<_>>().join("|").replace('\\', "\\\\");
        let query = format!(
            "max by (alertname) (count_over_time(ALERTS{{alertstate=\"firing\",alertname=~\"{}\"}}[5m]))",
            names.replace('"', "\\\"")
        );
        let rows = self.api.range(&query, (now - 7 * DAY, now), STEP).await?;
        let flaps = |points: &[(Millis, f64)]| Flaps::of(points.iter().map(|(at, _)| *at), STEP, now);
        Ok(rows.into_iter().filter_map(|r| Some((clean(r.labels.get("alertname")?), flaps(&r.points)))).collect())
    }
}

fn read(alerts: Vec<Alert>, left_out: usize, skew: Option<Millis>, took: Millis) -> Kind {
    Kind::AlertsRead { source: PROMETHEUS_ALERTS.to_owned(), alerts, silences: Vec::new(), left_out, skew, took }
}

fn alert(entry: Entry) -> Option<Alert> {
    let standing = match entry.state.as_str() {
        "firing" => Standing::Firing,
        "pending" => Standing::Pending,
        _ => return None,
    };
    let said = |name: &str| entry.annotations.get(name).map(|t| clean(t)).filter(|t| !t.is_empty());
    let description = said("description").or_else(|| said("message")).unwrap_or_default();
    let since = entry.active_at.as_deref().and_then(|t| chrono::DateTime::parse_from_rfc3339(t).ok());
    Some(Alert {
        summary: said("summary").unwrap_or_else(|| description.clone()),
        description,
        runbook: said("runbook_url").unwrap_or_default(),
        standing,
        since: since.map_or(0, |t| t.timestamp_millis()),
        value: entry.value.and_then(|v| v.parse().ok()),
        labels: entry.labels,
        managed: false,
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
    })
}

impl Source for Alerts {
    async fn ask(&mut self) -> Round {
        match self.poll().await {
            Ok(kinds) => Round { kinds, failed: false },
            Err(why) => Round { kinds: vec![no_answer(PROMETHEUS_ALERTS, why)], failed: true },
        }
    }

    fn overdue(&mut self, after: Millis) -> Option<Kind> {
        Some(no_answer(PROMETHEUS_ALERTS, Absence::Timeout(after)))
    }
}
