//! Rule files: standard Prometheus YAML (groups, interval, expr, for, `keep_firing_for`, labels, annotations), bare or
//! inside a `PrometheusRule` resource. Recording rules are the server's to keep: they are named, and left out.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::reader::Context;
use crate::config::reader::Section;
use crate::model::rule::Group;
use crate::model::rule::Rule;
use crate::model::time::DAY;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;

/// Alerting rules of all files together; each costs the server a query at every interval.
const MOST: usize = 200;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    groups: Option<Vec<ListedGroup>>,
    /// Of a `PrometheusRule` resource (prometheus-operator).
    #[serde(default)]
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    groups: Vec<ListedGroup>,
}

#[derive(Deserialize)]
struct ListedGroup {
    name: String,
    #[serde(default)]
    interval: Option<String>,
    /// Labels of every rule of the group (Prometheus 3).
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    rules: Vec<ListedRule>,
}

#[derive(Deserialize)]
struct ListedRule {
    #[serde(default)]
    alert: Option<String>,
    expr: String,
    #[serde(rename = "for", default)]
    hold: Option<String>,
    #[serde(default)]
    keep_firing_for: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Reads `rules = ["sla.yml"]`; `every` is the interval of groups that name none.
pub(super) fn read(s: &mut Section<'_>, cx: &mut Context<'_>, every: Millis) -> Vec<Group> {
    let mut out = Vec::new();
    for name in s.list(cx, "rules") {
        let path = cx.around.folder.join(&name);
        let read = (cx.around.read_file)(&path).and_then(|text| parse(&text, every));
        match read {
            Ok((groups, recording)) => {
                if recording > 0 {
                    cx.not_yet.push(format!("{recording} recording rules of {name} (the server keeps those)"));
                }
                out.extend(groups);
            }
            Err(why) => cx.mistake(s, "rules", format!("{name}: {why}"), "a Prometheus rule file, beside this one"),
        }
    }
    let n: usize = out.iter().map(|g| g.rules.len()).sum();
    if n > MOST {
        cx.mistake(s, "rules", format!("{n} alerting rules are too many"), format!("at most {MOST}"));
        out.clear();
    }
    out
}

/// Reads one file; returns its groups and how many recording rules were left out.
fn parse(text: &str, every: Millis) -> Result<(Vec<Group>, usize), String> {
    let file: File = serde_saphyr::from_str(text).map_err(|e| first_line(&e.to_string()))?;
    let listed = file.groups.or(file.spec.map(|s| s.groups)).ok_or("has no groups")?;
    let mut recording = 0;
    let mut groups = Vec::new();
    for group in listed {
        let interval = group.interval.as_deref().map_or(Ok(every), duration)?.max(SECOND);
        let mut rules = Vec::new();
        for rule in group.rules {
            let Some(alert) = rule.alert else {
                recording += 1;
                continue;
            };
            if rule.expr.trim().is_empty() {
                return Err(format!("alert {alert:?} has no expr"));
            }
            rules.push(Rule {
                hold: rule.hold.as_deref().map_or(Ok(0), duration)?,
                keep_firing: rule.keep_firing_for.as_deref().map_or(Ok(0), duration)?,
                expr: rule.expr.trim().to_owned(),
                labels: group.labels.clone().into_iter().chain(rule.labels).collect(),
                annotations: rule.annotations,
                alert,
            });
        }
        if !rules.is_empty() {
            groups.push(Group { name: group.name, interval, rules });
        }
    }
    Ok((groups, recording))
}

fn first_line(text: &str) -> String {
    crate::model::text::clean(text.lines().next().unwrap_or("is no YAML"))
}

/// A duration as Prometheus writes it: `5m`, `1h30m`, `1d`, `2w`, `1y`, `250ms`, and `0`.
fn duration(text: &str) -> Result<Millis, String> {
    let bad = || format!("{text:?} is no duration such as 5m or 1h30m");
    if text == "0" {
        return Ok(0);
    }
    let mut total: Millis = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let unit = match unit {
            "ms" => 1,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            "w" => 7 * DAY,
            "y" => 365 * DAY,
            _ => return Err(bad()),
        };
        let n: Millis = number.parse().map_err(|_| bad())?;
        total = n.checked_mul(unit).and_then(|ms| total.checked_add(ms)).ok_or_else(bad)?;
        rest = after;
    }
    if text.is_empty() || total > 365 * DAY { Err(bad()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_house_are_read() {
        let (groups, recording) = parse(include_str!("../../runbooks/alerts/sla.yml"), 15_000).unwrap();
        assert_eq!((groups.iter().map(|g| g.rules.len()).sum::<usize>(), recording), (4, 0));
        let high = &groups[0].rules[0];
        assert_eq!((high.alert.as_str(), high.hold), ("HighErrorRate", 5 * MINUTE));
        assert_eq!(high.labels.get("severity").map(String::as_str), Some("critical"));
    }

    #[test]
    fn a_resource_and_recording_rules() {
        let text = "kind: PrometheusRule\nspec:\n  groups:\n  - name: a\n    interval: 30s\n    rules:\n    - record: x:y\n      expr: 1\n    - alert: A\n      expr: up == 0\n      for: 1h30m\n      keep_firing_for: 1w\n";
        let (groups, recording) = parse(text, 15_000).unwrap();
        assert_eq!((recording, groups[0].interval), (1, 30_000));
        assert_eq!((groups[0].rules[0].hold, groups[0].rules[0].keep_firing), (90 * MINUTE, 7 * DAY));
    }

    #[test]
    fn mistakes_are_one_sentence() {
        for bad in [
            "a: [",
            "x: 1",
            "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: x\n    for: 5x\n",
            "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: ''\n",
        ] {
            let why = parse(bad, 1_000).unwrap_err();
            assert!(!why.is_empty() && !why.contains('\n'), "{bad}: {why}");
        }
        assert_eq!(duration("0"), Ok(0));
        assert!(duration("").is_err() && duration("5").is_err() && duration("999999999999y").is_err());
    }
}
