//! Cleans one file.

#[cfg(feature = "report")]
use std::path::PathBuf;

use sourdine::Report;
use sourdine_clean::{Cleaned, Cleaning, Watch, keep_times};
use sourdine_soundfile::{Overwrite, SoundRewriter};

use super::Run;
use super::parts::{Kept, Transfer};
use crate::failure::Failure;
use crate::inputs::{Sink, Source, Task};
use crate::output::FileProgress;
#[cfg(feature = "report")]
use crate::report::About;
use crate::report::Recorder;
use crate::summary::{Cut, Summary};

/// Cleans one file, up to its last sample.
pub(super) fn clean(
    run: &Run,
    task: &Task,
    overwrite: Overwrite,
    progress: &mut FileProgress,
) -> Result<CleanedFile, Failure> {
    let reader = task.open(run.args.format.raw)?;
    let cleaning = Cleaning::new(&reader, &run.settings, &run.model)?;
    task.make_folder()?;
    let mut kept = None;
    let transfer = match (&task.source, &task.sink) {
        (Source::File(_), Sink::File(output)) if run.args.cut.trim || run.args.cut.split => {
            let (transfer, cut) = Transfer::cut(run, reader, output, overwrite)?;
            kept = Some(cut);
            transfer
        }
        (_, Sink::File(output)) => {
            Transfer::Whole(Box::new(SoundRewriter::create(reader, output, overwrite)?))
        }
        (_, Sink::Stdout) => {
            Transfer::Whole(Box::new(SoundRewriter::to_stream(reader, Box::new(std::io::stdout()))?))
        }
    };
    let (format, latency) = cleaning.stream();
    let mut watch = FileWatch { run, recorder: run.args.report.recorder(format, latency), progress };
    let cleaned = cleaning.run(transfer, &mut watch)?;
    Ok(CleanedFile { cleaned, kept, recorder: watch.recorder })
}

/// Shows the progress, records what a report shows, and stops when the run is interrupted.
struct FileWatch<'a, 'b> {
    run: &'a Run<'a>,
    recorder: Option<Recorder>,
    progress: &'a mut FileProgress<'b>,
}

impl Watch for FileWatch<'_, '_> {
    fn before(&mut self, samples: &[f32]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.push_before(samples);
        }
    }

    fn step(&mut self, report: Report, frames: usize) {
        if let Some(recorder) = &mut self.recorder {
            recorder.push_report(report, frames);
        }
    }

    fn after(&mut self, samples: &[f32]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.push_after(samples);
        }
    }

    fn go_on(&mut self, frames: u64, total: Option<u64>) -> bool {
        if let Some(total) = total {
            self.progress.reached(frames as f64 / total.max(1) as f64);
        }
        !self.run.batch.is_stopped()
    }
}

/// A file whose samples are all written and that has no name yet.
pub(super) struct CleanedFile {
    cleaned: Cleaned<Transfer>,
    /// None if all of it is kept.
    kept: Option<Kept>,
    recorder: Option<Recorder>,
}

impl CleanedFile {
    /// Syncs the file to the disk, gives it its name, and writes the report. Waits more than it computes.
    pub(super) fn finish(self, run: &Run, task: &Task) -> Result<Summary, Failure> {
        let report = self.cleaned.finish(run.args.strict)?;
        let cut = self.kept.map(|kept| Cut {
            parts: kept.parts.iter().map(|part| part.display().to_string()).collect(),
            kept_seconds: kept.frames as f64 / f64::from(report.sample_rate),
        });
        let summary = Summary { output: task.sink.to_string(), cut, report };
        if let (true, Source::File(input), Sink::File(output)) =
            (run.args.format.keep_times, &task.source, &task.sink)
        {
            keep_times(input, output)?;
        }
        if let Some(recorder) = self.recorder {
            write_report(run, task, recorder, &summary)?;
        }
        Ok(summary)
    }
}

#[cfg(feature = "report")]
fn write_report(run: &Run, task: &Task, recorder: Recorder, summary: &Summary) -> Result<(), Failure> {
    // The parts of a split have other names.
    let output = task.output_file().filter(|_| !run.args.cut.split);
    let about = About {
        input: task.source.to_string(),
        output: summary.output.clone(),
        sounds: (task.input_file().map(PathBuf::from), output.map(PathBuf::from)),
        model: summary.report.model.clone(),
        attenuation_limit_db: summary.report.attenuation_limit_db,
        notices: summary.report.notices.clone(),
    };
    run.args.report.write(recorder, about, run.args.force)
}

#[cfg(not(feature = "report"))]
fn write_report(_: &Run, _: &Task, recorder: Recorder, _: &Summary) -> Result<(), Failure> {
    match recorder {}
}
