//! Text from outside, made fit for a screen, and text cut to a width.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;
use unicode_width::UnicodeWidthStr;

/// The longest display text kept from outside; a longer one is cut with an ellipsis. Two full lines of a
/// 200-column terminal: more than any pane can show, little enough that a hostile label costs nothing.
pub const DISPLAY_LIMIT: usize = 400;

/// Makes bytes from outside safe to draw: control, bidirectional and zero-width characters are dropped, any
/// white space becomes one blank, and the length is bounded.
///
/// For display only: identities (labels, matchers) stay exact and are escaped when shown.
#[must_use]
pub fn clean(raw: &str) -> String {
    // Nearly all text is like this: nothing in it has to be looked at letter by letter.
    if raw.len() <= DISPLAY_LIMIT
        && is_plain(raw)
        && !raw.starts_with(' ')
        && !raw.ends_with(' ')
        && !raw.contains("  ")
    {
        return raw.to_owned();
    }
    let mut out = String::with_capacity(raw.len().min(DISPLAY_LIMIT));
    let mut gap = false;
    let mut kept = 0;
    for c in raw.chars() {
        if c.is_whitespace() {
            gap = !out.is_empty();
            continue;
        }
        if is_unsafe(c) {
            continue;
        }
        if kept >= DISPLAY_LIMIT {
            out.push('…');
            break;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
            kept += 1;
        }
        out.push(c);
        kept += 1;
    }
    out
}

/// The longest text that a person writes down at once: some thirty pages.
pub const WRITTEN_LIMIT: usize = 64 * 1024;

