//! What is wrong with a procedure, by the rules of the house: each with a code, its line, and how much it matters. A
//! thing that is missing is told at the line where it belongs.

use std::sync::LazyLock;

use chrono::NaiveDate;
use regex::Regex;

use crate::lang::Lang;
use crate::model::credential;
use crate::model::runbook::Command;
use crate::model::runbook::Criticality;
use crate::model::runbook::Runbook;
use crate::model::runbook::Section;
use crate::model::runbook::Step;
use crate::model::runbook::Structure;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::REQUEST_RATE;
use crate::model::time::MINUTE;
use crate::model::time::Span;
use crate::runbook::danger;
use crate::runbook::entropy;
use crate::runbook::fences;
use crate::runbook::odd;
use crate::runbook::placeholder;
use crate::runbook::words::folded;

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It may hurt at night.
    Error,
    /// It should be better.
    Warning,
}

impl Level {
    /// The word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What kind of problem; it stays the same in every language and version.
    pub code: &'static str,
    /// How much it matters.
    pub level: Level,
    /// One sentence.
    pub text: String,
}

/// Keys that the front matter may have, in both languages.
pub const KEYS: [&str; 58] = [
    "id",
    "tipo",
    "type",
    "kind",
    "categoria",
    "category",
    "titulo",
    "título",
    "title",
    "criticidad",
    "criticality",
    "frecuencia",
    "frequency",
    "tiempo_estimado",
    "duracion_estimada",
    "duracion",
    "estimated_time",
    "estimated_duration",
    "duration",
    "version",
    "versión",
    "ultima_actualizacion",
    "ultima_revision",
    "actualizado",
    "updated",
    "last_updated",
    "reviewed",
    "last_reviewed",
    "autor",
    "author",
    "revisores",
    "reviewers",
    "aprobacion",
    "aprobado_por",
    "aprobadores",
    "approval",
    "approved_by",
    "approvers",
    "signals",
    "senales",
    "señales",
    "alerts",
    "alertas",
    "sintomas",
    "symptoms",
    "inputs",
    "entradas",
    "idioma",
    "language",
    "lang",
    "ambiente",
    "environment",
    "estado",
    "status",
    "etiquetas",
    "tags",
    "proxima_revision",
    "next_review",
];

/// Days after which a procedure is to be read again, by how often it is used: every three months where it is used daily
/// or weekly, every six where monthly, every year otherwise.
#[must_use]
pub fn review_days(frequency: &str) -> i64 {
    let folded = folded(frequency);
    match () {
        () if ["diari", "daily", "semanal", "weekly"].iter().any(|w| folded.contains(w)) => 91,
        () if ["mensual", "monthly"].iter().any(|w| folded.contains(w)) => 183,
        () => 365,
    }
}

/// The day on which a procedure was last read, where it says so.
#[must_use]
pub fn reviewed(book: &Runbook) -> Option<(usize, Result<NaiveDate, String>)> {
    let names = [
        "ultima_revision",
        "last_reviewed",
        "reviewed",
        "ultima_actualizacion",
        "last_updated",
        "updated",
        "actualizado",
    ];
    let (_, line, text) = book.front.entry(&names)?;
    let day = text.split_whitespace().next().unwrap_or_default();
    Some((*line, NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| text.clone())))
}

/// How many days its review is overdue; `None` while it is not, or while nobody can say.
#[must_use]
pub fn overdue(book: &Runbook, today: NaiveDate) -> Option<i64> {
    let (_, day) = reviewed(book)?;
    let late = (today - day.ok()?).num_days() - review_days(&book.frequency);
    (late > 0).then_some(late)
}

