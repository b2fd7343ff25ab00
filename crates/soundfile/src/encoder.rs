//! `f32` back to bytes, over those that are there.
//!
//! Float to integer is ours: dasp truncates, here a value is rounded to the nearest code (ties to even), saturates at
//! full scale, and NaN becomes silence.

use audio_codec_algorithms::{encode_alaw, encode_ulaw};

use crate::format::{
    SampleFormat, alaw_to_f32, f64_to_f32, i16_to_f32, i24_to_f32, i32_to_f32, mulaw_to_f32, u8_to_f32,
};

/// Encodes the samples of one file in order.
///
/// If fewer bits are valid than the container has, the valid ones are the upper ones, and the bits below stay
/// zero. Some writers state fewer valid bits and use all: from the first old sample with such a low bit on, the
/// whole container is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoder {
    format: SampleFormat,
    valid_bits: u32,
}

impl Encoder {
    /// For integers `valid_bits` is 1 to the container's bits; floats do not look at it.
    pub(crate) fn new(format: SampleFormat, valid_bits: u32) -> Self {
        Self { format, valid_bits: valid_bits.clamp(1, format.container_bits()) }
    }

    /// Overwrites `bytes` with `samples`, as many as both hold; a sample that equals the one already there, decoded, bit
    /// for bit keeps its bytes.
    ///
    /// An integer gets the nearest code (ties to even), saturates at full scale, and is 0 for NaN.
    pub(crate) fn encode_over(&mut self, samples: &[f32], bytes: &mut [u8]) {
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
                        *stored = sample.to_le_bytes();
                    }
                }
            }
            SampleFormat::F64 => {
                for (sample, stored) in samples.iter().zip(bytes.as_chunks_mut().0) {
                    if sample.to_bits() != f64_to_f32(*stored).to_bits() {
                        *stored = f64::from(*sample).to_le_bytes();
                    }
                }
            }
            SampleFormat::ALaw => self.companded(samples, bytes, alaw_to_f32, encode_alaw),
            SampleFormat::MuLaw => self.companded(samples, bytes, mulaw_to_f32, encode_ulaw),
        }
    }

    /// G.711: the sample as 16 bits, then to the nearest code by the codec's own rule.
    fn companded(
        &mut self,
        samples: &[f32],
        bytes: &mut [u8],
        to_f32: impl Fn([u8; 1]) -> f32,
        encode: impl Fn(i16) -> u8,
    ) {
        for (sample, stored) in samples.iter().zip(bytes) {
            if sample.to_bits() != to_f32([*stored]).to_bits() {
                *stored = encode(quantise(*sample, 32_768.0).clamp(-32_768, 32_767) as i16);
            }
        }
    }

    fn integers<const N: usize>(
        &mut self,
        samples: &[f32],
        bytes: &mut [u8],
        to_f32: impl Fn([u8; N]) -> f32,
        to_code: impl Fn([u8; N]) -> i32,
        from_code: impl Fn(i32) -> [u8; N],
    ) {
        let container_bits = self.format.container_bits();
        let stored = bytes.as_chunks_mut().0;
        if self.valid_bits < container_bits {
            // The header of a file that uses these bits is wrong, from there on.
            let valid =
                |bytes: &[u8; N]| to_code(*bytes).trailing_zeros() >= container_bits - self.valid_bits;
            let (lower, upper) = stored.split_at_mut(stored.iter().take_while(|bytes| valid(bytes)).count());
            let (before, after) = samples.split_at(lower.len().min(samples.len()));
            let spare = container_bits - self.valid_bits;
            let scale = full_scale(self.valid_bits);
            overwrite(before, lower, scale, &to_f32, |code| from_code(code << spare));
            if !upper.is_empty() {
                self.valid_bits = container_bits;
                overwrite(after, upper, full_scale(container_bits), to_f32, from_code);
            }
        } else {
            overwrite(samples, stored, full_scale(container_bits), to_f32, from_code);
        }
    }
}

/// 1.0 as a code.
fn full_scale(valid_bits: u32) -> f64 {
    f64::from(1u32 << (valid_bits - 1))
}

/// Overwrites integers where the samples differ. Written so that the compiler can do several samples at once.
#[inline]
fn overwrite<const N: usize>(
    samples: &[f32],
    stored: &mut [[u8; N]],
    full_scale: f64,
    to_f32: impl Fn([u8; N]) -> f32,
    from_code: impl Fn(i32) -> [u8; N],
) {
    for (sample, stored) in samples.iter().zip(stored) {
        let changed = sample.to_bits() != to_f32(*stored).to_bits();
        let code = from_code(quantise(*sample, full_scale));
        *stored = if changed { code } else { *stored };
    }
}

/// The nearest code, ties to even; full scale beyond ±1.0, 0 for NaN.
#[inline]
fn quantise(sample: f32, full_scale: f64) -> i32 {
    // Added to a code it leaves no room for a fraction, so the sum is rounded as IEEE 754 does it, to nearest with
    // ties to even, and its low bits are the code. `round_ties_even` (a function call before SSE 4.1) and a cast (which
    // saturates) say the same more slowly.
    const ROUNDER: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    let number = if sample.is_nan() { 0.0 } else { f64::from(sample) };
    let code = (number * full_scale).clamp(-full_scale, full_scale - 1.0);
    let [a, b, c, d, ..] = (code + ROUNDER).to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
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

pub(crate) fn code_to_i24(code: i32) -> [u8; 3] {
    let [low, mid, high, _] = code.to_le_bytes();
    [low, mid, high]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(format: SampleFormat, valid_bits: u32, sample: f32, old: &[u8]) -> Vec<u8> {
        let mut bytes = old.to_vec();
        Encoder::new(format, valid_bits).encode_over(&[sample], &mut bytes);
        bytes
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
    fn saturates_and_silences_nan() {
        let mut bytes = [1; 12];
        let samples = [1.0, 1.5, -1.0, f32::NEG_INFINITY, f32::NAN, f32::INFINITY];
        Encoder::new(SampleFormat::I16, 16).encode_over(&samples, &mut bytes);
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
