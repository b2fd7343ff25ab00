//! WebAssembly with `simd128`. There is nothing to detect: a module with these instructions loads only where they are.

use std::arch::wasm32::*;

use super::super::layers::{BLOCK, Dense, LANES, Weight};

/// Panels whose sums stay in registers: twelve, of the sixteen that x86-64 has.
const TOGETHER: usize = 3;

/// Four rows' pairs of weights as int16.
#[inline(always)]
fn widen<W: Weight>(weights: &[[W; 2]; 4]) -> v128 {
    let at = weights.as_ptr();
    // SAFETY: reads the bytes of the reference, eight or sixteen; these loads need no alignment.
    unsafe { if size_of::<W>() == 1 { i16x8_load_extend_i8x8(at.cast()) } else { v128_load(at.cast()) } }
}

/// Four numbers from memory.
#[inline(always)]
fn load(numbers: &[f32; 4]) -> v128 {
    // SAFETY: reads the four numbers of the reference; this load needs no alignment.
    unsafe { v128_load(numbers.as_ptr().cast()) }
}

// By hand, because the compiler does not find the instruction that multiplies and
// adds a pair by itself.
block_by_sums! {
    #[inline(always)]
}

/// The sums of M of the N panels, from the `first` on.
#[inline(always)]
fn sums<const N: usize, const M: usize, W: Weight>(
    columns: &[[[[W; 2]; LANES]; N]],
    codes: &[[i16; 2]],
    first: usize,
) -> [[v128; 4]; M] {
    let mut sums = [[i32x4_splat(0); 4]; M];
    for (column, [even, odd]) in columns.iter().zip(codes) {
        let code = i32x4_splat(i32::from(even.cast_unsigned()) | (i32::from(*odd) << 16));
        for (sums, rows) in sums.iter_mut().zip(&column[first..]) {
            for (sum, rows) in sums.iter_mut().zip(rows.as_chunks::<4>().0) {
                *sum = i32x4_add(*sum, i32x4_dot_i16x8(widen(rows), code));
            }
        }
    }
    sums
}

/// Scales the sums and adds the biases, in the order of the portable loops.
#[inline(always)]
fn finish<const M: usize>(
    sums: [[v128; 4]; M],
    unit: f32,
    scales: &[[f32; LANES]],
    biases: &[[f32; LANES]],
    y: &mut [[f32; LANES]],
) {
    let unit = f32x4_splat(unit);
    for (((sums, scales), biases), y) in sums.iter().zip(scales).zip(biases).zip(y) {
        let quarters = sums.iter().zip(scales.as_chunks::<4>().0).zip(biases.as_chunks::<4>().0);
        for (((sum, scale), bias), y) in quarters.zip(y.as_chunks_mut::<4>().0) {
            let scaled = f32x4_mul(f32x4_mul(load(scale), unit), f32x4_convert_i32x4(*sum));
            // SAFETY: writes the four numbers of the reference; this store needs no alignment.
            unsafe { v128_store(y.as_mut_ptr().cast(), f32x4_add(load(bias), scaled)) }
        }
    }
}

portable_loops!("simd128");
