//! Goes through the blocks of a document in order and puts each where it belongs: the section it stands in, the step
//! that is open, the label it stands under.

use crate::model::runbook::Command;
use crate::model::runbook::Item;
use crate::model::runbook::Runbook;
use crate::model::runbook::Section;
use crate::model::runbook::Step;
use crate::model::runbook::Trouble;
use crate::model::runbook::Validation;
use crate::model::text::clean;
use crate::model::text::clean_lines;
use crate::model::text::is_unsafe;
use crate::runbook::blocks::Block;
use crate::runbook::blocks::Line;
use crate::runbook::blocks::ListItem;
use crate::runbook::fences::Meaning;
use crate::runbook::fences::begins_as_command;
use crate::runbook::fences::meaning;
use crate::runbook::mark;
use crate::runbook::read::LISTED;
use crate::runbook::read::contact;
use crate::runbook::read::item;
use crate::runbook::vocabulary;
use crate::runbook::vocabulary::Area;
use crate::runbook::vocabulary::Label;
use crate::runbook::words;

/// A title that was a sentence is cut here.
const TITLE: usize = 100;
/// The level of what is no heading but looks like one: below every heading.
const BOLD: u8 = 7;

pub(super) struct Walk {
    book: Runbook,
    steps: Vec<Step>,
    /// Headings that are open: their level, and what they opened.
    areas: Vec<(u8, Option<Area>)>,
    /// A step is open, and the level of its heading.
    open: Option<u8>,
    label: Label,
    /// The document has steps that call themselves so.
    named: bool,
    /// The newest heading, as it is written.
    heading: String,
    /// A block of code follows the list: fences at the margin break lists whose items they belong to.
    code_follows: bool,
    /// The document has its title.
    titled: bool,
    /// Numbers given so far to steps that have none.
    numbers: [usize; 5],
}

impl Walk {
    pub(super) fn new(named: bool) -> Self {
        Self {
            book: Runbook::default(),
            steps: Vec::new(),
            areas: Vec::new(),
            open: None,
            label: Label::default(),
            named,
            heading: String::new(),
            code_follows: false,
            titled: false,
            numbers: [0; 5],
        }
    }

    pub(super) fn all(&mut self, blocks: &[Block]) {
        for (i, block) in blocks.iter().enumerate() {
            self.code_follows = matches!(blocks.get(i + 1), Some(Block::Code { .. }));
            self.block(block);
        }
    }

    /// What was found. Steps that nobody called so count only where something can be run.
    pub(super) fn done(mut self) -> (Runbook, Vec<Step>) {
        let named = self.named;
        let listed = |s: &Step| s.notes.first().is_some_and(|n| n == LISTED);
        let called = |s: &Step| !s.id.is_empty();
        let tells = |s: &Step| !s.commands.is_empty() || !s.validations.is_empty() || !s.rollback.is_empty();
        self.steps.retain(|s| {
            called(s) || tells(s) || listed(s) || (named && s.section != Section::Steps && !s.expected.is_empty())
        });
        let mut steps = self.steps;
        for step in &mut steps {
            if step.id.is_empty() {
                let n = &mut self.numbers[step.section as usize];
                *n += 1;
                step.id = format!("{}{n}", step.section.letter());
            }
        }
        (self.book, steps)
    }

    fn area(&self) -> Option<Area> {
        self.areas.iter().rev().find_map(|(_, area)| *area)
    }

    fn section(&self) -> Option<Section> {
        match self.area() {
            Some(Area::Steps(section)) => Some(section),
            _ => None,
        }
    }

    fn step(&mut self) -> Option<&mut Step> {
        self.open?;
        self.steps.last_mut()
    }

