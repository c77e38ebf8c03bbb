//! The incident that goes on: how bad and for how long, who does what, what is left to do.

use crate::engine::words;
use crate::model::text;
use crate::model::time::Span;
use crate::theme::Role;
use crate::view::overlay::Line;
use crate::view::paint::Painter;

/// The title and the lines of the page; `None` when nothing goes on any more.
pub(super) fn lines(p: &Painter<'_>) -> Option<(String, Vec<Line>)> {
    let (lang, state) = (p.lang(), p.shown());
    let incident = state.record.incident.as_ref()?;
    let (zone, now) = (state.settings.zone, state.now.wall);
    let mut lines: Vec<Line> = vec![vec![(incident.title.clone(), Role::Title)]];
    let began = lang.incident_card_began(zone.day_hm(incident.opened_at), Span(now - incident.opened_at));
    lines.push(vec![(began, Role::Text)]);
    let spent: Vec<String> =
        incident.spent(now).into_iter().map(|(level, ms)| format!("{} {}", level.word(), Span(ms))).collect();
    lines.push(vec![
        (format!(" {} ", incident.level.word()), Role::of(incident.level)),
        (" ".to_owned(), Role::Text),
        (format!("{} · {}", lang.incident_card_declared(), lang.incident_levels(spent.join(", "))), Role::Text),
    ]);
    lines.push(vec![(lang.incident_card_phase(words::phase(lang, incident.phase)), Role::Text)]);
    lines.push(Vec::new());
    lines.push(vec![(lang.incident_card_people(), Role::Title)]);
    if incident.owner().is_none() {
        lines.push(vec![(format!("  {}", lang.incident_nobody()), Role::Unknown)]);
    }
    for (role, who) in &incident.roles {
        lines.push(vec![(format!("  {}", lang.fact_assigned(who, words::role(lang, role))), Role::Text)]);
    }
    let open: Vec<_> = incident.actions.iter().filter(|a| !a.done).collect();
    if !open.is_empty() {
        lines.push(Vec::new());
        lines.push(vec![(lang.incident_card_todo(), Role::Title)]);
    }
    for action in open {
        let who = action.owner.as_deref().map(|o| format!(" · {o}")).unwrap_or_default();
        let due = action.due.as_deref().map(|d| format!(" · {d}")).unwrap_or_default();
        lines.push(vec![(format!("  {}{who}{due}", action.text), Role::Text)]);
    }
    lines.push(Vec::new());
    lines.push(vec![(lang.incident_card_keys(), Role::Title)]);
    for (words, what) in [
        (lang.incident_card_word_level(), lang.incident_card_does_level()),
        (lang.incident_card_word_update(), lang.incident_card_does_update()),
        (lang.incident_card_word_todo(), lang.incident_card_does_todo()),
        (lang.incident_card_word_resolved(), lang.incident_card_does_resolved()),
    ] {
        lines.push(vec![(text::pad(&format!("  {words}"), 26), Role::Key), (what, Role::Text)]);
    }
    lines.push(Vec::new());
    lines.push(vec![(lang.incident_card_shell(&incident.id), Role::Muted)]);
    Some((lang.page_incident(&incident.id), lines))
}
