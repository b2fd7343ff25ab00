//! The format and the settings of a stream. Plain data; the engine checks it once, when it is made.

use crate::dsp::grid::Grid;
use crate::error::ConfigError;

/// The host's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamFormat {
    /// Frames per second, 8 000 to 192 000.
    pub sample_rate: u32,
    /// Channels, 1 to 8.
    pub channels: usize,
    /// The lengths of the host's blocks.
    pub block: Block,
}

impl StreamFormat {
    /// A stream whose blocks may be of any length.
    #[must_use]
    pub fn new(sample_rate: u32, channels: usize) -> Self {
        Self { sample_rate, channels, block: Block::Varying }
    }

    /// Returns the step of this stream, the frames processed at a time: 10 ms if that is a whole number of samples, else the
    /// shortest block that is a whole number of samples at 48 kHz too (147 at 11.025 kHz). Blocks that are multiples of it add
    /// no delay.
    ///
    /// # Errors
    /// [`ConfigError`] if the rate is not supported.
    pub fn step_frames(&self) -> Result<usize, ConfigError> {
        Ok(Grid::new(self.sample_rate)?.host)
    }

    /// The same stream with blocks of `frames` frames (or multiples of it), which saves latency.
    #[must_use]
    pub fn with_fixed_block(self, frames: usize) -> Self {
        self.with_block(Block::Fixed(frames))
    }

    /// The same stream with blocks of other lengths.
    #[must_use]
    pub fn with_block(self, block: Block) -> Self {
        Self { block, ..self }
    }
}

/// The lengths of a host's blocks. They decide the delay of cutting blocks into steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Block {
    /// Always this many frames, or a multiple. Adds `step − gcd(step, block)` frames of delay, where
    /// `step` is 10 ms: none for 480 or 960 at 48 kHz, 477 for 441.
    Fixed(usize),
    /// Any length in any order, 0 included. Adds one frame less than a step of delay (479 at 48 kHz).
    Varying,
}

/// How the channels of a stream share the denoiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Channels {
    /// One mask for all channels: a panned voice stays in place.
    #[default]
    Linked,
    /// Each channel denoised on its own: for channels that carry different microphones.
    Separate,
}

/// The settings of a stream. What [`Controls`](crate::Controls) can change later starts here.
///
/// ```
/// use sourdine::Settings;
///
/// let settings = Settings::default().with_attenuation_limit_db(30.0).with_gate(true);
/// assert!(settings.gate && settings.enabled);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// Off passes the input through, with the same latency. Default on.
    pub enabled: bool,
    /// The most that any sound is attenuated, in dB: 0 changes nothing, infinity sets no limit. With a limit, sound below
    /// −60 dBFS is not attenuated to less than −75 dBFS either, so that a quiet room does not become digital silence.
    /// Default [`Settings::DEFAULT_ATTENUATION_LIMIT_DB`].
    pub attenuation_limit_db: f32,
    /// Outputs the residue: the sound that was removed instead of the sound that was kept. Default off.
    pub residue: bool,
    /// Passes music or a shared screen's sound through untouched, with the same latency. Default off.
    pub passthrough: bool,
    /// Attenuates pauses further by the voice gate. Default off.
    pub gate: bool,
    /// The gate's parameters.
    pub gate_params: GateParams,
    /// One mask for all channels, or one each. Default linked.
    pub channels: Channels,
    /// The channel of low-frequency effects (3, the fourth, in 5.1): it is passed through, with the same latency as the
    /// others, and not analysed. Default none.
    pub lfe: Option<usize>,
    /// Limits the output softly to full scale, for streams that end in integer samples or on a sound card. Blocks of 16-bit
    /// samples are always limited. Default off: float keeps its headroom.
    pub ceiling: bool,
    /// The voice decision. Default [`VadParams::TIGHT`].
    pub vad: VadParams,
    /// The largest delay of the models that this stream may be switched to, in samples at 48 kHz as in
    /// [`ModelInfo`](crate::ModelInfo). The stream's latency covers the larger of this and its first model's delay. Default 0:
    /// models of the first one's delay. At most 48 000, one second.
    pub model_latency: usize,
}

/// Writes a `with_` method for each field.
macro_rules! builders {
    ($type:ident: $($field:ident, $with:ident: $value:ty;)*) => {
        impl $type {
            $(
                #[doc = concat!("The same with another [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $with(self, $field: $value) -> Self {
                    Self { $field, ..self }
                }
            )*
        }
    };
}

