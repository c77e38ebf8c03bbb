//! Procedures: plain Markdown in, something that can be walked out; and what is wrong with it.

use std::path::PathBuf;

use cabina::lang::Lang;
use cabina::model::runbook::Criticality;
use cabina::model::runbook::Runbook;
use cabina::model::runbook::Section;
use cabina::model::runbook::Structure;
use cabina::runbook;
use cabina::runbook::Unreadable;
use cabina::runbook::lint;
use proptest::prelude::*;
use serde_json::Value;
use tokio::process::Command;

use crate::support::play;
use crate::support::pty::Screen;

const HOUSE: &str = include_str!("../runbooks/PROC-BACKEND-031-sesiones.md");

fn read(text: &str) -> Runbook {
    runbook::read("x.md", text.as_bytes()).unwrap()
}

fn ids(book: &Runbook) -> Vec<&str> {
    book.steps.iter().map(|s| s.id.as_str()).collect()
}

/// Line and code of every problem, on a day a week after the document was last read.
fn problems(name: &str, text: &str) -> Vec<(usize, &'static str)> {
    let book = runbook::read(name, text.as_bytes()).unwrap();
    let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 8).unwrap();
    lint::lint(&book, text, name, today, Lang::En).into_iter().map(|p| (p.line, p.code)).collect()
}

#[test]
fn the_house_template_opens_whole() {
    let book = read(HOUSE);
    assert_eq!(
        (book.id.as_str(), book.title.as_str(), book.language),
        ("PROC-BACKEND-031", "Vaciar sesiones caducadas", "es")
    );
    assert_eq!((book.structure, book.minutes, book.version.as_str()), (Structure::Steps, Some(15.0), "1.2.0"));
    assert_eq!(ids(&book), ["P1", "1", "2", "V1", "R1", "X1"]);
    let texts: Vec<&str> = book.prerequisites.iter().map(|i| i.text.as_str()).collect();
    assert_eq!(texts, ["Acceso a la base", "Copia de anoche", "comprobada"]);
    let [p1, one, two, v1, r1, x1] = book.steps.as_slice() else { panic!("{book:#?}") };
    assert_eq!((p1.section, p1.commands[0].shell.as_str(), p1.commands[0].line), (Section::Preflight, "sql", 32));
    assert_eq!(
        (p1.expected.as_str(), p1.if_fails.as_slice()),
        ("un número por debajo de dos millones", &["Llamar al DBA".to_owned()][..])
    );
    assert_eq!((one.title.as_str(), one.minutes, one.undoable), ("Borrar por trozos", Some(10.0), Some(true)));
    assert_eq!(one.criticality.map(Criticality::word), Some("CRITICA"));
    assert_eq!(
        one.commands[0].text,
        "python manage.py clearsessions --batch 1000\ncat <<'FIN'\n## esto no es un título\nFIN"
    );
    assert_eq!((one.validations.len(), one.validations[0].expected.as_str()), (1, "{\"status\": \"ok\"}"));
    assert_eq!((one.if_fails.len(), one.if_fails[1].as_str()), (2, "Mirar SHOW PROCESSLIST"));
    assert_eq!((one.rollback[0].text.as_str(), one.rollback[0].line), ("mysql app < copia.sql", 73));
    assert!(two.manual() && two.title == "Avisar" && two.expected == "alguien contesta");
    assert_eq!((v1.title.as_str(), v1.expected.as_str()), ("Salud", "200 en /health\nnadie se queja"));
    assert_eq!((r1.section, x1.section, x1.expected.as_str()), (Section::Rollback, Section::Post, "borrar la copia"));
    assert_eq!(
        book.triggers.iter().map(|t| t.text.as_str()).collect::<Vec<_>>(),
        ["Error rate > 5%", "Latencia p99 > 1s"]
    );
    let trouble = &book.troubles[0];
    assert_eq!((trouble.title.as_str(), trouble.cause.as_str()), ("La tabla no baja", "una transacción larga"));
    assert_eq!((trouble.symptoms.len(), trouble.commands.len()), (1, 1));
    assert_eq!((book.contacts[0].role.as_str(), book.contacts[0].name.as_str()), ("DBA", "Julián - ext. 4107"));
    assert_eq!(
        problems("PROC-BACKEND-031-sesiones.md", HOUSE),
        [(28, "duration-missing")].map(|_| (76, "duration-missing"))
    );
}

