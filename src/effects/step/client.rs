//! The way to the supervisor of a run: starts one or finds the one that is there, and carries what is said both ways.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;

use crate::bus::Bus;
use crate::bus::task;
use crate::effects::core;
use crate::effects::step::cast;
use crate::effects::step::file;
use crate::effects::step::process::READY;
use crate::effects::step::prove;
use crate::effects::step::settle;
use crate::effects::step::wire;
use crate::effects::step::wire::Ask;
use crate::effects::step::wire::Frame;
use crate::effects::step::wire::Opening;
use crate::effects::step::wire::Say;
use crate::effects::step::wire::Start;
use crate::engine::Kind;
use crate::engine::effect::RunOrder;
use crate::engine::event::Left;
use crate::model::journal::print;
use crate::model::run::Head;
use crate::model::run::PROTOCOL;
use crate::model::tale::Tale;
use crate::model::text::clean;
use crate::secrets::Secrets;

/// Orders that may wait; a person gives one at a time.
const ORDERS: usize = 256;
/// Pieces of output that may be on their way to the loop.
const CHUNKS: usize = 4;
/// A supervisor is there in some milliseconds; a machine that is busy may take longer.
const BEGINS: Duration = Duration::from_secs(10);

/// What is needed to drive runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The folder of runs.
    pub folder: PathBuf,
    /// The store that is told that a run is alive.
    pub store: Option<PathBuf>,
    /// Values that must not be seen.
    pub secrets: Arc<Secrets>,
    /// Values that were given on the command line; they are no part of any state.
    pub given: BTreeMap<String, SecretString>,
    /// Names of values that must not be seen.
    pub unseen: Vec<String>,
    /// Nothing is run from here, and nothing driven.
    pub read_only: bool,
    /// The login that steps run as.
    pub user: String,
    /// This machine.
    pub host: String,
}

impl Plan {
    fn opening(&self, head: Head, names: Vec<String>, mut values: BTreeMap<String, String>, resumes: bool) -> Opening {
        values.extend(self.given.iter().map(|(n, v)| (n.clone(), v.expose_secret().to_owned())));
        Opening {
            head,
            folder: self.folder.clone(),
            hidden: self.secrets.hidden(),
            names,
            values,
            unseen: self.unseen.clone(),
            store: self.store.clone(),
            resumes,
        }
    }
}

/// Values that were typed unseen, by name: they are held here and nowhere else until a run takes them.
pub type Vault = Arc<Mutex<BTreeMap<String, SecretString>>>;

/// How a run is come by.
enum Begins {
    /// It begins, with these variables and values.
    New(Vec<String>, BTreeMap<String, String>),
    /// Its supervisor is gone: another one is started.
    Again(Vec<String>),
    /// Its supervisor lives; this was read of it.
    Attached(Box<Kind>),
}

/// Drives one run at a time.
#[derive(Debug)]
pub struct Driver {
    plan: Plan,
    bus: Bus,
    vault: Vault,
    /// The link that orders belong to, and what comes of them.
    link: u64,
    orders: Option<mpsc::Sender<Frame<Ask>>>,
    chunks: Arc<Semaphore>,
}

impl Driver {
    /// Nothing runs yet.
    #[must_use]
    pub fn new(plan: Plan, bus: Bus, vault: Vault) -> Self {
        Self { plan, bus, vault, link: 0, orders: None, chunks: Arc::new(Semaphore::new(CHUNKS)) }
    }

    /// What is secret from now on is so for what runs, too.
    pub fn hide(&self, values: Vec<String>) {
        if let Some(orders) = &self.orders {
            let _ = orders.try_send(Frame::Said(Ask::Hide { values }));
        }
    }

    /// A piece of output was taken in: the next may come.
    pub fn taken(&self) {
        if self.chunks.available_permits() < CHUNKS {
            self.chunks.add_permits(1);
        }
    }

