//! Options of `sourdine clean`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use sourdine_soundfile::RawSpec;

use super::report::ReportArgs;
use super::shared::{BatchArgs, Duration, SoundArgs};

/// `sourdine clean`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sourdine clean talk.wav                          writes talk.clean.wav
  sourdine clean talk.m4a -o quiet.flac --attenuation-limit off
  sourdine clean recordings/ -o clean/ --skip-existing
  find . -name '*.wav' -print0 | sourdine clean --files-from - -o clean/ --json
  ffmpeg -i film.mkv -f wav - | sourdine clean - -o - | ffmpeg -i - sound.opus
  arecord -t raw -f S16_LE -r 48000 | sourdine clean - --raw s16le:48000:1 -o live.raw

Settings not given here come from the environment (SOURDINE_MODEL, …), then from sourdine.toml;
`sourdine --help` lists them.")]
pub(crate) struct CleanArgs {
    /// Files, folders, or `-` for standard input; none of them is ever changed
    #[arg(required_unless_present = "files_from", value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<PathBuf>,

    /// Write the result to this file, to a folder for several inputs, or to `-` [default: NAME.clean.wav next to the input, NAME.residue.wav with --residue]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) output: Option<PathBuf>,

    /// Replace existing output files
    #[arg(short, long, conflicts_with = "skip_existing")]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) sound: SoundArgs,

    /// Write the removed noise instead of the cleaned sound
    #[arg(long, help_heading = "Sound")]
    pub(crate) residue: bool,

    #[command(flatten)]
    pub(crate) batch: BatchArgs,

    #[command(flatten)]
    pub(crate) cut: CutArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,

    #[command(flatten)]
    pub(crate) report: ReportArgs,

    /// Treat notes as errors: write nothing for a file that is damaged, cut off or not fully understood
    #[arg(long, help_heading = "Messages")]
    pub(crate) strict: bool,

    /// Print one JSON object per file on stdout
    #[arg(long, help_heading = "Messages")]
    pub(crate) json: bool,

    /// Print nothing but errors
    #[arg(short, long, help_heading = "Messages")]
    pub(crate) quiet: bool,
}

/// Cutting.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cutting")]
pub(crate) struct CutArgs {
    /// Cut off everything before the first and after the last speech
    #[arg(long, group = "cut")]
    pub(crate) trim: bool,

    /// Write each segment of speech to its own file: NAME.001.wav, NAME.002.wav …
    #[arg(long, group = "cut", conflicts_with_all = ["skip_existing", "keep_times"])]
    pub(crate) split: bool,

    /// When cutting, drop speech shorter than this
    #[arg(long, value_name = "TIME", default_value = "100ms", requires = "cut")]
    pub(crate) min_speech: Duration,

    /// When cutting, keep pauses shorter than this
    #[arg(long, value_name = "TIME", default_value = "500ms", requires = "cut")]
    pub(crate) min_silence: Duration,

    /// When cutting, keep this much before and after speech
    #[arg(long, value_name = "TIME", default_value = "200ms", requires = "cut")]
    pub(crate) pad: Duration,
}

/// Formats.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Formats")]
pub(crate) struct FormatArgs {
    /// Read standard input as headerless samples, for instance s16le:48000:1 or f32le:44100:2
    #[arg(long, value_name = "FORMAT:RATE:CHANNELS")]
    pub(crate) raw: Option<RawSpec>,

    /// Write this kind of file if -o names none: for a folder, or for no -o at all [default: as the input, else WAV]
    #[arg(long, value_enum)]
    pub(crate) to: Option<FileKind>,

    /// Give outputs the modification times of their inputs
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
