//! `incident …`: everything the screen can do, for scripts.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use crate::app::complain;
use crate::app::config::Configured;
use crate::app::exit;
use crate::app::gate;
use crate::app::object;
use crate::app::print;
use crate::app::ready;
use crate::app::store;
use crate::app::store::host;
use crate::bus;
use crate::bus::task;
use crate::cli::Cli;
use crate::cli::Incident as Asked;
use crate::cli::NoteKind;
use crate::model::fact::Fact;
use crate::model::incident::Incident;
use crate::model::incident::OWNER;
use crate::model::incident::Phase;
use crate::model::journal::Break;
use crate::model::journal::Draft;
use crate::model::journal::Entry;
use crate::model::severity::Level;
use crate::model::text::WRITTEN_LIMIT;
use crate::model::text::clean;
use crate::model::text::clean_lines;
use crate::model::text::escaped_json;
use crate::model::time::Millis;
use crate::report::incident as report;
use crate::report::incident::Line;
use crate::report::incident::Reader;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::import::Journal;
use crate::store::import::Refused;

/// Entries read at once.
const PAGE: i64 = 1_000;
/// The largest file that is taken in at once: some hundred thousand entries.
const IMPORTED: u64 = 512 * 1024 * 1024;
/// The name for the newest incident that goes on.
pub(super) const NEWEST: &str = "newest";

/// Why a command ends otherwise than well.
enum Failed {
    /// The person asked for something that is not there, in one sentence.
    Usage(String),
    /// The store could not be used.
    Store(StoreError),
    /// Nothing to say that was not said.
    Code(u8),
}

impl From<StoreError> for Failed {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

pub(super) fn main(cli: &Cli, asked: &Asked) -> u8 {
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let lang = configured.settings.lang;
    let looks = matches!(asked, Asked::List { .. } | Asked::Show { .. } | Asked::Verify { .. } | Asked::Export { .. });
    if configured.settings.read_only && !looks {
        complain(&format!("cabina: {}", lang.incident_read_only()));
        return exit::USAGE;
    }
    let desk = Desk { configured: &configured, json: cli.json, now: bus::now().wall };
    match task::wait(&runtime, desk.run(asked)) {
        Ok(code) | Err(Failed::Code(code)) => code,
        Err(Failed::Usage(sentence)) => {
            complain(&format!("cabina: {sentence}"));
            exit::USAGE
        }
        Err(Failed::Store(why)) => {
            complain(&format!("cabina: {}", why.words(lang)));
            if matches!(why, StoreError::NoIncident(_)) { exit::USAGE } else { store::FAILED }
        }
    }
}

/// Where commands are dealt with.
struct Desk<'a> {
    configured: &'a Configured,
    json: bool,
    now: Millis,
}

