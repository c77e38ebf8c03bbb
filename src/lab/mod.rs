//! The embedded target of `demo`: a Django-shaped service on loopback that breaks and recovers, in a loop. It serves
//! `/metrics`, `/api/health`, `/api/db-check` and `/api/session-check`, and fills a real SQLite `django_session`.
//! cabina looks at it through its ordinary pollers and knows nothing of what is about to happen.

mod load;
mod server;
mod story;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

pub use story::CYCLE;
pub use story::Scenario;

use crate::bus;
use crate::lab::load::Load;
use crate::lab::table::Table;
use crate::model::time::Millis;

/// Time between two steps of the simulated load.
const STEP: Millis = 200;

/// A target that runs until the runtime ends; its files go when it is dropped.
pub struct Target {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    folder: PathBuf,
}

impl Target {
    /// Starts a target.
    ///
    /// # Errors
    /// When no port or no temporary folder can be had; one sentence.
    pub async fn start(scenario: Scenario) -> Result<Self, String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|e| format!("no loopback port: {e}"))?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        let folder = std::env::temp_dir().join(format!("cabina-demo-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let target = Self { url: format!("http://127.0.0.1:{port}"), folder };
        let load = Arc::new(Load::default());
        let mut table = Table::create(&target.file()).await?;
        tokio::spawn(server::run(listener, Arc::clone(&load)));
        tokio::spawn(async move {
            let start = bus::now().mono;
            let mut before = start;
            loop {
                let now = bus::now().mono;
                let conditions = scenario.at(now - start);
                load.step(&conditions, now - before);
                table.step(&conditions, now - before, bus::now().wall).await;
                before = now;
                tokio::time::sleep(std::time::Duration::from_millis(STEP as u64)).await;
            }
        });
        Ok(target)
    }

    fn file(&self) -> PathBuf {
        self.folder.join("app.sqlite3")
    }

    /// The configuration that watches this target. Limits are as in production; only their times are shortened, so
    /// that a visitor sees a whole night in two minutes.
    #[must_use]
    pub fn config(&self, language: &str) -> String {
        include_str!("demo.toml")
            .replace("@LANGUAGE@", language)
            .replace("@URL@", &self.url)
            .replace("@SQLITE@", &self.file().display().to_string())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
