//! Procedures, run: with nobody at them, on the screen, and by a supervisor that outlives whoever drives.

use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use cabina::effects::step::cast;
use cabina::effects::step::file;
use cabina::model::run::Outcome;
use cabina::model::run::Status;
use cabina::model::tale::Tale;
use serde_json::Value;

use crate::record::House;
use crate::support::disk::Disk;
use crate::support::pty::Screen;
use crate::support::wait::until;

/// Longer than any of this takes on a busy machine with two cores.
const PATIENCE: Duration = Duration::from_secs(30);

/// A step whose block is `text`, with what follows it.
fn step(id: &str, text: &str, more: &str) -> String {
    format!("### Step {id}: Step {id}\n```bash\n{text}\n```\n{more}\n")
}

fn book(steps: &[String]) -> String {
    format!("# PROC-X-001: Test\n\n## Steps\n\n{}", steps.join("\n"))
}

fn undone_by(text: &str) -> String {
    format!("**Rollback of this step:**\n```bash\n{text}\n```\n")
}

fn proved_by(text: &str, output: &str) -> String {
    format!("**Validation:**\n```bash\n{text}\n```\n**Expected output:**\n```\n{output}\n```\n")
}

/// A house with a procedure in it.
struct Site {
    house: House,
    file: String,
    folder: PathBuf,
}

impl Site {
    fn new(text: &str, more: &str) -> Self {
        let house = House::new(more);
        let folder = Path::new(&house.config()).parent().unwrap().to_path_buf();
        let file = folder.join("PROC-X-001.md");
        std::fs::write(&file, text).unwrap();
        Self { house, file: file.display().to_string(), folder }
    }

    fn runs(&self) -> PathBuf {
        file::folder(&self.house.store())
    }

    /// The newest run, as its file tells it.
    fn tale(&self) -> Option<Tale> {
        let run = file::runs(&self.runs()).into_iter().next()?;
        Some(Tale::of(&file::read(&file::path(&self.runs(), &run)).ok()?))
    }

    /// Everything that was written to the disk, as text.
    fn disk(&self) -> String {
        let mut all = String::new();
        let mut folders = vec![self.folder.join("state")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if let Ok(bytes) = std::fs::read(entry.path()) {
                    all += &String::from_utf8_lossy(&bytes);
                }
            }
        }
        all
    }

    /// Runs it with nobody at it: the exit code, its lines of JSON, and what it complained of.
    async fn headless(&self, more: &[&str]) -> (i32, Vec<Value>, String) {
        let args = [&["--json", "runbook", "run", &self.file, "--headless"], more].concat();
        let out = self.house.run(&args).await;
        let text = String::from_utf8(out.stdout).unwrap();
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(lines.iter().all(|l| l["schema"] == 1), "{text}");
        (out.status.code().unwrap_or(-1), lines, String::from_utf8_lossy(&out.stderr).into_owned())
    }

    fn screen(&self, more: &[&str], env: &[(&str, &str)]) -> Screen {
        let config = self.house.config();
        let args = [&["--config", config.as_str()], more].concat();
        Screen::start(&args, env, 100, 30)
    }
}

fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|l| l["event"] == event).collect()
}

fn alive(pid: i32) -> bool {
    // A process that has ended and is waited for by nobody is none.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z "))
}

