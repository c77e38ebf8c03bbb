//! The tape: every event of a recorder, on the disk within a second or two.

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use std::time::Duration;

use crate::bus::Bus;
use crate::bus::task;
use crate::engine::Event;
use crate::engine::Kind;
use crate::engine::recording::Writer;
use crate::lang::Lang;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::recordings::Span;

/// Events that wait for the disk at the most: a minute of a large house.
const WAITING: usize = 8_192;
/// How often what came is written, small, so that others see it soon.
const SOON: Duration = Duration::from_secs(1);
/// After this long what was written small is written again as one: it packs ten times better.
const TOGETHER: Millis = 5 * MINUTE;
/// Events that one span holds at the most; while the disk takes nothing, what came first is given up.
const MOST: u64 = 100_000;
/// How often what is too old is forgotten.
const FORGETS: Millis = HOUR;
/// What is under way when the program ends may take this long.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long and how much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// For how long.
    pub time: Millis,
    /// Bytes of chunks at the most.
    pub size: i64,
}

/// The tape, as the loop holds it.
#[derive(Debug)]
pub struct Tape {
    events: mpsc::Sender<Event>,
    task: JoinHandle<()>,
}

impl Tape {
    /// Starts to write a recording that was begun.
    #[must_use]
    pub fn spawn(store: Store, recording: String, keep: Keep, lang: Lang, bus: &Bus) -> Self {
        let (events, rx) = mpsc::channel(WAITING);
        let writing = Writing {
            store,
            recording,
            keep,
            lang,
            bus: bus.clone(),
            fresh: Part::default(),
            group: Part::default(),
            first: 0,
            forgot: crate::bus::now().mono,
            last: 0,
            failing: false,
        };
        Self { events, task: task::spawn(writing.run(rx)) }
    }

    /// Takes an event. One that finds too many waiting is not recorded.
    pub fn take(&self, event: &Event) {
        // The log of deploys keeps itself.
        if !matches!(event.kind, Kind::WindowsRead { .. }) {
            let _ = self.events.try_send(event.clone());
        }
    }

    /// Writes what waits.
    pub async fn close(self) {
        drop(self.events);
        let _ = tokio::time::timeout(LAST_WORDS, self.task).await;
    }
}

/// Events that are to be written as one span.
#[derive(Default)]
struct Part {
    writer: Writer,
    /// When the earliest and the latest of them came: a clock may be put back in between.
    from: Millis,
    to: Millis,
    /// The first and the last of them, by the clock that only goes on.
    began: Millis,
    ended: Millis,
}

impl Part {
    fn push(&mut self, event: &Event) {
        if self.writer.events() == 0 {
            (self.from, self.to, self.began) = (event.at.wall, event.at.wall, event.at.mono);
        }
        self.from = self.from.min(event.at.wall);
        self.to = self.to.max(event.at.wall);
        self.ended = event.at.mono;
        self.writer.push(event);
    }

    fn span(&self, recording: &str, first: i64) -> Span {
        Span {
            recording: recording.to_owned(),
            first,
            events: self.writer.events() as i64,
            from: self.from,
            to: self.to,
            bytes: self.writer.finish(),
        }
    }
}

struct Writing {
    store: Store,
    recording: String,
    keep: Keep,
    lang: Lang,
    bus: Bus,
    /// What came since the last time.
    fresh: Part,
    /// What came since it was last put together.
    group: Part,
    /// The place of the group's first event.
    first: i64,
    /// When it was last forgotten what is too old, and the newest event, by the clock that only goes on.
    forgot: Millis,
    last: Millis,
    failing: bool,
}

impl Writing {
    async fn run(mut self, mut events: mpsc::Receiver<Event>) {
        let mut soon = tokio::time::interval(SOON);
        soon.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => {
                        self.fresh.push(&event);
                        self.group.push(&event);
                    }
                    None => break,
                },
                _ = soon.tick() => self.write().await,
            }
        }
        let _ = self.together().await;
    }

    async fn write(&mut self) {
        if self.fresh.writer.events() == 0 {
            return;
        }
        let group = &self.group;
        let full = group.ended - group.began >= TOGETHER || group.writer.events() >= MOST;
        let written = if full || self.failing { self.together().await } else { self.small().await };
        match written {
            Ok(()) => self.failing = false,
            Err(why) => {
                if !std::mem::replace(&mut self.failing, true) {
                    let why = self.store.named(why).words(self.lang);
                    self.bus.send(Kind::RecordFailed { request: None, why }).await;
                }
                if full {
                    // Memory is bounded: what the disk does not take is given up, a span at a time.
                    self.first += self.group.writer.events() as i64;
                    self.group = Part::default();
                    self.fresh = Part::default();
                }
            }
        }
        self.last = self.last.max(self.group.ended).max(self.fresh.ended);
        if self.last - self.forgot >= FORGETS {
            // By the clock of now: one that was wrong when the program began may have been put right since.
            let now = crate::bus::now().wall;
            self.forgot = self.last;
            let _ = self.store.forget(now - self.keep.time, self.keep.size).await;
        }
    }

    async fn small(&mut self) -> Result<(), StoreError> {
        let first = self.first + (self.group.writer.events() - self.fresh.writer.events()) as i64;
        self.store.put_span(&self.fresh.span(&self.recording, first)).await?;
        self.fresh = Part::default();
        Ok(())
    }

    async fn together(&mut self) -> Result<(), StoreError> {
        if self.group.writer.events() == 0 {
            return Ok(());
        }
        self.store.put_span(&self.group.span(&self.recording, self.first)).await?;
        self.first += self.group.writer.events() as i64;
        self.group = Part::default();
        self.fresh = Part::default();
        Ok(())
    }
}
