//! `runbook run`: a procedure with nobody at it. The same loop as the cockpit, without a screen.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use crate::app::complain;
use crate::app::config;
use crate::app::config::Configured;
use crate::app::exit;
use crate::app::gate;
use crate::app::performer::Live;
use crate::app::run;
use crate::app::run::Perform;
use crate::app::runbook::Library;
use crate::app::runtime;
use crate::app::signals;
use crate::app::store;
use crate::app::ticks;
use crate::bus;
use crate::bus::Bus;
use crate::bus::task;
use crate::cli::Cli;
use crate::cli::How;
use crate::effects::library;
use crate::effects::record::Recorder;
use crate::effects::step::client::Driver;
use crate::effects::step::client::Plan;
use crate::effects::step::client::Vault;
use crate::effects::step::file;
use crate::engine::Effect;
use crate::engine::Event;
use crate::engine::Kind;
use crate::engine::Settings;
use crate::engine::State;
use crate::engine::library::Book;
use crate::engine::run::Auto;
use crate::engine::run::Options;
use crate::engine::run::plan;
use crate::engine::state::Mode;
use crate::lang::Lang;
use crate::model::journal;
use crate::model::runbook::Criticality;
use crate::model::runbook::InputKind;
use crate::model::runbook::Section;
use crate::model::runbook::Step;
use crate::report::run::Lines;
use crate::runbook::danger;
use crate::runbook::variables;
use crate::secrets::named_secret;
use crate::sources;
use crate::sources::Manner;

/// A file could not be read.
const FAILED: u8 = 1;

