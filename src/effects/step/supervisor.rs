//! The supervisor of a run: this binary again, in a session of its own. It runs the blocks, writes down what comes of
//! them, and goes on whoever comes and goes. One cabina drives at a time; the newest.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use rustix::process::Signal;
use tokio::net::UnixListener;
use tokio::net::UnixStream;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::bus;
use crate::bus::task;
use crate::effects::step::block::Heard;
use crate::effects::step::block::Running;
use crate::effects::step::cast::Cast;
use crate::effects::step::file;
use crate::effects::step::file::RunFile;
use crate::effects::step::heart::beat;
use crate::effects::step::ledger::Ledger;
use crate::effects::step::look;
use crate::effects::step::shell::Shell;
use crate::effects::step::shell::is_name;
use crate::effects::step::wire;
use crate::effects::step::wire::Ask;
use crate::effects::step::wire::Frame;
use crate::effects::step::wire::Opening;
use crate::effects::step::wire::Say;
use crate::effects::step::wire::Start;
use crate::effects::wrapped::last_lines;
use crate::model::credential::HIDDEN;
use crate::model::credential::mask;
use crate::model::run::End;
use crate::model::run::PROTOCOL;
use crate::model::run::Told;
use crate::model::run::What;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::secrets::named_secret;
use crate::secrets::stream::Stream;
use crate::store::make_private;

/// Bytes read from a block at once.
const CHUNK: usize = 32 * 1024;
/// Chunks that may wait for the cabina that drives; a terminal gives four thousand bytes at a time.
const CHUNKS: usize = 16;
/// The end of the output that somebody who comes back is shown: more than the largest screen.
const RING: usize = 256 * 1024;
/// A cabina that takes nothing for so long misses what comes; the block does not wait for it.
const PATIENCE: Duration = Duration::from_millis(200);
/// What could begin a secret is held back so long, where nothing follows it.
const HELD: Duration = Duration::from_millis(100);
/// What a block said last may arrive so long after its end, one piece after another …
const LAST_WORDS: Duration = Duration::from_millis(200);
/// … and no longer than this in all: what it left running is not waited for.
const LEAVES: Duration = Duration::from_secs(2);
/// A block that is asked to stop has so long; then it is killed.
const STOPS: Millis = 10 * SECOND;
/// Nobody drives and nothing runs for so long: the night is over. The run can be taken up again, without its variables.
const IDLE: Duration = Duration::from_hours(12);
/// A value that is shown is no longer.
const VALUE: usize = 4 * 1024;

/// A cabina that drives.
struct Client {
    to: mpsc::Sender<Frame<Say>>,
    from: mpsc::Receiver<Frame<Ask>>,
    /// It takes nothing at the moment.
    slow: bool,
}

pub(super) struct Supervisor {
    opening: Opening,
    ledger: Ledger,
    shell: Shell,
    /// What was there before the first block.
    before: BTreeMap<String, String>,
    /// Names of values that must not be seen.
    unseen: Vec<String>,
    stream: Stream,
    ring: VecDeque<u8>,
    client: Option<Client>,
    running: Option<Running>,
    missed: u64,
    told: Option<BTreeMap<String, String>>,
}

impl Supervisor {
    pub(super) fn new(opening: Opening, file: RunFile, lines: Vec<Told>) -> Self {
        let mut shell = Shell::new();
        // What is no text is nobody's password.
        let around: Vec<String> = shell
            .variables()
            .filter(|(name, value)| named_secret(name) && *value != opening.head.environment)
            .map(|(_, value)| value.to_owned())
            .collect();
        let stream = Stream::new(opening.hidden.iter().chain(&around).map(String::as_str));
        let before = shell.variables().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let mut stream = stream;
        for (name, value) in &opening.values {
            shell.give(name, value);
            if named_secret(name) || opening.unseen.contains(name) {
                stream.hide(value);
            }
        }
        let unseen = opening.unseen.clone();
        Self {
            opening,
            ledger: Ledger::new(file, lines),
            shell,
            before,
            unseen,
            stream,
            ring: VecDeque::new(),
            client: None,
            running: None,
            missed: 0,
            told: None,
        }
    }

    pub(super) fn begin(&mut self) -> io::Result<()> {
        let head = self.opening.head.clone();
        let what = if self.opening.resumes {
            What::Resumed { who: head.who, host: head.host }
        } else {
            What::Opened(Box::new(head))
        };
        let given = self.opening.values.iter().map(|(name, value)| {
            let secret = named_secret(name) || self.unseen.contains(name);
            let value = if secret { HIDDEN.to_owned() } else { value.chars().take(VALUE).collect() };
            What::Given { name: name.clone(), value }
        });
        for what in std::iter::once(what).chain(given.collect::<Vec<_>>()) {
            self.ledger.tell(bus::now().wall, what)?;
        }
        Ok(())
    }

