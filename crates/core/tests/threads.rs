//! One thread processes, another moves every control at random, as fast as it can. `nightly.sh sanitizers` looks for data races
//! in it with ThreadSanitizer.
#![allow(clippy::unwrap_used)] // A test may.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_testkit::metrics;
use sourdine_testkit::signals::{self, Random};

const RATE: u32 = 48_000;
const STEP: usize = 480;
const SECONDS: usize = 60;

/// For a minute of a tone; then, switched off, the output has to be the input at the latency of the beginning.
#[test]
fn controls_moved_from_another_thread_neither_click_nor_change_the_latency() {
    let models = [Model::sourdine(), Model::sourdine_lite(), Model::rnnoise()];
    let settings = Settings::default();
    let mut engine = Engine::new(StreamFormat::new(RATE, 1), &settings, &models[0]).unwrap();
    engine.warm_up_thread();
    let (latency, controls, ended) = (engine.latency(), engine.controls(), AtomicBool::new(false));
    let (output, moves) = thread::scope(|scope| {
        let toggling = scope.spawn(|| {
            let (mut random, mut moves) = (Random::new(5), 0_u64);
            while !ended.load(Ordering::Relaxed) {
                let on = random.below(2) == 0;
                match random.below(7) {
                    0 => controls.set_enabled(on),
                    1 => controls.set_passthrough(on),
                    2 => controls.set_residue(on),
                    3 => controls.set_gate(on),
                    // A switch makes a denoiser: rarer, or this thread does nothing else.
                    4 if random.below(50) == 0 => controls.set_model(&models[random.below(3)]).unwrap(),
                    4 => thread::yield_now(),
                    _ => {
                        let limit = [0.0, 6.0, 24.0, f32::INFINITY][random.below(4)];
                        controls.set_attenuation_limit_db(limit).unwrap();
                    }
                }
                moves += 1;
            }
            moves
        });
        let mut sound = signals::tone(SECONDS * RATE as usize, RATE, 440.0, 0.5);
        for block in sound.chunks_mut(STEP) {
            engine.process_interleaved_f32(block).unwrap();
            assert_eq!(engine.latency(), latency);
        }
        ended.store(true, Ordering::Relaxed);
        (sound, toggling.join().unwrap())
    });
    assert!(moves > 1000, "only {moves} moves");
    let click = metrics::click_dbfs(&output[latency + 20 * STEP..], RATE, 440.0);
    assert!(click < -60.0, "a click of {click:.1} dBFS after {moves} moves");

    controls.set_passthrough(false);
    controls.set_residue(false);
    controls.set_enabled(false);
    let noise = signals::noise(60 * STEP, 0.5, 4);
    let mut tail = noise.clone();
    for block in tail.chunks_mut(STEP) {
        engine.process_interleaved_f32(block).unwrap();
    }
    assert_eq!(tail[20 * STEP + latency..], noise[20 * STEP..noise.len() - latency]);
}
