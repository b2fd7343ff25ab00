//! Options of the report on a cleaned file; none where the program was built without it.

use clap::Args;
#[cfg(feature = "report")]
use {clap::ValueHint, std::path::PathBuf};

/// Selects the reports to write.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Report")]
pub(crate) struct ReportArgs {
    #[cfg(feature = "report")]
    /// Write a report as an HTML page: spectrograms before and after, voice, attenuation, loudness, noise
    #[arg(long, value_name = "FILE.html", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,

    #[cfg(feature = "report")]
    /// Write the same report as a picture
    #[arg(long, value_name = "FILE.png", value_hint = ValueHint::FilePath)]
    pub(crate) spectrogram: Option<PathBuf>,
}
