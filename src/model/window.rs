//! A window after a deploy: what is compared in it, by which criteria, and what came of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::model::signal::Absence;
use crate::model::signal::Side;
use crate::model::signal::Unit;
use crate::model::significance::Share;
use crate::model::significance::Spread;
use crate::model::time::Millis;

/// What came of a window, or of one signal in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Nothing got worse, and there was enough to see it.
    Pass,
    /// Something may have got worse.
    Warn,
    /// Something that matters got worse, beyond chance and beyond what is tolerated.
    Fail,
    /// Nobody can say. This is not a pass.
    Inconclusive,
}

impl Verdict {
    /// The word of the contract; never translated.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }

    /// The exit code of the contract.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Warn => 1,
            Self::Fail => 2,
            Self::Inconclusive => 3,
        }
    }
}

/// A stretch of time after a change, and what it is compared with. Times in ms since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// What went live; may be empty.
    pub version: String,
    /// When it began.
    pub from: Millis,
    /// How long it is, ms.
    pub length: Millis,
    /// What it is compared with.
    pub baseline: (Millis, Millis),
    /// Counts are taken in pieces of so many ms.
    pub piece: Millis,
}

/// Pieces of a window: enough to see a gap, and to tell traffic by ranks.
const PIECES: Millis = 8;
/// No piece is longer than this without need: a gap of a minute is to be seen as one.
const LONGEST: Millis = 60_000;
/// No piece is shorter than so many tenths of the interval of a server: growth is told by two samples at least.
const SAMPLES: Millis = 25;
/// Windows of the past that say how much they differ by themselves.
const PAST: Millis = 12;

/// Moments that one question may ask for: Prometheus refuses more than 11,000.
const MOMENTS: Millis = 10_000;

impl Window {
    /// A window that begins at a moment and is compared with the `baseline` ms that end `back` ms before it; whoever
    /// counts has a new sample `every` so many ms.
    #[must_use]
    pub fn new(
        version: String,
        from: Millis,
        length: Millis,
        (baseline, back): (Millis, Millis),
        every: Millis,
    ) -> Self {
        let end = from - back;
        // Whole seconds: that is how a server is asked.
        let piece = (length / PIECES).min(LONGEST).max(every * SAMPLES / 10).max(1_000) / 1_000 * 1_000;
        Self { version, from, length, baseline: (end - baseline, end), piece }
    }

    /// When it ends.
    #[must_use]
    pub fn to(&self) -> Millis {
        self.from + self.length
    }

    /// The span whose pieces say how much windows differ by themselves: it ends with the baseline.
    #[must_use]
    pub fn past(&self) -> (Millis, Millis) {
        // No server tells more moments of one question.
        let span = (PAST * self.length).min(MOMENTS * self.piece).max(self.baseline.1 - self.baseline.0);
        (self.baseline.1 - span, self.baseline.1)
    }
}

/// One piece of a span.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// Its end, ms since the epoch.
    pub to: Millis,
    /// Failed of all requests; `None` where nobody has seen any.
    pub requests: Option<Share>,
}

/// What was counted in a span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// The clock of whoever counted minus ours, ms; times here are ours.
    #[serde(default)]
    pub skew: Millis,
    /// Failed of all requests; `None` where nobody has seen any.
    pub requests: Option<Share>,
    /// The same piece by piece, from further back.
    pub pieces: Vec<Piece>,
    /// Durations; the infinite bound comes last and is not written: JSON knows none.
    pub buckets: Vec<(f64, f64)>,
    /// All observations of durations.
    pub observed: f64,
    /// Values of queries, by signal.
    pub values: BTreeMap<String, Vec<f64>>,
    /// Why a query has none.
    pub refused: BTreeMap<String, Absence>,
}

