//! The four figures of delivery: for machines, and for a person.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::json;

use crate::engine::words;
use crate::lang::Lang;
use crate::model::dora::Dora;
use crate::model::dora::Metric;
use crate::model::dora::WEEK;
use crate::model::signal::Unit;
use crate::model::text::pad;
use crate::model::time::HOUR;
use crate::model::time::Millis;
use crate::model::time::Span;
use crate::model::time::Zone;
use crate::model::time::rfc3339;

/// One figure, with what it is called and what it is.
pub struct Told<'a> {
    /// The name in JSON.
    pub key: &'static str,
    /// The unit in JSON.
    unit: &'static str,
    /// The name on the screen.
    pub name: String,
    /// How it is worked out.
    pub definition: String,
    /// Why there is none.
    pub missing: String,
    /// The figure.
    pub metric: &'a Metric,
}

/// The four, in their usual order.
#[must_use]
pub fn told(dora: &Dora, lang: Lang) -> [Told<'_>; 4] {
    let git = |with: String, without: String| if dora.git { with } else { without };
    [
        Told {
            key: "deployment_frequency",
            unit: "per_day",
            name: lang.dora_frequency(),
            definition: git(lang.dora_frequency_git(), lang.dora_frequency_is()),
            missing: lang.dora_no_deploys(),
            metric: &dora.frequency,
        },
        Told {
            key: "lead_time",
            unit: "hours",
            name: lang.dora_lead(),
            definition: git(lang.dora_lead_git(), lang.dora_lead_is()),
            missing: git(lang.dora_no_changes(), lang.dora_no_repository()),
            metric: &dora.lead,
        },
        Told {
            key: "change_failure_rate",
            unit: "ratio",
            name: lang.dora_failures(),
            definition: git(lang.dora_failures_git(), lang.dora_failures_is()),
            missing: lang.dora_no_deploys(),
            metric: &dora.failures,
        },
        Told {
            key: "time_to_recover",
            unit: "hours",
            name: lang.dora_recovery(),
            definition: lang.dora_recovery_is(),
            missing: lang.dora_no_incidents(),
            metric: &dora.recovery,
        },
    ]
}

impl Told<'_> {
    /// A value of this figure as people say it.
    #[must_use]
    pub fn said(&self, value: f64, lang: Lang) -> String {
        match self.unit {
            "per_day" => lang.dora_per_day(format!("{value:.2}")),
            "ratio" => words::figure(lang, value, Unit::Ratio),
            _ => Span((value * HOUR as f64) as Millis).to_string(),
        }
    }

    /// The same week by week.
    #[must_use]
    pub fn weeks(&self, lang: Lang) -> Vec<String> {
        // Deploys are counted by the week: a third of one a day says nothing to anybody.
        let one = |w: &crate::model::dora::Week| match (self.unit, w.value) {
            ("per_day", _) => w.n.to_string(),
            (_, Some(value)) => self.said(value, lang),
            (_, None) => "-".to_owned(),
        };
        self.metric.weeks.iter().map(one).collect()
    }
}

/// One object, as the contract has it; each figure with its definition and its weeks.
#[must_use]
pub fn json(dora: &Dora, lang: Lang) -> Value {
    let mut out = json!({ "schema": 1, "days": dora.days, "to": rfc3339(dora.to), "git": dora.git });
    for t in told(dora, lang) {
        let weeks: Vec<Value> = t
            .metric
            .weeks
            .iter()
            .map(|w| json!({ "from": rfc3339(w.to - WEEK), "to": rfc3339(w.to), "value": w.value, "n": w.n }))
            .collect();
        let figure = json!({
            "value": t.metric.value,
            "unit": t.unit,
            "n": t.metric.n,
            "class": t.metric.class.map(crate::model::dora::Class::word),
            "reason": t.metric.value.is_none().then_some(&t.missing),
            "definition": t.definition,
            "weeks": weeks,
        });
        if let Some(object) = out.as_object_mut() {
            object.insert(t.key.to_owned(), figure);
        }
    }
    out
}

/// The same for a person.
#[must_use]
pub fn text(dora: &Dora, lang: Lang, zone: Zone) -> String {
    let mut out = format!("{}\n\n", lang.dora_title(dora.days, zone.date(dora.to)));
    for t in told(dora, lang) {
        let value = t.metric.value.map_or_else(|| lang.dora_none(), |v| t.said(v, lang));
        let class = t.metric.class.map_or("", crate::model::dora::Class::word);
        let _ = writeln!(out, "{}{}{}n {}", pad(&t.name, 27), pad(&value, 16), pad(class, 8), t.metric.n);
        if t.metric.value.is_none() {
            let _ = writeln!(out, "  {}", t.missing);
        } else if !t.metric.weeks.is_empty() {
            let _ = writeln!(out, "  {}: {}", lang.dora_weeks(), t.weeks(lang).join(" · "));
        }
        let _ = writeln!(out, "  {}\n", t.definition);
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
