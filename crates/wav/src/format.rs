//! Samples as bytes and as `f32`, both ways.
//!
//! Integer to float is dasp's conversion. Float to integer is ours: dasp truncates and wraps, here a value is
//! rounded to the nearest code (ties to even) and saturates at full scale.

use std::fmt;
use std::ops::AddAssign;

use dasp_sample::Sample;

/// How one sample is stored. All are little-endian.
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
}

/// What a WAV file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WavSpec {
    /// Frames per second, in Hz: 1 to 1 000 000.
    pub sample_rate: u32,
    /// Samples in a frame: 1 to 64.
    pub channels: u16,
    /// How one sample is stored.
    pub format: SampleFormat,
}

impl WavSpec {
    /// Length of one frame in bytes.
    pub fn frame_bytes(self) -> usize {
        usize::from(self.channels) * self.format.bytes()
    }
}

impl SampleFormat {
    /// Length of one sample in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Whether samples are stored as float, which holds values beyond full scale and NaN.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Reads samples out of `bytes` into `samples`, full scale ±1.0, as many as both hold.
    ///
    /// NaN, infinity and values beyond full scale in a float file pass as they are.
    pub fn decode(self, bytes: &[u8], samples: &mut [f32]) {
        match self {
            Self::U8 => decode_each(bytes, samples, u8_to_f32),
            Self::I16 => decode_each(bytes, samples, i16_to_f32),
            Self::I24 => decode_each(bytes, samples, i24_to_f32),
            Self::I32 => decode_each(bytes, samples, i32_to_f32),
            Self::F32 => decode_each(bytes, samples, f32::from_le_bytes),
            Self::F64 => decode_each(bytes, samples, f64_to_f32),
        }
    }

    /// Overwrites `bytes` with `samples`, as many as both hold; a sample that equals the one already there, decoded,
    /// bit for bit keeps its bytes.
    ///
    /// For integers a value is rounded to the nearest code (ties to even), saturates at full scale, and NaN becomes
    /// silence.
    pub fn encode_over(self, samples: &[f32], bytes: &mut [u8]) -> Encoded {
        Encoder::new(self, self.container_bits()).encode_over(samples, bytes)
    }

    /// Size of the container in bits.
    pub(crate) fn container_bits(self) -> u32 {
        match self {
            Self::U8 => 8,
            Self::I16 => 16,
            Self::I24 => 24,
            Self::I32 | Self::F32 => 32,
            Self::F64 => 64,
        }
    }
}

impl fmt::Display for SampleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_float() { "float" } else { "integer" };
        write!(f, "{}-bit {kind}", self.container_bits())
    }
}

/// What happened to the samples of an encoded block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encoded {
    /// Samples that got a value other than the one already there.
    pub changed: u64,
    /// Of these, samples beyond ±1.0 that an integer format could not hold; they saturated.
    pub clipped: u64,
    /// Of these, NaN samples that an integer format could not hold; they became silence.
    pub invalid: u64,
}

impl AddAssign for Encoded {
    fn add_assign(&mut self, other: Self) {
        self.changed += other.changed;
        self.clipped += other.clipped;
        self.invalid += other.invalid;
    }
}

/// Encodes the samples of one file in order.
///
/// Where fewer bits are valid than the container has, the valid ones are the upper ones, and the bits below stay
/// zero. Some writers state fewer valid bits and use all: from the first old sample with such a low bit on, the
/// whole container is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoder {
    format: SampleFormat,
    valid_bits: u32,
    done: Encoded,
}

impl Encoder {
    /// For integers `valid_bits` is 1 to the container's bits; floats do not look at it.
    pub(crate) fn new(format: SampleFormat, valid_bits: u32) -> Self {
        Self { format, valid_bits: valid_bits.clamp(1, format.container_bits()), done: Encoded::default() }
    }

    /// As [`SampleFormat::encode_over`]; returns the counts of this block.
    pub(crate) fn encode_over(&mut self, samples: &[f32], bytes: &mut [u8]) -> Encoded {
        self.done = Encoded::default();
        match self.format {
            SampleFormat::U8 => self.integers(samples, bytes, u8_to_f32, u8_to_code, code_to_u8),
            SampleFormat::I16 => self.integers(samples, bytes, i16_to_f32, i16_to_code, code_to_i16),
            SampleFormat::I24 => self.integers(samples, bytes, i24_to_f32, i24_to_code, code_to_i24),
            SampleFormat::I32 => {
                self.integers(samples, bytes, i32_to_f32, i32::from_le_bytes, i32::to_le_bytes)
            }
            SampleFormat::F32 => {
                for (sample, stored) in samples.iter().zip(bytes.as_chunks_mut().0) {
                    if sample.to_bits() != u32::from_le_bytes(*stored) {
                        self.done.changed += 1;
                        *stored = sample.to_le_bytes();
                    }
                }
            }
            SampleFormat::F64 => {
                for (sample, stored) in samples.iter().zip(bytes.as_chunks_mut().0) {
                    if sample.to_bits() != f64_to_f32(*stored).to_bits() {
                        self.done.changed += 1;
                        *stored = f64::from(*sample).to_le_bytes();
                    }
                }
            }
        }
        self.done
    }

