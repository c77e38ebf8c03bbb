//! The cards of a walk: what would be done, before it is.

use ratatui::layout::Rect;

use crate::engine::run::Run;
use crate::engine::run::ask::Ask;
use crate::engine::run::ask::Wrong;
use crate::engine::run::card::Demand;
use crate::engine::run::card::Doing;
use crate::engine::run::card::RunCard;
use crate::engine::run::card_text::Weight;
use crate::engine::run::card_text::lines as lines_of;
use crate::engine::run::words::Purpose;
use crate::engine::run::words::Words;
use crate::engine::unsaved;
use crate::model::runbook::Criticality;
use crate::model::runbook::InputKind;
use crate::model::text;
use crate::runbook::odd;
use crate::theme::Role;
use crate::view::overlay::Line;
use crate::view::overlay::boxed;
use crate::view::paint::Painter;
use crate::view::walk;

/// The last line of the screen is where things are typed.
fn typed(p: &mut Painter<'_>, screen: Rect, label: &str, text: &str, before: &str) -> (u16, u16) {
    let row = Rect { y: screen.bottom().saturating_sub(1), height: 1, ..screen };
    p.clear(row);
    let used = p.text(row.x + 1, row.y, row.width, &format!("{label} "), Role::Notice) + 1;
    p.text(row.x + used, row.y, row.width.saturating_sub(used), text, Role::Text);
    (row.x + used + text::width(before) as u16, row.y)
}

/// A card: letters are for what is asked, so only arrows move it.
fn page(p: &mut Painter<'_>, screen: Rect, title: &str, lines: &[Line], at: usize) {
    let close = p.lang().card_close();
    boxed(p, screen, title, lines, at, &close);
}

fn keys(p: &mut Painter<'_>, screen: Rect, words: &str) {
    let row = Rect { y: screen.bottom().saturating_sub(1), height: 1, ..screen };
    p.clear(row);
    p.text(row.x + 1, row.y, row.width.saturating_sub(1), words, Role::Notice);
}

/// A procedure is about to be walked.
pub(super) fn begin(p: &mut Painter<'_>, screen: Rect, book: usize) {
    let lang = p.lang();
    let state = p.state;
    let Some(book) = state.library.books.get(book) else { return };
    let says = &book.says;
    let minutes = says.minutes.map(|m| format!(", {}", lang.runbook_minutes(m.round()))).unwrap_or_default();
    let mut lines: Vec<Line> = vec![vec![(says.title.clone(), Role::Title)]];
    let steps = match crate::engine::run::proper(says) {
        1 => lang.card_begin_step(minutes),
        n => lang.card_begin_steps(n, minutes),
    };
    let critical = says.criticality.map(|c| format!(" · {}", c.word())).unwrap_or_default();
    lines.push(vec![(format!("{steps}{critical}"), Role::Text)]);
    if !state.settings.environment.is_empty() {
        let role = if state.settings.production() { Role::Production } else { Role::Text };
        lines.push(vec![(
            format!(" {} ", lang.card_begin_environment(state.settings.environment.to_uppercase())),
            role,
        )]);
    }
    lines.push(vec![match &state.record.incident {
        Some(incident) => (lang.card_begin_incident(&incident.id), Role::Text),
        None => (lang.card_begin_no_incident(), Role::Muted),
    }]);
    let approval =
        says.front.get(&["aprobacion", "approval", "aprobadores", "approvers", "aprobado_por", "approved_by"]);
    if let Some(who) = approval.filter(|_| says.criticality == Some(Criticality::Critica)) {
        lines.push(vec![(lang.card_begin_approval(who), Role::Sev3)]);
    }
    if book.loose {
        lines.push(vec![(lang.runbook_loose(&book.path), Role::Sev2)]);
    }
    if let Some(days) = book.overdue {
        lines.push(vec![(lang.runbook_overdue(days), Role::Sev4)]);
    }
    for input in says.front.inputs.iter().filter(|i| !i.command.is_empty()) {
        let runs = crate::engine::run::value::only_looks(&input.command);
        let head = if runs { lang.card_begin_asks(&input.name) } else { lang.card_begin_asks_not(&input.name) };
        lines.push(vec![(head, if runs { Role::Text } else { Role::Sev2 })]);
        for line in odd::marked(&input.command).lines() {
            lines.push(vec![("  │ ".to_owned(), Role::Muted), (line.replace('\t', "    "), Role::Text)]);
        }
    }
    lines.push(Vec::new());
    lines.push(vec![(lang.card_begin_nothing(), Role::Muted)]);
    page(p, screen, &format!("{} · {}", lang.card_begin(), says.id), &lines, 0);
    keys(p, screen, &lang.card_begin_keys());
}

