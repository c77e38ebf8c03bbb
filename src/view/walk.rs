//! The walk through a procedure: its steps, the selected one with its commands or its terminal, and what the signals do
//! meanwhile.

use ratatui::layout::Rect;

use crate::engine::run::Run;
use crate::engine::run::plan;
use crate::engine::run::rows;
use crate::engine::run::rows::Row;
use crate::engine::run::say;
use crate::engine::run::say::Tone;
use crate::engine::run::watch;
use crate::engine::words;
use crate::lang::Lang;
use crate::layout;
use crate::model::run::Status;
use crate::model::runbook::Section;
use crate::model::runbook::Step;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::Unit;
use crate::model::text;
use crate::model::time::Span;
use crate::runbook::odd;
use crate::theme::Role;
use crate::view::console;
use crate::view::overlay::Line;
use crate::view::paint::Painter;

/// Draws the walk; returns where the cursor stands while somebody types into a step.
pub(super) fn draw(p: &mut Painter<'_>, screen: Rect) -> Option<(u16, u16)> {
    let state = p.state;
    let run = state.run.as_deref()?;
    let areas = layout::walk((screen.width, screen.height), run.zoomed(state));
    let below = Rect { y: areas.title.y, height: screen.bottom().saturating_sub(areas.title.y + 1), ..screen };
    p.clear(below);
    title(p, areas.title, run);
    now(p, areas.now);
    list(p, areas.list, run);
    let wide = areas.list.width > 0 && areas.list.width < screen.width;
    if wide {
        let style = p.style(Role::Border);
        for y in areas.list.y..areas.list.bottom() {
            p.put(areas.list.right(), y, "│", style);
        }
    }
    match rows::selected(run)? {
        Row::Checks => {
            checks(p, &areas, run);
            None
        }
        Row::Step(at) => step(p, &areas, run, at),
    }
}

/// What is walked, how far it has come, how long it has taken.
fn title(p: &mut Painter<'_>, row: Rect, run: &Run) {
    let lang = p.lang();
    p.rule(row);
    let (done, all) = rows::progress(run);
    let passed = Span(run.tale.outcome.map_or(p.state.now.wall, |(_, at)| at) - run.tale.began.max(1));
    let mut parts = vec![lang.walk_progress(done, all)];
    if run.tale.rollback.is_some() {
        parts.insert(0, lang.walk_back());
    }
    if run.tale.began > 0 {
        parts.push(match run.book.minutes {
            Some(minutes) => lang.walk_time(passed, minutes.round()),
            None => passed.to_string(),
        });
    }
    if let Some(left) = rows::minutes_left(run).filter(|_| run.tale.goes_on()) {
        parts.push(lang.walk_left(left.ceil()));
    }
    let deviations: usize = run.tale.steps.values().map(|s| s.deviations.len()).sum();
    if deviations > 0 {
        parts.push(if deviations == 1 { lang.walk_deviation() } else { lang.walk_deviations(deviations) });
    }
    let right = format!(" {} ", parts.join(" · "));
    let taken = text::width(&right) as u16 + 2;
    let room = row.width.saturating_sub(taken + 4);
    let mut x = row.x + 2;
    x += p.text(x, row.y, room, &format!(" {} ", run.book.id), Role::Focus);
    let title = format!("{} ", run.book.title);
    p.text(x, row.y, room.saturating_sub(x - row.x - 2), &title, Role::Title);
    p.right(Rect { width: row.width.saturating_sub(2), ..row }, row.y, &right, Role::Focus);
}

/// What the signals do meanwhile: the newest minute, never a longer memory.
fn now(p: &mut Painter<'_>, row: Rect) {
    let state = p.state;
    let lang = p.lang();
    let value = |name: &str| {
        let signal = state.signals.get(name).filter(|s| !crate::engine::outdated(state, s))?;
        signal.last.as_ref()?.1.reading.value()
    };
    let mut pieces: Vec<(String, Role)> = vec![(format!(" {}  ", lang.walk_now()), Role::Title)];
    let mut parts: Vec<String> = Vec::new();
    parts.extend(value(ERROR_RATE_1M).map(|v| lang.walk_now_failing(words::figure(lang, v, Unit::Ratio))));
    parts.extend(value(LATENCY_P95).map(|v| format!("p95 {}", words::figure(lang, v, Unit::Seconds))));
    parts.extend(value(REQUEST_RATE).map(|v| words::figure(lang, v, Unit::PerSecond)));
    if !parts.is_empty() {
        pieces.push((parts.join(" · "), Role::Text));
    } else if state.settings.reads_metrics() {
        pieces.push((lang.walk_now_unseen(), Role::Unknown));
    } else {
        pieces.clear();
    }
    if let Some(text) = state.run.as_ref().and_then(|r| watch::met(r, state.now)) {
        pieces.push((format!(" {}", lang.walk_trigger(text)), Role::Sev1));
    }
    if state.run.as_ref().is_some_and(|r| r.tale.changed) {
        pieces.push((format!(" {}", lang.walk_changed()), Role::Unknown));
    }
    let pieces: Vec<(&str, Role)> = pieces.iter().map(|(s, r)| (s.as_str(), *r)).collect();
    p.pieces(row.x, row.y, row.width, &pieces);
}

