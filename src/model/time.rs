//! Moments and spans. A moment arrives with its event; nothing in the core asks what time it is.

use std::fmt;

use chrono::DateTime;
use chrono::Datelike as _;
use chrono::FixedOffset;
use chrono::NaiveDateTime;
use chrono::Offset as _;
use chrono::Utc;
use serde::Deserialize;
use serde::Serialize;

pub use crate::model::zone::Zone;

/// Milliseconds; every span and every wall time in the core has this unit.
pub type Millis = i64;

/// One second.
pub const SECOND: Millis = 1_000;
/// One minute.
pub const MINUTE: Millis = 60 * SECOND;
/// One hour.
pub const HOUR: Millis = 60 * MINUTE;
/// One day.
pub const DAY: Millis = 24 * HOUR;

/// When an event was received, on two clocks.
///
/// `mono` orders and ages (it never steps back and goes on during suspend, `CLOCK_BOOTTIME`); `wall` is what
/// people read and may jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Milliseconds since boot.
    pub mono: Millis,
    /// Milliseconds since the Unix epoch, UTC.
    pub wall: Millis,
}

impl Stamp {
    /// Time passed from `earlier` to this stamp; never negative.
    #[must_use]
    pub fn since(self, earlier: Self) -> Millis {
        (self.mono - earlier.mono).max(0)
    }
}

impl Zone {
    fn at(self, wall: Millis) -> DateTime<FixedOffset> {
        let utc = utc(wall);
        // No zone is a day ahead: the offset is one.
        let offset = FixedOffset::east_opt(self.offset(utc.timestamp())).unwrap_or_else(|| Utc.fix());
        utc.with_timezone(&offset)
    }

    /// The first moment at which its clocks show this.
    fn first(self, shown: NaiveDateTime) -> Option<Millis> {
        self.earliest(shown.and_utc().timestamp()).map(|at| at * SECOND)
    }

    /// The local day of a moment: its weekday (Monday is 0), and when it began. `None` where a clock change took its
    /// midnight away.
    #[must_use]
    pub fn day(self, wall: Millis) -> Option<(usize, Millis)> {
        let local = self.at(wall);
        let midnight = local.date_naive().and_hms_opt(0, 0, 0)?;
        Some((local.weekday().num_days_from_monday() as usize, self.first(midnight)?))
    }

    /// A local time as it is written (`2026-11-23 02:00`), or one with an offset (RFC 3339).
    #[must_use]
    pub fn moment(self, text: &str) -> Option<Millis> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Some(at.timestamp_millis());
        }
        let naive = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S"]
            .iter()
            .find_map(|f| NaiveDateTime::parse_from_str(text, f).ok())?;
        self.first(naive)
    }

    /// A moment as people say it: `-10m`, `02:50` or `02:50:30` (the last one that has been), or as `moment` reads it.
    /// `None` for what is no moment, or has not come yet (a minute is forgiven: clocks differ).
    #[must_use]
    pub fn said(self, text: &str, now: Millis) -> Option<Millis> {
        let text = text.trim();
        let at = if let Some(ago) = text.strip_prefix('-') {
            // To humantime "M" is a month.
            let ago = Some(ago).filter(|t| !t.contains(['M', 'y'])).and_then(|t| humantime::parse_duration(t).ok())?;
            now.checked_sub(Millis::try_from(ago.as_millis()).ok()?)?
        } else if let Some(time) =
            ["%H:%M", "%H:%M:%S"].iter().find_map(|f| chrono::NaiveTime::parse_from_str(text, f).ok())
        {
            let today = self.at(now).date_naive();
            let days = [Some(today), today.pred_opt()];
            let first = |day: chrono::NaiveDate| self.first(day.and_time(time));
            days.into_iter().flatten().filter_map(first).find(|at| *at <= now + MINUTE)?
        } else {
            self.moment(text)?
        };
        (0..=now + MINUTE).contains(&at).then_some(at)
    }

    /// The local year of a moment.
    #[must_use]
    pub fn year(self, wall: Millis) -> i64 {
        i64::from(self.at(wall).year())
    }

    /// `2026-11`
    #[must_use]
    pub fn month(self, wall: Millis) -> String {
        self.at(wall).format("%Y-%m").to_string()
    }

    /// `2026-11-23`
    #[must_use]
    pub fn date(self, wall: Millis) -> String {
        self.at(wall).format("%Y-%m-%d").to_string()
    }

    /// `2026-11-23 03:08`
    #[must_use]
    pub fn day_hm(self, wall: Millis) -> String {
        self.at(wall).format("%Y-%m-%d %H:%M").to_string()
    }

    /// `03:08`
    #[must_use]
    pub fn hm(self, wall: Millis) -> String {
        self.at(wall).format("%H:%M").to_string()
    }

    /// `03:08:40`
    #[must_use]
    pub fn hms(self, wall: Millis) -> String {
        self.at(wall).format("%H:%M:%S").to_string()
    }

    /// `03:08:40 -06`, with minutes in the offset only where a zone has them.
    #[must_use]
    pub fn hms_offset(self, wall: Millis) -> String {
        let at = self.at(wall);
        let text = at.format("%H:%M:%S %:z").to_string();
        text.strip_suffix(":00").map_or_else(|| text.clone(), str::to_owned)
    }
}

