//! `run -- COMMAND`: as if nobody were in between, and it stands on the timeline.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use crate::record::House;
use crate::support::pty::Screen;
use crate::support::wait::until;

async fn house() -> House {
    let house = House::new("[sessions]\nurl = \"mysql://u:${SECRET}@127.0.0.1:1/x\"\n");
    house.good(&["incident", "open", "--title", "calls fail"]).await;
    house
}

/// The command that was written down last.
async fn newest(house: &House) -> Value {
    let shown = house.json(&["incident", "show", "newest"]).await;
    let timeline = shown["timeline"].as_array().unwrap();
    timeline.iter().rev().find(|e| e["kind"] == "ran").unwrap_or_else(|| panic!("{shown}"))["data"].clone()
}

fn at_a_terminal(house: &House, command: &[&str]) -> Screen {
    let config = house.config();
    Screen::start(&[&["--config", &config, "run", "--"], command].concat(), &[("SECRET", "s3cr3t-token")], 100, 30)
}

#[tokio::test]
async fn at_a_terminal_it_has_one_of_its_own() {
    let house = house().await;
    // It asks, and sees a terminal of the right size; what is typed without echo is nowhere.
    let script = "test -t 0 && test -t 1 && stty size; printf 'name? '; read a; stty -echo; printf 'word? '; read b; stty echo; printf '\\033[31mred\\033[0m %s\\n' \"$a\"; exit 7";
    let mut screen = at_a_terminal(&house, &["sh", "-c", script]);
    screen.shows("30 100").await;
    screen.shows("name?").await;
    screen.keys("rosa\n").await;
    screen.shows("rosa").await;
    screen.shows("word?").await;
    screen.keys("hidden-word\n").await;
    screen.shows("red rosa").await;
    assert_eq!(screen.ends().await.code(), Some(7));
    assert!(String::from_utf8_lossy(&screen.bytes).contains("\x1b[31m"), "colours pass");
    let ran = newest(&house).await;
    assert_eq!(ran["exit"], 7);
    let output = ran["output"].as_str().unwrap();
    assert!(output.contains("red rosa") && !output.contains("hidden-word"), "{output}");
    assert!(!output.contains('\u{1b}'));
}

#[tokio::test]
async fn keys_that_interrupt_and_a_window_that_changes_reach_the_command() {
    let house = house().await;
    let script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done";
    let mut screen = at_a_terminal(&house, &["sh", "-c", script]);
    screen.shows("ready").await;
    screen.resize(90, 20);
    screen.shows("20 90").await;
    screen.keys("\x03").await;
    assert_eq!(screen.ends().await.code(), Some(130));
    assert_eq!(newest(&house).await["signal"], 2);

    let mut screen =
        at_a_terminal(&house, &["sh", "-c", "trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.05; done"]);
    screen.shows("ready").await;
    screen.signal(rustix::process::Signal::TERM);
    screen.shows("told").await;
    assert_eq!(screen.ends().await.code(), Some(9));
}

#[tokio::test]
async fn each_stream_goes_where_it_would_go_alone() {
    let house = house().await;
    let (program, config) = (env!("CARGO_BIN_EXE_cabina"), house.config());
    let shell = |line: &str| {
        let line = line.replace("RUN", &format!("{program} --config {config} run --"));
        Screen::run(std::path::Path::new("/bin/sh"), &["-c", &line], &[("SECRET", "s3cr3t-token")], 100, 30)
    };
    let ask = "test -t 1; o=$?; test -t 2; echo \"out=$o err=$?\"; echo aside >&2; exit 5";
    let err = house.store().with_file_name("err.log");
    // Errors into a file: it has them, and the rest still is a terminal.
    let mut screen = shell(&format!("RUN sh -c '{ask}' 2>{}; echo ended $?", err.display()));
    screen.shows("out=0 err=1").await;
    screen.shows("ended 5").await;
    assert!(screen.ends().await.success());
    assert!(!screen.text().contains("aside"), "{}", screen.text());
    assert_eq!(std::fs::read_to_string(&err).unwrap(), "aside\n");
    // Output into a pipe, and errors still on the terminal.
    let mut screen = shell(&format!("RUN sh -c '{ask}' | sed s/^/piped:/"));
    screen.shows("piped:out=1 err=0").await;
    screen.shows("aside").await;
    assert!(screen.ends().await.success());
    // Input from a pipe: colours stay, and what asks the terminal itself still can.
    let mut screen =
        shell("echo given | RUN sh -c 'cat; test -t 1 && echo coloured; read a </dev/tty; echo \"got $a\"'");
    screen.shows("given").await;
    screen.shows("coloured").await;
    screen.keys("typed\n").await;
    screen.shows("got typed").await;
    assert!(screen.ends().await.success());
    // In the background it neither takes the keys nor stops.
    let mut screen = shell("set -m; RUN sh -c 'echo behind; exit 3' & wait $!; echo ended $?");
    screen.shows("behind").await;
    screen.shows("ended 3").await;
    assert!(screen.ends().await.success());
}

