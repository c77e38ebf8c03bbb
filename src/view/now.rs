//! The *Now* lines and the ages.

use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::now;
use crate::engine::sources::PROMETHEUS_ALERTS;
use crate::engine::words;
use crate::layout::Areas;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::source::Feed;
use crate::model::source::Freshness;
use crate::model::source::Source;
use crate::model::text;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::STEP;
use crate::model::time::Short;
use crate::model::time::stepped;
use crate::theme::Role;
use crate::view::paint::Painter;

/// Cells of a label with its blank.
const LABEL: u16 = 8;
/// The sparkline of narrow screens: twenty bars, a minute each.
const BARS: usize = 20;

pub(super) fn draw(p: &mut Painter<'_>, areas: &Areas) {
    if areas.wide { boxed(p, areas.now) } else { bare(p, areas) }
}

fn boxed(p: &mut Painter<'_>, area: Rect) {
    p.frame(area);
    let lang = p.lang();
    p.text(area.x + 2, area.y, 20, &format!(" {} ", lang.label_now()), Role::Title);
    let (ages, role) = ages(p.shown(), p);
    let ages = format!(" {ages} ");
    let room = Rect { x: area.x + 12, width: area.width.saturating_sub(14), ..area };
    let ages = text::fit(&ages, usize::from(room.width));
    p.right(room, area.y, &ages, role);
    let lines = now::now(p.shown());
    let what = if lines.trend.is_empty() { lines.what.clone() } else { format!("{} · {}", lines.what, lines.trend) };
    let inner = Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    };
    let rows = [
        (lang.label_what(), what, 0),
        (lang.label_where(), lines.place.clone(), 1),
        (lang.label_change(), lines.change.clone(), 2),
        (lang.label_back(), lines.back.clone(), 3),
        (lang.label_fine(), lines.fine.clone(), 4),
    ];
    for (i, (label, content, known)) in rows.iter().enumerate().take(usize::from(inner.height)) {
        row(p, inner, inner.y + i as u16, label, content, lines.known[*known]);
    }
}

fn row(p: &mut Painter<'_>, area: Rect, y: u16, label: &str, content: &str, known: bool) {
    p.text(area.x, y, LABEL, label, Role::Title);
    let role = if known { Role::Text } else { Role::Muted };
    p.text(area.x + LABEL, y, area.width.saturating_sub(LABEL), content, role);
}

fn bare(p: &mut Painter<'_>, areas: &Areas) {
    let lang = p.lang();
    if areas.ages.height > 0 {
        p.rule(areas.ages);
        let (ages, role) = ages(p.shown(), p);
        let room = Rect { x: areas.ages.x + 2, width: areas.ages.width.saturating_sub(4), ..areas.ages };
        let content = text::fit(&format!(" {ages} "), usize::from(room.width));
        p.right(room, areas.ages.y, &content, role);
    }
    let area = Rect { x: areas.now.x + 1, width: areas.now.width.saturating_sub(2), ..areas.now };
    let lines = now::now(p.shown());
    let (first, second) = split(&lines.what, &lines.trend, usize::from(area.width.saturating_sub(LABEL)));
    let rows = [
        (lang.label_what(), first, 0),
        (String::new(), second, 0),
        (lang.label_where(), lines.place.clone(), 1),
        (lang.label_change(), lines.change.clone(), 2),
        (lang.label_back(), lines.back.clone(), 3),
        (lang.label_fine(), lines.fine.clone(), 4),
    ];
    for (i, (label, content, known)) in rows.iter().enumerate().take(usize::from(area.height)) {
        row(p, area, area.y + i as u16, label, content, lines.known[*known]);
    }
    if area.height > 1 {
        sparkline(p, Rect { y: area.y + 1, height: 1, ..area }, text::width(&rows[1].1) as u16 + LABEL);
    }
}

/// WHAT has two lines of 80 columns: what does not fit into the first goes on in the second, before the trend.
fn split(what: &str, trend: &str, width: usize) -> (String, String) {
    let mut lines = text::wrap(what, width).into_iter();
    let first = lines.next().unwrap_or_default();
    let rest: Vec<String> = lines.collect();
    let second = if rest.is_empty() { trend.to_owned() } else { rest.join(" ") };
    (first, second)
}

/// The last minutes of failures with their two clock times, where room is left beside the trend.
fn sparkline(p: &mut Painter<'_>, row: Rect, used: u16) {
    let state = p.shown();
    let Some(signal) = state.signals.get(ERROR_RATE_1M) else {
        return;
    };
    let (Some(newest), true) = (signal.series.newest(), signal.series.len() > 1) else {
        return;
    };
    let zone = state.settings.zone;
    let from = newest.at - BARS as i64 * MINUTE;
    let columns = signal.series.columns(from, newest.at, BARS);
    let values: Vec<Option<f64>> = columns.iter().map(|c| c.map(|c| c.max)).collect();
    let top = values.iter().flatten().copied().fold(0.05, f64::max);
    let (left, right) = (format!("{} ", zone.hm(from)), format!(" {}", zone.hm(newest.at)));
    let width = text::width(&left) as u16 + BARS as u16 + text::width(&right) as u16;
    if used + width + 2 > row.width {
        return;
    }
    let x = row.right() - width;
    p.text(x, row.y, 8, &left, Role::Muted);
    let x = x + text::width(&left) as u16;
    p.bars(x, row.y, BARS as u16, &values, top, Role::Curve);
    p.text(x + BARS as u16, row.y, 8, &right, Role::Muted);
}

