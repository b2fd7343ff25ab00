//! x86-64 with AVX2 and FMA (Haswell, Excavator, and later).

use std::arch::x86_64::*;

use super::super::layers::{Dense, LANES};
use super::lanes;

/// Eight int8 weights as f32.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn widen(weights: &[i8; 8]) -> __m256 {
    // SAFETY: reads the eight bytes of the reference; this load needs no alignment.
    let bytes = unsafe { _mm_loadl_epi64(weights.as_ptr().cast()) };
    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))
}

/// Eight numbers to and from memory.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn load(numbers: &[f32; 8]) -> __m256 {
    // SAFETY: reads the eight numbers of the reference; this load needs no alignment.
    unsafe { _mm256_loadu_ps(numbers.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store(numbers: &mut [f32; 8], value: __m256) {
    // SAFETY: writes the eight numbers of the reference; this store needs no alignment.
    unsafe { _mm256_storeu_ps(numbers.as_mut_ptr(), value) }
}

/// By hand, because the compiler does not keep 64 sums in registers by itself: four columns of 16 rows at a
/// time, so that no sum waits for itself.
#[target_feature(enable = "avx2,fma")]
pub(super) fn dense(layer: &Dense, x: &[f32], y: &mut [f32]) {
    let (fours, rest) = x.as_chunks::<4>();
    let panels = layer.weights.chunks_exact(layer.columns);
    let rows = panels.zip(&layer.scales).zip(&layer.biases).zip(y.as_chunks_mut::<LANES>().0);
    for (((panel, scales), biases), y) in rows {
        let zero = _mm256_setzero_ps();
        let (mut a, mut b, mut c, mut d) = ([zero; 2], [zero; 2], [zero; 2], [zero; 2]);
        let (columns, last) = panel.as_chunks::<4>();
        for ([wa, wb, wc, wd], [xa, xb, xc, xd]) in columns.iter().zip(fours) {
            a = add_column(a, wa, *xa);
            b = add_column(b, wb, *xb);
            c = add_column(c, wc, *xc);
            d = add_column(d, wd, *xd);
        }
        for (weights, x) in last.iter().zip(rest) {
            a = add_column(a, weights, *x);
        }
        let halves = y.as_chunks_mut::<8>().0.iter_mut();
        let halves = halves.zip(scales.as_chunks::<8>().0).zip(biases.as_chunks::<8>().0);
        for (half, ((y, scale), bias)) in halves.enumerate() {
            let sum = _mm256_add_ps(_mm256_add_ps(a[half], b[half]), _mm256_add_ps(c[half], d[half]));
            store(y, _mm256_fmadd_ps(load(scale), sum, load(bias)));
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_column(sums: [__m256; 2], weights: &[i8; LANES], x: f32) -> [__m256; 2] {
    let x = _mm256_set1_ps(x);
    let [low, high] = weights.as_chunks::<8>().0 else { return sums };
    [_mm256_fmadd_ps(widen(low), x, sums[0]), _mm256_fmadd_ps(widen(high), x, sums[1])]
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn gru(from_input: &[f32], from_memory: &[f32], memory: &mut [f32]) {
    lanes::gru(from_input, from_memory, memory);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn tanh(x: &mut [f32]) {
    lanes::tanh(x);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sigmoid(x: &mut [f32]) {
    lanes::sigmoid(x);
}
