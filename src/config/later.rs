//! Sections whose features come later: read strictly, so that a file written today is right tomorrow, and then named
//! in one warning line.

use crate::config::endpoint;
use crate::config::reader::Context;
use crate::config::reader::Section;
use crate::model::time::DAY;
use crate::model::time::MINUTE;

pub(super) fn read(root: &mut Section<'_>, cx: &mut Context<'_>) {
    for mut s in several(root, cx, "notify") {
        notify(&mut s, cx);
    }
    if let Some(mut s) = single(root, cx, "cadence") {
        for (key, default) in [("sev1", 15), ("sev2", 30), ("sev3", 60), ("sev4", 240)] {
            s.duration(cx, key, default * MINUTE, MINUTE, DAY);
        }
        s.finish(cx);
    }
}

/// `[[severity.rule]]`
pub(super) fn rules(severity: &mut Section<'_>, cx: &mut Context<'_>) {
    let rules = severity.sections(cx, "rule");
    if !rules.is_empty() {
        cx.not_yet.push("[[severity.rule]]".to_owned());
    }
    for mut s in rules {
        s.choice(cx, "level", &["SEV1", "SEV2", "SEV3", "SEV4"], "SEV4");
        s.required(cx, "when", "a condition");
        s.text(cx, "name");
        s.finish(cx);
    }
}

fn notify(s: &mut Section<'_>, cx: &mut Context<'_>) {
    let kind = s.choice(cx, "kind", &["mailbox", "webhook", "pagerduty", "command"], "webhook");
    match kind.as_str() {
        "mailbox" => {
            endpoint::database(s, cx, "url", &["mysql", "mariadb", "sqlite", "postgres", "postgresql"]);
            s.required(cx, "sql", "the INSERT that puts a message into the mailbox");
        }
        "webhook" => {
            endpoint::http(s, cx, "url");
            s.text(cx, "shape");
        }
        "pagerduty" => {
            let path = s.path_of("routing_key");
            match s.secret(cx, "routing_key", crate::config::reader::Expansion::Plain) {
                Some((key, _)) => {
                    cx.keep(&path, key);
                }
                None if !s.has("routing_key") && !s.has("routing_key_file") => {
                    cx.mistake(s, "", "routing_key is missing".to_owned(), "");
                }
                None => {}
            }
            if s.has("url") {
                endpoint::http(s, cx, "url");
            }
        }
        _ => {
            s.required(cx, "command", "a command line");
        }
    }
    s.finish(cx);
}

fn several<'t>(root: &mut Section<'t>, cx: &mut Context<'_>, key: &str) -> Vec<Section<'t>> {
    let found = root.sections(cx, key);
    if !found.is_empty() {
        cx.not_yet.push(format!("[[{key}]]"));
    }
    found
}

fn single<'t>(root: &mut Section<'t>, cx: &mut Context<'_>, key: &str) -> Option<Section<'t>> {
    let found = root.section(cx, key);
    if found.is_some() {
        cx.not_yet.push(format!("[{key}]"));
    }
    found
}
