//! Where things stand on the screen: a size and a focus go in, areas come out.

use ratatui::layout::Rect;

use crate::model::text;

/// From this width on the board has two columns and charts; below it everything is one column, without charts.
pub const WIDE: u16 = 100;
/// Rows that never leave at 80 columns: two of header, one of ages, six of *Now*.
const HEAD: u16 = 9;

/// A part of the board that can be focused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// Health checks.
    Health,
    /// The session table.
    Sessions,
    /// Failures per minute.
    Failures,
    /// Latency.
    Latency,
    /// All signals.
    Signals,
    /// What to do.
    #[default]
    Todo,
    /// What happened.
    Facts,
    /// Alerts and silences.
    Alerts,
}

impl Pane {
    /// How many there are.
    pub const COUNT: usize = 8;
    /// In the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Health,
        Self::Sessions,
        Self::Failures,
        Self::Latency,
        Self::Signals,
        Self::Todo,
        Self::Facts,
        Self::Alerts,
    ];

    /// Its place in `ALL`.
    #[must_use]
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|p| *p == self).unwrap_or_default()
    }

    /// The key that goes there.
    #[must_use]
    pub fn number(self) -> usize {
        self.index() + 1
    }

    /// The pane of a number, from 1.
    #[must_use]
    pub fn numbered(n: u8) -> Option<Self> {
        Self::ALL.get(usize::from(n).checked_sub(1)?).copied()
    }

    /// The one after.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self.index() + 1) % Self::COUNT]
    }

    /// The one before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::ALL[(self.index() + Self::COUNT - 1) % Self::COUNT]
    }
}

/// A titled part of a box: the row of its title, and the room below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Which pane.
    pub pane: Pane,
    /// The row with the title, the full width of the box.
    pub title: Rect,
    /// The room for its content.
    pub body: Rect,
}

/// A box with one or more sections, one above the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// The box, border included.
    pub frame: Rect,
    /// Its sections, from the top.
    pub sections: Vec<Section>,
}

/// The whole screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// Two lines: what, how bad, since when; who and how it is judged.
    pub header: Rect,
    /// The line of ages (narrow screens; wide ones have it in the border of `now`).
    pub ages: Rect,
    /// The *Now* lines; with a border on wide screens.
    pub now: Rect,
    /// The panes, on wide screens.
    pub stacks: Vec<Stack>,
    /// The panes, on narrow screens: without borders.
    pub bare: Vec<Section>,
    /// Hints.
    pub footer: Rect,
    /// Two columns and borders.
    pub wide: bool,
}

/// How many lines there are to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Health checks.
    pub checks: usize,
    /// Signals.
    pub signals: usize,
    /// Alerts, folded; `None` where nothing tells of alerts.
    pub alerts: Option<usize>,
}

/// Divides a screen.
#[must_use]
pub fn areas(size: (u16, u16), focus: Pane, zoom: bool, lines: Lines) -> Areas {
    let screen = Rect::new(0, 0, size.0, size.1);
    if screen.width >= WIDE && screen.height >= 24 {
        wide(screen, focus, zoom, lines)
    } else {
        narrow(screen, focus, zoom)
    }
}

/// Takes rows from the top of `rest`, as many as there are up to `n`.
fn take(rest: &mut Rect, n: u16) -> Rect {
    let n = n.min(rest.height);
    let top = Rect { height: n, ..*rest };
    rest.y += n;
    rest.height -= n;
    top
}

fn narrow(screen: Rect, focus: Pane, zoom: bool) -> Areas {
    let mut rest = screen;
    // On the smallest screens the lines that say what is wrong go first, the hints last.
    let footer_rows = u16::from(screen.height > HEAD);
    rest.height -= footer_rows;
    let footer = Rect { y: screen.height.saturating_sub(1), height: footer_rows, ..screen };
    let header = take(&mut rest, 2);
    let ages = take(&mut rest, 1);
    let now = take(&mut rest, 6);
    let bare = match (focus, zoom) {
        (Pane::Todo | Pane::Facts, false) => {
            let rows = (rest.height / 2).min(7);
            let todo = take(&mut rest, rows);
            vec![bare_section(Pane::Todo, todo), bare_section(Pane::Facts, rest)]
        }
        _ => vec![bare_section(focus, rest)],
    };
    Areas { header, ages, now, stacks: Vec::new(), bare, footer, wide: false }
}

