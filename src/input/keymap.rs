//! The table of keys. Lookup, footer hints and help are all read from here.

use crate::input::command::Command;
use crate::input::key::Chord;
use crate::input::key::Code;

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// The board, nothing over it.
    Board,
    /// A page of text lies over the board (help, severity, detail).
    Page,
    /// A procedure lies over the board, to be read.
    Book,
    /// The window after a deploy lies over the board.
    Window,
    /// The board, with the alerts in focus.
    Alerts,
    /// The board, with a chart in focus.
    Chart,
    /// The board, with the timeline in focus.
    Facts,
    /// A card that asks before something is changed.
    Card,
    /// A note is being written; everything else is text.
    Note,
    /// A walk through a procedure.
    Walk,
    /// A walk, and the selected step waits for a person's word.
    Judge,
    /// Something is being typed, or a card has keys of its own: it names them itself.
    Typed,
}

impl Context {
    /// The context whose keys hold here too.
    fn beneath(self) -> Option<Self> {
        match self {
            Self::Alerts | Self::Chart | Self::Facts => Some(Self::Board),
            Self::Judge => Some(Self::Walk),
            Self::Book | Self::Window => Some(Self::Page),
            _ => None,
        }
    }
}

/// One key and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The key.
    pub chord: Chord,
    /// What it does.
    pub command: Command,
    /// Where; `None` is everywhere.
    pub context: Option<Context>,
    /// How early it stands among the footer hints; 0 is never.
    pub hint: u8,
}

const fn bind(chord: Chord, command: Command, context: Option<Context>, hint: u8) -> Binding {
    Binding { chord, command, context, hint }
}

const BOARD: Option<Context> = Some(Context::Board);
const PAGE: Option<Context> = Some(Context::Page);
const BOOK: Option<Context> = Some(Context::Book);
const WINDOW: Option<Context> = Some(Context::Window);
const ALERTS: Option<Context> = Some(Context::Alerts);
const CHART: Option<Context> = Some(Context::Chart);
const FACTS: Option<Context> = Some(Context::Facts);
const CARD: Option<Context> = Some(Context::Card);
const NOTE: Option<Context> = Some(Context::Note);
const WALK: Option<Context> = Some(Context::Walk);
const JUDGE: Option<Context> = Some(Context::Judge);

