//! What a line of prerequisites asks for, where it asks for nothing but programs and variables.

use crate::model::runbook::Item;
use crate::runbook::variables;
use crate::runbook::words::folded;

/// Something that a machine can look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// A program that can be started.
    Program(String),
    /// A variable that is set.
    Variable(String),
}

/// Words that ask for nothing themselves.
const SMALL: [&str; 30] = [
    "y",
    "e",
    "o",
    "and",
    "or",
    "en",
    "el",
    "la",
    "los",
    "las",
    "de",
    "the",
    "in",
    "a",
    "path",
    "instalado",
    "instalados",
    "instalada",
    "instaladas",
    "installed",
    "disponible",
    "disponibles",
    "available",
    "herramientas",
    "herramienta",
    "tools",
    "tool",
    "variables",
    "programas",
    "programs",
];

/// What it asks for; `None` where it says something that only a person can know.
#[must_use]
pub fn of(item: &Item) -> Option<Vec<Need>> {
    // What stands around the pieces of code, in order.
    let mut rest = item.text.as_str();
    let mut around = String::new();
    for code in &item.code {
        let (before, after) = rest.split_once(code.as_str())?;
        around.push_str(before);
        around.push(' ');
        rest = after;
    }
    around.push_str(rest);
    let around = folded(&around);
    let mut words = around.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    if words.any(|w| !SMALL.contains(&w)) || item.code.is_empty() {
        return None;
    }
    item.code.iter().map(|c| need(c.trim())).collect()
}

fn need(code: &str) -> Option<Need> {
    if let Some(name) = code.strip_prefix('$') {
        let name = name.trim_start_matches('{').trim_end_matches('}');
        return variables::is_name(name).then(|| Need::Variable(name.to_owned()));
    }
    let fits =
        !code.is_empty() && code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'));
    // A name in capitals is a variable that somebody wrote without its sign.
    let capital = code.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
    (fits && !capital).then(|| Need::Program(code.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_nothing_else_can_be_proved() {
        let of = |text: &str| {
            let code = text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            of(&Item { text: text.replace('`', ""), code, line: 1 })
        };
        let programs = |names: &[&str]| Some(names.iter().map(|n| Need::Program((*n).to_owned())).collect::<Vec<_>>());
        assert_eq!(of("`curl`, `jq` y `awk`"), programs(&["curl", "jq", "awk"]));
        assert_eq!(of("Herramientas instaladas: `curl`"), programs(&["curl"]));
        assert_eq!(of("`${PROM_URL}`"), Some(vec![Need::Variable("PROM_URL".to_owned())]));
        for other in [
            "Una sesión en el servidor, con `sudo` y `ssh`",
            "`curl`; `${PROM_URL}` es la dirección de Prometheus",
            "Aprobación del Tech Lead",
            "`/etc/nginx/nginx.conf`",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