impl Counted {
    /// The same without what nobody can have counted.
    #[must_use]
    pub fn tidy(mut self) -> Self {
        let number = |n: f64| n.is_finite() && n >= 0.0;
        self.requests = self.requests.filter(|s| s.is_count());
        for piece in &mut self.pieces {
            piece.requests = piece.requests.filter(|s| s.is_count());
        }
        self.buckets.retain(|(bound, n)| bound.is_finite() && number(*n));
        self.observed = if number(self.observed) { self.observed } else { 0.0 };
        for values in self.values.values_mut() {
            values.retain(|v| v.is_finite());
        }
        self
    }

    /// Durations by upper bound, the infinite one with them.
    #[must_use]
    pub fn durations(&self) -> Buckets {
        let known = !self.buckets.is_empty() || self.observed > 0.0;
        self.buckets.iter().copied().chain(known.then_some((f64::INFINITY, self.observed))).collect()
    }

    /// The pieces of requests that end within `(from, to]`.
    pub fn within(&self, (from, to): (Millis, Millis)) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(move |p| p.to > from && p.to <= to)
    }
}

/// Which side was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What it is compared with, and the past before it.
    Before,
    /// The window so far.
    Now,
}

/// What a signal has to be in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criteria {
    /// Where trouble lies.
    pub side: Side,
    /// By how much it may be worse than before, as a share of what it was; `None`: it is not compared.
    pub tolerance: Option<f64>,
    /// What it must not go beyond, in the unit of the signal.
    pub limit: Option<f64>,
    /// From where on it matters at all: its own limit of warning.
    pub matters: Option<f64>,
    /// Beyond this it is lost: its own critical limit.
    pub fatal: Option<f64>,
    /// A failure of it is one of the whole window.
    pub critical: bool,
    /// Without it nothing can be said of the whole window.
    pub must_have_data: bool,
    /// Nothing is said of fewer requests on either side.
    pub min_requests: f64,
}

/// Requests that make a window worth a word. Kohavi and others ("Trustworthy Online Controlled Experiments", 2020) and
/// every canary tool begin at a few hundred: below, a doubling of one failure in a hundred cannot be told from chance.
pub const MIN_REQUESTS: f64 = 300.0;
/// By how much a figure may be worse without a word.
pub const TOLERANCE: f64 = 0.10;

impl Default for Criteria {
    fn default() -> Self {
        Self {
            side: Side::Above,
            tolerance: Some(TOLERANCE),
            limit: None,
            matters: None,
            fatal: None,
            critical: true,
            must_have_data: false,
            min_requests: MIN_REQUESTS,
        }
    }
}

/// What somebody wants of a signal in a window; what is `None` is as usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// Where trouble lies.
    pub side: Option<Side>,
    /// By how much it may be worse than before, as a share of what it was.
    pub tolerance: Option<f64>,
    /// What it must not go beyond.
    pub limit: Option<f64>,
    /// A failure of it is one of the whole window.
    pub critical: Option<bool>,
    /// Without it nothing can be said of the whole window.
    pub must_have_data: Option<bool>,
    /// Nothing is said of fewer requests on either side.
    pub min_requests: Option<f64>,
}

impl Criteria {
    /// The same as somebody wants it. Who names only a limit does not want it compared.
    #[must_use]
    pub fn wanted(mut self, wanted: &Wanted) -> Self {
        self.side = wanted.side.unwrap_or(self.side);
        if wanted.tolerance.is_some() || wanted.limit.is_some() {
            (self.tolerance, self.limit) = (wanted.tolerance, wanted.limit);
            // A limit of their own is where it matters to them.
            self.matters = wanted.limit.or(self.matters);
        }
        self.critical = wanted.critical.unwrap_or(self.critical);
        self.must_have_data = wanted.must_have_data.unwrap_or(self.must_have_data);
        self.min_requests = wanted.min_requests.unwrap_or(self.min_requests);
        self
    }
}

/// Observations by upper bound: how many were at most so high. Bounds rise; the last one is infinite.
pub type Buckets = Vec<(f64, f64)>;

