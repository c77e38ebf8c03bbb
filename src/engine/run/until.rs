//! A step that is done only when its signals are what they are to be, for long enough: judged on figures of one minute,
//! counted from the step's end, with a countdown.

use crate::engine::effect::Effect;
use crate::engine::run::Waiting;
use crate::engine::run::blocks::judged;
use crate::engine::run::say::Tone;
use crate::engine::signals::Signal;
use crate::engine::state::State;
use crate::engine::state::outdated;
use crate::engine::words;
use crate::model::run::Because;
use crate::model::run::Status;
use crate::model::runbook::Limit;
use crate::model::runbook::Step;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::REQUEST_RATE;
use crate::model::source::Origin;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Span;
use crate::model::time::Stamp;
use crate::runbook::condition;

/// What the built-in figures remember, the ones of a minute aside.
const FIVE: Millis = 5 * MINUTE;

/// A figure that a condition can be judged by.
struct Figure {
    value: f64,
    at: Stamp,
    /// How far back it remembers, ms.
    memory: Millis,
}

/// The signal that a condition speaks of.
fn subject<'a>(state: &'a State, limit: &Limit) -> Option<&'a Signal> {
    state.signals.get(&limit.signal)
}

/// The newest figure of a signal: of those with a memory of five minutes the one with a memory of one, where it has a
/// value (a server that looks once a minute has none).
fn newest(state: &State, limit: &Limit) -> Option<Figure> {
    let signal = subject(state, limit)?;
    let of_a_minute = || {
        if signal.spec.query.is_some() {
            return None;
        }
        let share = state.signals.get(ERROR_RATE_1M).filter(|s| !outdated(state, s));
        let (at, value) = match limit.signal.as_str() {
            ERROR_RATE | ERROR_RATE_1M => {
                share.and_then(|s| s.last.as_ref()).map(|(at, s)| (*at, s.reading.value()))?
            }
            REQUEST_RATE => {
                let (at, sample) = share.and_then(|s| s.last.as_ref())?;
                (*at, sample.counts.map(|c| c.total * SECOND as f64 / c.window.max(1) as f64))
            }
            name => state.signals.minute.get(name).map(|(at, s)| (*at, s.reading.value()))?,
        };
        Some(Figure { value: value?, at, memory: MINUTE })
    };
    if outdated(state, signal) {
        return None;
    }
    of_a_minute().or_else(|| {
        let (at, sample) = signal.last.as_ref()?;
        Some(Figure { value: sample.reading.value()?, at: *at, memory: memory(state, signal) })
    })
}

/// The value that a condition is judged by now; `None` where it is not fresh, or holds what was before `since`.
pub(super) fn value(state: &State, limit: &Limit, since: Stamp) -> Option<f64> {
    // A figure speaks of what followed the step once all that it remembers has.
    newest(state, limit).filter(|f| f.at.since(since) >= f.memory).map(|f| f.value)
}

pub(super) fn holds(limit: &Limit, value: f64) -> bool {
    if limit.above { value > limit.value } else { value < limit.value }
}

/// How far back the signal itself remembers, ms: the longest range of its query, or the window of what is built in.
fn memory(state: &State, signal: &Signal) -> Millis {
    if let Some(query) = &signal.spec.query {
        return query.split('[').skip(1).filter_map(|r| condition::span(r.split(']').next()?)).max().unwrap_or(0);
    }
    let window = state.settings.scrapes.iter().map(|s| s.window).max();
    match signal.origin {
        _ if signal.spec.name == ERROR_RATE_1M => MINUTE,
        Origin::Scrape => window.unwrap_or(FIVE),
        Origin::Prometheus => FIVE,
        Origin::Sql | Origin::Log => MINUTE,
    }
}

/// What a condition wants, as a person reads it.
#[must_use]
pub fn wanted(state: &State, limit: &Limit) -> String {
    let unit = subject(state, limit).map(|s| s.spec.unit);
    let lang = state.settings.lang;
    let value = unit.map_or_else(|| limit.value.to_string(), |u| words::figure(lang, limit.value, u));
    let sign = if limit.above { '>' } else { '<' };
    format!("{} {sign} {value}", words::signal(lang, &limit.signal))
}

/// Looks whether what is waited for has come, or can come no more.
pub(crate) fn due(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let Some(run) = &state.run else { return Vec::new() };
    let Some(waiting) = run.waiting.clone() else { return Vec::new() };
    let Some(step) = run.step(waiting.step).cloned() else { return Vec::new() };
    let mut held = waiting.held.clone();
    for (until, held) in step.until.iter().zip(&mut held) {
        match value(state, &until.limit, waiting.since) {
            Some(value) if holds(&until.limit, value) => _ = held.get_or_insert(now),
            // What is not seen neither holds nor breaks; a lost sample must not start the clock anew.
            None => {}
            Some(_) => *held = None,
        }
    }
    let passed = now.since(waiting.since);
    let good = |(until, held): (&crate::model::runbook::Until, &Option<Stamp>)| {
        held.is_some_and(|at| now.since(at) >= until.hold) && value(state, &until.limit, waiting.since).is_some()
    };
    let done = step.until.iter().zip(&held).all(good);
    let late = step.until.iter().zip(&held).find(|(u, h)| passed >= u.timeout && !good((u, h))).map(|(u, _)| u);
    let over = late
        .map(|u| Because::Signals { wanted: wanted(state, &u.limit), value: value(state, &u.limit, waiting.since) });
    let Some(run) = &mut state.run else { return Vec::new() };
    if done {
        run.waiting = None;
        return vec![judged(&step.id, Status::Ok, Because::Nothing)];
    }
    if let Some(because) = over {
        run.waiting = None;
        return vec![judged(&step.id, Status::Failed, because)];
    }
    run.waiting = Some(Waiting { held, ..waiting });
    Vec::new()
}

/// What is waited for, how long it has held, and how long there is.
pub(crate) fn words(state: &State, step: &Step, waiting: &Waiting) -> Vec<(String, Tone)> {
    let lang = state.settings.lang;
    let now = state.now;
    let line = |(until, held): (&crate::model::runbook::Until, &Option<Stamp>)| {
        let unit = subject(state, &until.limit).map(|s| s.spec.unit);
        let value = value(state, &until.limit, waiting.since);
        let is = match (value, newest(state, &until.limit), unit) {
            (Some(v), _, Some(u)) => words::figure(lang, v, u),
            // What it holds is partly from before the step: it is shown, and not judged.
            (None, Some(figure), Some(u)) => {
                let left = (figure.memory - now.since(waiting.since)).max(0);
                lang.say_until_early(words::figure(lang, figure.value, u), Span(left))
            }
            _ => lang.say_until_unseen(),
        };
        let left: Millis = (until.timeout - now.since(waiting.since)).max(0);
        let held = Span(held.map_or(0, |at| now.since(at)));
        (lang.say_until(wanted(state, &until.limit), is, held, Span(until.hold), Span(left)), Tone::Plain)
    };
    step.until.iter().zip(&waiting.held).map(line).take(2).collect()
}