/// What comes from the network, straight into a shell.
static PIPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?:\b(?:curl|wget)\b[^\n|;]*\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:env\s+)?(?:/(?:usr/)?bin/)?(?:ba|z|k|da)?sh\b)|(?:\b(?:ba|z)?sh\b[^\n|;]*(?:<\(|\$\(|`)\s*(?:curl|wget)\b)|(?:\b(?:source|eval)\s+["<(]*\$?\(?\s*(?:curl|wget)\b)"#,
    )
    .ok()
});

struct Lint<'a> {
    book: &'a Runbook,
    lang: Lang,
    problems: Vec<Problem>,
}

/// Every problem of a document, by line. `text` is the document as it was read, `name` its file's name.
#[must_use]
pub fn lint(book: &Runbook, text: &str, name: &str, today: NaiveDate, lang: Lang) -> Vec<Problem> {
    let mut lint = Lint { book, lang, problems: Vec::new() };
    lint.front(name, today);
    lint.whole();
    for step in &book.steps {
        lint.step(step);
    }
    lint.inputs();
    lint.numbers();
    lint.text(text);
    let mut problems = lint.problems;
    problems.sort_by(|a, b| (a.line, a.level, a.code).cmp(&(b.line, b.level, b.code)));
    problems.dedup();
    problems
}

impl Lint<'_> {
    fn error(&mut self, line: usize, code: &'static str, text: String) {
        self.problems.push(Problem { line: line.max(1), code, level: Level::Error, text });
    }

    fn warning(&mut self, line: usize, code: &'static str, text: String) {
        self.problems.push(Problem { line: line.max(1), code, level: Level::Warning, text });
    }

    /// The line on which something is missing in the front matter.
    fn belongs(&self) -> usize {
        self.book.front.ends.max(1)
    }

    fn front(&mut self, name: &str, today: NaiveDate) {
        let (book, lang) = (self.book, self.lang);
        if let Some((line, why)) = &book.front.problem {
            self.error(*line, "front-matter", lang.lint_front_matter(why));
        }
        if !book.front.present {
            self.warning(1, "front-matter-missing", lang.lint_front_missing());
            return;
        }
        for (key, line, value) in &book.front.keys {
            if !KEYS.contains(&key.as_str()) {
                self.warning(*line, "front-matter-unknown", lang.lint_front_unknown(key));
            } else if template(value) && key != "id" {
                self.warning(*line, "placeholder", lang.lint_front_unfilled(key, value));
            }
        }
        match book.front.entry(&["id"]) {
            None => self.warning(self.belongs(), "id-missing", lang.lint_id_missing()),
            Some((_, line, id)) => {
                if !numbered(id) {
                    self.error(*line, "id-number", lang.lint_id_number(id));
                } else if looks_numbered(name) && !name.starts_with(id.as_str()) {
                    self.warning(*line, "id-file", lang.lint_id_file(id, name));
                }
            }
        }
        match book.front.entry(&["version", "versión"]) {
            None => self.warning(self.belongs(), "version-missing", lang.lint_version_missing()),
            Some((_, line, version)) if !semantic(version) => {
                self.error(*line, "version", lang.lint_version(version));
            }
            Some(_) => {}
        }
        match reviewed(book) {
            Some((line, Err(text))) if !template(&text) => {
                self.warning(line, "review-date", lang.lint_review_date(text));
            }
            Some((line, Ok(day))) if overdue(book, today).is_some() => {
                let limit = review_days(&book.frequency);
                self.warning(line, "review-overdue", lang.lint_review_overdue(day, limit));
            }
            _ => {}
        }
    }

    fn whole(&mut self) {
        let (book, lang) = (self.book, self.lang);
        for line in &book.unclosed {
            self.error(*line, "fence-open", lang.lint_fence_open());
        }
        if book.structure == Structure::None {
            self.warning(1, "no-steps", lang.lint_no_steps());
            return;
        }
        let first = book.steps.first().map_or(1, |s| s.line);
        if book.minutes.is_none() {
            self.warning(self.belongs(), "duration-missing", lang.lint_duration_missing());
        }
        if book.prerequisites.is_empty() {
            self.warning(first, "prerequisites-missing", lang.lint_prerequisites_missing());
        }
        if book.criticality == Some(Criticality::Critica) {
            let line = book.front.entry(&["criticidad", "criticality"]).map_or(1, |(_, line, _)| *line);
            let approval = ["aprobacion", "aprobado_por", "aprobadores", "approval", "approved_by", "approvers"];
            if !book
                .front
                .get(&approval)
                .is_some_and(|v| !template(v) && !matches!(folded(v).as_str(), "no" | "false" | "none"))
            {
                self.error(line, "approval-missing", lang.lint_approval_missing());
            }
            if !book.steps.iter().any(|s| s.section == Section::Rollback) {
                self.error(book.lines, "rollback-missing", lang.lint_rollback_missing());
            }
        }
    }

    /// What its commands do is not what the step says of them, or not what they look like.
    fn honest(&mut self, step: &Step) {
        let (lang, id) = (self.lang, &step.id);
        let shell = |c: &&Command| fences::is_shell(&c.shell);
        let looks = step.looks || step.section == Section::Validation;
        for command in step.commands.iter().filter(shell) {
            if looks && danger::changes(&command.text) {
                self.error(command.line, "looks-changes", lang.lint_looks_changes(id));
            }
            if step.loses == Some(false) && danger::destroys(&command.text) {
                self.error(command.line, "loses-data", lang.lint_loses_data(id));
            }
        }
        for command in step.validations.iter().map(|v| &v.command).filter(shell) {
            if danger::changes(&command.text) {
                self.error(command.line, "validation-changes", lang.lint_validation_changes(id));
            }
        }
        let validations = step.validations.iter().map(|v| &v.command);
        for command in step.commands.iter().chain(validations).chain(&step.rollback).filter(|c| !c.odd.is_empty()) {
            self.error(command.line, "odd-character", lang.lint_odd_character(command.odd.join(", ")));
        }
    }

    /// A command that says what there is to choose from only looks, and is what it looks like.
    fn inputs(&mut self) {
        let lang = self.lang;
        for input in self.book.front.inputs.iter().filter(|i| !i.command.is_empty()) {
            let line = self.book.front.entry(&["inputs", "entradas"]).map_or(1, |(_, line, _)| *line);
            if danger::changes(&input.command) {
                self.error(line, "input-changes", lang.lint_input_changes(&input.name));
            }
            let names: Vec<String> = odd::find(&input.command).into_iter().map(|(_, c)| odd::name(c)).collect();
            if !names.is_empty() {
                self.error(line, "odd-character", lang.lint_odd_character(names.join(", ")));
            }
        }
    }

    fn step(&mut self, step: &Step) {
        self.honest(step);
        let (lang, id) = (self.lang, &step.id);
        let critical = step.criticality == Some(Criticality::Critica);
        if step.section == Section::Steps && self.book.structure == Structure::Steps {
            let proves = !step.validations.is_empty() || !step.until.is_empty();
            if !step.manual() && !proves && !step.looks && !looks_only(step) {
                let text = lang.lint_validation_missing(id);
                if critical || self.book.criticality == Some(Criticality::Critica) {
                    self.error(step.line, "validation-missing", text);
                } else {
                    self.warning(step.line, "validation-missing", text);
                }
            }
            if step.manual() && !proves && step.expected.is_empty() {
                self.warning(step.line, "expected-missing", lang.lint_expected_missing(id));
            }
            if critical && step.rollback.is_empty() && !step.manual() {
                self.error(step.line, "rollback-missing", lang.lint_rollback_missing_step(id));
            }
            if step.minutes.is_none() && self.book.front.present {
                self.warning(step.line, "duration-missing", lang.lint_step_duration_missing(id));
            }
        }
        for (line, text) in &step.unread {
            self.error(*line, "condition", lang.lint_condition(id, text));
        }
        for until in &step.until {
            // It is judged on figures that remember nothing from before the step: of what is built in, those of one
            // minute.
            let memory = match until.limit.signal.as_str() {
                ERROR_RATE | ERROR_RATE_1M | LATENCY_P95 | LATENCY_P99 | REQUEST_RATE => MINUTE,
                _ => 0,
            };
            if until.timeout < until.hold + memory {
                let least = Span(until.hold + memory).to_string();
                self.error(until.line, "until-timeout", lang.lint_until_timeout(id, Span(until.timeout), least));
            }
        }
        let validations = step.validations.iter().map(|v| &v.command);
        let all: Vec<&Command> = step.commands.iter().chain(validations).chain(&step.rollback).collect();
        for command in all {
            for found in placeholder::find(&command.text) {
                let line = command.line + lines_before(&command.text, found.at.start);
                self.warning(line, "placeholder", lang.lint_placeholder(&found.text));
            }
        }
    }

    /// Numbers are used once, and follow each other.
    fn numbers(&mut self) {
        if self.book.structure != Structure::Steps {
            return;
        }
        let mut seen: Vec<&str> = Vec::new();
        let mut before: Option<(Section, u32)> = None;
        for step in &self.book.steps {
            if seen.contains(&step.id.as_str()) {
                self.error(step.line, "step-duplicate", self.lang.lint_step_duplicate(&step.id));
                continue;
            }
            seen.push(&step.id);
            let Ok(n) = step.id.trim_start_matches(step.section.letter()).parse::<u32>() else { continue };
            let wanted = match before {
                Some((section, last)) if section == step.section => last + 1,
                _ => 1,
            };
            if n != wanted {
                let wanted = format!("{}{wanted}", step.section.letter());
                self.warning(step.line, "step-order", self.lang.lint_step_order(&step.id, wanted));
            }
            before = Some((step.section, n));
        }
    }

    /// What must stand nowhere in a document, commands or not.
    fn text(&mut self, text: &str) {
        let starts: Vec<usize> = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1).collect();
        let line_of = |at: usize| starts.partition_point(|start| *start <= at) + 1;
        for found in credential::find(text) {
            let value = text.get(found.at.clone()).unwrap_or_default();
            if !template(value) && placeholder::find(value).is_empty() {
                self.error(line_of(found.at.start), "credential", self.lang.lint_credential());
            }
        }
        for at in entropy::find(text) {
            let line = line_of(at);
            if !self.problems.iter().any(|p| p.code == "credential" && p.line == line) {
                self.error(line, "credential", self.lang.lint_credential());
            }
        }
        for hit in PIPE.iter().flat_map(|r| r.find_iter(text)) {
            self.error(line_of(hit.start()), "curl-pipe-shell", self.lang.lint_pipe_shell());
        }
    }
}

fn lines_before(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count()
}

/// Still as it stands in the template: `[Nombre]`, `XXmin`, `YYYY-MM-DD`, `CRITICA | ALTA`.
fn template(value: &str) -> bool {
    let value = value.trim();
    (value.contains('|') && !value.contains('('))
        || value.contains("XX")
        || value.contains("YYYY")
        || value.contains("XX%")
        || (value.starts_with('[') && value.ends_with(']'))
        || (value.starts_with('<') && value.ends_with('>'))
        || matches!(
            value,
            "Nombre" | "Nombre1, Nombre2" | "Name" | "Titulo Descriptivo del Procedimiento" | "TODO" | "TBD"
        )
}

/// `PROC-BACKEND-001`: words in capitals, and three digits.
fn numbered(id: &str) -> bool {
    let parts: Vec<&str> = id.split('-').collect();
    let (Some(last), words) = (parts.last(), parts.len()) else { return false };
    let upper = |p: &&str| !p.is_empty() && p.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    words >= 2 && parts.iter().all(upper) && last.len() >= 3 && last.chars().all(|c| c.is_ascii_digit())
}

fn looks_numbered(name: &str) -> bool {
    let mut parts = name.split(['-', '.']);
    parts.next().is_some_and(|p| p.len() > 1 && p.chars().all(|c| c.is_ascii_uppercase()))
        && parts.take(3).any(|p| p.len() >= 3 && p.chars().all(|c| c.is_ascii_digit()))
}

/// Semantic versioning 2.0.0, without what may follow the three numbers but a dash or a plus.
fn semantic(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let number =
        |p: &&str| !p.is_empty() && p.chars().all(|c| c.is_ascii_digit()) && (p.len() == 1 || !p.starts_with('0'));
    parts.len() == 3 && parts.iter().all(number)
}

/// A step that only looks needs nobody to say whether it worked: its own output does, where it says what to see.
fn looks_only(step: &Step) -> bool {
    let looks = [
        "systemctl status",
        "curl ",
        "kubectl get",
        "kubectl describe",
        "kubectl logs",
        "oc get",
        "oc describe",
        "ps ",
        "df",
        "free",
        "tail",
        "cat ",
        "grep",
        "journalctl",
        "ls",
        "docker ps",
        "docker logs",
        "SELECT",
        "SHOW",
        "dig ",
        "ping ",
        "promtool",
        "amtool",
    ];
    !step.expected.is_empty()
        && step.commands.iter().all(|c| {
            let mut lines = c.text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
            lines.all(|l| looks.iter().any(|w| l.starts_with(w)) && !l.contains(" -X ") && !l.contains("> "))
        })
}
