//! What Prometheus counted in a window: requests piece by piece, durations, and values of queries.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::bus;
use crate::engine::settings::SignalSpec;
use crate::model::signal::Absence;
use crate::model::significance::Share;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::window::Counted;
use crate::model::window::Piece;
use crate::runbook::condition;
use crate::sources::prometheus::api::Api;
use crate::sources::prometheus::api::Element;

/// Values of one query that are kept: a window of a day, looked at every half minute.
const VALUES: usize = 3_000;

/// Clocks that differ by less are one clock.
const SKEWED: Millis = 3 * SECOND;

/// Counts `(since, to]`: requests, durations, values; and requests from `from` on in pieces.
///
/// # Errors
/// When the server does not answer at all.
pub(super) async fn count(
    api: &Api,
    signals: &[SignalSpec],
    (from, to): (Millis, Millis),
    since: Millis,
    piece: Millis,
) -> Result<Counted, Absence> {
    // Samples are dated by the server's own clock: the same span is another one there.
    let skew = skew(api).await?;
    let (from, to, since) = (from + skew, to + skew, since + skew);
    let metrics = &api.spec.metrics;
    let seconds = |ms: Millis| format!("{}s", (ms / SECOND).max(1));
    let all = |window: &str| format!("sum(increase({}[{window}]))", metrics.requests);
    let failed = |window: &str| {
        format!("sum(increase({}{{{}}}[{window}])) or 0 * {}", metrics.requests, metrics.errors, all(window))
    };
    let (window, whole) = (seconds(piece), seconds(to - since));
    let durations = format!("sum by (le) (increase({}_bucket[{whole}]))", metrics.duration);
    // The last piece ends with the span: what is left over at its beginning is not counted.
    let first = to - (to - from) / piece * piece + piece;
    let questions = (all(&whole), failed(&whole), all(&window), failed(&window));
    let (total, bad, all, failed, durations) = tokio::join!(
        api.instant_at(&questions.0, Some(to)),
        api.instant_at(&questions.1, Some(to)),
        pieces(api, &questions.2, (first, to), piece),
        pieces(api, &questions.3, (first, to), piece),
        api.instant_at(&durations, Some(to)),
    );
    let one = |said: Vec<Element>| said.first().map(|e| e.value).filter(|v| v.is_finite());
    let (total, bad) = (one(total?.data), one(bad?.data));
    let (all, failed) = (all?, failed?);
    let ends = (0..).map(|i| first + i * piece).take_while(|end| *end <= to);
    let requests = |end: Millis| Some(Share { part: *failed.get(&end)?, all: *all.get(&end)? });
    let mut counted = Counted {
        requests: total.zip(bad).map(|(all, part)| Share { part, all }),
        pieces: ends.map(|to| Piece { to: to - skew, requests: requests(to) }).collect(),
        skew,
        ..Counted::default()
    };
    for e in durations.map(|said| said.data).unwrap_or_default().into_iter().filter(|e| e.value.is_finite()) {
        match e.labels.get("le").and_then(|le| le.parse::<f64>().ok()) {
            Some(bound) if bound.is_finite() => counted.buckets.push((bound, e.value)),
            Some(_) => counted.observed = e.value,
            None => {}
        }
    }
    counted.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let asked: Vec<(&str, &str)> = signals
        .iter()
        .filter(|s| s.origin.tells_requests())
        .filter_map(|s| Some((s.name.as_str(), s.query.as_deref()?)))
        .collect();
    let answers = join_all(asked.iter().map(|(_, query)| values(api, query, (since, to)))).await;
    for ((name, _), answer) in asked.iter().zip(answers) {
        match answer {
            Ok(values) => _ = counted.values.insert((*name).to_owned(), values),
            Err(why) => _ = counted.refused.insert((*name).to_owned(), why),
        }
    }
    Ok(counted)
}

/// The server's clock minus ours, in ms; within what an answer and a whole second take it is none.
async fn skew(api: &Api) -> Result<Millis, Absence> {
    let sent = bus::now().wall;
    let said = api.instant_at("vector(time())", None).await?;
    let ours = i64::midpoint(sent, bus::now().wall);
    let theirs = said.data.first().map_or(ours, |e| (e.value * SECOND as f64) as Millis);
    Ok(if (theirs - ours).abs() < SKEWED { 0 } else { (theirs - ours) / SECOND * SECOND })
}

/// A question that has one answer at each moment, by moment. A server answers to the millisecond that was asked for.
async fn pieces(
    api: &Api,
    query: &str,
    (first, to): (Millis, Millis),
    piece: Millis,
) -> Result<BTreeMap<Millis, f64>, Absence> {
    if first > to {
        return Ok(BTreeMap::new());
    }
    let rows = api.range(query, (first, to), piece).await?;
    Ok(rows.iter().flat_map(|r| r.points.iter().copied()).filter(|(_, v)| v.is_finite()).collect())
}

/// Looks at a query that share no samples: as far apart as its longest range reaches back, and no closer than the server
/// is asked anyway. Of many series the worst would be another one each time: the mean speaks for them.
async fn values(api: &Api, query: &str, (from, to): (Millis, Millis)) -> Result<Vec<f64>, Absence> {
    let ranges = query.split('[').skip(1).filter_map(|r| condition::span(r.split([']', ':']).next()?));
    let step = ranges.max().unwrap_or(0).max(api.spec.every).max((to - from) / VALUES as Millis).max(SECOND);
    if from + step > to {
        return Ok(Vec::new());
    }
    let rows = api.range(query, (from + step, to), step).await?;
    let mut moments: BTreeMap<Millis, (f64, f64)> = BTreeMap::new();
    for (at, value) in rows.iter().flat_map(|r| r.points.iter()).filter(|(_, v)| v.is_finite()) {
        let sum = moments.entry(*at).or_default();
        *sum = (sum.0 + value, sum.1 + 1.0);
    }
    Ok(moments.into_values().map(|(sum, n)| sum / n).collect())
}
