#![doc = include_str!("../README.md")]
#![deny(unsafe_code)] // But in `nn::kernels`, which says why.

mod controls;
mod convenience;
mod denoise;
mod detector;
mod dsp;
mod engine;
mod error;
mod nn;
mod overload;
mod settings;
pub mod signal;
mod stages;
mod stats;
mod stream;
mod voice;

pub use controls::Controls;
pub use convenience::{DenoiseError, denoise};
pub use denoise::{FrameDenoiser, Model, ModelInfo, ModelSource};
pub use detector::{VoiceDetector, VoiceReport};
pub use engine::Engine;
pub use error::{BlockError, ConfigError, ModelError};
pub use overload::Tier;
pub use settings::{Block, Channels, GateParams, Settings, StreamFormat, VadParams};
pub use stats::{Bypass, Report, Stats};
