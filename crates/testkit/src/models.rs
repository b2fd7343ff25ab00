//! Models whose output can be predicted.

use sourdine::{Channels, FrameDenoiser, Model, ModelInfo, ModelSource};

/// A model with a frame of delay that takes everything for noise and removes it.
#[must_use]
pub fn deaf_model() -> Model {
    Model::from_source(Deaf)
}

struct Deaf;

impl ModelSource for Deaf {
    fn info(&self) -> ModelInfo {
        ModelInfo::new("deaf", 480)
    }

    fn denoiser(&self, _channels: usize, _mode: Channels) -> Box<dyn FrameDenoiser> {
        Box::new(Self)
    }
}

impl FrameDenoiser for Deaf {
    fn latency(&self) -> usize {
        480
    }

    fn process(&mut self, frame: &mut [f32]) -> f32 {
        frame.fill(0.0);
        0.0
    }

    fn reset(&mut self) {}

    fn recover(&mut self) -> bool {
        true
    }
}
