//! The board as text whenever it changes, for pipes.

use std::time::Duration;

use crate::app::config::Configured;
use crate::app::performer::Live;
use crate::app::print;
use crate::app::run::run_blind;
use crate::app::signals;
use crate::app::ticks;
use crate::bus;
use crate::bus::Bus;
use crate::bus::task;
use crate::engine::Kind;
use crate::engine::State;
use crate::engine::state::Mode;
use crate::model::health::Status;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::time::Millis;
use crate::report;
use crate::sources;
use crate::sources::Manner;

/// Prints for so long; returns 0.
pub(super) async fn show(configured: Configured, time: Millis) -> u8 {
    let (bus, mut events) = Bus::new();
    let mut state = State::new(configured.settings, Mode::Print(time), bus::now());
    signals::spawn(&bus, false);
    task::spawn(ticks::run(bus.clone()));
    let reins = sources::spawn(&state.settings, &configured.secrets, &bus, Manner::Always);
    let end = bus.clone();
    task::spawn(async move {
        tokio::time::sleep(Duration::from_millis(time.max(0) as u64)).await;
        end.send(Kind::TimeUp).await;
    });
    let mut performer = Live::blind(reins, bus, state.settings.lang, &configured.secrets);
    let mut shown: Option<Shape> = None;
    run_blind(&mut state, &mut events, &mut performer, |state| {
        let now = shape(state);
        if !state.reading() && shown.as_ref() != Some(&now) {
            print(&format!("{}\n", report::board::text(state)));
            shown = Some(now);
        }
    })
    .await
}

/// What counts as a change of the board: level, rules and states; not every digit.
type Shape = (Level, Vec<(Rule, String)>, Vec<Status>);

fn shape(state: &State) -> Shape {
    (
        state.verdict.level,
        state.verdict.findings.iter().map(|f| (f.rule, f.subject.clone())).collect(),
        state.checks.all.iter().map(crate::model::health::Check::shown).collect(),
    )
}
