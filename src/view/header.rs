//! The first two lines: what is watched, how bad it is, since when, what time it is; and how that was judged.

use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::state::Mode;
use crate::engine::words;
use crate::lang::Lang;
use crate::layout::WIDE;
use crate::model::incident::COMMANDER;
use crate::model::severity::Level;
use crate::model::text;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::STEP;
use crate::model::time::Short;
use crate::model::time::Span;
use crate::model::time::stepped;
use crate::model::time::utc_hm;
use crate::theme::Role;
use crate::view::paint::Painter;

/// A clock that is further off than this is said: times beside each other would not fit.
const SKEW: Millis = 5 * SECOND;

/// A glyph beside the word, so that a level is told by shape too.
pub(super) fn glyph(level: Level) -> &'static str {
    match level {
        Level::Sev1 | Level::Sev2 => "●",
        Level::Unknown => "?",
        Level::Sev3 | Level::Sev4 => "▲",
        Level::Ok => "·",
    }
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    if area.height > 0 {
        first(p, area);
    }
    if area.height > 1 {
        second(p, area);
    }
}

fn first(p: &mut Painter<'_>, area: Rect) {
    let live = p.state;
    let zone = live.settings.zone;
    let now = live.clock();
    let local = zone.hms_offset(now);
    // Where the zone is UTC itself, once is enough.
    let clock = match local.strip_suffix(" +00") {
        Some(time) => format!("{time} UTC "),
        None => format!("{local} · {} UTC ", utc_hm(now)),
    };
    let clock_width = text::width(&clock) as u16;
    // The clock goes before the level does.
    let room = if area.width > clock_width + 42 {
        p.right(area, area.y, &clock, Role::Muted);
        area.width - clock_width - 1
    } else {
        area.width
    };
    let environment = live.settings.environment.to_uppercase();
    let role = if live.settings.production() { Role::Production } else { Role::Title };
    let mut x = area.x;
    let service = format!(" {} ", live.settings.service);
    // The name has what the environment and the level with its time leave over.
    let taken = text::width(&environment) as u16 + 34;
    x += p.text(x, area.y, room.saturating_sub(taken).max(6).min(room), &service, Role::Focus);
    if !environment.is_empty() {
        x += p.text(x, area.y, 16.min(room.saturating_sub(x)), &format!(" {environment} "), role);
    }
    x += p.text(x, area.y, room.saturating_sub(x), "  ", Role::Text);
    let left = room.saturating_sub(x);
    level(p, x, area.y, left, area.width >= WIDE);
}

fn level(p: &mut Painter<'_>, x: u16, y: u16, width: u16, wide: bool) {
    let state = p.shown();
    let lang = p.lang();
    let v = &state.verdict;
    if state.reading() && v.level == Level::Ok {
        p.text(x, y, width, &format!(" {} ", lang.reading()), Role::Unknown);
        return;
    }
    let badge = format!(" {} {} ", v.level.word(), glyph(v.level));
    let mut used = p.text(x, y, width, &badge, Role::of(v.level));
    let ago = stepped(state.now.wall - v.since, STEP);
    let age = if wide { Span(ago).to_string() } else { Short(ago).to_string() };
    used += p.text(x + used, y, width.saturating_sub(used), " ", Role::Text);
    let since = lang.since(state.settings.zone.hm(v.since), age);
    // Since when goes as a whole or not at all: half a time is a wrong time.
    if text::width(&since) <= usize::from(width.saturating_sub(used)) {
        p.text(x + used, y, width - used, &since, Role::Text);
    }
}

