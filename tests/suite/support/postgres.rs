//! A private PostgreSQL on a free loopback port, in a temporary folder; stopped when it is dropped.

use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::wait::until;

/// A server.
pub(crate) struct Postgres {
    pub(crate) port: u16,
    _folder: TempDir,
    child: Child,
}

/// The programs of the newest version that Debian has installed.
fn programs() -> PathBuf {
    let mut all: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("postgresql is missing: tests/run installs it")
        .map(|e| e.unwrap().path().join("bin"))
        .collect();
    all.sort();
    all.pop().unwrap()
}

/// PostgreSQL refuses to run as root: then as its own user.
fn command(program: &str) -> Command {
    let program = programs().join(program);
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

impl Postgres {
    /// Starts a server and waits until it answers.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("cabina-pg").tempdir().unwrap();
        if rustix::process::geteuid().is_root() {
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status().unwrap();
            assert!(owned.success());
        }
        let data = folder.path().join("data");
        let made = command("initdb").args(["-A", "trust", "-U", "root", "-N", "-D"]).arg(&data).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let child = command("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-F", "-k"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let db = Self { port, _folder: folder, child };
        until("PostgreSQL answers", Duration::from_mins(1), async || {
            db.options("root").connect().await.map(|_| ()).map_err(|e| e.to_string())
        })
        .await;
        db
    }

    fn options(&self, user: &str) -> PgConnectOptions {
        PgConnectOptions::new().host("127.0.0.1").port(self.port).username(user).database("postgres")
    }

    /// Runs statements as the administrator.
    pub(crate) async fn sql(&self, sql: &str) {
        let mut c = self.options("root").connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut c).await.unwrap_or_else(|e| panic!("{e}\n{sql}"));
    }

    /// A `django_session` as Django's migration makes it, with rows spread over a fortnight, and a reader with the
    /// smallest grant.
    pub(crate) async fn django(&self, rows: u64) {
        self.sql(&format!(
            "CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, \
             expire_date timestamptz NOT NULL); \
             INSERT INTO django_session SELECT 'k' || n, 'x', \
             now() - interval '1 day' + n * interval '15 days' / {rows} FROM generate_series(1, {rows}) n; \
             CREATE INDEX ON django_session (expire_date); ANALYZE django_session; \
             CREATE USER reader; GRANT SELECT (expire_date) ON django_session TO reader"
        ))
        .await;
    }

    /// The URL of a login.
    pub(crate) fn url(&self, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
