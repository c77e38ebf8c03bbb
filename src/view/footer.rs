//! The last line: what can be pressed, what is being typed, or a short answer.

use ratatui::layout::Rect;

use crate::engine::State;
use crate::engine::keys;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::window::pane;
use crate::input::command::Command;
use crate::input::keymap;
use crate::input::keymap::Binding;
use crate::input::keymap::Context;
use crate::lang::Lang;
use crate::model::text;
use crate::model::time::Zone;
use crate::model::watch::Watch;
use crate::theme::Role;
use crate::view::paint::Painter;

/// Draws the line; returns where the cursor stands while something is typed.
pub(super) fn draw(p: &mut Painter<'_>, area: Rect) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    let lang = p.lang();
    let ui = &p.state.ui;
    if let Overlay::Filter(prompt) = &ui.overlay {
        let label = format!(" {}", lang.filter_prompt());
        let used = p.text(area.x, area.y, area.width, &label, Role::Notice);
        p.text(area.x + used, area.y, area.width.saturating_sub(used), prompt.text(), Role::Text);
        let x = area.x + used + text::width(&prompt.before_cursor()) as u16;
        return Some((x, area.y));
    }
    if let Some((notice, _)) = &ui.notice {
        p.text(
            area.x + 1,
            area.y,
            area.width.saturating_sub(1),
            &words(lang, p.state.settings.zone, notice),
            Role::Notice,
        );
        return None;
    }
    hints(p, area, keys::context(p.state), lang);
    None
}

/// As many hints as fit, each whole. The way out of trouble is the help: it always has its place.
fn hints(p: &mut Painter<'_>, area: Rect, context: Context, lang: Lang) {
    let mut x = area.x + 1;
    // A silence that is ended has neither time nor reason to choose.
    let ends = matches!(&p.state.ui.overlay, Overlay::Silence(card) if card.ends.is_some());
    let comment = |c: Command| ends && matches!(c, Command::Longer | Command::Shorter | Command::Comment);
    // What a step that runs is not asked for, and what only one that runs is.
    let tale = p.state.run.as_ref().map(|r| &r.tale);
    let (runs, over) = tale.map_or((false, false), |t| (t.open.is_some(), t.outcome.is_some()));
    let begins = |c: Command| matches!(c, Command::Execute | Command::Validate | Command::Undo | Command::Skip);
    let reaches = |c: Command| matches!(c, Command::Stop | Command::Type);
    let leaves = |c: Command| matches!(c, Command::WayBack | Command::Leave | Command::Deviate);
    let walks = matches!(context, Context::Walk | Context::Judge);
    let idle =
        |c: Command| comment(c) || walks && ((runs || over) && begins(c) || !runs && reaches(c) || over && leaves(c));
    let window = (context == Context::Window).then(|| pane::shown(p.state));
    let idle = |c: Command| idle(c) || window.is_some_and(|w| at_window(p.state, w, c));
    let bindings: Vec<_> = keymap::hints(context).into_iter().filter(|b| !idle(b.command)).collect();
    let name = |c: Command| match c {
        Command::Window if context == Context::Window => lang.cmd_new_window(),
        Command::Open if context == Context::Window => lang.cmd_read_way_back(),
        Command::Execute if context == Context::Window => lang.cmd_way_back(),
        other => other.name(lang),
    };
    let words = |b: &Binding| (format!("[{}]", b.chord), format!(" {}", name(b.command)));
    let wide = |(key, name): &(String, String)| (text::width(key) + text::width(name)) as u16;
    let mut kept_free = bindings.iter().find(|b| b.command == Command::Help).map_or(0, |b| wide(&words(b)) + 2);
    for binding in bindings {
        let (key, name) = words(binding);
        let width = wide(&(key.clone(), name.clone()));
        if binding.command == Command::Help {
            kept_free = 0;
        }
        if x + width + kept_free > area.right() {
            continue;
        }
        x += p.text(x, area.y, width, &key, Role::Key);
        x += p.text(x, area.y, width, &name, Role::Muted) + 2;
    }
}

/// What cannot be done at the window now.
fn at_window(state: &State, watch: Option<&Watch>, command: Command) -> bool {
    let live = watch.is_some_and(|w| w.live(state.now.wall));
    let back = watch.is_some_and(|w| pane::wants_back(state, w));
    match command {
        Command::Open | Command::Execute => !back || pane::way_back(state).is_none(),
        Command::Window => live,
        Command::EndWindow => !state.window.as_ref().is_some_and(|w| w.goes_on()),
        _ => false,
    }
}