/// The keys as they come with the program, in the order of the help.
pub const DEFAULT: &[Binding] = &[
    bind(Chord::plain(Code::Enter), Command::Open, BOARD, 1),
    bind(Chord::plain(Code::Esc), Command::Back, None, 0),
    bind(Chord::plain(Code::Esc), Command::Back, PAGE, 1),
    bind(Chord::plain(Code::Enter), Command::Back, PAGE, 0),
    bind(Chord::char('j'), Command::Down, None, 0),
    bind(Chord::plain(Code::Down), Command::Down, None, 0),
    bind(Chord::char('k'), Command::Up, None, 0),
    bind(Chord::plain(Code::Up), Command::Up, None, 0),
    bind(Chord::plain(Code::PageDown), Command::PageDown, None, 0),
    bind(Chord::char(' '), Command::PageDown, PAGE, 0),
    bind(Chord::plain(Code::PageUp), Command::PageUp, None, 0),
    bind(Chord::char('g'), Command::First, None, 0),
    bind(Chord::plain(Code::Home), Command::First, None, 0),
    bind(Chord::char('G'), Command::Last, None, 0),
    bind(Chord::plain(Code::End), Command::Last, None, 0),
    bind(Chord::char('s'), Command::Severity, None, 6),
    bind(Chord::plain(Code::Tab), Command::NextPane, BOARD, 5),
    bind(Chord::plain(Code::BackTab), Command::PreviousPane, BOARD, 0),
    bind(Chord::char('1'), Command::Pane(1), BOARD, 0),
    bind(Chord::char('2'), Command::Pane(2), BOARD, 0),
    bind(Chord::char('3'), Command::Pane(3), BOARD, 0),
    bind(Chord::char('4'), Command::Pane(4), BOARD, 0),
    bind(Chord::char('5'), Command::Pane(5), BOARD, 0),
    bind(Chord::char('6'), Command::Pane(6), BOARD, 0),
    bind(Chord::char('7'), Command::Pane(7), BOARD, 0),
    bind(Chord::char('8'), Command::Pane(8), BOARD, 0),
    bind(Chord::char('a'), Command::Acknowledge, ALERTS, 1),
    bind(Chord::char('M'), Command::Silence, BOARD, 0),
    bind(Chord::char('M'), Command::Silence, ALERTS, 1),
    bind(Chord::char('x'), Command::Unsilence, ALERTS, 1),
    bind(Chord::char('y'), Command::Confirm, CARD, 1),
    bind(Chord::plain(Code::Esc), Command::Back, CARD, 2),
    bind(Chord::char('+'), Command::Longer, CARD, 3),
    bind(Chord::char('-'), Command::Shorter, CARD, 4),
    bind(Chord::char('c'), Command::Comment, CARD, 5),
    bind(Chord::plain(Code::Left), Command::CursorLeft, CHART, 1),
    bind(Chord::plain(Code::Right), Command::CursorRight, CHART, 0),
    bind(Chord::char('+'), Command::Closer, CHART, 2),
    bind(Chord::char('-'), Command::Wider, CHART, 3),
    bind(Chord::char('<'), Command::Earlier, CHART, 4),
    bind(Chord::char('>'), Command::Later, CHART, 5),
    bind(Chord::char('0'), Command::Live, CHART, 6),
    bind(Chord::char('c'), Command::Compare, CHART, 7),
    bind(Chord::char('p'), Command::Pin, FACTS, 1),
    bind(Chord::char('#'), Command::Tag, FACTS, 2),
    bind(Chord::char('E'), Command::Correct, FACTS, 3),
    bind(Chord::char('x'), Command::Finish, FACTS, 4),
    bind(Chord::char('i'), Command::Take, BOARD, 2),
    bind(Chord::char('n'), Command::Note, BOARD, 3),
    bind(Chord::char('r'), Command::Runbooks, BOARD, 4),
    bind(Chord::char('w'), Command::Window, BOARD, 5),
    bind(Chord::char('w'), Command::Window, WALK, 0),
    bind(Chord::plain(Code::Enter), Command::Open, WINDOW, 1),
    bind(Chord::char('e'), Command::Execute, WINDOW, 2),
    bind(Chord::char('w'), Command::Window, WINDOW, 3),
    bind(Chord::char('x'), Command::EndWindow, WINDOW, 4),
    bind(Chord::char('n'), Command::Note, WINDOW, 0),
    bind(Chord::char('i'), Command::Take, WINDOW, 0),
    bind(Chord::char('P'), Command::Document, BOARD, 0),
    bind(Chord::char('9'), Command::Walk, BOARD, 0),
    bind(Chord::char('y'), Command::Yes, JUDGE, 1),
    bind(Chord::char('x'), Command::No, JUDGE, 2),
    bind(Chord::char('e'), Command::Execute, WALK, 1),
    bind(Chord::char('e'), Command::Execute, BOARD, 0),
    bind(Chord::char('e'), Command::Begin, BOOK, 1),
    bind(Chord::char('v'), Command::Validate, WALK, 2),
    bind(Chord::char('u'), Command::Undo, WALK, 3),
    bind(Chord::char('S'), Command::Skip, WALK, 4),
    bind(Chord::ctrl('x'), Command::Stop, WALK, 5),
    bind(Chord::ctrl('x'), Command::Stop, BOARD, 0),
    bind(Chord::char('t'), Command::Type, WALK, 6),
    bind(Chord::char('o'), Command::Output, WALK, 8),
    bind(Chord::char('d'), Command::Deviate, WALK, 9),
    bind(Chord::char('R'), Command::WayBack, WALK, 10),
    bind(Chord::char('c'), Command::Call, WALK, 11),
    bind(Chord::char('X'), Command::Leave, WALK, 12),
    bind(Chord::plain(Code::Enter), Command::Open, WALK, 0),
    bind(Chord::plain(Code::Tab), Command::Back, WALK, 0),
    bind(Chord::char('z'), Command::Zoom, WALK, 13),
    bind(Chord::char('n'), Command::Note, WALK, 14),
    bind(Chord::char('i'), Command::Take, WALK, 0),
    bind(Chord::char('r'), Command::Runbooks, WALK, 0),
    bind(Chord::char('q'), Command::Quit, WALK, 0),
    bind(Chord::plain(Code::Enter), Command::Save, NOTE, 1),
    bind(Chord { code: Code::Enter, ctrl: false, alt: true }, Command::NewLine, NOTE, 2),
    bind(Chord::ctrl('j'), Command::NewLine, NOTE, 0),
    bind(Chord::plain(Code::Esc), Command::Back, NOTE, 3),
    bind(Chord::char('K'), Command::Known, BOARD, 0),
    bind(Chord::char('o'), Command::Links, BOARD, 0),
    bind(Chord::char('z'), Command::Zoom, BOARD, 8),
    bind(Chord::char('/'), Command::Filter, BOARD, 9),
    bind(Chord::char('f'), Command::Freeze, None, 10),
    bind(Chord::char('R'), Command::PollNow, None, 11),
    bind(Chord::char('C'), Command::CountExactly, BOARD, 0),
    bind(Chord::char('y'), Command::Copy, None, 12),
    bind(Chord::char(':'), Command::Palette, BOARD, 6),
    bind(Chord::char('?'), Command::Help, None, 7),
    bind(Chord::ctrl('l'), Command::Repaint, None, 0),
    bind(Chord::ctrl('z'), Command::Suspend, None, 0),
    bind(Chord::ctrl('c'), Command::CtrlC, None, 0),
    bind(Chord::char('q'), Command::Back, PAGE, 0),
    bind(Chord::char('q'), Command::Quit, BOARD, 13),
];

