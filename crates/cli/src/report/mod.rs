//! The report on a cleaned file: what it was, what it is, and what was done, at a glance.
//!
//! [`Recorder`] listens while the file is cleaned, in constant memory, and gives a [`Picture`], which is drawn by
//! `plotters` as PNG or as SVG within a page.

mod axis;
mod chart;
pub(crate) mod file;
mod html;
mod loudness;
mod noise;
mod palette;
mod png;
mod pooled;
mod spectrum;
mod track;

use std::path::Path;

use serde::Serialize;
use sourdine::signal::SILENCE_DBFS;
use sourdine::{Report, StreamFormat};

pub(crate) use loudness::Levels;
pub(crate) use noise::Noise;
use noise::NoiseMeter;
use pooled::{Pool, Pooled};
use track::{Side, Track};

use crate::failure::Failure;

/// What is known of the file beside its sound.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    /// The input's name.
    pub(crate) input: String,
    /// The output's name.
    pub(crate) output: String,
    pub(crate) model: String,
    /// None for no limit.
    pub(crate) attenuation_limit_db: Option<f32>,
    /// What was repaired on the way.
    pub(crate) notices: Vec<String>,
}

/// What the engine's reports say about a stretch of time.
#[derive(Debug, Default)]
struct Activity {
    frames: u32,
    voiced: u32,
    audible: u32,
    attenuation_db: f32,
}

impl Activity {
    /// Share of frames decided to hold voice.
    fn voice(&self) -> f32 {
        self.voiced as f32 / self.frames.max(1) as f32
    }

    /// Mean attenuation of what is not silence.
    fn attenuation_db(&self) -> f32 {
        self.attenuation_db / self.audible.max(1) as f32
    }
}

impl Pool for Activity {
    fn join(&mut self, next: &Self) {
        self.frames += next.frames;
        self.voiced += next.voiced;
        self.audible += next.audible;
        self.attenuation_db += next.attenuation_db;
    }
}

/// Gathers what the report shows while a file is cleaned. Memory does not grow with the file.
#[derive(Debug)]
pub(crate) struct Recorder {
    format: StreamFormat,
    tick: usize,
    before: Track,
    after: Track,
    activity: Pooled<Activity>,
    /// Reports that are about the time before the file.
    early: usize,
    noise: (NoiseMeter, NoiseMeter),
}

impl Recorder {
    /// A recorder for the engine's stream and its latency.
    pub(crate) fn new(format: StreamFormat, latency: usize) -> Self {
        let tick = (format.sample_rate as usize / 100).max(1);
        let track = || Track::new(format.sample_rate, format.channels, tick);
        Self {
            format,
            tick,
            before: track(),
            after: track(),
            activity: Pooled::new(),
            early: (latency + tick / 2) / tick,
            noise: (NoiseMeter::new(), NoiseMeter::new()),
        }
    }

    /// The next interleaved samples of the input.
    pub(crate) fn push_before(&mut self, samples: &[f32]) {
        self.before.push(samples);
    }

    /// The next interleaved samples of the output, the engine's delay taken out.
    pub(crate) fn push_after(&mut self, samples: &[f32]) {
        self.after.push(samples);
    }

    /// The engine's report on the next 10 ms that it was given.
    pub(crate) fn push_frame(&mut self, report: Report) {
        if self.early > 0 {
            self.early -= 1;
            return;
        }
        let audible = report.input_dbfs > SILENCE_DBFS;
        self.activity.push(&Activity {
            frames: 1,
            voiced: u32::from(report.voice),
            audible: u32::from(audible),
            attenuation_db: if audible { report.attenuation_db() } else { 0.0 },
        });
        self.noise.0.push(report.input_dbfs, report.voice);
        self.noise.1.push(report.output_dbfs, report.voice);
    }

    /// What was gathered.
    pub(crate) fn finish(self, about: About) -> Picture {
        let (before, after) = (self.before.finish(), self.after.finish());
        let figures = (
            Figures { levels: before.levels, noise: self.noise.0.finish() },
            Figures { levels: after.levels, noise: self.noise.1.finish() },
        );
        Picture {
            about,
            format: self.format,
            tick: self.tick,
            before,
            after,
            activity: self.activity,
            figures,
        }
    }
}

/// The figures of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    #[serde(flatten)]
    pub(crate) levels: Levels,
    #[serde(flatten)]
    pub(crate) noise: Noise,
}

/// A report, ready to be drawn.
#[derive(Debug)]
pub(crate) struct Picture {
    about: About,
    format: StreamFormat,
    /// Frames of the file that a tick covers.
    tick: usize,
    before: Side,
    after: Side,
    activity: Pooled<Activity>,
    figures: (Figures, Figures),
}

impl Picture {
    /// The figures before and after.
    pub(crate) fn figures(&self) -> (Figures, Figures) {
        self.figures
    }

    /// Writes a page that needs nothing else.
    pub(crate) fn write_html(&self, path: &Path, overwrite: bool) -> Result<(), Failure> {
        let page = html::page(self).map_err(|reason| Failure::Picture { path: path.into(), reason })?;
        file::write(path, overwrite, page.as_bytes())
    }

    /// Writes a picture.
    pub(crate) fn write_png(&self, path: &Path, overwrite: bool) -> Result<(), Failure> {
        png::write(self, path, overwrite)
    }

    fn seconds(&self) -> f64 {
        self.before.frames.max(self.after.frames) as f64 / f64::from(self.format.sample_rate)
    }

    /// Seconds that a column of `span` ticks covers.
    fn column_seconds(&self, span: u64) -> f64 {
        span as f64 * self.tick as f64 / f64::from(self.format.sample_rate)
    }

    /// `12.3 s · 48 kHz · stereo`
    fn sound(&self) -> String {
        let channels = match self.format.channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            n => format!("{n} channels"),
        };
        let khz = f64::from(self.format.sample_rate) / 1000.0;
        format!("{} · {khz} kHz · {channels}", duration(self.seconds()))
    }

    /// `model rnnoise · at most 24 dB down`
    fn treatment(&self) -> String {
        match self.about.attenuation_limit_db {
            Some(db) => format!("model {} · at most {db} dB down", self.about.model),
            None => format!("model {} · no attenuation limit", self.about.model),
        }
    }

    /// Each figure's name and unit, before and after.
    fn table(&self) -> [(&'static str, &'static str, Option<f64>, Option<f64>); 4] {
        let (b, a) = (&self.figures.0, &self.figures.1);
        [
            ("Loudness", "LUFS", b.levels.loudness_lufs, a.levels.loudness_lufs),
            ("True peak", "dBTP", b.levels.true_peak_dbtp, a.levels.true_peak_dbtp),
            ("Noise floor", "dBFS", b.noise.floor_dbfs, a.noise.floor_dbfs),
            ("Voice to noise", "dB", b.noise.snr_db, a.noise.snr_db),
        ]
    }
}

/// `12.3 s`, `4:05 min` or `1:02:03 h`.
fn duration(seconds: f64) -> String {
    if seconds < 99.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02} h") } else { format!("{m}:{s:02} min") }
}

/// A figure with a true minus sign, or a dash.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |v| format!("{v:.1}").replace('-', "−"))
}
