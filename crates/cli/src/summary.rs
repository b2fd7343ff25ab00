//! What is said about a cleaned file: a line for people, an object for scripts.

use std::fmt;

use serde::Serialize;

/// The result of cleaning one file. This is the JSON object of `--json`, field by field.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) input: String,
    pub(crate) output: String,
    pub(crate) seconds: f64,
    pub(crate) frames: u64,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    pub(crate) sample_format: String,
    pub(crate) model: String,
    /// Null for no limit.
    pub(crate) attenuation_limit_db: Option<f32>,
    /// The engine's delay that was taken out, in frames of the file.
    pub(crate) latency: usize,
    /// Mean over all frames of 10 ms that are not silent; null if all are.
    pub(crate) mean_attenuation_db: Option<f64>,
    /// Share of frames decided to hold voice, 0 to 1.
    pub(crate) voiced_share: f64,
    /// Largest magnitude of the output, full scale 1.
    pub(crate) peak: f32,
    pub(crate) clipped_samples: u64,
    pub(crate) invalid_samples: u64,
    pub(crate) times_real_time: f64,
    /// What was not right in the file and was repaired.
    pub(crate) notices: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:.1} s, {} Hz, ", self.output, self.seconds, self.sample_rate)?;
        match self.channels {
            1 => write!(f, "mono")?,
            2 => write!(f, "stereo")?,
            n => write!(f, "{n} channels")?,
        }
        write!(f, ", {}", self.sample_format)?;
        if let Some(attenuation) = self.mean_attenuation_db {
            write!(f, "; turned down by {attenuation:.1} dB on average")?;
        }
        write!(f, ", voice in {:.0} %", 100.0 * self.voiced_share)?;
        if self.invalid_samples > 0 {
            write!(f, "; {} invalid samples silenced", self.invalid_samples)?;
        }
        if self.clipped_samples > 0 {
            write!(f, "; {} samples beyond full scale", self.clipped_samples)?;
        }
        write!(f, "; {:.0} times real time", self.times_real_time)
    }
}
