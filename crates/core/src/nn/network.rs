//! The network's order, and the state one stream keeps for it.
//!
//! A frame goes three steps: [`Weights::encode`] (what the network hears), [`Weights::think`] (all dense layers) and
//! [`Weights::decode`] (gains, voice). The middle one sees nothing but [`State::taps`] and [`Mind`], and puts out
//! [`State::logits`], so it can run elsewhere.

use realfft::num_complex::Complex32;

use super::kernels::Kernels;
use super::math::{log10, sigmoid};
use super::refine::Refined;
use super::weights::{BANDS, GROUPS, INPUTS, Weights};
use crate::dsp::period::{SHORTEST, TINY};
use crate::dsp::stft::{EARLIEST, PHASES, WINDOW};

/// Gains below this are 0, so that neither the decay limit nor a gain's square reaches numbers that cost a processor a
/// detour.
pub(super) const LEAST_GAIN: f32 = 1e-8;

/// What there is to be heard of a frame. Of several channels under one mask, all are means.
#[derive(Debug)]
pub(crate) struct Heard<'a> {
    /// Of every bin.
    pub(crate) power: &'a [f32],
    /// The low bins' cross-spectra with the frame before ([`Stft::advance`](crate::dsp::stft::Stft::advance)).
    pub(crate) advances: [Complex32; PHASES],
    /// The period in samples, and how likely it is ([`Search::period`](crate::dsp::period::Search::period)).
    pub(crate) period: (usize, f32),
    /// What each group has in common with the sound one period earlier, and the power of that
    /// ([`compare`](crate::dsp::period::compare)).
    pub(crate) compared: [(f32, f32); GROUPS],
}

/// Everything a stream remembers, and the room to compute in. Its size never changes.
#[derive(Debug)]
pub(crate) struct State {
    /// What the network hears of the frames t−2, t−1 and t, one after the other.
    pub(crate) taps: Vec<f32>,
    /// The numbers between [`Weights::encode`] and [`Weights::decode`] that do not go through the dense layers: the
    /// frame's normalised levels, the bands' powers, the groups' likenesses.
    pub(crate) aside: Vec<f32>,
    /// The levels, with two zeros at each end.
    near: Vec<f32>,
    mind: Mind,
    /// Gain logits, then the voice logit, then padding.
    pub(crate) logits: Vec<f32>,
    /// What the network says of the bands' gains; before that, room for the local path.
    pub(crate) raw: Vec<f32>,
    pub(super) refined: Refined,
}

/// What the GRUs remember, and the room that dense layers compute in.
#[derive(Debug)]
pub(crate) struct Mind {
    /// The GRUs' states, one after the other.
    memories: Vec<f32>,
    gates: Vec<f32>,
    /// Room for the codes of a dense layer's input.
    codes: Vec<[i16; 2]>,
    /// Outputs of the convolution and of each GRU, one after the other.
    layers: Vec<f32>,
}

impl Mind {
    pub(crate) fn new(weights: &Weights) -> Self {
        let hidden = weights.hidden;
        Self {
            memories: vec![0.0; hidden * weights.grus.len()],
            gates: vec![0.0; 6 * hidden],
            codes: vec![[0; 2]; weights.widest_pairs()],
            layers: vec![0.0; hidden * (weights.grus.len() + 1)],
        }
    }

    fn bytes(&self) -> usize {
        let floats = self.memories.len() + self.gates.len() + self.layers.len();
        floats * size_of::<f32>() + size_of_val(&self.codes[..])
    }
}

impl State {
    pub(crate) fn new(weights: &Weights) -> Self {
        Self {
            taps: vec![0.0; 3 * INPUTS],
            aside: vec![0.0; Self::ASIDE],
            near: vec![0.0; BANDS + 4],
            mind: Mind::new(weights),
            logits: vec![0.0; weights.out.padded_rows()],
            raw: vec![0.0; BANDS],
            refined: Refined::new(),
        }
    }

    /// Length of [`aside`](Self::aside).
    pub(crate) const ASIDE: usize = 2 * BANDS + GROUPS;

    /// What it takes in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let all = [&self.taps, &self.aside, &self.near, &self.logits, &self.raw];
        let floats: usize = all.into_iter().map(Vec::len).sum();
        floats * size_of::<f32>() + self.mind.bytes() + size_of::<Refined>()
    }

    /// The bands' gains, and how much of the sound one period earlier goes with a bin of each group.
    pub(crate) fn refined(&self) -> (&[f32; BANDS], &[f32; GROUPS]) {
        (&self.refined.gains, &self.refined.combs)
    }

    /// Outputs of the convolution and of each GRU for the last frame.
    #[cfg(test)]
    pub(crate) fn layers(&self) -> &[f32] {
        &self.mind.layers
    }

    /// What the network heard of the last frame.
    #[cfg(test)]
    pub(crate) fn newest(&self) -> &[f32] {
        &self.taps[2 * INPUTS..]
    }

    /// Forgets everything heard. The rest is written before it is read.
    pub(crate) fn reset(&mut self) {
        for memory in [&mut self.taps, &mut self.mind.memories] {
            memory.fill(0.0);
        }
        self.refined = Refined::new();
    }
}

