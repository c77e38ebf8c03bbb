//! `[window]`, and what a `[[signal]]` has to be in one.

use crate::config::reader::Context;
use crate::config::reader::Section;
use crate::config::reader::parse_duration;
use crate::engine::Settings;
use crate::engine::settings::WindowSpec;
use crate::model::signal::Side;
use crate::model::signal::Unit;
use crate::model::time::DAY;
use crate::model::time::SECOND;
use crate::model::window::Wanted;

/// A window shorter than this sees no counter grow; one longer than a day is a trend.
const LENGTHS: (i64, i64) = (10 * SECOND, DAY);

pub(super) fn read(root: &mut Section<'_>, cx: &mut Context<'_>, settings: &mut Settings) {
    let Some(mut s) = root.section(cx, "window") else { return };
    let usual = WindowSpec::default();
    settings.window = WindowSpec {
        length: s.duration(cx, "for", usual.length, LENGTHS.0, LENGTHS.1),
        keep_old: s.duration(cx, "keep_old", usual.keep_old, 0, 7 * DAY),
    };
    s.finish(cx);
}

/// `window = { pass = ["<= +10%", "< 1%"], critical = true, must_have_data = true, min_requests = 300 }`
pub(super) fn criteria(s: &mut Section<'_>, cx: &mut Context<'_>, unit: Unit) -> Wanted {
    let mut wanted = Wanted::default();
    for (i, text) in s.list(cx, "pass").into_iter().enumerate() {
        match pass(&text, unit) {
            Some((side, Bound::Relative(by))) if wanted.side.is_none_or(|s| s == side) => {
                (wanted.side, wanted.tolerance) = (Some(side), Some(by));
            }
            Some((side, Bound::Absolute(limit))) if wanted.side.is_none_or(|s| s == side) => {
                (wanted.side, wanted.limit) = (Some(side), Some(limit));
            }
            Some(_) => {
                let text = format!("{text:?} wants it on the other side than the one before");
                cx.mistake(s, &format!("pass[{i}]"), text, "trouble lies on one side of a signal");
            }
            None => {
                let text = format!("{text:?} is no criterion");
                cx.mistake(
                    s,
                    &format!("pass[{i}]"),
                    text,
                    "write \"<= +10%\" (than before) or \"< 1%\", \"< 500ms\", \"> 20\"",
                );
            }
        }
    }
    wanted.critical = s.has("critical").then(|| s.flag(cx, "critical", false));
    wanted.must_have_data = s.has("must_have_data").then(|| s.flag(cx, "must_have_data", false));
    wanted.min_requests = s.number(cx, "min_requests");
    if wanted.min_requests.is_some_and(|n| n < 1.0) {
        cx.mistake(s, "min_requests", "is below 1".to_owned(), "nothing is said of no requests");
    }
    s.finish(cx);
    wanted
}

/// What a criterion measures against.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    /// A share of what it was before.
    Relative(f64),
    /// A value, in the unit of the signal.
    Absolute(f64),
}

/// `<= +10%` is a tenth more than before; `< 1%` is a limit. A sign tells one from the other.
fn pass(text: &str, unit: Unit) -> Option<(Side, Bound)> {
    let text = text.trim();
    let (side, rest) = match text.strip_prefix('<') {
        Some(rest) => (Side::Above, rest),
        None => (Side::Below, text.strip_prefix('>')?),
    };
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim();
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    if let Some(by) = rest.strip_prefix(['+', '-']) {
        let by = number(by.trim().strip_suffix('%')?)? / 100.0;
        // "At most a tenth less than before" would be a wish, not a tolerance.
        let fits = rest.starts_with('+') == (side == Side::Above);
        return (fits && by >= 0.0).then_some((side, Bound::Relative(by)));
    }
    let value = match rest.strip_suffix('%') {
        Some(share) if unit == Unit::Ratio => number(share)? / 100.0,
        Some(_) => return None,
        None if unit == Unit::Seconds => {
            number(rest).or_else(|| parse_duration(rest).map(|ms| ms as f64 / SECOND as f64))?
        }
        None => number(rest)?,
    };
    Some((side, Bound::Absolute(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_makes_it_relative() {
        let read = |text: &str, unit: Unit| pass(text, unit);
        assert_eq!(read("<= +10%", Unit::Ratio), Some((Side::Above, Bound::Relative(0.1))));
        assert_eq!(read("< 1%", Unit::Ratio), Some((Side::Above, Bound::Absolute(0.01))));
        assert_eq!(read("<0.01", Unit::Ratio), Some((Side::Above, Bound::Absolute(0.01))));
        assert_eq!(read("< 500ms", Unit::Seconds), Some((Side::Above, Bound::Absolute(0.5))));
        assert_eq!(read("< 1.5", Unit::Seconds), Some((Side::Above, Bound::Absolute(1.5))));
        assert_eq!(read(">= -20%", Unit::PerSecond), Some((Side::Below, Bound::Relative(0.2))));
        assert_eq!(read("> 20", Unit::PerSecond), Some((Side::Below, Bound::Absolute(20.0))));
        for bad in ["", "10%", "= 3", "<", "< x", "<= -10%", ">= +5%", "< 5 %%", "< NaN", "<= +ten%"] {
            assert_eq!(read(bad, Unit::Ratio), None, "{bad}");
        }
        assert_eq!(read("< 5%", Unit::Count), None);
    }
}
