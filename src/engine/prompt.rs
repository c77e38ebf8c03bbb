//! One line of text that a person types. Editing is the text area's own; this only keeps it to one line and lets it
//! be compared.

use tui_textarea::Input;
use tui_textarea::Key;
use tui_textarea::TextArea;

use crate::input::key::Chord;
use crate::input::key::Code;
use crate::model::text::clean;

/// Longest text that can be typed or pasted here: filters and commands are words, not documents.
const LIMIT: usize = 200;

/// A line being typed.
#[derive(Clone, Debug, Default)]
pub struct Prompt(TextArea<'static>);

impl PartialEq for Prompt {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text() && self.0.cursor() == other.0.cursor()
    }
}

impl Prompt {
    /// A prompt that starts with this text.
    #[must_use]
    pub fn with(text: &str) -> Self {
        let mut area = TextArea::default();
        area.insert_str(text);
        Self(area)
    }

    /// What has been typed.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.lines().first().map_or("", String::as_str)
    }

    /// Characters before the cursor.
    #[must_use]
    pub fn before_cursor(&self) -> String {
        self.text().chars().take(self.0.cursor().1).collect()
    }

    pub(crate) fn key(&mut self, chord: Chord) {
        let Some(input) = input(chord) else { return };
        let full = self.text().chars().count() >= LIMIT;
        if full && matches!(input.key, Key::Char(_)) && !chord.ctrl && !chord.alt {
            return;
        }
        self.0.input(input);
    }

    pub(crate) fn paste(&mut self, text: &str) {
        let room = LIMIT.saturating_sub(self.text().chars().count());
        let line: String = clean(text).chars().take(room).collect();
        self.0.insert_str(line);
    }
}

/// A key as the text area knows it; keys that have no place in a line are nothing to it.
pub(crate) fn input(chord: Chord) -> Option<Input> {
    let key = match chord.code {
        // A new line has no place here, and the text area's own clipboard keys would surprise.
        Code::Enter | Code::Tab | Code::BackTab | Code::Esc | Code::Other => return None,
        Code::Char('m' | 'j') if chord.ctrl => return None,
        Code::Char(c) => Key::Char(c),
        Code::Backspace => Key::Backspace,
        Code::Delete => Key::Delete,
        Code::Up => Key::Up,
        Code::Down => Key::Down,
        Code::Left => Key::Left,
        Code::Right => Key::Right,
        Code::PageUp => Key::PageUp,
        Code::PageDown => Key::PageDown,
        Code::Home => Key::Home,
        Code::End => Key::End,
        Code::F(n) => Key::F(n),
    };
    Some(Input { key, ctrl: chord.ctrl, alt: chord.alt, shift: false })
}
