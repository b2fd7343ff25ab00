//! A denoiser padded to the latency of its stream.

use super::FrameDenoiser as _;
use super::Model;
use super::guarded::Guarded;
use crate::dsp::delay::Delay;
use crate::error::SwitchError;
use crate::settings::Channels;
use crate::signal::MODEL_FRAME;

/// A stream's denoiser, and the delay that pads it to the stream's latency.
pub(crate) struct Slot {
    denoiser: Guarded,
    pad: Delay,
    pub(crate) model: Model,
}

impl Slot {
    /// Denoises a planar frame in place. Returns the voice probability, and whether the output was finite; if not, the frame
    /// is silence.
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

/// The channels and latency of a stream's slots.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlotShape {
    pub(crate) channels: usize,
    pub(crate) mode: Channels,
    /// The delay of denoiser and padding together, in samples at 48 kHz.
    pub(crate) latency: usize,
}

impl SlotShape {
    /// Refuses a denoiser whose delay exceeds the stream's.
    pub(crate) fn slot(self, model: &Model, denoiser: Guarded) -> Result<Slot, SwitchError> {
        let latency = denoiser.latency();
        if latency > self.latency {
            return Err(SwitchError { latency, limit: self.latency });
        }
        Ok(self.padded(model, denoiser))
    }

    /// Pads a denoiser whose delay is known to fit.
    pub(crate) fn padded(self, model: &Model, denoiser: Guarded) -> Slot {
        let pad = self.latency.saturating_sub(denoiser.latency());
        Slot { denoiser, pad: Delay::new(self.channels, pad, MODEL_FRAME), model: model.clone() }
    }
}
