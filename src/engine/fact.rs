//! Facts in words: what a machine saw and what people said, in the reader's language.

use crate::engine::sentence::sentence;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::fact::Fact;
use crate::model::fact::RunWord;
use crate::model::incident::OWNER;
use crate::model::matcher::Matcher;
use crate::model::signal::Unit;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::Span;
use crate::model::time::Zone;

/// Alerts of one moment that are named.
const NAMED: usize = 4;

/// A fact as one sentence.
#[must_use]
pub fn said(fact: &Fact, lang: Lang, zone: Zone) -> String {
    match fact {
        Fact::Opened => lang.fact_opened(),
        Fact::Onset { finding } => lang.fact_onset(words::finding_name(lang, finding)),
        Fact::Level { from, to, because: Some(f) } => {
            lang.fact_level_because(from.word(), to.word(), sentence(lang, f))
        }
        Fact::Level { from, to, because: None } => lang.fact_level(from.word(), to.word()),
        Fact::Check { name, from, to, detail } => {
            let (from, to) = (words::status(lang, *from), words::status(lang, *to));
            if detail.is_empty() {
                lang.fact_check(name, from, to)
            } else {
                lang.fact_check_detail(name, from, to, detail)
            }
        }
        Fact::Lost { source, why } => lang.fact_lost(words::source(lang, source), words::absence(lang, why)),
        Fact::Back { source } => lang.fact_back(words::source(lang, source)),
        Fact::Fired { names } => few(lang, names, |names| lang.fact_fired(names)),
        Fact::Over { names } => few(lang, names, |names| lang.fact_over(names)),
        Fact::Silenced { matchers, ends, by } => {
            let until = zone.hm(*ends);
            lang.fact_silenced(by, listed(matchers), until)
        }
        Fact::Unsilenced { matchers } => lang.fact_unsilenced(listed(matchers)),
        Fact::SilenceFailed { why } => lang.fact_silence_failed(words::absence(lang, why)),
        Fact::ReadOnly { read_only: true } => lang.fact_read_only(),
        Fact::ReadOnly { read_only: false } => lang.fact_writable(),
        Fact::Replica { running: true, .. } => lang.fact_replica_runs(),
        Fact::Replica { running: false, error } => lang.fact_replica_stopped(error),
        Fact::Changed { what } => words::changed(lang, what),
        Fact::KnownBad { subject, until: Some(until), by } => lang.fact_known(subject, zone.hm(*until), by),
        Fact::KnownBad { subject, until: None, by } => lang.fact_known_over(subject, by),
        Fact::Reloaded => lang.fact_reloaded(),
        Fact::NextStart { later } => lang.fact_next_start(later.join(", ")),
        Fact::ReloadFailed { mistakes } => {
            let first = mistakes.first().map_or("", String::as_str);
            lang.fact_reload_failed(mistakes.len(), first)
        }
        Fact::Blind { since, findings } => lang.fact_blind(zone.hm(*since), words::unseen(lang, findings)),
        Fact::Sighted => lang.fact_sighted(),
        Fact::Swept { rows } => lang.fact_swept(words::figure(lang, *rows as f64, Unit::Count)),
        _ => told(fact, lang, zone),
    }
}

/// How long a command took: short ones are told apart.
fn took_words(lang: Lang, took: Millis) -> String {
    if took < MINUTE { words::figure(lang, took as f64 / 1_000.0, Unit::Seconds) } else { Span(took).to_string() }
}

/// What people say and do, as one sentence.
fn told(fact: &Fact, lang: Lang, zone: Zone) -> String {
    match fact {
        Fact::IncidentOpened { title, .. } => lang.fact_incident(title),
        Fact::Note { text } => text.clone(),
        Fact::Todo { text, owner: Some(who), .. } => lang.fact_todo_of(text, who),
        Fact::Todo { text, owner: None, .. } => lang.fact_todo(text),
        Fact::Done { of, done: true, text } if text.is_empty() => lang.fact_done(of),
        Fact::Done { of, done: false, text } if text.is_empty() => lang.fact_undone(of),
        Fact::Done { done: true, text, .. } => lang.fact_done_text(text),
        Fact::Done { text, .. } => lang.fact_undone_text(text),
        Fact::Declared { level, reason } if reason.is_empty() => lang.fact_declared(level.word()),
        Fact::Declared { level, reason } => lang.fact_declared_because(level.word(), reason),
        Fact::Assigned { role, who } if who.is_empty() => lang.fact_freed(words::role(lang, role)),
        Fact::Assigned { role, who } if role == OWNER => lang.fact_owner(who),
        Fact::Assigned { role, who } => lang.fact_assigned(who, words::role(lang, role)),
        Fact::Moved { phase } => lang.fact_moved(words::phase(lang, *phase)),
        Fact::Update { text } => lang.fact_update(text),
        Fact::Resolved { since, text } if text.is_empty() => lang.fact_resolved(zone.hm(*since)),
        Fact::Resolved { since, text } => lang.fact_resolved_by(zone.hm(*since), text),
        Fact::Closed { text } if text.is_empty() => lang.fact_closed(),
        Fact::Closed { text } => lang.fact_closed_with(text),
        Fact::Merged { into } => lang.fact_merged(into),
        Fact::Absorbed { from } => lang.fact_absorbed(from),
        Fact::Edited { of, text } => lang.fact_edited(of, text),
        Fact::Marked { of, tags, .. } if !tags.is_empty() => lang.fact_tagged(of, tags.join(", ")),
        Fact::Marked { of, pinned: true, .. } => lang.fact_pinned(of),
        Fact::Marked { of, .. } => lang.fact_unpinned(of),
        Fact::Ran { command, exit: Some(0), took, .. } => lang.fact_ran(command, took_words(lang, *took)),
        Fact::Ran { command, exit: Some(code), took, .. } => {
            lang.fact_ran_badly(command, code, took_words(lang, *took))
        }
        Fact::Ran { command, signal, took, .. } => {
            lang.fact_ran_killed(command, signal.unwrap_or_default(), took_words(lang, *took))
        }
        Fact::Deployed { deploy } => {
            let mut parts = vec![match &deploy.before {
                Some(before) => lang.fact_deployed_over(&deploy.version, before),
                None => lang.fact_deployed(&deploy.version),
            }];
            parts.extend(deploy.migrations.filter(|n| *n > 0).map(|n| lang.back_migrations(n)));
            parts.extend(Some(deploy.note.clone()).filter(|n| !n.is_empty()));
            parts.join(" · ")
        }
        Fact::WindowEnded { version, verdict, because, .. } => {
            let said = lang.fact_window(words::version(lang, version), verdict.word());
            match because {
                Some(j) => format!("{said}: {}, {}", words::signal(lang, &j.name), words::window_reason(lang, j)),
                None => said,
            }
        }
        Fact::WindowWithdrawn { version, finding, .. } => {
            let said = lang.fact_withdrawn(words::version(lang, version));
            finding.as_ref().map_or_else(|| said.clone(), |f| format!("{said}: {}", sentence(lang, f)))
        }
        Fact::OldSideFree { version } => lang.fact_old_side(words::version(lang, version)),
        Fact::RunBegan { .. }
        | Fact::StepBegan { .. }
        | Fact::StepEnded { .. }
        | Fact::RunSaid { .. }
        | Fact::RunEnded { .. } => run(fact, lang),
        _ => lang.fact_of_newer(fact.kind()),
    }
}