/// What has to be there first.
pub(super) fn checks(p: &mut Painter<'_>, screen: Rect, run: &Run, at: usize) {
    let lang = p.lang();
    let lines = walk::items(run, lang, Some(at));
    // The selected one stays in sight, whatever wraps above it.
    page(p, screen, &lang.walk_checks(), &lines, at.saturating_sub(4));
    keys(p, screen, &lang.card_checks_keys());
}

/// A second person has to agree.
pub(super) fn approval(p: &mut Painter<'_>, screen: Rect, run: &Run) {
    let lang = p.lang();
    let lines = vec![vec![(lang.card_approval_text(&run.book.id), Role::Text)]];
    page(p, screen, &lang.card_approval(), &lines, 0);
    keys(p, screen, &lang.card_approval_keys());
}

/// Something is about to be run.
pub(super) fn run_card(p: &mut Painter<'_>, screen: Rect, run: &Run, card: &RunCard) -> Option<(u16, u16)> {
    let lang = p.lang();
    let step = run.step(card.step)?;
    let title = match card.doing {
        Doing::Undo => lang.card_undo_step(&step.id),
        _ => lang.card_run(&step.id),
    };
    let lines = card_lines(p, run, card);
    page(p, screen, &title, &lines, card.scroll);
    let label = match &card.demand {
        Demand::Key => {
            keys(p, screen, &lang.card_type_key());
            return None;
        }
        Demand::Number(text) => lang.card_type_number(text),
        Demand::Word(text) => lang.card_type_word(text),
        Demand::Lost(text) => lang.card_type_database(text),
    };
    let label = if card.unread() { lang.card_read_on() } else { label };
    let label = if card.wrong { format!("{} {label}", lang.card_type_wrong()) } else { label };
    Some(typed(p, screen, &label, card.typed.text(), &card.typed.before_cursor()))
}

fn card_lines(p: &Painter<'_>, run: &Run, card: &RunCard) -> Vec<Line> {
    lines_of(p.state, run, card)
        .into_iter()
        .map(|line| line.into_iter().map(|(text, tone)| (text, role(tone))).collect())
        .collect()
}
/// How a line of a card is drawn.
fn role(tone: Weight) -> Role {
    match tone {
        Weight::Plain => Role::Text,
        Weight::Muted => Role::Muted,
        Weight::Title => Role::Title,
        Weight::Warning => Role::Sev3,
        Weight::Loud => Role::Sev2,
        Weight::Loss => Role::Sev1,
    }
}

