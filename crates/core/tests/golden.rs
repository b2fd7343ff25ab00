//! Our own model's sound and voice probability against PyTorch's (`models/FORMAT.md`, golden vectors). The
//! layers in between are compared, for every kernel, beside the network (`src/nn/golden.rs`).
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test may.

use sourdine::{Channels, Model};

const WEIGHTS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sourdine.safetensors"));
const GOLDEN: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/golden/sourdine.golden.safetensors"));

/// The bytes of a tensor in a file that our own trainer has written.
fn tensor(name: &str) -> &'static [u8] {
    let (length, rest) = GOLDEN.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    let header = std::str::from_utf8(header).unwrap();
    let (_, entry) = header.split_once(&format!("\"{name}\":")).unwrap();
    let (_, offsets) = entry.split_once("\"data_offsets\":[").unwrap();
    let (from, to) = offsets.split_once(']').unwrap().0.split_once(',').unwrap();
    &data[from.parse().unwrap()..to.parse().unwrap()]
}

fn floats(name: &str) -> Vec<f32> {
    tensor(name).as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn check(case: &str) {
    let model = Model::from_bytes("golden", WEIGHTS).unwrap();
    let mut denoiser = model.denoiser(1, Channels::Linked);
    let input = tensor(&format!("{case}.in")).as_chunks::<2>().0;
    let input: Vec<f32> = input.iter().map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0).collect();
    let (output, voice) = (floats(&format!("{case}.out")), floats(&format!("{case}.vad")));
    let (mut worst, mut worst_voice) = (0.0_f32, 0.0_f32);
    for (t, (frame, expected)) in input.chunks_exact(480).zip(output.chunks_exact(480)).enumerate() {
        if case == "reset" && t == 20 {
            denoiser.reset();
        }
        let mut got = frame.to_vec();
        let probability = denoiser.process(&mut got);
        assert!(probability.is_finite() && got.iter().all(|x| x.is_finite()), "{case}, frame {t}");
        worst_voice = worst_voice.max((probability - voice[t]).abs());
        for (g, e) in got.iter().zip(expected) {
            worst = worst.max((g - e).abs());
        }
    }
    println!("{case}: {} frames, sound apart by {worst:.1e}, voice by {worst_voice:.1e}", voice.len());
    // The engine's inputs to dense layers have fifteen bits: gains within 2e-4, of a sound at full scale in one case.
    let most = if case == "clipped" { 2e-4 } else { 2e-5 };
    assert!(worst < most && worst_voice < 1e-4, "{case}: {worst:e}, {worst_voice:e}");
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