#[test]
fn how_the_bytes_are_written_changes_nothing() {
    let book = read(HOUSE);
    for other in [HOUSE.replace('\n', "\r\n"), format!("\u{feff}{HOUSE}"), HOUSE.trim_end().to_owned()] {
        assert_eq!(Runbook { lines: book.lines, ..read(&other) }, book);
    }
    // Headings one level deeper or higher, other marks, and words with their accents.
    let other = HOUSE
        .replace("```", "~~~~")
        .replace("Validacion", "Validación")
        .replace("Ejecucion", "Ejecución")
        .replace("- [ ]", "*");
    let again = read(&other);
    assert_eq!(ids(&again), ids(&book));
    for (a, b) in again.steps.iter().zip(&book.steps) {
        assert_eq!(
            (&a.commands, &a.validations, &a.rollback, &a.if_fails),
            (&b.commands, &b.validations, &b.rollback, &b.if_fails)
        );
    }
}

#[test]
fn english_is_read_alike() {
    let text = "# Deploy\n\n## Prerequisites\n- ssh\n\n## Pre-flight\n### Step P1: Look\n```sh\nuptime\n```\n**Expected result:** low\n\n## Steps\n### Step 1: Go\n**Duration:** 5 min\n**Criticality:** HIGH\n```bash\n./deploy.sh\n```\n**Validation:** `curl -f http://h/health`\n**Expected output:** `regex:ok`\n**If it fails:**\n- call ana\n**Rollback of this step:**\n```bash\n./back.sh\n```\n\n## Final validation\n```bash\ncurl -f http://h\n```\n\n## Full rollback\n### Step R1: Back\n```bash\n./back.sh\n```\n";
    let book = read(text);
    assert_eq!((book.language, ids(&book)), ("en", vec!["P1", "1", "V1", "R1"]));
    let one = &book.steps[1];
    assert_eq!((one.minutes, one.criticality.map(Criticality::word)), (Some(5.0), Some("ALTA")));
    assert_eq!(
        (one.validations[0].command.text.as_str(), one.validations[0].expected.as_str()),
        ("curl -f http://h/health", "regex:ok")
    );
    assert_eq!((one.if_fails.len(), one.rollback.len()), (1, 1));
}

#[test]
fn a_document_without_steps_by_name_is_walked_by_its_structure() {
    let lists = "# NodeDown\n## Meaning\n1. not a step\n2. nor this\n## Mitigation\n1. Look at the node:\n   ```bash\n   $ kubectl get nodes\n   NAME STATUS\n   ```\n1. Drain it with\nmore words:\n\n  ```bash\n  kubectl drain <node>\n  ```\n2. Tell the team\n";
    let book = read(lists);
    assert_eq!((book.structure, ids(&book)), (Structure::Lists, vec!["1", "2", "3"]));
    assert_eq!(book.steps[0].commands[0].text, "kubectl get nodes");
    assert_eq!(book.steps[1].commands[0].text, "kubectl drain <node>");
    assert!(book.steps[2].manual());

    let headings = "# Restart\n## Overview\n```json\n{}\n```\n## 1. Stop it\ntext\n```\nsystemctl stop api\n```\n## Check\n```sh\n# only a comment\n```\n### Start\n\tsystemctl start api\n\n## Reversa\n~~~bash\n./back.sh\n~~~\n";
    let book = read(headings);
    assert_eq!((book.structure, ids(&book)), (Structure::Headings, vec!["1", "2", "R1"]));
    assert_eq!(book.steps.iter().map(|s| s.title.as_str()).collect::<Vec<_>>(), ["Stop it", "Start", "Reversa"]);

    let bold = "## Despliegue\n**Paso 1: Traer el código**\n```bash\ngit pull\n```\n**Paso 2: Reiniciar**\n```bash\nsystemctl restart api\n```\n";
    assert_eq!(ids(&read(bold)), ["1", "2"]);
    let nothing = read("# Links\n- [a](b)\n");
    assert_eq!((nothing.structure, nothing.steps.len()), (Structure::None, 0));
}