/// An age in steps. What is asked on a beat is as old as its interval at the moment at which it is asked again: half a
/// second is forgiven, or it would flicker there.
/// Always as wide, or all that stands beside it would move with every step.
fn fresh(age: Millis, step: Millis) -> String {
    format!("{:>3}", Short(stepped(age - SECOND / 2, step).max(0)).to_string())
}

/// One line about how old everything is; loud when something is.
fn ages(state: &State, p: &Painter<'_>) -> (String, Role) {
    let lang = p.lang();
    let zone = state.settings.zone;
    let mut parts = Vec::new();
    let mut loud = false;
    for feed in [Feed::Metrics, Feed::Checks, Feed::Sessions, Feed::Alerts, Feed::Figures] {
        if !state.has_feed(feed) {
            continue;
        }
        let name = match feed {
            Feed::Metrics => lang.feed_metrics(),
            Feed::Checks => lang.feed_checks(),
            Feed::Sessions => lang.feed_sessions(),
            Feed::Alerts => lang.feed_alerts(),
            Feed::Figures => lang.feed_figures(),
        };
        if feed == Feed::Checks {
            let slowest = state.settings.checks.iter().map(|c| c.every + c.timeout).max().unwrap_or_default();
            match state.checks_age() {
                None => parts.push(lang.age_waiting(name)),
                Some(age) if age > 3 * slowest => {
                    loud = true;
                    parts.push(lang.age_stale(name, zone.hm(state.now.wall - age)));
                }
                Some(age) => parts.push(lang.age_of(name, fresh(age, STEP))),
            }
            continue;
        }
        let managers = || state.sources.of(feed).filter(|s| s.name != PROMETHEUS_ALERTS);
        let source = match feed {
            // One of a pair is enough to know every alert.
            Feed::Alerts if managers().next().is_some() => {
                managers().min_by_key(|s| (s.last_ok.is_none(), s.age(state.now)))
            }
            _ => state.sources.best(feed, state.now),
        };
        let Some(source) = source else {
            continue;
        };
        // Figures of the configuration's own show their age where they stand; here only when one is late.
        if feed == Feed::Figures && matches!(source.freshness(state.now), Freshness::Fresh | Freshness::Waiting) {
            continue;
        }
        parts.push(match (source.freshness(state.now), source.last_ok) {
            (Freshness::Waiting, _) => lang.age_waiting(name),
            (Freshness::Fresh, _) => {
                // Three steps an interval: what is fresh need not tick, what is late does.
                let age = fresh(source.age(state.now), STEP.max(source.every / 3));
                let age = lang.age_of(name, age);
                let silent = |s: &&Source| s.answered && !matches!(s.freshness(state.now), Freshness::Fresh);
                match managers().filter(silent).count() {
                    n if n > 0 && feed == Feed::Alerts => {
                        lang.age_some(age, managers().count() - n, managers().count())
                    }
                    _ => age,
                }
            }
            // A time of day does not tick: an outage costs a bad link no bytes.
            (_, None) => {
                loud = true;
                lang.age_never(name, zone.hm(source.since.wall))
            }
            (Freshness::Late(age), Some(_)) => {
                loud = true;
                lang.age_late(name, Short(age))
            }
            (Freshness::Stale(_), Some(at)) => {
                loud = true;
                lang.age_stale(name, zone.hm(at.wall))
            }
        });
    }
    if parts.is_empty() {
        return (lang.nothing_watched(), Role::Unknown);
    }
    let list = parts.join(" · ");
    if loud { (lang.not_fresh(list), Role::Unknown) } else { (lang.all_fresh(list), Role::Muted) }
}

/// Why the figures of a feed are old, for the panes that live on it: a sentence, or nothing while they are fresh.
pub(super) fn stale(state: &State, p: &Painter<'_>, feed: Feed) -> Option<String> {
    let lang = p.lang();
    let source = state.sources.best(feed, state.now)?;
    let zone = state.settings.zone;
    match source.freshness(state.now) {
        Freshness::Fresh | Freshness::Waiting => None,
        Freshness::Late(_) if source.problem.is_none() => None,
        Freshness::Late(_) | Freshness::Stale(_) => {
            let why = source.problem.as_ref().map(|w| words::absence(lang, w)).unwrap_or_default();
            Some(match source.last_ok {
                Some(at) => lang.stale_reason(zone.hm(at.wall), why),
                // What was never there has not grown old.
                None => lang.never_reason(zone.hm(source.since.wall), why),
            })
        }
    }
}
