//! A note being written, and what its first words say about it.

use tui_textarea::CursorMove;
use tui_textarea::TextArea;
use tui_textarea::WrapMode;

use crate::engine::annotations::Annotations;
use crate::engine::commands::notice;
use crate::engine::commands::show;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::effect::RecordOrder;
use crate::engine::filter::choose;
use crate::engine::filter::visible_facts;
use crate::engine::prompt::input;
use crate::engine::record;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::engine::timeline::Entry;
use crate::engine::timeline::Kept;
use crate::input::command::Command;
use crate::input::key::Chord;
use crate::input::key::Code;
use crate::layout::Pane;
use crate::model::fact::Fact;
use crate::model::severity::Level;
use crate::model::text::WRITTEN_LIMIT;
use crate::model::text::clean;
use crate::model::text::clean_lines;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Zone;

/// An unfinished note is put on the disk this often at the most.
const KEEP_EVERY: Millis = SECOND;
/// Tags of one entry.
const TAGS: usize = 12;

/// What is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A note of its own.
    Note,
    /// Other words for this entry; the first ones are kept.
    Correction(i64),
    /// Words that this entry can be found by.
    Tags(i64),
}

/// Several lines being typed.
#[derive(Clone, Debug)]
pub struct Editor {
    area: TextArea<'static>,
    /// What for.
    pub purpose: Purpose,
    /// The incident that it is written for.
    incident: String,
}

impl PartialEq for Editor {
    fn eq(&self, other: &Self) -> bool {
        self.purpose == other.purpose
            && self.area.lines() == other.area.lines()
            && self.area.cursor() == other.area.cursor()
    }
}

impl Editor {
    /// An editor that starts with this text.
    #[must_use]
    pub fn with(text: &str, purpose: Purpose, incident: &str) -> Self {
        let mut area = TextArea::from(text.lines());
        area.set_wrap_mode(WrapMode::WordOrGlyph);
        area.set_cursor_line_style(ratatui::style::Style::default());
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Self { area, purpose, incident: incident.to_owned() }
    }

    /// What has been typed.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// The text area, to be drawn.
    #[must_use]
    pub fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    fn key(&mut self, chord: Chord) {
        let newline =
            matches!((chord.code, chord.alt, chord.ctrl), (Code::Enter, true, _) | (Code::Char('j'), _, true));
        if self.text().len() >= WRITTEN_LIMIT && !matches!(chord.code, Code::Backspace | Code::Delete) {
            return;
        }
        if newline {
            self.area.insert_newline();
        } else if let Some(input) = input(chord) {
            self.area.input(input);
        }
    }

    fn paste(&mut self, text: &str) {
        let room = WRITTEN_LIMIT.saturating_sub(self.text().len());
        let mut kept = clean_lines(text);
        while kept.len() > room {
            kept.pop();
        }
        self.area.insert_str(kept);
    }
}

/// When it happened and what it is, by its first words: `-10m` or `02:50` dates it back; `TODO`, then `@name` and a day,
/// makes it something that is left to do; `SEV2` and why declares a level, `UPDATE` is what those who wait are told,
/// `RESOLVED` says that it works again. Both languages hold, whatever the screen speaks.
#[must_use]
pub fn understood(text: &str, now: Millis, zone: Zone) -> (Millis, Fact) {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let timed = first.starts_with('-') || (first.contains(':') && first.starts_with(|c: char| c.is_ascii_digit()));
    let (at, text) = match zone.said(first, now).filter(|_| timed && !rest.trim().is_empty()) {
        Some(at) => (at, rest.trim_start()),
        None => (now, text),
    };
    let (word, rest) = text.split_once(|c: char| c.is_whitespace() || c == ':').unwrap_or((text, ""));
    let rest = rest.trim().to_owned();
    let level = [Level::Sev1, Level::Sev2, Level::Sev3, Level::Sev4].into_iter().find(|l| l.word() == word);
    let fact = match (word, level) {
        ("TODO", _) if !rest.is_empty() => todo(&rest, zone),
        // A level without a reason is a level that nobody can follow later.
        (_, Some(level)) if !rest.is_empty() => Fact::Declared { level, reason: rest },
        ("UPDATE" | "AVISO", _) if !rest.is_empty() => Fact::Update { text: rest },
        ("RESOLVED" | "RESUELTO", _) => Fact::Resolved { since: at, text: rest },
        _ => Fact::Note { text: text.to_owned() },
    };
    (at, fact)
}

/// Who and until when, then what.
fn todo(text: &str, zone: Zone) -> Fact {
    let mut todo = text;
    let (mut owner, mut due) = (None, None);
    while let Some((word, rest)) = todo.split_once(char::is_whitespace) {
        let day = word.len() == 10 && zone.moment(&format!("{word} 00:00")).is_some();
        match word.strip_prefix('@').filter(|n| !n.is_empty()) {
            Some(name) if owner.is_none() => owner = Some(name.to_owned()),
            None if due.is_none() && day => due = Some(word.to_owned()),
            _ => break,
        }
        todo = rest.trim_start();
    }
    Fact::Todo { text: todo.to_owned(), owner, due }
}

