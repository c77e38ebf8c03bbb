//! The session table, looked at cheaply and honestly: windows over the `expire_date` index, estimates labelled as
//! such, every statement stopped by the server itself, nothing ever written.
//!
//! Django writes `expire_date = now + SESSION_COOKIE_AGE` when it saves a session, so the rows that end one cookie
//! age from now were written or renewed now: a window over the index tells the pace without a count.

use std::sync::Arc;

use tokio::sync::watch;

use crate::bus;
use crate::engine::Kind;
use crate::engine::settings::SessionsSpec;
use crate::model::sessions::Look;
use crate::model::sessions::Measurement;
use crate::model::sessions::Rows;
use crate::model::signal::Absence;
use crate::model::time::DAY;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::sources::database::Connection;
use crate::sources::database::EXPIRED_CAP;
use crate::sources::database::Trouble;
use crate::sources::database::Window;
use crate::sources::database::identifier;
use crate::sources::poll::Round;
use crate::sources::poll::Source;

/// The most a count that a person asked for may take; the server stops it then.
const COUNT_LIMIT: Millis = 30_000;
/// No statement is given less: below this even the smallest would be stopped by chance.
const LEAST_LIMIT: Millis = 10;
/// What is usual changes with the hour, not with the look.
const USUAL_EVERY: Millis = 10 * MINUTE;

/// The watcher of one table.
pub struct Watcher {
    spec: SessionsSpec,
    secrets: Arc<Secrets>,
    count: watch::Receiver<()>,
    connection: Option<Connection>,
    /// An exact count did not end within the budget: not again until a person asks.
    over_budget: bool,
    usual: Option<(Millis, f64)>,
}

impl Watcher {
    /// A watcher that connects when it is first asked.
    #[must_use]
    pub fn new(spec: SessionsSpec, secrets: &Arc<Secrets>, mut count: watch::Receiver<()>) -> Self {
        count.mark_unchanged();
        Self { spec, secrets: Arc::clone(secrets), count, connection: None, over_budget: false, usual: None }
    }

    /// Looks once.
    ///
    /// # Errors
    /// Why there are no figures.
    pub async fn look(&mut self) -> Look {
        let look = self.measure().await;
        if look.is_err() {
            // A connection that failed may be in the middle of an answer: a new one is cheap and clean.
            self.connection = None;
        }
        look.map_err(|why| match why {
            Absence::Failed(text) => Absence::Failed(self.secrets.redact(&text)),
            Absence::Denied(text) => Absence::Denied(self.secrets.redact(&text)),
            other => other,
        })
    }

