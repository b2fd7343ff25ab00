//! x86-64 with AVX2 and FMA (Haswell, Excavator, and later).

use super::super::layers::Dense;
use super::lanes;

#[target_feature(enable = "avx2,fma")]
pub(super) fn dense(layer: &Dense, x: &[f32], y: &mut [f32]) {
    lanes::dense::<true>(layer, x, y);
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
