//! Conditions as people write them: `error_rate < 1% for 2m, timeout 10m`, `Error rate > 5 %`, `MODE == full`.

use crate::model::runbook::Limit;
use crate::model::runbook::Until;
use crate::model::runbook::When;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::REQUEST_RATE;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::runbook::words::folded;

/// How long a condition is waited for where the step does not say.
const PATIENCE: Millis = 10 * MINUTE;
/// No step is waited for longer.
const LONGEST: Millis = 24 * 60 * MINUTE;

/// What people call the built-in signals.
const CALLED: [(&str, &str); 14] = [
    ("latencia p99", LATENCY_P99),
    ("latency p99", LATENCY_P99),
    ("p99 latency", LATENCY_P99),
    ("p99", LATENCY_P99),
    ("latencia p95", LATENCY_P95),
    ("latency p95", LATENCY_P95),
    ("p95 latency", LATENCY_P95),
    ("p95", LATENCY_P95),
    ("error rate", ERROR_RATE),
    ("tasa de error", ERROR_RATE),
    ("tasa de errores", ERROR_RATE),
    ("errores", ERROR_RATE),
    ("request rate", REQUEST_RATE),
    ("throughput", REQUEST_RATE),
];

/// `error_rate < 1%`: the signal, and what it is to be.
#[must_use]
pub fn limit(text: &str) -> Option<Limit> {
    let at = text.find(['<', '>'])?;
    let (name, rest) = (text.get(..at)?, text.get(at + 1..)?);
    let above = text.get(at..)?.starts_with('>');
    let plain = folded(name);
    let called = CALLED.iter().find(|(called, _)| *called == plain).map(|(_, signal)| (*signal).to_owned());
    let name = name.trim().trim_matches('`');
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let signal = called.or_else(|| fits.then(|| name.to_owned()))?;
    let rest = rest.trim_start_matches('=').trim_start();
    let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '_')).collect();
    let value: f64 = number.replace('_', "").parse().ok()?;
    let unit = rest.get(number.len()..)?.trim_start();
    let word: String = unit.chars().take_while(|c| c.is_alphanumeric() || *c == '%').collect();
    let value = match folded(&word).as_str() {
        _ if unit.starts_with('%') => value / 100.0,
        "ms" => value / 1_000.0,
        "min" | "m" => value * 60.0,
        _ => value,
    };
    Some(Limit { signal, above, value })
}

/// `error_rate < 1% for 2m, timeout 10m`; in Spanish `durante 2m, máximo 10m`.
#[must_use]
pub fn until(text: &str, line: usize) -> Option<Until> {
    let limit = limit(text)?;
    let words: Vec<String> = text.split([' ', ',', ';', '(', ')']).map(folded).filter(|w| !w.is_empty()).collect();
    let after = |names: &[&str]| {
        let at = words.iter().position(|w| names.contains(&w.as_str()))?;
        let (one, two) = (words.get(at + 1)?, words.get(at + 2));
        span(one).or_else(|| span(&format!("{one}{}", two?)))
    };
    let hold = after(&["for", "durante", "por"]).unwrap_or(0);
    let timeout = after(&["timeout", "within", "maximo", "max", "limite", "hasta"]).unwrap_or(PATIENCE.max(hold * 2));
    Some(Until { limit, hold, timeout, line })
}

/// `2m`, `90s`, `2 min`: to people a lone `m` is a minute.
#[must_use]
pub fn span(text: &str) -> Option<Millis> {
    let minutes = crate::runbook::words::minutes(text)?;
    let span = (minutes * MINUTE as f64) as Millis;
    (span <= LONGEST).then_some(span)
}

