//! Sourdine takes the noise out of voice, in real time.
//!
//! **The invariant: for every input sample exactly one output sample, exactly [`Engine::latency`] samples
//! later, whatever the block sizes; and nothing the caller does on another thread can make the audio thread
//! allocate, lock, wait or panic.**
//!
//! ```
//! use sourdine::{Engine, Model, Settings, StreamFormat};
//!
//! // Where you open the stream (this allocates):
//! let format = StreamFormat::new(44_100, 2);
//! let mut engine = Engine::new(format, &Settings::default(), &Model::default())?;
//! let controls = engine.controls(); // a handle for your user interface's thread
//!
//! // Once, on the audio thread, before audio starts:
//! engine.warm_up_thread();
//!
//! // In the audio callback: any block length, in place, ±1.0.
//! let mut block = [0.0_f32; 2 * 512];
//! let report = engine.process_interleaved_f32(&mut block)?;
//! assert!(!report.voice);
//!
//! // Meanwhile, anywhere else:
//! controls.set_attenuation_limit_db(30.0)?;
//! controls.set_enabled(false); // the input, with the same latency
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The way of the sound
//! ```text
//! host block → guard → reframe → resample → denoise → resample → ceiling → gate → mix → reframe → host block
//!               NaN     10 ms     to 48 kHz   model    back                      voice  dry/wet
//! ```
//!
//! # Latency
//! At 48 kHz with blocks that are multiples of 480 it is the model's own delay (480). Blocks of
//! another fixed length add `480 − gcd(480, block)`, varying blocks 479. Other rates add the resamplers':
//! 3 to 10 ms in all.
//!
//! # Threads
//! An [`Engine`] belongs to one thread at a time. [`Controls`] are for any number of threads. A [`Model`] is
//! shared by any number of streams. There are no globals, no clock, no I/O and no log here.
#![deny(unsafe_code)] // But in `nn::kernels`, which says why.

mod controls;
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
pub use denoise::{FrameDenoiser, Model, ModelInfo, ModelSource};
pub use detector::{VoiceDetector, VoiceReport};
pub use engine::Engine;
pub use error::{BlockError, ConfigError, ModelError};
pub use overload::Tier;
pub use settings::{Block, Channels, GateShape, Settings, StreamFormat, VoiceShape};
pub use stats::{Bypass, Report, Stats};