#[tokio::test]
async fn folder_variables_and_handed_values_pass_on_and_secrets_are_nowhere() {
    let text = book(&[
        step(
            "1",
            "cd /\nexport SIDE=blue\nLOCAL=1\necho 'HANDED=42' >> \"$CABINA_OUTPUT\"",
            &proved_by("echo \"$PWD $SIDE $HANDED ${LOCAL:-none}\"", "/ blue 42 none"),
        ),
        step(
            "2",
            "trap 'echo own trap' EXIT\nprintf 'pass=%s|' \"${DB_PASSWORD}\"; printf 'hunter'; sleep 0.02; echo 2222; printf 'hunter'; sleep 0.4; echo 2222; printf 'hunt\\033[31mer\\033[0m2222\\n'",
            "",
        ),
        step("3", "echo \"${WHO}\"; read -r x < /dev/tty || echo 'no terminal'", ""),
    ]);
    let site = Site::new(&text, "");
    let (code, lines, err) = site.headless(&["--set", "DB_PASSWORD=hunter2222", "--set", "WHO=ana"]).await;
    assert_eq!(code, 0, "{lines:#?}\n{err}");
    let validation = of(&lines, "validation");
    assert_eq!((validation[0]["ok"].as_bool(), validation[0]["step"].as_str()), (Some(true), Some("1")));
    let finished: Vec<(&str, bool, &str)> = of(&lines, "step_finished")
        .into_iter()
        .map(|l| (l["step"].as_str().unwrap(), l["ok"].as_bool().unwrap(), l["status"].as_str().unwrap()))
        .collect();
    assert_eq!(finished, [("1", true, "ok"), ("2", true, "ran"), ("3", true, "ran")]);
    let output: Vec<&str> = of(&lines, "output").into_iter().map(|l| l["text"].as_str().unwrap()).collect();
    assert!(output.contains(&"pass=•••|•••") && output.contains(&"own trap"), "{output:?}");
    assert!(output.contains(&"ana") && output.contains(&"no terminal"), "{output:?}");
    assert_eq!(lines.last().unwrap()["event"], "run_finished");
    assert_eq!(lines.last().unwrap()["exit"], 0);
    let disk = site.disk();
    assert!(!disk.contains("hunter2222") && !disk.contains("u001b[31mer"), "a secret is on the disk");
    // What asciinema plays: a head, then lines of three.
    let run = site.tale().unwrap().head.run;
    let text = std::fs::read_to_string(file::cast(&site.runs(), &run, 1)).unwrap();
    let head: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&head["version"], &head["width"]), (&Value::from(2), &Value::from(120)));
    assert!(text.lines().skip(1).all(|l| serde_json::from_str::<(f64, String, String)>(l).is_ok()), "{text}");
}

