//! The handle that other threads turn a running stream's knobs with.

use std::sync::Arc;
#[allow(clippy::disallowed_types)] // Between callers of `set_model` only; see there.
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use crate::denoise::{FrameDenoiser, Model};
use crate::error::ConfigError;
use crate::settings::{Channels, Settings, check_attenuation_limit};
use crate::signal::MODEL_FRAME;
use crate::stages::guard;
use crate::stages::reframe::Delay;

/// Model switches that may wait for the audio thread at once.
const PENDING_SWITCHES: usize = 4;

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
    pub(crate) denoiser: Box<dyn FrameDenoiser>,
    pub(crate) pad: Delay,
    pub(crate) model: Model,
    /// Cleared when the denoiser failed and could not be mended.
    pub(crate) sound: bool,
}

impl Slot {
    /// Denoises a planar frame in place and returns the voice probability, and whether the result is sound;
    /// if it is not, the frame is silence.
    pub(crate) fn run(&mut self, frame: &mut [f32]) -> (f32, bool) {
        let mut probability = 0.0;
        let mut sound = self.sound;
        if sound {
            probability = self.denoiser.process(frame);
            sound = guard::all_finite(frame) && probability.is_finite();
            if !sound {
                self.sound = self.denoiser.recover();
            }
        }
        if !sound {
            frame.fill(0.0);
            probability = 0.0;
        }
        self.pad.run(frame);
        (probability.clamp(0.0, 1.0), sound)
    }

    pub(crate) fn reset(&mut self) {
        self.denoiser.reset();
        self.pad.reset();
        self.sound = true;
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
    pub(crate) fn slot(self, model: &Model, denoiser: Box<dyn FrameDenoiser>) -> Result<Slot, ConfigError> {
        let latency = denoiser.latency();
        let pad = self
            .latency
            .checked_sub(latency)
            .ok_or(ConfigError::ModelLatency { latency, room: self.latency })?;
        Ok(Slot {
            denoiser,
            pad: Delay::new(self.channels, pad, MODEL_FRAME),
            model: model.clone(),
            sound: true,
        })
    }
}

/// The two rings between the control side and the audio thread: new slots in, replaced slots back to be freed.
struct Switchboard {
    new: Producer<Slot>,
    replaced: Consumer<Slot>,
}

/// The audio thread's ends of the same rings.
pub(crate) struct SwitchEnds {
    pub(crate) new: Consumer<Slot>,
    pub(crate) replaced: Producer<Slot>,
}

/// Changes a running stream from any thread. Clones are handles to the same stream.
///
/// A change takes effect at the stream's next frame, is faded in over 10 ms, and never changes the latency.
/// The handle may outlive the stream; it then does nothing.
#[derive(Clone)]
pub struct Controls {
    knobs: Arc<Knobs>,
    #[allow(clippy::disallowed_types)]
    switchboard: Arc<Mutex<Switchboard>>,
    shape: SlotShape,
}

impl Controls {
    pub(crate) fn new(settings: &Settings, shape: SlotShape) -> (Self, Arc<Knobs>, SwitchEnds) {
        let (new, take) = RingBuffer::new(PENDING_SWITCHES);
        let (give, replaced) = RingBuffer::new(PENDING_SWITCHES + 1);
        let knobs = Arc::new(Knobs::new(settings));
        #[allow(clippy::disallowed_types)]
        let switchboard = Arc::new(Mutex::new(Switchboard { new, replaced }));
        let controls = Self { knobs: knobs.clone(), switchboard, shape };
        (controls, knobs, SwitchEnds { new: take, replaced: give })
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

    /// Switches the stream to another model: the new one listens for 100 ms, then is faded in.
    ///
    /// If the model asks for a warmed thread (`rnnoise` does), call
    /// [`Model::warm_up_thread`] on the audio thread before audio starts; else its first frame allocates there.
    ///
    /// # Errors
    /// [`ConfigError::ModelLatency`] if the stream has no room for the model's delay (see
    /// [`Settings::model_latency`]); [`ConfigError::ModelSwitchBusy`] if several switches are waiting.
    ///
    /// # Real time
    /// Allocates and frees, and waits for other callers of this function: not for the audio thread, which
    /// itself never waits for it.
    pub fn set_model(&self, model: &Model) -> Result<(), ConfigError> {
        let slot = self.shape.slot(model, model.denoiser(self.shape.channels, self.shape.mode))?;
        // A poisoned lock means that another caller panicked between two ring operations, each complete.
        let mut board = self.switchboard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        while board.replaced.pop().is_ok() {}
        board.new.push(slot).map_err(|PushError::Full(_)| ConfigError::ModelSwitchBusy)
    }
}

impl std::fmt::Debug for Controls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controls").field("knobs", &self.knobs).finish_non_exhaustive()
    }
}
