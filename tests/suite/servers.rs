//! Against the real MariaDB and the real Prometheus.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cabina::engine::State;
use cabina::engine::settings::SessionsSpec;
use cabina::model::breakdown::Dimension;
use cabina::model::breakdown::Topic;
use cabina::model::sessions::Measurement;
use cabina::model::signal::Absence;
use cabina::model::source::Origin;
use cabina::secrets::Secrets;
use cabina::sources::glance::Glancer;
use cabina::sources::sessions::Watcher;
use sqlx::AssertSqlSafe;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::alerts::Cockpit;
use crate::support::mariadb::MariaDb;
use crate::support::postgres::Postgres;
use crate::support::prometheus::Prometheus;
use crate::support::settings;
use crate::support::wait::until;

/// Rows of the table: enough that a full count costs real time, little enough for a test.
const ROWS: u64 = 300_000;

fn watcher(url: &str, more: &str) -> (SessionsSpec, Arc<Secrets>) {
    let (settings, secrets) = settings(&format!("[sessions]\nurl = \"{url}\"\n{more}"));
    (settings.sessions.unwrap(), secrets)
}

async fn look(url: &str, more: &str) -> Result<Measurement, Absence> {
    let (spec, secrets) = watcher(url, more);
    let (_tx, rx) = watch::channel(());
    Watcher::new(spec, &secrets, rx).look().await
}

/// One server serves all questions of this ring: starting one takes seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_table_in_mariadb() {
    let db = MariaDb::start().await;
    db.django(ROWS).await;
    figures_with_the_smallest_grant(&db).await;
    the_budget_is_the_servers_own_timeout(&db).await;
    a_person_may_ask_for_an_exact_count(&db).await;
    a_sweep_is_seen_and_so_is_growth(&db).await;
    mistakes_read_as_one_sentence(&db).await;
    a_lock_does_not_hold_us(&db).await;
    any_figure_and_the_server_at_a_glance(&db).await;
    a_server_that_dies_is_noticed_and_found_again(db).await;
}

async fn figures_with_the_smallest_grant(db: &MariaDb) {
    let m = look(&db.url("only-reads"), "budget = \"5s\"").await.unwrap();
    assert_eq!((m.rows.n, m.rows.exact), (ROWS, true));
    // Spread over 15 days: 13.9 a minute, a fifteenth expired, the oldest a day ago.
    assert!(m.renewed_per_min.is_some_and(|n| (10.0..18.0).contains(&n)), "{m:?}");
    assert!(m.usual_per_min.is_some_and(|n| (13.0..15.0).contains(&n)), "{m:?}");
    assert!(m.expired.is_some_and(|e| (19_900..20_200).contains(&e.n) && !e.at_least), "{m:?}");
    assert!(m.sweepable.is_some_and(|s| (0.45..0.55).contains(&s)), "{m:?}");
    assert!(m.bytes.is_some_and(|b| b > 10_000_000), "{m:?}");
    let day = 86_400_000;
    assert!(m.oldest_expiry.is_some_and(|t| (cabina::bus::now().wall - t - day).abs() < 120_000), "{m:?}");
    // The login cannot read anyone's session.
    let url = db.url("only-reads");
    let options: sqlx::mysql::MySqlConnectOptions = url.parse().unwrap();
    let mut c = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let read = sqlx::query("SELECT session_data FROM django_session LIMIT 1").fetch_optional(&mut c).await;
    assert!(read.is_err_and(|e| e.to_string().contains("1143")));
}

async fn the_budget_is_the_servers_own_timeout(db: &MariaDb) {
    let (spec, secrets) = watcher(&db.url("only-reads"), "budget = \"10ms\"");
    let (_tx, rx) = watch::channel(());
    let mut watcher = Watcher::new(spec, &secrets, rx);
    let first = watcher.look().await.unwrap();
    assert!(!first.rows.exact && first.count_gave_up, "{first:?}");
    assert!((200_000..400_000).contains(&first.rows.n), "the estimate is near: {first:?}");
    let second = watcher.look().await.unwrap();
    assert!(!second.rows.exact && !second.count_gave_up, "after one overrun it is not tried again: {second:?}");
}