/// What a key means here; the binding of the context wins over the one for everywhere.
#[must_use]
pub fn lookup(context: Context, chord: Chord) -> Option<Command> {
    let of = |wanted: Option<Context>| DEFAULT.iter().find(|b| b.chord == chord && b.context == wanted);
    // On a card only its own keys act: nothing else happens by accident under a question.
    let everywhere =
        || of(None).filter(|b| !matches!(context, Context::Card | Context::Note | Context::Typed) || b.chord.ctrl);
    of(Some(context)).or_else(|| context.beneath().and_then(|c| of(Some(c)))).or_else(everywhere).map(|b| b.command)
}

fn holds(context: Context, bound: Option<Context>) -> bool {
    match bound {
        None => !matches!(context, Context::Card | Context::Note | Context::Typed),
        Some(c) => c == context || context.beneath() == Some(c),
    }
}

/// The hints of a context, in their order.
#[must_use]
pub fn hints(context: Context) -> Vec<&'static Binding> {
    // A key that means something else here is not said to do what it does elsewhere.
    let reached = |b: &&Binding| b.hint > 0 && holds(context, b.context) && lookup(context, b.chord) == Some(b.command);
    let mut hints: Vec<&Binding> = DEFAULT.iter().filter(reached).collect();
    // What belongs to the place itself comes first.
    let foreign = |b: &Binding| context != Context::Board && b.context.is_none_or(|c| c != context);
    hints.sort_by_key(|b| (foreign(b), b.hint));
    hints
}

/// The keys of one command, for help.
#[must_use]
pub fn keys_of(command: Command) -> Vec<Chord> {
    let mut keys: Vec<Chord> = DEFAULT.iter().filter(|b| b.command == command).map(|b| b.chord).collect();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for (i, a) in DEFAULT.iter().enumerate() {
            for b in &DEFAULT[i + 1..] {
                assert!(a.chord != b.chord || a.context != b.context, "{} is bound twice", a.chord);
            }
        }
    }

    #[test]
    fn arrows_equal_j_and_k() {
        for context in [Context::Board, Context::Page, Context::Alerts, Context::Chart, Context::Facts] {
            assert_eq!(lookup(context, Chord::char('j')), lookup(context, Chord::plain(Code::Down)));
            assert_eq!(lookup(context, Chord::char('k')), lookup(context, Chord::plain(Code::Up)));
        }
    }

    #[test]
    fn every_typed_command_is_told_apart_by_its_name() {
        for lang in [crate::lang::Lang::Es, crate::lang::Lang::En] {
            let mut names: Vec<String> = Command::TYPED.iter().map(|c| c.name(lang)).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), Command::TYPED.len());
        }
    }
}
