//! Every control does on a running stream what its setting does from the start.
#![allow(clippy::unwrap_used)] // A test may.

use sourdine::{Controls, Engine, Model, Settings, StreamFormat};
use sourdine_testkit::signals;

const RATE: u32 = 48_000;

type Change = fn(&Controls);

/// Frames before a control is moved, and after that until its effect is complete: fades, and the gate's release.
const BEFORE: usize = RATE as usize;
const SETTLED: usize = 2 * RATE as usize;

/// Two seconds of a voice in noise, then two of the noise, in which the gate closes.
fn input() -> Vec<f32> {
    let mut sound = signals::noise(4 * RATE as usize, 0.003, 3);
    let voice = signals::speechlike(2 * RATE as usize, RATE, 5);
    sound.iter_mut().zip(voice).for_each(|(x, voice)| *x += voice);
    sound
}

fn engine(settings: Settings) -> Engine {
    Engine::new(StreamFormat::new(RATE, 1), &settings, &Model::sourdine()).unwrap()
}

/// The output of a stream made with `settings`, on which `change` is called after [`BEFORE`] frames, from [`SETTLED`] on.
fn settled(settings: Settings, change: impl Fn(&Controls)) -> Vec<f32> {
    let mut engine = engine(settings);
    let controls = engine.controls();
    let mut sound = input();
    let (before, after) = sound.split_at_mut(BEFORE);
    engine.process_interleaved_f32(before).unwrap();
    change(&controls);
    engine.process_interleaved_f32(after).unwrap();
    sound.split_off(SETTLED)
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_control_on_a_running_stream_is_its_setting() {
    // A low limit, so that the gate has something left to close on.
    let plain = Settings::default().with_attenuation_limit_db(6.0);
    let unchanged = settled(plain, |_| {});
    let cases: [(&str, Settings, Change); 5] = [
        ("enabled", plain.with_enabled(false), |c| c.set_enabled(false)),
        ("passthrough", plain.with_passthrough(true), |c| c.set_passthrough(true)),
        ("residue", plain.with_residue(true), |c| c.set_residue(true)),
        ("gate", plain.with_gate(true), |c| c.set_gate(true)),
        ("limit", plain.with_attenuation_limit_db(3.0), |c| c.set_attenuation_limit_db(3.0).unwrap()),
    ];
    for (name, setting, change) in cases {
        let (wanted, got) = (settled(setting, |_| {}), settled(plain, change));
        assert!(largest_difference(&wanted, &unchanged) > 1e-4, "{name}: the setting changes nothing");
        let difference = largest_difference(&wanted, &got);
        assert!(difference < 1e-6, "{name}: the control differs from the setting by {difference}");
    }
}

#[test]
fn a_limit_that_is_refused_leaves_the_old_one() {
    let limited = Settings::default().with_attenuation_limit_db(3.0);
    let refused = |controls: &Controls| {
        for db in [-1.0, f32::NAN] {
            controls.set_attenuation_limit_db(db).unwrap_err();
        }
    };
    assert_eq!(settled(limited, refused), settled(limited, |_| {}));
}

#[test]
fn a_step_is_the_shortest_block_that_both_rates_share() {
    for (rate, frames) in
        [(8_000, 80), (11_025, 147), (16_000, 160), (44_100, 441), (48_000, 480), (96_000, 960)]
    {
        let format = StreamFormat::new(rate, 1);
        let engine = Engine::new(format, &Settings::default(), &Model::sourdine_lite()).unwrap();
        assert_eq!((engine.step_frames(), format.step_frames().unwrap()), (frames, frames), "{rate} Hz");
    }
}
