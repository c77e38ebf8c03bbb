//! `doctor`: the effective configuration with the origin of each value, each connection tried and explained, what the
//! terminal can do, and what each poll costs the service. Opens no screen and changes nothing.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;

use crate::app::check::look;
use crate::app::config;
use crate::app::config::Configured;
use crate::app::object;
use crate::app::print;
use crate::app::ready;
use crate::app::terminal;
use crate::bus::task;
use crate::cli::Cli;
use crate::effects::library;
use crate::engine::State;
use crate::engine::settings::Settings;
use crate::engine::state::Mode;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::signal::Absence;
use crate::model::signal::Reading;
use crate::model::source::Feed;
use crate::model::text::pad;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::theme::Depth;

pub(super) fn main(cli: &Cli) -> u8 {
    if config::find(cli).is_none() {
        // It needs no configuration: what can be said without one is said.
        let lang = config::language();
        if cli.json {
            object(&json!({"schema": 1, "config": null, "values": [], "connections": [], "costs": []}));
        } else {
            print(&format!("{}\n\n{}", lang.cli_no_config(), terminal_text(lang)));
        }
        return 0;
    }
    let (configured, runtime) = match ready(cli) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let (_, state) = task::wait(&runtime, look(&configured, Mode::Once));
    runtime.shutdown_background();
    let tried = tried(&state);
    let good = tried.iter().all(|t| t.good) && loose(&configured.settings).is_empty();
    if cli.json {
        object(&blotted(machine(&configured, &tried), &configured.secrets));
    } else {
        print(&configured.secrets.blot(&text(&configured, &tried)));
    }
    u8::from(!good)
}

/// One connection that was tried.
struct Tried {
    name: String,
    asks: String,
    good: bool,
    said: String,
}

fn tried(state: &State) -> Vec<Tried> {
    let lang = state.settings.lang;
    let mut out = Vec::new();
    for (check, spec) in state.checks.all.iter().zip(&state.settings.checks) {
        let good = check.last.as_ref().is_some_and(|p| !p.outcome.failed());
        let took = check.last.as_ref().and_then(|p| p.latency).map(|ms| format!(", {ms} ms")).unwrap_or_default();
        // What it depends on has its own line: here its own answer counts.
        let own = check.last.as_ref().and_then(|p| words::outcome(lang, &p.outcome));
        let said = own.unwrap_or_else(|| words::check_detail(lang, check));
        out.push(Tried { name: check.name.clone(), asks: spec.probe.shown(), good, said: format!("{said}{took}") });
    }
    for source in &state.sources.all {
        let said = match (&source.problem, source.took) {
            (Some(why), _) => words::absence(lang, why),
            (None, Some(ms)) => format!("{ms} ms"),
            (None, None) => lang.absent_not_yet(),
        };
        let mut said = said;
        for note in &source.notes {
            let _ = write!(said, "; {note}");
        }
        let asks = state.settings.address(&source.name);
        // A figure out of order says so where its value would stand.
        let own = source.name.split_once(' ').filter(|_| source.feed == Feed::Figures).map(|(_, name)| name);
        let read = own.and_then(|n| state.signals.get(n)).and_then(|s| s.last.as_ref()).map(|(_, s)| &s.reading);
        let absent = match read {
            // One look gives no rate; that it could be read is what is asked here.
            Some(Reading::Absent(Absence::TooYoung)) => None,
            Some(Reading::Absent(why)) => Some(words::absence(lang, why)),
            _ => None,
        };
        let good = source.problem.is_none() && source.last_ok.is_some() && absent.is_none();
        let said = absent.unwrap_or(said);
        out.push(Tried { name: words::source(lang, &source.name), asks, good, said });
    }
    out
}

