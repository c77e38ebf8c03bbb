//! Where keys go while they are nobody's to read: into the terminal of a step, or into a secret. They become no events;
//! nothing records them, not even how many there were.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crossterm::event::KeyCode;
use crossterm::event::KeyEvent;
use crossterm::event::KeyEventKind;
use crossterm::event::KeyModifiers;
use secrecy::SecretString;
use tokio::sync::mpsc;

use crate::effects::step::client::Vault;
use crate::effects::step::wire::Ask;
use crate::effects::step::wire::Frame;
use crate::engine::Kind;

/// A secret is no longer.
const LONGEST: usize = 4 * 1024;

/// Where keys go.
#[derive(Default)]
enum To {
    /// To the loop, as events.
    #[default]
    Here,
    /// Into the terminal of a step.
    Step(mpsc::Sender<Frame<Ask>>),
    /// Into a secret value.
    Secret(String, String),
}

/// The way that keys take, shared by whoever reads them and whoever decides.
#[derive(Clone, Default)]
pub(super) struct Route {
    to: Arc<Mutex<To>>,
    /// What was typed unseen, until a run takes it.
    pub(super) vault: Vault,
    /// The program in the terminal wants its arrows otherwise (DECCKM).
    application: Arc<AtomicBool>,
    /// It wants to know what was pasted.
    bracketed: Arc<AtomicBool>,
}

/// What became of a key.
pub(super) enum Taken {
    /// It is for the loop.
    No,
    /// It went where it belongs.
    Yes,
    /// The same, and the loop should know.
    Told(Box<Kind>),
}

impl Route {
    fn set(&self, to: To) {
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }

    /// To the loop again.
    pub(super) fn here(&self) {
        self.set(To::Here);
    }

    /// Into the terminal of a step.
    pub(super) fn step(&self, keys: mpsc::Sender<Frame<Ask>>) {
        self.set(To::Step(keys));
    }

    /// Into a secret.
    pub(super) fn secret(&self, name: String) {
        self.set(To::Secret(name, String::new()));
    }

    /// What the program in the terminal wants.
    pub(super) fn modes(&self, application: bool, bracketed: bool) {
        self.application.store(application, Ordering::Relaxed);
        self.bracketed.store(bracketed, Ordering::Relaxed);
    }

    /// Takes a key, where keys go elsewhere.
    pub(super) fn key(&self, key: KeyEvent) -> Taken {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match &mut *to {
            To::Here => Taken::No,
            _ if key.kind == KeyEventKind::Release => Taken::Yes,
            // Ctrl-] is 0x1d, which crossterm reads as Ctrl-5.
            To::Step(_) if ctrl && matches!(key.code, KeyCode::Char(']' | '5')) => {
                *to = To::Here;
                Taken::Told(Box::new(Kind::KeysBack))
            }
            To::Step(keys) => {
                let bytes = bytes(key, self.application.load(Ordering::Relaxed));
                if !bytes.is_empty() {
                    let _ = keys.try_send(Frame::Bytes(bytes));
                }
                Taken::Yes
            }
            To::Secret(name, typed) => {
                let name = name.clone();
                match key.code {
                    KeyCode::Enter if !typed.is_empty() => {
                        let value = SecretString::from(std::mem::take(typed));
                        self.vault.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), value);
                        *to = To::Here;
                        Taken::Told(Box::new(Kind::SecretGiven { name, given: true }))
                    }
                    KeyCode::Esc => {
                        *to = To::Here;
                        Taken::Told(Box::new(Kind::SecretGiven { name, given: false }))
                    }
                    KeyCode::Char('c') if ctrl => {
                        *to = To::Here;
                        Taken::Told(Box::new(Kind::SecretGiven { name, given: false }))
                    }
                    KeyCode::Char('u') if ctrl => {
                        typed.clear();
                        Taken::Yes
                    }
                    KeyCode::Backspace => {
                        typed.pop();
                        Taken::Yes
                    }
                    KeyCode::Char(c) if !ctrl && typed.len() < LONGEST => {
                        typed.push(c);
                        Taken::Yes
                    }
                    _ => Taken::Yes,
                }
            }
        }
    }

    /// Takes a paste, where keys go elsewhere.
    pub(super) fn paste(&self, text: &str) -> bool {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *to {
            To::Here => false,
            To::Step(keys) => {
                // A paste cannot end itself and go on as if it were typed.
                let text = text.replace("\u{1b}[201~", "").replace('\n', "\r");
                let knows = self.bracketed.load(Ordering::Relaxed);
                let bytes = if knows { format!("\u{1b}[200~{text}\u{1b}[201~") } else { text };
                let _ = keys.try_send(Frame::Bytes(bytes.into_bytes()));
                true
            }
            To::Secret(_, typed) => {
                typed.extend(text.trim_end_matches(['\r', '\n']).chars().take(LONGEST));
                true
            }
        }
    }
}