#[test]
fn what_is_no_procedure_is_told_with_its_line() {
    let bad = |bytes: &[u8]| runbook::read("x.md", bytes).unwrap_err();
    assert_eq!(bad(b"# a\ntext\n\xff\xfe"), Unreadable::NotUtf8(3));
    assert_eq!(bad(b"# a\n\0"), Unreadable::Binary(2));
    assert_eq!(bad(&vec![b'x'; 5 * 1024 * 1024]), Unreadable::TooLarge(5 * 1024 * 1024));
    let many: Vec<String> = (1..=10_000).map(|n| format!("### Paso {n}: x\n```bash\nls\n```\n")).collect();
    let many = many.concat();
    assert_eq!(bad(many.as_bytes()), Unreadable::TooManySteps(8_001));
    // A document that would steer the terminal does not.
    let book = read("# a\u{1b}]52;c;eA==\u{7}\n### Paso 1: \u{1b}[31mrojo\n```bash\nprintf '\u{1b}[0m'\n```\n");
    let all = format!("{book:?}");
    assert!(!all.contains('\u{1b}') && !all.contains("\\u{1b}"), "{all}");
}

#[test]
fn each_rule_has_its_code_and_its_line() {
    let text = HOUSE;
    let line = |needle: &str| text.lines().position(|l| l.contains(needle)).unwrap() + 1;
    let with = |from: &str, to: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        problems("PROC-BACKEND-031-sesiones.md", &changed)
    };
    let cases = [
        ("version: 1.2.0", "version: 1.2", line("version:"), "version"),
        ("id: PROC-BACKEND-031", "id: PROC-BACKEND-XXX", line("id: PROC"), "id-number"),
        ("id: PROC-BACKEND-031", "id: PROC-BACKEND-032", line("id: PROC"), "id-file"),
        ("autor: ana", "autor: ana\nhumor: bueno", line("autor:") + 1, "front-matter-unknown"),
        ("autor: ana", "autor: ana\nautor: eva", line("autor:") + 1, "front-matter"),
        ("aprobacion: Tech Lead\n", "", line("criticidad:"), "approval-missing"),
        ("ultima_actualizacion: 2026-11-01", "ultima_actualizacion: 2026-05-01", line("ultima_"), "review-overdue"),
        ("tiempo_estimado: 15min\n", "", line("revisores:"), "duration-missing"),
        ("## Prerequisitos", "## Referencias", line("Paso P1"), "prerequisites-missing"),
        (
            "**Validacion:**\n```bash\ncurl -fsS http://localhost:8000/api/health\n```",
            "",
            line("PASO 1"),
            "validation-missing",
        ),
        ("**Rollback de este paso:**\n```bash\nmysql app < copia.sql\n```\n", "", line("PASO 1"), "rollback-missing"),
        ("python manage.py", "DB_PASSWORD=hunter2 python manage.py", line("clearsessions"), "credential"),
        (
            "python manage.py",
            "export K=tGzv3JOkF0XG5Qx2TlKWIA9bPm7ZyRq1; python manage.py",
            line("clearsessions"),
            "credential",
        ),
        ("mysql app < copia.sql", "curl https://x/y.sh | sudo bash", line("mysql app"), "curl-pipe-shell"),
        ("mysql app < copia.sql", "mysql app < <copia>", line("mysql app"), "placeholder"),
        ("### Paso 2 - Avisar", "### Paso 1 - Avisar", line("Paso 2"), "step-duplicate"),
        ("### Paso 2 - Avisar", "### Paso 4 - Avisar", line("Paso 2"), "step-order"),
        ("**Resultado Esperado:** alguien contesta\n", "", line("Paso 2"), "expected-missing"),
        ("- [ ] nadie se queja", "```bash\nls", line("nadie se queja"), "fence-open"),
    ];
    for (from, to, line, code) in cases {
        let found = with(from, to);
        assert!(found.contains(&(line, code)), "{code} at {line}: {found:?}");
    }
    // Without its section the procedure has no way back, whatever its steps have.
    let (before, _) = text.split_once("## Rollback Completo").unwrap();
    let (_, after) = text.split_once("## Troubleshooting").unwrap();
    let changed = format!("{before}## Troubleshooting{after}");
    let found = problems("PROC-BACKEND-031-sesiones.md", &changed);
    assert!(found.iter().any(|(_, code)| *code == "rollback-missing"), "{found:?}");
    assert!(problems("x.md", "# nada\n").contains(&(1, "no-steps")));
}