    /// Writes a line down and tells it. Where the disk takes nothing more, nothing is done either.
    async fn tell(&mut self, what: What) -> bool {
        match self.ledger.tell(bus::now().wall, what) {
            Ok(told) => {
                self.say(Say::Told { told }).await;
                true
            }
            Err(e) => {
                let why = format!("{}: {e}", self.opening.folder.display());
                self.say(Say::Refused { why }).await;
                false
            }
        }
    }

    /// Writes down what has happened; what the disk does not take now is kept, and tried again.
    async fn happened(&mut self, what: What) {
        self.ledger.keep(bus::now().wall, what);
        self.flush().await;
    }

    async fn flush(&mut self) {
        let (written, failed) = self.ledger.flush();
        for told in written {
            self.say(Say::Told { told }).await;
        }
        if let Some(e) = failed {
            let why = format!("{}: {e}", self.opening.folder.display());
            self.say(Say::Unwritten { ended: self.ledger.ended(), why }).await;
        }
    }

    async fn say(&mut self, said: Say) {
        let Some(client) = &self.client else { return };
        // Lines must arrive. A cabina that takes none for so long is stopped (Ctrl-Z), or gone: it reads them when it
        // comes back.
        if client.to.send_timeout(Frame::Said(said), PATIENCE * 5).await.is_err() {
            self.client = None;
        }
    }

    pub(super) async fn serve(&mut self, listener: UnixListener) {
        let (Ok(mut term), Ok(mut hup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
            return;
        };
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let heart = self.opening.store.clone().map(|store| task::spawn(beat(store, self.opening.head.clone())));
        let mut idle = Instant::now();
        let driven = file::driven(&self.opening.folder, &self.opening.head.run);
        let mut told = false;
        loop {
            // For others, who would otherwise take it for one that was left.
            if told != self.client.is_some() {
                told = !told;
                let _ = if told { make_private(&driven, b"") } else { std::fs::remove_file(&driven) };
            }
            if self.running.is_some() || self.client.is_some() {
                idle = Instant::now();
            }
            if self.ledger.tale.outcome.is_some()
                && !self.ledger.waits()
                && self.running.is_none()
                && self.client.is_none()
            {
                break;
            }
            let held = self.stream.holds();
            let ends = self.running.as_ref().and_then(|r| r.status.as_ref()).map(|(_, words, all)| *words.min(all));
            tokio::select! {
                biased;
                _ = term.recv() => {
                    self.die().await;
                    break;
                }
                _ = hup.recv() => {}
                asked = asked(&mut self.client) => match asked {
                    Some(frame) => self.asked(frame).await,
                    None => self.client = None,
                },
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    self.welcome(stream).await;
                },
                news = heard(&mut self.running) => self.heard(news).await,
                () = tokio::time::sleep(HELD), if held => {
                    let some = self.stream.overdue();
                    self.output(some).await;
                }
                () = tokio::time::sleep_until(ends.unwrap_or(idle)), if ends.is_some() => self.finish().await,
                _ = ticks.tick() => self.tick().await,
                () = tokio::time::sleep_until(idle + IDLE) => break,
            }
        }
        let _ = std::fs::remove_file(&driven);
        if let Some(heart) = heart {
            heart.abort();
        }
        // What was said last is on its way.
        if let Some(client) = self.client.take() {
            drop(client.to);
            tokio::time::sleep(LAST_WORDS).await;
        }
    }

    async fn welcome(&mut self, stream: UnixStream) {
        if self.client.is_some() {
            self.say(Say::Displaced).await;
        }
        let (mut from, mut to) = stream.into_split();
        let (tx, mut frames) = mpsc::channel::<Frame<Say>>(CHUNKS);
        let (asks, rx) = mpsc::channel(CHUNKS);
        task::spawn(async move {
            wire::pass_on(&mut to, &mut frames).await;
        });
        task::spawn(async move {
            while let Ok(Some(frame)) = wire::read::<Ask>(&mut from).await {
                if asks.send(frame).await.is_err() {
                    return;
                }
            }
        });
        self.client = Some(Client { to: tx, from: rx, slow: false });
        self.told = None;
    }

