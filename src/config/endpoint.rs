//! Addresses with what it takes to be let in: URLs, tokens, headers, CA files.

use crate::config::reader::Context;
use crate::config::reader::Expansion;
use crate::config::reader::Section;
use crate::config::rules;
use crate::engine::Settings;
use crate::engine::settings::AlertmanagerSpec;
use crate::engine::settings::Endpoint;
use crate::engine::settings::MetricNames;
use crate::engine::settings::PrometheusSpec;
use crate::engine::settings::ScrapeSpec;
use crate::engine::sources::ALERTMANAGER;
use crate::model::time::DAY;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::SECOND;

/// Reads an HTTP endpoint whose URL stands under `key`.
pub(super) fn http(s: &mut Section<'_>, cx: &mut Context<'_>, key: &str) -> Endpoint {
    let path = s.path_of(key);
    let mut shown = String::new();
    if let Some((url, raw)) = s.secret(cx, key, Expansion::Url) {
        match url::Url::parse(&url) {
            Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
                shown = masked(&parsed, &raw);
                if let Some(password) = parsed.password() {
                    cx.hide(password);
                }
                cx.secrets.insert(path.clone(), url);
            }
            Ok(_) => cx.mistake(s, key, format!("{raw:?} is no http address"), "begin with http:// or https://"),
            Err(e) => cx.mistake(s, key, format!("{raw:?} is no address: {e}"), "begin with http:// or https://"),
        }
        s.shown(cx, key, &shown);
    } else if !s.has(key) && !s.has(&format!("{key}_file")) {
        cx.mistake(s, "", format!("{key} is missing"), "an address such as \"http://localhost:9090\"");
    }
    let bearer = named(s, cx, "bearer_token");
    let basic = named(s, cx, "basic_auth");
    if let (Some(_), Some(_)) = (&bearer, &basic) {
        cx.mistake(s, "basic_auth", "stands beside bearer_token".to_owned(), "give one of the two");
    }
    let headers_path = s.path_of("headers");
    let mut headers = Vec::new();
    for (name, value) in s.pairs(cx, "headers") {
        let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !good || value.contains(['\r', '\n']) {
            cx.mistake(s, "headers", format!("{name:?} is no header"), "");
            continue;
        }
        let id = format!("{headers_path}.{name}");
        cx.secrets.insert(id.clone(), value);
        headers.push((name, id));
    }
    let ca_file = s.text(cx, "ca_file").map(|p| cx.around.folder.join(p));
    Endpoint { url: path, shown, bearer, basic, headers, ca_file }
}

fn named(s: &mut Section<'_>, cx: &mut Context<'_>, key: &str) -> Option<String> {
    let path = s.path_of(key);
    let (value, _) = s.secret(cx, key, Expansion::Plain)?;
    s.shown(cx, key, "•••");
    Some(cx.keep(&path, value))
}

/// The URL as it may be shown: as it stands in the file where it reads the environment, and never with a password that
/// stands there in clear or a query value whose name looks secret.
fn masked(url: &url::Url, raw: &str) -> String {
    if raw == "•••" {
        return format!("{}://{}/…", url.scheme(), url.host_str().unwrap_or_default());
    }
    if raw.contains("${") {
        return match (raw.split_once("://"), raw.rsplit_once('@')) {
            (Some((scheme, _)), Some((before, after))) if !after.contains("://") => {
                let user = before.split("://").nth(1).unwrap_or_default().split(':').next().unwrap_or_default();
                format!("{scheme}://{user}@{after}")
            }
            _ => raw.to_owned(),
        };
    }
    let secret = |name: &str| ["token", "key", "secret", "pass", "auth", "sig"].iter().any(|w| name.contains(w));
    let hides = url.query_pairs().any(|(k, _)| secret(&k.to_lowercase()));
    if url.password().is_none() && !hides {
        return raw.to_owned();
    }
    let mut bare = url.clone();
    let _ = bare.set_password(None);
    if hides {
        bare.set_query(None);
    }
    bare.to_string()
}

