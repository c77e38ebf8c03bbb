//! What to do: procedures that fit what is happening, best first with the reason; then whom to call.

use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::library::Suggestion;
use crate::engine::run::Found;
use crate::engine::run::Run;
use crate::engine::run::rows;
use crate::engine::sentence::sentence;
use crate::engine::settings::Contact;
use crate::engine::todo;
use crate::engine::todo::Item;
use crate::lang::Lang;
use crate::layout::Pane;
use crate::model::run::Status;
use crate::model::text;
use crate::theme::Role;
use crate::view::paint::Painter;

/// With fewer rows than this for the reasons, only those that WHAT does not say already, without a title.
const WHY_ROWS: u16 = 4;

/// The reasons below the contacts, where there is room.
fn why(p: &mut Painter<'_>, area: Rect, used: u16) {
    let room = area.height.saturating_sub(used);
    let state = p.shown();
    let findings = &state.verdict.findings;
    let short = room < WHY_ROWS;
    if room == 0 || findings.len() <= usize::from(short) {
        return;
    }
    let lang = p.lang();
    let mut y = area.y + used;
    if short {
        // What WHAT says already is left out: these come beside it.
        y -= 1;
        p.text(area.x, y, area.width, &lang.todo_also(), Role::Title);
    } else {
        p.text(area.x, y, area.width, &lang.todo_why(), Role::Title);
    }
    let all = findings.len() - usize::from(short);
    for (said, f) in findings.iter().skip(usize::from(short)).enumerate() {
        let indent = 16;
        if y + 2 >= area.bottom() && said + 1 < all {
            y += 1;
            if y < area.bottom() {
                let more = format!("{} [s]", lang.more_below(all - said));
                p.text(area.x + 2, y, area.width.saturating_sub(2), &more, Role::Muted);
            }
            return;
        }
        let lines = text::wrap(&sentence(lang, f), usize::from(area.width.saturating_sub(indent)));
        for (i, line) in lines.iter().enumerate() {
            y += 1;
            if y >= area.bottom() {
                return;
            }
            if i == 0 {
                p.text(area.x + 2, y, 7, f.level.word(), Role::of(f.level));
                p.text(area.x + 10, y, 6, &state.settings.zone.hm(f.since), Role::Muted);
            }
            p.text(area.x + indent, y, area.width.saturating_sub(indent), line, Role::Text);
        }
    }
}

/// One thing that can be selected, and the lines below it.
#[derive(Clone)]
struct Row {
    /// Its pieces.
    pieces: Vec<(String, Role)>,
    /// What stands at its end while it is selected.
    hint: String,
    /// Why it stands here.
    reason: Option<String>,
}

pub(super) fn draw(p: &mut Painter<'_>, area: Rect) {
    let state = p.shown();
    let lang = p.lang();
    let items = todo::items(state);
    if items.is_empty() {
        p.text(area.x, area.y, area.width, &lang.todo_no_contacts(), Role::Muted);
        return;
    }
    let focused = p.state.ui.focus == Pane::Todo;
    let at = p.state.ui.selected[Pane::Todo.index()];
    let mut nth = 0;
    let contacts = contacts(p);
    let rows: Vec<Row> = items
        .iter()
        .filter_map(|item| match item {
            Item::Walk => state.run.as_deref().map(|r| walked(r, lang)),
            Item::Left(at) => state.runs.get(*at).map(|found| left(found, lang)),
            Item::Book(suggestion) => {
                nth += 1;
                book(state, suggestion, nth)
            }
            Item::Contact(at) => contacts.get(*at).cloned(),
        })
        .collect();
    let n = items.iter().position(|i| matches!(i, Item::Contact(_))).unwrap_or(usize::MAX);
    // Lines in all: a reason below a procedure, a title above the contacts.
    let height = |i: usize, row: &Row| u16::from(row.reason.is_some()) + 1 + u16::from(i == n);
    let from = if focused { scrolled(&rows, at, area.height, height) } else { 0 };
    let mut y = area.y;
    for (i, row) in rows.iter().enumerate().skip(from) {
        if y >= area.bottom() {
            return;
        }
        if i == n {
            p.text(area.x, y, area.width, &lang.todo_call(), Role::Title);
            y += 1;
        }
        if y >= area.bottom() {
            return;
        }
        let mark = if focused && i == at { "> " } else { "  " };
        let pieces: Vec<(&str, Role)> =
            std::iter::once((mark, Role::Key)).chain(row.pieces.iter().map(|(s, r)| (s.as_str(), *r))).collect();
        let used = p.pieces(area.x, y, area.width, &pieces);
        if focused && i == at {
            p.select(area, y);
            if used + text::width(&row.hint) as u16 + 2 <= area.width {
                p.right(area, y, &row.hint, Role::Muted);
            }
        }
        y += 1;
        if let Some(reason) = row.reason.as_ref().filter(|_| y < area.bottom()) {
            p.text(area.x + 5, y, area.width.saturating_sub(5), reason, Role::Muted);
            y += 1;
        }
    }
    why(p, area, y - area.y + 1);
}