    async fn asked(&mut self, frame: Frame<Ask>) {
        match frame {
            Frame::Bytes(bytes) => {
                if let Some(typed) = self.running.as_ref().and_then(|r| r.typed.as_ref()) {
                    // A block that reads nothing does not hold up its own stop.
                    let _ = typed.try_send(bytes);
                }
            }
            Frame::Said(Ask::Hello { protocol, have }) => {
                if protocol != PROTOCOL {
                    // Lines can be read whatever the version; to drive, both must speak the same.
                    let why = format!("protocol {PROTOCOL}, not {protocol}");
                    self.say(Say::Refused { why }).await;
                    return;
                }
                self.hello(have).await;
            }
            Frame::Said(Ask::Tell { what }) => self.happened(what).await,
            Frame::Said(Ask::Start { start }) => self.start(start).await,
            Frame::Said(Ask::Give { name, value, secret }) => {
                if is_name(&name) {
                    self.shell.give(&name, &value);
                }
                let secret = secret || named_secret(&name);
                if secret {
                    self.stream.hide(&value);
                    self.unseen.push(name.clone());
                }
                let value = if secret { HIDDEN.to_owned() } else { value };
                self.happened(What::Given { name, value }).await;
                self.known().await;
            }
            Frame::Said(Ask::Resize { columns, rows }) => {
                if let Some(running) = &mut self.running
                    && let Some(terminal) = &running.terminal
                {
                    running.columns = columns;
                    let size = rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
                    let _ = rustix::termios::tcsetwinsize(terminal, size);
                }
            }
            Frame::Said(Ask::Hide { values }) => values.iter().for_each(|v| self.stream.hide(v)),
            Frame::Said(Ask::Stop { kill }) => self.stop(kill),
            Frame::Said(Ask::Unknown) => {}
        }
    }

    async fn hello(&mut self, have: u64) {
        self.say(Say::Hello { protocol: PROTOCOL, pid: std::process::id() }).await;
        let news: Vec<Told> = self.ledger.lines.iter().filter(|t| t.seq > have).cloned().collect();
        for told in news {
            self.say(Say::Told { told }).await;
        }
        self.known().await;
        let missed = std::mem::take(&mut self.missed);
        self.say(Say::Caught { missed }).await;
        if self.ledger.waits() {
            self.flush().await;
        }
        if self.running.is_some() {
            let ring: Vec<u8> = self.ring.iter().copied().collect();
            for chunk in ring.chunks(CHUNK) {
                self.bytes(chunk.to_vec()).await;
            }
        }
    }

    /// What blocks left behind, and what the procedure speaks of.
    async fn known(&mut self) {
        let mut values = BTreeMap::new();
        for (name, value) in self.shell.variables() {
            let wanted = self.opening.names.iter().any(|n| n == name);
            if !wanted && self.before.get(name).is_some_and(|b| b == value) {
                continue;
            }
            let secret = named_secret(name) || self.unseen.iter().any(|n| n == name);
            let shown: String = if secret { HIDDEN.to_owned() } else { value.chars().take(VALUE).collect() };
            values.insert(name.to_owned(), shown);
        }
        if self.told.as_ref() != Some(&values) {
            self.told = Some(values.clone());
            self.say(Say::Known { values }).await;
        }
    }

    async fn start(&mut self, start: Start) {
        if self.running.is_some() {
            return self.say(Say::Refused { why: "another block runs".to_owned() }).await;
        }
        let number = self.ledger.tale.blocks + 1;
        let (folder, run) = (self.opening.folder.clone(), self.opening.head.run.clone());
        let path = file::cast(&folder, &run, number);
        let cast = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let (step, part, command) = (start.step.clone(), start.part, start.shown.clone());
        // On the disk first: what is not written down is not done.
        if !self.tell(What::Began { block: number, step, part, command, cast }).await {
            return;
        }
        let now = bus::now();
        let size = start.terminal.unwrap_or((120, 40));
        let title = format!("{} {}", self.opening.head.runbook, start.step);
        let cast = Cast::create(&path, size, &title, now.mono, now.wall).ok();
        let name = format!("{}:{}", self.opening.head.runbook, start.step);
        self.ring.clear();
        match self.shell.start(&start.text, &name, start.terminal) {
            Ok(started) => self.running = Some(Running::new(number, started, &start, cast, now.mono)),
            Err(e) => {
                let error = format!("bash: {e}");
                self.happened(What::Ended { block: number, end: End { error, ..End::default() } }).await;
            }
        }
    }

