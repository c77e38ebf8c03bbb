//! The blocks of a document, with their lines.

use pulldown_cmark::CodeBlockKind;
use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;

use crate::model::text::clean;
use crate::model::text::is_plain;
use crate::model::text::is_unsafe;
use crate::runbook::prepare::BLANK;

/// Containers inside each other; what lies deeper is read as if it lay here.
const DEEPEST: usize = 24;

/// One line of running text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// All of it.
    pub text: String,
    /// Where the bold words end that it begins with; 0 without any.
    pub bold: usize,
    /// The code in it.
    pub code: Vec<String>,
    /// From 1.
    pub number: usize,
}

impl Line {
    /// The bold words at its beginning, and what follows.
    pub(super) fn split(&self) -> (&str, &str) {
        self.text.split_at(self.bold)
    }
}

/// An item of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ListItem {
    pub line: usize,
    pub blocks: Vec<Block>,
}

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block {
    Heading { level: u8, text: String, line: usize },
    Text(Vec<Line>),
    Code { info: String, text: String, line: usize },
    List { ordered: bool, items: Vec<ListItem> },
    Table { head: Vec<String>, rows: Vec<Vec<String>> },
}

/// What is open while events come.
enum Open {
    Root(Vec<Block>),
    List { ordered: bool, items: Vec<ListItem> },
    Item(ListItem),
    Table { head: Vec<String>, rows: Vec<Vec<String>>, row: Vec<String> },
}

struct Builder {
    starts: Vec<usize>,
    open: Vec<Open>,
    /// Containers that lie too deep to be kept.
    skipped: usize,
    lines: Vec<Line>,
    bold: usize,
    code: Option<(String, String, usize)>,
    html: Option<(String, usize)>,
}

/// The blocks of a text.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|i| i + 1)).collect();
    let mut builder = Builder {
        starts,
        open: vec![Open::Root(Vec::new())],
        skipped: 0,
        lines: Vec::new(),
        bold: 0,
        code: None,
        html: None,
    };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        builder.take(event, range.start);
    }
    builder.flush();
    while builder.open.len() > 1 {
        builder.close();
    }
    match builder.open.pop() {
        Some(Open::Root(blocks)) => blocks,
        _ => Vec::new(),
    }
}

