//! Alerting rules, as a Prometheus rule file has them, and the state machine that a server runs over them.
//!
//! Source: `rules/alerting.go` of Prometheus (`AlertingRule.Eval`): a series that the expression returns is pending from
//! the evaluation that first returned it, and fires at the first evaluation at least `for` later; a series that is not
//! returned any more is forgotten at once while pending, and after `keep_firing_for` while firing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::model::alert::Alert;
use crate::model::alert::Labels;
use crate::model::alert::Standing;
use crate::model::template;
use crate::model::text::clean;
use crate::model::time::Millis;

/// Series that one rule may have active; a rule with more says nothing that a person could act on.
pub const ACTIVE: usize = 1_000;

/// Rules that are evaluated together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Time between evaluations.
    pub interval: Millis,
    /// Its alerting rules.
    pub rules: Vec<Rule>,
}

/// One alerting rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The alert's name.
    pub alert: String,
    /// `PromQL`.
    pub expr: String,
    /// How long the condition must hold.
    pub hold: Millis,
    /// How long the alert goes on after the condition is over.
    pub keep_firing: Millis,
    /// Labels to add; values may be templates.
    pub labels: Labels,
    /// Annotations; values may be templates.
    pub annotations: Labels,
}

/// One evaluation: its moment and the series that the expression returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// When, ms since the epoch.
    pub at: Millis,
    /// Labels and values.
    pub vector: Vec<(Labels, f64)>,
}

/// One series that the expression returned.
#[derive(Clone, Debug, PartialEq)]
struct Active {
    value: f64,
    since: Millis,
    firing: bool,
    /// When it was last not returned, while it goes on firing.
    gone: Option<Millis>,
}

/// The memory of one rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    active: BTreeMap<Labels, Active>,
    /// The newest evaluation.
    pub at: Option<Millis>,
}

impl Memory {
    /// Takes one evaluation in; one that is not newer than the last is left out.
    pub fn fold(&mut self, rule: &Rule, evaluation: &Evaluation) {
        let at = evaluation.at;
        if self.at.is_some_and(|last| last >= at) {
            return;
        }
        self.at = Some(at);
        let mut returned: BTreeSet<Labels> = BTreeSet::new();
        for (labels, value) in &evaluation.vector {
            let mut key = labels.clone();
            key.remove("__name__");
            let full = self.active.len() >= ACTIVE;
            if let Some(a) = self.active.get_mut(&key) {
                (a.value, a.gone) = (*value, None);
            } else if !full {
                self.active.insert(key.clone(), Active { value: *value, since: at, firing: false, gone: None });
            }
            returned.insert(key);
        }
        self.active.retain(|labels, a| {
            if returned.contains(labels) {
                return true;
            }
            a.firing && at - *a.gone.get_or_insert(at) < rule.keep_firing
        });
        for a in self.active.values_mut() {
            a.firing |= at - a.since >= rule.hold;
        }
    }

    /// The alerts that the rule has now.
    #[must_use]
    pub fn alerts(&self, rule: &Rule) -> Vec<Alert> {
        self.active.iter().map(|(labels, a)| alert(rule, labels, a)).collect()
    }
}

fn alert(rule: &Rule, series: &Labels, active: &Active) -> Alert {
    let filled = |text: &str| template::fill(text, series, active.value);
    let mut labels = series.clone();
    labels.extend(rule.labels.iter().map(|(k, v)| (k.clone(), filled(v))));
    labels.insert("alertname".to_owned(), rule.alert.clone());
    let said = |name: &str| rule.annotations.get(name).map(|t| clean(&filled(t))).unwrap_or_default();
    let (summary, description) = (said("summary"), said("description"));
    Alert {
        summary: if summary.is_empty() { description.clone() } else { summary },
        description,
        runbook: said("runbook_url"),
        standing: if active.firing { Standing::Firing } else { Standing::Pending },
        since: active.since,
        value: Some(active.value),
        labels,
        managed: false,
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(hold: Millis, keep_firing: Millis) -> Rule {
        Rule {
            alert: "High".to_owned(),
            expr: "x > 1".to_owned(),
            hold,
            keep_firing,
            labels: [("severity".to_owned(), "critical".to_owned())].into(),
            annotations: [("summary".to_owned(), "{{ $labels.i }}: {{ $value }}".to_owned())].into(),
        }
    }

    /// Evaluates every 15 s: `1` returns a series, `.` returns none; tells the standings as `p`, `f` and `.`.
    fn play(rule: &Rule, pattern: &str) -> String {
        let mut memory = Memory::default();
        let mut out = String::new();
        for (i, c) in pattern.chars().enumerate() {
            let labels: Labels = [("i".to_owned(), "web1".to_owned()), ("__name__".to_owned(), "x".to_owned())].into();
            let vector = if c == '1' { vec![(labels, 2.0)] } else { Vec::new() };
            memory.fold(rule, &Evaluation { at: i as Millis * 15, vector });
            out.push(match memory.alerts(rule).first().map(|a| a.standing) {
                Some(Standing::Pending) => 'p',
                Some(_) => 'f',
                None => '.',
            });
        }
        out
    }

    #[test]
    fn pending_and_firing_come_when_prometheus_has_them() {
        assert_eq!(play(&rule(30, 0), "1111..1"), "ppff..p");
        assert_eq!(play(&rule(0, 0), "1.1"), "f.f");
        assert_eq!(play(&rule(30, 0), "11.111"), "pp.ppf", "a pending one starts anew");
        assert_eq!(play(&rule(0, 30), "1....1"), "fff..f", "it goes on firing for a while");
        assert_eq!(play(&rule(0, 30), "1.1..."), "fffff.", "and the while starts anew");
    }

    #[test]
    fn an_alert_carries_its_labels_and_says_its_sentence() {
        let mut memory = Memory::default();
        let labels: Labels = [("i".to_owned(), "web1".to_owned())].into();
        memory.fold(&rule(0, 0), &Evaluation { at: 15, vector: vec![(labels, 2.5)] });
        let alert = &memory.alerts(&rule(0, 0))[0];
        assert_eq!((alert.name().as_str(), alert.summary.as_str(), alert.since), ("High", "web1: 2.5", 15));
        assert_eq!(alert.labels.len(), 3);
    }
}
