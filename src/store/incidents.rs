//! Incidents and their journals.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::bus;
use crate::model::fact::Fact;
use crate::model::incident::HELPER;
use crate::model::incident::Incident;
use crate::model::journal::Break;
use crate::model::journal::Chain;
use crate::model::journal::Draft;
use crate::model::journal::Entry;
use crate::model::journal::read as read_data;
use crate::model::text::harmless;
use crate::model::text::harmless_json;
use crate::model::time::HOUR;
use crate::model::time::Millis;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::deploys::read as read_deploy;
use crate::store::import::MOST;
use crate::store::import::name;
use crate::store::lease::Led;
use crate::store::on;
use crate::store::salvage::text;
use crate::store::watches::read as read_watch;

/// A change so long before trouble began is suspected first.
const SUSPECTED: Millis = HOUR;
/// Entries read at once while a whole journal is walked.
const PAGE: i64 = 1_000;
pub(super) const ENTRY: &str =
    "SELECT incident, seq, id, happened_at, recorded_at, who, host, data, prev, hash FROM entry";

/// What "I have it" came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// The incident.
    pub incident: Incident,
    /// What was added.
    pub entries: Vec<Entry>,
    /// It was opened by this; otherwise it was there before.
    pub opened: bool,
}

/// Reads the sum of an incident inside a transaction.
macro_rules! load {
    ($tx:expr, $id:expr) => {{
        let row = sqlx::query("SELECT state FROM incident WHERE id = ?").bind($id).fetch_optional(&mut *$tx).await?;
        match row {
            Some(row) => read(&row.try_get::<String, _>(0)?)?,
            None => return Err(StoreError::NoIncident($id.to_owned())),
        }
    }};
}

