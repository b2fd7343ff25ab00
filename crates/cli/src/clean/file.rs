//! Cleans one file.

use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use sourdine::signal::SILENCE_DBFS;
use sourdine::{Engine, StreamFormat};
use sourdine_soundfile::{Overwrite, SoundErrorKind, SoundRewriter};

use super::Run;
use super::parts::Transfer;
use crate::failure::Failure;
use crate::inputs::{Sink, Source, Task};
use crate::output::FileProgress;
#[cfg(feature = "report")]
use crate::report::About;
use crate::report::Recorder;
use crate::summary::Summary;

/// Frames that are read, cleaned and written at a time, or a little more: a third of a second at 48 kHz, little enough for a pipe
/// to be answered while its sender is still writing.
const CHUNK_FRAMES: usize = 1 << 14;

/// Cleans one file, up to its last sample.
pub(super) fn clean(
    run: &Run,
    task: &Task,
    overwrite: Overwrite,
    progress: &mut FileProgress,
) -> Result<Cleaned, Failure> {
    let started = Instant::now();
    let reader = task.open(run.args.format.raw)?;
    let spec = reader.spec();
    let path = PathBuf::from(task.source.to_string());
    let format = StreamFormat::new(spec.sample_rate, usize::from(spec.channels));
    let settings = run.settings.with_lfe(reader.lfe_channel()).with_ceiling(!spec.format.is_float());
    let engine = Engine::new(format, &settings, &run.model).map_err(Failure::stream(&path))?;
    engine.warm_up_thread();
    task.make_folder()?;
    let transfer = match (&task.source, &task.sink) {
        (Source::File(_), Sink::File(output)) if run.args.cut.trim || run.args.cut.split => {
            Transfer::cut(run, task, reader, output, overwrite)?
        }
        (_, Sink::File(output)) => {
            Transfer::Whole(Box::new(SoundRewriter::create(reader, output, overwrite)?))
        }
        (_, Sink::Stdout) => {
            Transfer::Whole(Box::new(SoundRewriter::to_stream(reader, Box::new(std::io::stdout()))?))
        }
    };

    let mut job = Job::new(engine, transfer);
    job.recorder = run.args.report.recorder(format, job.engine.latency());
    let closed = match job.clean(run, task, &path, progress) {
        // The reader of the output closed it.
        Err(Failure::Wav(error)) if matches!(error.kind(), SoundErrorKind::OutputClosed) => true,
        cleaned => cleaned.map(|()| false)?,
    };
    let seconds = job.frames as f64 / f64::from(spec.sample_rate);
    let stats = job.engine.stats();
    let limit = run.settings.attenuation_limit_db;
    let summary = Summary {
        output: task.sink.to_string(),
        seconds,
        frames: job.frames,
        sample_rate: spec.sample_rate,
        channels: spec.channels,
        sample_format: spec.format.to_string(),
        model: run.model.info().name,
        attenuation_limit_db: Some(limit).filter(|db| db.is_finite()),
        latency: job.engine.latency(),
        mean_attenuation_db: job.levels.mean_attenuation_db(),
        voiced_share: job.levels.voiced_share(),
        peak: job.levels.peak,
        clipped_samples: stats.clipped_samples,
        invalid_samples: stats.invalid_samples,
        times_real_time: seconds / started.elapsed().as_secs_f64().max(1e-9),
        notices: job.transfer.reader().notices().iter().map(ToString::to_string).collect(),
    };
    Ok(Cleaned { transfer: job.transfer, closed, recorder: job.recorder, summary })
}

/// A file whose samples are all written and that has no name yet.
pub(super) struct Cleaned {
    transfer: Transfer,
    /// The output is a pipe whose other end was closed.
    closed: bool,
    recorder: Option<Recorder>,
    summary: Summary,
}

