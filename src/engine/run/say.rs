//! How a step stands, in words: one sentence, and what can be done about it.

use crate::engine::run::Link;
use crate::engine::run::Run;
use crate::engine::run::plan;
use crate::engine::run::rows;
use crate::engine::state::State;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::run::Alive;
use crate::model::run::Part;
use crate::model::run::Status;
use crate::model::runbook::Step;
use crate::model::tale::StepTale;
use crate::model::text::clean;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Span;
use crate::runbook::machines;

/// A step that prints nothing for so long may hang.
const SILENT: Millis = 60 * SECOND;
/// One that prints nothing for so long may wait for somebody to type.
const QUIET: Millis = 5 * SECOND;
/// One that takes so many times its estimate does.
const LATE: f64 = 2.0;

/// How loud a sentence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Calm,
    /// Something to be read.
    Plain,
    /// Something to be seen to.
    Loud,
}

/// The machines that a step is run on, beside this one: what it says itself, and what its commands connect to.
#[must_use]
pub fn elsewhere(run: &Run, step: &Step) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    let own = &run.tale.head.host;
    let short = |h: &str| h.split('.').next().unwrap_or_default().to_lowercase();
    if !step.host.is_empty() && short(&step.host) != short(own) && step.host != "localhost" {
        hosts.push(step.host.clone());
    }
    for command in &step.commands {
        for host in machines::machines(&plan::shown(run, &command.text)) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
    }
    hosts
}

/// How the selected step stands: at most two sentences, the second says what to press.
#[must_use]
pub fn step(state: &State, run: &Run, step: &Step) -> Vec<(String, Tone)> {
    let lang = state.settings.lang;
    let known = run.tale.step(&step.id);
    let status = run.tale.status(&step.id);
    if let Link::Gone(why) = &run.link
        && run.tale.goes_on()
        && matches!(status, Status::Pending | Status::Running)
    {
        let first = if run.tale.head.run.is_empty() { lang.say_not_begun(why) } else { lang.say_gone() };
        return vec![(first, Tone::Loud)];
    }
    if run.link == Link::Displaced {
        return vec![(lang.say_displaced(), Tone::Loud)];
    }
    if let Some(why) = run.problem.as_ref().filter(|_| !run.busy()) {
        return vec![(lang.say_refused(why), Tone::Loud)];
    }
    if let Some(unwritten) = &run.unwritten {
        let runs = unwritten.ended.is_none() && status == Status::Running;
        if !runs {
            return vec![(lang.run_unwritten(&unwritten.why), Tone::Loud)];
        }
    }
    match (status, known) {
        (Status::Running, Some(tale)) => running(state, run, step, tale),
        (Status::Ran, Some(tale)) => ran(state, run, step, tale),
        (Status::Ok, Some(tale)) => {
            let by = if tale.by.is_empty() { String::new() } else { lang.say_by(&tale.by) };
            vec![(lang.say_ok(took(tale), by), Tone::Calm)]
        }
        (Status::Failed, Some(tale)) => failed(state, run, step, tale),
        (Status::Skipped, Some(tale)) => {
            let why = if tale.reason.is_empty() { words::because(lang, &tale.because) } else { tale.reason.clone() };
            vec![(lang.say_skipped(why), Tone::Plain)]
        }
        (Status::Undone, Some(tale)) => vec![(lang.say_undone(took(tale)), Tone::Plain)],
        (Status::Unknown, _) => vec![(lang.say_unknown(), Tone::Loud), (lang.say_unknown_keys(), Tone::Plain)],
        _ => pending(lang, run, step),
    }
}

fn took(tale: &StepTale) -> Span {
    let ran = tale.blocks.iter().rev().find(|b| b.end.is_some()).and_then(|b| b.end.as_ref()).map_or(0, |e| e.took);
    let from = tale.blocks.iter().rposition(|b| matches!(b.part, Part::Command(0) | Part::Undo(0)));
    let tried = tale.blocks.iter().skip(from.unwrap_or(0)).filter_map(|b| b.end.as_ref()).map(|e| e.took);
    Span(if from.is_some() { tried.sum() } else { ran })
}

fn pending(lang: Lang, run: &Run, step: &Step) -> Vec<(String, Tone)> {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(step.minutes.map(|m| lang.runbook_minutes(m)));
    parts.extend(step.criticality.map(|c| c.word().to_owned()));
    if step.manual() {
        return vec![(lang.say_by_hand(), Tone::Plain), (lang.say_by_hand_keys(), Tone::Plain)];
    }
    parts.push(match () {
        () if step.looks => lang.say_looks(),
        () if step.rollback.is_empty() => lang.say_no_undo(),
        () => lang.say_has_undo(),
    });
    if let Some(when) = &step.when {
        let holds = crate::runbook::condition::holds(when, run.value(&when.name));
        parts.push(if holds { lang.say_when_holds(&when.text) } else { lang.say_when_fails(&when.text) });
    }
    vec![(parts.join(" · "), Tone::Plain)]
}