    fn integers<const N: usize>(
        &mut self,
        samples: &[f32],
        bytes: &mut [u8],
        to_f32: impl Fn([u8; N]) -> f32,
        to_code: impl Fn([u8; N]) -> i32,
        from_code: impl Fn(i32) -> [u8; N],
    ) {
        for (sample, stored) in samples.iter().zip(bytes.as_chunks_mut().0) {
            let mut spare = self.format.container_bits() - self.valid_bits;
            if spare > 0 && to_code(*stored).trailing_zeros() < spare {
                self.valid_bits = self.format.container_bits();
                spare = 0;
            }
            if sample.to_bits() != to_f32(*stored).to_bits() {
                self.done.changed += 1;
                *stored = from_code(self.quantise(*sample) << spare);
            }
        }
    }

    /// The nearest code of `valid_bits` bits.
    #[inline]
    fn quantise(&mut self, sample: f32) -> i32 {
        if sample.is_nan() {
            self.done.invalid += 1;
            return 0;
        }
        self.done.clipped += u64::from(sample.abs() > 1.0);
        let full_scale = f64::from(1u32 << (self.valid_bits - 1));
        let code = (f64::from(sample) * full_scale).round_ties_even().clamp(-full_scale, full_scale - 1.0);
        // Whole and within i32 by the lines above: the cast is exact.
        code as i32
    }
}

fn decode_each<const N: usize>(bytes: &[u8], samples: &mut [f32], to_f32: impl Fn([u8; N]) -> f32) {
    for (sample, stored) in samples.iter_mut().zip(bytes.as_chunks().0) {
        *sample = to_f32(*stored);
    }
}

fn u8_to_f32([byte]: [u8; 1]) -> f32 {
    byte.to_sample()
}

fn i16_to_f32(bytes: [u8; 2]) -> f32 {
    i16::from_le_bytes(bytes).to_sample()
}

/// As the upper 24 bits of 32, which gives the same value and needs no sign extension.
fn i24_to_f32([low, mid, high]: [u8; 3]) -> f32 {
    i32::from_le_bytes([0, low, mid, high]).to_sample()
}

fn i32_to_f32(bytes: [u8; 4]) -> f32 {
    i32::from_le_bytes(bytes).to_sample()
}

/// To nearest; beyond the range of `f32` it becomes infinity.
fn f64_to_f32(bytes: [u8; 8]) -> f32 {
    f64::from_le_bytes(bytes) as f32
}

fn u8_to_code([byte]: [u8; 1]) -> i32 {
    i32::from(byte) - 128
}

fn i16_to_code(bytes: [u8; 2]) -> i32 {
    i32::from(i16::from_le_bytes(bytes))
}

fn i24_to_code([low, mid, high]: [u8; 3]) -> i32 {
    i32::from_le_bytes([0, low, mid, high]) >> 8
}

/// Codes are within -128..=127; flipping the sign bit of the low byte adds 128.
fn code_to_u8(code: i32) -> [u8; 1] {
    let [low, ..] = code.to_le_bytes();
    [low ^ 0x80]
}

fn code_to_i16(code: i32) -> [u8; 2] {
    let [low, high, ..] = code.to_le_bytes();
    [low, high]
}

fn code_to_i24(code: i32) -> [u8; 3] {
    let [low, mid, high, _] = code.to_le_bytes();
    [low, mid, high]
}

#[cfg(test)]
mod tests {
    use super::*;
    use dasp_sample::I24;

    fn encode(format: SampleFormat, valid_bits: u32, sample: f32, old: &[u8]) -> Vec<u8> {
        let mut bytes = old.to_vec();
        Encoder::new(format, valid_bits).encode_over(&[sample], &mut bytes);
        bytes
    }

