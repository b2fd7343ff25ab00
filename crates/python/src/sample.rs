//! The kinds of sample that arrays hold.

use numpy::Element;

/// A sample of an array. The engine works on `f32`, full scale ±1.0, as it does with files.
pub(crate) trait Sample: Element + Copy + Default + Send + Sync {
    /// Its name in [`sourdine_soundfile::RawSpec`].
    const RAW: &'static str;
    /// Whether values beyond full scale do not exist.
    const IS_INTEGER: bool;

    fn to_unit(self) -> f32;
    fn from_unit(sample: f32) -> Self;
    fn append(self, bytes: &mut Vec<u8>);
}

impl Sample for f32 {
    const RAW: &'static str = "f32le";
    const IS_INTEGER: bool = false;

    fn to_unit(self) -> f32 {
        self
    }
    fn from_unit(sample: f32) -> Self {
        sample
    }
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
}

/// In the precision of `f32`.
impl Sample for f64 {
    const RAW: &'static str = "f64le";
    const IS_INTEGER: bool = false;

    fn to_unit(self) -> f32 {
        bounded(self) as f32
    }
    fn from_unit(sample: f32) -> Self {
        sample.into()
    }
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(bounded(self).to_le_bytes());
    }
}

/// Bounds what is finite to what `f32` can hold: it would become infinite, which is silenced.
fn bounded(x: f64) -> f64 {
    let largest = f64::from(f32::MAX);
    if x.is_finite() { x.clamp(-largest, largest) } else { x }
}

impl Sample for i16 {
    const RAW: &'static str = "s16le";
    const IS_INTEGER: bool = true;

    fn to_unit(self) -> f32 {
        f32::from(self) / 32_768.0
    }
    /// As files are written: to the nearest, ties to even. The cast saturates.
    fn from_unit(sample: f32) -> Self {
        (sample * 32_768.0).round_ties_even() as i16
    }
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
}
