//! The shell: wires edges, engine and view together. Knows all, decides nothing.

pub mod backend;
mod check;
mod cockpit;
mod config;
mod demo;
mod deploy;
mod doctor;
mod figures;
mod gate;
mod incident;
mod init;
mod keyboard;
mod left;
mod performer;
mod postmortem;
mod print;
mod record;
mod reload;
mod room;
pub mod run;
mod runbook;
mod scrape;
mod signals;
mod store;
pub mod terminal;
mod ticks;
mod typing;
mod walk;
mod watch;
mod wrap;

use std::process::ExitCode;
use std::sync::Arc;

use signal_hook::consts::signal::SIGXFSZ;

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::cli::Command;

/// Exit codes of the contract that are not a level.
pub mod exit {
    /// Wrong usage or unknown reference.
    pub const USAGE: u8 = 64;
    /// A run with nobody at it has come to where a person must decide.
    pub const PERSON: u8 = 4;
    /// Something inside went wrong.
    pub const INTERNAL: u8 = 70;
    /// Another recorder has taken the store.
    pub const DISPLACED: u8 = 1;
    /// The terminal can no longer be written to (128 + SIGHUP, as shells have it).
    pub const TERMINAL_GONE: u8 = 129;
    /// Wrong configuration.
    pub const CONFIG: u8 = 78;
}

/// Runs what the command line asks for.
#[must_use]
pub fn main(cli: &Cli) -> ExitCode {
    // Whoever builds a TLS client first would otherwise have to choose.
    crate::effects::core::none();
    // A file that may not grow any more is an error of whoever writes to it, and not the end of the program.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    let _ = rustls::crypto::ring::default_provider().install_default();
    // What nobody foresaw is one sentence and a code of its own, never a stack of calls. The cockpit has a hook of its own.
    std::panic::set_hook(Box::new(unforeseen));
    let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(cli))).unwrap_or_else(|_| {
        terminal::give_back();
        exit::INTERNAL
    });
    ExitCode::from(gate::end(code, config::language()))
}

/// Says what went wrong inside.
fn unforeseen(info: &std::panic::PanicHookInfo<'_>) {
    let lang = config::language();
    let said = info.payload_as_str().unwrap_or_default();
    if said.contains("spawn") && said.contains("thread") {
        return complain(&format!("cabina: {}", lang.cli_no_threads()));
    }
    let place = info.location().map(|l| {
        let file = l.file().rsplit_once("src/").map_or(l.file(), |(_, file)| file);
        format!("{file}:{}", l.line())
    });
    complain(&format!("cabina: {}", lang.cli_internal(format!("{}: {said}", place.unwrap_or_default()))));
}

fn run(cli: &Cli) -> u8 {
    match &cli.command {
        None => cockpit::main(cli),
        Some(Command::Demo { scenario }) => demo::main(cli, scenario.as_deref()),
        Some(Command::Check { wait }) => check::main(cli, *wait),
        Some(Command::Scrape { from, format }) => scrape::main(from, *format),
        Some(Command::Incident(asked)) => incident::main(cli, asked),
        Some(Command::Deploy { version, at, keep_old, migrations, before, note }) => deploy::main(
            cli,
            &deploy::Said {
                version,
                at: at.as_deref(),
                keep_old: *keep_old,
                migrations: *migrations,
                before: before.as_deref(),
                note,
            },
        ),
        Some(Command::Watch { length, baseline, offset, deploy, keep_old, headless }) => watch::main(
            cli,
            &watch::Asked {
                length: *length,
                baseline: baseline.as_deref(),
                offset: *offset,
                version: deploy.as_deref(),
                keep_old: *keep_old,
                headless: *headless,
            },
        ),
        Some(Command::Deploys { days }) => watch::log(cli, *days),
        Some(Command::Run { incident, command }) => wrap::main(cli, incident.as_deref(), command),
        Some(Command::Postmortem { id, format, output, template, language }) => postmortem::main(
            cli,
            &postmortem::Asked {
                id,
                format: *format,
                output: output.as_deref(),
                template: template.as_deref(),
                language: language.as_deref(),
            },
        ),
        Some(Command::Runbook(asked)) => runbook::main(cli, asked),
        Some(Command::Dora { days, git }) => figures::dora(cli, *days, git.as_deref()),
        Some(Command::Report { days }) => figures::report(cli, *days),
        Some(Command::Record) => record::main(cli),
        Some(Command::Supervise) => crate::effects::step::process::main(),
        Some(Command::Init) => init::main(cli),
        Some(Command::Doctor) => doctor::main(cli),
        Some(Command::Completions { shell }) => {
            let mut command = Cli::command();
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command, "cabina", &mut script);
            gate::raw(&script);
            0
        }
        Some(Command::Man) => man(),
    }
}

/// Says what was wrong with the command line, or what it asked to be told; the exit code.
#[must_use]
pub fn refuse(wrong: &clap::Error) -> ExitCode {
    let text = wrong.render().to_string();
    // The contract's code for wrong usage is 64; asking for help or the version is no mistake.
    let code = if wrong.use_stderr() {
        complain(text.trim_end());
        exit::USAGE
    } else {
        print(&text);
        0
    };
    ExitCode::from(gate::end(code, config::language()))
}

fn man() -> u8 {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
    gate::raw(&page);
    if rendered.is_err() { exit::INTERNAL } else { 0 }
}

/// A runtime with one worker beside the thread that draws. Work is small (answers above some hundred kilobytes are read
/// on a thread of their own), and two workers wake each other up for nothing on an idle night.
fn runtime() -> Result<tokio::runtime::Runtime, u8> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|e| {
        complain(&format!("cabina: {e}"));
        exit::INTERNAL
    })
}

/// A configuration and a runtime, or the exit code of what was wrong with them.
fn ready(cli: &Cli) -> Result<(config::Configured, tokio::runtime::Runtime), u8> {
    Ok((config::load(cli)?, runtime()?))
}

/// Says something to the person, on standard error.
fn complain(text: &str) {
    gate::say(text);
}

/// Writes text to standard output.
fn print(text: &str) {
    gate::text(text);
}

/// Writes a document of JSON.
fn object(value: &serde_json::Value) {
    gate::json(&format!("{value}\n"));
}