/// Opens the editor, with what was not finished.
pub(crate) fn ask(state: &mut State) -> Reaction {
    if let Some(why) = record::hands_off(state) {
        return notice(state, why);
    }
    // Without an incident too: fingers that type ahead would give commands, and the words are kept for the next one.
    let editor = Editor::with(&state.record.unfinished, Purpose::Note, "");
    show(state, Overlay::Note(Box::new(editor)))
}

/// The selected entry, where it stands in the journal of the incident that goes on: its place there, and what it says.
fn selected(state: &State) -> Option<(i64, Fact)> {
    let at = *visible_facts(state).get(state.ui.selected[Pane::Facts.index()])?;
    let entry = state.timeline.at(at)?;
    match (&entry.kept, &state.record.incident) {
        (Kept::Saved(id, seq), Some(incident)) if *id == incident.id => Some((*seq, entry.what.clone())),
        _ => None,
    }
}

/// What the journal says of an entry's marks: pinned, and its tags.
fn marks(state: &State, seq: i64) -> (bool, Vec<String>) {
    let id = state.record.incident.as_ref().map_or("", |i| i.id.as_str());
    Annotations::of(state).marks((id, seq))
}

/// Does something to the selected entry of the timeline: it stays as it was, and what is added says so.
pub(crate) fn on_entry(state: &mut State, command: Command) -> Reaction {
    if let Some(why) = record::hands_off(state) {
        return notice(state, why);
    }
    let Some((seq, fact)) = selected(state) else {
        return notice(state, Notice::NotInJournal);
    };
    choose(state);
    let (pinned, tags) = marks(state, seq);
    let id = state.record.incident.as_ref().map(|i| i.id.clone()).unwrap_or_default();
    match (command, fact) {
        (Command::Pin, _) => write(state, Fact::Marked { of: seq, pinned: !pinned, tags }),
        (Command::Tag, _) => {
            let editor = Editor::with(&tags.join(" "), Purpose::Tags(seq), &id);
            show(state, Overlay::Note(Box::new(editor)))
        }
        (Command::Correct, Fact::Note { text } | Fact::Todo { text, .. }) => {
            let newest = Annotations::of(state).edited((&id, seq)).map(str::to_owned);
            let editor = Editor::with(&newest.unwrap_or(text), Purpose::Correction(seq), &id);
            show(state, Overlay::Note(Box::new(editor)))
        }
        (Command::Finish, Fact::Todo { .. }) => {
            let mut actions = state.record.incident.iter().flat_map(|i| &i.actions);
            let action = actions.find(|a| a.seq == seq);
            let (done, text) = action.map(|a| (a.done, a.text.clone())).unwrap_or_default();
            write(state, Fact::Done { of: seq, done: !done, text })
        }
        (Command::Finish, _) => notice(state, Notice::NothingToDo),
        _ => notice(state, Notice::NotYourWords),
    }
}

/// Puts what a person did on the way to the disk; until it is there it is shown as not saved.
fn write(state: &mut State, what: Fact) -> Reaction {
    if state.record.incident.is_none() {
        return notice(state, Notice::NoIncident);
    }
    let (at, by) = (state.now.wall, state.settings.operator.clone());
    state.timeline.put(Entry::new(at, what, by));
    Reaction::redraw()
}

/// A key while a note is written.
pub(crate) fn typing(state: &mut State, mut editor: Box<Editor>, chord: Chord) -> Reaction {
    let plain = !chord.alt && !chord.ctrl;
    match chord.code {
        Code::Esc if editor.purpose != Purpose::Note => Reaction::redraw(),
        Code::Esc => {
            let text = editor.text();
            let kept = !text.trim().is_empty();
            let reaction = keep(state, text);
            if kept {
                notice(state, Notice::NoteKept);
            }
            reaction
        }
        // The numbers of entries are those of one incident: of another one they mean something else.
        Code::Enter
            if plain
                && editor.purpose != Purpose::Note
                && state.record.incident.as_ref().is_none_or(|i| i.id != editor.incident) =>
        {
            notice(state, Notice::NotInJournal)
        }
        Code::Enter if plain => match editor.purpose {
            Purpose::Note => finish(state, &editor.text()),
            Purpose::Correction(of) => correct(state, of, &editor.text()),
            Purpose::Tags(of) => {
                let words = |c: char| c.is_whitespace() || c == ',' || c == '#';
                let tags: Vec<String> = clean(&editor.text())
                    .split(words)
                    .filter(|t| !t.is_empty())
                    .take(TAGS)
                    .map(str::to_owned)
                    .collect();
                let (pinned, before) = marks(state, of);
                if tags == before { Reaction::redraw() } else { write(state, Fact::Marked { of, pinned, tags }) }
            }
        },
        _ => {
            editor.key(chord);
            show(state, Overlay::Note(editor))
        }
    }
}

