//! The alerts, folded, and the silences.

use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::alerts::Fold;
use crate::engine::visible_alerts;
use crate::engine::words;
use crate::layout::Pane;
use crate::model::alert::Alert;
use crate::model::alert::Grade;
use crate::model::alert::Phase;
use crate::model::alert::Silence;
use crate::model::alert::Standing;
use crate::model::flaps::BLOCKS;
use crate::model::source::Feed;
use crate::model::text;
use crate::model::text::clean;
use crate::model::time::STEP;
use crate::model::time::Short;
use crate::model::time::Span;
use crate::model::time::stepped;
use crate::theme::Role;
use crate::view::Heading;
use crate::view::health::below;
use crate::view::health::first_line;
use crate::view::overlay::Line;
use crate::view::paint::Painter;

/// Members that the detail page names.
const MEMBERS: usize = 100;

/// Lines that the pane would like to have.
pub(super) fn lines(state: &State) -> usize {
    state.alerts.folds.len().max(1)
}

pub(super) fn heading(p: &Painter<'_>) -> Heading {
    let state = p.shown();
    let lang = p.lang();
    let gone = state.sources.of(Feed::Alerts).find_map(|s| Some((s, s.problem.as_ref()?)));
    if let Some((source, why)) = gone {
        let right = lang.alerts_down(words::source(lang, &source.name), words::absence(lang, why));
        return Heading { right, role: Some(Role::Unknown), ..Heading::default() };
    }
    let hidden = state.alerts.folds.len() - visible_alerts(p.state).len();
    let [firing, pending, suppressed] = state.alerts.counts();
    let right = match hidden {
        0 if firing + pending + suppressed == 0 => String::new(),
        0 => lang.alerts_counts(firing, pending, suppressed),
        n => lang.hidden(n),
    };
    Heading { right, ..Heading::default() }
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    let state = p.shown();
    let lang = p.lang();
    if !state.has_feed(Feed::Alerts) {
        p.text(area.x, area.y, area.width, &lang.alerts_no_source(), Role::Muted);
        return;
    }
    // A whole screen has room for the silences too.
    let silences = state.alerts.silences(state.now.wall);
    let below_rows = if p.state.ui.focus == Pane::Alerts && area.height >= 10 && !silences.is_empty() {
        (silences.len() as u16 + 1).min(area.height / 3)
    } else {
        0
    };
    let list = Rect { height: area.height - below_rows, ..area };
    folds(p, list);
    if below_rows > 0 {
        let mut y = list.bottom();
        let hidden = silences.len().saturating_sub(usize::from(below_rows - 1));
        let more = if hidden > 0 { format!(" · {}", lang.more_below(hidden)) } else { String::new() };
        p.text(area.x, y, area.width, &format!("{}{more}", lang.silences_title()), Role::Title);
        for s in silences.iter().take(usize::from(below_rows - 1)) {
            y += 1;
            p.text(area.x + 2, y, area.width.saturating_sub(2), &silence(state, s), Role::Text);
        }
    }
}

fn folds(p: &mut Painter<'_>, area: Rect) {
    let state = p.shown();
    let lang = p.lang();
    let places = visible_alerts(p.state);
    if state.alerts.folds.is_empty() {
        p.text(area.x, area.y, area.width, &lang.alerts_none(), Role::Muted);
        for (i, (name, why)) in refused(state).into_iter().enumerate() {
            let y = area.y + 1 + i as u16;
            if y < area.bottom() {
                p.text(area.x, y, area.width, &lang.rule_refused(name, words::absence(lang, why)), Role::Unknown);
            }
        }
        return;
    }
    let focused = p.state.ui.focus == Pane::Alerts;
    let at = p.state.ui.selected[Pane::Alerts.index()];
    let rows = usize::from(area.height);
    let from = first_line(at, places.len(), rows, focused);
    for (row, i) in places.iter().enumerate().skip(from).take(rows) {
        let y = area.y + (row - from) as u16;
        fold(p, area, y, &state.alerts.folds[*i]);
        if focused && row == at {
            p.select(area, y);
        }
    }
    below(p, area, places.len().saturating_sub(from + rows));
}

fn refused(state: &State) -> Vec<(&str, &crate::model::signal::Absence)> {
    state.settings.prometheus.as_ref().map(|p| state.alerts.refused(&p.rules)).unwrap_or_default()
}

/// How loud a fold looks.
fn role(fold: &Fold) -> Role {
    match (fold.standing, fold.grade) {
        (Standing::Firing, Grade::Critical) => Role::Sev2,
        (Standing::Firing, Grade::Warning) => Role::Sev3,
        (Standing::Firing, Grade::Other) => Role::Text,
        _ => Role::Muted,
    }
}

fn glyph(grade: Grade) -> &'static str {
    match grade {
        Grade::Critical => "●",
        Grade::Warning => "▲",
        Grade::Other => "·",
    }
}

