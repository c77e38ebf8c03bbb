//! What real documents get wrong, put right line by line before the Markdown parser sees it: lines keep their numbers.
//!
//! `CommonMark` lets a fence that nothing closes run to the end, and a ```` ```markdown ```` fence end at the first fence
//! inside it. Whoever wrote the document meant neither.

use std::borrow::Cow;

use crate::model::runbook::Front;
use crate::runbook::front;

/// Stands in a blank line that must not end a block of HTML.
pub(super) const BLANK: char = '\u{2063}';

/// A document whose lines can be parsed.
pub(super) struct Prepared {
    /// The lines, each ended by a line feed.
    pub text: String,
    /// What stood before them.
    pub front: Front,
    /// Lines, from 1, on which a fence opens that nothing closes.
    pub unclosed: Vec<usize>,
    /// How many lines there are.
    pub lines: usize,
}

/// A line that begins or ends a fence.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fence<'a> {
    mark: char,
    length: usize,
    info: &'a str,
    /// Where the marks begin in the line.
    at: usize,
}

fn fence(line: &str) -> Option<Fence<'_>> {
    // Most lines begin with nothing that could lead to one.
    if !line.trim_start().starts_with(['`', '~', '>', '-', '*']) {
        return None;
    }
    let mut rest = line;
    // Inside quotes and list items.
    loop {
        let trimmed = rest.trim_start();
        let inner = trimmed.strip_prefix("> ").or_else(|| {
            trimmed
                .strip_prefix("- ")
                .or_else(|| trimmed.strip_prefix("* "))
                .filter(|r| r.trim_start().starts_with(['`', '~']))
        });
        let Some(inner) = inner else {
            rest = trimmed;
            break;
        };
        rest = inner;
    }
    let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = rest.chars().take_while(|c| *c == mark).count();
    let info = rest.get(length..)?.trim();
    let good = length >= 3 && !(mark == '`' && info.contains('`'));
    good.then_some(Fence { mark, length, info, at: line.len() - rest.len() })
}

fn closes(line: Fence<'_>, open: Fence<'_>) -> bool {
    line.mark == open.mark && line.length >= open.length && line.info.is_empty()
}

/// `##Heading`: a blank is missing that every other renderer of its time did without.
fn heading(line: &str) -> Option<String> {
    if !line.starts_with("##") {
        return None;
    }
    let hashes = line.chars().take_while(|c| *c == '#').count();
    let next = line.chars().nth(hashes)?;
    let wanted = (2..=6).contains(&hashes) && !next.is_whitespace() && next != '#';
    let (marks, words) = line.split_at_checked(hashes)?;
    wanted.then(|| format!("{marks} {words}"))
}

fn is_markdown(info: &str) -> bool {
    let word = info.split_whitespace().next().unwrap_or_default();
    matches!(word.to_lowercase().as_str(), "markdown" | "md")
}

/// Letters that take no room and are seen by nobody: blanks and marks of zero width, marks of direction.
const UNSEEN: [char; 5] = ['\u{200b}', '\u{feff}', '\u{2060}', '\u{200e}', '\u{200f}'];

/// Bytes that what is taken out begins with in UTF-8.
const SUSPECT: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = (b < 0x20 && b != b'\n' as usize && b != b'\t' as usize) || matches!(b, 0x7f | 0xc2 | 0xe2 | 0xef);
        b += 1;
    }
    table
};

/// Is there nothing in it to be taken out? Most documents are so, and are not copied.
fn is_plain(raw: &str) -> bool {
    !raw.bytes().any(|b| SUSPECT[usize::from(b)])
        || !raw.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || UNSEEN.contains(&c))
}

/// The text without control characters and without what is not seen, its lines ended by line feeds.
fn plain(raw: &str) -> String {
    let ended = raw.replace("\r\n", "\n").replace('\r', "\n");
    let seen = |c: &char| (!c.is_control() || matches!(c, '\n' | '\t')) && !UNSEEN.contains(c);
    ended.chars().filter(seen).collect()
}

