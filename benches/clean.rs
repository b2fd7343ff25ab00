//! `sourdine clean` on a 10-minute file against the engine alone on the same samples: what reading, writing and
//! everything else cost.
//!
//! `cargo bench -p sourdine-benches --bench clean`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A bench may stop, and prints its table.

use std::process::Command;
use std::time::Instant;

use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_benches::noisy_voice;

const MINUTES: usize = 10;

fn main() {
    let built = Command::new("cargo").args(["build", "--release", "--quiet", "-p", "sourdine-cli"]).status();
    assert!(built.unwrap().success(), "sourdine builds");
    // This program is target/release/deps/clean-…; the binary lies two folders up.
    let me = std::env::current_exe().unwrap();
    let binary = me.ancestors().nth(2).unwrap().join("sourdine");

    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("long.wav"), folder.path().join("out.wav"));
    let minute = noisy_voice(48_000, 1, 60);
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for x in minute.iter().cycle().take(minute.len() * MINUTES) {
        writer.write_sample((x * 32_767.0) as i16).unwrap();
    }
    writer.finalize().unwrap();

    // Turn and turn about, the best of three each: the machine's noise only ever adds.
    let (mut engine_best, mut clean_best) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..3 {
        let mut engine =
            Engine::new(StreamFormat::new(48_000, 1), &Settings::default(), &Model::rnnoise()).unwrap();
        let mut samples: Vec<f32> = minute.iter().copied().cycle().take(minute.len() * MINUTES).collect();
        let start = Instant::now();
        for block in samples.chunks_mut(480) {
            engine.process_interleaved_f32(block).unwrap();
        }
        engine_best = engine_best.min(start.elapsed().as_secs_f64());

        let start = Instant::now();
        let run = Command::new(&binary)
            .args(["clean", "--quiet", "--force", "--model", "rnnoise"])
            .arg(&path)
            .arg("-o")
            .arg(&out)
            .status();
        assert!(run.unwrap().success());
        clean_best = clean_best.min(start.elapsed().as_secs_f64());
    }
    let seconds = (MINUTES * 60) as f64;
    println!("10 minutes of 48 kHz mono, best of 3");
    println!("engine alone    {engine_best:>6.2} s   {:>5.0} times real time", seconds / engine_best);
    println!("sourdine clean  {clean_best:>6.2} s   {:>5.0} times real time", seconds / clean_best);
    println!("clean / engine  {:>6.2}", engine_best / clean_best);
}
