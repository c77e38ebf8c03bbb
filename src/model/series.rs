//! A bounded history of one figure. Gaps are kept as gaps.

use std::collections::VecDeque;

use serde::Deserialize;
use serde::Serialize;

use crate::model::time::Millis;

/// Points kept per series: 6 h at 15 s, 2 h at 5 s. At 24 bytes a point 35 kB, so 50 signals stay under 2 MB.
pub const CAPACITY: usize = 1_440;

/// One moment of a figure; `None` is a gap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Data time, ms since the epoch.
    pub at: Millis,
    /// The value, or a gap.
    pub value: Option<f64>,
}

/// A bounded ring of points in the order of their time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    points: VecDeque<Point>,
}

/// What one column of a chart holds. Both ends are kept so that a peak survives being drawn small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Least value in the column's span.
    pub min: f64,
    /// Greatest value in the column's span.
    pub max: f64,
    /// The newest value in the column's span.
    pub last: f64,
}

impl Series {
    /// Adds a point; one that is not newer than the newest is dropped (a server answering twice for the same moment).
    pub fn push(&mut self, at: Millis, value: Option<f64>) -> bool {
        if self.points.back().is_some_and(|p| p.at >= at) {
            return false;
        }
        if self.points.len() == CAPACITY {
            self.points.pop_front();
        }
        self.points.push_back(Point { at, value });
        true
    }

    /// Forgets everything; the source starts over (history is read again).
    pub fn clear(&mut self) {
        self.points.clear();
    }

    /// Forgets every point from this moment on.
    pub fn forget_from(&mut self, from: Millis) {
        let keep = self.points.partition_point(|p| p.at < from);
        self.points.truncate(keep);
    }

    /// Puts back what another source knew, where this series has nothing: points further than `gap` from any of its own.
    pub fn fill(&mut self, known: &Self, gap: Millis) {
        let mut all: Vec<Point> = self.points.iter().copied().filter(|p| p.value.is_some()).collect();
        let near = |at: Millis| {
            let i = all.partition_point(|p| p.at < at);
            let after = all.get(i).is_some_and(|p| p.at - at <= gap);
            let before = i.checked_sub(1).and_then(|i| all.get(i)).is_some_and(|p| at - p.at <= gap);
            after || before
        };
        let missing: Vec<Point> = known.iter().filter(|p| p.value.is_some() && !near(p.at)).collect();
        if missing.is_empty() {
            return;
        }
        all.extend(missing);
        all.extend(self.points.iter().copied().filter(|p| p.value.is_none()));
        all.sort_by_key(|p| p.at);
        all.dedup_by_key(|p| p.at);
        let over = all.len().saturating_sub(CAPACITY);
        self.points = all.into_iter().skip(over).collect();
    }

    /// Number of points, gaps included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// True when nothing was ever pushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The newest point, gap or not.
    #[must_use]
    pub fn newest(&self) -> Option<Point> {
        self.points.back().copied()
    }

    /// The oldest point kept.
    #[must_use]
    pub fn oldest(&self) -> Option<Point> {
        self.points.front().copied()
    }