fn fold(p: &mut Painter<'_>, area: Rect, y: u16, fold: &Fold) {
    let state = p.shown();
    let lang = p.lang();
    let zone = state.settings.zone;
    let role = role(fold);
    let mut x = area.x;
    x += p.text(x, y, 2, &format!("{} ", glyph(fold.grade)), role);
    let count = if fold.members.len() > 1 { format!(" ×{}", fold.members.len()) } else { String::new() };
    let name_width = (area.width / 3).clamp(14, 40);
    let room = name_width.saturating_sub(text::width(&count) as u16);
    let used = p.text(x, y, room, &fold.name, if role == Role::Muted { Role::Muted } else { Role::Text });
    p.text(x + used, y, name_width - used, &count, Role::Muted);
    x += name_width + 1;
    x += p.text(x, y, 6, &format!("{} ", zone.hm(fold.since)), Role::Muted);
    let right = area.right();
    let flaps = state.alerts.flaps(&fold.name, state.now.wall);
    if right.saturating_sub(x) >= BLOCKS as u16 + 20 {
        let values: Vec<Option<f64>> = flaps.day.iter().map(|v| (*v > 0.0).then_some(f64::from(*v))).collect();
        p.bars(x, y, BLOCKS as u16, &values, 1.0, Role::Curve);
        x += BLOCKS as u16 + 1;
    }
    let week = if flaps.week > 1 { format!("{} ", lang.alert_week(flaps.week)) } else { String::new() };
    x += p.text(x, y, right.saturating_sub(x), &week, Role::Muted);
    let words = standing(state, fold);
    let (content, role) = if words.is_empty() {
        let first = fold.members.first().and_then(|i| state.alerts.all.get(*i));
        (first.map(|a| a.summary.clone()).unwrap_or_default(), Role::Text)
    } else {
        (words, Role::Sev4)
    };
    p.text(x, y, right.saturating_sub(x), &content, role);
}

/// Why it is not announced; empty where it is.
fn standing(state: &State, fold: &Fold) -> String {
    let lang = state.settings.lang;
    if let Some(known) = state.announcer.words(lang, state.settings.zone, &fold.name, state.now.wall) {
        return known;
    }
    let members = || fold.members.iter().filter_map(|i| state.alerts.all.get(*i));
    match fold.standing {
        Standing::Firing => String::new(),
        Standing::Pending => lang.alert_pending(),
        Standing::Suppressed => {
            let id = members().find_map(|a| a.silenced_by.first());
            let silences = state.alerts.silences(state.now.wall);
            if let Some(s) = id.and_then(|id| silences.iter().find(|s| s.id == *id)) {
                return lang.alert_silenced(Short(s.ends - state.now.wall));
            }
            let by = members().find_map(|a| a.inhibited_by.first()).and_then(|f| state.alerts.by_fingerprint(f));
            by.map_or_else(|| lang.alert_suppressed(), |a| lang.alert_inhibited(a.name()))
        }
    }
}

/// One silence as one line.
fn silence(state: &State, s: &Silence) -> String {
    let lang = state.settings.lang;
    let what = s.matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let now = state.now.wall;
    match s.phase {
        Phase::Active if s.ends > now => lang.silence_active(Span(s.ends - now), &s.by, what, &s.comment),
        Phase::Pending => lang.silence_pending(state.settings.zone.hm(s.starts), &s.by, what),
        Phase::Active | Phase::Expired => lang.silence_expired(Span(now - s.ends), &s.by, what),
    }
}

/// One fold in full.
pub(super) fn detail(p: &Painter<'_>) -> (String, Vec<Line>) {
    let state = p.shown();
    let lang = p.lang();
    let at = p.state.ui.selected[Pane::Alerts.index()];
    let Some(fold) = visible_alerts(p.state).get(at).and_then(|i| state.alerts.folds.get(*i)) else {
        return (lang.pane_alerts(), vec![vec![(lang.detail_nothing(), Role::Muted)]]);
    };
    let members: Vec<&Alert> = fold.members.iter().filter_map(|i| state.alerts.all.get(*i)).collect();
    let zone = state.settings.zone;
    let mut lines: Vec<Line> = Vec::new();
    let since = lang.alert_since(zone.hm(fold.since), Span(stepped(state.now.wall - fold.since, STEP)));
    lines.push(vec![(format!("{} ", glyph(fold.grade)), role(fold)), (since, Role::Text)]);
    let why = standing(state, fold);
    if !why.is_empty() {
        lines.push(vec![(why, Role::Sev4)]);
    }
    if let Some(first) = members.first() {
        for text in [&first.summary, &first.description].into_iter().filter(|t| !t.is_empty()) {
            if lines.last().is_none_or(|l| l.last().is_none_or(|(last, _)| last != text)) {
                lines.push(vec![(text.clone(), Role::Text)]);
            }
        }
        if let Some(value) = first.value.filter(|_| members.len() == 1) {
            lines.push(vec![(lang.alert_value(value), Role::Text)]);
        }
    }
    let flaps = state.alerts.flaps(&fold.name, state.now.wall);
    let strip: String = flaps
        .day
        .iter()
        .map(|v| {
            if *v <= 0.0 {
                '·'
            } else if *v < 0.5 {
                '▄'
            } else {
                '█'
            }
        })
        .collect();
    let week = lang.alert_week(flaps.week);
    lines.push(vec![(lang.alert_day(), Role::Muted), (format!("{strip}  "), Role::Curve), (week, Role::Muted)]);
    let shared = crate::engine::silence::common(&members);
    lines.push(Vec::new());
    let list = shared.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    lines.push(vec![(lang.alert_common(), Role::Muted), (list, Role::Text)]);
    if members.len() > 1 {
        lines.push(vec![(lang.alert_members(members.len()), Role::Title)]);
        for a in members.iter().take(MEMBERS) {
            let own = a.labels.iter().filter(|(k, _)| !shared.iter().any(|m| m.label == **k));
            let own: Vec<String> = own.map(|(k, v)| format!("{}={:?}", clean(k), clean(v))).collect();
            let word = a.standing.word();
            lines.push(vec![
                (format!("  {} ", zone.hm(a.since)), Role::Muted),
                (format!("{word:<11}"), Role::Muted),
                (own.join(" "), Role::Text),
            ]);
        }
    }
    for id in members.iter().flat_map(|a| &a.silenced_by).collect::<std::collections::BTreeSet<_>>() {
        if let Some(s) = state.alerts.silences(state.now.wall).into_iter().find(|s| s.id == *id) {
            lines.push(vec![(silence(state, s), Role::Text)]);
        }
    }
    (fold.name.clone(), lines)
}
