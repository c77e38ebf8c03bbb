//! `[[sql]]`: any figure from a database. One query that returns one number, stopped by the server at its budget.

use std::sync::Arc;

use crate::bus;
use crate::engine::Kind;
use crate::engine::settings::SqlSpec;
use crate::model::signal::Absence;
use crate::model::signal::Reading;
use crate::model::signal::Sample;
use crate::model::source::Origin;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::sources::database::Connection;
use crate::sources::database::Trouble;
use crate::sources::poll::Round;
use crate::sources::poll::Source;

/// One figure.
pub struct Figure {
    spec: SqlSpec,
    secrets: Arc<Secrets>,
    connection: Option<Connection>,
}

impl Figure {
    /// One that connects when it is first asked.
    #[must_use]
    pub fn new(spec: SqlSpec, secrets: &Arc<Secrets>) -> Self {
        Self { spec, secrets: Arc::clone(secrets), connection: None }
    }

    async fn read(&mut self) -> Result<f64, Absence> {
        let mut c = match self.connection.take() {
            Some(c) => c,
            None => Connection::open(self.secrets.get(&self.spec.url), self.spec.budget).await?,
        };
        match c.figure(&self.spec.query).await {
            Ok(value) => {
                self.connection = Some(c);
                // NULL is no number: an average over nothing, for instance.
                value.ok_or(Absence::NoSeries)
            }
            Err(Trouble::OverBudget) => {
                // The statement was stopped by the server; the connection is as good as before.
                self.connection = Some(c);
                Err(Absence::Timeout(self.spec.budget))
            }
            Err(Trouble::Absent(why)) => Err(why),
        }
    }

    fn sampled(&self, reading: Reading, took: Millis) -> Kind {
        let at = bus::now().wall;
        let signal = self.spec.name.clone();
        Kind::Sampled {
            source: self.spec.source(),
            origin: Origin::Sql,
            samples: vec![Sample { signal, at, reading, counts: None, worst: None }],
            history: false,
            took,
            notes: Vec::new(),
        }
    }
}

impl Source for Figure {
    async fn ask(&mut self) -> Round {
        let start = bus::now();
        let read = self.read().await.map_err(|why| match why {
            Absence::Failed(text) => Absence::Failed(self.secrets.redact(&text)),
            Absence::Denied(text) => Absence::Denied(self.secrets.redact(&text)),
            Absence::Refusal(text) => Absence::Refusal(self.secrets.redact(&text)),
            other => other,
        });
        // A query out of order is the matter of this figure: the reason stands where the value would.
        let failed = read.is_err();
        let reading = read.map_or_else(Reading::Absent, Reading::from_float);
        Round { kinds: vec![self.sampled(reading, bus::now().since(start))], failed }
    }

    fn overdue(&mut self, after: Millis) -> Option<Kind> {
        self.connection = None;
        Some(self.sampled(Reading::Absent(Absence::Timeout(after)), after))
    }
}
