//! The five lines that answer a tired person's first questions: WHAT, WHERE, CHANGE, BACK, FINE.

use crate::engine::place::about_errors;
use crate::engine::place::about_latency;
use crate::engine::sentence::sentence;
use crate::engine::signals::Share;
use crate::engine::state::State;
use crate::engine::window::log;
use crate::engine::window::said;
use crate::engine::words;
use crate::engine::words::figure;
use crate::lang::Lang;
use crate::model::alert::Alert;
use crate::model::breakdown::Breakdown;
use crate::model::breakdown::Dimension;
use crate::model::breakdown::Topic;
use crate::model::context::Changed;
use crate::model::deploy::Deploy;
use crate::model::health::Status;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::Unit;
use crate::model::source::Feed;
use crate::model::text::clean;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Span;

/// The five lines, in the reader's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    /// What fails.
    pub what: String,
    /// Whether it gets better; may be empty.
    pub trend: String,
    /// Where.
    pub place: String,
    /// What changed before it began.
    pub change: String,
    /// The way back.
    pub back: String,
    /// What is not broken.
    pub fine: String,
    /// False for lines that only say that nothing is known.
    pub known: [bool; 5],
}

/// Puts the state into five lines.
#[must_use]
pub fn now(state: &State) -> Now {
    let lang = state.settings.lang;
    let (place, place_known) = place(state, lang);
    let fine = fine(state, lang);
    let (change, change_known) = change(state, lang);
    let (back, back_known) = back(state, lang);
    Now {
        what: what(state, lang),
        trend: trend(state, lang),
        place,
        change,
        back,
        known: [true, place_known, change_known, back_known, !fine.is_empty()],
        fine: if fine.is_empty() { lang.fine_unknown() } else { fine },
    }
}

fn what(state: &State, lang: Lang) -> String {
    if state.watches_nothing() {
        return lang.what_nothing_configured();
    }
    let v = &state.verdict;
    // A level that lingers is said by what still holds, if anything does: only nothing at all is calm.
    if let Some(worst) = v.findings.first() {
        let mut words = sentence(lang, worst);
        if let Some(summary) = summary(state, worst) {
            words = format!("{words}: {summary}");
        }
        return match seen_last(state, worst) {
            Some(at) => lang.what_last_known(state.settings.zone.hm(at), words),
            None => words,
        };
    }
    if v.level > Level::Ok {
        // The rules have calmed; the level waits for its quiet time.
        return match v.because.first() {
            Some(was) => lang.what_calming(sentence(lang, was)),
            None => lang.what_calm(),
        };
    }
    if state.reading() {
        return lang.what_reading();
    }
    match state.signals.traffic().five {
        Some(share) => match (share.value, share.counts) {
            (Some(v), Some(c)) => lang.what_fine_counts(
                figure(lang, v, Unit::Ratio),
                lang.of_requests(
                    lang.grouped(c.failed.round()),
                    lang.grouped(c.total.round()),
                    words::window(c.window),
                ),
            ),
            (Some(v), None) => lang.what_fine_share(figure(lang, v, Unit::Ratio)),
            _ => lang.what_fine_no_traffic(),
        },
        None => lang.what_fine(),
    }
}

/// When the figure behind a finding was last seen, where nobody can say whether it still holds.
fn seen_last(state: &State, finding: &Finding) -> Option<Millis> {
    let blind = state.verdict.blind.iter().any(|f| f.rule == Rule::BlindTraffic);
    if matches!(finding.rule, Rule::BlindTraffic | Rule::BlindChecks) {
        return None;
    }
    let signal = state.signals.get(&finding.subject).filter(|_| blind)?;
    signal.good.as_ref().map(|(at, _)| at.wall)
}

