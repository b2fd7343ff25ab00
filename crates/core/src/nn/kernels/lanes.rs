//! The loops. `FUSED` says whether the target multiplies and adds in one instruction: where it does not,
//! `f32::mul_add` is a call of the C library for every product.

use super::super::layers::{Dense, LANES};
use super::super::math;

#[inline(always)]
fn add_product<const FUSED: bool>(sum: f32, a: f32, b: f32) -> f32 {
    if FUSED { a.mul_add(b, sum) } else { sum + a * b }
}

#[inline(always)]
pub(super) fn dense<const FUSED: bool>(layer: &Dense, x: &[f32], y: &mut [f32]) {
    let (pairs, rest) = x.as_chunks::<2>();
    let panels = layer.weights.chunks_exact(layer.columns);
    let rows = panels.zip(&layer.scales).zip(&layer.biases).zip(y.as_chunks_mut::<LANES>().0);
    for (((panel, scales), biases), y) in rows {
        // Two columns at a time: the sums wait for themselves half as often.
        let mut sums = [0.0_f32; LANES];
        let (columns, last) = panel.as_chunks::<2>();
        for ([wa, wb], [xa, xb]) in columns.iter().zip(pairs) {
            for lane in 0..LANES {
                let product = f32::from(wa[lane]) * xa;
                sums[lane] += add_product::<FUSED>(product, f32::from(wb[lane]), *xb);
            }
        }
        for (weights, x) in last.iter().zip(rest) {
            for lane in 0..LANES {
                sums[lane] = add_product::<FUSED>(sums[lane], f32::from(weights[lane]), *x);
            }
        }
        for lane in 0..LANES {
            y[lane] = add_product::<FUSED>(biases[lane], scales[lane], sums[lane]);
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
