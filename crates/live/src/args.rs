//! The command line: every option with its help.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Takes the noise out of a microphone, live: to speakers, a virtual microphone or a file.
#[derive(Debug, Parser)]
#[command(
    name = "sourdine-live",
    version,
    about,
    after_help = "Examples:
  sourdine-live                                  the default microphone to the default speakers (use headphones)
  sourdine-live --virtual-mic                    a microphone \"Sourdine\" for call programs
  sourdine-live -i usb -o none --record talk.wav
  sourdine-live --plain --seconds 60

Model, attenuation limit and gate that are not given here come from the environment (SOURDINE_MODEL, …), then from
sourdine.toml, then from the defaults; `sourdine --help` lists them.

Exit codes: 0 done, 1 failed (one line says why), 64 wrong use of the command line"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the sound devices: what to choose them by, their rates and formats, and the defaults
    Devices(DevicesArgs),
    /// Measure the real round trip: plays clicks and finds them in the input, which must hear the output
    Latency(LatencyArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The microphone: an identifier or a part of a name from `sourdine-live devices` [default: the system's]
    #[arg(short, long, value_name = "DEVICE")]
    pub(crate) input: Option<String>,

    /// Where the clean voice is played: as above, or `none` to only record it [default: the system's]
    #[arg(short, long, value_name = "DEVICE", conflicts_with = "virtual_mic")]
    pub(crate) output: Option<String>,

    /// Make a microphone "Sourdine" that call programs can choose; it is gone when this program ends
    #[arg(long)]
    pub(crate) virtual_mic: bool,

    /// The sound system to use, for instance alsa or pulseaudio [default: the best that is there]
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// A built-in model, or a file of weights [default: sourdine]
    #[arg(short, long, value_name = "NAME|PATH")]
    pub(crate) model: Option<String>,

    /// The most that any sound is turned down, in dB: 0 changes nothing, `off` is no limit [default: 60]
    #[arg(short, long, value_name = "DB", value_parser = sourdine_settings::attenuation_limit)]
    pub(crate) attenuation_limit: Option<f32>,

    /// Turn pauses down further (never to silence, never the start of a word)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    pub(crate) gate: Option<bool>,

    /// Take the defaults from this file instead of sourdine.toml here or in the user's configuration folder
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Keep two channels; otherwise the voice is one
    #[arg(long)]
    pub(crate) stereo: bool,

    /// The blocks to ask of the devices, in ms; they give what they will
    #[arg(long, value_name = "MS", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) block: u16,

    /// Latency beyond what the blocks need, in ms; it grows by itself where sound would be lost
    #[arg(long, value_name = "MS", default_value = "5", value_parser = clap::value_parser!(u16).range(0..=200))]
    pub(crate) margin: u16,

    /// Record the clean voice to this WAV file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// Record the sound before denoising too, aligned to the sample
    #[arg(long, value_name = "FILE", requires = "record")]
    pub(crate) record_before: Option<PathBuf>,

    /// End after so many seconds
    #[arg(long, value_name = "S")]
    pub(crate) seconds: Option<f64>,

    /// Print a line a second, and no screen
    #[arg(long, conflicts_with = "json")]
    pub(crate) plain: bool,

    /// Print a JSON object a second
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DevicesArgs {
    /// The sound system [default: all that are there]
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// List what cannot be used, too
    #[arg(long)]
    pub(crate) all: bool,

    /// Print a JSON array of all of them
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LatencyArgs {
    /// The input that hears the output
    #[arg(short, long, value_name = "DEVICE")]
    pub(crate) input: Option<String>,

    /// The output
    #[arg(short, long, value_name = "DEVICE")]
    pub(crate) output: Option<String>,

    /// The sound system
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// The blocks to ask of the devices, in ms
    #[arg(long, value_name = "MS", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) block: u16,

    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

// What `--help` says is what is so.
const _: () = assert!(sourdine::Settings::DEFAULT_ATTENUATION_LIMIT_DB == 60.0);

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
