//! What a step says of itself in one line: how long, how critical, whether it only looks, where it runs.

use crate::model::runbook::Step;
use crate::model::text::clean;
use crate::runbook::condition;
use crate::runbook::vocabulary::Label;
use crate::runbook::words;

/// Takes such a line; false for a label that opens something else.
pub(super) fn take(step: Option<&mut Step>, label: Label, text: &str, line: usize) -> bool {
    let known = matches!(
        label,
        Label::Duration
            | Label::Criticality
            | Label::Undoable
            | Label::Looks
            | Label::Loses
            | Label::Host
            | Label::When
            | Label::Until
            | Label::Timeout
            | Label::Outages
    );
    let Some(step) = step.filter(|_| known) else { return known };
    match label {
        Label::Duration => step.minutes = words::minutes(text),
        Label::Criticality => step.criticality = words::criticality(text),
        Label::Undoable => step.undoable = words::yes(text),
        Label::Looks => step.looks = words::yes(text).unwrap_or(false),
        Label::Loses => step.loses = words::yes(text),
        Label::Host => step.host = clean(text.trim().trim_matches('`')),
        Label::Outages => {
            let names = text.split([',', ';']).map(|n| clean(n.trim().trim_matches('`')));
            step.outages = names.filter(|n| !n.is_empty()).collect();
        }
        Label::When => {
            step.when = condition::when(text);
            if step.when.is_none() {
                step.unread.push((line, clean(text)));
            }
        }
        Label::Until => match condition::until(text.trim().trim_matches('`'), line) {
            Some(until) => step.until.push(until),
            None => step.unread.push((line, clean(text))),
        },
        Label::Timeout => {
            let first = text.split([',', ';', ' ']).find(|w| !w.is_empty()).unwrap_or_default();
            let span = condition::span(first).or_else(|| condition::span(text));
            let folded = words::folded(text);
            let kills = ["kill", "matar", "mata"].iter().any(|w| folded.contains(w));
            step.killed_after = span.filter(|_| kills);
            if span.is_none() {
                step.unread.push((line, clean(text)));
            } else if let Some(span) = span.filter(|_| step.minutes.is_none()) {
                step.minutes = Some(span as f64 / 60_000.0);
            }
        }
        _ => {}
    }
    true
}
