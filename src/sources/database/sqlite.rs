//! SQLite: opened read-only; a statement past its budget is interrupted by the library itself.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteConnection;

use crate::bus;
use crate::model::sessions::Rows;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::sources::database::EXPIRED_CAP;
use crate::sources::database::Trouble;
use crate::sources::database::Window;
use crate::sources::database::bare;
use crate::sources::database::mysql::datetime;

/// Steps of the virtual machine between two looks at the clock: some hundred microseconds.
const STEPS: i32 = 10_000;

/// A connection.
pub(in crate::sources) struct Sqlite {
    connection: SqliteConnection,
    budget: Millis,
    /// The moment past which the running statement is interrupted, on the monotonic clock.
    deadline: Arc<AtomicI64>,
}

impl Sqlite {
    pub(super) async fn open(url: &str, budget: Millis) -> Result<Self, Absence> {
        let options: SqliteConnectOptions = url.parse().map_err(|e: sqlx::Error| absence(&e))?;
        let options = options
            .read_only(true)
            .create_if_missing(false)
            .busy_timeout(Duration::from_millis(budget.max(1) as u64))
            // KiB where it is negative: a table that is counted through leaves nothing that is of use the next time.
            .pragma("cache_size", "-200")
            .statement_cache_capacity(16)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(|e| absence(&e))?;
        let deadline = Arc::new(AtomicI64::new(i64::MAX));
        let seen = Arc::clone(&deadline);
        let mut handle = connection.lock_handle().await.map_err(|e| absence(&e))?;
        handle.set_progress_handler(STEPS, move || bus::now().mono < seen.load(Ordering::Relaxed));
        drop(handle);
        Ok(Self { connection, budget, deadline })
    }

    /// The time a statement may take before it is interrupted.
    pub(super) async fn limit(&mut self, budget: Millis) -> Result<(), Absence> {
        self.budget = budget;
        std::future::ready(Ok(())).await
    }

    async fn number(&mut self, sql: String, binds: &[Millis]) -> Result<Option<i64>, Trouble> {
        self.deadline.store(bus::now().mono + self.budget, Ordering::Relaxed);
        let mut query = sqlx::query_scalar::<_, Option<i64>>(AssertSqlSafe(sql));
        for wall in binds {
            query = query.bind(datetime(*wall));
        }
        query.fetch_one(&mut self.connection).await.map_err(|e| trouble(&e))
    }

    /// The one number of a query; of several rows the first.
    pub(super) async fn figure(&mut self, query: &str) -> Result<Option<f64>, Trouble> {
        self.deadline.store(bus::now().mono + self.budget, Ordering::Relaxed);
        let sql = format!("SELECT CAST(({}\n) AS REAL)", bare(query));
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await.map_err(|e| trouble(&e))
    }

    /// When the oldest row ends, ms since the epoch.
    pub(super) async fn oldest(&mut self, table: &str) -> Result<Option<Millis>, Trouble> {
        let sql = format!("SELECT CAST(strftime('%s', MIN(expire_date)) AS INTEGER) FROM {}", quoted(table));
        Ok(self.number(sql, &[]).await?.map(|s| s * 1_000))
    }

    /// All rows, counted.
    pub(super) async fn count(&mut self, table: &str) -> Result<u64, Trouble> {
        let sql = format!("SELECT COUNT(*) FROM {}", quoted(table));
        Ok(self.number(sql, &[]).await?.unwrap_or_default().max(0) as u64)
    }

    /// Rows that end within a window.
    pub(super) async fn between(&mut self, table: &str, window: Window) -> Result<u64, Trouble> {
        let sql = format!("SELECT COUNT(*) FROM {} WHERE expire_date > ? AND expire_date <= ?", quoted(table));
        Ok(self.number(sql, &[window.0, window.1]).await?.unwrap_or_default().max(0) as u64)
    }

    /// Rows that have ended, up to the cap.
    pub(super) async fn expired(&mut self, table: &str, now: Millis) -> Result<u64, Trouble> {
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {} WHERE expire_date < ? LIMIT {EXPIRED_CAP}) t",
            quoted(table)
        );
        Ok(self.number(sql, &[now]).await?.unwrap_or_default().max(0) as u64)
    }

    /// SQLite keeps no estimate that is kept up to date: past its budget there is no number of rows.
    pub(super) async fn estimate(&mut self, table: &str) -> Result<Rows, Absence> {
        let sql = format!("SELECT MAX(rowid) FROM {}", quoted(table));
        // Rows are appended: the highest row number is an upper bound that costs one step of the tree.
        let n = self.number(sql, &[]).await.map_err(|t| match t {
            Trouble::OverBudget => Absence::Timeout(self.budget),
            Trouble::Absent(why) => why,
        })?;
        Ok(Rows::estimate(n.unwrap_or_default().max(0) as u64))
    }

    /// Bytes of the whole file: SQLite does not tell tables apart.
    pub(super) async fn bytes(&mut self, _table: &str) -> Result<Option<u64>, Absence> {
        let sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()".to_owned();
        Ok(self.number(sql, &[]).await.ok().flatten().map(|n| n.max(0) as u64))
    }
}

fn quoted(table: &str) -> String {
    table.split('.').map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(".")
}

fn trouble(e: &sqlx::Error) -> Trouble {
    // 9: SQLITE_INTERRUPT.
    let interrupted = matches!(e, sqlx::Error::Database(db) if db.code().as_deref() == Some("9"));
    if interrupted { Trouble::OverBudget } else { Trouble::Absent(absence(e)) }
}

fn absence(e: &sqlx::Error) -> Absence {
    match e {
        sqlx::Error::Database(db) if db.code().as_deref() == Some("14") => Absence::Failed(
            "the database file cannot be opened: is the path right, and may this user read it?".to_owned(),
        ),
        sqlx::Error::Database(db) => Absence::Refusal(clean(db.message())),
        sqlx::Error::Configuration(_) => Absence::Failed("the database URL cannot be read".to_owned()),
        other => Absence::Failed(clean(&other.to_string())),
    }
}
