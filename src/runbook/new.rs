//! A new procedure from the template, with the next number.

use crate::lang::Lang;
use crate::model::text::clean;
use crate::runbook::words::folded;

const ES: &str = include_str!("template.es.md");
const EN: &str = include_str!("template.en.md");

/// The house's types.
pub const KINDS: [&str; 6] =
    ["deployment", "rollback", "maintenance", "troubleshooting", "scaling", "disaster-recovery"];
/// What ids begin with where no procedure says otherwise.
const PREFIX: &str = "PROC-BACKEND";
/// Letters of a title that a file's name takes.
const NAME: usize = 60;

/// The next id: after the highest number of the prefix that most procedures have. Numbers are never used twice.
#[must_use]
pub fn next_id<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let mut prefixes: std::collections::BTreeMap<String, (usize, u32)> = std::collections::BTreeMap::new();
    for id in ids {
        let Some((prefix, number)) = id.rsplit_once('-') else { continue };
        let Some(number) = number.parse::<u32>().ok().filter(|_| number.len() >= 3) else { continue };
        let seen = prefixes.entry(prefix.to_owned()).or_default();
        *seen = (seen.0 + 1, seen.1.max(number));
    }
    let most = prefixes.into_iter().max_by_key(|(_, (n, _))| *n);
    let (prefix, last) = most.map_or((PREFIX.to_owned(), 0), |(prefix, (_, last))| (prefix, last));
    format!("{prefix}-{:03}", last + 1)
}

/// The name of its file: the id, and the title in plain letters.
#[must_use]
pub fn file_name(id: &str, title: &str) -> String {
    let mut words: String =
        folded(title).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(NAME).collect();
    while words.contains("--") {
        words = words.replace("--", "-");
    }
    let words = words.trim_matches('-');
    if words.is_empty() { format!("{id}.md") } else { format!("{id}-{words}.md") }
}

/// The document.
#[must_use]
pub fn document(lang: Lang, id: &str, kind: &str, title: &str, date: &str, author: &str) -> String {
    let template = match lang {
        Lang::Es => ES,
        Lang::En => EN,
    };
    let title = clean(title).replace('"', "'");
    [("{{id}}", id), ("{{type}}", kind), ("{{title}}", &title), ("{{date}}", date), ("{{author}}", author)]
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::runbook::Section;
    use crate::model::runbook::Structure;
    use crate::runbook::lint::Level;
    use crate::runbook::lint::lint;
    use crate::runbook::read;

    #[test]
    fn numbers_go_on_and_names_are_plain() {
        assert_eq!(next_id(["PROC-BACKEND-007", "PROC-BACKEND-012", "OTHER-001", "x"]), "PROC-BACKEND-013");
        assert_eq!(next_id([]), "PROC-BACKEND-001");
        assert_eq!(
            file_name("PROC-BACKEND-013", "Volver a la versión «anterior»"),
            "PROC-BACKEND-013-volver-a-la-version-anterior.md"
        );
    }

    #[test]
    fn a_new_one_opens_whole_and_only_lacks_what_is_to_be_filled_in() {
        for lang in [Lang::Es, Lang::En] {
            let text = document(lang, "PROC-BACKEND-013", "rollback", "Volver: \"ya\"", "2026-11-23", "ana");
            let book = read("PROC-BACKEND-013-volver.md", text.as_bytes()).unwrap();
            assert_eq!(
                (book.id.as_str(), book.kind.as_str(), book.structure),
                ("PROC-BACKEND-013", "rollback", Structure::Steps)
            );
            assert_eq!(book.language, lang.code());
            let ids: Vec<&str> = book.steps.iter().map(|s| s.id.as_str()).collect();
            assert_eq!(ids, ["P1", "1", "V1", "R1", "X1"]);
            let step = &book.steps[1];
            assert_eq!(
                (step.section, step.commands.len(), step.validations.len(), step.rollback.len()),
                (Section::Steps, 1, 1, 1)
            );
            assert!(!step.validations[0].expected.is_empty() && !step.if_fails.is_empty());
            assert_eq!((book.prerequisites.len(), book.triggers.len(), book.troubles.len()), (2, 2, 1));
            let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
            let problems = lint(&book, &text, "PROC-BACKEND-013-volver.md", today, lang);
            assert!(problems.iter().all(|p| p.level == Level::Warning), "{problems:#?}");
            assert!(problems.iter().all(|p| ["placeholder", "duration-missing"].contains(&p.code)), "{problems:#?}");
        }
    }
}
