//! A model that passes the input through: for streams that only resample, and for tests of the engine.

use super::{FrameDenoiser, ModelInfo, ModelSource};
use crate::settings::Channels;

pub(super) struct Bypass;

impl ModelSource for Bypass {
    fn info(&self) -> ModelInfo {
        let mut info = ModelInfo::new("bypass", 0);
        info.description = "passes the input through".into();
        info.licence = "MIT OR Apache-2.0".into();
        info
    }

    fn denoiser(&self, _channels: usize, _mode: Channels) -> Box<dyn FrameDenoiser> {
        Box::new(Self)
    }
}

impl FrameDenoiser for Bypass {
    fn latency(&self) -> usize {
        0
    }

    fn process(&mut self, _frame: &mut [f32]) -> f32 {
        0.0
    }

    fn reset(&mut self) {}

    fn recover(&mut self) -> bool {
        true
    }
}