/// The walk that goes on here.
fn walked(run: &Run, lang: Lang) -> Row {
    let (done, all) = rows::progress(run);
    let reason = match &run.tale.open {
        Some((_, step)) => lang.todo_walk_running(step),
        None => lang.todo_walk_open(),
    };
    let pieces = vec![
        ("►  ".to_owned(), Role::Key),
        (lang.todo_walk(&run.book.id, done, all), Role::Text),
        (format!("  {}", run.book.title), Role::Text),
    ];
    Row { pieces, hint: lang.todo_back(), reason: Some(reason) }
}

/// One that was left.
fn left(found: &Found, lang: Lang) -> Row {
    let (tale, alive) = (&found.tale, found.alive);
    let unknown = tale.steps.iter().find(|(_, s)| s.status == Status::Unknown).map(|(id, _)| id);
    let reason = match (&tale.open, unknown) {
        _ if found.driven => lang.todo_left_driven(&tale.head.who),
        (Some((_, step)), _) if alive => lang.todo_left_running(step, &tale.head.who),
        (_, Some(step)) => lang.todo_left_unknown(step),
        _ => lang.todo_left_open(&tale.head.who),
    };
    let role = if unknown.is_some() { Role::Unknown } else { Role::Text };
    let pieces = vec![
        ("►  ".to_owned(), Role::Key),
        (format!("{}  ", tale.head.runbook), role),
        (tale.head.title.clone(), Role::Text),
    ];
    Row { pieces, hint: lang.todo_back(), reason: Some(reason) }
}

/// A procedure that fits.
fn book(state: &State, suggestion: &Suggestion, nth: usize) -> Option<Row> {
    let lang = state.settings.lang;
    let book = state.library.books.get(suggestion.book)?;
    let minutes = book.says.minutes.map(|m| format!("  {}", lang.runbook_minutes(m.round()))).unwrap_or_default();
    let ran = state.library.exercised.get(&book.says.id).filter(|e| e.runs > 0);
    let pieces = vec![
        (format!("{nth}  "), Role::Key),
        (format!("{}  ", book.says.id), Role::Text),
        (book.says.title.clone(), Role::Text),
        (minutes, Role::Muted),
        (ran.map(|e| format!("  {}", lang.runbook_ran(e.ok, e.runs))).unwrap_or_default(), Role::Muted),
    ];
    Some(Row { pieces, hint: lang.todo_read(), reason: Some(suggestion.reason.words(lang)) })
}

/// The first row that is drawn, so that the selected one is in sight.
fn scrolled(rows: &[Row], at: usize, room: u16, height: impl Fn(usize, &Row) -> u16) -> usize {
    let at = at.min(rows.len().saturating_sub(1));
    let mut from = 0;
    let lines = |from: usize| -> u16 {
        rows.iter().enumerate().skip(from).take(at + 1 - from).map(|(i, r)| height(i, r)).sum()
    };
    while from < at && lines(from) > room {
        from += 1;
    }
    from
}

/// Whom to call.
fn contacts(p: &Painter<'_>) -> Vec<Row> {
    let lang = p.lang();
    let contacts = &p.shown().settings.contacts;
    let role_width = contacts.iter().map(|c| text::width(&c.role)).max().unwrap_or(0).min(20);
    let name_width = contacts.iter().map(|c| text::width(&c.name)).max().unwrap_or(0).min(24);
    let row = |c: &Contact| Row {
        pieces: vec![
            (text::pad(&c.role, role_width), Role::Text),
            ("  ".to_owned(), Role::Text),
            (text::pad(&c.name, name_width), Role::Text),
            ("  ".to_owned(), Role::Text),
            (c.how.clone(), Role::Muted),
        ],
        hint: lang.todo_copy(),
        reason: None,
    };
    contacts.iter().map(row).collect()
}
