//! `[[sql]]` and `[[log]]`: figures of the configuration's own, from a database or from lines that match.

use crate::config::endpoint;
use crate::config::reader::Context;
use crate::config::reader::Expansion;
use crate::config::reader::Section;
use crate::config::signals::UNITS;
use crate::config::signals::limit;
use crate::engine::Settings;
use crate::engine::settings::LogFrom;
use crate::engine::settings::LogSpec;
use crate::engine::settings::SignalSpec;
use crate::engine::settings::SqlSpec;
use crate::model::signal::Unit;
use crate::model::source::Origin;
use crate::model::time::HOUR;
use crate::model::time::SECOND;

pub(super) fn read(root: &mut Section<'_>, cx: &mut Context<'_>, settings: &mut Settings) {
    for mut s in root.sections(cx, "sql") {
        let (url, shown) =
            endpoint::database(&mut s, cx, "url", &["mysql", "mariadb", "sqlite", "postgres", "postgresql"]);
        let query = s.required(cx, "query", "one statement that returns one number");
        let spec = SqlSpec {
            name: s.required(cx, "name", "a name such as \"analytics_overdue\""),
            every: s.duration(cx, "every", 30 * SECOND, SECOND, HOUR),
            budget: s.duration(cx, "budget", 250, 10, 10 * SECOND),
            url,
            shown,
            query,
        };
        let signal = signal(&mut s, cx, &spec.name, &spec.query, Origin::Sql);
        add(&s, cx, settings, signal);
        settings.sql.push(spec);
        s.finish(cx);
    }
    for mut s in root.sections(cx, "log") {
        let name = s.required(cx, "name", "a name such as \"critical_errors\"");
        let from = from(&mut s, cx);
        let pattern = s.required(cx, "match", "a regular expression");
        if regex::bytes::Regex::new(&pattern).is_err() {
            cx.mistake(&s, "match", format!("{pattern:?} is no regular expression"), "");
        }
        let every = s.duration(cx, "every", 5 * SECOND, SECOND, HOUR);
        let signal = signal(&mut s, cx, &name, &pattern, Origin::Log);
        add(&s, cx, settings, signal);
        settings.logs.push(LogSpec { name, from, pattern, every });
        s.finish(cx);
    }
}

fn from(s: &mut Section<'_>, cx: &mut Context<'_>) -> LogFrom {
    let command = s.has("command") || s.has("command_file");
    if command == s.has("file") {
        cx.mistake(s, "", "needs either command or file".to_owned(), "");
    }
    if let Some(file) = s.text(cx, "file") {
        return LogFrom::File(cx.around.folder.join(file));
    }
    let path = s.path_of("command");
    let (line, shown) = s.secret(cx, "command", Expansion::Plain).unwrap_or_default();
    s.shown(cx, "command", &shown);
    cx.secrets.insert(path.clone(), line);
    LogFrom::Command { line: path, shown }
}

/// The signal that the figure becomes.
fn signal(s: &mut Section<'_>, cx: &mut Context<'_>, name: &str, query: &str, origin: Origin) -> SignalSpec {
    let words: Vec<&str> = UNITS.iter().map(|u| u.word()).collect();
    let unit = s.choice(cx, "unit", &words, Unit::Count.word());
    SignalSpec {
        name: name.to_owned(),
        query: Some(query.to_owned()),
        origin,
        optional: false,
        unit: UNITS.into_iter().find(|u| u.word() == unit).unwrap_or_default(),
        warning: s.section(cx, "warning").and_then(|mut l| limit(&mut l, cx)),
        critical: s.section(cx, "critical").and_then(|mut l| limit(&mut l, cx)),
        window: None,
    }
}

fn add(s: &Section<'_>, cx: &mut Context<'_>, settings: &mut Settings, signal: SignalSpec) {
    if settings.signals.iter().any(|other| other.name == signal.name) {
        cx.mistake(s, "name", format!("two signals are called {:?}", signal.name), "");
    } else {
        settings.signals.push(signal);
    }
}