/// What is asked of the service, and how often.
fn costs(settings: &Settings, lang: Lang) -> Vec<String> {
    let per_minute = |every: Millis| MINUTE as f64 / every.max(1) as f64;
    let mut out = Vec::new();
    for c in &settings.checks {
        out.push(lang.doctor_cost_check(&c.name, format!("{:.1}", per_minute(c.every))));
    }
    if let Some(p) = &settings.prometheus {
        // Four counts, and a query for each quantile and each configured signal.
        let queries = 4 + settings.signals.iter().filter(|s| !s.built_in()).count() + 2;
        out.push(lang.doctor_cost_prometheus(queries, format!("{:.1}", per_minute(p.every))));
    }
    for s in &settings.scrapes {
        out.push(lang.doctor_cost_scrape(&s.endpoint.shown, format!("{:.1}", per_minute(s.every))));
    }
    for a in &settings.alertmanagers {
        out.push(lang.doctor_cost_alertmanager(&a.endpoint.shown, format!("{:.1}", per_minute(a.every))));
    }
    for group in settings.prometheus.iter().flat_map(|p| &p.rules) {
        out.push(lang.doctor_cost_rules(&group.name, group.rules.len(), format!("{:.1}", per_minute(group.interval))));
    }
    for s in &settings.sql {
        out.push(lang.doctor_cost_sql(&s.name, format!("{:.1}", per_minute(s.every)), s.budget));
    }
    if let Some(s) = &settings.sessions {
        out.push(lang.doctor_cost_sessions(&s.table, format!("{:.1}", per_minute(s.every)), s.budget));
    }
    out
}

fn text(configured: &Configured, tried: &[Tried]) -> String {
    let lang = configured.settings.lang;
    let mut out = String::new();
    let _ = writeln!(out, "{}", lang.doctor_config(configured.path.display()));
    for o in &configured.origins {
        let from = o.line.map_or_else(|| lang.doctor_default(), |n| lang.doctor_line(n));
        let _ = writeln!(out, "  {} {}  ({from})", pad(&o.key, 28), o.value);
    }
    let _ = writeln!(out, "\n{}", lang.doctor_connections());
    for t in tried {
        let word = if t.good { "ok  " } else { "FAIL" };
        let _ = writeln!(out, "  {word} {}  {}: {}", t.name, t.asks, t.said);
    }
    let loose = loose(&configured.settings);
    for path in &loose {
        let _ = writeln!(out, "  FAIL {}", lang.runbook_loose(path.display()));
    }
    let _ = writeln!(out, "\n{}", lang.doctor_costs());
    for line in costs(&configured.settings, lang) {
        let _ = writeln!(out, "  {line}");
    }
    let _ = write!(out, "\n{}", terminal_text(lang));
    out
}

/// Procedures that anybody on the machine may change.
fn loose(settings: &Settings) -> Vec<PathBuf> {
    library::files(&settings.runbooks).into_iter().filter(|path| library::is_loose(path)).collect()
}

fn terminal_text(lang: Lang) -> String {
    let var = |name: &str| std::env::var(name).ok();
    let depth = Depth::detect(var("NO_COLOR").as_deref(), var("COLORTERM").as_deref(), var("TERM").as_deref());
    let colours = match depth {
        Depth::None => lang.doctor_no_colour(),
        Depth::Sixteen => lang.doctor_colours(16),
        Depth::Indexed => lang.doctor_colours(256),
        Depth::True => lang.doctor_colours("16M"),
    };
    let letters = if config::utf8() { "UTF-8".to_owned() } else { "ASCII".to_owned() };
    let size = crossterm::terminal::size().ok().filter(|_| terminal::present());
    let size = size.map_or_else(|| lang.doctor_no_terminal(), |(w, h)| format!("{w}x{h}"));
    format!("{}\n  TERM={}  {colours}  {letters}  {size}\n", lang.doctor_terminal(), var("TERM").unwrap_or_default())
}

fn machine(configured: &Configured, tried: &[Tried]) -> serde_json::Value {
    json!({
        "schema": 1,
        "config": configured.path.display().to_string(),
        "values": configured.origins.iter().map(|o| json!({"key": o.key, "value": o.value, "line": o.line})).collect::<Vec<_>>(),
        "connections": tried.iter().map(|t| json!({"name": t.name, "asks": t.asks, "ok": t.good, "said": t.said})).collect::<Vec<_>>(),
        "costs": costs(&configured.settings, configured.settings.lang),
        "not_yet": configured.not_yet,
        "world_writable": loose(&configured.settings).iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
    })
}

/// No value in it is a secret, wherever that has come from.
fn blotted(value: serde_json::Value, secrets: &Secrets) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) => Value::String(secrets.blot(&text)),
        Value::Array(values) => values.into_iter().map(|v| blotted(v, secrets)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, v)| (name, blotted(v, secrets))).collect(),
        other => other,
    }
}