/// A key as a terminal would have sent it (`ctlseqs` of xterm).
fn bytes(key: KeyEvent, application: bool) -> Vec<u8> {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    let arrow = |c: char| if application { format!("\u{1b}O{c}") } else { format!("\u{1b}[{c}") };
    let text = match key.code {
        KeyCode::Char(c) if ctrl => match c.to_ascii_lowercase() {
            c @ 'a'..='z' => char::from(c as u8 & 0x1f).to_string(),
            ' ' | '@' | '2' => "\0".to_owned(),
            '4' | '\\' => "\u{1c}".to_owned(),
            '6' | '^' => "\u{1e}".to_owned(),
            '7' | '_' | '/' => "\u{1f}".to_owned(),
            _ => String::new(),
        },
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "\r".to_owned(),
        KeyCode::Esc => "\u{1b}".to_owned(),
        KeyCode::Tab => "\t".to_owned(),
        KeyCode::BackTab => "\u{1b}[Z".to_owned(),
        KeyCode::Backspace => "\u{7f}".to_owned(),
        KeyCode::Delete => "\u{1b}[3~".to_owned(),
        KeyCode::Insert => "\u{1b}[2~".to_owned(),
        KeyCode::Up => arrow('A'),
        KeyCode::Down => arrow('B'),
        KeyCode::Right => arrow('C'),
        KeyCode::Left => arrow('D'),
        KeyCode::Home => arrow('H'),
        KeyCode::End => arrow('F'),
        KeyCode::PageUp => "\u{1b}[5~".to_owned(),
        KeyCode::PageDown => "\u{1b}[6~".to_owned(),
        KeyCode::F(n @ 1..=4) => format!("\u{1b}O{}", char::from(b'O' + n)),
        KeyCode::F(n) => match n {
            5 => "\u{1b}[15~",
            6 => "\u{1b}[17~",
            7 => "\u{1b}[18~",
            8 => "\u{1b}[19~",
            9 => "\u{1b}[20~",
            10 => "\u{1b}[21~",
            11 => "\u{1b}[23~",
            12 => "\u{1b}[24~",
            _ => "",
        }
        .to_owned(),
        _ => String::new(),
    };
    let text = if alt && !text.is_empty() { format!("\u{1b}{text}") } else { text };
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn keys_reach_a_program_as_a_terminal_sends_them() {
        let none = KeyModifiers::NONE;
        assert_eq!(bytes(key(KeyCode::Char('ñ'), none), false), "ñ".as_bytes());
        assert_eq!(bytes(key(KeyCode::Char('c'), KeyModifiers::CONTROL), false), [3]);
        assert_eq!(bytes(key(KeyCode::Up, none), false), b"\x1b[A");
        assert_eq!(bytes(key(KeyCode::Up, none), true), b"\x1bOA");
        assert_eq!(bytes(key(KeyCode::Char('b'), KeyModifiers::ALT), false), b"\x1bb");
        assert_eq!(bytes(key(KeyCode::F(1), none), false), b"\x1bOP");
        assert_eq!(bytes(key(KeyCode::Enter, none), false), b"\r");
    }

    #[test]
    fn a_secret_goes_into_the_vault_and_nowhere_else() {
        use secrecy::ExposeSecret as _;
        let route = Route::default();
        route.secret("DB_PASSWORD".to_owned());
        for c in "hunter2x".chars() {
            assert!(matches!(route.key(key(KeyCode::Char(c), KeyModifiers::NONE)), Taken::Yes));
        }
        route.key(key(KeyCode::Backspace, KeyModifiers::NONE));
        let told = route.key(key(KeyCode::Enter, KeyModifiers::NONE));
        assert!(matches!(told, Taken::Told(kind) if matches!(*kind, Kind::SecretGiven { given: true, .. })));
        assert_eq!(route.vault.lock().unwrap()["DB_PASSWORD"].expose_secret(), "hunter2");
        assert!(matches!(route.key(key(KeyCode::Char('a'), KeyModifiers::NONE)), Taken::No));
    }
}
