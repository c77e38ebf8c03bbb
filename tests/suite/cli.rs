//! The command line from outside: exit codes, JSON, sentences.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::support::fault::Fault;
use crate::support::fault::Manner;
use crate::support::fault::answer;
use crate::support::free_port;

fn cabina(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cabina"));
    command.args(args).env("LANG", "en_US.UTF-8").env_remove("CABINA_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

async fn run(args: &[&str]) -> Output {
    cabina(args).output().await.unwrap()
}

fn code(out: &Output) -> i32 {
    out.status.code().unwrap()
}

fn stdout(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn stderr(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Runs `check --json` on a configuration; returns the exit code and the answer.
async fn check(config: &str) -> (i32, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cabina.toml");
    std::fs::write(&file, config).unwrap();
    let out = run(&["check", "--json", "--config", file.to_str().unwrap()]).await;
    let answer =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}\n{}\n{}", stdout(&out), stderr(&out)));
    (code(&out), answer)
}

fn health(url: &str, more: &str) -> String {
    format!(
        "environment = \"production\"\n[[health]]\nname = \"API\"\nhttp = \"{url}/\"\ncritical = true\nfail_after = 2\ntimeout = \"500ms\"\n{more}"
    )
}

#[tokio::test]
async fn check_follows_the_contract() {
    let server = Fault::start(answer(200, "application/json", "{\"status\":\"ok\"}")).await;
    let (code, a) = check(&health(&server.url, "")).await;
    assert_eq!((code, &a["severity"]["level"]), (0, &Value::from("OK")));
    assert_eq!(a["schema"], 1);
    assert_eq!(a["environment"], "production");
    assert!(
        chrono::DateTime::parse_from_rfc3339(a["at"].as_str().unwrap()).is_ok()
            && a["at"].as_str().unwrap().ends_with('Z')
    );
    let h = &a["health"][0];
    assert_eq!((h["name"].as_str(), h["state"].as_str(), &h["blocked_by"]), (Some("API"), Some("up"), &Value::Null));
    assert!(h["latency_ms"].is_number() && h["detail"].is_string() && h["critical"] == true);
    assert_eq!(a["sessions"], Value::Null);
    for key in ["signals", "alerts", "runbooks"] {
        assert!(a[key].is_array(), "{key}");
    }
    let s = &a["signals"][0];
    assert_eq!(
        (s["name"].as_str(), &s["value"], s["unit"].as_str()),
        (Some("error_rate"), &Value::Null, Some("ratio"))
    );
    assert_eq!((s["state"].as_str(), s["reason"].is_string()), (Some("unknown"), true));
}

#[tokio::test]
async fn the_exit_code_is_the_level() {
    let server = Fault::start(answer(503, "text/plain", "no")).await;
    let (exit, a) = check(&health(&server.url, "")).await;
    assert_eq!((exit, a["severity"]["level"].as_str()), (1, Some("SEV3")), "{a}");
    assert_eq!(a["health"][0]["state"], "down", "tried fail_after times");
    let reason = &a["severity"]["reasons"][0];
    assert_eq!((reason["rule"].as_str(), reason["signal"].as_str()), (Some("check_down_uncorroborated"), Some("API")));
    assert!(reason["since"].is_string() && reason["text"].as_str().is_some_and(|t| t.contains("API")));
    let dead = format!("[prometheus]\nurl = \"http://127.0.0.1:{}\"\n", free_port());
    let (exit, a) = check(&health(&server.url, &dead)).await;
    assert_eq!((exit, a["severity"]["level"].as_str()), (3, Some("UNKNOWN")), "{a}");
    assert_eq!(a["severity"]["blind"][0], "metrics");
    let vector = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1700000000,\"9000\"]}]}}";
    let own = Fault::start(answer(200, "application/json", vector)).await;
    let config = format!(
        "[prometheus]\nurl = \"{}\"\n[[signal]]\nname = \"queue\"\nquery = \"q\"\ncritical = {{ above = 5000 }}\n",
        own.url
    );
    let (exit, a) = check(&config).await;
    let queue = a["signals"].as_array().unwrap().iter().find(|s| s["name"] == "queue").unwrap();
    assert_eq!((queue["state"].as_str(), queue["value"].as_f64()), (Some("critical"), Some(9000.0)), "{a}");
    assert_eq!(exit, 2, "{a}");
}

#[tokio::test]
async fn a_check_that_hangs_does_not_hang_the_command() {
    let server = Fault::start(Manner::Hang).await;
    let start = tokio::time::Instant::now();
    let (exit, a) = check(&health(&server.url, "")).await;
    assert_eq!((exit, a["health"][0]["state"].as_str()), (1, Some("down")));
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
}

#[tokio::test]
async fn a_wrong_configuration_is_told_whole_with_78() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cabina.toml");
    std::fs::write(&file, "servise = \"x\"\n[[health]]\nname = \"a\"\nevery = \"1\"\n").unwrap();
    for command in [&["check"][..], &["doctor"]] {
        let out = cabina(command).arg("--config").arg(&file).output().await.unwrap();
        assert_eq!(code(&out), 78);
        let said = stderr(&out);
        assert!(said.contains(":1: servise: is not a known key; did you mean service?"), "{said}");
        assert!(said.contains(":2: health[0]: says not what to ask") && said.contains(":4: health[0].every"), "{said}");
    }
    let out = run(&["check", "--config", "/nonexistent.toml"]).await;
    assert_eq!(code(&out), 78);
    let out = cabina(&["check"]).current_dir(folder.path().parent().unwrap()).output().await.unwrap();
    assert_eq!(code(&out), 78);
    assert!(stderr(&out).contains("cabina init") && stderr(&out).contains("cabina demo"), "{}", stderr(&out));
}

#[tokio::test]
async fn wrong_usage_is_64_and_help_is_not() {
    for args in [&["nonsense"][..], &["check", "--wait", "5M"], &["scrape"], &["demo", "opera"]] {
        assert_eq!(code(&run(args).await), 64, "{args:?}");
    }
    assert_eq!(code(&run(&["--help"]).await), 0);
    assert_eq!(code(&run(&["--version"]).await), 0);
}

#[tokio::test]
async fn a_section_that_is_not_there_yet_is_one_warning() {
    let server = Fault::start(answer(200, "text/plain", "ok")).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(
        &file,
        health(
            &server.url,
            "[[notify]]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n[cadence]\nsev1 = \"15m\"\n",
        ),
    )
    .unwrap();
    let out = run(&["check", "--config", file.to_str().unwrap()]).await;
    assert_eq!(code(&out), 0);
    let warnings: Vec<String> = stderr(&out).lines().map(str::to_owned).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("[[notify]], [cadence]"), "{warnings:?}");
}

async fn scrape_stdin(body: &[u8], more: &[&str]) -> (i32, Value) {
    let mut command = cabina(&["scrape", "-"]);
    let mut child =
        command.args(more).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(body).await.unwrap();
    let out = child.wait_with_output().await.unwrap();
    (code(&out), serde_json::from_slice(&out.stdout).unwrap())
}

#[tokio::test]
async fn scrape_prints_what_was_read_and_what_was_not() {
    let (code, a) = scrape_stdin(b"a{path=\"/u/{id}\"} NaN 1700000000000\nbroken\nb +Inf\n", &[]).await;
    assert_eq!(code, 1);
    assert_eq!(a["schema"], 1);
    assert_eq!(a["samples"][0]["labels"]["path"], "/u/{id}");
    assert_eq!(
        (a["samples"][0]["value"].as_str(), a["samples"][0]["timestamp_ms"].as_i64()),
        (Some("NaN"), Some(1_700_000_000_000))
    );
    assert_eq!((a["samples"][1]["value"].as_str(), &a["samples"][1]["timestamp_ms"]), (Some("+Inf"), &Value::Null));
    assert_eq!(a["problems"][0]["line"], 2);
    let (code, a) = scrape_stdin(b"a_total 1 1700000000.5\n# EOF\n", &["--json"]).await;
    assert_eq!(
        (code, a["samples"][0]["timestamp_ms"].as_i64()),
        (0, Some(1_700_000_000_500)),
        "# EOF makes it OpenMetrics"
    );
    // What it is its last line says, however far away that is: more than what a pipe is held in memory.
    let mut long = b"# TYPE a counter\n".to_vec();
    (0..90_000).for_each(|n| {
        long.extend_from_slice(format!("a_total{{path=\"/a/path/of/ours/{n}\"}} 1 1700000000.5\n").as_bytes());
    });
    let (code, cut) = scrape_stdin(&long, &["--format", "openmetrics"]).await;
    assert_eq!((code, cut["problems"].as_array().unwrap().len()), (1, 1), "cut off");
    long.extend_from_slice(b"# EOF\n");
    assert!(long.len() > 4 * 1024 * 1024);
    let (code, a) = scrape_stdin(&long, &[]).await;
    assert_eq!((code, a["samples"].as_array().unwrap().len(), &a["problems"]), (0, 90_000, &json!([])));
    assert_eq!(a["samples"][89_999]["timestamp_ms"], 1_700_000_000_500i64);
    let (code, _) = scrape_stdin(b"a 1 1700000000.5\n", &["--format", "text"]).await;
    assert_eq!(code, 1);
    let server = Fault::start(answer(200, "text/plain; version=0.0.4", "up 1\n")).await;
    let out = run(&["scrape", &server.url]).await;
    assert_eq!(code_of(&out), (0, "up"));
    let out = run(&["scrape", "/nonexistent"]).await;
    assert_eq!(out.status.code(), Some(1));
}

fn code_of(out: &Output) -> (i32, &'static str) {
    let a: Value = serde_json::from_slice(&out.stdout).unwrap();
    (code(out), if a["samples"][0]["name"] == "up" { "up" } else { "?" })
}

#[tokio::test]
async fn init_writes_once_and_what_it_writes_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let at = |args: &[&str]| {
        let mut c = cabina(args);
        c.current_dir(folder.path());
        c
    };
    let out = at(&["init"]).output().await.unwrap();
    assert_eq!(code(&out), 0, "{}", stderr(&out));
    let written = std::fs::read_to_string(folder.path().join("cabina.toml")).unwrap();
    assert!(written.contains("[[health]]") && written.contains("# "), "{written}");
    let out = at(&["init"]).output().await.unwrap();
    assert_ne!(code(&out), 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("cabina.toml")).unwrap(), written, "never overwritten");
    let out = at(&["check"]).env("DB_PASSWORD", "x").output().await.unwrap();
    assert_ne!(code(&out), 78, "{}", stderr(&out));
}