    fn begin(&mut self, id: &str, title: &str, level: u8, line: usize) {
        let here = self.section();
        let section = match id.chars().next() {
            Some('P') => Section::Preflight,
            Some('R') => Section::Rollback,
            Some('V') => Section::Validation,
            Some('X') => Section::Post,
            _ => here.unwrap_or_default(),
        };
        // A number alone belongs to its section.
        let id = if id.starts_with(|c: char| c.is_ascii_digit()) {
            format!("{}{id}", section.letter())
        } else {
            id.to_owned()
        };
        let mut title = clean(unnumbered(title).trim_end_matches(':'));
        if title.chars().count() > TITLE {
            title = crate::model::text::fit(&title, TITLE);
        }
        self.steps.push(Step { id, section, title, line, ..Step::default() });
        self.open = Some(level);
        self.label = Label::default();
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading { level, text, line } => self.heading(*level, text, *line),
            Block::Text(lines) => self.text(lines),
            Block::Code { info, text, line } => self.code(info, text, *line),
            Block::List { ordered, items } => self.list(*ordered, items),
            Block::Table { head, rows } => self.table(head, rows),
        }
    }

    fn heading(&mut self, level: u8, text: &str, line: usize) {
        self.heading = clean(text);
        if level == 2 {
            self.book.headings.push(item(&words::folded(text), line));
        }
        if let Some((id, title)) = words::step(text) {
            self.areas.retain(|(l, _)| *l < level);
            return self.begin(&id, &title, level, line);
        }
        // A label may be written as a heading, below the heading of its step.
        let inside = self.open.is_some_and(|l| level > l);
        if inside && let Some(label) = vocabulary::label(text) {
            self.label = label;
            return;
        }
        if inside && self.named {
            self.label = Label::default();
            return;
        }
        self.open = None;
        self.label = Label::default();
        self.areas.retain(|(l, _)| *l < level);
        let before = self.area();
        // The first heading of the first level is what the document is called, whatever its words.
        let title = level == 1 && !std::mem::replace(&mut self.titled, true);
        let found = if title { None } else { vocabulary::area(text) };
        // Below "Troubleshooting" a heading "Solution" is a problem's, not the procedure's.
        let kept = matches!(before, Some(Area::Troubles | Area::Prerequisites | Area::Contacts)) && level > 2;
        let found = if kept { None } else { found };
        self.areas.push((level, found));
        match self.area() {
            Some(Area::Troubles) if before == Some(Area::Troubles) => {
                let title = text
                    .split_once(':')
                    .filter(|(n, _)| n.chars().any(|c| c.is_ascii_digit()))
                    .map_or(text, |(_, t)| t);
                self.book.troubles.push(Trouble { title: clean(title), ..Trouble::default() });
            }
            Some(Area::Steps(Section::Validation | Section::Post)) if found.is_none() || found == before => {
                self.begin("", text, level, line);
            }
            Some(Area::Steps(_)) if !self.named => self.begin("", text, level, line),
            None if !self.named && level > 1 => self.begin("", text, level, line),
            _ => {}
        }
    }

    /// Lines of text: each may begin with a label.
    fn text(&mut self, lines: &[Line]) {
        if let [only] = lines
            && only.bold > 0
            && only.bold == only.text.len()
        {
            if let Some((id, title)) = words::step(&only.text) {
                return self.begin(&id, &title, BOLD, only.number);
            }
            if vocabulary::label(&only.text).is_none()
                && !self.named
                && self.open.is_some()
                && self.area() != Some(Area::Troubles)
            {
                // A heading in all but its marks.
                return self.begin("", &only.text, BOLD, only.number);
            }
        }
        for line in lines {
            self.line(line);
        }
    }

    fn line(&mut self, line: &Line) {
        let (label, rest) = match labelled(line) {
            Some((Some(label), rest)) => (label, rest),
            Some((None, _)) => {
                // A label of the document's own: what follows is the step's.
                if !matches!(self.area(), Some(Area::Contacts | Area::Troubles)) {
                    self.label = Label::default();
                }
                return self.say(&line.text, line);
            }
            None => return self.say(&line.text, line),
        };
        let rest = rest.trim();
        if mark::take(self.step(), label, rest, line.number) {
            return;
        }
        self.label = label;
        if rest.is_empty() {
            return;
        }
        // `**Validación:** `curl -f …`` is a command in a line.
        if let [code] = line.code.as_slice()
            && words::folded(code) == words::folded(rest)
        {
            let command =
                Command { shell: "bash".to_owned(), text: code.clone(), line: line.number, ..Command::default() };
            match label {
                Label::Validation => return self.validate(command),
                Label::Rollback => return self.undo(command),
                Label::Commands if begins_as_command(code) => return self.run(command),
                Label::Output => return self.printed(code),
                _ => {}
            }
        }
        self.say(rest, line);
    }

    /// Words that stand under the label that is open.
    fn say(&mut self, text: &str, line: &Line) {
        let text = clean(text);
        match (self.area(), self.label) {
            (_, Label::Triggers) | (Some(Area::Triggers), _) => {}
            (Some(Area::Contacts), _) => self.book.contacts.extend(contact(&text)),
            (Some(Area::Troubles), label) => self.trouble(label, text),
            (_, label) => {
                if label == Label::Output {
                    return self.printed(&text);
                }
                let Some(step) = self.step() else { return };
                match label {
                    Label::Expected => join(&mut step.expected, &text),
                    Label::IfFails => step.if_fails.push(text),
                    Label::Validation if step.expected.is_empty() => step.expected = text,
                    _ => step.notes.push(text),
                }
                let _ = line;
            }
        }
    }

    fn trouble(&mut self, label: Label, text: String) {
        if self.book.troubles.is_empty() {
            return;
        }
        if let Some(trouble) = self.book.troubles.last_mut() {
            match label {
                Label::Symptoms => trouble.symptoms.push(text),
                Label::Cause => join(&mut trouble.cause, &text),
                _ => {}
            }
        }
    }

    fn run(&mut self, command: Command) {
        let said = expected_comment(&command.text);
        if let Some(step) = self.step() {
            if let Some(said) = said.filter(|_| step.expected.is_empty()) {
                step.expected = said;
            }
            step.commands.push(command);
        }
    }

    fn validate(&mut self, command: Command) {
        if let Some(step) = self.step() {
            step.validations.push(Validation { command, expected: String::new() });
        }
    }

    fn undo(&mut self, command: Command) {
        if let Some(step) = self.step() {
            step.rollback.push(command);
        }
    }

    /// What a machine compares belongs to the validation before it; without one a person compares.
    fn printed(&mut self, text: &str) {
        if let Some(step) = self.step() {
            if let Some(validation) = step.validations.last_mut() {
                return join(&mut validation.expected, text);
            }
            step.prints |= step.expected.is_empty();
            join(&mut step.expected, text);
        }
    }

    fn code(&mut self, info: &str, text: &str, line: usize) {
        let text = clean_code(text);
        let meaning = meaning(info, &text, line);
        if self.area() == Some(Area::Troubles) {
            if let (Meaning::Run(command), Some(trouble)) = (meaning, self.book.troubles.last_mut()) {
                trouble.commands.push(command);
            }
            return;
        }
        // Commands that stand right under a heading are a step of their own.
        let alone = match self.area() {
            Some(Area::Steps(section)) => section != Section::Steps || !self.named,
            None => !self.named,
            Some(_) => false,
        };
        if self.open.is_none() && alone && matches!(meaning, Meaning::Run(_)) {
            let title = self.heading.clone();
            self.begin("", &title, BOLD, line);
        }
        let by_word = !info.trim().is_empty();
        match (self.label, meaning) {
            // After a validation the next block without a word is what it prints.
            (Label::Output, _) | (Label::Validation, Meaning::Look) => self.printed(text.trim_end()),
            (Label::Expected, Meaning::Run(command)) if by_word => self.run(command),
            (Label::Expected, _) => {
                if let Some(step) = self.step() {
                    join(&mut step.expected, text.trim_end());
                }
            }
            (Label::Validation, Meaning::Run(command)) => self.validate(command),
            (Label::Rollback, Meaning::Run(command)) => self.undo(command),
            (Label::IfFails, Meaning::Run(command)) => {
                if let Some(step) = self.step() {
                    step.if_fails.push(clean_lines(&command.text));
                }
            }
            (_, Meaning::Run(command)) => self.run(command),
            (_, Meaning::Look) => {}
        }
    }

    fn list(&mut self, ordered: bool, items: &[ListItem]) {
        match (self.area(), self.label) {
            (Some(Area::Prerequisites), _) => {
                for entry in items {
                    self.prerequisite(entry);
                }
                return;
            }
            (Some(Area::Triggers), _) | (_, Label::Triggers) => {
                let lines = items.iter().filter_map(first_line);
                self.book.triggers.extend(lines.map(|l| item(&l.text, l.number)));
                return;
            }
            _ => {}
        }
        let has_code = |i: &ListItem| i.blocks.iter().any(|b| matches!(b, Block::Code { .. }));
        let code_follows = self.code_follows;
        let walkable = matches!(self.area(), Some(Area::Steps(_))) || items.iter().any(has_code) || code_follows;
        if ordered
            && !self.named
            && walkable
            && !matches!(self.area(), Some(Area::Aside | Area::Troubles | Area::Contacts))
        {
            self.numbered(items);
            if code_follows {
                self.open = Some(BOLD);
            }
            return;
        }
        // A check list right under the heading of a validation is what it comes to.
        let lists = matches!(self.section(), Some(Section::Validation | Section::Post));
        if self.open.is_none() && self.named && lists && !items.is_empty() {
            let title = self.heading.clone();
            self.begin("", &title, BOLD, items.first().map_or(0, |i| i.line));
            self.label = Label::Expected;
        }
        for entry in items {
            self.item(entry);
        }
    }

    fn prerequisite(&mut self, entry: &ListItem) {
        let coded = |l: &Line| Item { code: l.code.clone(), ..item(&l.text, l.number) };
        self.book.prerequisites.extend(first_line(entry).map(coded));
        for block in &entry.blocks {
            if let Block::List { items, .. } = block {
                for inner in items {
                    self.prerequisite(inner);
                }
            }
        }
    }

    /// An item of a list inside a step: its text under the label, its blocks as if they stood there.
    fn item(&mut self, entry: &ListItem) {
        let label = self.label;
        // A check list of what is to be so, or to be done afterwards, is what a person looks at.
        let criteria = matches!(self.section(), Some(Section::Validation | Section::Post)) && label == Label::Commands;
        let mut goes_on = None;
        for block in &entry.blocks {
            match block {
                Block::Text(lines) => {
                    for (i, line) in lines.iter().enumerate() {
                        // A label right below the last item, without a blank line, is no part of it to anybody's eye.
                        if let Some((Some(label), _)) = labelled(line).filter(|_| i > 0) {
                            goes_on = Some(label);
                        }
                        if criteria && labelled(line).is_none() {
                            if let Some(step) = self.step() {
                                join(&mut step.expected, &clean(&line.text));
                            }
                        } else {
                            self.line(line);
                        }
                    }
                }
                Block::List { ordered: true, items } if !self.named => self.numbered(items),
                other => self.block(other),
            }
        }
        // A label inside an item ends with it; one that stood before the list holds for all of it.
        if let Some(label) = goes_on {
            self.label = label;
        } else if label != Label::Commands {
            self.label = label;
        }
    }

    /// The items of a numbered list are steps.
    fn numbered(&mut self, items: &[ListItem]) {
        let level = self.open;
        for entry in items {
            let title = first_line(entry).map(|l| l.text.clone()).unwrap_or_default();
            self.begin("", &title, BOLD, entry.line);
            if let Some(step) = self.step() {
                step.notes.push(LISTED.to_owned());
            }
            let mut first = true;
            for block in &entry.blocks {
                match block {
                    Block::Text(lines) => {
                        let skip = usize::from(std::mem::take(&mut first));
                        for line in lines.iter().skip(skip) {
                            self.line(line);
                        }
                    }
                    Block::List { items, .. } => {
                        for inner in items {
                            self.item(inner);
                        }
                    }
                    other => self.block(other),
                }
            }
        }
        // What follows the list is no part of its last item.
        self.open = level.filter(|_| false);
        self.label = Label::default();
    }

    fn table(&mut self, head: &[String], rows: &[Vec<String>]) {
        if self.area() == Some(Area::Contacts) && head.len() >= 2 {
            for row in rows {
                let line = row.iter().filter(|c| !c.is_empty()).cloned().collect::<Vec<_>>();
                if let Some((role, rest)) = line.split_first() {
                    self.book.contacts.extend(contact(&format!("{role}: {}", rest.join(" - "))));
                }
            }
        }
    }
}

