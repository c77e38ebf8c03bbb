//! Where it fails: breakdowns folded in, and the decision when they are worth their cost.

use crate::engine::effect::Closer;
use crate::engine::state::State;
use crate::layout::Pane;
use crate::model::breakdown::Breakdown;
use crate::model::breakdown::Dimension;
use crate::model::breakdown::Topic;
use crate::model::journal::Worst;
use crate::model::severity::Finding;
use crate::model::severity::Rule;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::time::MINUTE;
use crate::model::time::Stamp;

/// What is known of where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    /// What is asked for now.
    pub closer: Closer,
    all: Vec<(Stamp, Breakdown)>,
}

impl Places {
    pub(crate) fn fold(&mut self, at: Stamp, wanted: Closer, parts: Vec<Breakdown>) {
        let asked = |topic| match topic {
            Topic::Errors => wanted.errors,
            Topic::Latency => wanted.latency,
        };
        self.all.retain(|(_, b)| !asked(b.topic));
        self.all.extend(parts.into_iter().map(|b| (at, b)));
    }

    /// The newest breakdown of a topic, while it speaks of now (two intervals of the slowest usual poll).
    #[must_use]
    pub fn get(&self, now: Stamp, topic: Topic, by: Dimension) -> Option<&Breakdown> {
        let fresh = |at: &Stamp| now.since(*at) < 2 * MINUTE;
        self.all.iter().find(|(at, b)| b.topic == topic && b.by == by && fresh(at)).map(|(_, b)| b)
    }
}

/// What most of the failures have in common now; nothing while no rule speaks of failures.
pub(crate) fn worst(state: &State) -> Vec<Worst> {
    if !state.verdict.findings.iter().any(about_errors) {
        return Vec::new();
    }
    let of = |by: Dimension| {
        let breakdown = state.places.get(state.now, Topic::Errors, by)?;
        let (part, share) = breakdown.worst()?;
        let n = (breakdown.parts.len() + breakdown.others) as f64;
        // Half as much again as its even share: otherwise it is like the others, and says nothing of where.
        let tells = by != Dimension::Host || (n > 1.0 && share * n > 1.5);
        tells.then(|| Worst { by, name: part.name.clone(), share })
    };
    [Dimension::Endpoint, Dimension::Status, Dimension::Host].into_iter().filter_map(of).collect()
}

/// What is worth asking for: what the rules speak of, and what a person looks at closely.
pub(crate) fn wanted(state: &State) -> Closer {
    let found = |about: fn(&Finding) -> bool| state.verdict.findings.iter().any(about);
    let zoomed = |pane| state.ui.zoom && state.ui.focus == pane;
    Closer {
        errors: found(about_errors) || zoomed(Pane::Failures),
        latency: found(about_latency) || zoomed(Pane::Latency),
    }
}

/// Does a finding speak of failed requests?
pub(crate) fn about_errors(f: &Finding) -> bool {
    f.rule == Rule::FewRequestsFailing || f.subject == ERROR_RATE || f.subject == ERROR_RATE_1M
}

/// Does a finding speak of durations?
pub(crate) fn about_latency(f: &Finding) -> bool {
    f.subject == LATENCY_P95 || f.subject == LATENCY_P99
}
