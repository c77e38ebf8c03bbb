//! Bytes to a procedure: what the document calls steps, or what can be walked of one that calls nothing so.

use crate::model::runbook::Contact;
use crate::model::runbook::Item;
use crate::model::runbook::Runbook;
use crate::model::runbook::Section;
use crate::model::runbook::Step;
use crate::model::runbook::Structure;
use crate::model::text::clean;
use crate::runbook::blocks::Block;
use crate::runbook::blocks::blocks;
use crate::runbook::odd;
use crate::runbook::prepare::Prepared;
use crate::runbook::prepare::prepare;
use crate::runbook::walk::Walk;
use crate::runbook::words;

/// A procedure is text that a person reads; the longest real one seen has 57 KB.
pub const LARGEST: usize = 4 * 1024 * 1024;
/// Steps of one procedure: more is no procedure.
const STEPS: usize = 2_000;

/// Why bytes are no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is larger than any procedure: how many bytes.
    TooLarge(u64),
    /// It holds bytes that are no text: the line.
    Binary(usize),
    /// It is text, but not in UTF-8: the line.
    NotUtf8(usize),
    /// It has more steps than can be walked: the line of the first that is too many.
    TooManySteps(usize),
}

/// Reads a document. `name` is the file's name without its folder; it names what names itself nowhere.
///
/// # Errors
/// When the bytes are no text, or more than a person would read.
pub fn read(name: &str, bytes: &[u8]) -> Result<Runbook, Unreadable> {
    if bytes.len() > LARGEST {
        return Err(Unreadable::TooLarge(bytes.len() as u64));
    }
    let line = |at: usize| bytes.iter().take(at).filter(|b| **b == b'\n').count() + 1;
    if let Some(at) = memchr::memchr(0, bytes) {
        return Err(Unreadable::Binary(line(at)));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| Unreadable::NotUtf8(line(e.valid_up_to())))?;
    let raw = text;
    let Prepared { text, front, unclosed, lines } = prepare(raw);
    let tree = blocks(&text);
    let named = named_steps(&tree);
    let mut walk = Walk::new(named);
    walk.all(&tree);
    let (mut book, steps) = walk.done();
    if let Some(step) = steps.get(STEPS) {
        return Err(Unreadable::TooManySteps(step.line));
    }
    book.structure = structure(named, &steps);
    book.steps = steps;
    unmask(&mut book, raw);
    book.lines = lines;
    book.unclosed = unclosed;
    book.language = words::language(&text);
    entitle(&mut book, &tree, name, &front);
    book.front = front;
    Ok(book)
}

/// Names what in the lines of each command is not what it seems: also what was taken out before it was read.
fn unmask(book: &mut Runbook, raw: &str) {
    if raw.is_ascii() && odd::find(raw).is_empty() {
        return;
    }
    let lines: Vec<&str> = raw.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l)).collect();
    for step in &mut book.steps {
        let validations = step.validations.iter_mut().map(|v| &mut v.command);
        for command in step.commands.iter_mut().chain(validations).chain(&mut step.rollback) {
            let from = command.line.saturating_sub(1);
            let own = lines.iter().skip(from).take(command.text.lines().count());
            let mut names: Vec<String> = own.flat_map(|l| odd::find(l)).map(|(_, c)| odd::name(c)).collect();
            names.sort_unstable();
            names.dedup();
            command.odd = names;
        }
    }
}

/// Does anything in it call itself a step?
fn named_steps(tree: &[Block]) -> bool {
    tree.iter().any(|block| match block {
        Block::Heading { text, .. } => words::step(text).is_some(),
        Block::Text(lines) => {
            lines.first().is_some_and(|l| l.bold > 0 && l.bold == l.text.len() && words::step(&l.text).is_some())
        }
        _ => false,
    })
}

fn structure(named: bool, steps: &[Step]) -> Structure {
    match steps.is_empty() {
        true => Structure::None,
        false if named => Structure::Steps,
        false if steps.iter().any(|s| s.section == Section::Steps && s.notes.first().is_some_and(|n| n == LISTED)) => {
            Structure::Lists
        }
        false => Structure::Headings,
    }
}

/// The note of a step that was an item of a numbered list, until the structure is told.
pub(super) const LISTED: &str = "\u{1}listed";