fn bare_section(pane: Pane, mut area: Rect) -> Section {
    let title = take(&mut area, 1);
    Section { pane, title, body: area }
}

fn wide(screen: Rect, focus: Pane, zoom: bool, lines: Lines) -> Areas {
    let mut rest = screen;
    rest.height -= 1;
    let footer = Rect { y: screen.height - 1, height: 1, ..screen };
    let header = take(&mut rest, 2);
    let now = take(&mut rest, 7);
    let stacks = if zoom { vec![stack(rest, &[(focus, None)])] } else { board(rest, lines) };
    Areas { header, ages: Rect::default(), now, stacks, bare: Vec::new(), footer, wide: true }
}

fn board(mut rest: Rect, lines: Lines) -> Vec<Stack> {
    // A quarter of the rows below *Now* for the facts, at least two of them, at most twelve.
    let facts_rows = (rest.height / 4).clamp(4, 14);
    let middle_rows = rest.height.saturating_sub(facts_rows);
    let middle = take(&mut rest, middle_rows);
    let (left, right) = halves(middle);
    let inner = left.height.saturating_sub(1);
    // Latency gets a real chart when there is room for two.
    let latency = if inner >= 32 { 9 } else { 2 };
    let sessions = if inner >= 21 { 4 } else { 2 };
    let room = inner.saturating_sub(latency + sessions + 4);
    let health = (lines.checks.max(1) as u16).min((room / 2).max(1)).min(24);
    // Alerts take what they need, up to a quarter; whom to call keeps the most of what is left.
    let alerts = lines.alerts.map(|n| (n as u16).clamp(1, (right.height / 4).max(2)));
    let contacts = (right.height / 2).max(6).saturating_sub(alerts.map_or(0, |n| n / 2 + 1));
    let taken = contacts + 3 + alerts.map_or(0, |n| n + 1);
    let listed = (lines.signals as u16).min(right.height.saturating_sub(taken)).max(2);
    let mut column = vec![(Pane::Todo, None)];
    column.extend(alerts.map(|n| (Pane::Alerts, Some(n))));
    column.push((Pane::Signals, Some(listed)));
    vec![
        stack(
            left,
            &[
                (Pane::Failures, None),
                (Pane::Latency, Some(latency)),
                (Pane::Health, Some(health)),
                (Pane::Sessions, Some(sessions)),
            ],
        ),
        stack(right, &column),
        stack(rest, &[(Pane::Facts, None)]),
    ]
}

fn halves(area: Rect) -> (Rect, Rect) {
    let left = Rect { width: area.width / 2, ..area };
    let right = Rect { x: area.x + left.width, width: area.width - left.width, ..area };
    (left, right)
}

/// Divides a box among sections; the one without a height takes what is left.
fn stack(frame: Rect, wanted: &[(Pane, Option<u16>)]) -> Stack {
    let fixed: u16 = wanted.iter().filter_map(|(_, h)| *h).sum();
    let titles = wanted.len() as u16;
    let mut left = frame.height.saturating_sub(fixed + titles + 1);
    let mut y = frame.y;
    let bottom = frame.bottom().saturating_sub(1);
    let mut sections = Vec::new();
    for (pane, height) in wanted {
        if y >= bottom {
            break;
        }
        let height = height.unwrap_or_else(|| std::mem::take(&mut left)).min(bottom - y - 1);
        let title = Rect { y, height: 1, ..frame };
        let body = Rect { x: frame.x + 2, y: y + 1, width: frame.width.saturating_sub(4), height };
        sections.push(Section { pane: *pane, title, body });
        y += 1 + height;
    }
    Stack { frame, sections }
}

/// A walk through a procedure, on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// What is walked, how far it has come, how long it takes.
    pub title: Rect,
    /// What the signals do meanwhile.
    pub now: Rect,
    /// The steps.
    pub list: Rect,
    /// The name of the selected step, and where it runs.
    pub step: Rect,
    /// What is known of it, in words.
    pub words: Rect,
    /// Its commands, or its terminal.
    pub body: Rect,
}