/// A line that begins with a label: the label, if it is one that is known, and what follows it.
fn labelled(line: &Line) -> Option<(Option<Label>, &str)> {
    let (bold, rest) = line.split();
    if !bold.is_empty() {
        let colon = bold.trim_end().ends_with(':') || rest.trim_start().starts_with(':');
        let after = rest.trim_start().trim_start_matches(':');
        if colon {
            return Some((vocabulary::label(bold), after));
        }
        // `**Validación: algo**`
        if let Some((label, _)) = bold.split_once(':')
            && let Some(label) = vocabulary::label(label)
        {
            let at = line.text.find(':').map_or(line.text.len(), |at| at + 1);
            return Some((Some(label), line.text.get(at..).unwrap_or_default()));
        }
        return rest.trim().is_empty().then(|| vocabulary::label(bold)).flatten().map(|l| (Some(l), ""));
    }
    let (label, rest) = line.text.split_once(':')?;
    let known = vocabulary::label(label).filter(|_| label.len() < 40)?;
    // In running text `time: …` or `output: …` is a word like any other.
    let plain = matches!(
        known,
        Label::Duration | Label::Output | Label::Commands | Label::Host | Label::When | Label::Until | Label::Timeout
    ) && label.chars().next().is_some_and(char::is_lowercase);
    (!plain).then_some((Some(known), rest))
}

