//! The session table: how large, how fast it grows, and what a sweep could do about it.

use serde::Deserialize;
use serde::Serialize;

use crate::model::series::Series;
use crate::model::signal::Absence;
use crate::model::time::DAY;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// A number of rows and how it was come by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// The number.
    pub n: u64,
    /// Counted, or estimated from the server's statistics.
    pub exact: bool,
    /// The count stopped at a cap: there are at least so many.
    pub at_least: bool,
}

impl Rows {
    /// A counted number.
    #[must_use]
    pub fn exact(n: u64) -> Self {
        Self { n, exact: true, at_least: false }
    }

    /// The server's own estimate.
    #[must_use]
    pub fn estimate(n: u64) -> Self {
        Self { n, exact: false, at_least: false }
    }
}

/// One look at the session table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Rows in all.
    pub rows: Rows,
    /// Rows newly written or renewed in the last minute: those that end one cookie age from now. Exact.
    pub renewed_per_min: Option<f64>,
    /// The same over the last hour, per minute.
    pub renewed_per_min_1h: Option<f64>,
    /// What is usual at this hour, per minute: the greater of the same hour yesterday and the hour before the last.
    pub usual_per_min: Option<f64>,
    /// Rows that have ended and wait for a sweep.
    pub expired: Option<Rows>,
    /// Bytes the table takes, data and indexes.
    pub bytes: Option<u64>,
    /// When the oldest row still there ended, ms since the epoch: since about then nothing was swept.
    pub oldest_expiry: Option<Millis>,
    /// Of the rows that the last hour wrote or let end, the share a sweep could remove.
    pub sweepable: Option<f64>,
    /// How long the first, smallest query took: the server's answer time.
    pub answer: Millis,
    /// How long the whole look took.
    pub took: Millis,
    /// Why the exact count was not had this time, when it was tried.
    pub count_gave_up: bool,
}

/// What the table's growth looks like between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// Ordinary growth or shrinking.
    Growth,
    /// A sweep took rows away.
    Sweep(u64),
    /// The server recalculated its estimate: not growth.
    Recalculated,
    /// From estimate to count or back: the numbers cannot be compared.
    Switched,
}

/// A sudden change of an estimate by more than this share is the server recalculating, while no step is known …
const JUMP_SHARE: f64 = 0.05;
/// … and then one of more than this many times the usual step.
const JUMP_STEPS: f64 = 20.0;
/// A drop by more than this share, and by at least `SWEEP_ROWS`, is a sweep; ordinary logouts are fewer.
const SWEEP_SHARE: f64 = 0.005;
/// Fewer rows than this are not called a sweep.
const SWEEP_ROWS: f64 = 100.0;
/// Growth is read over up to this much time: ten looks at the usual pace, so that an estimate that moves in steps
/// averages out, and a flood shows within minutes.
const GROWTH_OVER: Millis = 5 * MINUTE;
/// Growth over less time than this is noise.
const GROWTH_LEAST: Millis = 20 * SECOND;

/// What is known of the session table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The newest look.
    pub last: Option<(Stamp, Measurement)>,
    /// Rows that could be compared with one another; cleared by sweeps and recalculations.
    rows: Series,
    /// Answer times of the server, for "usually 2 ms".
    answers: Series,
    /// Rows written per minute, for the strip.
    pub renewed: Series,
    /// The last sweep seen, and how many rows it took.
    pub swept: Option<(Stamp, u64)>,
    /// What the newest change was.
    pub change: Option<Change>,
}

impl Table {
    /// Takes a look in; returns what kind of change it shows.
    pub fn fold(&mut self, at: Stamp, m: Measurement) -> Option<Change> {
        let change = self.last.as_ref().map(|(_, before)| self.compare(before.rows, m.rows));
        match change {
            Some(Change::Sweep(n)) => {
                self.swept = Some((at, n));
                self.rows.clear();
            }
            Some(Change::Recalculated | Change::Switched) => self.rows.clear(),
            Some(Change::Growth) | None => {}
        }
        self.rows.push(at.mono, Some(m.rows.n as f64));
        self.answers.push(at.mono, Some(m.answer as f64));
        self.renewed.push(at.wall, m.renewed_per_min);
        self.last = Some((at, m));
        self.change = change;
        change
    }

    /// A look that failed leaves a gap.
    pub fn miss(&mut self, at: Stamp) {
        self.renewed.push(at.wall, None);
    }

    fn compare(&self, before: Rows, after: Rows) -> Change {
        if before.exact != after.exact {
            return Change::Switched;
        }
        let (a, b) = (before.n as f64, after.n as f64);
        let dropped = a - b;
        if before.exact {
            let swept = dropped >= SWEEP_ROWS && dropped > a * SWEEP_SHARE;
            return if swept { Change::Sweep(dropped as u64) } else { Change::Growth };
        }
        let step = self.usual_step();
        let jump = step.map_or(a * JUMP_SHARE, |s| s * JUMP_STEPS).max(SWEEP_ROWS);
        if dropped.abs() > jump { Change::Recalculated } else { Change::Growth }
    }

