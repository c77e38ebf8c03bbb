//! The session table.

use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::words;
use crate::engine::words::figure;
use crate::lang::Lang;
use crate::model::sessions::Change;
use crate::model::sessions::Measurement;
use crate::model::signal::Unit;
use crate::model::source::Feed;
use crate::model::time::DAY;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Short;
use crate::model::time::Span;
use crate::theme::Role;
use crate::view::Heading;
use crate::view::now::stale;
use crate::view::paint::Painter;

/// An answer this many times slower than usual, and slower than this, is said.
const SLOW: (Millis, Millis) = (10, 100);
/// A statement or transaction that lasts so long is worth a word.
const LONG: Millis = 2 * SECOND;
/// Connections in use beyond this share are loud: the pool of the house is full at 90 %.
const FULL: f64 = 0.9;

pub(super) fn title(p: &Painter<'_>) -> String {
    p.shown().settings.sessions.as_ref().map_or_else(|| p.lang().pane_sessions(), |s| s.table.clone())
}

pub(super) fn heading(p: &Painter<'_>) -> Heading {
    let state = p.shown();
    if let Some(why) = stale(state, p, Feed::Sessions) {
        return Heading { right: why, role: Some(Role::Unknown), ..Heading::default() };
    }
    let age = state.sources.best(Feed::Sessions, state.now).filter(|s| s.last_ok.is_some());
    // The age steps with the look, not with the clock: seconds are on the line of ages.
    let right = age.and_then(|s| s.last_ok).map(|at| state.settings.zone.hms(at.wall)).unwrap_or_default();
    Heading { right, ..Heading::default() }
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    let state = p.shown();
    let lang = p.lang();
    if state.settings.sessions.is_none() {
        p.text(area.x, area.y, area.width, &lang.sessions_none(), Role::Muted);
        return;
    }
    let Some((_, m)) = &state.sessions.table.last else {
        let words = state.sessions.problem.as_ref().map_or_else(|| lang.chart_empty(), |w| words::absence(lang, w));
        p.text(area.x, area.y, area.width, &words, Role::Unknown);
        return;
    };
    let old = state.sessions.problem.is_some();
    let mut lines = lines(state, lang, m);
    // The server itself comes right after the table's first line: it is what a person asks for next.
    let at = 1.min(lines.len());
    let first = glance(state, lang).into_iter().take(if area.height <= 2 { 0 } else { 8 });
    lines.splice(at..at, first);
    if let Some(why) = state.sessions.problem.as_ref() {
        lines.insert(0, (words::absence(lang, why), Role::Unknown));
    }
    for (i, (line, role)) in lines.iter().enumerate().take(usize::from(area.height)) {
        let role = if old && *role == Role::Text { Role::Stale } else { *role };
        p.text(area.x, area.y + i as u16, area.width, line, role);
    }
}

/// What the pane says, most important first.
pub(super) fn lines(state: &State, lang: Lang, m: &Measurement) -> Vec<(String, Role)> {
    let count = |v: f64| figure(lang, v.round(), Unit::Count);
    let signed = |v: f64| {
        if v >= 0.5 { format!("+{}", count(v)) } else { count(v) }
    };
    let table = &state.sessions.table;
    let mut out = Vec::new();
    let mut first = vec![lang.sessions_rows(words::rows(lang, m.rows))];
    first.push(match (table.growth_per_min(), table.change) {
        (_, Some(Change::Recalculated)) => lang.sessions_recalculated(),
        (Some(growth), _) => lang.sessions_growth(signed(growth)),
        (None, _) => lang.sessions_growth_wait(),
    });
    if let (Some(expired), Some(share)) = (m.expired, table.expired_share()) {
        first.push(if expired.at_least {
            lang.sessions_expired_n(words::rows(lang, expired))
        } else {
            lang.sessions_expired(figure(lang, share, Unit::Ratio))
        });
    }
    if let Some(spec) = &state.settings.sessions
        && let Some(age) = table.sweep_age()
    {
        let late = age > spec.cleanup_every + spec.cleanup_every / 2;
        let age = Short(age);
        first.push(if late { lang.sessions_sweep_late(age) } else { lang.sessions_swept(age) });
    }
    out.push((first.join(" · "), Role::Text));
    let mut second = Vec::new();
    if let Some(pace) = m.renewed_per_min {
        let usual = m.usual_per_min.map(|u| format!(" {}", lang.sessions_usual(count(u)))).unwrap_or_default();
        second.push(format!("{}{usual}", lang.sessions_new(count(pace))));
    }
    second.push(answer(lang, state, m));
    out.push((second.join(" · "), Role::Text));
    out.extend(outlook(state, lang, m).into_iter().map(|words| (words, Role::Text)));
    if !m.rows.exact {
        let words = if m.count_gave_up { lang.sessions_gave_up() } else { lang.sessions_estimate() };
        out.push((words, Role::Muted));
    }
    if let Some(bytes) = m.bytes {
        out.push((lang.sessions_bytes(figure(lang, bytes as f64, Unit::Bytes)), Role::Muted));
    }
    out
}

