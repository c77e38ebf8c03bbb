//! A private MariaDB on a free loopback port, in a temporary folder; stopped when it is dropped.

use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::mysql::MySqlConnection;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::wait::until;

/// A server.
pub(crate) struct MariaDb {
    pub(crate) port: u16,
    folder: TempDir,
    child: Child,
}

impl MariaDb {
    /// Starts a server and waits until it answers.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("cabina-db").tempdir().unwrap();
        let data = folder.path().join("data");
        let made = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", data.display()))
            .arg(user())
            .stdout(Stdio::null())
            .output()
            .expect("mariadb-install-db is missing: tests/run installs it");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let child = Command::new(program())
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--socket={}", folder.path().join("s").display()))
            .arg(format!("--pid-file={}", folder.path().join("pid").display()))
            .arg(format!("--port={port}"))
            .arg(user())
            .args(["--bind-address=127.0.0.1", "--innodb-buffer-pool-size=256M", "--innodb-flush-log-at-trx-commit=0"])
            .args(["--skip-log-bin", "--innodb-flush-method=nosync", "--performance-schema=OFF"])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let db = Self { port, folder, child };
        until("MariaDB answers", Duration::from_mins(1), async || {
            db.options("root", "").connect().await.map(|_| ()).map_err(|e| {
                let log = std::fs::read_to_string(db.folder.path().join("log")).unwrap_or_default();
                format!("{e}\n{log}")
            })
        })
        .await;
        db
    }

    fn options(&self, user: &str, password: &str) -> MySqlConnectOptions {
        let options = MySqlConnectOptions::new().host("127.0.0.1").port(self.port).username(user);
        if password.is_empty() { options } else { options.password(password) }
    }

    /// A connection as the administrator.
    pub(crate) async fn root(&self) -> MySqlConnection {
        self.options("root", "").connect().await.unwrap()
    }

    /// Runs statements as the administrator.
    pub(crate) async fn sql(&self, sql: &str) {
        let mut c = self.root().await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut c).await.unwrap_or_else(|e| panic!("{e}\n{sql}"));
    }

    /// A `django_session` as Django's migration makes it, with rows spread over a fortnight, and the reader with the
    /// smallest grant.
    pub(crate) async fn django(&self, rows: u64) {
        self.sql("CREATE DATABASE app").await;
        self.sql(
            "CREATE TABLE app.django_session (session_key varchar(40) NOT NULL PRIMARY KEY, session_data longtext NOT NULL, \
             expire_date datetime(6) NOT NULL, KEY django_session_expire_date_a5c62663 (expire_date)) ENGINE=InnoDB",
        )
        .await;
        // Written between 15 days ago and now: a fifteenth of them has expired, the newest a moment ago.
        self.sql(&format!(
            "USE app; INSERT INTO app.django_session SELECT CONCAT('k', seq), 'x', \
             TIMESTAMPADD(MICROSECOND, seq * (15 * 86400000000 / {rows}), UTC_TIMESTAMP(6) - INTERVAL 1 DAY) FROM seq_1_to_{rows}"
        ))
        .await;
        self.sql("ANALYZE TABLE app.django_session").await;
        self.sql("CREATE USER 'cabina'@'%' IDENTIFIED BY 'only-reads'").await;
        self.sql("GRANT SELECT (expire_date) ON app.django_session TO 'cabina'@'%'").await;
    }

    /// The URL that cabina logs in with.
    pub(crate) fn url(&self, password: &str) -> String {
        format!("mysql://cabina:{password}@127.0.0.1:{}/app", self.port)
    }
}

fn program() -> &'static str {
    if std::path::Path::new("/usr/sbin/mariadbd").exists() { "/usr/sbin/mariadbd" } else { "mariadbd" }
}

/// The server refuses to run as root unless it is told to.
fn user() -> String {
    let name = Command::new("id").arg("-un").output().map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
    format!("--user={}", name.unwrap_or_else(|_| "root".to_owned()))
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
