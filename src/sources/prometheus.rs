//! A Prometheus server: the built-in request figures and every configured signal, with history at start.
//!
//! The request figures are read as counts (`increase` over 5m and 1m of all and of failed requests), so that a share
//! never stands without what is behind it. `increase` is `rate` times the window, so the quotient is exactly
//! `(sum(rate(E[5m])) or 0*sum(rate(R[5m]))) / sum(rate(R[5m]))`.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bus;
use crate::engine::Kind;
use crate::engine::settings::MetricNames;
use crate::engine::settings::PrometheusSpec;
use crate::engine::settings::SignalSpec;
use crate::engine::sources::PROMETHEUS;
use crate::model::signal::Absence;
use crate::model::signal::Counts;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::ERROR_RATE_30M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::REQUESTS_5M;
use crate::model::signal::Reading;
use crate::model::signal::Sample;
use crate::model::source::Origin;
use crate::model::text::clean;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::sources::http;
use crate::sources::http::Clients;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::poll::no_answer;
use crate::sources::secrets::Secrets;

/// Series read of one answer at the most; more are counted, not judged.
const SERIES: usize = 1_000;
/// Fewer requests than this in five minutes, and thirty are asked for too.
const FEW: f64 = 100.0;
/// Points of history asked for at the most: what a series keeps.
const POINTS: Millis = crate::model::series::CAPACITY as Millis;
/// Answers above this are read on a thread of their own.
const LARGE: usize = 256 * 1024;
/// Sentences of a server that are kept.
const NOTES: usize = 5;

/// One question and the name of its answer.
#[derive(Clone, Debug)]
struct Ask {
    name: String,
    query: String,
}

/// The server and what it is asked.
pub struct Server {
    spec: PrometheusSpec,
    asks: Vec<Ask>,
    signals: Vec<SignalSpec>,
    clients: Arc<Clients>,
    secrets: Arc<Secrets>,
    seeded: bool,
    history_note: Option<String>,
    notes: Vec<String>,
}

const TOTAL_5: &str = "total_5m";
const FAILED_5: &str = "failed_5m";
const TOTAL_1: &str = "total_1m";
const FAILED_1: &str = "failed_1m";
const TOTAL_30: &str = "total_30m";
const FAILED_30: &str = "failed_30m";

impl Server {
    /// A server that is asked for these signals.
    #[must_use]
    pub fn new(spec: PrometheusSpec, signals: &[SignalSpec], clients: &Arc<Clients>, secrets: &Arc<Secrets>) -> Self {
        let asks = asks(&spec.metrics, signals);
        Self {
            spec,
            asks,
            signals: signals.to_vec(),
            clients: Arc::clone(clients),
            secrets: Arc::clone(secrets),
            seeded: false,
            history_note: None,
            notes: Vec::new(),
        }
    }

    async fn poll(&mut self) -> Result<Vec<Kind>, Absence> {
        let mut kinds = Vec::new();
        let start = bus::now();
        if !self.seeded {
            // History first: what began before cabina was opened must not look young.
            // It is a help, not a condition: a server that refuses ranges may still answer questions.
            match self.history(start.wall).await {
                Ok(kind) => {
                    kinds.extend(kind);
                    self.seeded = true;
                }
                Err(why) => self.history_note = Some(format!("history: {}", why.word())),
            }
        }
        self.notes = self.history_note.take().into_iter().collect();
        let answers = join_all(self.asks.iter().map(|a| self.instant(a))).await;
        let mut values: BTreeMap<String, Answered> = BTreeMap::new();
        let mut first_error = None;
        let mut any = false;
        let mut refused = None;
        for (ask, answer) in self.asks.iter().zip(answers) {
            match answer {
                Ok((answered, notes)) => {
                    any = true;
                    self.notes.extend(notes);
                    values.insert(ask.name.clone(), answered);
                }
                // A refused query is the matter of one signal, not of the server.
                Err(why @ Absence::Refusal(_)) => {
                    refused.get_or_insert(why.clone());
                    values.insert(ask.name.clone(), Answered::absent(why));
                }
                Err(why) => {
                    first_error.get_or_insert(why.clone());
                    values.insert(ask.name.clone(), Answered::absent(why));
                }
            }
        }
        if let (false, Some(why)) = (any, first_error.or(refused)) {
            return Err(why);
        }
        self.few(&mut values).await;
        // One moment for all: the answers' own times differ by milliseconds.
        let at = values.values().filter_map(|v| v.at).max().unwrap_or(start.wall);
        let samples = self.samples(at, &values);
        self.notes.truncate(NOTES);
        kinds.push(Kind::Sampled {
            source: PROMETHEUS.to_owned(),
            origin: Origin::Prometheus,
            samples,
            history: false,
            took: bus::now().since(start),
            notes: std::mem::take(&mut self.notes),
        });
        Ok(kinds)
    }

