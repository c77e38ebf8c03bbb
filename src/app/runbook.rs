//! `runbook list|show|lint|new`: the library of procedures. None of it needs a configuration.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::app::complain;
use crate::app::config;
use crate::app::exit;
use crate::app::object;
use crate::app::print;
use crate::app::runtime;
use crate::app::store;
use crate::app::walk;
use crate::bus;
use crate::bus::task;
use crate::cli::Cli;
use crate::cli::Runbook as Asked;
use crate::effects::library;
use crate::engine::library::Book;
use crate::engine::library::searched;
use crate::lang::Lang;
use crate::model::exercised::Exercised;
use crate::model::runbook::Runbook;
use crate::model::time::Zone;
use crate::report::runbook as report;
use crate::report::runbook::Linted;
use crate::report::stats;
use crate::runbook::lint;
use crate::runbook::lint::Level;
use crate::runbook::lint::Problem;
use crate::runbook::new;

/// A file could not be read, or something was found.
const FAILED: u8 = 1;
/// The folder of the library where nothing is configured.
const FOLDER: &str = "runbooks";

/// Where procedures are looked for, and how they are spoken of.
pub(super) struct Library {
    folders: Vec<PathBuf>,
    pub(super) lang: Lang,
    zone: Zone,
    author: String,
    pub(super) json: bool,
}

pub(super) fn main(cli: &Cli, asked: &Asked) -> u8 {
    let library = match library(cli) {
        Ok(library) => library,
        Err(code) => return code,
    };
    match asked {
        Asked::List { search } => library.list(cli, search.as_deref()),
        Asked::Show { reference } => library.show(reference),
        Asked::Lint { paths } => library.lint(paths),
        Asked::Run { reference, how } => walk::main(cli, &library, reference, how),
        Asked::Stats => library.stats(cli),
        Asked::New { kind, title, language, folder } => {
            if cli.read_only {
                complain(&format!("cabina: {}", library.lang.incident_read_only()));
                return exit::USAGE;
            }
            library.make(kind, title, language.as_deref(), folder.as_deref())
        }
    }
}

/// The library as it is configured; where there is no configuration, the folder next to whoever asks.
fn library(cli: &Cli) -> Result<Library, u8> {
    if config::find(cli).is_none() {
        let folders = vec![PathBuf::from(FOLDER)];
        let (lang, zone, author) = config::bare();
        return Ok(Library { folders, lang, zone, author, json: cli.json });
    }
    let configured = config::load(cli)?;
    let s = configured.settings;
    Ok(Library { folders: s.runbooks, lang: s.lang, zone: s.zone, author: s.operator, json: cli.json })
}

impl Library {
    /// Every procedure that can be read; what cannot is told by `lint`.
    fn all(&self) -> Vec<Book> {
        library::books(&self.folders, library::today(self.zone))
    }

    fn places(&self) -> String {
        self.folders.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ")
    }

    /// How often each was run, where there is a record that can be read; it is not made for this.
    fn exercised(&self, cli: &Cli) -> BTreeMap<String, Exercised> {
        let read = || {
            let configured = config::load_or_bare(cli, self.lang).ok()?;
            let url = store::url(&configured).ok()?;
            let runtime = runtime().ok()?;
            let runs = task::wait(&runtime, async {
                let store = crate::store::Store::look(&url, store::PATIENCE).await.ok()?;
                let runs = store.run_lines(0).await.ok();
                store.close().await;
                runs
            });
            runtime.shutdown_background();
            runs
        };
        read().map(|runs| Exercised::of(runs.values())).unwrap_or_default()
    }

    fn list(&self, cli: &Cli, search: Option<&str>) -> u8 {
        let (mut all, skipped) = library::shelves(&self.folders, library::today(self.zone));
        for (path, why) in &skipped {
            complain(&format!("cabina: {}", self.lang.runbook_skipped(path.display(), why.words(self.lang))));
        }
        if all.is_empty() && !self.json {
            complain(&format!("cabina: {}", self.lang.runbook_none(self.places())));
        }
        // A machine that asks for everything gets the twins too.
        if search.is_some() || !self.json {
            let places = searched(&all, search.unwrap_or_default(), self.lang);
            all = places.iter().filter_map(|i| all.get(*i)).cloned().collect();
        }
        if self.json {
            object(&report::list(&all, &self.exercised(cli)));
        } else {
            print(&report::lines(&all, &self.exercised(cli), library::today(self.zone), self.lang));
        }
        0
    }

    fn show(&self, reference: &str) -> u8 {
        let path = match self.find(reference) {
            Ok(path) => path,
            Err(sentence) => {
                complain(&format!("cabina: {sentence}"));
                return exit::USAGE;
            }
        };
        match library::open(&path) {
            Ok((book, _)) => {
                if self.json {
                    object(&report::show(&book));
                } else {
                    print(&report::text(&book, self.lang));
                }
                0
            }
            Err(why) => {
                complain(&format!("cabina: {}: {}", path.display(), why.words(self.lang)));
                FAILED
            }
        }
    }

