//! A denoiser at its place in a stream.

use super::FrameDenoiser as _;
use super::Model;
use super::guarded::Guarded;
use crate::dsp::delay::Delay;
use crate::error::ConfigError;
use crate::settings::Channels;
use crate::signal::MODEL_FRAME;

/// A stream's denoiser with the delay that brings it to the stream's latency.
pub(crate) struct Slot {
    denoiser: Guarded,
    pad: Delay,
    pub(crate) model: Model,
}

impl Slot {
    /// Denoises a planar frame in place and returns the voice probability, and whether the result is sound;
    /// if it is not, the frame is silence.
    pub(crate) fn run(&mut self, frame: &mut [f32]) -> (f32, bool) {
        let result = self.denoiser.run(frame);
        self.pad.run(frame);
        result
    }

    pub(crate) fn reset(&mut self) {
        self.denoiser.reset();
        self.pad.reset();
    }
}

/// What a slot must be like to fit a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlotShape {
    pub(crate) channels: usize,
    pub(crate) mode: Channels,
    /// The delay of denoiser and padding together, in samples at 48 kHz.
    pub(crate) latency: usize,
}

impl SlotShape {
    pub(crate) fn slot(self, model: &Model, denoiser: Guarded) -> Result<Slot, ConfigError> {
        let latency = denoiser.latency();
        let pad = self
            .latency
            .checked_sub(latency)
            .ok_or(ConfigError::ModelLatency { latency, room: self.latency })?;
        Ok(Slot { denoiser, pad: Delay::new(self.channels, pad, MODEL_FRAME), model: model.clone() })
    }
}
