//! Every file in `tests/scenarios` is played and held against what it expects. A person can write one in an incident
//! review: what happened, and when; what should have been said, and when.

use std::path::PathBuf;

use crate::support::play;

fn files() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    files.sort();
    files
}

#[test]
fn every_scenario_is_judged_as_it_says() {
    let files = files();
    assert!(files.len() >= 12, "only {} scenarios", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let scenario = play::read(&path);
        assert!(!scenario.expect.is_empty(), "{} expects nothing", path.display());
        for expected in &scenario.expect {
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play::check(&scenario, expected)));
            if let Err(e) = checked {
                let text = e.downcast_ref::<String>().cloned().unwrap_or_default();
                wrong.push(format!("{}: {text}", path.file_name().unwrap_or_default().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Each rule is raised by at least one scenario: a rule without one is a rule nobody has seen work.
#[test]
fn every_rule_has_a_scenario() {
    let all: String = files().iter().map(|p| std::fs::read_to_string(p).unwrap()).collect();
    let rules = [
        "error_rate_critical",
        "error_burst",
        "check_down_corroborated",
        "check_down_no_traffic",
        "signal_critical",
        "check_down_alone",
        "check_flapping_critical",
        "latency_long",
        "latency_severe",
        "few_requests_failing",
        "sessions_flood",
        "sessions_limit_near",
        "blind_traffic",
        "blind_checks",
        "signal_warning",
        "check_degraded",
        "check_down_uncorroborated",
        "check_down_minor",
        "sessions_fast",
        "sessions_unswept",
        "pending",
        "latency_tail",
        "check_flapping",
        "sessions_many",
        "certificate_soon",
        "too_few_to_judge",
        "prometheus_away",
        "alert_critical",
        "alert_warning",
        "alert_pending",
        "watchdog_absent",
        "traffic_gone",
        "traffic_low",
        "targets_down",
        "errors_after_change",
        "restarting",
        "no_network",
    ];
    let missing: Vec<&str> = rules.into_iter().filter(|r| !all.contains(&format!("\"{r}\""))).collect();
    assert!(missing.is_empty(), "no scenario raises {missing:?}");
}
