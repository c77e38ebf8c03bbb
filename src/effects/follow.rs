//! Reads what a recorder on the same store reads: the last hour first, then what comes.

use crate::bus;
use crate::engine::Event;
use crate::engine::Kind;
use crate::engine::recording;
use crate::engine::recording::Head;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::recordings::Span;

/// The lease of the recorder; it is held under the name of its recording.
pub const LEASE: &str = "record";
/// What happened so long ago is shown at once: what the charts show without being moved.
const BACK: Millis = HOUR;
/// Two clocks may differ by so much.
const SKEW: Millis = 5 * SECOND;
/// Whether it still watches the same is looked at every so many looks.
const CHECKED: u32 = 10;
/// Spans read at once.
const SPANS: i64 = 64;
/// Spans of the last hour at the most: a small one for every second of the last minutes, and a dozen large ones.
const MOST: i64 = 1_000;
/// Minutes of the past that are taken in at once: keys are answered between two such pieces.
const PIECE: Millis = 5 * MINUTE;

/// Where reading has come to.
#[derive(Debug, Default)]
pub(super) struct Follower {
    /// The recording that is read, and the place of the next event.
    at: Option<(String, i64)>,
    /// The cockpit was told where its figures come from.
    told: bool,
    looks: u32,
}

impl Follower {
    /// A recorder is read.
    pub(super) fn follows(&self) -> bool {
        self.at.is_some()
    }

    /// What is new, in order. `watched` is what this cockpit would watch: a recorder that watches something else is no
    /// help.
    pub(super) async fn news(&mut self, store: &Store, watched: &str) -> Result<Vec<Kind>, StoreError> {
        let now = bus::now();
        let Some(holder) = store.leased(LEASE, now.wall).await? else {
            return Ok(self.alone());
        };
        let next = match &self.at {
            Some((recording, next)) if *recording == holder => *next,
            // Another one has taken over, who may be elsewhere and watch something else.
            Some(_) => {
                let Some(host) = self.fits(store, &holder, watched).await? else { return Ok(self.alone()) };
                self.at = Some((holder, 0));
                return Ok(vec![Kind::Followed { host: Some(host) }]);
            }
            None => return self.join(store, &holder, watched, now).await,
        };
        if self.looks.is_multiple_of(CHECKED) && self.fits(store, &holder, watched).await?.is_none() {
            return Ok(self.alone());
        }
        self.looks = self.looks.wrapping_add(1);
        let spans = store.spans(&holder, next, SPANS).await?;
        let mut kinds = Vec::new();
        let mut at = next;
        for span in spans {
            let skip = usize::try_from(at - span.first).unwrap_or(0);
            kinds.extend(events(&span).into_iter().skip(skip).map(|e| e.kind).filter(Kind::is_seen));
            at = span.first + span.events;
        }
        self.at = Some((holder, at));
        Ok(kinds)
    }

    /// The machine of a recorder, if that watches the same.
    async fn fits(&self, store: &Store, holder: &str, watched: &str) -> Result<Option<String>, StoreError> {
        let head = store.recording(holder).await?.and_then(|h| serde_json::from_str::<Head>(&h).ok());
        let of = |h: &Head| h.watches.clone().unwrap_or_else(|| crate::engine::follow::watched(&h.settings));
        Ok(head.filter(|h| of(h) == watched).map(|h| h.host))
    }

    fn alone(&mut self) -> Vec<Kind> {
        let was = self.at.take().is_some();
        let news = was || !self.told;
        self.told = true;
        if news { vec![Kind::Followed { host: None }] } else { Vec::new() }
    }

    async fn join(&mut self, store: &Store, holder: &str, watched: &str, now: Stamp) -> Result<Vec<Kind>, StoreError> {
        let Some(host) = self.fits(store, holder, watched).await? else {
            return Ok(self.alone());
        };
        let mut kinds = Vec::new();
        let mut next = 0;
        let mut piece: Vec<Event> = Vec::new();
        // What a clock wrote that was ahead then says nothing of when it was.
        let recent = |at: Millis| at >= now.wall - BACK && at <= now.wall + SKEW;
        for span in store.spans_since(now.wall - BACK, MOST).await? {
            if span.recording == holder {
                next = span.first + span.events;
            }
            for event in events(&span).into_iter().filter(|e| e.kind.is_seen() && recent(e.at.wall)) {
                // The other clock may be another machine's: only the wall is shared.
                let at = Stamp { mono: now.mono - (now.wall - event.at.wall), wall: event.at.wall };
                if piece.first().is_some_and(|first| at.wall - first.at.wall >= PIECE) {
                    kinds.push(Kind::Backlog { events: std::mem::take(&mut piece) });
                }
                piece.push(Event { at, kind: event.kind });
            }
        }
        kinds.push(Kind::Backlog { events: piece });
        kinds.push(Kind::Followed { host: Some(host) });
        self.at = Some((holder.to_owned(), next));
        self.told = true;
        Ok(kinds)
    }
}

/// The events of a span; a broken one has none, and what comes after it is read all the same.
fn events(span: &Span) -> Vec<Event> {
    recording::read(&span.bytes).map(|c| c.events).unwrap_or_default()
}
