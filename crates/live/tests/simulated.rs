//! Whole sessions on a simulated sound card, faster than real time.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test may.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_live::{Clock, DeviceFormat, Plan, Session};
use sourdine_testkit::alloc::{CountingAllocator, count};
use sourdine_testkit::host::{self, Device, Stall};
use sourdine_testkit::models::deaf_model;
use sourdine_testkit::{metrics, signals};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// The simulation's time; a reading may be made to cost some.
#[derive(Debug, Clone, Default)]
struct SimClock {
    now: Arc<AtomicU64>,
    cost: Arc<AtomicU64>,
}

impl Clock for SimClock {
    fn nanos(&self) -> u64 {
        self.now.fetch_add(self.cost.load(Relaxed), Relaxed)
    }
}

/// A session and the two devices it runs on.
struct Rig {
    input: Device,
    output: Device,
    channels: (usize, usize, usize),
    settings: Settings,
    model: Model,
    light: Option<Model>,
}

/// The record of a playback callback.
struct Seen {
    seconds: f64,
    /// The true latency between the devices, in ms, while sound is played.
    late_ms: Option<f64>,
    target_ms: f64,
}

impl Rig {
    fn new(input: Device, output: Device) -> Self {
        let settings = Settings::default();
        Self { input, output, channels: (1, 1, 1), settings, model: Model::sourdine(), light: None }
    }

    /// Nothing but the session's own work: what comes out is what went in.
    fn untouched(mut self) -> Self {
        self.model = Model::bypass();
        self.settings.enabled = false;
        self
    }

    fn session(&self, clock: &SimClock) -> Session<SimClock> {
        let (input, voice, output) = self.channels;
        let plan = Plan {
            input: DeviceFormat { rate: self.input.rate, channels: input },
            output: Some(DeviceFormat { rate: self.output.rate, channels: output }),
            channels: voice,
            margin_ms: 4.0,
            settings: self.settings,
            model: self.model.clone(),
            light: self.light.clone(),
        };
        Session::new(&plan, clock).unwrap()
    }

    /// Runs `seconds`; `source` gives the captured samples, `cost` what a capture callback takes in ns, `sink`
    /// takes what is played. Returns the session for a look at its meters. No callback but the first may call the
    /// allocator.
    fn run(
        &self,
        seconds: f64,
        source: impl Fn(u64) -> f32,
        cost: impl Fn(f64) -> u64,
        mut sink: impl FnMut(Seen, &[f32]),
    ) -> Session<SimClock> {
        let clock = SimClock::default();
        let mut session = self.session(&clock);
        let mut playback = session.playback.take().unwrap();
        let (in_channels, _, out_channels) = self.channels;
        let (mut heard, mut played) = (Vec::new(), Vec::new());
        let (mut firsts, calls) = ((true, true), std::cell::Cell::new(0));
        let capture = &mut session.capture;
        let meters = session.meters.clone();
        // Frames that were not captured, in a stall that loses.
        let (mut next, gone) = (0, std::cell::Cell::new(0.0));
        host::run(
            &self.input,
            &self.output,
            seconds,
            |c| {
                clock.now.store(c.nanos, Relaxed);
                clock.cost.store(cost(c.nanos as f64 * 1e-9), Relaxed);
                heard.clear();
                gone.set(gone.get() + (c.first - next) as f64);
                next = c.first + c.frames as u64;
                let channels = in_channels as u64;
                heard.extend((c.first * channels..(c.first + c.frames as u64) * channels).map(&source));
                let (n, ()) = count(|| capture.process(&heard));
                calls.set(calls.get() + if std::mem::take(&mut firsts.0) { 0 } else { n });
                clock.cost.store(0, Relaxed);
            },
            |c| {
                clock.now.store(c.nanos, Relaxed);
                played.clear();
                played.resize(c.frames * out_channels, 0.0);
                let (before, was_playing) = (playback.position(), playback.is_playing());
                let (n, ()) = count(|| playback.process(&mut played));
                calls.set(calls.get() + if std::mem::take(&mut firsts.1) { 0 } else { n });
                // The block is heard when its first frame is due, however late the callback was.
                let due = c.first as f64 / self.output.frame_at(1_000_000_000);
                let captured = self.input.frame_at((due * 1e9) as u64);
                let late = (captured - gone.get() - meters.lost() as f64 - before) * 1e3
                    / f64::from(self.input.rate);
                let seen = Seen {
                    seconds: due,
                    late_ms: (was_playing && playback.is_playing()).then_some(late),
                    target_ms: f64::from(meters.target_ms()),
                };
                sink(seen, &played);
            },
        );
        assert_eq!(calls.get(), 0, "allocations in callbacks");
        session
    }