/// What is said while a procedure is walked.
fn walk_words(lang: Lang, notice: &Notice) -> String {
    match notice {
        Notice::EarlierFirst(step) => lang.notice_earlier_first(step),
        Notice::PrepareFirst(step) => lang.notice_prepare_first(step),
        Notice::Failed(why) => why.clone(),
        Notice::TypingOver => lang.notice_typing_over(),
        Notice::GoBack => lang.notice_go_back(),
        Notice::NoRun => lang.notice_no_run(),
        Notice::RunOver => lang.notice_run_over(),
        Notice::RunOpening => lang.notice_run_opening(),
        Notice::RunDisplaced => lang.notice_run_displaced(),
        Notice::RunRevived => lang.notice_run_revived(),
        Notice::StepRuns => lang.notice_step_runs(),
        Notice::SayFirst => lang.notice_say_first(),
        Notice::ByHand => lang.notice_by_hand(),
        Notice::NoValidation => lang.notice_no_validation(),
        Notice::NoUndo => lang.notice_no_undo(),
        Notice::MustBeSigned => lang.notice_must_be_signed(),
        Notice::NoStep => lang.notice_no_step(),
        Notice::NothingToJudge => lang.notice_nothing_to_judge(),
        Notice::NothingRuns => lang.notice_nothing_runs(),
        Notice::Stopping => lang.notice_stopping(),
        Notice::LooseBook(path) => lang.run_loose(path),
        Notice::BookChanged => lang.notice_book_changed(),
        Notice::Killing => lang.notice_killing(),
        Notice::Unwritten(why) => lang.run_unwritten(why),
        Notice::NoOutput => lang.notice_no_output(),
        Notice::NoWayBack => lang.notice_no_way_back(),
        Notice::OneRun => lang.notice_one_run(),
        Notice::NoSteps => lang.notice_no_steps(),
        _ => String::new(),
    }
}

fn words(lang: Lang, zone: Zone, notice: &Notice) -> String {
    match notice {
        Notice::NoSuchKey(key) => lang.notice_no_key(key),
        Notice::Polling => lang.notice_polling(),
        Notice::Recorded(host) => lang.notice_recorded(host),
        Notice::Counting => lang.notice_counting(),
        Notice::Copied => lang.notice_copied(),
        Notice::NothingToCopy => lang.notice_nothing_to_copy(),
        Notice::PasteIgnored => lang.notice_paste(),
        Notice::CtrlC => lang.notice_ctrl_c(),
        Notice::NoSessions => lang.notice_no_sessions(),
        Notice::NoAlert => lang.notice_no_alert(),
        Notice::NotManaged => lang.notice_not_managed(),
        Notice::NoAlertmanager => lang.notice_no_alertmanager(),
        Notice::NotSilenced => lang.notice_not_silenced(),
        Notice::Silencing => lang.notice_silencing(),
        Notice::NothingToMark => lang.notice_nothing_to_mark(),
        Notice::NoLinks => lang.notice_no_links(),
        Notice::WindowOpen => lang.notice_window_open(),
        Notice::NoWindow => lang.notice_no_window(),
        Notice::NothingToGoBack => lang.notice_nothing_to_go_back(),
        Notice::NoHistory => lang.notice_no_history(),
        Notice::NothingThen => lang.notice_nothing_then(),
        Notice::NoRecord(why) if why.is_empty() => lang.notice_record_opening(),
        Notice::NoRecord(why) | Notice::OfStore(why) => why.clone(),
        Notice::NoIncident => lang.notice_no_incident(),
        Notice::NoteWaits => lang.notice_note_waits(),
        Notice::Noted(at) => lang.notice_noted(zone.hm(*at)),
        Notice::EndedRecently(id, at) => lang.notice_ended_recently(id, zone.hm(*at)),
        Notice::NoteKept => lang.notice_note_kept(),
        Notice::NotInJournal => lang.notice_not_in_journal(),
        Notice::NotYourWords => lang.notice_not_your_words(),
        Notice::NothingToDo => lang.notice_nothing_to_do(),
        Notice::Documenting => lang.notice_documenting(),
        Notice::Taking => lang.notice_taking(),
        Notice::NothingWrong => lang.notice_nothing_wrong(),
        Notice::Opened(id) => lang.notice_opened(id),
        Notice::Joined(id) => lang.notice_joined(id),
        Notice::Helping(id, who) => lang.notice_helping(id, who),
        Notice::ReadOnly => lang.notice_read_only(),
        Notice::Frozen => lang.notice_frozen(),
        _ => walk_words(lang, notice),
    }
}
