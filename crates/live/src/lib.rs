//! Microphone to clean voice, live: sound devices around the engine of [`sourdine`].
//!
//! * [`Session`] joins the engine, a lock-free ring, a drift controller and a micro-resampler into two ends for two
//!   callbacks. It knows no sound device and no clock but the one it is given, so tests run hours in seconds.
//! * [`Supervisor`] opens devices for it, notices when they are gone, and opens them again.
//! * [`Backend`] is what it needs of a sound system; [`open_host`] gives a real one.
//! * [`VirtualMic`] is a microphone for call programs.
//! * [`probe`] finds clicks again, to measure a round trip.
//!
//! # Real time
//! Nothing in a callback allocates, locks, logs or waits, but for its first call, which prepares the thread.

mod asrc;
mod backend;
mod capture;
mod clock;
mod cpal_host;
mod drift;
mod host;
#[cfg(target_os = "linux")]
mod hush;
mod latency;
mod meters;
mod playback;
pub mod probe;
#[cfg(all(target_os = "linux", feature = "pulseaudio"))]
mod pulse;
mod recorder;
mod session;
mod splice;
mod status;
mod supervisor;
mod thread;
mod virtual_mic;
mod wav_file;

pub use backend::{Backend, DeviceError, Direction, Events, OnCapture, OnPlayback, SelectedDevice, Stream};
pub use capture::Capture;
pub use clock::{Clock, Monotonic};
pub use cpal_host::CpalDevice;
pub use drift::{Correction, Drift};
pub use host::{DeviceInfo, Host, SoundSystem, host_names, open_host};
pub use meters::{Load, Meters, Priority};
pub use playback::Playback;
pub use recorder::{Recorder, Recording, RecordingPaths};
pub use session::{DeviceFormat, Plan, Session};
pub use status::{ControlState, Latency, Levels, Phase, Status};
pub use supervisor::{Command, Options, Output, Supervisor};
pub use virtual_mic::VirtualMic;