    fn record(&self, seconds: f64, source: impl Fn(u64) -> f32) -> (Vec<f32>, Session<SimClock>) {
        let mut out = Vec::new();
        let session = self.run(seconds, source, |_| 0, |_, block| out.extend_from_slice(block));
        (out, session)
    }
}

/// Processes the samples as `sourdine clean` does, before it drops the delay at the front (the tool's own tests hold
/// it to this).
fn cleaned(input: &[f32], rate: u32, channels: usize, settings: &Settings, model: &Model) -> Vec<f32> {
    let mut engine = Engine::new(StreamFormat::new(rate, channels), settings, model).unwrap();
    let mut output = input.to_vec();
    engine.process_interleaved_f32(&mut output).unwrap();
    output.split_off(engine.latency() * channels)
}

#[test]
fn live_equals_clean_bit_for_bit() {
    for (rate, blocks_in, block_out, voice, model) in [
        (48_000, vec![480], 480, 1, Model::rnnoise()),
        (48_000, vec![480], 480, 2, Model::sourdine()),
        (48_000, vec![512], 256, 1, Model::sourdine()),
        (44_100, vec![512], 512, 1, Model::rnnoise()),
        (44_100, vec![1024, 441, 100, 64], 128, 2, Model::sourdine()),
        (16_000, vec![160], 320, 1, Model::sourdine()),
        (11_025, vec![512], 512, 1, Model::sourdine()),
    ] {
        let device_in = Device { blocks: blocks_in.clone(), ..Device::new(rate, 480) };
        let mut rig = Rig::new(device_in, Device::new(rate, block_out));
        rig.channels = (voice, voice, voice);
        rig.model = model;
        let seconds = 6;
        let mut input = signals::speechlike(seconds * rate as usize * voice, rate, 5);
        for (x, n) in input.iter_mut().zip(signals::noise(seconds * rate as usize * voice, 0.01, 6)) {
            *x += n;
        }
        // The session fades in.
        input[..voice * rate as usize / 10].fill(0.0);
        let (output, session) = rig.record(seconds as f64 - 0.5, |i| input[i as usize]);
        let expected = cleaned(&input, rate, voice, &rig.settings, &rig.model);
        let case = format!("{rate} Hz, {blocks_in:?} in, {block_out} out, {voice} channels, {:?}", rig.model);
        assert_eq!((session.meters.underruns(), session.meters.lost()), (0, 0), "{case}");
        let delay = metrics::delay(
            &metrics::channel(&expected, voice, 0),
            &metrics::channel(&output, voice, 0),
            rate as usize / 5,
        ) * voice;
        assert!(output[delay..].len() > 5 * rate as usize * voice, "{case}");
        let same = |(a, b): (&f32, &f32)| a == b;
        let first_other = output[delay..].iter().zip(&expected).position(|pair| !same(pair));
        assert_eq!(first_other, None, "{case}: other bits, delay {delay}");
        assert!(output[..delay].iter().all(|x| x.abs() < 0.05), "{case}");
    }
}

/// The rest of a tone in windows of 10 ms when the best tone of that frequency, with any linear change of
/// amplitude and phase, is taken away: relative to the tone, in dB.
struct Residual {
    basis: [Vec<f64>; 4],
}

impl Residual {
    fn new(rate: u32, hz: f64) -> Self {
        let n = rate as usize / 100;
        let omega = std::f64::consts::TAU * hz / f64::from(rate);
        let raw = |k: usize| -> Vec<f64> {
            (0..n)
                .map(|i| {
                    let (s, c) = (omega * i as f64).sin_cos();
                    let slope = if k < 2 { 1.0 } else { i as f64 / n as f64 - 0.5 };
                    slope * if k.is_multiple_of(2) { s } else { c }
                })
                .collect()
        };
        let mut basis: [Vec<f64>; 4] = std::array::from_fn(raw);
        // Gram and Schmidt.
        for k in 0..4 {
            let (done, rest) = basis.split_at_mut(k);
            for d in done {
                let dot: f64 = d.iter().zip(&rest[0]).map(|(a, b)| a * b).sum();
                rest[0].iter_mut().zip(d.iter()).for_each(|(x, d)| *x -= dot * d);
            }
            let norm = rest[0].iter().map(|x| x * x).sum::<f64>().sqrt();
            rest[0].iter_mut().for_each(|x| *x /= norm);
        }
        Self { basis }
    }

