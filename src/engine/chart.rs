//! How a person looks at the charts: a span, a place in time, a cursor, and another day beside it.

use std::collections::BTreeMap;

use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::state::Notice;
use crate::engine::state::State;
use crate::input::command::Command;
use crate::model::series::Series;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::Sample;
use crate::model::time::DAY;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// Spans to choose from.
const SPANS: [Millis; 8] = [2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR];
/// The cursor goes by this share of the span.
const STEPS: Millis = 60;
/// The other day is read again after this long: time goes on.
const AGAIN: Millis = 5 * MINUTE;
/// Past the right edge: what comes until it is read again.
const AHEAD: Millis = 10 * MINUTE;

/// How the charts are looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// The span, where a person chose one.
    pub span: Option<Millis>,
    /// How far the right edge lies before the newest sample.
    pub back: Millis,
    /// The moment that is read, ms since the epoch.
    pub cursor: Option<Millis>,
    /// Days back of the curve beside it: 1 or 7.
    pub days: Option<i64>,
}

/// The curves of another day, moved to this one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    /// How many days back.
    pub days: i64,
    /// By signal.
    pub series: BTreeMap<String, Series>,
    asked: Option<Stamp>,
}

impl Look {
    /// The span to draw, from what the chart would show by itself.
    #[must_use]
    pub fn span(&self, own: (Millis, Millis)) -> (Millis, Millis) {
        let to = own.1 - self.back;
        (to - self.span.unwrap_or(own.1 - own.0), to)
    }
}

impl Compared {
    pub(crate) fn fold(&mut self, days: i64, samples: &[Sample]) {
        self.days = days;
        self.series.clear();
        for s in samples {
            self.series.entry(s.signal.clone()).or_default().push(s.at + days * DAY, s.reading.value());
        }
    }
}

/// The span that the engine takes a chart to have, where nobody chose one.
fn own(state: &State) -> (Millis, Millis) {
    let newest = state.signals.get(ERROR_RATE_1M).and_then(|s| s.series.newest()).map_or(state.now.wall, |p| p.at);
    (newest - 30 * MINUTE, newest)
}

/// A key on a chart.
pub(crate) fn run(state: &mut State, command: Command) -> Reaction {
    let own = own(state);
    let oldest = state.signals.get(ERROR_RATE_1M).and_then(|s| s.series.oldest()).map_or(own.0, |p| p.at);
    let look = &mut state.ui.chart;
    let (from, to) = look.span(own);
    let span = to - from;
    match command {
        Command::Closer | Command::Wider => {
            let at = SPANS.iter().position(|s| *s >= span).unwrap_or(SPANS.len() - 1);
            let at = if command == Command::Closer { at.saturating_sub(1) } else { (at + 1).min(SPANS.len() - 1) };
            look.span = Some(SPANS[at]);
        }
        Command::Earlier => look.back = (look.back + span / 2).min((own.1 - oldest - span / 4).max(0)),
        Command::Later => look.back = (look.back - span / 2).max(0),
        Command::Live => *look = Look { days: look.days, ..Look::default() },
        Command::CursorLeft | Command::CursorRight => {
            let step = (span / STEPS).max(SECOND);
            let at = look.cursor.unwrap_or(to);
            let at = if command == Command::CursorLeft { at - step } else { at + step };
            look.cursor = Some(at.clamp((from + step).min(to), to));
            return Reaction::redraw();
        }
        _ => return compare(state),
    }
    ask(state)
}

/// None, yesterday, a week ago, none.
fn compare(state: &mut State) -> Reaction {
    if state.settings.prometheus.is_none() {
        return crate::engine::commands::notice(state, Notice::NoHistory);
    }
    state.ui.chart.days = match state.ui.chart.days {
        None => Some(1),
        Some(1) => Some(7),
        Some(_) => None,
    };
    state.compared = Compared::default();
    ask(state)
}

/// Asks for the other day, where it is wanted and not there.
fn ask(state: &mut State) -> Reaction {
    let Some(days) = state.ui.chart.days else { return Reaction::redraw() };
    let (from, to) = state.ui.chart.span(own(state));
    state.compared.asked = Some(state.now);
    // A little more on both sides: the next key need not wait.
    let margin = (to - from) / 2;
    Reaction::with(Effect::Compare { days, from: from - margin - days * DAY, to: to + margin.max(AHEAD) - days * DAY })
}

/// Time has passed: the other day is read again now and then.
pub(crate) fn tick(state: &mut State) -> Vec<Effect> {
    let due = state.compared.asked.is_some_and(|at| state.now.since(at) > AGAIN);
    if state.ui.chart.days.is_some() && due { ask(state).effects } else { Vec::new() }
}
