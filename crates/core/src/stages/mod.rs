//! The chain, one file a stage, in the order the sound takes through them:
//! [`guard`] → [`resample`] → [`recut`] (the denoiser) → [`resample`] → [`ceiling`] → [`gate`] → [`floor`] →
//! [`mix`]. A stage knows its neighbours only through the frame.
//!
//! The mix comes after the way back to the host's rate, not before it: only there is the dry signal the
//! host's own samples, so that 0 dB of attenuation gives them back bit for bit at any rate.

pub(crate) mod ceiling;
pub(crate) mod floor;
pub(crate) mod gate;
pub(crate) mod guard;
pub(crate) mod mix;
pub(crate) mod recut;
pub(crate) mod resample;
