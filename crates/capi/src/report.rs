//! Reports and counters.

use engine::{Bypass, Report, Stats, VoiceReport};

use crate::block::Sized32;

/// The state of a stream: whether it is denoised, and if not, why.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum sourdine_state {
    /// No frame has been processed yet.
    IDLE = 0,
    /// Denoising.
    DENOISING = 1,
    /// Switched off: passes the input through, with the same latency.
    OFF = 2,
    /// Music or a shared screen: passes the input through, with the same latency.
    PASSTHROUGH = 3,
    /// The attenuation limit is 0 dB: passes the input through, with the same latency.
    NO_ATTENUATION = 4,
    /// Deadlines were missed: passes the input through, with the same latency, until there is time again.
    OVERLOAD = 5,
    /// The model's output was not finite and it was restarted; meanwhile passes the input through.
    MODEL_FAULT = 6,
}

pub(crate) fn state_of(report: &Report) -> sourdine_state {
    match report.bypass {
        None => sourdine_state::DENOISING,
        Some(Bypass::Off) => sourdine_state::OFF,
        Some(Bypass::Passthrough) => sourdine_state::PASSTHROUGH,
        Some(Bypass::NoAttenuation) => sourdine_state::NO_ATTENUATION,
        Some(Bypass::Overload) => sourdine_state::OVERLOAD,
        Some(_) => sourdine_state::MODEL_FAULT,
    }
}

/// The report on the newest step of 10 ms. Blocks that complete no step repeat the report before.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct sourdine_report {
    /// Set this to sizeof(struct sourdine_report) before the first call.
    pub size: u32,
    /// The voice decision, with hysteresis and hangover: 1 or 0.
    pub voice: u32,
    /// The model's voice probability, 0 to 1.
    pub voice_probability: f32,
    /// Level before denoising, in dBFS over all channels.
    pub input_dbfs: f32,
    /// Level after denoising, in dBFS.
    pub output_dbfs: f32,
    /// Attenuation of the step, in dB.
    pub attenuation_db: f32,
    /// One of sourdine_state.
    pub state: i32,
}

// SAFETY: seven fields of four bytes, the size first.
unsafe impl Sized32 for sourdine_report {
    const FIRST: usize = 28;
}

impl sourdine_report {
    pub(crate) fn new(report: &Report, state: sourdine_state) -> Self {
        Self {
            size: 0,
            voice: report.voice.into(),
            voice_probability: report.voice_probability,
            input_dbfs: report.input_dbfs,
            output_dbfs: report.output_dbfs,
            attenuation_db: report.attenuation_db(),
            state: state as i32,
        }
    }
}

/// Counters since the stream was created or reset. A frame is 10 ms.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct sourdine_stats {
    /// Set this to sizeof(struct sourdine_stats).
    pub size: u32,
    /// The stream's state: one of sourdine_state.
    pub state: i32,
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
    /// Input samples that were NaN or infinite; each was replaced with silence.
    pub invalid_samples: u64,
    /// Output samples beyond full scale, which the integer functions saturate.
    pub clipped_samples: u64,
}

// SAFETY: two fields of four bytes, the size first, and ten of eight: no padding.
unsafe impl Sized32 for sourdine_stats {
    const FIRST: usize = 88;
}

impl sourdine_stats {
    pub(crate) fn new(stats: &Stats, state: sourdine_state) -> Self {
        Self {
            size: 0,
            state: state as i32,
            frames: stats.frames,
            voice_frames: stats.voice_frames,
            bypassed_off: stats.bypassed_off,
            bypassed_passthrough: stats.bypassed_passthrough,
            bypassed_no_attenuation: stats.bypassed_no_attenuation,
            bypassed_overload: stats.bypassed_overload,
            bypassed_model_fault: stats.bypassed_model_fault,
            deadline_misses: stats.deadline_misses,
            invalid_samples: stats.invalid_samples,
            clipped_samples: stats.clipped_samples,
        }
    }
}

/// A voice detector's report on the newest frame of 10 ms.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct sourdine_voice_report {
    /// Set this to sizeof(struct sourdine_voice_report) before the first call.
    pub size: u32,
    /// The decision, with hysteresis and hangover: 1 or 0.
    pub voice: u32,
    /// Probability of voice, 0 to 1.
    pub voice_probability: f32,
    /// Level in dBFS.
    pub level_dbfs: f32,
}

// SAFETY: four fields of four bytes, the size first.
unsafe impl Sized32 for sourdine_voice_report {
    const FIRST: usize = 16;
}

impl sourdine_voice_report {
    pub(crate) fn new(report: &VoiceReport) -> Self {
        Self {
            size: 0,
            voice: report.voice.into(),
            voice_probability: report.probability,
            level_dbfs: report.level_dbfs,
        }
    }
}
