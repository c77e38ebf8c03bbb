//! What of a step is run, in which order, and what it lacks before it can be.

use std::collections::BTreeMap;

use crate::engine::run::Run;
use crate::engine::run::Wanted;
use crate::model::credential::HIDDEN;
use crate::model::run::Part;
use crate::model::runbook::Command;
use crate::model::runbook::Input;
use crate::model::runbook::Runbook;
use crate::model::runbook::Section;
use crate::model::runbook::Step;
use crate::runbook::danger;
use crate::runbook::fences;
use crate::runbook::placeholder;
use crate::runbook::variables;

/// Letters that a value for a placeholder may have: it stands in the text itself, and must mean the same in and out of
/// quotes.
const PLAIN: &str = "._/:@%+=,-";

/// Does a shell run it?
#[must_use]
pub fn is_shell(command: &Command) -> bool {
    fences::is_shell(&command.shell)
}

/// The commands of a part.
#[must_use]
pub fn command(step: &Step, part: Part) -> Option<&Command> {
    match part {
        Part::Command(n) => step.commands.get(n),
        Part::Validation(n) => step.validations.get(n).map(|v| &v.command),
        Part::Undo(n) => step.rollback.get(n),
    }
}

/// What is run for a step, in order: what it does, then what says that it worked.
#[must_use]
pub fn doing(step: &Step, at: usize) -> Vec<Wanted> {
    let commands = (0..step.commands.len()).map(Part::Command);
    commands.map(|part| Wanted { step: at, part }).chain(validating(step, at)).collect()
}

/// What says that a step worked.
#[must_use]
pub fn validating(step: &Step, at: usize) -> Vec<Wanted> {
    (0..step.validations.len()).map(|n| Wanted { step: at, part: Part::Validation(n) }).collect()
}

/// What undoes a step.
#[must_use]
pub fn undoing(step: &Step, at: usize) -> Vec<Wanted> {
    (0..step.rollback.len()).map(|n| Wanted { step: at, part: Part::Undo(n) }).collect()
}

/// Variables that a procedure speaks of, anywhere.
#[must_use]
pub fn names(book: &Runbook) -> Vec<String> {
    let mut names: Vec<String> = book.front.inputs.iter().map(|i| i.name.clone()).collect();
    for text in blocks(book).map(|c| &c.text) {
        names.extend(variables::used(text).into_iter().map(|u| u.name));
    }
    names.extend(book.steps.iter().filter_map(|s| s.when.as_ref()).map(|w| w.name.clone()));
    names.sort_unstable();
    names.dedup();
    names
}

fn blocks(book: &Runbook) -> impl Iterator<Item = &Command> {
    book.steps.iter().flat_map(of_step)
}

fn of_step(step: &Step) -> impl Iterator<Item = &Command> {
    step.commands.iter().chain(step.validations.iter().map(|v| &v.command)).chain(&step.rollback)
}

/// What some blocks lack: variables that nobody has said, and placeholders that nobody has filled in. `known` has the
/// variables that there are; what a block makes is there for the next.
#[must_use]
pub fn missing<'a>(
    commands: impl Iterator<Item = &'a Command>,
    known: impl Fn(&str) -> bool,
    fills: &BTreeMap<String, String>,
    inputs: &[Input],
) -> Vec<String> {
    let mut made: Vec<String> = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for command in commands.filter(|c| is_shell(c)) {
        // What is declared is asked for in whatever form it is used.
        let declared = inputs.iter().map(|i| &i.name).filter(|n| variables::mentions(&command.text, n)).cloned();
        for name in variables::wanted(&command.text).into_iter().chain(declared) {
            if !known(&name) && !made.contains(&name) && !missing.contains(&name) {
                missing.push(name);
            }
        }
        made.extend(variables::made(&command.text));
        for found in placeholder::find(&command.text).into_iter().filter(|p| !p.literal) {
            if !fills.contains_key(&found.text) && !missing.contains(&found.text) {
                missing.push(found.text);
            }
        }
    }
    missing
}