fn mark(status: Status) -> (&'static str, Role) {
    match status {
        Status::Pending => ("·", Role::Muted),
        Status::Running => ("►", Role::Key),
        Status::Ran => ("o", Role::Text),
        Status::Ok => ("√", Role::Good),
        Status::Failed => ("X", Role::Sev1),
        Status::Skipped => ("-", Role::Muted),
        Status::Undone => ("<", Role::Sev3),
        Status::Unknown => ("?", Role::Unknown),
    }
}

/// The steps around the selected one.
fn list(p: &mut Painter<'_>, area: Rect, run: &Run) {
    if area.height == 0 {
        return;
    }
    let all = rows::rows(run);
    let at = run.at.min(all.len().saturating_sub(1));
    let height = usize::from(area.height);
    // The last line says how many more there are, where there are more.
    let room = if all.len() > height { height.saturating_sub(1).max(1) } else { height };
    // The selected one has one before it in sight: where one comes from is part of where one is.
    let lead = room.saturating_sub(1).min(1 + room.saturating_sub(3) / 2);
    let from = at.saturating_sub(lead).min(all.len().saturating_sub(room));
    for (i, row) in all.iter().enumerate().skip(from).take(room) {
        let y = area.y + (i - from) as u16;
        line(p, area, y, run, *row, i == at);
    }
    let below = all.len().saturating_sub(from + room);
    if all.len() > height && height > room {
        let more = if below > 0 { p.lang().more_below(below) } else { p.lang().more_above(from) };
        p.text(area.x + 4, area.bottom() - 1, area.width.saturating_sub(5), &more, Role::Muted);
    }
}

fn line(p: &mut Painter<'_>, area: Rect, y: u16, run: &Run, row: Row, selected: bool) {
    let lang = p.lang();
    let lead = if selected { "> " } else { "  " };
    let (glyph, role, id, title, right) = match row {
        Row::Checks => {
            let (n, all) = (run.tale.signed.len(), run.book.prerequisites.len());
            let done = rows::checked(run);
            let (glyph, role) = if done { ("√", Role::Good) } else { ("·", Role::Muted) };
            (glyph, role, String::new(), lang.walk_checks(), lang.walk_checks_signed(n, all))
        }
        Row::Step(at) => {
            let Some(step) = run.step(at) else { return };
            let status = run.tale.status(&step.id);
            let (glyph, role) = mark(status);
            (glyph, role, step.id.clone(), step.title.clone(), beside(run, step, status, lang))
        }
    };
    let width = area.width.saturating_sub(1);
    let taken = text::width(&right) as u16 + 1;
    let id = text::pad(&id, 4);
    let pieces =
        [(lead, Role::Key), (glyph, role), (" ", Role::Text), (id.as_str(), Role::Key), (title.as_str(), Role::Text)];
    p.pieces(area.x, y, width.saturating_sub(taken), &pieces);
    let quiet = matches!(row, Row::Step(at) if run.step(at).is_some_and(|s| run.tale.status(&s.id) != Status::Failed));
    p.right(Rect { width, ..area }, y, &right, if quiet { Role::Muted } else { Role::Text });
    if selected {
        p.select(Rect { width, ..area }, y);
    }
}

