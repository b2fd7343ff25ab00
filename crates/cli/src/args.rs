//! The command line: every option with its help.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, ValueHint};
use sourdine::{Channels, Settings};
use sourdine_soundfile::RawSpec;

use crate::live::LiveArgs;
use crate::vad::Duration;

/// Takes the noise out of voice recordings.
#[derive(Debug, Parser)]
#[command(name = "sourdine", version, long_version = LONG_VERSION, about, arg_required_else_help = true)]
#[command(after_help = format!("{SETTINGS}\n\n{EXIT_CODES}"))]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Version, commit and target: what a bug report should say.
const LONG_VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("SOURDINE_COMMIT"), ", ", env!("SOURDINE_TARGET"), ")");

/// Where settings come from, and all that they can be.
const SETTINGS: &str =
    "Settings that the options leave open come from environment variables, then from sourdine.toml in the
current folder or in the user's configuration folder (~/.config/sourdine on Linux), then from the defaults:
    SOURDINE_MODEL              model = \"rnnoise\"           or a file of weights
    SOURDINE_ATTENUATION_LIMIT  attenuation-limit = 30      in dB, or \"off\"
    SOURDINE_GATE               gate = true
    SOURDINE_CHANNELS           channels = \"separate\"       or \"linked\"
    SOURDINE_JOBS               jobs = 4                    `sourdine live` has no use for it
    SOURDINE_CONFIG             another file to read them from";

const EXIT_CODES: &str = "Exit codes:
    0  done
    1  failed: nothing was written, or a folder could not be searched
    2  some of several files failed, the others were written
   64  wrong use of the command line
  130  interrupted; no half-written file is left";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Clean sound files: same rate, channels, sample format and length, aligned to the sample
    Clean(Box<CleanArgs>),
    /// Find the segments in which somebody speaks: JSON, CSV, Audacity labels or RTTM
    Vad(Box<crate::vad::VadArgs>),
    /// Measure a noisy and a cleaned file against the clean voice: SI-SDR, STOI and more
    Compare(crate::compare::CompareArgs),
    /// List the built-in models with their delay, cost and licence
    Models(ModelsArgs),
    /// Microphone to clean voice, live (runs sourdine-live)
    Live(LiveArgs),
    /// Print the completions of a shell, to be saved where it looks for them
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder
    Man(ManArgs),
}

/// `sourdine clean`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  sourdine clean talk.wav                          writes talk.clean.wav
  sourdine clean talk.m4a -o quiet.flac --attenuation-limit off
  sourdine clean recordings/ -o clean/ --skip-existing
  find . -name '*.wav' -print0 | sourdine clean --files-from - -o clean/ --json
  ffmpeg -i film.mkv -f wav - | sourdine clean - -o - | ffmpeg -i - sound.opus
  arecord -f S16_LE -r 48000 -c 1 -t raw | sourdine clean - --raw s16le:48000:1 -o - | aplay -f S16_LE -r 48000

Settings not given here come from the environment (SOURDINE_MODEL, …), then from sourdine.toml, then from the defaults;
`sourdine --help` lists them.")]
pub(crate) struct CleanArgs {
    /// Files, folders, or `-` for the standard input; none of them is ever changed
    #[arg(required_unless_present = "files_from", value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<PathBuf>,

    /// Where the result goes: a file, a folder for several inputs, or `-` [default: NAME.clean.wav beside the input]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) output: Option<PathBuf>,

    /// Replace output files that exist
    #[arg(short, long, conflicts_with = "skip_existing")]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) sound: SoundArgs,

    /// Write what is removed instead of what is kept
    #[arg(long, help_heading = "Sound")]
    pub(crate) residue: bool,

    #[command(flatten)]
    pub(crate) batch: BatchArgs,

    #[command(flatten)]
    pub(crate) cut: CutArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,

    #[command(flatten)]
    pub(crate) report: crate::report::ReportArgs,

    /// Take notes for errors: write nothing of a file that is damaged, cut off or not wholly understood
    #[arg(long, help_heading = "Messages")]
    pub(crate) strict: bool,

    /// Print one JSON object per file on stdout
    #[arg(long, help_heading = "Messages")]
    pub(crate) json: bool,