/// Writes an entry as it is sealed, inside a transaction.
macro_rules! put {
    ($tx:expr, $entry:expr) => {
        sqlx::query(
            "INSERT INTO entry (incident, seq, id, happened_at, recorded_at, who, host, kind, data, prev, hash) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&$entry.incident)
        .bind($entry.seq)
        .bind(&$entry.id)
        .bind($entry.at)
        .bind($entry.recorded_at)
        .bind(&$entry.who)
        .bind(&$entry.host)
        .bind($entry.fact.kind())
        .bind(&$entry.data)
        .bind(&$entry.prev)
        .bind(&$entry.hash)
        .execute(&mut *$tx)
        .await?
    };
}
pub(super) use put;

/// Adds drafts to the journal of `incident` inside a transaction. A draft whose id is there already is left out.
macro_rules! add {
    ($tx:expr, $incident:expr, $drafts:expr, $now:expr) => {{
        let mut added: Vec<Entry> = Vec::new();
        for draft in $drafts {
            let draft: Draft = draft;
            let id = if draft.id.is_empty() { new_id() } else { draft.id.clone() };
            let known: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM entry WHERE id = ?").bind(&id).fetch_one(&mut *$tx).await?;
            if known > 0 {
                continue;
            }
            let entry = Entry::seal($incident, Draft { id, ..draft }, $now);
            $incident.fold(&entry);
            put!($tx, entry);
            added.push(entry);
        }
        sqlx::query("UPDATE incident SET last_seq = ?, going_on = ?, opened_at = ?, state = ? WHERE id = ?")
            .bind($incident.last_seq)
            .bind(i64::from($incident.open()))
            .bind($incident.opened_at)
            .bind(write($incident)?)
            .bind(&$incident.id)
            .execute(&mut *$tx)
            .await?;
        added
    }};
}

/// The versions that went live before an incident began, or since: they belong to its story whoever tells it.
macro_rules! deployed_before {
    ($tx:expr, $incident:expr, $now:expr) => {{
        let rows =
            sqlx::query("SELECT data FROM deploy WHERE happened_at >= ? AND happened_at <= ? ORDER BY happened_at")
                .bind($incident.opened_at - SUSPECTED)
                .bind($now)
                .fetch_all(&mut *$tx)
                .await?;
        let mut drafts: Vec<Draft> = Vec::new();
        for row in rows {
            drafts.push(read_deploy(&row.try_get::<String, _>(0)?)?.draft_for(&$incident.id));
        }
        // A window and what came of it belong to the story of its deploy.
        let rows = sqlx::query("SELECT data FROM watch WHERE told_at >= ? AND opened_at <= ? ORDER BY opened_at")
            .bind($incident.opened_at - SUSPECTED)
            .bind($now)
            .fetch_all(&mut *$tx)
            .await?;
        for row in rows {
            let watch = read_watch(&row.try_get::<String, _>(0)?).ok();
            drafts.extend(watch.into_iter().flat_map(|w| w.drafts_for(&$incident.id)));
        }
        drafts
    }};
}

/// Makes the row of a new incident inside a transaction: the next number of its year.
macro_rules! number {
    ($tx:expr, $year:expr) => {{
        let last: Option<i64> = sqlx::query_scalar("SELECT MAX(number) FROM incident WHERE year = ?")
            .bind($year)
            .fetch_one(&mut *$tx)
            .await?;
        let number = match last.unwrap_or(0) {
            last if last < MOST => last + 1,
            // Somebody has taken in the last number there is: the first one that nobody has is as good.
            _ => {
                let sql = "SELECT MIN(number) + 1 FROM (SELECT 0 AS number UNION SELECT number FROM incident WHERE year = ?1) AS i \
                           WHERE NOT EXISTS (SELECT 1 FROM incident AS j WHERE j.year = ?1 AND j.number = i.number + 1)";
                sqlx::query_scalar::<_, i64>(sql).bind($year).fetch_one(&mut *$tx).await?
            }
        };
        let incident = Incident::new(&name($year, number));
        sqlx::query(
            "INSERT INTO incident (id, year, number, last_seq, going_on, opened_at, state) VALUES (?, ?, ?, 0, 1, 0, ?)",
        )
        .bind(&incident.id)
        .bind($year)
        .bind(number)
        .bind(write(&incident)?)
        .execute(&mut *$tx)
        .await?;
        incident
    }};
}

/// A new identifier; they sort by the time they were made.
#[must_use]
pub fn new_id() -> String {
    Uuid::now_v7().to_string()
}

fn read(state: &str) -> Result<Incident, StoreError> {
    serde_json::from_str(&harmless_json(state)).map_err(|e| StoreError::Failed(e.to_string()))
}

/// What a row says of an incident, in its first column.
fn state(row: &SqliteRow) -> Result<Incident, StoreError> {
    read(&row.try_get::<String, _>(0)?)
}

pub(super) fn write(incident: &Incident) -> Result<String, StoreError> {
    serde_json::to_string(incident).map_err(|e| StoreError::Failed(e.to_string()))
}

pub(super) fn entry(row: &SqliteRow) -> Result<Entry, sqlx::Error> {
    let data: String = row.try_get("data")?;
    let (fact, moment) = read_data(&data);
    Ok(Entry {
        incident: row.try_get("incident")?,
        seq: row.try_get("seq")?,
        id: row.try_get("id")?,
        at: row.try_get("happened_at")?,
        recorded_at: row.try_get("recorded_at")?,
        // Cabina writes none that this would change: an entry of somebody else's then does not fit, and that is said.
        who: harmless(&row.try_get::<String, _>("who")?).into_owned(),
        host: harmless(&row.try_get::<String, _>("host")?).into_owned(),
        fact,
        moment,
        data,
        prev: row.try_get("prev")?,
        hash: row.try_get("hash")?,
    })
}

impl Store {
    /// Opens an incident with its first entries; the first of them is its opening.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn open_incident(&self, year: i64, drafts: Vec<Draft>) -> Result<Incident, StoreError> {
        let now = bus::now().wall;
        let incident = {
            let mut tx = self.begin().await?;
            let mut incident = number!(tx, year);
            add!(tx, &mut incident, drafts, now);
            let deploys = deployed_before!(tx, incident, now);
            add!(tx, &mut incident, deploys, now);
            tx.commit().await?;
            incident
        };
        Ok(incident)
    }

    /// Joins the newest incident that goes on, or opens one; and makes whoever took it its owner if it has none.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn open_or_join(
        &self,
        year: i64,
        drafts: Vec<Draft>,
        took: Option<Draft>,
        led: Option<Led<'_>>,
    ) -> Result<Joined, StoreError> {
        let now = bus::now().wall;
        let joined = {
            let mut tx = self.begin().await?;
            if let Some(led) = led {
                led.prove(&mut tx).await?;
            }
            let newest =
                sqlx::query("SELECT state FROM incident WHERE going_on = 1 ORDER BY opened_at DESC, id DESC LIMIT 1")
                    .fetch_optional(&mut *tx)
                    .await?;
            let (mut incident, opened) = match newest {
                Some(row) => (read(&row.try_get::<String, _>(0)?)?, false),
                None => (number!(tx, year), true),
            };
            let mut drafts = if opened { drafts } else { Vec::new() };
            if let Some(took) = &took
                && incident.owner().is_none()
            {
                drafts.push(took.clone());
            } else if let Some(took) = took
                && let Fact::Assigned { who, .. } = &took.fact
                && !incident.roles.values().any(|w| w == who)
            {
                // Somebody has it: whoever comes second helps.
                let fact = Fact::Assigned { role: format!("{HELPER} {who}"), who: who.clone() };
                drafts.push(Draft { fact, ..took });
            }
            let mut entries = add!(tx, &mut incident, drafts, now);
            if opened {
                let deploys = deployed_before!(tx, incident, now);
                entries.extend(add!(tx, &mut incident, deploys, now));
            }
            tx.commit().await?;
            Joined { incident, entries, opened }
        };
        Ok(joined)
    }

    /// Adds entries to an incident's journal; they are on the disk when this returns. A draft that is there already is
    /// not added again.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn append(&self, id: &str, drafts: Vec<Draft>) -> Result<(Incident, Vec<Entry>), StoreError> {
        self.append_led(id, drafts, None).await
    }

    /// The same, if a lease is held while it is written; otherwise nothing is.
    ///
    /// # Errors
    /// When nothing was written; [`StoreError::Unled`] where the lease is another one's by now.
    pub async fn append_led(
        &self,
        id: &str,
        drafts: Vec<Draft>,
        led: Option<Led<'_>>,
    ) -> Result<(Incident, Vec<Entry>), StoreError> {
        let now = bus::now().wall;
        let done = {
            let mut tx = self.begin().await?;
            if let Some(led) = led {
                led.prove(&mut tx).await?;
            }
            let mut incident = load!(tx, id);
            let added = add!(tx, &mut incident, drafts, now);
            tx.commit().await?;
            (incident, added)
        };
        Ok(done)
    }

    /// Says that `from` was `into` all along. Both journals say so.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn merge(&self, from: &str, into: &str, who: &str, host: &str) -> Result<Incident, StoreError> {
        let now = bus::now().wall;
        let merged = {
            let mut tx = self.begin().await?;
            let mut ends = load!(tx, from);
            let mut stays = load!(tx, into);
            let ended = Draft::new(now, who, host, Fact::Merged { into: into.to_owned() });
            add!(tx, &mut ends, [ended], now);
            let absorbed = Draft::new(now, who, host, Fact::Absorbed { from: from.to_owned() });
            add!(tx, &mut stays, [absorbed], now);
            tx.commit().await?;
            stays
        };
        Ok(merged)
    }

    /// One incident.
    ///
    /// # Errors
    /// When it cannot be read, or is not there.
    pub async fn incident(&self, id: &str) -> Result<Incident, StoreError> {
        let row = on!(self.pool(), p => {
            sqlx::query("SELECT state FROM incident WHERE id = ?").bind(id).fetch_optional(p).await
        });
        let row = match row.map_err(StoreError::from) {
            Ok(None) => return Err(StoreError::NoIncident(id.to_owned())),
            Ok(Some(row)) => state(&row).ok(),
            Err(StoreError::Damaged(_)) => None,
            Err(why) => return Err(why),
        };
        match row {
            Some(incident) => Ok(incident),
            // Its row is lost; its journal still tells of it.
            None => Box::pin(self.told_of(id)).await,
        }
    }

    /// The newest incidents, those that go on first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn incidents(&self, only_open: bool, limit: i64) -> Result<Vec<Incident>, StoreError> {
        let rows = on!(self.pool(), p => {
            sqlx::query(
                "SELECT state FROM incident WHERE going_on >= ? ORDER BY going_on DESC, opened_at DESC, id DESC LIMIT ?",
            )
            .bind(i64::from(only_open))
            .bind(limit)
            .fetch_all(p)
            .await
        });
        let rows = match rows.map_err(StoreError::from) {
            Err(StoreError::Damaged(_)) => return self.incidents_salvaged(only_open, limit).await,
            rows => rows?,
        };
        match rows.iter().map(state).collect() {
            Ok(all) => Ok(all),
            Err(_) => self.incidents_salvaged(only_open, limit).await,
        }
    }

    /// Entries after a place, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn entries(&self, id: &str, after: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
        let rows = on!(self.pool(), p => {
            let sql = format!("{ENTRY} WHERE incident = ? AND seq > ? ORDER BY seq LIMIT ?");
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(after).bind(limit).fetch_all(p).await
        });
        let rows = match rows.map_err(StoreError::from) {
            Err(StoreError::Damaged(_)) => return self.salvaged(id, after, limit).await,
            rows => rows?,
        };
        let read: Result<Vec<Entry>, _> = rows.iter().map(entry).collect();
        match read {
            Ok(entries) if self.is_whole(id, after, limit, &entries).await => Ok(entries),
            _ => self.salvaged(id, after, limit).await,
        }
    }

    /// The newest entries before a place, in the order in which things happened, newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn newest(&self, id: &str, before: (Millis, i64), limit: i64) -> Result<Vec<Entry>, StoreError> {
        let rows = on!(self.pool(), p => {
            let sql = format!(
                "{ENTRY} WHERE incident = ? AND (happened_at < ? OR (happened_at = ? AND seq < ?)) \
                 ORDER BY happened_at DESC, seq DESC LIMIT ?"
            );
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(id)
                .bind(before.0)
                .bind(before.0)
                .bind(before.1)
                .bind(limit)
                .fetch_all(p)
                .await
        });
        let read = rows.and_then(|rows| rows.iter().map(entry).collect()).map_err(StoreError::from);
        if !matches!(read, Err(StoreError::Damaged(_))) {
            return read;
        }
        let mut all = self.salvaged(id, 0, i64::MAX).await?;
        all.retain(|e| (e.at, e.seq) < before);
        all.sort_by_key(|e| std::cmp::Reverse((e.at, e.seq)));
        all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(all)
    }

    /// What journals say of these kinds since a moment, oldest first, by incident.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn said(&self, kinds: [&str; 2], since: Millis, limit: i64) -> Result<Vec<(String, Fact)>, StoreError> {
        let rows = on!(self.pool(), p => {
            let sql = "SELECT incident, data FROM entry WHERE kind IN (?, ?) AND happened_at >= ? \
                       ORDER BY incident, seq LIMIT ?";
            sqlx::query(sql).bind(kinds[0]).bind(kinds[1]).bind(since).bind(limit).fetch_all(p).await
        });
        let rows = match rows.map_err(StoreError::from) {
            Err(StoreError::Damaged(_)) => {
                let mut rows = self.rows_of("entry", "SELECT incident, data, kind, happened_at, seq FROM entry").await;
                rows.retain(|row| {
                    let (kind, at) = (row.try_get::<String, _>(2), row.try_get::<i64, _>(3));
                    kind.is_ok_and(|k| kinds.contains(&k.as_str())) && at.is_ok_and(|at| at >= since)
                });
                rows.sort_by_key(|r| (r.try_get::<String, _>(0).ok(), r.try_get::<i64, _>(4).ok()));
                rows
            }
            rows => rows?,
        };
        Ok(self.held("entry", &rows, |row| Some((text(row, 0)?, read_data(&text(row, 1)?).0))))
    }

    /// Proves the chain of an incident's journal; how many entries it has.
    ///
    /// # Errors
    /// When it cannot be read. What does not fit is an answer, not an error.
    pub async fn verify(&self, id: &str) -> Result<Result<i64, Break>, StoreError> {
        let (mut chain, mut sum) = (Chain::default(), Incident::new(id));
        let incident = on!(self.pool(), p => {
            // One view of the store: whoever writes meanwhile writes after it.
            let mut tx = p.begin().await?;
            let incident = load!(tx, id);
            let mut after = 0;
            loop {
                let sql = format!("{ENTRY} WHERE incident = ? AND seq > ? ORDER BY seq LIMIT ?");
                let rows =
                    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(after).bind(PAGE).fetch_all(&mut *tx).await?;
                for row in &rows {
                    let entry = entry(row)?;
                    if let Err(wrong) = chain.follow(&entry) {
                        return Ok(Err(wrong));
                    }
                    sum.fold(&entry);
                    after = entry.seq;
                }
                if rows.len() < PAGE as usize {
                    break;
                }
            }
            incident
        });
        Ok(chain.ends(&incident).and_then(|n| if sum == incident { Ok(n) } else { Err(Break::Sum) }))
    }
}