/// `3. Destroy the key` → `Destroy the key`: its number is the step's own.
fn unnumbered(title: &str) -> &str {
    let rest = title.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let numbered = rest.len() < title.len() && rest.starts_with([' ', ')']);
    if numbered { rest.trim_start_matches([')', ' ']) } else { title }
}

fn first_line(entry: &ListItem) -> Option<&Line> {
    entry.blocks.iter().find_map(|b| match b {
        Block::Text(lines) => lines.first(),
        _ => None,
    })
}

fn join(into: &mut String, text: &str) {
    if !into.is_empty() {
        into.push('\n');
    }
    into.push_str(text);
}

/// `# Esperado: active (running)` inside a block of commands.
fn expected_comment(text: &str) -> Option<String> {
    text.lines().find_map(|l| {
        let (label, rest) = l.trim().strip_prefix('#')?.split_once(':')?;
        (vocabulary::label(label)? == Label::Expected && !rest.trim().is_empty()).then(|| clean(rest))
    })
}

/// Code as it stands, without what would steer a terminal; tabs stay, they may be part of a here-document.
fn clean_code(text: &str) -> String {
    let good = |c: &char| matches!(c, '\n' | '\t') || !is_unsafe(*c);
    if text.chars().all(|c| good(&c)) { text.to_owned() } else { text.chars().filter(good).collect() }
}
