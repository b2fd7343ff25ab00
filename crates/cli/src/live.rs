//! `sourdine live`: runs `sourdine-live`, a program of its own because it needs the system's sound libraries.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Args;

use crate::failure::Failure;

const PROGRAM: &str = "sourdine-live";

/// `sourdine live`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct LiveArgs {
    /// What `sourdine-live` is told; `sourdine live --help` lists it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

/// Runs it, beside this program or on the path, and passes its exit code on.
pub(crate) fn run(args: &LiveArgs) -> Result<ExitCode, Failure> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let beside =
        std::env::current_exe().ok().map(|me| me.with_file_name(&name)).filter(|path| path.is_file());
    let program = beside.unwrap_or_else(|| PathBuf::from(name));
    match Command::new(program).args(&args.options).status() {
        // Ended by a signal, there is no code: then the terminal has said enough.
        Ok(status) => {
            Ok(status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code.clamp(0, 255) as u8)))
        }
        Err(error) => Err(Failure::Live { error }),
    }
}
