//! The built program in a pseudo-terminal: it starts, shrinks, is stopped and goes on, and gives everything back.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::fault::Fault;
use crate::support::fault::Manner;
use crate::support::pty::Screen;

/// A configuration whose only target hangs.
async fn hanging() -> (Fault, tempfile::NamedTempFile) {
    let server = Fault::start(Manner::Hang).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "service = \"IACT\"\nenvironment = \"production\"\n[prometheus]\nurl = \"{0}\"\n[[health]]\nname = \"API\"\nhttp = \"{0}/\"\ncritical = true\n",
        server.url
    );
    std::fs::write(file.path(), text).unwrap();
    (server, file)
}

fn given_back(screen: &Screen) {
    assert!(!screen.alternate(), "the alternate screen is left\n{}", screen.text());
    assert!(!screen.cursor_hidden(), "the cursor is shown");
    let text = String::from_utf8_lossy(&screen.bytes);
    for (on, off) in [("\x1b[?2004h", "\x1b[?2004l"), ("\x1b[?1004h", "\x1b[?1004l"), ("\x1b[?1049h", "\x1b[?1049l")] {
        let last = |s: &str| text.rfind(s);
        assert!(last(on) < last(off), "{on:?} is not undone");
    }
}

#[tokio::test]
async fn it_opens_at_once_whatever_hangs_and_quits_cleanly() {
    let (_server, file) = hanging().await;
    let mut screen = Screen::start(&["--config", file.path().to_str().unwrap()], &[], 80, 24);
    screen.shows("WHAT").await;
    assert!(screen.alternate());
    screen.keys("?").await;
    screen.shows("Keys").await;
    screen.keys("\x1b").await;
    screen.until("the page is closed", |s| !s.text().contains("Keys")).await;
    screen.keys("q").await;
    assert_eq!(screen.ends().await.code(), Some(0));
    given_back(&screen);
    assert!(screen.text().contains("cabina: IACT production at"), "one line is left\n{}", screen.text());
}

#[tokio::test]
async fn every_ending_gives_the_terminal_back() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 143), (Signal::QUIT, 143), (Signal::HUP, 129)] {
        let (_server, file) = hanging().await;
        let mut screen = Screen::start(&["--config", file.path().to_str().unwrap()], &[], 100, 30);
        screen.shows("WHAT").await;
        screen.signal(signal);
        let status = screen.ends().await;
        assert_eq!((status.code(), status.signal()), (Some(code), None), "{signal:?}");
        given_back(&screen);
    }
}

#[tokio::test]
async fn when_the_terminal_closes_the_process_is_gone_within_a_second() {
    let (_server, file) = hanging().await;
    let mut screen = Screen::start(&["--config", file.path().to_str().unwrap()], &[], 80, 24);
    screen.shows("WHAT").await;
    let lived = screen.hang_up().await;
    assert!(lived < Duration::from_secs(1), "{lived:?}");
}

#[tokio::test]
async fn stopped_and_continued_it_draws_anew() {
    let (_server, file) = hanging().await;
    let mut screen = Screen::start(&["--config", file.path().to_str().unwrap()], &[], 80, 24);
    screen.shows("WHAT").await;
    screen.keys("\x1a").await;
    screen.until("the main screen", |s| !s.alternate()).await;
    given_back(&screen);
    // The stop comes after the terminal was given back: wait until it is there before going on.
    let stat = format!("/proc/{}/stat", screen.pid());
    screen.until("stopped", |_| std::fs::read_to_string(&stat).is_ok_and(|s| s.contains(") T "))).await;
    screen.signal(Signal::CONT);
    screen.until("the alternate screen again", Screen::alternate).await;
    screen.shows("WHAT").await;
    screen.keys("q").await;
    assert_eq!(screen.ends().await.code(), Some(0));
}

#[tokio::test]
async fn it_follows_the_size_of_its_window() {
    let (_server, file) = hanging().await;
    let mut screen = Screen::start(&["--config", file.path().to_str().unwrap()], &[], 120, 40);
    screen.shows("Failures, per minute").await;
    screen.resize(80, 24);
    screen.until("the narrow board", |s| s.text().contains("What to do") && !s.text().contains("Failures, per")).await;
    screen.resize(3, 2);
    screen.resize(120, 40);
    screen.shows("Failures, per minute").await;
    screen.keys("q").await;
    screen.ends().await;
}

#[tokio::test]
async fn nothing_is_asked_of_the_terminal_and_no_colour_means_none() {
    let (_server, file) = hanging().await;
    let mut screen =
        Screen::start(&["--config", file.path().to_str().unwrap()], &[("NO_COLOR", "1"), ("LANG", "C")], 80, 24);
    screen.shows("WHAT").await;
    screen.keys("q").await;
    screen.ends().await;
    let text = String::from_utf8_lossy(&screen.bytes);
    for question in ["\x1b[c", "\x1b[>c", "\x1b[6n", "\x1b[?u", "\x1b]10;?", "\x1b]11;?", "\x1b[18t", "$p"] {
        assert!(!text.contains(question), "{question:?} asks the terminal something");
    }
    assert!(text.is_ascii(), "LANG=C");
    let colours = text
        .split('\x1b')
        .filter(|s| s.starts_with("[38;") || s.starts_with("[48;") || s.starts_with("[3") && s.contains("1m"))
        .count();
    assert_eq!(colours, 0, "{text:?}");
}

