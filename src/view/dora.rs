//! The four figures of delivery.

use crate::engine::delivery::told;
use crate::lang::Lang;
use crate::model::dora::Class;
use crate::model::dora::Dora;
use crate::model::text;
use crate::theme::Role;
use crate::view::overlay::Line;
use crate::view::paint::Painter;

/// Cells of the name, and of the figure.
const NAME: usize = 28;
const VALUE: usize = 16;

/// The title and the lines of the page.
pub(super) fn lines(p: &Painter<'_>) -> (String, Vec<Line>) {
    let (state, lang) = (p.shown(), p.lang());
    let days = state.dora.as_ref().and_then(|d| d.as_ref().ok()).map_or(30, |d| d.days);
    let lines = match &state.dora {
        None => vec![vec![(lang.dora_reading(), Role::Muted)]],
        Some(Err(why)) => vec![vec![(why.clone(), Role::Unknown)]],
        Some(Ok(dora)) => figures(dora, lang),
    };
    (lang.page_dora(days), lines)
}

fn figures(dora: &Dora, lang: Lang) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for t in told(dora, lang) {
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        let value = t.metric.value.map_or_else(|| lang.dora_none(), |v| t.said(v, lang));
        let class = t.metric.class.map_or("", Class::word);
        lines.push(vec![
            (text::pad(&t.name, NAME), Role::Title),
            (text::pad(&value, VALUE), if t.metric.value.is_some() { Role::Text } else { Role::Muted }),
            (text::pad(class, 8), role(t.metric.class)),
            (format!("n {}", t.metric.n), Role::Muted),
        ]);
        let below = match t.metric.value {
            None => t.missing.clone(),
            Some(_) => format!("{}: {}", lang.dora_weeks(), t.weeks(lang).join(" · ")),
        };
        lines.push(vec![("  ".to_owned(), Role::Text), (below, Role::Text)]);
        lines.push(vec![("  ".to_owned(), Role::Text), (t.definition, Role::Muted)]);
    }
    lines
}

fn role(class: Option<Class>) -> Role {
    match class {
        Some(Class::Elite | Class::High) => Role::Good,
        Some(Class::Medium) => Role::Sev4,
        Some(Class::Low) => Role::Sev3,
        None => Role::Muted,
    }
}
