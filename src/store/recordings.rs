//! Recordings: what was seen, in chunks of some minutes.

use sqlx::Row as _;

use crate::model::time::Millis;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::on;

/// One span of events, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The recording that it belongs to.
    pub recording: String,
    /// The place of its first event.
    pub first: i64,
    /// How many events there are.
    pub events: i64,
    /// When the first of them came, ms since the epoch.
    pub from: Millis,
    /// When the last of them came.
    pub to: Millis,
    /// The chunk.
    pub bytes: Vec<u8>,
}

fn span(row: &sqlx::sqlite::SqliteRow) -> Result<Span, sqlx::Error> {
    Ok(Span {
        recording: row.try_get("recording")?,
        first: row.try_get("first")?,
        events: row.try_get("events")?,
        from: row.try_get("from_at")?,
        to: row.try_get("to_at")?,
        bytes: row.try_get("bytes")?,
    })
}

impl Store {
    /// Begins a recording.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn begin_recording(&self, id: &str, started: Millis, head: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO recording (id, started_at, head) VALUES (?, ?, ?)")
            .bind(id)
            .bind(started)
            .bind(head)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }

    /// The head of a recording; `None` when there is no such.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn recording(&self, id: &str) -> Result<Option<String>, StoreError> {
        Ok(on!(self.pool(), p => {
            sqlx::query_scalar("SELECT head FROM recording WHERE id = ?").bind(id).fetch_optional(p).await?
        }))
    }

    /// Writes into the head of a recording what is watched from now on.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn watches(&self, id: &str, watched: &str) -> Result<(), StoreError> {
        {
            let mut tx = self.begin().await?;
            let head: Option<String> =
                sqlx::query_scalar("SELECT head FROM recording WHERE id = ?").bind(id).fetch_optional(&mut *tx).await?;
            let parsed = head.and_then(|h| serde_json::from_str::<serde_json::Value>(&h).ok());
            if let Some(serde_json::Value::Object(mut head)) = parsed {
                head.insert("watches".to_owned(), watched.into());
                let head = serde_json::Value::Object(head).to_string();
                sqlx::query("UPDATE recording SET head = ? WHERE id = ?").bind(head).bind(id).execute(&mut *tx).await?;
                tx.commit().await?;
            }
        };
        Ok(())
    }

    /// Adds a span, in the place of everything of its recording from its first event on.
    ///
    /// # Errors
    /// When nothing was written; what stood there stands there still.
    pub async fn put_span(&self, span: &Span) -> Result<(), StoreError> {
        {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM chunk WHERE recording = ? AND first >= ?")
                .bind(&span.recording)
                .bind(span.first)
                .execute(&mut *tx)
                .await?;
            sqlx::query("INSERT INTO chunk (recording, first, events, from_at, to_at, size, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)")
                .bind(&span.recording)
                .bind(span.first)
                .bind(span.events)
                .bind(span.from)
                .bind(span.to)
                .bind(span.bytes.len() as i64)
                .bind(&span.bytes)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        };
        Ok(())
    }

    /// Spans of a recording that hold its event `next` or later ones, oldest first, so many at the most.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn spans(&self, recording: &str, next: i64, limit: i64) -> Result<Vec<Span>, StoreError> {
        let rows = on!(self.pool(), p => {
            sqlx::query("SELECT * FROM chunk WHERE recording = ? AND first + events > ? ORDER BY first LIMIT ?")
                .bind(recording)
                .bind(next)
                .bind(limit)
                .fetch_all(p)
                .await?
        });
        Ok(rows.iter().map(span).collect::<Result<_, _>>()?)
    }

    /// Spans of all recordings that reach beyond a moment, oldest first, so many at the most.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn spans_since(&self, moment: Millis, limit: i64) -> Result<Vec<Span>, StoreError> {
        let rows = on!(self.pool(), p => {
            sqlx::query("SELECT * FROM chunk WHERE to_at >= ? ORDER BY to_at, first LIMIT ?")
                .bind(moment)
                .bind(limit)
                .fetch_all(p)
                .await?
        });
        Ok(rows.iter().map(span).collect::<Result<_, _>>()?)
    }

    /// Spans of all recordings that touch a span of time, oldest first, so many at the most.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn spans_between(&self, from: Millis, to: Millis, limit: i64) -> Result<Vec<Span>, StoreError> {
        let rows = on!(self.pool(), p => {
            sqlx::query("SELECT * FROM chunk WHERE to_at >= ? AND from_at <= ? ORDER BY to_at, first LIMIT ?")
                .bind(from)
                .bind(to)
                .bind(limit)
                .fetch_all(p)
                .await?
        });
        Ok(rows.iter().map(span).collect::<Result<_, _>>()?)
    }

    /// Forgets spans that end before a moment, then the oldest ones until the rest is no larger than `size` bytes.
    /// Incidents and deploys stay.
    ///
    /// # Errors
    /// When nothing was forgotten.
    pub async fn forget(&self, before: Millis, size: i64) -> Result<(), StoreError> {
        {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM chunk WHERE to_at < ?").bind(before).execute(&mut *tx).await?;
            // The sum runs from the newest: whoever lies beyond the size goes.
            sqlx::query(
                "DELETE FROM chunk WHERE to_at <= (SELECT MAX(to_at) FROM (SELECT to_at, SUM(size) OVER (ORDER BY to_at DESC) AS total FROM chunk) WHERE total > ?)",
            )
            .bind(size)
            .execute(&mut *tx)
            .await?;
            sqlx::query("DELETE FROM recording WHERE started_at < ? AND NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.recording = recording.id)")
                .bind(before)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        };
        Ok(())
    }
}