/// Id, title, and what the front matter says of the whole.
fn entitle(book: &mut Runbook, tree: &[Block], name: &str, front: &crate::model::runbook::Front) {
    for step in &mut book.steps {
        step.notes.retain(|n| n != LISTED);
    }
    let stem = stem(name);
    let heading = tree.iter().find_map(|b| match b {
        Block::Heading { level: 1, text, .. } => Some(text.clone()),
        _ => None,
    });
    let heading = heading.or_else(|| {
        tree.iter().find_map(|b| match b {
            Block::Heading { text, .. } => Some(text.clone()),
            _ => None,
        })
    });
    let (numbered, called) = match &heading {
        Some(text) => split_id(text),
        None => (None, String::new()),
    };
    let from_name = split_id(stem).0;
    let id = front.get(&["id"]).map(clean);
    book.id = id.or(from_name).or(numbered).unwrap_or_else(|| clean(stem));
    let title = front.get(&["titulo", "título", "title"]).map(clean).or(Some(called).filter(|t| !t.is_empty()));
    book.title = title.or(heading).unwrap_or_else(|| clean(stem));
    if let Some(language) = front.get(&["idioma", "language", "lang"]) {
        book.language = if language.to_lowercase().starts_with("es") { "es" } else { "en" };
    }
    let said = |names: &[&str]| front.get(names).map(clean).unwrap_or_default();
    let kind = said(&["tipo", "type", "kind"]);
    book.kind = if kind.is_empty() { label_of(tree, &["tipo", "type"]) } else { kind };
    let criticality = said(&["criticidad", "criticality"]);
    let criticality = if criticality.is_empty() { label_of(tree, &["criticidad", "criticality"]) } else { criticality };
    book.criticality = words::criticality(&criticality);
    book.signals = front.list(&["signals", "senales", "señales"]);
    book.alerts = front.list(&["alerts", "alertas"]);
    book.frequency = said(&["frecuencia", "frequency"]);
    book.version = said(&["version", "versión"]);
    let time =
        said(&["tiempo_estimado", "duracion_estimada", "duracion", "estimated_time", "estimated_duration", "duration"]);
    let time = if time.is_empty() {
        label_of(tree, &["tiempo estimado", "duracion estimada", "estimated time", "duration", "duracion"])
    } else {
        time
    };
    book.minutes = words::minutes(&time).or_else(|| time.trim().parse().ok());
}

/// A file's name without what says how it is to be read.
fn stem(name: &str) -> &str {
    let mut stem = name;
    while let Some(shorter) =
        [".md", ".markdown", ".erb", ".html", ".txt"].iter().find_map(|end| stem.strip_suffix(end))
    {
        stem = shorter;
    }
    stem
}

/// `PROC-BACKEND-008: Volver` → the id and the rest.
fn split_id(text: &str) -> (Option<String>, String) {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).unwrap_or(text.len());
    let word = text.get(..end).unwrap_or_default();
    // The id ends with its number; what follows in a file's name is its title.
    let mut parts: Vec<&str> = Vec::new();
    for part in word.split('-') {
        parts.push(part);
        if !part.is_empty() && part.len() >= 2 && part.chars().all(|c| c.is_ascii_digit()) {
            break;
        }
    }
    let id = parts.join("-");
    let last = parts.last().copied().unwrap_or_default();
    let numbered = (last.len() >= 2 && last.chars().all(|c| c.is_ascii_digit())) || last == "XXX";
    let good = numbered
        && parts.len() > 1
        && parts.iter().all(|p| p.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
    if !good {
        return (None, clean(text));
    }
    let rest = text.get(id.len()..).unwrap_or_default().trim_start_matches([':', '-', '–', '—', '.', ' ']);
    (Some(id), clean(rest))
}

/// What a label before the first section says: `**Criticidad:** ALTA`.
fn label_of(tree: &[Block], names: &[&str]) -> String {
    let head = tree.iter().take_while(|b| !matches!(b, Block::Heading { level: 2.., .. }));
    for block in head {
        let Block::Text(lines) = block else { continue };
        for line in lines {
            let Some((label, value)) = line.text.split_once(':') else { continue };
            if names.contains(&words::folded(label).as_str()) {
                return clean(value);
            }
        }
    }
    String::new()
}

/// A contact from a line: `Tech Lead: Ana - ext. 12`.
pub(super) fn contact(text: &str) -> Option<Contact> {
    let (role, name) = text.split_once(':').or_else(|| text.split_once(" - "))?;
    let (role, name) = (clean(role), clean(name));
    (!role.is_empty() && !name.is_empty() && role.len() < 60).then_some(Contact { role, name })
}

/// A line of a list.
pub(super) fn item(text: &str, line: usize) -> Item {
    Item { text: clean(text), code: Vec::new(), line }
}
