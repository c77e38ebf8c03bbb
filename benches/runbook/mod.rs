//! The figures of procedures: how fast one is read, and how long a library takes when nothing of it is in memory.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench reads the clock and says what it read")]

pub(crate) mod walk;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use cabina::runbook;
use divan::Bencher;
use divan::counter::BytesCount;

/// A procedure as the house writes it, long enough to be one.
fn document(n: usize) -> String {
    let mut text = include_str!("../../tests/runbooks/PROC-BACKEND-031-sesiones.md")
        .replace("PROC-BACKEND-031", &format!("PROC-BACKEND-{n:03}"));
    let step = "\n### Paso {n}: Otro paso más\n**Duración Estimada:** 2 minutos\n\n```bash\nsystemctl status gunicorn\ncurl -fsS http://localhost:8000/api/health\n```\n\n**Resultado Esperado:** el servicio contesta y la página se ve como siempre\n\n**Validación:**\n```bash\ncurl -fsS http://localhost:8000/api/health | grep -q ok\n```\n\n**Si falla:**\n- [ ] mirar el registro: `journalctl -u gunicorn -n 50`\n- [ ] llamar al DBA de guardia\n";
    let at = text.find("## Validacion Final").unwrap_or(text.len());
    let more: String = (3..15).map(|i| step.replace("{n}", &i.to_string())).collect();
    text.insert_str(at, &more);
    text
}

#[divan::bench]
fn read_a_procedure(bencher: Bencher) {
    let text = document(31);
    bencher.counter(BytesCount::new(text.len())).bench(|| runbook::read("PROC-BACKEND-031.md", text.as_bytes()));
}

/// 300 procedures listed by the built program.
pub(crate) fn figures() {
    let folder = std::env::temp_dir().join(format!("cabina-bench-runbooks-{}", std::process::id()));
    let library = folder.join("runbooks");
    if std::fs::create_dir_all(&library).is_err() {
        return;
    }
    for n in 1..=300 {
        let _ = std::fs::write(library.join(format!("PROC-BACKEND-{n:03}-otra.md")), document(n));
    }
    println!("300 procedures listed by a new process: {} ms", listed(&folder));
    let _ = std::fs::remove_dir_all(folder);
}

/// The best of five, in ms.
fn listed(folder: &Path) -> u128 {
    let once = || {
        let start = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cabina"));
        let out = command.args(["runbook", "list"]).current_dir(folder).env("XDG_CONFIG_HOME", folder).output();
        let lines = out.map_or(0, |o| String::from_utf8_lossy(&o.stdout).lines().count());
        assert_eq!(lines, 300);
        start.elapsed().as_millis()
    };
    (0..5).map(|_| once()).min().unwrap_or_default()
}
