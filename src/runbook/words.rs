//! The words that give a procedure its structure, in Spanish and English, with or without accents.

use crate::model::runbook::Criticality;

/// Small letters without accents, without signs at either end, with single blanks: what words are compared by.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let c = match c {
            c if c.is_ascii() => c,
            'á' | 'à' | 'â' | 'ä' | 'Á' | 'À' => 'a',
            'é' | 'è' | 'ê' | 'É' | 'È' => 'e',
            'í' | 'ì' | 'î' | 'Í' => 'i',
            'ó' | 'ò' | 'ô' | 'ö' | 'Ó' => 'o',
            'ú' | 'ù' | 'û' | 'ü' | 'Ú' | 'Ü' => 'u',
            'ñ' | 'Ñ' => 'n',
            c => c,
        };
        if c.is_whitespace() || matches!(c, '*' | '_' | '`') {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
        } else {
            out.extend(c.to_lowercase());
        }
    }
    let sign = |c: char| !c.is_alphanumeric() && !matches!(c, '(' | ')');
    out.truncate(out.trim_end_matches(sign).len());
    out.drain(..out.len() - out.trim_start_matches(sign).len());
    out
}

/// The same without a number before it and without what stands in brackets.
pub(super) fn bare(folded: &str) -> String {
    if !folded.contains('(') && !folded.starts_with(|c: char| c.is_ascii_digit()) {
        return folded.to_owned();
    }
    let numbered = folded.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | '-' | ' '));
    let mut out = String::with_capacity(numbered.len());
    let mut depth = 0usize;
    for c in numbered.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.trim().trim_end_matches(':').trim().to_owned()
}

/// `Paso P1: Verificar` → id and title. A number alone is none.
pub(super) fn step(heading: &str) -> Option<(String, String)> {
    let text = heading.trim().trim_start_matches(|c: char| !c.is_alphanumeric()).trim();
    let word = text.split(|c: char| c.is_whitespace()).next()?;
    if !matches!(folded(word).as_str(), "paso" | "step") {
        return None;
    }
    let rest = text.get(word.len()..)?.trim_start();
    let rest = rest.trim_start_matches(['#', 'º', '°']).trim_start();
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
    let id = rest.get(..end)?.trim_end_matches('.').to_uppercase();
    let letters = id.chars().take_while(char::is_ascii_alphabetic).count();
    let good = (letters <= 1 && id.chars().skip(letters).any(|c| c.is_ascii_digit())) || id == "N";
    let title = rest
        .get(end..)?
        .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '-' | '–' | '—' | '.' | ')'));
    good.then(|| (id, title.trim().to_owned()))
}

/// `CRITICA`, `crítica`, `critical` …; several words joined by a bar are the template's, and say nothing.
#[must_use]
pub fn criticality(text: &str) -> Option<Criticality> {
    let folded = folded(text);
    if folded.contains('|') {
        return None;
    }
    match folded.split(|c: char| !c.is_alphanumeric()).find(|w| !w.is_empty())? {
        "critica" | "critico" | "critical" => Some(Criticality::Critica),
        "alta" | "alto" | "high" => Some(Criticality::Alta),
        "media" | "medio" | "medium" | "moderate" => Some(Criticality::Media),
        "baja" | "bajo" | "low" => Some(Criticality::Baja),
        _ => None,
    }
}

/// Yes or no, in either language.
pub(super) fn yes(text: &str) -> Option<bool> {
    let folded = folded(text);
    match folded.split(|c: char| !c.is_alphanumeric()).find(|w| !w.is_empty())? {
        _ if folded.contains('|') => None,
        "si" | "yes" | "true" => Some(true),
        "no" | "false" | "none" | "ninguno" => Some(false),
        _ => None,
    }
}

/// `25min`, `1h 30m`, `10-15 minutos`, `~2 horas` → minutes; of a span the longer end.
#[must_use]
pub fn minutes(text: &str) -> Option<f64> {
    let folded = folded(text);
    let mut total = 0.0;
    let mut number = String::new();
    let mut pending: Option<f64> = None;
    let mut found = false;
    let mut unit = String::new();
    let mut close = |pending: &mut Option<f64>, unit: &mut String| {
        if let Some(n) = pending.take() {
            let in_minutes = match unit.as_str() {
                "s" | "seg" | "sec" | "segundos" | "segundo" | "seconds" | "second" | "secs" => Some(n / 60.0),
                "m" | "min" | "mins" | "minuto" | "minutos" | "minute" | "minutes" => Some(n),
                "h" | "hora" | "horas" | "hour" | "hours" | "hr" | "hrs" => Some(n * 60.0),
                "d" | "dia" | "dias" | "day" | "days" => Some(n * 24.0 * 60.0),
                _ => None,
            };
            if let Some(n) = in_minutes {
                total += n;
                found = true;
            }
        }
        unit.clear();
    };
    for c in folded.chars().chain([' ', ' ']) {
        if c.is_ascii_digit() || (c == '.' && !number.is_empty()) {
            if !unit.is_empty() {
                close(&mut pending, &mut unit);
            }
            number.push(c);
            continue;
        }
        if !number.is_empty() {
            // A second number before any unit is the longer end of a span.
            pending = number.trim_end_matches('.').parse().ok();
            number.clear();
        }
        if c.is_alphabetic() && pending.is_some() {
            unit.push(c);
        } else if !unit.is_empty() {
            close(&mut pending, &mut unit);
        }
    }
    found.then_some(total)
}

/// A language shows in its first words.
const WORDS: usize = 400;

/// `es` or `en`, by the small words of the text.
pub(super) fn language(text: &str) -> &'static str {
    let (mut es, mut en) = (0usize, 0usize);
    for word in text.split(|c: char| !c.is_alphabetic()).take(WORDS) {
        match word {
            "el" | "la" | "los" | "las" | "de" | "del" | "que" | "para" | "con" | "una" | "un" | "se" | "si" | "es"
            | "en" | "y" | "Paso" | "Paso:" => es += 1,
            "the" | "of" | "to" | "and" | "is" | "for" | "with" | "in" | "if" | "this" | "that" | "it" | "be"
            | "are" | "Step" => en += 1,
            _ => {}
        }
    }
    if es > en { "es" } else { "en" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_that_calls_itself_a_step_is_one() {
        let read = |text| step(text).map(|(id, title)| format!("{id}|{title}"));
        assert_eq!(read("Paso P1: Verificar Estado").as_deref(), Some("P1|Verificar Estado"));
        assert_eq!(read("PASO 2 - Copia").as_deref(), Some("2|Copia"));
        assert_eq!(read("🚀 Step 3. Deploy").as_deref(), Some("3|Deploy"));
        assert_eq!(read("Paso 1.2) Algo").as_deref(), Some("1.2|Algo"));
        assert_eq!(read("Step r4").as_deref(), Some("R4|"));
        for other in ["Pasos de Ejecución", "Step by step", "1. PROPOSITO", "Paso", "Steps 1 and 2", "Error 1"] {
            assert_eq!(step(other), None, "{other}");
        }
    }

    #[test]
    fn durations_are_read_in_both_languages() {
        let cases = [
            ("25min", 25.0),
            ("1h 30m", 90.0),
            ("10-15 minutos", 15.0),
            ("~2 horas", 120.0),
            ("30 s", 0.5),
            ("1 hour", 60.0),
            ("2.5 h", 150.0),
        ];
        for (text, wanted) in cases {
            assert_eq!(minutes(text), Some(wanted), "{text}");
        }
        for text in ["XXmin", "X minutos", "", "v1.2", "pronto"] {
            assert_eq!(minutes(text), None, "{text}");
        }
    }
}
