//! Lines of a command that goes on, such as `journalctl -f`. One that ends is started again, later and later.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process_group;
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::Instant;

use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::sources::log::Cutter;
use crate::sources::log::Shared;

/// What a command prints at once is its past (`journalctl -f` begins with ten old lines), not what happens now.
const PAST: Duration = Duration::from_millis(400);
/// The first and the longest wait before an ended command is started again.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// Bytes of its complaints that are kept.
const COMPLAINT: usize = 2_000;

/// A child whose whole process group ends with it.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Runs and reads it until nobody wants it any more.
pub(super) async fn follow(line: String, shared: Shared) {
    let mut wait = AGAIN.0;
    loop {
        let began = Instant::now();
        let why = once(&line, &shared).await;
        shared.problem(Some(why));
        if began.elapsed() > AGAIN.1 {
            wait = AGAIN.0;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(AGAIN.1);
    }
}

/// Runs it once; returns why it ended.
async fn once(line: &str, shared: &Shared) -> Absence {
    let mut command = Command::new("sh");
    command.args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let spawned = command.process_group(0).kill_on_drop(true).spawn();
    let mut child = match spawned {
        Ok(child) => Group(child),
        Err(e) => return Absence::Failed(clean(&e.to_string())),
    };
    let (Some(mut out), Some(mut err)) = (child.0.stdout.take(), child.0.stderr.take()) else {
        return Absence::Failed("the command has no output".to_owned());
    };
    let mut began: Option<Instant> = None;
    let mut complaint: Vec<u8> = Vec::new();
    let mut cutter = Cutter::default();
    let (mut buffer, mut aside) = (vec![0u8; 32 * 1024], [0u8; 1_024]);
    let mut talks = true;
    shared.problem(None);
    loop {
        tokio::select! {
            read = out.read(&mut buffer) => match read {
                Ok(n) if n > 0 => {
                    // Its past begins with the first byte: it may have had to connect first.
                    if began.get_or_insert_with(Instant::now).elapsed() > PAST {
                        cutter.push(buffer.get(..n).unwrap_or_default(), shared);
                    }
                }
                _ => break,
            },
            read = err.read(&mut aside), if talks => match read {
                Ok(n) if n > 0 => {
                    complaint.extend_from_slice(aside.get(..n).unwrap_or_default());
                    let over = complaint.len().saturating_sub(COMPLAINT);
                    complaint.drain(..over);
                }
                _ => talks = false,
            },
        }
    }
    // One that closed its output and lives on tells nothing any more: it is ended with its group.
    let ended = tokio::time::timeout(Duration::from_secs(1), child.0.wait()).await;
    let code =
        ended.ok().and_then(Result::ok).and_then(|s| s.code()).map_or_else(|| "a signal".to_owned(), |c| c.to_string());
    let text = String::from_utf8_lossy(&complaint).into_owned();
    let last = text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let last = clean(&shared.secrets.redact(last));
    let said = if last.is_empty() { String::new() } else { format!(": {last}") };
    Absence::Failed(format!("the command ended with {code}{said}"))
}
