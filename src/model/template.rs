//! The templates of alert annotations, as far as rule files of the field use them: labels, the value, and the functions
//! that make numbers readable.
//!
//! Source: `template/template.go` of Prometheus (`humanize`, `humanize1024`, `humanizePercentage`, `humanizeDuration`,
//! `humanizeTimestamp`, `title`, `toUpper`, `toLower`, `printf`). What is not understood stays as it stands: an
//! annotation with a piece of template in it says more than none.

use crate::model::alert::Labels;

/// Fills a template in.
#[must_use]
pub fn fill(template: &str, labels: &Labels, value: f64) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, from)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((inner, after)) = from.split_once("}}") else {
            out.push_str("{{");
            rest = from;
            continue;
        };
        match evaluate(inner.trim_matches('-').trim(), labels, value) {
            Some(text) => out.push_str(&text),
            None => out.extend(["{{", inner, "}}"]),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What goes through a pipe.
enum Item {
    Text(String),
    Number(f64),
}

impl Item {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            Self::Text(t) => t.trim().parse().ok(),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Text(t) => t,
            Self::Number(n) => plain(n),
        }
    }
}

fn evaluate(inner: &str, labels: &Labels, value: f64) -> Option<String> {
    let mut stages = inner.split('|').map(str::trim);
    let mut item = first(stages.next()?, labels, value)?;
    for stage in stages {
        item = apply(stage, item)?;
    }
    Some(item.text())
}

/// The beginning of a pipe: a variable, a text, or a function with its argument.
fn first(stage: &str, labels: &Labels, value: f64) -> Option<Item> {
    if let Some(item) = operand(stage, labels, value) {
        return Some(item);
    }
    let (function, argument) = stage.rsplit_once(char::is_whitespace)?;
    let item = operand(argument.trim().trim_matches(['(', ')']), labels, value)?;
    apply(function.trim(), item)
}

fn operand(word: &str, labels: &Labels, value: f64) -> Option<Item> {
    let word = word.trim();
    if matches!(word, "$value" | ".Value") {
        return Some(Item::Number(value));
    }
    if let Some(name) = word.strip_prefix("$labels.").or_else(|| word.strip_prefix(".Labels.")) {
        let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        return good.then(|| Item::Text(labels.get(name).cloned().unwrap_or_default()));
    }
    if let Some(name) = word.strip_prefix("index $labels ") {
        let name = name.trim().trim_matches('"');
        return Some(Item::Text(labels.get(name).cloned().unwrap_or_default()));
    }
    let quoted = word.strip_prefix('"').and_then(|w| w.strip_suffix('"')).filter(|w| !w.contains('"'));
    quoted.map(|w| Item::Text(w.to_owned()))
}

fn apply(stage: &str, item: Item) -> Option<Item> {
    let (name, argument) = stage.split_once(char::is_whitespace).unwrap_or((stage, ""));
    Some(Item::Text(match name {
        "humanize" => humanize(item.number()?, 1_000.0),
        "humanize1024" => humanize(item.number()?, 1_024.0),
        "humanizePercentage" => format!("{}%", significant(item.number()? * 100.0)),
        "humanizeDuration" => humanize_duration(item.number()?),
        "toUpper" => item.text().to_uppercase(),
        "toLower" => item.text().to_lowercase(),
        "title" => {
            let text = item.text();
            let mut chars = text.chars();
            chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
        }
        "printf" => printf(argument.trim().trim_matches('"'), item)?,
        _ => return None,
    }))
}

/// `%.4g` of Go, as far as it comes up: four significant digits, no idle zeros.
fn significant(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return plain(v);
    }
    let exponent = v.abs().log10().floor() as i32;
    if !(-4..4).contains(&exponent) {
        // 1.234e+06
        let mantissa = trimmed(&format!("{:.3}", v / 10f64.powi(exponent)));
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    trimmed(&format!("{v:.*}", (3 - exponent).max(0) as usize))
}

