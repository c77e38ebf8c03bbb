//! What a damaged page hides: only the entries on it. They are read one by one around it, and those that are lost are
//! named.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::PoisonError;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::lang::Lang;
use crate::model::incident::Incident;
use crate::model::journal::Entry;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::incidents;
use crate::store::on;

/// Places in a journal that are named one by one; of more it is said how many.
const NAMED: usize = 12;
/// Rows looked at one by one: a journal of a very long night.
const ROWS: i64 = 200_000;
/// So many places one after another at which nothing can be read are the end of what can.
const BEYOND: usize = 2_000;

/// What could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// Bytes of the newest changes, in a log that could not be read.
    pub(super) log: u64,
    /// Entries on damaged pages, by incident and place.
    pub(super) entries: BTreeMap<String, BTreeSet<i64>>,
    /// Incidents of which nothing can be read, by what is known of them.
    pub(super) incidents: BTreeSet<String>,
    /// How many rows of other tables.
    pub(super) rows: BTreeMap<&'static str, usize>,
}

impl Lost {
    fn words(&self, lang: Lang) -> Vec<String> {
        let mut said = Vec::new();
        if self.log > 0 {
            said.push(lang.store_log_unread(self.log.div_ceil(1024)));
        }
        for (id, places) in &self.entries {
            let named: Vec<String> = places.iter().take(NAMED).map(ToString::to_string).collect();
            let more = if places.len() > NAMED { "…" } else { "" };
            said.push(lang.store_entries_lost(id, places.len(), named.join(", ") + more));
        }
        for what in &self.incidents {
            said.push(lang.store_incident_lost(what));
        }
        for (table, n) in &self.rows {
            said.push(lang.store_rows_lost(table, n));
        }
        said
    }
}

/// The text in a column of a row, where it is text.
pub(super) fn text(row: &SqliteRow, column: usize) -> Option<String> {
    row.try_get(column).ok()
}

