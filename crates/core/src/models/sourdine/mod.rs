//! Our own models: a small recurrent network (`models/FORMAT.md`) that turns features of 136 bands into 136 gains, a
//! complex filter for the lowest 32 bins and a voice probability, run by [`crate::nn`].
//!
//! * The delay is 480 samples, in every arrangement of channels: the network gives its mask, so one mask for
//!   all channels costs nothing on top.
//! * Linked channels are heard as the mean of their powers (and of all other products), not as the power of
//!   their mean: that can cancel, and it shows less noise than the channels have, which the mask is then
//!   applied to. One filter serves all, on each channel's own spectra. Two equal channels give what one gives.
//! * The bands reach to 24 kHz, so nothing special happens above 20 kHz: the last band has a gain like any.
//! * After half a second of digital silence the network rests, its state as it is, until a sample differs
//!   from zero. What comes out is the same zeros.
//! * Transforms are planned when the denoiser is made, on whatever thread: nothing is left for the first frame.

#[cfg(test)]
mod golden;
mod network;
mod postfilter;
mod weights;

use std::sync::Arc;

use rustfft::num_complex::Complex32;

use super::{FrameDenoiser, ModelInfo, ModelSource};
use crate::dsp::period::{Search, compare};
use crate::dsp::stft::{Analysis, BINS, PHASES, Stft, Synthesis, Tables};
use crate::error::ModelError;
use crate::nn::kernels::{Kernels, Loops};
use crate::settings::Channels;
use crate::signal::MODEL_FRAME;
use network::{Mask, Measured, State};
use weights::{FILTERED, FILTERED_GROUPS, GROUPS, Weights};

/// After so many silent frames the network rests. The transforms' memory is empty after five.
const REST_AFTER: u32 = 50;

#[derive(Clone)]
pub(super) struct Sourdine {
    name: String,
    weights: Arc<Weights>,
    kernels: Kernels,
    tables: Arc<Tables>,
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
        Ok(Self { name: name.into(), weights, kernels: Kernels::detect(), tables: Arc::new(Tables::new()) })
    }

    /// Bytes that one mono stream keeps.
    fn state_bytes(&self) -> usize {
        size_of::<Stream>()
            + size_of::<Group>()
            + size_of::<Channel>()
            + BINS * (2 * size_of::<Complex32>() + size_of::<f32>())
            + Stft::new(self.tables.clone()).bytes()
            + State::new(&self.weights).elsewhere()
    }
}

impl ModelSource for Sourdine {
    fn info(&self) -> ModelInfo {
        let hours = &self.weights.hours;
        ModelInfo {
            name: self.name.clone(),
            description: format!("Sourdine's own network, trained for {hours} hours of sound"),
            latency: MODEL_FRAME,
            linked_latency: MODEL_FRAME,
            weight_bytes: self.weights.bytes(),
            state_bytes: self.state_bytes(),
            multiplications: self.weights.multiplications(),
            licence: self.weights.licence.clone(),
        }
    }

    fn denoiser(&self, channels: usize, mode: Channels) -> Box<dyn FrameDenoiser> {
        Box::new(Stream::new(self, channels, mode))
    }
}

/// The channels of a stream, in groups of one mask each.
struct Stream {
    weights: Arc<Weights>,
    kernels: Kernels,
    stft: Stft,
    groups: Vec<Group>,
    /// Room for one group's spectra.
    spectra: Vec<Complex32>,
    /// Room for its spectra one period earlier.
    earlier: Vec<Complex32>,
    /// Room for its mean power.
    power: Vec<f32>,
}

/// Channels under one mask.
struct Group {
    state: State,
    search: Search,
    channels: Vec<Channel>,
    /// Frames of digital silence in a row, up to [`REST_AFTER`].
    silent: u32,
}

struct Channel {
    analysis: Analysis,
    synthesis: Synthesis,
}

impl Group {
    fn new(channels: usize, weights: &Weights) -> Self {
        let channel = || Channel { analysis: Analysis::new(), synthesis: Synthesis::new() };
        Self {
            state: State::new(weights),
            search: Search::new(),
            channels: std::iter::repeat_with(channel).take(channels).collect(),
            silent: 0,
        }
    }

    /// Counts silent frames; whether there have been enough of them to rest.
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
        self.state.reset();
        self.search.reset();
        self.silent = 0;
        for channel in &mut self.channels {
            channel.analysis.reset();
            channel.synthesis.reset();
        }
    }
}

impl Stream {
    fn new(source: &Sourdine, channels: usize, mode: Channels) -> Self {
        let (groups, each) = match mode {
            Channels::Linked => (1, channels),
            Channels::Separate => (channels, 1),
        };
        let weights = source.weights.clone();
        Self {
            kernels: source.kernels,
            stft: Stft::new(source.tables.clone()),
            groups: (0..groups).map(|_| Group::new(each, &weights)).collect(),
            weights,
            spectra: vec![Complex32::default(); each * BINS],
            earlier: vec![Complex32::default(); each * BINS],
            power: vec![0.0; BINS],
        }
    }

    /// Denoises one group's frames in place; the voice probability.
    fn run(&mut self, index: usize, frames: &mut [f32]) -> f32 {
        if self.groups.get_mut(index).is_none_or(|group| group.rests(frames)) {
            frames.fill(0.0);
            return 0.0;
        }
        self.kernels.run(Frame { stream: self, index, frames })
    }

