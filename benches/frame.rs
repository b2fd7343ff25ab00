//! Microseconds per 10 ms of sound: the whole engine at each rate, beside plain nnnoiseless in the same run.
//!
//! `cargo bench -p sourdine-benches --bench frame`
#![allow(missing_docs, clippy::unwrap_used)] // criterion's macros; a bench may stop.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nnnoiseless::DenoiseState;
use sourdine::{Engine, Model, Settings, StreamFormat, VadParams, VoiceDetector};
use sourdine_benches::noisy_voice;

fn plain_nnnoiseless(c: &mut Criterion) {
    let input: Vec<f32> = noisy_voice(48_000, 1, 10).iter().map(|x| x * 32_768.0).collect();
    let mut frames = input.chunks_exact(480).cycle();
    let (mut state, mut out) = (DenoiseState::new(), [0.0; 480]);
    c.bench_function("plain nnnoiseless, 48 kHz", |b| {
        b.iter(|| state.process_frame(black_box(&mut out), frames.next().unwrap()));
    });
}

fn engine(c: &mut Criterion) {
    for model in Model::built_in() {
        for rate in [8_000, 16_000, 44_100, 48_000, 96_000] {
            run_engine(c, &model, rate, 1);
        }
        run_engine(c, &model, 48_000, 2);
    }
}

fn run_engine(c: &mut Criterion, model: &Model, rate: u32, channels: usize) {
    let frame = rate as usize / 100;
    let format = StreamFormat::new(rate, channels).with_fixed_block(frame);
    let mut engine = Engine::new(format, &Settings::default(), model).unwrap();
    let input = noisy_voice(rate, channels, 10);
    let mut frames = input.chunks_exact(frame * channels).cycle();
    let mut out = vec![0.0; frame * channels];
    let name = format!("engine, {}, {} kHz, {channels} ch", model.info().name, f64::from(rate) / 1000.0);
    c.bench_function(&name, |b| {
        b.iter(|| engine.process_interleaved_f32_into(frames.next().unwrap(), black_box(&mut out)));
    });
}

fn detector(c: &mut Criterion) {
    let input = noisy_voice(48_000, 1, 10);
    let mut frames = input.chunks_exact(480).cycle();
    let mut detector = VoiceDetector::new(StreamFormat::new(48_000, 1), VadParams::HOLDING).unwrap();
    c.bench_function("voice detector, 48 kHz", |b| {
        b.iter(|| detector.process_interleaved_f32(black_box(frames.next().unwrap())));
    });
}

criterion_group!(benches, plain_nnnoiseless, engine, detector);
criterion_main!(benches);
