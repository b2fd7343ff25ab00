//! The interface of a sound system. `cpal_host` implements it for real devices; tests have their own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::session::DeviceFormat;

/// The direction of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A microphone or another source.
    Input,
    /// Speakers or another sink.
    Output,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

/// A failure of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceError {
    /// One line that names the device and says what to do.
    pub message: String,
    /// Whether it may pass by itself: a device that is busy or unplugged.
    pub transient: bool,
}

/// A device that was found, with the format of its stream.
#[derive(Debug, Clone)]
pub struct SelectedDevice<D> {
    /// The back end's own handle.
    pub device: D,
    /// Its identifier.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// Rate and channels.
    pub format: DeviceFormat,
}

/// Events of a stream outside its data callback. Its error callback may run on the audio thread: it only sets
/// these.
#[derive(Debug, Default)]
pub struct Events {
    failed: AtomicBool,
    xruns: AtomicU64,
    reason: Mutex<Option<String>>,
}

impl Events {
    /// The stream is over.
    pub fn fail(&self) {
        self.failed.store(true, Relaxed);
    }

    /// The stream is over, with the reason in a line. Not to be called on a running audio thread.
    pub fn fail_because(&self, why: String) {
        if let Ok(mut reason) = self.reason.try_lock() {
            *reason = Some(why);
        }
        self.fail();
    }

    /// Sound was lost between the device and this program.
    pub fn xrun(&self) {
        self.xruns.fetch_add(1, Relaxed);
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    pub(crate) fn xruns(&self) -> u64 {
        self.xruns.load(Relaxed)
    }

    pub(crate) fn reason(&self) -> Option<String> {
        self.reason.lock().ok().and_then(|r| r.clone())
    }
}

/// Takes a captured interleaved block in ±1.0, and its age as reported by the device, in ms.
pub type OnCapture = Box<dyn FnMut(&[f32], Option<f32>) + Send>;

/// Fills an interleaved block to be played, which becomes audible after the number of ms that the device reports.
pub type OnPlayback = Box<dyn FnMut(&mut [f32], Option<f32>) + Send>;

/// A running stream; dropping it stops it.
pub type Stream = Box<dyn Send>;

/// A sound system.
pub trait Backend {
    /// A device.
    type Device;

    /// Finds a device: the default one, or by its identifier or a part of its name.
    ///
    /// # Errors
    /// [`DeviceError`] names the device and the alternatives.
    fn choose(
        &mut self,
        direction: Direction,
        wanted: Option<&str>,
    ) -> Result<SelectedDevice<Self::Device>, DeviceError>;

    /// Returns the identifier of the current default device, where that is cheap to tell.
    fn default_id(&mut self, direction: Direction) -> Option<String>;

    /// Returns whether an open device is still present, where that is cheap to tell: a sound server moves
    /// the stream of a microphone that is unplugged to another source, which may be our own output.
    fn is_present(&mut self, direction: Direction, id: &str) -> bool;

    /// Starts to capture, in blocks of about `block_ms`.
    ///
    /// # Errors
    /// [`DeviceError`], as above.
    fn start_input(
        &mut self,
        chosen: &SelectedDevice<Self::Device>,
        block_ms: f32,
        each: OnCapture,
        events: std::sync::Arc<Events>,
    ) -> Result<Stream, DeviceError>;

    /// Starts to play, in blocks of about `block_ms`.
    ///
    /// # Errors
    /// [`DeviceError`], as above.
    fn start_output(
        &mut self,
        chosen: &SelectedDevice<Self::Device>,
        block_ms: f32,
        each: OnPlayback,
        events: std::sync::Arc<Events>,
    ) -> Result<Stream, DeviceError>;
}

impl<B: Backend + ?Sized> Backend for Box<B> {
    type Device = B::Device;

    fn choose(
        &mut self,
        direction: Direction,
        wanted: Option<&str>,
    ) -> Result<SelectedDevice<B::Device>, DeviceError> {
        (**self).choose(direction, wanted)
    }

    fn default_id(&mut self, direction: Direction) -> Option<String> {
        (**self).default_id(direction)
    }

    fn is_present(&mut self, direction: Direction, id: &str) -> bool {
        (**self).is_present(direction, id)
    }

    fn start_input(
        &mut self,
        chosen: &SelectedDevice<B::Device>,
        block_ms: f32,
        each: OnCapture,
        events: std::sync::Arc<Events>,
    ) -> Result<Stream, DeviceError> {
        (**self).start_input(chosen, block_ms, each, events)
    }

    fn start_output(
        &mut self,
        chosen: &SelectedDevice<B::Device>,
        block_ms: f32,
        each: OnPlayback,
        events: std::sync::Arc<Events>,
    ) -> Result<Stream, DeviceError> {
        (**self).start_output(chosen, block_ms, each, events)
    }
}