builders! { Settings:
    enabled, with_enabled: bool;
    attenuation_limit_db, with_attenuation_limit_db: f32;
    residue, with_residue: bool;
    passthrough, with_passthrough: bool;
    gate, with_gate: bool;
    gate_params, with_gate_params: GateParams;
    channels, with_channels: Channels;
    lfe, with_lfe: Option<usize>;
    ceiling, with_ceiling: bool;
    vad, with_vad: VadParams;
    model_latency, with_model_latency: usize;
}

builders! { GateParams:
    depth_db, with_depth_db: f32;
    hold_ms, with_hold_ms: f32;
    release_ms, with_release_ms: f32;
}

builders! { VadParams:
    on, with_on: f32;
    off, with_off: f32;
    hangover_ms, with_hangover_ms: f32;
}

impl Settings {
    /// The default attenuation limit in dB; see `docs/figures.md` for the figures behind it.
    pub const DEFAULT_ATTENUATION_LIMIT_DB: f32 = 60.0;

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        check_attenuation_limit(self.attenuation_limit_db)?;
        self.gate_params.validate()?;
        within("model_latency", self.model_latency as f32, 0.0..=48_000.0, "at most 48000 samples")?;
        self.vad.validate()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            attenuation_limit_db: Self::DEFAULT_ATTENUATION_LIMIT_DB,
            residue: false,
            passthrough: false,
            gate: false,
            gate_params: GateParams::default(),
            channels: Channels::default(),
            lfe: None,
            ceiling: false,
            vad: VadParams::default(),
            model_latency: 0,
        }
    }
}

/// Refuses an attenuation limit that is not 0 dB or more; infinity is allowed.
pub(crate) fn check_attenuation_limit(db: f32) -> Result<(), ConfigError> {
    within("attenuation_limit_db", db, 0.0..=f32::INFINITY, "0 dB or more (infinity: no limit)")
}

fn within(
    name: &'static str,
    value: f32,
    range: std::ops::RangeInclusive<f32>,
    allowed: &'static str,
) -> Result<(), ConfigError> {
    if range.contains(&value) { Ok(()) } else { Err(ConfigError::Setting { name, value, allowed }) }
}

/// Parameters of the voice gate.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GateParams {
    /// Attenuation of pauses in dB (0 to 60). Default 18.
    pub depth_db: f32,
    /// Time that the gate stays open after the last sign of voice, in ms (0 to 5000). Default 250.
    pub hold_ms: f32,
    /// Time of closing, in ms (10 to 5000). Opening takes one 10 ms step, by look-ahead. Default 150.
    pub release_ms: f32,
}

impl GateParams {
    fn validate(&self) -> Result<(), ConfigError> {
        within("gate depth_db", self.depth_db, 0.0..=60.0, "0 to 60 dB")?;
        within("gate hold_ms", self.hold_ms, 0.0..=5000.0, "0 to 5000 ms")?;
        within("gate release_ms", self.release_ms, 10.0..=5000.0, "10 to 5000 ms")
    }
}

impl Default for GateParams {
    fn default() -> Self {
        Self { depth_db: 18.0, hold_ms: 250.0, release_ms: 150.0 }
    }
}

/// The voice decision: two thresholds on the probability (hysteresis) and a hangover.
///
/// Two sets are named, both chosen by measurement (`models/train/EXPERIMENTS.md`): [`TIGHT`](Self::TIGHT), the default, follows
/// the voice closely; [`HOLDING`](Self::HOLDING) does not flicker.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct VadParams {
    /// Voice starts at this probability or above (0 to 1).
    pub on: f32,
    /// Voice ends below this probability (0 to `on`).
    pub off: f32,
    /// Time that the decision outlasts the voice, in ms (0 to 5000).
    pub hangover_ms: f32,
}

impl VadParams {
    /// For files and statistics: rarely on in a pause.
    pub const TIGHT: Self = Self { on: 0.7, off: 0.5, hangover_ms: 20.0 };

    /// For speaking lights: bridges the gaps within a sentence.
    pub const HOLDING: Self = Self { on: 0.6, off: 0.35, hangover_ms: 200.0 };

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        within("voice on", self.on, 0.0..=1.0, "a probability, 0 to 1")?;
        within("voice off", self.off, 0.0..=self.on, "a probability not above `on`")?;
        within("voice hangover_ms", self.hangover_ms, 0.0..=5000.0, "0 to 5000 ms")
    }
}

/// [`VadParams::TIGHT`].
impl Default for VadParams {
    fn default() -> Self {
        Self::TIGHT
    }
}
