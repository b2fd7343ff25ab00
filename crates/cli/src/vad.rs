//! `sourdine vad`: where in a file somebody speaks.
//!
//! The decisions are a model's, at the default thresholds ([`VadParams::TIGHT`](sourdine::VadParams::TIGHT), chosen for
//! `sourdine`). Closing gaps and padding then look both ways.

mod format;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};
use serde::Serialize;
use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_soundfile::{RawSpec, SoundReader};

use crate::args::{BatchArgs, SoundArgs};
use crate::batch::{self, Batch};
use crate::config::Config;
use crate::failure::Failure;
use crate::inputs::{self, Naming, Plan, Request, Task, To};
use crate::report::file;
use crate::segments::{SegmentShape, Segmenter, span};
use crate::summary::Done;
use crate::{models, output};

/// Blocks of 10 ms that are read at a time.
const BLOCKS_PER_READ: usize = 100;

/// `sourdine vad`.
#[derive(Debug, Args)]
#[command(after_help = "Durations are seconds (0.25) or milliseconds (250ms).\n\nExamples:\n  \
    sourdine vad talk.wav | jq '.segments[].start'\n  \
    sourdine vad talk.wav --format audacity -o talk.labels.txt\n  \
    sourdine vad recordings/ --format csv -o segments/ --skip-existing\n  \
    sourdine vad recordings/ --format rttm --min-silence 1s > all.rttm\n\n\
    Without -o the segments of several files come one file after the other: as JSON a line each, or as RTTM.\n\
    What is not given here comes from the environment (SOURDINE_MODEL, SOURDINE_JOBS), then from sourdine.toml.")]
pub(crate) struct VadArgs {
    /// Files, folders, or `-` for the standard input
    #[arg(required_unless_present = "files_from", value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<PathBuf>,

    /// Where the segments go: a file, a folder for several inputs (NAME.json there), or `-` [default: stdout]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) output: Option<PathBuf>,

    /// Replace output files that exist
    #[arg(short, long, conflicts_with = "skip_existing")]
    pub(crate) force: bool,

    /// How the segments are written
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub(crate) format: Format,

    /// The standard input is headerless samples, for instance s16le:48000:1 or f32le:44100:2
    #[arg(long, value_name = "FORMAT:RATE:CHANNELS")]
    pub(crate) raw: Option<RawSpec>,

    /// Drop voice shorter than this
    #[arg(long, value_name = "TIME", default_value = "100ms", help_heading = "Segments")]
    pub(crate) min_speech: Duration,

    /// Close gaps shorter than this
    #[arg(long, value_name = "TIME", default_value = "200ms", help_heading = "Segments")]
    pub(crate) min_silence: Duration,

    /// Add this before and after each segment
    #[arg(long, value_name = "TIME", default_value = "30ms", help_heading = "Segments")]
    pub(crate) pad: Duration,

    /// The model that decides (see `sourdine models`) [default: sourdine]
    #[arg(short, long, value_name = "NAME|PATH", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<String>,

    /// Take the defaults from this file instead of sourdine.toml here or in the user's configuration folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) batch: BatchArgs,

    /// Print nothing but segments and errors
    #[arg(short, long, help_heading = "Messages")]
    pub(crate) quiet: bool,
}

/// How segments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One object with the file, the settings and all segments
    Json,
    /// A line each: start and end in seconds, then in frames
    Csv,
    /// A label track for Audacity (File > Import > Labels)
    Audacity,
    /// NIST's rich transcription time marks
    Rttm,
}

impl Format {
    /// The extension of its files.
    fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Audacity => "txt",
            Self::Rttm => "rttm",
        }
    }

    /// Whether every file's segments say which file they are of.
    fn names_the_file(self) -> bool {
        matches!(self, Self::Json | Self::Rttm)
    }
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

