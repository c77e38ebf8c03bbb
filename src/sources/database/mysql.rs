//! MySQL and MariaDB. One connection, read-only, no long read view, every statement under the server's own timeout.
//!
//! The smallest grant that works: `GRANT SELECT (expire_date) ON app.django_session TO 'cabina'@'%'`. With it the
//! tool could not read anyone's session if it wanted to.

use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::mysql::MySqlConnection;
use sqlx::mysql::MySqlDatabaseError;

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

/// Seconds a statement may wait for a lock: our poll must never be the one that holds up a queue behind an ALTER.
const LOCK_WAIT: u32 = 2;

/// A connection.
pub(in crate::sources) struct MySql {
    pub(super) connection: MySqlConnection,
    pub(super) mariadb: bool,
    database: String,
}

impl MySql {
    pub(super) async fn open(url: &str, budget: Millis) -> Result<Self, Absence> {
        let options: MySqlConnectOptions = url.parse().map_err(|e: sqlx::Error| absence(&e))?;
        // Statements of ours are few and fixed; the server keeps none of them for us beyond these.
        let options = options.statement_cache_capacity(16).disable_statement_logging();
        let database = options.get_database().unwrap_or_default().to_owned();
        known(options.get_host()).await?;
        let mut connection = options.connect().await.map_err(|e| absence(&e))?;
        let version: String =
            sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut connection).await.map_err(|e| absence(&e))?;
        let mut this = Self { connection, mariadb: version.contains("MariaDB"), database };
        this.run(&format!("SET SESSION lock_wait_timeout={LOCK_WAIT}")).await?;
        this.run(&format!("SET SESSION innodb_lock_wait_timeout={LOCK_WAIT}")).await?;
        this.run("SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED").await?;
        this.run("SET SESSION TRANSACTION READ ONLY").await?;
        if !this.mariadb {
            // MySQL 8 serves TABLE_ROWS up to a day old otherwise; MySQL 5.7 does not know the variable.
            let _ = this.run("SET SESSION information_schema_stats_expiry=0").await;
        }
        this.limit(budget).await?;
        Ok(this)
    }

    async fn run(&mut self, sql: &str) -> Result<(), Absence> {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.connection).await.map_err(|e| absence(&e))?;
        Ok(())
    }

    /// The time a statement may take before the server stops it.
    pub(super) async fn limit(&mut self, budget: Millis) -> Result<(), Absence> {
        let sql = if self.mariadb {
            format!("SET SESSION max_statement_time={}.{:03}", budget / 1_000, budget % 1_000)
        } else {
            format!("SET SESSION max_execution_time={budget}")
        };
        self.run(&sql).await
    }

    async fn number(&mut self, sql: String, binds: &[Millis]) -> Result<Option<i64>, Trouble> {
        let mut query = sqlx::query_scalar::<_, Option<i64>>(AssertSqlSafe(sql));
        for wall in binds {
            query = query.bind(datetime(*wall));
        }
        query.fetch_one(&mut self.connection).await.map_err(|e| trouble(&e))
    }

    /// The one number of a query; more than one row is an error of the server's.
    pub(super) async fn figure(&mut self, query: &str) -> Result<Option<f64>, Trouble> {
        let sql = format!("SELECT ({}\n) + 0e0", bare(query));
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await.map_err(|e| trouble(&e))
    }

    /// When the oldest row ends, ms since the epoch. The first entry of the index: the server's bare answer time.
    pub(super) async fn oldest(&mut self, table: &str) -> Result<Option<Millis>, Trouble> {
        let sql = format!("SELECT TIMESTAMPDIFF(SECOND, '1970-01-01', MIN(expire_date)) FROM {}", quoted(table));
        Ok(self.number(sql, &[]).await?.map(|s| s * 1_000))
    }

    /// All rows, counted. The condition makes MySQL 8.0 use the small index instead of the clustered one (bug 100597).
    pub(super) async fn count(&mut self, table: &str) -> Result<u64, Trouble> {
        let sql = format!("SELECT COUNT(expire_date) FROM {} WHERE expire_date > '1000-01-01'", quoted(table));
        Ok(self.number(sql, &[]).await?.unwrap_or_default().max(0) as u64)
    }

    /// Rows that end within a window: an index range.
    pub(super) async fn between(&mut self, table: &str, window: Window) -> Result<u64, Trouble> {
        let sql =
            format!("SELECT COUNT(expire_date) FROM {} WHERE expire_date > ? AND expire_date <= ?", quoted(table));
        Ok(self.number(sql, &[window.0, window.1]).await?.unwrap_or_default().max(0) as u64)
    }

    /// Rows that have ended, up to the cap.
    pub(super) async fn expired(&mut self, table: &str, now: Millis) -> Result<u64, Trouble> {
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT expire_date FROM {} WHERE expire_date < ? LIMIT {EXPIRED_CAP}) t",
            quoted(table)
        );
        Ok(self.number(sql, &[now]).await?.unwrap_or_default().max(0) as u64)
    }

    fn names<'a>(&'a self, table: &'a str) -> (&'a str, &'a str) {
        table.split_once('.').unwrap_or((&self.database, table))
    }

    async fn statistic(&mut self, column: &str, table: &str) -> Result<Option<u64>, Absence> {
        let (schema, name) = self.names(table);
        let (schema, name) = (schema.to_owned(), name.to_owned());
        let sql = format!(
            "SELECT CAST({column} AS UNSIGNED) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?"
        );
        let found: Option<Option<u64>> = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(schema)
            .bind(name)
            .fetch_optional(&mut self.connection)
            .await
            .map_err(|e| absence(&e))?;
        Ok(found.flatten())
    }

    /// The server's own estimate of the rows.
    pub(super) async fn estimate(&mut self, table: &str) -> Result<Rows, Absence> {
        match self.statistic("TABLE_ROWS", table).await? {
            Some(n) => Ok(Rows::estimate(n)),
            None => Err(Absence::Failed(format!("the server has no statistics of {table}"))),
        }
    }

    /// Bytes of data and indexes.
    pub(super) async fn bytes(&mut self, table: &str) -> Result<Option<u64>, Absence> {
        self.statistic("DATA_LENGTH + INDEX_LENGTH", table).await
    }
}

