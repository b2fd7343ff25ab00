//! Options that several commands share, and the values that options take.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};
use sourdine::{Channels, Settings};

/// Options of the sound; also in the environment and in `sourdine.toml`.
#[derive(Debug, Default, Clone, Args)]
#[command(next_help_heading = "Sound")]
pub(crate) struct SoundArgs {
    /// Use this model: a built-in one (see `sourdine models`), or a file of weights [default: sourdine]
    #[arg(short, long, value_name = "NAME|PATH", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<String>,

    /// Limit the attenuation of any sound, in dB: 0 changes nothing, `off` removes the limit [default: 60]
    #[arg(short, long, value_name = "DB", allow_negative_numbers = true)]
    pub(crate) attenuation_limit: Option<AttenuationLimit>,

    /// Turn pauses down further (never to silence, never at the start of a word) [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_name = "true|false")]
    pub(crate) gate: Option<bool>,

    /// Denoise all channels with one mask, or each on its own [default: linked]
    #[arg(long, value_enum)]
    pub(crate) channels: Option<ChannelMode>,

    /// Read defaults from this file instead of sourdine.toml here or in the user's configuration folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
}

/// Many files.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Many files")]
pub(crate) struct BatchArgs {
    /// Read more inputs from a list, one per line or separated by NUL; `-` reads it from standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files_from: Option<PathBuf>,

    /// In folders, process only files that match (by name, or by path below the
    /// folder, where `**` stands for any folders); repeatable
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,

    /// In folders, skip files that match; repeatable
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,

    /// Process this many files at a time [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,

    /// Skip files whose output exists: resumes an interrupted run
    #[arg(long)]
    pub(crate) skip_existing: bool,
}

/// A duration: `0.25` and `0.25s` are seconds, `250ms` milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Duration(pub(crate) f64);

impl Duration {
    pub(crate) fn frames(self, rate: u32) -> u64 {
        (self.0 * f64::from(rate)).round() as u64
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(number), _) => (number, 1e-3),
            (None, Some(number)) => (number, 1.0),
            (None, None) => (text, 1.0),
        };
        match number.trim_end().parse::<f64>() {
            Ok(value) if (0.0..=3600.0).contains(&(value * unit)) => Ok(Self(value * unit)),
            _ => Err("give seconds (0.25) or milliseconds (250ms), up to an hour".into()),
        }
    }
}

/// An attenuation limit in dB; infinity for none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AttenuationLimit(pub(crate) f32);

impl FromStr for AttenuationLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        sourdine_settings::attenuation_limit(text).map(Self)
    }
}

/// Ways in which channels share the denoiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChannelMode {
    /// One mask for all: voices keep their place in the stereo image
    Linked,
    /// Each channel on its own: for different microphones
    Separate,
}

impl From<ChannelMode> for Channels {
    fn from(mode: ChannelMode) -> Self {
        match mode {
            ChannelMode::Linked => Self::Linked,
            ChannelMode::Separate => Self::Separate,
        }
    }
}

// The default that `--help` states.
const _: () = assert!(Settings::DEFAULT_ATTENUATION_LIMIT_DB == 60.0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [("0.25", 0.25), ("0.25s", 0.25), ("250ms", 0.25), ("0", 0.0), ("1 s", 1.0)] {
            assert_eq!(text.parse::<Duration>().map(|d| d.0), Ok(seconds), "{text}");
        }
        for text in ["", "ms", "s", "-1", "nan", "inf", "1m", "1e9"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert_eq!(Duration(0.1).frames(44_100), 4410);
    }
}
