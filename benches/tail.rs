//! The tail that a mean hides: p50, p99, p99.9 and the maximum over 100 000 frames, and the ratio of the medians
//! to plain nnnoiseless. The candidates take turns frame by frame, so that whatever else the machine does falls
//! on all of them.
//!
//! `cargo bench -p sourdine-benches --bench tail [-- FRAMES]`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A bench may stop, and prints its table.

use std::time::Instant;

use nnnoiseless::DenoiseState;
use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_benches::{noisy_voice, percentile};

/// One who takes a turn: its name and what it does with the k-th frame.
struct Candidate {
    name: String,
    turn: Box<dyn FnMut(usize)>,
    times: Vec<f64>,
}

fn nnnoiseless() -> Candidate {
    let input: Vec<f32> = noisy_voice(48_000, 1, 20).iter().map(|x| x * 32_768.0).collect();
    let (mut state, mut out) = (DenoiseState::new(), [0.0; 480]);
    let turn = move |k: usize| {
        let frames = input.len() / 480;
        state.process_frame(&mut out, &input[k % frames * 480..][..480]);
    };
    Candidate { name: "plain nnnoiseless, 48 kHz".into(), turn: Box::new(turn), times: Vec::new() }
}

fn engine(model: &Model, rate: u32) -> Candidate {
    let frame = rate as usize / 100;
    let input = noisy_voice(rate, 1, 20);
    let format = StreamFormat::new(rate, 1).with_fixed_block(frame);
    let mut engine = Engine::new(format, &Settings::default(), model).unwrap();
    let mut block = vec![0.0; frame];
    let turn = move |k: usize| {
        let frames = input.len() / frame;
        engine.process_interleaved_f32_into(&input[k % frames * frame..][..frame], &mut block).unwrap();
    };
    let name = format!("engine, {}, {} kHz", model.info().name, f64::from(rate) / 1000.0);
    Candidate { name, turn: Box::new(turn), times: Vec::new() }
}

fn main() {
    let frames = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(100_000);
    let mut candidates = vec![nnnoiseless()];
    for model in Model::built_in() {
        for rate in [48_000, 44_100, 16_000] {
            candidates.push(engine(&model, rate));
        }
    }
    for k in 0..frames + 200 {
        for candidate in &mut candidates {
            let start = Instant::now();
            (candidate.turn)(k);
            candidate.times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    println!("microseconds per 10 ms frame over {frames} frames, taking turns");
    println!("{:<32} {:>8} {:>8} {:>8} {:>9} {:>7}", "", "p50", "p99", "p99.9", "max", "ratio");
    let mut plain = None;
    for candidate in &mut candidates {
        let times = &mut candidate.times[200..]; // caches and plans are warm by then
        times.sort_by(f64::total_cmp);
        let p50 = percentile(times, 0.5);
        let plain = *plain.get_or_insert(p50);
        println!(
            "{:<32} {p50:>8.1} {:>8.1} {:>8.1} {:>9.1} {:>7.3}",
            candidate.name,
            percentile(times, 0.99),
            percentile(times, 0.999),
            times.last().unwrap(),
            p50 / plain
        );
    }
}