/// The last minute beside the last five, while failures are the matter.
fn trend(state: &State, lang: Lang) -> String {
    let v = &state.verdict;
    if v.findings.first().is_some_and(|f| seen_last(state, f).is_some()) {
        return lang.trend_blind();
    }
    if let Some(at) = v.falls_at {
        let at = state.settings.zone.hm(at);
        return if v.unstable { lang.trend_unstable(v.level.word(), at) } else { lang.trend_falls(v.level.word(), at) };
    }
    let traffic = state.signals.traffic();
    let five = traffic.five.as_ref().and_then(|s| s.value);
    let failing = v.findings.iter().any(|f| f.subject == ERROR_RATE || f.rule == Rule::ErrorBurst);
    match (failing, five, traffic.share1()) {
        (true, Some(five), Some(one)) => {
            let one_text = figure(lang, one, Unit::Ratio);
            // The shorter window is the newer one: a scrape may be told to look at less than a minute.
            let window = |share: Option<&Share>| share.and_then(|s| s.counts).map_or(0, |c| c.window);
            let shorter = window(traffic.five.as_ref()) < window(traffic.one.as_ref());
            let (five, one) = if shorter { (one, five) } else { (five, one) };
            // A minute ago is what the last minute is held against; half of the five-minute share is an improvement
            // one can act on, half as much again is getting worse.
            let before = minute_ago(state).unwrap_or(one);
            let words = match one {
                x if x < five * 0.5 || x < before * 0.85 => lang.trend_better(one_text),
                x if x > five * 1.5 || x > before * 1.25 => lang.trend_worse(one_text),
                _ => lang.trend_same(one_text),
            };
            // Beside another matter the share needs its name.
            match v.findings.first() {
                Some(f) if !of_errors(f) => format!("{}: {words}", words::signal(lang, ERROR_RATE)),
                _ => words,
            }
        }
        _ => more(state, lang),
    }
}

fn of_errors(f: &Finding) -> bool {
    [ERROR_RATE, ERROR_RATE_1M].contains(&f.subject.as_str())
        || matches!(f.rule, Rule::ErrorBurst | Rule::FewRequestsFailing | Rule::ErrorsAfterChange)
}

/// The one-minute share as it was a minute ago.
fn minute_ago(state: &State) -> Option<f64> {
    let series = &state.signals.get(ERROR_RATE_1M)?.series;
    let at = series.newest()?.at - MINUTE;
    series.iter().rev().take_while(|p| p.at >= at - MINUTE / 2).find(|p| p.at <= at).and_then(|p| p.value)
}

/// How many other reasons there are.
fn more(state: &State, lang: Lang) -> String {
    let others: Vec<_> = state.verdict.findings.iter().skip(1).collect();
    match others.as_slice() {
        [] => String::new(),
        [one] => lang.trend_also(sentence(lang, one)),
        [one, rest @ ..] => lang.trend_also_more(sentence(lang, one), rest.len()),
    }
}

/// The worst endpoint, status and host of what fails; of what is slow, the slowest.
fn apart(state: &State, lang: Lang) -> Vec<String> {
    let mut parts = Vec::new();
    let found = |about: fn(&Finding) -> bool| state.verdict.findings.iter().any(about);
    let get = |topic, by| state.places.get(state.now, topic, by);
    let share = |v| figure(lang, v, Unit::Ratio);
    if found(about_errors) {
        let endpoint = get(Topic::Errors, Dimension::Endpoint);
        if let Some((worst, of_all)) = endpoint.and_then(Breakdown::worst) {
            parts.push(if of_all >= 0.5 {
                lang.place_worst(&worst.name, share(of_all))
            } else {
                lang.place_spread(&worst.name, share(of_all))
            });
        }
        if let Some(hosts) = get(Topic::Errors, Dimension::Host)
            && let Some((worst, of_all)) = hosts.worst()
        {
            let n = hosts.parts.len() + hosts.others;
            parts.push(match n {
                1 => lang.place_one_host(&worst.name),
                // Half as much again as its even share: that host is worse than the others.
                _ if of_all * n as f64 > 1.5 => lang.place_worst_host(&worst.name, share(of_all)),
                _ => lang.place_all_hosts(n),
            });
        }
        if let Some((worst, of_all)) = get(Topic::Errors, Dimension::Status).and_then(Breakdown::worst) {
            parts.push(lang.place_status(&worst.name, share(of_all)));
        }
        if let Some((n, failing)) = endpoint.and_then(Breakdown::rest) {
            parts.push(lang.place_rest(n, share(failing)));
        }
    }
    if found(about_latency)
        && let Some(slowest) = get(Topic::Latency, Dimension::Endpoint).and_then(|b| b.parts.first())
    {
        parts.push(lang.place_slowest(&slowest.name, figure(lang, slowest.value, Unit::Seconds)));
    }
    parts
}

