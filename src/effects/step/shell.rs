//! The shell of a run: a fresh `bash -e` for every block, with the folder and the exported variables that the block
//! before left behind. They pass through this process' memory, never through a file of a disk.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::fd::AsRawFd as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use crate::effects::core;
use pty_process::OwnedReadPty;
use pty_process::OwnedWritePty;
use pty_process::Pty;
use rustix::fs::MemfdFlags;
use rustix::fs::memfd_create;
use tokio::process::Child;

/// What a block leaves behind is never more: a kernel gives no process a larger environment without being asked.
const LARGEST: u64 = 4 * 1024 * 1024;
/// Lines that hand values on; more are no values.
const HANDED: usize = 64 * 1024;
/// The variable that names where values are handed on.
pub(super) const OUTPUT: &str = "CABINA_OUTPUT";
/// Variables that say something of one shell only.
const OWN: [&str; 6] = ["_", "SHLVL", "PWD", "OLDPWD", OUTPUT, core::CARRIED];

/// What runs before and after a block, in one line so that the lines of the block keep their numbers. A block may have a
/// trap of its own for its end; it comes first. The block itself is read from memory: nothing of it stands in the list
/// of processes.
const AROUND: &str = concat!(
    r#"ulimit -S -c @CORE@ 2>/dev/null; __cabina_own=; "#,
    r#"trap() { if [ "${1-}" = -- ]; then shift; fi; if [ $# -ge 2 ] && [ "${1#-[lp]}" = "$1" ]; then "#,
    r#"local __c=$1 __s; shift; for __s; do case $__s in EXIT|exit|0) __cabina_own=$__c;; "#,
    r#"*) builtin trap -- "$__c" "$__s";; esac; done; else builtin trap "$@"; fi; }; "#,
    r#"__cabina_end() { local __s=$?; builtin trap - EXIT; set +eu; "#,
    r#"case $__cabina_own in ''|-) ;; *) (exit $__s); eval "$__cabina_own";; esac; "#,
    r#"{ pwd -P; printf '\0'; command -p env -0; } > "$__cabina_left" 2>/dev/null; builtin exit $__s; }; "#,
    r#"__cabina_left=@LEFT@; builtin trap __cabina_end EXIT; eval "$(<@BLOCK@)""#
);

/// A file in memory, and the name by which the processes of its owner can open it while it is held.
struct Memory {
    fd: OwnedFd,
    name: String,
}

impl Memory {
    fn new() -> io::Result<Self> {
        let fd = memfd_create(c"cabina", MemfdFlags::CLOEXEC)?;
        let name = format!("/proc/{}/fd/{}", std::process::id(), fd.as_fd().as_raw_fd());
        Ok(Self { fd, name })
    }

    fn read(&self, most: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = File::open(&self.name).and_then(|f| f.take(most).read_to_end(&mut bytes));
        bytes
    }
}

/// Where a block's output comes from.
pub(super) enum Output {
    /// A terminal; its other end takes what is typed. The third is the same terminal, to look at.
    Terminal(OwnedReadPty, OwnedWritePty, OwnedFd),
    /// A pipe: nobody can type.
    Pipe(tokio::net::unix::pipe::Receiver),
}

/// A block that was started.
pub(super) struct Started {
    /// Until somebody waits for its end.
    pub(super) child: Option<Child>,
    /// Until somebody listens.
    pub(super) output: Option<Output>,
    block: Memory,
    left: Memory,
    handed: Memory,
}

/// What passes from one block to the next.
pub(super) struct Shell {
    env: BTreeMap<OsString, OsString>,
    folder: PathBuf,
}

impl Shell {
    /// A shell with the environment of this process.
    pub(super) fn new() -> Self {
        let env = std::env::vars_os().filter(|(name, _)| !own(name)).collect();
        Self { env, folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")) }
    }

    /// A value for the blocks to come.
    pub(super) fn give(&mut self, name: &str, value: &str) {
        self.env.insert(name.into(), value.into());
    }

    /// Variables by name, as far as they are text.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.env.iter().filter_map(|(n, v)| Some((n.to_str()?, v.to_str()?)))
    }