pub(super) fn main(cli: &Cli, library: &Library, reference: &str, how: &How) -> u8 {
    let lang = library.lang;
    let refuse = |sentence: String, code: u8| {
        complain(&format!("cabina: {sentence}"));
        code
    };
    if cli.read_only && !how.dry_run {
        return refuse(lang.run_read_only(), exit::USAGE);
    }
    if !how.headless && !how.dry_run {
        return refuse(lang.run_needs_headless(), exit::USAGE);
    }
    let path = match library.find(reference) {
        Ok(path) => path,
        Err(sentence) => return refuse(sentence, exit::USAGE),
    };
    let book = match open(&path) {
        Ok(book) => book,
        Err(why) => return refuse(format!("{}: {}", path.display(), why.words(lang)), FAILED),
    };
    let prepared = match prepare(&book, how, lang) {
        Ok(prepared) => prepared,
        Err(sentence) => return refuse(sentence, exit::USAGE),
    };
    if how.dry_run {
        return dry(&book, &prepared, lang, library.json);
    }
    if !prepared.missing.is_empty() {
        return refuse(lang.run_missing(prepared.missing.join(", ")), exit::USAGE);
    }
    if let Some(sentence) = for_a_person(&book, &prepared, how, lang) {
        return refuse(sentence, exit::PERSON);
    }
    let configured = match config::load_or_bare(cli, lang) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    if book.loose && configured.settings.production() {
        return refuse(lang.run_loose(path.display()), exit::PERSON);
    }
    if let Some(step) = risky(&book, &prepared.order).filter(|_| configured.settings.production() && !how.yes) {
        return refuse(lang.run_risky(step), exit::USAGE);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let code = task::wait(&runtime, walk(&configured, &book, prepared, how, library.json));
    runtime.shutdown_background();
    code
}

/// Reads the procedure.
fn open(path: &Path) -> Result<Book, library::Wrong> {
    let (says, text) = library::open(path)?;
    // The run goes on wherever it is looked at from.
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let hash = journal::print(&text);
    Ok(Book { says, path: whole.display().to_string(), overdue: None, hash, loose: library::is_loose(path) })
}

/// What is walked, and with which values.
struct Prepared {
    order: Vec<usize>,
    given: BTreeMap<String, String>,
    fills: BTreeMap<String, String>,
    unseen: Vec<String>,
    missing: Vec<String>,
}

impl Prepared {
    /// A variable, as it may be shown.
    fn value(&self, name: &str) -> Option<String> {
        let around = || std::env::var_os(name).map(|v| v.to_string_lossy().into_owned());
        let value = self.given.get(name).cloned().or_else(around)?;
        let secret = named_secret(name) || self.unseen.iter().any(|n| n == name);
        (!secret).then_some(value)
    }
}

/// Which steps, in which order, and what they still lack. What is wrong with what was asked for is one sentence.
fn prepare(book: &Book, how: &How, lang: Lang) -> Result<Prepared, String> {
    let says = &book.says;
    let mut order = plan::order(says);
    if order.is_empty() {
        return Err(lang.lint_no_steps());
    }
    if let Some(from) = &how.from {
        let wanted = from.to_uppercase();
        let at = order.iter().position(|i| says.steps.get(*i).is_some_and(|s| s.id.to_uppercase() == wanted));
        match at {
            Some(at) => drop(order.drain(..at)),
            None => return Err(lang.run_no_step(from)),
        }
    }
    let steps = || order.iter().filter_map(|i| says.steps.get(*i));
    let placeholders: Vec<String> = steps()
        .flat_map(|s| plan::doing(s, 0).into_iter().filter_map(move |w| plan::command(s, w.part)))
        .flat_map(|c| crate::runbook::placeholder::find(&c.text).into_iter().map(|p| p.text))
        .collect();
    let mut given = BTreeMap::new();
    let mut fills = BTreeMap::new();
    let from_files = how.set_file.iter().map(|said| from_file(said, lang)).collect::<Result<Vec<_>, _>>()?;
    for said in how.set.iter().chain(&from_files) {
        let Some((name, value)) = said.split_once('=') else { return Err(lang.run_bad_set(said)) };
        let inside = |p: &&String| *p == name || p.trim_matches(['<', '>', '{', '}', '[', ']', ' ']) == name;
        if let Some(placeholder) = placeholders.iter().find(inside) {
            if !plan::fits(value) {
                return Err(lang.run_bad_fill(placeholder, value));
            }
            fills.insert(placeholder.clone(), value.to_owned());
        } else if is_name(name) {
            given.insert(name.to_owned(), value.to_owned());
        } else if name.starts_with(['<', '[', '{']) {
            // Of a step that is not run this time.
            fills.insert(name.to_owned(), value.to_owned());
        } else {
            return Err(lang.run_bad_set(said));
        }
    }
    let mut missing = Vec::new();
    for input in &says.front.inputs {
        if !given.contains_key(&input.name) {
            if let Some(value) = &input.default {
                given.insert(input.name.clone(), value.clone());
            } else if std::env::var_os(&input.name).is_none() {
                missing.push(input.name.clone());
                continue;
            }
        }
        let value = given.get(&input.name).cloned().or_else(|| std::env::var(&input.name).ok()).unwrap_or_default();
        let number = input.kind != InputKind::Number || value.trim().parse::<f64>().is_ok();
        if !number {
            return Err(lang.run_not_number(&input.name, value));
        }
        if input.kind == InputKind::Choice && !input.choices.is_empty() && !input.choices.contains(&value) {
            return Err(lang.run_not_choice(&input.name, value, input.choices.join(", ")));
        }
    }
    let unseen = says.front.inputs.iter().filter(|i| i.secret).map(|i| i.name.clone()).collect();
    // What runs only on a condition is looked at when its turn comes.
    let always = steps().filter(|s| s.when.is_none());
    let commands = always.flat_map(|s| plan::doing(s, 0).into_iter().filter_map(move |w| plan::command(s, w.part)));
    let known = |name: &str| given.contains_key(name) || std::env::var_os(name).is_some();
    for name in plan::missing(commands, known, &fills, &[]) {
        if !missing.contains(&name) {
            missing.push(name);
        }
    }
    Ok(Prepared { order, given, fills, unseen, missing })
}

/// A value that is longer is none.
const VALUE: u64 = 64 * 1024;

/// `NAME=value`, where `NAME=PATH` was said: arguments are seen by every user of the machine. `-` is standard input.
fn from_file(said: &str, lang: Lang) -> Result<String, String> {
    use std::io::Read as _;
    let Some((name, path)) = said.split_once('=') else { return Err(lang.run_bad_set(said)) };
    let failed = |e: std::io::Error| format!("{path}: {e}");
    let from: Box<dyn std::io::Read> = match path {
        "-" => Box::new(std::io::stdin().lock()),
        path => Box::new(std::fs::File::open(path).map_err(failed)?),
    };
    let mut value = String::new();
    from.take(VALUE + 1).read_to_string(&mut value).map_err(failed)?;
    if value.len() as u64 > VALUE {
        return Err(lang.run_value_too_long(path));
    }
    // An editor ends the last line, and no password.
    let value = value.strip_suffix('\n').map_or(value.as_str(), |v| v.strip_suffix('\r').unwrap_or(v));
    Ok(format!("{name}={value}"))
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The first step that production asks about: critical, without a way back, or taking data away.
fn risky(book: &Book, order: &[usize]) -> Option<String> {
    let steps = order.iter().filter_map(|i| book.says.steps.get(*i));
    let risky = |s: &&crate::model::runbook::Step| {
        let wanted = plan::doing(s, 0);
        let looks = s.looks && !wanted.iter().any(|w| plan::changes(s, w.part));
        let changes = s.section == Section::Steps && !looks && !s.manual();
        let critical = s.criticality.or(book.says.criticality) == Some(Criticality::Critica);
        (changes && critical) || wanted.iter().any(|w| plan::destroys(s, w.part))
    };
    steps.into_iter().find(risky).map(|s| s.id.clone())
}

fn put(text: &str, json: bool) {
    if json { gate::json(text) } else { gate::text(text) }
}

/// What only a person may decide, in one sentence: commands that are not what they look like, data that would be lost.
fn for_a_person(book: &Book, prepared: &Prepared, how: &How, lang: Lang) -> Option<String> {
    let ways = if how.rollback_on_failure { plan::way_back(&book.says) } else { Vec::new() };
    let undone = |s: &Step| if how.rollback_on_failure { plan::undoing(s, 0) } else { Vec::new() };
    prepared.order.iter().chain(&ways).filter_map(|i| book.says.steps.get(*i)).find_map(|step| {
        let wanted: Vec<_> = plan::doing(step, 0).into_iter().chain(undone(step)).collect();
        let odd: Vec<String> =
            wanted.iter().filter_map(|w| plan::command(step, w.part)).flat_map(|c| c.odd.clone()).collect();
        if !odd.is_empty() {
            return Some(lang.run_odd(&step.id, odd.join(", ")));
        }
        // The way back asks for itself when it comes to that.
        let lost =
            plan::doing(step, 0).into_iter().find(|w| plan::destroys(step, w.part)).filter(|_| !how.allow_data_loss)?;
        let text = plan::command(step, lost.part).map_or("", |c| &c.text);
        let what = danger::danger(text).lost.unwrap_or_else(|| step.title.clone());
        Some(lang.run_loses(&step.id, what))
    })
}

/// Prints what would be run.
fn dry(book: &Book, prepared: &Prepared, lang: Lang, json: bool) -> u8 {
    let lines = Lines::new(&book.says, lang, json);
    put(&format!("{}\n", lines.plan(&book.hash)), json);
    let values: BTreeMap<String, String> =
        plan::names(&book.says).into_iter().filter_map(|n| Some((n.clone(), prepared.value(&n)?))).collect();
    for step in prepared.order.iter().filter_map(|i| book.says.steps.get(*i)) {
        let wanted = plan::doing(step, 0);
        let commands: Vec<String> = wanted
            .iter()
            .filter_map(|w| plan::command(step, w.part))
            .map(|c| {
                let text = plan::filled(&c.text, &prepared.fills);
                variables::filled(&text, |n| values.get(n).map(String::as_str))
            })
            .collect();
        let own = wanted.iter().filter_map(|w| plan::command(step, w.part));
        let missing = plan::missing(own, |n| !prepared.missing.iter().any(|m| m == n), &prepared.fills, &[]);
        put(&format!("{}\n", lines.planned(&step.id, &commands, &missing)), json);
    }
    let code = if prepared.missing.is_empty() { 0 } else { exit::USAGE };
    put(&format!("{}\n", lines.planned_end(code, &prepared.missing)), json);
    code
}

/// Prints what happens as it happens, and hands everything else on.
struct Telling<'a> {
    live: Live,
    json: bool,
    lang: Lang,
    /// Why something was not on the disk when that was last said.
    unwritten: Option<String>,
    lines: Lines<'a>,
}

impl Perform for Telling<'_> {
    fn perform(&mut self, effect: Effect) {
        self.live.perform(effect);
    }

    fn taken(&mut self, event: &Event) {
        self.live.taken(event);
        let kind = event.kind.told();
        let lines = match kind {
            Kind::RunTold { told, .. } => self.lines.told(told),
            Kind::StepOutput { bytes } => self.lines.output(bytes),
            _ => Vec::new(),
        };
        if !lines.is_empty() {
            put(&(lines.join("\n") + "\n"), self.json);
        }
        if let Kind::RunUnwritten { why, .. } = kind {
            // Said once: it is tried again every second.
            if self.unwritten.as_ref() != Some(why) {
                complain(&format!("cabina: {}", self.lang.run_unwritten(why)));
                self.unwritten = Some(why.clone());
            }
        }
        if let Kind::RunRefused { why } = kind {
            complain(&format!("cabina: {why}"));
        }
        if let Kind::RunLeft { left: crate::engine::event::Left::Gone(why), .. } = kind
            && self.lines.tale().outcome.is_none()
        {
            complain(&format!("cabina: {why}"));
        }
    }
}