/// The way back: what ran before, whether it still does, and what stands in the way.
fn back(state: &State, lang: Lang) -> (String, bool) {
    match state.context.changes.iter().flatten().next_back().map(|c| &c.what) {
        Some(Changed::Version { from: Some(from), .. }) => (lang.back_version(from), true),
        Some(Changed::Deployed { deploy: Deploy { before: Some(before), old_until, migrations, .. } }) => {
            let (now, zone) = (state.now.wall, state.settings.zone);
            let mut parts = vec![match old_until {
                Some(until) if *until > now => {
                    lang.back_alive(before, zone.hm(*until), Span((until - now) / MINUTE * MINUTE))
                }
                Some(until) => lang.back_gone(before, zone.hm(*until)),
                None => lang.back_version(before),
            }];
            parts.extend(migrations.map(|n| if n == 0 { lang.back_no_migrations() } else { lang.back_migrations(n) }));
            (parts.join(" · "), true)
        }
        _ => (lang.back_unknown(), false),
    }
}

/// What changed before it began, or that nothing did as far as can be seen.
fn change(state: &State, lang: Lang) -> (String, bool) {
    let Some(changes) = &state.context.changes else {
        return (lang.change_unknown(), false);
    };
    let looked = Span(state.now.wall - state.context.looked_from);
    // What came after the trouble did not bring it: the newest before it is suspected, if there is one.
    let v = &state.verdict;
    let troubled = v.level >= Level::Sev3 && v.level != Level::Unknown;
    let suspect =
        changes.iter().rev().find(|c| c.at <= v.since + MINUTE && v.since - c.at <= HOUR).filter(|_| troubled);
    let Some(change) = suspect.or(changes.last()) else {
        return match &state.context.version {
            Some(version) => (lang.change_none_version(version, looked), true),
            // Nothing exposes a version and nothing a start: then nothing can be said.
            None => (lang.change_unknown(), false),
        };
    };
    let zone = state.settings.zone;
    let time = zone.hm(change.at);
    let what = match &change.what {
        Changed::Deployed { deploy } => {
            let live = lang.change_deploy(&deploy.version, time, &deploy.by);
            let window = log::of_deploy(state, &deploy.id);
            let verdict = window.map(|w| said::verdict(w, lang, zone, state.now.wall));
            verdict.map_or(live.clone(), |v| lang.change_window(live, v))
        }
        Changed::Version { from: Some(from), to } => lang.change_version(to, from, time),
        Changed::Version { from: None, to } => lang.change_version_new(to, time),
        Changed::Started { n: 1, first } => lang.change_started_one(first, time),
        Changed::Started { n, .. } => lang.change_started(n, time),
    };
    if !troubled {
        return (what, true);
    }
    let apart = v.since - change.at;
    let span = Span(if apart.abs() < 2 * MINUTE { apart.abs() } else { apart.abs() / MINUTE * MINUTE });
    (if apart >= 0 { lang.change_onset_after(what, span) } else { lang.change_onset_before(what, span) }, true)
}

/// What the alert says of itself, where everything that fires under its name says the same.
fn summary(state: &State, finding: &Finding) -> Option<String> {
    if !matches!(finding.rule, Rule::AlertCritical | Rule::AlertWarning) {
        return None;
    }
    let fold = state.alerts.folds.iter().find(|f| f.name == finding.subject)?;
    let mut said = fold.members.iter().filter_map(|i| state.alerts.all.get(*i)).map(|a| clean(&a.summary));
    let first = said.next().filter(|s| !s.is_empty())?;
    said.all(|s| s == first).then_some(first)
}

/// The hosts that alerts speak of, where they are what raised the level.
fn alerting(state: &State) -> Option<String> {
    let worst =
        state.verdict.findings.first().filter(|f| matches!(f.rule, Rule::AlertCritical | Rule::AlertWarning))?;
    let fold = state.alerts.folds.iter().find(|f| f.name == worst.subject)?;
    let host = |a: &Alert| Dimension::Host.labels().iter().find_map(|l| a.labels.get(*l)).map(|v| clean(v));
    let mut hosts: Vec<String> = fold.members.iter().filter_map(|i| host(state.alerts.all.get(*i)?)).collect();
    hosts.sort();
    hosts.dedup();
    let more = hosts.len().saturating_sub(4);
    hosts.truncate(4);
    let named = hosts.join(", ");
    let list = if more > 0 { state.settings.lang.fact_and_more(named, more) } else { named };
    (!list.is_empty()).then(|| format!("{}: {list}", fold.name))
}

