//! What `sourdine clean` costs beside the engine: on one file of 10 minutes, and on 1000 files of one second, by one job
//! and by two.
//!
//! `cargo bench -p sourdine-benches --bench clean`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A bench may stop, and prints its table.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_benches::noisy_voice;

const RATE: usize = 48_000;
const MINUTES: usize = 10;
const FILES: usize = 1000;
const ROUNDS: usize = 3;

fn main() {
    let built = Command::new("cargo").args(["build", "--release", "--quiet", "-p", "sourdine-cli"]).status();
    assert!(built.unwrap().success(), "sourdine builds");
    // This program is target/release/deps/clean-…; the binary lies two folders up.
    let me = std::env::current_exe().unwrap();
    let binary = me.ancestors().nth(2).unwrap().join("sourdine");
    let folder = tempfile::tempdir().unwrap();
    let minute = noisy_voice(RATE as u32, 1, 60);
    one_long_file(&binary, folder.path(), &minute);
    many_short_files(&binary, folder.path(), &minute);
}

/// Turn and turn about, the best of three each: the machine's noise only ever adds.
fn one_long_file(binary: &Path, folder: &Path, minute: &[f32]) {
    let path = folder.join("long.wav");
    let samples: Vec<f32> = minute.iter().copied().cycle().take(minute.len() * MINUTES).collect();
    write(&path, &samples);
    let (mut engine_best, mut clean_best) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let format = StreamFormat::new(RATE as u32, 1);
        let mut engine = Engine::new(format, &Settings::default(), &Model::rnnoise()).unwrap();
        let mut samples = samples.clone();
        let start = Instant::now();
        for block in samples.chunks_mut(480) {
            engine.process_interleaved_f32(block).unwrap();
        }
        engine_best = engine_best.min(start.elapsed().as_secs_f64());
        clean_best = clean_best.min(clean(binary, "rnnoise", 1, &path, &folder.join("out.wav")));
    }
    let seconds = (MINUTES * 60) as f64;
    println!("{MINUTES} minutes of 48 kHz mono, best of {ROUNDS}");
    println!("engine alone    {engine_best:>6.2} s   {:>5.0} times real time", seconds / engine_best);
    println!("sourdine clean  {clean_best:>6.2} s   {:>5.0} times real time", seconds / clean_best);
    println!("clean / engine  {:>6.2}\n", engine_best / clean_best);
}

/// The same sound as short files and as one: what a file costs beyond its denoising, and what a second job gains.
fn many_short_files(binary: &Path, folder: &Path, minute: &[f32]) {
    let (inputs, outputs) = (folder.join("short"), folder.join("cleaned"));
    fs::create_dir(&inputs).unwrap();
    let seconds: Vec<&[f32]> = minute.chunks(RATE).cycle().take(FILES).collect();
    for (i, second) in seconds.iter().enumerate() {
        write(&inputs.join(format!("{i:04}.wav")), second);
    }
    let joined = folder.join("joined.wav");
    write(&joined, &seconds.concat());
    println!("{FILES} files of 1 s, best of {ROUNDS}");
    println!(
        "{:<10}{:>12}{:>10}{:>10}{:>10}{:>16}",
        "model", "as one file", "1 job", "2 jobs", "gain", "over per file"
    );
    for model in ["rnnoise", "sourdine"] {
        let (mut one_file, mut jobs) = (f64::INFINITY, [f64::INFINITY; 2]);
        for _ in 0..ROUNDS {
            one_file = one_file.min(clean(binary, model, 1, &joined, &folder.join("out.wav")));
            for (best, count) in jobs.iter_mut().zip([1, 2]) {
                if outputs.exists() {
                    fs::remove_dir_all(&outputs).unwrap();
                }
                *best = best.min(clean(binary, model, count, &inputs, &outputs));
            }
        }
        let over = (jobs[0] - one_file) * 1e3 / FILES as f64;
        let gain = jobs[0] / jobs[1];
        println!(
            "{model:<10}{one_file:>10.2} s{:>8.2} s{:>8.2} s{gain:>8.2} x{over:>13.2} ms",
            jobs[0], jobs[1]
        );
    }
}

/// Runs the tool; seconds.
fn clean(binary: &Path, model: &str, jobs: usize, input: &Path, output: &Path) -> f64 {
    let start = Instant::now();
    let run = Command::new(binary)
        .args(["clean", "--quiet", "--force", "--model", model, "--jobs", &jobs.to_string()])
        .arg(input)
        .arg("-o")
        .arg(output)
        .status();
    assert!(run.unwrap().success());
    start.elapsed().as_secs_f64()
}

fn write(path: &Path, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for x in samples {
        writer.write_sample((x * 32_767.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}
