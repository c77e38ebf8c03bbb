//! Plays a scenario file through `engine::update`: what happened goes in, what is judged comes out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use cabina::engine;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::Settings;
use cabina::engine::State;
use cabina::engine::now;
use cabina::engine::record::Scribe;
use cabina::engine::sentence::sentence;
use cabina::engine::settings::NEUTRAL;
use cabina::engine::sources::PROMETHEUS_ALERTS;
use cabina::engine::state::Mode;
use cabina::model::alert::Alert;
use cabina::model::alert::Standing;
use cabina::model::context::Seen;
use cabina::model::context::Target;
use cabina::model::context::Usual;
use cabina::model::context::Version;
use cabina::model::deploy::Deploy;
use cabina::model::health::Outcome;
use cabina::model::health::Probe;
use cabina::model::sessions::Measurement;
use cabina::model::sessions::Rows;
use cabina::model::signal::Absence;
use cabina::model::signal::Counts;
use cabina::model::signal::Reading;
use cabina::model::signal::Sample;
use cabina::model::source::Origin;
use cabina::model::time::Millis;
use cabina::model::time::Stamp;
use serde::Deserialize;

use crate::support::settings;

/// A night in March: 2026-03-14 08:40 UTC, 02:40 in Mexico City.
pub(crate) const START: Millis = 1_773_477_600_000;

/// A scenario file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What it is about.
    pub(crate) title: String,
    /// The configuration.
    pub(crate) config: String,
    /// What happened.
    #[serde(default)]
    pub(crate) event: Vec<Happened>,
    /// What is expected, and when.
    #[serde(default)]
    pub(crate) expect: Vec<Expected>,
}

/// One thing that happened, once or repeatedly.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Happened {
    at: String,
    every: Option<String>,
    until: Option<String>,
    probe: Option<Probed>,
    traffic: Option<Traffic>,
    signal: Option<Figure>,
    sessions: Option<Looked>,
    lost: Option<Lost>,
    /// Requests a minute at this hour, in each of the past weeks.
    usual: Option<Vec<f64>>,
    /// A new version, and the one before.
    version: Option<(String, String)>,
    /// Somebody marks a deploy.
    deploy: Option<Marked>,
    /// Whether the server can read each target of the service.
    targets: Option<Vec<bool>>,
    /// What the neutral target answered: `good` or `timeout`.
    neutral: Option<String>,
    /// All alerts that a source has from now on.
    alerts: Option<Vec<Alerted>>,
    /// Which source; `prometheus alerts` if it is not said.
    alerts_from: Option<String>,
}

/// A deploy as it is marked.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marked {
    version: String,
    before: String,
    by: String,
    keep_old: String,
    migrations: u32,
}

/// One alert as a source has it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alerted {
    name: String,
    #[serde(default)]
    severity: String,
    /// `firing`, `pending`, or `suppressed`.
    state: String,
    since: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    silenced_by: Vec<String>,
    #[serde(default)]
    inhibited_by: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Probed {
    check: String,
    outcome: String,
    cert_days: Option<i64>,
}

