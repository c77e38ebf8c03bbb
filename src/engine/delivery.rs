//! The four figures of delivery in words: what each is called, how it is worked out, why there is none.

use crate::engine::words;
use crate::lang::Lang;
use crate::model::dora::Dora;
use crate::model::dora::Metric;
use crate::model::dora::Week;
use crate::model::signal::Unit;
use crate::model::time::HOUR;
use crate::model::time::Millis;
use crate::model::time::Span;

/// One figure, with what it is called and what it is.
pub struct Told<'a> {
    /// The name in JSON.
    pub key: &'static str,
    /// The unit in JSON.
    pub unit: &'static str,
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
        let one = |w: &Week| match (self.unit, w.value) {
            ("per_day", _) => w.n.to_string(),
            (_, Some(value)) => self.said(value, lang),
            (_, None) => "-".to_owned(),
        };
        self.metric.weeks.iter().map(one).collect()
    }
}
