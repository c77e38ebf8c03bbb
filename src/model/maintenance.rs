//! Windows in which trouble is expected: it is observed as ever, and nobody is called.

use serde::Deserialize;
use serde::Serialize;

use crate::model::time::DAY;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::Zone;

/// One window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// What is done; may be empty.
    pub name: String,
    /// When.
    pub when: When,
}

/// When a window is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Once, from and until, ms since the epoch.
    Once(Millis, Millis),
    /// On these days (Monday first), from this minute of the local day on, for so long.
    Weekly {
        /// Which days.
        days: [bool; 7],
        /// The minute of the day.
        minute: i64,
        /// For how long, ms; at most a day.
        lasting: Millis,
    },
}

impl Maintenance {
    /// When the window that holds now ends; `None` outside of it.
    #[must_use]
    pub fn until(&self, now: Millis, zone: Zone) -> Option<Millis> {
        match &self.when {
            When::Once(from, until) => (*from <= now && now < *until).then_some(*until),
            When::Weekly { days, minute, lasting } => {
                // Today's window, or yesterday's that goes past midnight.
                [now, now - DAY].into_iter().find_map(|day| {
                    let (weekday, midnight) = zone.day(day)?;
                    let from = midnight + minute * MINUTE;
                    let until = from + lasting;
                    (days[weekday] && from <= now && now < until).then_some(until)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::HOUR;

    #[test]
    fn a_window_of_the_week_goes_past_midnight() {
        let zone = Zone::named("America/Mexico_City").unwrap();
        // Saturdays from 23:00 for three hours, local time.
        let mut days = [false; 7];
        days[5] = true;
        let w = Maintenance { name: String::new(), when: When::Weekly { days, minute: 23 * 60, lasting: 3 * HOUR } };
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        assert_eq!(w.until(at("2026-11-21T22:59:00-06:00"), zone), None);
        let end = at("2026-11-22T02:00:00-06:00");
        assert_eq!(w.until(at("2026-11-21T23:00:00-06:00"), zone), Some(end));
        assert_eq!(w.until(at("2026-11-22T01:59:00-06:00"), zone), Some(end));
        assert_eq!(w.until(end, zone), None);
        assert_eq!(w.until(at("2026-11-22T23:30:00-06:00"), zone), None, "a Sunday");
    }

    #[test]
    fn a_window_of_its_own_date() {
        let w = Maintenance { name: String::new(), when: When::Once(10, 20) };
        let inside: Vec<bool> = [9, 10, 19, 20].map(|t| w.until(t, Zone::default()).is_some()).to_vec();
        assert_eq!(inside, [false, true, true, false]);
    }
}
