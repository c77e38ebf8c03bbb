//! The HTTP API of Prometheus, as far as cabina asks it. Every answer is bounded, and whatever is no answer is a reason.
//!
//! Source: prometheus.io, "HTTP API", "Format overview". Thanos and `VictoriaMetrics` speak it too; what they add
//! (`isPartial`) is said beside the figures.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde::de::IgnoredAny;
use serde::de::Visitor;
use serde_json::value::RawValue;

use crate::engine::settings::PrometheusSpec;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::sources::http;
use crate::sources::http::Body;
use crate::sources::http::Clients;
use crate::sources::json::First;
use crate::sources::json::malformed;

/// Series read of one answer at the most; more are counted, not judged.
pub(super) const SERIES: usize = 1_000;
/// Series that are kept of an answer: with one more than are judged it is known that there are more.
const MOST: usize = SERIES + 1;
/// Points of one series: Prometheus itself gives no more (`query_range`: 11,000 at the most).
const POINTS: usize = 11_000;
/// Sentences of a server that are kept.
pub(super) const NOTES: usize = 5;

/// One server and how to ask it.
pub(super) struct Api {
    pub(super) spec: PrometheusSpec,
    clients: Arc<Clients>,
    secrets: Arc<Secrets>,
}

/// Labels, exact.
pub(super) type Labels = BTreeMap<String, String>;

/// One series with its value now.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Element {
    pub(super) labels: Labels,
    pub(super) at: Millis,
    pub(super) value: f64,
}

/// One series with its values over a range.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) labels: Labels,
    pub(super) points: Vec<(Millis, f64)>,
}

/// An answer, and what the server said beside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said<T> {
    pub(super) data: T,
    pub(super) notes: Vec<String>,
    /// The server's clock, by its `Date` header, minus ours, in ms; to the second.
    pub(super) skew: Option<Millis>,
}

impl Api {
    pub(super) fn new(spec: PrometheusSpec, clients: &Arc<Clients>, secrets: &Arc<Secrets>) -> Self {
        Self { spec, clients: Arc::clone(clients), secrets: Arc::clone(secrets) }
    }

    /// `query`: every series of the answer, up to `SERIES`.
    pub(super) async fn instant(&self, query: &str) -> Result<Said<Vec<Element>>, Absence> {
        self.instant_at(query, None).await
    }

    /// The same at a moment of ours.
    pub(super) async fn instant_at(&self, query: &str, at: Option<Millis>) -> Result<Said<Vec<Element>>, Absence> {
        let time = at.map(|at| format!("{}.{:03}", at / 1_000, at % 1_000));
        let asked: Vec<(&str, &str)> =
            [("query", query)].into_iter().chain(time.as_deref().map(|t| ("time", t))).collect();
        let (body, skew) = self.get("/api/v1/query", &asked).await?;
        body.made(move |body| {
            let answer = decode::<Data>(body)?;
            Ok(Said { data: vector(&answer.data)?, notes: answer.notes, skew })
        })
        .await
    }

    /// `query_range`.
    pub(super) async fn range(
        &self,
        query: &str,
        (from, to): (Millis, Millis),
        step: Millis,
    ) -> Result<Vec<Row>, Absence> {
        let seconds = |ms: Millis| format!("{}.{:03}", ms / 1_000, ms % 1_000);
        let (start, end, step) = (seconds(from), seconds(to), seconds(step));
        let query = [("query", query), ("start", &start), ("end", &end), ("step", &step)];
        let (body, _) = self.get("/api/v1/query_range", &query).await?;
        body.made(|body| matrix(&decode::<Data>(body)?.data)).await
    }

    /// Any other path, decoded as it is wanted.
    pub(super) async fn ask<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Said<T>, Absence> {
        let (body, skew) = self.get(path, query).await?;
        body.made(move |body| {
            let answer = decode::<T>(body)?;
            Ok(Said { data: answer.data, notes: answer.notes, skew })
        })
        .await
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<(Body, Option<Millis>), Absence> {
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
        let skew = answer.skew();
        let body = answer.body(http::BODY_LIMIT).await?;
        if html && status == 200 {
            return Err(Absence::Malformed("a web page instead of JSON (a login page?)".to_owned()));
        }
        if status != 200 && serde_json::from_slice::<Envelope<IgnoredAny>>(&body).is_err() {
            return Err(Absence::Status(status));
        }
        Ok((body, skew))
    }
}

/// The frame of every answer.
#[derive(Deserialize)]
struct Envelope<T> {
    status: String,
    #[serde(default = "Option::default")]
    data: Option<T>,
    #[serde(rename = "errorType", default)]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
    /// `VictoriaMetrics`: some storage nodes did not answer.
    #[serde(rename = "isPartial", default)]
    partial: bool,
}

/// The data of a query.
#[derive(Deserialize)]
pub(super) struct Data<'a> {
    #[serde(rename = "resultType")]
    kind: String,
    /// Left in the body until its shape is known: a tree of values would cost ten times as much.
    #[serde(borrow)]
    result: &'a RawValue,
}

/// One series of a vector or a matrix.
#[derive(Deserialize)]
struct SeriesOf<T> {
    #[serde(default)]
    metric: Labels,
    #[serde(default = "Option::default")]
    value: Option<T>,
    #[serde(default = "Option::default")]
    values: Option<First<T, POINTS>>,
    /// Native histograms stand here; they are no figures.
    #[serde(default = "Option::default")]
    histogram: Option<IgnoredAny>,
}

