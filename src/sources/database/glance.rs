//! MySQL and MariaDB at a glance: a handful of statements over the server's own tables, each within the budget. What
//! the login may not see is left out and named: PROCESS for other people's statements, REPLICA MONITOR (or
//! REPLICATION CLIENT) for replication.

use sqlx::AssertSqlSafe;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use crate::model::glance::Glance;
use crate::model::glance::Replica;
use crate::model::glance::WAITS;
use crate::model::glance::Wait;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::sources::database::mysql::MySql;
use crate::sources::database::mysql::absence;

/// Statements of replication threads and idle connections are nobody's slow statement.
const BUSY: &str = "COMMAND NOT IN ('Sleep', 'Daemon', 'Binlog Dump', 'Slave_IO', 'Slave_SQL', 'Slave_worker', 'Connect') \
                    AND USER <> 'system user' AND ID <> CONNECTION_ID()";

impl MySql {
    /// Looks once.
    pub(super) async fn glance(&mut self) -> Result<Glance, Absence> {
        let mut out = Glance::default();
        let status =
            self.rows("SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_connected', 'Threads_running')").await?;
        let variables = self
            .rows("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('max_connections', 'read_only', 'super_read_only')")
            .await?;
        let value = |rows: &[MySqlRow], name: &str| -> Option<String> {
            rows.iter().find(|r| text(r, 0).is_some_and(|n| n.eq_ignore_ascii_case(name))).and_then(|r| text(r, 1))
        };
        let number = |rows: &[MySqlRow], name: &str| value(rows, name).and_then(|v| v.parse::<u64>().ok());
        out.connections = number(&status, "Threads_connected").zip(number(&variables, "max_connections"));
        // This very look is one of them.
        out.running = number(&status, "Threads_running").map(|n| n.saturating_sub(1));
        out.read_only = value(&variables, "read_only").map(|v| v.eq_ignore_ascii_case("ON") || v == "1");
        self.process(&mut out).await?;
        self.locks(&mut out).await?;
        self.replication(&mut out).await?;
        Ok(out)
    }

    async fn rows(&mut self, sql: &str) -> Result<Vec<MySqlRow>, Absence> {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.connection).await.map_err(|e| absence(&e))
    }

    /// Rows that the login may not be allowed to read.
    async fn may(&mut self, sql: &str, what: &str, out: &mut Glance) -> Result<Option<Vec<MySqlRow>>, Absence> {
        match self.rows(sql).await {
            Ok(rows) => Ok(Some(rows)),
            // A table that this version does not have is as good as one that may not be read.
            Err(Absence::Denied(_) | Absence::Refusal(_)) => {
                out.denied.push(what.to_owned());
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    async fn process(&mut self, out: &mut Glance) -> Result<(), Absence> {
        let sql = "SELECT CAST(TIMESTAMPDIFF(SECOND, MIN(trx_started), NOW()) * 1000 AS CHAR) \
                   FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id <> CONNECTION_ID()";
        let Some(rows) = self.may(sql, "PROCESS", out).await? else {
            // The list of processes is never refused: without the right it just leaves out everybody else.
            return Ok(());
        };
        out.transaction = rows.first().and_then(|r| millis(r, 0));
        let sql = format!(
            "SELECT CAST(TIME * 1000 AS CHAR), CONCAT(USER, '@', SUBSTRING_INDEX(HOST, ':', 1)) \
             FROM information_schema.PROCESSLIST WHERE {BUSY} ORDER BY TIME DESC LIMIT 1"
        );
        if let Some(rows) = self.may(&sql, "PROCESS", out).await? {
            let first = rows.first();
            out.statement = first.and_then(|r| Some((millis(r, 0)?, clean(&text(r, 1)?))));
        }
        Ok(())
    }

    async fn locks(&mut self, out: &mut Glance) -> Result<(), Absence> {
        // MySQL 8 moved them out of information_schema.
        let sql = if self.mariadb {
            "SELECT CAST(w.trx_mysql_thread_id AS CHAR), CAST(b.trx_mysql_thread_id AS CHAR), \
             CAST(TIMESTAMPDIFF(SECOND, w.trx_wait_started, NOW()) * 1000 AS CHAR) \
             FROM information_schema.INNODB_LOCK_WAITS l \
             JOIN information_schema.INNODB_TRX w ON w.trx_id = l.requesting_trx_id \
             JOIN information_schema.INNODB_TRX b ON b.trx_id = l.blocking_trx_id \
             ORDER BY w.trx_wait_started LIMIT 100"
        } else {
            "SELECT CAST(waiting_pid AS CHAR), CAST(blocking_pid AS CHAR), CAST(wait_age_secs * 1000 AS CHAR) \
             FROM sys.innodb_lock_waits ORDER BY wait_age_secs DESC LIMIT 100"
        };
        if let Some(rows) = self.may(sql, "lock waits", out).await? {
            let id = |r: &MySqlRow, i| text(r, i).and_then(|t| t.parse().ok());
            let wait = |r: &MySqlRow| {
                Some(Wait { waiting: id(r, 0)?, blocking: id(r, 1)?, lasting: millis(r, 2).unwrap_or_default() })
            };
            let mut waits: Vec<Wait> = rows.iter().filter_map(wait).collect();
            waits.dedup();
            waits.truncate(WAITS);
            out.waits = Some(waits);
        }
        Ok(())
    }

    async fn replication(&mut self, out: &mut Glance) -> Result<(), Absence> {
        let sql = if self.mariadb { "SHOW SLAVE STATUS" } else { "SHOW REPLICA STATUS" };
        let Some(rows) = self.may(sql, "REPLICA MONITOR", out).await? else {
            return Ok(());
        };
        let named = |r: &MySqlRow, names: [&str; 2]| {
            names.iter().find_map(|n| r.try_get_unchecked::<Option<String>, _>(*n).ok().flatten())
        };
        out.replica = rows.first().map(|r| {
            let lag = named(r, ["Seconds_Behind_Master", "Seconds_Behind_Source"]);
            let errors = [named(r, ["Last_IO_Error", "Last_IO_Error"]), named(r, ["Last_SQL_Error", "Last_SQL_Error"])];
            Replica {
                lag: lag.and_then(|t| t.parse::<i64>().ok()).map(|s| s * 1_000),
                error: clean(&errors.into_iter().flatten().find(|e| !e.is_empty()).unwrap_or_default()),
            }
        });
        Ok(())
    }
}

fn text(row: &MySqlRow, i: usize) -> Option<String> {
    row.try_get_unchecked::<Option<String>, _>(i).ok().flatten()
}

fn millis(row: &MySqlRow, i: usize) -> Option<i64> {
    text(row, i)?.parse::<f64>().ok().map(|v| v as i64)
}