fn second(p: &mut Painter<'_>, area: Rect) {
    let lang = p.lang();
    let state = p.state;
    let y = area.y + 1;
    let mut parts: Vec<(String, Role)> = Vec::new();
    if let Some(frozen) = &state.ui.frozen {
        parts.push((lang.frozen(frozen.settings.zone.hms(frozen.now.wall)), Role::Unknown));
        parts.push((lang.frozen_live(state.verdict.level.word()), Role::of(state.verdict.level)));
    }
    parts.extend(incident(state, lang));
    let shown = p.shown();
    if let Some(words) = blind_words(shown, lang) {
        parts.push((words, Role::Unknown));
    }
    if let Some((m, until)) = state.settings.maintenance_at(state.now.wall) {
        parts.push((lang.maintenance(&m.name, state.settings.zone.hm(until)), Role::Notice));
    }
    if !state.reload_problem.is_empty() {
        parts.push((lang.reload_problem(state.reload_problem.len()), Role::Sev4));
    }
    for s in &shown.sources.all {
        // To the second is all that the header of an answer tells.
        if let Some(skew) = s.skew.filter(|ms| ms.abs() > SKEW) {
            let sign = if skew > 0 { '+' } else { '-' };
            let span = format!("{sign}{}", Span(skew.abs()));
            parts.push((lang.skew(words::source(lang, &s.name), span), Role::Sev4));
        }
    }
    parts.push((judged(shown, lang), Role::Muted));
    if state.settings.read_only {
        parts.push((lang.read_only(), Role::Notice));
    }
    if matches!(state.mode, Mode::Cockpit) && state.settings.demo {
        parts.push((lang.demo(), Role::Notice));
    }
    let mut x = area.x + 1;
    for (i, (content, role)) in parts.iter().enumerate() {
        let room = area.right().saturating_sub(x + 1);
        let before = if i > 0 { " · " } else { "" };
        // What does not fit is cut once, and nothing follows it.
        let cut = text::width(before) + text::width(content) > usize::from(room);
        let used = p.text(x, y, room, before, Role::Muted);
        x += used + p.text(x + used, y, room.saturating_sub(used), content, *role);
        if cut {
            break;
        }
    }
}

/// The incident that goes on and who has it; and that something is not saved, where that is so.
fn incident(state: &State, lang: Lang) -> Vec<(String, Role)> {
    let mut parts = Vec::new();
    match &state.record.incident {
        Some(i) => parts.push(match i.owner() {
            None => (lang.head_incident_nobody(&i.id), Role::Unknown),
            Some(who) if who == state.settings.operator => (lang.head_incident_mine(&i.id), Role::Text),
            Some(who) => (lang.head_incident_of(&i.id, who), Role::Text),
        }),
        // What is bad enough to wake somebody is somebody's.
        None if state.record.desk.is_some() && state.verdict.level >= Level::Sev2 => {
            parts.push((lang.head_take(), Role::Key));
        }
        None => {}
    }
    // The rules may find it milder than whoever declared it.
    let declared = state.record.incident.as_ref().map(|i| i.level).filter(|l| *l > state.verdict.level);
    parts.extend(declared.filter(|l| *l != Level::Unknown).map(|l| (lang.head_declared(l.word()), Role::of(l))));
    let commander = state.record.incident.as_ref().and_then(|i| i.roles.get(COMMANDER));
    parts.extend(commander.map(|who| (lang.head_commander(who), Role::Text)));
    if let Some(host) = &state.follow.host {
        parts.push((lang.head_follows(host), Role::Muted));
    }
    if let Some(why) = &state.record.problem {
        parts.push((lang.head_no_record(why), Role::Unknown));
    } else if !state.record.says.is_empty() {
        parts.push((lang.head_store(), Role::Unknown));
    }
    parts
}

/// Since when something cannot be seen, and what; nothing while everything can.
fn blind_words(state: &State, lang: Lang) -> Option<String> {
    let since = state.verdict.blind.iter().map(|f| f.since).min()?;
    Some(lang.blind_since(state.settings.zone.hm(since), words::unseen(lang, &state.verdict.blind)))
}

/// How the level was come by.
fn judged(state: &State, lang: Lang) -> String {
    let v = &state.verdict;
    let mut text = match (v.falls_at, v.findings.len()) {
        (Some(at), 0) => lang.level_falls(v.level.word(), state.settings.zone.hm(at)),
        // Something lesser still holds: that is not calm.
        (Some(at), _) => lang.level_held(v.level.word(), state.settings.zone.hm(at)),
        (None, 0) => lang.level_calm(),
        (None, 1) => lang.level_by_one_rule(),
        (None, n) => lang.level_by_rule(n),
    };
    if v.unstable {
        text = format!("{text} · {}", lang.level_unstable());
    }
    text
}
