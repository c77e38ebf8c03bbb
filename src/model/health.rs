//! A health check: what one probe found, and what many probes say together.

use std::collections::VecDeque;

use serde::Deserialize;
use serde::Serialize;

use crate::model::signal::Absence;
use crate::model::time::Millis;
use crate::model::time::Stamp;

/// Outcomes remembered per check: the design judges "its last 20 probes".
pub const MEMORY: usize = 20;
/// Latencies kept for the strip; the widest strip on a 200-column screen.
pub const STRIP: usize = 60;
/// Flapping begins when at least this share of the remembered probes failed …
const FLAP_FROM: f64 = 0.25;
/// … and ends below this one (3 of 20), so that the word itself does not flap.
const FLAP_UNTIL: f64 = 0.15;
/// Coming and going means changing sides: an outage that ended has two changes, one failure in three has many.
const FLAP_CHANGES: usize = 3;
/// Fewer probes than this say nothing about a ratio.
const FLAP_LEAST: usize = 6;

/// What one probe found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything expected held.
    Good,
    /// It answers, and slower than it should: what was seen, and what was expected.
    Slow(String, String),
    /// It answered something else: what was seen, and what was expected.
    Unexpected(String, String),
    /// There was no answer.
    Absent(Absence),
}

impl Outcome {
    /// Slow is an answer; only the other two are failures.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self, Self::Unexpected(..) | Self::Absent(_))
    }
}

/// One probe of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// What it found.
    pub outcome: Outcome,
    /// How long the answer took; `None` when there was none.
    pub latency: Option<Millis>,
    /// A few words about a good answer: the status, the addresses, the certificate.
    pub detail: String,
    /// Days until the certificate ends; negative when it has ended.
    pub cert_days: Option<i64>,
    /// The certificate ends sooner than the check allows.
    pub cert_soon: bool,
}

/// The word for a check as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Answers as expected.
    Up,
    /// Answers, too slowly.
    Degraded,
    /// Comes and goes.
    Flapping,
    /// Failed so often in a row that it counts.
    Down,
    /// Not probed yet, or what it depends on is down.
    #[default]
    Unknown,
}

impl Status {
    /// The word of the contract; never translated in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Flapping => "flapping",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

/// What many probes of one check say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its name, from the configuration.
    pub name: String,
    /// Does it decide about the severity?
    pub critical: bool,
    /// Failures in a row until it counts as down.
    pub fail_after: u32,
    /// Good answers in a row until it counts as up again.
    pub recover_after: u32,
    /// Checks whose failure explains this one's.
    pub depends_on: Vec<String>,
    /// The word for it, as judged by its own probes.
    pub status: Status,
    /// The check it waits for, when that one is down.
    pub blocked_by: Option<String>,
    /// When the status last changed.
    pub changed: Stamp,
    /// The first failure of the present run of failures: when it began to go wrong.
    pub failing_since: Option<Stamp>,
    /// The first slow answer of the present run of slow answers.
    pub slow_since: Option<Stamp>,
    /// Failures in a row.
    pub failures: u32,
    /// Good answers in a row.
    pub passes: u32,
    /// The newest probe.
    pub last: Option<Probe>,
    /// The newest failure, kept after recovery.
    pub last_error: Option<(Stamp, Outcome)>,
    /// True for each remembered probe that failed, oldest first.
    pub recent: VecDeque<bool>,
    /// Latencies of the newest probes, `None` where there was no answer.
    pub strip: VecDeque<Option<Millis>>,
}

impl Check {
    /// A check that has not been probed.
    #[must_use]
    pub fn new(
        name: &str,
        critical: bool,
        fail_after: u32,
        recover_after: u32,
        depends_on: Vec<String>,
        now: Stamp,
    ) -> Self {
        Self {
            name: name.to_owned(),
            critical,
            fail_after: fail_after.max(1),
            recover_after: recover_after.max(1),
            depends_on,
            status: Status::Unknown,
            blocked_by: None,
            changed: now,
            failing_since: None,
            slow_since: None,
            failures: 0,
            passes: 0,
            last: None,
            last_error: None,
            recent: VecDeque::new(),
            strip: VecDeque::new(),
        }
    }

    /// Takes one probe in. Returns the former status when it changed.
    pub fn fold(&mut self, at: Stamp, probe: Probe) -> Option<Status> {
        let failed = probe.outcome.failed();
        push(&mut self.recent, failed, MEMORY);
        push(&mut self.strip, probe.latency, STRIP);
        if failed {
            self.failures = self.failures.saturating_add(1);
            self.passes = 0;
            self.failing_since.get_or_insert(at);
            self.last_error = Some((at, probe.outcome.clone()));
        } else {
            self.passes = self.passes.saturating_add(1);
            self.failures = 0;
        }
        if matches!(probe.outcome, Outcome::Slow(..)) {
            self.slow_since.get_or_insert(at);
        } else {
            self.slow_since = None;
        }
        self.last = Some(probe);
        let before = self.status;
        let after = self.judge();
        // One good answer within an outage does not make the outage younger.
        if self.failures == 0 && after != Status::Down {
            self.failing_since = None;
        }
        if before == after {
            return None;
        }
        self.status = after;
        self.changed = at;
        Some(before)
    }

