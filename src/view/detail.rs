//! One thing in full: the selected line of the focused pane, wrapped instead of cut.

use crate::engine::annotations::Annotations;
use crate::engine::classify::BURST;
use crate::engine::library;
use crate::engine::now;
use crate::engine::signals::Signal;
use crate::engine::visible_checks;
use crate::engine::visible_facts;
use crate::engine::visible_signals;
use crate::engine::words;
use crate::engine::words::figure;
use crate::layout::Pane;
use crate::model::fact::Fact;
use crate::model::health::Check;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::Reading;
use crate::model::signal::Unit;
use crate::model::source::Origin;
use crate::model::time::Span;
use crate::theme::Role;
use crate::view::alerts;
use crate::view::health::role;
use crate::view::overlay::Line;
use crate::view::paint::Painter;
use crate::view::sessions;
use crate::view::signals::limit_words;

/// The title and the lines.
pub(super) fn lines(p: &Painter<'_>) -> (String, Vec<Line>) {
    let lang = p.lang();
    let state = p.shown();
    let at = p.state.ui.selected[p.state.ui.focus.index()];
    let nothing = || vec![vec![(lang.detail_nothing(), Role::Muted)]];
    match p.state.ui.focus {
        Pane::Health => {
            let chosen = visible_checks(p.state).get(at).and_then(|i| state.checks.all.get(*i));
            chosen.map_or_else(|| (lang.pane_health(), nothing()), |c| (c.name.clone(), check(p, c)))
        }
        Pane::Signals => {
            let chosen = visible_signals(p.state).get(at).and_then(|i| state.signals.all.get(*i));
            chosen.map_or_else(|| (lang.pane_signals(), nothing()), |s| (s.spec.name.clone(), signal(p, s)))
        }
        Pane::Failures => (lang.pane_failures(), signals(p, &[ERROR_RATE, ERROR_RATE_1M])),
        Pane::Latency => (lang.pane_latency(), signals(p, &[LATENCY_P95, LATENCY_P99])),
        Pane::Sessions => {
            let lines = state.sessions.table.last.as_ref().map(|(_, m)| {
                sessions::lines(state, lang, m).into_iter().map(|line| vec![line]).collect::<Vec<Line>>()
            });
            let mut lines = lines.unwrap_or_else(nothing);
            lines.extend(sessions::glance(state, lang).into_iter().map(|line| vec![line]));
            if let Some(why) = &state.sessions.problem {
                lines.push(vec![(words::absence(lang, why), Role::Unknown)]);
            }
            (sessions::title(p), lines)
        }
        Pane::Alerts => alerts::detail(p),
        Pane::Facts => {
            let entry = visible_facts(p.state).get(at).and_then(|i| state.timeline.at(*i));
            let lines = entry.map(|e| {
                let mut lines =
                    vec![vec![(format!("{} · {}", state.settings.zone.hms_offset(e.at), e.who(lang)), Role::Muted)]];
                let zone = state.settings.zone;
                let now = Annotations::of(state).words(state, e, lang, zone);
                lines.extend(now.lines().map(|l| vec![(l.to_owned(), Role::Text)]));
                let first = e.words(lang, zone);
                if e.place().is_some_and(|p| Annotations::of(state).edited(p).is_some()) {
                    lines.push(Vec::new());
                    lines.push(vec![(lang.detail_first_words(), Role::Title)]);
                    lines.extend(first.lines().map(|l| vec![(l.to_owned(), Role::Muted)]));
                }
                if let Fact::Ran { output, .. } = &e.what
                    && !output.is_empty()
                {
                    lines.push(Vec::new());
                    lines.push(vec![(lang.detail_output(), Role::Title)]);
                    lines.extend(output.lines().map(|l| vec![(l.to_owned(), Role::Text)]));
                }
                lines
            });
            (lang.pane_facts(), lines.unwrap_or_else(nothing))
        }
        Pane::Todo => {
            let contact = at.checked_sub(library::advised(state).len()).and_then(|at| state.settings.contacts.get(at));
            let mut lines: Vec<Line> = Vec::new();
            if let Some(c) = contact {
                lines.push(vec![(lang.detail_contact(&c.role, &c.name, &c.how), Role::Text)]);
                lines.push(vec![(lang.todo_copy(), Role::Muted)]);
                lines.push(Vec::new());
            }
            let n = now::now(state);
            for (label, content) in [
                (lang.label_what(), format!("{} {}", n.what, n.trend)),
                (lang.label_where(), n.place),
                (lang.label_change(), n.change),
                (lang.label_back(), n.back),
                (lang.label_fine(), n.fine),
            ] {
                lines.push(vec![(crate::model::text::pad(&label, 8), Role::Title), (content, Role::Text)]);
            }
            (lang.pane_todo(), lines)
        }
    }
}

