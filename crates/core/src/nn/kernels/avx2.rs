//! x86-64 with AVX2 (Haswell, Excavator, and later).

use std::arch::x86_64::*;

use super::super::layers::{BLOCK, Dense, LANES, Weight};

/// Eight rows' pairs of weights as int16.
#[inline]
#[target_feature(enable = "avx2")]
fn widen<W: Weight>(weights: &[[W; 2]; 8]) -> __m256i {
    let at = weights.as_ptr();
    // SAFETY: reads the bytes of the reference, sixteen or 32; these loads need no alignment.
    unsafe {
        if size_of::<W>() == 1 {
            _mm256_cvtepi8_epi16(_mm_loadu_si128(at.cast()))
        } else {
            _mm256_loadu_si256(at.cast())
        }
    }
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

/// The rows of N panels: all sums stay in registers, and a pair of codes is loaded once for them. By hand, because the compiler
/// does not find the instruction that multiplies and adds a pair by itself.
#[inline]
#[target_feature(enable = "avx2")]
fn block<const N: usize, W: Weight>(
    weights: &[[[W; 2]; LANES]],
    codes: &[[i16; 2]],
    unit: f32,
    scales: &[[f32; LANES]],
    biases: &[[f32; LANES]],
    y: &mut [[f32; LANES]],
) {
    let mut sums = [[_mm256_setzero_si256(); 2]; N];
    // Two at a time: the loop itself costs as much as a few of the instructions in it.
    let (columns, last_columns) = weights.as_chunks::<N>().0.as_chunks::<2>();
    let (codes, last_codes) = codes.as_chunks::<2>();
    for (columns, codes) in columns.iter().zip(codes) {
        add(&mut sums, &columns[0], &codes[0]);
        add(&mut sums, &columns[1], &codes[1]);
    }
    for (column, code) in last_columns.iter().zip(last_codes) {
        add(&mut sums, column, code);
    }
    finish(sums, unit, scales, biases, y);
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
fn add<const N: usize, W: Weight>(
    sums: &mut [[__m256i; 2]; N],
    column: &[[[W; 2]; LANES]; N],
    code: &[i16; 2],
) {
    let code = broadcast(code);
    for (sums, rows) in sums.iter_mut().zip(column) {
        for (sum, rows) in sums.iter_mut().zip(rows.as_chunks::<8>().0) {
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(widen(rows), code));
        }
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

portable_loops!("avx2");
