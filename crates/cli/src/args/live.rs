//! Options of `sourdine live`.

use std::ffi::OsString;

use clap::Args;

/// `sourdine live`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct LiveArgs {
    /// Options of `sourdine-live`; `sourdine live --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    pub(crate) options: Vec<OsString>,
}
