//! How bad it is: the levels, and a finding (one rule, what it saw, since when).

use serde::Deserialize;
use serde::Serialize;

use crate::model::signal::Counts;
use crate::model::signal::Unit;
use crate::model::time::Millis;

/// SEV1 > SEV2 > UNKNOWN > SEV3 > SEV4 > OK; the order of the variants is that order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Nothing found wrong.
    #[default]
    #[serde(rename = "OK")]
    Ok,
    /// Worth knowing.
    #[serde(rename = "SEV4")]
    Sev4,
    /// Worth doing something in working hours.
    #[serde(rename = "SEV3")]
    Sev3,
    /// Nobody can say: the figures that would tell are missing.
    #[serde(rename = "UNKNOWN")]
    Unknown,
    /// People are hurt, or soon will be.
    #[serde(rename = "SEV2")]
    Sev2,
    /// Many people are hurt now.
    #[serde(rename = "SEV1")]
    Sev1,
}

impl Level {
    /// Every level, worst first.
    pub const ALL: [Self; 6] = [Self::Sev1, Self::Sev2, Self::Unknown, Self::Sev3, Self::Sev4, Self::Ok];

    /// The word of the contract; never translated.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Sev4 => "SEV4",
            Self::Sev3 => "SEV3",
            Self::Unknown => "UNKNOWN",
            Self::Sev2 => "SEV2",
            Self::Sev1 => "SEV1",
        }
    }

    /// The exit code that `check` ends with at this level.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Sev3 | Self::Sev4 => 1,
            Self::Sev1 | Self::Sev2 => 2,
            Self::Unknown => 3,
        }
    }
}

/// Every rule that can raise a level. The sentence of each stands in `engine::classify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The five-minute error share stays above its critical limit.
    ErrorRateCritical,
    /// A large share of the last minute's requests failed.
    ErrorBurst,
    /// A critical check is down and something else agrees.
    CheckDownCorroborated,
    /// A critical check is down and there is no traffic to say otherwise.
    CheckDownNoTraffic,
    /// A signal is beyond its critical limit.
    SignalCritical,
    /// A critical check has long been down though traffic is fine.
    CheckDownAlone,
    /// A critical check fails again and again.
    CheckFlappingCritical,
    /// p95 above 1 s for a quarter of an hour.
    LatencyLong,
    /// p95 above 2 s.
    LatencySevere,
    /// Most of the few requests there are fail.
    FewRequestsFailing,
    /// Sessions are written more than ten times as fast as usual.
    SessionsFlood,
    /// The session table reaches its critical size within the hour.
    SessionsLimitNear,
    /// No fresh error share.
    BlindTraffic,
    /// No fresh critical check.
    BlindChecks,
    /// No fresh look at the session table; said beside any level, raises none.
    BlindSessions,
    /// The configuration names nothing to look at.
    NothingWatched,
    /// A signal is beyond its warning limit.
    SignalWarning,
    /// A critical check is slow.
    CheckDegraded,
    /// A critical check is down and nothing else agrees.
    CheckDownUncorroborated,
    /// A check that is not critical is down.
    CheckDownMinor,
    /// Sessions are written more than five times as fast as usual.
    SessionsFast,
    /// Many sessions, most of them expired, or the sweep is late.
    SessionsUnswept,
    /// A limit is broken, not yet for long enough.
    Pending,
    /// p99 above 1 s.
    LatencyTail,
    /// A check that is not critical comes and goes.
    CheckFlapping,
    /// The session table is above its warning size.
    SessionsMany,
    /// A certificate ends soon.
    CertificateSoon,
    /// A few failures among too few requests to judge.
    TooFewToJudge,
    /// Prometheus cannot be reached and direct scrape judges instead.
    PrometheusAway,
    /// An alert labelled critical fires.
    AlertCritical,
    /// An alert labelled warning fires.
    AlertWarning,
    /// The condition of an alert holds, not yet for long enough.
    AlertPending,
    /// The alert that always fires does not.
    WatchdogAbsent,
    /// No request comes where many are expected.
    TrafficGone,
    /// Less than half of the expected traffic.
    TrafficLow,
    /// No target of the service can be read, and a check agrees.
    TargetsDown,
    /// Failures soon after a change.
    ErrorsAfterChange,
    /// A check is down for a moment after a change.
    Restarting,
    /// The neutral target cannot be reached either: nothing is judged.
    NoNetwork,
    /// No fresh look at the alerts; said beside any level, raises none.
    BlindAlerts,
}