#[tokio::test]
async fn exit_codes_say_what_became_of_it() {
    let good = step("1", "true", &undone_by("echo undone-1"));
    let fails = |undo: &str| step("2", "echo half; false; echo after", &undone_by(undo));
    for (steps, more, wanted, outcome) in [
        (vec![good.clone()], &[][..], 0, Outcome::Ok),
        (vec![good.clone(), fails("true")], &[], 1, Outcome::Failed),
        (vec![good.clone(), fails("true")], &["--rollback-on-failure"], 2, Outcome::RolledBack),
        (vec![good.clone(), fails("false")], &["--rollback-on-failure"], 3, Outcome::RollbackFailed),
        // What would lose data is not done unless that was allowed.
        (vec![good.clone(), fails("echo DROP TABLE x")], &["--rollback-on-failure"], 1, Outcome::Failed),
        (
            vec![good.clone(), fails("echo DROP TABLE x")],
            &["--rollback-on-failure", "--allow-data-loss"],
            2,
            Outcome::RolledBack,
        ),
    ] {
        let site = Site::new(&book(&steps), "");
        let (code, lines, err) = site.headless(more).await;
        assert_eq!((code, site.tale().unwrap().outcome.unwrap().0), (wanted, outcome), "{lines:#?}\n{err}");
        assert!(!lines.iter().any(|l| l["text"] == "after"), "bash -e ends at the first that fails");
        assert_eq!(lines.last().unwrap()["exit"], wanted);
        if outcome == Outcome::RolledBack && more.len() == 1 {
            let undone: Vec<&str> = of(&lines, "rollback")
                .iter()
                .filter(|l| l["ok"] == true)
                .map(|l| l["step"].as_str().unwrap())
                .collect();
            // The one that failed may be half done; the last goes first.
            assert_eq!(undone, ["2", "1"]);
        }
    }
    // Where steps do not say how they are undone, the document's own way back is walked.
    let text = book(&[step("1", "true", ""), step("2", "false", "")])
        + "\n## Rollback\n\n"
        + &step("R1", "echo back-1", "")
        + &step("R2", "echo back-2", "");
    let site = Site::new(&text, "");
    let (code, lines, _) = site.headless(&["--rollback-on-failure"]).await;
    let said: Vec<&str> = of(&lines, "output").iter().map(|l| l["text"].as_str().unwrap()).collect();
    assert_eq!((code, said), (2, vec!["back-1", "back-2"]));
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_said_before_anything_runs() {
    let text = book(&[step("1", "touch ${TARGET}/made <pod>", ""), step("2", "echo two", "")]);
    let site = Site::new(&text, "");
    let (code, lines, err) = site.headless(&[]).await;
    assert_eq!((code, lines.len()), (64, 0));
    assert!(err.contains("TARGET") && err.contains("<pod>"), "{err}");
    for (args, wanted) in [
        (&["--from", "9"][..], "no step 9"),
        (&["--set", "TARGET"], "NAME=VALUE"),
        (&["--set", "TARGET=/tmp", "--set", "pod=a b; rm -rf x"], "cannot stand in a command"),
    ] {
        let (code, _, err) = site.headless(args).await;
        assert!(code == 64 && err.contains(wanted), "{args:?}: {code} {err}");
    }
    let unknown = site.house.run(&["runbook", "run", "PROC-NOT-THERE", "--headless"]).await;
    assert_eq!(unknown.status.code(), Some(64));
    let target = site.folder.display().to_string();
    let (code, lines, _) =
        site.headless(&["--dry-run", "--set", &format!("TARGET={target}"), "--set", "<pod>=web-1"]).await;
    assert_eq!(code, 0);
    assert_eq!(lines[1]["command"], format!("touch {target}/made web-1"));
    assert!(!site.folder.join("made").exists() && site.tale().is_none(), "a dry run runs nothing");
    // From a later step on, only that one's values are needed.
    assert_eq!(site.headless(&["--from", "2"]).await.0, 0);
}

#[tokio::test]
async fn production_asks_before_risky_steps() {
    let risky = book(&[format!("{}**Criticality:** CRITICA\n", step("1", "true", ""))]);
    let site = Site::new(&risky, "environment = \"production\"");
    let (code, _, err) = site.headless(&[]).await;
    assert!(code == 64 && err.contains("--yes"), "{code} {err}");
    assert_eq!(site.headless(&["--yes"]).await.0, 0);
    let (code, _, err) = {
        let out = site.house.run(&["--read-only", "runbook", "run", &site.file, "--headless", "--yes"]).await;
        (out.status.code(), out.stdout, String::from_utf8_lossy(&out.stderr).into_owned())
    };
    assert!(code == Some(64) && err.contains("read-only"), "{err}");
}

#[tokio::test]
async fn conditions_people_and_other_languages_have_their_rules() {
    let text = book(&[
        "### Step 1: When\n**When:** N > 0\n```bash\necho one\n```\n".to_owned(),
        "### Step 2: By hand\n**Expected result:** somebody did it\n".to_owned(),
    ]);
    let site = Site::new(&text, "");
    let (code, lines, _) = site.headless(&["--set", "N=0"]).await;
    assert_eq!(code, 1);
    let status: Vec<&str> = of(&lines, "step_finished").iter().map(|l| l["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["skipped", "failed"]);
    assert_eq!(site.headless(&["--set", "N=1", "--yes"]).await.0, 0);
    let sql = book(&["### Step 1: Query\n```sql\nSELECT 1;\n```\n".to_owned()]);
    let (code, lines, _) = Site::new(&sql, "").headless(&[]).await;
    assert_eq!((code, lines.iter().any(|l| l["reason"].as_str().is_some_and(|r| r.contains("sql")))), (1, true));
}

#[tokio::test]
async fn a_run_stands_in_the_journal_and_in_the_figures() {
    let site = Site::new(&book(&[step("1", "echo seen", ""), step("2", "exit 3", "")]), "");
    let id = site.house.json(&["incident", "open", "--title", "x"]).await["id"].as_str().unwrap().to_owned();
    assert_eq!(site.headless(&[]).await.0, 1);
    let shown = site.house.json(&["incident", "show", &id]).await;
    let kinds: Vec<&str> = shown["timeline"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(&kinds[1..], ["run_began", "step_began", "step_ended", "step_began", "step_ended", "run_ended"]);
    let text = shown.to_string();
    assert!(text.contains("exit 3") && text.contains("seen"), "{text}");
    site.house.good(&["incident", "verify", &id]).await;
    let stats = site.house.json(&["runbook", "stats"]).await;
    assert_eq!((&stats["runbooks"][0]["runs"], &stats["runbooks"][0]["success_rate"]), (&1.into(), &0.0.into()));
}

#[tokio::test]
async fn ended_from_outside_it_stops_its_step_and_leaves_nothing_behind() {
    let site = Site::new(
        &book(&[step(
            "1",
            "trap '' TERM\nsleep 1000 &\necho $! > child; setsid sleep 1001 & echo $! > other; wait; sleep 1002",
            "",
        )]),
        "",
    );
    let mut command = site.house.command(&["--json", "runbook", "run", &site.file, "--headless"]);
    let mut child = command.current_dir(&site.folder).stdout(Stdio::null()).spawn().unwrap();
    let pid =
        |name: &str| std::fs::read_to_string(site.folder.join(name)).ok().and_then(|t| t.trim().parse::<i32>().ok());
    let (a, b) = until("its children run", PATIENCE, async || {
        pid("child").zip(pid("other")).filter(|(a, b)| alive(*a) && alive(*b)).ok_or_else(String::new)
    })
    .await;
    let own = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(143));
    until("nothing is left", PATIENCE, async || if alive(a) || alive(b) { Err(format!("{a} {b}")) } else { Ok(()) })
        .await;
    let tale = site.tale().unwrap();
    assert_eq!((tale.status("1"), tale.outcome.map(|(o, _)| o)), (Status::Failed, Some(Outcome::Abandoned)));
}

/// The supervisor of a run: whoever holds its file.
fn supervisor(site: &Site) -> Option<i32> {
    supervisor_of(&site.runs())
}

/// The supervisor of the newest run of a folder.
fn supervisor_of(runs: &Path) -> Option<i32> {
    let run = file::runs(runs).into_iter().next()?;
    let path = file::path(runs, &run).display().to_string();
    std::fs::read_dir("/proc").unwrap().flatten().find_map(|e| {
        let pid: i32 = e.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read_to_string(e.path().join("cmdline")).ok()?;
        if !line.contains("supervise") {
            return None;
        }
        let mut fds = std::fs::read_dir(e.path().join("fd")).ok()?.flatten();
        fds.any(|fd| std::fs::read_link(fd.path()).is_ok_and(|l| l.display().to_string() == path)).then_some(pid)
    })
}

#[tokio::test]
async fn killed_it_goes_on_and_a_supervisor_that_is_killed_leaves_an_unknown_outcome() {
    let site = Site::new(
        &book(&[step(
            "1",
            "echo before; for i in $(seq 1 600); do test -e go && break; sleep 0.05; done; echo after",
            "",
        )]),
        "",
    );
    let id = site.house.json(&["incident", "open", "--title", "x"]).await["id"].as_str().unwrap().to_owned();
    let mut command = site.house.command(&["runbook", "run", &site.file, "--headless"]);
    let mut child = command.current_dir(&site.folder).stdout(Stdio::null()).spawn().unwrap();
    until("the step runs", PATIENCE, async || {
        site.tale().filter(|t| t.open.is_some()).map(drop).ok_or_else(String::new)
    })
    .await;
    child.start_kill().unwrap();
    child.wait().await.unwrap();
    std::fs::write(site.folder.join("go"), "").unwrap();
    let tale = until("the step ends without anybody", PATIENCE, async || {
        site.tale().filter(|t| t.open.is_none() && t.blocks == 1).ok_or_else(String::new)
    })
    .await;
    assert_eq!(tale.steps["1"].blocks[0].end.as_ref().unwrap().tail, "before\nafter");
    let (output, _) = cast::read(&file::cast(&site.runs(), &tale.head.run, 1)).unwrap();
    assert_eq!(String::from_utf8(output).unwrap(), "before\nafter\n");
    // Its supervisor waits for somebody to come back. Killed too, nobody knows of what runs next.
    let pid = until("its supervisor", PATIENCE, async || supervisor(&site).ok_or_else(String::new)).await;
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();

    let again = Site { house: site.house, file: site.file, folder: site.folder };
    std::fs::remove_file(again.folder.join("go")).unwrap();
    let mut command = again.house.command(&["--json", "runbook", "run", &again.file, "--headless"]);
    let child = command.current_dir(&again.folder).stdout(Stdio::piped()).spawn().unwrap();
    until("the next run's step runs", PATIENCE, async || {
        again.tale().filter(|t| t.open.is_some() && t.head.run != tale.head.run).map(drop).ok_or_else(String::new)
    })
    .await;
    let pid = until("its supervisor", PATIENCE, async || supervisor(&again).ok_or_else(String::new)).await;
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
    let out = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(out.status.code(), Some(3), "nobody knows: that is neither good nor bad");
    // The next cabina on the store says so, once, on the incident's timeline.
    for _ in 0..2 {
        again.house.good(&["runbook", "stats"]).await;
        let screen = again.screen(&["--read-only"], &[]);
        drop(screen);
    }
    let mut screen = again.screen(&[], &[]);
    screen.shows("OUTCOME UNKNOWN").await;
    screen.keys("q").await;
    screen.ends().await;
    assert_eq!(again.tale().unwrap().status("1"), Status::Unknown);
    let shown = again.house.json(&["incident", "show", &id]).await.to_string();
    assert_eq!(shown.matches("OUTCOME UNKNOWN").count(), 1, "{shown}");
    std::fs::write(again.folder.join("go"), "").unwrap();
}

/// Reads the card, and says yes. Keys that were on their way when it opened are not meant for it, so a person takes a
/// moment.
async fn says_yes(screen: &mut Screen) {
    screen.shows("[y] run it").await;
    let seen = tokio::time::Instant::now();
    screen.until("a person has read it", |_| seen.elapsed() > Duration::from_millis(300)).await;
    screen.keys("y").await;
}

#[tokio::test]
async fn a_procedure_is_walked_on_the_screen() {
    let text = format!(
        "# PROC-X-001: Test\n\n## Prerequisites\n\n- [ ] `sh`\n- [ ] Somebody agrees\n\n## Steps\n\n{}{}",
        step(
            "1",
            "echo \"given ${NAME} ${API_TOKEN}\"",
            &format!("{}{}", proved_by("echo ready", "ready"), undone_by("echo undone"))
        ),
        step("2", "read -r -p 'sure? ' x; test \"$x\" = yes", &undone_by("echo undone-2")),
    );
    let site = Site::new(&text, "environment = \"staging\"\nlanguage = \"en\"\nrunbooks = [\".\"]");
    let mut screen = site.screen(&[], &[]);
    screen.shows("What to do").await;
    screen.keys("r").await;
    screen.shows("PROC-X-001").await;
    screen.keys("\r").await;
    screen.shows("Needs").await;
    screen.keys("e").await;
    screen.shows("Beginning runs nothing").await;
    screen.keys("y").await;
    // What a machine can prove it ticks by itself.
    screen.shows("1 of 2").await;
    screen.keys("e").await;
    screen.shows("proved by the machine").await;
    screen.keys("y").await;
    // With nothing left to sign, the walk is in sight again.
    screen.until("all is signed", |s| s.text().contains("2 of 2") && !s.text().contains("[Space]")).await;
    screen.keys("e").await;
    screen.shows("NAME:").await;
    screen.keys("ana\r").await;
    screen.shows("what you type is not shown").await;
    screen.keys("t0psecret\r").await;
    screen.shows("It runs").await;
    screen.shows("given ana ${API_TOKEN}").await;
    says_yes(&mut screen).await;
    screen.shows("Step 2").await;
    screen.until("the first is ok", |s| s.text().contains("√ 1")).await;
    screen.keys("e").await;
    screen.shows("It runs").await;
    says_yes(&mut screen).await;
    screen.until("it asks", |s| s.text().contains("sure?") && s.text().contains("running")).await;
    screen.keys("t").await;
    screen.shows("what you type goes into the step").await;
    screen.keys("no\r").await;
    screen.shows("FAILED on").await;
    screen.shows("Nothing was undone").await;
    // What was still being typed when the step ended is not taken for keys of the cockpit.
    let ended = tokio::time::Instant::now();
    screen.until("the keys are the cockpit's again", |_| ended.elapsed() > Duration::from_millis(900)).await;
    screen.keys("d").await;
    screen.shows("what did you do otherwise").await;
    screen.keys("asked ana first\r").await;
    screen.keys("u").await;
    screen.shows("Undo step 2").await;
    says_yes(&mut screen).await;
    screen.shows("undone after").await;
    assert!(!site.disk().contains("t0psecret"), "a secret is on the disk");
    let tale = site.tale().unwrap();
    assert_eq!((tale.status("1"), tale.steps["2"].deviations.len()), (Status::Ok, 1));
    assert_eq!(tale.signed.get(&0).map(String::as_str), Some(""));
    // The file may change now; what is walked is what it was.
    std::fs::write(&site.file, text.replace("undone", "changed")).unwrap();
    screen.shows("the file has changed").await;
    screen.keys("X").await;
    screen.shows("ended well after").await;
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_was_missed() {
    let text = book(&[step(
        "1",
        "for i in $(seq 1 5); do echo line $i; done; for i in $(seq 1 600); do test -e go && break; sleep 0.05; done; for i in $(seq 6 55); do echo line $i; done; for i in $(seq 1 600); do test -e end && break; sleep 0.05; done; echo the end",
        "",
    )]);
    let site = Site::new(&text, "language = \"en\"\nrunbooks = [\".\"]");
    let folder = site.folder.display().to_string();
    let mut screen = site.screen(&[], &[("PWD", &folder)]);
    screen.shows("What to do").await;
    screen.keys("r").await;
    screen.shows("PROC-X-001").await;
    screen.keys("\r").await;
    screen.shows("Steps").await;
    screen.keys("e").await;
    screen.shows("Beginning runs nothing").await;
    screen.keys("y").await;
    screen.shows("PROC-X-001").await;
    screen.shows("nothing undoes it").await;
    screen.keys("e").await;
    says_yes(&mut screen).await;
    screen.shows("line 5").await;
    // Whoever else looks is told that somebody drives, and takes nothing from them by looking.
    let mut other = site.screen(&[], &[]);
    other.shows("another cabina drives it").await;
    other.keys("\r").await;
    other.shows("another cabina drives it; from here").await;
    other.keys("e").await;
    other.shows("[e] again and you drive").await;
    other.signal(rustix::process::Signal::KILL);
    other.ends().await;
    screen.signal(rustix::process::Signal::KILL);
    screen.ends().await;
    let here = std::fs::read_link(format!("/proc/{}/cwd", supervisor(&site).unwrap())).unwrap();
    std::fs::write(here.join("go"), "").unwrap();
    let run = site.tale().unwrap().head.run;
    until("it prints", PATIENCE, async || {
        let (bytes, _) = cast::read(&file::cast(&site.runs(), &run, 1)).map_err(|e| e.to_string())?;
        if String::from_utf8_lossy(&bytes).contains("line 55") { Ok(()) } else { Err(String::new()) }
    })
    .await;
    let mut back = site.screen(&[], &[]);
    back.shows("step 1 goes on alone").await;
    back.keys("\r").await;
    back.shows("went on without you").await;
    back.shows("You missed 50 lines").await;
    back.shows("line 55").await;
    std::fs::write(here.join("end"), "").unwrap();
    back.shows("the end").await;
    back.shows("ended well").await;
    let _ = std::fs::remove_file(here.join("go"));
    let _ = std::fs::remove_file(here.join("end"));
}

#[tokio::test]
async fn secrets_by_name_and_form_are_nowhere_on_the_disk() {
    let text = book(&[
        step("1", "echo MYSQL_PWD=conejo-1; echo 'DB_PASS: \"conejo-2\"'", ""),
        step("2", "REDISCLI_AUTH=conejo-3 true\necho \"CREATE USER x IDENTIFIED BY 'conejo-4'\" | cat", ""),
        step("3", "echo \"the value is ${GIVEN}\"; printf 'Password: '", ""),
        step(
            "4",
            "echo '{\"password\": \"conejo-6\"}'; echo conejo-7 | cat | head -c 0; echo https://c0nejo-8xyz@git.local",
            "",
        ),
    ]);
    let site = Site::new(&text, "");
    std::fs::write(site.folder.join("given"), "conejo-5-long\n").unwrap();
    let given = format!("GIVEN={}", site.folder.join("given").display());
    site.house.good(&["incident", "open", "--title", "x"]).await;
    site.house.good(&["incident", "note", "newest", "la clave es conejo-9; CLAVE=conejo-10"]).await;
    let env = [("SENTRY_DSN", "https://conejo-11@h/1"), ("DATABASE_URL", "mysql://u:conejo-12-long@db/x")];
    let mut command = site.house.command(&["runbook", "run", &site.file, "--headless", "--set-file", &given]);
    command.envs(env);
    let out = command.output().await.unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    // A value that has no name of a secret, and no form of one, is shown.
    assert!(String::from_utf8_lossy(&out.stdout).contains("the value is conejo-5-long"));
    let mut run = site.house.command(&["run", "--", "sh", "-c", "echo $DATABASE_URL; echo again conejo-12-long"]);
    assert!(run.envs(env).output().await.unwrap().status.success());
    // The procedure itself is kept word by word: what stands in it is lint's to find.
    for entry in
        std::fs::read_dir(site.runs()).unwrap().flatten().filter(|e| e.path().extension().is_some_and(|e| e == "md"))
    {
        std::fs::remove_file(entry.path()).unwrap();
    }
    let (disk, export) = (site.disk(), site.house.good(&["incident", "export"]).await);
    for n in [1, 2, 3, 4, 6, 8, 9, 10, 11, 12] {
        for (place, text) in [("disk", &disk), ("export", &export)] {
            let found = [format!("conejo-{n}"), format!("c0nejo-{n}")].iter().find_map(|w| text.find(w.as_str()));
            let around = found.map(|at| String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(200)..at + 20]));
            // 1 is the beginning of 10, 11 and 12.
            assert!(around.is_none(), "{place} {n}: {around:?}");
        }
    }
    assert!(disk.contains("Password: "), "a prompt is no secret");
}

#[tokio::test]
async fn with_nobody_at_it_nothing_is_lost_and_nothing_hidden_is_run() {
    for (text, allowed) in [
        ("rm -rf \"$HOME/nothing-of-this-name\"", true),
        ("echo 'DROP TABLE x' | cat", true),
        ("echo\u{a0}x", false),
        ("echo \u{202e}x", false),
        ("\u{435}cho x", false),
    ] {
        let site = Site::new(&book(&[step("1", text, "**Read-only:** YES\n**Loses data:** no\n")]), "");
        let (code, lines, said) = site.headless(&["--yes"]).await;
        assert_eq!((code, lines.len()), (4, 0), "{text}: {said}");
        let (code, _, said) = site.headless(&["--yes", "--allow-data-loss"]).await;
        assert_eq!(code == 0, allowed, "{text}: {code} {said}");
        let lint = site.house.run(&["runbook", "lint", &site.file]).await;
        let found = String::from_utf8_lossy(&lint.stdout).into_owned();
        let wanted = if allowed { "loses-data" } else { "odd-character" };
        assert!(found.contains(wanted), "{text}: {found}");
    }
}

#[tokio::test]
async fn what_a_block_hands_on_changes_no_other_command() {
    let hands = "printf 'SIDE=blue\\nPATH=/nowhere\\nBASH_ENV=/x\\nLD_PRELOAD=/x.so\\nIFS=x\\nHOME=/x\\nPYTHONPATH=/x\\nUNSPOKEN=1\\n' >> \"$CABINA_OUTPUT\"";
    let shows = "echo \"side ${SIDE}\"; ls / > /dev/null; echo \"home $HOME\"; env | grep -c -e UNSPOKEN -e BASH_ENV -e LD_PRELOAD -e PYTHONPATH || true";
    let site = Site::new(&book(&[step("1", hands, ""), step("2", shows, "")]), "");
    let (code, lines, said) = site.headless(&[]).await;
    let text: String = of(&lines, "output").iter().map(ToString::to_string).collect();
    assert_eq!(code, 0, "{said} {text}");
    assert!(text.contains("side blue") && !text.contains("home /x\\n"), "{text}");
    let tale = site.tale().unwrap();
    let tail = &tale.step("2").unwrap().blocks[0].end.as_ref().unwrap().tail;
    assert!(tail.lines().any(|l| l.trim() == "0"), "{tail}");
}

/// A site whose store is on a small disk, with a procedure whose first step fills it.
fn full_site(disk: &Disk, more: &str) -> Site {
    // The file of a run is in its first page when the disk is full, and what the step says last goes beyond it.
    let fills = format!(
        "# {}\nfor i in {{1..60}}; do printf 'x%.0s' {{1..110}}; echo; done\ncat /dev/zero >> {}/filler 2>/dev/null || true",
        "-".repeat(1_800),
        disk.folder().display()
    );
    let house = House::at(more, &disk.path("state/cabina.db"));
    let folder = Path::new(&house.config()).parent().unwrap().to_path_buf();
    let file = folder.join("PROC-X-001.md");
    std::fs::write(&file, book(&[step("1", &fills, ""), step("2", "echo never", "")])).unwrap();
    Site { house, file: file.display().to_string(), folder }
}

#[tokio::test]
async fn a_step_that_ends_on_a_full_disk_ends_all_the_same() {
    let Some(disk) = Disk::new(1_024).await else { return };
    let site = full_site(&disk, "");
    let runs = file::folder(&disk.path("state/cabina.db"));
    let start = std::time::Instant::now();
    let (code, _, said) = site.headless(&[]).await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("not yet written"), "{said}");
    assert!(start.elapsed() < Duration::from_mins(1), "it is bounded");
    let tale = || Tale::of(&file::read(&file::path(&runs, &file::runs(&runs)[0])).unwrap());
    assert_eq!(tale().status("1"), Status::Running, "nobody says what is not written");
    // Its supervisor has kept the end, and writes it as soon as there is room.
    disk.free().await;
    until("the end is written", PATIENCE, async || match tale().status("1") {
        Status::Running => Err(format!("{:?}", tale())),
        _ => Ok(()),
    })
    .await;
    let ended = tale();
    assert_eq!(ended.step("1").unwrap().blocks[0].end.as_ref().unwrap().exit, Some(0));
    let pid = supervisor_of(&runs).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::TERM).unwrap();
}

