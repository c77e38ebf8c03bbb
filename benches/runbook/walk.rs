//! The figures of a step that runs, taken on the built program in a pseudo-terminal: how soon its first byte is seen, how
//! long a flood takes, how soon a key is answered in it, how much memory it takes.

use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use pty_process::OwnedReadPty;
use pty_process::OwnedWritePty;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;

/// Nothing here takes so long.
const PATIENCE: Duration = Duration::from_mins(1);
/// A card is deaf to keys that were on their way when it opened.
const READS: Duration = Duration::from_millis(300);

/// Between two letters of a key that is held down.
const HELD_DOWN: Duration = Duration::from_millis(50);

const DOCUMENT: &str = "# PROC-X-001: Bench\n\n## Steps\n\n### Step 1: First\n```bash\necho first-byte; sleep 1\n```\n\n### Step 2: Flood\n```bash\nhead -c 100000000 /dev/zero | tr '\\0' 'x' | fold -w 70\necho; echo flood-over\n```\n\n### Step 3: Last\n```bash\ntrue\n```\n";

struct Screen {
    read: OwnedReadPty,
    write: OwnedWritePty,
    parser: vt100::Parser,
    pid: u32,
    _child: tokio::process::Child,
}

impl Screen {
    fn start(folder: &Path) -> Option<Self> {
        let (pty, pts) = pty_process::open().ok()?;
        pty.resize(pty_process::Size::new(40, 120)).ok()?;
        let child = pty_process::Command::new(env!("CARGO_BIN_EXE_cabina"))
            .env("LANG", "en_US.UTF-8")
            .env("TERM", "xterm-256color")
            .current_dir(folder)
            .kill_on_drop(true)
            .spawn(pts)
            .ok()?;
        let cells = |n| NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN);
        let parser = vt100::Parser::new(cells(40), cells(120), 0);
        let pid = child.id()?;
        let (read, write) = pty.into_split();
        Some(Self { read, write, parser, pid, _child: child })
    }

    async fn keys(&mut self, keys: &str) {
        let _ = self.write.write_all(keys.as_bytes()).await;
    }

    /// Reads until the screen shows what is looked for; how long that took.
    async fn until(&mut self, good: impl Fn(&str) -> bool) -> Duration {
        let start = Instant::now();
        let mut chunk = vec![0; 64 * 1024];
        while !good(&self.parser.screen().contents()) && start.elapsed() < PATIENCE {
            let next = tokio::time::timeout(Duration::from_millis(50), self.read.read(&mut chunk)).await;
            if let Ok(Ok(n)) = next {
                self.parser.process(chunk.get(..n).unwrap_or_default());
            }
        }
        start.elapsed()
    }

    /// Opens the card of the selected step, reads it, and says yes.
    async fn runs(&mut self) {
        self.keys("e").await;
        self.until(|s| s.contains("[y] run it")).await;
        tokio::time::sleep(READS).await;
        self.keys("y").await;
    }

    /// Resident memory, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
    }
}

/// Takes the figures and prints them.
pub(crate) fn figures() {
    let folder = std::env::temp_dir().join(format!("cabina-bench-walk-{}", std::process::id()));
    let library = folder.join("runbooks");
    let config = "language = \"en\"\nenvironment = \"staging\"\n[store]\nurl = \"sqlite://state/cabina.db\"\n";
    let made = std::fs::create_dir_all(&library)
        .and_then(|()| std::fs::write(library.join("PROC-X-001.md"), DOCUMENT))
        .and_then(|()| std::fs::write(folder.join("cabina.toml"), config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    if let (Ok(()), Ok(runtime)) = (made, runtime) {
        runtime.block_on(take(&folder));
    }
    let _ = std::fs::remove_dir_all(folder);
}

async fn take(folder: &Path) {
    let Some(mut screen) = Screen::start(folder) else { return };
    screen.until(|s| s.contains("What to do")).await;
    screen.keys("r").await;
    screen.until(|s| s.contains("PROC-X-001")).await;
    screen.keys("\r").await;
    screen.until(|s| s.contains("Flood")).await;
    screen.keys("e").await;
    screen.until(|s| s.contains("Beginning runs nothing")).await;
    screen.keys("y").await;
    screen.until(|s| s.contains("nothing undoes it")).await;
    screen.runs().await;
    // The card shows the command too: what is looked for stands at the beginning of a line of the terminal.
    let first =
        screen.until(|s| s.lines().any(|l| l.split('│').nth(1).is_some_and(|l| l.trim() == "first-byte"))).await;
    screen.until(|s| s.contains("Step 2 Flood")).await;
    let before = screen.memory();
    screen.runs().await;
    let start = Instant::now();
    screen.until(|s| s.contains("xxxxxxxxxx")).await;
    let mut worst = Duration::ZERO;
    let mut keys = 0;
    let mut most = before;
    // The first has ended so before.
    let over = |s: &str| s.matches("ran, not validated").count() >= 2;
    while !over(&screen.parser.screen().contents()) && start.elapsed() < PATIENCE {
        let down = keys % 2 == 0;
        screen.keys(if down { "j" } else { "k" }).await;
        let place = if down { "> · 3" } else { "> ► 2" };
        let took = screen.until(|s| s.contains(place) || over(s)).await;
        if !screen.parser.screen().contents().contains(place) {
            break;
        }
        worst = worst.max(took);
        keys += 1;
        most = most.max(screen.memory());
        // A person holds a key down: twenty a second.
        let next = Instant::now() + HELD_DOWN;
        screen.until(|s| over(s) || Instant::now() >= next).await;
    }
    screen.until(over).await;
    let took = start.elapsed();
    println!(
        "a step: first byte on the screen after {} ms; 100 MB of output in {:.2} s; of {keys} keys in it the slowest {} ms; {} KiB more memory",
        first.as_millis(),
        took.as_secs_f64(),
        worst.as_millis(),
        most.saturating_sub(before),
    );
}
