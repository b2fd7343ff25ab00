#![doc = include_str!("../README.md")]
#![deny(unsafe_code)] // But in `nn::kernels`, which says why.

mod controls;
mod convenience;
mod dsp;
mod engine;
mod error;
mod models;
mod nn;
mod overload;
mod settings;
pub mod signal;
mod stages;
mod stats;
mod stream;
mod vad;

pub use controls::Controls;
pub use convenience::{DenoiseError, denoise};
pub use engine::Engine;
pub use error::{BlockError, ConfigError, ModelError, SwitchError};
pub use models::{FrameDenoiser, Model, ModelInfo, ModelSource};
pub use overload::Tier;
pub use settings::{Block, Channels, GateParams, Settings, StreamFormat, VadParams};
pub use stats::{Bypass, Report, Stats};
pub use vad::{VoiceDetector, VoiceReport};
