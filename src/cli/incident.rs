//! `cabina incident …`: everything the screen can do, for scripts.

use std::path::PathBuf;

use clap::Subcommand;
use clap::ValueEnum;

/// What to do with incidents. ID is `INC-2026-0042`, or `newest` for the newest one that goes on.
#[derive(Debug, Subcommand)]
pub enum Incident {
    /// Open an incident and print its ID
    Open {
        /// What it is called
        #[arg(long, short)]
        title: String,
        /// How bad it is: SEV1 to SEV4
        #[arg(long, value_name = "LEVEL")]
        severity: Option<String>,
        /// When it began: -10m, 02:50, 2026-11-23 02:50, or RFC 3339
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        at: Option<String>,
    },
    /// List incidents, those that go on first
    List {
        /// Only those that go on
        #[arg(long)]
        open: bool,
        /// What is left to do, of all of them
        #[arg(long)]
        actions: bool,
        /// How many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Show an incident and its timeline
    Show {
        /// Which
        id: String,
    },
    /// Write something into its timeline
    Note {
        /// Which
        id: String,
        /// The words; - reads them from standard input
        text: String,
        /// When it happened
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        at: Option<String>,
        /// A note, or something that is left to do
        #[arg(long, value_enum, default_value = "note")]
        kind: NoteKind,
        /// Who does it (todo)
        #[arg(long)]
        owner: Option<String>,
        /// Until when, such as 2026-12-01 (todo)
        #[arg(long, value_name = "DAY")]
        due: Option<String>,
    },
    /// Say how bad it is, and why
    Severity {
        /// Which
        id: String,
        /// SEV1 to SEV4
        level: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Say who has it, or who has a role in it
    Assign {
        /// Which
        id: String,
        /// Who; an empty name frees the role
        who: String,
        /// Which role: owner, commander, or one of your own
        #[arg(long, default_value = "owner")]
        role: String,
    },
    /// Tell those who wait how it goes, or say where it is on its way
    Update {
        /// Which
        id: String,
        /// The words
        #[arg(required_unless_present = "phase")]
        text: Option<String>,
        /// detected, classified, assigned, investigating, mitigating, resolved, post-mortem, closed
        #[arg(long)]
        phase: Option<String>,
    },
    /// Say that it works again
    Resolve {
        /// Which
        id: String,
        /// What helped
        #[arg(default_value = "")]
        text: String,
        /// Since when
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        at: Option<String>,
    },
    /// Say that nothing is left to do
    Close {
        /// Which
        id: String,
        /// A last word
        #[arg(default_value = "")]
        text: String,
    },
    /// Say that it was another incident all along
    Merge {
        /// The one that ends
        id: String,
        /// The one that goes on
        into: String,
    },
    /// Say that something that was left to do is done
    Done {
        /// Which
        id: String,
        /// The entry that asked for it
        entry: i64,
        /// It is not done after all
        #[arg(long)]
        undo: bool,
    },
    /// Prove that nothing of its timeline was changed or is missing
    Verify {
        /// Which
        id: String,
    },
    /// Take in what export wrote: each journal as it was sealed, or not at all
    Import {
        /// A file, or - for standard input
        file: PathBuf,
    },
    /// Write everything as JSON Lines
    Export {
        /// Which; all of them without
        id: Option<String>,
        /// A file, instead of standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Kinds of notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NoteKind {
    /// Something that happened
    Note,
    /// Something that is left to do
    Todo,
}