impl Store {
    /// What was come across so far that could not be read, a sentence each.
    #[must_use]
    pub fn unreadable(&self, lang: Lang) -> Vec<String> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).words(lang)
    }

    /// Is this every entry after a place? A page that is damaged may also look as if there were nothing on it.
    pub(super) async fn is_whole(&self, id: &str, after: i64, limit: i64, entries: &[Entry]) -> bool {
        let in_row = entries.iter().zip(after + 1..).all(|(entry, seq)| entry.seq == seq);
        let end = entries.last().map_or(after, |e| e.seq);
        let full = entries.len() as i64 >= limit;
        in_row && (full || self.last_place(id).await.is_none_or(|last| last <= end))
    }

    /// Entries after a place, oldest first, around what is damaged.
    pub(super) async fn salvaged(&self, id: &str, after: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
        let last = self.last_place(id).await;
        let limit = limit.min(ROWS);
        let mut found: BTreeMap<i64, Entry> = BTreeMap::new();
        let until = after.saturating_add(limit).min(last.unwrap_or(after.saturating_add(limit)));
        // Where nothing says how many there are, they are not tried one after another.
        for seq in after + 1..=last.map_or(after, |_| until) {
            let read = on!(self.pool(), p => {
                let sql = format!("{} WHERE incident = ? AND seq = ?", incidents::ENTRY);
                sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(seq).fetch_optional(p).await
            });
            if let Ok(Some(row)) = read
                && let Ok(entry) = incidents::entry(&row)
            {
                found.insert(seq, entry);
            }
        }
        if last.is_none() || (found.len() as i64) < until - after {
            // It may be the index that is damaged, and not the rows.
            for entry in self.by_row(id).await? {
                if entry.seq > after && entry.seq <= until {
                    found.entry(entry.seq).or_insert(entry);
                }
            }
        }
        let until = last.or(found.keys().next_back().copied()).unwrap_or(after).min(until);
        let missing: Vec<i64> = (after + 1..=until).filter(|seq| !found.contains_key(seq)).collect();
        if !missing.is_empty() {
            self.lose(|lost| lost.entries.entry(id.to_owned()).or_default().extend(missing));
        }
        if found.is_empty() && until > after && last.is_some_and(|l| l > until) {
            // A page of which nothing is left is not the end.
            return Box::pin(self.salvaged(id, until, limit)).await;
        }
        Ok(found.into_values().collect())
    }

    /// Every entry of an incident that can be read row by row.
    async fn by_row(&self, id: &str) -> Result<Vec<Entry>, StoreError> {
        let (rows, _) = self.rows("entry", incidents::ENTRY).await;
        Ok(rows.iter().filter_map(|row| incidents::entry(row).ok()).filter(|e| e.incident == id).collect())
    }

    /// Every row of a table that can be read one by one, and how many cannot.
    async fn rows(&self, table: &str, select: &str) -> (Vec<SqliteRow>, usize) {
        let newest = format!("SELECT COALESCE(MAX(rowid), 0) FROM {table}");
        let last: i64 = on!(self.pool(), p => {
            sqlx::query_scalar(sqlx::AssertSqlSafe(newest)).fetch_one(p).await.unwrap_or(ROWS)
        });
        let (mut found, mut unread, mut gap) = (Vec::new(), 0usize, 0usize);
        for rowid in (last - ROWS).max(0) + 1..=last {
            let read = on!(self.pool(), p => {
                let sql = format!("{select} WHERE rowid = ?");
                sqlx::query(sqlx::AssertSqlSafe(sql)).bind(rowid).fetch_optional(p).await
            });
            match read {
                Ok(Some(row)) => {
                    found.push(row);
                    gap = 0;
                    continue;
                }
                // Where the last row is known, a place without one is one that was deleted.
                Ok(None) if last < ROWS => continue,
                Ok(None) => {}
                Err(_) => unread += 1,
            }
            gap += 1;
            if gap > BEYOND {
                break;
            }
        }
        // What lay behind the last row that can be read is not known where nothing says how many there are.
        let unread = if last == ROWS && gap > BEYOND { unread.saturating_sub(gap).max(1) } else { unread };
        (found, unread)
    }

    /// The same of a table whose rows have no name of their own: how many are unread is said.
    pub(super) async fn rows_of(&self, table: &'static str, select: &str) -> Vec<SqliteRow> {
        let (rows, unread) = self.rows(table, select).await;
        self.lose_rows(table, unread);
        rows
    }

    /// What rows hold; of those that hold nothing that anybody understands it is said how many.
    pub(super) fn held<T>(
        &self,
        table: &'static str,
        rows: &[SqliteRow],
        read: impl Fn(&SqliteRow) -> Option<T>,
    ) -> Vec<T> {
        let held: Vec<T> = rows.iter().filter_map(read).collect();
        self.lose_rows(table, rows.len() - held.len());
        held
    }

    /// The same rows are read again and again: the most that were ever unread is how many are lost.
    fn lose_rows(&self, table: &'static str, unread: usize) {
        if unread > 0 {
            self.lose(|lost| {
                let rows = lost.rows.entry(table).or_default();
                *rows = unread.max(*rows);
            });
        }
    }

    async fn last_place(&self, id: &str) -> Option<i64> {
        let told: Result<Option<i64>, _> = on!(self.pool(), p => {
            sqlx::query_scalar("SELECT last_seq FROM incident WHERE id = ?").bind(id).fetch_optional(p).await
        });
        if let Ok(Some(seq)) = told {
            return Some(seq);
        }
        let sql = "SELECT MAX(seq) FROM entry WHERE incident = ?";
        on!(self.pool(), p => sqlx::query_scalar::<_, Option<i64>>(sql).bind(id).fetch_one(p).await.ok().flatten())
    }

    /// The newest incidents around what is damaged: of one whose own row is lost its journal still tells.
    pub(super) async fn incidents_salvaged(&self, only_open: bool, limit: i64) -> Result<Vec<Incident>, StoreError> {
        let mut ids = self.ids().await;
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let mut found = Vec::new();
        for id in ids {
            match self.incident(&id).await {
                Ok(incident) => found.push(incident),
                Err(_) => self.lose(|lost| lost.incidents.extend([id])),
            }
        }
        found.retain(|i| !only_open || i.open());
        found.sort_by(|a, b| (b.open(), b.opened_at, &b.id).cmp(&(a.open(), a.opened_at, &a.id)));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// The incident as its journal tells of it.
    pub(super) async fn told_of(&self, id: &str) -> Result<Incident, StoreError> {
        let entries = self.salvaged(id, 0, ROWS).await?;
        if entries.is_empty() {
            return Err(StoreError::Damaged(self.path.to_path_buf()));
        }
        let mut incident = Incident::new(id);
        for entry in &entries {
            incident.fold(entry);
        }
        Ok(incident)
    }

    /// Every incident that any part of the file still names.
    async fn ids(&self) -> Vec<String> {
        let mut ids = BTreeSet::new();
        // Each is answered by another index, or by the rows themselves.
        let ways = ["SELECT id FROM incident", "SELECT DISTINCT incident FROM entry"];
        for sql in ways {
            let read = on!(self.pool(), p => sqlx::query(sql).fetch_all(p).await);
            ids.extend(read.into_iter().flatten().filter_map(|row| row.try_get::<String, _>(0).ok()));
        }
        for rowid in 1..=ROWS.min(10_000) {
            let read = on!(self.pool(), p => {
                sqlx::query("SELECT id FROM incident WHERE rowid = ?").bind(rowid).fetch_optional(p).await
            });
            match read {
                Ok(Some(row)) => ids.extend(row.try_get::<String, _>(0).ok()),
                Ok(None) => break,
                Err(_) => {}
            }
        }
        ids.into_iter().collect()
    }
}