    /// Carries an order out; what comes of it returns as events.
    pub fn carry_out(&mut self, order: RunOrder) {
        let looks = matches!(
            order,
            RunOrder::Link(_)
                | RunOrder::Attach { .. }
                | RunOrder::Read { .. }
                | RunOrder::Age { .. }
                | RunOrder::Leave
        );
        // The one place that everything which runs passes through, whatever asked for it.
        if self.plan.read_only && !looks {
            return;
        }
        match order {
            RunOrder::Link(link) => self.link = link,
            RunOrder::Open { head, names, values } => self.join(*head, Begins::New(names, values), 0),
            RunOrder::Resume { head, names } => self.join(*head, Begins::Again(names), 0),
            RunOrder::Attach { run, take } => self.attach(run, take && !self.plan.read_only),
            RunOrder::Read { casts } => self.read(casts),
            RunOrder::Age { path } => {
                let bus = self.way();
                task::spawn(async move {
                    let written = tokio::fs::metadata(&path).await.and_then(|m| m.modified()).ok();
                    let since = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
                    let at = since.and_then(|d| i64::try_from(d.as_millis()).ok());
                    bus.send(Kind::Aged { path, at }).await;
                });
            }
            RunOrder::Choices { name, command } => {
                let bus = self.way();
                task::spawn(async move {
                    let choices = choices(&command).await;
                    bus.send(Kind::ChoicesRead { name, choices }).await;
                });
            }
            RunOrder::Prove { items } => {
                let bus = self.way();
                task::spawn(async move {
                    let found = tokio::task::spawn_blocking(move || prove::proved(&items)).await;
                    bus.send(Kind::Proved { items: found.unwrap_or_default() }).await;
                });
            }
            RunOrder::Tell(what) => self.ask(Ask::Tell { what }),
            RunOrder::Start(block) => {
                let block = *block;
                let start = Start {
                    step: block.step,
                    part: block.part,
                    text: block.text,
                    shown: self.plan.secrets.redact(&block.shown),
                    terminal: block.terminal,
                    killed_after: block.killed_after,
                };
                self.ask(Ask::Start { start });
            }
            RunOrder::Give { name, value } => self.ask(Ask::Give { name, value, secret: false }),
            RunOrder::GiveSecret { name } => {
                let value = self.vault.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
                if let Some(value) = value {
                    self.ask(Ask::Give { name, value: value.expose_secret().to_owned(), secret: true });
                }
            }
            RunOrder::Resize { columns, rows } => self.ask(Ask::Resize { columns, rows }),
            RunOrder::Stop { kill } => self.ask(Ask::Stop { kill }),
            RunOrder::Leave => self.orders = None,
        }
    }

    /// The way back for what comes of an order.
    fn way(&self) -> Way {
        Way { bus: self.bus.clone(), link: self.link }
    }

    /// Reads a run from its files, and comes back to it where its supervisor lives. To read them may take a while.
    fn attach(&mut self, run: String, take: bool) {
        let (plan, way) = (self.plan.clone(), self.way());
        let taken = take.then(|| self.line());
        task::spawn(async move {
            let folder = plan.folder.clone();
            let wanted = run.clone();
            let files = tokio::task::spawn_blocking(move || {
                let settled = file::settle(&folder, &wanted).ok()?;
                Some((settled, settle::document(&folder, &wanted)?))
            });
            let Some(((lines, alive), book)) = files.await.ok().flatten() else {
                let why = plan.folder.join(run).display().to_string();
                way.send(Kind::OutputRead { lines: Err(why) }).await;
                return;
            };
            let read = Tale::of(&lines);
            let (head, have) = (read.head.clone(), read.seq);
            let kind = Kind::RunRead { tale: Box::new(read), book: Arc::new(book), alive };
            if let Some((rx, chunks)) = taken.filter(|_| alive) {
                drive(plan, way, head, Begins::Attached(Box::new(kind)), have, rx, chunks).await;
                return;
            }
            way.send(kind).await;
            if alive {
                // Who comes in would drive: to look, the file is enough.
                way.send(Kind::RunLeft { run, left: Left::Displaced }).await;
            }
        });
    }

    /// A line to whoever will take orders from now on.
    fn line(&mut self) -> (mpsc::Receiver<Frame<Ask>>, Arc<Semaphore>) {
        let (tx, rx) = mpsc::channel(ORDERS);
        self.orders = Some(tx);
        self.chunks = Arc::new(Semaphore::new(CHUNKS));
        (rx, Arc::clone(&self.chunks))
    }

    /// Reads the output of blocks: their files, as a terminal would show them.
    fn read(&self, casts: Vec<String>) {
        let (folder, bus) = (self.plan.folder.clone(), self.way());
        task::spawn(async move {
            let read = tokio::task::spawn_blocking(move || {
                let mut lines: Vec<String> = Vec::new();
                for cast in casts {
                    // A name alone: what stands in a line of a run leads nowhere else.
                    let name = Path::new(&cast).file_name().unwrap_or_default().to_owned();
                    let (bytes, columns) = cast::read(&folder.join(name)).map_err(|e| e.to_string())?;
                    lines.extend(cast::lines(&bytes, columns));
                }
                Ok(lines.into())
            });
            let lines = read.await.unwrap_or_else(|e| Err(e.to_string()));
            bus.send(Kind::OutputRead { lines }).await;
        });
    }

