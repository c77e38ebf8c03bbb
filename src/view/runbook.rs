//! Procedures on the screen: the library, and one of them to be read.

use ratatui::layout::Rect;

use crate::engine::library::listed;
use crate::engine::library::suggested;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::exercised::Exercised;
use crate::model::runbook::Command;
use crate::model::runbook::Criticality;
use crate::model::runbook::Runbook;
use crate::model::runbook::Step;
use crate::model::runbook::Structure;
use crate::model::text;
use crate::runbook::odd;
use crate::theme::Role;
use crate::view::overlay::Line;
use crate::view::paint::Painter;

/// Lines of the list at the least: a box that jumps while somebody types is no rest for the eye.
const LEAST: usize = 8;

/// Files of the library that are no procedures, in its last line; how many lines that takes.
fn skipped(p: &mut Painter<'_>, area: Rect) -> u16 {
    let lang = p.lang();
    let files = std::sync::Arc::clone(&p.state.library.skipped);
    let Some((file, (es, en))) = files.first() else { return 0 };
    let why = if lang == Lang::Es { es } else { en };
    let name = file.rsplit('/').next().unwrap_or(file);
    let mut said = lang.runbook_skipped(name, why);
    if files.len() > 1 {
        said = format!("{said} · {}", lang.runbook_skipped_more(files.len() - 1));
    }
    p.text(area.x + 2, area.bottom() - 2, area.width - 4, &said, Role::Sev4);
    1
}

/// The library: what is typed narrows it; what fits now stands first, with its reason.
pub(super) fn library(p: &mut Painter<'_>, screen: Rect, typed: &str, before: &str, at: usize) -> Option<(u16, u16)> {
    let lang = p.lang();
    let width = screen.width.min(110);
    let most = screen.height.saturating_sub(3);
    if width < 30 || most < 6 {
        return None;
    }
    let state = p.state;
    let found = listed(state, typed);
    let reasons = suggested(state);
    // Two lines where there is a reason, one otherwise.
    let tall = |i: &usize| 1 + usize::from(reasons.iter().any(|s| s.book == *i));
    let wanted = found.iter().map(tall).sum::<usize>().max(LEAST) + 3;
    let height = u16::try_from(wanted).unwrap_or(most).min(most);
    let area = Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + 2, width, height };
    p.clear(area);
    p.frame(area);
    let title = format!(" {} · {} ", lang.page_runbooks(), found.len());
    p.text(area.x + 2, area.y, width - 4, &title, Role::Focus);
    let used = p.text(area.x + 2, area.y + 1, width - 4, "/ ", Role::Key);
    p.text(area.x + 2 + used, area.y + 1, width - 4 - used, typed, Role::Text);
    let skipped = skipped(p, area);
    let rows = usize::from(height - 3 - skipped);
    if found.is_empty() {
        let words = if state.library.books.is_empty() { lang.runbooks_none() } else { lang.runbooks_no_match() };
        p.text(area.x + 2, area.y + 2, width - 4, &words, Role::Muted);
    }
    // The selected one stays in sight.
    let at = at.min(found.len().saturating_sub(1));
    let mut from = 0;
    while found.iter().skip(from).take(at + 1 - from).map(tall).sum::<usize>() > rows && from < at {
        from += 1;
    }
    let id = found.iter().filter_map(|i| state.library.books.get(*i)).map(|b| text::width(&b.says.id)).max();
    let id = id.unwrap_or(0).clamp(6, 24);
    let mut y = area.y + 2;
    for (n, place) in found.iter().enumerate().skip(from) {
        let Some(book) = state.library.books.get(*place) else { continue };
        if y + tall(place) as u16 > area.bottom() - 1 - skipped {
            break;
        }
        let mark = if n == at { "> " } else { "  " };
        let right = side(&book.says, book.overdue, state.library.exercised.get(&book.says.id), lang);
        let room = usize::from(width - 4).saturating_sub(id + 5 + text::width(&right));
        let pieces = [
            (mark.to_owned(), Role::Key),
            (text::pad(&book.says.id, id), Role::Text),
            ("  ".to_owned(), Role::Text),
            (text::pad(&book.says.title, room), Role::Text),
            (format!(" {right}"), if book.overdue.is_some() { Role::Sev4 } else { Role::Muted }),
        ];
        let pieces: Vec<(&str, Role)> = pieces.iter().map(|(s, r)| (s.as_str(), *r)).collect();
        p.pieces(area.x + 2, y, width - 4, &pieces);
        if n == at {
            p.select(Rect { x: area.x + 1, width: width - 2, ..area }, y);
        }
        y += 1;
        if let Some(s) = reasons.iter().find(|s| s.book == *place) {
            p.text(
                area.x + 2 + 4 + id as u16,
                y,
                width.saturating_sub(8 + id as u16),
                &s.reason.words(lang),
                Role::Muted,
            );
            y += 1;
        }
    }
    let close = format!(" {} ", lang.runbooks_keys());
    p.right(Rect { width: width - 2, ..area }, area.bottom() - 1, &close, Role::Muted);
    Some((area.x + 2 + used + text::width(before) as u16, area.y + 1))
}

