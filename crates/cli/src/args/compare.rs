//! Options of `sourdine compare`.

use std::path::PathBuf;

use clap::Args;

/// `sourdine compare`.
#[derive(Debug, Args)]
#[command(
    after_help = "The three files need one sample rate; CLEAN may be mono beside files of several channels.\n\n\
    Examples:\n  \
    sourdine clean noisy.wav -o cleaned.wav && sourdine compare clean.wav noisy.wav cleaned.wav\n  \
    sourdine compare clean.wav noisy.wav cleaned.wav --json | jq .after.stoi"
)]
pub(crate) struct CompareArgs {
    /// The voice alone
    pub(crate) clean: PathBuf,

    /// The voice with noise, before
    pub(crate) noisy: PathBuf,

    /// What cleaning made of it, after
    pub(crate) cleaned: PathBuf,

    /// Take the files as they lie: do not shift them by the delay measured (up to 1 s) before comparing
    #[arg(long)]
    pub(crate) no_align: bool,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
