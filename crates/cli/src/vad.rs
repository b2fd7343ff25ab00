//! `sourdine vad`: finds the speech in files.
//!
//! The decisions are a model's, at the default thresholds ([`VadParams::TIGHT`](sourdine::VadParams::TIGHT), chosen for
//! `sourdine`). Closing gaps and padding then look both ways.

mod format;

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_soundfile::SoundReader;

use crate::args::{SoundArgs, VadArgs};
use crate::batch::{self, Batch};
use crate::config::Config;
use crate::failure::Failure;
use crate::inputs::{self, Naming, Plan, Request, Sink, Task};
use crate::segments::{SegmentShape, Segmenter, span};
use crate::summary::Done;
use crate::{models, output, output_file};

/// Blocks of 10 ms that are read at a time.
const BLOCKS_PER_READ: usize = 100;

/// The speech found in a file. This is the JSON object, field by field.
#[derive(Debug, Serialize)]
pub(crate) struct Detection {
    pub(crate) input: String,
    pub(crate) sample_rate: u32,
    pub(crate) frames: u64,
    pub(crate) seconds: f64,
    pub(crate) model: String,
    /// Seconds of voice in all segments.
    pub(crate) voiced_seconds: f64,
    pub(crate) segments: Vec<Segment>,
    /// Faults of the file that were repaired.
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

/// The result of a file.
struct Told {
    found: Detection,
    text: String,
}

impl Done for Option<Told> {
    fn seconds_and_notices(&self) -> Option<(f64, usize)> {
        self.as_ref().map(|told| (told.found.seconds, told.found.notices.len()))
    }
}

/// Searches the inputs of the command line.
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

/// Refuses several files in a format that does not name them.
fn refuse_nameless_segments(args: &VadArgs, plan: &Plan) -> Result<(), Failure> {
    let on_stdout = plan.tasks.iter().filter(|task| task.sink == Sink::Stdout).count();
    if on_stdout > 1 && !args.format.names_the_file() {
        let why = "does not name the file of a segment; name a folder with -o, or use json or rttm";
        return Err(Failure::use_of(Path::new("--format"), why));
    }
    Ok(())
}

/// Finds the segments of one file; `None` if it is skipped.
fn look_through(
    args: &VadArgs,
    batch: &Batch,
    model: &Model,
    task: &Task,
) -> Result<Option<Detection>, Failure> {
    let mut progress = batch.progress().file(task);
    if args.batch.skip_existing && task.output_file().is_some_and(Path::exists) {
        return Ok(None);
    }
    batch.go_on(task)?;
    let mut reader = task.open(args.raw)?;
    task.make_folder()?;
    if let Some(output) = task.output_file() {
        output_file::check(output, args.force)?;
    }
    let rate = reader.spec().sample_rate;
    let shape = SegmentShape {
        min_speech: args.min_speech.frames(rate),
        min_silence: args.min_silence.frames(rate),
        pad: args.pad.frames(rate),
    };
    let input = task.source.to_string();
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
    Ok(Some(Detection {
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
fn write(
    args: &VadArgs,
    task: &Task,
    found: Option<Detection>,
    several: bool,
) -> Result<Option<Told>, Failure> {
    let Some(found) = found else { return Ok(None) };
    let one_line = several && task.sink == Sink::Stdout;
    let text = format::write(&found, args.format, one_line)?;
    if let Some(output) = task.output_file() {
        match output_file::write(output, args.force, text.as_bytes()) {
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
            output::notice(&format!("{}: {notice}", task.source));
        }
    }
    match task.sink {
        Sink::Stdout if told.text.is_empty() => Ok(()),
        Sink::Stdout => output::result(&told.text.trim_end()),
        Sink::File(_) => Ok(()),
    }
}

/// Reads to the end and returns the number of frames and the segments of speech. `reached` is told the frames that are
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