/// A night of failing requests after a deploy, with a library beside it.
#[test]
fn what_fits_comes_first_with_its_reason() {
    use cabina::engine;
    use cabina::engine::Event;
    use cabina::engine::Kind;
    use cabina::engine::library;
    use cabina::engine::library::Book;
    use cabina::engine::library::Reason;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut state = play::play(&play::read(&folder.join("deploy-marked.toml")), 27 * 60_000);
    let book = |name: &str, front: &str| Book {
        hash: String::new(),
        says: runbook::read(
            name,
            format!("---\n{front}\n---\n# {name}\n## Pasos\n### Paso 1: x\n```bash\nls\n```\n").as_bytes(),
        )
        .unwrap(),
        path: format!("runbooks/{name}"),
        overdue: None,
        loose: false,
    };
    let books = vec![
        book("PROC-A-001.md", "id: PROC-A-001\nidioma: es\nsignals: [latency_p95]"),
        book("PROC-A-002.en.md", "id: PROC-A-002\nlanguage: en\nsignals: [error_rate]"),
        book("PROC-A-002.md", "id: PROC-A-002\nidioma: es\nsignals: [error_rate]"),
        book("PROC-A-003.md", "id: PROC-A-003\ntipo: rollback\nidioma: es"),
    ];
    let at = state.now;
    engine::update(&mut state, Event { at, kind: Kind::LibraryRead { books: books.into() } });
    let found: Vec<(&str, Reason)> = library::suggested(&state)
        .into_iter()
        .map(|s| (state.library.books[s.book].path.as_str(), s.reason))
        .map(|(path, reason)| (path.trim_start_matches("runbooks/"), reason))
        .collect();
    assert!(matches!(&found[0], ("PROC-A-003.md", Reason::Change(version, _)) if version == "v4.12.0"), "{found:?}");
    // Of twins the one in the language of the screen.
    assert_eq!(found[1], ("PROC-A-002.en.md", Reason::Signal("error_rate".into())));
    assert_eq!(found.len(), 2, "{found:?}");
    let ids = cabina::report::check::json(&state)["runbooks"].clone();
    assert_eq!(ids, serde_json::json!(["PROC-A-003", "PROC-A-002"]));
    // Searched, the rest is there too, without accents and in any part.
    assert_eq!(library::listed(&state, "").len(), 3);
    assert_eq!(library::listed(&state, "a-001").len(), 1);
}

