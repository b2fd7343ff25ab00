//! The handle that other threads turn a running stream's knobs with.

use std::sync::Arc;
#[allow(clippy::disallowed_types)] // Between callers of `set_model` only; see there.
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use triple_buffer::{Input, Output, TripleBuffer};

use crate::denoise::guarded::Guarded;
use crate::denoise::{FrameDenoiser, Model};
use crate::error::ConfigError;
use crate::settings::{Channels, Settings, check_attenuation_limit};
use crate::signal::MODEL_FRAME;
use crate::stages::reframe::Delay;

/// The knobs. Each is one atomic that the audio thread reads once per frame, so no order among them matters.
#[derive(Debug)]
pub(crate) struct Knobs {
    enabled: AtomicBool,
    passthrough: AtomicBool,
    residue: AtomicBool,
    gate: AtomicBool,
    attenuation_limit_db: AtomicU32,
}

/// What the knobs say at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) enabled: bool,
    pub(crate) passthrough: bool,
    pub(crate) residue: bool,
    pub(crate) gate: bool,
    pub(crate) attenuation_limit_db: f32,
}

impl Knobs {
    fn new(settings: &Settings) -> Self {
        Self {
            enabled: settings.enabled.into(),
            passthrough: settings.passthrough.into(),
            residue: settings.residue.into(),
            gate: settings.gate.into(),
            attenuation_limit_db: settings.attenuation_limit_db.to_bits().into(),
        }
    }

    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            enabled: self.enabled.load(Ordering::Relaxed),
            passthrough: self.passthrough.load(Ordering::Relaxed),
            residue: self.residue.load(Ordering::Relaxed),
            gate: self.gate.load(Ordering::Relaxed),
            attenuation_limit_db: f32::from_bits(self.attenuation_limit_db.load(Ordering::Relaxed)),
        }
    }
}

/// A stream's denoiser with the delay that brings it to the stream's latency.
pub(crate) struct Slot {
    denoiser: Guarded,
    pad: Delay,
    pub(crate) model: Model,
}

impl Slot {
    /// Denoises a planar frame in place and returns the voice probability, and whether the result is sound;
    /// if it is not, the frame is silence.
    pub(crate) fn run(&mut self, frame: &mut [f32]) -> (f32, bool) {
        let result = self.denoiser.run(frame);
        self.pad.run(frame);
        result
    }

    pub(crate) fn reset(&mut self) {
        self.denoiser.reset();
        self.pad.reset();
    }
}

/// What a slot must be like to fit a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlotShape {
    pub(crate) channels: usize,
    pub(crate) mode: Channels,
    /// The delay of denoiser and padding together, in samples at 48 kHz.
    pub(crate) latency: usize,
}

impl SlotShape {
    pub(crate) fn slot(self, model: &Model, denoiser: Guarded) -> Result<Slot, ConfigError> {
        let latency = denoiser.latency();
        let pad = self
            .latency
            .checked_sub(latency)
            .ok_or(ConfigError::ModelLatency { latency, room: self.latency })?;
        Ok(Slot { denoiser, pad: Delay::new(self.channels, pad, MODEL_FRAME), model: model.clone() })
    }
}

/// Where the audio thread finds the newest model that was asked for, and gives back the one that it replaces.
///
/// Three cells change hands by one atomic each (a triple buffer), so neither side ever waits, what was overwritten before it
/// was taken goes back to the side that wrote it, and so does what was given back: nothing is freed on the audio thread.
pub(crate) struct WantedModel(Output<Option<Slot>>);

impl WantedModel {
    /// Takes the newest model, if there is one.
    pub(crate) fn newest(&mut self) -> Option<Slot> {
        if self.0.update() { self.0.output_buffer_mut().take() } else { None }
    }

    /// Gives back the model that the last one taken has replaced. [`Controls::set_model`] frees it.
    pub(crate) fn give_back(&mut self, replaced: Slot) {
        *self.0.output_buffer_mut() = Some(replaced);
    }
}

/// Changes a running stream from any thread. Clones are handles to the same stream.
///
/// A change takes effect at the stream's next frame, is faded in over 10 ms, and never changes the latency.
/// The handle may outlive the stream; it then does nothing.
#[derive(Clone)]
pub struct Controls {
    knobs: Arc<Knobs>,
    #[allow(clippy::disallowed_types)]
    newest: Arc<Mutex<Input<Option<Slot>>>>,
    shape: SlotShape,
}

impl Controls {
    pub(crate) fn new(settings: &Settings, shape: SlotShape) -> (Self, Arc<Knobs>, WantedModel) {
        let (newest, wanted) = TripleBuffer::default().split();
        let knobs = Arc::new(Knobs::new(settings));
        #[allow(clippy::disallowed_types)]
        let newest = Arc::new(Mutex::new(newest));
        let controls = Self { knobs: knobs.clone(), newest, shape };
        (controls, knobs, WantedModel(wanted))
    }

    /// Switches denoising on, or off to the input with the same latency.
    ///
    /// # Real time
    /// One atomic store: may be called on any thread, the audio thread too.
    pub fn set_enabled(&self, on: bool) {
        self.knobs.enabled.store(on, Ordering::Relaxed);
    }

    /// Passes music or a shared screen's sound on untouched.
    ///
    /// # Real time
    /// One atomic store.
    pub fn set_passthrough(&self, on: bool) {
        self.knobs.passthrough.store(on, Ordering::Relaxed);
    }

    /// Gives what was removed instead of what was kept.
    ///
    /// # Real time
    /// One atomic store.
    pub fn set_residue(&self, on: bool) {
        self.knobs.residue.store(on, Ordering::Relaxed);
    }

    /// Switches the voice gate.
    ///
    /// # Real time
    /// One atomic store.
    pub fn set_gate(&self, on: bool) {
        self.knobs.gate.store(on, Ordering::Relaxed);
    }

    /// Sets the most that any sound is turned down, in dB: 0 changes nothing, infinity is no limit.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] for a negative number or NaN; the old limit stays.
    ///
    /// # Real time
    /// One atomic store.
    pub fn set_attenuation_limit_db(&self, db: f32) -> Result<(), ConfigError> {
        check_attenuation_limit(db)?;
        self.knobs.attenuation_limit_db.store(db.to_bits(), Ordering::Relaxed);
        Ok(())
    }

    /// Switches the stream to another model: the new one listens for 100 ms, then is faded in. Of several that are set
    /// before the audio thread takes one, the newest counts; one that is set during a switch follows it.
    ///
    /// If the model asks for a warmed thread (`rnnoise` does), call
    /// [`Model::warm_up_thread`] on the audio thread before audio starts; else its first frame allocates there.
    ///
    /// # Errors
    /// [`ConfigError::ModelLatency`] if the stream has no room for the model's delay (see
    /// [`Settings::model_latency`]).
    ///
    /// # Real time
    /// Allocates and frees, and waits for other callers of this function: not for the audio thread, which
    /// itself never waits for it.
    pub fn set_model(&self, model: &Model) -> Result<(), ConfigError> {
        let slot = self.shape.slot(model, model.guarded(self.shape.channels, self.shape.mode))?;
        // A poisoned lock means that another caller panicked while it freed a model; the buffer is whole.
        let mut newest = self.newest.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        newest.write(Some(slot));
        // What came back is an earlier model, replaced or never taken.
        *newest.input_buffer_mut() = None;
        Ok(())
    }
}

impl std::fmt::Debug for Controls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controls").field("knobs", &self.knobs).finish_non_exhaustive()
    }
}
