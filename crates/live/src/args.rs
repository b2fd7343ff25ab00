//! The command line: every option with its help.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Removes noise from a microphone, live: to speakers, a virtual microphone or a file.
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

Model, attenuation limit and gate not given here come from the environment (SOURDINE_MODEL, …),
then from sourdine.toml, then from the defaults; `sourdine --help` lists them.

Exit codes: 0 done, 1 failed (one line says why), 64 wrong usage"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Action>,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the sound devices with their identifiers, rates and formats, and the defaults
    Devices(DevicesArgs),
    /// Measure the real round trip: play clicks and find them in the input, which must pick up the output
    Latency(LatencyArgs),
    /// Let PipeWire itself denoise a microphone "Sourdine" from login on, by the LADSPA plug-in
    InstallMicrophone(InstallMicrophoneArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The microphone: an identifier or a part of a name from `sourdine-live devices` [default: the system's]
    #[arg(short, long, value_name = "DEVICE")]
    pub(crate) input: Option<String>,

    /// Play the clean voice on this device, chosen as above, or on `none` to only record it [default: the system's]
    #[arg(short, long, value_name = "DEVICE", conflicts_with = "virtual_mic")]
    pub(crate) output: Option<String>,

    /// Create a microphone "Sourdine" for call programs; it is removed when this program ends
    #[arg(long)]
    pub(crate) virtual_mic: bool,

    /// Use this sound system, for instance alsa or pulseaudio [default: the best available]
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// A built-in model, or a file of weights [default: sourdine]
    #[arg(short, long, value_name = "NAME|PATH")]
    pub(crate) model: Option<String>,

    #[command(flatten)]
    pub(crate) limit: LimitArgs,

    /// Turn pauses down further (never to silence, never at the start of a word)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    pub(crate) gate: Option<bool>,

    /// Read defaults from this file instead of sourdine.toml here or in the user's configuration folder
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Keep two channels instead of mixing down to mono
    #[arg(long)]
    pub(crate) stereo: bool,

    /// Block length to request from the devices, in ms; they may choose another
    #[arg(long, value_name = "MS", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) block: u16,

    /// Latency beyond what the blocks need, in ms; it grows automatically where sound would be lost
    #[arg(long, value_name = "MS", default_value = "5", value_parser = clap::value_parser!(u16).range(0..=200))]
    pub(crate) margin: u16,

    /// Record the clean voice to this WAV file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// Also record the sound before denoising, aligned to the sample
    #[arg(long, value_name = "FILE", requires = "record")]
    pub(crate) record_before: Option<PathBuf>,

    /// End after this many seconds
    #[arg(long, value_name = "S")]
    pub(crate) seconds: Option<f64>,

    /// Print one line per second instead of the screen
    #[arg(long, conflicts_with = "json")]
    pub(crate) plain: bool,

    /// Print one JSON object per second
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DevicesArgs {
    /// List only this sound system [default: all available]
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// Also list devices that cannot be used
    #[arg(long)]
    pub(crate) all: bool,

    /// Print all devices as a JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LatencyArgs {
    /// The input that picks up the output
    #[arg(short, long, value_name = "DEVICE")]
    pub(crate) input: Option<String>,

    /// The output
    #[arg(short, long, value_name = "DEVICE")]
    pub(crate) output: Option<String>,

    /// The sound system
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// Block length to request from the devices, in ms
    #[arg(long, value_name = "MS", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) block: u16,

    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LimitArgs {
    /// Limit the attenuation of any sound, in dB: 0 changes nothing, `off` removes the limit [default: 60]
    #[arg(short, long, value_name = "DB", value_parser = sourdine_settings::attenuation_limit)]
    pub(crate) attenuation_limit: Option<f32>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InstallMicrophoneArgs {
    /// Remove the microphone again
    #[arg(long, conflicts_with_all = ["plugin", "input", "attenuation_limit", "gate", "stereo"])]
    pub(crate) remove: bool,

    /// The LADSPA plug-in [default: sourdine.so in LADSPA_PATH or the usual folders]
    #[arg(long, value_name = "FILE")]
    pub(crate) plugin: Option<PathBuf>,

    /// The microphone, by its name in PipeWire (`pw-cli ls Node` lists them) [default: the system's]
    #[arg(short, long, value_name = "NODE")]
    pub(crate) input: Option<String>,

    #[command(flatten)]
    pub(crate) limit: LimitArgs,

    /// Turn pauses down further (never to silence, never at the start of a word)
    #[arg(long)]
    pub(crate) gate: bool,

    /// Keep two channels
    #[arg(long)]
    pub(crate) stereo: bool,
}

// The default that `--help` states.
const _: () = assert!(sourdine::Settings::DEFAULT_ATTENUATION_LIMIT_DB == 60.0);

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