    /// All points, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Point> + '_ {
        self.points.iter().copied()
    }

    /// Points later than `after`, oldest first.
    #[must_use]
    pub fn since(&self, after: Millis) -> impl DoubleEndedIterator<Item = Point> + '_ {
        let start = self.points.partition_point(|p| p.at <= after);
        self.points.range(start..).copied()
    }

    /// The last value that was one, with its moment.
    #[must_use]
    pub fn last_value(&self) -> Option<(Millis, f64)> {
        self.points.iter().rev().find_map(|p| p.value.map(|v| (p.at, v)))
    }

    /// Start of the unbroken run of trouble that reaches the newest value: where `bad` first held. Gaps of up to
    /// `gap` do not break the run. `None` when the newest value is not bad.
    pub fn run_start(&self, gap: Millis, bad: impl Fn(f64) -> bool) -> Option<Millis> {
        let mut start: Option<Millis> = None;
        for p in self.points.iter().rev() {
            let Some(value) = p.value else { continue };
            if !bad(value) || start.is_some_and(|s| s - p.at > gap) {
                break;
            }
            start = Some(p.at);
        }
        start
    }

    /// Median of the values after `after`; `None` when fewer than `least` values are there.
    #[must_use]
    pub fn median_since(&self, after: Millis, least: usize) -> Option<f64> {
        let mut values: Vec<f64> = self.since(after).filter_map(|p| p.value).collect();
        if values.len() < least.max(1) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(values[values.len() / 2])
    }

    /// Folds the span `(from, to]` into `n` columns for drawing; a column without a value is a gap.
    #[must_use]
    pub fn columns(&self, from: Millis, to: Millis, n: usize) -> Vec<Option<Column>> {
        let mut columns: Vec<Option<Column>> = vec![None; n];
        let span = (to - from).max(1);
        for p in self.since(from).take_while(|p| p.at <= to) {
            let Some(v) = p.value else { continue };
            // The newest point (at == to) belongs to the last column, so the right edge is always the newest sample.
            let i = (i128::from(p.at - from - 1) * n as i128 / i128::from(span)) as usize;
            if let Some(slot) = columns.get_mut(i) {
                *slot = Some(slot.map_or(Column { min: v, max: v, last: v }, |c| Column {
                    min: c.min.min(v),
                    max: c.max.max(v),
                    last: v,
                }));
            }
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(Millis, Option<f64>)]) -> Series {
        let mut s = Series::default();
        for (at, value) in points {
            s.push(*at, *value);
        }
        s
    }

    #[test]
    fn it_stays_bounded_and_in_order() {
        let mut s = Series::default();
        for at in 0..(CAPACITY as Millis + 10) {
            assert!(s.push(at, Some(1.0)));
        }
        assert_eq!(s.len(), CAPACITY);
        assert!(!s.push(3, Some(9.0)), "an older point is dropped");
    }

    #[test]
    fn what_another_source_knew_fills_the_hole_and_nothing_else() {
        let mut s = series(&[(0, Some(0.1)), (15, Some(0.2)), (90, Some(0.3))]);
        let known =
            series(&[(10, Some(9.0)), (30, Some(5.0)), (45, Some(6.0)), (60, None), (75, Some(7.0)), (80, Some(9.0))]);
        s.fill(&known, 14);
        let values: Vec<(Millis, Option<f64>)> = s.iter().map(|p| (p.at, p.value)).collect();
        let wanted = [(0, 0.1), (15, 0.2), (30, 5.0), (45, 6.0), (75, 7.0), (90, 0.3)].map(|(at, v)| (at, Some(v)));
        assert_eq!(values, wanted);
    }

    #[test]
    fn the_run_of_trouble_starts_where_it_began_to_go_wrong() {
        let s = series(&[(0, Some(0.0)), (10, Some(0.2)), (20, None), (30, Some(0.3))]);
        assert_eq!(s.run_start(20, |v| v > 0.1), Some(10));
        assert_eq!(s.run_start(5, |v| v > 0.1), Some(30), "a long gap breaks the run");
        assert_eq!(s.run_start(20, |v| v > 0.5), None);
    }

    #[test]
    fn peaks_survive_being_drawn_small() {
        let s = series(&[(1, Some(1.0)), (2, Some(9.0)), (3, Some(2.0)), (10, Some(4.0))]);
        let c = s.columns(0, 10, 2);
        assert_eq!(c[0], Some(Column { min: 1.0, max: 9.0, last: 2.0 }));
        assert_eq!(c[1], Some(Column { min: 4.0, max: 4.0, last: 4.0 }));
        assert_eq!(series(&[(1, None)]).columns(0, 10, 2), [None, None]);
    }

    #[test]
    fn a_median_of_too_few_is_none() {
        let s = series(&[(1, Some(3.0)), (2, Some(1.0)), (3, None), (4, Some(2.0))]);
        assert_eq!(s.median_since(0, 3), Some(2.0));
        assert_eq!(s.median_since(0, 4), None);
    }
}
