//! The database server of the sessions at a glance, where it is MySQL or MariaDB.

use std::sync::Arc;

use crate::engine::Kind;
use crate::engine::settings::SessionsSpec;
use crate::model::glance::Look;
use crate::model::signal::Absence;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::sources::database::Connection;
use crate::sources::poll::Round;
use crate::sources::poll::Source;

/// Looks at a server.
pub struct Glancer {
    spec: SessionsSpec,
    secrets: Arc<Secrets>,
    connection: Option<Connection>,
}

impl Glancer {
    /// One that connects when it is first asked.
    #[must_use]
    pub fn new(spec: SessionsSpec, secrets: &Arc<Secrets>) -> Self {
        Self { spec, secrets: Arc::clone(secrets), connection: None }
    }

    /// Looks once.
    ///
    /// # Errors
    /// Why there is nothing to see.
    pub async fn look(&mut self) -> Look {
        let mut c = match self.connection.take() {
            Some(c) => c,
            None => Connection::open(self.secrets.get(&self.spec.url), self.spec.budget).await?,
        };
        let look = c.glance().await;
        if look.is_ok() {
            self.connection = Some(c);
        }
        look
    }
}

impl Source for Glancer {
    async fn ask(&mut self) -> Round {
        let look = self.look().await.map_err(|why| match why {
            Absence::Failed(text) => Absence::Failed(self.secrets.redact(&text)),
            Absence::Denied(text) => Absence::Denied(self.secrets.redact(&text)),
            other => other,
        });
        Round { failed: look.is_err(), kinds: vec![Kind::Glanced { look }] }
    }

    fn overdue(&mut self, after: Millis) -> Option<Kind> {
        self.connection = None;
        Some(Kind::Glanced { look: Err(Absence::Timeout(after)) })
    }
}
