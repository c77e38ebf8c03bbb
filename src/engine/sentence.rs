//! Every rule says its sentence.

use crate::engine::words;
use crate::engine::words::figure;
use crate::lang::Lang;
use crate::model::severity::Finding;
use crate::model::severity::Rule;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::Unit;
use crate::model::time::Span;

/// The finding as one sentence, without its level and its beginning (both stand beside it).
#[must_use]
pub fn sentence(lang: Lang, f: &Finding) -> String {
    let value = f.value.map_or_else(|| "?".to_owned(), |v| figure(lang, v, f.unit));
    let limit = f.threshold.map_or_else(String::new, |v| figure(lang, v, f.unit));
    let subject = &f.subject;
    // A limit that was broken holds until things are well: then the figure is below it, and the sentence says so.
    let below = f.value.zip(f.threshold).is_some_and(|(v, t)| v <= t);
    match f.rule {
        Rule::ErrorRateCritical | Rule::SignalWarning if below && f.subject == ERROR_RATE => {
            lang.rule_error_rate_falling(value, limit, requests(lang, f))
        }
        Rule::ErrorBurst if below => lang.rule_error_burst_falling(value, limit, requests(lang, f)),
        Rule::ErrorRateCritical => lang.rule_error_rate(value, limit, requests(lang, f)),
        Rule::ErrorBurst => lang.rule_error_burst(value, limit, requests(lang, f)),
        Rule::SignalWarning | Rule::SignalCritical => about_signal(lang, f, value, limit),
        Rule::Pending => pending(lang, f, value, limit),
        Rule::LatencyLong | Rule::LatencySevere | Rule::LatencyTail => {
            lang.rule_latency(words::signal(lang, subject), value, limit, Span(f.hold))
        }
        Rule::FewRequestsFailing => {
            let (failed, total) = counts(lang, f);
            lang.rule_few_failing(failed, total)
        }
        Rule::TooFewToJudge => {
            let (failed, total) = counts(lang, f);
            lang.rule_too_few(failed, total)
        }
        Rule::CheckDownCorroborated => lang.rule_check_corroborated(subject),
        Rule::CheckDownNoTraffic => lang.rule_check_no_traffic(subject),
        Rule::CheckDownAlone => lang.rule_check_alone(subject),
        Rule::CheckFlappingCritical | Rule::CheckFlapping => lang.rule_check_flapping(subject),
        Rule::CheckDegraded => lang.rule_check_degraded(subject),
        Rule::CheckDownUncorroborated => lang.rule_check_uncorroborated(subject),
        Rule::CheckDownMinor => lang.rule_check_minor(subject),
        Rule::CertificateSoon => match f.value {
            Some(days) if days < 0.0 => lang.rule_certificate_over(subject),
            _ => lang.rule_certificate(subject, figure(lang, f.value.unwrap_or_default(), Unit::Count)),
        },
        Rule::SessionsFlood | Rule::SessionsFast => lang.rule_sessions_pace(subject, value, limit),
        Rule::SessionsLimitNear if f.value == Some(0.0) => lang.rule_sessions_over(subject, limit),
        Rule::SessionsLimitNear => lang.rule_sessions_near(subject, limit, value),
        Rule::SessionsUnswept => lang.rule_sessions_unswept(subject, value),
        Rule::SessionsMany => lang.rule_sessions_many(subject, value, limit),
        Rule::BlindTraffic => lang.rule_blind_traffic(),
        Rule::BlindChecks => lang.rule_blind_checks(),
        Rule::BlindSessions => lang.rule_blind_sessions(),
        Rule::NothingWatched => lang.what_nothing_configured(),
        Rule::TrafficGone => lang.rule_traffic_gone(limit),
        Rule::TrafficLow => lang.rule_traffic_low(value, figure(lang, f.threshold.unwrap_or_default() * 2.0, f.unit)),
        Rule::TargetsDown => lang.rule_targets_down(value),
        Rule::ErrorsAfterChange => lang.rule_after_change(value, limit, requests(lang, f)),
        Rule::Restarting => lang.rule_restarting(subject),
        Rule::NoNetwork => lang.rule_no_network(),
        Rule::AlertCritical | Rule::AlertWarning => match f.value {
            Some(n) if n > 1.0 => lang.rule_alerts(subject, value),
            _ => lang.rule_alert(subject),
        },
        Rule::AlertPending => lang.rule_alert_pending(subject),
        Rule::WatchdogAbsent => lang.rule_watchdog(subject),
        Rule::BlindAlerts => lang.rule_blind_alerts(),
        Rule::PrometheusAway => lang.rule_prometheus_away(),
    }
}

fn about_signal(lang: Lang, f: &Finding, value: String, limit: String) -> String {
    if f.subject == crate::model::signal::ERROR_RATE {
        return lang.rule_error_rate(value, limit, requests(lang, f));
    }
    lang.rule_signal(words::signal(lang, &f.subject), value, limit)
}

fn pending(lang: Lang, f: &Finding, value: String, limit: String) -> String {
    if f.value.is_none() {
        return lang.rule_check_pending(&f.subject);
    }
    lang.rule_pending(words::signal(lang, &f.subject), value, limit, Span(f.hold))
}

fn counts(lang: Lang, f: &Finding) -> (String, String) {
    let c = f.counts.unwrap_or_default();
    (lang.grouped(c.failed.round()), lang.grouped(c.total.round()))
}

/// ": 305 of 2,460 in 5 min", or nothing where the counts are not known.
fn requests(lang: Lang, f: &Finding) -> String {
    let Some(c) = f.counts else {
        return String::new();
    };
    let (failed, total) = counts(lang, f);
    lang.of_requests(failed, total, words::window(c.window))
}
