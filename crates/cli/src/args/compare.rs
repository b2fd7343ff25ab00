//! Options of `sourdine compare`.

use std::path::PathBuf;

use clap::Args;

/// `sourdine compare`.
#[derive(Debug, Args)]
#[command(
    after_help = "The three files must have the same sample rate; CLEAN may be mono while the others have several channels.\n\n\
    Examples:\n  \
    sourdine clean noisy.wav -o cleaned.wav && sourdine compare clean.wav noisy.wav cleaned.wav\n  \
    sourdine compare clean.wav noisy.wav cleaned.wav --json | jq .after.stoi"
)]
pub(crate) struct CompareArgs {
    /// The voice alone
    pub(crate) clean: PathBuf,

    /// The voice with noise, before
    pub(crate) noisy: PathBuf,

    /// The cleaned file, after
    pub(crate) cleaned: PathBuf,

    /// Do not align the files by the measured delay (up to 1 s) before comparing
    #[arg(long)]
    pub(crate) no_align: bool,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