    /// Forgets its failures: they were this machine's, not the service's.
    pub fn absolve(&mut self, at: Stamp) {
        if self.failures == 0 && self.status != Status::Down {
            return;
        }
        (self.failures, self.passes, self.failing_since) = (0, 0, None);
        self.recent.clear();
        self.status = Status::Unknown;
        self.changed = at;
    }

    fn judge(&self) -> Status {
        let slow = self.slow_since.is_some();
        let well = if slow { Status::Degraded } else { Status::Up };
        let down = self.failures >= self.fail_after;
        if self.flaps() {
            // An outage that goes on is an outage, however it began.
            return if self.failures >= self.fail_after.max(3) { Status::Down } else { Status::Flapping };
        }
        match self.status {
            _ if down => Status::Down,
            Status::Down if self.passes < self.recover_after => Status::Down,
            // Nothing is known yet and nothing good was seen: the first failures do not make it up.
            Status::Unknown if self.passes == 0 => Status::Unknown,
            // Failing, not often enough: it keeps the word it had.
            before if self.failures > 0 && before != Status::Flapping => before,
            _ => well,
        }
    }

    /// Share of the remembered probes that failed.
    #[must_use]
    pub fn failed_share(&self) -> f64 {
        if self.recent.is_empty() {
            return 0.0;
        }
        self.recent.iter().filter(|f| **f).count() as f64 / self.recent.len() as f64
    }

    fn flaps(&self) -> bool {
        if self.recent.len() < FLAP_LEAST {
            return false;
        }
        let changes = self.recent.iter().zip(self.recent.iter().skip(1)).filter(|(a, b)| a != b).count();
        let from = if self.status == Status::Flapping { FLAP_UNTIL } else { FLAP_FROM };
        changes >= FLAP_CHANGES && self.failed_share() >= from
    }

    /// What the screen and `check` say: a check whose parent is down is unknown, whatever its own probes found.
    #[must_use]
    pub fn shown(&self) -> Status {
        if self.blocked_by.is_some() { Status::Unknown } else { self.status }
    }

    /// Middle of the latencies in the strip.
    #[must_use]
    pub fn usual_latency(&self) -> Option<Millis> {
        let mut known: Vec<Millis> = self.strip.iter().copied().flatten().collect();
        known.sort_unstable();
        known.get(known.len() / 2).copied()
    }
}

fn push<T>(ring: &mut VecDeque<T>, value: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fail_after: u32, recover_after: u32) -> Check {
        Check::new("API", true, fail_after, recover_after, Vec::new(), Stamp::default())
    }

    fn feed(check: &mut Check, pattern: &str) -> Status {
        for (i, c) in pattern.chars().enumerate() {
            let outcome = match c {
                '.' => Outcome::Good,
                's' => Outcome::Slow("700 ms".to_owned(), "latency < 500 ms".to_owned()),
                _ => Outcome::Absent(Absence::Refused),
            };
            let at = Stamp { mono: i as Millis * 5_000, wall: 0 };
            check.fold(
                at,
                Probe { outcome, latency: Some(3), detail: String::new(), cert_days: None, cert_soon: false },
            );
        }
        check.status
    }

    #[test]
    fn thresholds_work_on_both_sides() {
        assert_eq!(feed(&mut check(3, 2), "..xx"), Status::Up);
        assert_eq!(feed(&mut check(3, 2), "..xxx"), Status::Down);
        assert_eq!(feed(&mut check(3, 2), "xxx."), Status::Down);
        assert_eq!(feed(&mut check(3, 2), "xxx.."), Status::Up);
        assert_eq!(feed(&mut check(3, 2), "x"), Status::Unknown);
        assert_eq!(feed(&mut check(1, 1), "x"), Status::Down);
        assert_eq!(feed(&mut check(3, 2), ".s"), Status::Degraded);
    }

    #[test]
    fn one_failure_in_three_never_looks_up() {
        assert_eq!(feed(&mut check(3, 2), "..x..x..x..x"), Status::Flapping);
        assert_eq!(feed(&mut check(3, 2), "..x..x..x..x.."), Status::Flapping);
        assert_eq!(feed(&mut check(1, 1), "..x..x..x..x.."), Status::Flapping);
    }

    #[test]
    fn an_outage_is_not_flapping_and_recovery_is_believed() {
        assert_eq!(feed(&mut check(3, 2), ".........xxxxxxx.."), Status::Up);
        assert_eq!(feed(&mut check(3, 2), "..x..x..xxxxx"), Status::Down);
        let mut c = check(3, 2);
        feed(&mut c, "..x..x..x..x");
        assert_eq!(feed(&mut c, "...................."), Status::Up);
    }

    #[test]
    fn it_remembers_when_it_began_and_what_went_wrong() {
        let mut c = check(2, 1);
        feed(&mut c, "..xx");
        assert_eq!(c.failing_since.map(|s| s.mono), Some(10_000));
        feed(&mut c, ".");
        assert_eq!(c.failing_since, None);
        assert!(c.last_error.is_some());
    }
}
