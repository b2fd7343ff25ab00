//! The engine in an audio callback, and its controls on another thread: `cargo run --release --example callback`.
//!
//! A thread plays the sound card: it calls back every 10 ms with a block of 441 frames in stereo.
#![allow(clippy::print_stdout, clippy::disallowed_methods)] // It shows its output, and plays the host: clock and threads are its own.

use std::thread;
use std::time::{Duration, Instant};

use sourdine::{Engine, Model, Settings, StreamFormat};

const RATE: u32 = 44_100;
const CHANNELS: usize = 2;
const BLOCK: usize = 441;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Where the stream is opened: this allocates.
    let format = StreamFormat::new(RATE, CHANNELS).with_fixed_block(BLOCK);
    let mut engine = Engine::new(format, &Settings::default(), &Model::default())?
        .with_light_model(&Model::sourdine_lite())?;
    let controls = engine.controls();
    println!("latency: {:.1} ms", 1000.0 * engine.latency() as f32 / RATE as f32);

    let audio = thread::spawn(move || {
        engine.warm_up_thread();
        let mut noise = 1_u32;
        let mut block = [0.0_f32; CHANNELS * BLOCK];
        for _ in 0..200 {
            for sample in &mut block {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *sample = 0.1 * (noise as f32 / u32::MAX as f32 - 0.5);
            }
            // The callback: no allocation, lock or system call, and no panic.
            let started = Instant::now();
            let _report = engine.process_interleaved_f32(&mut block);
            engine.report_time(started.elapsed(), Duration::from_millis(10));
            thread::sleep(Duration::from_millis(10).saturating_sub(started.elapsed()));
        }
        (engine.report(), engine.stats())
    });

    // Meanwhile, on the thread of the user interface.
    thread::sleep(Duration::from_millis(500));
    controls.set_attenuation_limit_db(18.0)?;
    thread::sleep(Duration::from_millis(500));
    controls.set_model(&Model::sourdine_lite())?;

    let (report, stats) = audio.join().map_err(|_| "the audio thread panicked")?;
    println!("{report:?}\n{stats:?}");
    Ok(())
}
