//! The inference engine of our own models: the network of `models/FORMAT.md`, nothing more general.
//!
//! * [`container`]: bytes to named tensors, whatever the bytes;
//! * [`weights`]: named tensors to a checked, immutable network, shared by all streams;
//! * [`layers`]: what the network is made of; [`network`]: its order, and the state one stream keeps; [`refine`]: from
//!   the gains it says to those that are used;
//! * [`kernels`]: the inner loops, once per instruction set; [`math`]: their transcendental function.
//!
//! Making any of it allocates; running it never does.

pub(crate) mod container;
#[cfg(test)]
mod golden;
pub(crate) mod kernels;
pub(crate) mod layers;
pub(crate) mod math;
pub(crate) mod network;
mod refine;
pub(crate) mod weights;
