//! Cleans one file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sourdine::{Engine, Model, Report, Settings, StreamFormat};
use sourdine_soundfile::{Overwrite, SoundError, SoundErrorKind, SoundReader, SoundRewriter};

use crate::error::Error;
use crate::report::{FileReport, Totals};

/// Frames that are read, cleaned and written at a time, or a little more: a third of a second at 48 kHz, little enough for a pipe
/// to be answered while its sender is still writing.
const CHUNK_FRAMES: usize = 1 << 14;

/// The source of the sound and the destination of the denoised sound.
pub trait Transfer {
    /// The input.
    fn reader(&self) -> &SoundReader;

    /// Reads the next frames, as [`SoundReader::read`] does.
    ///
    /// # Errors
    /// Those of reading.
    fn read(&mut self, out: &mut [f32]) -> Result<usize, SoundError>;

    /// Writes the next frames, interleaved, full scale ±1.0, over those that were read.
    ///
    /// # Errors
    /// Those of writing.
    fn write(&mut self, samples: &[f32]) -> Result<(), SoundError>;

    /// Lists what the output cannot hold of the input.
    fn output_notices(&self) -> Vec<String>;

    /// Completes the output and gives it its name.
    ///
    /// # Errors
    /// Those of writing.
    fn finish(self) -> Result<(), SoundError>;
}

impl Transfer for SoundRewriter {
    fn reader(&self) -> &SoundReader {
        self.reader()
    }

    fn read(&mut self, out: &mut [f32]) -> Result<usize, SoundError> {
        self.read(out)
    }

    fn write(&mut self, samples: &[f32]) -> Result<(), SoundError> {
        self.write(samples)
    }

    fn output_notices(&self) -> Vec<String> {
        self.output_notices().iter().map(ToString::to_string).collect()
    }

    fn finish(self) -> Result<(), SoundError> {
        self.finish()
    }
}

/// Observes a file on its way through the engine, and can stop it.
pub trait Watch {
    /// Takes the next interleaved samples of the input.
    fn before(&mut self, _samples: &[f32]) {}

    /// Takes the engine's report on the next step of `frames` frames.
    fn step(&mut self, _report: Report, _frames: usize) {}

    /// Takes the next interleaved samples of the output, with the engine's delay removed.
    fn after(&mut self, _samples: &[f32]) {}

    /// Takes the number of frames done, and their total where it is known. Returning false stops the work.
    fn go_on(&mut self, frames: u64, total: Option<u64>) -> bool;
}

/// Observes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn go_on(&mut self, _frames: u64, _total: Option<u64>) -> bool {
        true
    }
}

/// Cleans a file into another: the whole way, with everything but the sound kept as [`SoundRewriter`] keeps it.
///
/// `settings` apply as they are, but for what the file decides: its low-frequency channel passes through, and integer samples
/// are limited softly to full scale. With `strict` a file that had to be repaired is an error.
///
/// # Errors
/// [`Error`] if the file cannot be read, cleaned or written, or if `watch` stops it. Nothing is left behind then.
pub fn clean_file(
    input: &Path,
    output: &Path,
    overwrite: Overwrite,
    settings: &Settings,
    model: &Model,
    strict: bool,
    watch: &mut impl Watch,
) -> Result<FileReport, Error> {
    let reader = SoundReader::open(input)?;
    let cleaning = Cleaning::new(&reader, settings, model)?;
    let rewriter = SoundRewriter::create(reader, output, overwrite)?;
    cleaning.run(rewriter, watch)?.finish(strict)
}

/// Gives the output the modification time of its input.
///
/// # Errors
/// [`Error::Times`].
pub fn keep_times(input: &Path, output: &Path) -> Result<(), Error> {
    let modified = std::fs::metadata(input).and_then(|about| about.modified());
    let set = modified.and_then(|time| File::options().write(true).open(output)?.set_modified(time));
    set.map_err(|error| Error::Times { path: output.into(), error })
}

/// The engine for one file, before its output is made.
#[derive(Debug)]
pub struct Cleaning {
    engine: Engine,
    started: Instant,
    path: PathBuf,
    about: FileReport,
}

impl Cleaning {
    /// Makes the engine for a file.
    ///
    /// # Errors
    /// [`Error::Stream`] if the engine has no stream of this kind.
    pub fn new(reader: &SoundReader, settings: &Settings, model: &Model) -> Result<Self, Error> {
        let (started, spec, path) = (Instant::now(), reader.spec(), reader.path().to_path_buf());
        let format = StreamFormat::new(spec.sample_rate, usize::from(spec.channels));
        let limit = settings.attenuation_limit_db;
        let settings = settings.with_lfe(reader.lfe_channel()).with_ceiling(!spec.format.is_float());
        let engine = match Engine::new(format, &settings, model) {
            Ok(engine) => engine,
            Err(error) => return Err(Error::Stream { path, error }),
        };
        engine.warm_up_thread();
        let about = FileReport {
            seconds: 0.0,
            frames: 0,
            sample_rate: spec.sample_rate,
            channels: spec.channels,
            sample_format: spec.format.to_string(),
            model: model.info().name,
            attenuation_limit_db: Some(limit).filter(|db| db.is_finite()),
            latency: engine.latency(),
            mean_attenuation_db: None,
            pause_attenuation_db: None,
            voiced_share: 0.0,
            peak: 0.0,
            clipped_samples: 0,
            invalid_samples: 0,
            times_real_time: 0.0,
            notices: Vec::new(),
        };
        Ok(Self { engine, started, path, about })
    }

