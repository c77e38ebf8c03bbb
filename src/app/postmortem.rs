//! `postmortem ID`: the document that writes itself as far as figures can, and asks people the rest.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::app::complain;
use crate::app::exit;
use crate::app::gate;
use crate::app::incident::NEWEST;
use crate::app::incident::all;
use crate::app::ready;
use crate::app::store;
use crate::bus;
use crate::cli::Cli;
use crate::cli::DocumentFormat;
use crate::effects::curves;
use crate::engine::Settings;
use crate::engine::story;
use crate::engine::story::Curves;
use crate::engine::story::From;
use crate::engine::story::LEAD;
use crate::export::postmortem as document;
use crate::lang::Lang;
use crate::model::journal;
use crate::model::text::escaped_json;
use crate::model::text::harmless;
use crate::model::time::MINUTE;
use crate::secrets::Secrets;
use crate::sources::prometheus;
use crate::store::Opened;
use crate::store::Store;
use crate::store::StoreError;

/// A server that does not answer by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the command line asked for.
pub(super) struct Asked<'a> {
    pub(super) id: &'a str,
    pub(super) format: Option<DocumentFormat>,
    pub(super) output: Option<&'a Path>,
    pub(super) template: Option<&'a Path>,
    pub(super) language: Option<&'a str>,
}

pub(super) fn main(cli: &Cli, asked: &Asked<'_>) -> u8 {
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let own = configured.settings.lang;
    let lang = match asked.language.map(|l| (Lang::parse(l), l)) {
        None => own,
        Some((Some(lang), _)) => lang,
        Some((None, other)) => {
            complain(&format!("cabina: {}", own.cli_bad_language(other)));
            return exit::USAGE;
        }
    };
    let template = match asked.template.map(std::fs::read_to_string) {
        None => None,
        Some(Ok(text)) => Some(text),
        Some(Err(e)) => {
            complain(&format!("cabina: {}: {e}", asked.template.unwrap_or(Path::new("")).display()));
            return exit::USAGE;
        }
    };
    let json = cli.json && asked.format.is_none() || matches!(asked.format, Some(DocumentFormat::Json));
    let made = store::look(&configured, runtime, own, async |store| {
        make(&configured.settings, &configured.secrets, store, asked.id, lang, json, template.as_deref()).await
    });
    let (text, code) = match made {
        Ok((Ok(text), code)) => (text, code),
        Ok((Err(name), _)) => {
            complain(&format!("cabina: {}", own.pm_bad_template(format!("{{{{{name}}}}}"))));
            return exit::USAGE;
        }
        Err(why) => {
            complain(&format!("cabina: {}", why.words(own)));
            return if matches!(why, StoreError::NoIncident(_)) { exit::USAGE } else { store::FAILED };
        }
    };
    let Some(path) = asked.output else {
        if json {
            gate::json(&text);
        } else {
            gate::text(&text);
        }
        return code;
    };
    let text = if json { escaped_json(&text) } else { harmless(&text) };
    if let Err(e) = gate::file(path, text.as_bytes()) {
        complain(&format!("cabina: {}: {e}", path.display()));
        return exit::INTERNAL;
    }
    complain(&format!("cabina: {}", own.pm_written(path.display())));
    code
}

/// The document; or the name that its template asks for in vain.
pub(super) async fn make(
    settings: &Settings,
    secrets: &Arc<Secrets>,
    store: &Store,
    id: &str,
    lang: Lang,
    json: bool,
    template: Option<&str>,
) -> Result<Result<String, String>, StoreError> {
    let incident = match id {
        NEWEST => {
            store.incidents(false, 1).await?.into_iter().next().ok_or_else(|| StoreError::NoIncident(id.to_owned()))?
        }
        id => store.incident(&id.to_uppercase()).await?,
    };
    let mut entries = all(store, &incident.id).await?;
    entries.sort_by_key(|e| (e.at, e.seq));
    let now = bus::now().wall;
    let end = incident.resolved_at.unwrap_or(now).max(incident.opened_at + MINUTE);
    let span = (incident.opened_at - LEAD, end);
    let mut curves = curves::read(store, span).await?;
    if !curves.has_errors() {
        let past = tokio::time::timeout(PATIENCE, prometheus::past(settings, secrets, span)).await;
        if let Ok(Some(samples)) = past {
            curves.from = From::Prometheus;
            curves.sampled(&samples);
        }
    }
    if !curves.has_errors() {
        curves = Curves::of_journal(&entries);
    }
    let (service, environment) = (settings.service.as_str(), settings.environment.as_str());
    let reader = story::Reader { lang, zone: settings.zone, now, service, environment };
    // What is secret now may not have been when it was written down; and before anything is quoted, which could part a
    // secret from its own look.
    let told = story::postmortem(&incident, &entries, &curves, reader).rewritten(|t| secrets.redact(t));
    let text = if json {
        Ok(format!("{}\n", document::as_json(&told, lang)))
    } else {
        let template = template.unwrap_or_else(|| document::own_template(lang));
        document::markdown(&told, lang, settings.zone, template).map(|text| with_gaps(text, &store.unreadable(lang)))
    };
    Ok(text)
}

/// A document that is not made of everything that was written down says so where it is read first: behind its title.
fn with_gaps(text: String, gaps: &[String]) -> String {
    if gaps.is_empty() {
        return text;
    }
    let (title, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("{title}\n\n> {}\n{rest}", gaps.join("\n> "))
}

/// Ends a document that nobody has touched: a print of what stands before it.
const UNTOUCHED: &str = "<!-- cabina ";

fn signed(text: &str) -> String {
    format!("{text}\n{UNTOUCHED}{} -->\n", journal::print(text))
}

/// Has anybody written in it? Without its mark, or with one that does not fit, somebody has.
fn touched(document: &str) -> bool {
    let untouched = document.rfind(UNTOUCHED).is_some_and(|at| {
        let text = document.get(..at).and_then(|t| t.strip_suffix('\n'));
        text.is_some_and(|text| signed(text) == document)
    });
    !untouched
}

/// Writes the document beside the store, unless somebody has written in the one that is there: what people wrote is not
/// written over, and what nobody touched is made anew.
pub(super) async fn beside(settings: &Settings, secrets: &Arc<Secrets>, url: &str, id: &str) -> Result<String, String> {
    let lang = settings.lang;
    let failed = |why: StoreError| why.words(lang);
    let path = crate::store::path(url).ok_or_else(|| failed(StoreError::OtherDatabase))?;
    let mut folder = path.into_os_string();
    folder.push(".postmortem");
    let (folder, name) = (PathBuf::from(folder), format!("{id}.md"));
    let file = folder.join(name);
    if !std::fs::read_to_string(&file).is_ok_and(|there| touched(&there)) {
        let Opened { store, .. } = Store::open_whole(url, store::PATIENCE).await.map_err(failed)?;
        let made = make(settings, secrets, &store, id, lang, false, None).await.map_err(|why| store.named(why));
        store.close().await;
        let text = made.map_err(failed)?.map_err(|name| lang.pm_bad_template(name))?;
        let kept = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        kept.and_then(|()| crate::store::keep_aside(&file, &signed(&text)))
            .map_err(|e| format!("{}: {e}", file.display()))?;
    }
    Ok(file.display().to_string())
}
