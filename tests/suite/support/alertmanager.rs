//! A private Alertmanager on a free loopback port, alone; stopped when it is dropped.

use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::free_port;
use crate::support::get;
use crate::support::wait::until;

/// A server.
pub(crate) struct Alertmanager {
    pub(crate) url: String,
    _folder: TempDir,
    child: Child,
}

/// A critical alert inhibits warnings of the same host; nobody is told anything.
const CONFIG: &str = "route:\n  receiver: nobody\n  group_by: [alertname]\nreceivers:\n  - name: nobody\ninhibit_rules:\n  - source_matchers: [severity = critical]\n    target_matchers: [severity = warning]\n    equal: [instance]\n";

impl Alertmanager {
    /// Starts a server and waits until it answers.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("cabina-alertmanager").tempdir().unwrap();
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, CONFIG).unwrap();
        let port = free_port();
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .expect("prometheus-alertmanager is missing: tests/run installs it");
        let server = Self { url: format!("http://127.0.0.1:{port}"), _folder: folder, child };
        until("Alertmanager answers", Duration::from_mins(1), async || get(&format!("{}/-/ready", server.url)).await)
            .await;
        server
    }

    /// Tells it about alerts; labels as pairs.
    pub(crate) async fn fire(&self, alerts: &[&[(&str, &str)]]) {
        let body: Vec<serde_json::Value> = alerts
            .iter()
            .map(|labels| {
                let labels: serde_json::Map<String, serde_json::Value> =
                    labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
                serde_json::json!({ "labels": labels, "annotations": { "summary": "a test" } })
            })
            .collect();
        let client = reqwest::Client::new();
        let sent = client.post(format!("{}/api/v2/alerts", self.url)).header("Content-Type", "application/json");
        sent.body(serde_json::to_string(&body).unwrap()).send().await.unwrap().error_for_status().unwrap();
    }

    /// Its own word for it.
    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&get(&format!("{}{path}", self.url)).await.unwrap()).unwrap()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