#[tokio::test]
async fn term_ends_a_run_whatever_the_disk_does() {
    let Some(disk) = Disk::new(1_024).await else { return };
    let site = full_site(&disk, "");
    let args = ["runbook", "run", &site.file, "--headless"];
    let mut command = site.house.command(&args);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut said = tokio::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("not yet written") {
        line.clear();
        assert!(
            tokio::io::AsyncBufReadExt::read_line(&mut said, &mut line).await.unwrap() > 0,
            "it said nothing of it"
        );
    }
    let pid = rustix::process::Pid::from_raw(child.id().unwrap() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("TERM does not end it").unwrap();
    assert!(ended.code().is_some_and(|c| c == 143 || c == 3), "{ended:?}");
    disk.free().await;
    let runs = file::folder(&disk.path("state/cabina.db"));
    let pid = supervisor_of(&runs).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::TERM).unwrap();
}

#[tokio::test]
async fn on_the_screen_a_step_that_has_ended_and_is_not_written_says_so() {
    let Some(disk) = Disk::new(1_024).await else { return };
    let folder = disk.folder().join("books");
    std::fs::create_dir(&folder).unwrap();
    let more = format!("runbooks = [\"{}\"]\n", folder.display());
    let site = full_site(&disk, &more);
    std::fs::copy(&site.file, folder.join("PROC-X-001.md")).unwrap();
    let mut screen = site.screen(&[], &[]);
    screen.shows("Facts").await;
    screen.keys("r").await;
    screen.shows("PROC-X-001").await;
    screen.keys("\r").await;
    screen.shows("[e]").await;
    screen.keys("e").await;
    screen.shows("[y]").await;
    screen.keys("y").await;
    screen.shows("Step 1").await;
    let runs = file::folder(&disk.path("state/cabina.db"));
    // Its supervisor takes a moment to start.
    screen.shows("[e] run").await;
    until("its supervisor is there", PATIENCE, async || supervisor_of(&runs).map(|_| ()).ok_or_else(String::new)).await;
    screen.until("it is driven", |s| !s.text().contains("a moment")).await;
    screen.keys("e").await;
    says_yes(&mut screen).await;
    screen.shows("not yet written").await;
    // There is nothing left to stop, and that is said.
    screen.keys("\u{18}").await;
    screen.keys("\u{18}").await;
    screen.until("no kill is claimed", |s| s.text().contains("not yet written") && !s.text().contains("KILL")).await;
    disk.free().await;
    screen.until("it is written", |s| !s.text().contains("not yet written")).await;
    let pid = supervisor_of(&runs).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::TERM).unwrap();
}