/// What stands at the end of a step's line: how it stands, or how long it is said to take.
fn beside(run: &Run, step: &Step, status: Status, lang: Lang) -> String {
    match status {
        Status::Pending => step.minutes.map(|m| lang.runbook_minutes(m)).unwrap_or_default(),
        Status::Ran if run.waiting.as_ref().is_some_and(|w| run.step(w.step).is_some_and(|s| s.id == step.id)) => {
            lang.step_waits()
        }
        Status::Ran if rows::awaits(run, step) => lang.step_asks(),
        Status::Ok | Status::Ran | Status::Undone => {
            // What its commands took, not how long a person thought about it.
            let blocks = run.tale.step(&step.id).map(|t| t.blocks.as_slice()).unwrap_or_default();
            let took: i64 = blocks.iter().filter_map(|b| b.end.as_ref()).map(|e| e.took).sum();
            let took = if blocks.is_empty() { String::new() } else { format!(" {}", Span(took)) };
            format!("{}{took}", words::step_status(lang, status))
        }
        _ => words::step_status(lang, status),
    }
}

/// The head of the selected line's part of the screen.
fn head(p: &mut Painter<'_>, row: Rect, name: &str, title: &str, right: &str, loud: bool) {
    p.rule(row);
    let taken = text::width(right) as u16 + 4;
    let room = row.width.saturating_sub(taken + 2);
    let mut used = p.text(row.x + 2, row.y, room, &format!(" {name} "), Role::Focus);
    used += p.text(row.x + 2 + used, row.y, room.saturating_sub(used), &format!("{title} "), Role::Title);
    let _ = used;
    let role = if loud { Role::Sev2 } else { Role::Muted };
    p.right(Rect { width: row.width.saturating_sub(2), ..row }, row.y, &format!(" {right} "), role);
}

fn checks(p: &mut Painter<'_>, areas: &layout::Walk, run: &Run) {
    let lang = p.lang();
    let n = lang.walk_checks_signed(run.tale.signed.len(), run.book.prerequisites.len());
    head(p, areas.step, &lang.walk_checks(), "", &n, false);
    let first = match &run.tale.passed {
        Some((why, _)) => lang.walk_checks_passed(why),
        None => lang.walk_checks_keys(),
    };
    p.text(areas.words.x + 1, areas.words.y, areas.words.width.saturating_sub(2), &first, Role::Text);
    let lines = items(run, lang, None);
    page(p, Rect { y: areas.words.y + 1, height: areas.body.height + 1, ..areas.body }, &lines);
}

/// What has to be there first, each with who says that it is.
pub(super) fn items(run: &Run, lang: Lang, selected: Option<usize>) -> Vec<Line> {
    let line = |(i, item): (usize, &crate::model::runbook::Item)| {
        let by = run.tale.signed.get(&i);
        let (mark, role) = if by.is_some() { ("[x] ", Role::Good) } else { ("[ ] ", Role::Key) };
        let lead = if selected == Some(i) { "> " } else { "  " };
        let who = match by.map(String::as_str) {
            None => String::new(),
            Some("") => format!("  ({})", lang.card_checks_proved()),
            Some(who) => format!("  ({})", lang.card_checks_by(who)),
        };
        vec![(lead.to_owned(), Role::Key), (mark.to_owned(), role), (format!("{}{who}", item.text), Role::Text)]
    };
    run.book.prerequisites.iter().enumerate().map(line).collect()
}

fn step(p: &mut Painter<'_>, areas: &layout::Walk, run: &Run, at: usize) -> Option<(u16, u16)> {
    let state = p.state;
    let lang = p.lang();
    let step = run.step(at)?;
    let own = &run.tale.head.host;
    let others = say::elsewhere(run, step);
    let (right, loud) = match () {
        () if step.manual() => (String::new(), false),
        () if others.is_empty() => (lang.walk_on_here(own), false),
        () => (lang.walk_on_other(others.join(", "), own), true),
    };
    head(p, areas.step, &lang.walk_step(&step.id), &step.title, &right, loud);
    words_of(p, areas, run, step);
    let console_here = run.console_of == Some(at) && run.tale.step(&step.id).is_some_and(|t| !t.blocks.is_empty());
    let body = Rect { x: areas.body.x + 1, width: areas.body.width.saturating_sub(2), ..areas.body };
    if console_here
        && (run.console.lines() > 0 || run.tale.open.is_some() || !run.console.screen().contents().is_empty())
    {
        let cursor = console::draw(p, body, &run.console);
        return (state.ui.typing && !run.console.screen().hide_cursor()).then_some(cursor);
    }
    // Of a step that ran, what it said last; of one that did not, what it would run.
    let said = run.tale.step(&step.id).and_then(|t| t.blocks.last()).and_then(|b| b.end.as_ref()).map(|e| &e.tail);
    let lines = match said.filter(|t| !t.is_empty() && run.tale.status(&step.id) != Status::Pending) {
        Some(tail) => text::last_lines(tail, usize::from(areas.body.height))
            .lines()
            .map(|l| vec![(l.to_owned(), Role::Text)])
            .collect(),
        None => text_of(run, step, lang),
    };
    page(p, areas.body, &lines);
    None
}