/// A paste while a note is written.
pub(crate) fn paste(editor: &mut Editor, text: &str) -> Reaction {
    editor.paste(text);
    Reaction::redraw()
}

fn finish(state: &mut State, text: &str) -> Reaction {
    let text = clean_lines(text);
    if !text.trim().is_empty() && state.record.incident.is_none() {
        // It ended while this was written: the words stay, and go to whatever is opened next only if somebody says so.
        let reaction = keep(state, text);
        notice(state, Notice::NoteWaits);
        return reaction;
    }
    if !text.trim().is_empty() {
        let (at, what) = understood(&text, state.now.wall, state.settings.zone);
        let by = state.settings.operator.clone();
        if state.now.wall - at > MINUTE {
            // It stands further down than anybody looks now.
            notice(state, Notice::Noted(at));
        }
        // It goes to the disk with what else is due; until then it is shown as not saved.
        state.timeline.put(Entry::new(at, what, by));
        // The draft stays on the disk until the note is there.
        state.record.written = true;
        state.record.unfinished = String::new();
        return Reaction::redraw();
    }
    keep(state, String::new())
}

fn correct(state: &mut State, of: i64, text: &str) -> Reaction {
    let text = clean_lines(text).trim().to_owned();
    if text.is_empty() { Reaction::redraw() } else { write(state, Fact::Edited { of, text }) }
}

fn keep(state: &mut State, text: String) -> Reaction {
    if state.record.unfinished == text {
        return Reaction::redraw();
    }
    state.record.unfinished.clone_from(&text);
    state.record.unfinished_at = Some(state.now);
    Reaction::with(Effect::Record(0, RecordOrder::Unfinished(text)))
}

/// What of an unfinished note is not on the disk yet; for the end of the program.
pub(crate) fn unkept(state: &mut State) -> Option<Effect> {
    let Overlay::Note(editor) = &state.ui.overlay else { return None };
    let text = editor.text();
    let wanted = editor.purpose == Purpose::Note && text != state.record.unfinished && !state.settings.read_only;
    if wanted { keep(state, text).effects.pop() } else { None }
}

/// What of an unfinished note is to be put on the disk now.
pub(crate) fn due(state: &mut State) -> Option<Effect> {
    let Overlay::Note(editor) = &state.ui.overlay else { return None };
    if editor.purpose != Purpose::Note {
        return None;
    }
    let recent = state.record.unfinished_at.is_some_and(|at| state.now.since(at) < KEEP_EVERY);
    let text = editor.text();
    if recent || text == state.record.unfinished {
        return None;
    }
    keep(state, text).effects.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_say_when_and_what() {
        let zone = Zone::named("America/Mexico_City").unwrap();
        let now = zone.moment("2026-11-23 03:08").unwrap();
        let read = |text: &str| {
            let (at, fact) = understood(text, now, zone);
            (zone.hm(at), fact)
        };
        let note = |text: &str| Fact::Note { text: text.to_owned() };
        let todo = |text: &str, owner: Option<&str>, due: Option<&str>| Fact::Todo {
            text: text.to_owned(),
            owner: owner.map(str::to_owned),
            due: due.map(str::to_owned),
        };
        let cases = [
            ("solo falla POST", ("03:08", note("solo falla POST"))),
            ("-10m llamó el cliente", ("02:58", note("llamó el cliente"))),
            ("02:50 entró v4.12.0\nsin avisar", ("02:50", note("entró v4.12.0\nsin avisar"))),
            // A time alone is what there is to say, and a dash is a dash.
            ("02:50", ("03:08", note("02:50"))),
            ("- nada aún", ("03:08", note("- nada aún"))),
            ("12 de 300 fallan", ("03:08", note("12 de 300 fallan"))),
            ("TODO subir el pool", ("03:08", todo("subir el pool", None, None))),
            ("TODO: @ana 2026-12-01 subir el pool", ("03:08", todo("subir el pool", Some("ana"), Some("2026-12-01")))),
            (
                "-5m TODO 2026-12-01 @ana avisar a @eva",
                ("03:03", todo("avisar a @eva", Some("ana"), Some("2026-12-01"))),
            ),
            ("TODOS fallan", ("03:08", note("TODOS fallan"))),
            ("SEV1 cae todo", ("03:08", Fact::Declared { level: Level::Sev1, reason: "cae todo".to_owned() })),
            // A level without its reason is no declaration, and a word in a sentence is none either.
            ("SEV1", ("03:08", note("SEV1"))),
            ("es SEV1 ya", ("03:08", note("es SEV1 ya"))),
            ("-3m AVISO: vamos a volver", ("03:05", Fact::Update { text: "vamos a volver".to_owned() })),
            ("RESUELTO con la v4.11.3", ("03:08", Fact::Resolved { since: now, text: "con la v4.11.3".to_owned() })),
        ];
        for (text, (at, fact)) in cases {
            assert_eq!(read(text), (at.to_owned(), fact), "{text}");
        }
    }
}
