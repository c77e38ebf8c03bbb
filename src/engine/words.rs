//! Nouns of the model in the reader's words: figures, reasons, states.

use crate::engine::window::subjects::GROWTH;
use crate::engine::window::subjects::SWEEP;
use crate::lang::Lang;
use crate::model::context::Changed;
use crate::model::fact::Fact;
use crate::model::health::Check;
use crate::model::health::Outcome;
use crate::model::health::Status;
use crate::model::incident::COMMANDER;
use crate::model::incident::HELPER;
use crate::model::incident::OWNER;
use crate::model::incident::Phase;
use crate::model::run;
use crate::model::runbook::Section;
use crate::model::sessions::Rows;
use crate::model::severity::Finding;
use crate::model::severity::Rule;
use crate::model::signal::Absence;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::Unit;
use crate::model::text::clean;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Span;
use crate::model::window::Judged;
use crate::model::window::Reason;

/// A figure in its unit: `12.4 %`, `840 ms`, `2 460`, `3.1 GB`, `8.2/s`.
#[must_use]
pub fn figure(lang: Lang, value: f64, unit: Unit) -> String {
    match unit {
        Unit::Ratio => percent(value),
        Unit::Seconds if value.abs() < 1.0 => format!("{:.0} ms", value * 1_000.0),
        Unit::Seconds if value.abs() < 120.0 => format!("{} s", decimals(value)),
        Unit::Seconds => Span((value * 1_000.0) as i64).to_string(),
        Unit::Count if value.fract() == 0.0 || value.abs() >= 100.0 => lang.grouped(value),
        Unit::Count => decimals(value),
        Unit::Bytes => bytes(value),
        Unit::PerSecond if value.abs() >= 100.0 => format!("{}/s", lang.grouped(value)),
        Unit::PerSecond => format!("{}/s", decimals(value)),
    }
}

/// A share in per cent: one decimal, two where one would show 0.0 of something.
fn percent(share: f64) -> String {
    let p = share * 100.0;
    match p.abs() {
        0.0 => "0 %".to_owned(),
        x if x < 0.01 => "< 0.01 %".to_owned(),
        x if x < 0.1 => format!("{p:.2} %"),
        x if (99.95..100.0).contains(&x) => "99.9 %".to_owned(),
        _ => format!("{} %", decimals(p)),
    }
}

/// A limit in per cent keeps no idle `.0`.
fn decimals(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

fn bytes(value: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut v = value;
    let mut i = 0;
    while v.abs() >= 1_000.0 && i + 1 < units.len() {
        v /= 1_000.0;
        i += 1;
    }
    if i == 0 { format!("{v:.0} B") } else { format!("{v:.1} {}", units[i]) }
}

/// A number of rows: `≈` before an estimate, `≥` before a bound.
#[must_use]
pub fn rows(lang: Lang, rows: Rows) -> String {
    let n = lang.grouped(rows.n as f64);
    match (rows.at_least, rows.exact) {
        (true, _) => format!("≥ {n}"),
        (false, true) => n,
        (false, false) => format!("≈ {n}"),
    }
}

/// A window as a figure carries it: `5 min`, `20 s`.
#[must_use]
pub fn window(ms: Millis) -> String {
    // From two minutes on, seconds are noise.
    if ms >= 2 * MINUTE || ms == MINUTE {
        format!("{} min", (ms + MINUTE / 2) / MINUTE)
    } else {
        format!("{} s", ms / SECOND)
    }
}

/// Why there is no value, as a fragment.
#[must_use]
pub fn absence(lang: Lang, why: &Absence) -> String {
    match why {
        Absence::NotYet => lang.absent_not_yet(),
        Absence::Timeout(ms) => lang.absent_timeout(figure(lang, *ms as f64 / 1_000.0, Unit::Seconds)),
        Absence::Refused => lang.absent_refused(),
        Absence::Broken => lang.absent_broken(),
        Absence::Dns => lang.absent_dns(),
        Absence::Tls(text) => lang.absent_tls(text),
        Absence::Denied(text) if text.is_empty() => lang.absent_denied(),
        Absence::Denied(text) => lang.absent_denied_because(text),
        Absence::Status(code) => lang.absent_status(code),
        Absence::TooLarge(n) => lang.absent_too_large(bytes(*n as f64)),
        Absence::Malformed(text) => lang.absent_malformed(text),
        Absence::Refusal(text) => lang.absent_refusal(text),
        Absence::NoSeries => lang.absent_no_series(),
        Absence::NoTraffic => lang.absent_no_traffic(),
        Absence::NotANumber => lang.absent_not_a_number(),
        Absence::TooYoung => lang.absent_too_young(),
        Absence::Stale(age) => lang.absent_stale(Span(*age)),
        Absence::Died(text) => lang.absent_died(text),
        Absence::Failed(text) => text.clone(),
    }
}

/// The word for a check's state.
#[must_use]
pub fn status(lang: Lang, status: Status) -> String {
    match status {
        Status::Up => lang.status_up(),
        Status::Degraded => lang.status_degraded(),
        Status::Flapping => lang.status_flapping(),
        Status::Down => lang.status_down(),
        Status::Unknown => lang.status_unknown(),
    }
}

/// What the newest probe of a check said, in a few words.
#[must_use]
pub fn check_detail(lang: Lang, check: &Check) -> String {
    if let Some(parent) = &check.blocked_by {
        return lang.check_blocked(parent);
    }
    let Some(probe) = &check.last else {
        return lang.absent_not_yet();
    };
    outcome(lang, &probe.outcome).unwrap_or_else(|| probe.detail.clone())
}

/// What went wrong in a probe; `None` when nothing did.
#[must_use]
pub fn outcome(lang: Lang, outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Good => None,
        Outcome::Slow(seen, wanted) | Outcome::Unexpected(seen, wanted) => Some(lang.unexpected(seen, wanted)),
        Outcome::Absent(why) => Some(absence(lang, why)),
    }
}

