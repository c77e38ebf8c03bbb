//! The shape of the crate: who may import whom, what must not be below the line, documents that hold true.

use std::path::Path;
use std::path::PathBuf;

/// The layers of the design, from the bottom. A module imports only from lower ones.
const LAYERS: [&[&str]; 10] = [
    &["model", "lang"],
    &["input", "layout", "theme", "runbook", "export"],
    &["engine"],
    &["view", "report", "config"],
    &["bus"],
    &["store", "secrets"],
    &["sources", "effects", "lab"],
    &["cli"],
    &["app"],
    &["main"],
];
/// The first layer that may touch the world.
const LINE: usize = 4;
/// What is not there below the line.
const IMPURE: [&str; 12] = [
    "tokio::",
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "std::process",
    "std::sync::Mutex",
    "Instant::now",
    "SystemTime",
    "reqwest",
    "sqlx",
    "crossterm",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                out.push((path, text));
            }
        }
    }
    out
}

/// The top-level module of a file; `None` for lib.rs.
fn module(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next()?.as_os_str().to_string_lossy().into_owned();
    let name = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
    (name != "lib").then_some(name)
}

fn layer(name: &str) -> usize {
    LAYERS.iter().position(|l| l.contains(&name)).unwrap_or_else(|| panic!("{name} has no layer"))
}

/// Code without its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn a_module_imports_only_from_lower_layers() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(own) = module(&path) else { continue };
        for (n, line) in code(&text).lines().enumerate() {
            assert!(
                !line.contains("use crate::{"),
                "{}:{}: one use per line keeps this check honest",
                path.display(),
                n + 1
            );
            for piece in line.split("crate::").skip(1) {
                let name: String = piece.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let doc = line.trim_start().starts_with("//");
                if name.is_empty() || name == own || doc || !LAYERS.iter().any(|l| l.contains(&name.as_str())) {
                    continue;
                }
                if layer(&name) >= layer(&own) {
                    wrong.push(format!("{}:{}: {own} imports {name}", path.display(), n + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn below_the_line_nothing_touches_the_world() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(own) = module(&path) else { continue };
        if layer(&own) >= LINE {
            continue;
        }
        for (n, line) in code(&text).lines().enumerate() {
            if let Some(word) =
                IMPURE.iter().find(|w| line.contains(**w)).filter(|_| !line.trim_start().starts_with("//"))
            {
                wrong.push(format!("{}:{}: {word}", path.display(), n + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever may write to the two outputs, beside the gate: the screen, the command of `run`, a supervisor's answer. Whoever
/// asks only how large or whose they are writes nothing.
const WRITERS: [&str; 5] =
    ["app/gate.rs", "app/terminal.rs", "app/backend.rs", "effects/wrapped.rs", "effects/step/process.rs"];

#[test]
fn what_leaves_as_text_leaves_by_one_gate() {
    let ways = ["io::stdout()", "io::stderr()", "print!(", "println!(", "eprint!(", "eprintln!(", "dbg!("];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if WRITERS.iter().any(|w| path.ends_with(w)) {
            continue;
        }
        for (n, line) in code(&text).lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            if let Some(way) = ways.iter().find(|w| line.contains(**w)) {
                wrong.push(format!("{}:{}: {way}", path.display(), n + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_opens_with_its_purpose_and_none_is_a_book() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{} does not say what it is for", path.display());
        let lines = code(&text).lines().count();
        assert!(lines <= 600, "{} has {lines} lines: two ideas?", path.display());
        assert!(!text.contains("todo!(") && !text.contains("unimplemented!("), "{}", path.display());
    }
}

#[test]
fn the_house_alert_rules_are_there() {
    let text = std::fs::read_to_string(root().join("runbooks/alerts/sla.yml")).unwrap();
    for name in ["HighErrorRate", "HighLatency", "DatabaseConnectionPoolExhausted", "CeleryQueueBacklog"] {
        assert!(text.contains(&format!("alert: {name}")), "{name}");
    }
}

#[test]
fn the_readme_names_every_key_and_the_two_commands() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(text.contains("cargo run --release -- demo") && text.contains("tests/run"));
    for binding in cabina::input::keymap::DEFAULT {
        let key = binding.chord.to_string();
        let digit = key.len() == 1 && key.chars().all(|c| c.is_ascii_digit());
        assert!(digit || text.contains(&format!("`{key}`")), "the README does not name {key}");
    }
}
