//! The configuration of a stream.

use engine::{Channels, GateParams, Model, Settings, StreamFormat, VadParams};

use crate::block::{self, Sized32};
use crate::model::sourdine_model;
use crate::status::{Message, catch_panic, sourdine_status};

/// The configuration of a stream. Fill it with sourdine_config_init() first; fields added later then have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct sourdine_config {
    /// sizeof(struct sourdine_config), as sourdine_config_init() leaves it.
    pub size: u32,
    /// Frames per second, 8000 to 192000. Default 48000.
    pub sample_rate: u32,
    /// Channels, 1 to 8. Default 1.
    pub channels: u32,
    /// The length of all blocks in frames, or a divisor of it, which saves latency: 480 adds none at 48 kHz. 0, the
    /// default, for blocks of any length, which adds 479 frames there.
    pub fixed_block: u32,
    /// The model; NULL, the default, for the library's default. It may be destroyed once the stream is created.
    pub model: *const sourdine_model,
    /// A cheaper model to fall back to when deadlines are missed; NULL, the default, for none.
    pub light_model: *const sourdine_model,
    /// The most that any sound is attenuated, in dB: 0 for nothing, INFINITY for no limit. Default 60.
    /// With a limit, sound below -60 dBFS is not attenuated to less than -75 dBFS either.
    pub attenuation_limit_db: f32,
    /// 0 starts the stream switched off. Default 1.
    pub enabled: u32,
    /// 1 attenuates pauses further by the voice gate. Default 0.
    pub gate: u32,
    /// 1 passes music or a shared screen's sound through untouched. Default 0.
    pub passthrough: u32,
    /// 1 outputs the residue: the removed sound instead of the kept sound. Default 0.
    pub residue: u32,
    /// 1 gives each channel a mask of its own, for channels that carry different microphones. Default 0.
    pub separate_channels: u32,
    /// The gate's attenuation of pauses in dB, 0 to 60. Default 18.
    pub gate_depth_db: f32,
    /// Time that the gate stays open after the last sign of voice, in ms, 0 to 5000. Default 250.
    pub gate_hold_ms: f32,
    /// Time that the gate takes to close, in ms, 10 to 5000. Default 150.
    pub gate_release_ms: f32,
    /// Voice starts at this probability or above, 0 to 1. Default 0.7; with the defaults of the next two fields the decision
    /// follows the voice closely. For a speaking light that does not flicker use 0.6, 0.35 and 200 ms.
    pub voice_on: f32,
    /// Voice ends below this probability, 0 to voice_on. Default 0.5.
    pub voice_off: f32,
    /// Time that the decision outlasts the voice, in ms, 0 to 5000. Default 20.
    pub voice_hangover_ms: f32,
    /// The largest delay of models that the stream may be switched to, in samples at 48 kHz. Default 0: the first
    /// model's.
    pub model_latency: u32,
    /// 1 limits the output softly to full scale, for blocks of floats that end as integers or on a sound
    /// card. Blocks of 16-bit samples are always limited. Default 0: float keeps its headroom.
    pub ceiling: u32,
}

// SAFETY: numbers and pointers; the size first; four of four bytes before the pointers and fourteen after, so no padding.
unsafe impl Sized32 for sourdine_config {
    const FIRST: usize = size_of::<Self>();
}

impl sourdine_config {
    pub(crate) fn preset() -> Self {
        let settings = Settings::default();
        Self {
            size: size_of::<Self>() as u32,
            sample_rate: 48_000,
            channels: 1,
            fixed_block: 0,
            model: std::ptr::null(),
            light_model: std::ptr::null(),
            attenuation_limit_db: settings.attenuation_limit_db,
            enabled: settings.enabled.into(),
            gate: settings.gate.into(),
            passthrough: settings.passthrough.into(),
            residue: settings.residue.into(),
            separate_channels: 0,
            gate_depth_db: settings.gate_params.depth_db,
            gate_hold_ms: settings.gate_params.hold_ms,
            gate_release_ms: settings.gate_params.release_ms,
            voice_on: settings.vad.on,
            voice_off: settings.vad.off,
            voice_hangover_ms: settings.vad.hangover_ms,
            model_latency: 0,
            ceiling: settings.ceiling.into(),
        }
    }

    /// Reads the caller's config, of whatever version.
    ///
    /// # Safety
    /// As [`block::read`].
    pub(crate) unsafe fn read(at: *const Self, message: &Message) -> Result<Self, sourdine_status> {
        // SAFETY: the caller's promise.
        unsafe { block::read(at, Self::preset()) }.map_err(|status| {
            message.words(status, "config.size is not right: call sourdine_config_init() first")
        })
    }

    /// Returns the chosen model, or the default one.
    ///
    /// # Safety
    /// `model` is null or a model of this library's.
    pub(crate) unsafe fn model(&self) -> Model {
        // SAFETY: the caller's promise.
        unsafe { self.model.as_ref() }.map_or_else(Model::default, |model| model.0.clone())
    }

    pub(crate) fn format(&self) -> StreamFormat {
        let format = StreamFormat::new(self.sample_rate, self.channels as usize);
        if self.fixed_block == 0 { format } else { format.with_fixed_block(self.fixed_block as usize) }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::default()
            .with_enabled(self.enabled != 0)
            .with_attenuation_limit_db(self.attenuation_limit_db)
            .with_residue(self.residue != 0)
            .with_passthrough(self.passthrough != 0)
            .with_gate(self.gate != 0)
            .with_gate_params(
                GateParams::default()
                    .with_depth_db(self.gate_depth_db)
                    .with_hold_ms(self.gate_hold_ms)
                    .with_release_ms(self.gate_release_ms),
            )
            .with_channels(if self.separate_channels != 0 { Channels::Separate } else { Channels::Linked })
            .with_vad(self.voice())
            .with_model_latency(self.model_latency as usize)
            .with_ceiling(self.ceiling != 0)
    }

    pub(crate) fn voice(&self) -> VadParams {
        VadParams::default()
            .with_on(self.voice_on)
            .with_off(self.voice_off)
            .with_hangover_ms(self.voice_hangover_ms)
    }
}

/// Fills a config with the defaults. `size` is sizeof(struct sourdine_config).
///
/// Threads: any. Real time: yes.
///
/// # Safety
/// `config` is null or points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_config_init(config: *mut sourdine_config, size: usize) -> sourdine_status {
    catch_panic(|| {
        block::check(config)?;
        let known = u32::try_from(size).map_err(|_| sourdine_status::SIZE)?;
        if !(sourdine_config::FIRST..=4096).contains(&size) {
            return Err(sourdine_status::SIZE);
        }
        // SAFETY: the caller's promise; the size has just been put where `write` looks for it.
        unsafe {
            config.cast::<u8>().write_bytes(0, size);
            config.cast::<u32>().write(known);
            block::write(config, sourdine_config::preset())
        }
    })
}