async fn cabina(folder: &std::path::Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cabina"));
    command.args(args).current_dir(folder).env("LANG", "en_US.UTF-8").env_remove("CABINA_CONFIG");
    let out = command.env("XDG_CONFIG_HOME", folder).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

#[tokio::test]
async fn the_library_is_listed_shown_checked_and_grows() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { folder.path().join("runbooks").join(name) };
    std::fs::create_dir(folder.path().join("runbooks")).unwrap();
    std::fs::write(at("PROC-BACKEND-031-sesiones.md"), HOUSE).unwrap();
    std::fs::write(at("binary.md"), b"# x\n\0\n").unwrap();
    // A circle of links, and a link to nothing.
    std::os::unix::fs::symlink(folder.path().join("runbooks"), at("again")).unwrap();
    std::os::unix::fs::symlink("nowhere.md", at("gone.md")).unwrap();

    let (code, out, _) = cabina(folder.path(), &["--json", "runbook", "list"]).await;
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, listed["schema"].as_i64(), listed["runbooks"].as_array().unwrap().len()), (0, Some(1), 1));
    assert_eq!(
        (&listed["runbooks"][0]["id"], &listed["runbooks"][0]["duration_min"]),
        (&"PROC-BACKEND-031".into(), &15.0.into())
    );
    let (_, out, _) = cabina(folder.path(), &["runbook", "list", "tabla no baja"]).await;
    assert!(out.contains("PROC-BACKEND-031"), "found by its symptoms' problem: {out}");

    let (code, out, _) = cabina(folder.path(), &["--json", "runbook", "show", "proc-backend-031"]).await;
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &shown["criticality"], &shown["steps"][1]["manual"]), (0, &"CRITICA".into(), &false.into()));
    for key in [
        "schema",
        "id",
        "title",
        "language",
        "type",
        "version",
        "prerequisites",
        "rollback_triggers",
        "troubleshooting",
        "contacts",
    ] {
        assert!(!shown[key].is_null(), "{key}");
    }
    let (code, out, err) = cabina(folder.path(), &["runbook", "show", "runbooks/binary.md"]).await;
    assert!(code == 1 && out.is_empty() && err.contains("line 2"), "{code} {err}");
    let (code, _, err) = cabina(folder.path(), &["runbook", "show", "runbooks"]).await;
    assert!(code == 1 && err.contains("folder"), "{code} {err}");
    let (code, _, err) = cabina(folder.path(), &["runbook", "show", "PROC-BACKEND-999"]).await;
    assert!(code == 64 && err.contains("no runbook"), "{code} {err}");

    let (code, out, _) = cabina(folder.path(), &["--json", "runbook", "lint"]).await;
    let checked: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, checked["runbooks"].as_array().unwrap().len()), (1, 3));
    let binary = &checked["runbooks"][1];
    assert_eq!((&binary["problems"][0]["code"], &binary["problems"][0]["line"]), (&"unreadable".into(), &2.into()));

    let (code, out, _) = cabina(
        folder.path(),
        &["--json", "runbook", "new", "rollback", "Volver a la versión anterior", "--language", "es"],
    )
    .await;
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &made["id"]), (0, &"PROC-BACKEND-032".into()));
    assert!(at("PROC-BACKEND-032-volver-a-la-version-anterior.md").exists());
    let (code, _, err) = cabina(folder.path(), &["runbook", "new", "dance", "x"]).await;
    assert!(code == 64 && err.contains("disaster-recovery"), "{code} {err}");
    // A twin in the other language is the same procedure: each reader gets their own.
    let twin = HOUSE.replace("autor: ana", "idioma: en").replace("Vaciar sesiones caducadas", "Sweep expired sessions");
    std::fs::write(at("PROC-BACKEND-031-sesiones.en.md"), twin).unwrap();
    let (code, out, err) = cabina(folder.path(), &["runbook", "show", "PROC-BACKEND-031"]).await;
    assert!(code == 0 && out.contains("Sweep expired sessions"), "{code} {out} {err}");
    let (_, out, _) = cabina(folder.path(), &["runbook", "list"]).await;
    assert_eq!(out.matches("PROC-BACKEND-031").count(), 1, "{out}");
    // The same number again, in the same language, is a mistake; its twin in the other is not.
    std::fs::write(at("twin.md"), HOUSE).unwrap();
    let (_, out, _) = cabina(folder.path(), &["runbook", "lint"]).await;
    assert!(out.contains("[id-duplicate]"), "{out}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the bytes: no panic, lines that exist, and nothing that steers a terminal.
    #[test]
    fn any_document_is_read_or_refused(parts in prop::collection::vec(prop::sample::select(vec![
        "# ", "## ", "### Paso 1: ", "**Validación:**", "**Salida Esperada:**", "```bash\n", "```\n", "```markdown\n", "~~~", "    ", "\t", "- ", "1. ",
        "| a | b |\n|---|---|\n", "<pre>", "</pre>", "<pod>", "---\n", "id: [x", "\n", "\n\n", "$ ls", "\u{200b}", "\u{1b}[2J", "ñandú", "<!--", "-->",
        "> ", "XXX", "[comando]", "PASSWORD=abc", "curl x | sh", "\r\n", "**", "`", "{{ a }}", "Rollback Completo", "Prerequisitos", "é",
    ]), 0..60)) {
        let text = parts.concat();
        let book = runbook::read("PROC-X-001-a.md", text.as_bytes()).unwrap();
        let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 8).unwrap();
        for problem in lint::lint(&book, &text, "PROC-X-001-a.md", today, Lang::Es) {
            prop_assert!(problem.line >= 1 && problem.line <= book.lines.max(1) + 1, "{problem:?} of {}", book.lines);
        }
        for step in &book.steps {
            prop_assert!(step.line >= 1 && step.line <= book.lines);
            for command in step.commands.iter().chain(&step.rollback) {
                let steers = command.text.contains('\u{1b}');
                prop_assert!(command.line >= 1 && command.line <= book.lines && !steers);
            }
        }
    }
}

