//! Manual pages and shell completions, both made from the command line's own description.

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs, ManArgs};
use crate::failure::Failure;

/// Prints the completions of a shell.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "sourdine", &mut script);
    crate::output::result(&String::from_utf8_lossy(&script).trim_end())
}

/// Writes `sourdine.1` and a page for each command.
pub(crate) fn pages(args: &ManArgs) -> Result<(), Failure> {
    let failed = |error| Failure::Write { path: args.folder.clone(), error };
    std::fs::create_dir_all(&args.folder)
        .and_then(|()| clap_mangen::generate_to(Args::command(), &args.folder))
        .map_err(failed)
}