async fn a_person_may_ask_for_an_exact_count(db: &MariaDb) {
    let (spec, secrets) = watcher(&db.url("only-reads"), "budget = \"10ms\"");
    let (tx, rx) = watch::channel(());
    let mut watcher = Watcher::new(spec, &secrets, rx);
    assert!(!watcher.look().await.unwrap().rows.exact);
    tx.send_replace(());
    let asked = watcher.look().await.unwrap();
    assert_eq!((asked.rows.n, asked.rows.exact), (ROWS, true));
    assert!(!watcher.look().await.unwrap().rows.exact, "once");
}

async fn a_sweep_is_seen_and_so_is_growth(db: &MariaDb) {
    let (spec, secrets) = watcher(&db.url("only-reads"), "budget = \"5s\"");
    let (_tx, rx) = watch::channel(());
    let mut watcher = Watcher::new(spec, &secrets, rx);
    let mut table = cabina::model::sessions::Table::default();
    let at = |ms| cabina::model::time::Stamp { mono: ms, wall: ms };
    table.fold(at(0), watcher.look().await.unwrap());
    db.sql("USE app; INSERT INTO app.django_session SELECT CONCAT('n', seq), 'x', UTC_TIMESTAMP(6) + INTERVAL 14 DAY - INTERVAL 5 SECOND FROM seq_1_to_600")
        .await;
    let m = watcher.look().await.unwrap();
    assert!(m.renewed_per_min.is_some_and(|n| n >= 600.0), "{m:?}");
    table.fold(at(60_000), m);
    assert_eq!(table.growth_per_min(), Some(600.0));
    db.sql("DELETE FROM app.django_session WHERE expire_date < UTC_TIMESTAMP(6)").await;
    let change = table.fold(at(120_000), watcher.look().await.unwrap());
    assert!(matches!(change, Some(cabina::model::sessions::Change::Sweep(n)) if n > 19_000), "{change:?}");
}

async fn mistakes_read_as_one_sentence(db: &MariaDb) {
    let wrong = look(&db.url("wrong-password"), "").await.unwrap_err();
    let text = format!("{wrong:?}");
    assert!(matches!(wrong, Absence::Denied(_)) && !text.contains("wrong-password"), "{text}");
    let missing = look(&db.url("only-reads"), "table = \"nope\"").await.unwrap_err();
    assert!(matches!(missing, Absence::Denied(_) | Absence::Refusal(_)), "{missing:?}");
    let refused =
        look(&format!("mysql://u:secret-pw@127.0.0.1:{}/app", crate::support::free_port()), "").await.unwrap_err();
    assert_eq!(refused, Absence::Refused);
}

async fn a_lock_does_not_hold_us(db: &MariaDb) {
    let mut c = db.root().await;
    sqlx::raw_sql("LOCK TABLES app.django_session WRITE").execute(&mut c).await.unwrap();
    let locked = look(&db.url("only-reads"), "budget = \"5s\"").await;
    assert!(locked.as_ref().is_err_and(|e| format!("{e:?}").contains("lock")), "{locked:?}");
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut c).await.unwrap();
    assert!(look(&db.url("only-reads"), "").await.is_ok());
}