    #[inline(always)]
    fn run_loops(&mut self, index: usize, frames: &mut [f32]) -> f32 {
        let Some(group) = self.groups.get_mut(index) else { return 0.0 };
        let share = 1.0 / group.channels.len() as f32;
        let each = group.channels.iter_mut().zip(frames.chunks_exact(MODEL_FRAME));
        for ((channel, frame), spectrum) in each.zip(self.spectra.chunks_exact_mut(BINS)) {
            self.stft.analyse(&mut channel.analysis, frame, spectrum);
        }
        let mut advances = [Complex32::ZERO; PHASES];
        for (channel, spectrum) in group.channels.iter_mut().zip(self.spectra.chunks_exact(BINS)) {
            self.stft.advance(&mut channel.analysis, spectrum, share, &mut advances);
        }
        self.power.fill(0.0);
        for spectrum in self.spectra.chunks_exact(BINS) {
            for (power, bin) in self.power.iter_mut().zip(spectrum) {
                *power += bin.norm_sqr() * share;
            }
        }
        let period = group.search.period(&mut self.stft, &self.power, &mut self.earlier[..BINS]);
        let edges = &self.weights.edges[..];
        let mut compared = [(0.0, 0.0); GROUPS];
        let spectra = self.spectra.chunks_exact(BINS).zip(self.earlier.chunks_exact_mut(BINS));
        for (channel, (spectrum, earlier)) in group.channels.iter().zip(spectra) {
            self.stft.analyse_earlier(&channel.analysis, period.0, earlier);
            for (sums, edges) in compared.iter_mut().zip(edges.windows(5).step_by(4)) {
                let (both, power) = compare(&spectrum[edges[0]..edges[4]], &earlier[edges[0]..edges[4]]);
                *sums = (sums.0 + both * share, sums.1 + power * share);
            }
        }
        let measured = Measured { power: &self.power, advances, period, compared };
        let probability = self.weights.forward(self.kernels, &measured, &mut group.state);
        let mask = group.state.mask();
        let each = group.channels.iter_mut().zip(frames.chunks_exact_mut(MODEL_FRAME));
        let spectra = self.spectra.chunks_exact_mut(BINS).zip(self.earlier.chunks_exact(BINS));
        for ((channel, frame), (spectrum, earlier)) in each.zip(spectra) {
            apply(&mask, edges, channel.analysis.turned(), earlier, spectrum);
            self.stft.synthesise(&mut channel.synthesis, spectrum, frame);
        }
        probability
    }
}

/// Applies pitch filter, complex filter and gains to a spectrum (steps 12 to 14 of `models/FORMAT.md`). `before` are its low
/// bins in the frame before, turned on, `earlier` is the spectrum one period earlier.
#[inline(always)]
fn apply(
    mask: &Mask<'_>,
    edges: &[usize],
    before: &[Complex32; PHASES],
    earlier: &[Complex32],
    spectrum: &mut [Complex32],
) {
    let groups = mask.gains.as_chunks::<4>().0.iter().zip(mask.pitch);
    let (low, earlier_low) = (spectrum[..FILTERED].as_chunks_mut::<4>().0, earlier.as_chunks::<4>().0);
    let low = low.iter_mut().zip(before.as_chunks::<4>().0).zip(earlier_low);
    for ((((bins, before), earlier), (gains, pitch)), filter) in low.zip(groups.clone()).zip(mask.filter) {
        let share = 1.0 / (1.0 + pitch);
        let [now_re, now_im, before_re, before_im, earlier_re, earlier_im] =
            std::array::from_fn(|row| std::array::from_fn::<f32, 4, _>(|bin| filter[4 * row + bin]));
        for bin in 0..4 {
            let now = Complex32::new(share + now_re[bin], now_im[bin]);
            let last = Complex32::new(before_re[bin], before_im[bin]);
            let period = Complex32::new(pitch * share + earlier_re[bin], earlier_im[bin]);
            bins[bin] = (bins[bin] * now + before[bin] * last + earlier[bin] * period) * gains[bin];
        }
    }
    let groups = edges.windows(5).step_by(4).zip(groups).skip(FILTERED_GROUPS);
    for (edges, (gains, pitch)) in groups {
        let share = 1.0 / (1.0 + pitch);
        for (edges, gain) in edges.windows(2).zip(gains) {
            let (own, others) = (gain * share, gain * pitch * share);
            let band = edges[0]..edges[1];
            for (bin, earlier) in spectrum[band.clone()].iter_mut().zip(&earlier[band]) {
                *bin = *bin * own + earlier * others;
            }
        }
    }
}

/// One frame's loops.
struct Frame<'a> {
    stream: &'a mut Stream,
    index: usize,
    frames: &'a mut [f32],
}

impl Loops for Frame<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        self.stream.run_loops(self.index, self.frames)
    }
}

impl FrameDenoiser for Stream {
    fn latency(&self) -> usize {
        MODEL_FRAME
    }

    fn process(&mut self, frame: &mut [f32]) -> f32 {
        let len = self.spectra.len() / BINS * MODEL_FRAME;
        let groups = frame.chunks_exact_mut(len).enumerate();
        // Not `f32::max`: it would hide a NaN.
        groups.fold(0.0, |most, (index, frames)| {
            let probability = self.run(index, frames);
            if probability <= most { most } else { probability }
        })
    }

    /// Unlike other models', free of allocation.
    fn reset(&mut self) {
        self.groups.iter_mut().for_each(Group::reset);
    }

    fn recover(&mut self) -> bool {
        self.reset();
        true
    }
}
