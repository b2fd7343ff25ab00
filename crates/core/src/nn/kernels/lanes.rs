//! The loops. `FUSED` says whether the target multiplies and adds in one instruction: where it does not,
//! `f32::mul_add` is a call of the C library for every product.

use super::super::layers::{Dense, LANES};
use super::super::math;

#[inline(always)]
fn add_product<const FUSED: bool>(sum: f32, a: f32, b: f32) -> f32 {
    if FUSED { a.mul_add(b, sum) } else { sum + a * b }
}

#[inline(always)]
fn add_column<const FUSED: bool>(sums: &mut [f32; LANES], weights: &[i8; LANES], x: f32) {
    for (sum, w) in sums.iter_mut().zip(weights) {
        *sum = add_product::<FUSED>(*sum, f32::from(*w), x);
    }
}

#[inline(always)]
pub(super) fn dense<const FUSED: bool>(layer: &Dense, x: &[f32], y: &mut [f32]) {
    let (fours, rest) = x.as_chunks::<4>();
    let panels = layer.weights.chunks_exact(layer.columns);
    let rows = panels.zip(&layer.scales).zip(&layer.biases).zip(y.as_chunks_mut::<LANES>().0);
    for (((panel, scales), biases), y) in rows {
        // Four sums beside each other: a sum has to wait for itself, four do not wait for one another.
        let mut sums = [[0.0_f32; LANES]; 4];
        let (columns, last) = panel.as_chunks::<4>();
        for (weights, x) in columns.iter().zip(fours) {
            for k in 0..4 {
                add_column::<FUSED>(&mut sums[k], &weights[k], x[k]);
            }
        }
        for (weights, x) in last.iter().zip(rest) {
            add_column::<FUSED>(&mut sums[0], weights, *x);
        }
        for lane in 0..LANES {
            let sum = (sums[0][lane] + sums[1][lane]) + (sums[2][lane] + sums[3][lane]);
            y[lane] = add_product::<FUSED>(biases[lane], scales[lane], sum);
        }
    }
}

#[inline(always)]
pub(super) fn gru(from_input: &[f32], from_memory: &[f32], memory: &mut [f32]) {
    let width = memory.len();
    let gate = |sums: &[f32], index: usize, at: usize| -> [f32; LANES] {
        let sums = sums.get(index * width + at..).and_then(<[f32]>::first_chunk);
        *sums.unwrap_or(&[0.0; LANES])
    };
    for (panel, memory) in memory.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let at = panel * LANES;
        let [ri, zi, ni] = [0, 1, 2].map(|index| gate(from_input, index, at));
        let [rm, zm, nm] = [0, 1, 2].map(|index| gate(from_memory, index, at));
        for lane in 0..LANES {
            let r = math::sigmoid(ri[lane] + rm[lane]);
            let z = math::sigmoid(zi[lane] + zm[lane]);
            let n = math::tanh(ni[lane] + r * nm[lane]);
            memory[lane] = n + z * (memory[lane] - n);
        }
    }
}

#[inline(always)]
pub(super) fn tanh(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = math::tanh(*x));
}

#[inline(always)]
pub(super) fn sigmoid(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = math::sigmoid(*x));
}