fn check(p: &Painter<'_>, c: &Check) -> Vec<Line> {
    let lang = p.lang();
    let state = p.shown();
    let zone = state.settings.zone;
    let mut lines: Vec<Line> = vec![
        vec![(lang.detail_state(words::status(lang, c.shown()), zone.hms(c.changed.wall)), role(c.shown()))],
        vec![(words::check_detail(lang, c), Role::Text)],
    ];
    let ms = |v: i64| figure(lang, v as f64 / 1_000.0, Unit::Seconds);
    if let (Some(now), Some(usual)) = (c.last.as_ref().and_then(|l| l.latency), c.usual_latency()) {
        lines.push(vec![(lang.detail_latency(ms(now), ms(usual)), Role::Text)]);
    }
    if let Some(days) = c.last.as_ref().and_then(|l| l.cert_days) {
        lines.push(vec![(lang.detail_cert(days), Role::Text)]);
    }
    lines.push(vec![(lang.detail_failed_share(figure(lang, c.failed_share(), Unit::Ratio)), Role::Text)]);
    if let Some((at, error)) = &c.last_error {
        let why = words::outcome(lang, error).unwrap_or_default();
        lines.push(vec![(lang.detail_last_error(zone.hms(at.wall), why), Role::Text)]);
    }
    lines.push(Vec::new());
    if let Some(spec) = state.settings.checks.iter().find(|s| s.name == c.name) {
        lines.push(vec![(lang.detail_asks(spec.probe.shown()), Role::Muted)]);
        lines.push(vec![(lang.detail_every(Span(spec.every), ms(spec.timeout)), Role::Muted)]);
    }
    lines.push(vec![(lang.detail_thresholds(c.fail_after, c.recover_after), Role::Muted)]);
    let critical = if c.critical { lang.detail_critical() } else { lang.detail_not_critical() };
    lines.push(vec![(critical, Role::Muted)]);
    lines
}

fn signals(p: &Painter<'_>, names: &[&str]) -> Vec<Line> {
    let mut out = Vec::new();
    for name in names {
        let Some(s) = p.shown().signals.get(name) else {
            continue;
        };
        if !out.is_empty() {
            out.push(Vec::new());
        }
        out.push(vec![(words::signal(p.lang(), name), Role::Title)]);
        out.extend(signal(p, s));
    }
    out
}

fn signal(p: &Painter<'_>, s: &Signal) -> Vec<Line> {
    let lang = p.lang();
    let zone = p.shown().settings.zone;
    let write = |v: f64| figure(lang, v, s.spec.unit);
    let mut lines: Vec<Line> = Vec::new();
    match s.last.as_ref().map(|(_, sample)| sample) {
        Some(sample) => {
            lines.push(match &sample.reading {
                Reading::Value(v) => vec![(lang.detail_value(write(*v)), Role::Text)],
                Reading::Absent(why) => vec![(lang.detail_no_value(words::absence(lang, why)), Role::Unknown)],
            });
            if let Some(c) = sample.counts.filter(|c| c.total > 0.0 && s.spec.unit == Unit::Ratio) {
                let (failed, total) = (lang.grouped(c.failed.round()), lang.grouped(c.total.round()));
                lines.push(vec![(lang.detail_counts(failed, total), Role::Text)]);
            }
            if let Some(worst) = &sample.worst {
                let words =
                    if s.origin == Origin::Log { lang.detail_last_line(worst) } else { lang.detail_worst(worst) };
                lines.push(vec![(words, Role::Text)]);
            }
            lines.push(vec![(lang.detail_origin(s.origin.word()), Role::Muted)]);
        }
        None => lines.push(vec![(lang.absent_not_yet(), Role::Muted)]),
    }
    if let Some((at, good)) =
        s.good.as_ref().filter(|_| s.last.as_ref().is_some_and(|(_, l)| l.reading.value().is_none()))
        && let Some(v) = good.reading.value()
    {
        lines.push(vec![(lang.detail_good_value(write(v), zone.hms(at.wall)), Role::Stale)]);
    }
    let values: Vec<f64> = s.series.iter().filter_map(|p| p.value).collect();
    if let (Some(min), Some(max)) = (values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max)) {
        lines.push(vec![(lang.detail_min_max(write(min), write(max)), Role::Muted)]);
    }
    // The last minute is judged by a rule of its own.
    let burst = (s.spec.name == ERROR_RATE_1M && s.spec.built_in()).then_some(BURST);
    let critical = limit_words(lang, s.spec.critical.or(burst), s.spec.unit);
    let warning = limit_words(lang, s.spec.warning, s.spec.unit);
    lines.push(vec![(lang.detail_limits(warning, critical), Role::Muted)]);
    let query = s
        .spec
        .query
        .as_ref()
        .map_or_else(|| lang.detail_built_in(), |q| lang.detail_query(crate::model::text::clean(q)));
    lines.push(vec![(query, Role::Muted)]);
    lines
}
