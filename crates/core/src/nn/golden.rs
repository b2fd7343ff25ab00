//! The network against PyTorch's own numbers, layer by layer, for every kernel. The sound and the voice
//! probability, as a user of the crate gets them, are compared in `tests/golden.rs`.

use std::sync::Arc;

use realfft::num_complex::Complex32;

use super::container::Container;
use super::kernels::Kernels;
use super::network::State;
use super::weights::{BANDS, Weights};
use crate::dsp::stft::{Analysis, BINS, Stft, Tables};
use crate::signal::MODEL_FRAME;

const WEIGHTS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sourdine.safetensors"));
const GOLDEN: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/golden/sourdine.golden.safetensors"));

/// The largest difference.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |most, d| if d <= most { most } else { d })
}

fn check(golden: &Container<'_>, case: &str, weights: &Weights, kernels: Kernels) {
    let floats = |part: &str| {
        let name = format!("{case}.{part}");
        golden.floats(&name, golden.shape(&name)).unwrap()
    };
    let name = format!("{case}.in");
    let input = golden.raw(&name, "I16", golden.shape(&name)).unwrap().as_chunks::<2>().0;
    let input: Vec<f32> = input.iter().map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0).collect();
    let name = format!("{case}.at");
    let at = golden.raw(&name, "I32", golden.shape(&name)).unwrap().as_chunks::<4>().0;
    let at: Vec<usize> = at.iter().map(|b| i32::from_le_bytes(*b) as usize).collect();
    let [features, raw, gains, voice] = ["feat", "raw", "gain", "vad"].map(floats);
    let layers = ["c", "h1", "h2"].map(floats);

    let (mut stft, mut analysis, mut state) =
        (Stft::new(Arc::new(Tables::new())), Analysis::new(), State::new(weights));
    let mut bins = vec![Complex32::default(); BINS];
    let mut worst = [0.0_f32; 4];
    for (t, hop) in input.chunks_exact(MODEL_FRAME).enumerate() {
        if case == "reset" && t == 20 {
            analysis.reset();
            state.reset();
        }
        stft.analyse(&mut analysis, hop, &mut bins);
        let power: Vec<f32> = bins.iter().map(|x| x.norm_sqr()).collect();
        let probability = weights.step(kernels, &power, &mut state);
        let bands = BANDS * t..BANDS * (t + 1);
        let normalised: Vec<f32> = (features[bands.clone()].iter().zip(&weights.mean).zip(&weights.rstd))
            .map(|((f, mean), rstd)| (f - mean) * rstd)
            .collect();
        worst[0] = worst[0].max(apart(state.near(), &normalised));
        worst[1] = worst[1].max(apart(&state.raw, &raw[bands.clone()]));
        worst[1] = worst[1].max(apart(&state.gains, &gains[bands]));
        worst[2] = worst[2].max((probability - voice[t]).abs());
        if let Some(k) = at.iter().position(|frame| *frame == t) {
            for (got, expected) in state.layers.chunks_exact(weights.hidden).zip(&layers) {
                worst[3] = worst[3].max(apart(got, &expected[k * weights.hidden..][..weights.hidden]));
            }
        }
    }
    println!("{kernels:?} {case}: features, gains, voice, layers apart by {worst:?}");
    // PyTorch has 24 bits where inputs of dense layers have fifteen here.
    assert!(worst[0] < 1e-5 && worst[1] < 2e-4 && worst[2] < 1e-4 && worst[3] < 5e-4);
}

#[test]
fn every_layer_matches_pytorch() {
    let (golden, weights) = (Container::parse(GOLDEN).unwrap(), Weights::parse(WEIGHTS).unwrap());
    for case in golden.text("cases").unwrap().split(',') {
        for kernels in Kernels::available() {
            check(&golden, case, &weights, kernels);
        }
    }
}

/// For a minute the first case over and over, without a reset: the error does not grow.
#[test]
fn a_minute_later_it_still_matches() {
    let (golden, weights) = (Container::parse(GOLDEN).unwrap(), Weights::parse(WEIGHTS).unwrap());
    let floats = |name: &str| golden.floats(name, golden.shape(name)).unwrap();
    let (gains, voice) = (floats("minute.gain"), floats("minute.vad"));
    let input = golden.raw("speech.in", "I16", golden.shape("speech.in")).unwrap().as_chunks::<2>().0;
    let input: Vec<f32> = input.iter().map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0).collect();
    let (mut stft, mut analysis, mut state) =
        (Stft::new(Arc::new(Tables::new())), Analysis::new(), State::new(&weights));
    let mut bins = vec![Complex32::default(); BINS];
    let mut worst = 0.0_f32;
    for (gains, voice) in gains.chunks_exact(BANDS).zip(voice) {
        let mut probability = 0.0;
        for hop in input.chunks_exact(MODEL_FRAME) {
            stft.analyse(&mut analysis, hop, &mut bins);
            let power: Vec<f32> = bins.iter().map(|x| x.norm_sqr()).collect();
            probability = weights.step(Kernels::detect(), &power, &mut state);
        }
        worst = worst.max(apart(&state.gains, gains)).max((probability - voice).abs());
    }
    println!("gains and voice apart by {worst:.1e}");
    assert!(worst < 2e-4);
}