/// The text of a block with its placeholders filled in.
#[must_use]
pub fn filled(text: &str, fills: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for found in placeholder::find(text) {
        if let Some(value) = fills.get(&found.text) {
            out.push_str(text.get(at..found.at.start).unwrap_or_default());
            out.push_str(value);
            at = found.at.end;
        }
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// May it stand in a command, in quotes and out of them?
#[must_use]
pub fn fits(value: &str) -> bool {
    !value.is_empty() && !value.starts_with('-') && value.chars().all(|c| c.is_alphanumeric() || PLAIN.contains(c))
}

/// The commands as a person reads them: what is known in its place, what is secret hidden.
#[must_use]
pub fn shown(run: &Run, text: &str) -> String {
    // A reference is no secret: it says more than dots do.
    variables::filled(&filled(text, &run.fills), |name| run.value(name).filter(|v| *v != HIDDEN))
}

/// Does a part of a step take data away? What its commands do, whatever the document calls it; and what it calls so.
#[must_use]
pub fn destroys(step: &Step, part: Part) -> bool {
    let says = matches!(part, Part::Command(_)) && step.loses == Some(true);
    says || command(step, part).is_some_and(|c| is_shell(c) && danger::destroys(&c.text))
}

/// Does a part of a step change anything?
#[must_use]
pub fn changes(step: &Step, part: Part) -> bool {
    command(step, part).is_some_and(|c| is_shell(c) && danger::changes(&c.text))
}

/// What a part of a step would take away, where its commands name it, with what is known filled in.
#[must_use]
pub fn lost(run: &Run, step: &Step, part: Part) -> Option<String> {
    let command = command(step, part).filter(|c| is_shell(c))?;
    let found = danger::danger(&shown(run, &command.text));
    found.lost.filter(|_| found.grade == danger::Grade::Destroys)
}

/// The places of the steps in the order in which they are walked: what is checked first, the procedure, whether it
/// worked, what is left to do. The way back is walked only when it is asked for.
#[must_use]
pub fn order(book: &Runbook) -> Vec<usize> {
    let sections = [Section::Preflight, Section::Steps, Section::Validation, Section::Post];
    let of = |section: Section| book.steps.iter().enumerate().filter(move |(_, s)| s.section == section);
    sections.into_iter().flat_map(|s| of(s).map(|(i, _)| i)).collect()
}

/// The places of the steps of the way back.
#[must_use]
pub fn way_back(book: &Runbook) -> Vec<usize> {
    let all = book.steps.iter().enumerate();
    all.filter(|(_, s)| s.section == Section::Rollback).map(|(i, _)| i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bash(text: &str) -> Command {
        Command { shell: "bash".to_owned(), text: text.to_owned(), line: 1, ..Command::default() }
    }

    #[test]
    fn what_an_earlier_block_makes_is_not_missing_in_a_later_one() {
        let blocks = [bash("export SIDE=$(x)"), bash("ssh ${SIDE} ls ${DIR}"), bash("kubectl delete pod <pod>")];
        let known = |n: &str| n == "DIR";
        assert_eq!(missing(blocks.iter(), known, &BTreeMap::new(), &[]), ["<pod>"]);
        assert_eq!(missing(blocks[1..].iter(), known, &BTreeMap::new(), &[]), ["SIDE", "<pod>"]);
        let fills = BTreeMap::from([("<pod>".to_owned(), "web-1".to_owned())]);
        assert_eq!(filled(&blocks[2].text, &fills), "kubectl delete pod web-1");
        // What stands in quotes may be meant as it stands.
        let asks = [bash("read -s -p \"[sudo] password for root: \" P"), bash("[comando1]")];
        assert_eq!(missing(asks.iter(), |_| false, &BTreeMap::new(), &[]), ["[comando1]"]);
    }

    #[test]
    fn a_value_for_a_placeholder_cannot_become_a_command() {
        for good in ["web-1", "10.0.0.1:80", "ana@db", "2026-11-23", "ñandú"] {
            assert!(fits(good), "{good}");
        }
        for bad in ["", "a b", "$(x)", "a;b", "`x`", "a'b", "-rf", "a>b", "a\nb"] {
            assert!(!fits(bad), "{bad}");
        }
    }
}
