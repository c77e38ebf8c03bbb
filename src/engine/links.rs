//! Links to other tools, with the service and the time of trouble filled in.

use crate::engine::state::State;
use crate::model::severity::Level;
use crate::model::text::clean;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::rfc3339;

/// So much of what came before the trouble belongs into the picture.
const BEFORE: Millis = 15 * MINUTE;

/// One link, ready to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// All links of the configuration: from a quarter of an hour before it began (an hour ago while nothing is wrong) until
/// now. `{from}` and `{to}` are milliseconds since the epoch, as Grafana and Kibana take them; `{from_iso}` and
/// `{to_iso}` the same as RFC 3339.
#[must_use]
pub fn filled(state: &State) -> Vec<Filled> {
    let now = state.now.wall;
    let v = &state.verdict;
    let from = if v.level > Level::Ok { v.since - BEFORE } else { now - HOUR };
    let values = [
        ("{service}", encoded(&state.settings.service)),
        ("{environment}", encoded(&state.settings.environment)),
        ("{from}", from.to_string()),
        ("{to}", now.to_string()),
        ("{from_iso}", encoded(&rfc3339(from))),
        ("{to_iso}", encoded(&rfc3339(now))),
    ];
    let fill = |url: &str| values.iter().fold(clean(url), |url, (name, value)| url.replace(name, value));
    state.settings.links.iter().map(|l| Filled { name: clean(&l.name), url: fill(&l.url) }).collect()
}

/// Percent-encodes everything that is not a letter, a digit or one of `-._~`.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase()
}
