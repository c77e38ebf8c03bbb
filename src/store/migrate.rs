//! Tables, version by version. Called under a lock of our own: the library's does nothing for SQLite, and two starts
//! at once would both make the tables.

use std::borrow::Cow;

use sqlx::migrate::MigrateError;
use sqlx::migrate::Migration;
use sqlx::migrate::MigrationType;
use sqlx::migrate::Migrator;

use crate::store::Pool;
use crate::store::StoreError;
use crate::store::on;

/// Every version of the tables, oldest first. What stands here is never changed: stores have it.
const SQLITE: [(i64, &str, &str); 4] = [
    (1, "record", include_str!("migrations/sqlite/0001_record.sql")),
    (2, "recording", include_str!("migrations/sqlite/0002_recording.sql")),
    (3, "run", include_str!("migrations/sqlite/0003_run.sql")),
    (4, "watch", include_str!("migrations/sqlite/0004_watch.sql")),
];

/// The table that the newest version brought.
const NEWEST_TABLE: &str = "watch";

/// How a store stands to this program.
pub(super) enum Standing {
    /// As this program wants it.
    Current,
    /// It lacks something.
    Older,
    /// It has something that this program does not know.
    Newer,
}

/// Looks, and changes nothing.
pub(super) async fn standing(pool: &Pool) -> Result<Standing, StoreError> {
    let Pool::Sqlite(p) = pool;
    let tables: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'").fetch_one(p).await?;
    if tables == 0 {
        return Ok(Standing::Older);
    }
    let newest = sqlx::query_scalar::<_, Option<i64>>("SELECT MAX(version) FROM _sqlx_migrations WHERE success");
    let newest = match newest.fetch_one(p).await.map_err(StoreError::from) {
        Ok(newest) => newest,
        // One bad page hides what is on it, and not the whole store: its tables tell too.
        Err(StoreError::Damaged(_)) => {
            let there: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = ?")
                .bind(NEWEST_TABLE)
                .fetch_one(p)
                .await?;
            return Ok(if there > 0 { Standing::Current } else { Standing::Older });
        }
        Err(why) => return Err(why),
    };
    let known = SQLITE.last().map_or(0, |(version, _, _)| *version);
    Ok(match newest.unwrap_or(0).cmp(&known) {
        std::cmp::Ordering::Less => Standing::Older,
        std::cmp::Ordering::Equal => Standing::Current,
        std::cmp::Ordering::Greater => Standing::Newer,
    })
}

/// Brings the tables up to date. The caller holds the lock.
pub(super) async fn run(pool: &Pool) -> Result<(), StoreError> {
    let Pool::Sqlite(p) = pool;
    // Kept in the file: readers and one writer get along.
    sqlx::query("PRAGMA journal_mode = WAL").execute(p).await?;
    let migrations = SQLITE
        .iter()
        .map(|(version, name, sql)| {
            Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sqlx::SqlStr::from_static(sql), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.set_locking(false);
    match on!(*pool, p => migrator.run(p).await) {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_)) => Err(StoreError::Newer(std::path::PathBuf::new())),
        Err(MigrateError::Execute(e)) => Err(e.into()),
        Err(other) => Err(StoreError::Failed(other.to_string())),
    }
}
