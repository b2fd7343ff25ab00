//! Many streams on one core: microseconds to make one, per stream and 10 ms, bytes per stream, and how many fit in real
//! time.
//!
//! `cargo bench -p sourdine-benches --bench streams`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A bench may stop, and prints its table.

use std::time::{Duration, Instant};

use sourdine::{Engine, Model, Settings, StreamFormat, VadParams, VoiceDetector};
use sourdine_benches::noisy_voice;
use sourdine_testkit::alloc::{CountingAllocator, held};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() {
    let input = noisy_voice(48_000, 1, 4);
    let format = StreamFormat::new(48_000, 1).with_fixed_block(480);
    println!(
        "{:<24} {:>8} {:>12} {:>14} {:>16} {:>14}",
        "48 kHz mono", "streams", "us to make", "us per 10 ms", "bytes a stream", "streams/core"
    );
    for model in Model::built_in() {
        for count in [1, 4, 16, 64, 256] {
            let start = Instant::now();
            let (bytes, mut engines) = held(|| {
                (0..count)
                    .map(|_| Engine::new(format, &Settings::default(), &model).unwrap())
                    .collect::<Vec<_>>()
            });
            let make = start.elapsed();
            let mut block = [0.0; 480];
            let us = time(&input, count, |k, frame| {
                engines[k].process_interleaved_f32_into(frame, &mut block).unwrap();
            });
            row(&model.info().name, count, make, us, bytes);
        }
    }
    for count in [1, 16, 256] {
        let start = Instant::now();
        let (bytes, mut detectors) = held(|| {
            (0..count)
                .map(|_| VoiceDetector::new(StreamFormat::new(48_000, 1), VadParams::HOLDING).unwrap())
                .collect::<Vec<_>>()
        });
        let make = start.elapsed();
        let us = time(&input, count, |k, frame| {
            detectors[k].process_interleaved_f32(frame).unwrap();
        });
        row("voice detector", count, make, us, bytes);
    }
}

/// Mean microseconds per frame and stream; every stream gets the same frame before the next one comes.
fn time(input: &[f32], count: usize, mut process: impl FnMut(usize, &[f32])) -> f64 {
    let frames: Vec<&[f32]> = input.chunks_exact(480).take((40_000 / count).clamp(40, 400)).collect();
    for k in 0..count {
        process(k, frames[0]);
    }
    let start = Instant::now();
    for frame in &frames {
        for k in 0..count {
            process(k, frame);
        }
    }
    start.elapsed().as_secs_f64() * 1e6 / (frames.len() * count) as f64
}

fn row(name: &str, count: usize, make: Duration, us: f64, bytes: i64) {
    let make = make.as_secs_f64() * 1e6 / count as f64;
    let bytes = bytes / count as i64;
    println!("{name:<24} {count:>8} {make:>12.1} {us:>14.1} {bytes:>16} {:>14.0}", 10_000.0 / us);
}