impl Builder {
    fn line_of(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    fn take(&mut self, event: Event<'_>, at: usize) {
        match event {
            Event::Start(tag) => self.start(&tag, at),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => {
                if let Some((_, code, line)) = &mut self.code {
                    if code.is_empty() {
                        // The line that the first of it stands on.
                        *line = self.starts.partition_point(|start| *start <= at);
                    }
                    code.push_str(&text);
                } else {
                    self.word(&text, at);
                }
            }
            Event::Code(code) => {
                self.word(&code, at);
                if let Some(line) = self.lines.last_mut() {
                    line.code.push(clean(&code));
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                let line = self.line_of(at) + 1;
                self.lines.push(Line { number: line, ..Line::default() });
            }
            Event::InlineHtml(html) => self.inline_html(&html, at),
            Event::Html(html) => {
                if let Some((text, _)) = &mut self.html {
                    text.push_str(&html);
                }
            }
            _ => {}
        }
    }

    fn word(&mut self, text: &str, at: usize) {
        if self.lines.is_empty() {
            let line = self.line_of(at);
            self.lines.push(Line { number: line, ..Line::default() });
        }
        let bold = self.bold > 0;
        if let Some(line) = self.lines.last_mut() {
            let leads = line.bold == line.text.len();
            line.text.push_str(text);
            if bold && leads {
                line.bold = line.text.len();
            }
        }
    }

    fn start(&mut self, tag: &Tag<'_>, at: usize) {
        match tag {
            Tag::Paragraph => self.flush(),
            Tag::Heading { .. } | Tag::TableCell => {
                self.flush();
                self.lines.push(Line { number: self.line_of(at), ..Line::default() });
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((info, String::new(), self.line_of(at)));
            }
            Tag::HtmlBlock => {
                self.flush();
                self.html = Some((String::new(), self.line_of(at)));
            }
            Tag::List(first) => {
                self.flush();
                self.container(Open::List { ordered: first.is_some(), items: Vec::new() });
            }
            Tag::Item => {
                self.flush();
                let line = self.line_of(at);
                self.container(Open::Item(ListItem { line, blocks: Vec::new() }));
            }
            Tag::Table(_) => {
                self.flush();
                self.container(Open::Table { head: Vec::new(), rows: Vec::new(), row: Vec::new() });
            }
            Tag::Strong => self.bold += 1,
            _ => {}
        }
    }

    fn container(&mut self, open: Open) {
        if self.open.len() >= DEEPEST {
            self.skipped += 1;
        } else {
            self.open.push(open);
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.flush(),
            TagEnd::Heading(level) => {
                let lines = std::mem::take(&mut self.lines);
                let line = lines.first().map_or(0, |l| l.number);
                let text = clean(&lines.iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join(" "));
                self.add(Block::Heading { level: level as u8, text, line });
            }
            TagEnd::CodeBlock => {
                if let Some((info, text, line)) = self.code.take() {
                    self.add(fenced_inside(&info, &text, line));
                }
            }
            TagEnd::HtmlBlock => {
                if let Some((html, line)) = self.html.take() {
                    self.html_block(&html, line);
                }
            }
            TagEnd::List(_) | TagEnd::Item | TagEnd::Table => {
                self.flush();
                if self.skipped > 0 {
                    self.skipped -= 1;
                } else {
                    self.close();
                }
            }
            TagEnd::TableCell => {
                let text = std::mem::take(&mut self.lines)
                    .iter()
                    .map(|l| l.text.trim().to_owned())
                    .collect::<Vec<_>>()
                    .join(" ");
                if let Some(Open::Table { row, .. }) = self.open.last_mut() {
                    row.push(clean(&text));
                }
            }
            TagEnd::TableHead => {
                if let Some(Open::Table { head, row, .. }) = self.open.last_mut() {
                    *head = std::mem::take(row);
                }
            }
            TagEnd::TableRow => {
                if let Some(Open::Table { rows, row, .. }) = self.open.last_mut() {
                    rows.push(std::mem::take(row));
                }
            }
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            _ => {}
        }
    }

    /// Text that has no paragraph of its own (in a tight list) ends where the next block begins.
    fn flush(&mut self) {
        let mut lines = std::mem::take(&mut self.lines);
        for line in &mut lines {
            // Blanks at the end of a line are Markdown's, not the text's.
            let end = line.text.trim_end().len();
            line.text.truncate(end);
            line.bold = line.bold.min(end);
            if !is_plain(&line.text) && line.text.chars().any(is_unsafe) {
                line.text = clean(&line.text);
                line.bold = line.bold.min(line.text.len());
                while !line.text.is_char_boundary(line.bold) {
                    line.bold -= 1;
                }
            }
        }
        lines.retain(|l| !l.text.is_empty());
        if !lines.is_empty() {
            self.add(Block::Text(lines));
        }
    }

    fn add(&mut self, block: Block) {
        match self.open.last_mut() {
            Some(Open::Root(blocks)) => blocks.push(block),
            Some(Open::Item(item)) => item.blocks.push(block),
            Some(Open::List { items, .. }) => {
                if let Some(item) = items.last_mut() {
                    item.blocks.push(block);
                }
            }
            Some(Open::Table { .. }) | None => {}
        }
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::List { ordered, items }) => self.add(Block::List { ordered, items }),
            Some(Open::Item(item)) => {
                if let Some(Open::List { items, .. }) = self.open.last_mut() {
                    items.push(item);
                }
            }
            Some(Open::Table { head, rows, .. }) => self.add(Block::Table { head, rows }),
            Some(root @ Open::Root(_)) => self.open.push(root),
            None => {}
        }
    }

    /// `<pod>` is what somebody has to fill in; only what HTML knows goes.
    fn inline_html(&mut self, html: &str, at: usize) {
        let name: String =
            html.trim_start_matches(['<', '/']).chars().take_while(char::is_ascii_alphanumeric).collect();
        match name.to_ascii_lowercase().as_str() {
            "br" => {
                let line = self.line_of(at);
                self.lines.push(Line { number: line, ..Line::default() });
            }
            _ if html.starts_with("<!--") => {}
            known if KNOWN.contains(&known) => {}
            _ => self.word(html, at),
        }
    }

