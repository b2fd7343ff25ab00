//! `sourdine live`: runs `sourdine-live`, a program of its own because it needs the system's sound libraries.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::args::LiveArgs;
use crate::failure::Failure;

const PROGRAM: &str = "sourdine-live";

/// Runs it, from this program's folder or the search path, and passes its exit code on.
pub(crate) fn run(args: &LiveArgs) -> Result<ExitCode, Failure> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let sibling =
        std::env::current_exe().ok().map(|me| me.with_file_name(&name)).filter(|path| path.is_file());
    let program = sibling.unwrap_or_else(|| PathBuf::from(name));
    match Command::new(program).args(&args.options).status() {
        // Ended by a signal, there is no code: then the terminal has said enough.
        Ok(status) => {
            Ok(status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code.clamp(0, 255) as u8)))
        }
        Err(error) => Err(Failure::Live { error }),
    }
}
