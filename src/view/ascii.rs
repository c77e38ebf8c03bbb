//! The last stroke where only ASCII may be drawn (`LANG=C`): every cell that is not ASCII gets its nearest letter.
//! One place, so that nothing slips through.

use ratatui::buffer::Buffer;

/// Replaces every symbol that is not ASCII.
pub(super) fn only(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let letter = cell.symbol().chars().next().map_or(" ", plain);
        cell.set_symbol(letter);
    }
}

fn plain(c: char) -> &'static str {
    match c {
        '─' | '┄' | '–' | '—' | '·' => "-",
        '│' | '┊' => "|",
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => "+",
        '●' | '█' => "#",
        '▁' => "_",
        '▂' | '▃' => ".",
        '▄' | '▅' => ":",
        '▆' | '▇' => "=",
        '▲' => "^",
        '…' | '≈' => "~",
        '≥' => ">",
        'á' | 'à' | 'ä' | 'â' => "a",
        'é' | 'è' | 'ë' | 'ê' => "e",
        'í' | 'ì' | 'ï' | 'î' => "i",
        'ó' | 'ò' | 'ö' | 'ô' => "o",
        'ú' | 'ù' | 'ü' | 'û' => "u",
        'ñ' => "n",
        'Á' => "A",
        'É' => "E",
        'Í' => "I",
        'Ó' => "O",
        'Ú' => "U",
        'Ñ' => "N",
        '¿' | '¡' | '\u{00A0}' | '\u{2800}' => " ",
        '«' | '»' => "\"",
        '\u{2801}'..='\u{28FF}' => "*",
        _ => "?",
    }
}