#[tokio::test]
async fn doctor_explains_and_never_shows_a_secret() {
    let server = Fault::start(answer(200, "text/plain", "ok")).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let more = format!(
        "basic_auth = \"me:${{API_PASSWORD}}\"\n[sessions]\nurl = \"mysql://reader:${{DB_PASSWORD}}@127.0.0.1:{}/app\"\n",
        free_port()
    );
    std::fs::write(&file, health(&server.url, &more)).unwrap();
    for args in [&["doctor"][..], &["doctor", "--json"], &["check", "--json"], &["check"]] {
        let out = cabina(args)
            .arg("--config")
            .arg(&file)
            .env("DB_PASSWORD", "s3cr3t-db!")
            .env("API_PASSWORD", "s3cr3t-api")
            .output()
            .await
            .unwrap();
        let all = stdout(&out) + &stderr(&out);
        for secret in ["s3cr3t-db!", "s3cr3t-db%21", "s3cr3t-api"] {
            assert!(!all.contains(secret), "{args:?} shows a secret\n{all}");
        }
        if args == ["doctor"] {
            assert_eq!(code(&out), 1, "one connection fails\n{all}");
            assert!(all.contains("health[0].every") && all.contains("(default)") && all.contains("(line 3)"), "{all}");
            assert!(all.contains("FAIL session table") && all.contains("connection refused"), "{all}");
            assert!(all.contains("requests a minute"), "{all}");
        }
    }
}