async fn any_figure_and_the_server_at_a_glance(db: &MariaDb) {
    let config = format!(
        "[sessions]\nurl = \"{0}\"\n[[sql]]\nname = \"newest\"\nurl = \"{0}\"\nquery = \"SELECT COUNT(expire_date) FROM django_session WHERE expire_date > UTC_TIMESTAMP()\"\nbudget = \"5s\"\n[[sql]]\nname = \"slow\"\nurl = \"{0}\"\nquery = \"SELECT SLEEP(3)\"\nbudget = \"100ms\"\n",
        db.url("only-reads")
    );
    let answer = check(&config, "").await;
    assert!(value(&answer, "newest").is_some_and(|v| v > 200_000.0), "{answer}");
    assert_eq!(value(&answer, "slow"), None);
    // One transaction holds a row, another waits for it.
    let mut holds = db.root().await;
    sqlx::raw_sql("USE app; BEGIN; DELETE FROM django_session WHERE session_key = 'held'; INSERT INTO django_session VALUES ('held', 'x', UTC_TIMESTAMP()); UPDATE django_session SET session_data = 'y' WHERE session_key = 'held'")
        .execute(&mut holds)
        .await
        .unwrap();
    let mut waits = db.root().await;
    let waiting = tokio::spawn(async move {
        let _ = sqlx::raw_sql("USE app; SET innodb_lock_wait_timeout = 20; INSERT INTO django_session VALUES ('held', 'z', UTC_TIMESTAMP())")
            .execute(&mut waits)
            .await;
    });
    let url = format!("mysql://root@127.0.0.1:{}/app", db.port);
    let (spec, secrets) = watcher(&url, "");
    let glance = until("the wait is seen", Duration::from_secs(20), async || {
        let glance = Glancer::new(spec.clone(), &secrets).look().await.unwrap();
        if glance.waits.as_ref().is_some_and(|w| !w.is_empty()) { Ok(glance) } else { Err(format!("{glance:?}")) }
    })
    .await;
    assert!(glance.waits.as_ref().unwrap().iter().all(|w| w.waiting != w.blocking), "{glance:?}");
    assert!(glance.connections.is_some_and(|(used, max)| used >= 3 && max > used) && glance.transaction.is_some());
    assert_eq!((glance.read_only, glance.replica.clone(), glance.denied.len()), (Some(false), None, 0), "{glance:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut holds).await.unwrap();
    waiting.await.unwrap();
    db.sql("SET GLOBAL read_only = 1").await;
    assert_eq!(Glancer::new(spec, &secrets).look().await.unwrap().read_only, Some(true));
    db.sql("SET GLOBAL read_only = 0").await;
    // A login with the smallest grant sees what it may, and names what it may not.
    let (spec, secrets) = watcher(&db.url("only-reads"), "");
    let glance = Glancer::new(spec, &secrets).look().await.unwrap();
    assert!(glance.connections.is_some() && !glance.denied.is_empty() && glance.statement.is_none(), "{glance:?}");
}

async fn a_server_that_dies_is_noticed_and_found_again(db: MariaDb) {
    let (spec, secrets) = watcher(&db.url("only-reads"), "");
    let (_tx, rx) = watch::channel(());
    let mut watcher = Watcher::new(spec, &secrets, rx);
    assert!(watcher.look().await.is_ok());
    let mut c = db.root().await;
    let ids: Vec<u64> =
        sqlx::query_scalar("SELECT CAST(ID AS UNSIGNED) FROM information_schema.PROCESSLIST WHERE USER = 'cabina'")
            .fetch_all(&mut c)
            .await
            .unwrap();
    for id in ids {
        sqlx::raw_sql(AssertSqlSafe(format!("KILL {id}"))).execute(&mut c).await.unwrap();
    }
    assert!(watcher.look().await.is_err(), "the connection was killed");
    assert!(watcher.look().await.is_ok(), "a new one is made");
    drop(db);
    assert!(watcher.look().await.is_err());
}

/// The same questions of a table in PostgreSQL, and any figure from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_table_and_figures_in_postgres() {
    let db = Postgres::start().await;
    db.django(ROWS).await;
    let m = look(&db.url("reader"), "budget = \"5s\"").await.unwrap();
    assert_eq!((m.rows.n, m.rows.exact), (ROWS, true));
    assert!(m.renewed_per_min.is_some_and(|n| (10.0..18.0).contains(&n)), "{m:?}");
    assert!(m.usual_per_min.is_some_and(|n| (13.0..15.0).contains(&n)), "{m:?}");
    assert!(m.expired.is_some_and(|e| (19_900..20_200).contains(&e.n) && !e.at_least), "{m:?}");
    assert!(m.bytes.is_some_and(|b| b > 10_000_000), "{m:?}");
    let day = 86_400_000;
    assert!(m.oldest_expiry.is_some_and(|t| (cabina::bus::now().wall - t - day).abs() < 120_000), "{m:?}");
    // The budget is the server's own timeout: a full count of 300 000 rows takes longer than 10 ms.
    let (spec, secrets) = watcher(&db.url("reader"), "budget = \"10ms\"");
    let (_tx, rx) = watch::channel(());
    let mut watcher = Watcher::new(spec, &secrets, rx);
    let first = watcher.look().await.unwrap();
    assert!(!first.rows.exact && first.count_gave_up, "{first:?}");
    assert!((290_000..310_000).contains(&first.rows.n), "{first:?}");
    let denied = look(&db.url("reader"), "table = \"pg_authid\"").await.unwrap_err();
    assert!(matches!(denied, Absence::Denied(_) | Absence::Refusal(_)), "{denied:?}");
    // A lock on the table does not hold us.
    let mut locked = PgConnection::connect(&db.url("root")).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE").execute(&mut locked).await.unwrap();
    let waited = std::time::Instant::now();
    let held = look(&db.url("reader"), "budget = \"10s\"").await.unwrap_err();
    assert!(format!("{held:?}").contains("lock") && waited.elapsed() < Duration::from_secs(5), "{held:?}");
    drop(locked);
    let sql = |name: &str, query: &str, more: &str| {
        format!("[[sql]]\nname = \"{name}\"\nurl = \"{}\"\nquery = \"{query}\"\n{more}\n", db.url("reader"))
    };
    let config = [
        sql("rows", "SELECT COUNT(expire_date) FROM django_session;", "budget = \"5s\"\nwarning = { above = 100000 }"),
        sql("share", "SELECT 0.25", "unit = \"ratio\""),
        sql("nothing", "SELECT NULL::int", ""),
        sql("many", "SELECT generate_series(1, 3)", ""),
        sql("slow", "SELECT 1 FROM pg_sleep(5)", "budget = \"50ms\""),
        sql("writes", "DELETE FROM django_session", ""),
    ]
    .concat();
    let answer = check(&config, "").await;
    let signal = |name: &str| answer["signals"].as_array().unwrap().iter().find(|s| s["name"] == name).unwrap().clone();
    assert_eq!(
        (signal("rows")["value"].as_f64(), signal("rows")["state"].as_str()),
        (Some(300_000.0), Some("warning"))
    );
    assert_eq!((signal("share")["value"].as_f64(), signal("share")["source"].as_str()), (Some(0.25), Some("sql")));
    let reason = |name| signal(name)["reason"].as_str().unwrap_or_default().to_owned();
    let reasons = ["nothing", "many", "slow", "writes"].map(reason);
    assert_eq!(reasons, ["no_series", "refusal", "timeout", "refusal"]);
    assert_eq!(answer["severity"]["level"], "SEV3");
}

