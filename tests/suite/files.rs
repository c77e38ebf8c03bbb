//! Files and folders that cabina makes and reads: whose they are, who may look into them, and what is no file at all.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use cabina::effects::step::file;

use crate::record::House;

const BOOK: &str = "---\nid: PROC-X-001\n---\n# PROC-X-001: Test\n\n## Steps\n\n### Step 1: One\n```bash\nulimit -S -c; echo ok\n```\n";

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn folder_of(house: &House) -> std::path::PathBuf {
    Path::new(&house.config()).parent().unwrap().to_path_buf()
}

#[tokio::test]
async fn what_is_no_file_hides_no_procedure() {
    let house = House::new("runbooks = [\"books\"]\n");
    let books = folder_of(&house).join("books");
    std::fs::create_dir(&books).unwrap();
    std::fs::write(books.join("PROC-X-001.md"), BOOK).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, books.join("a-pipe.md"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(books.join("b-socket.md")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", books.join("c-zero.md")).unwrap();
    std::fs::write(books.join("d-binary.md"), b"\0\0").unwrap();
    let many: String = (0..2_100).map(|n| format!("### Step {n}: x\n```bash\nls\n```\n")).collect::<Vec<_>>().concat();
    std::fs::write(books.join("e-many.md"), format!("# Many\n\n## Steps\n\n{many}")).unwrap();
    std::os::unix::fs::symlink("nowhere", books.join("f-gone.md")).unwrap();
    let run = house.command(&["runbook", "list"]).kill_on_drop(true).output();
    let out = tokio::time::timeout(Duration::from_secs(20), run).await.expect("it hangs").unwrap();
    let (text, said) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(text.contains("PROC-X-001"), "{text}\n{said}");
    for name in ["a-pipe.md", "b-socket.md", "c-zero.md", "d-binary.md", "e-many.md", "f-gone.md"] {
        assert!(said.lines().any(|l| l.contains("skipped") && l.contains(name)), "{name}: {said}");
    }
    assert!(said.contains("2000") || said.contains("2,000"), "{said}");
    let (_, said) = house.bad(&["runbook", "show", &books.join("a-pipe.md").display().to_string()]).await;
    assert!(said.contains("no regular file"), "{said}");
}

#[tokio::test]
async fn what_anybody_may_change_is_told_and_not_walked_in_production() {
    let house = House::new("environment = \"production\"\nlanguage = \"en\"\nrunbooks = [\"books\"]\n");
    let books = folder_of(&house).join("books");
    std::fs::create_dir(&books).unwrap();
    let file = books.join("PROC-X-001.md");
    std::fs::write(&file, BOOK).unwrap();
    let path = file.display().to_string();
    let args = ["runbook", "run", path.as_str(), "--headless", "--yes"];
    assert_eq!(house.run(&args).await.status.code(), Some(0));
    for loose in [&file, &books] {
        let before = mode(loose);
        set_mode(loose, before | 0o002);
        let (code, said) = house.bad(&args).await;
        assert!(code == 4 && said.contains("anybody on this machine"), "{code} {said}");
        let lint = house.run(&["--json", "runbook", "lint", &path]).await;
        assert!(String::from_utf8_lossy(&lint.stdout).contains("world-writable"));
        let doctor = house.run(&["doctor"]).await;
        assert!(String::from_utf8_lossy(&doctor.stdout).contains("anybody on this machine"), "{doctor:?}");
        set_mode(loose, before);
    }
}

#[tokio::test]
async fn what_is_made_is_its_owners_alone_whatever_the_umask() {
    let house = House::new("");
    let folder = folder_of(&house);
    std::fs::write(folder.join("PROC-X-001.md"), BOOK).unwrap();
    let script = format!(
        "umask 000; ulimit -S -c 100; C='{} --config {}'; $C incident open --title x && $C deploy v1 && \
         $C runbook run {}/PROC-X-001.md --headless && $C run -- bash -c 'ulimit -S -c' && $C incident note newest hello",
        env!("CARGO_BIN_EXE_cabina"),
        house.config(),
        folder.display()
    );
    let out = tokio::process::Command::new("bash").args(["-c", &script]).output().await.unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
    // No core of this program, and what it starts has the limit that there was.
    assert!(text.lines().filter(|l| l.trim() == "100").count() >= 2, "{text}");
    let mut folders = vec![folder.join("state")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            seen += 1;
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                assert_eq!(mode(&entry.path()) & 0o077, 0, "{}", entry.path().display());
            }
        }
    }
    assert!(seen > 4);
}