#[tokio::test]
async fn a_paste_meets_a_flood_and_a_command_outlives_its_terminal() {
    let house = house().await;
    // It reads nothing for as long as it writes: both sides are full at once.
    let script = "stty -echo raw; echo ready; head -c 1 >/dev/null; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo flooded; head -c 60000 >/dev/null; echo swallowed";
    let mut screen = at_a_terminal(&house, &["sh", "-c", script]);
    screen.shows("ready").await;
    screen.pastes("y".repeat(60_001));
    screen.shows("swallowed").await;
    assert!(screen.ends().await.success());
    // It closes its terminal and goes on: signals still reach it.
    let script = "trap 'exit 4' TERM; echo ready; exec >/dev/null 2>&1 </dev/null; while :; do sleep 0.05; done";
    let mut screen = at_a_terminal(&house, &["sh", "-c", script]);
    screen.shows("ready").await;
    screen.signal(rustix::process::Signal::TERM);
    assert_eq!(screen.ends().await.code(), Some(4));
}

#[tokio::test]
async fn in_a_pipe_bytes_pass_as_they_are() {
    let house = house().await;
    let mut command = house.command(&["run", "--", "sh", "-c", "cat; echo $SECRET >&2; exit 3"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let bytes: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
    let mut stdin = child.stdin.take().unwrap();
    let sent = bytes.clone();
    tokio::spawn(async move {
        tokio::io::AsyncWriteExt::write_all(&mut stdin, &sent).await.unwrap();
    });
    let mut out = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut out).await.unwrap();
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!((out == bytes, ended.status.code()), (true, Some(3)));
    // Whoever runs it sees what it says; what is written down is without the secret.
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "s3cr3t-token\n");
    house.good(&["run", "--", "sh", "-c", "echo it is $SECRET"]).await;
    assert_eq!(newest(&house).await["output"], "it is •••");

    let out = house.run(&["run", "--", "sh", "-c", "kill -TERM $$"]).await;
    assert_eq!(out.status.code(), Some(143));
    let (code, said) = house.bad(&["run", "--", "no-such-command", "--password", "x1"]).await;
    assert!(code == 127 && said.contains("no-such-command"), "{said}");
    let ran = newest(&house).await;
    assert_eq!((&ran["exit"], &ran["command"]), (&127.into(), &"no-such-command --password •••".into()));
    // What is left running in the background is not waited for.
    let start = tokio::time::Instant::now();
    house.good(&["run", "--", "sh", "-c", "sleep 20 & echo started"]).await;
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_flood_neither_blocks_nor_grows_and_the_end_of_it_is_kept() {
    let house = house().await;
    let mut command = house.command(&["run", "--", "sh", "-c", "yes flood | head -c 30000000; echo the end"]);
    command.stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let pid = child.id().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (mut chunk, mut all, mut most) = (vec![0u8; 65_536], 0usize, 0u64);
    loop {
        let n = stdout.read(&mut chunk).await.unwrap();
        if n == 0 {
            break;
        }
        all += n;
        if all % 64 < 8 {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let kb = status
                .lines()
                .find_map(|l| l.strip_prefix("VmRSS:"))
                .and_then(|l| l.trim().split(' ').next()?.parse().ok());
            most = most.max(kb.unwrap_or(0));
        }
    }
    assert_eq!(all, 30_000_000 + "the end\n".len());
    assert!(child.wait().await.unwrap().success());
    assert!(most < 80_000, "{most} kB");
    let ran = newest(&house).await;
    let output = ran["output"].as_str().unwrap();
    assert!(output.ends_with("the end") && output.lines().count() <= 40, "{output}");
}

#[tokio::test]
async fn without_an_incident_or_a_store_it_runs_all_the_same_and_says_so() {
    let house = House::new("");
    let out = house.run(&["run", "--", "echo", "hello"]).await;
    assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stdout).as_ref()), (Some(0), "hello\n"));
    assert!(String::from_utf8_lossy(&out.stderr).contains("no incident goes on"));
    let (code, said) = house.bad(&["run", "--incident", "INC-2020-0001", "--", "touch", "/nowhere/x"]).await;
    assert!(code == 64 && said.contains("INC-2020-0001") && !said.contains("nowhere"), "{said}");
    let id = house.json(&["incident", "open", "--title", "one"]).await["id"].clone();
    house.good(&["incident", "open", "--title", "two"]).await;
    house.good(&["run", "--incident", id.as_str().unwrap(), "--", "true"]).await;
    let shown = house.json(&["incident", "show", id.as_str().unwrap()]).await;
    assert!(shown["timeline"].as_array().unwrap().iter().any(|e| e["kind"] == "ran"));
    let look = async || {
        let out = house.run(&["run"]).await;
        if out.status.code() == Some(64) { Ok(()) } else { Err(format!("{out:?}")) }
    };
    until("a command is wanted", Duration::from_secs(10), look).await;
}
