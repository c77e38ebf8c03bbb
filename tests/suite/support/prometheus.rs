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
    port: u16,
    folder: TempDir,
    child: Child,
}

fn run(folder: &TempDir, port: u16) -> Child {
    Command::new("prometheus")
        .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
        .spawn()
        .expect("prometheus is missing: tests/run installs it")
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
        let child = run(&folder, port);
        let server = Self { url: format!("http://127.0.0.1:{port}"), port, folder, child };
        server.listens().await;
        server
    }

    async fn listens(&self) {
        until("Prometheus listens", Duration::from_mins(1), async || {
            TcpStream::connect(("127.0.0.1", self.port)).await.map(|_| ()).map_err(|e| e.to_string())
        })
        .await;
    }

    /// Ends it; what it has stored stays.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again where it was.
    pub(crate) async fn again(&mut self) {
        self.child = run(&self.folder, self.port);
        self.listens().await;
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