/// Reads a database URL; returns the name of the secret and the URL as it may be shown.
pub(super) fn database(s: &mut Section<'_>, cx: &mut Context<'_>, key: &str, schemes: &[&str]) -> (String, String) {
    let path = s.path_of(key);
    let Some((url, raw)) = s.secret(cx, key, Expansion::Url) else {
        if !s.has(key) && !s.has(&format!("{key}_file")) {
            cx.mistake(s, "", format!("{key} is missing"), "such as \"mysql://reader:${DB_PASSWORD}@db/app\"");
        }
        return (path, String::new());
    };
    let scheme = url.split(':').next().unwrap_or_default().to_owned();
    if !schemes.contains(&scheme.as_str()) {
        // Nothing that came from the environment is printed.
        let what = if raw.starts_with(&scheme) { format!("{scheme:?}") } else { "this".to_owned() };
        cx.mistake(s, key, format!("{what} is no database this can read"), format!("one of {}", schemes.join(", ")));
    }
    let mut url = url;
    let mut shown = url.clone();
    if scheme == "sqlite" {
        // A relative file is meant from the configuration's folder, wherever cabina is started.
        let file = url.trim_start_matches("sqlite:").trim_start_matches("//");
        let (file, query) = file.split_once('?').unwrap_or((file, ""));
        if file != ":memory:" {
            let query = if query.is_empty() { String::new() } else { format!("?{query}") };
            url = format!("sqlite://{}{query}", cx.around.folder.join(file).display());
        }
        shown.clone_from(&url);
    } else if let Ok(parsed) = url::Url::parse(&url) {
        if let Some(password) = parsed.password() {
            cx.hide(password);
            let mut bare = parsed.clone();
            let _ = bare.set_password(Some("MASK"));
            shown = bare.to_string().replacen(":MASK@", ":•••@", 1);
        }
    } else {
        cx.mistake(s, key, "is no address".to_owned(), "such as \"mysql://reader:${DB_PASSWORD}@db/app\"");
        shown.clear();
    }
    cx.hide(&url);
    cx.secrets.insert(path.clone(), url);
    s.shown(cx, key, &shown);
    (path, shown)
}

/// Reads `[prometheus]` and `[[scrape]]`.
pub(super) fn metrics(root: &mut Section<'_>, cx: &mut Context<'_>, settings: &mut Settings) {
    settings.prometheus = root.section(cx, "prometheus").map(|mut s| {
        let every = s.duration(cx, "every", 15 * SECOND, SECOND, HOUR);
        let spec = PrometheusSpec {
            endpoint: http(&mut s, cx, "url"),
            every,
            timeout: s.duration(cx, "timeout", 5 * SECOND, 100, 2 * MINUTE),
            history: s.duration(cx, "history", HOUR, MINUTE, 7 * DAY),
            metrics: names(&mut s, cx),
            rules: rules::read(&mut s, cx, every),
            watchdog: s.text(cx, "watchdog"),
        };
        s.finish(cx);
        spec
    });
    for mut s in root.sections(cx, "scrape") {
        let every = s.duration(cx, "every", 5 * SECOND, SECOND, HOUR);
        settings.scrapes.push(ScrapeSpec {
            endpoint: http(&mut s, cx, "url"),
            every,
            timeout: s.duration(cx, "timeout", 5 * SECOND, 100, 2 * MINUTE),
            window: s.duration(cx, "window", 5 * MINUTE, 10 * SECOND, HOUR),
            metrics: names(&mut s, cx),
        });
        s.finish(cx);
    }
}

/// Reads `[[alertmanager]]`; several are one cluster.
pub(super) fn alertmanagers(root: &mut Section<'_>, cx: &mut Context<'_>) -> Vec<AlertmanagerSpec> {
    let mut sections = root.sections(cx, "alertmanager");
    let many = sections.len() > 1;
    let read = |(i, s): (usize, &mut Section<'_>)| {
        let spec = AlertmanagerSpec {
            name: if many { format!("{ALERTMANAGER} {}", i + 1) } else { ALERTMANAGER.to_owned() },
            endpoint: http(s, cx, "url"),
            every: s.duration(cx, "every", 15 * SECOND, SECOND, HOUR),
            timeout: s.duration(cx, "timeout", 5 * SECOND, 100, 2 * MINUTE),
        };
        s.finish(cx);
        spec
    };
    sections.iter_mut().enumerate().map(read).collect()
}

/// `preset`, or `requests`, `errors` and `duration`.
fn names(s: &mut Section<'_>, cx: &mut Context<'_>) -> MetricNames {
    let preset = s.choice(cx, "preset", &MetricNames::PRESETS, "default");
    let mut names = MetricNames::preset(&preset).unwrap_or_default();
    for (key, slot) in [("requests", &mut names.requests), ("duration", &mut names.duration)] {
        if let Some(name) = s.text(cx, key) {
            let good = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
                && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
            if !good {
                cx.mistake(s, key, format!("{name:?} is no metric name"), "such as \"http_requests_total\"");
            }
            *slot = name;
        }
    }
    if let Some(errors) = s.text(cx, "errors") {
        if !looks_like_matchers(&errors) {
            cx.mistake(s, "errors", format!("{errors:?} is no label matcher"), "such as 'status=~\"5..\"'");
        }
        names.errors = errors;
    }
    names
}

/// Label matchers as PromQL has them between braces.
fn looks_like_matchers(text: &str) -> bool {
    let shape = r#"^\s*[a-zA-Z_]\w*\s*(=~|!~|!=|=)\s*"([^"\\]|\\.)*"\s*(,\s*[a-zA-Z_]\w*\s*(=~|!~|!=|=)\s*"([^"\\]|\\.)*"\s*)*,?\s*$"#;
    let patterns = r#"[=!]~\s*"((?:[^"\\]|\\.)*)""#;
    let each = |r: regex::Regex| r.captures_iter(text).all(|c| regex::Regex::new(&format!("^(?:{})$", &c[1])).is_ok());
    regex::Regex::new(shape).is_ok_and(|r| r.is_match(text)) && regex::Regex::new(patterns).is_ok_and(each)
}
