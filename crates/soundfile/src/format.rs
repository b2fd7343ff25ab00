//! Sample formats, and their conversion to `f32`. Integer to float is dasp's conversion.

use std::fmt;

use audio_codec_algorithms::{decode_alaw, decode_ulaw};
use dasp_sample::Sample;

/// The storage format of a sample. All are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SampleFormat {
    /// 8-bit unsigned integer, silence at 128.
    U8,
    /// 16-bit signed integer.
    I16,
    /// 24-bit signed integer in 3 bytes.
    I24,
    /// 32-bit signed integer. `f32` holds its upper 24 bits.
    I32,
    /// 32-bit float.
    F32,
    /// 64-bit float. Rounded to `f32` when read.
    F64,
    /// 8-bit A-law (ITU-T G.711).
    ALaw,
    /// 8-bit µ-law (ITU-T G.711).
    MuLaw,
}

/// Rate, channels and sample format of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SoundSpec {
    /// Frames per second, in Hz: 1 to 1 000 000.
    pub sample_rate: u32,
    /// Samples in a frame: 1 to 64.
    pub channels: u16,
    /// The storage format of a sample.
    pub format: SampleFormat,
}

impl SoundSpec {
    /// Length of one frame in bytes.
    pub fn frame_bytes(self) -> usize {
        usize::from(self.channels) * self.format.bytes()
    }
}

impl SampleFormat {
    /// Length of one sample in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::ALaw | Self::MuLaw => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Returns whether samples are stored as float, which holds values beyond full scale and NaN.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Reads samples out of `bytes` into `samples`, full scale ±1.0, as many as both hold.
    ///
    /// NaN, infinity and values beyond full scale in a float file pass as they are.
    pub(crate) fn decode(self, bytes: &[u8], samples: &mut [f32]) {
        match self {
            Self::U8 => decode_each(bytes, samples, u8_to_f32),
            Self::I16 => decode_each(bytes, samples, i16_to_f32),
            Self::I24 => decode_each(bytes, samples, i24_to_f32),
            Self::I32 => decode_each(bytes, samples, i32_to_f32),
            Self::F32 => decode_each(bytes, samples, f32::from_le_bytes),
            Self::F64 => decode_each(bytes, samples, f64_to_f32),
            Self::ALaw => decode_each(bytes, samples, alaw_to_f32),
            Self::MuLaw => decode_each(bytes, samples, mulaw_to_f32),
        }
    }

    /// Size of the container in bits.
    pub(crate) fn container_bits(self) -> u32 {
        match self {
            Self::U8 | Self::ALaw | Self::MuLaw => 8,
            Self::I16 => 16,
            Self::I24 => 24,
            Self::I32 | Self::F32 => 32,
            Self::F64 => 64,
        }
    }
}

impl fmt::Display for SampleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::ALaw => "A-law",
            Self::MuLaw => "µ-law",
            _ if self.is_float() => "float",
            _ => "integer",
        };
        write!(f, "{}-bit {kind}", self.container_bits())
    }
}

fn decode_each<const N: usize>(bytes: &[u8], samples: &mut [f32], to_f32: impl Fn([u8; N]) -> f32) {
    for (sample, stored) in samples.iter_mut().zip(bytes.as_chunks().0) {
        *sample = to_f32(*stored);
    }
}

pub(crate) fn u8_to_f32([byte]: [u8; 1]) -> f32 {
    byte.to_sample()
}

pub(crate) fn i16_to_f32(bytes: [u8; 2]) -> f32 {
    i16::from_le_bytes(bytes).to_sample()
}

/// As the upper 24 bits of 32, which gives the same value and needs no sign extension.
pub(crate) fn i24_to_f32([low, mid, high]: [u8; 3]) -> f32 {
    i32::from_le_bytes([0, low, mid, high]).to_sample()
}

pub(crate) fn i32_to_f32(bytes: [u8; 4]) -> f32 {
    i32::from_le_bytes(bytes).to_sample()
}

/// To nearest; beyond the range of `f32` it becomes infinity.
pub(crate) fn f64_to_f32(bytes: [u8; 8]) -> f32 {
    f64::from_le_bytes(bytes) as f32
}

pub(crate) fn alaw_to_f32([code]: [u8; 1]) -> f32 {
    decode_alaw(code).to_sample()
}

pub(crate) fn mulaw_to_f32([code]: [u8; 1]) -> f32 {
    decode_ulaw(code).to_sample()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::code_to_i24;
    use dasp_sample::I24;

    #[test]
    fn int_to_float_is_that_of_dasp() {
        for code in [-8_388_608, -8_388_607, -1, 0, 1, 12_345, 8_388_607] {
            let bytes: [u8; 3] = code_to_i24(code);
            let dasp: f32 = I24::new(code).unwrap().to_sample();
            assert_eq!(i24_to_f32(bytes).to_bits(), dasp.to_bits());
        }
    }
}
