//! Sources against servers that hang, lie, drown and die: each is one reason, soon, and the others stay live.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cabina::bus::Bus;
use cabina::engine;
use cabina::engine::State;
use cabina::engine::settings::CheckSpec;
use cabina::engine::state::Mode;
use cabina::model::health::Outcome;
use cabina::model::health::Probe;
use cabina::model::health::Status;
use cabina::model::signal::Absence;
use cabina::sources;
use cabina::sources::check::Checker;
use cabina::sources::http::Clients;
use tokio::net::TcpListener;

use crate::support::fault::Fault;
use crate::support::fault::Manner;
use crate::support::fault::answer;
use crate::support::free_port;
use crate::support::settings;

/// Probes the only check of a configuration once.
async fn probe(config: &str) -> Probe {
    let (settings, secrets) = settings(config);
    let clients = Arc::new(Clients::new(&settings, &secrets));
    let spec: CheckSpec = settings.checks[0].clone();
    Checker::new(spec, &clients, &secrets).probe().await
}

fn check(ask: &str, more: &str) -> String {
    format!("[[health]]\nname = \"x\"\n{ask}\ntimeout = \"1s\"\n{more}\n")
}

fn why(probe: &Probe) -> String {
    match &probe.outcome {
        Outcome::Absent(why) => why.word().to_owned(),
        Outcome::Unexpected(seen, wanted) => format!("{seen}; {wanted}"),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn cookies_are_a_checks_own() {
    let server = Fault::start(answer(200, "text/plain", "ok")).await;
    let config = check(&format!("http = \"{}/\"", server.url), "");
    let (settings, secrets) = settings(&config);
    let clients = Arc::new(Clients::new(&settings, &secrets));
    let mut checker = Checker::new(settings.checks[0].clone(), &clients, &secrets);
    server.on(
        "/",
        Manner::Say(b"HTTP/1.1 200 OK\r\nSet-Cookie: sessionid=abc; Path=/\r\nContent-Length: 2\r\n\r\nok".to_vec()),
    );
    checker.probe().await;
    checker.probe().await;
    let mut other = Checker::new(settings.checks[0].clone(), &clients, &secrets);
    other.probe().await;
    let seen = server.seen();
    let with = seen.iter().filter(|r| r.to_lowercase().contains("cookie: sessionid=abc")).count();
    assert_eq!((seen.len(), with), (3, 1), "{seen:#?}");
}

#[tokio::test]
async fn http_checks_hold_answers_against_expectations() {
    let server = Fault::start(answer(200, "application/json", "{\"status\":\"ok\",\"db\":{\"lag\":3}}")).await;
    let url = &server.url;
    let good = "expect = [\"status == 200\", \"body contains ok\", \"json $.status == ok\", \"json $.db.lag < 10\", \"latency < 900ms\"]";
    let p = probe(&check(&format!("http = \"{url}/\""), good)).await;
    assert_eq!(p.outcome, Outcome::Good, "{p:?}");
    for (expect, says) in [
        ("status == 204", "HTTP 200; status == 204"),
        ("body contains nope", "body contains \"nope\""),
        ("json $.db.lag > 10", "$.db.lag = 3"),
        ("json $.gone == 1", "no $.gone"),
    ] {
        let p = probe(&check(&format!("http = \"{url}/\""), &format!("expect = [\"{expect}\"]"))).await;
        assert!(why(&p).contains(says), "{expect}: {p:?}");
    }
    let p = probe(&check(&format!("http = \"{url}/\""), "expect = [\"latency > 5s\"]")).await;
    assert!(matches!(p.outcome, Outcome::Slow(..)), "a broken latency is slow, not down: {p:?}");
}

#[tokio::test]
async fn a_server_that_misbehaves_is_one_reason() {
    let server = Fault::start(answer(200, "text/plain", "ok")).await;
    server.on("/hang", Manner::Hang);
    server.on("/close", Manner::Close);
    server.on("/500", answer(500, "text/html", "<h1>boom</h1>"));
    server.on("/302", Manner::Say(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".to_vec()));
    server.on("/cut", Manner::CutOff(b"{\"a\"".to_vec(), 500));
    server.on("/smtp", Manner::Say(b"220 mail.example ESMTP\r\n".to_vec()));
    for (path, says) in
        [("/hang", "timeout"), ("/close", "broken"), ("/500", "status"), ("/302", "status"), ("/cut", "broken")]
    {
        let p = probe(&check(&format!("http = \"{}{path}\"", server.url), "")).await;
        assert_eq!(why(&p), says, "{path}: {p:?}");
    }
    let p = probe(&check(&format!("http = \"{}/smtp\"", server.url), "")).await;
    assert!(p.outcome.failed(), "{p:?}");
    let p = probe(&check(&format!("http = \"http://127.0.0.1:{}\"", free_port()), "")).await;
    assert_eq!(why(&p), "refused");
    let p = probe(&check("http = \"http://no-such-host.invalid/\"", "")).await;
    assert_eq!(why(&p), "dns");
    let p = probe(&check(&format!("http = \"{}/html\"", server.url), "expect = [\"json $.a == 1\"]")).await;
    assert!(why(&p).contains("no JSON"), "{p:?}");
}

#[tokio::test]
async fn fifty_megabytes_are_not_read() {
    let server = Fault::start(Manner::Drown(50_000_000)).await;
    let p = probe(&check(&format!("http = \"{}/\"", server.url), "expect = [\"body contains zzz\"]")).await;
    assert!(p.outcome.failed(), "{p:?}");
    let config = format!("[[scrape]]\nurl = \"{}/metrics\"\nevery = \"1s\"\n", server.url);
    let state = once(&config).await;
    assert_eq!(state.sources.all[0].problem.as_ref().map(Absence::word), Some("too_large"));
}

#[tokio::test]
async fn tcp_dns_and_command_checks() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(probe(&check(&format!("tcp = \"127.0.0.1:{port}\""), "")).await.outcome, Outcome::Good);
    drop(listener);
    assert_eq!(why(&probe(&check(&format!("tcp = \"127.0.0.1:{port}\""), "")).await), "refused");
    assert_eq!(probe(&check("dns = \"localhost\"", "")).await.outcome, Outcome::Good);
    assert_eq!(why(&probe(&check("dns = \"no-such-host.invalid\"", "")).await), "dns");
    let p = probe(&check("command = \"echo all is well\"", "")).await;
    assert_eq!((p.outcome, p.detail.as_str()), (Outcome::Good, "all is well"));
    let p = probe(&check("command = \"printf 'no \\\\033[31mway' >&2; exit 3\"", "")).await;
    assert_eq!(p.outcome, Outcome::Absent(Absence::Failed("exit 3: no [31mway".to_owned())));
    let p = probe(&check("command = \"seq 1 100000\"", "")).await;
    assert_eq!(p.outcome, Outcome::Good, "a command may say more than is kept");
    assert_eq!(
        why(&probe(
            &check("command = \"sleep 60 & sleep 60\"", "timeout = \"200ms\"").replace("timeout = \"1s\"\n", "")
        )
        .await),
        "timeout"
    );
}

/// A TLS server with a certificate of our own making.
async fn tls_server(days: i64, name: &str) -> (u16, String) {
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let now = std::time::SystemTime::now();
    let at = |days: i64| {
        let span = Duration::from_secs(days.unsigned_abs() * 86_400 + 3_600);
        if days < 0 { now - span } else { now + span }
    };
    params.not_before = at(-400).into();
    params.not_after = at(days).into();
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                use tokio::io::AsyncReadExt as _;
                use tokio::io::AsyncWriteExt as _;
                let Ok(mut tls) = acceptor.accept(stream).await else {
                    return;
                };
                let mut buffer = [0u8; 2048];
                while tls.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                    let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                }
            });
        }
    });
    (port, cert.pem())
}

