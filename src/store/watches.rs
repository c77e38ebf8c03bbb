//! Windows after a deploy: the deployment log.

use sqlx::Row as _;

use crate::model::time::Millis;
use crate::model::watch::Watch;
use crate::model::watch::Withdrawn;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::incidents::begin;
use crate::store::on;

impl Store {
    /// Keeps what is said of a window. What was withdrawn stays withdrawn.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn log_window(&self, watch: &Watch) -> Result<(), StoreError> {
        on!(&self.pool, p => {
            let mut tx = begin!(p).await?;
            let there: Option<String> =
                sqlx::query_scalar("SELECT data FROM watch WHERE id = ?").bind(&watch.id).fetch_optional(&mut *tx).await?;
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
        });
        Ok(())
    }

    /// Takes a verdict back; the first word counts. False when it was taken back before, or is not there.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn withdraw(&self, id: &str, withdrawn: &Withdrawn) -> Result<bool, StoreError> {
        let done = on!(&self.pool, p => {
            let mut tx = begin!(p).await?;
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
            true
        });
        Ok(done)
    }

    /// Windows since a moment, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn windows(&self, since: Millis, limit: i64) -> Result<Vec<Watch>, StoreError> {
        let rows = on!(&self.pool, p => {
            sqlx::query("SELECT data FROM watch WHERE opened_at >= ? ORDER BY opened_at DESC, id DESC LIMIT ?")
                .bind(since)
                .bind(limit)
                .fetch_all(p)
                .await?
        });
        rows.iter().rev().map(|row| read(&row.try_get::<String, _>(0)?)).collect()
    }
}

fn read(data: &str) -> Result<Watch, StoreError> {
    serde_json::from_str(data).map_err(|e| StoreError::Failed(e.to_string()))
}

fn write(watch: &Watch) -> Result<String, StoreError> {
    serde_json::to_string(watch).map_err(|e| StoreError::Failed(e.to_string()))
}
