//! A window as the deployment log has it: from its start on, whatever comes of it.

use serde::Deserialize;
use serde::Serialize;

use crate::model::fact::Fact;
use crate::model::incident::RULES;
use crate::model::journal::Draft;
use crate::model::severity::Finding;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::window::Judged;
use crate::model::window::Verdict;
use crate::model::window::Window;

/// How a window ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Its time was over.
    Over,
    /// A limit was broken beyond doubt.
    Lost,
    /// Somebody ended it.
    Early,
}

impl Ended {
    /// The word of the store and of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Over => "over",
            Self::Lost => "lost",
            Self::Early => "early",
        }
    }
}

/// A verdict that does not hold any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Since when, ms since the epoch.
    pub at: Millis,
    /// What began.
    pub finding: Option<Finding>,
}

/// One window of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Made by whoever opened it.
    pub id: String,
    /// The mark of the deploy that it belongs to.
    #[serde(default)]
    pub deploy: Option<String>,
    /// What is compared with what.
    pub window: Window,
    /// Who opened it.
    pub by: String,
    /// On which machine it is counted.
    pub host: String,
    /// Until when the old side is kept, ms since the epoch.
    #[serde(default)]
    pub old_until: Option<Millis>,
    /// When this was last said, ms since the epoch.
    pub told: Millis,
    /// What is said of it; for good once it has ended.
    pub verdict: Verdict,
    /// Of each signal.
    pub signals: Vec<Judged>,
    /// How it ended, and when; `None` while it goes on.
    #[serde(default)]
    pub ended: Option<(Ended, Millis)>,
    /// Trouble began after it was passed, while there was a way back.
    #[serde(default)]
    pub withdrawn: Option<Withdrawn>,
    /// What it is compared with was an incident: which, and when a stretch of the same length that was none ended.
    #[serde(default)]
    pub unclean: Option<(String, Option<Millis>)>,
    /// The clock of whoever counted minus that of whoever asked, ms; what was asked for was moved by it.
    #[serde(default)]
    pub skew: Millis,
}

/// No moment lies further ahead, ms since the epoch: the year 2286, where seconds get an eleventh digit.
const FAR: Millis = 10_000_000_000_000;
/// Whoever counts says so at least so often; one that says nothing for three times as long is gone.
pub const HEARTBEAT: Millis = 10 * SECOND;

impl Watch {
    /// One that begins now. Nothing is said of it yet.
    #[must_use]
    pub fn new(id: String, window: Window, by: &str, host: &str) -> Self {
        Self {
            id,
            deploy: None,
            told: window.from,
            window,
            by: by.to_owned(),
            host: host.to_owned(),
            old_until: None,
            verdict: Verdict::Inconclusive,
            signals: Vec::new(),
            ended: None,
            withdrawn: None,
            unclean: None,
            skew: 0,
        }
    }

    /// The word about it that stands in journals, and when it was said: how it ended …
    #[must_use]
    pub fn ended_fact(&self) -> Option<(Millis, Fact)> {
        let (how, at) = self.ended?;
        let decided = |j: &&Judged| j.verdict == self.verdict && (j.critical || self.verdict != Verdict::Fail);
        let because = self.signals.iter().find(decided).filter(|_| self.verdict != Verdict::Pass).cloned();
        let (watch, version) = (self.id.clone(), self.window.version.clone());
        Some((at, Fact::WindowEnded { watch, version, verdict: self.verdict, how, because: because.map(Box::new) }))
    }

    /// … and that it does not hold any more.
    #[must_use]
    pub fn withdrawn_fact(&self) -> Option<(Millis, Fact)> {
        let Withdrawn { at, finding } = self.withdrawn.clone()?;
        let (watch, version) = (self.id.clone(), self.window.version.clone());
        Some((at, Fact::WindowWithdrawn { watch, version, finding: finding.map(Box::new) }))
    }

    /// What of it belongs into an incident's journal.
    #[must_use]
    pub fn drafts_for(&self, incident: &str) -> Vec<Draft> {
        let ended = self.ended_fact().map(|f| (f, self.by.as_str()));
        let withdrawn = self.withdrawn_fact().map(|f| (f, RULES));
        let draft = |((at, fact), by): ((Millis, Fact), &str)| {
            let id = fact.entry_of(incident).unwrap_or_default();
            Draft { id, ..Draft::new(at, by, &self.host, fact) }
        };
        ended.into_iter().chain(withdrawn).map(draft).collect()
    }

    /// It goes on, and whoever counts it is there.
    #[must_use]
    pub fn live(&self, now: Millis) -> bool {
        // A clock that is ahead keeps nobody alive.
        self.ended.is_none() && (now - self.told).abs() <= 3 * HEARTBEAT
    }

    /// It has not ended, and whoever counted it is gone.
    #[must_use]
    pub fn lost(&self, now: Millis) -> bool {
        self.ended.is_none() && !self.live(now)
    }

    /// When it ended; of one that nobody ended, when it was last spoken of.
    #[must_use]
    pub fn until(&self, now: Millis) -> Millis {
        match self.ended {
            Some((_, at)) => at,
            None if self.live(now) => now,
            None => self.told,
        }
    }

    /// Nothing has been counted of it yet.
    #[must_use]
    pub fn now_unread(&self) -> bool {
        self.ended.is_none() && self.signals.iter().all(|j| j.now.value.is_none())
    }

    /// The verdict as it stands: one that was withdrawn has failed, and of a window that nobody ended nothing is known.
    #[must_use]
    pub fn stands(&self, now: Millis) -> Verdict {
        match () {
            () if self.withdrawn.is_some() => Verdict::Fail,
            () if self.lost(now) => Verdict::Inconclusive,
            () => self.verdict,
        }
    }

    /// The same as it may be shown, whoever wrote it; `None` where it says what cannot be.
    #[must_use]
    pub fn sane(mut self) -> Option<Self> {
        let moment = |at: Millis| (0..FAR).contains(&at);
        let w = &mut self.window;
        let fits = moment(w.from) && (1..FAR).contains(&w.length) && moment(w.baseline.0) && moment(w.baseline.1);
        for text in [&mut w.version, &mut self.by, &mut self.host] {
            *text = clean(text);
        }
        for judged in &mut self.signals {
            judged.name = clean(&judged.name);
        }
        let ends = self.ended.is_none_or(|(_, at)| moment(at)) && self.old_until.is_none_or(moment);
        (fits && ends && w.baseline.0 < w.baseline.1 && w.piece > 0 && moment(self.told)).then_some(self)
    }

    /// The change that it is about failed, as far as anybody can say.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.withdrawn.is_some() || (self.ended.is_some() && self.verdict == Verdict::Fail)
    }
}
