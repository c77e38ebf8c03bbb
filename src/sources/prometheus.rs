//! A Prometheus server: the built-in request figures and every configured signal, with history at start.

mod alerts;
mod api;
mod context;
mod place;
mod requests;
mod rules;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::bus;
use crate::engine::Kind;
use crate::engine::Settings;
use crate::engine::settings::PrometheusSpec;
use crate::engine::settings::SignalSpec;
use crate::engine::sources::PROMETHEUS;
use crate::model::signal::Absence;
use crate::model::signal::Sample;
use crate::model::source::Origin;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::window::Counted;
use crate::secrets::Secrets;
use crate::sources::http::Clients;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::poll::no_answer;
use crate::sources::prometheus::api::Api;
use crate::sources::prometheus::requests::Answered;
use crate::sources::prometheus::requests::Answers;
use crate::sources::prometheus::requests::Ask;
use crate::sources::prometheus::requests::TOTAL_5;

pub use alerts::Alerts;
pub use context::Context;
pub use place::Place;
pub use rules::Judged;

/// Fewer requests than this in five minutes, and thirty are asked for too.
const FEW: f64 = 100.0;
/// Points of history asked for at the most: what a series keeps.
const POINTS: Millis = crate::model::series::CAPACITY as Millis;

/// The server and what it is asked.
pub struct Server {
    api: Api,
    asks: Vec<Ask>,
    /// Asked of now, and never of the past.
    minute: Vec<Ask>,
    signals: Vec<SignalSpec>,
    seeded: bool,
    notes: Vec<String>,
    /// The newest sample that the server holds of the requests, and the usual time between two.
    newest: Option<Millis>,
    pace: Option<Millis>,
}

/// The built-in figures of a span of the past, asked once; `None` where there is no server, or no answer.
pub async fn past(settings: &Settings, secrets: &Arc<Secrets>, span: (Millis, Millis)) -> Option<Vec<Sample>> {
    let spec = settings.prometheus.clone()?;
    let (wanted, known) = (settings.clone(), Arc::clone(secrets));
    let clients = tokio::task::spawn_blocking(move || Clients::new(&wanted, &known)).await.ok()?;
    Server::new(spec, &settings.signals, &Arc::new(clients), secrets).past(span).await.ok()
}

impl Server {
    /// A server that is asked for these signals.
    #[must_use]
    pub fn new(spec: PrometheusSpec, signals: &[SignalSpec], clients: &Arc<Clients>, secrets: &Arc<Secrets>) -> Self {
        let asks = requests::asks(&spec.metrics, signals);
        let minute = requests::asks_1m(&spec.metrics, signals);
        let api = Api::new(spec, clients, secrets);
        Self {
            api,
            asks,
            minute,
            signals: signals.to_vec(),
            seeded: false,
            notes: Vec::new(),
            newest: None,
            pace: None,
        }
    }

