//! Keeps a session running: opens the devices, notices when they are gone, and opens them again.
//!
//! It is polled, has no thread and no clock of its own, and reaches the sound system through [`Backend`], so that its
//! tests can unplug simulated devices.

mod recording;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use sourdine::{Controls, Model, Settings};

use crate::backend::{Backend, DeviceError, Direction, Events, SelectedDevice, Stream};
use crate::clock::Clock;
use crate::meters::Meters;
use crate::recorder::{Recorder, Recording, RecordingPaths};
use crate::session::{Plan, Session};
use crate::status::{ControlState, Phase, Status};

/// Nanoseconds in a millisecond.
const MS: u64 = 1_000_000;

/// Interval between attempts to open a missing device, in ns. Sound returns within a second of the device.
const RETRY: u64 = 200 * MS;

/// A stream that has not called back for this long is dead, whatever its host says. A new one gets more time: its first few
/// calls only fill the host's buffers, and a sound server that was idle may then finish its silence.
const SILENT: u64 = 700 * MS;
const SILENT_AT_FIRST: u64 = 3000 * MS;
const FIRST_CALLS: u64 = 5;

/// Interval of the check that the devices are present, and still the default ones.
const LOOK: u64 = 500 * MS;

/// The steps and the end of the attenuation limit's scale, in dB; beyond the end there is no limit.
const LIMIT_STEP: f32 = 3.0;
const LIMIT_END: f32 = 60.0;

/// The options of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The input; the default one if none is named.
    pub input: Option<String>,
    /// The output.
    pub output: Output,
    /// Channels of the voice, 1 or 2.
    pub channels: usize,
    /// Block length to request from the devices, in ms.
    pub block_ms: f32,
    /// Latency beyond what the blocks need, in ms.
    pub margin_ms: f32,
    /// The sound at the start.
    pub settings: Settings,
    /// The models to choose from, starting with the first; at least one.
    pub models: Vec<Model>,
    /// The model to fall back to under overload.
    pub light: Option<Model>,
    /// A recording to start with.
    pub record: Option<RecordingPaths>,
}

/// The destination of the sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The default device.
    Default,
    /// A device.
    Named(String),
    /// No device, only a recording.
    None,
}

impl Output {
    fn wanted(&self) -> Option<&str> {
        if let Self::Named(name) = self { Some(name) } else { None }
    }
}

/// The commands of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Toggles between the voice and the unprocessed input.
    Bypass,
    /// Raises the attenuation limit.
    LimitUp,
    /// Lowers the attenuation limit.
    LimitDown,
    /// Toggles the gate.
    Gate,
    /// Toggles between the voice and the removed noise.
    Residue,
    /// Switches to the next model.
    Model,
    /// Starts or ends a recording.
    Record(RecordingPaths),
}

/// One opened device.
struct Open {
    _stream: Stream,
    events: Arc<Events>,
    id: String,
    calls: u64,
    called_at: u64,
}

impl Open {
    /// Returns why it has failed, if it has.
    fn check(&mut self, calls: u64, now: u64) -> Option<String> {
        if self.events.has_failed() {
            return Some(self.events.reason().unwrap_or_else(|| "the device is gone".into()));
        }
        if calls != self.calls {
            (self.calls, self.called_at) = (calls, now);
        }
        let patience = if calls > FIRST_CALLS { SILENT } else { SILENT_AT_FIRST };
        (now.saturating_sub(self.called_at) > patience).then(|| "the device has stopped".into())
    }
}

struct Running {
    input: Open,
    output: Option<Open>,
    meters: Arc<Meters>,
    controls: Controls,
    recorder: Option<Recorder>,
    recording: Option<Recording>,
    engine_ms: f32,
    looked_at: u64,
}

/// Counts of sessions that are over.
#[derive(Debug, Default, Clone, Copy)]
struct Totals {
    xruns: u64,
    underruns: u64,
    lost: u64,
    cuts: u64,
    misses: u64,
    invalid: u64,
}

/// See the module.
pub struct Supervisor<B: Backend, C: Clock + Clone + 'static> {
    backend: B,
    clock: C,
    options: Options,
    model: usize,
    running: Option<Running>,
    /// A recording that a new session continues.
    record: Option<RecordingPaths>,
    next_try: u64,
    began: u64,
    opened: u64,
    totals: Totals,
    /// The first failure of a recording.
    failure: Option<String>,
    status: Status,
}

