//! Alertmanager, API v2: its alerts and silences, and silences made from here.
//!
//! Source: `api/v2/openapi.yaml` of prometheus/alertmanager. What is missing from an alert is read as empty; a body of
//! another shape (the old v1, a login page, half a list) is a reason, never an empty list.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::bus;
use crate::engine::Kind;
use crate::engine::effect::SilenceOrder;
use crate::engine::settings::AlertmanagerSpec;
use crate::model::alert::Alert;
use crate::model::alert::JUST_EXPIRED;
use crate::model::alert::Labels;
use crate::model::alert::MOST;
use crate::model::alert::Phase;
use crate::model::alert::Silence;
use crate::model::alert::Standing;
use crate::model::matcher::Matcher;
use crate::model::matcher::Op;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::model::time::rfc3339;
use crate::secrets::Secrets;
use crate::sources::http;
use crate::sources::http::Clients;
use crate::sources::json::First;
use crate::sources::json::malformed;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::poll::no_answer;

/// Characters of a label or annotation that are kept: a sentence is shorter, and a hostile one has millions.
const TEXT: usize = 4_096;

/// One Alertmanager.
pub struct Alertmanager {
    spec: AlertmanagerSpec,
    clients: Arc<Clients>,
    secrets: Arc<Secrets>,
}

impl Alertmanager {
    /// One that is asked for everything it holds.
    #[must_use]
    pub fn new(spec: AlertmanagerSpec, clients: &Arc<Clients>, secrets: &Arc<Secrets>) -> Self {
        Self { spec, clients: Arc::clone(clients), secrets: Arc::clone(secrets) }
    }

    async fn poll(&self) -> Result<Kind, Absence> {
        let start = bus::now();
        let (alerts, silences) = tokio::join!(
            self.get("/api/v2/alerts", read_alerts),
            self.get("/api/v2/silences", move |body| read_silences(body, start.wall))
        );
        let (((alerts, left_out), skew), (silences, _)) = (alerts?, silences?);
        Ok(Kind::AlertsRead {
            source: self.spec.name.clone(),
            alerts,
            silences,
            left_out,
            skew,
            took: bus::now().since(start),
        })
    }

    /// Asks, and makes of the answer what is wanted of it at once: while a large one is held, no other is read.
    async fn get<T: Send + 'static>(
        &self,
        path: &str,
        read: impl FnOnce(&[u8]) -> Result<T, Absence> + Send + 'static,
    ) -> Result<(T, Option<Millis>), Absence> {
        let (endpoint, timeout) = (&self.spec.endpoint, self.spec.timeout);
        let answer = http::get(&self.clients, &self.secrets, endpoint, path, &[], "application/json", timeout).await?;
        acceptable(&answer)?;
        let skew = answer.skew();
        Ok((answer.body(http::BODY_LIMIT).await?.made(read).await?, skew))
    }
}

fn acceptable(answer: &http::Answer) -> Result<(), Absence> {
    match answer.status() {
        200 if answer.header("content-type").starts_with("text/html") => {
            Err(Absence::Malformed("a web page instead of JSON (a login page?)".to_owned()))
        }
        200 => Ok(()),
        status @ (401 | 403) => Err(Absence::Denied(format!("HTTP {status}"))),
        status => Err(Absence::Status(status)),
    }
}

/// Makes or changes a silence, at the first Alertmanager that takes it: a cluster tells the others by itself.
///
/// # Errors
/// Why none took it: the last one's reason.
pub async fn silence(
    specs: &[AlertmanagerSpec],
    clients: &Clients,
    secrets: &Secrets,
    order: &SilenceOrder,
) -> Result<String, Absence> {
    let mut why = Absence::Failed("there is no Alertmanager".to_owned());
    for spec in specs {
        let done = match &order.id {
            Some(id) if order.over => end(spec, clients, secrets, id).await,
            _ => post(spec, clients, secrets, body(order).to_string()).await,
        };
        match done {
            Ok(id) => return Ok(id),
            // It understood and refused: another one of the cluster would too.
            Err(refused @ Absence::Refusal(_)) => return Err(refused),
            Err(other) => why = other,
        }
    }
    Err(why)
}

async fn end(spec: &AlertmanagerSpec, clients: &Clients, secrets: &Secrets, id: &str) -> Result<String, Absence> {
    let path = format!("/api/v2/silence/{id}");
    let answer = http::delete(clients, secrets, &spec.endpoint, &path, spec.timeout).await?;
    acceptable(&answer)?;
    Ok(id.to_owned())
}

