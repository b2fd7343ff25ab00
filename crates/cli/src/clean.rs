//! `sourdine clean`: one file through the same engine that runs in a call.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use indicatif::ProgressBar;
use sourdine::signal::SILENCE_DBFS;
use sourdine::{Channels, Engine, Settings, StreamFormat};
use sourdine_wav::{Overwrite, WavReader, WavRewriter};

use crate::args::{ChannelMode, CleanArgs};
use crate::failure::Failure;
use crate::summary::Summary;
use crate::{models, output};

/// Frames that are read, cleaned and written at a time: a good second at 48 kHz.
const CHUNK_FRAMES: usize = 1 << 16;

/// Cleans one file.
pub(crate) fn run(args: &CleanArgs) -> Result<(), Failure> {
    let stop = stop_on_signals();
    let model = models::find(&args.model)?;
    let output_path = match &args.output {
        Some(path) => path.clone(),
        None => default_output(&args.input)?,
    };
    let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };

    let started = Instant::now();
    let mut reader = WavReader::open(&args.input)?;
    let spec = reader.spec();
    let settings = Settings {
        attenuation_limit_db: args.attenuation_limit.0,
        residue: args.residue,
        gate: args.gate,
        channels: match args.channels {
            ChannelMode::Linked => Channels::Linked,
            ChannelMode::Separate => Channels::Separate,
        },
        ..Settings::default()
    };
    let format = StreamFormat::new(spec.sample_rate, usize::from(spec.channels));
    let engine = Engine::new(format, &settings, &model).map_err(Failure::stream(&args.input))?;
    let rewriter = WavRewriter::create(&reader, &output_path, overwrite)?;
    let notices: Vec<String> = reader.notices().iter().map(ToString::to_string).collect();
    if !args.quiet {
        for notice in &notices {
            output::notice(&format!("{}: {notice}", args.input.display()));
        }
    }

    let bar = output::progress(reader.frames(), args.quiet);
    let mut job = Job::new(engine, rewriter, bar);
    job.clean(&mut reader, &stop, &args.input)?;
    let (engine, levels) = job.finish()?;

    let seconds = reader.frames() as f64 / f64::from(spec.sample_rate);
    let stats = engine.stats();
    let summary = Summary {
        input: args.input.display().to_string(),
        output: output_path.display().to_string(),
        seconds,
        frames: reader.frames(),
        sample_rate: spec.sample_rate,
        channels: spec.channels,
        sample_format: spec.format.to_string(),
        model: model.info().name,
        attenuation_limit_db: Some(args.attenuation_limit.0).filter(|db| db.is_finite()),
        latency: engine.latency(),
        mean_attenuation_db: levels.mean_attenuation_db(),
        voiced_share: levels.voiced_share(),
        peak: levels.peak,
        clipped_samples: stats.clipped_samples,
        invalid_samples: stats.invalid_samples,
        times_real_time: seconds / started.elapsed().as_secs_f64().max(1e-9),
        notices,
    };
    if args.json {
        output::result(&serde_json::to_string(&summary).map_err(|e| Failure::Print(e.into()))?)
    } else if args.quiet {
        Ok(())
    } else {
        output::result(&summary)
    }
}

/// `NAME.clean.wav` beside the input.
fn default_output(input: &Path) -> Result<PathBuf, Failure> {
    let Some(stem) = input.file_stem() else { return Err(Failure::NoName { path: input.into() }) };
    let mut name = stem.to_os_string();
    name.push(".clean.wav");
    Ok(input.with_file_name(name))
}

/// Raised by Ctrl-C and termination signals; the work stops at the next chunk and the half-written file goes.
fn stop_on_signals() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = stop.clone();
    // Without a handler a signal ends the process at once, and a temporary file may stay: no reason to fail.
    let _works_without = ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed));
    stop
}

/// One file on its way through the engine.
struct Job {
    engine: Engine,
    rewriter: WavRewriter,
    bar: ProgressBar,
    levels: Levels,
    /// Frames of the engine's delay that are still to be dropped at the front.
    delay_left: usize,
    step: usize,
}

impl Job {
    fn new(engine: Engine, rewriter: WavRewriter, bar: ProgressBar) -> Self {
        let format = engine.format();
        // Steps of 10 ms, so that each frame's report is seen.
        let step = (format.sample_rate as usize / 100).max(1) * format.channels;
        Self { delay_left: engine.latency(), engine, rewriter, bar, levels: Levels::default(), step }
    }

    fn clean(&mut self, reader: &mut WavReader, stop: &AtomicBool, input: &Path) -> Result<(), Failure> {
        let channels = self.engine.format().channels;
        let mut chunk = vec![0.0; CHUNK_FRAMES * channels];
        loop {
            let frames = reader.read(&mut chunk)?;
            if frames == 0 {
                break;
            }
            let samples = &mut chunk[..frames * channels];
            for block in samples.chunks_mut(self.step) {
                let report = self
                    .engine
                    .process_interleaved_f32(block)
                    .map_err(|error| Failure::Block { path: input.into(), error })?;
                self.levels.count(report);
            }
            self.write(samples)?;
            self.bar.inc(frames as u64);
            if stop.load(Ordering::Relaxed) {
                self.bar.finish_and_clear();
                return Err(Failure::Interrupted { path: input.into() });
            }
        }
        loop {
            let frames = self.engine.finish_interleaved_f32(&mut chunk);
            if frames == 0 {
                return Ok(());
            }
            self.write(&chunk[..frames * channels])?;
        }
    }

    /// Writes what the engine gave, less its delay at the front.
    fn write(&mut self, samples: &[f32]) -> Result<(), Failure> {
        let channels = self.engine.format().channels;
        let drop = self.delay_left.min(samples.len() / channels);
        self.delay_left -= drop;
        let kept = &samples[drop * channels..];
        self.levels.peak = kept.iter().fold(self.levels.peak, |peak, x| peak.max(x.abs()));
        Ok(self.rewriter.write(kept)?)
    }

    fn finish(self) -> Result<(Engine, Levels), Failure> {
        self.rewriter.finish()?;
        self.bar.finish_and_clear();
        Ok((self.engine, self.levels))
    }
}

/// What is gathered from the reports.
#[derive(Debug, Default)]
struct Levels {
    frames: u64,
    voiced: u64,
    audible: u64,
    attenuation_db: f64,
    peak: f32,
}

impl Levels {
    fn count(&mut self, report: sourdine::Report) {
        self.frames += 1;
        self.voiced += u64::from(report.voice);
        if report.input_dbfs > SILENCE_DBFS {
            self.audible += 1;
            self.attenuation_db += f64::from(report.attenuation_db());
        }
    }

    fn mean_attenuation_db(&self) -> Option<f64> {
        (self.audible > 0).then(|| self.attenuation_db / self.audible as f64)
    }

    fn voiced_share(&self) -> f64 {
        if self.frames == 0 { 0.0 } else { self.voiced as f64 / self.frames as f64 }
    }
}