    /// Print nothing but errors
    #[arg(short, long, help_heading = "Messages")]
    pub(crate) quiet: bool,
}

/// How it is to sound; also in the environment and in `sourdine.toml`.
#[derive(Debug, Default, Clone, ClapArgs)]
#[command(next_help_heading = "Sound")]
pub(crate) struct SoundArgs {
    /// A built-in model (see `sourdine models`), or a file of weights
    #[arg(short, long, value_name = "NAME|PATH", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<String>,

    /// The most that any sound is turned down, in dB: 0 changes nothing, `off` is no limit [default: 60]
    #[arg(short, long, value_name = "DB", allow_negative_numbers = true)]
    pub(crate) attenuation_limit: Option<AttenuationLimit>,

    /// Turn pauses down further (never to silence, never the start of a word)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_name = "true|false")]
    pub(crate) gate: Option<bool>,

    /// One mask for all channels, or each channel on its own [default: linked]
    #[arg(long, value_enum)]
    pub(crate) channels: Option<ChannelMode>,

    /// Take the defaults from this file instead of sourdine.toml here or in the user's configuration folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
}

/// Many files.
#[derive(Debug, Default, ClapArgs)]
#[command(next_help_heading = "Many files")]
pub(crate) struct BatchArgs {
    /// Take more inputs from a list, one a line or separated by NUL; `-` reads it from the standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files_from: Option<PathBuf>,

    /// In folders, take the files that match (name, or path below the folder); repeatable
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,

    /// In folders, leave out the files that match; repeatable
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,

    /// Files that are worked on at the same time [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,

    /// Leave out files whose output exists: resumes a run that was broken off
    #[arg(long)]
    pub(crate) skip_existing: bool,
}

/// Keeping the speech only.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Cutting")]
pub(crate) struct CutArgs {
    /// Cut off what lies before the first and behind the last speech
    #[arg(long, conflicts_with = "split")]
    pub(crate) trim: bool,

    /// Write every segment of speech into a file of its own: NAME.001.wav, NAME.002.wav …
    #[arg(long, conflicts_with_all = ["skip_existing", "keep_times"])]
    pub(crate) split: bool,

    /// When cutting, drop speech shorter than this
    #[arg(long, value_name = "TIME", default_value = "100ms")]
    pub(crate) min_speech: Duration,

    /// When cutting, pauses shorter than this belong to the speech
    #[arg(long, value_name = "TIME", default_value = "500ms")]
    pub(crate) min_silence: Duration,

    /// When cutting, keep this much before and after
    #[arg(long, value_name = "TIME", default_value = "200ms")]
    pub(crate) pad: Duration,
}

/// Formats.
#[derive(Debug, Default, ClapArgs)]
#[command(next_help_heading = "Formats")]
pub(crate) struct FormatArgs {
    /// The standard input is headerless samples, for instance s16le:48000:1 or f32le:44100:2
    #[arg(long, value_name = "FORMAT:RATE:CHANNELS")]
    pub(crate) raw: Option<RawSpec>,

    /// The kind of file to write where the output is a folder or has no name yet [default: as the input, else WAV]
    #[arg(long, value_enum)]
    pub(crate) to: Option<FileKind>,

    /// Give the outputs the modification times of their inputs
    #[arg(long)]
    pub(crate) keep_times: bool,
}

/// A kind of file that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileKind {
    /// RIFF/WAVE; RF64 beyond 4 GiB
    Wav,
    /// Lossless, about half the size; integer samples only
    Flac,
}

impl FileKind {
    /// The extension of its file names.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
        }
    }
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
    /// The folder; it is made if it is not there
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
}

/// An attenuation limit in dB; infinity for none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AttenuationLimit(pub(crate) f32);

impl std::str::FromStr for AttenuationLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        sourdine_settings::attenuation_limit(text).map(Self)
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

impl From<ChannelMode> for Channels {
    fn from(mode: ChannelMode) -> Self {
        match mode {
            ChannelMode::Linked => Self::Linked,
            ChannelMode::Separate => Self::Separate,
        }
    }
}

// What `--help` says is what is so.
const _: () = assert!(Settings::DEFAULT_ATTENUATION_LIMIT_DB == 60.0);

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
