//! Procedures as JSON (the contract of section 3 of the design) and as text for a shell.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::NaiveDate;
use serde_json::Value;
use serde_json::json;

use crate::engine::library::Book;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::exercised::Exercised;
use crate::model::runbook::Command;
use crate::model::runbook::Runbook;
use crate::model::runbook::Step;
use crate::model::runbook::Structure;
use crate::model::runbook::Validation;
use crate::model::text::pad;
use crate::model::time::rfc3339;
use crate::runbook::lint;
use crate::runbook::lint::Problem;
use crate::runbook::odd;

/// What was found in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linted {
    /// Its file.
    pub path: String,
    /// Its id; empty where it could not be read.
    pub id: String,
    /// How many steps it has.
    pub steps: usize,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

fn command(c: &Command) -> Value {
    json!({ "shell": c.shell, "text": c.text, "line": c.line })
}

fn validation(v: &Validation) -> Value {
    let expected = Some(&v.expected).filter(|e| !e.is_empty());
    json!({ "shell": v.command.shell, "text": v.command.text, "line": v.command.line, "expected": expected })
}

fn step(s: &Step) -> Value {
    json!({
        "id": s.id,
        "section": s.section.word(),
        "title": s.title,
        "line": s.line,
        "criticality": s.criticality.map(crate::model::runbook::Criticality::word),
        "duration_min": s.minutes,
        "commands": s.commands.iter().map(command).collect::<Vec<_>>(),
        "expected": Some(&s.expected).filter(|e| !e.is_empty()),
        "validations": s.validations.iter().map(validation).collect::<Vec<_>>(),
        "if_fails": s.if_fails,
        "rollback": s.rollback.iter().map(command).collect::<Vec<_>>(),
        "manual": s.manual(),
        "read_only": s.looks,
        "host": Some(&s.host).filter(|h| !h.is_empty()),
        "when": s.when.as_ref().map(|w| w.text.clone()),
        "until": s.until.iter().map(|u| json!({
            "signal": u.limit.signal, "op": if u.limit.above { ">" } else { "<" }, "value": u.limit.value,
            "for_s": u.hold / 1_000, "timeout_s": u.timeout / 1_000, "line": u.line,
        })).collect::<Vec<_>>(),
    })
}