#[tokio::test]
async fn certificates_are_read_even_when_they_have_expired() {
    let folder = tempfile::tempdir().unwrap();
    let trust = |pem: &str| {
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, pem).unwrap();
        format!("ca_file = \"{}\"", file.display())
    };
    let (port, pem) = tls_server(40, "localhost").await;
    let p = probe(&check(
        &format!("tls = \"localhost:{port}\""),
        &format!("expect = [\"cert_days > 14\"]\n{}", trust(&pem)),
    ))
    .await;
    assert_eq!((p.outcome, p.cert_days, p.cert_soon), (Outcome::Good, Some(40), false));
    let ask = format!("http = \"https://localhost:{port}/\"");
    let p = probe(&check(&ask, &format!("expect = [\"status == 200\", \"cert_days > 90\"]\n{}", trust(&pem)))).await;
    assert_eq!((p.outcome, p.cert_days, p.cert_soon), (Outcome::Good, Some(40), true), "soon is no failure");
    let (port, pem) = tls_server(-3, "localhost").await;
    let p = probe(&check(&format!("tls = \"localhost:{port}\""), &trust(&pem))).await;
    assert_eq!(p.cert_days, Some(-3), "{p:?}");
    assert_eq!(p.outcome, Outcome::Absent(Absence::Tls("the certificate has expired".to_owned())));
    let p = probe(&check(&format!("http = \"https://localhost:{port}/\""), &trust(&pem))).await;
    assert_eq!((p.cert_days, why(&p).as_str()), (Some(-3), "tls"), "{p:?}");
    let (port, pem) = tls_server(40, "elsewhere.example").await;
    let p = probe(&check(&format!("tls = \"localhost:{port}\""), &trust(&pem))).await;
    assert_eq!(p.outcome, Outcome::Absent(Absence::Tls("the certificate is for another name".to_owned())));
    let (port, _) = tls_server(40, "localhost").await;
    let p = probe(&check(&format!("tls = \"localhost:{port}\""), "")).await;
    assert!(format!("{:?}", p.outcome).contains("does not trust"), "{p:?}");
    let plain = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = plain.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            use tokio::io::AsyncWriteExt as _;
            let _ = stream.write_all(b"220 mail.example ESMTP ready\r\n").await;
        }
    });
    let p = probe(&check(&format!("tls = \"127.0.0.1:{port}\""), "")).await;
    assert_eq!(why(&p), "tls", "{p:?}");
}