fn running(state: &State, run: &Run, step: &Step, tale: &StepTale) -> Vec<(String, Tone)> {
    let lang = state.settings.lang;
    let Some(block) = tale.blocks.last() else { return Vec::new() };
    let part = match block.part {
        Part::Command(_) => lang.say_doing(),
        Part::Validation(_) => lang.say_validating(),
        Part::Undo(_) => lang.say_undoing(),
    };
    let began = tale.blocks.iter().rev().find(|b| matches!(b.part, Part::Command(0) | Part::Undo(0)));
    let passed = (state.now.wall - began.map_or(block.began, |b| b.began)).max(0);
    let estimate = step.minutes.map(|m| lang.say_of_about(Span((m * MINUTE as f64) as Millis))).unwrap_or_default();
    let mut first = format!("{part} {}{estimate}", Span(passed));
    let Some((alive, seen)) = &run.alive else { return vec![(first, Tone::Plain)] };
    let silent = alive.silent + state.now.since(*seen);
    first = format!("{first} · pid {} · CPU {}", alive.pid, words::seconds(lang, alive.cpu));
    if silent >= 2 * SECOND {
        first += &lang.say_silent(Span(silent));
    }
    let late = step.minutes.is_some_and(|m| passed as f64 > m * MINUTE as f64 * LATE);
    let second = match () {
        () if run.stopping => stopping(lang, run, step),
        () if alive.hidden => (lang.say_hidden(), Tone::Loud),
        () if late || silent >= SILENT => (hanging(lang, run, step, alive), Tone::Loud),
        () if run.missed > 0 => {
            // One sentence over both lines.
            let said = lang.say_went_on(&step.id, Span(passed), Span(silent), run.missed);
            return vec![(format!("{said} {}", lang.say_missed_keys()), Tone::Plain)];
        }
        () if silent >= QUIET => (lang.say_quiet(), Tone::Plain),
        () => return vec![(first, Tone::Plain)],
    };
    vec![(first, Tone::Plain), second]
}

/// What a step that hangs waits on, and what a stop would not stop.
fn hanging(lang: Lang, run: &Run, step: &Step, alive: &Alive) -> String {
    let mut parts = vec![match () {
        () if alive.disk => lang.say_waits_disk(&alive.program),
        () if alive.program.is_empty() => lang.say_waits(),
        () => lang.say_waits_for(&alive.program),
    }];
    let hosts = elsewhere(run, step);
    if !hosts.is_empty() {
        parts.push(lang.say_stop_leaves(hosts.join(", ")));
    }
    parts.join(" · ")
}

fn stopping(lang: Lang, run: &Run, step: &Step) -> (String, Tone) {
    let hosts = elsewhere(run, step);
    let text = if hosts.is_empty() { lang.say_stopping() } else { lang.say_stopping_leaves(hosts.join(", ")) };
    (text, Tone::Loud)
}

fn ran(state: &State, run: &Run, step: &Step, tale: &StepTale) -> Vec<(String, Tone)> {
    let lang = state.settings.lang;
    if let Some(waiting) = run.waiting.as_ref().filter(|w| run.step(w.step).is_some_and(|s| s.id == step.id)) {
        return crate::engine::run::until::words(state, step, waiting);
    }
    if rows::awaits(run, step) {
        return vec![(lang.say_is_it_so(clean(&step.expected)), Tone::Plain), (lang.say_judge_keys(), Tone::Plain)];
    }
    vec![(lang.say_ran(took(tale)), Tone::Plain)]
}

/// What goes on in the database after its client was stopped: the server ends a statement when it is done, not when
/// nobody waits for it any more. `None` where nothing of it spoke to one.
fn in_database(state: &State, step: &Step, tale: &StepTale) -> Option<String> {
    let lang = state.settings.lang;
    let names = ["mysql", "mariadb", "manage.py"];
    if !step.commands.iter().any(|c| names.iter().any(|n| c.text.contains(n))) {
        return None;
    }
    let ended = tale.ended?;
    let Some((at, glance)) = state.glance.as_ref().filter(|(at, _)| at.wall >= ended) else {
        return Some(lang.say_mysql_unseen());
    };
    let (age, who) = glance.statement.as_ref()?;
    let began = at.wall - age;
    // One that began while the step ran, to the seconds that servers tell.
    let own = began >= tale.began? - 2 * SECOND && began <= ended;
    own.then(|| lang.say_mysql_goes_on(Span(*age), who))
}

fn failed(state: &State, run: &Run, step: &Step, tale: &StepTale) -> Vec<(String, Tone)> {
    let lang = state.settings.lang;
    let why = match (words::because(lang, &tale.because), tale.by.as_str()) {
        (why, _) if !why.is_empty() => why,
        (_, "") => String::new(),
        (_, by) => lang.say_judged_by(by),
    };
    let undone = if tale.undo_failed { lang.say_undo_failed() } else { lang.say_nothing_undone() };
    let mut first = lang.say_failed(&run.tale.head.host, why, took(tale), undone);
    let hosts = elsewhere(run, step);
    if tale.because == crate::model::run::Because::Stopped && !hosts.is_empty() {
        first = format!("{first} {}", lang.say_may_go_on(hosts.join(", ")));
    }
    if tale.because == crate::model::run::Because::Stopped
        && let Some(said) = in_database(state, step, tale)
    {
        first = format!("{first} {said}");
    }
    let mut keys: Vec<String> = Vec::new();
    if !step.validations.is_empty() {
        keys.push(lang.say_key_validate());
    }
    keys.push(lang.say_key_output());
    keys.push(lang.say_key_call());
    if !step.rollback.is_empty() {
        keys.push(lang.say_key_undo());
    }
    keys.push(lang.say_key_again());
    if !plan::way_back(&run.book).is_empty() {
        keys.push(lang.say_key_back());
    }
    keys.push(lang.say_key_go_on());
    vec![(first, Tone::Loud), (keys.join(" "), Tone::Plain)]
}
