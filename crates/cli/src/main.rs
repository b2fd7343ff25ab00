//! `sourdine`: cleans voice recordings.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | the file could not be cleaned; one line on stderr says why and what to do |
//! | 2 | wrong use of the command line |
//! | 130 | interrupted; nothing was left behind |
#![forbid(unsafe_code)]

mod args;
mod clean;
mod failure;
mod models;
mod output;
mod summary;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let done = match args::Args::parse().command {
        args::Command::Clean(clean) => clean::run(&clean),
        args::Command::Models(list) => models::run(&list),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure);
            failure.exit_code()
        }
    }
}