    /// Middle size of the steps between looks.
    fn usual_step(&self) -> Option<f64> {
        let values: Vec<f64> = self.rows.iter().filter_map(|p| p.value).collect();
        let mut steps: Vec<f64> = values.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
        steps.sort_by(f64::total_cmp);
        steps.get(steps.len() / 2).copied()
    }

    /// Rows per minute, over up to five minutes of comparable looks.
    #[must_use]
    pub fn growth_per_min(&self) -> Option<f64> {
        let newest = self.rows.newest()?;
        let oldest = self.rows.since(newest.at - GROWTH_OVER - 1).next()?;
        let span = newest.at - oldest.at;
        if span < GROWTH_LEAST {
            return None;
        }
        Some((newest.value? - oldest.value?) * MINUTE as f64 / span as f64)
    }

    /// Milliseconds until the table holds `limit` rows at the present growth; `None` when it does not grow.
    #[must_use]
    pub fn time_until(&self, limit: u64) -> Option<Millis> {
        let rows = self.last.as_ref()?.1.rows.n;
        let growth = self.growth_per_min()?;
        if rows >= limit || growth < 1.0 {
            return None;
        }
        let minutes = (limit - rows) as f64 / growth;
        // Beyond a year it is no forecast.
        (minutes < (365 * DAY / MINUTE) as f64).then_some((minutes * MINUTE as f64) as Millis)
    }

    /// How long ago the last sweep must have been: the oldest expired row has waited that long.
    #[must_use]
    pub fn sweep_age(&self) -> Option<Millis> {
        let (at, m) = self.last.as_ref()?;
        m.oldest_expiry.map(|t| (at.wall - t).max(0))
    }

    /// Share of the rows that have expired.
    #[must_use]
    pub fn expired_share(&self) -> Option<f64> {
        let (_, m) = self.last.as_ref()?;
        let expired = m.expired?;
        (m.rows.n > 0).then(|| (expired.n as f64 / m.rows.n as f64).min(1.0))
    }

    /// The middle answer time of the server over the looks kept.
    #[must_use]
    pub fn usual_answer(&self) -> Option<Millis> {
        // Five looks: fewer say nothing about what is usual.
        self.answers.median_since(Millis::MIN, 5).map(|ms| ms as Millis)
    }
}

/// What the table's figures are measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLimits {
    /// Rows from which the table is large.
    pub warning_rows: u64,
    /// Rows that must not be reached.
    pub critical_rows: u64,
    /// How often the sweep runs.
    pub cleanup_every: Millis,
}

/// The result of a look: figures, or why there are none.
pub type Look = Result<Measurement, Absence>;

#[cfg(test)]
mod tests {
    use super::*;

    fn look(rows: Rows) -> Measurement {
        Measurement {
            rows,
            renewed_per_min: None,
            renewed_per_min_1h: None,
            usual_per_min: None,
            expired: None,
            bytes: None,
            oldest_expiry: None,
            sweepable: None,
            answer: 2,
            took: 5,
            count_gave_up: false,
        }
    }

    fn fold(table: &mut Table, rows: &[Rows]) -> Vec<Option<Change>> {
        rows.iter()
            .enumerate()
            .map(|(i, r)| table.fold(Stamp { mono: i as Millis * 30_000, wall: i as Millis * 30_000 }, look(*r)))
            .collect()
    }

    #[test]
    fn growth_and_time_until_the_limit() {
        let mut t = Table::default();
        fold(&mut t, &[Rows::exact(1_000), Rows::exact(1_200), Rows::exact(1_400)]);
        assert_eq!(t.growth_per_min(), Some(400.0));
        assert_eq!(t.time_until(1_800), Some(MINUTE));
        assert_eq!(t.time_until(1_000), None, "already there");
    }

    #[test]
    fn a_statistics_jump_is_not_growth() {
        let mut t = Table::default();
        let seen = fold(
            &mut t,
            &[
                Rows::estimate(10_000_000),
                Rows::estimate(10_000_400),
                Rows::estimate(11_738_616),
                Rows::estimate(11_739_000),
            ],
        );
        assert_eq!(seen[1], Some(Change::Growth));
        assert_eq!(seen[2], Some(Change::Recalculated));
        assert_eq!(t.growth_per_min(), Some(768.0), "only what came after the jump");
    }

    #[test]
    fn a_drop_of_a_count_is_a_sweep() {
        let mut t = Table::default();
        let seen = fold(&mut t, &[Rows::exact(50_000), Rows::exact(50_010), Rows::exact(20_000)]);
        assert_eq!(seen[2], Some(Change::Sweep(30_010)));
        assert!(t.swept.is_some());
        assert_eq!(t.growth_per_min(), None, "one look after a sweep says nothing yet");
    }

    #[test]
    fn an_estimate_and_a_count_are_never_compared() {
        let mut t = Table::default();
        let seen = fold(&mut t, &[Rows::exact(10_000_000), Rows::estimate(10_590_000)]);
        assert_eq!(seen[1], Some(Change::Switched));
    }
}