fn place(state: &State, lang: Lang) -> (String, bool) {
    // What is down says more than a breakdown of what came before.
    let mut parts = Vec::new();
    for check in &state.checks.all {
        if matches!(check.shown(), Status::Down | Status::Flapping | Status::Degraded) {
            parts.push(format!("{} ({})", check.name, words::check_detail(lang, check)));
        }
    }
    let targets = &state.context.targets;
    let down: Vec<String> = targets.iter().filter(|t| !t.up).map(|t| t.name.clone()).collect();
    if !down.is_empty() {
        let names = down.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
        parts.push(lang.place_targets_down(down.len(), targets.len(), names));
    }
    parts.extend(apart(state, lang));
    for signal in &state.signals.all {
        let hot = state.verdict.findings.iter().any(|f| f.subject == signal.spec.name && f.level >= Level::Sev3);
        if let Some(worst) = signal.last.as_ref().and_then(|(_, s)| s.worst.as_ref()).filter(|_| hot) {
            parts.push(format!("{} {worst}", words::signal(lang, &signal.spec.name)));
        }
    }
    parts.extend(alerting(state));
    if parts.is_empty() { (lang.place_unknown(), false) } else { (parts.join(" · "), true) }
}

fn fine(state: &State, lang: Lang) -> String {
    let troubled = |subject: &str| state.verdict.findings.iter().any(|f| f.subject == subject);
    let mut parts = Vec::new();
    let (up, all) = state.checks.up();
    if up > 0 && up == all {
        parts.push(lang.fine_checks(up, all));
    } else if up > 0 {
        // Not all of them: the ones that are well, by name.
        let well = state.checks.all.iter().filter(|c| c.shown() == Status::Up).take(3).map(|c| c.name.clone());
        parts.push(well.collect::<Vec<_>>().join(", "));
    }
    if let Some((at, g)) = &state.glance
        && let Some((used, max)) = g.connections
        && state.now.since(*at) < 2 * MINUTE
        && state.glance_problem.is_none()
        && g.fullness().is_some_and(|f| f < 0.9)
        && g.read_only != Some(true)
    {
        let mut words = format!("MySQL {}", lang.glance_connections(used, max));
        if g.waits.as_ref().is_some_and(Vec::is_empty) {
            words = format!("{words}, {}", lang.glance_no_waits());
        }
        parts.push(words);
    }
    if let Some((_, m)) = &state.sessions.table.last
        && let Some(spec) = state.settings.sessions.as_ref().filter(|s| !troubled(&s.table))
        && state.sources.fresh(Feed::Sessions, state.now)
    {
        parts.push(format!("{} {}", spec.table, words::rows(lang, m.rows)));
    }
    // What is old is not called fine.
    if !state.sources.fresh(Feed::Metrics, state.now) {
        return parts.join(" · ");
    }
    // A figure beyond its limit is not fine, also where there are too few requests to judge it.
    let within = |name: &str, v: f64| {
        state
            .signals
            .get(name)
            .is_some_and(|s| ![s.spec.warning, s.spec.critical].iter().flatten().any(|l| l.broken_by(v)))
    };
    let p95 = state.signals.value(LATENCY_P95).filter(|v| !troubled(LATENCY_P95) && within(LATENCY_P95, *v));
    if let Some(p95) = p95 {
        parts.push(format!("p95 {}", figure(lang, p95, Unit::Seconds)));
    }
    let window = state.signals.traffic().five.and_then(|s| s.counts).map_or(5 * MINUTE, |c| c.window);
    // A rate over a blink of an eye is none.
    if let Some(rate) = state.signals.value(REQUEST_RATE).filter(|_| !troubled(REQUEST_RATE) && window >= 5 * SECOND) {
        let (rate, window) = (figure(lang, rate, Unit::PerSecond), words::window(window));
        parts.push(match state.context.expected(state.now) {
            Some(usual) => lang.fine_traffic_usual(rate, window, figure(lang, usual / 60.0, Unit::PerSecond)),
            None => lang.fine_traffic(rate, window),
        });
    }
    parts.join(" · ")
}