/// Makes a text of several lines safe to draw: as `clean`, but lines stay lines, and what stands in them stays as it
/// was typed.
#[must_use]
pub fn clean_lines(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len().min(WRITTEN_LIMIT));
    for c in raw.replace("\r\n", "\n").chars() {
        let c = match c {
            '\t' => ' ',
            '\r' => '\n',
            c => c,
        };
        if c != '\n' && is_unsafe(c) {
            continue;
        }
        if out.len() + c.len_utf8() > WRITTEN_LIMIT {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out.trim_end().to_owned()
}

/// Are there only the letters, signs and blanks that a keyboard of 1963 had? Nothing of them is unsafe.
#[must_use]
pub fn is_plain(raw: &str) -> bool {
    raw.bytes().all(|b| matches!(b, b' '..=b'~'))
}

/// True for characters that must never reach a terminal from outside: C0, C1, bidirectional controls, zero
/// width, and everything else that Unicode calls a format character or leaves unassigned as a noncharacter.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// May this character not leave as it is? Lines and tabs may.
fn steers(c: char) -> bool {
    is_unsafe(c) && c != '\n' && c != '\t'
}

/// Text that steers no terminal and hides nothing, line by line as it was.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().any(steers) {
        Cow::Owned(text.chars().filter(|c| !steers(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The same of a document of JSON, which loses nothing by it: there such characters are escaped (RFC 8259, section 7).
#[must_use]
pub fn escaped_json(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Between the strings of a document there is nothing of the kind but a carriage return.
        if steers(c) && c != '\r' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else if c != '\r' {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A document of JSON whose strings steer no terminal once they are read: what others wrote into a store is not held to
/// what cabina writes.
#[must_use]
pub fn harmless_json(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') && !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        let mut good = !steers(c);
        if c == '\\' {
            let (length, escaped) = escape(rest);
            (taken, good) = (length, escaped.is_none_or(|c| !steers(c)));
        }
        let (piece, after) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        if good {
            out.push_str(piece);
        }
        rest = after;
    }
    Cow::Owned(out)
}

/// How long the escape is that a text begins with, and which character it stands for; `None` for half a pair, which
/// whoever reads the document refuses.
fn escape(text: &str) -> (usize, Option<char>) {
    let unit = |at: usize| {
        let hex = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(hex, 16).ok()
    };
    match text.as_bytes().get(1) {
        Some(b'u') => match (unit(0), unit(6)) {
            (Some(high @ 0xD800..=0xDBFF), Some(low @ 0xDC00..=0xDFFF)) => {
                (12, char::decode_utf16([high, low]).next().and_then(Result::ok))
            }
            (Some(one), _) => (6, char::from_u32(u32::from(one))),
            (None, _) => (2, None),
        },
        Some(b'b') => (2, Some('\u{8}')),
        Some(b'f') => (2, Some('\u{c}')),
        Some(b'r') => (2, Some('\r')),
        Some(b'"' | b'\\' | b'/' | b'n' | b't') => (2, Some('n')),
        // No escape at all: whoever reads the document refuses it.
        _ => (1, None),
    }
}

/// Width on the screen, in cells.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts to at most `cells`, ending in `…` where something was lost.
#[must_use]
pub fn fit(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > cells {
            break;
        }
        used += w;
        out.push(c);
    }
    if cells > 0 {
        out.push('…');
    }
    out
}

/// Cuts to at most `cells` in the middle: the beginning and the end of a name tell it from others.
#[must_use]
pub fn fit_middle(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let tail = cells.saturating_sub(1) * 2 / 3;
    let mut end = String::new();
    for c in text.chars().rev() {
        if end.width() + c.width().unwrap_or(0) > tail {
            break;
        }
        end.insert(0, c);
    }
    fit(text, cells.saturating_sub(end.width())) + &end
}

/// Cuts or fills with blanks to exactly `cells`.
#[must_use]
pub fn pad(text: &str, cells: usize) -> String {
    let mut out = fit(text, cells);
    let missing = cells.saturating_sub(out.width());
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// Breaks text at blanks into lines of at most `cells`; a word longer than a line is cut hard.
#[must_use]
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let text = glued(text);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        if !line.is_empty() && line.width() + 1 + word.width() > cells {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        while line.width() + word.width() > cells {
            let cut = split_at(word, cells.saturating_sub(line.width()));
            line.push_str(cut.0);
            lines.push(std::mem::take(&mut line));
            word = cut.1;
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines.into_iter().map(|l| l.replace(GLUE, " ")).collect()
}

/// Stands for a blank at which no line may break.
const GLUE: char = '\u{00A0}';

/// A figure stays whole: no break before `%` nor between groups of digits.
fn glued(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        let inside = c == ' ' && before.is_ascii_digit() && (next == '%' || next.is_ascii_digit());
        out.push(if inside { GLUE } else { c });
        before = c;
    }
    out
}

/// Splits where `cells` are full, but never before the first character, so that a caller always advances.
fn split_at(word: &str, cells: usize) -> (&str, &str) {
    let mut used = 0;
    let mut at = word.len();
    for (i, c) in word.char_indices() {
        let w = c.width().unwrap_or(0);
        if i > 0 && used + w > cells {
            at = i;
            break;
        }
        used += w;
    }
    word.split_at(at)
}

/// The last lines of a text.
#[must_use]
pub fn last_lines(text: &str, most: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(most)..).unwrap_or_default().join("\n")
}

/// A word as a shell takes it for one: quoted where it would not be.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./:=@%+,•".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines() {
        assert_eq!(clean_lines("uno\r\n  dos\u{1b}[31m\ttres\n\n"), "uno\n  dos[31m tres");
        assert!(clean_lines(&"ñ".repeat(WRITTEN_LIMIT)).len() <= WRITTEN_LIMIT + '…'.len_utf8());
    }

    #[test]
    fn a_name_cut_in_the_middle_keeps_both_ends() {
        assert_eq!(fit_middle("127.0.0.1:18000", 15), "127.0.0.1:18000");
        assert_eq!(fit_middle("web-production-03:8000", 13), "web-…-03:8000");
        for cells in 0..30 {
            assert!(fit_middle("cola-日本語-servidor-07", cells).width() <= cells);
        }
    }

    #[test]
    fn nothing_from_outside_can_steer_the_terminal() {
        assert_eq!(clean("a\x1b[31mred\x07\r\nb"), "a[31mred b");
        assert_eq!(clean("\u{202E}drow\u{2066}\u{200B}ssap\u{FEFF}"), "drowssap");
        assert_eq!(clean("  two   words \t"), "two words");
        assert_eq!(clean(&"x".repeat(9_999)).chars().count(), DISPLAY_LIMIT + 1);
    }

    #[test]
    fn nothing_leaves_that_could_steer_a_terminal() {
        let bad = "a\u{1b}]52;c;x\u{7}\u{9b}2J\u{202e}b\u{200b}\u{7f}\r\n\tc\u{e0001}ñ";
        assert_eq!(harmless(bad), "a]52;c;x2Jb\n\tcñ");
        let json = format!("{{\"x\":{}}}\n", serde_json::to_string(bad).unwrap());
        let escaped = escaped_json(&json);
        assert!(!escaped.chars().any(steers), "{escaped}");
        assert!(escaped.contains("\\u009b2J\\u202eb\\u200b\\u007f") && escaped.contains("\\udb40\\udc01"), "{escaped}");
        let read =
            |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["x"].as_str().unwrap().to_owned();
        assert_eq!(read(&escaped), bad);
        // Written by somebody else, raw or escaped: once it is read nothing is left of it.
        for json in [json.as_str(), &escaped, r#"{"x":"a\u001b]52;c;x\u0007\u009B2J\b\fb\r\n\tc\udb40\udc01\u00f1"}"#] {
            assert_eq!(read(&harmless_json(json)), "a]52;c;x2Jb\n\tcñ", "{json}");
        }
        for kept in [r#"{"x":"\\u001b \" \/ \ud83d\ude00"}"#, r#"{"x":"\\\\"}"#] {
            assert_eq!(harmless_json(kept), kept);
        }
        for odd in ["\\", "\\u", "\\u12", "\"\\ud800", "\\uñññ", "x\\"] {
            let _ = harmless_json(odd);
        }
    }

    #[test]
    fn cutting_counts_cells_and_not_bytes() {
        assert_eq!(fit("contraseña", 8), "contras…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(pad("日", 4), "日  ");
    }

    #[test]
    fn wrapping_breaks_at_blanks_and_cuts_what_cannot_break() {
        assert_eq!(wrap("uno dos tres", 7), ["uno dos", "tres"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a bcdefgh", 3), ["a", "bcd", "efg", "h"]);
        assert_eq!(wrap("日本", 1), ["日", "本"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("limit 5 % of 2 460", 8), ["limit", "5 % of", "2 460"]);
    }
}
