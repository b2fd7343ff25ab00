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
            finish(sums_of_three([first, second, third], codes), unit, scales, biases, y);
        } else {
            let panels = weights.chunks_exact(pairs).zip(scales.chunks(1)).zip(biases.chunks(1));
            for (((panel, scales), biases), y) in panels.zip(y.chunks_mut(1)) {
                finish(sums_of_one(panel, codes), unit, scales, biases, y);
            }
        }
    }
}

/// The integer sums of one panel, in two halves.
#[inline]
#[target_feature(enable = "avx2")]
fn sums_of_one(panel: &[Column], codes: &[[i16; 2]]) -> [[__m256i; 2]; 1] {
    let mut sums = [_mm256_setzero_si256(); 2];
    for (column, code) in panel.iter().zip(codes) {
        add(&mut sums, column, broadcast(code));
    }
    [sums]
}

/// The integer sums of three panels. Their columns come from iterators in step: indices would be checked, and these
/// few instructions are half of what the network costs.
#[inline]
#[target_feature(enable = "avx2")]
fn sums_of_three([first, second, third]: [&[Column]; 3], codes: &[[i16; 2]]) -> [[__m256i; 2]; 3] {
    let mut sums = [[_mm256_setzero_si256(); 2]; 3];
    for (((a, b), c), code) in first.iter().zip(second).zip(third).zip(codes) {
        let code = broadcast(code);
        add(&mut sums[0], a, code);
        add(&mut sums[1], b, code);
        add(&mut sums[2], c, code);
    }
    sums
}

/// A pair of codes, eight times.
#[inline]
#[target_feature(enable = "avx2")]
fn broadcast([even, odd]: &[i16; 2]) -> __m256i {
    _mm256_set1_epi32(i32::from(even.cast_unsigned()) | (i32::from(*odd) << 16))
}

/// Adds the products of one pair of columns.
#[inline]
#[target_feature(enable = "avx2")]
fn add(sums: &mut [__m256i; 2], column: &Column, code: __m256i) {
    for (sum, rows) in sums.iter_mut().zip(column.as_chunks::<8>().0) {
        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(widen(rows), code));
    }
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