/// Request figures: failed of total over 5m, 1m and 30m; quantiles in seconds.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Traffic {
    five: Option<(f64, f64)>,
    one: Option<(f64, f64)>,
    thirty: Option<(f64, f64)>,
    p95: Option<f64>,
    p99: Option<f64>,
    #[serde(default)]
    source: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    name: String,
    value: Option<f64>,
    worst: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Looked {
    rows: u64,
    #[serde(default)]
    grows_per_min: f64,
    #[serde(default = "yes")]
    exact: bool,
    renewed: Option<f64>,
    usual: Option<f64>,
    expired: Option<u64>,
    oldest: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lost {
    source: String,
    why: String,
}

/// What must hold at a moment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    at: String,
    level: Option<String>,
    since: Option<String>,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    not_rules: Vec<String>,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    facts: Vec<String>,
    #[serde(default)]
    not_facts: Vec<String>,
    blind: Option<bool>,
    falls: Option<String>,
    unstable: Option<bool>,
    #[serde(default)]
    health: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

fn time(text: &str) -> Millis {
    humantime::parse_duration(text).unwrap_or_else(|e| panic!("{text}: {e}")).as_millis() as Millis
}

pub(crate) fn stamp(at: Millis) -> Stamp {
    Stamp { mono: 1_000_000 + at, wall: START + at }
}

/// Reads a scenario file.
pub(crate) fn read(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).unwrap();
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Plays until a moment, a tick every second, and returns the state then.
pub(crate) fn play(scenario: &Scenario, until: Millis) -> State {
    let (settings, events) = events(scenario, until);
    let mut state = State::new(settings, Mode::Cockpit, stamp(0));
    for event in events {
        engine::update(&mut state, event);
    }
    state
}

/// What happens until a moment, and what is watched.
pub(crate) fn events(scenario: &Scenario, until: Millis) -> (Settings, Vec<Event>) {
    let mut moments: Vec<(Millis, Kind)> = Vec::new();
    for happened in &scenario.event {
        let (from, every) = (time(&happened.at), happened.every.as_deref().map(time));
        let last = happened.until.as_deref().map_or(from, time);
        let mut at = from;
        while at <= last {
            moments.extend(kinds(happened, at, from).into_iter().map(|k| (at, k)));
            match every {
                Some(step) => at += step,
                None => break,
            }
        }
    }
    // Where a scenario says nothing of alerts, Prometheus has none.
    if !scenario.event.iter().any(|h| h.alerts.is_some() && h.alerts_from.is_none()) {
        let none = Kind::AlertsRead {
            source: PROMETHEUS_ALERTS.to_owned(),
            alerts: Vec::new(),
            silences: Vec::new(),
            left_out: 0,
            skew: None,
            took: 5,
        };
        let answered: Vec<Millis> = moments
            .iter()
            .filter(|(_, k)| matches!(k, Kind::Sampled { source, .. } if source == "prometheus"))
            .map(|(at, _)| *at)
            .collect();
        moments.extend(answered.into_iter().map(|at| (at, none.clone())));
    }
    moments.extend((0..=until / 1_000).map(|s| (s * 1_000, Kind::Tick)));
    moments.retain(|(at, _)| *at <= until);
    // A tick comes after what happened in its second.
    moments.sort_by_key(|(at, kind)| (*at, matches!(kind, Kind::Tick)));
    let (settings, _) = settings(&scenario.config);
    (settings, moments.into_iter().map(|(at, kind)| Event { at: stamp(at), kind }).collect())
}

fn kinds(h: &Happened, at: Millis, from: Millis) -> Vec<Kind> {
    let mut out = Vec::new();
    if let Some(p) = &h.probe {
        let outcome = match p.outcome.as_str() {
            "good" => Outcome::Good,
            "slow" => Outcome::Slow("700 ms".to_owned(), "latency < 500 ms".to_owned()),
            "refused" => Outcome::Absent(Absence::Refused),
            "timeout" => Outcome::Absent(Absence::Timeout(2_000)),
            other => Outcome::Unexpected("HTTP 500".to_owned(), other.to_owned()),
        };
        let latency = (!outcome.failed()).then_some(34);
        let soon = p.cert_days.is_some_and(|d| d < 14);
        let probe = Probe { outcome, latency, detail: "HTTP 200".to_owned(), cert_days: p.cert_days, cert_soon: soon };
        out.push(Kind::Probed { check: p.check.clone(), probe });
    }
    if let Some(d) = &h.deploy {
        let deploy = Deploy {
            id: d.version.clone(),
            version: d.version.clone(),
            before: Some(d.before.clone()),
            at: START + from,
            by: d.by.clone(),
            from: "deploy1".to_owned(),
            old_until: Some(START + from + time(&d.keep_old)),
            migrations: Some(d.migrations),
            note: String::new(),
        };
        let (incident, entries, scribe, ended) = (None, Vec::new(), Scribe::Nobody, None);
        out.push(Kind::RecordRead { incident, entries, deploys: vec![deploy], scribe, ended, last: None });
    }
    if let Some(t) = &h.traffic {
        out.push(sampled(t.source.as_deref().unwrap_or("prometheus"), traffic(t, at)));
    }
    if let Some(s) = &h.signal {
        let reading = s.value.map_or(Reading::Absent(Absence::NoSeries), Reading::Value);
        let sample = Sample { signal: s.name.clone(), at: START + at, reading, counts: None, worst: s.worst.clone() };
        out.push(sampled("prometheus", vec![sample]));
    }
    if let Some(s) = &h.sessions {
        out.push(Kind::Measured { look: Ok(look(s, at, from)) });
    }
    if h.usual.is_some() || h.version.is_some() || h.targets.is_some() {
        out.push(context(h, at));
    }
    if let Some(word) = &h.neutral {
        let outcome = if word == "good" { Outcome::Good } else { Outcome::Absent(Absence::Timeout(2_000)) };
        let probe = Probe { outcome, latency: None, detail: String::new(), cert_days: None, cert_soon: false };
        out.push(Kind::Probed { check: NEUTRAL.to_owned(), probe });
    }
    if let Some(all) = &h.alerts {
        out.push(Kind::AlertsRead {
            source: h.alerts_from.clone().unwrap_or_else(|| PROMETHEUS_ALERTS.to_owned()),
            alerts: all.iter().map(alert).collect(),
            silences: Vec::new(),
            left_out: 0,
            skew: None,
            took: 5,
        });
    }
    if let Some(l) = &h.lost {
        let why = match l.why.as_str() {
            "timeout" => Absence::Timeout(5_000),
            "refused" => Absence::Refused,
            other => Absence::Failed(other.to_owned()),
        };
        out.push(if l.source == "sessions" {
            Kind::Measured { look: Err(why) }
        } else {
            Kind::SourceFailed { source: l.source.clone(), why }
        });
    }
    out
}

fn context(h: &Happened, at: Millis) -> Kind {
    let at = START + at;
    let seen = h.version.as_ref().map(|(before, now)| {
        let version = |name: &str, from, to| Version { name: name.to_owned(), from, to };
        let versions = vec![version(before, at - 86_400_000, at), version(now, at, at)];
        Seen { looked_from: at - 86_400_000, step: 60_000, versions, starts: Vec::new() }
    });
    let targets = h.targets.iter().flatten().enumerate();
    Kind::ContextRead {
        targets: h
            .targets
            .is_some()
            .then(|| targets.map(|(i, up)| Target { name: format!("web{}", i + 1), up: *up }).collect()),
        seen,
        usual: h.usual.clone().map(|weeks| Usual { weeks }),
    }
}

fn alert(a: &Alerted) -> Alert {
    let mut labels = a.labels.clone();
    labels.insert("alertname".to_owned(), a.name.clone());
    if !a.severity.is_empty() {
        labels.insert("severity".to_owned(), a.severity.clone());
    }
    Alert {
        labels,
        summary: a.summary.clone(),
        description: String::new(),
        runbook: String::new(),
        standing: match a.state.as_str() {
            "firing" => Standing::Firing,
            "pending" => Standing::Pending,
            "suppressed" => Standing::Suppressed,
            other => panic!("{other} is no state of an alert"),
        },
        since: START + time(&a.since),
        value: None,
        managed: true,
        silenced_by: a.silenced_by.clone(),
        inhibited_by: a.inhibited_by.clone(),
    }
}

fn sampled(source: &str, samples: Vec<Sample>) -> Kind {
    let origin = if source == "scrape" { Origin::Scrape } else { Origin::Prometheus };
    Kind::Sampled { source: source.to_owned(), origin, samples, history: false, took: 20, notes: Vec::new() }
}

fn traffic(t: &Traffic, at: Millis) -> Vec<Sample> {
    let at = START + at;
    let sample = |signal: &str, reading, counts| Sample { signal: signal.to_owned(), at, reading, counts, worst: None };
    let share = |signal: &str, pair: Option<(f64, f64)>, window: Millis| {
        let counts = pair.map(|(failed, total)| Counts { failed, total, window });
        let reading = match pair {
            None => Reading::Absent(Absence::NoSeries),
            Some((_, total)) if total <= 0.0 => Reading::Absent(Absence::NoTraffic),
            Some((failed, total)) => Reading::Value(failed / total),
        };
        sample(signal, reading, counts)
    };
    let total = t.five.map(|(_, total)| Counts { failed: 0.0, total, window: 300_000 });
    let requests = t.five.map_or(Reading::Absent(Absence::NoSeries), |(_, total)| Reading::Value(total));
    let mut out = vec![sample("requests_5m", requests, None)];
    out.extend([share("error_rate", t.five, 300_000), share("error_rate_1m", t.one, 60_000)]);
    if t.thirty.is_some() {
        out.push(share("error_rate_30m", t.thirty, 1_800_000));
    }
    for (name, value) in [("latency_p95", t.p95), ("latency_p99", t.p99)] {
        if let Some(v) = value {
            out.push(sample(name, Reading::Value(v), total));
        }
    }
    if let Some((_, total)) = t.five {
        out.push(sample("request_rate", Reading::Value(total / 300.0), None));
    }
    out
}

fn look(s: &Looked, at: Millis, from: Millis) -> Measurement {
    let n = s.rows + (s.grows_per_min * (at - from) as f64 / 60_000.0) as u64;
    Measurement {
        rows: if s.exact { Rows::exact(n) } else { Rows::estimate(n) },
        renewed_per_min: s.renewed,
        renewed_per_min_1h: s.renewed,
        usual_per_min: s.usual,
        expired: s.expired.map(Rows::exact),
        bytes: Some(25_000_000),
        oldest_expiry: s.oldest.as_deref().map(|ago| START + at - time(ago)),
        sweepable: Some(0.02),
        answer: 2,
        took: 9,
        count_gave_up: !s.exact,
    }
}

/// Everything the state says about itself, for `says`.
fn words(state: &State) -> String {
    let lang = state.settings.lang;
    let n = now::now(state);
    let mut out = format!("{} | {} | {} | {} | {} | {}", n.what, n.trend, n.place, n.change, n.back, n.fine);
    for f in &state.verdict.findings {
        let _ = write!(out, " | {}", sentence(lang, f));
    }
    out
}

/// Checks one expectation.
pub(crate) fn check(scenario: &Scenario, expected: &Expected) {
    let state = play(scenario, time(&expected.at));
    let v = &state.verdict;
    let words = words(&state);
    let facts: Vec<String> =
        state.timeline.newest().map(|e| e.words(state.settings.lang, state.settings.zone)).collect();
    let rules: Vec<&str> = v.findings.iter().map(|f| f.rule.word()).collect();
    let place = format!(
        "{}, at {}: level {}, rules {rules:?}, falls {:?}\nsays {words}\nfacts {facts:#?}",
        scenario.title,
        expected.at,
        v.level.word(),
        v.falls_at.map(|t| t - START)
    );
    if let Some(level) = &expected.level {
        assert_eq!(v.level.word(), level, "{place}");
    }
    if let Some(since) = &expected.since {
        assert_eq!(v.since - START, time(since), "since; {place}");
    }
    for rule in &expected.rules {
        assert!(rules.contains(&rule.as_str()), "rule {rule} is missing; {place}");
    }
    for rule in &expected.not_rules {
        assert!(!rules.contains(&rule.as_str()), "rule {rule} must not hold; {place}");
    }
    for piece in &expected.says {
        assert!(words.contains(piece), "it does not say {piece:?}; {place}");
    }
    for piece in &expected.facts {
        assert!(facts.iter().any(|f| f.contains(piece)), "no fact says {piece:?}; {place}");
    }
    for piece in &expected.not_facts {
        assert!(!facts.iter().any(|f| f.contains(piece)), "a fact says {piece:?}; {place}");
    }
    if let Some(blind) = expected.blind {
        assert_eq!(!v.blind.is_empty(), blind, "blind; {place}");
    }
    if let Some(falls) = &expected.falls {
        assert_eq!(v.falls_at.map(|t| t - START), Some(time(falls)), "falls; {place}");
    }
    if let Some(unstable) = expected.unstable {
        assert_eq!(v.unstable, unstable, "unstable; {place}");
    }
    for (name, word) in &expected.health {
        let shown = state.checks.get(name).map(|c| c.shown().word());
        assert_eq!(shown, Some(word.as_str()), "{name}; {place}");
    }
}
