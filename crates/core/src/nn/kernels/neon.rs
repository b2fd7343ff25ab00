//! AArch64 with NEON, which every such processor has. `sdot` would multiply faster, but takes codes of eight bits.

use std::arch::aarch64::*;

use super::super::layers::{BLOCK, Dense, LANES, Weight};

/// Panels whose sums stay in registers: twelve, of 32 that hold the weights on their way as well.
const TOGETHER: usize = 3;

/// A panel's pairs of weights as int16, in two halves: those of the even column, and those of the odd one.
#[inline]
#[target_feature(enable = "neon")]
fn widen<W: Weight>(weights: &[[W; 2]; LANES]) -> [[int16x8_t; 2]; 2] {
    let at = weights.as_ptr();
    // SAFETY: reads the bytes of the reference, 32 or 64; these loads need no alignment but that of their elements.
    unsafe {
        if size_of::<W>() == 1 {
            let int8x16x2_t(even, odd) = vld2q_s8(at.cast());
            let low = [even, odd].map(|weights| vmovl_s8(vget_low_s8(weights)));
            let high = [even, odd].map(|weights| vmovl_high_s8(weights));
            [low, high]
        } else {
            let [int16x8x2_t(a, b), int16x8x2_t(c, d)] = [vld2q_s16(at.cast()), vld2q_s16(at.add(8).cast())];
            [[a, b], [c, d]]
        }
    }
}

// By hand, because the compiler does not find the instruction that multiplies by a lane
// and adds.
block_by_sums! {
    #[inline]
    #[target_feature(enable = "neon")]
}

/// The sums of M of the N panels, from the `first` on.
#[inline]
#[target_feature(enable = "neon")]
fn sums<const N: usize, const M: usize, W: Weight>(
    columns: &[[[[W; 2]; LANES]; N]],
    codes: &[[i16; 2]],
    first: usize,
) -> [[int32x4_t; 4]; M] {
    let mut sums = [[vdupq_n_s32(0); 4]; M];
    // Two at a time: one load of codes for both.
    let (columns, last_columns) = columns.as_chunks::<2>();
    let (codes, last_codes) = codes.as_chunks::<2>();
    for (columns, codes) in columns.iter().zip(codes) {
        // SAFETY: reads the four codes of the reference.
        let codes = unsafe { vld1_s16(codes.as_ptr().cast()) };
        add::<M, 0, 1, W>(&mut sums, &columns[0][first..], codes);
        add::<M, 2, 3, W>(&mut sums, &columns[1][first..], codes);
    }
    for (column, [even, odd]) in last_columns.iter().zip(last_codes) {
        add::<M, 0, 1, W>(&mut sums, &column[first..], vset_lane_s16::<1>(*odd, vdup_n_s16(*even)));
    }
    sums
}

/// Adds the products of one pair of columns, whose codes are in the given lanes.
#[inline]
#[target_feature(enable = "neon")]
fn add<const M: usize, const EVEN: i32, const ODD: i32, W: Weight>(
    sums: &mut [[int32x4_t; 4]; M],
    column: &[[[W; 2]; LANES]],
    codes: int16x4_t,
) {
    for (sums, rows) in sums.iter_mut().zip(column) {
        for (sums, [even, odd]) in sums.as_chunks_mut::<2>().0.iter_mut().zip(widen(rows)) {
            sums[0] = vmlal_lane_s16::<EVEN>(sums[0], vget_low_s16(even), codes);
            sums[1] = vmlal_high_lane_s16::<EVEN>(sums[1], even, codes);
            sums[0] = vmlal_lane_s16::<ODD>(sums[0], vget_low_s16(odd), codes);
            sums[1] = vmlal_high_lane_s16::<ODD>(sums[1], odd, codes);
        }
    }
}

/// Scales the sums and adds the biases, in the order of the portable loops.
#[inline]
#[target_feature(enable = "neon")]
fn finish<const M: usize>(
    sums: [[int32x4_t; 4]; M],
    unit: f32,
    scales: &[[f32; LANES]],
    biases: &[[f32; LANES]],
    y: &mut [[f32; LANES]],
) {
    for (((sums, scales), biases), y) in sums.iter().zip(scales).zip(biases).zip(y) {
        let quarters = sums.iter().zip(scales.as_chunks::<4>().0).zip(biases.as_chunks::<4>().0);
        for (((sum, scale), bias), y) in quarters.zip(y.as_chunks_mut::<4>().0) {
            // SAFETY: read and write the four numbers of each reference.
            unsafe {
                let scaled = vmulq_f32(vmulq_n_f32(vld1q_f32(scale.as_ptr()), unit), vcvtq_f32_s32(*sum));
                vst1q_f32(y.as_mut_ptr(), vaddq_f32(vld1q_f32(bias.as_ptr()), scaled));
            }
        }
    }
}

portable_loops!("neon");
