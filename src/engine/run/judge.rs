//! Whether a step worked: exit, output, validation, signals. What is missing of them is not taken for granted.

use regex::RegexBuilder;

use crate::model::run::Because;
use crate::model::run::End;
use crate::model::runbook::Step;

/// An expression that would take more than this to prepare is not what a person wrote.
const EXPRESSION: usize = 1 << 20;

/// What is wrong with how a block ended; `None` where nothing is.
pub(super) fn ended(end: &End) -> Option<Because> {
    match end {
        End { error, .. } if !error.is_empty() => Some(Because::NotStarted { error: error.clone() }),
        End { stopped: true, .. } => Some(Because::Stopped),
        End { exit: Some(0), .. } => None,
        End { exit: Some(code), .. } => Some(Because::Exit { code: *code }),
        End { signal, .. } => Some(Because::Signal { signal: signal.unwrap_or_default() }),
    }
}

/// Is the output what was expected: `regex:` and an expression, else its lines as they stand, each somewhere in a line
/// of the output and in their order. What stands before and after one must not go on its word or its number: `0` is
/// not in `10`, nor `active` in `inactive`.
pub(super) fn printed(output: &str, expected: &str) -> Option<Because> {
    let wanted = expected.trim();
    if wanted.is_empty() {
        return None;
    }
    if let Some(expression) = wanted.strip_prefix("regex:") {
        let read = RegexBuilder::new(expression.trim()).multi_line(true).size_limit(EXPRESSION).build();
        return match read {
            Ok(regex) if regex.is_match(output) => None,
            Ok(_) => Some(Because::Output { expected: wanted.to_owned() }),
            Err(e) => {
                let error = e.to_string().lines().last().unwrap_or_default().trim().to_owned();
                Some(Because::Expression { error })
            }
        };
    }
    let mut lines = output.lines();
    for wanted in wanted.lines().map(str::trim).filter(|l| !l.is_empty()) {
        if !lines.any(|line| stands(line, wanted)) {
            return Some(Because::Output { expected: expected.trim().to_owned() });
        }
    }
    None
}

/// Does the output show what was expected?
#[must_use]
pub fn holds(output: &str, expected: &str) -> bool {
    printed(output, expected).is_none()
}

fn stands(line: &str, wanted: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(wanted).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        let after = line.get(at + wanted.len()..).unwrap_or_default();
        let (first, last) = (wanted.chars().next(), wanted.chars().next_back());
        // `0` goes on in `0.5`, and `5` in `0.5`.
        let digits = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let mut next = after.chars();
        let (next, then) = (next.next(), next.next());
        let mut back = before.chars().rev();
        let (prior, ahead) = (back.next(), back.next());
        let decimal = |c: Option<char>, beyond: Option<char>| matches!(c, Some('.' | ',')) && digits(beyond);
        let begins =
            !(first.is_some_and(goes_on) && prior.is_some_and(goes_on) || digits(first) && decimal(prior, ahead));
        let ends = !(last.is_some_and(goes_on) && next.is_some_and(goes_on) || digits(last) && decimal(next, then));
        begins && ends
    })
}

/// Does something say whether the step worked, beside its exit?
pub(super) fn proves(step: &Step) -> bool {
    !step.validations.is_empty() || !step.until.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_compared_by_words_and_numbers() {
        for (output, expected) in [
            ("ready", "ready"),
            ("   Active: active (running) since Mon", "active (running)"),
            ("a\nready\nb\ndone\n", "ready\ndone"),
            ("{\"status\":\"ok\"}", "\"status\":\"ok\""),
            ("0", "0"),
            ("rows: 0", "0"),
            ("HTTP/1.1 200 OK", "200"),
            ("x", ""),
            ("health=200", "regex:health=2\\d\\d"),
            ("one\ntwo", "regex:^two$"),
        ] {
            assert_eq!(printed(output, expected), None, "{output:?} {expected:?}");
        }
        for (output, expected) in [
            ("10", "0"),
            ("0.5", "0"),
            ("0.5", "5"),
            ("inactive", "active"),
            ("not here", "ready"),
            ("done\nready", "ready\ndone"),
            ("", "x"),
            ("two", "regex:^one$"),
        ] {
            assert!(matches!(printed(output, expected), Some(Because::Output { .. })), "{output:?} {expected:?}");
        }
        assert!(matches!(printed("x", "regex:("), Some(Because::Expression { .. })));
    }

    #[test]
    fn only_an_exit_of_0_that_nobody_hurried_is_well() {
        let of = |exit, signal, stopped| ended(&End { exit, signal, stopped, ..End::default() });
        assert_eq!(of(Some(0), None, false), None);
        assert_eq!(of(Some(0), None, true), Some(Because::Stopped));
        assert_eq!(of(Some(3), None, false), Some(Because::Exit { code: 3 }));
        assert_eq!(of(None, Some(9), false), Some(Because::Signal { signal: 9 }));
    }
}
