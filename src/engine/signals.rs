//! The signals: samples folded into histories.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use crate::engine::settings::SignalSpec;
use crate::model::series::Series;
use crate::model::signal::Absence;
use crate::model::signal::Counts;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::ERROR_RATE_30M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P95_1M;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::LATENCY_P99_1M;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::REQUESTS_5M;
use crate::model::signal::Reading;
use crate::model::signal::Sample;
use crate::model::source::Origin;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::Stamp;

/// What is known of one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Its name, unit and limits.
    pub spec: SignalSpec,
    /// Its history.
    pub series: Series,
    /// The newest sample and when it was received.
    pub last: Option<(Stamp, Sample)>,
    /// The newest sample with a value.
    pub good: Option<(Stamp, Sample)>,
    /// How the newest sample was read.
    pub origin: Origin,
}

/// All signals: the built-in ones, then the configured ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    /// In order.
    pub all: Vec<Signal>,
    /// Failed and all requests of the last thirty minutes; read only while five minutes hold too few.
    pub half_hour: Option<(Stamp, Sample)>,
    /// Requests of the last five minutes, as the service counts them.
    pub requests: Option<(Stamp, Sample)>,
    /// The newest quantiles of one minute, by the name of the signal that tells of five.
    pub minute: BTreeMap<&'static str, (Stamp, Sample)>,
    /// Requests a minute, beside the share of them that failed.
    pub totals: Series,
    /// Moments at which the request figures began to come from another source, and which.
    pub seams: VecDeque<(Millis, Origin)>,
}

/// Seams that are remembered: more would not fit on a chart.
const SEAMS: usize = 50;

impl Signals {
    pub(crate) fn new(specs: &[SignalSpec]) -> Self {
        let all = specs
            .iter()
            .map(|spec| Signal {
                spec: spec.clone(),
                series: Series::default(),
                last: None,
                good: None,
                origin: spec.origin,
            })
            .collect();
        Self { all, ..Self::default() }
    }

    /// The signals to be shown: an optional one only once it was seen.
    pub fn shown(&self) -> impl Iterator<Item = &Signal> {
        self.all.iter().filter(|s| !s.spec.optional || s.good.is_some())
    }

    /// The signal of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Signal> {
        self.all.iter().find(|s| s.spec.name == name)
    }

    pub(crate) fn fold(&mut self, at: Stamp, origin: Origin, sample: Sample, history: bool) {
        if sample.signal == ERROR_RATE_30M {
            self.half_hour = Some((at, sample));
            return;
        }
        let minute = [(LATENCY_P95_1M, LATENCY_P95), (LATENCY_P99_1M, LATENCY_P99)];
        if let Some((_, of)) = minute.into_iter().find(|(name, _)| *name == sample.signal) {
            self.minute.insert(of, (at, sample));
            return;
        }
        if sample.signal == REQUESTS_5M {
            self.requests = Some((at, sample));
            return;
        }
        let Some(signal) = self.all.iter_mut().find(|s| s.spec.name == sample.signal) else {
            return;
        };
        signal.series.push(sample.at, sample.reading.value());
        if signal.spec.name == ERROR_RATE_1M {
            self.totals.push(sample.at, sample.counts.map(|c| c.total * MINUTE as f64 / c.window.max(1) as f64));
        }
        if !history && signal.last.is_some() && signal.origin != origin && signal.spec.name == ERROR_RATE {
            if self.seams.len() == SEAMS {
                self.seams.pop_front();
            }
            self.seams.push_back((sample.at, origin));
        }
        // History says nothing about who answers now.
        if !history || signal.last.is_none() {
            signal.origin = origin;
        }
        if sample.reading.value().is_some() {
            signal.good = Some((at, sample.clone()));
        }
        signal.last = Some((at, sample));
    }

    /// Takes over the history of signals that ask the same.
    pub(crate) fn inherit(&mut self, before: Self) {
        for old in before.all {
            let same = |s: &&mut Signal| {
                s.spec.name == old.spec.name && s.spec.query == old.spec.query && s.spec.origin == old.spec.origin
            };
            if let Some(signal) = self.all.iter_mut().find(same) {
                *signal = Signal { spec: signal.spec.clone(), ..old };
            }
        }
        self.half_hour = before.half_hour;
        self.requests = before.requests;
        self.minute = before.minute;
        self.seams = before.seams;
        self.totals = before.totals;
    }

    /// Puts back what was known before history told it anew, where history has holes: while a server was away, another
    /// source was not.
    pub(crate) fn refill(&mut self, known: &[(String, Series)], gap: Millis) {
        for (name, series) in known {
            if let Some(signal) = self.all.iter_mut().find(|s| s.spec.name == *name) {
                signal.series.fill(series, gap);
            }
        }
    }

    /// Forgets what is not older than this: history is about to tell it anew. Returns what was known.
    pub(crate) fn rewind(&mut self, from: Option<Millis>) -> Vec<(String, Series)> {
        let Some(from) = from else { return Vec::new() };
        let requests = self.all.iter().filter(|s| s.spec.origin.tells_requests());
        self.totals.forget_from(from);
        let known = requests.map(|s| (s.spec.name.clone(), s.series.clone())).collect();
        for signal in self.all.iter_mut().filter(|s| s.spec.origin.tells_requests()) {
            signal.series.forget_from(from);
        }
        known
    }

    /// Leaves a gap in every history of request figures: their source gave no answer.
    pub(crate) fn gap(&mut self, at: Millis) {
        for signal in self.all.iter_mut().filter(|s| s.spec.origin.tells_requests()) {
            signal.series.push(at, None);
        }
    }

    fn newest(&self, name: &str) -> Option<&Sample> {
        self.get(name)?.last.as_ref().map(|(_, s)| s)
    }

    /// The newest value of a signal, if its newest sample has one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.newest(name)?.reading.value()
    }

    /// The request figures of the newest moment.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let share = |name: &str| {
            self.newest(name).map(|s| Share { value: s.reading.value(), counts: s.counts, why: absence(&s.reading) })
        };
        Traffic {
            five: share(ERROR_RATE),
            one: share(ERROR_RATE_1M),
            // What was counted for another moment is history.
            thirty: self
                .half_hour
                .as_ref()
                .filter(|(_, s)| self.newest(ERROR_RATE).is_some_and(|e| e.at == s.at))
                .map(|(_, s)| Share { value: s.reading.value(), counts: s.counts, why: absence(&s.reading) }),
            requests: self.requests.as_ref().and_then(|(_, s)| s.reading.value()),
            per_second: self.value(REQUEST_RATE),
        }
    }
}

fn absence(reading: &Reading) -> Option<Absence> {
    match reading {
        Reading::Value(_) => None,
        Reading::Absent(why) => Some(why.clone()),
    }
}

/// A share of failed requests, with what stands behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The share, 0 to 1.
    pub value: Option<f64>,
    /// The requests behind it.
    pub counts: Option<Counts>,
    /// Why there is no share.
    pub why: Option<Absence>,
}

/// The request figures of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// Over five minutes.
    pub five: Option<Share>,
    /// Over one minute.
    pub one: Option<Share>,
    /// Over thirty minutes, where it is read.
    pub thirty: Option<Share>,
    /// Requests in five minutes, as the service counts them.
    pub requests: Option<f64>,
    /// Requests per second.
    pub per_second: Option<f64>,
}

impl Traffic {
    /// The share of the last minute, if known.
    #[must_use]
    pub fn share1(&self) -> Option<f64> {
        self.one.as_ref().and_then(|s| s.value)
    }
}
