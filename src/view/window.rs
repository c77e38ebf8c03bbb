//! The window after a deploy: how it stands, side by side, what to do about it, and the deployment log below.

use crate::engine::State;
use crate::engine::window::log;
use crate::engine::window::log::OldSide;
use crate::engine::window::pane;
use crate::engine::window::said;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::text;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Span;
use crate::model::watch::Ended;
use crate::model::watch::Watch;
use crate::model::window::Figure;
use crate::model::window::Judged;
use crate::model::window::Verdict;
use crate::theme::Role;
use crate::view::overlay::Line;
use crate::view::paint::Painter;

/// Cells of the columns: the name, a figure, its n.
const NAME: usize = 24;
const VALUE: usize = 10;
const N: usize = 8;
/// Cells of the bar.
const BAR: usize = 30;
/// Reasons that stand before the figures.
const REASONS: usize = 3;
/// Deploys of the log that are shown.
const LOGGED: usize = 6;

/// The title and the lines of the page.
pub(super) fn lines(p: &Painter<'_>) -> (String, Vec<Line>) {
    let (state, lang) = (p.shown(), p.lang());
    let Some(watch) = pane::shown(state) else {
        let mut lines = vec![vec![(lang.window_none(), Role::Text)], vec![(would(state), Role::Key)]];
        lines.extend(logged(state, lang));
        return (lang.window_page_none(), lines);
    };
    let mut lines = head(state, lang, watch);
    // What it comes to and what to do about it stand before the figures: those may not all be in sight.
    let mut reasons = said::reasons(lang, state.settings.zone, state.now.wall, watch);
    if watch.verdict == Verdict::Pass && watch.withdrawn.is_none() || watch.now_unread() {
        reasons.clear();
    }
    let reason = |r: String| vec![("· ".to_owned(), Role::Muted), (r, Role::Text)];
    let rest = reasons.split_off(reasons.len().min(REASONS));
    lines.extend(reasons.into_iter().map(reason));
    lines.extend(after(state, lang, watch));
    if !watch.signals.is_empty() {
        lines.push(Vec::new());
        lines.push(columns(lang));
        let live = watch.live(state.now.wall);
        lines.extend(watch.signals.iter().map(|j| row(lang, j, live)));
    }
    if !rest.is_empty() {
        lines.push(Vec::new());
    }
    lines.extend(rest.into_iter().map(reason));
    lines.extend(logged(state, lang));
    (lang.window_page(words::version(lang, &watch.window.version)), lines)
}

/// What stands on the lower edge.
pub(super) fn keys(p: &Painter<'_>) -> String {
    p.lang().window_keys()
}

fn role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Pass => Role::Good,
        Verdict::Warn => Role::Sev3,
        Verdict::Fail => Role::Sev1,
        Verdict::Inconclusive => Role::Unknown,
    }
}

/// What opening one now would do.
fn would(state: &State) -> String {
    let lang = state.settings.lang;
    let version = pane::newest_deploy(state).map_or(String::new(), |d| d.version.clone());
    lang.window_would(Span(state.settings.window.length), words::version(lang, &version))
}

/// How it stands, from when to when, and how far it has come.
fn head(state: &State, lang: Lang, watch: &Watch) -> Vec<Line> {
    let (zone, now, window) = (state.settings.zone, state.now.wall, &watch.window);
    let verdict = watch.stands(now);
    let end = watch.ended.map_or(window.to(), |(_, at)| at.min(window.to()));
    let clock = |at| zone.hms(at);
    let spans = lang.window_spans(clock(window.from), clock(end), clock(window.baseline.0), clock(window.baseline.1));
    let so_far = if watch.live(now) { format!("  {}", lang.window_so_far()) } else { String::new() };
    let mut first = match &watch.withdrawn {
        Some(withdrawn) => vec![(format!(" {} ", lang.window_withdrawn(clock(withdrawn.at))), Role::Sev1)],
        None if watch.live(now) && verdict == Verdict::Inconclusive => {
            vec![(verdict.word().to_owned(), Role::Title), (so_far, Role::Text)]
        }
        None => vec![(format!(" {} ", verdict.word()), role(verdict)), (so_far, Role::Text)],
    };
    if !watch.by.is_empty() {
        first.push(("  ".to_owned(), Role::Text));
        first.push((lang.window_by(&watch.by, &watch.host), Role::Muted));
    }
    let mut lines: Vec<Line> = vec![first, vec![(spans, Role::Text)]];
    if watch.live(now) {
        lines.push(progress(lang, watch, now));
    }
    lines
}

fn progress(lang: Lang, watch: &Watch, now: Millis) -> Line {
    let window = &watch.window;
    let (gone, left) = ((now - window.from).clamp(0, window.length), window.to() - now);
    let filled = usize::try_from(gone * BAR as Millis / window.length.max(1)).unwrap_or(0).min(BAR);
    let words =
        if left > 0 { lang.window_left(Span((left + SECOND - 1) / SECOND * SECOND)) } else { lang.window_waits() };
    vec![
        ("█".repeat(filled), Role::Focus),
        ("░".repeat(BAR - filled), Role::Muted),
        ("  ".to_owned(), Role::Text),
        (words, Role::Title),
    ]
}

