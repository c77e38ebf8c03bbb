//! `cabina`, the program: parses the command line and hands over.

use std::process::ExitCode;

use cabina::cli::Cli;
use clap::Parser as _;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => cabina::app::main(&cli),
        Err(wrong) => {
            let _ = wrong.print();
            // The contract's code for wrong usage is 64; asking for help or the version is no mistake.
            ExitCode::from(if wrong.use_stderr() { cabina::app::exit::USAGE } else { 0 })
        }
    }
}
