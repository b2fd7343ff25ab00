//! What is told about a cleaned file, and the sums it is made of.

use serde::Serialize;
use sourdine::Report;
use sourdine::signal::SILENCE_DBFS;

/// The result of cleaning one file. Its fields are those of the JSON object that `sourdine clean --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FileReport {
    /// Length of the sound.
    pub seconds: f64,
    /// Length of the sound in frames.
    pub frames: u64,
    /// Frames per second.
    pub sample_rate: u32,
    /// Samples in a frame.
    pub channels: u16,
    /// How samples are stored, in words.
    pub sample_format: String,
    /// The model's name.
    pub model: String,
    /// `None` for no limit.
    pub attenuation_limit_db: Option<f32>,
    /// The engine's delay that was taken out, in frames of the file.
    pub latency: usize,
    /// Mean over all frames of 10 ms that are not silent; `None` if all are.
    pub mean_attenuation_db: Option<f64>,
    /// The same over frames without voice.
    pub pause_attenuation_db: Option<f64>,
    /// Share of frames decided to hold voice, 0 to 1.
    pub voiced_share: f64,
    /// Largest magnitude of the output, full scale 1.
    pub peak: f32,
    /// Output samples beyond full scale.
    pub clipped_samples: u64,
    /// Input samples that were NaN or infinite, and became silence.
    pub invalid_samples: u64,
    /// Seconds of sound in a second of work.
    pub times_real_time: f64,
    /// Faults of the file that were repaired, and what the output cannot hold of it.
    pub notices: Vec<String>,
}

/// Sums of the engine's reports, weighted by their frames.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    frames: u64,
    voiced: u64,
    audible: u64,
    attenuation_db: f64,
    pauses: u64,
    pause_attenuation_db: f64,
}

impl Totals {
    /// Adds the report on `frames` frames.
    pub fn count(&mut self, report: Report, frames: u64) {
        self.frames += frames;
        if report.voice {
            self.voiced += frames;
        }
        if report.input_dbfs > SILENCE_DBFS {
            let attenuation_db = f64::from(report.attenuation_db()) * frames as f64;
            self.audible += frames;
            self.attenuation_db += attenuation_db;
            if !report.voice {
                self.pauses += frames;
                self.pause_attenuation_db += attenuation_db;
            }
        }
    }

    /// Mean attenuation of frames that are not silent, in dB; `None` if all are.
    #[must_use]
    pub fn mean_attenuation_db(&self) -> Option<f64> {
        (self.audible > 0).then(|| self.attenuation_db / self.audible as f64)
    }

    /// The same over frames without voice.
    #[must_use]
    pub fn pause_attenuation_db(&self) -> Option<f64> {
        (self.pauses > 0).then(|| self.pause_attenuation_db / self.pauses as f64)
    }

    /// Share of frames decided to hold voice, 0 to 1.
    #[must_use]
    pub fn voiced_share(&self) -> f64 {
        if self.frames == 0 { 0.0 } else { self.voiced as f64 / self.frames as f64 }
    }
}