    async fn poll(&mut self) -> Result<Vec<Kind>, Absence> {
        let mut kinds = Vec::new();
        let start = bus::now();
        self.notes.clear();
        if !self.seeded {
            // History first: what began before cabina was opened must not look young.
            // It is a help, not a condition: a server that refuses ranges may still answer questions.
            match self.history(start.wall).await {
                Ok(kind) => {
                    kinds.extend(kind);
                    self.seeded = true;
                }
                Err(why) => self.notes.push(format!("history: {}", why.word())),
            }
        }
        if self.pace.is_none() {
            self.pace = self.paced().await;
        }
        let newest = format!("max(timestamp({}))", self.api.spec.metrics.requests);
        let asks: Vec<&Ask> = self.asks.iter().chain(&self.minute).collect();
        let (answers, newest) = tokio::join!(join_all(asks.iter().map(|a| self.instant(a))), self.api.instant(&newest));
        let mut values = Answers::new();
        let mut first_error = None;
        let mut any = false;
        let mut refused = None;
        for (ask, answer) in asks.into_iter().zip(answers) {
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
        let newest = newest.ok().and_then(|said| said.data.first().map(|e| (e.value * 1_000.0) as Millis));
        if let Some(age) = newest.and_then(|newest| self.standstill(newest, at)) {
            requests::outdate(&mut values, age);
        }
        let samples = requests::samples(&self.signals, at, &values);
        self.notes.truncate(api::NOTES);
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

    /// The age of the newest sample, where it is more than three intervals old: the server answers, but what it holds
    /// is history. How often it scrapes is learned; until then, Prometheus' default of a minute is taken.
    fn standstill(&mut self, newest: Millis, now: Millis) -> Option<Millis> {
        if let Some(before) = self.newest.filter(|b| newest > *b) {
            let gap = newest.saturating_sub(before);
            self.pace = Some(self.pace.map_or(gap, |p| p.min(gap)));
        }
        self.newest = Some(newest);
        let pace = self.pace.unwrap_or(MINUTE).max(self.api.spec.every);
        let age = now.saturating_sub(newest);
        // A server looks back five minutes by default, an hour at the most: what is older is no time at all.
        (age > pace.saturating_mul(3) && age <= HOUR).then_some(age)
    }

    /// How often the server scrapes, by the samples that it holds of five minutes.
    async fn paced(&self) -> Option<Millis> {
        let query = format!("max(count_over_time({}[5m]))", self.api.spec.metrics.requests);
        let n = self.api.instant(&query).await.ok()?.data.first()?.value;
        (2.0..=3_000.0).contains(&n).then(|| (5.0 * MINUTE as f64 / n) as Millis)
    }

    /// Where five minutes hold too few requests, thirty are asked for.
    async fn few(&self, values: &mut Answers) {
        let total = values.get(TOTAL_5).and_then(|a| a.reading.value());
        if total.is_none_or(|t| t >= FEW) {
            return;
        }
        for ask in requests::asks_30m(&self.api.spec.metrics) {
            if let Ok((answered, _)) = self.instant(&ask).await {
                values.insert(ask.name, answered);
            }
        }
    }

    async fn instant(&self, ask: &Ask) -> Result<(Answered, Vec<String>), Absence> {
        let said = self.api.instant(&ask.query).await?;
        Ok((requests::worst_of(&said.data, ask.below), said.notes))
    }

    /// The last hour, moment by moment, as if it had been watched.
    async fn history(&self, now: Millis) -> Result<Option<Kind>, Absence> {
        let spec = &self.api.spec;
        // Coarser than the interval when the history is long; never finer.
        let step = spec.every.max(spec.history / POINTS).max(SECOND) / SECOND * SECOND;
        let span = (now - spec.history, now);
        let samples = self.range(span, step).await?;
        if samples.is_empty() {
            return Ok(None);
        }
        Ok(Some(Kind::Sampled {
            source: PROMETHEUS.to_owned(),
            origin: Origin::Prometheus,
            samples,
            history: true,
            took: 0,
            notes: Vec::new(),
        }))
    }

    /// The built-in figures of a span of the past, for comparison.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn past(&self, span: (Millis, Millis)) -> Result<Vec<Sample>, Absence> {
        // As many points as a wide chart has dots.
        let step = ((span.1 - span.0) / 300).max(SECOND) / SECOND * SECOND;
        self.range(span, step).await
    }

    /// What was counted in a span, piece by piece: `(since, to]`, and requests from the beginning of the span on in pieces.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn counted(&self, span: (Millis, Millis), since: Millis, piece: Millis) -> Result<Counted, Absence> {
        window::count(&self.api, &self.signals, span, since, piece).await
    }

    /// The samples of a span, moment by moment.
    async fn range(&self, span: (Millis, Millis), step: Millis) -> Result<Vec<Sample>, Absence> {
        // Of each answer only what is worst stays: many series over a day are millions of points.
        let worst = async |ask: &Ask| {
            let rows = self.api.range(&ask.query, span, step).await?;
            Ok(requests::worst_range(&rows, ask.below))
        };
        let answers = join_all(self.asks.iter().map(worst)).await;
        let mut moments: BTreeMap<Millis, Answers> = BTreeMap::new();
        let mut failed = None;
        for (ask, answer) in self.asks.iter().zip(answers) {
            match answer {
                Ok(worst) => {
                    for (at, reading, worst) in worst {
                        let answered = Answered { at: Some(at), reading, worst };
                        moments.entry(at).or_default().insert(ask.name.clone(), answered);
                    }
                }
                Err(Absence::Refusal(_)) => {}
                Err(why) => failed = Some(why),
            }
        }
        if moments.is_empty() {
            return failed.map_or(Ok(Vec::new()), Err);
        }
        Ok(moments
            .iter_mut()
            .flat_map(|(at, values)| {
                for ask in &self.asks {
                    values.entry(ask.name.clone()).or_insert_with(|| Answered::absent(Absence::NoSeries));
                }
                requests::samples(&self.signals, *at, values)
            })
            .collect())
    }
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

    fn overdue(&mut self, after: Millis) -> Option<Kind> {
        Some(no_answer(PROMETHEUS, Absence::Timeout(after)))
    }
}