/// The database server at a glance; nothing where it is no MySQL.
pub(super) fn glance(state: &State, lang: Lang) -> Vec<(String, Role)> {
    if let Some(why) = &state.glance_problem {
        return vec![(lang.glance_problem(words::absence(lang, why)), Role::Unknown)];
    }
    let Some((_, g)) = &state.glance else { return Vec::new() };
    let mut parts = Vec::new();
    let mut loud = false;
    if let Some((used, max)) = g.connections {
        parts.push(lang.glance_connections(used, max));
        loud |= g.fullness().is_some_and(|f| f > FULL);
    }
    parts.extend(g.running.map(|n| lang.glance_running(n)));
    if let Some((lasting, who)) = g.statement.as_ref().filter(|(lasting, _)| *lasting >= LONG) {
        parts.push(lang.glance_statement(Span(*lasting), who));
        loud = true;
    }
    if let Some(lasting) = g.transaction.filter(|lasting| *lasting >= LONG) {
        parts.push(lang.glance_transaction(Span(lasting)));
    }
    match g.waits.as_deref() {
        Some([]) => parts.push(lang.glance_no_waits()),
        Some([first, ..]) => {
            loud = true;
            let n = g.waits.as_ref().map_or(0, Vec::len);
            parts.push(lang.glance_waits(n, first.waiting, first.blocking, Span(first.lasting)));
        }
        None => {}
    }
    if let Some(r) = &g.replica {
        loud |= r.lag.is_none();
        parts.push(match r.lag {
            Some(behind) => lang.glance_replica(Span(behind)),
            None => lang.glance_replica_stopped(&r.error),
        });
    }
    if g.read_only == Some(true) {
        loud = true;
        parts.push(lang.glance_read_only());
    }
    let mut out = vec![(format!("MySQL {}", parts.join(" · ")), if loud { Role::Sev3 } else { Role::Text })];
    if !g.denied.is_empty() {
        let mut denied = g.denied.clone();
        denied.dedup();
        out.push((lang.glance_denied(denied.join(", ")), Role::Muted));
    }
    out
}

fn answer(lang: Lang, state: &State, m: &Measurement) -> String {
    let ms = |v: Millis| figure(lang, v as f64 / 1_000.0, Unit::Seconds);
    match state.sessions.table.usual_answer() {
        Some(usual) if m.answer > usual.max(1) * SLOW.0 && m.answer > SLOW.1 => {
            lang.sessions_answer_slow(ms(m.answer), ms(usual))
        }
        _ => lang.sessions_answer(ms(m.answer)),
    }
}

/// When a limit is reached, and what a sweep could do about it.
fn outlook(state: &State, lang: Lang, m: &Measurement) -> Vec<String> {
    let table = &state.sessions.table;
    let (Some(spec), Some((seen, _))) = (&state.settings.sessions, &table.last) else {
        return Vec::new();
    };
    let mut parts = Vec::new();
    let next = [spec.warning_rows, spec.critical_rows].into_iter().find(|limit| *limit > m.rows.n);
    if let Some((limit, left)) = next.and_then(|limit| Some((limit, table.time_until(limit)?))) {
        let rows = figure(lang, limit as f64, Unit::Count);
        parts.push(if left < DAY {
            lang.sessions_eta(rows, state.settings.zone.hm(seen.wall + left))
        } else {
            lang.sessions_eta_days(rows, left / DAY)
        });
    }
    if let Some(share) = m.sweepable {
        parts.push(if share < 0.1 {
            lang.sessions_not_sweepable(spec.cookie_age / DAY)
        } else {
            lang.sessions_sweepable(figure(lang, share, Unit::Ratio))
        });
    }
    parts
}