#[tokio::test]
async fn completions_and_the_manual_page() {
    let out = run(&["completions", "bash"]).await;
    assert!(code(&out) == 0 && stdout(&out).contains("_cabina"), "{}", stdout(&out));
    let out = run(&["man"]).await;
    assert!(code(&out) == 0 && stdout(&out).contains(".TH cabina"), "{}", stdout(&out));
}

#[tokio::test]
async fn every_fixture_of_the_configuration_is_taken() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/whole.toml");
    let out = cabina(&["doctor", "--json", "--config"]).arg(path).env("DB_PASSWORD", "x").output().await.unwrap();
    assert_ne!(code(&out), 78, "{}", stderr(&out));
}

/// A server that says this to the first request and that to every later one.
async fn first_then(first: Manner, then: Manner) -> Fault {
    let server = Fault::start(then).await;
    server.once(first);
    server
}

#[tokio::test]
async fn what_a_second_try_mends_is_mended() {
    let server = first_then(answer(503, "text/plain", "no"), answer(200, "text/plain", "ok")).await;
    let (exit, a) = check(&health(&server.url, "")).await;
    assert_eq!((exit, a["severity"]["level"].as_str()), (0, Some("OK")), "{a}");
}

#[tokio::test]
async fn a_check_may_be_called_like_a_source() {
    let server = Fault::start(Manner::Hang).await;
    let config = format!(
        "[prometheus]\nurl = \"{}\"\ntimeout = \"500ms\"\n[[health]]\nname = \"prometheus\"\ndns = \"localhost\"\n",
        server.url
    );
    let (exit, a) = check(&config).await;
    assert_eq!((exit, a["severity"]["level"].as_str()), (3, Some("UNKNOWN")), "{a}");
}