    /// Code that stands between `<pre>` and `</pre>` is code; the rest of a block of HTML is how it looks.
    fn html_block(&mut self, html: &str, line: usize) {
        let lower = html.to_ascii_lowercase();
        if lower.trim_start().starts_with("<!--") {
            return;
        }
        let begins = |at: usize| Some(at + lower.get(at..)?.find('>')? + 1);
        let Some(open) = lower.find("<pre").and_then(begins) else { return };
        let close = lower.get(open..).and_then(|rest| rest.find("</pre")).map_or(html.len(), |at| open + at);
        let inside = html.get(open..close).unwrap_or_default();
        let before = html.get(..open).unwrap_or_default().matches('\n').count();
        let leading = inside.len() - inside.trim_start_matches('\n').len();
        let text = unescaped(inside).replace(BLANK, "");
        if !text.trim().is_empty() {
            self.add(Block::Code {
                info: String::new(),
                text: text.trim_matches('\n').to_owned(),
                line: line + before + leading,
            });
        }
    }
}

/// Names of HTML that only say how something looks.
const KNOWN: [&str; 44] = [
    "a",
    "abbr",
    "article",
    "b",
    "big",
    "blockquote",
    "center",
    "cite",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "section",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "td",
    "tr",
    "u",
    "ul",
];

/// The text of a piece of HTML: without its tags, its entities resolved.
fn unescaped(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let known = KNOWN.contains(&name.to_ascii_lowercase().as_str());
        if let Some((_, after)) = tag.split_once('>').filter(|_| known) {
            rest = after;
        } else {
            out.push('<');
            rest = tag;
        }
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

/// A fence that stands too far in to be one for `CommonMark` is one for whoever wrote it.
fn fenced_inside(info: &str, text: &str, line: usize) -> Block {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let first = body.lines().next().unwrap_or_default().trim();
    if info.is_empty() && first.starts_with("```") {
        let lines: Vec<&str> = body.lines().skip(1).collect();
        let closed = lines.last().is_some_and(|l| l.trim().starts_with("```"));
        let inside = if closed { &lines[..lines.len() - 1] } else { &lines[..] };
        let indent =
            inside.iter().filter(|l| !l.trim().is_empty()).map(|l| l.len() - l.trim_start().len()).min().unwrap_or(0);
        let text: Vec<&str> = inside.iter().map(|l| l.get(indent..).unwrap_or_default()).collect();
        return Block::Code {
            info: first.trim_start_matches('`').trim().to_owned(),
            text: text.join("\n"),
            line: line + 1,
        };
    }
    Block::Code { info: info.trim().to_owned(), text: body.to_owned(), line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::prepare::prepare;

    #[test]
    fn blocks_come_with_their_lines() {
        let found = blocks("# T\n\ntext **bold:** more\nsecond `code`\n\n1. one\n   ```bash\n   ls\n   ```\n2. two\n");
        let Block::Heading { level: 1, text, line: 1 } = &found[0] else { panic!("{found:?}") };
        assert_eq!(text, "T");
        let Block::Text(lines) = &found[1] else { panic!("{found:?}") };
        assert_eq!((lines[0].number, lines[1].number, &lines[1].code), (3, 4, &vec!["code".to_owned()]));
        let Block::List { ordered: true, items } = &found[2] else { panic!("{found:?}") };
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].blocks[1], Block::Code { info: "bash".into(), text: "ls".into(), line: 8 });
    }

    #[test]
    fn what_is_to_be_filled_in_is_no_html() {
        let found = blocks("kill <pod> and <b>go</b><br>on\n");
        let Block::Text(lines) = &found[0] else { panic!("{found:?}") };
        assert_eq!(lines.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(), ["kill <pod> and go", "on"]);
    }

    #[test]
    fn code_is_found_where_it_stands() {
        let text =
            prepare("<details>\n<pre><code>a &lt; b\n\nc</code></pre>\n</details>\n\n\t```sh\n\tls -l\n\t```\n").text;
        let found = blocks(&text);
        let code: Vec<_> = found.iter().filter(|b| matches!(b, Block::Code { .. })).collect();
        assert_eq!(code[0], &Block::Code { info: String::new(), text: "a < b\n\nc".into(), line: 2 }, "{found:?}");
        assert_eq!(code[1], &Block::Code { info: "sh".into(), text: "ls -l".into(), line: 8 }, "{found:?}");
    }

    #[test]
    fn ten_thousand_levels_are_no_stack() {
        let deep = format!("{}x\n", "> - ".repeat(10_000));
        assert!(!blocks(&deep).is_empty());
    }
}
