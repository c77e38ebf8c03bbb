//! Windows after a deploy: the deployment log.

use sqlx::Row as _;

use crate::model::incident::Incident;
use crate::model::text::harmless_json;
use crate::model::time::Millis;
use crate::model::watch::Watch;
use crate::model::watch::Withdrawn;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::on;
use crate::store::salvage::text;

/// More incidents than this do not go on at once.
const OPEN: i64 = 100;
/// A baseline lies among the newest of them.
const INCIDENTS: i64 = 1_000;

impl Store {
    /// Keeps what is said of a window; how it ended stands in the journal of every incident that goes on. What was
    /// withdrawn stays withdrawn.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn log_window(&self, watch: &Watch) -> Result<(), StoreError> {
        {
            let mut tx = self.begin().await?;
            let there: Option<String> = sqlx::query_scalar("SELECT data FROM watch WHERE id = ?")
                .bind(&watch.id)
                .fetch_optional(&mut *tx)
                .await?;
            let mut watch = watch.clone();
            if let Some(there) = there {
                watch.withdrawn = read(&there)?.withdrawn.or(watch.withdrawn);
            }
            sqlx::query(
                "INSERT INTO watch (id, opened_at, told_at, data) VALUES (?, ?, ?, ?) \
                 ON CONFLICT (id) DO UPDATE SET told_at = excluded.told_at, data = excluded.data",
            )
            .bind(&watch.id)
            .bind(watch.window.from)
            .bind(watch.told)
            .bind(write(&watch)?)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
        };
        if watch.ended.is_some() { self.tell_of(watch).await } else { Ok(()) }
    }

    /// Writes what came of a window into the journals of the incidents that go on.
    async fn tell_of(&self, watch: &Watch) -> Result<(), StoreError> {
        for incident in self.incidents(true, OPEN).await? {
            self.append(&incident.id, watch.drafts_for(&incident.id)).await?;
        }
        Ok(())
    }

    /// Takes a verdict back; the first word counts. False when it was taken back before, or is not there.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn withdraw(&self, id: &str, withdrawn: &Withdrawn) -> Result<bool, StoreError> {
        let watch = {
            let mut tx = self.begin().await?;
            let there: Option<String> =
                sqlx::query_scalar("SELECT data FROM watch WHERE id = ?").bind(id).fetch_optional(&mut *tx).await?;
            let Some(mut watch) = there.map(|data| read(&data)).transpose()?.filter(|w| w.withdrawn.is_none()) else {
                return Ok(false);
            };
            watch.withdrawn = Some(withdrawn.clone());
            sqlx::query("UPDATE watch SET told_at = ?, data = ? WHERE id = ?")
                .bind(withdrawn.at.max(watch.told))
                .bind(write(&watch)?)
                .bind(id)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            watch
        };
        self.tell_of(&watch).await?;
        Ok(true)
    }

    /// How many windows there are, and the sum of when something was last said of each: has anything changed?
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn windows_print(&self) -> Result<(i64, Millis), StoreError> {
        let row = on!(self.pool(), p => {
            sqlx::query("SELECT COUNT(*), COALESCE(SUM(told_at), 0) FROM watch").fetch_one(p).await?
        });
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// The incident that a span meets, and the end of the next span before it of the same length that meets none.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn met(&self, span: (Millis, Millis)) -> Result<Option<(String, Option<Millis>)>, StoreError> {
        let all = self.incidents(false, INCIDENTS).await?;
        let meets = |(from, to): (Millis, Millis)| {
            let over = |i: &&Incident| i.resolved_at.or(i.closed_at).unwrap_or(Millis::MAX);
            all.iter().find(|i| i.merged_into.is_none() && i.opened_at < to && over(i) > from)
        };
        let Some(first) = meets(span) else { return Ok(None) };
        let length = span.1 - span.0;
        let mut end = first.opened_at;
        // Each step goes past one incident at least.
        let clean = (0..all.len()).find_map(|_| match meets((end - length, end)) {
            None => Some(end),
            Some(next) => {
                end = next.opened_at;
                None
            }
        });
        Ok(Some((first.id.clone(), clean)))
    }

    /// Windows since a moment, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn windows(&self, since: Millis, limit: i64) -> Result<Vec<Watch>, StoreError> {
        let rows = on!(self.pool(), p => {
            sqlx::query("SELECT data FROM watch WHERE opened_at >= ? ORDER BY opened_at DESC, id DESC LIMIT ?")
                .bind(since)
                .bind(limit)
                .fetch_all(p)
                .await
        });
        let rows = match rows.map_err(StoreError::from) {
            Err(StoreError::Damaged(_)) => self.rows_of("watch", "SELECT data FROM watch").await,
            rows => rows?,
        };
        let mut all = self.held("watch", &rows, |row| read(&text(row, 0)?).ok());
        all.retain(|watch| watch.window.from >= since);
        all.sort_by(|a, b| (a.window.from, &a.id).cmp(&(b.window.from, &b.id)));
        all.drain(..all.len().saturating_sub(usize::try_from(limit).unwrap_or(0)));
        Ok(all)
    }
}

pub(super) fn read(data: &str) -> Result<Watch, StoreError> {
    let watch: Watch = serde_json::from_str(&harmless_json(data)).map_err(|e| StoreError::Failed(e.to_string()))?;
    watch.sane().ok_or_else(|| StoreError::Failed("a window that cannot have been".to_owned()))
}

fn write(watch: &Watch) -> Result<String, StoreError> {
    serde_json::to_string(watch).map_err(|e| StoreError::Failed(e.to_string()))
}
