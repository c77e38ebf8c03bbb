//! `bell`, `[[maintenance]]` and `[[link]]`: who is called when, and where to look further.

use crate::config::reader::Context;
use crate::config::reader::Section;
use crate::engine::Settings;
use crate::engine::settings::Link;
use crate::model::maintenance::Maintenance;
use crate::model::maintenance::When;
use crate::model::time::DAY;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

pub(super) fn read(root: &mut Section<'_>, cx: &mut Context<'_>, settings: &mut Settings) {
    settings.bell = root.flag(cx, "bell", true);
    for mut s in root.sections(cx, "maintenance") {
        let name = s.text_or(cx, "name", "");
        let when = if s.has("from") { once(&mut s, cx, settings) } else { weekly(&mut s, cx) };
        settings.maintenance.extend(when.map(|when| Maintenance { name, when }));
        s.finish(cx);
    }
    for mut s in root.sections(cx, "link") {
        settings.links.push(Link {
            name: s.required(cx, "name", "a name such as \"Grafana\""),
            url: s.required(cx, "url", "an address; {service}, {from} and {to} are filled in"),
        });
        s.finish(cx);
    }
}

fn once(s: &mut Section<'_>, cx: &mut Context<'_>, settings: &Settings) -> Option<When> {
    let mut moment = |key: &str, s: &mut Section<'_>| {
        let text = s.text(cx, key)?;
        let at = settings.zone.moment(&text);
        if at.is_none() {
            cx.mistake(s, key, format!("{text:?} is no moment"), "such as \"2026-11-23 02:00\"");
        }
        at
    };
    let from = moment("from", s);
    if s.has("until") {
        let until = moment("until", s);
        let (from, until) = from.zip(until)?;
        if until <= from {
            cx.mistake(s, "until", "is not after from".to_owned(), "");
        }
        return Some(When::Once(from, until));
    }
    let lasting = s.duration(cx, "for", 2 * HOUR, MINUTE, 30 * DAY);
    from.map(|from| When::Once(from, from + lasting))
}

fn weekly(s: &mut Section<'_>, cx: &mut Context<'_>) -> Option<When> {
    let at = s.required(cx, "at", "a time such as \"02:00\", or from and until");
    let minute = at.split_once(':').and_then(|(h, m)| {
        let (h, m): (i64, i64) = (h.parse().ok()?, m.parse().ok()?);
        ((0..24).contains(&h) && (0..60).contains(&m)).then_some(h * 60 + m)
    });
    if minute.is_none() && !at.is_empty() {
        cx.mistake(s, "at", format!("{at:?} is no time of day"), "such as \"02:00\"");
    }
    let mut days = [false; 7];
    let named = s.list(cx, "days");
    for name in &named {
        match DAYS.iter().position(|d| name.to_lowercase().starts_with(d)) {
            Some(i) => days[i] = true,
            None => cx.mistake(s, "days", format!("{name:?} is no day"), DAYS.join(", ")),
        }
    }
    if named.is_empty() {
        days = [true; 7];
    }
    let lasting = s.duration(cx, "for", 2 * HOUR, MINUTE, DAY);
    minute.map(|minute| When::Weekly { days, minute, lasting })
}