/// Lines of words above the terminal of a step.
const WORDS: u16 = 2;
/// Steps in sight at 80 columns: the selected one, what was before, and what comes.
const STEPS: u16 = 6;

/// Divides the screen for a walk; zoomed, the selected step has all of it.
#[must_use]
pub fn walk(size: (u16, u16), zoom: bool) -> Walk {
    let screen = Rect::new(0, 0, size.0, size.1);
    let mut rest = screen;
    // The header and the hints stay.
    let _ = take(&mut rest, 2);
    rest.height = rest.height.saturating_sub(1);
    let title = take(&mut rest, 1);
    let now = take(&mut rest, 1);
    let mut right = rest;
    let list = if zoom {
        Rect::default()
    } else if size.0 >= WIDE {
        let width = (size.0 * 2 / 5).min(64);
        right = Rect { x: width + 1, width: size.0 - width - 1, ..rest };
        Rect { width, ..rest }
    } else {
        let rows = STEPS.min(rest.height / 3);
        let list = take(&mut rest, rows);
        right = rest;
        list
    };
    let step = take(&mut right, 1);
    let words = take(&mut right, WORDS);
    Walk { title, now, list, step, words, body: right }
}

/// How wide the text of a page is on a screen of this size, and how many rows of it are seen at once at the most;
/// nothing where no page fits.
#[must_use]
pub fn page_text(size: (u16, u16)) -> Option<(usize, usize)> {
    let width = if size.0 < WIDE { size.0 } else { (size.0 - 4).min(100) };
    // The header and the last line stay in sight; a frame takes two rows.
    (width >= 12 && size.1 >= 6).then(|| (usize::from(width - 4), usize::from(size.1 - 5)))
}

/// A line of one piece is wrapped; one of several (a table row) wraps its last piece under itself. What stands beside
/// each piece goes with it.
#[must_use]
pub fn wrapped<T: Copy + Default>(line: &[(String, T)], width: usize) -> Vec<Vec<(String, T)>> {
    let Some((last, fixed)) = line.split_last() else {
        return vec![Vec::new()];
    };
    let indent: usize = fixed.iter().map(|(s, _)| text::width(s)).sum();
    if indent + 10 > width {
        return vec![line.to_vec()];
    }
    text::wrap(&last.0, width - indent)
        .into_iter()
        .enumerate()
        .map(|(i, part)| {
            let mut out = if i == 0 { fixed.to_vec() } else { vec![(" ".repeat(indent), T::default())] };
            out.push((part, last.1));
            out
        })
        .collect()
}

/// The size of a step's terminal on a screen of this size, columns and rows.
#[must_use]
pub fn console(size: (u16, u16), zoom: bool) -> (u16, u16) {
    let body = walk(size, zoom).body;
    // Before the size is known, and on screens where nothing fits, programs still want a terminal.
    (body.width.saturating_sub(2).max(20), body.height.max(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_and_previous_undo_each_other() {
        for p in Pane::ALL {
            assert_eq!(p.next().previous(), p);
            assert_eq!(Pane::numbered(p.number() as u8), Some(p));
        }
        assert_eq!(Pane::numbered(0), None);
    }

    #[test]
    fn everything_stays_on_the_screen_at_any_size() {
        for w in 0..210 {
            for h in 0..70 {
                for (focus, zoom) in [(Pane::Todo, false), (Pane::Health, false), (Pane::Failures, true)] {
                    let a = areas((w, h), focus, zoom, Lines { checks: 20, signals: 9, alerts: Some(h.into()) });
                    let screen = Rect::new(0, 0, w, h);
                    let bodies = a.stacks.iter().flat_map(|s| s.sections.iter()).chain(&a.bare);
                    for r in bodies.flat_map(|s| [s.title, s.body]).chain([a.header, a.now, a.ages, a.footer]) {
                        assert_eq!(r.intersection(screen).area(), r.area(), "{r:?} leaves {w}x{h}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_head_and_the_hints_never_leave_at_80_columns() {
        for focus in Pane::ALL {
            for zoom in [false, true] {
                let a = areas((80, 24), focus, zoom, Lines { checks: 4, signals: 5, alerts: None });
                assert_eq!((a.header.height, a.ages.height, a.now.height, a.footer.height), (2, 1, 6, 1));
            }
        }
    }
}
