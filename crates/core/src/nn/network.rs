//! The network's order, and the state one stream keeps for it.

use std::ops::Range;

use super::kernels::Kernels;
use super::math::sigmoid;
use super::weights::{BANDS, Weights};

/// Gains below this are 0, so that the decay limit never reaches numbers that cost a processor a detour.
const LEAST_GAIN: f32 = 1e-20;

/// Everything a stream remembers, and the room to compute in. Its size never changes.
#[derive(Debug)]
pub(crate) struct State {
    /// Log band levels, before normalisation.
    pub(crate) features: Vec<f32>,
    /// Normalised features of the frames t−2, t−1 and t, one after the other.
    taps: Vec<f32>,
    /// The newest of them, with two zeros at each end.
    near: Vec<f32>,
    /// Outputs of the convolution and of each GRU, one after the other.
    pub(crate) layers: Vec<f32>,
    /// The GRUs' own states, one after the other.
    memories: Vec<f32>,
    gates: Vec<f32>,
    /// Room for the codes of a dense layer's input.
    codes: Vec<[i16; 2]>,
    /// Gain logits, then the voice logit, then padding.
    logits: Vec<f32>,
    local: Vec<f32>,
    /// Gains before the decay limit.
    pub(crate) raw: Vec<f32>,
    pub(crate) gains: Vec<f32>,
}

impl State {
    pub(crate) fn new(weights: &Weights) -> Self {
        let hidden = weights.hidden;
        Self {
            features: vec![0.0; BANDS],
            taps: vec![0.0; 3 * BANDS],
            near: vec![0.0; BANDS + 4],
            layers: vec![0.0; hidden * (weights.grus.len() + 1)],
            memories: vec![0.0; hidden * weights.grus.len()],
            gates: vec![0.0; 6 * hidden],
            codes: vec![[0; 2]; weights.widest_pairs()],
            logits: vec![0.0; weights.out.padded_rows()],
            local: vec![0.0; BANDS],
            raw: vec![0.0; BANDS],
            gains: vec![0.0; BANDS],
        }
    }

    /// What it takes in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let all = [
            &self.features,
            &self.taps,
            &self.near,
            &self.layers,
            &self.memories,
            &self.gates,
            &self.logits,
            &self.local,
            &self.raw,
            &self.gains,
        ];
        let floats: usize = all.into_iter().map(Vec::len).sum();
        floats * size_of::<f32>() + self.codes.len() * size_of::<[i16; 2]>()
    }

    /// How many numbers go from one half of the network to the other.
    pub(crate) fn handed(weights: &Weights) -> usize {
        BANDS + weights.hidden * (weights.first_grus() + 1)
    }

    /// Writes what the second half needs of a frame's first half.
    pub(crate) fn hand_over(&self, handed: &mut [f32]) {
        let (near, layers) = handed.split_at_mut(BANDS);
        near.copy_from_slice(&self.near[2..2 + BANDS]);
        layers.copy_from_slice(&self.layers[..layers.len()]);
    }

    /// Takes what [`hand_over`](Self::hand_over) wrote.
    pub(crate) fn take_over(&mut self, handed: &[f32]) {
        let (near, layers) = handed.split_at(BANDS);
        self.near[2..2 + BANDS].copy_from_slice(near);
        self.layers[..layers.len()].copy_from_slice(layers);
    }

    /// Forgets everything heard. The rest is written before it is read.
    pub(crate) fn reset(&mut self) {
        for memory in [&mut self.taps, &mut self.memories, &mut self.gains] {
            memory.fill(0.0);
        }
    }
}

impl Weights {
    /// One frame: from the power of the bins to the bands' gains (in `state.gains`) and the voice probability.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics.
    #[cfg(test)]
    pub(crate) fn step(&self, kernels: Kernels, power: &[f32], state: &mut State) -> f32 {
        self.first_half(kernels, power, state);
        self.second_half(kernels, state)
    }

    /// The GRUs that belong to the first half.
    fn first_grus(&self) -> usize {
        self.grus.len() / 2
    }

    /// A frame's way through half the network, from the power of the bins. Another `state` than that of the second
    /// half may be used, if [`State::hand_over`] brings what that needs.
    pub(crate) fn first_half(&self, kernels: Kernels, power: &[f32], state: &mut State) {
        self.measure(kernels, power, &mut state.features);
        state.taps.copy_within(BANDS.., 0);
        let newest = &mut state.taps[2 * BANDS..];
        for (((x, f), mean), rstd) in newest.iter_mut().zip(&state.features).zip(&self.mean).zip(&self.rstd) {
            *x = (f - mean) * rstd;
        }
        state.near[2..2 + BANDS].copy_from_slice(newest);

        let hidden = self.hidden;
        self.conv.run(kernels, &state.taps, &mut state.codes, &mut state.layers[..hidden]);
        for c in &mut state.layers[..hidden] {
            *c = if *c < 0.0 { *c * self.leaky_slope } else { *c };
        }
        self.run_grus(kernels, 0..self.first_grus(), state);
    }

    /// The rest of the way, to the bands' gains (in `state.gains`) and the voice probability.
    pub(crate) fn second_half(&self, kernels: Kernels, state: &mut State) -> f32 {
        self.run_grus(kernels, self.first_grus()..self.grus.len(), state);
        self.out.run(kernels, &state.layers, &mut state.codes, &mut state.logits);
        let (logits, voice) = state.logits.split_at_mut(BANDS);
        self.local.add(kernels, &state.near, &mut state.local, logits);

        state.raw.copy_from_slice(logits);
        kernels.sigmoid(&mut state.raw);
        for ((gain, raw), limit) in state.gains.iter_mut().zip(&state.raw).zip(&self.decay_limits) {
            let floor = *gain * limit;
            // Not `f32::max`: it would hide a NaN.
            *gain = if *raw < floor { floor } else { *raw };
            *gain = if *gain < LEAST_GAIN { 0.0 } else { *gain };
        }
        sigmoid(voice[0])
    }

    fn run_grus(&self, kernels: Kernels, which: Range<usize>, state: &mut State) {
        let hidden = self.hidden;
        for index in which {
            let (before, after) = state.layers.split_at_mut((index + 1) * hidden);
            let (input, output) = (&before[index * hidden..], &mut after[..hidden]);
            let memory = &mut state.memories[index * hidden..][..hidden];
            self.grus[index].step(kernels, input, memory, &mut state.gates, &mut state.codes, output);
        }
    }

    /// The bands' levels.
    fn measure(&self, kernels: Kernels, power: &[f32], features: &mut [f32]) {
        for (f, edges) in features.iter_mut().zip(self.edges.windows(2)) {
            let band = &power[edges[0]..edges[1]];
            *f = band.iter().sum::<f32>() / (band.len() as f32 * 480.0) + self.feature_floor;
        }
        kernels.log10(features);
        features.iter_mut().for_each(|f| *f *= 0.5);
    }
}