impl Cleaned {
    /// Syncs the file to the disk, gives it its name, and writes the report. Waits more than it computes.
    pub(super) fn finish(self, run: &Run, task: &Task) -> Result<Summary, Failure> {
        let Self { transfer, closed, recorder, mut summary } = self;
        summary.notices.splice(0..0, transfer.output_notices());
        let path = PathBuf::from(task.source.to_string());
        if let Some(failure) = Failure::strict(&path, &summary.notices).filter(|_| run.args.strict) {
            return Err(failure);
        }
        if !closed {
            match transfer.finish() {
                Err(Failure::Wav(error)) if matches!(error.kind(), SoundErrorKind::OutputClosed) => {}
                finished => finished?,
            }
        }
        if run.args.format.keep_times {
            keep_times(task)?;
        }
        if let Some(recorder) = recorder {
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
        model: summary.model.clone(),
        attenuation_limit_db: summary.attenuation_limit_db,
        notices: summary.notices.clone(),
    };
    run.args.report.write(recorder, about, run.args.force)
}

#[cfg(not(feature = "report"))]
fn write_report(_: &Run, _: &Task, recorder: Recorder, _: &Summary) -> Result<(), Failure> {
    match recorder {}
}

/// Gives the output the modification time of its input.
fn keep_times(task: &Task) -> Result<(), Failure> {
    let (Source::File(input), Sink::File(output)) = (&task.source, &task.sink) else { return Ok(()) };
    let modified = std::fs::metadata(input).and_then(|about| about.modified());
    let set = modified.and_then(|time| File::options().write(true).open(output)?.set_modified(time));
    set.map_err(|error| Failure::Write { path: output.clone(), error })
}

/// The engine between reading and writing.
struct Job {
    engine: Engine,
    transfer: Transfer,
    levels: ReportTotals,
    recorder: Option<Recorder>,
    frames: u64,
    /// Frames of the engine's delay that are still to be dropped at the front.
    delay_left: usize,
}

impl Job {
    fn new(engine: Engine, transfer: Transfer) -> Self {
        Self {
            delay_left: engine.latency(),
            engine,
            transfer,
            levels: ReportTotals::default(),
            recorder: None,
            frames: 0,
        }
    }

    fn clean(
        &mut self,
        run: &Run,
        task: &Task,
        path: &std::path::Path,
        progress: &mut FileProgress,
    ) -> Result<(), Failure> {
        let channels = self.engine.format().channels;
        let mut chunk = vec![0.0; CHUNK_FRAMES * channels];
        loop {
            let frames = self.transfer.read(&mut chunk)?;
            if frames == 0 {
                break;
            }
            let samples = &mut chunk[..frames * channels];
            if let Some(recorder) = &mut self.recorder {
                recorder.push_before(samples);
            }
            self.process(samples, path)?;
            self.write(samples)?;
            self.frames += frames as u64;
            if let Some(total) = self.transfer.reader().frames() {
                progress.reached(self.frames as f64 / total.max(1) as f64);
            }
            run.batch.go_on(task)?;
        }
        let mut left = self.engine.latency();
        while left > 0 {
            let room = chunk.len().min(left * channels);
            let frames = self.engine.finish_interleaved_f32(&mut chunk[..room]);
            self.write(&chunk[..frames * channels])?;
            left -= frames;
        }
        Ok(())
    }

    fn process(&mut self, samples: &mut [f32], path: &std::path::Path) -> Result<(), Failure> {
        let (step, levels, recorder) = (self.engine.step_frames(), &mut self.levels, &mut self.recorder);
        let done = self.engine.process_interleaved_f32_with_reports(samples, |report| {
            levels.count(report, step as u64);
            if let Some(recorder) = recorder {
                recorder.push_report(report, step);
            }
        });
        done.map(drop).map_err(|error| Failure::Block { path: path.into(), error })
    }

    /// Writes the engine's output, less its delay at the front.
    fn write(&mut self, samples: &[f32]) -> Result<(), Failure> {
        let channels = self.engine.format().channels;
        let drop = self.delay_left.min(samples.len() / channels);
        self.delay_left -= drop;
        let kept = &samples[drop * channels..];
        self.levels.peak = self.levels.peak.max(peak(kept));
        if let Some(recorder) = &mut self.recorder {
            recorder.push_after(kept);
        }
        self.transfer.write(kept)
    }
}

/// Returns the largest magnitude. The engine's output is finite, and finite magnitudes are ordered like their bits: comparing
/// those, the compiler does several at once.
fn peak(samples: &[f32]) -> f32 {
    f32::from_bits(samples.iter().fold(0, |most, x| most.max(x.abs().to_bits())))
}

/// Sums of the engine's reports, weighted by their frames.
#[derive(Debug, Default)]
struct ReportTotals {
    frames: u64,
    voiced: u64,
    audible: u64,
    attenuation_db: f64,
    peak: f32,
}

impl ReportTotals {
    fn count(&mut self, report: sourdine::Report, frames: u64) {
        self.frames += frames;
        if report.voice {
            self.voiced += frames;
        }
        if report.input_dbfs > SILENCE_DBFS {
            self.audible += frames;
            self.attenuation_db += f64::from(report.attenuation_db()) * frames as f64;
        }
    }

    fn mean_attenuation_db(&self) -> Option<f64> {
        (self.audible > 0).then(|| self.attenuation_db / self.audible as f64)
    }

    fn voiced_share(&self) -> f64 {
        if self.frames == 0 { 0.0 } else { self.voiced as f64 / self.frames as f64 }
    }
}