#[tokio::test]
async fn who_only_looks_runs_nothing() {
    let site = Site::new(&book(&[step("1", "touch made", "")]), "language = \"en\"\nrunbooks = [\".\"]");
    let mut screen = site.screen(&["--read-only"], &[]);
    screen.shows("What to do").await;
    screen.keys("r").await;
    screen.shows("PROC-X-001").await;
    screen.keys("\r").await;
    screen.shows("Steps").await;
    screen.keys("e").await;
    screen.shows("nothing is changed from here").await;
    // No card lies over the procedure: what follows is no answer to one.
    screen.keys("y").await;
    screen.keys("?").await;
    screen.shows("Keys").await;
    assert!(!site.runs().exists());
}

#[tokio::test]
async fn a_flood_neither_blocks_nor_grows() {
    let text = book(&[step("1", "head -c 20000000 /dev/zero | tr '\\0' 'x' | fold -w 79; echo; echo the end", "")]);
    let site = Site::new(&text, "");
    let (code, lines, err) = site.headless(&[]).await;
    assert_eq!(code, 0, "{err}");
    let last = of(&lines, "output").last().unwrap()["text"].as_str().unwrap().to_owned();
    assert_eq!(last, "the end");
    let tale = site.tale().unwrap();
    let end = tale.steps["1"].blocks[0].end.clone().unwrap();
    assert!(end.bytes > 20_000_000 && end.tail.ends_with("the end"));
    let kept = std::fs::metadata(file::cast(&site.runs(), &tale.head.run, 1)).unwrap().len();
    assert!(kept < 8 * 1024 * 1024, "{kept}");
}