/// An exporter whose counters the test moves.
pub(crate) struct Exporter {
    ok: AtomicU64,
    failed: AtomicU64,
    with_failures: bool,
    broken: AtomicBool,
}

impl Exporter {
    /// Counters that stand here.
    pub(crate) fn new(ok: u64, failed: u64) -> Self {
        let with_failures = failed > 0;
        Self { ok: ok.into(), failed: failed.into(), with_failures, broken: AtomicBool::new(false) }
    }

    /// From now on a third fails, the pool is full and the queue grows.
    pub(crate) fn break_down(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    fn page(&self) -> String {
        let (ok, failed) = (self.ok.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        let mut out = String::from("# TYPE http_requests_total counter\n");
        let _ = writeln!(out, "http_requests_total{{path=\"/users/{{id}}\",status=\"200\"}} {ok}");
        if self.with_failures {
            let _ = writeln!(out, "http_requests_total{{path=\"/users/{{id}}\",status=\"500\"}} {failed}");
        }
        let (active, waiting) = if self.broken.load(Ordering::Relaxed) { (95, 1_500) } else { (12, 40) };
        let _ = writeln!(out, "django_db_connections_active {active}\ndjango_db_connections_max 100");
        let _ = writeln!(out, "celery_queue_length{{queue=\"calls\"}} {waiting}");
        let all = ok + failed;
        out.push_str("# TYPE http_request_duration_seconds histogram\n");
        for (le, share) in [("0.1", 50), ("0.5", 90), ("1", 99), ("+Inf", 100)] {
            let _ = writeln!(out, "http_request_duration_seconds_bucket{{le=\"{le}\"}} {}", all * share / 100);
        }
        let _ = writeln!(out, "http_request_duration_seconds_sum {all}\nhttp_request_duration_seconds_count {all}");
        out
    }

    /// Serves, and moves the counters: `ok` and `failed` requests a second.
    pub(crate) async fn serve(self: Arc<Self>, ok: u64, failed: u64) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let moving = Arc::clone(&self);
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(100));
            loop {
                tick.tick().await;
                moving.ok.fetch_add(ok / 10, Ordering::Relaxed);
                let broken = if moving.broken.load(Ordering::Relaxed) { ok / 20 } else { 0 };
                moving.failed.fetch_add(failed / 10 + broken, Ordering::Relaxed);
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let me = Arc::clone(&self);
                tokio::spawn(async move {
                    let mut buffer = [0u8; 4096];
                    while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                        let body = me.page();
                        let head = format!(
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
                            body.len()
                        );
                        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                    }
                });
            }
        });
        target
    }
}

