//! Everything a person can ask for, with its name and its sentence.

use crate::lang::Lang;

/// One command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Show the selected line in full.
    Open,
    /// Close what is open; leave zoom.
    Back,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// The first line.
    First,
    /// The last line.
    Last,
    /// The next pane.
    NextPane,
    /// The pane before.
    PreviousPane,
    /// The pane with this number.
    Pane(u8),
    /// The focused pane fills the screen.
    Zoom,
    /// Hide what does not match.
    Filter,
    /// Type a command.
    Palette,
    /// All keys.
    Help,
    /// Why the level is what it is.
    Severity,
    /// Hold the picture still.
    Freeze,
    /// Ask every source now.
    PollNow,
    /// Count the session table exactly.
    CountExactly,
    /// Silence the selected alert for a short time that extends while it fires.
    Acknowledge,
    /// Silence the selected alert.
    Silence,
    /// End the silence of the selected alert.
    Unsilence,
    /// Do what the card says.
    Confirm,
    /// A longer time.
    Longer,
    /// A shorter time.
    Shorter,
    /// Write the comment.
    Comment,
    /// Mark the selected thing as known to be bad for a while.
    Known,
    /// Take the incident, or open one.
    Take,
    /// Search the library of procedures.
    Runbooks,
    /// Write a note.
    Note,
    /// Keep the selected entry in sight, or let it go.
    Pin,
    /// Words that the selected entry can be found by.
    Tag,
    /// Put the selected note right.
    Correct,
    /// What was left to do is done, or is not after all.
    Finish,
    /// The post-mortem, in the person's own editor.
    Document,
    /// Another line of the note.
    NewLine,
    /// Keep the note.
    Save,
    /// Show the links to other tools.
    Links,
    /// A shorter span of the chart.
    Closer,
    /// A longer span of the chart.
    Wider,
    /// Back in time.
    Earlier,
    /// Forward in time.
    Later,
    /// The chart as it came: now, in its own span.
    Live,
    /// The cursor goes left.
    CursorLeft,
    /// The cursor goes right.
    CursorRight,
    /// Another day beside this one.
    Compare,
    /// Begin to walk the procedure that is read.
    Begin,
    /// Run the selected step; on a procedure, begin to walk it.
    Execute,
    /// See again whether the selected step worked.
    Validate,
    /// Undo the selected step.
    Undo,
    /// Pass over the selected step.
    Skip,
    /// Stop the step that runs.
    Stop,
    /// Type into the step that runs.
    Type,
    /// The whole output of the selected step.
    Output,
    /// Write down what was done otherwise.
    Deviate,
    /// Begin the way back.
    WayBack,
    /// End the walk here.
    Leave,
    /// Whom to call.
    Call,
    /// It is as it should be.
    Yes,
    /// It is not as it should be.
    No,
    /// Go to the walk.
    Walk,
    /// The window after a deploy; in it, a new one.
    Window,
    /// End the window that is counted here.
    EndWindow,
    /// The figures of delivery.
    Dora,
    /// Give the selected text to the clipboard.
    Copy,
    /// Draw everything anew.
    Repaint,
    /// Stop this process; `fg` brings it back.
    Suspend,
    /// Says that it does not quit.
    CtrlC,
    /// Quit.
    Quit,
}