fn trimmed(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// A float as Go prints it by default.
fn plain(v: f64) -> String {
    match () {
        () if v.is_nan() => "NaN".to_owned(),
        () if v.is_infinite() => if v > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        () if v != 0.0 && (v.abs() >= 1e21 || v.abs() < 1e-4) => {
            let text = format!("{v:e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let n: i32 = exponent.parse().unwrap_or_default();
            format!("{mantissa}e{}{:02}", if n < 0 { '-' } else { '+' }, n.abs())
        }
        () => format!("{v}"),
    }
}

fn humanize(v: f64, base: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return significant(v);
    }
    let (mut v, mut prefix) = (v, "");
    if v.abs() >= 1.0 || base > 1_000.0 {
        let prefixes =
            if base > 1_000.0 { ["ki", "Mi", "Gi", "Ti", "Pi", "Ei"] } else { ["k", "M", "G", "T", "P", "E"] };
        for p in prefixes {
            if v.abs() < base {
                break;
            }
            prefix = p;
            v /= base;
        }
    } else {
        for p in ["m", "u", "n", "p", "f", "a"] {
            if v.abs() >= 1.0 {
                break;
            }
            prefix = p;
            v *= base;
        }
    }
    format!("{}{prefix}", significant(v))
}

fn humanize_duration(seconds: f64) -> String {
    let v = seconds;
    if !v.is_finite() {
        return significant(v);
    }
    if v == 0.0 {
        return "0s".to_owned();
    }
    if v.abs() >= 1.0 {
        let sign = if v < 0.0 { "-" } else { "" };
        let all = v.abs() as i64;
        let parts = [all / 86_400, all / 3_600 % 24, all / 60 % 60, all % 60];
        return match parts {
            [(1..), ..] => format!("{sign}{}d {}h {}m {}s", parts[0], parts[1], parts[2], parts[3]),
            [_, (1..), ..] => format!("{sign}{}h {}m {}s", parts[1], parts[2], parts[3]),
            [_, _, (1..), _] => format!("{sign}{}m {}s", parts[2], parts[3]),
            _ => format!("{sign}{}s", significant(v.abs())),
        };
    }
    let (mut v, mut prefix) = (v, "");
    for p in ["m", "u", "n", "p", "f", "a"] {
        if v.abs() >= 1.0 {
            break;
        }
        prefix = p;
        v *= 1_000.0;
    }
    format!("{}{prefix}s", significant(v))
}

/// One verb: `%.2f`, `%d`, `%s`, `%v`, `%q`, with what stands around it.
fn printf(format: &str, item: Item) -> Option<String> {
    let (before, rest) = format.split_once('%')?;
    let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
    let (flags, rest) = rest.split_at(end);
    let mut chars = rest.chars();
    let verb = chars.next()?;
    let after = chars.as_str().replace("%%", "%");
    let decimals = flags.split_once('.').and_then(|(_, d)| d.parse::<usize>().ok()).map(|d| d.min(20));
    let text = match verb {
        'f' => format!("{:.*}", decimals.unwrap_or(6), item.number()?),
        'g' => significant(item.number()?),
        'd' => format!("{}", item.number()? as i64),
        's' | 'v' => item.text(),
        'q' => format!("{:?}", item.text()),
        _ => return None,
    };
    Some(format!("{before}{text}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, value: f64) -> String {
        let labels = [("instance", "web1"), ("job", "app")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        fill(template, &labels, value)
    }

    #[test]
    fn labels_and_values_are_filled_in() {
        assert_eq!(filled("{{ $labels.instance }} of {{$labels.job}} at {{ $value }}", 12.5), "web1 of app at 12.5");
        assert_eq!(filled("{{ .Labels.instance }}{{ .Value }}", 3.0), "web13");
        assert_eq!(filled("{{ $labels.nothing }}x", 3.0), "x");
    }

    #[test]
    fn numbers_are_made_readable_as_prometheus_does() {
        // Cases of `template/template_test.go`.
        for (function, value, wanted) in [
            ("humanize", 0.0, "0"),
            ("humanize", 1_234_567.0, "1.235M"),
            ("humanize", 0.12, "120m"),
            ("humanize1024", 1_048_576.0, "1Mi"),
            ("humanizeDuration", 0.0, "0s"),
            ("humanizeDuration", 60.0, "1m 0s"),
            ("humanizeDuration", 3_600.0, "1h 0m 0s"),
            ("humanizeDuration", 86_400.0, "1d 0h 0m 0s"),
            ("humanizeDuration", 0.1, "100ms"),
            ("humanizeDuration", 0.0001, "100us"),
            ("humanizeDuration", 12.345, "12.35s"),
            ("humanizeDuration", -90.0, "-1m 30s"),
            ("humanizePercentage", 0.123_456_7, "12.35%"),
            ("humanizePercentage", -0.22, "-22%"),
        ] {
            assert_eq!(filled(&format!("{{{{ $value | {function} }}}}"), value), wanted, "{function} {value}");
        }
        assert_eq!(filled("{{ printf \"%.2f\" $value }} s", 1.234_5), "1.23 s");
        assert_eq!(filled("{{ $value | printf \"%.0f%%\" }}", 42.4), "42%");
        assert_eq!(filled("{{ humanizePercentage $value }}", 0.5), "50%");
    }

    #[test]
    fn what_is_not_understood_stays_and_nothing_panics() {
        assert_eq!(filled("{{ with query \"x\" }}", 1.0), "{{ with query \"x\" }}");
        assert_eq!(filled("{{ open", 1.0), "{{ open");
        assert_eq!(filled("{{}}", 1.0), "{{}}");
        assert_eq!(filled("plain", 1.0), "plain");
    }
}