/// What was found. This is the JSON object, field by field.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    pub(crate) input: String,
    pub(crate) sample_rate: u32,
    pub(crate) frames: u64,
    pub(crate) seconds: f64,
    pub(crate) model: String,
    /// Seconds of voice in all segments.
    pub(crate) voiced_seconds: f64,
    pub(crate) segments: Vec<Segment>,
    /// What was not right in the file and was repaired.
    pub(crate) notices: Vec<String>,
}

/// One segment: in seconds, and in frames of the file, the end not included.
#[derive(Debug, Serialize)]
pub(crate) struct Segment {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) start_frame: u64,
    pub(crate) end_frame: u64,
}

/// What is told of a file.
struct Told {
    found: Found,
    text: String,
}

impl Done for Option<Told> {
    fn seconds_and_notices(&self) -> Option<(f64, usize)> {
        self.as_ref().map(|told| (told.found.seconds, told.found.notices.len()))
    }
}

/// Looks through what the command line names.
pub(crate) fn run(args: &VadArgs) -> Result<(), Failure> {
    let config = Config::find(args.config.as_deref())?;
    let named = SoundArgs { model: args.model.clone(), ..SoundArgs::default() };
    let name = config.sound(&named, models::VOICE).model;
    let model = models::find(&name)?;
    let also_read: Vec<PathBuf> = models::file(&name).into_iter().chain(args.config.clone()).collect();
    let plan = inputs::plan(&Request {
        inputs: &args.inputs,
        files_from: args.batch.files_from.as_deref(),
        output: args.output.as_deref(),
        include: &args.batch.include,
        exclude: &args.batch.exclude,
        naming: Naming::Text(args.format.extension()),
        force: args.force,
        split: false,
        also_read: &also_read,
    })?;
    batch::refuse_raw_files(&plan, args.raw)?;
    batch::refuse_two_readers(&plan, &args.batch)?;
    refuse_nameless_segments(args, &plan)?;
    let batch = Batch::new(&plan, &args.batch, &config, args.quiet, &[]);
    batch.run(
        "looked through",
        |task| look_through(args, &batch, &model, task),
        |task, found| write(args, task, found, plan.is_several()),
        |task, told| match told {
            Ok(Some(told)) => tell(args, task, told),
            _ => Ok(()),
        },
    )
}

/// Forms that do not say which file they are about are for one file.
fn refuse_nameless_segments(args: &VadArgs, plan: &Plan) -> Result<(), Failure> {
    let on_stdout = plan.tasks.iter().filter(|task| task.to == To::Stdout).count();
    if on_stdout > 1 && !args.format.names_the_file() {
        let why = "does not say which file a segment is of; name a folder with -o, or take json or rttm";
        return Err(Failure::use_of(Path::new("--format"), why));
    }
    Ok(())
}

/// The segments of one file; none if it is skipped.
fn look_through(args: &VadArgs, batch: &Batch, model: &Model, task: &Task) -> Result<Option<Found>, Failure> {
    let mut progress = batch.progress().file(task);
    if args.batch.skip_existing && task.output_file().is_some_and(Path::exists) {
        return Ok(None);
    }
    batch.go_on(task)?;
    let mut reader = task.open(args.raw)?;
    task.make_folder()?;
    if let Some(output) = task.output_file() {
        file::check(output, args.force)?;
    }
    let rate = reader.spec().sample_rate;
    let shape = SegmentShape {
        min_speech: args.min_speech.frames(rate),
        min_silence: args.min_silence.frames(rate),
        pad: args.pad.frames(rate),
    };
    let input = task.from.to_string();
    let total = reader.frames();
    let (frames, segments) = detect(&mut reader, Path::new(&input), model, shape, |frames| {
        if let Some(total) = total {
            progress.reached(frames as f64 / total.max(1) as f64);
        }
        batch.go_on(task)
    })?;
    let seconds = |frames: u64| frames as f64 / f64::from(rate);
    let segments: Vec<Segment> = segments
        .into_iter()
        .map(|s| Segment {
            start: seconds(s.start),
            end: seconds(s.end),
            start_frame: s.start,
            end_frame: s.end,
        })
        .collect();
    Ok(Some(Found {
        input,
        sample_rate: rate,
        frames,
        seconds: seconds(frames),
        model: model.info().name,
        voiced_seconds: seconds(segments.iter().map(|s| s.end_frame - s.start_frame).sum()),
        segments,
        notices: reader.notices().iter().map(ToString::to_string).collect(),
    }))
}