impl Command {
    /// Commands that can be typed, in the order of the palette.
    pub const TYPED: [Self; 55] = [
        Self::Help,
        Self::Severity,
        Self::Zoom,
        Self::Filter,
        Self::Freeze,
        Self::PollNow,
        Self::CountExactly,
        Self::Copy,
        Self::Open,
        Self::Back,
        Self::NextPane,
        Self::Pane(1),
        Self::Pane(2),
        Self::Pane(3),
        Self::Pane(4),
        Self::Pane(5),
        Self::Pane(6),
        Self::Pane(7),
        Self::Pane(8),
        Self::Acknowledge,
        Self::Silence,
        Self::Unsilence,
        Self::Known,
        Self::Take,
        Self::Runbooks,
        Self::Walk,
        Self::Window,
        Self::EndWindow,
        Self::Dora,
        Self::Execute,
        Self::Validate,
        Self::Undo,
        Self::Skip,
        Self::Stop,
        Self::Type,
        Self::Output,
        Self::Deviate,
        Self::WayBack,
        Self::Leave,
        Self::Call,
        Self::Note,
        Self::Document,
        Self::Pin,
        Self::Tag,
        Self::Correct,
        Self::Finish,
        Self::Links,
        Self::Closer,
        Self::Wider,
        Self::Earlier,
        Self::Live,
        Self::Compare,
        Self::Repaint,
        Self::Suspend,
        Self::Quit,
    ];

    /// The word to type.
    #[must_use]
    pub fn name(self, lang: Lang) -> String {
        match self {
            Self::Open => lang.cmd_open(),
            Self::Back => lang.cmd_back(),
            Self::Up => lang.cmd_up(),
            Self::Down => lang.cmd_down(),
            Self::PageUp => lang.cmd_page_up(),
            Self::PageDown => lang.cmd_page_down(),
            Self::First => lang.cmd_first(),
            Self::Last => lang.cmd_last(),
            Self::NextPane => lang.cmd_next(),
            Self::PreviousPane => lang.cmd_previous(),
            Self::Pane(n) => match n {
                1 => lang.pane_health(),
                2 => lang.pane_sessions(),
                3 => lang.pane_failures(),
                4 => lang.pane_latency(),
                5 => lang.pane_signals(),
                6 => lang.pane_todo(),
                7 => lang.pane_facts(),
                _ => lang.pane_alerts(),
            },
            Self::Zoom => lang.cmd_zoom(),
            Self::Filter => lang.cmd_filter(),
            Self::Palette => lang.cmd_palette(),
            Self::Help => lang.cmd_help(),
            Self::Severity => lang.cmd_severity(),
            Self::Freeze => lang.cmd_freeze(),
            Self::PollNow => lang.cmd_poll(),
            Self::CountExactly => lang.cmd_count(),
            Self::Acknowledge => lang.cmd_acknowledge(),
            Self::Silence => lang.cmd_silence(),
            Self::Unsilence => lang.cmd_unsilence(),
            Self::Confirm => lang.cmd_confirm(),
            Self::Longer => lang.cmd_longer(),
            Self::Shorter => lang.cmd_shorter(),
            Self::Comment => lang.cmd_comment(),
            Self::Known => lang.cmd_known(),
            Self::Take => lang.cmd_take(),
            Self::Runbooks => lang.cmd_runbooks(),
            Self::Note => lang.cmd_note(),
            Self::Document => lang.cmd_document(),
            Self::Pin => lang.cmd_pin(),
            Self::Tag => lang.cmd_tag(),
            Self::Correct => lang.cmd_correct(),
            Self::Finish => lang.cmd_finish(),
            Self::NewLine => lang.cmd_new_line(),
            Self::Save => lang.cmd_save(),
            Self::Links => lang.cmd_links(),
            Self::Closer => lang.cmd_closer(),
            Self::Wider => lang.cmd_wider(),
            Self::Earlier => lang.cmd_earlier(),
            Self::Later => lang.cmd_later(),
            Self::Live => lang.cmd_live(),
            Self::CursorLeft | Self::CursorRight => lang.cmd_cursor(),
            Self::Compare => lang.cmd_compare(),
            Self::Begin => lang.cmd_begin(),
            Self::Execute => lang.cmd_execute(),
            Self::Validate => lang.cmd_validate(),
            Self::Undo => lang.cmd_undo(),
            Self::Skip => lang.cmd_skip(),
            Self::Stop => lang.cmd_stop(),
            Self::Type => lang.cmd_type(),
            Self::Output => lang.cmd_output(),
            Self::Deviate => lang.cmd_deviate(),
            Self::WayBack => lang.cmd_way_back(),
            Self::Leave => lang.cmd_leave(),
            Self::Call => lang.cmd_call(),
            Self::Yes => lang.cmd_yes(),
            Self::No => lang.cmd_no(),
            Self::Walk => lang.cmd_walk(),
            Self::Window => lang.cmd_window(),
            Self::EndWindow => lang.cmd_end_window(),
            Self::Dora => lang.cmd_dora(),
            Self::Copy => lang.cmd_copy(),
            Self::Repaint => lang.cmd_repaint(),
            Self::Suspend => lang.cmd_suspend(),
            Self::CtrlC => lang.cmd_ctrl_c(),
            Self::Quit => lang.cmd_quit(),
        }
    }