    async fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Bytes(bytes) => {
                if let Some(r) = &mut self.running {
                    r.spoke = bus::now().mono;
                    r.bytes += bytes.len() as u64;
                    if let Some((_, words, _)) = &mut r.status {
                        *words = Instant::now() + LAST_WORDS;
                    }
                }
                let shown = self.stream.pass(bytes);
                self.output(shown).await;
            }
            Heard::Silence => {
                let over = self.running.as_mut().is_some_and(|r| {
                    r.silent = true;
                    r.status.is_some()
                });
                if over {
                    self.finish().await;
                }
            }
            Heard::Ended(status) => {
                let over = self.running.as_mut().is_some_and(|r| {
                    let now = Instant::now();
                    r.status = Some((status.ok(), now + LAST_WORDS, now + LEAVES));
                    r.silent
                });
                if over {
                    self.finish().await;
                }
            }
        }
    }

    async fn output(&mut self, bytes: Vec<u8>) {
        let Some(running) = self.running.as_mut().filter(|_| !bytes.is_empty()) else { return };
        if let Some(cast) = &mut running.cast {
            cast.take(&bytes, bus::now().mono);
        }
        let tail = bytes.get(bytes.len().saturating_sub(RING)..).unwrap_or_default();
        self.ring.extend(tail);
        let over = self.ring.len().saturating_sub(RING);
        self.ring.drain(..over);
        self.bytes(bytes).await;
    }

    async fn bytes(&mut self, bytes: Vec<u8>) {
        let lines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        let Some(client) = &mut self.client else {
            self.missed += lines;
            return;
        };
        let sent = if client.slow {
            client.to.try_send(Frame::Bytes(bytes)).is_ok()
        } else {
            client.to.send_timeout(Frame::Bytes(bytes), PATIENCE).await.is_ok()
        };
        client.slow = !sent;
        if client.to.is_closed() {
            self.client = None;
        }
        if !sent {
            self.missed += lines;
        }
    }

    /// The block has ended, and its last words are there.
    async fn finish(&mut self) {
        let rest = self.stream.rest();
        self.output(rest).await;
        let Some(mut running) = self.running.take() else { return };
        let now = bus::now().mono;
        self.shell.keep(&running.started, &self.opening.names);
        if let Some(cast) = running.cast.take() {
            cast.finish(now);
        }
        running.sweep();
        let ring: Vec<u8> = std::mem::take(&mut self.ring).into();
        let status = running.status.and_then(|(status, _, _)| status);
        let end = End {
            exit: status.and_then(|s| s.code()),
            signal: status.and_then(|s| s.signal()),
            took: now - running.began,
            tail: mask(&last_lines(&ring, running.columns, running.terminal.is_none())),
            bytes: running.bytes,
            stopped: running.stopped.is_some(),
            error: String::new(),
        };
        self.known().await;
        self.happened(What::Ended { block: running.number, end }).await;
    }

    fn stop(&mut self, kill: bool) {
        let Some(running) = &mut self.running else { return };
        if running.stopped.is_none() {
            running.known = look::left(running.pid, &[]);
        }
        let now = bus::now().mono;
        running.stopped.get_or_insert(now);
        if kill {
            running.kill();
        } else {
            running.signal(Signal::TERM);
        }
    }

    async fn tick(&mut self) {
        let now = bus::now().mono;
        if self.ledger.waits() {
            self.flush().await;
        }
        let late = |r: &Running| r.stopped.is_none() && r.killed_after.is_some_and(|most| now - r.began > most);
        if self.running.as_ref().is_some_and(late) {
            self.stop(false);
        }
        let Some(running) = &mut self.running else { return };
        if running.stopped.is_some_and(|at| now - at > STOPS) && !running.killed {
            running.kill();
        }
        if let Some(cast) = &mut running.cast {
            cast.flush(now);
        }
        if self.client.is_some() {
            let alive = look::alive(running.pid, now - running.spoke, running.terminal.as_ref().map(|t| t.as_fd()));
            self.say(Say::Alive { alive }).await;
        }
    }

    /// The machine goes down, or somebody ends the supervisor itself: nobody will know what came of the block.
    async fn die(&mut self) {
        let Some(running) = &mut self.running else { return };
        running.known = look::left(running.pid, &[]);
        running.signal(Signal::TERM);
        let block = running.number;
        if let Some(cast) = running.cast.take() {
            cast.finish(bus::now().mono);
        }
        tokio::time::sleep(LAST_WORDS).await;
        running.kill();
        running.sweep();
        self.happened(What::Lost { block }).await;
    }
}

async fn asked(client: &mut Option<Client>) -> Option<Frame<Ask>> {
    match client {
        Some(client) => client.from.recv().await,
        None => std::future::pending().await,
    }
}

async fn heard(running: &mut Option<Running>) -> Heard {
    match running {
        Some(running) => match running.heard.recv().await {
            Some(heard) => heard,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}
