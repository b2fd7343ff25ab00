//! Options of `sourdine live`.

use std::ffi::OsString;

use clap::Args;

/// `sourdine live`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct LiveArgs {
    /// What `sourdine-live` is told; `sourdine live --help` lists it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    pub(crate) options: Vec<OsString>,
}
