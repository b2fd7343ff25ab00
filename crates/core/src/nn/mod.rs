//! Inference of small recurrent networks; knows no model.
//!
//! * [`safetensors`]: named tensors from untrusted bytes;
//! * [`layers`]: dense layers and GRUs with int8 weights;
//! * [`kernels`]: the inner loops, once per instruction set; [`activations`]: their transcendental functions.
//!
//! Construction allocates; inference never does.

pub(crate) mod activations;
pub(crate) mod kernels;
pub(crate) mod layers;
pub(crate) mod safetensors;
