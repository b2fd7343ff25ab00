//! The command line: every option with its help.

mod clean;
mod compare;
mod live;
mod report;
mod shared;
mod vad;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueHint};

pub(crate) use clean::{CleanArgs, FileKind};
pub(crate) use compare::CompareArgs;
pub(crate) use live::LiveArgs;
pub(crate) use report::ReportArgs;
pub(crate) use shared::{BatchArgs, ChannelMode, SoundArgs};
pub(crate) use vad::{Format, VadArgs};

/// Removes noise from voice recordings.
#[derive(Debug, Parser)]
#[command(name = "sourdine", version, long_version = LONG_VERSION, about, arg_required_else_help = true)]
#[command(after_help = format!("{SETTINGS}\n\n{EXIT_CODES}"))]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Version, commit and target, for bug reports.
const LONG_VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("SOURDINE_COMMIT"), ", ", env!("SOURDINE_TARGET"), ")");

/// Explains the sources of settings, and all settings.
const SETTINGS: &str =
    "Settings not given as options come from environment variables, then from sourdine.toml in the
current folder or in the user's configuration folder (~/.config/sourdine on Linux), then from the defaults:
    SOURDINE_MODEL              model = \"rnnoise\"           or a file of weights
    SOURDINE_ATTENUATION_LIMIT  attenuation-limit = 30      in dB, or \"off\"
    SOURDINE_GATE               gate = true
    SOURDINE_CHANNELS           channels = \"separate\"       or \"linked\"
    SOURDINE_JOBS               jobs = 4                    not used by `sourdine live`
    SOURDINE_CONFIG             another file to read them from";

const EXIT_CODES: &str = "Exit codes:
    0  done
    1  failed: nothing was written, or a folder could not be searched
    2  some of several files failed, the others did not
   64  incorrect usage: an unknown or missing option, value or command
  130  interrupted; no half-written file is left";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Clean sound files: same rate, channels, sample format and length, sample-aligned
    Clean(Box<CleanArgs>),
    /// Find the segments that contain speech: JSON, CSV, Audacity labels or RTTM
    Vad(Box<VadArgs>),
    /// Measure a noisy and a cleaned file against the clean voice: SI-SDR, STOI and more
    Compare(CompareArgs),
    /// List the built-in models with their delay, size and licence
    Models(ModelsArgs),
    /// Clean a microphone live (runs sourdine-live)
    Live(LiveArgs),
    /// Print a completion script for a shell, to be saved where it looks for them
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder
    Man(ManArgs),
}

/// `sourdine models`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ModelsArgs {
    /// Print a JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

/// `sourdine completions`.
#[derive(Debug, ClapArgs)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// `sourdine man`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ManArgs {
    /// The folder; created if it does not exist
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
