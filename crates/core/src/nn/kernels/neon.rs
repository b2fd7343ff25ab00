//! 64-bit ARM: NEON and fused multiply-add are part of the baseline there.

use super::super::layers::Dense;
use super::lanes;

pub(super) fn dense(layer: &Dense, x: &[f32], y: &mut [f32]) {
    lanes::dense::<true>(layer, x, y);
}

pub(super) fn gru(from_input: &[f32], from_memory: &[f32], memory: &mut [f32]) {
    lanes::gru(from_input, from_memory, memory);
}

pub(super) fn tanh(x: &mut [f32]) {
    lanes::tanh(x);
}

pub(super) fn sigmoid(x: &mut [f32]) {
    lanes::sigmoid(x);
}
