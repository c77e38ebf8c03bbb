//! `cabina runbook …`: the library of procedures.

use std::path::PathBuf;

use clap::Subcommand;

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