    /// What it does, as a sentence for the help.
    #[must_use]
    pub fn doc(self, lang: Lang) -> String {
        match self {
            Self::Open => lang.doc_open(),
            Self::Back => lang.doc_back(),
            Self::Up | Self::Down => lang.doc_line(),
            Self::PageUp | Self::PageDown => lang.doc_page(),
            Self::First | Self::Last => lang.doc_ends(),
            Self::NextPane | Self::PreviousPane => lang.doc_next(),
            Self::Pane(_) => lang.doc_pane(),
            Self::Zoom => lang.doc_zoom(),
            Self::Filter => lang.doc_filter(),
            Self::Palette => lang.doc_palette(),
            Self::Help => lang.doc_help(),
            Self::Severity => lang.doc_severity(),
            Self::Freeze => lang.doc_freeze(),
            Self::PollNow => lang.doc_poll(),
            Self::CountExactly => lang.doc_count(),
            Self::Acknowledge => lang.doc_acknowledge(),
            Self::Silence => lang.doc_silence(),
            Self::Unsilence => lang.doc_unsilence(),
            Self::Confirm => lang.doc_confirm(),
            Self::Longer | Self::Shorter => lang.doc_longer(),
            Self::Comment => lang.doc_comment(),
            Self::Known => lang.doc_known(),
            Self::Take => lang.doc_take(),
            Self::Runbooks => lang.doc_runbooks(),
            Self::Note => lang.doc_note(),
            Self::Document => lang.doc_document(),
            Self::Pin => lang.doc_pin(),
            Self::Tag => lang.doc_tag(),
            Self::Correct => lang.doc_correct(),
            Self::Finish => lang.doc_finish(),
            Self::NewLine => lang.doc_new_line(),
            Self::Save => lang.doc_save(),
            Self::Links => lang.doc_links(),
            Self::Closer | Self::Wider => lang.doc_closer(),
            Self::Earlier | Self::Later => lang.doc_earlier(),
            Self::Live => lang.doc_live(),
            Self::CursorLeft | Self::CursorRight => lang.doc_cursor(),
            Self::Compare => lang.doc_compare(),
            Self::Begin => lang.doc_begin(),
            Self::Execute => lang.doc_execute(),
            Self::Validate => lang.doc_validate(),
            Self::Undo => lang.doc_undo(),
            Self::Skip => lang.doc_skip(),
            Self::Stop => lang.doc_stop(),
            Self::Type => lang.doc_type(),
            Self::Output => lang.doc_output(),
            Self::Deviate => lang.doc_deviate(),
            Self::WayBack => lang.doc_way_back(),
            Self::Leave => lang.doc_leave(),
            Self::Call => lang.doc_call(),
            Self::Yes => lang.doc_yes(),
            Self::No => lang.doc_no(),
            Self::Walk => lang.doc_walk(),
            Self::Window => lang.doc_window(),
            Self::EndWindow => lang.doc_end_window(),
            Self::Dora => lang.doc_dora(),
            Self::Copy => lang.doc_copy(),
            Self::Repaint => lang.doc_repaint(),
            Self::Suspend => lang.doc_suspend(),
            Self::CtrlC => lang.doc_ctrl_c(),
            Self::Quit => lang.doc_quit(),
        }
    }
}