#[tokio::test]
async fn nothing_to_look_at_is_not_ok() {
    let (exit, a) = check("service = \"x\"\n").await;
    assert_eq!((exit, a["severity"]["level"].as_str()), (3, Some("UNKNOWN")), "{a}");
}

#[tokio::test]
async fn a_look_too_short_for_any_answer_is_unknown() {
    let server = Fault::start(Manner::Hang).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let prometheus = format!("[prometheus]\nurl = \"{}\"\n", server.url);
    std::fs::write(&file, health(&server.url, &prometheus).replace("500ms", "5s")).unwrap();
    let out = run(&["check", "--wait", "300ms", "--config", file.to_str().unwrap()]).await;
    assert_eq!(code(&out), 3, "{}", stdout(&out));
}

#[tokio::test]
async fn figures_that_died_a_while_ago_are_not_current() {
    // The range still holds good points, the newest a quarter of an hour old; now there is nothing.
    let empty = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}";
    let server = Fault::start(answer(200, "application/json", empty)).await;
    let now = cabina::bus::now().wall / 1_000;
    let points: Vec<String> = (0..40).map(|i| format!("[{},\"500\"]", now - 1_500 + i * 15)).collect();
    let range = format!(
        "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{{\"metric\":{{}},\"values\":[{}]}}]}}}}",
        points.join(",")
    );
    server.on("/api/v1/query_range", answer(200, "application/json", &range));
    let (_, a) = check(&format!("[prometheus]\nurl = \"{}\"\n", server.url)).await;
    // What was bad then is the last that is known; that it may be otherwise now is said beside it.
    assert_eq!(a["severity"]["blind"][0], "metrics", "{a}");
    assert_eq!(a["signals"][0]["state"], "unknown", "{a}");
}

#[tokio::test]
async fn a_server_without_history_still_answers() {
    let one = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1700000000,\"0\"]}]}}";
    let server = Fault::start(answer(200, "application/json", one)).await;
    server.on("/api/v1/query_range", answer(403, "text/plain", "no"));
    let (exit, a) = check(&format!("[prometheus]\nurl = \"{}\"\n", server.url)).await;
    assert_eq!((exit, a["signals"][0]["reason"].as_str()), (0, Some("no_traffic")), "{a}");
}