impl Desk<'_> {
    async fn run(&self, asked: &Asked) -> Result<u8, Failed> {
        // What is wrong with the question is said before anything is opened.
        let fact = self.fact(asked)?;
        let store = match asked {
            Asked::List { .. } | Asked::Show { .. } | Asked::Verify { .. } | Asked::Export { .. } => {
                store::to_read(self.configured, store::PATIENCE).await?
            }
            _ => store::open(self.configured, store::PATIENCE).await?,
        };
        let done = self.answer(&store, asked, fact).await.map_err(|failed| match failed {
            Failed::Store(why) => Failed::Store(store.named(why)),
            other => other,
        });
        let unread = store::say_unreadable(&store, self.configured.settings.lang);
        store.close().await;
        // What is printed is not all there is.
        done.map(|code| if unread && code == 0 { store::FAILED } else { code })
    }

    async fn answer(&self, store: &Store, asked: &Asked, fact: Option<(Millis, Fact)>) -> Result<u8, Failed> {
        let lang = self.configured.settings.lang;
        match asked {
            Asked::Open { .. } => {
                let Some((at, fact)) = fact else { return Err(Failed::Code(exit::INTERNAL)) };
                let incident = store.open_incident(self.year(), vec![self.draft(at, fact)]).await?;
                if self.json {
                    object(&json!({ "schema": 1, "id": incident.id }));
                } else {
                    print(&format!("{}\n", incident.id));
                }
            }
            Asked::List { open, actions, limit } => self.list(store, *open, *actions, *limit).await?,
            Asked::Show { id } => {
                let incident = self.find_to_read(store, id).await?;
                let mut entries = all(store, &incident.id).await?;
                entries.sort_by_key(|e| (e.at, e.seq));
                if self.json {
                    object(&report::show(&incident, &entries, self.reader()));
                } else {
                    print(&report::text(&incident, &entries, self.reader()));
                }
            }
            Asked::Merge { id, into } => {
                let (from, into) = (self.find(store, id).await?, self.find(store, into).await?);
                if from.id == into.id {
                    return Err(Failed::Usage(lang.incident_same(&into.id)));
                }
                for one in [&from, &into] {
                    if let Some(other) = &one.merged_into {
                        return Err(Failed::Usage(lang.incident_merged_already(&one.id, other)));
                    }
                }
                let who = &self.configured.settings.operator;
                let stays = store.merge(&from.id, &into.id, who, &host()).await?;
                self.noted(&stays);
            }
            Asked::Verify { id } => return self.verify(store, id).await,
            Asked::Import { file } => return self.import(store, file).await,
            Asked::Export { id, output } => self.export(store, id.as_deref(), output.as_deref()).await?,
            Asked::Note { id, .. }
            | Asked::Severity { id, .. }
            | Asked::Assign { id, .. }
            | Asked::Update { id, .. }
            | Asked::Resolve { id, .. }
            | Asked::Close { id, .. }
            | Asked::Done { id, .. } => {
                let Some((at, fact)) = fact else { return Err(Failed::Code(exit::INTERNAL)) };
                let incident = self.find(store, id).await?;
                let fact = self.fits(&incident, fact)?;
                let mut drafts = vec![self.draft(at, fact)];
                if let Asked::Update { text: Some(text), phase: Some(_), .. } = asked {
                    drafts.push(self.draft(at, Fact::Update { text: self.words(text)? }));
                }
                let (incident, _) = store.append(&incident.id, drafts).await?;
                self.noted(&incident);
            }
        }
        Ok(0)
    }

    /// What is to be written down, and when it happened.
    fn fact(&self, asked: &Asked) -> Result<Option<(Millis, Fact)>, Failed> {
        let lang = self.configured.settings.lang;
        let fact = match asked {
            Asked::Open { title, severity, at } => {
                let level = severity.as_deref().map_or(Ok(Level::Unknown), |l| self.level(l))?;
                let title = self.line(title)?;
                let began = self.at(at.as_deref())?;
                return Ok(Some((began, Fact::IncidentOpened { title, level, began })));
            }
            Asked::Note { text, at, kind, owner, due, .. } => {
                let text = if text == "-" { self.words(&self.stdin()?)? } else { self.words(text)? };
                if matches!(kind, NoteKind::Note) && (owner.is_some() || due.is_some()) {
                    return Err(Failed::Usage(lang.incident_owner_without_todo()));
                }
                let is_day = |d: &String| d.len() == 10 && chrono::NaiveDate::parse_from_str(d, "%Y-%m-%d").is_ok();
                if let Some(due) = due.as_ref().filter(|d| !is_day(d)) {
                    return Err(Failed::Usage(lang.incident_bad_due(format!("{due:?}"))));
                }
                let fit = |t: &Option<String>| t.as_deref().map(|t| clean(&self.configured.secrets.redact(t)));
                let fact = match kind {
                    NoteKind::Note => Fact::Note { text },
                    NoteKind::Todo => Fact::Todo { text, owner: fit(owner), due: fit(due) },
                };
                return Ok(Some((self.at(at.as_deref())?, fact)));
            }
            Asked::Severity { level, reason, .. } => {
                Fact::Declared { level: self.level(level)?, reason: self.redacted(reason) }
            }
            Asked::Assign { who, role, .. } => {
                let role = if role.trim().is_empty() { OWNER.to_owned() } else { clean(role) };
                Fact::Assigned { role, who: clean(who) }
            }
            Asked::Update { phase: Some(phase), .. } => {
                let known = || Phase::ALL.map(Phase::word).join(", ");
                let phase = Phase::of(phase)
                    .ok_or_else(|| Failed::Usage(lang.incident_bad_phase(format!("{phase:?}"), known())))?;
                Fact::Moved { phase }
            }
            Asked::Update { text, .. } => Fact::Update { text: self.words(text.as_deref().unwrap_or_default())? },
            Asked::Resolve { text, at, .. } => {
                Fact::Resolved { since: self.at(at.as_deref())?, text: self.redacted(text) }
            }
            Asked::Close { text, .. } => Fact::Closed { text: self.redacted(text) },
            Asked::Done { entry, undo, .. } => Fact::Done { of: *entry, done: !undo, text: String::new() },
            Asked::List { .. }
            | Asked::Show { .. }
            | Asked::Merge { .. }
            | Asked::Verify { .. }
            | Asked::Import { .. }
            | Asked::Export { .. } => return Ok(None),
        };
        Ok(Some((self.now, fact)))
    }

    fn year(&self) -> i64 {
        self.configured.settings.zone.year(self.now)
    }

    fn reader(&self) -> Reader {
        let s = &self.configured.settings;
        Reader { lang: s.lang, zone: s.zone, now: self.now }
    }

    fn draft(&self, at: Millis, fact: Fact) -> Draft {
        Draft::new(at, &self.configured.settings.operator, &host(), fact)
    }

    fn at(&self, text: Option<&str>) -> Result<Millis, Failed> {
        let s = &self.configured.settings;
        let Some(text) = text else { return Ok(self.now) };
        let why = || match s.zone.moment(text).filter(|at| *at > self.now) {
            Some(_) => s.lang.incident_later(text),
            None => s.lang.incident_bad_time(format!("{text:?}")),
        };
        s.zone.said(text, self.now).ok_or_else(|| Failed::Usage(why()))
    }

    fn level(&self, text: &str) -> Result<Level, Failed> {
        let wanted = text.to_uppercase();
        let levels = [Level::Sev1, Level::Sev2, Level::Sev3, Level::Sev4];
        levels
            .into_iter()
            .find(|l| l.word() == wanted)
            .ok_or_else(|| Failed::Usage(self.configured.settings.lang.incident_bad_level(format!("{text:?}"))))
    }

    fn redacted(&self, text: &str) -> String {
        clean_lines(&self.configured.secrets.redact(text))
    }

    /// Words that must not be missing.
    fn words(&self, text: &str) -> Result<String, Failed> {
        let text = self.redacted(text);
        if text.trim().is_empty() {
            return Err(Failed::Usage(self.configured.settings.lang.incident_empty_text()));
        }
        if text.chars().count() > WRITTEN_LIMIT {
            return Err(Failed::Usage(self.configured.settings.lang.incident_too_long()));
        }
        Ok(text)
    }

    fn line(&self, text: &str) -> Result<String, Failed> {
        self.words(text).map(|t| clean(&t))
    }

    /// What comes in through a pipe, up to a little more than may be written: that it is too long is then said.
    fn stdin(&self) -> Result<String, Failed> {
        let mut text = String::new();
        let read = std::io::stdin().take(8 * WRITTEN_LIMIT as u64).read_to_string(&mut text);
        read.map(|_| text).map_err(|_| Failed::Usage(self.configured.settings.lang.incident_not_text("-")))
    }

    /// Can this be said of the incident? What belongs to it is filled in.
    fn fits(&self, incident: &Incident, fact: Fact) -> Result<Fact, Failed> {
        let lang = self.configured.settings.lang;
        if let Some(into) = &incident.merged_into {
            return Err(Failed::Usage(lang.incident_merged_already(&incident.id, into)));
        }
        match fact {
            Fact::Resolved { .. } if incident.phase == Phase::Closed => {
                Err(Failed::Usage(lang.incident_closed_already(&incident.id)))
            }
            Fact::Done { of, done, .. } => match incident.actions.iter().find(|a| a.seq == of) {
                Some(action) => Ok(Fact::Done { of, done, text: action.text.clone() }),
                None => Err(Failed::Usage(lang.incident_no_action(&incident.id, of))),
            },
            fact => Ok(fact),
        }
    }

    /// The same, to be read: the newest one may be over.
    async fn find_to_read(&self, store: &Store, id: &str) -> Result<Incident, Failed> {
        if id == NEWEST {
            let newest = store.incidents(false, 1).await?.into_iter().next();
            return newest.ok_or_else(|| StoreError::NoIncident(id.to_owned()).into());
        }
        self.find(store, id).await
    }

    async fn find(&self, store: &Store, id: &str) -> Result<Incident, Failed> {
        if id == NEWEST {
            let newest = store.incidents(true, 1).await?.into_iter().next();
            return newest.ok_or_else(|| StoreError::NoIncident(id.to_owned()).into());
        }
        Ok(store.incident(&id.to_uppercase()).await?)
    }

    fn noted(&self, incident: &Incident) {
        if self.json {
            object(&json!({ "schema": 1, "id": incident.id, "seq": incident.last_seq }));
        } else {
            let lang = self.configured.settings.lang;
            print(&format!("{}\n", lang.incident_noted(&incident.id, incident.last_seq)));
        }
    }

    async fn list(&self, store: &Store, open: bool, actions: bool, limit: u32) -> Result<(), Failed> {
        let lang = self.configured.settings.lang;
        let limit = i64::from(limit);
        let mut incidents = store.incidents(open, if actions { i64::MAX } else { limit }).await?;
        if actions {
            // What was left to do a year ago is left to do.
            incidents.retain(|i| !i.actions.is_empty());
            incidents.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        match (actions, self.json) {
            (true, true) => object(&report::actions(&incidents)),
            (true, false) => print(&report::action_lines(&incidents, lang)),
            (false, true) => object(&report::list(&incidents, self.reader())),
            (false, false) => print(&report::lines(&incidents, self.reader())),
        }
        Ok(())
    }

    async fn verify(&self, store: &Store, id: &str) -> Result<u8, Failed> {
        let lang = self.configured.settings.lang;
        let id = self.find_to_read(store, id).await?.id;
        let verified = match store.verify(&id).await {
            Err(why @ StoreError::Damaged(_)) => {
                // Which entries it is that cannot be read is said at the end.
                let _ = all(store, &id).await;
                return Err(why.into());
            }
            verified => verified?,
        };
        let (ok, entry, text) = match verified {
            Ok(n) => (true, None, lang.incident_verified(&id, n)),
            Err(wrong) => {
                let (entry, text) = self.wrong(&id, &wrong);
                (false, entry, text)
            }
        };
        if self.json {
            object(&json!({ "schema": 1, "id": id, "ok": ok, "entry": entry, "text": text }));
        } else {
            print(&format!("{text}\n"));
        }
        Ok(if ok { 0 } else { 2 })
    }

    async fn export(&self, store: &Store, id: Option<&str>, output: Option<&Path>) -> Result<(), Failed> {
        let ids = match id {
            Some(id) => vec![self.find_to_read(store, id).await?.id],
            None => store.incidents(false, i64::MAX).await?.into_iter().map(|i| i.id).collect(),
        };
        let mut out = gate::Json::default();
        let mut kept = Vec::new();
        let mut put = |line: String| match output {
            Some(_) => kept.extend_from_slice(escaped_json(&line).as_bytes()),
            // What could not be printed is told at the end.
            None => drop(out.write_all(line.as_bytes())),
        };
        for id in ids {
            let mut after = 0;
            loop {
                let page = store.entries(&id, after, PAGE).await?;
                for entry in &page {
                    put(format!("{}\n", report::exported(entry)));
                }
                match page.last() {
                    Some(last) => after = last.seq,
                    None => break,
                }
            }
        }
        if id.is_none() {
            for deploy in store.deploys(0, i64::MAX).await? {
                put(format!("{}\n", json!({ "schema": 1, "deploy": deploy })));
            }
        }
        let Some(path) = output else { return Ok(()) };
        gate::file(path, &kept).map_err(|e| {
            complain(&format!("cabina: {}: {e}", path.display()));
            Failed::Code(exit::INTERNAL)
        })
    }

    /// Takes in what was exported, all of it or nothing.
    async fn import(&self, store: &Store, path: &Path) -> Result<u8, Failed> {
        let lang = self.configured.settings.lang;
        let text = self.imported(path)?;
        let mut journals: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        let mut deploys = Vec::new();
        for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            match report::imported(line) {
                Some(Line::Entry(entry)) => {
                    let journal = journals.entry(entry.incident.clone()).or_default();
                    // As it is exported: from the first on, one after another.
                    let next = journal.last().map_or(1, |e: &Entry| e.seq + 1);
                    if entry.seq != next {
                        return Err(Failed::Usage(lang.import_bad_order(i + 1, &entry.incident, next)));
                    }
                    journal.push(*entry);
                }
                Some(Line::Deploy(deploy)) => deploys.push(*deploy),
                None => return Err(Failed::Usage(lang.import_bad_line(i + 1))),
            }
        }
        let journals: Vec<Journal> = journals.into_iter().map(|(id, entries)| Journal { id, entries }).collect();
        let new = match store.take_back_all(&journals, deploys).await {
            Ok(new) => new,
            Err((_, Refused::Store(why))) => return Err(why.into()),
            Err((id, why)) => {
                let why = match why {
                    Refused::NoNumber => lang.import_no_number(&id),
                    Refused::Broken(wrong) => self.wrong(&id, &wrong).1,
                    _ => lang.import_another(&id),
                };
                complain(&format!("cabina: {why}; {}", lang.import_nothing()));
                return Ok(2);
            }
        };
        if self.json {
            object(&json!({ "schema": 1, "entries": new }));
        } else {
            print(&format!("{}\n", lang.import_done(new)));
        }
        Ok(0)
    }

    /// The text of an export, bounded.
    fn imported(&self, path: &Path) -> Result<String, Failed> {
        let failed = |e: std::io::Error| Failed::Usage(format!("{}: {e}", path.display()));
        let from: Box<dyn std::io::Read> = match path.to_str() {
            Some("-") => Box::new(std::io::stdin().lock()),
            _ => Box::new(std::fs::File::open(path).map_err(failed)?),
        };
        let mut text = String::new();
        from.take(IMPORTED + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > IMPORTED {
            return Err(Failed::Usage(self.configured.settings.lang.import_too_large(path.display())));
        }
        Ok(text)
    }

    /// What does not fit, and where.
    fn wrong(&self, id: &str, wrong: &Break) -> (Option<i64>, String) {
        let lang = self.configured.settings.lang;
        match wrong {
            Break::Missing(seq) => (Some(*seq), lang.incident_missing(id, seq)),
            Break::Unlinked(seq) => (Some(*seq), lang.incident_unlinked(id, seq)),
            Break::Altered(seq) => (Some(*seq), lang.incident_altered(id, seq)),
            Break::Ends(seq) => (Some(*seq), lang.incident_ends(id, seq)),
            Break::Sum => (None, lang.incident_sum(id)),
        }
    }
}

pub(super) async fn all(store: &Store, id: &str) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    let mut after = 0;
    loop {
        let page = store.entries(id, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(entries) };
        after = last.seq;
        entries.extend(page);
    }
}
