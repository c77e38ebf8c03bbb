//! A private Prometheus on a free loopback port that scrapes what a test serves; stopped when it is dropped.

use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::support::free_port;
use crate::support::get;
use crate::support::wait::until;

/// A server.
pub(crate) struct Prometheus {
    pub(crate) url: String,
    _folder: TempDir,
    child: Child,
}

impl Prometheus {
    /// Starts a server that scrapes these targets (`127.0.0.1:PORT`) every second, and waits until it listens.
    pub(crate) async fn start(targets: &[String]) -> Self {
        Self::with_rules(targets, "").await
    }

    /// The same, with rules of its own.
    pub(crate) async fn with_rules(targets: &[String], rules: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("cabina-prometheus").tempdir().unwrap();
        let listed = targets.iter().map(|t| format!("'{t}'")).collect::<Vec<_>>().join(",");
        std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
        let files = if rules.is_empty() { "" } else { "rule_files: [rules.yml]\n" };
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\n{files}scrape_configs:\n  - job_name: app\n    static_configs:\n      - targets: [{listed}]\n"
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let port = free_port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .expect("prometheus is missing: tests/run installs it");
        let server = Self { url: format!("http://127.0.0.1:{port}"), _folder: folder, child };
        until("Prometheus listens", Duration::from_mins(1), async || {
            TcpStream::connect(("127.0.0.1", port)).await.map(|_| ()).map_err(|e| e.to_string())
        })
        .await;
        server
    }

    /// The alerts that it has: name and state.
    pub(crate) async fn alerts(&self) -> Vec<(String, String)> {
        // It listens before it is ready.
        let Ok(text) = get(&format!("{}/api/v1/alerts", self.url)).await else { return Vec::new() };
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
        let all = all["data"]["alerts"].as_array().unwrap().iter();
        all.map(|a| (text(&a["labels"]["alertname"]), text(&a["state"]))).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
