//! "Above the limit for five minutes": how long a condition has held, on data time.

use serde::Deserialize;
use serde::Serialize;

use crate::model::time::Millis;

/// What one moment says about a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The limit is broken.
    Broken,
    /// Neither broken nor calm.
    Between,
    /// Well on the good side.
    Clear,
    /// There is no value.
    Unknown,
}

/// The memory of one condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hold {
    /// Data time of the first moment of the present run.
    since: Option<Millis>,
    /// Data time of the newest moment with a value.
    seen: Option<Millis>,
    /// It has held for long enough, and has not calmed since.
    hot: bool,
    /// Data time at which it calmed; while the quiet time runs, anything but calm makes it hot again at once.
    calmed: Option<Millis>,
}

impl Hold {
    /// Takes one moment in. Moments without a value neither advance nor reset it while the gap is at most `gap`;
    /// a pending condition starts anew after a longer one. What is hot stays hot until a value says otherwise.
    pub(crate) fn fold(&mut self, at: Millis, seen: Seen, hold: Millis, gap: Millis, quiet: Millis) {
        if seen == Seen::Unknown {
            return;
        }
        if self.calmed.is_some_and(|t| at - t >= quiet) {
            self.calmed = None;
        }
        if seen != Seen::Clear && self.calmed.take().is_some() {
            self.hot = true;
        }
        if self.seen.is_some_and(|t| at - t > gap) && !self.hot {
            self.since = None;
        }
        self.seen = Some(at);
        match seen {
            Seen::Broken => {
                let since = *self.since.get_or_insert(at);
                self.hot |= at - since >= hold;
            }
            Seen::Between if self.hot => {}
            Seen::Between => self.since = None,
            Seen::Clear => {
                if self.hot {
                    self.calmed = Some(at);
                }
                self.since = None;
                self.hot = false;
            }
            Seen::Unknown => {}
        }
    }

    pub(crate) fn hot(&self) -> bool {
        self.hot
    }

    /// Broken, and not yet for long enough.
    pub(crate) fn pending(&self) -> Option<Millis> {
        self.since.filter(|_| !self.hot)
    }

    /// Start of the present run.
    pub(crate) fn since(&self) -> Option<Millis> {
        self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(moments: &[(Millis, Seen)]) -> Hold {
        let mut h = Hold::default();
        for (at, seen) in moments {
            h.fold(*at, *seen, 60, 30, 100);
        }
        h
    }

    #[test]
    fn it_needs_the_whole_time() {
        assert_eq!(run(&[(0, Seen::Broken), (15, Seen::Broken), (45, Seen::Broken)]).pending(), Some(0));
        assert!(run(&[(0, Seen::Broken), (20, Seen::Broken), (40, Seen::Broken), (60, Seen::Broken)]).hot());
        assert!(!run(&[(0, Seen::Broken), (30, Seen::Between), (60, Seen::Broken)]).hot());
    }

    #[test]
    fn a_short_gap_neither_advances_nor_resets() {
        let h = run(&[(0, Seen::Broken), (15, Seen::Unknown), (30, Seen::Broken), (60, Seen::Broken)]);
        assert!(h.hot());
        let h = run(&[(0, Seen::Broken), (45, Seen::Unknown), (60, Seen::Unknown)]);
        assert!(!h.hot(), "unknown moments do not count towards the time");
    }

    #[test]
    fn a_long_gap_starts_the_clock_anew() {
        let h = run(&[(0, Seen::Broken), (100, Seen::Broken)]);
        assert_eq!(h.pending(), Some(100));
    }

    #[test]
    fn absence_never_calms() {
        let mut h = run(&[(0, Seen::Broken), (30, Seen::Broken), (60, Seen::Broken)]);
        h.fold(500, Seen::Unknown, 60, 30, 100);
        assert!(h.hot());
        h.fold(510, Seen::Between, 60, 30, 100);
        assert!(h.hot());
        h.fold(520, Seen::Clear, 60, 30, 100);
        assert!(!h.hot());
    }

    #[test]
    fn what_comes_back_within_the_quiet_time_is_hot_at_once() {
        let mut h = run(&[(0, Seen::Broken), (30, Seen::Broken), (60, Seen::Broken), (75, Seen::Clear)]);
        h.fold(100, Seen::Clear, 60, 30, 100);
        h.fold(120, Seen::Between, 60, 30, 100);
        assert!(h.hot());
        h.fold(130, Seen::Clear, 60, 30, 100);
        h.fold(240, Seen::Broken, 60, 30, 100);
        assert!(!h.hot(), "after the quiet time it needs the whole time again");
    }
}