    /// Bytes typed into the terminal of what runs.
    pub fn typed(&self, bytes: Vec<u8>) {
        if let Some(orders) = &self.orders {
            let _ = orders.try_send(Frame::Bytes(bytes));
        }
    }

    /// The way for bytes that are typed, for whoever reads the keyboard.
    #[must_use]
    pub fn keys(&self) -> Option<mpsc::Sender<Frame<Ask>>> {
        self.orders.clone()
    }

    fn ask(&self, ask: Ask) {
        let sent = self.orders.as_ref().is_some_and(|o| o.try_send(Frame::Said(ask)).is_ok());
        if !sent {
            let way = self.way();
            task::spawn(
                async move { way.send(Kind::RunRefused { why: "the supervisor takes nothing".to_owned() }).await },
            );
        }
    }

    /// What only this machine knows of a run that begins.
    fn here(&self, head: Head) -> Head {
        let env = |name: &str| std::env::var(name).unwrap_or_default();
        // `man 1 ssh`: where the other end is, its port, and the port here.
        let ssh = env("SSH_CONNECTION").split(' ').next().unwrap_or_default().to_owned();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Head {
            run: if head.run.is_empty() { crate::store::new_id() } else { head.run },
            user: self.plan.user.clone(),
            host: self.plan.host.clone(),
            ssh: clean(&ssh),
            boot: boot.trim().to_owned(),
            ..head
        }
    }

    fn join(&mut self, head: Head, begins: Begins, have: u64) {
        let (rx, chunks) = self.line();
        let head = self.here(head);
        task::spawn(drive(self.plan.clone(), self.way(), head, begins, have, rx, chunks));
    }
}

/// The way back for what comes of the orders of one link.
#[derive(Clone)]
struct Way {
    bus: Bus,
    link: u64,
}

impl Way {
    async fn send(&self, kind: Kind) -> bool {
        self.bus.send(Kind::OfRun(self.link, Box::new(kind))).await
    }
}

/// Begins a run, or comes back to one, and passes on what is said of it until it is left.
async fn drive(
    plan: Plan,
    way: Way,
    head: Head,
    begins: Begins,
    have: u64,
    orders: mpsc::Receiver<Frame<Ask>>,
    chunks: Arc<Semaphore>,
) {
    let run = head.run.clone();
    let began = match begins {
        Begins::New(names, values) => {
            let opened = pin(&plan.folder, &head).map(|()| plan.opening(head, names, values, false));
            match opened {
                Ok(opening) => begin(opening).await,
                Err(e) => Err(e),
            }
        }
        Begins::Again(names) => begin(plan.opening(head, names, BTreeMap::new(), true)).await,
        Begins::Attached(read) => {
            way.send(*read).await;
            Ok(())
        }
    };
    let ended = match began {
        Ok(()) => talk(&plan, &run, have, orders, &way, &chunks).await,
        Err(e) => Err(e),
    };
    let left = ended.unwrap_or_else(|e| Left::Gone(e.to_string()));
    way.send(Kind::RunLeft { run, left }).await;
}

/// A command that says what there is to choose from has so long.
const CHOOSES: Duration = Duration::from_secs(10);
/// More than a person reads through.
const CHOICES: usize = 200;

/// The lines that a command prints; none where it fails. It has no terminal to ask on.
async fn choices(command: &str) -> Vec<String> {
    let mut run = tokio::process::Command::new("bash");
    run.args(["-c", command]).stdin(Stdio::null()).stderr(Stdio::null()).process_group(0).kill_on_drop(true);
    let Ok(Ok(out)) = tokio::time::timeout(CHOOSES, run.output()).await else { return Vec::new() };
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().map(|l| clean(l.trim())).filter(|l| !l.is_empty()).take(CHOICES).collect()
}

/// What a supervisor that did not start complained of is read so far.
const COMPLAINT: u64 = 4 * 1024;

/// Keeps the procedure as it is now: what is walked is what was read, whatever becomes of the file.
fn pin(folder: &Path, head: &Head) -> io::Result<()> {
    let bytes = std::fs::read(&head.path)?;
    if print(&String::from_utf8_lossy(&bytes)) != head.hash {
        return Err(io::Error::other("changed"));
    }
    file::private(folder)?;
    crate::store::make_private(&file::document(folder, &head.run), &bytes)
}

