//! Severity: rules find, the verdict settles. Up at once; down only after a quiet time of fresh figures.
//!
//! Each rule stands in one of the files here beside its test; its sentence stands in `engine::sentence`. The table is
//! section 6 of the design. Rules whose inputs do not exist yet (expected traffic, alerts, deploy marks) come with
//! those inputs.

mod alerts;
mod blind;
mod checks;
mod context;
mod judge;
mod sessions;
mod traffic;

use std::collections::VecDeque;

pub use judge::Judge;
pub use judge::Standing;
pub use traffic::BURST;

use crate::engine::settings::Quiet;
use crate::engine::state::State;
use crate::model::fact::Fact;
use crate::model::severity::Finding;
use crate::model::severity::Level;
use crate::model::severity::Rule;
use crate::model::source::Origin;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// A third rise within this time …
const UNSTABLE_WITHIN: Millis = 30 * MINUTE;
/// … holds the level for this long.
const UNSTABLE_HOLD: Millis = 15 * MINUTE;
/// How many rises make it unstable.
const UNSTABLE_RISES: usize = 3;
/// An onset this much older than the rise is worth an entry of its own.
const ONSET_APART: Millis = 10 * SECOND;

/// How bad it is, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The level in force.
    pub level: Level,
    /// Since when (onset, not the crossing of a limit), ms since the epoch.
    pub since: Millis,
    /// Rules that hold now, worst first.
    pub findings: Vec<Finding>,
    /// What raised the level in force; kept while it calms.
    pub because: Vec<Finding>,
    /// What cannot be seen, beside any level.
    pub blind: Vec<Finding>,
    /// When the level would fall if nothing more happens, ms since the epoch; `None` while its rules hold.
    pub falls_at: Option<Millis>,
    /// It rose three times in half an hour.
    pub unstable: bool,
    /// Memories of rules that need time.
    pub judge: Judge,
    held: [Option<Heat>; 4],
    rises: VecDeque<Stamp>,
}

/// When a level's rules last held, since when, and which they were: what is said while the level lingers.
#[derive(Clone, Debug, PartialEq)]
struct Heat {
    last: Stamp,
    since: Millis,
    because: Vec<Finding>,
}

/// The levels that have a quiet time, and the places of their memories.
const HELD: [Level; 4] = [Level::Sev1, Level::Sev2, Level::Sev3, Level::Sev4];

impl Verdict {
    pub(crate) fn new(now: Stamp) -> Self {
        Self {
            level: Level::Ok,
            since: now.wall,
            findings: Vec::new(),
            because: Vec::new(),
            blind: Vec::new(),
            falls_at: None,
            unstable: false,
            judge: Judge::default(),
            held: [None, None, None, None],
            rises: VecDeque::new(),
        }
    }

    /// Settles the level from what the rules found. Returns the former level when it changed.
    fn settle(&mut self, now: Stamp, findings: Vec<Finding>, quiet: Quiet) -> Option<Level> {
        let (blind, findings) = sight(findings);
        self.blind = blind;
        let hottest = findings.iter().map(|f| f.level).max().unwrap_or_default();
        let unseen = self.blind.iter().any(|f| f.level == Level::Unknown);
        for (level, held) in HELD.iter().zip(self.held.iter_mut()) {
            let hot: Vec<Finding> = findings.iter().filter(|f| f.level == *level).cloned().collect();
            if let Some(since) = hot.iter().map(|f| f.since).min() {
                let lingering = held.take().filter(|_| self.level >= *level).map(|h| h.since);
                *held = Some(Heat { last: now, since: lingering.map_or(since, |s| s.min(since)), because: hot });
            } else if let Some(held) = held.as_mut().filter(|_| unseen && *level == self.level && *level >= Level::Sev2)
            {
                // Absence never lowers: while blind, the quiet time of a level in force does not run.
                held.last = now;
            }
        }
        while self.rises.front().is_some_and(|t| now.since(*t) > UNSTABLE_WITHIN) {
            self.rises.pop_front();
        }
        // Once unstable, it stays so until the level has fallen: a first rise that grows old does not make it stable.
        self.unstable = self.rises.len() >= UNSTABLE_RISES || (self.unstable && self.level >= Level::Sev3);
        let lingering = HELD.iter().zip(&self.held).find_map(|(level, held)| {
            let left = self.quiet_of(*level, quiet) - now.since(held.as_ref()?.last);
            (left > 0).then_some((*level, now.wall + left))
        });
        let before = self.level;
        (self.level, self.falls_at) = match lingering {
            Some((level, at)) if level > hottest => (level, Some(at)),
            _ => (hottest, None),
        };
        self.findings = findings;
        let memory = HELD.iter().position(|l| *l == self.level).and_then(|i| self.held[i].as_ref());
        if let Some(heat) = memory {
            self.since = heat.since;
            self.because.clone_from(&heat.because);
        } else {
            self.because = self.findings.iter().filter(|f| f.level == self.level).cloned().collect();
            let onset = self.because.iter().map(|f| f.since).min();
            self.since = onset.unwrap_or(if self.level == before { self.since } else { now.wall });
        }
        if self.level == before {
            return None;
        }
        if self.level > before && self.level >= Level::Sev3 && self.level != Level::Unknown {
            self.rises.push_back(now);
        }
        Some(before)
    }

