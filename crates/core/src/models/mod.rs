//! Models, and the denoisers made from them.
//!
//! A [`Model`] is immutable and shared: cloning it copies a pointer. A [`FrameDenoiser`] is the state of one
//! stream. Reading, planning and allocating happen when either is made.

mod bypass;
pub(crate) mod guarded;
#[cfg(feature = "rnnoise")]
mod rnnoise;
pub(crate) mod slot;
mod sourdine;
pub(crate) mod switch;

use std::fmt;
use std::sync::Arc;

use crate::error::ModelError;
use crate::nn::safetensors;
use crate::settings::Channels;
use guarded::Guarded;

/// One stream's denoiser: frames of 10 ms at 48 kHz.
///
/// `sourdine-testkit`'s conformance suite checks an implementation.
pub trait FrameDenoiser: Send {
    /// Returns the delay from input to output in samples at 48 kHz; it never changes.
    fn latency(&self) -> usize;

    /// Denoises one frame in place. Returns the probability (0 to 1) that it contains voice.
    ///
    /// `frame` is planar: for each channel the denoiser was made for, 480 samples in ±1.0, all finite and
    /// within ±128.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics. A model that cannot promise that for the first call
    /// on a thread implements [`ModelSource::warm_up_thread`].
    fn process(&mut self, frame: &mut [f32]) -> f32;

    /// Clears all state: the output from then on is that of a new denoiser, bit for bit.
    ///
    /// # Real time
    /// May allocate.
    fn reset(&mut self);

    /// Recovers from a state whose output is no longer finite. Returns whether that worked.
    ///
    /// # Real time
    /// As [`process`](Self::process).
    fn recover(&mut self) -> bool;
}

/// Makes denoisers.
pub trait ModelSource: Send + Sync {
    /// Returns name, cost and origin.
    fn info(&self) -> ModelInfo;

    /// Makes a denoiser for `channels` channels (1 to 8) under one mask or one each.
    ///
    /// # Real time
    /// Allocates; not for the audio thread.
    fn denoiser(&self, channels: usize, mode: Channels) -> Box<dyn FrameDenoiser>;

    /// Pre-allocates the thread-local state that the model needs on this thread.
    ///
    /// # Real time
    /// May allocate. Call it on the audio thread before audio starts.
    fn warm_up_thread(&self) {}
}

/// Facts about a model.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ModelInfo {
    /// The name that selects it.
    pub name: String,
    /// One line of description.
    pub description: String,
    /// Delay of one channel, in samples at 48 kHz.
    pub latency: usize,
    /// Delay of several channels under one mask, in samples at 48 kHz.
    pub linked_latency: usize,
    /// Size of the weights in bytes.
    pub weight_bytes: usize,
    /// State of one mono stream in bytes, approximately.
    pub state_bytes: usize,
    /// Multiplications of the network per 10 ms frame.
    pub multiplications: usize,
    /// The licence of the weights.
    pub licence: String,
}

impl ModelInfo {
    /// Describes a model by its name and its delay in samples at 48 kHz; the rest is empty.
    #[must_use]
    pub fn new(name: impl Into<String>, latency: usize) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            latency,
            linked_latency: latency,
            weight_bytes: 0,
            state_bytes: 0,
            multiplications: 0,
            licence: String::new(),
        }
    }
}

/// The names of the built-in models, the default first.
const BUILT_IN: [&str; 3] = ["sourdine", "sourdine-lite", "rnnoise"];

/// A model: immutable, shared between any number of streams and threads.
#[derive(Clone)]
pub struct Model(Arc<dyn ModelSource>);

impl Model {
    /// Returns our own model, trained for this project: 0 Hz to 24 kHz, 480 samples of delay, no thread-local state.
    #[must_use]
    pub fn sourdine() -> Self {
        Self::from_source(sourdine::Sourdine::built_in())
    }

    /// Returns the smaller size of [`sourdine`](Self::sourdine): a narrower network, for many streams, little processor time,
    /// or as a stream's fallback under load ([`Engine::with_light_model`](crate::Engine::with_light_model)).
    #[must_use]
    pub fn sourdine_lite() -> Self {
        Self::from_source(sourdine::Sourdine::lite())
    }

    /// Returns the baseline: RNNoise's network of 2018, run by the nnnoiseless crate. Needs the default feature `rnnoise`.
    #[cfg(feature = "rnnoise")]
    #[must_use]
    pub fn rnnoise() -> Self {
        Self::from_source(rnnoise::Rnnoise::built_in())
    }

    /// Returns a model that passes the input through, without delay and with a voice probability of 0.
    #[must_use]
    pub fn bypass() -> Self {
        Self::from_source(bypass::Bypass)
    }

    /// Returns the built-in models, the default first.
    #[must_use]
    pub fn built_in() -> Vec<Self> {
        BUILT_IN.iter().filter_map(|name| Self::by_name(name)).collect()
    }

    /// Returns the built-in model of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            #[cfg(feature = "rnnoise")]
            "rnnoise" => Some(Self::rnnoise()),
            "sourdine" => Some(Self::sourdine()),
            "sourdine-lite" => Some(Self::sourdine_lite()),
            _ => None,
        }
    }

    /// Reads a model from the bytes of a weights file: one of our own (`models/FORMAT.md`), or RNNoise 0.1
    /// weights in nnnoiseless' binary form. `name` becomes [`ModelInfo::name`].
    ///
    /// Tries the model out on a second of noise, silence and full scale.
    ///
    /// # Errors
    /// [`ModelError`] describes the bytes, the field that is wrong, or the signal on which the model fails.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        let model = if safetensors::looks_like(bytes) {
            Self::from_source(sourdine::Sourdine::from_bytes(name, bytes)?)
        } else {
            Self::other(name, bytes)?
        };
        guarded::try_out(&model)?;
        Ok(model)
    }

    #[cfg(feature = "rnnoise")]
    fn other(name: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        Ok(Self::from_source(rnnoise::Rnnoise::from_bytes(name, bytes)?))
    }

    #[cfg(not(feature = "rnnoise"))]
    fn other(_name: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        let found = format!(
            "{} bytes that are not a Sourdine model; this build does not read RNNoise weights",
            bytes.len()
        );
        Err(ModelError::Unknown { found })
    }

    /// Wraps a model of the caller's own.
    #[must_use]
    pub fn from_source(source: impl ModelSource + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Returns name, cost and origin.
    #[must_use]
    pub fn info(&self) -> ModelInfo {
        self.0.info()
    }

    /// Makes a denoiser (see [`ModelSource::denoiser`]) behind a guard: its input is bounded, and a frame on which it fails
    /// becomes silence with a voice probability of 0.
    #[must_use]
    pub fn denoiser(&self, channels: usize, mode: Channels) -> Box<dyn FrameDenoiser> {
        Box::new(self.guarded(channels, mode))
    }

    pub(crate) fn guarded(&self, channels: usize, mode: Channels) -> Guarded {
        Guarded::new(self.0.denoiser(channels, mode))
    }

    /// Prepares the calling thread for this model; see [`ModelSource::warm_up_thread`].
    pub fn warm_up_thread(&self) {
        self.0.warm_up_thread();
    }
}

/// [`Model::sourdine`].
impl Default for Model {
    fn default() -> Self {
        Self::sourdine()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Model").field(&self.info().name).finish()
    }
}
