//! A session: the two ends that run in the callbacks, and the parts that stay outside.
//!
//! ```text
//! device in → [Capture: channels → engine] → ring → [Playback: buffer → micro-resampler] → device out
//!                                  └→ tap → [Recorder] → files        ↑ drift controller
//! ```

use std::sync::Arc;

use rtrb::RingBuffer;
use sourdine::signal::SILENCE_DBFS;
use sourdine::{Controls, Engine, Model, Settings, StreamFormat};

use crate::capture::{Capture, ToPlayback};
use crate::clock::Clock;
use crate::drift::Drift;
use crate::meters::Meters;
use crate::playback::{Parts, Playback};
use crate::recorder::{self, Recorder};

/// Seconds of sound between the ends: the longest stall of playback that loses none.
const RING_SECONDS: usize = 1;

/// Callbacks that playback may lag behind.
const MARKS: usize = 4096;

/// A device's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceFormat {
    /// Frames per second.
    pub rate: u32,
    /// Channels, 1 or more.
    pub channels: usize,
}

/// The options of a session.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The input device.
    pub input: DeviceFormat,
    /// The device that plays; none where the sound is only recorded.
    pub output: Option<DeviceFormat>,
    /// Channels of the voice: 1 or 2.
    pub channels: usize,
    /// Latency beyond what the blocks need, for callbacks that come late, in ms.
    pub margin_ms: f32,
    /// The engine's settings.
    pub settings: Settings,
    /// The model.
    pub model: Model,
    /// A cheaper one for times of overload.
    pub light: Option<Model>,
}

/// The parts of a session.
#[derive(Debug)]
pub struct Session<C: Clock> {
    /// For the capture callback.
    pub capture: Capture<C>,
    /// For the playback callback.
    pub playback: Option<Playback<C>>,
    /// The controls, for other threads.
    pub controls: Controls,
    /// The measurements.
    pub meters: Arc<Meters>,
    /// For recordings.
    pub recorder: Recorder,
    /// The engine's delay in ms.
    pub engine_ms: f32,
}

impl<C: Clock + Clone> Session<C> {
    /// Makes a session.
    ///
    /// # Errors
    /// [`ConfigError`](sourdine::ConfigError) if the input's rate or a setting is not supported,
    /// [`SwitchError`](sourdine::SwitchError) if the light model's delay is longer than the model's.
    pub fn new(plan: &Plan, clock: &C) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let DeviceFormat { rate, channels: device_channels } = plan.input;
        let channels = plan.channels.min(2);
        // Whole steps, cut here: what the device's blocks leave over waits no longer than it must, while an
        // engine for varying blocks would always wait for a step less a sample.
        let format = StreamFormat::new(rate, channels);
        let step = format.step_frames()?;
        let format = format.with_fixed_block(step);
        let mut engine = Engine::new(format, &plan.settings, &plan.model)?;
        if let Some(light) = &plan.light {
            engine = engine.with_light_model(light)?;
        }
        let engine_ms = engine.latency() as f32 * 1000.0 / rate as f32;
        let controls = engine.controls();
        let meters = Arc::new(Meters::new());
        let (tap, recorder) = recorder::pair(step * channels, channels, rate, engine.latency());
        let (push, ring) = RingBuffer::new(RING_SECONDS * rate as usize * channels);
        let (push_mark, marks) = RingBuffer::new(MARKS);
        let playback = plan.output.map(|output| {
            Playback::new(Parts {
                ring,
                marks,
                clock: clock.clone(),
                meters: meters.clone(),
                channels,
                device_channels: output.channels.max(1),
                rate,
                device_rate: output.rate,
                step,
                margin_ms: plan.margin_ms,
                drift: Drift::new(),
            })
        });
        let capture = Capture {
            engine,
            device_channels: device_channels.max(1),
            channels,
            rate,
            step: vec![0.0; step * channels],
            filled: 0,
            to_playback: playback.is_some().then_some(ToPlayback { ring: push, marks: push_mark }),
            tap,
            captured: 0,
            floor_dbfs: SILENCE_DBFS,
            clock: clock.clone(),
            meters: meters.clone(),
            prepared: false,
        };
        Ok(Self { capture, playback, controls, meters, recorder, engine_ms })
    }
}