/// A change as a fact.
#[must_use]
pub fn changed(lang: Lang, what: &Changed) -> String {
    match what {
        Changed::Version { from: Some(from), to } => lang.fact_version(from, to),
        Changed::Version { from: None, to } => lang.fact_version_new(to),
        Changed::Deployed { deploy } => lang.fact_deployed(&deploy.version),
        Changed::Started { n: 1, first } => lang.fact_started_one(first),
        Changed::Started { n, first } => lang.fact_started(n, first),
    }
}

/// The name of a source in the reader's words.
#[must_use]
pub fn source(lang: Lang, name: &str) -> String {
    match name {
        super::sources::PROMETHEUS => "Prometheus".to_owned(),
        super::sources::SCRAPE => lang.source_scrape(),
        super::sources::SESSIONS => lang.source_sessions(),
        super::sources::PROMETHEUS_ALERTS => lang.source_prometheus_alerts(),
        other if other.starts_with(super::sources::ALERTMANAGER) => {
            other.replacen(super::sources::ALERTMANAGER, "Alertmanager", 1)
        }
        other => other.to_owned(),
    }
}

/// Why a signal of a window is judged as it is.
#[must_use]
pub fn window_reason(lang: Lang, judged: &Judged) -> String {
    let figure = |v: f64| figure(lang, v, judged.unit);
    let number = |n: f64| lang.grouped(n.round());
    let times = |t: &f64| if t.is_finite() { decimals(*t) } else { lang.window_many() };
    match &judged.reason {
        Reason::AsBefore => lang.window_as_before(),
        Reason::Tolerated => lang.window_tolerated(),
        Reason::StillNone => lang.window_still_none(),
        Reason::FewFromNone { failed } => lang.window_few_from_none(number(*failed)),
        Reason::FromNone { failed } => lang.window_from_none(number(*failed)),
        Reason::Worse { times: t } if t.is_finite() => lang.window_worse(times(t)),
        Reason::Worse { .. } => lang.window_much_worse(),
        Reason::MaybeWorse { times: t } => lang.window_maybe_worse(times(t)),
        Reason::Beyond { limit } => lang.window_beyond(figure(*limit)),
        Reason::BeyondBefore { limit } => lang.window_beyond_before(figure(*limit)),
        Reason::Unseen { times: t } => lang.window_unseen(times(t)),
        Reason::FewNow { wanted } => lang.window_few_now(number(judged.now.n), number(*wanted)),
        Reason::FewBefore { wanted } => lang.window_few_before(number(judged.before.n), number(*wanted)),
        Reason::NothingNow => lang.window_nothing_now(),
        Reason::NothingBefore => lang.window_nothing_before(),
        Reason::Gap => lang.window_gap(),
        Reason::Swept { age } => lang.window_swept(Span(*age)),
        Reason::Unswept { age } => lang.window_unswept(Span(*age)),
        Reason::Unmeasured { why: Absence::NotYet } => lang.window_unread(),
        Reason::Unmeasured { why: Absence::TooYoung } => lang.window_no_server(),
        Reason::Unmeasured { why } => lang.window_unmeasured(absence(lang, why)),
    }
}

