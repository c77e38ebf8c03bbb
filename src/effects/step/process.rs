//! The supervisor as a process: it is given what it needs, says that it is ready, and lets go of whoever started it.

use std::io;
use std::io::Read as _;

use tokio::net::UnixListener;

use crate::bus::task;
use crate::effects::step::file;
use crate::effects::step::file::RunFile;
use crate::effects::step::supervisor::Supervisor;
use crate::effects::step::wire::Opening;

/// What is said on standard output once the socket is there.
pub(super) const READY: &str = "ready";
/// The opening is a few kilobytes; secrets and values are the most of it.
const OPENING: u64 = 4 * 1024 * 1024;
/// Runs as a supervisor until its run is over; the exit code. What it needs comes on its standard input.
#[must_use]
pub fn main() -> u8 {
    // Whatever becomes of the terminal and of whoever started it.
    let _ = rustix::process::setsid();
    let mut text = String::new();
    let read = io::stdin().take(OPENING).read_to_string(&mut text);
    let opening =
        read.map_err(|e| e.to_string()).and_then(|_| serde_json::from_str::<Opening>(&text).map_err(|e| e.to_string()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match (opening, runtime) {
        (Ok(opening), Ok(runtime)) => task::wait(&runtime, run(opening)),
        (Err(why), _) => Err(why),
        (_, Err(e)) => Err(e.to_string()),
    };
    match ended {
        Ok(()) => 0,
        Err(why) => {
            say(&why);
            1
        }
    }
}

/// One line on standard output: that it is ready, or why it is not.
fn say(line: &str) {
    use std::io::Write as _;
    let mut out = io::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Lets go of the terminal that it was started from.
fn let_go() -> io::Result<()> {
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

async fn run(opening: Opening) -> Result<(), String> {
    let (folder, run) = (opening.folder.clone(), opening.head.run.clone());
    let words = |e: io::Error| format!("{}: {e}", folder.display());
    let (file, lines) = if opening.resumes {
        let taken = RunFile::take_over(&folder, &run).map_err(words)?;
        taken.ok_or_else(|| format!("{run}: its supervisor is alive"))?
    } else {
        (RunFile::create(&folder, &run).map_err(words)?, Vec::new())
    };
    let socket = file::socket(&folder, &run);
    if let Some(near) = socket.parent() {
        file::private(near).map_err(words)?;
    }
    let _ = std::fs::remove_file(&socket);
    // The folder is its owner's alone, so nobody gets in before this.
    let listener = UnixListener::bind(&socket).map_err(words)?;
    std::fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(words)?;
    let mut supervisor = Supervisor::new(opening, file, lines);
    supervisor.begin().map_err(words)?;
    say(READY);
    let_go().map_err(words)?;
    supervisor.serve(listener).await;
    let _ = std::fs::remove_file(&socket);
    Ok(())
}
