//! `dora` and `report`: figures of weeks and months, from what the record holds.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use crate::app::complain;
use crate::app::config::Configured;
use crate::app::exit;
use crate::app::object;
use crate::app::print;
use crate::app::ready;
use crate::app::store;
use crate::bus;
use crate::bus::task;
use crate::cli::Cli;
use crate::effects::figures;
use crate::effects::library;
use crate::lang::Lang;
use crate::model::dora;
use crate::model::exercised::Exercised;
use crate::model::time::DAY;
use crate::model::trends;
use crate::model::trends::Trends;
use crate::model::trends::trends;
use crate::report;
use crate::sources::git;
use crate::sources::git::GitError;
use crate::store::Store;
use crate::store::StoreError;

/// Entries of journals that are read at the most: alerts of some thousand nights.
const SAID: i64 = 200_000;

pub(super) fn dora(cli: &Cli, days: i64, path: Option<&Path>) -> u8 {
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let settings = &configured.settings;
    let lang = settings.lang;
    let commits = match path.map(|path| (path, task::wait(&runtime, git::commits(path)))) {
        None => None,
        Some((_, Ok(commits))) => Some(commits),
        Some((path, Err(why))) => {
            complain(&format!("cabina: {}", words(lang, path, &why)));
            return exit::USAGE;
        }
    };
    let now = bus::now().wall;
    let read = store::look(&configured, runtime, lang, async |store| figures::read(store, now, days).await);
    let (record, code) = match read {
        Ok(read) => read,
        Err(why) => return refused(lang, &why),
    };
    let figures = dora::dora(record.known(commits.as_deref()), now, days);
    if cli.json {
        object(&report::dora::json(&figures, lang));
    } else {
        print(&report::dora::text(&figures, lang, settings.zone));
    }
    code
}

pub(super) fn report(cli: &Cli, days: i64) -> u8 {
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let settings = &configured.settings;
    let lang = settings.lang;
    let made = store::look(&configured, runtime, lang, async |store| months(&configured, store, days).await);
    let (trends, code) = match made {
        Ok(made) => made,
        Err(why) => return refused(lang, &why),
    };
    if cli.json {
        object(&report::trends::json(&trends, lang));
    } else {
        print(&report::trends::markdown(&trends, lang, settings.zone));
    }
    code
}

fn refused(lang: Lang, why: &StoreError) -> u8 {
    complain(&format!("cabina: {}", why.words(lang)));
    store::FAILED
}

fn words(lang: Lang, path: &Path, why: &GitError) -> String {
    match why {
        GitError::NoGit => lang.git_missing(),
        GitError::NoRepository(said) => lang.git_no_repository(path.display(), said),
        GitError::TooSlow => lang.git_too_slow(path.display()),
    }
}

async fn months(configured: &Configured, store: &Store, days: i64) -> Result<Trends, StoreError> {
    let settings = &configured.settings;
    let now = bus::now().wall;
    let incidents = store.incidents(false, figures::INCIDENTS).await?;
    let said = store.said(["fired", "run_began"], now - days * DAY, SAID).await?;
    let runs = store.run_lines(0).await?;
    let run: BTreeSet<String> = Exercised::of(runs.values()).into_keys().collect();
    let books = library::books(&settings.runbooks, library::today(settings.zone));
    let procedures: BTreeMap<String, String> =
        books.iter().map(|b| (b.says.id.clone(), b.says.title.clone())).filter(|(id, _)| !id.is_empty()).collect();
    let known = trends::Known { incidents: &incidents, said: &said, procedures: &procedures, run: &run };
    Ok(trends(known, now, days, settings.zone))
}