impl Rule {
    /// The word that JSON carries as `rule`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ErrorRateCritical => "error_rate_critical",
            Self::ErrorBurst => "error_burst",
            Self::CheckDownCorroborated => "check_down_corroborated",
            Self::CheckDownNoTraffic => "check_down_no_traffic",
            Self::SignalCritical => "signal_critical",
            Self::CheckDownAlone => "check_down_alone",
            Self::CheckFlappingCritical => "check_flapping_critical",
            Self::LatencyLong => "latency_long",
            Self::LatencySevere => "latency_severe",
            Self::FewRequestsFailing => "few_requests_failing",
            Self::SessionsFlood => "sessions_flood",
            Self::SessionsLimitNear => "sessions_limit_near",
            Self::BlindTraffic => "blind_traffic",
            Self::BlindChecks => "blind_checks",
            Self::BlindSessions => "blind_sessions",
            Self::NothingWatched => "nothing_watched",
            Self::SignalWarning => "signal_warning",
            Self::CheckDegraded => "check_degraded",
            Self::CheckDownUncorroborated => "check_down_uncorroborated",
            Self::CheckDownMinor => "check_down_minor",
            Self::SessionsFast => "sessions_fast",
            Self::SessionsUnswept => "sessions_unswept",
            Self::Pending => "pending",
            Self::LatencyTail => "latency_tail",
            Self::CheckFlapping => "check_flapping",
            Self::SessionsMany => "sessions_many",
            Self::CertificateSoon => "certificate_soon",
            Self::TooFewToJudge => "too_few_to_judge",
            Self::PrometheusAway => "prometheus_away",
            Self::AlertCritical => "alert_critical",
            Self::AlertWarning => "alert_warning",
            Self::AlertPending => "alert_pending",
            Self::WatchdogAbsent => "watchdog_absent",
            Self::TrafficGone => "traffic_gone",
            Self::TrafficLow => "traffic_low",
            Self::TargetsDown => "targets_down",
            Self::ErrorsAfterChange => "errors_after_change",
            Self::Restarting => "restarting",
            Self::NoNetwork => "no_network",
            Self::BlindAlerts => "blind_alerts",
        }
    }
}

/// One rule that holds, with what it saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// The level it asks for.
    pub level: Level,
    /// The signal, check or table it is about.
    pub subject: String,
    /// What was seen, in `unit`.
    pub value: Option<f64>,
    /// The limit it is measured against, in `unit`.
    pub threshold: Option<f64>,
    /// The unit of both.
    pub unit: Unit,
    /// The requests behind the value.
    pub counts: Option<Counts>,
    /// When it began to go wrong, ms since the epoch.
    pub since: Millis,
    /// How long the limit must be held, for sentences that say so.
    pub hold: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_contract() {
        assert!(Level::ALL.windows(2).all(|w| w[0] > w[1]));
        let codes: Vec<u8> = Level::ALL.iter().map(|l| l.exit_code()).collect();
        assert_eq!(codes, [2, 2, 3, 1, 1, 0]);
    }

    #[test]
    fn the_word_of_a_rule_is_its_serde_name() {
        let json = serde_json::to_string(&Rule::CheckDownNoTraffic).unwrap();
        assert_eq!(json.trim_matches('"'), Rule::CheckDownNoTraffic.word());
    }
}