#[tokio::test]
async fn an_error_rate_of_ones_own_is_judged_by_itself() {
    // Half of what nginx sees fails; the application itself sees nothing wrong.
    let vector = |v: &str| {
        format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{{\"metric\":{{}},\"value\":[1700000000,\"{v}\"]}}]}}}}"
        )
    };
    let server = Fault::start(answer(200, "application/json", &vector("0"))).await;
    server.on("/api/v1/query?query=nginx", answer(200, "application/json", &vector("0.5")));
    server.on(
        "/api/v1/query?query=sum%28increase%28http_requests_total%5B5m%5D%29%29",
        answer(200, "application/json", &vector("400")),
    );
    let own = |least: u32| {
        format!(
            "[prometheus]\nurl = \"{}\"\n[[signal]]\nname = \"error_rate\"\nquery = \"nginx\"\nunit = \"ratio\"\ncritical = {{ above = 0.05, min_requests = {least} }}\n",
            server.url
        )
    };
    let (exit, a) = check(&own(100)).await;
    assert_eq!((exit, a["severity"]["level"].as_str()), (2, Some("SEV1")), "{a}");
    let (exit, a) = check(&own(1_000)).await;
    assert_eq!((exit, a["severity"]["level"].as_str()), (0, Some("OK")), "400 requests are fewer than 1000: {a}");
}

#[tokio::test]
async fn a_whole_address_may_come_from_the_environment_and_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let text = "[sessions]\nurl = \"${DATABASE_URL}\"\n[[health]]\nname = \"c\"\ncommand = \"true -p${DB_PASSWORD}\"\n                [[health]]\nname = \"t\"\nhttp = \"http://127.0.0.1:9/${API_TOKEN}/x\"\ntimeout = \"100ms\"\n";
    std::fs::write(&file, text).unwrap();
    let at = |url: &str, args: &[&str]| {
        let mut c = cabina(args);
        c.arg("--config")
            .arg(&file)
            .env("DATABASE_URL", url)
            .env("DB_PASSWORD", "hunter2222")
            .env("API_TOKEN", "tok-424242");
        c
    };
    for url in ["mysql://u:s3cretpw@127.0.0.1:9/d", "oracle://u:s3cretpw@127.0.0.1:9/d"] {
        for args in [&["doctor"][..], &["check", "--json"]] {
            let out = at(url, args).output().await.unwrap();
            let all = stdout(&out) + &stderr(&out);
            for secret in ["s3cretpw", "hunter2222", "tok-424242"] {
                assert!(!all.contains(secret), "{args:?} {url}\n{all}");
            }
            assert_eq!(code(&out) == 78, url.starts_with("oracle"), "{all}");
        }
    }
    let out = run(&["scrape", "http://bob:hunter2222@127.0.0.1:9/metrics"]).await;
    assert!(!stderr(&out).contains("hunter2222") && code(&out) == 1, "{}", stderr(&out));
}

#[tokio::test]
async fn direct_scrape_judges_in_the_very_look_in_which_prometheus_fails() {
    let body =
        |n: u32| format!("http_requests_total{{status=\"200\"}} {n}\nhttp_requests_total{{status=\"500\"}} {n}\n");
    let target = first_then(answer(200, "text/plain", &body(100)), answer(200, "text/plain", &body(900))).await;
    let server = Fault::start(Manner::Hang).await;
    let config = format!(
        "[prometheus]\nurl = \"{}\"\ntimeout = \"500ms\"\n[[scrape]]\nurl = \"{}/metrics\"\n",
        server.url, target.url
    );
    let (_, a) = check(&config).await;
    assert_eq!(
        (a["signals"][0]["source"].as_str(), a["signals"][0]["value"].as_f64()),
        (Some("scrape"), Some(0.5)),
        "{a}"
    );
    assert_eq!(a["severity"]["blind"].as_array().map(Vec::len), Some(0), "{a}");
}

#[tokio::test]
async fn a_check_that_only_ever_hangs_is_down_however_long_its_timeout() {
    let server = Fault::start(Manner::Hang).await;
    let config = health(&server.url, "").replace("500ms", "6s").replace("fail_after = 2", "fail_after = 5");
    let (exit, a) = check(&config).await;
    assert_eq!((exit, a["health"][0]["state"].as_str()), (1, Some("down")), "{a}");
}

/// One whole cycle, two minutes: calm, SEV1 within the first one, calm again.
#[tokio::test]
async fn the_demo_in_a_pipe_breaks_and_calms_and_ends_well() {
    let out = run(&["demo"]).await;
    assert_eq!(code(&out), 0, "{}", stderr(&out));
    let boards = stdout(&out);
    let levels: Vec<&str> = boards.lines().filter(|l| l.starts_with("IACT demo")).collect();
    let level = |word: &str| levels.iter().position(|l| l.contains(word));
    assert!(levels.first().is_some_and(|l| l.contains(" OK ")), "{boards}");
    assert!(level(" SEV1 ").is_some() && levels.last().is_some_and(|l| l.contains(" OK ")), "{boards}");
}
