//! The network against PyTorch's own numbers, layer by layer, for every kernel. The sound and the voice
//! probability, as a user of the crate gets them, are compared in `tests/golden.rs`.

use std::sync::Arc;

use rustfft::num_complex::Complex32;

use super::container::Container;
use super::kernels::Kernels;
use super::network::{Heard, State};
use super::weights::{BANDS, GROUPS, INPUTS, Weights};
use crate::dsp::period::{Search, compare};
use crate::dsp::stft::{Analysis, BINS, PHASES, Stft, Tables};
use crate::signal::MODEL_FRAME;

const WEIGHTS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sourdine.safetensors"));
const GOLDEN: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/golden/sourdine.golden.safetensors"));

/// A stream's way from sound to what the network hears of it.
struct Ear {
    stft: Stft,
    analysis: Analysis,
    search: Search,
    bins: Vec<Complex32>,
    room: Vec<Complex32>,
    power: Vec<f32>,
}

impl Ear {
    fn new() -> Self {
        let stft = Stft::new(Arc::new(Tables::new()));
        let [bins, room] = [0; 2].map(|_| vec![Complex32::default(); BINS]);
        Self { stft, analysis: Analysis::new(), search: Search::new(), bins, room, power: vec![0.0; BINS] }
    }

    fn hear(&mut self, hop: &[f32], edges: &[usize]) -> Heard<'_> {
        self.stft.analyse(&mut self.analysis, hop, &mut self.bins);
        self.power = self.bins.iter().map(Complex32::norm_sqr).collect();
        let mut advances = [Complex32::ZERO; PHASES];
        self.stft.advance(&mut self.analysis, &self.bins, 1.0, &mut advances);
        let period = self.search.period(&mut self.stft, &self.power, &mut self.room);
        self.stft.analyse_earlier(&self.analysis, period.0, &mut self.room);
        let group = |index: usize| edges[4 * index]..edges[4 * index + 4];
        let compared: [_; GROUPS] =
            std::array::from_fn(|g| compare(&self.bins[group(g)], &self.room[group(g)]));
        Heard { power: &self.power, advances, period, compared }
    }
}

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
    let [features, raw, gains, combs, voice] = ["feat", "raw", "gain", "comb", "vad"].map(floats);
    let layers = ["c", "h1", "h2"].map(floats);

    let (mut ear, mut state) = (Ear::new(), State::new(weights));
    let mut worst = [0.0_f32; 5];
    for (t, hop) in input.chunks_exact(MODEL_FRAME).enumerate() {
        if case == "reset" && t == 20 {
            ear = Ear::new();
            state.reset();
        }
        let probability = weights.step(kernels, &ear.hear(hop, &weights.edges), &mut state);
        let bands = BANDS * t..BANDS * (t + 1);
        let (levels, others) = features[INPUTS * t..INPUTS * (t + 1)].split_at(BANDS);
        let normalised: Vec<f32> = (levels.iter().zip(&weights.mean).zip(&weights.rstd))
            .map(|((f, mean), rstd)| (f - mean) * rstd)
            .collect();
        let (got_levels, got_others) = state.inputs.split_at(BANDS);
        worst[0] = worst[0].max(apart(got_levels, &normalised));
        worst[1] = worst[1].max(apart(got_others, others));
        worst[2] = worst[2].max(apart(&state.raw, &raw[bands.clone()]));
        worst[2] = worst[2].max(apart(state.refined().0, &gains[bands]));
        worst[2] = worst[2].max(apart(state.refined().1, &combs[GROUPS * t..GROUPS * (t + 1)]));
        worst[3] = worst[3].max((probability - voice[t]).abs());
        if let Some(k) = at.iter().position(|frame| *frame == t) {
            for (got, expected) in state.layers().chunks_exact(weights.hidden).zip(&layers) {
                worst[4] = worst[4].max(apart(got, &expected[k * weights.hidden..][..weights.hidden]));
            }
        }
    }
    println!("{kernels:?} {case}: levels, other inputs, gains, voice, layers apart by {worst:?}");
    // PyTorch has 24 bits where inputs of dense layers have fifteen here.
    assert!(worst[0] < 1e-5 && worst[1] < 1e-3 && worst[2] < 6e-4 && worst[3] < 1e-4 && worst[4] < 5e-4);
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
    let (mut ear, mut state) = (Ear::new(), State::new(&weights));
    let mut worst = 0.0_f32;
    for (gains, voice) in gains.chunks_exact(BANDS).zip(voice) {
        let mut probability = 0.0;
        for hop in input.chunks_exact(MODEL_FRAME) {
            probability = weights.step(Kernels::detect(), &ear.hear(hop, &weights.edges), &mut state);
        }
        worst = worst.max(apart(state.refined().0, gains)).max((probability - voice).abs());
    }
    println!("gains and voice apart by {worst:.1e}");
    assert!(worst < 5e-4);
}