/// `runbook show --json`
#[must_use]
pub fn show(book: &Runbook) -> Value {
    let text = |items: &[crate::model::runbook::Item]| items.iter().map(|i| i.text.clone()).collect::<Vec<_>>();
    json!({
        "schema": 1,
        "id": book.id,
        "title": book.title,
        "language": book.language,
        "type": Some(&book.kind).filter(|k| !k.is_empty()),
        "criticality": book.criticality.map(crate::model::runbook::Criticality::word),
        "version": Some(&book.version).filter(|v| !v.is_empty()),
        "duration_min": book.minutes,
        "structure": book.structure.word(),
        "confidence": book.structure.confidence(),
        "prerequisites": text(&book.prerequisites),
        "steps": book.steps.iter().map(step).collect::<Vec<_>>(),
        "rollback_triggers": text(&book.triggers),
        "troubleshooting": book.troubles.iter().map(|t| json!({
            "title": t.title,
            "symptoms": t.symptoms,
            "cause": Some(&t.cause).filter(|c| !c.is_empty()),
            "commands": t.commands.iter().map(command).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "contacts": book.contacts.iter().map(|c| json!({ "role": c.role, "name": c.name })).collect::<Vec<_>>(),
    })
}

/// `runbook list --json`
#[must_use]
pub fn list(all: &[Book], exercised: &BTreeMap<String, Exercised>) -> Value {
    let one = |l: &Book| {
        json!({
            "id": l.says.id,
            "title": l.says.title,
            "type": Some(&l.says.kind).filter(|k| !k.is_empty()),
            "criticality": l.says.criticality.map(crate::model::runbook::Criticality::word),
            "duration_min": l.says.minutes,
            "language": l.says.language,
            "version": Some(&l.says.version).filter(|v| !v.is_empty()),
            "steps": l.says.steps.len(),
            "structure": l.says.structure.word(),
            "confidence": l.says.structure.confidence(),
            "overdue_days": l.overdue,
            "reviewed": lint::reviewed(&l.says).and_then(|(_, day)| day.ok()).map(|d| d.to_string()),
            "runs": exercised.get(&l.says.id).map_or(0, |e| e.runs),
            "success_rate": exercised.get(&l.says.id).and_then(Exercised::success),
            "last_run": exercised.get(&l.says.id).map(|e| rfc3339(e.last)),
            "path": l.path,
        })
    };
    json!({ "schema": 1, "runbooks": all.iter().map(one).collect::<Vec<_>>() })
}

/// `runbook lint --json`
#[must_use]
pub fn lint(all: &[Linted]) -> Value {
    let problem = |p: &Problem| json!({ "line": p.line, "code": p.code, "level": p.level.word(), "text": p.text });
    let one = |l: &Linted| {
        let problems: Vec<Value> = l.problems.iter().map(problem).collect();
        json!({ "path": l.path, "id": Some(&l.id).filter(|i| !i.is_empty()), "steps": l.steps, "problems": problems })
    };
    json!({ "schema": 1, "runbooks": all.iter().map(one).collect::<Vec<_>>() })
}

/// Problems for a person: a line each, as editors and compilers write them.
#[must_use]
pub fn lint_lines(all: &[Linted], lang: Lang) -> String {
    let mut out = String::new();
    for file in all {
        for p in &file.problems {
            let level = match p.level {
                crate::runbook::lint::Level::Error => lang.lint_error(),
                crate::runbook::lint::Level::Warning => lang.lint_warning(),
            };
            let _ = writeln!(out, "{}:{}: {level}: {} [{}]", file.path, p.line, p.text, p.code);
        }
    }
    if out.is_empty() {
        out = format!("{}\n", lang.lint_clean(all.len()));
    }
    out
}

/// The library for a person at a shell.
#[must_use]
pub fn lines(all: &[Book], exercised: &BTreeMap<String, Exercised>, today: NaiveDate, lang: Lang) -> String {
    let id = all.iter().map(|l| crate::model::text::width(&l.says.id)).max().unwrap_or(0).clamp(8, 40);
    let line = |l: &Book| {
        let b = &l.says;
        let minutes = b.minutes.map(|m| lang.runbook_minutes(m.round())).unwrap_or_default();
        let overdue = l.overdue.map(|days| format!("  ! {}", lang.runbook_overdue(days))).unwrap_or_default();
        let level = b.criticality.map_or("-", crate::model::runbook::Criticality::word);
        let kind = if b.kind.is_empty() { "-" } else { &b.kind };
        let read = lint::reviewed(b).and_then(|(_, day)| day.ok()).map(|d| (today - d).num_days().max(0));
        let read = read.map_or_else(|| "-".to_owned(), |days| lang.runbook_days(days));
        let ran = exercised.get(&b.id).map_or_else(|| "-".to_owned(), |e| ran(e, today));
        let cells = [pad(&b.id, id), pad(level, 8), pad(kind, 16), pad(&minutes, 8), pad(&read, 6), pad(&ran, 16)];
        format!("{} {}{overdue}\n", cells.join(" "), b.title)
    };
    all.iter().map(line).collect()
}

/// How often it was run, how well, and how many days ago: `5/6 12d`.
fn ran(e: &Exercised, today: NaiveDate) -> String {
    let day = chrono::DateTime::from_timestamp_millis(e.last).map(|at| at.date_naive());
    let ago = day.map_or(0, |d| (today - d).num_days().max(0));
    format!("{}/{} {ago}d", e.ok, e.runs)
}

/// A procedure for a person at a shell.
#[must_use]
pub fn text(book: &Runbook, lang: Lang) -> String {
    let mut out = format!("{}  {}\n", book.id, book.title);
    let mut facts: Vec<String> = Vec::new();
    facts.extend(Some(book.kind.clone()).filter(|k| !k.is_empty()));
    facts.extend(book.criticality.map(|c| c.word().to_owned()));
    facts.extend(book.minutes.map(|m| lang.runbook_minutes(m.round())));
    facts.extend(Some(book.version.clone()).filter(|v| !v.is_empty()));
    if !facts.is_empty() {
        let _ = writeln!(out, "  {}", facts.join(" · "));
    }
    match book.structure {
        Structure::Steps => {}
        Structure::None => _ = writeln!(out, "  {}", lang.runbook_structure_none()),
        Structure::Headings => _ = writeln!(out, "  {}", lang.runbook_structure_headings()),
        Structure::Lists => _ = writeln!(out, "  {}", lang.runbook_structure_lists()),
    }
    items(&mut out, &lang.runbook_needs(), book.prerequisites.iter().map(|i| i.text.as_str()));
    let mut section = None;
    for step in &book.steps {
        if section != Some(step.section) {
            section = Some(step.section);
            let _ = writeln!(out, "\n{}", words::section(lang, step.section));
        }
        one(&mut out, step, lang);
    }
    items(&mut out, &lang.runbook_triggers(), book.triggers.iter().map(|i| i.text.as_str()));
    out
}

fn items<'a>(out: &mut String, title: &str, items: impl Iterator<Item = &'a str>) {
    let all: Vec<&str> = items.collect();
    if !all.is_empty() {
        let _ = writeln!(out, "\n{title}:");
        for item in all {
            let _ = writeln!(out, "  - {item}");
        }
    }
}

fn one(out: &mut String, step: &Step, lang: Lang) {
    let minutes = step.minutes.map(|m| format!("  {}", lang.runbook_minutes(m))).unwrap_or_default();
    let level = step.criticality.map(|c| format!("  {}", c.word())).unwrap_or_default();
    let _ = writeln!(out, "  {:<3} {}{level}{minutes}", step.id, step.title);
    if step.manual() {
        let _ = writeln!(out, "        ({})", lang.runbook_manual());
    }
    let block = |out: &mut String, mark: &str, text: &str| {
        for line in odd::marked(text).lines() {
            let _ = writeln!(out, "        {mark}{line}");
        }
    };
    for c in &step.commands {
        block(out, "| ", &c.text);
    }
    if !step.expected.is_empty() {
        block(out, "", &format!("{}: {}", lang.runbook_expected(), step.expected));
    }
    for v in &step.validations {
        block(out, "", &format!("{}:", lang.runbook_validates()));
        block(out, "| ", &v.command.text);
        block(out, "= ", &v.expected);
    }
    if !step.if_fails.is_empty() {
        block(out, "", &format!("{}: {}", lang.runbook_if_fails(), step.if_fails.join("; ")));
    }
    for c in &step.rollback {
        block(out, "", &format!("{}:", lang.runbook_undo()));
        block(out, "| ", &c.text);
    }
}