#[tokio::test]
async fn without_a_terminal_it_says_so() {
    let out =
        tokio::process::Command::new(env!("CARGO_BIN_EXE_cabina")).env("LANG", "en_US.UTF-8").output().await.unwrap();
    assert_eq!(out.status.code(), Some(64));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("cabina check") && said.contains("cabina record"), "{said}");
}

#[tokio::test]
async fn the_demo_shows_every_pane_and_breaks() {
    let mut screen = Screen::start(&["demo"], &[], 120, 40);
    for pane in ["Failures, per minute", "Latency", "Health", "django_session", "What to do", "Signals", "Facts"] {
        screen.shows(pane).await;
    }
    screen.shows("4 of 4 up").await;
    screen.shows("SEV1").await;
    screen.keys("s").await;
    screen.shows("of requests fail").await;
    screen.keys("q").await;
    screen.keys("q").await;
    assert_eq!(screen.ends().await.code(), Some(0));
    given_back(&screen);
}

/// Set for the child of the test below: this very test binary, run again in a pseudo-terminal.
const CHILD: &str = "CABINA_TEST_PANICS";

#[test]
fn the_child_that_panics() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    cabina::app::terminal::install_panic_hook(std::thread::current().id());
    let _guard = cabina::app::terminal::take().unwrap();
    // A panic on another thread leaves the screen alone …
    let _ = std::thread::spawn(|| panic!("in the background")).join();
    println!("still on the screen");
    // … and one on the thread that draws gives the terminal back before it is printed.
    panic!("while drawing");
}

#[tokio::test]
async fn a_panic_gives_the_terminal_back_and_is_read_on_the_main_screen() {
    let program = std::env::current_exe().unwrap();
    let args = ["--exact", "terminal::the_child_that_panics", "--nocapture", "--test-threads=1"];
    let mut screen = Screen::run(&program, &args, &[(CHILD, "1")], 100, 30);
    let status = screen.ends().await;
    assert_ne!(status.code(), Some(0));
    given_back(&screen);
    let bytes = String::from_utf8_lossy(&screen.bytes).into_owned();
    let (left, told) = (bytes.find("\x1b[?1049l"), bytes.find("while drawing"));
    assert!(left.is_some() && told.is_some() && left < told, "{bytes}");
    let still = bytes.find("still on the screen");
    assert!(still < left && !bytes.contains("in the background"), "{bytes}");
}

#[tokio::test]
async fn a_changed_configuration_is_taken_or_told() {
    let server = Fault::start(crate::support::fault::answer(200, "text/plain", "ok")).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cabina.toml");
    let text = |service: &str, more: &str| {
        format!(
            "service = \"{service}\"\n{more}\n[[health]]\nname = \"API\"\nhttp = \"{}/\"\nevery = \"1s\"\n[[link]]\nname = \"Grafana\"\nurl = \"https://g.example/?from={{from}}\"\n",
            server.url
        )
    };
    std::fs::write(&file, text("FIRST", "")).unwrap();
    let mut screen = Screen::start(&["--config", file.to_str().unwrap()], &[], 120, 40);
    screen.shows("FIRST").await;
    std::fs::write(&file, text("SECOND", "")).unwrap();
    screen.shows("SECOND").await;
    screen.shows("the changed configuration is in use").await;
    std::fs::write(&file, text("THIRD", "colour = \"red\"")).unwrap();
    screen.shows("mistakes: 1; the old one stays").await;
    assert!(screen.text().contains("SECOND"), "the old one stays\n{}", screen.text());
    screen.keys("s").await;
    screen.shows("colour").await;
    std::fs::write(&file, text("FOURTH", "")).unwrap();
    screen.shows("FOURTH").await;
    screen.until("the complaint is gone", |s| !s.text().contains("the old one stays")).await;
    // Links: shown in full, and told to the terminal.
    screen.keys("\x1b").await;
    screen.until("the page is closed", |s| !s.text().contains("[Esc] closes")).await;
    screen.keys("o").await;
    screen.shows("https://g.example/?from=").await;
    screen
        .until("the terminal knows the address", |s| {
            String::from_utf8_lossy(&s.bytes).contains("\x1b]8;;https://g.example/?from=")
        })
        .await;
    screen.keys("\x1b").await;
    screen.until("the page is closed", |s| !s.text().contains("[Esc] closes")).await;
    screen.keys("q").await;
    assert_eq!(screen.ends().await.code(), Some(0));
}