/// Runs `cabina check --json` for a while and returns the answer.
async fn check(config: &str, wait: &str) -> serde_json::Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_cabina"));
    command.args(["check", "--json", "--config"]).arg(file.path());
    if !wait.is_empty() {
        command.args(["--wait", wait]);
    }
    let out = command.output().await.unwrap();
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)))
}

fn value(answer: &serde_json::Value, signal: &str) -> Option<f64> {
    answer["signals"].as_array().unwrap().iter().find(|s| s["name"] == signal).unwrap()["value"].as_f64()
}

/// The same exporter, read by cabina directly and by a real Prometheus that cabina asks: the same figures.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_scrape_and_prometheus_agree() {
    let exporter = Arc::new(Exporter::new(5_000, 70));
    let target = exporter.serve(90, 10).await;
    let server = Prometheus::start(std::slice::from_ref(&target)).await;
    let by_server = format!("[prometheus]\nurl = \"{}\"\nevery = \"1s\"\n", server.url);
    let direct = format!("[[scrape]]\nurl = \"http://{target}/metrics\"\nevery = \"1s\"\n");
    let (a, b) = until("both have a share", Duration::from_mins(1), async || {
        let (a, b) = tokio::join!(check(&by_server, ""), check(&direct, "5s"));
        match (value(&a, "error_rate"), value(&b, "error_rate"), value(&a, "latency_p95"), value(&b, "latency_p95")) {
            (Some(_), Some(_), Some(_), Some(_)) => Ok((a, b)),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    for signal in ["error_rate", "latency_p95", "latency_p99"] {
        let (x, y) = (value(&a, signal).unwrap(), value(&b, signal).unwrap());
        assert!((x - y).abs() / x < 0.03, "{signal}: Prometheus {x}, direct {y}");
    }
    assert!((value(&a, "error_rate").unwrap() - 0.1).abs() < 0.01);
    assert_eq!(
        (a["signals"][0]["source"].as_str(), b["signals"][0]["source"].as_str()),
        (Some("prometheus"), Some("scrape"))
    );
    // A service that has never failed has no 5xx series: a share of zero, not "no data".
    let clean = Arc::new(Exporter::new(9, 0));
    let target = clean.serve(90, 0).await;
    let server = Prometheus::start(&[target]).await;
    let config = format!("[prometheus]\nurl = \"{}\"\n", server.url);
    until("a share of zero", Duration::from_mins(1), async || {
        let answer = check(&config, "").await;
        match value(&answer, "error_rate") {
            Some(share) if share.abs() < f64::EPSILON => Ok(()),
            _ => Err(answer["signals"].to_string()),
        }
    })
    .await;
}

/// History is read at start: a cockpit that opens late knows since when.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_seeds_since_and_for() {
    let exporter = Arc::new(Exporter::new(100, 100));
    let target = exporter.serve(50, 50).await;
    let server = Prometheus::start(&[target]).await;
    let config = format!(
        "[prometheus]\nurl = \"{}\"\nevery = \"1s\"\n[[signal]]\nname = \"error_rate\"\nunit = \"ratio\"\ncritical = {{ above = 0.05, for = \"8s\", min_requests = 1 }}\n",
        server.url
    );
    // A single look, without waiting: only history can have filled eight seconds.
    let answer = until("critical at first sight", Duration::from_secs(90), async || {
        let answer = check(&config, "").await;
        if answer["severity"]["level"] == "SEV1" { Ok(answer) } else { Err(answer["severity"].to_string()) }
    })
    .await;
    let reason = &answer["severity"]["reasons"][0];
    let at = |v: &serde_json::Value| chrono::DateTime::parse_from_rfc3339(v.as_str().unwrap()).unwrap();
    let held = at(&answer["at"]) - at(&reason["since"]);
    assert!(held.num_seconds() >= 7, "it began {held} ago: {reason}");
    assert_eq!(reason["rule"], "error_rate_critical");
}

/// The server goes away: the targets themselves are read instead, within two intervals, and it is said. It comes back:
/// it judges again, and the curve has no hole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_scrape_takes_over_and_gives_back() {
    let exporter = Arc::new(Exporter::new(5_000, 70));
    let target = exporter.serve(90, 10).await;
    let mut server = Prometheus::start(std::slice::from_ref(&target)).await;
    let config = format!(
        "[prometheus]\nurl = \"{}\"\nevery = \"1s\"\ntimeout = \"1s\"\n[[scrape]]\nurl = \"http://{target}/metrics\"\nevery = \"1s\"\n",
        server.url
    );
    let mut cockpit = Cockpit::open(&config);
    let from = |origin: Origin| {
        move |s: &State| {
            let signal = s.signals.get("error_rate").unwrap();
            signal.origin == origin && signal.last.as_ref().is_some_and(|(_, s)| s.reading.value().is_some())
        }
    };
    cockpit.until("figures from the server", from(Origin::Prometheus)).await;
    cockpit.until("where it fails", |s| s.places.get(s.now, Topic::Errors, Dimension::Host).is_some()).await;
    let host =
        cockpit.state.places.get(cockpit.state.now, Topic::Errors, Dimension::Host).unwrap().parts[0].name.clone();
    assert_eq!(host, target);
    // A server that has just begun knows nothing yet, and the targets may have helped out before.
    let before = cockpit.state.signals.seams.len();
    server.stop();
    let gone = cockpit.state.now.wall;
    cockpit.until("figures from the targets", from(Origin::Scrape)).await;
    let took = cockpit.state.now.wall - gone;
    assert!(took <= 2_000 + 500, "{took} ms for an interval of one second");
    cockpit.until("it is said", |s| s.verdict.findings.iter().any(|f| f.rule.word() == "prometheus_away")).await;
    assert_eq!(cockpit.state.signals.seams.len(), before + 1);
    let away = cockpit.state.now.wall + 6_000;
    cockpit.until("a while", move |s| s.now.wall > away).await;
    server.again().await;
    cockpit.until("figures from the server again", from(Origin::Prometheus)).await;
    assert_eq!(cockpit.state.signals.seams.len(), before + 2);
    // What the targets told meanwhile stays on the curve: the server itself has nothing of it.
    let points: Vec<i64> = cockpit
        .state
        .signals
        .get("error_rate_1m")
        .unwrap()
        .series
        .since(gone)
        .filter(|p| p.value.is_some())
        .map(|p| p.at)
        .collect();
    assert!(points.iter().filter(|at| **at < away).count() >= 4, "{gone} {points:?}");
}
