//! `cabina`, the program: parses the command line and hands over.

use std::process::ExitCode;

use cabina::cli::Cli;
use clap::Parser as _;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => cabina::app::main(&cli),
        Err(wrong) => cabina::app::refuse(&wrong),
    }
}