fn words_of(p: &mut Painter<'_>, areas: &layout::Walk, run: &Run, step: &Step) {
    let lang = p.lang();
    let said = match (p.state.ui.typing, run.tale.outcome) {
        (true, _) => vec![(lang.walk_typing(), Tone::Loud)],
        (false, Some((outcome, at))) => {
            let took = Span((at - run.tale.began).max(0));
            vec![(lang.walk_over(words::run_outcome(lang, outcome), took), Tone::Plain)]
        }
        (false, None) if rows::done(run) => {
            let first = say::step(p.state, run, step).into_iter().take(1);
            first.chain([(lang.walk_done(), Tone::Calm)]).collect()
        }
        (false, None) => say::step(p.state, run, step),
    };
    let width = usize::from(areas.words.width.saturating_sub(2));
    let mut y = areas.words.y;
    let n = said.len();
    for (i, (sentence, tone)) in said.into_iter().enumerate() {
        let role = match tone {
            Tone::Calm => Role::Good,
            Tone::Plain => Role::Text,
            Tone::Loud => Role::Sev2,
        };
        // One sentence may take both lines; of two each has its own.
        let lines = if n == 1 { text::wrap(&sentence, width) } else { vec![sentence] };
        for line in lines.iter().take(usize::from(areas.words.height)) {
            if y < areas.words.bottom() && i < 2 {
                p.text(areas.words.x + 1, y, width as u16, line, role);
                y += 1;
            }
        }
    }
}

/// Lines in an area, wrapped; what does not fit is said.
fn page(p: &mut Painter<'_>, area: Rect, lines: &[Line]) {
    let width = usize::from(area.width.saturating_sub(2));
    let wrapped: Vec<Line> = lines.iter().flat_map(|l| crate::view::overlay::wrap(l, width)).collect();
    for (i, line) in wrapped.iter().take(usize::from(area.height)).enumerate() {
        let pieces: Vec<(&str, Role)> = line.iter().map(|(s, r)| (s.as_str(), *r)).collect();
        p.pieces(area.x + 1, area.y + i as u16, width as u16, &pieces);
    }
    let below = wrapped.len().saturating_sub(usize::from(area.height));
    if below > 0 && area.height > 0 {
        let more = format!(" {} [Enter] ", p.lang().more_below(below));
        p.right(Rect { width: area.width.saturating_sub(1), ..area }, area.bottom() - 1, &more, Role::Muted);
    }
}

/// What a step says, with what is known filled in.
pub(super) fn text_of(run: &Run, step: &Step, lang: Lang) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    let block = |out: &mut Vec<Line>, text: &str, role: Role| {
        for line in odd::marked(&plan::shown(run, text)).lines() {
            out.push(vec![("│ ".to_owned(), Role::Muted), (line.replace('\t', "    "), role)]);
        }
    };
    let said = |out: &mut Vec<Line>, label: String, text: &str| {
        out.push(vec![(format!("{label}: "), Role::Muted), (text.replace('\n', " · "), Role::Text)]);
    };
    for note in &step.notes {
        out.push(vec![(note.clone(), Role::Muted)]);
    }
    step.commands.iter().for_each(|c| block(&mut out, &c.text, Role::Text));
    if !step.expected.is_empty() {
        said(&mut out, lang.runbook_expected(), &step.expected);
    }
    for validation in &step.validations {
        said(&mut out, lang.runbook_validates(), &validation.expected);
        block(&mut out, &validation.command.text, Role::Muted);
    }
    if !step.if_fails.is_empty() {
        said(&mut out, lang.runbook_if_fails(), &step.if_fails.join(" · "));
    }
    for undo in &step.rollback {
        said(&mut out, lang.runbook_undo(), "");
        block(&mut out, &undo.text, Role::Muted);
    }
    if let Some(tale) = run.tale.step(&step.id) {
        for deviation in &tale.deviations {
            said(&mut out, lang.cmd_deviate(), deviation);
        }
    }
    if step.section == Section::Rollback && out.is_empty() {
        out.push(vec![(lang.runbook_manual(), Role::Muted)]);
    }
    out
}