    /// Where five minutes hold too few requests, thirty are asked for.
    async fn few(&self, values: &mut BTreeMap<String, Answered>) {
        let total = values.get(TOTAL_5).and_then(|a| a.reading.value());
        if total.is_none_or(|t| t >= FEW) {
            return;
        }
        for ask in counts(&self.spec.metrics, "30m", TOTAL_30, FAILED_30) {
            if let Ok((answered, _)) = self.instant(&ask).await {
                values.insert(ask.name, answered);
            }
        }
    }

    /// Turns what was answered into samples of the signals.
    fn samples(&self, at: Millis, values: &BTreeMap<String, Answered>) -> Vec<Sample> {
        let get = |name: &str| values.get(name).map_or(Reading::Absent(Absence::NotYet), |a| a.reading.clone());
        let mut out = Vec::new();
        let five = share(&get(TOTAL_5), &get(FAILED_5), 5 * MINUTE);
        for spec in &self.signals {
            let mut sample =
                Sample { signal: spec.name.clone(), at, reading: five.0.clone(), counts: five.1, worst: None };
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
        if values.contains_key(TOTAL_30) {
            let (reading, counts) = share(&get(TOTAL_30), &get(FAILED_30), 30 * MINUTE);
            out.push(Sample { signal: ERROR_RATE_30M.to_owned(), at, reading, counts, worst: None });
        }
        out.insert(0, Sample { signal: REQUESTS_5M.to_owned(), at, reading: get(TOTAL_5), counts: None, worst: None });
        out
    }

    async fn instant(&self, ask: &Ask) -> Result<(Answered, Vec<String>), Absence> {
        let body = self.get("/api/v1/query", &[("query", &ask.query)]).await?;
        let limit_below = self.signals.iter().find(|s| s.name == ask.name).is_some_and(below);
        aside(body, move |body| {
            let answer = decode(body)?;
            Ok((worst_of(&answer.data, limit_below)?, answer.notes))
        })
        .await
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, Absence> {
        let accept = "application/json";
        let timeout = self.spec.timeout;
        let answer = http::get(&self.clients, &self.secrets, &self.spec.endpoint, path, query, accept, timeout).await?;
        let status = answer.status();
        match status {
            // The API speaks JSON beside these codes: 400 bad query, 422 cannot be executed, 503 timed out or aborted.
            200 | 400 | 422 | 503 => {}
            401 | 403 => return Err(Absence::Denied(format!("HTTP {status}"))),
            _ => return Err(Absence::Status(status)),
        }
        let html = answer.header("content-type").starts_with("text/html");
        let body = answer.body(http::BODY_LIMIT).await?;
        if html && status == 200 {
            return Err(Absence::Malformed("a web page instead of JSON (a login page?)".to_owned()));
        }
        if status != 200 && serde_json::from_slice::<Envelope>(&body).is_err() {
            return Err(Absence::Status(status));
        }
        Ok(body)
    }

    /// The last hour, moment by moment, as if it had been watched.
    async fn history(&self, now: Millis) -> Result<Option<Kind>, Absence> {
        // Coarser than the interval when the history is long; never finer.
        let step = self.spec.every.max(self.spec.history / POINTS).max(SECOND) / SECOND * SECOND;
        let (from, to) = (now - self.spec.history, now);
        let answers = join_all(self.asks.iter().map(|a| self.range(a, from, to, step))).await;
        let mut moments: BTreeMap<Millis, BTreeMap<String, Answered>> = BTreeMap::new();
        let mut failed = None;
        for (ask, answer) in self.asks.iter().zip(answers) {
            match answer {
                Ok(points) => {
                    for (at, reading, worst) in points {
                        moments
                            .entry(at)
                            .or_default()
                            .insert(ask.name.clone(), Answered { at: Some(at), reading, worst });
                    }
                }
                Err(Absence::Refusal(_)) => {}
                Err(why) => failed = Some(why),
            }
        }
        if moments.is_empty() {
            return failed.map_or(Ok(None), Err);
        }
        let samples = moments
            .iter()
            .flat_map(|(at, values)| {
                let mut values = values.clone();
                for ask in &self.asks {
                    values.entry(ask.name.clone()).or_insert_with(|| Answered::absent(Absence::NoSeries));
                }
                self.samples(*at, &values)
            })
            .collect();
        Ok(Some(Kind::Sampled {
            source: PROMETHEUS.to_owned(),
            origin: Origin::Prometheus,
            samples,
            history: true,
            took: 0,
            notes: Vec::new(),
        }))
    }

    async fn range(
        &self,
        ask: &Ask,
        from: Millis,
        to: Millis,
        step: Millis,
    ) -> Result<Vec<(Millis, Reading, Option<String>)>, Absence> {
        let seconds = |ms: Millis| format!("{}.{:03}", ms / 1_000, ms % 1_000);
        let (start, end, step) = (seconds(from), seconds(to), seconds(step));
        let query = [("query", ask.query.as_str()), ("start", &start), ("end", &end), ("step", &step)];
        let body = self.get("/api/v1/query_range", &query).await?;
        let limit_below = self.signals.iter().find(|s| s.name == ask.name).is_some_and(below);
        aside(body, move |body| worst_range(&decode(body)?.data, limit_below)).await
    }
}

/// Reads an answer; a large one on a thread of its own, so that other pollers go on.
async fn aside<T: Send + 'static>(
    body: Vec<u8>,
    read: impl FnOnce(&[u8]) -> Result<T, Absence> + Send + 'static,
) -> Result<T, Absence> {
    if body.len() < LARGE {
        return read(&body);
    }
    let done = tokio::task::spawn_blocking(move || read(&body)).await;
    done.unwrap_or_else(|e| Err(Absence::Failed(clean(&e.to_string()))))
}

/// Does trouble lie below this signal's limit?
fn below(spec: &SignalSpec) -> bool {
    spec.critical.or(spec.warning).is_some_and(|l| l.side == crate::model::signal::Side::Below)
}

/// All questions: the counts and quantiles behind the built-in signals, then the configured queries.
fn asks(metrics: &MetricNames, signals: &[SignalSpec]) -> Vec<Ask> {
    let mut asks = counts(metrics, "5m", TOTAL_5, FAILED_5);
    asks.extend(counts(metrics, "1m", TOTAL_1, FAILED_1));
    for spec in signals {
        let query = match (&spec.query, spec.name.as_str()) {
            (Some(query), _) => query.clone(),
            (None, LATENCY_P95) => quantile_query(metrics, "0.95"),
            (None, LATENCY_P99) => quantile_query(metrics, "0.99"),
            _ => continue,
        };
        asks.push(Ask { name: spec.name.clone(), query });
    }
    asks
}

fn counts(metrics: &MetricNames, window: &str, total: &str, failed: &str) -> Vec<Ask> {
    let (requests, errors) = (&metrics.requests, &metrics.errors);
    let all = format!("sum(increase({requests}[{window}]))");
    // A service that never failed has no 5xx series: that is zero failures, not "no data".
    let bad = format!("sum(increase({requests}{{{errors}}}[{window}])) or 0 * {all}");
    vec![Ask { name: total.to_owned(), query: all }, Ask { name: failed.to_owned(), query: bad }]
}

fn quantile_query(metrics: &MetricNames, q: &str) -> String {
    format!("histogram_quantile({q}, sum by (le) (rate({}_bucket[5m])))", metrics.duration)
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

/// What one question brought.
#[derive(Clone, Debug)]
struct Answered {
    at: Option<Millis>,
    reading: Reading,
    worst: Option<String>,
}

impl Answered {
    fn absent(why: Absence) -> Self {
        Self { at: None, reading: Reading::Absent(why), worst: None }
    }
}

/// The frame of every answer (Prometheus HTTP API, "Format overview").
#[derive(Deserialize)]
struct Envelope {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(rename = "errorType", default)]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    /// Kept as text until its shape is known: a tree of values would cost ten times the body.
    result: Box<RawValue>,
}

/// One series of a vector or a matrix.
#[derive(Deserialize)]
struct SeriesOf<T> {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default = "Option::default")]
    value: Option<T>,
    #[serde(default = "Option::default")]
    values: Option<Vec<T>>,
}