/// What went live, as far as it was said.
#[must_use]
pub fn version(lang: Lang, version: &str) -> String {
    if version.is_empty() { lang.window_a_change() } else { clean(version) }
}

/// The name of a signal: a built-in one in the reader's words, any other as it is configured.
#[must_use]
pub fn signal(lang: Lang, name: &str) -> String {
    match name {
        ERROR_RATE => lang.signal_error_rate(),
        ERROR_RATE_1M => lang.signal_error_rate_1m(),
        LATENCY_P95 => "p95".to_owned(),
        LATENCY_P99 => "p99".to_owned(),
        REQUEST_RATE => lang.signal_request_rate(),
        GROWTH => lang.signal_growth(),
        SWEEP => lang.signal_sweep(),
        other => clean(other),
    }
}

/// What a finding is about, as the start of a sentence ("failures begin").
#[must_use]
pub fn finding_name(lang: Lang, finding: &Finding) -> String {
    match finding.rule {
        Rule::ErrorRateCritical | Rule::ErrorBurst | Rule::FewRequestsFailing => lang.onset_failures(),
        Rule::LatencyLong | Rule::LatencySevere | Rule::LatencyTail => lang.onset_latency(),
        Rule::SessionsFlood | Rule::SessionsFast => lang.onset_sessions(),
        _ if finding.subject == ERROR_RATE => lang.onset_failures(),
        _ => signal(lang, &finding.subject),
    }
}

/// A phase in words.
#[must_use]
pub fn phase(lang: Lang, phase: Phase) -> String {
    match phase {
        Phase::Detected => lang.phase_detected(),
        Phase::Classified => lang.phase_classified(),
        Phase::Assigned => lang.phase_assigned(),
        Phase::Investigating => lang.phase_investigating(),
        Phase::Mitigating => lang.phase_mitigating(),
        Phase::Resolved => lang.phase_resolved(),
        Phase::PostMortem => lang.phase_post_mortem(),
        Phase::Closed => lang.phase_closed(),
    }
}

/// What is not seen, in words.
#[must_use]
pub fn unseen(lang: Lang, findings: &[Finding]) -> String {
    let what = |f: &Finding| match f.rule {
        Rule::BlindChecks => lang.blind_checks(),
        Rule::BlindSessions => lang.blind_sessions(),
        Rule::BlindAlerts => lang.blind_alerts(),
        Rule::NoNetwork => lang.blind_network(),
        _ => lang.blind_metrics(),
    };
    findings.iter().map(what).collect::<Vec<_>>().join(", ")
}

/// The kind of a fact, as a filter finds it.
#[must_use]
pub fn fact_kind(lang: Lang, fact: &Fact) -> String {
    match fact {
        Fact::Note { .. } => lang.kind_note(),
        Fact::Todo { .. } => "TODO".to_owned(),
        Fact::Deployed { .. } => lang.kind_deploy(),
        Fact::Fired { .. } | Fact::Over { .. } => lang.kind_alert(),
        Fact::Check { .. } => lang.kind_check(),
        _ => String::new(),
    }
}

/// A role in words; one that a house made up is what they call it.
#[must_use]
pub fn role(lang: Lang, role: &str) -> String {
    match role {
        OWNER => lang.role_owner(),
        COMMANDER => lang.role_commander(),
        helper if helper.starts_with(HELPER) => lang.role_helper(),
        own => own.to_owned(),
    }
}

