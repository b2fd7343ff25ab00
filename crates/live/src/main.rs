//! `sourdine-live`: microphone to clean voice.
#![forbid(unsafe_code)]

mod args;
mod devices;
mod microphone;
mod output;
mod round_trip;
mod rows;
mod run;
mod screen;

use std::process::ExitCode;

use clap::Parser;

/// EX_USAGE of sysexits.h.
const WRONG_USE: u8 = 64;

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version, asked for, come this way too.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(WRONG_USE) } else { ExitCode::SUCCESS };
        }
    };
    let done = match &args.command {
        Some(args::Action::Devices(list)) => devices::run(list),
        Some(args::Action::Latency(probe)) => round_trip::run(probe),
        Some(args::Action::InstallMicrophone(install)) => microphone::run(install),
        None => run::run(&args.run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            output::error(&why);
            ExitCode::FAILURE
        }
    }
}
