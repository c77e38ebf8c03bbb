//! Runs of procedures, as their files tell of them.

use std::collections::BTreeMap;

use sqlx::Row as _;

use crate::model::run::Told;
use crate::model::text::harmless_json;
use crate::model::time::Millis;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::on;
use crate::store::salvage::text;

/// Lines read at once for figures: some thousand runs.
const LINES: i64 = 200_000;

impl Store {
    /// Keeps lines of a run. Those that are there already stay as they are.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn tell_run(&self, run: &str, lines: &[Told]) -> Result<(), StoreError> {
        {
            let mut tx = self.begin().await?;
            for told in lines {
                let data = serde_json::to_value(told).map_err(|e| StoreError::Failed(e.to_string()))?;
                let kind = data.get("kind").and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned();
                sqlx::query("INSERT INTO run_line (run, seq, happened_at, kind, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT (run, seq) DO NOTHING")
                    .bind(run)
                    .bind(i64::try_from(told.seq).unwrap_or(i64::MAX))
                    .bind(told.at)
                    .bind(kind)
                    .bind(data.to_string())
                    .execute(&mut *tx)
                    .await?;
            }
            tx.commit().await?;
        };
        Ok(())
    }

    /// The last line that is known of a run; 0 where none is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn run_told(&self, run: &str) -> Result<u64, StoreError> {
        let seq: Option<i64> = on!(self.pool(), p => {
            sqlx::query_scalar("SELECT MAX(seq) FROM run_line WHERE run = ?").bind(run).fetch_one(p).await?
        });
        Ok(seq.and_then(|s| u64::try_from(s).ok()).unwrap_or(0))
    }

    /// What figures are made of: the lines of every run since a moment that tell how it began and what came of its
    /// steps, by run.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn run_lines(&self, since: Millis) -> Result<BTreeMap<String, Vec<Told>>, StoreError> {
        let rows = on!(self.pool(), p => {
            sqlx::query("SELECT run, data FROM run_line WHERE kind IN ('opened', 'judged', 'rollback_began', 'finished') AND happened_at >= ? ORDER BY run, seq LIMIT ?")
                .bind(since)
                .bind(LINES)
                .fetch_all(p)
                .await
        });
        let rows = match rows.map_err(StoreError::from) {
            Err(StoreError::Damaged(_)) => {
                let mut rows = self.rows_of("run_line", "SELECT run, data, happened_at, seq FROM run_line").await;
                rows.retain(|row| row.try_get::<i64, _>(2).is_ok_and(|at| at >= since));
                rows.sort_by_key(|r| (r.try_get::<String, _>(0).ok(), r.try_get::<i64, _>(3).ok()));
                rows
            }
            rows => rows?,
        };
        let mut runs: BTreeMap<String, Vec<Told>> = BTreeMap::new();
        for (run, data) in self.held("run_line", &rows, |row| Some((text(row, 0)?, text(row, 1)?))) {
            // A line that a later version wrote is none that this one counts.
            if let Ok(told) = serde_json::from_str(&harmless_json(&data)) {
                runs.entry(run).or_default().push(told);
            }
        }
        Ok(runs)
    }
}
