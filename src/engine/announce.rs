//! When a person is called: on transitions only, rarely, and not about what is known or planned. Observing and
//! resolving go on whatever is silenced here.

use serde::Deserialize;
use serde::Serialize;

use crate::engine::sentence::sentence;
use crate::engine::state::State;
use crate::lang::Lang;
use crate::model::severity::Level;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;
use crate::model::time::Zone;

/// At most one call in this time, unless it gets worse than what was called for.
const APART: Millis = MINUTE;
/// Whoever has just opened the cockpit is looking.
const OPENING: Millis = 5 * SECOND;
/// Characters of a call: terminals cut longer ones.
const LENGTH: usize = 200;

/// Something that is known to be bad until a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The signal, check or alert.
    pub subject: String,
    /// Until when, ms since the epoch.
    pub until: Millis,
    /// Who said so.
    pub by: String,
    /// The step of a procedure that causes it.
    #[serde(default)]
    pub step: Option<String>,
}

/// What was called, and what is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Announcer {
    /// When a person was last called, and the worst level that it was about.
    last: Option<(Stamp, Level)>,
    /// The level that the person knows of.
    told: Level,
    /// The worst level that was called and not yet called off.
    open: Option<Level>,
    /// What is known to be bad.
    pub known: Vec<Known>,
}

impl Announcer {
    /// Until when a subject is known to be bad.
    #[must_use]
    pub fn known_until(&self, subject: &str, now: Millis) -> Option<Millis> {
        // The share of a minute and that of five are one matter.
        let stem = |s: &str| if s == ERROR_RATE_1M { ERROR_RATE.to_owned() } else { s.to_owned() };
        self.known.iter().find(|k| stem(&k.subject) == stem(subject) && k.until > now).map(|k| k.until)
    }

    /// Marks a subject, or takes the mark away.
    pub(crate) fn mark(&mut self, subject: &str, until: Option<Millis>, by: &str) {
        self.known.retain(|k| k.subject != subject);
        if let Some(until) = until {
            self.known.push(Known { subject: subject.to_owned(), until, by: by.to_owned(), step: None });
        }
    }

    /// Marks what a step takes down while it runs.
    pub(crate) fn expect(&mut self, subject: &str, until: Millis, by: &str, step: &str) {
        // What a person has marked stays as they did.
        if self.known.iter().any(|k| k.subject == subject && k.step.is_none() && k.until >= until) {
            return;
        }
        self.mark(subject, Some(until), by);
        if let Some(known) = self.known.last_mut() {
            known.step = Some(step.to_owned());
        }
    }

    /// The step is over: what it took down is expected no longer. An empty one is any.
    pub(crate) fn step_over(&mut self, step: &str) {
        self.known.retain(|k| k.step.as_ref().is_none_or(|s| !step.is_empty() && s != step));
    }

    /// What is known of a subject, in words.
    #[must_use]
    pub fn words(&self, lang: Lang, zone: Zone, subject: &str, now: Millis) -> Option<String> {
        let until = zone.hm(self.known_until(subject, now)?);
        let step = self.known.iter().find(|k| k.subject == subject).and_then(|k| k.step.as_ref());
        Some(match step {
            Some(step) => lang.expected_by_step(step, until),
            None => lang.known_until(until),
        })
    }
}

/// What is to be called now, if anything: the level differs from what the person was told, and neither too soon nor
/// about what is known or planned.
pub(crate) fn due(state: &mut State) -> Option<String> {
    let now = state.now;
    let level = state.verdict.level;
    if now.since(state.started) < OPENING || state.reading() {
        state.announcer.told = level;
        return None;
    }
    let told = state.announcer.told;
    let rises = level >= Level::Unknown && level > told;
    let resolves = state.announcer.open.is_some() && level < Level::Sev3;
    if level < told && !resolves {
        // It got better, not well: should it get worse again, that is news.
        state.announcer.told = level;
    }
    if !state.settings.bell || !(rises || resolves) {
        return None;
    }
    let because = &state.verdict.because;
    let all_known =
        !because.is_empty() && because.iter().all(|f| state.announcer.known_until(&f.subject, now.wall).is_some());
    if rises && (all_known || state.settings.maintenance_at(now.wall).is_some()) {
        return None;
    }
    // What got worse does not wait; anything else waits for its minute, and is called then if it still holds.
    let worst = state.announcer.last.filter(|(at, _)| now.since(*at) < APART).map(|(_, level)| level);
    if worst.is_some_and(|worst| resolves || level <= worst) {
        return None;
    }
    let about = if rises { level } else { state.announcer.open.unwrap_or(told) };
    state.announcer.open = rises.then(|| state.announcer.open.map_or(level, |open| open.max(level)));
    state.announcer.last = Some((now, about));
    state.announcer.told = level;
    let lang = state.settings.lang;
    let words = match because.first().filter(|_| rises) {
        Some(finding) => sentence(lang, finding),
        None => lang.announce_resolved(about.word()),
    };
    let text = format!("{} {}: {words}", state.settings.service, level.word());
    Some(text.chars().take(LENGTH).collect())
}