/// Looks once at everything of a configuration.
async fn once(config: &str) -> State {
    let (settings, secrets) = settings(config);
    let (bus, mut events) = Bus::new();
    let mut state = State::new(settings, Mode::Once, cabina::bus::now());
    let reins = sources::spawn(&state.settings, &secrets, &bus, sources::Manner::Once);
    drop(bus);
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_secs(30), events.recv()).await {
        engine::update(&mut state, event);
    }
    drop(reins);
    state
}

fn prometheus(url: &str) -> String {
    format!("[prometheus]\nurl = \"{url}\"\ntimeout = \"1s\"\n")
}

#[tokio::test]
async fn a_prometheus_that_lies_is_one_sentence() {
    let server = Fault::start(Manner::Close).await;
    let vector = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}";
    for (manner, says) in [
        (answer(200, "text/html", "<html>login</html>"), "malformed"),
        (answer(200, "application/json", "<html>"), "malformed"),
        (answer(200, "application/json", "{\"status\":\"success\",\"data\":{\"resultT"), "malformed"),
        (answer(200, "application/json", "{\"status\":\"success\",\"data\":null}"), "malformed"),
        (answer(500, "text/plain", "boom"), "status"),
        (answer(401, "text/plain", "no"), "denied"),
        (answer(302, "text/plain", ""), "status"),
        (Manner::Hang, "timeout"),
        (Manner::Close, "broken"),
        (Manner::CutOff(vector.as_bytes().to_vec(), 9_000), "broken"),
        (Manner::Drown(40_000_000), "too_large"),
    ] {
        server.on("/", manner);
        let state = once(&prometheus(&server.url)).await;
        let source = &state.sources.all[0];
        assert_eq!(source.problem.as_ref().map(Absence::word), Some(says), "{source:?}");
        assert_eq!(state.verdict.level.word(), "UNKNOWN", "what cannot be read is not OK");
    }
}

