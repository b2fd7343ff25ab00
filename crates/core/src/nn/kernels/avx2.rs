//! x86-64 with AVX2 (Haswell, Excavator, and later).

use std::arch::x86_64::*;

use super::super::layers::{Dense, LANES};
use super::portable;

/// The weights of one pair of columns in 16 rows.
type Column = [[i8; 2]; LANES];

/// Eight rows' int8 weights as int16.
#[inline]
#[target_feature(enable = "avx2")]
fn widen(weights: &[[i8; 2]; 8]) -> __m256i {
    // SAFETY: reads the sixteen bytes of the reference; this load needs no alignment.
    let bytes = unsafe { _mm_loadu_si128(weights.as_ptr().cast()) };
    _mm256_cvtepi8_epi16(bytes)
}

/// Eight numbers from memory.
#[inline]
#[target_feature(enable = "avx2")]
fn load(numbers: &[f32; 8]) -> __m256 {
    // SAFETY: reads the eight numbers of the reference; this load needs no alignment.
    unsafe { _mm256_loadu_ps(numbers.as_ptr()) }
}

/// Eight numbers to memory.
#[inline]
#[target_feature(enable = "avx2")]
fn store(numbers: &mut [f32; 8], value: __m256) {
    // SAFETY: writes the eight numbers of the reference; this store needs no alignment.
    unsafe { _mm256_storeu_ps(numbers.as_mut_ptr(), value) }
}

/// By hand, because the compiler does not find the instruction that multiplies and adds a pair by itself. Three panels
/// at a time, so that a pair of codes is loaded once for 48 rows.
#[target_feature(enable = "avx2")]
pub(super) fn dense(layer: &Dense, codes: &[[i16; 2]], unit: f32, y: &mut [f32]) {
    let pairs = codes.len();
    let at_once = 3;
    let weights = layer.weights.chunks(at_once * pairs);
    let rows = weights.zip(layer.scales.chunks(at_once)).zip(layer.biases.chunks(at_once));
    for (((weights, scales), biases), y) in rows.zip(y.chunks_mut(at_once * LANES)) {
        let y = y.as_chunks_mut::<LANES>().0;
        let (first, others) = weights.split_at(pairs);
        if let (Some((second, third)), [_, _, _]) = (others.split_at_checked(pairs), scales) {
            let sums = sums([first, second, third], codes);
            finish(sums, unit, scales, biases, y);
        } else {
            let panels = weights.chunks_exact(pairs).zip(scales.chunks(1)).zip(biases.chunks(1));
            for (((panel, scales), biases), y) in panels.zip(y.chunks_mut(1)) {
                finish(sums([panel], codes), unit, scales, biases, y);
            }
        }
    }
}

/// The integer sums of some panels, in two halves each.
#[inline]
#[target_feature(enable = "avx2")]
fn sums<const N: usize>(panels: [&[Column]; N], codes: &[[i16; 2]]) -> [[__m256i; 2]; N] {
    let mut sums = [[_mm256_setzero_si256(); 2]; N];
    // Cut to one length, so that the loop has no bounds to check.
    let panels = panels.map(|panel| &panel[..codes.len()]);
    for (at, [even, odd]) in codes.iter().enumerate() {
        let pair = i32::from(even.cast_unsigned()) | (i32::from(*odd) << 16);
        let pair = _mm256_set1_epi32(pair);
        for (sums, panel) in sums.iter_mut().zip(panels) {
            let [low, high] = panel[at].as_chunks::<8>().0 else { continue };
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(widen(low), pair));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(widen(high), pair));
        }
    }
    sums
}

/// Scales the sums and adds the biases, in the order of the portable loops.
#[inline]
#[target_feature(enable = "avx2")]
fn finish<const N: usize>(
    sums: [[__m256i; 2]; N],
    unit: f32,
    scales: &[[f32; LANES]],
    biases: &[[f32; LANES]],
    y: &mut [[f32; LANES]],
) {
    let unit = _mm256_set1_ps(unit);
    for (((sums, scales), biases), y) in sums.iter().zip(scales).zip(biases).zip(y) {
        let halves = sums.iter().zip(scales.as_chunks::<8>().0).zip(biases.as_chunks::<8>().0);
        for (((sum, scale), bias), y) in halves.zip(y.as_chunks_mut::<8>().0) {
            let scaled = _mm256_mul_ps(_mm256_mul_ps(load(scale), unit), _mm256_cvtepi32_ps(*sum));
            store(y, _mm256_add_ps(load(bias), scaled));
        }
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn quantise(x: &[f32], full_scale: f32, codes: &mut [[i16; 2]]) -> f32 {
    portable::quantise(x, full_scale, codes)
}

#[target_feature(enable = "avx2")]
pub(super) fn gru(from_input: &[f32], from_memory: &[f32], memory: &mut [f32]) {
    portable::gru(from_input, from_memory, memory);
}

#[target_feature(enable = "avx2")]
pub(super) fn tanh(x: &mut [f32]) {
    portable::tanh(x);
}

#[target_feature(enable = "avx2")]
pub(super) fn sigmoid(x: &mut [f32]) {
    portable::sigmoid(x);
}

#[target_feature(enable = "avx2")]
pub(super) fn log10(x: &mut [f32]) {
    portable::log10(x);
}
