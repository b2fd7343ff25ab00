//! Our own models: a small recurrent network (`models/FORMAT.md`) that turns features of 136 bands into 136 gains, a
//! complex filter for the lowest 32 bins and a voice probability, run by [`crate::nn`].
//!
//! [`features`] analyses a frame, [`network`] and [`postfilter`] make a [`mask`] of it, and the masked spectra are
//! synthesised here.
//!
//! * The delay is 480 samples, in every arrangement of channels: the network gives its mask, so one mask for
//!   all channels adds no delay.
//! * Linked channels are analysed by the mean of their powers (and of all other products), not by the power of
//!   their mean: channels can cancel in that, and it contains less noise than the channels that the mask is then
//!   applied to. One filter serves all, on each channel's own spectra. Two equal channels give the mask of one.
//! * The bands reach to 24 kHz, so nothing special happens above 20 kHz: the last band has a gain like any.
//! * After half a second of digital silence the network rests, its state as it is, until a sample differs
//!   from zero. The output is the same zeros.
//! * Transforms are planned when the model is made, on whatever thread: nothing is left for the first frame.

mod features;
#[cfg(test)]
mod golden;
mod mask;
mod network;
mod pitch;
mod postfilter;
mod weights;

use std::sync::Arc;

use super::{FrameDenoiser, ModelInfo, ModelSource};
use crate::dsp::stft::Synthesis;
use crate::error::ModelError;
use crate::nn::kernels::{Kernels, Loops};
use crate::settings::Channels;
use crate::signal::MODEL_FRAME;
use features::{Analyser, BINS, Plan, SignalHistory};
use network::State;
use weights::Weights;

/// Silent frames after which the network rests. The transforms' history is empty after five.
const REST_AFTER: u32 = 50;

#[derive(Clone)]
pub(super) struct Sourdine {
    name: String,
    weights: Arc<Weights>,
    kernels: Kernels,
    plan: Arc<Plan>,
}

/// The weights trained for this project, in two sizes.
const WEIGHTS: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/sourdine.safetensors"));
const LITE_WEIGHTS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/sourdine-lite.safetensors"));

impl Sourdine {
    pub(super) fn built_in() -> Self {
        Self::from_bytes("sourdine", WEIGHTS).expect("the tests read these very bytes")
    }

    pub(super) fn lite() -> Self {
        Self::from_bytes("sourdine-lite", LITE_WEIGHTS).expect("the tests read these very bytes")
    }

    pub(super) fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        let weights = Arc::new(Weights::parse(bytes)?);
        Ok(Self { name: name.into(), weights, kernels: Kernels::detect(), plan: Arc::new(Plan::new()) })
    }

    /// Memory of one mono stream, in bytes.
    fn state_bytes(&self) -> usize {
        size_of::<Denoiser>() + Denoiser::new(self, 1, Channels::Linked).heap_bytes()
    }
}

impl ModelSource for Sourdine {
    fn info(&self) -> ModelInfo {
        let hours = &self.weights.hours;
        ModelInfo {
            name: self.name.clone(),
            description: format!("Sourdine's own network, trained on {hours} hours of audio"),
            latency: MODEL_FRAME,
            linked_latency: MODEL_FRAME,
            weight_bytes: self.weights.bytes(),
            state_bytes: self.state_bytes(),
            multiplications: self.weights.multiplications(),
            licence: self.weights.licence.clone(),
        }
    }

    fn denoiser(&self, channels: usize, mode: Channels) -> Box<dyn FrameDenoiser> {
        Box::new(Denoiser::new(self, channels, mode))
    }
}

/// The channels of a stream, in groups that share a mask.
struct Denoiser {
    weights: Arc<Weights>,
    kernels: Kernels,
    analyser: Analyser,
    groups: Vec<ChannelGroup>,
}

/// Channels under one mask.
struct ChannelGroup {
    history: SignalHistory,
    state: State,
    syntheses: Vec<Synthesis>,
    /// Frames of digital silence in a row, up to [`REST_AFTER`].
    silent: u32,
}