fn utc(wall: Millis) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(wall).unwrap_or_default()
}

/// `09:08`, UTC.
#[must_use]
pub fn utc_hm(wall: Millis) -> String {
    utc(wall).format("%H:%M").to_string()
}

/// RFC 3339 in UTC with milliseconds, as every JSON answer carries it.
#[must_use]
pub fn rfc3339(wall: Millis) -> String {
    utc(wall).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// What the ages of things that are well step by: one still sees that they live, and a bad link carries a fifth.
pub const STEP: Millis = 5 * SECOND;

/// The last whole step of a span: never more than it is.
#[must_use]
pub fn stepped(span: Millis, step: Millis) -> Millis {
    span - span.rem_euclid(step.max(1))
}

/// A span as a person says it, never more than two units: `8s`, `9m 40s`, `3h 05m`, `2d 4h`.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub Millis);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = (self.0 / SECOND).max(0);
        match s {
            0..60 => write!(f, "{s}s"),
            60..3_600 if s % 60 == 0 => write!(f, "{}m", s / 60),
            60..3_600 => write!(f, "{}m {:02}s", s / 60, s % 60),
            3_600..86_400 => write!(f, "{}h {:02}m", s / 3_600, s / 60 % 60),
            _ => write!(f, "{}d {}h", s / 86_400, s / 3_600 % 24),
        }
    }
}

/// A span in one unit, for places where every cell counts: `8s`, `9m`, `3h`, `2d`.
#[derive(Clone, Copy, Debug)]
pub struct Short(pub Millis);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = (self.0 / SECOND).max(0);
        match s {
            0..60 => write!(f, "{s}s"),
            60..3_600 => write!(f, "{}m", s / 60),
            3_600..172_800 => write!(f, "{}h", s / 3_600),
            _ => write!(f, "{}d", s / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        let cases = [
            (0, "0s", "0s"),
            (-5, "0s", "0s"),
            (59_999, "59s", "59s"),
            (MINUTE, "1m", "1m"),
            (9 * MINUTE + 40 * SECOND, "9m 40s", "9m"),
            (3 * HOUR + 5 * MINUTE, "3h 05m", "3h"),
            (2 * DAY + 4 * HOUR, "2d 4h", "2d"),
        ];
        for (ms, long, short) in cases {
            assert_eq!(Span(ms).to_string(), long);
            assert_eq!(Short(ms).to_string(), short);
        }
    }

    #[test]
    fn a_zone_shows_its_offset() {
        let wall = 1_700_000_000_000; // 2023-11-14T22:13:20Z
        assert_eq!(Zone::named("America/Mexico_City").unwrap().hms_offset(wall), "16:13:20 -06");
        assert_eq!(Zone::named("Asia/Kolkata").unwrap().hms_offset(wall), "03:43:20 +05:30");
        assert_eq!(utc_hm(wall), "22:13");
        assert_eq!(rfc3339(wall), "2023-11-14T22:13:20.000Z");
        assert!(Zone::named("Moon/Base").is_none());
    }

    #[test]
    fn moments_are_read_as_people_say_them() {
        let zone = Zone::named("America/Mexico_City").unwrap();
        let now = zone.moment("2026-11-23 03:08").unwrap();
        let said = |text: &str| zone.said(text, now).map(|at| zone.day_hm(at));
        assert_eq!(said("-10m").as_deref(), Some("2026-11-23 02:58"));
        assert_eq!(said("-1h30m").as_deref(), Some("2026-11-23 01:38"));
        assert_eq!(said("02:50").as_deref(), Some("2026-11-23 02:50"));
        // What has not come yet today was yesterday.
        assert_eq!(said("23:40").as_deref(), Some("2026-11-22 23:40"));
        assert_eq!(said("2026-11-22 09:00").as_deref(), Some("2026-11-22 09:00"));
        assert_eq!(said("2026-11-23T09:00:00Z").as_deref(), Some("2026-11-23 03:00"));
        for bad in ["-10M", "-", "", "25:00", "tomorrow", "2026-11-24 09:00", "-99999999999d"] {
            assert_eq!(said(bad), None, "{bad}");
        }
    }
}
