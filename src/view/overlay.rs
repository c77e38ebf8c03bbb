//! Pages that lie over the board: help, why, one thing in full, the palette.

use ratatui::layout::Rect;

use crate::engine::matching;
use crate::engine::run::rows;
use crate::engine::sentence::sentence;
use crate::engine::state::Overlay;
use crate::engine::words;
use crate::engine::words::figure;
use crate::input::command::Command;
use crate::input::keymap;
use crate::layout;
use crate::layout::WIDE;
use crate::model::signal::Unit;
use crate::model::text;
use crate::model::time::Span;
use crate::theme::Role;
use crate::view::card;
use crate::view::detail;
use crate::view::dora;
use crate::view::incident;
use crate::view::links;
use crate::view::note;
use crate::view::paint::Painter;
use crate::view::runbook;
use crate::view::walk;
use crate::view::walk_card;
use crate::view::window;

/// One line of a page: pieces one after another.
pub(super) type Line = Vec<(String, Role)>;

/// Draws what lies over the board; returns where the cursor stands while a command is typed.
pub(super) fn draw(p: &mut Painter<'_>, screen: Rect) -> Option<(u16, u16)> {
    let lang = p.lang();
    match &p.state.ui.overlay {
        Overlay::None | Overlay::Filter(_) => None,
        Overlay::Help(at) => {
            let lines = help(p);
            page(p, screen, &lang.page_help(), &lines, *at);
            None
        }
        Overlay::Severity(at) => {
            let lines = severity(p);
            page(p, screen, &lang.page_severity(), &lines, *at);
            None
        }
        Overlay::Detail(at) => {
            let (title, lines) = detail::lines(p);
            page(p, screen, &title, &lines, *at);
            None
        }
        Overlay::Incident(at) => {
            if let Some((title, lines)) = incident::lines(p) {
                page(p, screen, &title, &lines, *at);
            }
            None
        }
        Overlay::Window(at) => {
            let (title, lines) = window::lines(p);
            let keys = window::keys(p);
            boxed(p, screen, &title, &lines, *at, &keys);
            None
        }
        Overlay::Dora(at) => {
            let (title, lines) = dora::lines(p);
            page(p, screen, &title, &lines, *at);
            None
        }
        Overlay::Library(prompt, at) => runbook::library(p, screen, prompt.text(), &prompt.before_cursor(), *at),
        Overlay::Runbook(book, at) => {
            if let Some((title, lines)) = runbook::lines(p, *book) {
                page(p, screen, &title, &lines, *at);
            }
            None
        }
        Overlay::Begin(book) => {
            walk_card::begin(p, screen, *book);
            None
        }
        Overlay::Walk
        | Overlay::Checks(_)
        | Overlay::Approval
        | Overlay::RunCard(_)
        | Overlay::Value(_)
        | Overlay::Words(_)
        | Overlay::StepText(_)
        | Overlay::Output(..)
        | Overlay::Call(_)
        | Overlay::Quit => on_walk(p, screen),
        Overlay::Unsaved => {
            walk_card::unsaved(p, screen);
            None
        }
        Overlay::Silence(silence) => card::draw(p, screen, silence),
        Overlay::Known(mark) => {
            card::known(p, screen, mark);
            None
        }
        Overlay::Links(at) => {
            links::draw(p, screen, *at);
            None
        }
        Overlay::Note(editor) => {
            note::draw(p, screen, editor);
            None
        }
        Overlay::Palette(prompt, at) => palette(p, screen, prompt.text(), &prompt.before_cursor(), *at),
    }
}

/// The walk, and what lies over it.
fn on_walk(p: &mut Painter<'_>, screen: Rect) -> Option<(u16, u16)> {
    let (state, lang) = (p.state, p.lang());
    if let Overlay::Call(at) = &state.ui.overlay {
        let lines = walk_card::call(p, state.run.as_deref());
        page(p, screen, &lang.page_call(), &lines, *at);
        return None;
    }
    let run = state.run.as_deref()?;
    let cursor = walk::draw(p, screen);
    match &state.ui.overlay {
        Overlay::Checks(at) => walk_card::checks(p, screen, run, *at),
        Overlay::Approval => walk_card::approval(p, screen, run),
        Overlay::RunCard(card) => return walk_card::run_card(p, screen, run, card),
        Overlay::Value(ask) => return walk_card::value(p, screen, ask),
        Overlay::Words(words) => return Some(walk_card::words(p, screen, run, words)),
        Overlay::StepText(at) => {
            let step = rows::step(run).map(|(_, s)| s)?;
            let lines = walk::text_of(run, step, lang);
            page(p, screen, &format!("{} {}", lang.walk_step(&step.id), step.title), &lines, *at);
        }
        Overlay::Output(all, at) => {
            let shown: Vec<Line> = all.iter().map(|l| vec![(l.clone(), Role::Text)]).collect();
            page(p, screen, &lang.page_output(), &shown, *at);
        }
        Overlay::Quit => walk_card::quit(p, screen, run),
        _ => return cursor,
    }
    None
}

