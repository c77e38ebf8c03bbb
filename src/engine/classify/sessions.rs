//! Rules on the session table.

use crate::engine::hold::Seen;
use crate::engine::state::State;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::signal::Unit;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;

/// Times the usual, and rows a minute, of a flood (held 10 minutes: a login wave after a shift change is shorter).
const FLOOD: (f64, f64, Millis) = (10.0, 300.0, 10 * MINUTE);
/// The same for "fast", judged at once.
const FAST: (f64, f64, Millis) = (5.0, 100.0, 0);
/// A sweep is late at one and a half times its interval: 9 h where it runs every 6.
const LATE_SWEEP: f64 = 1.5;

/// Judges the pace of one look.
pub(super) fn fold(state: &mut State) {
    let Some(spec) = &state.settings.sessions else {
        return;
    };
    let gap = 2 * spec.every;
    let Some((at, m)) = &state.sessions.table.last else {
        return;
    };
    let mut judged = Vec::new();
    for (rule, level, (times, least, hold)) in
        [(Rule::SessionsFlood, Level::Sev2, FLOOD), (Rule::SessionsFast, Level::Sev3, FAST)]
    {
        let threshold = m.usual_per_min.map(|usual| (usual * times).max(least));
        let seen = match (m.renewed_per_min, threshold) {
            (Some(pace), Some(limit)) if pace > limit => Seen::Broken,
            (Some(pace), Some(limit)) if pace <= limit * 0.8 => Seen::Clear,
            (Some(_), Some(_)) => Seen::Between,
            _ => Seen::Unknown,
        };
        judged.push((
            seen,
            Finding {
                rule,
                level,
                subject: spec.table.clone(),
                value: m.renewed_per_min,
                threshold,
                unit: Unit::Count,
                counts: None,
                since: 0,
                hold,
            },
        ));
    }
    size(state, &mut judged);
    let (wall, quiet) = (at.wall, state.settings.quiet);
    for (seen, finding) in judged {
        state.verdict.judge.fold(wall, seen, gap, quiet, finding);
    }
}

/// Judges the size of the newest look.
fn size(state: &State, out: &mut Vec<(Seen, Finding)>) {
    let Some(spec) = &state.settings.sessions else { return };
    let table = &state.sessions.table;
    let Some((_, m)) = &table.last else { return };
    let mut judge = |broken: bool, rule, level, value: f64, threshold: u64| {
        let finding = Finding {
            rule,
            level,
            subject: spec.table.clone(),
            value: Some(value),
            threshold: Some(threshold as f64),
            unit: Unit::Count,
            counts: None,
            since: 0,
            hold: 0,
        };
        out.push((if broken { Seen::Broken } else { Seen::Clear }, finding));
    };
    let over = m.rows.n >= spec.critical_rows;
    let left = table.time_until(spec.critical_rows).filter(|left| *left <= HOUR);
    let minutes = if over { 0.0 } else { left.map_or(0.0, |ms| (ms as f64 / MINUTE as f64).ceil()) };
    judge(over || left.is_some(), Rule::SessionsLimitNear, Level::Sev2, minutes, spec.critical_rows);
    let many = m.rows.n > spec.warning_rows;
    let mostly_expired = table.expired_share().is_some_and(|s| s > 0.5);
    let late = table.sweep_age().is_some_and(|age| age as f64 > spec.cleanup_every as f64 * LATE_SWEEP);
    let unswept = many && (mostly_expired || late);
    let rows = m.rows.n as f64;
    judge(unswept, Rule::SessionsUnswept, Level::Sev3, rows, spec.warning_rows);
    judge(many && !unswept, Rule::SessionsMany, Level::Sev4, rows, spec.warning_rows);
}
