//! Sourdine as a plug-in for hosts of LADSPA, LV2, CLAP and VST3: one library with the entries of all, two plug-ins in each,
//! mono and stereo (one mask for both channels).
//!
//! A host's block goes through one adapter (`denoiser`, `block`), whose parameters (`parameters`) are the same everywhere. The
//! rest is what each interface asks for. `sourdine-bundle` puts the library where hosts look for it, under the names that they
//! expect and with the descriptions that they read; see `README.md`.

// The interfaces are C's; what they promise stands at each function that needs it.
#![allow(clippy::missing_safety_doc)]

mod block;
mod clap;
mod denoiser;
mod ladspa;
pub mod lv2;
mod parameters;
mod ports;

#[cfg(feature = "vst3")]
pub use clap::vst3;
pub use clap::{SourdineEntry, clap_entry};
