//! A window in words: why it is what it is, how it can be gone back from.

use crate::engine::state::State;
use crate::engine::window::pane;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::text::quoted;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Span;
use crate::model::time::Zone;
use crate::model::watch::Ended;
use crate::model::watch::Watch;
use crate::model::window::Judged;
use crate::model::window::Verdict;

/// Whoever repeats a window does so within this.
const BEGINS_WITHIN: Millis = 10 * MINUTE;
/// Clocks that differ by less are one clock: an answer is dated to the second.
const SKEWED: Millis = 3 * SECOND;

/// Why it is what it is: whatever is no pass, worst first; of a pass, what it rests on.
#[must_use]
pub fn reasons(lang: Lang, zone: Zone, now: Millis, watch: &Watch) -> Vec<String> {
    let mut signals: Vec<&Judged> = watch.signals.iter().collect();
    let passed = watch.verdict == Verdict::Pass;
    signals.sort_by_key(|j| {
        if passed { u8::from(!j.critical) + 2 * u8::from(j.verdict != Verdict::Pass) } else { worst(j) }
    });
    // What a pass rested on is of no help once it is withdrawn.
    let rests = passed && watch.withdrawn.is_none();
    let said = signals.into_iter().filter(|j| rests || j.verdict != Verdict::Pass);
    let mut out: Vec<String> = Vec::new();
    if let Some(withdrawn) = &watch.withdrawn {
        let mut words = lang.window_withdrawn(zone.hms(withdrawn.at));
        if let Some(finding) = &withdrawn.finding {
            words = format!("{words}: {}", crate::engine::sentence::sentence(lang, finding));
        }
        out.push(words);
    }
    if matches!(watch.ended, Some((Ended::Early, _))) {
        out.push(lang.window_ended_early());
    }
    if watch.lost(now) {
        out.push(lang.window_lost_counter(&watch.host));
    }
    if let Some((incident, clean)) = &watch.unclean {
        let (from, to) = watch.window.baseline;
        out.push(lang.window_unclean(incident, zone.hms(from), zone.hms(to)));
        if let Some(end) = clean {
            // A window that is begun within the next minutes ends so long after it at the most.
            let offset = now.max(watch.window.to()) + watch.window.length + BEGINS_WITHIN - end;
            let span = (zone.hms(end - (to - from)), zone.hms(*end));
            let offset = format!("{}m", (offset + MINUTE - 1) / MINUTE);
            out.push(lang.window_clean(span.0, span.1, offset));
        }
    }
    out.extend(said.map(|j| format!("{}: {}", words::signal(lang, &j.name), words::window_reason(lang, j))));
    if watch.skew.abs() >= SKEWED {
        out.push(lang.window_skew(Span(watch.skew.abs())));
    }
    out
}

fn worst(j: &Judged) -> u8 {
    match (j.verdict, j.critical) {
        (Verdict::Fail, true) => 0,
        (Verdict::Inconclusive, true) => 1,
        (Verdict::Fail, false) => 2,
        (Verdict::Warn, _) => 3,
        (Verdict::Inconclusive, false) => 4,
        (Verdict::Pass, _) => 5,
    }
}

/// The verdict as it stands, in a few words.
#[must_use]
pub fn verdict(watch: &Watch, lang: Lang, zone: Zone, now: Millis) -> String {
    let word = watch.stands(now).word();
    match &watch.withdrawn {
        Some(withdrawn) => lang.log_withdrawn(watch.verdict.word(), zone.hm(withdrawn.at)),
        None if watch.live(now) => format!("{word}…"),
        None => word.to_owned(),
    }
}

/// The way back, where it is needed: the procedure, and what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    /// The procedure.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Variables that the deploy tells.
    pub fills: Vec<(String, String)>,
}

impl Back {
    /// The command that walks it.
    #[must_use]
    pub fn command(&self) -> String {
        let set = self.fills.iter().map(|(name, value)| format!(" --set {}", quoted(&format!("{name}={value}"))));
        format!("cabina runbook run {}{}", quoted(&self.id), set.collect::<String>())
    }
}

/// The way back from what a window is about; `None` where none is needed, or there is none.
#[must_use]
pub fn back(state: &State, watch: &Watch) -> Option<Back> {
    if !pane::wants_back(state, watch) {
        return None;
    }
    let book = state.library.books.get(pane::way_back(state)?)?;
    let names = crate::engine::run::plan::names(&book.says);
    Some(Back { id: book.says.id.clone(), title: book.says.title.clone(), fills: pane::fills(state, &names) })
}