    /// Starts a block.
    pub(super) fn start(&self, text: &str, name: &str, terminal: Option<(u16, u16)>) -> io::Result<Started> {
        let (block, left, handed) = (Memory::new()?, Memory::new()?, Memory::new()?);
        File::from(block.fd.try_clone()?).write_all(text.as_bytes())?;
        let around =
            AROUND.replace("@LEFT@", &left.name).replace("@BLOCK@", &block.name).replace("@CORE@", &core::in_blocks());
        let args = ["-e", "-c", &around, name];
        // The folder may be gone by now; then it is as for a shell whose folder was removed.
        let folder = if self.folder.is_dir() { self.folder.clone() } else { PathBuf::from("/") };
        let (child, output) = if let Some((columns, rows)) = terminal {
            let (pty, pts) = pty_process::open().map_err(io::Error::other)?;
            pty.resize(pty_process::Size::new(rows, columns)).map_err(io::Error::other)?;
            let look = pty.as_fd().try_clone_to_owned()?;
            let command = pty_process::Command::new("bash")
                .args(args)
                .env_clear()
                .envs(&self.env)
                .env("TERM", "xterm-256color")
                .env(OUTPUT, &handed.name)
                .current_dir(&folder);
            let child = command.spawn(pts).map_err(|e| match e {
                pty_process::Error::Io(e) => e,
                other => io::Error::other(other),
            })?;
            let (read, write) = Pty::into_split(pty);
            (child, Output::Terminal(read, write, look))
        } else {
            let (read, write) = io::pipe()?;
            let child = tokio::process::Command::new("bash")
                .args(args)
                .env_clear()
                .envs(&self.env)
                .env(OUTPUT, &handed.name)
                .current_dir(&folder)
                .stdin(Stdio::null())
                .stdout(write.try_clone()?)
                .stderr(write)
                // Its own group, so that a stop reaches all of it. There is no terminal that could be asked on:
                // the supervisor leads a session that has none.
                .process_group(0)
                .spawn()?;
            (child, Output::Pipe(tokio::net::unix::pipe::Receiver::from_owned_fd(read.into())?))
        };
        Ok(Started { child: Some(child), output: Some(output), block, left, handed })
    }

    /// Keeps what a block left behind: its folder, what it exported, and what it handed on of the variables that the
    /// procedure speaks of.
    pub(super) fn keep(&mut self, started: &Started, spoken_of: &[String]) {
        let _ = &started.block;
        let left = started.left.read(LARGEST);
        if let Some((folder, env)) = split(&left) {
            self.folder = PathBuf::from(OsString::from_vec(folder));
            self.env = env;
        }
        let handed = started.handed.read(HANDED as u64);
        for line in String::from_utf8_lossy(&handed).lines() {
            if let Some((name, value)) = line.split_once('=').filter(|(n, _)| is_name(n) && may_be_handed(n, spoken_of))
            {
                self.give(name, value);
            }
        }
    }
}

fn own(name: &OsStr) -> bool {
    OWN.iter().any(|o| name == *o)
}

/// Variables that change what commands do, whatever they are given to.
const MASTERS: [&str; 18] = [
    "PATH",
    "BASH_ENV",
    "ENV",
    "IFS",
    "HOME",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
    "SHELL",
    "CDPATH",
    "GLOBIGNORE",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "TMPDIR",
    "USER",
    "LOGNAME",
];
/// The same, by how they begin.
const FAMILIES: [&str; 7] = ["LD_", "PYTHON", "PERL", "RUBY", "NODE_", "GIT_", "BASH_"];

/// May a block hand this on by `$CABINA_OUTPUT`? What it prints there may come from anywhere.
fn may_be_handed(name: &str, spoken_of: &[String]) -> bool {
    let master = MASTERS.contains(&name) || FAMILIES.iter().any(|f| name.starts_with(f));
    !master && spoken_of.iter().any(|n| n == name)
}

/// May a shell call a variable so?
pub(super) fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The folder and the variables that a block left behind; `None` where it was killed before it could say so.
fn split(left: &[u8]) -> Option<(Vec<u8>, BTreeMap<OsString, OsString>)> {
    let mut parts = left.split(|b| *b == 0);
    let folder = parts.next()?.strip_suffix(b"\n")?.to_vec();
    let mut env = BTreeMap::new();
    for part in parts {
        let Some(at) = part.iter().position(|b| *b == b'=') else { continue };
        let (name, value) = part.split_at(at);
        let name = OsStr::from_bytes(name).to_owned();
        if !own(&name) {
            env.insert(name, OsStr::from_bytes(value.get(1..).unwrap_or_default()).to_owned());
        }
    }
    (!folder.is_empty() && !env.is_empty()).then_some((folder, env))
}