fn quoted(table: &str) -> String {
    table.split('.').map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".")
}

/// A wall time as the text that compares with `datetime(6)`. Django writes UTC (`USE_TZ`).
pub(super) fn datetime(wall: Millis) -> String {
    let at = chrono::DateTime::from_timestamp_millis(wall).unwrap_or_default();
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

fn trouble(e: &sqlx::Error) -> Trouble {
    // 1969: MariaDB max_statement_time; 3024: MySQL max_execution_time.
    match code(e) {
        Some(1969 | 3024) => Trouble::OverBudget,
        _ => Trouble::Absent(absence(e)),
    }
}

fn code(e: &sqlx::Error) -> Option<u16> {
    let sqlx::Error::Database(db) = e else {
        return None;
    };
    db.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

/// What went wrong, as a reason with what to do.
pub(super) fn absence(e: &sqlx::Error) -> Absence {
    match e {
        sqlx::Error::Io(io) => http::of_io(io).unwrap_or_else(|| {
            let text = io.to_string();
            if text.contains("lookup") { Absence::Dns } else { Absence::Failed(clean(&text)) }
        }),
        sqlx::Error::Tls(e) => Absence::Tls(clean(&e.to_string())),
        sqlx::Error::Configuration(_) => Absence::Failed("the database URL cannot be read".to_owned()),
        sqlx::Error::Database(db) => {
            let text = clean(db.message());
            match code(e) {
                Some(1044 | 1045 | 1142 | 1143 | 1227 | 1698) => Absence::Denied(text),
                Some(1205) => Absence::Failed("waited 2 s for a lock on the table (an ALTER?) and gave up".to_owned()),
                _ => Absence::Refusal(text),
            }
        }
        other => {
            let text = clean(&other.to_string());
            if text.contains("RSA") || text.contains("caching_sha2") {
                return Absence::Failed(
                    "this login needs TLS: add ?ssl-mode=REQUIRED to the URL, or use the socket".to_owned(),
                );
            }
            if text.contains("unexpected end of file") || text.contains("EOF") {
                return Absence::Broken;
            }
            Absence::Failed(text)
        }
    }
}