impl Weights {
    /// One frame: from what is heard to [`State::refined`] and the voice probability.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics.
    #[cfg(test)]
    pub(crate) fn step(&self, kernels: Kernels, heard: &Heard<'_>, state: &mut State) -> f32 {
        self.encode(kernels, heard, state);
        self.think_in_place(kernels, state);
        self.decode(kernels, state)
    }

    /// From what is there to be heard to `state.taps` and `state.aside`.
    pub(crate) fn encode(&self, kernels: Kernels, heard: &Heard<'_>, state: &mut State) {
        state.taps.copy_within(INPUTS.., 0);
        let (levels, rest) = state.taps[2 * INPUTS..].split_at_mut(BANDS);
        let (level_aside, aside) = state.aside.split_at_mut(BANDS);
        let (powers, likeness_aside) = aside.split_at_mut(BANDS);
        self.measure(kernels, heard.power, powers, levels);
        for ((x, mean), rstd) in levels.iter_mut().zip(&self.mean).zip(&self.rstd) {
            *x = (*x - mean) * rstd;
        }
        level_aside.copy_from_slice(levels);
        let (phases, periodic) = rest.split_at_mut(2 * PHASES);
        let (cosines, sines) = phases.split_at_mut(PHASES);
        let floor = self.feature_floor * (WINDOW / 2) as f32;
        for ((cosine, sine), advance) in cosines.iter_mut().zip(sines).zip(&heard.advances) {
            let length = advance.norm_sqr().sqrt() + floor;
            (*cosine, *sine) = (advance.re / length, advance.im / length);
        }
        let (likenesses, period) = periodic.split_at_mut(GROUPS);
        let (groups, _) = powers.as_chunks::<4>();
        for ((likeness, (both, earlier)), [a, b, c, d]) in
            likenesses.iter_mut().zip(&heard.compared).zip(groups)
        {
            *likeness = both / ((a + b + c + d) * earlier + TINY).sqrt();
        }
        likeness_aside.copy_from_slice(likenesses);
        let (lag, likelihood) = heard.period;
        let middle = ((SHORTEST * EARLIEST) as f32).sqrt();
        period.copy_from_slice(&[3.0 * log10(lag as f32 / middle), likelihood]);
    }

    /// From a frame's taps to its logits: nine tenths of the network's work.
    pub(crate) fn think(&self, kernels: Kernels, taps: &[f32], mind: &mut Mind, logits: &mut [f32]) {
        let hidden = self.hidden;
        let Mind { memories, gates, codes, layers } = mind;
        self.conv.run(kernels, taps, codes, &mut layers[..hidden]);
        for c in &mut layers[..hidden] {
            *c = if *c < 0.0 { *c * self.leaky_slope } else { *c };
        }
        let memories = memories.chunks_exact_mut(hidden);
        for (index, (gru, memory)) in self.grus.iter().zip(memories).enumerate() {
            let (before, after) = layers.split_at_mut((index + 1) * hidden);
            gru.step(kernels, &before[index * hidden..], memory, gates, codes, &mut after[..hidden]);
        }
        self.out.run(kernels, layers, codes, logits);
    }

    /// [`think`](Self::think) with the state's own mind.
    pub(crate) fn think_in_place(&self, kernels: Kernels, state: &mut State) {
        self.think(kernels, &state.taps, &mut state.mind, &mut state.logits);
    }

    /// From the logits to [`State::refined`] and the voice probability.
    pub(crate) fn decode(&self, kernels: Kernels, state: &mut State) -> f32 {
        let (logits, others) = state.logits.split_at_mut(BANDS);
        let voice = others[0];
        state.near[2..2 + BANDS].copy_from_slice(&state.aside[..BANDS]);
        self.local.add(kernels, &state.near, &mut state.raw, logits);
        state.raw.copy_from_slice(logits);
        kernels.sigmoid(&mut state.raw);
        self.refine(state);
        sigmoid(voice)
    }

    /// The bands' powers and log levels.
    fn measure(&self, kernels: Kernels, power: &[f32], powers: &mut [f32], levels: &mut [f32]) {
        for ((sum, level), edges) in powers.iter_mut().zip(levels.iter_mut()).zip(self.edges.windows(2)) {
            let band = &power[edges[0]..edges[1]];
            *sum = band.iter().sum();
            *level = *sum / (band.len() as f32 * (WINDOW / 2) as f32) + self.feature_floor;
        }
        kernels.log10(levels);
        levels.iter_mut().for_each(|level| *level *= 0.5);
    }
}