/// Prepares a text. Control characters and what is not seen go; tabs and line feeds stay.
pub(super) fn prepare(raw: &str) -> Prepared {
    let text = if is_plain(raw) { Cow::Borrowed(raw) } else { Cow::Owned(plain(raw)) };
    let all: Vec<&str> = text.lines().collect();
    let front = front::take(&all);
    let mut out: Vec<Cow<'_, str>> = Vec::with_capacity(all.len());
    let mut unclosed = Vec::new();
    let mut open: Option<(usize, Fence<'_>)> = None;
    // Fences inside a fence of Markdown, and how long its own marks are made so that none of them ends it.
    let mut inside = 0usize;
    let mut seen = Seen::default();
    // Between `<pre>` and `</pre>` a blank line is one: elsewhere it would end the block.
    let mut raw_html = false;
    let has_html = text.contains("<pre");
    for (i, line) in all.iter().enumerate() {
        if i < front.ends {
            out.push("".into());
            continue;
        }
        if has_html && open.is_none() && line.contains("<pre") {
            raw_html = true;
        }
        match (open, fence(line).filter(|_| !raw_html)) {
            (None, Some(f)) => {
                open = Some((i, f));
                (inside, seen) = (0, Seen::default());
                if is_markdown(f.info) {
                    out.push(longer(line, f).into());
                } else {
                    out.push((*line).into());
                }
            }
            (Some((_, o)), Some(f)) if is_markdown(o.info) && f.mark == o.mark => {
                // A block without a word opens where something announces it.
                let before = all[..i].iter().rev().find(|l| !l.trim().is_empty());
                let announced = inside == 0 && before.is_some_and(|l| announces(l));
                if !f.info.is_empty() || announced {
                    inside += 1;
                    out.push((*line).into());
                } else if inside > 0 {
                    inside -= 1;
                    out.push((*line).into());
                } else {
                    out.push(longer(line, f).into());
                    open = None;
                }
            }
            (Some((_, o)), Some(f)) if closes(f, o) => {
                out.push((*line).into());
                open = None;
            }
            (Some((at, o)), Some(f)) if seen.opens_anew(o, f) => {
                unclosed.push(at + 1);
                close_early(&all, &mut out, at, i, o);
                open = Some((i, f));
                seen = Seen::default();
                out.push((*line).into());
            }
            (Some(_), _) => out.push((*line).into()),
            (None, None) if raw_html && line.trim().is_empty() => out.push(BLANK.to_string().into()),
            (None, None) => out.push(heading(line).map_or_else(|| (*line).into(), Into::into)),
        }
        if raw_html && line.contains("</pre") {
            raw_html = false;
        }
        if open.is_some_and(|(at, _)| at < i) {
            seen.add(line);
        }
    }
    if let Some((at, f)) = open {
        unclosed.push(at + 1);
        close_early(&all, &mut out, at, all.len(), f);
    }
    let lines = all.len();
    let mut text = String::with_capacity(text.len() + 16);
    for line in &out {
        text.push_str(line);
        text.push('\n');
    }
    Prepared { text, front, unclosed, lines }
}

/// Does a line say that a block follows?
fn announces(line: &str) -> bool {
    line.trim_end().trim_end_matches('*').ends_with(':')
}

fn longer(line: &str, f: Fence<'_>) -> String {
    let (before, rest) = line.split_at(f.at);
    format!("{before}{}{rest}", f.mark.to_string().repeat(8))
}

/// What stands between an open fence and the line that is looked at. Kept, and not looked for at every later fence: a
/// file of nothing but fences would take as long as the square of its lines.
#[derive(Clone, Copy, Default)]
struct Seen {
    blank: bool,
    here_document: bool,
}

impl Seen {
    fn add(&mut self, line: &str) {
        self.blank |= line.trim().is_empty();
        self.here_document |= line.contains("<<");
    }

    /// Does a fence with a word stand where only the end of the open one could? Inside a here-document it may.
    fn opens_anew(self, open: Fence<'_>, f: Fence<'_>) -> bool {
        !f.info.is_empty() && f.mark == open.mark && self.blank && !self.here_document
    }
}

/// Closes a fence that nothing closes at the blank line before the next heading, or else at the last one before `end`.
fn close_early(all: &[&str], out: &mut [Cow<'_, str>], at: usize, end: usize, f: Fence<'_>) {
    let is_heading = |line: &str| line.starts_with("##") && line.trim_start_matches('#').starts_with(' ');
    let blank = |i: &usize| all[*i].trim().is_empty();
    let next = (at + 2..end).find(|i| is_heading(all[*i]) && blank(&(*i - 1)));
    let next = next.or_else(|| (at + 2..end).rev().find(|i| end < all.len() && blank(&(*i - 1))));
    if let Some(blank) = next.map(|i| i - 1) {
        let indent: String = all[at].chars().take_while(|c| c.is_whitespace()).collect();
        out[blank] = format!("{indent}{}", f.mark.to_string().repeat(f.length.max(8))).into();
        for i in blank + 1..end.min(out.len()) {
            if let Some(fixed) = heading(all[i]) {
                out[i] = fixed.into();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_that_nothing_closes_ends_before_the_next_heading() {
        let p = prepare("# t\n```bash\nls\n\n## Mitigation\ntext\n");
        assert_eq!((p.unclosed, p.lines), (vec![2], 6));
        assert_eq!(p.text.lines().nth(3), Some("````````"));
    }

    #[test]
    fn a_fence_inside_a_template_does_not_end_it() {
        let p = prepare("```markdown\n## A\n```bash\nls\n```\nend\n```\n## B\n");
        let lines: Vec<&str> = p.text.lines().collect();
        assert!(lines[0].starts_with("```````````markdown") && lines[6] == "```````````", "{lines:?}");
        assert_eq!((lines[2], lines[4], p.unclosed.len()), ("```bash", "```", 0));
    }

    #[test]
    fn what_is_not_seen_goes_and_lines_stay() {
        let p = prepare("\u{feff}---\r\nid: X\r\n---\r\n##Set it\r\n\u{200b}# c\u{1b}[31m\r\n");
        assert_eq!(p.text, "\n\n\n## Set it\n# c[31m\n");
        assert_eq!(p.front.get(&["id"]), Some("X"));
    }
}
