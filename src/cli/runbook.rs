//! `cabina runbook …`: the library of procedures.

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

/// How a procedure is run.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub struct How {
    /// With nobody at it: no terminal, no questions
    #[arg(long)]
    pub headless: bool,
    /// A value: the name of a variable, or a placeholder as it stands in the procedure
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// A value that a file holds, since arguments are seen by every user of the machine; - is standard input
    #[arg(long, value_name = "NAME=PATH")]
    pub set_file: Vec<String>,
    /// Begin with this step
    #[arg(long, value_name = "STEP")]
    pub from: Option<String>,
    /// Print what would be run, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Undo what was done when a step fails
    #[arg(long)]
    pub rollback_on_failure: bool,
    /// Also steps that take data away, forward and back
    #[arg(long)]
    pub allow_data_loss: bool,
    /// Answer with yes what a person would be asked: risky steps in production, what only a person can do or see
    #[arg(long)]
    pub yes: bool,
}

/// What to do with procedures. REF is a file, or the id of one in the library.
#[derive(Debug, Subcommand)]
pub enum Runbook {
    /// List the library
    List {
        /// Only those that this fits: letters of the title, the id, the symptoms
        search: Option<String>,
    },
    /// Print a procedure as it is understood
    Show {
        /// A file, or an id
        #[arg(value_name = "REF")]
        reference: String,
    },
    /// Check procedures against the rules of the house
    Lint {
        /// Files and folders; the library without
        paths: Vec<PathBuf>,
    },
    /// Run a procedure, step after step
    Run {
        /// A file, or an id
        #[arg(value_name = "REF")]
        reference: String,
        /// How
        #[command(flatten)]
        how: How,
    },
    /// Runs, success rate, times and rollbacks of each procedure
    Stats,
    /// Begin a procedure from the template, with the next number
    New {
        /// deployment, rollback, maintenance, troubleshooting, scaling, disaster-recovery
        #[arg(value_name = "TYPE")]
        kind: String,
        /// What it is called
        title: String,
        /// es or en; the language of the screen without
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<String>,
        /// In this folder; the first of the library without
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}
