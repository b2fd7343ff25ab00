//! The handle that controls a running stream from other threads.

use std::sync::Arc;
#[allow(clippy::disallowed_types)] // Between callers of `set_model` only; see there.
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use triple_buffer::{Input, TripleBuffer};

use crate::error::{ConfigError, SwitchError};
use crate::models::Model;
use crate::models::slot::{Slot, SlotShape};
use crate::models::switch::RequestedModel;
use crate::settings::{Settings, check_attenuation_limit};

/// The values that the controls set. The audio thread reads each atomic once per frame, so no order among them matters.
#[derive(Debug)]
pub(crate) struct ControlState {
    enabled: AtomicBool,
    passthrough: AtomicBool,
    residue: AtomicBool,
    gate: AtomicBool,
    attenuation_limit_db: AtomicU32,
}

/// The values at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Snapshot {
    pub(crate) enabled: bool,
    pub(crate) passthrough: bool,
    pub(crate) residue: bool,
    pub(crate) gate: bool,
    pub(crate) attenuation_limit_db: f32,
}

impl ControlState {
    fn new(settings: &Settings) -> Self {
        Self {
            enabled: settings.enabled.into(),
            passthrough: settings.passthrough.into(),
            residue: settings.residue.into(),
            gate: settings.gate.into(),
            attenuation_limit_db: settings.attenuation_limit_db.to_bits().into(),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            enabled: self.enabled.load(Ordering::Relaxed),
            passthrough: self.passthrough.load(Ordering::Relaxed),
            residue: self.residue.load(Ordering::Relaxed),
            gate: self.gate.load(Ordering::Relaxed),
            attenuation_limit_db: f32::from_bits(self.attenuation_limit_db.load(Ordering::Relaxed)),
        }
    }
}

/// Changes a running stream from any thread. Clones are handles to the same stream.
///
/// A change takes effect at the stream's next frame, is faded in over 10 ms, and never changes the latency.
/// The handle may outlive the stream; it then does nothing.
#[derive(Clone)]
pub struct Controls {
    state: Arc<ControlState>,
    #[allow(clippy::disallowed_types)]
    newest: Arc<Mutex<Input<Option<Slot>>>>,
    shape: SlotShape,
}

impl Controls {
    pub(crate) fn new(settings: &Settings, shape: SlotShape) -> (Self, Arc<ControlState>, RequestedModel) {
        let (newest, requested) = TripleBuffer::default().split();
        let state = Arc::new(ControlState::new(settings));
        #[allow(clippy::disallowed_types)]
        let newest = Arc::new(Mutex::new(newest));
        let controls = Self { state: state.clone(), newest, shape };
        (controls, state, RequestedModel::new(requested))
    }

    /// Switches denoising on or off; off passes the input through with the same latency.
    ///
    /// # Real time
    /// One atomic store: may be called on any thread, the audio thread too.
    pub fn set_enabled(&self, on: bool) {
        self.state.enabled.store(on, Ordering::Relaxed);
    }

    /// Passes music or a shared screen's sound through untouched.
    ///
    /// # Real time
    /// One atomic store.
    pub fn set_passthrough(&self, on: bool) {
        self.state.passthrough.store(on, Ordering::Relaxed);
    }

    /// Outputs the residue: the sound that was removed instead of the sound that was kept.
    ///
    /// # Real time
    /// One atomic store.
    pub fn set_residue(&self, on: bool) {
        self.state.residue.store(on, Ordering::Relaxed);
    }

    /// Switches the voice gate.
    ///
    /// # Real time
    /// One atomic store.
    pub fn set_gate(&self, on: bool) {
        self.state.gate.store(on, Ordering::Relaxed);
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
        self.state.attenuation_limit_db.store(db.to_bits(), Ordering::Relaxed);
        Ok(())
    }

    /// Switches the stream to another model: it runs silently for 100 ms, then is faded in. If several are set before the
    /// audio thread takes one, the newest counts; one that is set during a switch follows it.
    ///
    /// If the model asks for a warmed thread (`rnnoise` does), call
    /// [`Model::warm_up_thread`] on the audio thread before audio starts; else its first frame allocates there.
    ///
    /// # Errors
    /// [`SwitchError`] if the model's delay is larger than the stream was made for (see
    /// [`Settings::model_latency`]).
    ///
    /// # Real time
    /// Allocates and frees, and waits for other callers of this function: not for the audio thread, which
    /// itself never waits for it.
    pub fn set_model(&self, model: &Model) -> Result<(), SwitchError> {
        let slot = self.shape.slot(model, model.guarded(self.shape.channels, self.shape.mode))?;
        // A poisoned lock means that another caller panicked while freeing a model; the buffer is intact.
        let mut newest = self.newest.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        newest.write(Some(slot));
        // Frees an earlier model, replaced or never taken.
        *newest.input_buffer_mut() = None;
        Ok(())
    }
}

impl std::fmt::Debug for Controls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controls").field("state", &self.state).finish_non_exhaustive()
    }
}
