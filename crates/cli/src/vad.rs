//! `sourdine vad`: finds the speech in files.

mod format;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sourdine::Model;
use sourdine_clean::{SegmentShape, find_speech};

use crate::args::VadArgs;
use crate::batch::{self, Batch};
use crate::config::Config;
use crate::failure::Failure;
use crate::inputs::{self, Naming, Plan, Request, Sink, Task};
use crate::summary::Done;
use crate::{models, output, output_file};

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
    let (model, weights) = config.model(args.model.as_deref(), models::VOICE)?;
    let also_read: Vec<PathBuf> = weights.into_iter().chain(args.config.clone()).collect();
    let plan = inputs::plan(&Request {
        inputs: &args.inputs,
        files_from: args.batch.files_from.as_deref(),
        output: args.output.as_deref(),
        include: &args.batch.include,
        exclude: &args.batch.exclude,
        naming: Naming::Text(args.format().extension()),
        force: args.force,
        residue: false,
        split: false,
        also_read: &also_read,
    })?;
    batch::refuse_raw_files(&plan, args.raw)?;
    batch::refuse_two_readers(&plan, &args.batch)?;
    refuse_misplaced_formats(args, &plan)?;
    let batch = Batch::new(&plan, &args.batch, &config, args.quiet, &[]);
    let mut printed = InOrder::default();
    let done = batch.run(
        "searched for speech",
        |task| look_through(args, &batch, &model, task),
        |task, found| write(args, task, found, plan.is_several()),
        |place, task, told| {
            let told = told.as_ref().ok().and_then(Option::as_ref);
            if let Some(told) = told.filter(|_| !args.quiet) {
                let notices = &told.found.notices;
                notices.iter().for_each(|notice| output::notice(&format!("{}: {notice}", task.source)));
            }
            let text = told.filter(|_| task.sink == Sink::Stdout).map_or("", |told| told.text.trim_end());
            printed.print(place, text)
        },
    );
    // After an interruption some are missing.
    printed.print_rest()?;
    done
}

/// Prints texts in the order of their places, whichever is there first: the same files give the same output.
#[derive(Debug, Default)]
struct InOrder {
    next: usize,
    waiting: BTreeMap<usize, String>,
}

impl InOrder {
    fn print(&mut self, place: usize, text: &str) -> Result<(), Failure> {
        self.waiting.insert(place, text.to_owned());
        while let Some(text) = self.waiting.remove(&self.next) {
            self.next += 1;
            print(&text)?;
        }
        Ok(())
    }

    fn print_rest(self) -> Result<(), Failure> {
        self.waiting.values().try_for_each(|text| print(text))
    }
}

fn print(text: &str) -> Result<(), Failure> {
    if text.is_empty() { Ok(()) } else { output::result(&text) }
}

/// Refuses several files in a format that does not name them, and a name that belongs to no format.
fn refuse_misplaced_formats(args: &VadArgs, plan: &Plan) -> Result<(), Failure> {
    let on_stdout = plan.tasks.iter().filter(|task| task.sink == Sink::Stdout).count();
    if on_stdout > 1 && !args.format().names_the_file() {
        let why = "csv and audacity do not say which file a segment is from; give a folder with -o, or use json or rttm";
        return Err(Failure::use_of(Path::new("--format"), why));
    }
    if let [Task { sink: Sink::File(output), mirrored: false, .. }] = &plan.tasks[..]
        && args.leaves_open(output)
    {
        let why =
            "no format of segments has this extension; name it .json, .csv, .txt or .rttm, or give --format";
        return Err(Failure::use_of(output, why));
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
    let (frames, segments) = find_speech(&mut reader, model, shape, |frames| {
        if let Some(total) = total {
            progress.reached(frames as f64 / total.max(1) as f64);
        }
        !batch.is_stopped()
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
    let text = format::write(&found, args.format(), one_line)?;
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
