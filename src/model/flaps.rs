//! How often an alert has come and gone: a strip of a day, and a count of a week.

use serde::Deserialize;
use serde::Serialize;

use crate::model::time::DAY;
use crate::model::time::HOUR;
use crate::model::time::Millis;

/// Blocks of the strip: the hours of a day.
pub const BLOCKS: usize = 24;

/// The last day and week of one alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flaps {
    /// Share of each of the last 24 hours in which it fired, oldest first, 0 to 1.
    pub day: [f32; BLOCKS],
    /// How often it began to fire in the last seven days.
    pub week: u32,
}

impl Flaps {
    /// From the moments at which it was seen firing, oldest first, looked at every `step`.
    #[must_use]
    pub fn of(seen: impl Iterator<Item = Millis>, step: Millis, now: Millis) -> Self {
        let mut out = Self::default();
        let mut before: Option<Millis> = None;
        for at in seen.filter(|at| *at > now - 7 * DAY && *at <= now) {
            // Half a step of grace: no clock is exact.
            if before.is_none_or(|b| at - b > step + step / 2) {
                out.week += 1;
            }
            before = Some(at);
            let ago = (now - at) / HOUR;
            if let Some(block) = usize::try_from(ago).ok().filter(|i| *i < BLOCKS) {
                let share = step as f32 / HOUR as f32;
                let slot = &mut out.day[BLOCKS - 1 - block];
                *slot = (*slot + share).min(1.0);
            }
        }
        out
    }

    /// From the times at which it fired, as cabina saw them; an end that is missing is now.
    #[must_use]
    pub fn seen(spans: &[(Millis, Option<Millis>)], now: Millis) -> Self {
        let mut out = Self::default();
        for (from, to) in spans {
            let to = to.unwrap_or(now);
            out.week += u32::from(to > now - 7 * DAY);
            for (i, slot) in out.day.iter_mut().enumerate() {
                let (start, end) = (now - (BLOCKS - i) as Millis * HOUR, now - (BLOCKS - 1 - i) as Millis * HOUR);
                let within = (to.min(end) - (*from).max(start)).max(0);
                *slot = (*slot + within as f32 / HOUR as f32).min(1.0);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::MINUTE;

    #[test]
    fn each_beginning_counts_once_and_hours_fill_up() {
        let now = 30 * DAY;
        // Three hours ago for twenty minutes, two days ago for ten.
        let at = |ago: Millis| now - ago;
        let seen = [2 * DAY, 2 * DAY - 5 * MINUTE, 175 * MINUTE, 170 * MINUTE, 165 * MINUTE, 160 * MINUTE];
        let f = Flaps::of(seen.into_iter().map(at), 5 * MINUTE, now);
        assert_eq!(f.week, 2);
        assert!((f.day[21] - 1.0 / 3.0).abs() < 1e-6 && f.day.iter().filter(|b| **b > 0.0).count() == 1, "{f:?}");
    }

    #[test]
    fn what_cabina_saw_itself_reads_the_same() {
        let now = 30 * DAY;
        let f = Flaps::seen(&[(now - 9 * DAY, Some(now - 8 * DAY)), (now - 30 * MINUTE, None)], now);
        assert_eq!(f.week, 1);
        assert!((f.day[23] - 0.5).abs() < 1e-6, "{f:?}");
    }
}
