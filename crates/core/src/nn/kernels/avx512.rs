//! x86-64 with AVX-512 and its VNNI instructions (Ice Lake, Zen 4, and later).

use std::arch::x86_64::*;

use super::super::layers::{BLOCK, Dense, LANES, Weight};

/// Whether this processor has it all.
pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

/// Sixteen rows' pairs of weights as int16.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn widen<W: Weight>(weights: &[[W; 2]; LANES]) -> __m512i {
    let at = weights.as_ptr();
    // SAFETY: reads the bytes of the reference, 32 or 64; these loads need no alignment.
    unsafe {
        if size_of::<W>() == 1 {
            _mm512_cvtepi8_epi16(_mm256_loadu_si256(at.cast()))
        } else {
            _mm512_loadu_si512(at.cast())
        }
    }
}

/// Sixteen numbers from memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn load(numbers: &[f32; LANES]) -> __m512 {
    // SAFETY: reads the sixteen numbers of the reference; this load needs no alignment.
    unsafe { _mm512_loadu_ps(numbers.as_ptr()) }
}

/// The rows of N panels, as with AVX2, but one instruction multiplies, adds the pair and adds it to the sum, for sixteen rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn block<const N: usize, W: Weight>(
    weights: &[[[W; 2]; LANES]],
    codes: &[[i16; 2]],
    unit: f32,
    scales: &[[f32; LANES]],
    biases: &[[f32; LANES]],
    y: &mut [[f32; LANES]],
) {
    let mut sums = [[_mm512_setzero_si512(); N]; 2];
    let (columns, last_columns) = weights.as_chunks::<N>().0.as_chunks::<2>();
    let (codes, last_codes) = codes.as_chunks::<2>();
    // Two sums for each row: one instruction's result is ready only after several cycles.
    for (columns, codes) in columns.iter().zip(codes) {
        add(&mut sums[0], &columns[0], &codes[0]);
        add(&mut sums[1], &columns[1], &codes[1]);
    }
    for (column, code) in last_columns.iter().zip(last_codes) {
        add(&mut sums[0], column, code);
    }
    let unit = _mm512_set1_ps(unit);
    let [even, odd] = sums;
    for ((((even, odd), scale), bias), y) in even.iter().zip(odd).zip(scales).zip(biases).zip(y) {
        let sum = _mm512_cvtepi32_ps(_mm512_add_epi32(*even, odd));
        let scaled = _mm512_mul_ps(_mm512_mul_ps(load(scale), unit), sum);
        // SAFETY: writes the sixteen numbers of the reference; this store needs no alignment.
        unsafe { _mm512_storeu_ps(y.as_mut_ptr(), _mm512_add_ps(load(bias), scaled)) }
    }
}

/// Adds the products of one pair of columns.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn add<const N: usize, W: Weight>(
    sums: &mut [__m512i; N],
    column: &[[[W; 2]; LANES]; N],
    [even, odd]: &[i16; 2],
) {
    let code = _mm512_set1_epi32(i32::from(even.cast_unsigned()) | (i32::from(*odd) << 16));
    for (sum, rows) in sums.iter_mut().zip(column) {
        *sum = _mm512_dpwssd_epi32(*sum, widen(rows), code);
    }
}

portable_loops!("avx512f,avx512bw,avx512vl,avx512vnni");
