//! The card before anything is changed: what would be run, where, what undoes it, what would be lost; and what a person
//! has to type for it, by how much it may break.

use crate::engine::prompt::Prompt;
use crate::engine::run::Run;
use crate::engine::run::Wanted;
use crate::engine::run::plan;
use crate::engine::settings::Settings;
use crate::engine::state::State;
use crate::model::runbook::Criticality;
use crate::model::runbook::Section;
use crate::model::runbook::Step;
use crate::model::time::Millis;
use crate::model::time::Stamp;
use crate::runbook::odd;

/// Keys that were on their way when the card opened were not meant for it: a person who has read even its first line
/// takes longer than this.
pub(crate) const FLUSHED: Millis = 250;
/// Variables that name a database, the most telling first.
const DATABASES: [&str; 5] = ["DB_NAME", "MYSQL_DATABASE", "PGDATABASE", "DATABASE", "DB"];

/// What is to be done with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Run it, and see whether it worked.
    Do,
    /// See again whether it worked.
    Validate,
    /// Undo it.
    Undo,
}

/// What a person has to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// One key.
    Key,
    /// The step's number.
    Number(String),
    /// A word that the card prints.
    Word(String),
    /// What would be lost: a database, a volume, a path.
    Lost(String),
}

impl Demand {
    /// What has to be typed; nothing where one key does.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Key => None,
            Self::Number(text) | Self::Word(text) | Self::Lost(text) => Some(text),
        }
    }
}

/// A card.
#[derive(Clone, Debug, PartialEq)]
pub struct RunCard {
    /// The step's place.
    pub step: usize,
    /// What would be done with it.
    pub doing: Doing,
    /// What has to be typed.
    pub demand: Demand,
    /// What was typed.
    pub typed: Prompt,
    /// What was typed last was not what is asked for.
    pub wrong: bool,
    /// When it was opened.
    pub opened: Stamp,
    /// Its last line has been on the screen.
    pub seen: bool,
    /// It was confirmed before that.
    pub early: bool,
    /// Scrolled by so many lines.
    pub scroll: usize,
}

impl RunCard {
    /// Somebody confirmed what they have not read to its end.
    #[must_use]
    pub fn unread(&self) -> bool {
        self.early
    }
}

/// The blocks that it would run.
#[must_use]
pub fn wanted(step: &Step, at: usize, doing: Doing) -> Vec<Wanted> {
    match doing {
        Doing::Do => plan::doing(step, at),
        Doing::Validate => plan::validating(step, at),
        Doing::Undo => plan::undoing(step, at),
    }
}

/// Does it only look? What its commands change is no look, whatever the document calls it.
#[must_use]
pub fn looks(step: &Step, at: usize, doing: Doing) -> bool {
    let said = match doing {
        Doing::Validate => true,
        Doing::Do => step.looks || step.section == Section::Validation,
        Doing::Undo => false,
    };
    said && !wanted(step, at, doing).iter().any(|w| plan::changes(step, w.part) || plan::destroys(step, w.part))
}

/// Would it take data away?
#[must_use]
pub fn destroys(step: &Step, at: usize, doing: Doing) -> bool {
    wanted(step, at, doing).iter().any(|w| plan::destroys(step, w.part))
}

/// Has it more in it than a person sees: characters that are not what they seem?
#[must_use]
pub fn odd(step: &Step, at: usize, doing: Doing) -> Vec<String> {
    let commands = wanted(step, at, doing);
    let mut names: Vec<String> =
        commands.iter().filter_map(|w| plan::command(step, w.part)).flat_map(|c| c.odd.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What a person has to type before it is run; `None` where it runs at once.
#[must_use]
pub fn demand(state: &State, run: &Run, at: usize, doing: Doing) -> Option<Demand> {
    let step = run.step(at)?;
    if looks(step, at, doing) && odd(step, at, doing).is_empty() {
        return None;
    }
    let (settings, lang) = (&state.settings, state.settings.lang);
    if destroys(step, at, doing) {
        let named =
            wanted(step, at, doing).into_iter().find_map(|w| plan::lost(run, step, w.part)).filter(|n| can_be_typed(n));
        let lost = named.or_else(|| database(settings, run));
        return Some(lost.map_or_else(|| Demand::Word(lang.card_word_lose()), Demand::Lost));
    }
    if !settings.production() {
        return Some(Demand::Key);
    }
    let critical = step.criticality.or(run.book.criticality) == Some(Criticality::Critica);
    // Who undoes needs no second way back.
    let no_way = doing == Doing::Do && step.rollback.is_empty() && step.section == Section::Steps;
    if (critical && doing == Doing::Do) || no_way {
        return Some(Demand::Word(lang.card_word_go()));
    }
    Some(Demand::Number(step.id.clone()))
}

/// Can a person type it as it is read? What a shell would still fill in is no name.
fn can_be_typed(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= 60 && !name.contains(['$', '`']) && odd::find(name).is_empty()
}

/// The database that is meant: what the procedure calls so, else the one that is watched.
fn database(settings: &Settings, run: &Run) -> Option<String> {
    let said = DATABASES.iter().find_map(|n| run.value(n)).map(str::to_owned);
    let watched = || {
        let shown = &settings.sessions.as_ref()?.shown;
        let (_, path) = shown.split_once("://")?;
        let name = path.rsplit('/').next()?.split('?').next()?;
        (!name.is_empty() && path.contains('/')).then(|| name.to_owned())
    };
    said.or_else(watched).filter(|n| !n.is_empty() && n.chars().count() <= 40)
}
