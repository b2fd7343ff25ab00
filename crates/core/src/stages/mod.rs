//! The stages of the chain, one file each, in the order of the signal:
//! [`guard`] → [`resample`] → [`recut`] (the denoiser) → [`resample`] → [`ceiling`] → [`gate`] → [`floor`] →
//! [`mix`]. A stage knows its neighbours only through the frame.
//!
//! The mix comes after resampling back to the host's rate: only there is the dry signal the
//! host's own samples, so that 0 dB of attenuation returns them bit for bit at any rate.

pub(crate) mod ceiling;
pub(crate) mod floor;
pub(crate) mod gate;
pub(crate) mod guard;
pub(crate) mod mix;
pub(crate) mod recut;
pub(crate) mod resample;
