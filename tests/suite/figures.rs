//! `dora` and `report` through the real binary: marks, incidents, and a real repository.

use std::path::Path;

use serde_json::Value;

use crate::record::House;

/// A commit of `hours` ago.
fn commit(repository: &Path, hours: i64, subject: &str) {
    let at = (chrono::Utc::now() - chrono::TimeDelta::hours(hours)).to_rfc3339();
    let done = std::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["-c", "user.name=ana", "-c", "user.email=ana@example.org", "-c", "commit.gpgsign=false"])
        .args(["commit", "-q", "--allow-empty", "-m", subject])
        .env("GIT_AUTHOR_DATE", &at)
        .env("GIT_COMMITTER_DATE", &at)
        .status()
        .unwrap();
    assert!(done.success(), "{subject}");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn dora_reads_commits_marks_and_incidents() {
    let house = House::new("");
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("a 'repo'");
    std::fs::create_dir(&repository).unwrap();
    let made = std::process::Command::new("git").arg("-C").arg(&repository).args(["init", "-q"]).status().unwrap();
    assert!(made.success());
    let path = repository.display().to_string();

    // Nothing is no figure, and no mistake.
    let none = json(&house.good(&["dora", "--json", "--git", &path]).await);
    for key in ["deployment_frequency", "lead_time", "change_failure_rate", "time_to_recover"] {
        assert_eq!(
            (&none[key]["value"], &none[key]["n"], &none[key]["class"]),
            (&Value::Null, &Value::from(0), &Value::Null)
        );
        assert!(none[key]["reason"].is_string() && none[key]["definition"].is_string(), "{key}");
    }

    for (hours, subject) in [
        (400, "feat: one"),
        (388, "deploy: v1.0"),
        (200, "fix: two"),
        (100, "deploy: v1.1"),
        (99, "rollback: v1.0"),
        (50, "hotfix: three"),
        (40, "deploy: \"v1.2\" 'beta'"),
    ] {
        commit(&repository, hours, subject);
    }
    house.good(&["deploy", "v1.2", "--at", "-39h", "--before", "v1.0"]).await;
    house.good(&["deploy", "v1.3", "--at", "-5h"]).await;
    let id = json(&house.good(&["incident", "open", "--title", "errors", "--at", "-4h30m", "--json"]).await);
    house.good(&["incident", "resolve", id["id"].as_str().unwrap(), "--at", "-4h"]).await;

    let all = json(&house.good(&["dora", "--json", "--git", &path]).await);
    assert_eq!((all["schema"].as_i64(), all["days"].as_i64()), (Some(1), Some(30)));
    let frequency = &all["deployment_frequency"];
    assert_eq!((frequency["n"].as_i64(), frequency["unit"].as_str()), (Some(4), Some("per_day")), "{all}");
    assert!((frequency["value"].as_f64().unwrap() - 4.0 / 30.0).abs() < 1e-9);
    assert_eq!(frequency["class"], "medium");
    // 12 h and 100 h.
    assert_eq!((all["lead_time"]["n"].as_i64(), all["lead_time"]["class"].as_str()), (Some(2), Some("high")), "{all}");
    assert!((all["lead_time"]["value"].as_f64().unwrap() - 56.0).abs() < 0.1);
    // v1.1 was taken back, v1.3 had an incident.
    assert_eq!(all["change_failure_rate"]["value"].as_f64(), Some(0.5), "{all}");
    assert_eq!(all["time_to_recover"]["n"].as_i64(), Some(1));
    assert!((all["time_to_recover"]["value"].as_f64().unwrap() - 0.5).abs() < 0.01, "{all}");
    assert_eq!(frequency["weeks"].as_array().unwrap().len(), 4);

    // The last ten days know one deploy less, and its change with it.
    let few = json(&house.good(&["dora", "--days", "10", "--json", "--git", &path]).await);
    assert_eq!((few["deployment_frequency"]["n"].as_i64(), few["lead_time"]["n"].as_i64()), (Some(3), Some(1)));

    let text = house.good(&["dora", "--git", &path]).await;
    assert!(text.contains("change failure rate") && text.contains("50 %") && text.contains("low"), "{text}");
}

#[tokio::test]
async fn a_folder_that_is_no_repository_is_said() {
    let house = House::new("");
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().display().to_string(), "/not/there".to_owned()] {
        let out = house.run(&["dora", "--git", &path]).await;
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(64), "{said}");
        assert!(said.contains("is no git repository that can be read") && out.stdout.is_empty(), "{said}");
    }
}

#[tokio::test]
async fn a_report_counts_incidents_by_month() {
    let house = House::new("");
    let empty = json(&house.good(&["report", "--json"]).await);
    assert_eq!(
        (empty["incidents"].as_i64(), &empty["time_to_recover"]["with_runbook"]["mean_s"]),
        (Some(0), &Value::Null)
    );
    for (severity, from, to) in [("SEV1", "-30h", "-29h"), ("SEV2", "-20h", "-17h")] {
        let opened =
            house.good(&["incident", "open", "--title", "x", "--severity", severity, "--at", from, "--json"]).await;
        house.good(&["incident", "resolve", json(&opened)["id"].as_str().unwrap(), "--at", to]).await;
    }
    let all = json(&house.good(&["report", "--json", "--days", "3"]).await);
    assert_eq!(all["incidents"].as_i64(), Some(2));
    let sev1: i64 = all["months"].as_array().unwrap().iter().filter_map(|m| m["severity"]["SEV1"].as_i64()).sum();
    assert_eq!(sev1, 1);
    let without = &all["time_to_recover"]["without_runbook"];
    assert_eq!((without["n"].as_i64(), without["mean_s"].as_i64().map(|s| s / 60)), (Some(2), Some(120)), "{all}");
    let text = house.good(&["report", "--days", "3"]).await;
    assert!(text.starts_with("# Report") && text.contains("| without one | 2h 00m | 2 |"), "{text}");
}
