//! What the card before a change says, line by line: where, what would be lost, what is run, what is checked, what undoes
//! it. A person confirms what they have read, so what there is to read is known here.

use crate::engine::run::Run;
use crate::engine::run::card::Doing;
use crate::engine::run::card::RunCard;
use crate::engine::run::card::destroys;
use crate::engine::run::card::odd as odd_of;
use crate::engine::run::plan;
use crate::engine::run::say;
use crate::engine::state::State;
use crate::layout;
use crate::runbook::odd;

/// How loud a piece of a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// To be read.
    #[default]
    Plain,
    /// Beside the matter.
    Muted,
    /// What follows.
    Title,
    /// To be thought of.
    Warning,
    /// Not to be overlooked.
    Loud,
    /// Something is lost by it.
    Loss,
}

/// A line in pieces.
pub type Line = Vec<(String, Weight)>;

/// Is the last line on a screen of this size, scrolled as the card is?
#[must_use]
pub fn end_in_sight(state: &State, run: &Run, card: &RunCard) -> bool {
    let Some((width, rows)) = layout::page_text(state.ui.size) else { return false };
    let total: usize = lines(state, run, card).iter().map(|l| layout::wrapped(l, width).len()).sum();
    card.scroll + rows >= total
}

/// The lines of a card.
#[must_use]
pub fn lines(state: &State, run: &Run, card: &RunCard) -> Vec<Line> {
    let lang = state.settings.lang;
    let Some(step) = run.step(card.step) else { return Vec::new() };
    let head = &run.tale.head;
    let mut lines: Vec<Line> = vec![vec![(step.title.clone(), Weight::Title)]];
    lines.push(vec![(lang.card_where(&head.host, &head.user), Weight::Plain)]);
    let others = say::elsewhere(run, step);
    if !step.host.is_empty() && others.contains(&step.host) {
        lines.push(vec![(lang.card_where_wrong(&step.host, &head.host), Weight::Loud)]);
    }
    let reached: Vec<String> = others.into_iter().filter(|h| *h != step.host).collect();
    if !reached.is_empty() {
        lines.push(vec![(lang.card_where_else(reached.join(", ")), Weight::Loud)]);
    }
    if destroys(step, card.step, card.doing) {
        let said = match &run.backup {
            Some((file, at)) => {
                let zone = state.settings.zone;
                let ago = crate::model::time::Span((state.now.wall - at).max(0));
                lang.card_loses_since(zone.hm(*at), ago, file)
            }
            None => lang.card_loses(),
        };
        lines.push(vec![(said, Weight::Loss)]);
    }
    let names = odd_of(step, card.step, card.doing);
    if !names.is_empty() {
        lines.push(vec![(lang.card_odd(names.join(", ")), Weight::Loss)]);
    }
    let block = |lines: &mut Vec<Line>, text: &str, role: Weight| {
        for line in odd::marked(&plan::shown(run, text)).lines() {
            lines.push(vec![("  │ ".to_owned(), Weight::Muted), (line.replace('\t', "    "), role)]);
        }
    };
    lines.push(vec![(lang.card_runs(), Weight::Title)]);
    let commands = if card.doing == Doing::Undo { &step.rollback } else { &step.commands };
    for command in commands {
        block(&mut lines, &command.text, Weight::Plain);
    }
    if card.doing == Doing::Undo {
        return lines;
    }
    if !step.expected.is_empty() {
        lines.push(vec![(lang.card_wants(), Weight::Title)]);
        lines.push(vec![("  ".to_owned(), Weight::Plain), (step.expected.replace('\n', " · "), Weight::Plain)]);
    }
    if !step.validations.is_empty() {
        lines.push(vec![(lang.card_then(), Weight::Title)]);
        for validation in &step.validations {
            block(&mut lines, &validation.command.text, Weight::Muted);
            if !validation.expected.is_empty() {
                lines.push(vec![
                    ("  = ".to_owned(), Weight::Muted),
                    (validation.expected.replace('\n', " · "), Weight::Plain),
                ]);
            }
        }
    }
    lines.push(vec![(lang.card_undoes(), Weight::Title)]);
    if step.rollback.is_empty() {
        lines.push(vec![("  ".to_owned(), Weight::Plain), (lang.card_no_undo(), Weight::Warning)]);
    }
    for command in &step.rollback {
        block(&mut lines, &command.text, Weight::Muted);
    }
    lines
}
