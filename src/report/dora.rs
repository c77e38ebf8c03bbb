//! The four figures of delivery: for machines, and for a person.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::json;

use crate::engine::delivery::told;
use crate::lang::Lang;
use crate::model::dora::Dora;
use crate::model::dora::WEEK;
use crate::model::text::pad;
use crate::model::time::Zone;
use crate::model::time::rfc3339;

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
