//! A real `django_session` in SQLite, with a fortnight of logins in it.

use std::path::Path;

use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteConnection;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::sqlite::SqliteSynchronous;

use crate::bus;
use crate::lab::story::Conditions;
use crate::model::time::DAY;
use crate::model::time::Millis;

/// Django's default `SESSION_COOKIE_AGE`.
const COOKIE_AGE: Millis = 14 * DAY;
/// Rows at the start: about three logins a minute over the fortnight.
const ROWS: i64 = 60_000;
/// Logins a minute, usual and in a flood.
const LOGINS: (f64, f64) = (3.0, 900.0);

pub(super) struct Table {
    connection: SqliteConnection,
    owed: f64,
    next: u64,
    swept: bool,
}

impl Table {
    /// Creates and fills the table.
    pub(super) async fn create(file: &Path) -> Result<Self, String> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A demo has nothing to lose in a power cut.
            .synchronous(SqliteSynchronous::Off)
            .disable_statement_logging();
        let connection = options.connect().await.map_err(|e| format!("{}: {e}", file.display()))?;
        let mut this = Self { connection, owed: 0.0, next: 0, swept: true };
        // As Django's migration makes it.
        this.run(
            "CREATE TABLE django_session (session_key varchar(40) NOT NULL PRIMARY KEY, session_data text NOT NULL, \
             expire_date datetime NOT NULL)",
        )
        .await?;
        this.run("CREATE INDEX django_session_expire_date ON django_session (expire_date)").await?;
        let now = bus::now().wall / 1_000;
        let step = COOKIE_AGE / 1_000 * 1_000 / ROWS;
        this.run(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS} - 1) \
             INSERT INTO django_session SELECT 's' || i, 'x', strftime('%Y-%m-%d %H:%M:%S', \
             {now} + (i * {step} + {step}) / 1000, 'unixepoch') || '.000000' FROM n"
        ))
        .await?;
        Ok(this)
    }

    async fn run(&mut self, sql: &str) -> Result<(), String> {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut self.connection)
            .await
            .map(|_| ())
            .map_err(|e| e.to_string())
    }

    /// Lets people log in for `passed` milliseconds, and sweeps once when the time has come.
    pub(super) async fn step(&mut self, conditions: &Conditions, passed: Millis, now: Millis) {
        let per_minute = if conditions.flood { LOGINS.1 } else { LOGINS.0 };
        self.owed += per_minute * passed as f64 / 60_000.0;
        let n = self.owed.floor().max(0.0) as u64;
        if n > 0 {
            self.owed -= n as f64;
            let until = chrono::DateTime::from_timestamp_millis(now + COOKIE_AGE).unwrap_or_default();
            let until = until.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            let rows: Vec<String> = (0..n).map(|i| format!("('d{}', 'x', '{until}')", self.next + i)).collect();
            self.next += n;
            let _ = self.run(&format!("INSERT INTO django_session VALUES {}", rows.join(","))).await;
        }
        if conditions.sweep && !self.swept {
            // The team removes what the flood left; `clearsessions` alone would not, these rows live a fortnight.
            let _ = self.run("DELETE FROM django_session WHERE session_key LIKE 'd%'").await;
        }
        self.swept = conditions.sweep;
    }
}
