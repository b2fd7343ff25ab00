//! The audio path never calls the allocator: not in the first call on a warmed thread, not on errors, not when
//! controls or models change.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // A test may.

use sourdine::{BlockError, Channels, Engine, Model, Settings, StreamFormat};
use sourdine_testkit::alloc::{CountingAllocator, count};
use sourdine_testkit::conformance::RATES;
use sourdine_testkit::signals;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn engine(rate: u32, channels: usize, mode: Channels) -> Engine {
    let settings = Settings::default().with_channels(mode).with_gate(true);
    Engine::new(StreamFormat::new(rate, channels), &settings, &Model::rnnoise()).unwrap()
}

#[test]
fn no_allocation_from_the_first_call_on_a_warmed_thread() {
    for rate in RATES {
        for (channels, mode) in [(1, Channels::Linked), (2, Channels::Linked), (2, Channels::Separate)] {
            std::thread::spawn(move || {
                let mut engine = engine(rate, channels, mode);
                engine.warm_up_thread();
                let mut audio = signals::noise(rate as usize / 2 * channels, 0.3, 1);
                audio[5] = f32::NAN;
                let (calls, ()) = count(|| {
                    for block in audio.chunks_mut(333 * channels) {
                        engine.process_interleaved_f32(block).unwrap();
                    }
                });
                assert_eq!(calls, 0, "{rate} Hz, {channels} channels, {mode:?}");
            })
            .join()
            .unwrap();
        }
    }
}

#[test]
fn every_entry_and_every_refusal_is_free_of_allocation() {
    let mut engine = engine(48_000, 2, Channels::Linked);
    engine.warm_up_thread();
    let (mut a, mut b) = ([0.1_f32; 500], [0.2_f32; 500]);
    let (mut i, mut j) = ([100_i16; 500], [-100_i16; 500]);
    let (mut long, mut long_int) = ([0.0_f32; 1000], [0_i16; 1000]);
    let (calls, results) = count(|| {
        [
            engine.process_interleaved_f32(&mut long),
            engine.process_interleaved_i16(&mut long_int),
            engine.process_interleaved_f32_in_i16_range(&mut long),
            engine.process_planar_f32(&mut [&mut a, &mut b]),
            engine.process_planar_i16(&mut [&mut i, &mut j]),
            engine.process_planar_f32_in_i16_range(&mut [&mut a, &mut b]),
            engine.process_planar_f32(&mut [&mut a]),
            engine.process_planar_f32(&mut [&mut a[..3], &mut b]),
            engine.process_interleaved_f32(&mut long[..3]),
        ]
        .map(|r| r.err())
    });
    assert_eq!(calls, 0);
    let refused = [
        Some(BlockError::Channels { expected: 2, got: 1 }),
        Some(BlockError::Ragged),
        Some(BlockError::Ragged),
    ];
    assert_eq!(results[..6], [None; 6]);
    assert_eq!(results[6..], refused);
    let (calls, _) = count(|| engine.finish_interleaved_f32(&mut long));
    assert_eq!(calls, 0, "finish");
    let (calls, refused) = count(|| engine.process_interleaved_f32(&mut long));
    assert_eq!((calls, refused), (0, Err(BlockError::Finished)));
}

#[test]
fn control_changes_and_model_switches_cost_the_audio_thread_nothing() {
    let mut engine = engine(48_000, 1, Channels::Linked);
    let controls = engine.controls();
    engine.warm_up_thread();
    let mut audio = signals::noise(48_000, 0.3, 1);
    let mut in_process = 0;
    for (k, block) in audio.chunks_mut(480).enumerate() {
        match k % 25 {
            0 if k % 2 == 0 => controls.set_model(&Model::rnnoise()).unwrap(),
            0 => controls.set_model(&Model::sourdine_lite()).unwrap(),
            5 => controls.set_enabled(k % 2 == 0),
            10 => controls.set_attenuation_limit_db(k as f32).unwrap(),
            15 => controls.set_residue(k % 2 == 0),
            20 => controls.set_model(&Model::bypass()).unwrap(),
            _ => {}
        }
        let (calls, report) = count(|| engine.process_interleaved_f32(block));
        report.unwrap();
        in_process += calls;
    }
    assert_eq!(in_process, 0);
}

#[test]
fn warm_up_is_what_the_baseline_model_needs() {
    // If this fails because the first count is 0, nnnoiseless has lost its thread local: say so in the docs.
    let (cold, warm) = std::thread::spawn(|| {
        let mut engine = engine(48_000, 1, Channels::Linked);
        let mut block = signals::noise(480, 0.3, 1);
        let (cold, _) = count(|| engine.process_interleaved_f32(&mut block));
        let (warm, _) = count(|| engine.process_interleaved_f32(&mut block));
        (cold, warm)
    })
    .join()
    .unwrap();
    assert!(cold > 0 && warm == 0, "cold {cold}, warm {warm}");
}
