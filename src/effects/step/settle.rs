//! Takes the files of runs into the store: what was told while no cabina was there to write it down, and of those whose
//! supervisor is gone that nobody knows what came of them. Taken in twice, everything is there once.

use std::path::Path;
use std::path::PathBuf;

use crate::bus;
use crate::bus::Bus;
use crate::bus::pace;
use crate::effects::step::file;
use crate::engine::Kind;
use crate::engine::run::Found;
use crate::engine::run::entry_id;
use crate::engine::run::facts;
use crate::model::journal::Draft;
use crate::model::run::Told;
use crate::model::runbook::Runbook;
use crate::model::tale::Tale;
use crate::model::time::DAY;
use crate::secrets::Secrets;
use crate::store::Store;
use crate::store::StoreError;

/// Runs whose last line is older than this are in the store, journal and all.
const RECENT: i64 = 2 * DAY;

/// Takes in every run beside a store.
///
/// # Errors
/// When the store cannot be written; the files are there for the next.
pub async fn settle(store: &Store, path: &Path, secrets: &Secrets) -> Result<(), StoreError> {
    let folder = file::folder(path);
    for run in file::runs(&folder) {
        let Ok((lines, _)) = file::settle(&folder, &run) else { continue };
        let Some(last) = lines.last() else { continue };
        if last.at < bus::now().wall - RECENT && store.run_told(&run).await? >= last.seq {
            continue;
        }
        let tale = Tale::of(&lines);
        if let Some(incident) = tale.head.incident.clone() {
            let book = document(&folder, &run);
            let drafts = drafts(&lines, book.as_ref(), secrets);
            match store.append(&incident, drafts).await {
                Ok(_) | Err(StoreError::NoIncident(_)) => {}
                Err(why) => return Err(why),
            }
        }
        store.tell_run(&run, &lines).await?;
    }
    Ok(())
}

/// The procedure as it was when the run began.
#[must_use]
pub fn document(folder: &Path, run: &str) -> Option<Runbook> {
    let bytes = std::fs::read(file::document(folder, run)).ok()?;
    crate::runbook::read(run, &bytes).ok()
}

/// The runs that can be gone on with: those that have not ended, newest first.
#[must_use]
pub fn open(folder: &Path) -> Vec<Found> {
    let found = |run: String| {
        let (lines, alive) = file::settle(folder, &run).ok()?;
        let tale = Tale::of(&lines);
        let recent = bus::now().wall - tale.last < DAY;
        (tale.goes_on() && !tale.head.run.is_empty() && (alive || recent)).then(|| {
            let driven = alive && file::driven(folder, &tale.head.run).exists();
            Found { tale, alive, driven }
        })
    };
    file::runs(folder).into_iter().filter_map(found).collect()
}

/// How often is looked for runs that others began or left.
const LOOK: std::time::Duration = std::time::Duration::from_secs(5);

/// Tells the runs that can be gone on with, at the start and whenever they are others, for as long as anybody listens.
pub async fn watch(folder: PathBuf, bus: Bus) {
    let mut told: Option<Vec<(String, u64, bool, bool)>> = None;
    loop {
        let asked = folder.clone();
        let Ok(found) = tokio::task::spawn_blocking(move || open(&asked)).await else { return };
        let news: Vec<(String, u64, bool, bool)> =
            found.iter().map(|f| (f.tale.head.run.clone(), f.tale.seq, f.alive, f.driven)).collect();
        if told.as_ref() != Some(&news) {
            told = Some(news);
            if !bus.send(Kind::RunsFound { runs: found.into() }).await {
                return;
            }
        }
        pace::after(LOOK).await;
    }
}

fn drafts(lines: &[Told], book: Option<&Runbook>, secrets: &Secrets) -> Vec<Draft> {
    let mut tale = Tale::default();
    let mut drafts = Vec::new();
    for told in lines {
        tale.take(told);
        if let Some((who, fact)) = facts(&tale, book, told) {
            let fact = fact.rewritten(|text| secrets.redact(text));
            let id = entry_id(&tale.head.run, told.seq);
            drafts.push(Draft { id, ..Draft::new(told.at, &who, &tale.head.host, fact) });
        }
    }
    drafts
}