/// A box in the middle, as tall as its text needs; long lines are wrapped, not cut.
pub(super) fn page(p: &mut Painter<'_>, screen: Rect, title: &str, lines: &[Line], at: usize) {
    let close = p.lang().page_close();
    boxed(p, screen, title, lines, at, &close);
}

/// The same with other words about its keys.
pub(super) fn boxed(p: &mut Painter<'_>, screen: Rect, title: &str, lines: &[Line], at: usize, close: &str) {
    // On a narrow screen a page takes all of it: half-covered words beside it would only disturb.
    let narrow = screen.width < WIDE;
    let width = if narrow { screen.width } else { (screen.width - 4).min(100) };
    if width < 12 || screen.height < 5 {
        return;
    }
    let inner_width = usize::from(width - 4);
    let wrapped: Vec<Line> = lines.iter().flat_map(|l| wrap(l, inner_width)).collect();
    // The header and the last line stay in sight.
    let most = screen.height - 3;
    let height = if narrow { most } else { (wrapped.len() as u16 + 2).min(most) };
    let area = Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + 2 + (most - height) / 2, width, height };
    p.clear(area);
    p.frame(area);
    p.text(area.x + 2, area.y, width - 4, &format!(" {title} "), Role::Focus);
    let rows = usize::from(height - 2);
    let from = at.min(wrapped.len().saturating_sub(rows));
    for (i, line) in wrapped.iter().skip(from).take(rows).enumerate() {
        let pieces: Vec<(&str, Role)> = line.iter().map(|(s, r)| (s.as_str(), *r)).collect();
        p.pieces(area.x + 2, area.y + 1 + i as u16, width - 4, &pieces);
    }
    let close = format!(" {close} ");
    p.right(Rect { width: width - 2, ..area }, area.bottom() - 1, &close, Role::Muted);
    if from > 0 {
        let more = format!(" {} ", p.lang().more_above(from));
        p.right(Rect { width: width - 2, ..area }, area.y, &more, Role::Muted);
    }
    let below = wrapped.len().saturating_sub(from + rows);
    if below > 0 {
        let more = format!(" {} ", p.lang().more_below(below));
        p.text(area.x + 2, area.bottom() - 1, width / 2, &more, Role::Muted);
    }
}

/// A line of one piece is wrapped; one of several (a table row) wraps its last piece under itself.
pub(super) fn wrap(line: &Line, width: usize) -> Vec<Line> {
    layout::wrapped(line, width)
}

fn help(p: &Painter<'_>) -> Vec<Line> {
    let lang = p.lang();
    let mut seen: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    // A card names its own keys.
    for binding in keymap::DEFAULT.iter().filter(|b| b.context != Some(keymap::Context::Card)) {
        let doc = binding.command.doc(lang);
        if seen.contains(&doc) {
            continue;
        }
        // Commands that share a sentence share a line: j, k and the arrows.
        let keys: Vec<String> = keymap::DEFAULT
            .iter()
            .filter(|b| b.command.doc(lang) == doc && b.context != Some(keymap::Context::Page))
            .map(|b| b.chord.to_string())
            .collect::<Vec<String>>();
        let keys = unique(keys);
        let keys = match keys.as_slice() {
            [first, .., last] if matches!(binding.command, Command::Pane(_)) => {
                format!("{first}-{last}")
            }
            _ => keys.join(" "),
        };
        lines.push(vec![(text::pad(&keys, 18), Role::Key), (doc.clone(), Role::Text)]);
        seen.push(doc);
    }
    lines
}

/// Each key once, in their order.
fn unique(keys: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for key in keys {
        if !out.contains(&key) {
            out.push(key);
        }
    }
    out
}