impl<B: Backend, C: Clock + Clone + 'static> Supervisor<B, C> {
    /// Makes a supervisor, which opens the devices at its first [`poll`](Self::poll).
    pub fn new(backend: B, clock: C, options: Options) -> Self {
        let began = clock.nanos();
        let settings = &options.settings;
        let status = Status {
            phase: Phase::Waiting,
            message: None,
            seconds: 0.0,
            input: String::new(),
            output: String::new(),
            knobs: ControlState {
                enabled: settings.enabled,
                attenuation_limit_db: Some(settings.attenuation_limit_db).filter(|db| db.is_finite()),
                gate: settings.gate,
                residue: settings.residue,
                model: options.models.first().map(|m| m.info().name).unwrap_or_default(),
                recording: false,
            },
            levels: Default::default(),
            voice: false,
            voice_probability: 0.0,
            bypassed: false,
            tier: "full",
            latency: Default::default(),
            load: Default::default(),
            deadline_misses: 0,
            xruns: 0,
            underruns: 0,
            lost_frames: 0,
            cuts: 0,
            drift_ppm: 0.0,
            speed_ppm: 0.0,
            priority: Default::default(),
            reopened: 0,
            invalid_samples: 0,
        };
        let record = options.record.clone();
        Self {
            backend,
            clock,
            options,
            model: 0,
            running: None,
            record,
            next_try: 0,
            began,
            opened: 0,
            totals: Totals::default(),
            failure: None,
            status,
        }
    }

    /// Watches the devices; to be called ten times a second or more. `wanted` is false while no program listens.
    ///
    /// # Errors
    /// Fails, before there was any sound, where waiting does not help: a device that does not exist, an impossible rate, a recording
    /// that cannot begin. Later it waits in all cases but one: a recording that fails while there is no output.
    pub fn poll(&mut self, wanted: bool) -> Result<(), String> {
        let now = self.clock.nanos();
        if !wanted {
            if self.running.is_some() || self.status.phase != Phase::Idle {
                self.close(Some("no program is using the virtual microphone".into()));
                self.status.phase = Phase::Idle;
            }
            return Ok(());
        }
        if let Some(why) = self.trouble(now) {
            self.close(Some(why));
            self.next_try = now;
        }
        if self.running.is_none() && now >= self.next_try {
            self.next_try = now + RETRY;
            self.status.phase = Phase::Waiting;
            match self.open(now) {
                Ok(running) => {
                    self.opened += 1;
                    self.running = Some(running);
                    self.status.phase = Phase::Running;
                    self.status.message = None;
                    if let Some(paths) = self.record.take()
                        && let Err(why) = self.start_recording(paths)
                    {
                        self.failed(why.clone());
                        if self.opened == 1 {
                            return Err(why);
                        }
                    }
                }
                Err(trouble) if !trouble.transient && self.opened == 0 => return Err(trouble.message),
                Err(trouble) => self.status.message = Some(trouble.message),
            }
        }
        self.end_broken_recording();
        match &self.failure {
            // There is nothing else to continue for.
            Some(why) if self.options.output == Output::None => Err(why.clone()),
            _ => Ok(()),
        }
    }

    /// Returns the failure of a recording, if there was one.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    fn failed(&mut self, why: String) {
        self.status.message = Some(why.clone());
        self.failure.get_or_insert(why);
    }

    /// Closes the devices until the cause `why` has passed; to be called in place of [`poll`](Self::poll).
    pub fn wait(&mut self, why: String) {
        self.close(Some(why));
        self.next_try = self.clock.nanos();
    }

    /// Returns why the running session is over, if it is.
    fn trouble(&mut self, now: u64) -> Option<String> {
        let running = self.running.as_mut()?;
        let meters = &running.meters;
        if let Some(why) = running.input.check(meters.capture_calls.load(Relaxed), now) {
            return Some(format!("{}: {why}; waiting for it", self.status.input));
        }
        if let Some(output) = &mut running.output
            && let Some(why) = output.check(meters.playback_calls.load(Relaxed), now)
        {
            return Some(format!("{}: {why}; waiting for it", self.status.output));
        }
        if now - running.looked_at < LOOK {
            return None;
        }
        running.looked_at = now;
        if !self.backend.is_present(Direction::Input, &running.input.id) {
            return Some(format!("{}: unplugged; waiting for it", self.status.input));
        }
        if let Some(output) = &running.output
            && !self.backend.is_present(Direction::Output, &output.id)
        {
            return Some(format!("{}: unplugged; waiting for it", self.status.output));
        }
        let mut moved =
            |direction, opened: &str| self.backend.default_id(direction).filter(|id| id != opened).is_some();
        if self.options.input.is_none() && moved(Direction::Input, &running.input.id) {
            return Some("the default input has changed".into());
        }
        if self.options.output == Output::Default
            && let Some(output) = &running.output
            && moved(Direction::Output, &output.id)
        {
            return Some("the default output has changed".into());
        }
        None
    }

    fn open(&mut self, now: u64) -> Result<Running, DeviceError> {
        let input = self.backend.choose(Direction::Input, self.options.input.as_deref())?;
        let output = match &self.options.output {
            Output::None => None,
            some => Some(self.backend.choose(Direction::Output, some.wanted())?),
        };
        let plan = Plan {
            input: input.format,
            output: output.as_ref().map(|o| o.format),
            channels: self.options.channels,
            margin_ms: self.options.margin_ms,
            settings: self.options.settings,
            model: self.options.models[self.model].clone(),
            light: self.options.light.clone(),
        };
        let session = Session::new(&plan, &self.clock)
            .map_err(|e| DeviceError { message: format!("{}: {e}", input.name), transient: false })?;
        let Session { mut capture, playback, controls, meters, recorder, engine_ms } = session;

        // Playback first: it waits for the input, not the other way round.
        let open_output = match (&output, playback) {
            (Some(chosen), Some(mut playback)) => {
                let (events, meters) = (Arc::new(Events::default()), meters.clone());
                let each = Box::new(move |block: &mut [f32], wait: Option<f32>| {
                    meters.device_out_ms.set(wait.unwrap_or(0.0));
                    playback.process(block);
                });
                let stream =
                    self.backend.start_output(chosen, self.options.block_ms, each, events.clone())?;
                Some(Open::new(stream, events, &chosen.id, now))
            }
            _ => None,
        };
        let (events, in_meters) = (Arc::new(Events::default()), meters.clone());
        let each = Box::new(move |block: &[f32], age: Option<f32>| {
            in_meters.device_in_ms.set(age.unwrap_or(0.0));
            capture.process(block);
        });
        let stream = self.backend.start_input(&input, self.options.block_ms, each, events.clone())?;
        self.status.input = describe(&input);
        self.status.output = output.as_ref().map_or_else(|| "none".into(), describe);
        Ok(Running {
            input: Open::new(stream, events, &input.id, now),
            output: open_output,
            meters,
            controls,
            recorder: Some(recorder),
            recording: None,
            engine_ms,
            looked_at: now,
        })
    }

    /// Ends the session; what it recorded is complete then, and what comes later goes into the next file.
    fn close(&mut self, why: Option<String>) {
        self.status.message = why;
        self.status.phase = Phase::Waiting;
        let Some(mut running) = self.running.take() else { return };
        if let Some(recording) = running.recording.take() {
            if let (_, Err(why)) = recording.finish() {
                self.failed(why);
            }
            self.record = self.options.record.as_ref().map(RecordingPaths::next);
            self.options.record.clone_from(&self.record);
            self.status.knobs.recording = false;
        }
        self.count(&running);
        // A stream of a server that is gone may take long to end.
        let streams = (running.input, running.output);
        let _ = std::thread::spawn(move || drop(streams));
    }

    fn count(&mut self, running: &Running) {
        let (meters, totals) = (&running.meters, &mut self.totals);
        totals.xruns += running.xruns();
        totals.underruns += meters.underruns();
        totals.lost += meters.lost();
        totals.cuts += meters.cuts();
        totals.misses += meters.deadline_misses();
        totals.invalid += meters.invalid_samples.load(Relaxed);
    }

    /// Returns the current status. Peaks and loads are those since the last call.
    pub fn status(&mut self) -> Status {
        let totals = self.totals;
        self.status.seconds = self.clock.nanos().saturating_sub(self.began) as f64 * 1e-9;
        if let Some(running) = &self.running {
            self.status.read(&running.meters, running.engine_ms);
        }
        let now = self.running.as_ref();
        let meter = |read: fn(&Meters) -> u64| now.map_or(0, |r| read(&r.meters));
        self.status.xruns = totals.xruns + now.map_or(0, Running::xruns);
        self.status.underruns = totals.underruns + meter(Meters::underruns);
        self.status.lost_frames = totals.lost + meter(Meters::lost);
        self.status.cuts = totals.cuts + meter(Meters::cuts);
        self.status.deadline_misses = totals.misses + meter(Meters::deadline_misses);
        self.status.invalid_samples = totals.invalid + meter(|m| m.invalid_samples.load(Relaxed));
        self.status.reopened = self.opened.saturating_sub(1);
        self.status.clone()
    }

    /// Carries out a command of the user.
    pub fn command(&mut self, command: Command) {
        let settings = &mut self.options.settings;
        match command {
            Command::Bypass => settings.enabled = !settings.enabled,
            Command::Gate => settings.gate = !settings.gate,
            Command::Residue => settings.residue = !settings.residue,
            Command::LimitUp => {
                settings.attenuation_limit_db = next_limit(settings.attenuation_limit_db, true)
            }
            Command::LimitDown => {
                settings.attenuation_limit_db = next_limit(settings.attenuation_limit_db, false);
            }
            Command::Model => {
                let next = (self.model + 1) % self.options.models.len();
                let model = self.options.models[next].clone();
                if let Some(running) = &self.running
                    && let Err(why) = running.controls.set_model(&model)
                {
                    self.status.message = Some(why.to_string());
                    return;
                }
                self.model = next;
            }
            Command::Record(paths) => self.toggle_recording(paths),
        }
        let settings = self.options.settings;
        if let Some(running) = &self.running {
            running.controls.set_enabled(settings.enabled);
            running.controls.set_gate(settings.gate);
            running.controls.set_residue(settings.residue);
            // The steps are all within what is allowed.
            let _ = running.controls.set_attenuation_limit_db(settings.attenuation_limit_db);
        }
        let knobs = &mut self.status.knobs;
        knobs.enabled = settings.enabled;
        knobs.gate = settings.gate;
        knobs.residue = settings.residue;
        knobs.attenuation_limit_db = Some(settings.attenuation_limit_db).filter(|db| db.is_finite());
        knobs.model = self.options.models[self.model].info().name;
    }

    /// Ends everything; recordings are complete then.
    ///
    /// # Errors
    /// One line about a recording that failed.
    pub fn finish(mut self) -> Result<Status, String> {
        let status = self.status();
        if let Some(mut running) = self.running.take()
            && let Some(recording) = running.recording.take()
            && let Err(why) = recording.finish().1
        {
            self.failed(why);
        }
        self.failure.map_or(Ok(status), Err)
    }
}

