//! Versions that went live.

use sqlx::Row as _;
use sqlx::SqliteConnection;

use crate::model::deploy::Deploy;
use crate::model::text::harmless_json;
use crate::model::time::Millis;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::on;
use crate::store::salvage::text;

/// More incidents than this do not go on at once.
const OPEN: i64 = 100;

impl Store {
    /// Keeps a deploy. The same one given twice is one. What ran before is filled in where it is not known: the newest
    /// mark before this one says it.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn deployed(&self, deploy: Deploy) -> Result<Deploy, StoreError> {
        let mut tx = self.begin().await?;
        let deploy = put(&mut tx, deploy).await?;
        tx.commit().await?;
        Ok(deploy)
    }

    /// Keeps a deploy, and writes it into the journal of every incident that goes on.
    ///
    /// # Errors
    /// When something of it was not written; to give it again does no harm.
    pub async fn mark(&self, deploy: Deploy) -> Result<Deploy, StoreError> {
        let deploy = self.deployed(deploy).await?;
        for incident in self.incidents(true, OPEN).await? {
            self.append(&incident.id, vec![deploy.draft_for(&incident.id)]).await?;
        }
        Ok(deploy)
    }

    /// Deploys since a moment, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn deploys(&self, since: Millis, limit: i64) -> Result<Vec<Deploy>, StoreError> {
        let rows = on!(self.pool(), p => {
            sqlx::query("SELECT data FROM deploy WHERE happened_at >= ? ORDER BY happened_at DESC, id DESC LIMIT ?")
                .bind(since)
                .bind(limit)
                .fetch_all(p)
                .await
        });
        let rows = match rows.map_err(StoreError::from) {
            Err(StoreError::Damaged(_)) => self.rows_of("deploy", "SELECT data FROM deploy").await,
            rows => rows?,
        };
        let mut all = self.held("deploy", &rows, |row| read(&text(row, 0)?).ok());
        all.retain(|deploy| deploy.at >= since);
        all.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        all.drain(..all.len().saturating_sub(usize::try_from(limit).unwrap_or(0)));
        Ok(all)
    }
}

/// Keeps a deploy inside a transaction.
pub(super) async fn put(tx: &mut SqliteConnection, mut deploy: Deploy) -> Result<Deploy, StoreError> {
    let there = sqlx::query("SELECT data FROM deploy WHERE id = ?").bind(&deploy.id).fetch_optional(&mut *tx).await?;
    if let Some(row) = there {
        return read(&row.try_get::<String, _>(0)?);
    }
    if deploy.before.is_none() {
        let before = sqlx::query("SELECT data FROM deploy WHERE happened_at <= ? ORDER BY happened_at DESC LIMIT 1")
            .bind(deploy.at)
            .fetch_optional(&mut *tx)
            .await?;
        deploy.before = match before {
            // One that nobody understands any more keeps no new one out.
            Some(row) => text(&row, 0).and_then(|data| read(&data).ok()).map(|d| d.version),
            None => None,
        };
    }
    let data = serde_json::to_string(&deploy).map_err(|e| StoreError::Failed(e.to_string()))?;
    sqlx::query("INSERT INTO deploy (id, happened_at, data) VALUES (?, ?, ?)")
        .bind(&deploy.id)
        .bind(deploy.at)
        .bind(data)
        .execute(&mut *tx)
        .await?;
    Ok(deploy)
}

pub(super) fn read(data: &str) -> Result<Deploy, StoreError> {
    serde_json::from_str(&harmless_json(data)).map_err(|e| StoreError::Failed(e.to_string()))
}