    fn db(&self, window: &[f32]) -> f64 {
        let power: f64 = window.iter().map(|x| f64::from(*x).powi(2)).sum();
        let fitted: f64 = self
            .basis
            .iter()
            .map(|b| b.iter().zip(window).map(|(b, x)| b * f64::from(*x)).sum::<f64>().powi(2))
            .sum();
        10.0 * ((power - fitted).max(1e-30) / power.max(1e-30)).log10()
    }
}

/// The figures of a long run with drift, jitter and stalls.
#[derive(Debug)]
struct Endured {
    worst_error_ms: f64,
    worst_residual_db: f64,
    least_late_ms: f64,
    most_late_ms: f64,
}

fn endure(rates: (u32, u32), blocks: (usize, usize), ppm: f64, seconds: f64, loses: bool) -> Endured {
    const HZ: f64 = 997.0;
    let stalls = |first: f64| {
        let mut stalls = Stall::every(20.0, 0.05, seconds, loses);
        stalls.iter_mut().for_each(|s| s.at += first);
        stalls
    };
    let input = Device { ppm, jitter_ms: 2.0, stalls: stalls(0.0), ..Device::new(rates.0, blocks.0) };
    let output = Device { jitter_ms: 2.0, stalls: stalls(10.0), ..Device::new(rates.1, blocks.1) };
    let rig = Rig::new(input, output).untouched();
    let residual = Residual::new(rates.1, HZ);
    let step = std::f64::consts::TAU * HZ / f64::from(rates.0);
    let mut endured =
        Endured { worst_error_ms: 0.0, worst_residual_db: -200.0, least_late_ms: 1e9, most_late_ms: 0.0 };
    let mut window = Vec::new();
    let session = rig.run(
        seconds,
        |i| (0.5 * (step * i as f64).sin()) as f32,
        |_| 0,
        |seen, block| {
            // A stall begins at 20 s and then every 10 s, and lasts 50 ms.
            let after_stall = if seen.seconds < 20.0 { seen.seconds } else { seen.seconds % 10.0 };
            if after_stall < 2.05 {
                window.clear();
                return;
            }
            let late = seen.late_ms.unwrap_or_else(|| panic!("silent at {:.3} s", seen.seconds));
            let error = (late - seen.target_ms).abs();
            assert!(error < 2.0, "latency {late:.2} ms, not {:.2}, at {:.3} s", seen.target_ms, seen.seconds);
            endured.worst_error_ms = endured.worst_error_ms.max(error);
            endured.least_late_ms = endured.least_late_ms.min(late);
            endured.most_late_ms = endured.most_late_ms.max(late);
            window.extend_from_slice(block);
            let n = rates.1 as usize / 100;
            while window.len() >= n {
                let db = residual.db(&window[..n]);
                assert!(db < -60.0, "residual {db:.1} dB at {:.3} s", seen.seconds);
                endured.worst_residual_db = endured.worst_residual_db.max(db);
                window.drain(..n);
            }
        },
    );
    let meters = &session.meters;
    assert_eq!(meters.lost(), 0, "the ring was never full");
    println!(
        "{rates:?} Hz, {blocks:?}, {ppm} ppm, {seconds} s, stalls {}: {endured:?}, {} gaps, {} cuts, {:.1} ppm at the end",
        if loses { "lose" } else { "delay" },
        meters.underruns(),
        meters.cuts(),
        meters.speed_ppm(),
    );
    endured
}

#[test]
fn minutes_of_drift_jitter_and_stalls() {
    for (ppm, loses) in [(300.0, false), (-300.0, true), (100.0, true), (-100.0, false)] {
        endure((48_000, 48_000), (480, 480), ppm, 130.0, loses);
    }
    endure((44_100, 48_000), (512, 480), 300.0, 130.0, true);
    endure((48_000, 44_100), (480, 512), -300.0, 130.0, false);
    endure((48_000, 48_000), (128, 1024), 50.0, 130.0, true);
}

