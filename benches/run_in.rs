//! How long a stream remembers: the difference, in dBFS, between a run from the start and one that begins later, by the
//! time since that one began. What it shows is why a file is not cut into spans for several cores.
//!
//! `cargo bench -p sourdine-benches --bench run_in`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A bench may stop, and prints its table.

use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_benches::noisy_voice;

const RATE: usize = 48_000;
const SECONDS: usize = 150;

fn run(model: &Model, samples: &[f32]) -> Vec<f32> {
    let format = StreamFormat::new(RATE as u32, 1);
    let mut engine = Engine::new(format, &Settings::default(), model).unwrap();
    engine.warm_up_thread();
    let mut out = samples.to_vec();
    for block in out.chunks_mut(480) {
        engine.process_interleaved_f32(block).unwrap();
    }
    out
}

fn main() {
    let sound = noisy_voice(RATE as u32, 1, SECONDS);
    println!(
        "{:<13} {:>8} {:>8} {:>8} {:>8} {:>8}   peak difference in dBFS after",
        "model", "1 s", "10 s", "30 s", "60 s", "90 s"
    );
    for model in Model::built_in() {
        let whole = run(&model, &sound);
        let mut worst = [0.0_f32; 5];
        for start in (10..60).step_by(10) {
            let late = run(&model, &sound[start * RATE..]);
            for (worst, after) in worst.iter_mut().zip([1, 10, 30, 60, 89]) {
                let at = after * RATE..(after + 1) * RATE;
                let pairs = late[at.clone()].iter().zip(&whole[start * RATE..][at]);
                *worst = pairs.fold(*worst, |most, (a, b)| most.max((a - b).abs()));
            }
        }
        print!("{:<13}", model.info().name);
        worst.iter().for_each(|x| print!(" {:>8.1}", 20.0 * x.log10()));
        println!();
    }
}
