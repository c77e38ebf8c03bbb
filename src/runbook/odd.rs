//! Characters of a command that are not what they seem: blanks that are none to a shell, marks that turn or hide
//! letters, letters of another script in a Latin word. A person who reads the card reads something else than the shell.

/// Letters of Cyrillic and Greek that look like Latin ones (Unicode's confusables, those that a monospaced font draws
/// alike: <https://www.unicode.org/Public/security/latest/confusables.txt>).
const ALIKE: &str = "аеорсухіјѕԁһӏкмнтвгпиАВЕЅІЈКМНОРСТХУԚԜүҮοαενικρτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ";

/// Is this character what it seems, where it stands?
fn is_odd(c: char, before: Option<char>, after: Option<char>) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && c != '\n' && c != '\t';
    }
    // Marks that belong to a picture before or between two of them.
    let picture = |c: Option<char>| c.is_some_and(|c| !c.is_alphanumeric() && !c.is_ascii());
    match c {
        '\u{FE0F}' | '\u{FE0E}' => !picture(before),
        '\u{200D}' => !(picture(before) && picture(after)),
        // Letters that are not drawn at all.
        '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' => true,
        c => c.is_whitespace() || crate::model::text::is_unsafe(c) || ('\u{FF01}'..='\u{FF5E}').contains(&c),
    }
}

/// The places of such characters in a text, in bytes, and the characters.
#[must_use]
pub fn find(text: &str) -> Vec<(usize, char)> {
    if text.is_ascii() && !text.bytes().any(|b| b < 0x20 && b != b'\n' && b != b'\t' || b == 0x7f) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if is_odd(c, before, chars.peek().map(|(_, c)| *c)) {
            found.push((at, c));
        }
        before = Some(c);
    }
    // A word of letters of two scripts: those that pretend.
    let mut at = 0;
    for word in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        if word.chars().any(|c| c.is_ascii_alphabetic()) {
            found.extend(word.char_indices().filter(|(_, c)| ALIKE.contains(*c)).map(|(i, c)| (at + i, c)));
        }
        at += word.len();
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// How such a character is named.
#[must_use]
pub fn name(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// The text as it may be shown: each such character by its name, in brackets that no shell knows.
#[must_use]
pub fn marked(text: &str) -> String {
    let found = find(text);
    if found.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + found.len() * 8);
    let mut from = 0;
    for (at, c) in found {
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push('⟦');
        out.push_str(&name(c));
        out.push('⟧');
        from = at + c.len_utf8();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_what_it_seems_is_named() {
        for (text, wanted) in [
            ("rm\u{a0}-rf x", "rm⟦U+00A0⟧-rf x"),
            ("a\u{2028}b \u{202e}c \u{200b}d \u{ad}e \u{feff}f", "a⟦U+2028⟧b ⟦U+202E⟧c ⟦U+200B⟧d ⟦U+00AD⟧e ⟦U+FEFF⟧f"),
            ("systеmctl stop nginх", "syst⟦U+0435⟧mctl stop ngin⟦U+0445⟧"),
            ("x\u{3164}=1 \u{1b}[2J ｒm", "x⟦U+3164⟧=1 ⟦U+001B⟧[2J ⟦U+FF52⟧m"),
        ] {
            assert_eq!(marked(text), wanted);
        }
        for plain in
            ["echo «migración lista» — ñandú ü", "echo '✅ ok' '⚠️ no' '👩‍🔧'", "echo Привет Ωμέγα 日本", "a\tb\nc"]
        {
            assert!(find(plain).is_empty(), "{plain}: {:?}", find(plain));
        }
    }
}
