//! A database that is looked at: one connection, read-only, every statement stopped by the server itself, nothing ever
//! written. MySQL and MariaDB, PostgreSQL, SQLite.

mod glance;
mod mysql;
mod postgres;
mod sqlite;

use crate::model::glance::Glance;
use crate::model::sessions::Rows;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::sources::names;

/// Expired rows are counted up to this many: the index range of more costs real time, and "at least" says enough.
pub(super) const EXPIRED_CAP: i64 = 100_000;

/// What a statement can end with, beside a row.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server stopped it at the budget.
    OverBudget,
    /// There is no answer, and why.
    Absent(Absence),
}

impl From<Absence> for Trouble {
    fn from(why: Absence) -> Self {
        Self::Absent(why)
    }
}

/// A connection to one of the databases.
pub(super) enum Connection {
    MySql(Box<mysql::MySql>),
    Postgres(Box<postgres::Postgres>),
    Sqlite(Box<sqlite::Sqlite>),
}

/// A table name with nothing in it that could end the quotes.
///
/// # Errors
/// The name, when it is none.
pub(super) fn identifier(table: &str) -> Result<&str, String> {
    let good = !table.is_empty()
        && table.len() <= 64
        && table.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$' || c == '.');
    if good { Ok(table) } else { Err(format!("{:?} is no table name", clean(table))) }
}

/// A span of `expire_date`, in ms since the epoch: after the first, up to the second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window(pub(super) Millis, pub(super) Millis);

/// Hands each question to the database at hand.
macro_rules! ask {
    ($self:ident, $c:ident => $e:expr) => {
        match $self {
            Connection::MySql($c) => $e.await,
            Connection::Postgres($c) => $e.await,
            Connection::Sqlite($c) => $e.await,
        }
    };
}

impl Connection {
    /// Opens one, read-only, with every statement stopped by the server itself at the budget.
    pub(super) async fn open(url: &str, budget: Millis) -> Result<Self, Absence> {
        match url.split(':').next().unwrap_or_default() {
            "sqlite" => Ok(Self::Sqlite(Box::new(sqlite::Sqlite::open(url, budget).await?))),
            "mysql" | "mariadb" => Ok(Self::MySql(Box::new(mysql::MySql::open(url, budget).await?))),
            "postgres" | "postgresql" => Ok(Self::Postgres(Box::new(postgres::Postgres::open(url, budget).await?))),
            _ => Err(Absence::Failed("the URL must begin with mysql://, postgres:// or sqlite://".to_owned())),
        }
    }

    /// The server at a glance; only MySQL and MariaDB have one.
    pub(super) async fn glance(&mut self) -> Result<Glance, Absence> {
        match self {
            Self::MySql(c) => c.glance().await,
            Self::Postgres(_) | Self::Sqlite(_) => Ok(Glance::default()),
        }
    }

    /// The one number of a query of the configuration; `None` is SQL's NULL.
    pub(super) async fn figure(&mut self, query: &str) -> Result<Option<f64>, Trouble> {
        ask!(self, c => c.figure(query))
    }

    pub(super) async fn oldest(&mut self, table: &str) -> Result<Option<Millis>, Trouble> {
        ask!(self, c => c.oldest(table))
    }

    pub(super) async fn count(&mut self, table: &str) -> Result<u64, Trouble> {
        ask!(self, c => c.count(table))
    }

    pub(super) async fn estimate(&mut self, table: &str) -> Result<Rows, Absence> {
        ask!(self, c => c.estimate(table))
    }

    pub(super) async fn between(&mut self, table: &str, window: Window) -> Result<u64, Trouble> {
        ask!(self, c => c.between(table, window))
    }

    pub(super) async fn expired(&mut self, table: &str, now: Millis) -> Result<u64, Trouble> {
        ask!(self, c => c.expired(table, now))
    }

    pub(super) async fn bytes(&mut self, table: &str) -> Result<Option<u64>, Absence> {
        ask!(self, c => c.bytes(table))
    }

    pub(super) async fn limit(&mut self, budget: Millis) -> Result<(), Absence> {
        ask!(self, c => c.limit(budget))
    }

    /// Counts within a limit of its own; afterwards the usual one holds again.
    pub(super) async fn count_within(
        &mut self,
        table: &str,
        limit: Millis,
        usual: Millis,
    ) -> Result<Result<u64, Trouble>, Absence> {
        self.limit(limit).await?;
        let counted = self.count(table).await;
        self.limit(usual).await?;
        Ok(counted)
    }
}

/// A query without its end, so that it can stand in another.
fn bare(query: &str) -> &str {
    query.trim().trim_end_matches(';').trim_end()
}

/// Asks for the address of a server before its client does: that one waits for the system's resolver on a thread that
/// nobody can call back.
async fn known(host: &str) -> Result<(), Absence> {
    if host.is_empty() || host.starts_with('/') {
        // A socket of this machine has no name.
        return Ok(());
    }
    names::resolve(host).await.map(drop)
}