/// What was seen of a signal, before and now.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// A share of requests, piece by piece.
    Shares {
        /// Before.
        before: Vec<Share>,
        /// Now.
        now: Vec<Share>,
        /// How much windows of this length differ by themselves.
        spread: Spread,
        /// Part of the window was not seen: what was seen may fail it, and cannot pass it.
        gap: bool,
    },
    /// A quantile of durations.
    Quantile {
        /// Which, 0 to 1.
        q: f64,
        /// Before.
        before: Buckets,
        /// Now.
        now: Buckets,
    },
    /// A value looked at again and again; looks that share samples are not here.
    Values {
        /// Before.
        before: Vec<f64>,
        /// Now.
        now: Vec<f64>,
    },
    /// A rule of its own has judged it.
    Said {
        /// Before.
        before: Figure,
        /// Now.
        now: Figure,
        /// How it stands.
        verdict: Verdict,
        /// Why.
        reason: Reason,
    },
    /// It could not be measured: why.
    Nothing(Absence),
}

/// A signal of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// What it counts in.
    pub unit: Unit,
    /// What it has to be.
    pub criteria: Criteria,
    /// What was seen.
    pub measure: Measure,
}

/// One side of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Requests, or looks, behind it.
    pub n: f64,
    /// The figure; `None` of nothing.
    pub value: Option<f64>,
}

/// Why a signal is judged as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// As before, within chance.
    AsBefore,
    /// Better, or worse by less than is tolerated.
    Tolerated,
    /// Nothing failed before, and nothing does now.
    StillNone,
    /// Nothing failed before, and so few do now that it may be chance.
    FewFromNone {
        /// How many.
        failed: f64,
    },
    /// Nothing failed before.
    FromNone {
        /// How many do now.
        failed: f64,
    },
    /// Worse than before beyond chance.
    Worse {
        /// How many times what it was.
        #[serde(with = "many")]
        times: f64,
    },
    /// Worse, and it may be chance.
    MaybeWorse {
        /// How many times what it was.
        #[serde(with = "many")]
        times: f64,
    },
    /// Beyond its limit, beyond chance.
    Beyond {
        /// The limit.
        limit: f64,
    },
    /// Beyond its limit, as it was before.
    BeyondBefore {
        /// The limit.
        limit: f64,
    },
    /// It could be many times what it was without being seen.
    Unseen {
        /// How many times what it was it may be.
        #[serde(with = "many")]
        times: f64,
    },
    /// Too little was there before.
    FewBefore {
        /// How much there would have to be.
        wanted: f64,
    },
    /// Too little is there now.
    FewNow {
        /// How much there would have to be.
        wanted: f64,
    },
    /// There was nothing before.
    NothingBefore,
    /// There is nothing now.
    NothingNow,
    /// Part of the window was not seen.
    Gap,
    /// Expired rows are swept.
    Swept {
        /// How long the oldest has waited, ms.
        age: Millis,
    },
    /// Expired rows are not swept as often as they should be.
    Unswept {
        /// How long the oldest has waited, ms.
        age: Millis,
    },
    /// It could not be measured.
    Unmeasured {
        /// Why.
        why: Absence,
    },
}

/// What is said of a signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// What it counts in.
    pub unit: Unit,
    /// How it stands.
    pub verdict: Verdict,
    /// It decides about the whole.
    pub critical: bool,
    /// Before.
    pub before: Figure,
    /// Now.
    pub now: Figure,
    /// Why.
    pub reason: Reason,
}

/// "Infinitely many times" is nothing that JSON knows: it is written as nothing at all.
mod many {
    use serde::Deserialize as _;
    use serde::Deserializer;
    use serde::Serialize as _;
    use serde::Serializer;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
    pub(super) fn serialize<S: Serializer>(times: &f64, to: S) -> Result<S::Ok, S::Error> {
        times.is_finite().then_some(*times).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::INFINITY))
    }
}