impl Open {
    fn new(stream: Stream, events: Arc<Events>, id: &str, now: u64) -> Self {
        Self { _stream: stream, events, id: id.into(), calls: 0, called_at: now }
    }
}

impl Running {
    fn xruns(&self) -> u64 {
        self.input.events.xruns() + self.output.as_ref().map_or(0, |o| o.events.xruns())
    }
}

fn describe<D>(chosen: &SelectedDevice<D>) -> String {
    let channels = match chosen.format.channels {
        1 => "mono".into(),
        2 => "stereo".into(),
        n => format!("{n} channels"),
    };
    format!("{}, {} Hz, {channels}", chosen.name, chosen.format.rate)
}

fn next_limit(db: f32, up: bool) -> f32 {
    match (db.is_finite(), up) {
        (true, true) if db + LIMIT_STEP > LIMIT_END => f32::INFINITY,
        (true, true) => db + LIMIT_STEP,
        (true, false) => (db - LIMIT_STEP).max(0.0),
        (false, true) => f32::INFINITY,
        (false, false) => LIMIT_END,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attenuation_steps() {
        let up = |db| next_limit(db, true);
        assert_eq!((up(24.0), up(60.0), up(f32::INFINITY)), (27.0, f32::INFINITY, f32::INFINITY));
        let down = |db| next_limit(db, false);
        assert_eq!((down(f32::INFINITY), down(2.0), down(0.0)), (60.0, 0.0, 0.0));
    }
}