#[tokio::test]
async fn what_prometheus_refuses_or_warns_of_is_shown() {
    let vector = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1700000000,\"200\"]}]},\"warnings\":[\"partial \\u001b[31m data\"]}";
    let server = Fault::start(answer(200, "application/json", vector)).await;
    let refusal = "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error at char 3\"}";
    server.on("/api/v1/query?query=broken", answer(400, "application/json", refusal));
    let config = format!("{}[[signal]]\nname = \"own\"\nquery = \"broken\"\n", prometheus(&server.url));
    let state = once(&config).await;
    assert_eq!(state.sources.all[0].problem, None, "a refused query is the matter of one signal");
    assert_eq!(state.sources.all[0].notes[0], "partial [31m data");
    let own = state.signals.get("own").unwrap();
    let reading = &own.last.as_ref().unwrap().1.reading;
    assert_eq!(format!("{reading:?}"), "Absent(Refusal(\"parse error at char 3\"))");
}

#[tokio::test]
async fn credentials_go_where_they_belong_and_nowhere_else() {
    let server = Fault::start(answer(200, "application/json", "{}")).await;
    let config = format!(
        "{}bearer_token = \"tok-123456\"\nheaders = {{ X-Scope-OrgID = \"tenant\" }}\n[[health]]\nname = \"b\"\nhttp = \"{}/b\"\nbasic_auth = \"me:pass-word\"\n",
        prometheus(&server.url),
        server.url
    );
    let state = once(&config).await;
    let seen = server.seen().join("\n").to_lowercase();
    assert!(seen.contains("authorization: bearer tok-123456") && seen.contains("x-scope-orgid: tenant"), "{seen}");
    assert!(seen.contains("authorization: basic bwu6cgfzcy13b3jk"), "{seen}");
    let everything = format!("{state:?}");
    assert!(!everything.contains("tok-123456") && !everything.contains("pass-word"), "a secret is in the state");
}

#[tokio::test]
async fn a_check_that_dies_and_comes_back() {
    let port = free_port();
    let config = format!(
        "[[health]]\nname = \"x\"\nhttp = \"http://127.0.0.1:{port}/\"\nevery = \"1s\"\nfail_after = 2\nrecover_after = 1\ntimeout = \"500ms\"\n\
         [[health]]\nname = \"steady\"\ndns = \"localhost\"\nevery = \"1s\"\n"
    );
    let (settings, secrets) = settings(&config);
    let (bus, mut events) = Bus::new();
    let mut state = State::new(settings, Mode::Cockpit, cabina::bus::now());
    let reins = sources::spawn(&state.settings, &secrets, &bus, sources::Manner::Always);
    let mut fold = async |state: &mut State, wanted: Status| {
        let folding = async {
            while state.checks.get("x").unwrap().status != wanted {
                let event = events.recv().await.unwrap();
                engine::update(state, event);
                // Nobody waits for the interval.
                reins.poll_now();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), folding)
            .await
            .unwrap_or_else(|_| panic!("never {wanted:?}: {:?}", state.checks));
    };
    fold(&mut state, Status::Down).await;
    let server = Fault::start_at(port, answer(200, "text/plain", "ok"));
    fold(&mut state, Status::Up).await;
    server.on("/", Manner::Hang);
    fold(&mut state, Status::Down).await;
    assert_eq!(state.checks.get("steady").unwrap().status, Status::Up, "the others stay live");
    drop(server);
}

#[tokio::test]
async fn a_malformed_line_of_a_scrape_is_said_and_the_rest_is_used() {
    let body = |n: u32| format!("http_requests_total{{status=\"200\"}} {n}\nhttp_requests_total this is no sample\n");
    let server = Fault::start(answer(200, "text/plain; version=0.0.4", &body(100))).await;
    let config = format!("[[scrape]]\nurl = \"{}/metrics\"\n", server.url);
    let state = once(&config).await;
    assert!(state.sources.all[0].notes[0].contains("1 lines not understood; line 2"), "{:?}", state.sources.all[0]);
    assert_eq!(state.sources.all[0].problem, None);
    server.on("/", answer(200, "text/plain", "{\"status\": \"not what you think\"}"));
    let state = once(&config).await;
    assert!(state.sources.all[0].notes[0].contains("line 1"), "{:?}", state.sources.all[0]);
    server.on("/", answer(200, "text/html", "<html>login</html>"));
    let state = once(&config).await;
    assert_eq!(state.sources.all[0].problem.as_ref().map(Absence::word), Some("malformed"));
}