/// A value is being typed.
pub(super) fn value(p: &mut Painter<'_>, screen: Rect, ask: &Ask) -> Option<(u16, u16)> {
    let lang = p.lang();
    let wish = ask.wishes.first()?;
    let input = &wish.input;
    let mut lines: Vec<Line> = Vec::new();
    if !input.label.is_empty() {
        lines.push(vec![(input.label.clone(), Role::Title)]);
    }
    lines.push(vec![(input.name.clone(), Role::Key)]);
    if !input.choices.is_empty() {
        lines.push(vec![(lang.card_value_choices(input.choices.join(", ")), Role::Text)]);
    }
    if input.kind == InputKind::Number {
        lines.push(vec![(lang.card_value_number(), Role::Text)]);
    }
    if let Some(wrong) = ask.wrong {
        let words = match wrong {
            Wrong::NotNumber => lang.card_value_wrong_number(),
            Wrong::NotChoice => lang.card_value_wrong_choice(),
            Wrong::Unsafe => lang.card_value_wrong_unsafe(),
            Wrong::Empty => lang.card_value_wrong_empty(),
        };
        lines.push(vec![(words, Role::Sev2)]);
    }
    page(p, screen, &lang.card_value(), &lines, 0);
    if input.secret {
        return Some(typed(p, screen, &lang.card_value_secret(&input.name), "", ""));
    }
    Some(typed(p, screen, &lang.card_value_of(&input.name), ask.typed.text(), &ask.typed.before_cursor()))
}

/// Words are being typed.
pub(super) fn words(p: &mut Painter<'_>, screen: Rect, run: &Run, words: &Words) -> (u16, u16) {
    let lang = p.lang();
    let id = |at: &usize| run.step(*at).map(|s| s.id.clone()).unwrap_or_default();
    let title = match &words.purpose {
        Purpose::Skip(at) => lang.card_words_skip(id(at)),
        Purpose::Pass => lang.card_words_pass(),
        Purpose::Deviate(at) => lang.card_words_deviate(id(at)),
        Purpose::Approve => lang.card_words_approve(),
        Purpose::BreakGlass => lang.card_words_break(),
        Purpose::GoOn(at) => lang.card_words_go_on(id(at)),
        Purpose::Leave => lang.card_words_leave(),
    };
    let lines = vec![vec![(lang.card_words_keys(), Role::Muted)]];
    page(p, screen, &title, &lines, 0);
    typed(p, screen, ">", words.typed.text(), &words.typed.before_cursor())
}

/// A step runs, and would go on alone.
pub(super) fn quit(p: &mut Painter<'_>, screen: Rect, run: &Run) {
    let lang = p.lang();
    let step = run.tale.open.as_ref().map(|(_, s)| s.clone()).unwrap_or_default();
    let lines = vec![vec![(lang.card_quit_text(&run.book.id, step), Role::Text)]];
    page(p, screen, &lang.card_quit(), &lines, 0);
    keys(p, screen, &lang.card_quit_keys());
}

/// Entries would be left behind.
pub(super) fn unsaved(p: &mut Painter<'_>, screen: Rect) {
    let (lang, state) = (p.lang(), p.state);
    let why = state.record.problem.clone().unwrap_or_default();
    let lines = vec![vec![(lang.card_unsaved_text(unsaved::at_risk(state), why), Role::Text)]];
    page(p, screen, &lang.card_unsaved(), &lines, 0);
    keys(p, screen, &lang.card_quit_keys());
}

/// Whom to call: the house's list, and the procedure's own.
pub(super) fn call(p: &Painter<'_>, run: Option<&Run>) -> Vec<Line> {
    let contacts = &p.state.settings.contacts;
    let mut lines: Vec<Line> = contacts
        .iter()
        .map(|c| {
            vec![
                (text::pad(&c.role, 16), Role::Title),
                (text::pad(&c.name, 22), Role::Text),
                (c.how.clone(), Role::Text),
            ]
        })
        .collect();
    if let Some(run) = run.filter(|r| !r.book.contacts.is_empty()) {
        lines.push(Vec::new());
        lines.push(vec![(run.book.id.clone(), Role::Muted)]);
        for contact in &run.book.contacts {
            lines.push(vec![(text::pad(&contact.role, 16), Role::Title), (contact.name.clone(), Role::Text)]);
        }
    }
    if lines.is_empty() {
        lines.push(vec![(p.lang().todo_no_contacts(), Role::Muted)]);
    }
    lines
}
