//! `sourdine`: cleans voice recordings.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed, or a folder could not be searched; one line on stderr says why and what to do |
//! | 2 | some of several files failed, the others did not |
//! | 64 | an option, a value or a command that does not exist |
//! | 130 | interrupted; no half-written file is left |
#![forbid(unsafe_code)]

mod args;
mod batch;
mod clean;
mod compare;
mod config;
mod failure;
mod inputs;
mod jobs;
mod live;
mod manual;
mod models;
mod output;
mod output_file;
#[cfg_attr(not(feature = "report"), path = "report/absent.rs")]
mod report;
mod summary;
mod vad;

use std::process::ExitCode;

use clap::Parser;

/// EX_USAGE of sysexits.h: 1 and 2 say something else here.
const WRONG_USE: u8 = 64;

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version, asked for, come this way too.
            let printed = error.print();
            if error.use_stderr() {
                return ExitCode::from(WRONG_USE);
            }
            return match printed.and_then(|()| std::io::Write::flush(&mut std::io::stdout())) {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    let failure = failure::Failure::Print { error, written: false };
                    output::error(&failure);
                    failure.exit_code()
                }
                _ => ExitCode::SUCCESS,
            };
        }
    };
    let done = match args.command {
        args::Command::Clean(clean) => clean::run(&clean),
        args::Command::Vad(vad) => vad::run(&vad),
        args::Command::Compare(compare) => compare::run(&compare),
        args::Command::Models(list) => models::run(&list),
        args::Command::Completions(completions) => manual::completions(&completions),
        args::Command::Man(man) => manual::pages(&man),
        args::Command::Live(live) => match live::run(&live) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure);
            failure.exit_code()
        }
    }
}