#[tokio::test]
async fn a_session_table_in_sqlite() {
    use sqlx::ConnectOptions as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.sqlite3");
    let mut c =
        sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text, expire_date datetime);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
         INSERT INTO django_session SELECT 'old' || i, 'x', strftime('%Y-%m-%d %H:%M:%f', 'now', '-2 hours') FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
         INSERT INTO django_session SELECT 'new' || i, 'x', strftime('%Y-%m-%d %H:%M:%f', 'now', '+14 days', '-10 seconds') FROM n",
    )
    .execute(&mut c)
    .await
    .unwrap();
    let url = |path: &Path| format!("[sessions]\nurl = \"sqlite://{}\"\n", path.display());
    let state = once(&url(&file)).await;
    let m = &state.sessions.table.last.as_ref().unwrap_or_else(|| panic!("{:?}", state.sessions.problem)).1;
    assert_eq!((m.rows.n, m.rows.exact), (530, true));
    assert_eq!(m.renewed_per_min, Some(30.0));
    assert_eq!(m.expired.map(|r| r.n), Some(500));
    assert!(state.sessions.table.sweep_age().is_some_and(|age| (7_100_000..7_400_000).contains(&age)));
    let state = once(&url(&folder.path().join("gone.sqlite3"))).await;
    assert!(format!("{:?}", state.sessions.problem).contains("cannot be opened"), "{:?}", state.sessions.problem);
    let state = once(&format!("{}table = \"nope\"\n", url(&file))).await;
    assert!(format!("{:?}", state.sessions.problem).contains("no such table"), "{:?}", state.sessions.problem);
}

/// A log that is watched once a second.
async fn log(config: &str, wanted: impl Fn(Option<f64>, &str) -> bool, mut meanwhile: impl AsyncFnMut(usize)) {
    let (settings, secrets) = settings(config);
    let (bus, mut events) = Bus::new();
    let mut state = State::new(settings, Mode::Cockpit, cabina::bus::now());
    let reins = sources::spawn(&state.settings, &secrets, &bus, sources::Manner::Always);
    let watching = async {
        for step in 0.. {
            let event = events.recv().await.unwrap();
            engine::update(&mut state, event);
            let Some((_, sample)) = state.signals.get("errors").unwrap().last.clone() else { continue };
            let last = sample.worst.clone().unwrap_or_else(|| format!("{:?}", sample.reading));
            if wanted(sample.reading.value(), &last) {
                return;
            }
            meanwhile(step).await;
            reins.poll_now();
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), watching).await;
    assert!(ended.is_ok(), "{:?}", state.signals.get("errors").unwrap().last);
}

#[tokio::test]
async fn a_file_is_followed_through_its_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.log");
    std::fs::write(&file, "CRITICAL this is the past\n").unwrap();
    let config = format!(
        "[[log]]\nname = \"errors\"\nfile = \"{}\"\nmatch = \"CRITICAL|Traceback\"\nevery = \"1s\"\n",
        file.display()
    );
    let add = |text: &str| {
        use std::io::Write as _;
        std::fs::OpenOptions::new().append(true).create(true).open(&file).unwrap().write_all(text.as_bytes()).unwrap();
    };
    let moved = folder.path().join("app.log.1");
    let steps = async |step: usize| match step {
        0 => add("INFO fine\nCRITICAL one \u{1b}[31mred\n"),
        1 => {
            // Rotated, with a last line in the old file, then a burst in the new one.
            std::fs::rename(&file, &moved).unwrap();
            std::fs::OpenOptions::new().append(true).open(&moved).unwrap();
            std::fs::write(&moved, std::fs::read_to_string(&moved).unwrap() + "CRITICAL two, late\n").unwrap();
            add(&"Traceback (most recent call last)\n".repeat(10_000));
        }
        2 => {
            // Cut to nothing, as `truncate` does.
            std::fs::write(&file, "").unwrap();
            add("CRITICAL after the cut\n");
        }
        _ => {}
    };
    log(&config, |n, last| n == Some(10_003.0) && last == "CRITICAL after the cut", steps).await;
}