/// An order as Alertmanager reads it.
fn body(order: &SilenceOrder) -> Value {
    let matchers: Vec<Value> = order
        .matchers
        .iter()
        .map(|m| {
            json!({
                "name": m.label,
                "value": m.value,
                "isRegex": matches!(m.op, Op::Like | Op::Unlike),
                "isEqual": matches!(m.op, Op::Equal | Op::Like),
            })
        })
        .collect();
    let mut body = json!({
        "matchers": matchers,
        "startsAt": rfc3339(order.starts),
        "endsAt": rfc3339(order.ends),
        "createdBy": order.by,
        "comment": order.comment,
    });
    if let Some(id) = &order.id {
        body["id"] = json!(id);
    }
    body
}

async fn post(spec: &AlertmanagerSpec, clients: &Clients, secrets: &Secrets, body: String) -> Result<String, Absence> {
    #[derive(Deserialize)]
    struct Made {
        #[serde(rename = "silenceID")]
        id: String,
    }
    let answer = http::post(clients, secrets, &spec.endpoint, "/api/v2/silences", body, spec.timeout).await?;
    if let 400 | 404 | 422 = answer.status() {
        let text = String::from_utf8_lossy(&answer.beginning(TEXT).await?).into_owned();
        return Err(Absence::Refusal(clean(text.trim())));
    }
    acceptable(&answer)?;
    let made: Made = serde_json::from_slice(&answer.body(http::BODY_LIMIT).await?).map_err(|e| malformed(&e))?;
    Ok(made.id)
}

/// An alert as it comes; whatever is missing is empty.
#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    labels: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Value>>,
    #[serde(rename = "startsAt", default)]
    starts: Option<String>,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    state: Option<String>,
    #[serde(rename = "silencedBy", default)]
    silenced_by: Option<Vec<String>>,
    #[serde(rename = "inhibitedBy", default)]
    inhibited_by: Option<Vec<String>>,
}

/// A text of bounded length; what is no text is written out.
fn bounded(value: &Value) -> String {
    match value {
        Value::String(s) => s.chars().take(TEXT).collect(),
        other => other.to_string().chars().take(TEXT).collect(),
    }
}

fn exact(labels: Option<BTreeMap<String, Value>>) -> Labels {
    labels.unwrap_or_default().into_iter().map(|(k, v)| (k.chars().take(TEXT).collect(), bounded(&v))).collect()
}

fn millis(text: Option<&str>) -> Option<Millis> {
    let at = chrono::DateTime::parse_from_rfc3339(text?).ok()?.timestamp_millis();
    // "0001-01-01T00:00:00Z" is Go's way of saying nothing.
    (at > 0).then_some(at)
}

/// Reads a list of alerts; returns how many more there were.
fn read_alerts(body: &[u8]) -> Result<(Vec<Alert>, usize), Absence> {
    let First { kept: all, all: n } = serde_json::from_slice::<First<Listed, MOST>>(body).map_err(|e| malformed(&e))?;
    let left_out = n.saturating_sub(MOST);
    let alert = |a: Listed| {
        let said = |name: &str| a.annotations.as_ref().and_then(|t| t.get(name)).map(|v| clean(&bounded(v)));
        let description = said("description").or_else(|| said("message")).unwrap_or_default();
        let status = a.status.unwrap_or_default();
        let suppressed = status.state.as_deref() == Some("suppressed");
        Alert {
            summary: said("summary").filter(|s| !s.is_empty()).unwrap_or_else(|| description.clone()),
            description,
            runbook: said("runbook_url").unwrap_or_default(),
            standing: if suppressed { Standing::Suppressed } else { Standing::Firing },
            since: millis(a.starts.as_deref()).unwrap_or_default(),
            value: None,
            labels: exact(a.labels),
            managed: true,
            silenced_by: status.silenced_by.unwrap_or_default(),
            inhibited_by: status.inhibited_by.unwrap_or_default(),
        }
    };
    Ok((all.into_iter().take(MOST).map(alert).collect(), left_out))
}

#[derive(Deserialize)]
struct ListedSilence {
    #[serde(default)]
    id: String,
    #[serde(default)]
    matchers: Option<Vec<ListedMatcher>>,
    #[serde(rename = "startsAt", default)]
    starts: Option<String>,
    #[serde(rename = "endsAt", default)]
    ends: Option<String>,
    #[serde(rename = "createdBy", default)]
    by: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Deserialize)]
struct ListedMatcher {
    name: String,
    value: String,
    #[serde(rename = "isRegex", default)]
    regex: bool,
    #[serde(rename = "isEqual", default = "yes")]
    equal: bool,
}

fn yes() -> bool {
    true
}

/// Silences that are kept of one answer; a server keeps those of five days.
const SILENCES: usize = 10_000;