    #[test]
    fn int_to_float_is_that_of_dasp() {
        for code in [-8_388_608, -8_388_607, -1, 0, 1, 12_345, 8_388_607] {
            let bytes: [u8; 3] = code_to_i24(code);
            let dasp: f32 = I24::new(code).unwrap().to_sample();
            assert_eq!(i24_to_f32(bytes).to_bits(), dasp.to_bits());
        }
    }

    #[test]
    fn every_code_of_8_and_16_and_every_64th_of_24_bits_survives() {
        for code in -128..128 {
            let bytes = code_to_u8(code);
            assert_eq!(encode(SampleFormat::U8, 8, u8_to_f32(bytes), &[bytes[0] ^ 0xFF]), bytes);
        }
        for code in -32_768..32_768 {
            let bytes = code_to_i16(code);
            assert_eq!(encode(SampleFormat::I16, 16, i16_to_f32(bytes), &[!bytes[0], !bytes[1]]), bytes);
        }
        for code in (-8_388_608..8_388_608).step_by(64) {
            let bytes = code_to_i24(code);
            assert_eq!(encode(SampleFormat::I24, 24, i24_to_f32(bytes), &[!bytes[0], 0, !bytes[2]]), bytes);
        }
    }

    #[test]
    fn rounds_to_nearest_with_ties_to_even() {
        for (value, code) in [(0.5, 0), (0.51, 1), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (-0.51, -1)] {
            let written = encode(SampleFormat::I16, 16, value / 32_768.0, &[7, 7]);
            assert_eq!(i16_to_code([written[0], written[1]]), code, "{value}");
        }
    }

    #[test]
    fn saturates_and_counts() {
        let mut bytes = [1; 12];
        let samples = [1.0, 1.5, -1.0, f32::NEG_INFINITY, f32::NAN, f32::INFINITY];
        let encoded = SampleFormat::I16.encode_over(&samples, &mut bytes);
        assert_eq!(encoded, Encoded { changed: 6, clipped: 3, invalid: 1 });
        let codes: Vec<i32> = bytes.as_chunks().0.iter().map(|bytes| i16_to_code(*bytes)).collect();
        assert_eq!(codes, [32_767, 32_767, -32_768, -32_768, 0, 32_767]);
        assert_eq!(encode(SampleFormat::I32, 32, 2.0, &[0; 4]), i32::MAX.to_le_bytes());
        assert_eq!(encode(SampleFormat::I32, 32, -2.0, &[0; 4]), i32::MIN.to_le_bytes());
        assert_eq!(encode(SampleFormat::U8, 8, 2.0, &[0]), [255]);
        assert_eq!(encode(SampleFormat::U8, 8, -2.0, &[1]), [0]);
    }

    #[test]
    fn an_equal_sample_keeps_bytes_that_f32_cannot_hold() {
        let old = 0x7654_3211_i32.to_le_bytes();
        assert_eq!(encode(SampleFormat::I32, 32, i32_to_f32(old), &old), old);
        let old = 0.1_f64.to_le_bytes();
        assert_eq!(encode(SampleFormat::F64, 64, f64_to_f32(old), &old), old);
    }

    #[test]
    fn floats_pass_beyond_full_scale_and_nan() {
        assert_eq!(encode(SampleFormat::F32, 32, 3.5, &[0; 4]), 3.5_f32.to_le_bytes());
        assert_eq!(encode(SampleFormat::F64, 64, -3.5, &[0; 8]), (-3.5_f64).to_le_bytes());
        assert_eq!(encode(SampleFormat::F32, 32, f32::NAN, &[0; 4]), f32::NAN.to_le_bytes());
    }

    #[test]
    fn bits_below_the_valid_ones_stay_zero() {
        let written = encode(SampleFormat::I24, 20, 0.123_456_7, &[0; 3]);
        assert_eq!(written[0] & 0x0F, 0);
        assert!((i24_to_f32([written[0], written[1], written[2]]) - 0.123_456_7).abs() < 1e-6);
        assert_eq!(encode(SampleFormat::I32, 24, 1.0, &[0; 4]), 0x7FFF_FF00_i32.to_le_bytes());
    }

    #[test]
    fn a_file_that_uses_its_low_bits_keeps_doing_so() {
        let mut bytes = [[0; 4], 1_i32.to_le_bytes(), [0; 4]].concat();
        let quiet = 5.0 / 2_147_483_648.0;
        Encoder::new(SampleFormat::I32, 24).encode_over(&[quiet; 3], &mut bytes);
        assert_eq!(bytes, [[0; 4], 5_i32.to_le_bytes(), 5_i32.to_le_bytes()].concat());
    }
}