fn right(text: &str, cells: usize) -> String {
    let free = cells.saturating_sub(text::width(text));
    format!("{}{text}", " ".repeat(free))
}

fn columns(lang: Lang) -> Line {
    let head = [
        text::pad(&lang.window_col_signal(), NAME),
        right(&lang.window_col_before(), VALUE),
        right("n", N),
        right(&lang.window_col_now(), VALUE),
        right("n", N),
    ];
    vec![(head.concat(), Role::Muted)]
}

fn row(lang: Lang, j: &Judged, live: bool) -> Line {
    let value = |f: Figure| f.value.map_or_else(|| "-".to_owned(), |v| words::figure(lang, v, j.unit));
    let n = |f: Figure| if f.n > 0.0 { lang.grouped(f.n.round()) } else { "-".to_owned() };
    let name = words::signal(lang, &j.name);
    // What nobody knows yet, or nothing depends on, is no alarm.
    let shown = if j.verdict == Verdict::Inconclusive && (live || !j.critical) { Role::Muted } else { role(j.verdict) };
    let name = text::pad(&text::fit(&name, NAME - 1), NAME);
    vec![
        (name, Role::Text),
        (right(&value(j.before), VALUE), Role::Muted),
        (right(&n(j.before), N), Role::Muted),
        (right(&value(j.now), VALUE), Role::Text),
        (right(&n(j.now), N), Role::Muted),
        ("  ".to_owned(), Role::Text),
        (j.verdict.word().to_owned(), shown),
    ]
}

/// What can be done now: the way back, the old side, another window.
fn after(state: &State, lang: Lang, watch: &Watch) -> Vec<Line> {
    let (zone, now) = (state.settings.zone, state.now.wall);
    let mut lines: Vec<Line> = Vec::new();
    if let Some(back) = said::back(state, watch) {
        lines.push(vec![("[Enter] ".to_owned(), Role::Key), (lang.window_back(&back.id, &back.title), Role::Title)]);
        if !back.fills.is_empty() {
            let values: Vec<String> = back.fills.iter().map(|(n, v)| format!("{n}={v}")).collect();
            lines.push(vec![
                ("        ".to_owned(), Role::Text),
                (lang.window_back_fills(values.join("  ")), Role::Muted),
            ]);
        }
    } else if pane::wants_back(state, watch) {
        lines.push(vec![(lang.window_no_back(), Role::Unknown)]);
    }
    if watch.ended.is_some() {
        let (words, role) = match log::old_side(state, watch) {
            OldSide::Kept(until) => (lang.window_old_kept(zone.hm(until), Span(until - now)), Role::Text),
            OldSide::MayGo => (lang.window_old_may_go(), Role::Good),
            OldSide::Stays => (lang.window_old_stays(), Role::Sev3),
        };
        lines.push(vec![(words, role)]);
    }
    if !watch.live(now) && !pane::wants_back(state, watch) {
        lines.push(vec![(would(state), Role::Muted)]);
    }
    if matches!(watch.ended, Some((Ended::Lost, _))) && lines.is_empty() {
        lines.push(vec![(lang.window_old_stays(), Role::Sev3)]);
    }
    lines
}

/// The deployment log: deploys of the last day, and windows of the last week.
fn logged(state: &State, lang: Lang) -> Vec<Line> {
    let (zone, now) = (state.settings.zone, state.now.wall);
    let known = log::known(state);
    let alone = known.iter().filter(|w| !state.context.deploys.iter().any(|d| Some(&d.id) == w.deploy.as_ref()));
    let mut all: Vec<(Millis, String, String, Option<&Watch>)> = state
        .context
        .deploys
        .iter()
        .map(|d| (d.at, d.version.clone(), d.by.clone(), log::of_deploy(state, &d.id)))
        .chain(alone.map(|w| (w.window.from, w.window.version.clone(), w.by.clone(), Some(*w))))
        .collect();
    if all.is_empty() {
        return Vec::new();
    }
    all.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    let mut lines: Vec<Line> = vec![Vec::new(), vec![(lang.window_log(), Role::Title)]];
    for (at, version, by, watch) in all.into_iter().take(LOGGED) {
        let verdict = watch.map_or_else(|| "-".to_owned(), |w| said::verdict(w, lang, zone, now));
        let shown = watch.map_or(Role::Muted, |w| if w.withdrawn.is_some() { Role::Sev1 } else { role(w.stands(now)) });
        let version = words::version(lang, &version);
        lines.push(vec![
            (format!("{}  ", zone.day_hm(at)), Role::Muted),
            (text::pad(&text::fit(&version, 22), 24), Role::Text),
            (text::pad(&text::fit(&by, 10), 12), Role::Muted),
            (verdict, shown),
        ]);
    }
    lines
}
