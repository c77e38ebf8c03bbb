//! The embedded target of `demo`: a Django-shaped service on loopback that breaks and recovers, in a loop. It serves
//! `/metrics`, `/api/health`, `/api/db-check` and `/api/session-check`, and fills a real SQLite `django_session`.
//! cabina looks at it through its ordinary pollers and knows nothing of what is about to happen.

mod load;
mod server;
mod story;
mod table;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::net::TcpListener;

pub use story::CYCLE;
pub use story::Scenario;

use crate::bus;
use crate::bus::task;
use crate::lab::load::Load;
use crate::lab::story::Sides;
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
    /// Starts a target, whose trouble waits so long for somebody to decide.
    ///
    /// # Errors
    /// When no port or no temporary folder can be had; one sentence.
    pub async fn start(scenario: Scenario, patience: Millis) -> Result<Self, String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|e| format!("no loopback port: {e}"))?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        let folder = std::env::temp_dir().join(format!("cabina-demo-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let target = Self { url: format!("http://127.0.0.1:{port}"), folder };
        let load = Arc::new(Load::default());
        let sides = Arc::new(Mutex::new(Sides::patient(patience)));
        let mut table = Table::create(&target.file()).await?;
        task::spawn(server::run(listener, Arc::clone(&load), Arc::clone(&sides)));
        task::spawn(async move {
            let mut before = bus::now().mono;
            loop {
                let now = bus::now().mono;
                let conditions = {
                    let mut sides = sides.lock().unwrap_or_else(PoisonError::into_inner);
                    sides.pass(now - before);
                    scenario.at(sides.moment())
                };
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

    /// Writes the procedure that repairs it, in a language, and gives the folder that it lies in.
    fn procedures(&self, language: &str) -> PathBuf {
        let folder = self.folder.join("runbooks");
        let text = if language == "es" { include_str!("rollback.es.md") } else { include_str!("rollback.en.md") };
        let place = self.url.trim_start_matches("http://");
        let (host, port) = place.split_once(':').unwrap_or((place, "80"));
        let text = text.replace("@HOST@", host).replace("@PORT@", port);
        // A folder that cannot be written to has no procedure, and everything else.
        let _ = std::fs::create_dir_all(&folder);
        let _ = std::fs::write(folder.join("PROC-DEMO-001-rollback.md"), text);
        folder
    }

    /// The configuration that watches this target. Limits are as in production; only their times are shortened, so
    /// that a visitor sees a whole night in two minutes.
    #[must_use]
    pub fn config(&self, language: &str) -> String {
        include_str!("demo.toml")
            .replace("@LANGUAGE@", language)
            .replace("@URL@", &self.url)
            .replace("@RUNBOOKS@", &self.procedures(language).display().to_string())
            .replace("@SQLITE@", &self.file().display().to_string())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
