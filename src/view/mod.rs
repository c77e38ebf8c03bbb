//! State into cells. Takes shared references and nothing else; what is drawn depends on the state alone.
//!
//! ```text
//!  80 columns                                      from 100 columns on
//!  ┌ header: service, level, since, clock ┐        ┌ header ────────────────────────────┐
//!  │ how it is judged                     │        │ Now: five lines in a box, ages in  │
//!  │ ages ─────────────────────────────── │        │ its border                         │
//!  │ WHAT … FINE (six lines)              │        ├ failures ─────────┬ what to do ────┤
//!  │ focused pane, or what to do + facts  │        │ latency, health,  │ signals        │
//!  │                                      │        │ sessions          │                │
//!  └ hints ───────────────────────────────┘        ├ facts ────────────┴────────────────┤
//!                                                  └ hints ─────────────────────────────┘
//! ```

mod alerts;
mod ascii;
mod card;
mod chart;
mod console;
mod detail;
mod dora;
mod facts;
mod failures;
mod footer;
mod header;
mod health;
mod incident;
mod latency;
pub mod links;
mod note;
mod now;
mod overlay;
mod paint;
mod place;
mod runbook;
mod sessions;
mod signals;
mod todo;
mod walk;
mod walk_card;
mod window;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::filter_of;
use crate::layout;
use crate::layout::Areas;
use crate::layout::Lines;
use crate::layout::Pane;
use crate::layout::Section;
use crate::layout::Stack;
use crate::model::source::Feed;
use crate::theme::Role;
use crate::theme::Theme;
use crate::view::paint::Painter;

/// Draws the whole screen.
pub fn render(state: &State, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let shown = state.shown();
    let areas = layout::areas(
        (area.width, area.height),
        state.ui.focus,
        state.ui.zoom,
        Lines {
            checks: shown.checks.all.len(),
            signals: shown.signals.shown().count(),
            alerts: shown.has_feed(Feed::Alerts).then(|| alerts::lines(shown)),
        },
    );
    let cursor = {
        let mut p = Painter::new(frame.buffer_mut(), theme, state);
        header::draw(&mut p, areas.header);
        now::draw(&mut p, &areas);
        panes(&mut p, &areas);
        let cursor = footer::draw(&mut p, areas.footer);
        overlay::draw(&mut p, area).or(cursor)
    };
    if theme.ascii {
        ascii::only(frame.buffer_mut());
    }
    if let Some((x, y)) = cursor.filter(|(x, y)| *x < area.width && *y < area.height) {
        frame.set_cursor_position((x, y));
    }
}

fn panes(p: &mut Painter<'_>, areas: &Areas) {
    for stack in &areas.stacks {
        boxed(p, stack);
    }
    for section in &areas.bare {
        bare(p, *section);
    }
}

/// What stands in a pane's title: on the left after its name, and on the right.
#[derive(Default)]
struct Heading {
    left: String,
    right: String,
    role: Option<Role>,
}

fn heading(p: &Painter<'_>, pane: Pane) -> (String, Heading) {
    let (name, mut heading) = heading_of(p, pane);
    let filter = filter_of(p.state, pane);
    if !filter.is_empty() {
        heading.left = format!("/{filter} [Esc]");
    }
    (name, heading)
}

fn heading_of(p: &Painter<'_>, pane: Pane) -> (String, Heading) {
    let lang = p.lang();
    match pane {
        Pane::Health => (lang.pane_health(), health::heading(p)),
        Pane::Sessions => (sessions::title(p), sessions::heading(p)),
        Pane::Failures => (lang.pane_failures(), failures::heading(p)),
        Pane::Latency => (lang.pane_latency(), latency::heading(p)),
        Pane::Signals => (lang.pane_signals(), signals::heading(p)),
        Pane::Todo => (lang.pane_todo(), Heading::default()),
        Pane::Facts => (lang.pane_facts(), facts::heading(p)),
        Pane::Alerts => (lang.pane_alerts(), alerts::heading(p)),
    }
}

fn body(p: &mut Painter<'_>, pane: Pane, area: Rect) {
    if area.width == 0 || area.height == 0 {
        return;
    }
    match pane {
        Pane::Health => health::draw(p, area),
        Pane::Sessions => sessions::draw(p, area),
        Pane::Failures => failures::draw(p, area),
        Pane::Latency => latency::draw(p, area),
        Pane::Signals => signals::draw(p, area),
        Pane::Todo => todo::draw(p, area),
        Pane::Facts => facts::draw(p, area),
        Pane::Alerts => alerts::draw(p, area),
    }
}

fn boxed(p: &mut Painter<'_>, stack: &Stack) {
    p.frame(stack.frame);
    for (i, section) in stack.sections.iter().enumerate() {
        let (name, heading) = heading(p, section.pane);
        let focused = p.state.ui.focus == section.pane;
        if i > 0 {
            p.divider(section.title);
        }
        p.title(section.title, section.pane.number(), &name, focused, &heading);
        body(p, section.pane, section.body);
    }
}

fn bare(p: &mut Painter<'_>, section: Section) {
    let (name, heading) = heading(p, section.pane);
    let focused = p.state.ui.focus == section.pane;
    p.rule(section.title);
    p.title(section.title, section.pane.number(), &name, focused, &heading);
    let inner = Rect { x: section.body.x + 1, width: section.body.width.saturating_sub(2), ..section.body };
    body(p, section.pane, inner);
}