#[tokio::test]
async fn lines_of_a_command_and_a_command_that_dies() {
    let config = |line: &str| {
        format!("[[log]]\nname = \"errors\"\ncommand = \"{line}\"\nmatch = \"CRITICAL\"\nevery = \"1s\"\n")
    };
    // What it prints at once is its past.
    let line = "echo CRITICAL old; sleep 0.6; while :; do echo CRITICAL new; sleep 0.2; done";
    log(&config(line), |n, last| n.is_some_and(|n| n >= 3.0) && last == "CRITICAL new", async |_| ()).await;
    let line = "sleep 0.1; echo no journal here >&2; exit 3";
    log(&config(line), |n, last| n.is_none() && last.contains("ended with 3: no journal here"), async |_| ()).await;
    let missing = "[[log]]\nname = \"errors\"\nfile = \"/nowhere/x.log\"\nmatch = \"x\"\nevery = \"1s\"\n";
    log(missing, |n, last| n.is_none() && last.contains("not there"), async |_| ()).await;
}

#[tokio::test]
async fn an_alertmanager_that_lies_is_one_sentence_and_the_others_stay_live() {
    let server = Fault::start(Manner::Close).await;
    let good = Fault::start(answer(200, "text/plain", "ok")).await;
    let label = "x".repeat(10 * 1024 * 1024);
    let huge = format!("[{{\"labels\":{{\"alertname\":\"Huge\",\"severity\":\"critical\",\"x\":\"{label}\"}}}}]");
    let config = format!(
        "[[alertmanager]]\nurl = \"{}\"\ntimeout = \"2s\"\n[[health]]\nname = \"API\"\nhttp = \"{}/\"\n",
        server.url, good.url
    );
    for (manner, says) in [
        (answer(200, "text/html", "<html>login</html>"), "malformed"),
        (answer(500, "application/json", "{}"), "status"),
        (answer(404, "application/json", "{}"), "status"),
        (answer(401, "text/plain", "no"), "denied"),
        (answer(200, "application/json", "[{\"labels\":{\"alertname\":\"a"), "malformed"),
        (answer(200, "application/json", "{\"status\":\"success\",\"data\":[]}"), "malformed"),
        (answer(200, "application/json", "null"), "malformed"),
        (answer(302, "text/html", ""), "status"),
        (Manner::CutOff(b"[".to_vec(), 1_000), "broken"),
        (Manner::Drown(64 * 1024 * 1024), "too_large"),
        (Manner::Hang, "timeout"),
    ] {
        server.on("/", manner);
        let state = once(&config).await;
        let source = state.sources.get("alertmanager").unwrap();
        assert_eq!(source.problem.as_ref().map(Absence::word), Some(says));
        assert_eq!(state.checks.get("API").unwrap().status, Status::Up, "{says}");
        let blind: Vec<&str> = state.verdict.blind.iter().map(|f| f.rule.word()).collect();
        assert_eq!(blind, ["blind_alerts"], "{says}");
    }
    server.on("/", answer(200, "application/json", "[]"));
    server.on("/api/v2/alerts", answer(200, "application/json", &huge));
    let state = once(&config).await;
    assert_eq!(state.alerts.all[0].labels["x"].len(), 4_096, "a huge label is cut");
    // Of large answers one is held at a time: neither waits for the other.
    let padded = format!("[{}]", " ".repeat(6 * 1024 * 1024));
    server.on("/api/v2/silences", answer(200, "application/json", &padded));
    let state = once(&config).await;
    assert_eq!(state.sources.get("alertmanager").unwrap().problem, None);
}
