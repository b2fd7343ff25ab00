//! Deadline misses: the stream falls to a cheaper tier and comes back, without a click, at the same latency, and
//! without calling the allocator.
#![allow(clippy::unwrap_used)] // A test may.

use std::time::Duration;

use sourdine::{Bypass, Engine, Model, Settings, StreamFormat, Tier};
use sourdine_testkit::alloc::{CountingAllocator, count};
use sourdine_testkit::models::deaf_model;
use sourdine_testkit::{metrics, signals};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const BLOCK: Duration = Duration::from_millis(10);
const LATE: Duration = Duration::from_millis(11);

fn engine(rate: u32, model: &Model) -> Engine {
    let settings = Settings::default().with_attenuation_limit_db(f32::INFINITY);
    let format = StreamFormat::new(rate, 1).with_fixed_block(rate as usize / 100);
    Engine::new(format, &settings, model).unwrap()
}

#[test]
fn overload_gives_the_input_at_the_same_latency_and_then_the_model_again() {
    for rate in [16_000, 44_100, 48_000] {
        let step = rate as usize / 100;
        let mut engine = engine(rate, &deaf_model());
        let input = signals::noise(step * 600, 0.4, 1);
        let mut output = input.clone();
        for (k, block) in output.chunks_mut(step).enumerate() {
            engine.process_interleaved_f32(block).unwrap();
            engine.report_time(if (100..103).contains(&k) { LATE } else { BLOCK / 4 }, BLOCK);
        }
        let late = engine.latency();
        // The deaf model removes everything; a frame each for the fades.
        assert!(output[late..100 * step].iter().all(|x| *x == 0.0), "{rate} Hz before");
        let dry = 105 * step + late..300 * step;
        assert!(output[dry.clone()] == input[dry.start - late..dry.end - late], "{rate} Hz: not the input");
        assert!(output[330 * step..].iter().all(|x| *x == 0.0), "{rate} Hz: the model did not come back");
        let stats = engine.stats();
        assert_eq!(stats.deadline_misses, 3);
        assert!((200..220).contains(&stats.bypassed_overload), "{stats:?}");
        assert_eq!(engine.report().bypass, None);
    }
}

#[test]
fn a_reset_keeps_the_tiers_that_there_are() {
    let fall = |engine: &mut Engine| {
        engine.reset();
        for _ in 0..3 {
            engine.report_time(LATE, BLOCK);
        }
        engine.tier()
    };
    let mut alone = engine(48_000, &Model::sourdine());
    assert_eq!(fall(&mut alone), Tier::Dry);
    let mut with_light =
        engine(48_000, &Model::sourdine()).with_light_model(&Model::sourdine_lite()).unwrap();
    assert_eq!(fall(&mut with_light), Tier::Light);
}

#[test]
fn under_load_the_light_model_is_the_one_that_runs() {
    let mut engine = engine(48_000, &Model::sourdine()).with_light_model(&deaf_model()).unwrap();
    let mut output = signals::speechlike(48_000, 48_000, 2);
    for (k, block) in output.chunks_mut(480).enumerate() {
        engine.process_interleaved_f32(block).unwrap();
        engine.report_time(if (40..43).contains(&k) { LATE } else { BLOCK / 4 }, BLOCK);
    }
    assert_eq!(engine.tier(), Tier::Light);
    let (full, light) = (&output[480 * 20..480 * 40], &output[480 * 60..]);
    assert!(full.iter().any(|x| x.abs() > 0.01), "the full model removes the voice");
    assert!(light.iter().all(|x| *x == 0.0), "the light model, which removes everything, does not run");
}

#[test]
fn falling_and_rising_neither_clicks_nor_allocates() {
    for (rate, model) in [(48_000, Model::rnnoise()), (44_100, Model::rnnoise()), (48_000, Model::sourdine())]
    {
        let mut engine = engine(rate, &model).with_light_model(&Model::sourdine_lite()).unwrap();
        engine.warm_up_thread();
        let step = rate as usize / 100;
        let mut output = signals::tone(step * 4000, rate, 440.0, 0.5);
        let (mut calls, mut seen) = (0, [false; 3]);
        for (k, block) in output.chunks_mut(step).enumerate() {
            let late = k % 700 > 200 && k % 700 < 210;
            calls += count(|| {
                engine.process_interleaved_f32(block).unwrap();
                engine.report_time(if late { LATE } else { BLOCK / 4 }, BLOCK);
            })
            .0;
            seen[match engine.tier() {
                Tier::Full => 0,
                Tier::Light => 1,
                _ => 2,
            }] = true;
        }
        assert_eq!((calls, seen), (0, [true; 3]), "{rate} Hz, {model:?}");
        let click = metrics::click_dbfs(&output[engine.latency() + 20 * step..], rate, 440.0);
        assert!(click < -60.0, "a click of {click:.1} dBFS at {rate} Hz, {model:?}");
    }
}

#[test]
fn at_rest_no_model_runs_and_the_voice_stays_as_it_was() {
    let mut engine = engine(48_000, &Model::rnnoise());
    let mut voice = signals::speechlike(48_000, 48_000, 3);
    let mut before = engine.report();
    for block in voice.chunks_mut(480) {
        before = engine.process_interleaved_f32(block).unwrap();
        if before.voice && before.voice_probability > 0.9 {
            break;
        }
    }
    assert!(before.voice, "speech is taken for speech");
    (0..3).for_each(|_| engine.report_time(LATE, BLOCK));
    let mut noise = signals::noise(4800, 0.1, 5);
    let _fading_out = engine.process_interleaved_f32(&mut noise[..480]).unwrap();
    let held = engine.report();
    for block in noise[480..].chunks_mut(480) {
        let report = engine.process_interleaved_f32(block).unwrap();
        assert_eq!((report.voice, report.voice_probability), (held.voice, held.voice_probability));
        assert_eq!(report.bypass, Some(Bypass::Overload));
    }
    engine.reset();
    assert_eq!((engine.tier(), engine.stats().deadline_misses), (Tier::Full, 0));
}
