//! The status of a session, once for all ways of showing it.

use std::sync::atomic::Ordering::Relaxed;

use serde::Serialize;

use crate::meters::{Load, Meters, Priority};

/// The phase of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// A device is being waited for.
    #[default]
    Waiting,
    /// Sound goes through.
    Running,
    /// No program listens to the virtual microphone; the real one is closed.
    Idle,
}

/// The current controls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControlState {
    /// Denoising, and not the input itself.
    pub enabled: bool,
    /// The attenuation limit in dB; none if there is no limit.
    pub attenuation_limit_db: Option<f32>,
    /// The voice gate.
    pub gate: bool,
    /// The removed noise is played instead.
    pub residue: bool,
    /// The model's name.
    pub model: String,
    /// A recording is under way.
    pub recording: bool,
}

/// Latencies by their place, in ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Before the capture callback, by the device's own account.
    pub device_in: f32,
    /// The engine.
    pub engine: f32,
    /// The blocks of both devices, and the ring between them: measured.
    pub ring: f32,
    /// The target of the ring.
    pub ring_target: f32,
    /// After the playback callback, by the device's own account.
    pub device_out: f32,
    /// All together.
    pub total: f32,
}

/// Levels in dBFS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Levels {
    /// In, mean over the newest 10 ms.
    pub input: f32,
    /// Out, likewise.
    pub output: f32,
    /// The highest sample in since the last status.
    pub input_peak: f32,
    /// Out, likewise.
    pub output_peak: f32,
    /// The noise floor of the input.
    pub noise_floor: f32,
}

/// A moment.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The phase.
    pub phase: Phase,
    /// The reason for waiting, or the last failure.
    pub message: Option<String>,
    /// Seconds since the program began.
    pub seconds: f64,
    /// The input's name and format.
    pub input: String,
    /// The output's.
    pub output: String,
    /// The knobs.
    pub knobs: ControlState,
    /// Levels.
    pub levels: Levels,
    /// The decision on voice.
    pub voice: bool,
    /// Its probability.
    pub voice_probability: f32,
    /// Whether the newest frame went through untouched.
    pub bypassed: bool,
    /// `full`, `light` or `dry`: what overload has left.
    pub tier: &'static str,
    /// Latencies.
    pub latency: Latency,
    /// The share of its deadline that the capture callback took, since the last status.
    pub load: Load,
    /// Callbacks that took longer than their block.
    pub deadline_misses: u64,
    /// Times that the devices reported lost sound.
    pub xruns: u64,
    /// Times that playback ran dry.
    pub underruns: u64,
    /// Frames that were not taken in time.
    pub lost_frames: u64,
    /// Times that a stall's excess was cut out.
    pub cuts: u64,
    /// The difference of the two clocks in ppm: positive where the input's is the faster one.
    pub drift_ppm: f32,
    /// Current correction of the playback speed, in ppm.
    pub speed_ppm: f32,
    /// The audio threads' priorities.
    pub priority: (Priority, Priority),
    /// Times that the devices were opened again.
    pub reopened: u64,
    /// Input samples that were not numbers.
    pub invalid_samples: u64,
}

/// A peak in dBFS; −120 for silence.
fn peak_dbfs(peak: f32) -> f32 {
    if peak > 1e-6 { 20.0 * peak.log10() } else { sourdine::signal::SILENCE_DBFS }
}

impl Status {
    /// Reads the meters of a running session; peaks and load start anew.
    pub(crate) fn read(&mut self, meters: &Meters, engine_ms: f32) {
        let latency = Latency {
            device_in: meters.device_in_ms.get(),
            engine: engine_ms,
            ring: meters.late_ms.get(),
            ring_target: meters.target_ms.get(),
            device_out: meters.device_out_ms.get(),
            total: 0.0,
        };
        let total = latency.device_in + latency.engine + latency.ring + latency.device_out;
        self.latency = Latency { total, ..latency };
        self.levels = Levels {
            input: meters.input_dbfs.get(),
            output: meters.output_dbfs.get(),
            input_peak: peak_dbfs(meters.input_peak.take()),
            output_peak: peak_dbfs(meters.output_peak.take()),
            noise_floor: meters.floor_dbfs.get(),
        };
        self.voice = meters.voice.load(Relaxed);
        self.voice_probability = meters.probability.get();
        self.bypassed = meters.bypassed.load(Relaxed);
        self.tier = ["full", "light", "dry"][usize::from(meters.tier.load(Relaxed).min(2))];
        self.load = meters.load.take();
        self.drift_ppm = meters.clocks_ppm.get();
        self.speed_ppm = meters.speed_ppm.get();
        self.priority = (meters.capture_priority.get(), meters.playback_priority.get());
    }

    /// One line for `--plain`.
    #[must_use]
    pub fn line(&self) -> String {
        if self.phase != Phase::Running {
            let what = if self.phase == Phase::Idle { "idle" } else { "waiting" };
            let why = self.message.as_deref().unwrap_or("");
            return format!("{:7.1} s  {what}: {why}", self.seconds);
        }
        let (l, k) = (&self.levels, &self.knobs);
        let mode = match (k.enabled, k.residue, self.tier) {
            (false, ..) => "bypass".into(),
            (_, true, _) => format!("{} residue", k.model),
            (.., "full") => k.model.clone(),
            (.., tier) => format!("{} overloaded, {tier}", k.model),
        };
        format!(
            "{:7.1} s  in {:5.1} out {:5.1} dBFS  voice {} {:.2}  {mode}  latency {:.1} ms (engine {:.1}, ring {:.1} of {:.1})  \
             load {:.1}/{:.1}/{:.1} %  xruns {} gaps {} late {}  drift {:+.0} ppm",
            self.seconds,
            l.input,
            l.output,
            if self.voice { "yes" } else { "no " },
            self.voice_probability,
            self.latency.total,
            self.latency.engine,
            self.latency.ring,
            self.latency.ring_target,
            100.0 * self.load.mean,
            100.0 * self.load.p99,
            100.0 * self.load.max,
            self.xruns,
            self.underruns,
            self.deadline_misses,
            self.drift_ppm,
        )
    }
}