/// The heading of a section of a procedure.
#[must_use]
pub fn section(lang: Lang, section: Section) -> String {
    match section {
        Section::Preflight => lang.runbook_section_preflight(),
        Section::Steps => lang.runbook_section_steps(),
        Section::Validation => lang.runbook_section_validation(),
        Section::Rollback => lang.runbook_section_rollback(),
        Section::Post => lang.runbook_section_post(),
    }
}

/// A short time, in seconds.
#[must_use]
pub fn seconds(lang: Lang, ms: crate::model::time::Millis) -> String {
    figure(lang, ms as f64 / 1_000.0, Unit::Seconds)
}

/// How a step stands.
#[must_use]
pub fn step_status(lang: Lang, status: run::Status) -> String {
    match status {
        run::Status::Pending => lang.step_pending(),
        run::Status::Running => lang.step_running(),
        run::Status::Ran => lang.step_ran(),
        run::Status::Ok => lang.step_ok(),
        run::Status::Failed => lang.step_failed(),
        run::Status::Skipped => lang.step_skipped(),
        run::Status::Undone => lang.step_undone(),
        run::Status::Unknown => lang.step_unknown(),
    }
}

/// How a run ended.
#[must_use]
pub fn run_outcome(lang: Lang, outcome: run::Outcome) -> String {
    match outcome {
        run::Outcome::Ok => lang.run_ok(),
        run::Outcome::Failed => lang.run_failed_outcome(),
        run::Outcome::RolledBack => lang.run_rolled_back(),
        run::Outcome::RollbackFailed => lang.run_rollback_failed(),
        run::Outcome::Abandoned => lang.run_abandoned(),
    }
}

/// Why the machine judged a step so; empty where there is nothing to say.
#[must_use]
pub fn because(lang: Lang, because: &run::Because) -> String {
    use run::Because;
    match because {
        Because::Nothing | Because::Other => String::new(),
        Because::Exit { code } => lang.because_exit(code),
        Because::Signal { signal } => lang.because_signal(signal),
        Because::Stopped => lang.because_stopped(),
        Because::NotStarted { error } => lang.because_not_started(error),
        Because::Output { expected } => lang.because_output(crate::model::text::clean(expected)),
        Because::Expression { error } => lang.because_expression(error),
        Because::Signals { wanted, value: Some(value) } => lang.because_signals(wanted, value),
        Because::Signals { wanted, value: None } => lang.because_signals_unseen(wanted),
        Because::NeedsPerson => lang.because_person(),
        Because::NotShell { shell } => lang.because_shell(shell),
        Because::Missing { names } => lang.because_missing(names.join(", ")),
        Because::Condition { text } => lang.because_condition(text),
        Because::LosesData => lang.because_loses_data(),
        Because::Interrupted => lang.because_interrupted(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        let es = |v, u| figure(Lang::Es, v, u);
        assert_eq!(es(0.124, Unit::Ratio), "12.4 %");
        assert_eq!(es(0.05, Unit::Ratio), "5 %");
        assert_eq!(es(0.0002, Unit::Ratio), "0.02 %");
        assert_eq!(es(0.9999, Unit::Ratio), "99.9 %");
        assert_eq!(es(0.0, Unit::Ratio), "0 %");
        assert_eq!(es(0.84, Unit::Seconds), "840 ms");
        assert_eq!(es(2.6, Unit::Seconds), "2.6 s");
        assert_eq!(es(2_460.0, Unit::Count), "2 460");
        assert_eq!(figure(Lang::En, 128_441.0, Unit::Count), "128,441");
        assert_eq!(es(3.1e9, Unit::Bytes), "3.1 GB");
        assert_eq!(es(8.2, Unit::PerSecond), "8.2/s");
    }

    #[test]
    fn an_estimate_is_never_shown_as_a_count() {
        assert_eq!(rows(Lang::En, Rows::exact(61_204)), "61,204");
        assert_eq!(rows(Lang::En, Rows::estimate(61_204)), "≈ 61,204");
        assert_eq!(rows(Lang::En, Rows { n: 100_000, exact: true, at_least: true }), "≥ 100,000");
    }
}
