//! The network against PyTorch's own numbers, layer by layer, for every kernel and both sizes. The sound and the voice
//! probability, as a user of the crate gets them, are compared in `tests/golden.rs`.

mod vectors;

use vectors::{CASES, Golden, RESET};

use super::features::FEATURES;
use super::weights::{BANDS, FILTERED, GROUPS, TAPS};
use super::{Denoiser, Sourdine, State};
use crate::models::FrameDenoiser;
use crate::nn::kernels::Kernels;
use crate::settings::Channels;
use crate::signal::MODEL_FRAME;

macro_rules! model {
    ($name:literal) => {
        (
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/", $name, ".safetensors")),
            Golden(include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/models/golden/",
                $name,
                ".golden.safetensors"
            ))),
        )
    };
}

const MODELS: [(&[u8], Golden); 2] = [model!("sourdine"), model!("sourdine-lite")];

fn model(weights: &[u8], kernels: Kernels) -> Sourdine {
    Sourdine { kernels, ..Sourdine::from_bytes("golden", weights).unwrap() }
}

fn mono(model: &Sourdine) -> Denoiser {
    Denoiser::new(model, 1, Channels::Linked)
}

/// Returns the voice probability.
fn step(denoiser: &mut Denoiser, hop: &[f32]) -> f32 {
    denoiser.process(&mut hop.to_vec())
}

/// The largest difference.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |most, d| if d <= most { most } else { d })
}

/// The filter's coefficients in the order of the golden vectors: bin, tap, part.
fn coefficients(state: &State) -> Vec<f32> {
    let filter = state.mask().filter;
    let parts = (0..FILTERED).flat_map(|bin| (0..2 * TAPS).map(move |part| (bin, part)));
    parts.map(|(bin, part)| filter[bin / 4][4 * part + bin % 4]).collect()
}

fn check(golden: &Golden, case: &str, model: &Sourdine) {
    let floats = |part: &str| golden.floats(&format!("{case}.{part}"));
    let [features, raw, gains, filter, pitch, voice] =
        ["feat", "raw", "gain", "filter", "pitch", "vad"].map(floats);
    let layers = ["c", "h1", "h2"].map(floats);
    let frames = golden.frames(case);
    let Sourdine { kernels, weights, .. } = model;
    let mut denoiser = mono(model);
    let (mut worst, mut compared) = ([0.0_f32; 7], 0);
    for (t, hop) in golden.input(case).chunks_exact(MODEL_FRAME).enumerate() {
        if case == "reset" && t == RESET {
            denoiser.reset();
        }
        let probability = step(&mut denoiser, hop);
        let Some(k) = frames.iter().position(|frame| *frame == t) else { continue };
        let row = |of: &[f32], width: usize| of[k * width..(k + 1) * width].to_vec();
        let state = &denoiser.groups[0].state;
        let expected = row(&features, FEATURES);
        let (levels, others) = expected.split_at(BANDS);
        let (got_levels, got_others) = denoiser.analyser.features.values.split_at(BANDS);
        let got_levels: Vec<f32> = (got_levels.iter().zip(&weights.mean).zip(&weights.rstd))
            .map(|((x, mean), rstd)| x / rstd + mean)
            .collect();
        let each = state.layers.chunks_exact(weights.hidden).zip(&layers);
        let layers = each.map(|(got, expected)| apart(got, &row(expected, weights.hidden)));
        let mask = state.mask();
        let now = [
            apart(&got_levels, levels),
            apart(got_others, others),
            layers.fold(0.0, f32::max),
            apart(&state.raw, &row(&raw, BANDS)).max(apart(mask.gains, &row(&gains, BANDS))),
            apart(&coefficients(state), &row(&filter, FILTERED * TAPS * 2)),
            apart(mask.pitch, &row(&pitch, GROUPS)),
            (probability - voice[k]).abs(),
        ];
        assert!(now.iter().all(|apart| apart.is_finite()), "{case}, frame {t}: {now:?}");
        worst = std::array::from_fn(|i| worst[i].max(now[i]));
        compared += 1;
    }
    assert_eq!(compared, frames.len());
    println!(
        "{kernels:?} {case}: levels, other features, layers, gains, filter, pitch, voice apart by {worst:?}"
    );
    // PyTorch has 24 bits where inputs of dense layers have fifteen here. A level is as exact as its band is loud: in `white`
    // there is one bin 50 dB below its neighbours, where PyTorch itself is 2.5e-5 from what is exact, and this 1.2e-5 from
    // PyTorch; else levels agree to 2e-6.
    let most = [2e-5, 1e-3, 5e-4, 6e-4, 6e-4, 6e-4, 1e-4];
    assert!(worst.iter().zip(most).all(|(worst, most)| *worst < most), "{case}: {worst:?}");
}

#[test]
fn every_layer_matches_pytorch() {
    for (weights, golden) in MODELS {
        for kernels in Kernels::available() {
            let model = model(weights, kernels);
            CASES.iter().for_each(|case| check(&golden, case, &model));
        }
    }
}

/// For 48 seconds the first case over and over, without a reset: the error does not grow.
#[test]
fn repeated_sound_still_matches() {
    for (weights, golden) in MODELS {
        let (gains, voice) = (golden.floats("repeated.gain"), golden.floats("repeated.vad"));
        let frames = golden.frames("repeated");
        let mut denoiser = mono(&model(weights, Kernels::detect()));
        let (mut worst, mut compared) = (0.0_f32, 0);
        for (t, hop) in golden.input("repeated").chunks_exact(MODEL_FRAME).enumerate() {
            let probability = step(&mut denoiser, hop);
            if let Some(k) = frames.iter().position(|frame| *frame == t) {
                worst = worst
                    .max(apart(denoiser.groups[0].state.mask().gains, &gains[k * BANDS..(k + 1) * BANDS]));
                worst = worst.max((probability - voice[k]).abs());
                compared += 1;
            }
        }
        println!("gains and voice apart by {worst:.1e}");
        assert!(worst < 6e-4 && compared == frames.len());
    }
}
