//! Our own models' sound and voice probability against PyTorch's (`models/FORMAT.md`, golden vectors). The
//! layers in between are compared, for every kernel, beside the network (`src/nn/golden.rs`).
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test may.

#[path = "../src/models/sourdine/golden/vectors.rs"]
mod vectors;

use sourdine::{Channels, Model};
use vectors::{Golden, RESET};

macro_rules! golden {
    ($name:literal) => {
        Golden(include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/models/golden/",
            $name,
            ".golden.safetensors"
        )))
    };
}

fn check(case: &str) {
    for (model, golden) in
        [(Model::sourdine(), golden!("sourdine")), (Model::sourdine_lite(), golden!("sourdine-lite"))]
    {
        let mut denoiser = model.denoiser(1, Channels::Linked);
        let (frames, voice) = (golden.frames(case), golden.floats(&format!("{case}.vad")));
        // Of the long case there are gains in its place, compared beside the network.
        let output = if case == "repeated" { Vec::new() } else { golden.floats(&format!("{case}.out")) };
        let (mut worst, mut worst_voice, mut compared) = (0.0_f32, 0.0_f32, 0);
        for (t, frame) in golden.input(case).chunks_exact(480).enumerate() {
            if case == "reset" && t == RESET {
                denoiser.reset();
            }
            let mut got = frame.to_vec();
            let probability = denoiser.process(&mut got);
            assert!(probability.is_finite() && got.iter().all(|x| x.is_finite()), "{case}, frame {t}");
            let Some(k) = frames.iter().position(|frame| *frame == t) else { continue };
            worst_voice = worst_voice.max((probability - voice[k]).abs());
            let expected = output.chunks_exact(480).nth(k).unwrap_or(&[]);
            worst = got.iter().zip(expected).fold(worst, |worst, (g, e)| worst.max((g - e).abs()));
            compared += 1;
        }
        let name = model.info().name;
        println!("{name}, {case}: sound apart by {worst:.1e}, voice by {worst_voice:.1e}");
        // The engine's inputs to dense layers have fifteen bits: gains within 2e-4, of a sound at full scale in one case.
        let most = if case == "clipped" { 2e-4 } else { 2e-5 };
        assert!(worst < most && worst_voice < 1e-4, "{name}, {case}: {worst:e}, {worst_voice:e}");
        assert_eq!(compared, frames.len());
    }
}

#[test]
fn speech() {
    check("speech");
}

#[test]
fn silence() {
    check("silence");
}

#[test]
fn clipped() {
    check("clipped");
}

#[test]
fn white_noise() {
    check("white");
}

#[test]
fn reset_in_the_middle() {
    check("reset");
}

#[test]
fn repeated() {
    check("repeated");
}
