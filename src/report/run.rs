//! A run as lines: JSON for machines (section 3 of the design), text for whoever reads the output of a pipeline.

use serde_json::Value;
use serde_json::json;

use crate::engine::words;
use crate::lang::Lang;
use crate::model::run::Part;
use crate::model::run::Status;
use crate::model::run::Told;
use crate::model::run::What;
use crate::model::runbook::Runbook;
use crate::model::runbook::Section;
use crate::model::tale::Block;
use crate::model::tale::Tale;
use crate::model::text::clean;
use crate::runbook::odd;

/// A line of output is no longer; what is, comes in pieces.
const LINE: usize = 64 * 1024;

/// Makes lines of what is told of a run.
#[derive(Debug)]
pub struct Lines<'a> {
    book: &'a Runbook,
    lang: Lang,
    json: bool,
    tale: Tale,
    /// The line of output that is not ended yet.
    open: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// Lines of a run of this procedure.
    #[must_use]
    pub fn new(book: &'a Runbook, lang: Lang, json: bool) -> Self {
        Self { book, lang, json, tale: Tale::default(), open: Vec::new() }
    }

    /// What it has come to.
    #[must_use]
    pub fn tale(&self) -> &Tale {
        &self.tale
    }

    /// Takes a piece of output.
    pub fn output(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            self.open.extend_from_slice(part);
            if part.ends_with(b"\n") || self.open.len() >= LINE {
                lines.push(self.printed());
            }
        }
        lines
    }

    fn printed(&mut self) -> String {
        let line = std::mem::take(&mut self.open);
        let text = String::from_utf8_lossy(&line);
        // A progress bar writes over itself: what stands there last is what it says.
        let text = clean(text.trim_end_matches(['\n', '\r']).rsplit('\r').next().unwrap_or_default());
        let step = self.tale.open.as_ref().map(|(_, step)| step.clone());
        self.line(json!({ "event": "output", "step": step, "text": text }), format!("    {text}"))
    }

    fn line(&self, mut value: Value, text: String) -> String {
        if !self.json {
            return text;
        }
        if let Some(map) = value.as_object_mut() {
            map.insert("schema".to_owned(), json!(1));
        }
        value.to_string()
    }

    /// Takes a line of the run.
    pub fn told(&mut self, told: &Told) -> Vec<String> {
        let mut lines = Vec::new();
        if matches!(told.what, What::Ended { .. } | What::Lost { .. }) && !self.open.is_empty() {
            lines.push(self.printed());
        }
        self.tale.take(told);
        match &told.what {
            What::Opened(head) => lines.push(self.line(
                json!({
                    "event": "run_started", "run": head.run, "runbook": head.runbook, "title": head.title,
                    "step": null, "hash": head.hash, "host": head.host, "user": head.user, "who": head.who,
                    "incident": head.incident, "at": crate::model::time::rfc3339(told.at),
                }),
                format!("{}  {}", head.runbook, head.title),
            )),
            What::Began { step, part: Part::Command(0), command, .. } => {
                let (section, title) = self.place(step);
                lines.push(self.line(
                    json!({
                        "event": "step_started", "step": step, "section": section.word(), "title": title,
                        "command": command, "at": crate::model::time::rfc3339(told.at),
                    }),
                    format!("[{step}] {title}"),
                ));
            }
            What::Ended { block, .. } => lines.extend(self.ended(*block)),
            What::Judged { step, status, .. } => lines.extend(self.judged(step, *status)),
            What::RollbackBegan { reason, .. } => lines.push(self.line(
                json!({ "event": "rollback", "step": reason, "begins": true, "exit": null, "ok": null }),
                self.lang.run_text_rollback(),
            )),
            _ => {}
        }
        lines
    }

    fn place(&self, id: &str) -> (Section, &str) {
        let step = self.book.steps.iter().find(|s| s.id == id);
        step.map_or((Section::Steps, ""), |s| (s.section, s.title.as_str()))
    }

    /// What a block came to, where that is news of its own.
    fn ended(&self, number: u64) -> Option<String> {
        let (id, block) = self.tale.block(number)?;
        let end = block.end.as_ref()?;
        let Part::Validation(n) = block.part else { return None };
        let step = self.book.steps.iter().find(|s| s.id == id);
        let expected = step.and_then(|s| s.validations.get(n)).map(|v| v.expected.as_str()).filter(|e| !e.is_empty());
        let ok = end.well() && crate::engine::run::holds(&end.tail, expected.unwrap_or_default());
        let word = words::step_status(self.lang, if ok { Status::Ok } else { Status::Failed });
        Some(self.line(
            json!({
                "event": "validation", "step": id, "command": block.command, "exit": end.code(), "ok": ok,
                "expected": expected, "output": end.tail, "duration_ms": end.took,
            }),
            self.lang.run_text_validation(id, word),
        ))
    }

    fn judged(&self, id: &str, status: Status) -> Vec<String> {
        let Some(step) = self.tale.step(id) else { return Vec::new() };
        let (section, title) = self.place(id);
        let last = step.blocks.last();
        let undone = last.is_some_and(|b| matches!(b.part, Part::Undo(_)));
        let exit = last.and_then(|b| b.end.as_ref()).and_then(crate::model::run::End::code);
        let doing = |b: &&Block| matches!(b.part, Part::Command(_));
        let commands = step.blocks.iter().rev().find(doing).and_then(|b| b.end.as_ref());
        let exit_of = if undone { exit } else { commands.and_then(crate::model::run::End::code).or(exit) };
        let took: i64 = step.blocks.iter().filter_map(|b| b.end.as_ref()).map(|e| e.took).sum();
        let own = step.reason.clone();
        let why = if own.is_empty() { words::because(self.lang, &step.because) } else { own };
        let reason = Some(&why).filter(|w| !w.is_empty());
        let said = words::step_status(self.lang, status);
        let text = if why.is_empty() { format!("[{id}] {said}") } else { format!("[{id}] {said}: {why}") };
        let back = undone || section == Section::Rollback;
        let ok = matches!(status, Status::Ok | Status::Ran | Status::Skipped | Status::Undone);
        let mut lines = Vec::new();
        if !undone {
            lines.push(self.line(
                json!({
                    "event": "step_finished", "step": id, "section": section.word(), "title": title, "exit": exit_of,
                    "ok": ok, "status": status.word(), "validated": status == Status::Ok, "duration_ms": took,
                    "reason": reason, "by": Some(&step.by).filter(|b| !b.is_empty()),
                }),
                text.clone(),
            ));
        }
        if back {
            let command = last.map(|b| b.command.clone());
            let value = json!({
                "event": "rollback", "step": id, "command": command, "exit": exit, "ok": ok, "reason": reason,
            });
            if self.json || undone {
                lines.push(self.line(value, text));
            }
        }
        lines
    }

    /// The last line; `exit` is what the program ends with.
    #[must_use]
    pub fn finished(&self, exit: u8) -> String {
        let outcome = self.tale.outcome.map(|(outcome, _)| outcome);
        let word = outcome.map_or("unknown", crate::model::run::Outcome::word);
        let took = (self.tale.last - self.tale.began).max(0);
        let count = |wanted: &[Status]| self.tale.steps.values().filter(|s| wanted.contains(&s.status)).count();
        let text = match outcome {
            Some(outcome) => words::run_outcome(self.lang, outcome),
            None => words::step_status(self.lang, Status::Unknown),
        };
        self.line(
            json!({
                "event": "run_finished", "run": self.tale.head.run, "runbook": self.tale.head.runbook, "step": null,
                "exit": exit, "ok": exit == 0, "outcome": word, "duration_ms": took,
                "steps_ok": count(&[Status::Ok, Status::Ran]), "steps_failed": count(&[Status::Failed]),
                "steps_skipped": count(&[Status::Skipped]),
            }),
            format!("{} {text}", self.book.id),
        )
    }

    /// A step of a run that does not take place.
    #[must_use]
    pub fn planned(&self, id: &str, commands: &[String], missing: &[String]) -> String {
        let (section, title) = self.place(id);
        let mut text = format!("[{id}] {title}");
        for line in odd::marked(&commands.join("\n")).lines() {
            text.push_str("\n    ");
            text.push_str(line);
        }
        self.line(
            json!({
                "event": "step_started", "step": id, "section": section.word(), "title": title, "dry_run": true,
                "command": commands.join("\n"), "commands": commands, "missing": missing,
            }),
            text,
        )
    }

    /// The first line of a run that does not take place.
    #[must_use]
    pub fn plan(&self, hash: &str) -> String {
        self.line(
            json!({
                "event": "run_started", "run": null, "runbook": self.book.id, "title": self.book.title, "step": null,
                "hash": hash, "dry_run": true,
            }),
            format!("{}  {}", self.book.id, self.book.title),
        )
    }

    /// The last line of it.
    #[must_use]
    pub fn planned_end(&self, exit: u8, missing: &[String]) -> String {
        let ok = exit == 0;
        let text = if ok { self.lang.run_text_dry() } else { self.lang.because_missing(missing.join(", ")) };
        self.line(
            json!({
                "event": "run_finished", "run": null, "runbook": self.book.id, "step": null, "exit": exit, "ok": ok,
                "dry_run": true, "missing": missing,
            }),
            text,
        )
    }
}