    fn quiet_of(&self, level: Level, quiet: Quiet) -> Millis {
        let own = quiet.of(level);
        // A person who set a short quiet time (a demo, a test house) is not held for a quarter of an hour.
        let unstable = if own < MINUTE { 3 * own } else { UNSTABLE_HOLD };
        if self.unstable && level >= Level::Sev3 { own.max(unstable) } else { own }
    }
}

/// Tells what cannot be seen from what was found: blindness that raises no level is said, and is no reason.
fn sight(findings: Vec<Finding>) -> (Vec<Finding>, Vec<Finding>) {
    let blind = |f: &Finding| {
        let unseen = [Rule::BlindTraffic, Rule::BlindChecks, Rule::BlindSessions, Rule::BlindAlerts, Rule::NoNetwork];
        unseen.contains(&f.rule)
    };
    let unseen = findings.iter().filter(|f| blind(f)).cloned().collect();
    (unseen, findings.into_iter().filter(|f| f.level > Level::Ok).collect())
}

/// Judges everything that depends on the passing of time and on what was folded in; called on every tick and on every
/// event that can matter.
pub(crate) fn judge(state: &mut State) {
    let mut findings = state.verdict.judge.findings();
    checks::find(state, &mut findings);
    context::targets(state, &mut findings);
    alerts::find(state, &mut findings);
    blind::find(state, &mut findings);
    if let Some(finding) = context::no_network(state) {
        // What fails is on this side: nothing that was found says anything of the service.
        findings = vec![finding];
    }
    findings.sort_by(|a, b| b.level.cmp(&a.level).then(a.rule.cmp(&b.rule)).then_with(|| a.subject.cmp(&b.subject)));
    let now = state.now;
    let quiet = state.settings.quiet;
    let Some(from) = state.verdict.settle(now, findings, quiet) else {
        return;
    };
    let to = state.verdict.level;
    let because = state.verdict.because.first().cloned().filter(|_| to > from);
    if let Some(finding) = &because
        && to >= Level::Sev2
        && now.wall - finding.since > ONSET_APART
    {
        state.timeline.add(finding.since, Fact::Onset { finding: finding.clone() });
    }
    // Worst first; a level is reached when one below it is left.
    for level in Level::ALL.into_iter().filter(|l| *l > from && *l <= to) {
        state.risen.insert(level, now);
    }
    state.timeline.add(now.wall, Fact::Level { from, to, because });
}

/// Judges the request figures and signals of one moment, after its samples were folded in.
pub(crate) fn judge_moment(state: &mut State, origin: Origin, at: Millis, gap: Millis) {
    traffic::fold(state, origin, at, gap);
}

/// Judges the session figures of one look.
pub(crate) fn judge_look(state: &mut State) {
    sessions::fold(state);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::signal::Unit;

    fn finding(level: Level) -> Finding {
        Finding {
            rule: if level == Level::Unknown { Rule::BlindTraffic } else { Rule::SignalCritical },
            level,
            subject: "x".to_owned(),
            value: None,
            threshold: None,
            unit: Unit::Count,
            counts: None,
            since: 0,
            hold: 0,
        }
    }

    /// Settles once per second of the pattern: digits are SEV levels, `u` is blind, `.` is calm.
    fn play(pattern: &str, quiet: Quiet) -> Verdict {
        let mut v = Verdict::new(Stamp::default());
        for (i, c) in pattern.chars().enumerate() {
            let now = Stamp { mono: i as Millis * SECOND, wall: i as Millis * SECOND };
            let findings = match c {
                '1' => vec![finding(Level::Sev1)],
                '2' => vec![finding(Level::Sev2)],
                '3' => vec![finding(Level::Sev3)],
                'u' => vec![finding(Level::Unknown)],
                _ => Vec::new(),
            };
            v.settle(now, findings, quiet);
        }
        v
    }

    fn three_seconds() -> Quiet {
        Quiet { sev1: 3 * SECOND, sev2: 3 * SECOND, sev3: 3 * SECOND, sev4: SECOND }
    }

    #[test]
    fn up_at_once_down_after_the_quiet_time() {
        assert_eq!(play("1", three_seconds()).level, Level::Sev1);
        assert_eq!(play("1..", three_seconds()).level, Level::Sev1);
        assert_eq!(play("1..", three_seconds()).falls_at, Some(3 * SECOND));
        assert_eq!(play("1...", three_seconds()).level, Level::Ok);
        assert_eq!(play("1..1..", three_seconds()).level, Level::Sev1, "it starts anew");
        assert_eq!(play("1.33", three_seconds()).level, Level::Sev3, "it falls to what still holds");
    }

    #[test]
    fn absence_never_lowers() {
        assert_eq!(play("1uuuuuuuu", three_seconds()).level, Level::Sev1);
        assert_eq!(play("3u", three_seconds()).level, Level::Unknown);
        assert_eq!(play("u.", three_seconds()).level, Level::Ok, "unknown falls as soon as figures are back");
    }

    #[test]
    fn a_third_rise_holds_longer() {
        let v = play("1....1....1....", three_seconds());
        assert!(v.unstable);
        assert_eq!(v.level, Level::Sev1);
        assert_eq!(play("1....1....1.........", three_seconds()).level, Level::Ok);
    }
}
