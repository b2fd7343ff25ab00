//! What small recurrent networks are computed with; it knows no model.
//!
//! * [`safetensors`]: bytes to named tensors, whatever the bytes;
//! * [`layers`]: dense layers and GRUs with int8 weights;
//! * [`kernels`]: the inner loops, once per instruction set; [`activations`]: their transcendental functions.
//!
//! Making any of it allocates; running it never does.

pub(crate) mod activations;
pub(crate) mod kernels;
pub(crate) mod layers;
pub(crate) mod safetensors;
