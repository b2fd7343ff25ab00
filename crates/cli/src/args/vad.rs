//! Options of `sourdine vad`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};
use sourdine_soundfile::RawSpec;

use super::shared::{BatchArgs, Duration};

/// `sourdine vad`.
#[derive(Debug, Args)]
#[command(after_help = "Durations are seconds (0.25) or milliseconds (250ms).\n\nExamples:\n  \
    sourdine vad talk.wav | jq '.segments[].start'\n  \
    sourdine vad talk.wav --format audacity -o talk.labels.txt\n  \
    sourdine vad recordings/ --format csv -o segments/ --skip-existing\n  \
    sourdine vad recordings/ --format rttm --min-silence 1s > all.rttm\n\n\
    Without -o the segments of several files are printed one file after the other, as RTTM or as one line of JSON each.\n\
    Settings not given here come from the environment (SOURDINE_MODEL, SOURDINE_JOBS), then from sourdine.toml.")]
pub(crate) struct VadArgs {
    /// Files, folders, or `-` for standard input
    #[arg(required_unless_present = "files_from", value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<PathBuf>,

    /// Write the segments to this file, to a folder for several inputs (as NAME.json), or to `-` [default: stdout]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) output: Option<PathBuf>,

    /// Replace existing output files
    #[arg(short, long, conflicts_with = "skip_existing")]
    pub(crate) force: bool,

    /// Format of the segments [default: by the extension of -o, else json]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Read standard input as headerless samples, for instance s16le:48000:1 or f32le:44100:2
    #[arg(long, value_name = "FORMAT:RATE:CHANNELS")]
    pub(crate) raw: Option<RawSpec>,

    /// Drop speech shorter than this
    #[arg(long, value_name = "TIME", default_value = "100ms", help_heading = "Segments")]
    pub(crate) min_speech: Duration,

    /// Close gaps shorter than this
    #[arg(long, value_name = "TIME", default_value = "200ms", help_heading = "Segments")]
    pub(crate) min_silence: Duration,

    /// Add this before and after each segment
    #[arg(long, value_name = "TIME", default_value = "30ms", help_heading = "Segments")]
    pub(crate) pad: Duration,

    /// Use this model: a built-in one (see `sourdine models`), or a file of weights [default: sourdine]
    #[arg(short, long, value_name = "NAME|PATH", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<String>,

    /// Read defaults from this file instead of sourdine.toml here or in the user's configuration folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) batch: BatchArgs,

    /// Print nothing but segments and errors
    #[arg(short, long, help_heading = "Messages")]
    pub(crate) quiet: bool,
}

impl VadArgs {
    /// The format named, else that of the output's extension, else JSON.
    pub(crate) fn format(&self) -> Format {
        self.format.or_else(|| self.output.as_deref().and_then(Format::by_name)).unwrap_or(Format::Json)
    }

    /// Returns whether neither --format nor the extension of this output says in which format it is to be.
    pub(crate) fn leaves_open(&self, output: &Path) -> bool {
        self.format.is_none() && output.extension().is_some() && Format::by_name(output).is_none()
    }
}

/// Formats of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One object with the file, the settings and all segments
    Json,
    /// One line each: start and end in seconds, then in frames
    Csv,
    /// A label track for Audacity (File > Import > Labels)
    Audacity,
    /// Rich Transcription Time Marked, the format of NIST's evaluations
    Rttm,
}

impl Format {
    /// The extension of its files.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Audacity => "txt",
            Self::Rttm => "rttm",
        }
    }

    fn by_name(file: &Path) -> Option<Self> {
        let extension = file.extension().and_then(OsStr::to_str);
        Self::value_variants().iter().copied().find(|format| Some(format.extension()) == extension)
    }

    /// Returns whether the segments name their file.
    pub(crate) fn names_the_file(self) -> bool {
        matches!(self, Self::Json | Self::Rttm)
    }
}
