//! The report that comes with every block, and the counters since the start.

use crate::signal::SILENCE_DBFS;

/// Why a frame was passed through untouched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bypass {
    /// Switched off by [`Controls::set_enabled`](crate::Controls::set_enabled).
    Off,
    /// Music or a shared screen, by [`Controls::set_passthrough`](crate::Controls::set_passthrough).
    Passthrough,
    /// The attenuation limit is 0 dB.
    NoAttenuation,
    /// Deadlines were missed and the model does not run; see
    /// [`Engine::report_time`](crate::Engine::report_time). Voice probability and decision stay as they were.
    Overload,
    /// The model's output was not finite; it was restarted.
    ModelFault,
}

/// The newest frame's report, returned with every block. Blocks that complete no frame repeat the report of the frame
/// before.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The model's voice probability for its newest frame, 0 to 1.
    pub voice_probability: f32,
    /// The decision made from it, with hysteresis and hangover.
    pub voice: bool,
    /// Level of the frame that was output, before denoising, in dBFS over all channels.
    pub input_dbfs: f32,
    /// Level of the same frame after denoising, in dBFS.
    pub output_dbfs: f32,
    /// Why that frame was passed through untouched. `None` means that it was denoised.
    pub bypass: Option<Bypass>,
}

impl Report {
    /// Returns the attenuation of the frame in dB; 0 for silence.
    #[must_use]
    pub fn attenuation_db(&self) -> f32 {
        self.input_dbfs - self.output_dbfs
    }
}

impl Default for Report {
    fn default() -> Self {
        Self {
            voice_probability: 0.0,
            voice: false,
            input_dbfs: SILENCE_DBFS,
            output_dbfs: SILENCE_DBFS,
            bypass: None,
        }
    }
}

/// Counters since the stream was made or reset. A frame here is the stream's 10 ms step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Frames output, bypassed ones included.
    pub frames: u64,
    /// Frames with voice, by the decision.
    pub voice_frames: u64,
    /// Frames bypassed because the stream was switched off.
    pub bypassed_off: u64,
    /// Frames bypassed as music or a shared screen.
    pub bypassed_passthrough: u64,
    /// Frames bypassed because the attenuation limit was 0 dB.
    pub bypassed_no_attenuation: u64,
    /// Frames bypassed because deadlines were missed.
    pub bypassed_overload: u64,
    /// Frames bypassed because the model failed.
    pub bypassed_model_fault: u64,
    /// Missed deadlines that the caller reported.
    pub deadline_misses: u64,
    /// Input samples that were NaN or infinite; each was replaced by silence.
    pub invalid_samples: u64,
    /// Output samples beyond full scale (saturated at the integer entries).
    pub clipped_samples: u64,
}

impl Stats {
    pub(crate) fn count(&mut self, report: &Report) {
        self.frames += 1;
        self.voice_frames += u64::from(report.voice);
        match report.bypass {
            None => {}
            Some(Bypass::Off) => self.bypassed_off += 1,
            Some(Bypass::Passthrough) => self.bypassed_passthrough += 1,
            Some(Bypass::NoAttenuation) => self.bypassed_no_attenuation += 1,
            Some(Bypass::Overload) => self.bypassed_overload += 1,
            Some(Bypass::ModelFault) => self.bypassed_model_fault += 1,
        }
    }
}