/// How bad it may be, how long it takes, and that nobody has read it for long.
fn side(book: &Runbook, overdue: Option<i64>, exercised: Option<&Exercised>, lang: Lang) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(exercised.filter(|e| e.runs > 0).map(|e| lang.runbook_ran(e.ok, e.runs)));
    parts.extend(book.criticality.map(|c| c.word().to_owned()));
    parts.extend(book.minutes.map(|m| lang.runbook_minutes(m.round())));
    parts.extend(overdue.map(|days| lang.runbook_overdue(days)));
    parts.join(" · ")
}

/// The title and the lines of one procedure.
pub(super) fn lines(p: &Painter<'_>, book: usize) -> Option<(String, Vec<Line>)> {
    let lang = p.lang();
    let book = p.state.library.books.get(book)?;
    let says = &book.says;
    let mut out: Vec<Line> = vec![vec![(says.title.clone(), Role::Title)]];
    let facts = side(says, book.overdue, p.state.library.exercised.get(&says.id), lang);
    if !facts.is_empty() {
        out.push(vec![(facts, if book.overdue.is_some() { Role::Sev4 } else { Role::Muted })]);
    }
    match says.structure {
        Structure::Steps => {}
        Structure::None => out.push(vec![(lang.runbook_structure_none(), Role::Unknown)]),
        Structure::Headings => out.push(vec![(lang.runbook_structure_headings(), Role::Unknown)]),
        Structure::Lists => out.push(vec![(lang.runbook_structure_lists(), Role::Muted)]),
    }
    list(&mut out, &lang.runbook_needs(), says.prerequisites.iter().map(|i| i.text.as_str()));
    let mut section = None;
    for step in &says.steps {
        if section != Some(step.section) {
            section = Some(step.section);
            out.push(Vec::new());
            out.push(vec![(words::section(lang, step.section), Role::Title)]);
        }
        one(&mut out, step, lang);
    }
    list(&mut out, &lang.runbook_triggers(), says.triggers.iter().map(|i| i.text.as_str()));
    for trouble in &says.troubles {
        list(&mut out, &trouble.title, trouble.symptoms.iter().map(String::as_str));
        if !trouble.cause.is_empty() {
            out.push(vec![(format!("  {}", trouble.cause), Role::Muted)]);
        }
        trouble.commands.iter().for_each(|c| code(&mut out, c, Role::Text));
    }
    list(&mut out, &lang.todo_call(), says.contacts.iter().map(|c| c.role.as_str()));
    out.push(Vec::new());
    out.push(vec![(book.path.clone(), Role::Muted)]);
    Some((says.id.clone(), out))
}

fn list<'a>(out: &mut Vec<Line>, title: &str, items: impl Iterator<Item = &'a str>) {
    let items: Vec<&str> = items.collect();
    if items.is_empty() {
        return;
    }
    out.push(Vec::new());
    out.push(vec![(title.to_owned(), Role::Title)]);
    out.extend(items.into_iter().map(|i| vec![("  - ".to_owned(), Role::Muted), (i.to_owned(), Role::Text)]));
}

fn code(out: &mut Vec<Line>, command: &Command, role: Role) {
    for line in odd::marked(&command.text).lines() {
        out.push(vec![("     │ ".to_owned(), Role::Muted), (line.replace('\t', "    "), role)]);
    }
}

fn one(out: &mut Vec<Line>, step: &Step, lang: Lang) {
    let mut title = vec![(text::pad(&format!(" {}", step.id), 5), Role::Key), (step.title.clone(), Role::Text)];
    let mut facts: Vec<String> = Vec::new();
    facts.extend(step.criticality.filter(|c| *c >= Criticality::Alta).map(|c| c.word().to_owned()));
    facts.extend(step.minutes.map(|m| lang.runbook_minutes(m)));
    if !facts.is_empty() {
        title = vec![title[0].clone(), (format!("{}  · {}", step.title, facts.join(" · ")), Role::Text)];
    }
    out.push(title);
    if step.manual() {
        out.push(vec![("     ".to_owned(), Role::Text), (lang.runbook_manual(), Role::Muted)]);
    }
    step.commands.iter().for_each(|c| code(out, c, Role::Text));
    let said = |out: &mut Vec<Line>, label: String, text: &str| {
        out.push(vec![(format!("     {label}: "), Role::Muted), (text.replace('\n', " · "), Role::Text)]);
    };
    if !step.expected.is_empty() {
        said(out, lang.runbook_expected(), &step.expected);
    }
    for validation in &step.validations {
        said(out, lang.runbook_validates(), &validation.expected);
        code(out, &validation.command, Role::Muted);
    }
    if !step.if_fails.is_empty() {
        said(out, lang.runbook_if_fails(), &step.if_fails.join(" · "));
    }
    for undo in &step.rollback {
        said(out, lang.runbook_undo(), "");
        code(out, undo, Role::Muted);
    }
}