/// What drives runs of a store.
pub(super) fn plan_of(
    configured: &Configured,
    given: BTreeMap<String, String>,
    unseen: Vec<String>,
) -> Result<Plan, crate::store::StoreError> {
    let url = store::url(configured)?;
    let path = crate::store::path(&url).ok_or(crate::store::StoreError::OtherDatabase)?;
    Ok(plan_at(configured, path, given, unseen))
}

/// What drives runs beside a store.
pub(super) fn plan_at(
    configured: &Configured,
    path: std::path::PathBuf,
    given: BTreeMap<String, String>,
    unseen: Vec<String>,
) -> Plan {
    Plan {
        folder: file::folder(&path),
        store: Some(path),
        secrets: Arc::clone(&configured.secrets),
        given: given.into_iter().map(|(n, v)| (n, SecretString::from(v))).collect(),
        unseen,
        read_only: configured.settings.read_only,
        user: config::login_name(),
        host: store::host(),
    }
}

async fn walk(configured: &Configured, book: &Book, prepared: Prepared, how: &How, json: bool) -> u8 {
    let lang = configured.settings.lang;
    let Prepared { order, given, fills, unseen, .. } = prepared;
    let plan = match plan_of(configured, given, unseen) {
        Ok(plan) => plan,
        Err(why) => {
            complain(&format!("cabina: {}", why.words(lang)));
            return FAILED;
        }
    };
    let (bus, mut events) = Bus::new();
    signals::spawn(&bus, false);
    task::spawn(ticks::run(bus.clone()));
    let mut state = State::new(configured.settings.clone(), Mode::Walk, bus::now());
    let recorder = Recorder::spawn(configured.record(), &bus);
    // Nothing is asked of the service unless a step waits for what it says.
    let looks = book.says.steps.iter().any(|s| !s.until.is_empty());
    let nothing = Settings::empty(lang);
    let watched = if looks { &configured.settings } else { &nothing };
    let reins = sources::spawn(watched, &configured.secrets, &bus, Manner::Always);
    let mut live = Live::blind(reins, bus.clone(), lang, &configured.secrets);
    live.recorder = Some(recorder);
    live.driver = Some(Driver::new(plan, bus.clone(), Vault::default()));
    let options = Options { rollback: how.rollback_on_failure, data_loss: how.allow_data_loss, yes: how.yes };
    let auto = Auto::new(order, options);
    let lines = Lines::new(&book.says, lang, json);
    let mut telling = Telling { live, json, lang, unwritten: None, lines };
    bus.send(Kind::WalkAsked { book: Arc::new(book.clone()), auto: Box::new(auto), fills }).await;
    let code = run::run_blind(&mut state, &mut events, &mut telling, |_| {}).await;
    put(&format!("{}\n", telling.lines.finished(code)), json);
    if let Some(recorder) = telling.live.recorder.take() {
        recorder.close().await;
    }
    code
}