/// Brings the segments into their form, and into their file if they have one. Many on the standard output are a line
/// each where the form allows it.
fn write(args: &VadArgs, task: &Task, found: Option<Found>, several: bool) -> Result<Option<Told>, Failure> {
    let Some(found) = found else { return Ok(None) };
    let one_line = several && task.to == To::Stdout;
    let text = format::write(&found, args.format, one_line)?;
    if let Some(output) = task.output_file() {
        match file::write(output, args.force, text.as_bytes()) {
            // Another run was faster.
            Err(Failure::Write { error, .. })
                if args.batch.skip_existing && error.kind() == std::io::ErrorKind::AlreadyExists =>
            {
                return Ok(None);
            }
            written => written?,
        }
    }
    Ok(Some(Told { found, text }))
}

fn tell(args: &VadArgs, task: &Task, told: &Told) -> Result<(), Failure> {
    if !args.quiet {
        for notice in &told.found.notices {
            output::notice(&format!("{}: {notice}", task.from));
        }
    }
    match task.to {
        To::Stdout if told.text.is_empty() => Ok(()),
        To::Stdout => output::result(&told.text.trim_end()),
        To::File(_) => Ok(()),
    }
}

/// Reads to the end; the frames there were, and the segments of speech in them. `reached` hears of the frames that are
/// read, and can end it.
pub(crate) fn detect(
    reader: &mut SoundReader,
    path: &Path,
    model: &Model,
    shape: SegmentShape,
    mut reached: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<(u64, Vec<Range<u64>>), Failure> {
    let spec = reader.spec();
    let (rate, channels) = (spec.sample_rate, usize::from(spec.channels));
    let settings = Settings::default();
    let format = StreamFormat::new(rate, channels);
    let step = format.step_frames().map_err(Failure::stream(path))?;
    let format = format.with_fixed_block(step);
    let mut engine = Engine::new(format, &settings, model).map_err(Failure::stream(path))?;
    let mut segmenter = Segmenter::new(shape);
    // A decision belongs to the sound that its block puts out.
    let behind = engine.latency() as u64;
    let mut decide = |blocks: &mut [f32], index: &mut u64| -> Result<(), Failure> {
        for block in blocks.chunks_mut(step * channels) {
            let report = engine
                .process_interleaved_f32(block)
                .map_err(|error| Failure::Block { path: path.to_owned(), error })?;
            segmenter.push(span(*index, step as u64, behind), report.voice);
            *index += 1;
        }
        Ok(())
    };

    let mut blocks = vec![0.0; BLOCKS_PER_READ * step * channels];
    let (mut frames, mut index) = (0, 0);
    loop {
        let mut filled = 0;
        while filled < blocks.len() {
            let read = reader.read(&mut blocks[filled..])?;
            if read == 0 {
                break;
            }
            filled += read * channels;
        }
        frames += (filled / channels) as u64;
        reached(frames)?;
        if filled == blocks.len() {
            decide(&mut blocks, &mut index)?;
            continue;
        }
        // The end: silence fills the last block and pushes out what the engine still holds.
        blocks[filled..].fill(0.0);
        let last = filled.div_ceil(step * channels) * step * channels;
        decide(&mut blocks[..last], &mut index)?;
        for _ in 0..(behind as usize).div_ceil(step) {
            decide(&mut vec![0.0; step * channels], &mut index)?;
        }
        return Ok((frames, segmenter.finish(frames)));
    }
}

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