type Pair = (f64, String);

struct Decoded {
    data: Data,
    notes: Vec<String>,
}

fn decode(body: &[u8]) -> Result<Decoded, Absence> {
    let envelope: Envelope = serde_json::from_slice(body).map_err(|e| Absence::Malformed(malformed(&e)))?;
    if envelope.status != "success" {
        let text = envelope.error.or(envelope.error_type).unwrap_or_else(|| format!("status {:?}", envelope.status));
        return Err(Absence::Refusal(clean(&text)));
    }
    let data = envelope.data.ok_or_else(|| Absence::Malformed("success without data".to_owned()))?;
    let notes = envelope.warnings.into_iter().chain(envelope.infos).flatten().map(|n| clean(&n)).take(NOTES).collect();
    Ok(Decoded { data, notes })
}

fn malformed(e: &serde_json::Error) -> String {
    match e.classify() {
        serde_json::error::Category::Eof => "the JSON ends in the middle".to_owned(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON".to_owned(),
        serde_json::error::Category::Data => clean(&format!("JSON of another shape: {e}")),
    }
}

fn float(text: &str) -> Result<f64, Absence> {
    text.parse().map_err(|_| Absence::Malformed(format!("{:?} is not a number", clean(text))))
}

fn series(data: &Data) -> Result<Vec<SeriesOf<Pair>>, Absence> {
    match data.kind.as_str() {
        "vector" | "matrix" => serde_json::from_str(data.result.get()).map_err(|e| Absence::Malformed(malformed(&e))),
        "scalar" => {
            let value: Pair = serde_json::from_str(data.result.get()).map_err(|e| Absence::Malformed(malformed(&e)))?;
            Ok(vec![SeriesOf { metric: BTreeMap::new(), value: Some(value), values: None }])
        }
        other => Err(Absence::Malformed(format!("result type {:?}", clean(other)))),
    }
}

fn milliseconds(seconds: f64) -> Result<Millis, Absence> {
    // Year 5000: a time beyond it is a broken answer, and would overflow arithmetic on it.
    if seconds.is_finite() && (0.0..1e11).contains(&seconds) {
        Ok((seconds * 1_000.0).round() as Millis)
    } else {
        Err(Absence::Malformed("a time that cannot be".to_owned()))
    }
}

fn labels(metric: &BTreeMap<String, String>) -> String {
    let parts: Vec<String> = metric.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
    clean(&parts.join(", "))
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
fn worst_of(data: &Data, below: bool) -> Result<Answered, Absence> {
    let all = series(data)?;
    let many = all.len() > 1;
    let mut worst: Option<(Millis, f64, String)> = None;
    for s in all.into_iter().take(SERIES) {
        let Some((at, text)) = s.value else {
            return Err(Absence::Malformed("a series without a value".to_owned()));
        };
        let (at, value) = (milliseconds(at)?, float(&text)?);
        if worst.as_ref().is_none_or(|(_, w, _)| worse(value, *w, below)) {
            worst = Some((at, value, labels(&s.metric)));
        }
    }
    Ok(match worst {
        None => Answered::absent(Absence::NoSeries),
        Some((at, value, labels)) => {
            Answered { at: Some(at), reading: Reading::from_float(value), worst: many.then_some(labels) }
        }
    })
}

/// Of many series the worst at each moment.
fn worst_range(data: &Data, below: bool) -> Result<Vec<(Millis, Reading, Option<String>)>, Absence> {
    let all = series(data)?;
    let many = all.len() > 1;
    let mut moments: BTreeMap<Millis, (f64, usize)> = BTreeMap::new();
    let mut names = Vec::new();
    for (i, s) in all.into_iter().take(SERIES).enumerate() {
        for (at, text) in s.values.unwrap_or_default() {
            let (at, value) = (milliseconds(at)?, float(&text)?);
            if moments.get(&at).is_none_or(|(w, _)| worse(value, *w, below)) {
                moments.insert(at, (value, i));
            }
        }
        names.push(labels(&s.metric));
    }
    Ok(moments
        .into_iter()
        .map(|(at, (value, i))| (at, Reading::from_float(value), names.get(i).filter(|_| many).cloned()))
        .collect())
}

impl Source for Server {
    async fn ask(&mut self) -> Round {
        match self.poll().await {
            Ok(kinds) => Round { kinds, failed: false },
            Err(why) => {
                // After an outage the curve has a hole: history fills it.
                self.seeded = false;
                Round { kinds: vec![no_answer(PROMETHEUS, why)], failed: true }
            }
        }
    }

    fn overdue(&mut self, after: Millis) -> Kind {
        no_answer(PROMETHEUS, Absence::Timeout(after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(json: &str) -> Result<Answered, Absence> {
        worst_of(&decode(json.as_bytes())?.data, false)
    }

    #[test]
    fn of_many_series_the_worst_is_judged_and_named() {
        let json = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"queue":"a"},"value":[1700000000.5,"3"]},
            {"metric":{"queue":"b"},"value":[1700000000.5,"7"]},
            {"metric":{"queue":"c"},"value":[1700000000.5,"NaN"]}]}}"#;
        let a = worst(json).unwrap();
        assert_eq!(a.reading, Reading::Value(7.0));
        assert_eq!(a.worst.as_deref(), Some("queue=\"b\""));
        assert_eq!(a.at, Some(1_700_000_000_500));
    }

    #[test]
    fn an_empty_vector_and_nan_are_no_data_and_never_zero() {
        let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        assert_eq!(worst(empty).unwrap().reading, Reading::Absent(Absence::NoSeries));
        let nan = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}}"#;
        assert_eq!(worst(nan).unwrap().reading, Reading::Absent(Absence::NotANumber));
        assert_eq!(share(&Reading::Value(0.0), &Reading::Value(0.0), MINUTE).0, Reading::Absent(Absence::NoTraffic));
    }

    #[test]
    fn answers_that_lie_are_errors() {
        for json in [
            "<html>",
            "{\"status\":\"success\"}",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":null}}",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"x\",\"result\":[]}}",
            "{\"status\":\"suc",
            "",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1e300,\"1\"]}]}}",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1,\"x\"]}]}}",
        ] {
            assert!(matches!(worst(json), Err(Absence::Malformed(_))), "{json}");
        }
        let refused = worst("{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse\\u001b[31m error\"}");
        assert_eq!(refused.unwrap_err(), Absence::Refusal("parse[31m error".to_owned()));
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