    async fn measure(&mut self) -> Result<Measurement, Absence> {
        let start = bus::now();
        let table = identifier(&self.spec.table).map_err(Absence::Failed)?.to_owned();
        let asked = self.count.has_changed().unwrap_or(false);
        self.count.mark_unchanged();
        let mut c = match self.connection.take() {
            Some(c) => c,
            None => Connection::open(self.secrets.get(&self.spec.url), self.spec.budget).await?,
        };
        // After connecting: a slow login is not a slow table.
        let asked_at = bus::now();
        let first = c.oldest(&table).await;
        let answer = bus::now().since(asked_at);
        let oldest = first.map_err(absent)?;
        let now = start.wall;
        let age = self.spec.cookie_age;
        // The cheap windows first; the count has what they leave of the budget.
        let renewed = within(c.between(&table, Window(now + age - MINUTE, now + age)).await)?;
        let hour = within(c.between(&table, Window(now + age - HOUR, now + age)).await)?;
        let lapsed = within(c.between(&table, Window(now - HOUR, now)).await)?;
        let expired = within(c.expired(&table, now).await)?;
        let usual = self.usual(&mut c, &table, now).await?;
        let bytes = c.bytes(&table).await?;
        let left = (self.spec.budget - bus::now().since(asked_at)).max(LEAST_LIMIT);
        let count = if asked {
            // A person asked: whatever it costs, up to half a minute.
            Some(c.count_within(&table, COUNT_LIMIT, self.spec.budget).await?)
        } else if self.over_budget {
            None
        } else {
            Some(c.count_within(&table, left, self.spec.budget).await?)
        };
        let (rows, gave_up) = match count {
            Some(Ok(n)) => {
                self.over_budget = asked && self.over_budget;
                (Rows::exact(n), false)
            }
            Some(Err(Trouble::Absent(why))) => return Err(why),
            Some(Err(Trouble::OverBudget)) => {
                self.over_budget = true;
                (c.estimate(&table).await?, true)
            }
            None => (c.estimate(&table).await?, false),
        };
        self.connection = Some(c);
        Ok(Measurement {
            rows,
            renewed_per_min: renewed.map(|n| n as f64),
            renewed_per_min_1h: hour.map(|n| n as f64 / 60.0),
            usual_per_min: usual,
            expired: expired.map(|n| Rows { n, exact: true, at_least: n >= EXPIRED_CAP as u64 }),
            bytes,
            oldest_expiry: oldest.filter(|t| *t <= now),
            // Of the rows that the last hour wrote or let end, those that ended can be swept.
            sweepable: match (lapsed, hour) {
                (Some(l), Some(h)) if l + h > 0 => Some(l as f64 / (l + h) as f64),
                _ => None,
            },
            answer,
            took: bus::now().since(start),
            count_gave_up: gave_up,
        })
    }

    /// What is usual at this hour: the greatest of the same hour yesterday, of the same hour in up to four past weeks, and
    /// of the hour before the last one. Rows that
    /// were renewed since are missing from both, so the greater is the better guess.
    async fn usual(&mut self, c: &mut Connection, table: &str, now: Millis) -> Result<Option<f64>, Absence> {
        if let Some((_, usual)) = self.usual.filter(|(at, _)| now - at < USUAL_EVERY) {
            return Ok(Some(usual));
        }
        let age = self.spec.cookie_age;
        if age <= 2 * HOUR {
            return Ok(None);
        }
        let before = within(c.between(table, Window(now + age - 2 * HOUR, now + age - HOUR)).await)?;
        let yesterday = within(c.between(table, Window(now + age - DAY - HOUR / 2, now + age - DAY + HOUR / 2)).await)?;
        let mut rows = before.max(yesterday);
        // The same hour of past weeks, as far as sessions live that long.
        for weeks in (1..=4).take_while(|w| age > w * 7 * DAY + HOUR) {
            let then = now + age - weeks * 7 * DAY;
            rows = rows.max(within(c.between(table, Window(then - HOUR / 2, then + HOUR / 2)).await)?);
        }
        let Some(rows) = rows else {
            return Ok(None);
        };
        let usual = rows as f64 / 60.0;
        self.usual = Some((now, usual));
        Ok(Some(usual))
    }
}

/// A figure that did not come within the budget is missing; everything else went wrong.
fn within<T>(result: Result<T, Trouble>) -> Result<Option<T>, Absence> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Trouble::OverBudget) => Ok(None),
        Err(Trouble::Absent(why)) => Err(why),
    }
}

fn absent(trouble: Trouble) -> Absence {
    match trouble {
        Trouble::OverBudget => Absence::Failed("even the smallest query is over budget".to_owned()),
        Trouble::Absent(why) => why,
    }
}

impl Source for Watcher {
    async fn ask(&mut self) -> Round {
        let look = self.look().await;
        let failed = look.is_err();
        Round { kinds: vec![Kind::Measured { look }], failed }
    }

    fn patience(&self) -> Option<Millis> {
        self.count.has_changed().unwrap_or(false).then(|| COUNT_LIMIT + self.spec.timeout())
    }

    fn overdue(&mut self, after: Millis) -> Option<Kind> {
        self.connection = None;
        Some(Kind::Measured { look: Err(Absence::Timeout(after)) })
    }
}