/// Starts a supervisor, and waits until it can be spoken to.
async fn begin(opening: Opening) -> io::Result<()> {
    // The program that runs, also when its file was replaced by a newer one meanwhile.
    let mut child = tokio::process::Command::new("/proc/self/exe")
        .arg("supervise")
        .env(core::CARRIED, core::carried())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let text = serde_json::to_vec(&opening)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(&text).await?;
    }
    let Some(stdout) = child.stdout.take() else { return Err(io::ErrorKind::BrokenPipe.into()) };
    let mut line = String::new();
    let mut stdout = BufReader::new(stdout);
    match tokio::time::timeout(BEGINS, stdout.read_line(&mut line)).await {
        Ok(Ok(_)) if line.trim_end() == READY => {}
        // It did not start, and says why; or it ended before it could, and what it complained of is all there is.
        Ok(Ok(_)) if !line.trim().is_empty() => return Err(io::Error::other(clean(line.trim_end()))),
        Ok(Ok(_)) => {
            let mut words = String::new();
            if let Some(stderr) = child.stderr.take() {
                let mut few = stderr.take(COMPLAINT);
                let _ = tokio::time::timeout(BEGINS, few.read_to_string(&mut words)).await;
            }
            return Err(io::Error::other(clean(&words)));
        }
        Ok(Err(e)) => return Err(e),
        Err(_) => return Err(io::ErrorKind::TimedOut.into()),
    }
    // Whoever is begot is waited for, or its remains stay in the list of processes.
    task::spawn(async move { child.wait().await });
    Ok(())
}

async fn talk(
    plan: &Plan,
    run: &str,
    have: u64,
    mut orders: mpsc::Receiver<Frame<Ask>>,
    way: &Way,
    chunks: &Arc<Semaphore>,
) -> io::Result<Left> {
    let stream = UnixStream::connect(file::socket(&plan.folder, run)).await?;
    let (from, mut to) = stream.into_split();
    wire::write(&mut to, &Frame::Said(Ask::Hello { protocol: PROTOCOL, have })).await?;
    // What is heard may have to wait for the loop; what is asked must not wait for that.
    let (run, way, chunks) = (run.to_owned(), way.clone(), Arc::clone(chunks));
    let mut hears = task::spawn(async move {
        let mut from = BufReader::with_capacity(64 * 1024, from);
        loop {
            match wire::read::<Say>(&mut from).await {
                Ok(Some(Frame::Said(Say::Displaced))) => return Left::Displaced,
                Ok(Some(frame)) => {
                    if !pass_on(frame, &run, &way, &chunks).await {
                        return Left::OnPurpose;
                    }
                }
                Ok(None) => return Left::Gone(String::new()),
                Err(e) => return Left::Gone(e.to_string()),
            }
        }
    });
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(order) = order else {
                    hears.abort();
                    return Ok(Left::OnPurpose);
                };
                if wire::write(&mut to, &order).await.is_err() {
                    // What it said last may still be on its way here.
                    return Ok(hears.await.unwrap_or(Left::OnPurpose));
                }
            },
            left = &mut hears => return Ok(left.unwrap_or(Left::OnPurpose)),
        }
    }
}

/// Makes an event of a frame; false when there will be no more.
async fn pass_on(frame: Frame<Say>, run: &str, way: &Way, chunks: &Semaphore) -> bool {
    let run = run.to_owned();
    let kind = match frame {
        Frame::Bytes(bytes) => {
            let Ok(permit) = chunks.acquire().await else { return false };
            // Given back when the loop has taken it in.
            permit.forget();
            Kind::StepOutput { bytes: bytes.into() }
        }
        Frame::Said(Say::Hello { .. } | Say::Unknown | Say::Displaced) => return true,
        Frame::Said(Say::Told { told }) => Kind::RunTold { run, told: Box::new(told) },
        Frame::Said(Say::Caught { missed }) => Kind::RunCaught { run, missed },
        Frame::Said(Say::Alive { alive }) => Kind::StepAlive { alive },
        Frame::Said(Say::Known { values }) => Kind::RunKnown { values },
        Frame::Said(Say::Refused { why }) => Kind::RunRefused { why },
        Frame::Said(Say::Unwritten { ended, why }) => Kind::RunUnwritten { ended, why },
    };
    way.send(kind).await
}
