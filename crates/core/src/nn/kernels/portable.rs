//! The loops, over arrays of 16 numbers that the compiler turns into vectors of what the target has (SSE2 on
//! x86-64, NEON on AArch64, simd128 on wasm32 where that is on).

use super::super::activations;
use super::super::layers::{BLOCK, Dense, LANES, Weight};

/// Inputs whose largest is below this are zero to a dense layer.
const LEAST_PEAK: f32 = 1e-30;

/// Adding it to a number within ±2²² leaves the nearest integer (ties to even) in the sum's low bits.
const ROUNDING: f32 = 12_582_912.0;

/// See [`Kernels::run`](super::Kernels::run).
#[inline(always)]
pub(super) fn run<L: super::Loops>(loops: L) -> L::Output {
    loops.run()
}

/// See [`Kernels::quantise`](super::Kernels::quantise).
#[inline(always)]
pub(super) fn quantise(x: &[f32], full_scale: f32, codes: &mut [[i16; 2]]) -> f32 {
    // Compared as integers, in the order of the numbers' sizes: that keeps a NaN, which `f32::max` would hide.
    let peak = x.iter().fold(0, |most, x| (x.to_bits() & 0x7fff_ffff).cast_signed().max(most));
    let peak = f32::from_bits(peak.cast_unsigned());
    if peak < LEAST_PEAK {
        codes.fill([0, 0]);
        return 0.0;
    }
    let factor = full_scale / peak;
    let code = |x: f32| (x * factor + ROUNDING).to_bits() as i16;
    let (pairs, last) = x.as_chunks::<2>();
    for (code_pair, pair) in codes.iter_mut().zip(pairs) {
        *code_pair = [code(pair[0]), code(pair[1])];
    }
    if let (Some(code_pair), [x]) = (codes.last_mut(), last) {
        *code_pair = [code(*x), 0];
    }
    peak / full_scale
}

/// See [`Kernels::dense`](super::Kernels::dense).
#[inline(always)]
pub(super) fn dense<W: Weight>(layer: &Dense<W>, codes: &[[i16; 2]], unit: f32, y: &mut [f32]) {
    let panels = layer.scales.len();
    for (codes, y) in
        codes.chunks_exact(layer.pairs).zip(y.as_chunks_mut::<LANES>().0.chunks_exact_mut(panels))
    {
        let blocks = layer.weights.chunks(BLOCK * layer.pairs);
        let rows = y.chunks_mut(BLOCK).zip(layer.scales.chunks(BLOCK)).zip(layer.biases.chunks(BLOCK));
        for (block, ((y, scales), biases)) in blocks.zip(rows) {
            let together = y.len();
            for (panel, ((y, scales), biases)) in y.iter_mut().zip(scales).zip(biases).enumerate() {
                let mut sums = [0_i32; LANES];
                for (weights, code) in block.iter().skip(panel).step_by(together).zip(codes) {
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        let products = [0, 1].map(|i| i32::from(weights[i].into()) * i32::from(code[i]));
                        // Nothing can overflow: `Dense::full_scale`. Wrapping, because a checked sum is no vector.
                        *sum = sum.wrapping_add(products[0].wrapping_add(products[1]));
                    }
                }
                for (((y, sum), scale), bias) in y.iter_mut().zip(sums).zip(scales).zip(biases) {
                    *y = bias + scale * unit * sum as f32;
                }
            }
        }
    }
}

#[inline(always)]
pub(super) fn gru(width: usize, from_input: &[f32], from_memory: &[f32], memory: &mut [f32]) {
    let sums = from_input.chunks_exact(3 * width).zip(from_memory.chunks_exact(3 * width));
    for ((from_input, from_memory), memory) in sums.zip(memory.chunks_exact_mut(width)) {
        let gates = |sums| {
            let (r, zn) = <[f32]>::split_at(sums, width);
            let (z, n) = zn.split_at(width);
            [r, z, n].map(|gate| gate.as_chunks::<8>().0)
        };
        let ([ri, zi, ni], [rm, zm, nm]) = (gates(from_input), gates(from_memory));
        let inputs = ri.iter().zip(zi).zip(ni);
        let memories = rm.iter().zip(zm).zip(nm);
        let each = memory.as_chunks_mut::<8>().0.iter_mut().zip(inputs).zip(memories);
        for ((memory, ((ri, zi), ni)), ((rm, zm), nm)) in each {
            for lane in 0..8 {
                let r = activations::sigmoid(ri[lane] + rm[lane]);
                let z = activations::sigmoid(zi[lane] + zm[lane]);
                let n = activations::tanh(ni[lane] + r * nm[lane]);
                memory[lane] = n + z * (memory[lane] - n);
            }
        }
    }
}

#[inline(always)]
pub(super) fn sigmoid(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = activations::sigmoid(*x));
}

#[inline(always)]
pub(super) fn log10(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = activations::log10(*x));
}
