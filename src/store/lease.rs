//! Leases: of several cabinas on one store, one writes what machines see.

use sqlx::SqliteConnection;

use crate::bus;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::on;

/// No lease is given for longer: one that ends later was given by a clock that has been put right since.
const LONGEST: Millis = MINUTE;

/// A lease that must be held while something is written: two that slept and woke together both think that they hold it.
#[derive(Clone, Copy, Debug)]
pub struct Led<'a> {
    /// The lease.
    pub name: &'a str,
    /// Whose it has to be.
    pub holder: &'a str,
}

impl Led<'_> {
    /// Looks, inside the transaction that writes, by the clock of now.
    pub(super) async fn prove(self, tx: &mut SqliteConnection) -> Result<(), StoreError> {
        let now = bus::now().wall;
        let held: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM lease WHERE name = ? AND holder = ? AND until >= ? AND until <= ?",
        )
        .bind(self.name)
        .bind(self.holder)
        .bind(now)
        .bind(now + LONGEST)
        .fetch_one(tx)
        .await?;
        if held > 0 { Ok(()) } else { Err(StoreError::Unled) }
    }
}

impl Store {
    /// Takes or keeps a lease until a moment; false while somebody else has it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn lease(&self, name: &str, holder: &str, now: Millis, until: Millis) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let taken = sqlx::query(
            "INSERT INTO lease (name, holder, until) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
             WHERE lease.holder = excluded.holder OR lease.until < ?4 OR lease.until > ?5",
        )
        .bind(name)
        .bind(holder)
        .bind(until)
        .bind(now)
        .bind(now + LONGEST)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// The same, whoever has it: for the one that goes first.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn lease_first(&self, name: &str, holder: &str, now: Millis, until: Millis) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM lease WHERE name = ? AND holder <> ?")
            .bind(name)
            .bind(holder)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.lease(name, holder, now, until).await
    }

    /// Who has a lease now; `None` where nobody does.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn leased(&self, name: &str, now: Millis) -> Result<Option<String>, StoreError> {
        let holder: Option<String> = on!(self.pool(), p => {
            sqlx::query_scalar("SELECT holder FROM lease WHERE name = ? AND until >= ? AND until <= ?")
                .bind(name)
                .bind(now)
                .bind(now + LONGEST)
                .fetch_optional(p)
                .await?
        });
        Ok(holder)
    }

    /// Gives a lease back.
    ///
    /// # Errors
    /// When it cannot be written; it then ends by itself.
    pub async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM lease WHERE name = ? AND holder = ?")
            .bind(name)
            .bind(holder)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }
}
