//! The kinds of sample that arrays hold, and what the engine makes of them.

use numpy::Element;
use sourdine::{BlockError, Engine, Report};

/// A sample of an array. Channels are planar: an array of shape `(channels, n)`.
pub(crate) trait Sample: Element + Copy + Default + Send + Sync {
    /// What the engine is given.
    type Engine: Copy + Default + Send;

    /// Bytes of a sample in a file, and its name in [`sourdine_soundfile::RawSpec`].
    const RAW: &'static str;

    fn load(self) -> Self::Engine;
    fn store(sample: Self::Engine) -> Self;
    /// Full scale ±1.0.
    fn to_unit(self) -> f32;
    fn from_unit(sample: f32) -> Self;
    fn append(self, bytes: &mut Vec<u8>);

    fn process(engine: &mut Engine, block: &mut [&mut [Self::Engine]]) -> Result<Report, BlockError>;
    fn finish(engine: &mut Engine, block: &mut [&mut [Self::Engine]]) -> Result<usize, BlockError>;
}

impl Sample for f32 {
    type Engine = f32;
    const RAW: &'static str = "f32le";

    fn load(self) -> f32 {
        self
    }
    fn store(sample: f32) -> Self {
        sample
    }
    fn to_unit(self) -> f32 {
        self
    }
    fn from_unit(sample: f32) -> Self {
        sample
    }
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
    fn process(engine: &mut Engine, block: &mut [&mut [f32]]) -> Result<Report, BlockError> {
        engine.process_planar_f32(block)
    }
    fn finish(engine: &mut Engine, block: &mut [&mut [f32]]) -> Result<usize, BlockError> {
        engine.finish_planar_f32(block)
    }
}

/// In the precision of `f32`, which is the engine's.
impl Sample for f64 {
    type Engine = f32;
    const RAW: &'static str = "f64le";

    fn load(self) -> f32 {
        self as f32
    }
    fn store(sample: f32) -> Self {
        sample.into()
    }
    fn to_unit(self) -> f32 {
        self as f32
    }
    fn from_unit(sample: f32) -> Self {
        sample.into()
    }
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
    fn process(engine: &mut Engine, block: &mut [&mut [f32]]) -> Result<Report, BlockError> {
        engine.process_planar_f32(block)
    }
    fn finish(engine: &mut Engine, block: &mut [&mut [f32]]) -> Result<usize, BlockError> {
        engine.finish_planar_f32(block)
    }
}

impl Sample for i16 {
    type Engine = i16;
    const RAW: &'static str = "s16le";

    fn load(self) -> i16 {
        self
    }
    fn store(sample: i16) -> Self {
        sample
    }
    fn to_unit(self) -> f32 {
        f32::from(self) / 32_768.0
    }
    fn from_unit(sample: f32) -> Self {
        // The cast saturates, and NaN becomes 0.
        (sample * 32_768.0).round_ties_even() as i16
    }
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
    fn process(engine: &mut Engine, block: &mut [&mut [i16]]) -> Result<Report, BlockError> {
        engine.process_planar_i16(block)
    }
    fn finish(engine: &mut Engine, block: &mut [&mut [i16]]) -> Result<usize, BlockError> {
        engine.finish_planar_i16(block)
    }
}