#[test]
#[ignore = "takes minutes: cargo test --release -p sourdine-live --test simulated -- --ignored --nocapture"]
fn eight_hours_of_drift_jitter_and_stalls() {
    let cases = [(300.0, false), (-300.0, true), (100.0, true), (-100.0, false)];
    std::thread::scope(|scope| {
        for (ppm, loses) in cases {
            scope.spawn(move || endure((48_000, 48_000), (480, 480), ppm, 8.0 * 3600.0, loses));
        }
    });
}

#[test]
fn channels_are_mixed_and_spread() {
    for (channels, expected) in [
        ((2, 1, 1), vec![0.3]),
        ((1, 1, 2), vec![0.4, 0.4]),
        ((1, 2, 1), vec![0.4]),
        ((4, 2, 6), vec![0.4, 0.2, 0.0, 0.0, 0.0, 0.0]),
    ] {
        let mut rig = Rig::new(Device::new(48_000, 480), Device::new(48_000, 480)).untouched();
        rig.channels = channels;
        let (output, _) = rig.record(0.5, |i| match i as usize % channels.0 {
            0 => 0.4,
            1 => 0.2,
            _ => 0.9,
        });
        let last = &output[output.len() - channels.2..];
        assert!(last.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{channels:?}: {last:?}");
    }
}

#[test]
fn overload_is_passed_on_undelayed_and_ends() {
    let mut rig = Rig::new(Device::new(48_000, 480), Device::new(48_000, 480));
    rig.model = deaf_model();
    rig.light = Some(Model::sourdine_lite());
    let (mut tone, mut errors) = (Vec::new(), 0);
    let step = std::f64::consts::TAU * 440.0 / 48_000.0;
    let session = rig.run(
        16.0,
        |i| (0.5 * (step * i as f64).sin()) as f32,
        // For half a second each callback takes 12 ms of its 10.
        |t| if (5.0..5.5).contains(&t) { 12_000_000 } else { 1_000_000 },
        |seen, block| {
            if let Some(late) = seen.late_ms {
                errors += u32::from((late - seen.target_ms).abs() > 2.0);
            }
            if seen.seconds > 1.0 {
                tone.extend_from_slice(block);
            }
        },
    );
    assert!((49..=51).contains(&session.meters.deadline_misses()), "{}", session.meters.deadline_misses());
    assert_eq!((session.meters.underruns(), errors), (0, 0));
    let level = |from: f64, to: f64| {
        metrics::level_db(&tone[((from - 1.0) * 48e3) as usize..((to - 1.0) * 48e3) as usize])
    };
    let (before, during, after) = (level(4.0, 5.0), level(5.7, 6.7), level(15.0, 15.9));
    assert!((during + 9.0).abs() < 0.1, "passed on as it is: {during:.1} dBFS");
    assert!(before < during - 20.0 && after < during - 20.0, "taken for noise: {before:.1}, {after:.1} dBFS");
    let click = metrics::click_dbfs(&tone, 48_000, 440.0);
    assert!(click < -60.0, "a click of {click:.1} dBFS");
}

#[test]
fn a_session_whose_input_never_comes_plays_silence() {
    let clock = SimClock::default();
    let rig = Rig::new(Device::new(48_000, 480), Device::new(48_000, 480));
    let mut playback = rig.session(&clock).playback.take().unwrap();
    let mut block = [0.7; 480];
    for k in 0..1000 {
        clock.now.store(k * 10_000_000, Relaxed);
        playback.process(&mut block);
        assert_eq!(block, [0.0; 480]);
    }
}

#[test]
fn playback_that_stops_for_minutes_comes_back_with_the_present() {
    let stall = Stall { at: 5.0, lasts: 180.0, loses: true };
    let output = Device { stalls: vec![stall], ..Device::new(48_000, 480) };
    let rig = Rig::new(Device::new(48_000, 480), output).untouched();
    rig.run(
        200.0,
        |_| 0.1,
        |_| 0,
        |seen, _| {
            if seen.seconds > 187.0 {
                let late = seen.late_ms.unwrap();
                assert!((late - seen.target_ms).abs() < 2.0, "{late:.1} ms at {:.2} s", seen.seconds);
            }
        },
    );
}