/// Searched, read, changed on the disk, and read again; on a real screen.
#[tokio::test]
async fn the_library_on_the_screen() {
    let house = crate::record::House::new("");
    let folder = PathBuf::from(house.config()).with_file_name("runbooks");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("PROC-BACKEND-031-sesiones.md"), HOUSE).unwrap();
    std::fs::write(folder.join("PROC-BACKEND-040-otra.md"), "---\nid: PROC-BACKEND-040\n---\n# Otra cosa\n").unwrap();
    let mut rosa = Screen::start(&["--config", &house.config()], &[("CABINA_USER", "rosa")], 80, 24);
    rosa.shows("What to do").await;
    rosa.keys("r").await;
    rosa.shows("PROC-BACKEND-040").await;
    rosa.keys("sesiones").await;
    rosa.until("what does not fit is gone", |s| {
        s.text().contains("PROC-BACKEND-031") && !s.text().contains("PROC-BACKEND-040")
    })
    .await;
    rosa.keys("\r").await;
    rosa.shows("Copia de anoche").await;
    // Enter reads, and runs nothing; the page stays with its procedure when the library grows before it.
    std::fs::write(folder.join("PROC-BACKEND-001-primera.md"), "---\nid: PROC-BACKEND-001\n---\n# Primera\n").unwrap();
    rosa.keys("G").await;
    rosa.shows("DBA").await;
    rosa.keys("\x1b").await;
    rosa.until("the page is closed", |s| !s.text().contains("DBA")).await;
    rosa.keys("r").await;
    rosa.shows("PROC-BACKEND-001").await;
    rosa.keys("\x1b").await;
    rosa.until("the library is closed", |s| !s.text().contains("PROC-BACKEND-031")).await;
    rosa.keys("q").await;
    rosa.ends().await;
}

/// What ships is held to the rules that it comes with, and each procedure is there in both languages.
#[test]
fn the_shipped_procedures_are_clean_and_have_their_twins() {
    use cabina::effects::library;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let files = library::files(&[folder]);
    let mut found: Vec<(String, &'static str, Vec<String>)> = Vec::new();
    let demo = ["src/lab/rollback.es.md", "src/lab/rollback.en.md"];
    for path in demo.iter().map(|d| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(d)).chain(files) {
        let (book, text) = library::open(&path).unwrap_or_else(|e| panic!("{}: {e:?}", path.display()));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let problems = lint::lint(&book, &text, &name, today, Lang::En);
        assert!(problems.is_empty(), "{name}: {problems:#?}");
        // The words differ, the commands do not.
        let commands = book.steps.iter().flat_map(|s| s.commands.iter().chain(&s.rollback)).map(|c| c.text.clone());
        let proofs =
            book.steps.iter().flat_map(|s| &s.validations).map(|v| format!("{} {}", v.command.text, v.expected));
        found.push((book.id.clone(), book.language, commands.chain(proofs).collect()));
    }
    let of =
        |language: &str| found.iter().filter(|(_, l, _)| *l == language).map(|(id, _, c)| (id, c)).collect::<Vec<_>>();
    let (spanish, english) = (of("es"), of("en"));
    assert!(spanish.len() >= 12, "{}", spanish.len());
    assert_eq!(spanish, english);
}