    /// The file that a reference means: one that is there, or the one in the library with this id.
    pub(super) fn find(&self, reference: &str) -> Result<PathBuf, String> {
        let path = PathBuf::from(reference);
        if path.exists() {
            return Ok(path);
        }
        let wanted = reference.to_uppercase();
        let all: Vec<Book> = self.all().into_iter().filter(|b| b.says.id.to_uppercase() == wanted).collect();
        let places = searched(&all, "", self.lang);
        let mut fit: Vec<String> = places.iter().filter_map(|i| all.get(*i)).map(|b| b.path.clone()).collect();
        match fit.len() {
            0 => Err(self.lang.runbook_unknown(reference)),
            1 => Ok(PathBuf::from(fit.remove(0))),
            _ => Err(self.lang.runbook_several(reference, fit.join(", "))),
        }
    }

    /// Figures of the runs that the store knows.
    fn stats(&self, cli: &Cli) -> u8 {
        let configured = match config::load_or_bare(cli, self.lang) {
            Ok(configured) => configured,
            Err(code) => return code,
        };
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(code) => return code,
        };
        match store::look(&configured, runtime, self.lang, async |store| store.run_lines(0).await) {
            Ok((runs, code)) => {
                let figures = stats::figures(&runs, &self.all(), bus::now().wall);
                if self.json {
                    object(&stats::json(&figures));
                } else {
                    print(&stats::text(&figures, self.lang));
                }
                code
            }
            Err(why) => {
                complain(&format!("cabina: {}", why.words(self.lang)));
                FAILED
            }
        }
    }

    fn lint(&self, paths: &[PathBuf]) -> u8 {
        let mut files: Vec<PathBuf> = Vec::new();
        for path in if paths.is_empty() { &self.folders } else { paths } {
            if path.is_dir() {
                files.extend(library::files(std::slice::from_ref(path)));
            } else {
                files.push(path.clone());
            }
        }
        let mut all: Vec<Linted> = Vec::new();
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        for path in files {
            all.push(self.linted(&path, &mut ids));
        }
        if all.is_empty() {
            complain(&format!("cabina: {}", self.lang.runbook_none(self.places())));
        }
        if self.json {
            object(&report::lint(&all));
        } else {
            print(&report::lint_lines(&all, self.lang));
        }
        u8::from(all.iter().any(|l| !l.problems.is_empty()))
    }

    fn linted(&self, path: &Path, ids: &mut BTreeMap<String, String>) -> Linted {
        let shown = path.display().to_string();
        let (book, text) = match library::open(path) {
            Ok(opened) => opened,
            Err(why) => {
                let (line, text) = (why.line(), why.words(self.lang));
                let problem = Problem { line, code: "unreadable", level: Level::Error, text };
                return Linted { path: shown, id: String::new(), steps: 0, problems: vec![problem] };
            }
        };
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let mut problems = lint::lint(&book, &text, &name, library::today(self.zone), self.lang);
        if library::is_loose(path) {
            let text = self.lang.runbook_loose(&shown);
            problems.insert(0, Problem { line: 1, code: "world-writable", level: Level::Error, text });
        }
        if let Some(problem) = self.duplicate(&book, &shown, ids) {
            problems.push(problem);
            problems.sort_by_key(|p| p.line);
        }
        Linted { path: shown, id: book.id, steps: book.steps.len(), problems }
    }

    /// Numbers are never used twice; twins in two languages share theirs.
    fn duplicate(&self, book: &Runbook, path: &str, ids: &mut BTreeMap<String, String>) -> Option<Problem> {
        let (_, line, id) = book.front.entry(&["id"])?;
        let key = format!("{id} {}", book.language);
        if let Some(first) = ids.get(&key) {
            let text = self.lang.lint_id_duplicate(id, first);
            return Some(Problem { line: *line, code: "id-duplicate", level: Level::Error, text });
        }
        ids.insert(key, path.to_owned());
        None
    }

    fn make(&self, kind: &str, title: &str, language: Option<&str>, folder: Option<&Path>) -> u8 {
        let kind = kind.to_lowercase();
        if !new::KINDS.contains(&kind.as_str()) {
            complain(&format!("cabina: {}", self.lang.runbook_kinds(kind, new::KINDS.join(", "))));
            return exit::USAGE;
        }
        if title.trim().is_empty() {
            complain(&format!("cabina: {}", self.lang.incident_empty_text()));
            return exit::USAGE;
        }
        let lang = match language.map(|l| Lang::parse(l).ok_or(l)) {
            None => self.lang,
            Some(Ok(lang)) => lang,
            Some(Err(text)) => {
                complain(&format!("cabina: {}", self.lang.cli_bad_language(format!("{text:?}"))));
                return exit::USAGE;
            }
        };
        let all = self.all();
        let id = new::next_id(all.iter().map(|b| b.says.id.as_str()));
        let folder = folder.map(Path::to_path_buf).or_else(|| self.folders.first().cloned()).unwrap_or_default();
        let path = folder.join(new::file_name(&id, title));
        let date = self.zone.date(bus::now().wall);
        let text = new::document(lang, &id, &kind, title, &date, &self.author);
        match write(&path, &text) {
            Ok(()) => {
                if self.json {
                    object(&serde_json::json!({ "schema": 1, "id": id, "path": path.display().to_string() }));
                } else {
                    print(&format!("{}\n", self.lang.runbook_made(path.display())));
                }
                0
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                complain(&format!("cabina: {}", self.lang.runbook_exists(path.display())));
                FAILED
            }
            Err(e) => {
                complain(&format!("cabina: {}: {e}", path.display()));
                FAILED
            }
        }
    }
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}