impl ChannelGroup {
    fn new(channels: usize, weights: &Weights) -> Self {
        Self {
            history: SignalHistory::new(channels),
            state: State::new(weights),
            syntheses: std::iter::repeat_with(Synthesis::new).take(channels).collect(),
            silent: 0,
        }
    }

    /// Counts silent frames. Returns whether there have been enough of them to rest.
    fn rests(&mut self, frames: &[f32]) -> bool {
        if frames.iter().any(|x| *x != 0.0) {
            self.silent = 0;
        } else if self.silent < REST_AFTER {
            self.silent += 1;
        } else {
            return true;
        }
        false
    }

    fn reset(&mut self) {
        self.history.reset();
        self.state.reset();
        self.syntheses.iter_mut().for_each(Synthesis::reset);
        self.silent = 0;
    }

    /// Memory beyond its own size, in bytes.
    fn heap_bytes(&self) -> usize {
        self.history.heap_bytes() + self.state.heap_bytes() + size_of_val(&self.syntheses[..])
    }
}

impl Denoiser {
    fn new(source: &Sourdine, channels: usize, mode: Channels) -> Self {
        let (groups, each) = match mode {
            Channels::Linked => (1, channels),
            Channels::Separate => (channels, 1),
        };
        Self {
            kernels: source.kernels,
            analyser: Analyser::new(source.plan.clone(), each),
            groups: (0..groups).map(|_| ChannelGroup::new(each, &source.weights)).collect(),
            weights: source.weights.clone(),
        }
    }

    /// Denoises one group's frames in place. Returns the voice probability.
    fn run(&mut self, index: usize, frames: &mut [f32]) -> f32 {
        if self.groups.get_mut(index).is_none_or(|group| group.rests(frames)) {
            frames.fill(0.0);
            return 0.0;
        }
        self.kernels.run(Frame { denoiser: self, index, frames })
    }

    /// Memory beyond its own size, the weights and the plan, in bytes.
    fn heap_bytes(&self) -> usize {
        let groups: usize = self.groups.iter().map(ChannelGroup::heap_bytes).sum();
        size_of_val(&self.groups[..]) + groups + self.analyser.heap_bytes()
    }
}

/// One frame of one group of channels.
struct Frame<'a> {
    denoiser: &'a mut Denoiser,
    index: usize,
    frames: &'a mut [f32],
}

impl Loops for Frame<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        let Denoiser { weights, kernels, analyser, groups } = self.denoiser;
        let Some(ChannelGroup { history, state, syntheses, .. }) = groups.get_mut(self.index) else {
            return 0.0;
        };
        analyser.run(weights, *kernels, history, self.frames);
        let probability = weights.forward(*kernels, &analyser.features, state);
        let mask = state.mask();
        let spectra = analyser.spectra.chunks_exact_mut(BINS).zip(analyser.delayed.chunks_exact(BINS));
        let each = history.channels.iter().zip(syntheses).zip(self.frames.chunks_exact_mut(MODEL_FRAME));
        for (((channel, synthesis), frame), (spectrum, delayed)) in each.zip(spectra) {
            mask.apply(&weights.edges, &channel.rotated, delayed, spectrum);
            analyser.stft.synthesise(synthesis, spectrum, frame);
        }
        probability
    }
}

impl FrameDenoiser for Denoiser {
    fn latency(&self) -> usize {
        MODEL_FRAME
    }

    fn process(&mut self, frame: &mut [f32]) -> f32 {
        let len = self.analyser.spectra.len() / BINS * MODEL_FRAME;
        let groups = frame.chunks_exact_mut(len).enumerate();
        // Not `f32::max`: it would hide a NaN.
        groups.fold(0.0, |most, (index, frames)| {
            let probability = self.run(index, frames);
            if probability <= most { most } else { probability }
        })
    }

    /// Unlike other models', free of allocation.
    fn reset(&mut self) {
        self.groups.iter_mut().for_each(ChannelGroup::reset);
    }

    fn recover(&mut self) -> bool {
        self.reset();
        true
    }
}
