//! What is watched while a procedure is walked: whether its reasons to go back are met, and what a step itself takes
//! down.

use crate::engine::effect::Effect;
use crate::engine::effect::RunOrder;
use crate::engine::run::Run;
use crate::engine::run::until;
use crate::engine::state::State;
use crate::model::run::Status;
use crate::model::run::What;
use crate::model::runbook::Section;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::Stamp;
use crate::runbook::condition;

/// A step that does not say how long it takes takes no service down for longer.
const OUTAGE: Millis = 5 * MINUTE;

/// A reason to go back.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// As the procedure has it.
    pub text: String,
    /// Since when it has been met; `None` while it is not.
    pub since: Option<Stamp>,
    /// For how long it has to be, ms.
    pub hold: Millis,
}

/// Looks at every reason to go back that names a signal: on figures of what followed the first change, and never after
/// the way back was begun.
pub(crate) fn due(state: &mut State) {
    let now = state.now;
    let Some(run) = state.run.as_ref().filter(|r| r.tale.goes_on() && r.tale.rollback.is_none()) else {
        if let Some(run) = &mut state.run {
            run.triggers.clear();
        }
        return;
    };
    let Some(began) = first_change(run) else { return };
    let since = Stamp { mono: now.mono - (now.wall - began).max(0), wall: began };
    let before = run.triggers.clone();
    let mut triggers = Vec::new();
    for item in &run.book.triggers {
        let Some(limit) = condition::limit(&item.text) else { continue };
        let hold = condition::until(&item.text, item.line).map_or(0, |u| u.hold);
        let known = before.iter().find(|t| t.text == item.text);
        let since = match until::value(state, &limit, since) {
            Some(value) if until::holds(&limit, value) => known.and_then(|t| t.since).or(Some(now)),
            Some(_) => None,
            // What is not seen neither meets it nor clears it.
            None => known.and_then(|t| t.since),
        };
        triggers.push(Trigger { text: item.text.clone(), since, hold });
    }
    if let Some(run) = &mut state.run {
        run.triggers = triggers;
    }
}

/// When the procedure itself first changed something, ms since the epoch.
fn first_change(run: &Run) -> Option<Millis> {
    let steps = run.book.steps.iter().filter(|s| s.section == Section::Steps && !s.looks);
    steps.filter_map(|s| run.tale.step(&s.id)?.blocks.first().map(|b| b.began)).min()
}

/// The first reason to go back that is met.
#[must_use]
pub fn met(run: &Run, now: Stamp) -> Option<&str> {
    let met = |t: &&Trigger| t.since.is_some_and(|at| now.since(at) >= t.hold);
    run.triggers.iter().find(met).map(|t| t.text.as_str())
}

/// A line of the run: what its step takes down is expected while it runs, and no longer.
pub(crate) fn told(state: &mut State, what: &What) {
    let Some(run) = &state.run else { return };
    let (id, on) = match what {
        What::Began { step, .. } => (step.clone(), true),
        What::Judged { step, status, .. } if *status != Status::Running => (step.clone(), false),
        What::Lost { .. } | What::Finished { .. } => (String::new(), false),
        _ => return,
    };
    if !on {
        state.announcer.step_over(&id);
        return;
    }
    let Some(step) = run.place(&id).and_then(|at| run.step(at)).cloned() else { return };
    let estimate = step.minutes.map_or(OUTAGE, |m| (m * MINUTE as f64) as Millis);
    let until = state.now.wall + estimate;
    let by = run.tale.head.who.clone();
    for subject in &step.outages {
        state.announcer.expect(subject, until, &by, &id);
    }
}

/// A dump that some commands put back, where they name one: its age is how much would be lost.
pub(crate) fn dump(text: &str) -> Option<Effect> {
    let ends = [".sql", ".sql.gz", ".sql.zst", ".sql.xz", ".dump", ".sql.bz2", ".xbstream"];
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '|' | '(' | ')' | ';' | '='));
    let path = words.into_iter().find(|w| ends.iter().any(|e| w.ends_with(e)) && !w.contains('$'))?;
    Some(Effect::Run(RunOrder::Age { path: path.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dump_that_would_be_put_back_is_found() {
        let path = |text: &str| match dump(text) {
            Some(Effect::Run(RunOrder::Age { path })) => path,
            _ => String::new(),
        };
        assert_eq!(path("gzip -dc \"/var/backups/iact/a.sql.gz\" | mysql iact"), "/var/backups/iact/a.sql.gz");
        assert_eq!(path("mysql iact </tmp/d.sql"), "/tmp/d.sql");
        assert_eq!(path("mysql iact < ${DUMP}.sql"), "");
    }
}
