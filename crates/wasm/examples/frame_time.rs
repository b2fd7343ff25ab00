//! The native time of a frame of 10 ms: `frame_time MODEL SOUND FRAMES`. SOUND holds 48 kHz mono samples as raw `f32`, which are
//! repeated. Prints the minimum and the median in microseconds. `web/bench.mjs` runs it.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that takes times and prints them"
)]

use std::error::Error;
use std::time::Instant;

use sourdine::{Engine, Model, Settings, StreamFormat};

const FRAME: usize = 480;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, sound, frames] = &arguments[..] else {
        return Err("usage: frame_time MODEL SOUND FRAMES".into());
    };
    let model = Model::from_bytes(model, &std::fs::read(model)?)?;
    let sound = std::fs::read(sound)?;
    let sound: Vec<f32> = sound.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let frames: usize = frames.parse()?;

    let format = StreamFormat::new(48_000, 1).with_fixed_block(FRAME);
    let mut engine = Engine::new(format, &Settings::default(), &model)?;
    let mut times = Vec::with_capacity(frames);
    for frame in sound.as_chunks::<FRAME>().0.iter().cycle().take(frames) {
        let mut frame = *frame;
        let before = Instant::now();
        engine.process_planar_f32(&mut [&mut frame])?;
        times.push(before.elapsed());
    }
    times.sort();
    let [minimum, median] = [0, times.len() / 2].map(|at| times.get(at).copied().unwrap_or_default());
    println!("{} {}", minimum.as_secs_f64() * 1e6, median.as_secs_f64() * 1e6);
    Ok(())
}