/// A time in seconds and a value.
type Pair = (f64, Number);

/// A number that stands in quotes; what is none is kept to be told. Read where it stands: as text of its own each of a
/// million points would cost four times as much.
#[derive(Clone, Debug)]
struct Number(Result<f64, String>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }

            fn visit_str<E>(self, text: &str) -> Result<Number, E> {
                Ok(Number(text.parse().map_err(|_| clean(text))))
            }
        }
        from.deserialize_str(Text)
    }
}

impl Number {
    fn value(self) -> Result<f64, Absence> {
        self.0.map_err(|text| Absence::Malformed(format!("{text:?} is not a number")))
    }
}

/// What a body says.
#[derive(Debug)]
pub(super) struct Decoded<T> {
    pub(super) data: T,
    pub(super) notes: Vec<String>,
}

/// Reads the frame.
///
/// # Errors
/// `Malformed` where it is none, `Refusal` with the server's own words.
pub(super) fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<Decoded<T>, Absence> {
    // What failed has data of any shape, or none.
    let head: Envelope<&RawValue> = serde_json::from_slice(body).map_err(|e| malformed(&e))?;
    if head.status != "success" {
        let text = head.error.or(head.error_type).unwrap_or_else(|| format!("status {:?}", head.status));
        return Err(Absence::Refusal(clean(&text)));
    }
    let data = head.data.ok_or_else(|| Absence::Malformed("success without data".to_owned()))?;
    let data = serde_json::from_str(data.get()).map_err(|e| malformed(&e))?;
    let said = head.warnings.into_iter().chain(head.infos).flatten().map(|n| clean(&n));
    let partial = head.partial.then(|| "the answer is partial: not every storage node answered".to_owned());
    Ok(Decoded { data, notes: partial.into_iter().chain(said).take(NOTES).collect() })
}

/// The series of an answer, and no more of them than are counted: one more says that there are.
fn series(data: &Data<'_>) -> Result<Vec<SeriesOf<Pair>>, Absence> {
    match data.kind.as_str() {
        "vector" | "matrix" => {
            let first: First<SeriesOf<Pair>, MOST> =
                serde_json::from_str(data.result.get()).map_err(|e| malformed(&e))?;
            Ok(first.kept)
        }
        "scalar" => {
            let value: Pair = serde_json::from_str(data.result.get()).map_err(|e| malformed(&e))?;
            Ok(vec![SeriesOf { metric: Labels::new(), value: Some(value), values: None, histogram: None }])
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

/// The series of an instant answer.
///
/// # Errors
/// `Malformed`.
pub(super) fn vector(data: &Data<'_>) -> Result<Vec<Element>, Absence> {
    let mut out = Vec::new();
    for s in series(data)?.into_iter().take(SERIES) {
        match s.value {
            Some((at, value)) => out.push(Element { labels: s.metric, at: milliseconds(at)?, value: value.value()? }),
            None if s.histogram.is_some() => {}
            None => return Err(Absence::Malformed("a series without a value".to_owned())),
        }
    }
    Ok(out)
}

/// The series of a range answer.
///
/// # Errors
/// `Malformed`.
pub(super) fn matrix(data: &Data<'_>) -> Result<Vec<Row>, Absence> {
    let mut out = Vec::new();
    for s in series(data)?.into_iter().take(SERIES) {
        let points = s.values.map(|v| v.kept).unwrap_or_default().into_iter();
        let points =
            points.map(|(at, value)| Ok((milliseconds(at)?, value.value()?))).collect::<Result<_, Absence>>()?;
        out.push(Row { labels: s.metric, points });
    }
    Ok(out)
}

/// Labels as they may be shown.
#[must_use]
pub(super) fn shown(labels: &Labels) -> String {
    let parts: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
    clean(&parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<Element>, Absence> {
        vector(&decode::<Data>(json.as_bytes())?.data)
    }

    #[test]
    fn answers_that_lie_are_errors() {
        for json in [
            "<html>",
            "{\"status\":\"success\"}",
            "{\"status\":\"success\",\"data\":null}",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":null}}",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":{}}}",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"x\",\"result\":[]}}",
            "{\"status\":\"suc",
            "",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1e300,\"1\"]}]}}",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1,\"x\"]}]}}",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"values\":[[1,\"1\"]]}]}}",
        ] {
            assert!(matches!(read(json), Err(Absence::Malformed(_))), "{json}");
        }
        let refused = read("{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse\\u001b[31m error\"}");
        assert_eq!(refused.unwrap_err(), Absence::Refusal("parse[31m error".to_owned()));
        let with_data =
            read("{\"status\":\"error\",\"data\":{\"resultType\":\"vector\",\"result\":[]},\"error\":\"x\"}");
        assert_eq!(with_data.unwrap_err(), Absence::Refusal("x".to_owned()));
    }

    #[test]
    fn what_a_server_adds_is_said() {
        let json = "{\"status\":\"success\",\"isPartial\":true,\"warnings\":[\"w\"],\"data\":{\"resultType\":\"vector\",\"result\":[]}}";
        let notes = decode::<Data>(json.as_bytes()).unwrap().notes;
        assert_eq!(notes.len(), 2);
        assert!(notes[0].contains("partial") && notes[1] == "w");
    }

    #[test]
    fn native_histograms_are_no_figures() {
        let json = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"histogram\":[1,{\"count\":\"1\"}]}]}}";
        assert_eq!(read(json), Ok(Vec::new()));
    }
}