    /// The engine's stream, and its latency in frames.
    pub fn stream(&self) -> (StreamFormat, usize) {
        (self.engine.format(), self.engine.latency())
    }

    /// Cleans up to the last sample.
    ///
    /// # Errors
    /// [`Error`], but not if the reader of the output, a pipe, closes it.
    pub fn run<T: Transfer>(self, transfer: T, watch: &mut impl Watch) -> Result<Cleaned<T>, Error> {
        let Self { engine, started, path, mut about } = self;
        let mut job = Job {
            delay_left: engine.latency(),
            engine,
            transfer,
            watch,
            totals: Totals::default(),
            peak: 0.0,
            frames: 0,
        };
        let closed = match job.run(&path) {
            Err(Error::Sound(error)) if matches!(error.kind(), SoundErrorKind::OutputClosed) => true,
            done => done.map(|()| false)?,
        };
        let stats = job.engine.stats();
        about.frames = job.frames;
        about.seconds = job.frames as f64 / f64::from(about.sample_rate);
        about.mean_attenuation_db = job.totals.mean_attenuation_db();
        about.pause_attenuation_db = job.totals.pause_attenuation_db();
        about.voiced_share = job.totals.voiced_share();
        about.peak = job.peak;
        about.clipped_samples = stats.clipped_samples;
        about.invalid_samples = stats.invalid_samples;
        about.times_real_time = about.seconds / started.elapsed().as_secs_f64().max(1e-9);
        about.notices = job.transfer.reader().notices().iter().map(ToString::to_string).collect();
        if closed {
            about.notices.push("the reader of the output closed it before the end".into());
        }
        Ok(Cleaned { transfer: job.transfer, closed, path, report: about })
    }
}

/// A file whose samples are all written and that has no name yet.
#[derive(Debug)]
pub struct Cleaned<T> {
    transfer: T,
    /// The output is a pipe whose other end was closed.
    closed: bool,
    path: PathBuf,
    report: FileReport,
}

impl<T: Transfer> Cleaned<T> {
    /// Syncs the file to the disk and gives it its name. Waits more than it computes.
    ///
    /// # Errors
    /// [`Error::Strict`] if the file has notices and `strict` is set; and those of writing. Nothing is left behind then.
    pub fn finish(self, strict: bool) -> Result<FileReport, Error> {
        let Self { transfer, closed, path, mut report } = self;
        report.notices.splice(0..0, transfer.output_notices());
        if let Some(error) = Error::strict(&path, &report.notices).filter(|_| strict) {
            return Err(error);
        }
        if !closed {
            match transfer.finish() {
                Err(error) if matches!(error.kind(), SoundErrorKind::OutputClosed) => {}
                finished => finished?,
            }
        }
        Ok(report)
    }
}

/// The engine between reading and writing.
struct Job<'a, T, W> {
    engine: Engine,
    transfer: T,
    watch: &'a mut W,
    totals: Totals,
    peak: f32,
    frames: u64,
    /// Frames of the engine's delay that are still to be dropped at the front.
    delay_left: usize,
}

impl<T: Transfer, W: Watch> Job<'_, T, W> {
    fn run(&mut self, path: &Path) -> Result<(), Error> {
        let channels = self.engine.format().channels;
        let mut chunk = vec![0.0; CHUNK_FRAMES * channels];
        loop {
            let frames = self.transfer.read(&mut chunk)?;
            if frames == 0 {
                break;
            }
            let samples = &mut chunk[..frames * channels];
            self.watch.before(samples);
            self.process(samples, path)?;
            self.write(samples)?;
            self.frames += frames as u64;
            if !self.watch.go_on(self.frames, self.transfer.reader().frames()) {
                return Err(Error::Stopped { path: path.into() });
            }
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

    fn process(&mut self, samples: &mut [f32], path: &Path) -> Result<(), Error> {
        let (step, totals, watch) = (self.engine.step_frames(), &mut self.totals, &mut self.watch);
        let done = self.engine.process_interleaved_f32_with_reports(samples, |report| {
            totals.count(report, step as u64);
            watch.step(report, step);
        });
        done.map(drop).map_err(|error| Error::Block { path: path.into(), error })
    }

    /// Writes the engine's output, less its delay at the front.
    fn write(&mut self, samples: &[f32]) -> Result<(), Error> {
        let channels = self.engine.format().channels;
        let drop = self.delay_left.min(samples.len() / channels);
        self.delay_left -= drop;
        let kept = &samples[drop * channels..];
        self.peak = self.peak.max(peak(kept));
        self.watch.after(kept);
        Ok(self.transfer.write(kept)?)
    }
}

/// Returns the largest magnitude. The engine's output is finite, and finite magnitudes are ordered like their bits: comparing
/// those, the compiler does several at once.
fn peak(samples: &[f32]) -> f32 {
    f32::from_bits(samples.iter().fold(0, |most, x| most.max(x.abs().to_bits())))
}