/// What happened on the walk through a procedure, as one sentence.
fn run(fact: &Fact, lang: Lang) -> String {
    match fact {
        Fact::RunBegan { runbook, title, .. } => lang.fact_run_began(runbook, title),
        Fact::StepBegan { runbook, step, title, undo: true, .. } => lang.fact_undo_began(runbook, step, title),
        Fact::StepBegan { runbook, step, title, .. } => lang.fact_step_began(runbook, step, title),
        Fact::StepEnded { runbook, step, status, took, reason, because, .. } => {
            let status = words::step_status(lang, *status);
            let why = if reason.is_empty() { words::because(lang, because) } else { reason.clone() };
            let took = if *took > 0 { format!(" ({})", took_words(lang, *took)) } else { String::new() };
            let said = lang.fact_step_ended(runbook, step, status);
            if why.is_empty() { format!("{said}{took}") } else { format!("{said}: {why}{took}") }
        }
        Fact::RunSaid { runbook, step, what, text, .. } => {
            let place = if step.is_empty() { runbook.clone() } else { lang.run_place(runbook, step) };
            match what {
                RunWord::Deviated => lang.fact_deviated(place, text),
                RunWord::Passed => lang.fact_passed(place, text),
                RunWord::Approved => lang.fact_approved(place),
                RunWord::BrokeGlass => lang.fact_broke_glass(place, text),
                RunWord::Rollback => lang.fact_rollback(place),
                RunWord::Changed => lang.fact_run_changed(place),
                RunWord::Resumed => lang.fact_run_resumed(place),
                RunWord::Other => lang.fact_of_newer(fact.kind()),
            }
        }
        Fact::RunEnded { runbook, outcome, took, .. } => {
            lang.fact_run_ended(runbook, words::run_outcome(lang, *outcome), took_words(lang, *took))
        }
        _ => String::new(),
    }
}

/// Who says so, where a machine does: the rules, the checks, cabina itself.
#[must_use]
pub fn teller(fact: &Fact, lang: Lang) -> Option<String> {
    Some(match fact {
        Fact::Opened
        | Fact::Blind { .. }
        | Fact::Sighted
        | Fact::Reloaded
        | Fact::NextStart { .. }
        | Fact::ReloadFailed { .. } => "cabina".to_owned(),
        Fact::Onset { .. } | Fact::Level { .. } | Fact::WindowWithdrawn { .. } | Fact::OldSideFree { .. } => {
            lang.who_rules()
        }
        Fact::Check { .. } => lang.who_checks(),
        Fact::Lost { .. } | Fact::Back { .. } => lang.who_sources(),
        Fact::Swept { .. } => lang.who_sessions(),
        Fact::Changed { .. } => lang.who_changes(),
        Fact::ReadOnly { .. } | Fact::Replica { .. } => "MySQL".to_owned(),
        Fact::Fired { .. } | Fact::Over { .. } | Fact::SilenceFailed { .. } | Fact::Unsilenced { .. } => {
            lang.who_alerts()
        }
        Fact::Silenced { by, .. } | Fact::KnownBad { by, .. } => by.clone(),
        _ => return None,
    })
}

/// Names of a storm: the first few, and how many more.
fn few(lang: Lang, names: &[String], say: impl Fn(String) -> String) -> String {
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => say(first),
        more => say(lang.fact_and_more(first, more)),
    }
}

fn listed(matchers: &[Matcher]) -> String {
    matchers.iter().map(Matcher::to_string).collect::<Vec<_>>().join(", ")
}
