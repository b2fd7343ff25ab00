//! The command line: every option with its help.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use sourdine::Settings;

/// Takes the noise out of voice recordings.
#[derive(Debug, Parser)]
#[command(name = "sourdine", version, about, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted.")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Clean a WAV file: same rate, channels, sample format and length, aligned to the sample
    Clean(CleanArgs),
    /// List the built-in models with their delay, cost and licence
    Models(ModelsArgs),
}

/// `sourdine clean`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  \
    sourdine clean talk.wav                        writes talk.clean.wav\n  \
    sourdine clean talk.wav -o quiet.wav --attenuation-limit off\n  \
    sourdine clean talk.wav -o removed.wav --residue\n  \
    sourdine clean talk.wav --json | jq .mean_attenuation_db")]
pub(crate) struct CleanArgs {
    /// The WAV file to clean; it is never changed
    pub(crate) input: PathBuf,

    /// Where the result goes [default: NAME.clean.wav beside the input]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Replace an output file that exists
    #[arg(short, long)]
    pub(crate) force: bool,

    /// A built-in model (see `sourdine models`), or a file of RNNoise 0.1 weights
    #[arg(short, long, value_name = "NAME|PATH", default_value = "rnnoise", help_heading = "Sound")]
    pub(crate) model: String,

    /// The most that any sound is turned down, in dB: 0 changes nothing, `off` is no limit
    #[arg(short, long, value_name = "DB", default_value_t = AttenuationLimit(Settings::DEFAULT_ATTENUATION_LIMIT_DB),
          allow_negative_numbers = true, help_heading = "Sound")]
    pub(crate) attenuation_limit: AttenuationLimit,

    /// Write what is removed instead of what is kept
    #[arg(long, help_heading = "Sound")]
    pub(crate) residue: bool,

    /// Turn pauses down further (never to silence, never the start of a word)
    #[arg(long, help_heading = "Sound")]
    pub(crate) gate: bool,

    /// One mask for all channels, or each channel on its own
    #[arg(long, value_enum, default_value_t = ChannelMode::Linked, help_heading = "Sound")]
    pub(crate) channels: ChannelMode,

    /// Print one JSON object per file on stdout
    #[arg(long, help_heading = "Messages")]
    pub(crate) json: bool,

    /// Print nothing but errors
    #[arg(short, long, help_heading = "Messages")]
    pub(crate) quiet: bool,
}

/// `sourdine models`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ModelsArgs {
    /// Print a JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

/// An attenuation limit in dB; infinity for none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AttenuationLimit(pub(crate) f32);

impl std::str::FromStr for AttenuationLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(f32::INFINITY));
        }
        match text.parse::<f32>() {
            Ok(db) if db.is_finite() && db >= 0.0 => Ok(Self(db)),
            _ => Err("give a number of dB, 0 or more, or `off`".into()),
        }
    }
}

impl std::fmt::Display for AttenuationLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_finite() { write!(f, "{}", self.0) } else { write!(f, "off") }
    }
}

/// How channels share the denoiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChannelMode {
    /// One mask for all: a voice stays where it was
    Linked,
    /// Each on its own: for channels that carry different microphones
    Separate,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn attenuation_limits() {
        for (text, limit) in
            [("0", Some(0.0)), ("24", Some(24.0)), ("7.5", Some(7.5)), ("off", Some(f32::INFINITY))]
        {
            assert_eq!(text.parse::<AttenuationLimit>().ok().map(|l| l.0), limit);
        }
        for text in ["-1", "nan", "inf", "", "loud"] {
            assert!(text.parse::<AttenuationLimit>().is_err(), "{text}");
        }
    }
}