/// `NEW_MIGRATIONS > 0`, `MODE == full else stop`, `FLAG`.
#[must_use]
pub fn when(text: &str) -> Option<When> {
    let text = text.trim().trim_matches('`').trim();
    let folded = folded(text);
    let ends = [" else stop", " si no, parar", " si no parar", " si no para"];
    let stops = ends.iter().find(|e| folded.ends_with(*e));
    let text = match stops {
        Some(_) => text.rfind(" else").or_else(|| text.rfind(" si no")).and_then(|at| text.get(..at))?,
        None => text,
    };
    let operators = ["==", "!=", ">=", "<=", ">", "<", "="];
    let found = operators.iter().filter_map(|o| Some((text.find(o)?, *o))).min_by_key(|(at, o)| (*at, 9 - o.len()));
    let (name, operator, value) = match found {
        Some((at, o)) => (text.get(..at)?, o, text.get(at + o.len()..)?),
        None => (text, "", ""),
    };
    let bare = name.trim().trim_start_matches("${").trim_start_matches('$').trim_end_matches('}').trim();
    let (bare, negated) = bare.strip_prefix('!').map_or((bare, false), |b| (b, true));
    let fits = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then(|| When {
        text: text.trim().to_owned(),
        name: bare.to_owned(),
        operator: match operator {
            "" if negated => "empty",
            "" => "set",
            "=" => "==",
            other => other,
        },
        value: value.trim().trim_matches(['"', '\'']).to_owned(),
        stops: stops.is_some(),
    })
}

/// Does it hold, with what is known?
#[must_use]
pub fn holds(when: &When, known: Option<&str>) -> bool {
    let known = known.unwrap_or_default().trim();
    let numbers = known.parse::<f64>().ok().zip(when.value.parse::<f64>().ok());
    let same = numbers.map_or(known == when.value, |(a, b)| (a - b).abs() < f64::EPSILON);
    match when.operator {
        "set" => !known.is_empty() && !matches!(known, "0" | "no" | "false"),
        "empty" => known.is_empty() || matches!(known, "0" | "no" | "false"),
        "==" => same,
        "!=" => !same,
        ">" => numbers.is_some_and(|(a, b)| a > b),
        "<" => numbers.is_some_and(|(a, b)| a < b),
        ">=" => numbers.is_some_and(|(a, b)| a >= b),
        "<=" => numbers.is_some_and(|(a, b)| a <= b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_people_write_them() {
        let read = |text| limit(text).map(|l| format!("{}{}{}", l.signal, if l.above { '>' } else { '<' }, l.value));
        assert_eq!(read("error_rate < 1%").as_deref(), Some("error_rate<0.01"));
        assert_eq!(read("Error rate > 5 % for 1 minute").as_deref(), Some("error_rate>0.05"));
        assert_eq!(read("Latencia p99 > 1s").as_deref(), Some("latency_p99>1"));
        assert_eq!(read("p95 > 200 ms").as_deref(), Some("latency_p95>0.2"));
        assert_eq!(read("`queue` <= 1000").as_deref(), Some("queue<1000"));
        for nothing in ["Funcionalidad core rota", "a > b", "Errores criticos en logs", "> 5 %"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_waited_for_has_a_time_to_hold_and_an_end() {
        let u = until("error_rate < 1% for 2m, timeout 10m", 7).unwrap();
        assert_eq!((u.hold, u.timeout, u.line), (2 * MINUTE, 10 * MINUTE, 7));
        let u = until("latency_p95 < 300ms durante 90 s, máximo 5 min", 1).unwrap();
        assert_eq!((u.hold, u.timeout, u.limit.value), (90_000, 5 * MINUTE, 0.3));
        assert_eq!(until("queue < 10", 1).unwrap().timeout, PATIENCE);
    }

    #[test]
    fn conditions_are_judged_by_what_is_known() {
        let judge = |text, known| holds(&when(text).unwrap(), known);
        assert!(judge("NEW > 0", Some("3")) && !judge("NEW > 0", Some("0")) && !judge("${NEW} > 0", None));
        assert!(judge("MODE == full", Some("full")) && judge("MODE != \"full\"", Some("half")));
        assert!(judge("FLAG", Some("yes")) && !judge("FLAG", Some("0")) && judge("!FLAG", None));
        assert!(judge("N >= 2", Some("2.0")) && judge("N == 2", Some("2.0")));
        assert!(when("MODE == full else stop").unwrap().stops && when("two words").is_none());
    }
}
