//! PostgreSQL. One connection, read-only, every statement under the server's own timeout.
//!
//! The smallest grant that works: `GRANT SELECT (expire_date) ON django_session TO cabina`.

use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::postgres::PgConnection;

use crate::model::sessions::Rows;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::sources::database::EXPIRED_CAP;
use crate::sources::database::Trouble;
use crate::sources::database::Window;
use crate::sources::database::bare;
use crate::sources::database::known;
use crate::sources::http;

/// A statement may wait this long for a lock, in ms: our poll must never be the one that holds up a queue.
const LOCK_WAIT: Millis = 2_000;

/// A connection.
pub(in crate::sources) struct Postgres {
    connection: PgConnection,
}

impl Postgres {
    pub(super) async fn open(url: &str, budget: Millis) -> Result<Self, Absence> {
        let options: PgConnectOptions = url.parse().map_err(|e: sqlx::Error| absence(&e))?;
        let options = options
            .application_name("cabina")
            .statement_cache_capacity(16)
            .options([("default_transaction_read_only", "on"), ("lock_timeout", &LOCK_WAIT.to_string())])
            .disable_statement_logging();
        known(options.get_host()).await?;
        let mut this = Self { connection: options.connect().await.map_err(|e| absence(&e))? };
        this.limit(budget).await?;
        Ok(this)
    }

    /// The time a statement may take before the server stops it.
    pub(super) async fn limit(&mut self, budget: Millis) -> Result<(), Absence> {
        let sql = format!("SET statement_timeout = {}", budget.max(1));
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await.map_err(|e| absence(&e))?;
        Ok(())
    }

    async fn number(&mut self, sql: String) -> Result<Option<i64>, Trouble> {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await.map_err(|e| trouble(&e))
    }

    /// The one number of a query; more than one row is an error of the server's.
    pub(super) async fn figure(&mut self, query: &str) -> Result<Option<f64>, Trouble> {
        let sql = format!("SELECT ({}\n)::float8", bare(query));
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await.map_err(|e| trouble(&e))
    }

    /// When the oldest row ends, ms since the epoch.
    pub(super) async fn oldest(&mut self, table: &str) -> Result<Option<Millis>, Trouble> {
        let sql = format!("SELECT (EXTRACT(EPOCH FROM MIN(expire_date)) * 1000)::bigint FROM {}", quoted(table));
        self.number(sql).await
    }

    /// All rows, counted.
    pub(super) async fn count(&mut self, table: &str) -> Result<u64, Trouble> {
        let sql = format!("SELECT COUNT(expire_date) FROM {}", quoted(table));
        Ok(self.number(sql).await?.unwrap_or_default().max(0) as u64)
    }

    /// Rows that end within a window: an index range.
    pub(super) async fn between(&mut self, table: &str, window: Window) -> Result<u64, Trouble> {
        let (from, to) = (moment(window.0), moment(window.1));
        let sql = format!(
            "SELECT COUNT(expire_date) FROM {} WHERE expire_date > {from} AND expire_date <= {to}",
            quoted(table)
        );
        Ok(self.number(sql).await?.unwrap_or_default().max(0) as u64)
    }

    /// Rows that have ended, up to the cap.
    pub(super) async fn expired(&mut self, table: &str, now: Millis) -> Result<u64, Trouble> {
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT expire_date FROM {} WHERE expire_date < {} LIMIT {EXPIRED_CAP}) t",
            quoted(table),
            moment(now)
        );
        Ok(self.number(sql).await?.unwrap_or_default().max(0) as u64)
    }

    /// The planner's own estimate of the rows, as of the last ANALYZE or vacuum.
    pub(super) async fn estimate(&mut self, table: &str) -> Result<Rows, Absence> {
        let sql = format!("SELECT reltuples::bigint FROM pg_class WHERE oid = {}", class(table));
        match self.number(sql).await {
            Ok(Some(n)) if n >= 0 => Ok(Rows::estimate(n as u64)),
            Ok(_) => Err(Absence::Failed(format!("the server has no statistics of {table} yet (ANALYZE makes them)"))),
            Err(Trouble::OverBudget) => Err(Absence::Failed("even the smallest query is over budget".to_owned())),
            Err(Trouble::Absent(why)) => Err(why),
        }
    }

    /// Bytes of data and indexes.
    pub(super) async fn bytes(&mut self, table: &str) -> Result<Option<u64>, Absence> {
        let sql = format!("SELECT pg_total_relation_size({})", class(table));
        Ok(self.number(sql).await.ok().flatten().map(|n| n.max(0) as u64))
    }
}

fn quoted(table: &str) -> String {
    table.split('.').map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(".")
}

/// The table as `regclass`; its name has been checked to hold nothing that could end the quotes.
fn class(table: &str) -> String {
    format!("'{}'::regclass", quoted(table))
}

/// A wall time as SQL.
fn moment(wall: Millis) -> String {
    format!("to_timestamp({}.{:03})", wall.div_euclid(1_000), wall.rem_euclid(1_000))
}

fn code(e: &sqlx::Error) -> String {
    let sqlx::Error::Database(db) = e else { return String::new() };
    db.code().map(std::borrow::Cow::into_owned).unwrap_or_default()
}

fn trouble(e: &sqlx::Error) -> Trouble {
    // 57014: query_canceled, which statement_timeout ends with.
    if code(e) == "57014" { Trouble::OverBudget } else { Trouble::Absent(absence(e)) }
}

/// What went wrong, as a reason with what to do.
fn absence(e: &sqlx::Error) -> Absence {
    match e {
        sqlx::Error::Io(io) => http::of_io(io).unwrap_or_else(|| {
            let text = io.to_string();
            if text.contains("lookup") { Absence::Dns } else { Absence::Failed(clean(&text)) }
        }),
        sqlx::Error::Tls(e) => Absence::Tls(clean(&e.to_string())),
        sqlx::Error::Configuration(_) => Absence::Failed("the database URL cannot be read".to_owned()),
        sqlx::Error::Database(db) => {
            let text = clean(db.message());
            match code(e).as_str() {
                // Class 28: invalid authorization; 42501: insufficient privilege; 3D000: no such database.
                "28P01" | "28000" | "42501" => Absence::Denied(text),
                "55P03" => Absence::Failed("waited 2 s for a lock on the table (an ALTER?) and gave up".to_owned()),
                _ => Absence::Refusal(text),
            }
        }
        other => {
            let text = clean(&other.to_string());
            if text.contains("unexpected end of file") || text.contains("EOF") {
                Absence::Broken
            } else {
                Absence::Failed(text)
            }
        }
    }
}