#[tokio::test]
async fn a_loose_folder_is_put_right_and_one_that_others_write_to_is_not_trusted() {
    let house = House::new("");
    house.good(&["incident", "open", "--title", "x"]).await;
    let runs = file::folder(&house.store());
    std::fs::create_dir(&runs).unwrap();
    set_mode(&runs, 0o755);
    file::private(&runs).unwrap();
    assert_eq!(mode(&runs), 0o700);
    set_mode(&runs, 0o777);
    assert!(file::private(&runs).is_err());
    // A queue that somebody else may have filled is not taken in; a link to one is none.
    let mut queue = house.store().into_os_string();
    queue.push(".queue");
    let queue = std::path::PathBuf::from(queue);
    std::fs::create_dir(&queue).unwrap();
    let deploy = r#"{"id":"d1","version":"v-planted","at":1700000000000,"by":"x"}"#;
    std::fs::write(queue.join("d1.json"), deploy).unwrap();
    set_mode(&queue, 0o777);
    house.good(&["incident", "list"]).await;
    assert!(!house.good(&["--json", "deploys", "--days", "3650"]).await.contains("v-planted"));
    set_mode(&queue, 0o700);
    assert!(house.good(&["--json", "deploys", "--days", "3650"]).await.contains("v-planted"));
}

#[tokio::test]
async fn an_ordinary_user_can_do_it_too() {
    // Only root can become somebody else.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("cabina");
    std::fs::copy(env!("CARGO_BIN_EXE_cabina"), &program).unwrap();
    std::fs::write(folder.path().join("PROC-X-001.md"), BOOK).unwrap();
    std::fs::write(folder.path().join("cabina.toml"), "[store]\nurl = \"sqlite://state/cabina.db\"\n").unwrap();
    let script = format!(
        "cd {0}; export HOME={0}; ./cabina incident open --title x && ./cabina runbook run PROC-X-001.md --headless && \
         ./cabina run -- echo hi && ./cabina incident verify newest",
        folder.path().display()
    );
    for path in [folder.path(), &program, &folder.path().join("PROC-X-001.md"), &folder.path().join("cabina.toml")] {
        std::os::unix::fs::chown(path, Some(65_534), Some(65_534)).unwrap();
    }
    let out = tokio::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "bash", "-c", &script])
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
    assert!(text.contains("ok"), "{text}");
}

#[tokio::test]
async fn an_environment_that_is_no_text_ends_nothing() {
    use std::os::unix::ffi::OsStringExt as _;
    let house = House::new("");
    let file = folder_of(&house).join("PROC-X-001.md");
    std::fs::write(&file, BOOK).unwrap();
    let odd = std::ffi::OsString::from_vec(vec![b'x', 0xff, 0xfe]);
    let path = file.display().to_string();
    for args in [
        &["runbook", "run", path.as_str(), "--headless"][..],
        &["incident", "list"],
        &["run", "--", "true"],
        &["doctor"],
    ] {
        let mut command = house.command(args);
        command.env("ODD", &odd).env("ODD_TOKEN", &odd).env(&odd, "x");
        let out = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(
            !said.contains("UNKNOWN") && !said.contains("internal error") && out.status.code() == Some(0),
            "{args:?}: {said}"
        );
    }
}

#[tokio::test]
async fn few_threads_and_few_files_are_a_sentence() {
    let house = House::new("language = \"en\"\n");
    house.good(&["incident", "open", "--title", "x"]).await;
    let (program, config) = (env!("CARGO_BIN_EXE_cabina"), house.config());
    let mut told = 0;
    // How many are enough depends on the machine: with fewer a sentence, with more the note.
    for files in 5..=32 {
        // What this process inherited would count too.
        let close = "for fd in $(ls /proc/$$/fd); do [ $fd -le 2 ] || eval \"exec $fd>&-\"; done";
        let script = format!("{close}; ulimit -n {files}; exec {program} --config {config} incident note newest x");
        let out = tokio::process::Command::new("bash").args(["-c", &script]).output().await.unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        // Not even its libraries could be opened: the loader says so, and no line of the program ran.
        let never_began = out.status.code() == Some(127) && said.contains("loading shared libraries");
        let sentence = said.contains("open no more files") || said.contains("Too many open files");
        if !never_began && out.status.code() != Some(0) {
            assert!(matches!(out.status.code(), Some(1 | 70)) && sentence, "{files}: {:?} {said}", out.status);
            told += 1;
        }
    }
    assert!(told > 0, "however few files, it was not said");
    // Root has as many threads as it likes.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(program, folder.path().join("cabina")).unwrap();
    // A user of this test alone: whoever else runs as it counts, in other containers of the machine too.
    let user = 20_000 + std::process::id() % 40_000;
    std::os::unix::fs::chown(folder.path(), Some(user), Some(user)).unwrap();
    // A user with no other process, who may have two: the shell that becomes the program, and its first thread.
    let script = format!("ulimit -u 2; cd {0}; exec {0}/cabina check", folder.path().display());
    let out = tokio::process::Command::new("setpriv")
        .args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups", "bash", "-c", &script])
        .env("LANG", "en_US.UTF-8")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    // Without a configuration it says so; with no thread to be had, that.
    assert!(matches!(out.status.code(), Some(70 | 78)), "{:?} {said}", out.status);
    assert!(!said.contains("stack backtrace") && said.lines().count() <= 3, "{said}");
}
