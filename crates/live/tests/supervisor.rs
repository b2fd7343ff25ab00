//! Devices that are unplugged, busy, changed or silent: a sound system that never was, on a clock that is turned by
//! hand.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // A test may.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use sourdine::{Model, Settings};
use sourdine_live::{
    Backend, Clock, Command, DeviceError, DeviceFormat, Direction, Events, OnCapture, OnPlayback, Options,
    Output, Phase, RecordingPaths, SelectedDevice, Stream, Supervisor,
};

#[derive(Debug, Clone, Default)]
struct HandClock(Arc<AtomicU64>);

impl Clock for HandClock {
    fn nanos(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The devices plugged in, and the open streams.
#[derive(Default)]
struct World {
    microphone: Option<DeviceFormat>,
    default_input: String,
    busy: bool,
    frozen: bool,
    capture: Option<(OnCapture, Arc<Events>)>,
    playback: Option<OnPlayback>,
    opened: usize,
}

struct Fake(Arc<Mutex<World>>);

fn device_error(message: &str, transient: bool) -> DeviceError {
    DeviceError { message: message.into(), transient }
}

impl Backend for Fake {
    type Device = ();

    fn choose(
        &mut self,
        direction: Direction,
        wanted: Option<&str>,
    ) -> Result<SelectedDevice<()>, DeviceError> {
        let world = self.0.lock().unwrap();
        if wanted == Some("nonsense") {
            return Err(device_error("nonsense: no such device", false));
        }
        let (id, format) = match direction {
            Direction::Input => (
                world.default_input.clone(),
                world.microphone.ok_or_else(|| device_error("no microphone", true))?,
            ),
            Direction::Output => ("speakers".into(), DeviceFormat { rate: 48_000, channels: 2 }),
        };
        if world.busy {
            return Err(device_error("mic: another program has it", true));
        }
        Ok(SelectedDevice { device: (), name: id.clone(), id, format })
    }

    fn default_id(&mut self, direction: Direction) -> Option<String> {
        let world = self.0.lock().unwrap();
        Some(if direction == Direction::Input { world.default_input.clone() } else { "speakers".into() })
    }

    fn is_present(&mut self, _direction: Direction, _id: &str) -> bool {
        true
    }

    fn start_input(
        &mut self,
        _: &SelectedDevice<()>,
        _: f32,
        each: OnCapture,
        events: Arc<Events>,
    ) -> Result<Stream, DeviceError> {
        let mut world = self.0.lock().unwrap();
        world.capture = Some((each, events));
        world.opened += 1;
        Ok(Box::new(()))
    }

    fn start_output(
        &mut self,
        _: &SelectedDevice<()>,
        _: f32,
        each: OnPlayback,
        _: Arc<Events>,
    ) -> Result<Stream, DeviceError> {
        self.0.lock().unwrap().playback = Some(each);
        Ok(Box::new(()))
    }
}

struct Rig {
    world: Arc<Mutex<World>>,
    clock: HandClock,
    supervisor: Supervisor<Fake, HandClock>,
    ticks: u64,
}

const MICROPHONE: DeviceFormat = DeviceFormat { rate: 48_000, channels: 1 };

fn options() -> Options {
    Options {
        input: None,
        output: Output::Default,
        channels: 1,
        block_ms: 10.0,
        margin_ms: 5.0,
        settings: Settings::default().with_enabled(false),
        models: vec![Model::sourdine(), Model::rnnoise()],
        light: None,
        record: None,
    }
}

impl Rig {
    fn new(options: Options) -> Self {
        let world = World { microphone: Some(MICROPHONE), default_input: "mic".into(), ..World::default() };
        let (world, clock) = (Arc::new(Mutex::new(world)), HandClock::default());
        let supervisor = Supervisor::new(Fake(world.clone()), clock.clone(), options);
        Self { world, clock, supervisor, ticks: 0 }
    }

    /// 10 ms: both callbacks, then, five times slower, the supervisor. Returns the last sample that was played.
    fn tick(&mut self) -> f32 {
        self.ticks += 1;
        self.clock.0.store(self.ticks * 10_000_000, Relaxed);
        let mut last = 0.0;
        let mut world = self.world.lock().unwrap();
        let (microphone, frozen) = (world.microphone, world.frozen);
        if let (Some(format), false, Some((capture, _))) = (microphone, frozen, &mut world.capture) {
            capture(&vec![0.25; format.rate as usize / 100 * format.channels], Some(3.0));
        }
        if let Some(playback) = &mut world.playback {
            let mut block = [0.0; 960];
            playback(&mut block, Some(4.0));
            last = block[959];
        }
        drop(world);
        if self.ticks.is_multiple_of(5) {
            self.supervisor.poll(true).unwrap();
        }
        last
    }

    /// Ticks until there is sound (or none) again, and how many ms that took.
    fn until(&mut self, sound: bool) -> u64 {
        for k in 1..1000 {
            if (self.tick().abs() > 0.2) == sound {
                return k * 10;
            }
        }
        panic!("sound {sound}: never; {:?}", self.supervisor.status());
    }

    fn run(&mut self, ms: u64) {
        (0..ms / 10).for_each(|_| {
            self.tick();
        });
    }
}

#[test]
fn an_unplugged_microphone_that_comes_back_is_heard_within_a_second() {
    let mut rig = Rig::new(options());
    rig.until(true);
    for rate in [48_000, 44_100, 16_000] {
        let events = {
            let mut world = rig.world.lock().unwrap();
            world.microphone = None;
            world.playback = None;
            world.capture.take().unwrap().1
        };
        events.fail_because("unplugged".into());
        assert!(rig.until(false) < 200);
        rig.run(3000);
        let status = rig.supervisor.status();
        assert_eq!((status.phase, status.message.as_deref()), (Phase::Waiting, Some("no microphone")));
        rig.world.lock().unwrap().microphone = Some(DeviceFormat { rate, channels: 2 });
        let took = rig.until(true);
        assert!(took < 1000, "{took} ms at {rate} Hz");
    }
    let status = rig.supervisor.status();
    assert_eq!((status.reopened, status.phase), (3, Phase::Running));
    assert!(status.input.contains("16000 Hz, stereo"), "{}", status.input);
}

#[test]
fn a_device_that_stops_without_a_word_is_opened_again() {
    let mut rig = Rig::new(options());
    rig.until(true);
    rig.run(100);
    rig.world.lock().unwrap().frozen = true;
    rig.run(900);
    assert_eq!(rig.world.lock().unwrap().opened, 2, "the watchdog opened it again");
    rig.world.lock().unwrap().frozen = false;
    assert!(rig.until(true) < 1000);
}

#[test]
fn a_busy_device_is_waited_for() {
    let mut rig = Rig::new(options());
    rig.world.lock().unwrap().busy = true;
    rig.run(2000);
    assert_eq!(rig.supervisor.status().message.as_deref(), Some("mic: another program has it"));
    rig.world.lock().unwrap().busy = false;
    assert!(rig.until(true) < 1000);
}

#[test]
fn a_new_default_device_is_followed() {
    let mut rig = Rig::new(options());
    rig.until(true);
    rig.world.lock().unwrap().default_input = "headset".into();
    rig.run(1500);
    assert!(rig.supervisor.status().input.starts_with("headset"));
    assert!(rig.until(true) < 500);
}

#[test]
fn what_no_waiting_mends_is_said_at_once() {
    let world = Arc::new(Mutex::new(World { microphone: Some(MICROPHONE), ..World::default() }));
    let options = Options { output: Output::Named("nonsense".into()), ..options() };
    let mut supervisor = Supervisor::new(Fake(world.clone()), HandClock::default(), options);
    assert_eq!(supervisor.poll(true), Err("nonsense: no such device".into()));
    world.lock().unwrap().microphone = Some(DeviceFormat { rate: 44_056, channels: 1 });
    let mut supervisor = Supervisor::new(Fake(world), HandClock::default(), self::options());
    let why = supervisor.poll(true).unwrap_err();
    assert!(why.contains("44056"), "{why}");
}

#[test]
fn the_devices_close_while_no_program_listens() {
    let mut rig = Rig::new(options());
    rig.until(true);
    rig.supervisor.poll(false).unwrap();
    assert_eq!(rig.supervisor.status().phase, Phase::Idle);
    let opened = rig.world.lock().unwrap().opened;
    for _ in 0..100 {
        rig.supervisor.poll(false).unwrap();
    }
    assert_eq!(rig.world.lock().unwrap().opened, opened);
    assert!(rig.until(true) < 500, "and opens them again");
}

#[test]
fn every_command_does_what_it_says_and_outlives_the_device() {
    let mut rig = Rig::new(options());
    rig.until(true);
    for command in [Command::Bypass, Command::Gate, Command::Residue, Command::LimitDown, Command::Model] {
        rig.supervisor.command(command);
    }
    // Denoising a constant and hearing the rest of it, nothing is at the input's level any more.
    rig.run(500);
    let check = |rig: &mut Rig| {
        let knobs = rig.supervisor.status().knobs;
        assert!(knobs.enabled && knobs.gate && knobs.residue && !rig.supervisor.status().bypassed);
        assert_eq!((knobs.attenuation_limit_db, knobs.model.as_str()), (Some(57.0), "rnnoise"));
    };
    check(&mut rig);
    rig.world.lock().unwrap().capture.as_ref().unwrap().1.fail();
    rig.run(1000);
    assert_eq!(rig.supervisor.status().reopened, 1);
    check(&mut rig);
    rig.supervisor.command(Command::LimitUp);
    assert_eq!(rig.supervisor.status().knobs.attenuation_limit_db, Some(60.0));
}

#[test]
fn recordings_are_aligned_complete_and_go_on_after_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let paths = |stem: &str| RecordingPaths {
        before: Some(folder.path().join(format!("{stem}-before.wav"))),
        after: folder.path().join(format!("{stem}.wav")),
    };
    let mut options = options();
    options.record = Some(paths("call"));
    let mut rig = Rig::new(options);
    rig.until(true);
    // The recorder's thread is on real time.
    let pass = |rig: &mut Rig| {
        for _ in 0..20 {
            rig.run(100);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    };
    pass(&mut rig);
    rig.world.lock().unwrap().capture.as_ref().unwrap().1.fail();
    rig.run(500);
    pass(&mut rig);
    // Ended and not begun again, by the key.
    rig.supervisor.command(Command::Record(paths("other")));
    assert!(!rig.supervisor.status().knobs.recording);
    for stem in ["call", "call-2"] {
        let read = |path: &std::path::Path| -> Vec<f32> {
            hound::WavReader::open(path).unwrap().samples::<f32>().map(Result::unwrap).collect()
        };
        let after = read(&folder.path().join(format!("{stem}.wav")));
        let before =
            read(&folder.path().join(if stem == "call" { "call-before.wav" } else { "call-before-2.wav" }));
        assert!(after.len() > 48_000, "{stem}: {}", after.len());
        assert!(before == after, "{stem}: bypassed, both are the same");
        assert!(after.iter().all(|x| *x == 0.25), "{stem}");
    }
    // An existing file is never overwritten.
    rig.supervisor.command(Command::Record(paths("call")));
    assert!(rig.supervisor.status().message.unwrap().contains("exists already"));
    rig.supervisor.finish().unwrap();
}
