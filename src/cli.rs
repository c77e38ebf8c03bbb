//! The command line. Only its shape; what the commands do stands in `app`.

mod incident;
mod runbook;

pub use incident::Incident;
pub use incident::NoteKind;
pub use runbook::How;
pub use runbook::Runbook;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

/// The cockpit an on-call engineer opens at 3 a.m.: what is broken, how bad, since when, what to do next.
#[derive(Debug, Parser)]
#[command(name = "cabina", version, about, long_about = None, max_term_width = 100)]
pub struct Cli {
    /// Configuration file (else $`CABINA_CONFIG`, ./cabina.toml, the XDG config folder)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Machine output as JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// Look, and change nothing
    #[arg(long)]
    pub read_only: bool,

    /// What to do; without it, the cockpit opens
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the cockpit on an embedded target that breaks and recovers; needs nothing else
    Demo {
        /// Which story: noche, errores, latencia, sesiones, caida
        scenario: Option<String>,
    },
    /// Look once, print the board and the severity; the exit code is the level
    Check {
        /// Look for this long instead of once
        #[arg(long, value_name = "TIME", value_parser = wait)]
        wait: Option<Duration>,
    },
    /// Print what a target exposes, and every line that was not understood
    Scrape {
        /// An address, a file, or - for standard input
        #[arg(value_name = "URL|FILE|-")]
        from: String,
        /// Read it as this format (else by the content type, or by "# EOF" in a file)
        #[arg(long, value_enum)]
        format: Option<ScrapeFormat>,
    },
    /// Open, show, and write down incidents
    #[command(subcommand)]
    Incident(Incident),
    /// List, read, check and begin procedures
    #[command(subcommand)]
    Runbook(Runbook),
    /// Mark that a version went live
    Deploy {
        /// The version
        version: String,
        /// When: -10m, 02:50, 2026-11-23 02:50, or RFC 3339; now without
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        at: Option<String>,
        /// How long the old side is kept
        #[arg(long, value_name = "TIME", value_parser = wait)]
        keep_old: Option<Duration>,
        /// How many migrations came with it
        #[arg(long, value_name = "N")]
        migrations: Option<u32>,
        /// What ran before; else the mark before this one says it
        #[arg(long, value_name = "VERSION")]
        before: Option<String>,
        /// A word about it
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Watch the window after a deploy against what was before it: PASS 0, WARN 1, FAIL 2, INCONCLUSIVE 3
    Watch {
        /// How long; as configured without, which is 5m
        #[arg(long = "for", value_name = "TIME", value_parser = wait)]
        length: Option<Duration>,
        /// How much of what was just before it is compared (as long as the window without); or last-good
        #[arg(long, value_name = "TIME|last-good")]
        baseline: Option<String>,
        /// Compare with the same time so long ago instead, such as 1d or 7d
        #[arg(long, value_name = "TIME", value_parser = offset)]
        offset: Option<Duration>,
        /// What went live; it is marked where nobody has
        #[arg(long, value_name = "VERSION")]
        deploy: Option<String>,
        /// How long the old side is kept; as configured without, which is 30m
        #[arg(long, value_name = "TIME", value_parser = wait)]
        keep_old: Option<Duration>,
        /// Nobody looks: progress goes to standard error, the report to standard output
        #[arg(long)]
        headless: bool,
    },
    /// List the deployment log: who deployed what, its window, the verdict
    Deploys {
        /// Of so many days until now
        #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=3650))]
        days: i64,
    },
    /// Run a command, and put it on the timeline of the newest open incident
    Run {
        /// Another incident than the newest open one
        #[arg(long, value_name = "ID")]
        incident: Option<String>,
        /// The command, after --
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<std::ffi::OsString>,
    },
    /// Write the post-mortem of an incident: figures, timeline, and the questions that only people can answer
    Postmortem {
        /// The incident, or newest
        id: String,
        /// Markdown or JSON
        #[arg(long, value_enum)]
        format: Option<DocumentFormat>,
        /// Write it here instead of to standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Another template than the one that comes with cabina: Markdown with {{parts}}
        #[arg(long, value_name = "FILE")]
        template: Option<PathBuf>,
        /// es or en; the configured language without
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<String>,
    },
    /// Deployment frequency, lead time, change failure rate, time to recover: by deploys, incidents and commits
    Dora {
        /// Of so many days until now
        #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=3650))]
        days: i64,
        /// A repository whose commits say deploy:, rollback: or hotfix:
        #[arg(long, value_name = "PATH")]
        git: Option<PathBuf>,
    },
    /// Incidents by month, time to recover with and without a procedure, alerts, procedures nobody has practised
    Report {
        /// Of so many days until now
        #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=3650))]
        days: i64,
    },
    /// Poll, judge, record and open incidents with nobody looking, until stopped
    Record,
    /// Write a commented cabina.toml after probing what answers here; never overwrites
    Init,
    /// Explain the effective configuration, try each connection, say what the terminal can do
    Doctor,
    /// Run the steps of a procedure; started by cabina itself
    #[command(hide = true)]
    Supervise,
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Formats of documents.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DocumentFormat {
    /// Markdown
    Md,
    /// JSON
    Json,
}

/// Formats of `scrape`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ScrapeFormat {
    /// Prometheus text format 0.0.4
    Text,
    /// OpenMetrics 1.0
    Openmetrics,
}

/// A span of at most a month.
fn offset(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|_| format!("{text:?} is not a time such as 1d or 7d"))?;
    if time > Duration::from_hours(31 * 24) { Err("at most 31d".to_owned()) } else { Ok(time) }
}

/// A waiting time of at most a day.
fn wait(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is not a time such as 30s or 5m");
    if text.contains('M') || text.contains('y') {
        return Err(bad());
    }
    let time = humantime::parse_duration(text).map_err(|_| bad())?;
    if time > Duration::from_hours(24) { Err("at most 1d".to_owned()) } else { Ok(time) }
}