/// Why the level is what it is, what is seen, and what is not.
fn severity(p: &Painter<'_>) -> Vec<Line> {
    let state = p.shown();
    let lang = p.lang();
    let zone = state.settings.zone;
    let v = &state.verdict;
    let mut lines = vec![vec![(lang.why_level(v.level.word(), zone.hms(v.since)), Role::Title)]];
    if let Some(at) = v.falls_at {
        let words = if v.findings.is_empty() {
            lang.level_falls(v.level.word(), zone.hm(at))
        } else {
            lang.level_held(v.level.word(), zone.hm(at))
        };
        lines.push(vec![(words, Role::Text)]);
    }
    if v.findings.is_empty() {
        lines.push(vec![(lang.why_none(), Role::Muted)]);
    }
    for f in &v.findings {
        lines.push(vec![
            (f.level.word().to_owned(), Role::of(f.level)),
            (" ".repeat(9 - f.level.word().len()), Role::Text),
            (text::pad(&zone.hm(f.since), 6), Role::Muted),
            (sentence(lang, f), Role::Text),
        ]);
    }
    lines.push(Vec::new());
    let record = &p.state.record;
    if record.problem.is_some() || !record.says.is_empty() {
        lines.push(vec![(lang.why_store(), Role::Title)]);
        let not_saved = record.problem.iter().map(|why| lang.head_no_record(why));
        let all = not_saved.chain(record.says.iter().cloned());
        lines.extend(all.map(|words| vec![("  ".to_owned(), Role::Text), (words, Role::Unknown)]));
        lines.push(Vec::new());
    }
    if !p.state.reload_problem.is_empty() {
        lines.push(vec![(lang.why_reload(), Role::Title)]);
        lines.extend(
            p.state.reload_problem.iter().map(|m| vec![("  ".to_owned(), Role::Text), (m.clone(), Role::Sev4)]),
        );
        lines.push(Vec::new());
    }
    lines.push(vec![(lang.why_sees(), Role::Title)]);
    for s in &state.sources.all {
        let name = words::source(lang, &s.name);
        let line = match (&s.problem, s.last_ok) {
            (Some(why), _) => (lang.why_source_bad(name, words::absence(lang, why), s.attempts), Role::Unknown),
            (None, Some(_)) => {
                let took = figure(lang, s.took.unwrap_or_default() as f64 / 1_000.0, Unit::Seconds);
                (lang.why_source_ok(name, Span(s.age(state.now)), took), Role::Text)
            }
            (None, None) => (lang.why_source_waiting(name), Role::Muted),
        };
        lines.push(vec![line]);
        for note in &s.notes {
            lines.push(vec![("  ".to_owned(), Role::Text), (note.clone(), Role::Sev4)]);
        }
    }
    let (up, all) = state.checks.up();
    if all > 0 {
        lines.push(vec![(format!("{}: {}", lang.pane_health(), lang.health_count(up, all)), Role::Text)]);
    }
    if state.settings.reads_metrics() {
        let usual = state.context.expected(state.now).zip(state.context.usual.as_ref());
        lines.push(vec![(
            match usual {
                Some((v, (_, u))) => lang.why_usual_known(figure(lang, v / 60.0, Unit::PerSecond), u.weeks.len()),
                None => lang.why_usual_traffic(),
            },
            Role::Muted,
        )]);
    }
    lines
}

fn palette(p: &mut Painter<'_>, screen: Rect, typed: &str, before: &str, at: usize) -> Option<(u16, u16)> {
    let lang = p.lang();
    let width = screen.width.saturating_sub(4).min(72);
    let found = matching(lang, typed);
    // The engine's own clamp counts what was typed; here the list may be shorter than the screen.
    let rows = (screen.height.saturating_sub(6)).min(12);
    if width < 20 || rows < 1 {
        return None;
    }
    let area = Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + 3, width, height: rows + 3 };
    p.clear(area);
    p.frame(area);
    p.text(area.x + 2, area.y, width - 4, &format!(" {} ", lang.cmd_palette()), Role::Focus);
    let used = p.text(area.x + 2, area.y + 1, width - 4, ": ", Role::Key);
    p.text(area.x + 2 + used, area.y + 1, width - 4 - used, typed, Role::Text);
    if found.is_empty() {
        p.text(area.x + 2, area.y + 2, width - 4, &lang.palette_none(), Role::Muted);
    }
    let from = at.saturating_sub(usize::from(rows) - 1);
    for (i, command) in found.iter().enumerate().skip(from).take(usize::from(rows)) {
        let y = area.y + 2 + (i - from) as u16;
        let key = keymap::keys_of(*command).first().map(|k| format!("[{k}]")).unwrap_or_default();
        let name = text::pad(&command.name(lang), 18);
        let key = text::pad(&key, 9);
        p.pieces(
            area.x + 2,
            y,
            width - 4,
            &[(&name, Role::Text), (&key, Role::Key), (&command.doc(lang), Role::Muted)],
        );
        if i == at {
            p.select(Rect { x: area.x + 1, width: width - 2, ..area }, y);
        }
    }
    Some((area.x + 2 + used + text::width(before) as u16, area.y + 1))
}