/// Reads the silences that are in force, to come, or just over.
fn read_silences(body: &[u8], now: Millis) -> Result<Vec<Silence>, Absence> {
    let First { kept: all, .. } =
        serde_json::from_slice::<First<ListedSilence, SILENCES>>(body).map_err(|e| malformed(&e))?;
    let matcher = |m: ListedMatcher| Matcher {
        label: m.name,
        op: match (m.equal, m.regex) {
            (true, false) => Op::Equal,
            (false, false) => Op::Different,
            (true, true) => Op::Like,
            (false, true) => Op::Unlike,
        },
        value: m.value,
    };
    let silence = |s: ListedSilence| {
        let text = |t: Option<String>| clean(&t.unwrap_or_default().chars().take(TEXT).collect::<String>());
        Silence {
            id: s.id,
            matchers: s.matchers.unwrap_or_default().into_iter().map(matcher).collect(),
            starts: millis(s.starts.as_deref()).unwrap_or_default(),
            ends: millis(s.ends.as_deref()).unwrap_or_default(),
            by: text(s.by),
            comment: text(s.comment),
            phase: match s.status.and_then(|s| s.state).as_deref() {
                Some("active") => Phase::Active,
                Some("pending") => Phase::Pending,
                _ => Phase::Expired,
            },
        }
    };
    let kept = |s: &Silence| s.phase != Phase::Expired || (now - s.ends).abs() <= JUST_EXPIRED;
    Ok(all.into_iter().map(silence).filter(kept).take(MOST).collect())
}

impl Source for Alertmanager {
    async fn ask(&mut self) -> Round {
        match self.poll().await {
            Ok(kind) => Round::good(kind),
            Err(why) => Round { kinds: vec![no_answer(&self.spec.name, why)], failed: true },
        }
    }

    fn overdue(&mut self, after: Millis) -> Option<Kind> {
        Some(no_answer(&self.spec.name, Absence::Timeout(after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_read_with_what_suppresses_them() {
        let body = r#"[{"annotations":{"summary":"p99 \u003e 2s"},"endsAt":"2026-11-22T16:34:44.595Z","fingerprint":"5d589e9e4dab1bdd",
            "receivers":[{"name":"default"}],"startsAt":"2026-11-22T15:48:44.070Z","status":{"inhibitedBy":["cc5699c1e2a6274d"],
            "silencedBy":["2978518b"],"state":"suppressed"},"labels":{"alertname":"HighLatency","severity":"warning"}},
            {"labels":{"alertname":7,"x":null},"annotations":null,"status":{"silencedBy":null,"state":"unprocessed"},"startsAt":"0001-01-01T00:00:00Z"}]"#;
        let (alerts, left_out) = read_alerts(body.as_bytes()).unwrap();
        assert_eq!((alerts.len(), left_out), (2, 0));
        assert_eq!((alerts[0].name().as_str(), alerts[0].standing), ("HighLatency", Standing::Suppressed));
        assert_eq!((alerts[0].summary.as_str(), alerts[0].since), ("p99 > 2s", 1_795_362_524_070));
        assert_eq!(alerts[0].silenced_by, ["2978518b"]);
        assert_eq!((alerts[1].name().as_str(), alerts[1].since, alerts[1].standing), ("7", 0, Standing::Firing));
    }

    #[test]
    fn what_is_no_list_of_alerts_is_a_reason() {
        for body in
            ["", "{", "null", "{\"status\":\"success\",\"data\":[]}", "<html>", "[1]", "[] []", "[{\"labels\":{}}"]
        {
            assert!(matches!(read_alerts(body.as_bytes()), Err(Absence::Malformed(_))), "{body}");
        }
        assert_eq!(read_alerts(b"[]").unwrap().0, Vec::new());
    }

    #[test]
    fn a_huge_label_is_cut_and_controls_are_not_shown() {
        let body = format!(
            "[{{\"labels\":{{\"alertname\":\"{}\"}},\"annotations\":{{\"summary\":\"a\\u001b[31mb\"}}}}]",
            "x".repeat(100_000)
        );
        let (alerts, _) = read_alerts(body.as_bytes()).unwrap();
        assert_eq!((alerts[0].labels["alertname"].len(), alerts[0].summary.as_str()), (TEXT, "a[31mb"));
    }

    #[test]
    fn silences_that_are_long_over_are_left_out() {
        let silence = |state: &str, ends: &str| {
            format!(
                "{{\"id\":\"{state}\",\"status\":{{\"state\":\"{state}\"}},\"endsAt\":\"{ends}\",\"matchers\":[{{\"name\":\"a\",\"value\":\"b\",\"isRegex\":true,\"isEqual\":false}}]}}"
            )
        };
        let body = format!(
            "[{},{},{}]",
            silence("active", "2026-11-22T17:00:00Z"),
            silence("expired", "2026-11-22T15:55:00Z"),
            silence("expired", "2026-11-20T15:55:00Z")
        );
        let now = millis(Some("2026-11-22T16:00:00Z")).unwrap();
        let read = read_silences(body.as_bytes(), now).unwrap();
        assert_eq!(read.iter().map(|s| s.phase).collect::<Vec<_>>(), [Phase::Active, Phase::Expired]);
        assert_eq!(read[0].matchers[0].to_string(), "a!~\"b\"");
    }
}
