//! The network's order, and the state one stream keeps for it.
//!
//! A frame goes three steps: [`Weights::encode`] (features, convolution), [`Weights::recur`] (the GRUs, half of all the
//! work) and [`Weights::decode`] (gains, voice). The middle one sees nothing but [`State::layers`] and what the GRUs
//! remember, so it can run elsewhere.

use super::kernels::Kernels;
use super::math::sigmoid;
use super::weights::{BANDS, Weights};
use crate::dsp::stft::WINDOW;

/// Gains below this are 0, so that the decay limit never reaches numbers that cost a processor a detour.
const LEAST_GAIN: f32 = 1e-20;

/// Everything a stream remembers, and the room to compute in. Its size never changes.
#[derive(Debug)]
pub(crate) struct State {
    /// Normalised features of the frames t−2, t−1 and t, one after the other.
    taps: Vec<f32>,
    /// The newest of them, with two zeros at each end.
    near: Vec<f32>,
    /// Outputs of the convolution and of each GRU, one after the other.
    pub(crate) layers: Vec<f32>,
    recurrent: Recurrent,
    /// Room for the codes of a dense layer's input.
    codes: Vec<[i16; 2]>,
    /// Gain logits, then the voice logit, then padding.
    logits: Vec<f32>,
    /// Gains before the decay limit; before that, room for the local path.
    pub(crate) raw: Vec<f32>,
    pub(crate) gains: Vec<f32>,
}

/// What the GRUs remember, and the room they compute in.
#[derive(Debug)]
pub(crate) struct Recurrent {
    /// Their states, one after the other.
    memories: Vec<f32>,
    gates: Vec<f32>,
    codes: Vec<[i16; 2]>,
}

impl Recurrent {
    pub(crate) fn new(weights: &Weights) -> Self {
        let hidden = weights.hidden;
        Self {
            memories: vec![0.0; hidden * weights.grus.len()],
            gates: vec![0.0; 6 * hidden],
            codes: vec![[0; 2]; hidden.div_ceil(2)],
        }
    }

    fn bytes(&self) -> usize {
        (self.memories.len() + self.gates.len()) * size_of::<f32>() + size_of_val(&self.codes[..])
    }
}

impl State {
    pub(crate) fn new(weights: &Weights) -> Self {
        Self {
            taps: vec![0.0; 3 * BANDS],
            near: vec![0.0; BANDS + 4],
            layers: vec![0.0; Self::layers(weights)],
            recurrent: Recurrent::new(weights),
            codes: vec![[0; 2]; weights.widest_pairs()],
            logits: vec![0.0; weights.out.padded_rows()],
            raw: vec![0.0; BANDS],
            gains: vec![0.0; BANDS],
        }
    }

    /// What it takes in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let all = [&self.taps, &self.near, &self.layers, &self.logits, &self.raw, &self.gains];
        let floats: usize = all.into_iter().map(Vec::len).sum();
        floats * size_of::<f32>() + size_of_val(&self.codes[..]) + self.recurrent.bytes()
    }

    /// How many numbers a frame's layers put out.
    pub(crate) fn layers(weights: &Weights) -> usize {
        weights.hidden * (weights.grus.len() + 1)
    }

    /// The numbers between [`Weights::encode`] and [`Weights::decode`] that do not go through the GRUs: the frame's
    /// normalised features.
    pub(crate) fn near(&mut self) -> &mut [f32] {
        &mut self.near[2..2 + BANDS]
    }

    /// Forgets everything heard. The rest is written before it is read.
    pub(crate) fn reset(&mut self) {
        for memory in [&mut self.taps, &mut self.recurrent.memories, &mut self.gains] {
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
        self.encode(kernels, power, state);
        self.recur_in_place(kernels, state);
        self.decode(kernels, state)
    }

    /// From the power of the bins to the first of `state.layers`.
    pub(crate) fn encode(&self, kernels: Kernels, power: &[f32], state: &mut State) {
        state.taps.copy_within(BANDS.., 0);
        let newest = &mut state.taps[2 * BANDS..];
        self.measure(kernels, power, newest);
        for ((x, mean), rstd) in newest.iter_mut().zip(&self.mean).zip(&self.rstd) {
            *x = (*x - mean) * rstd;
        }
        state.near[2..2 + BANDS].copy_from_slice(newest);

        let hidden = self.hidden;
        self.conv.run(kernels, &state.taps, &mut state.codes, &mut state.layers[..hidden]);
        for c in &mut state.layers[..hidden] {
            *c = if *c < 0.0 { *c * self.leaky_slope } else { *c };
        }
    }

    /// From the first of a frame's `layers` to the rest of them.
    pub(crate) fn recur(&self, kernels: Kernels, layers: &mut [f32], recurrent: &mut Recurrent) {
        let hidden = self.hidden;
        let Recurrent { memories, gates, codes } = recurrent;
        let memories = memories.chunks_exact_mut(hidden);
        for (index, (gru, memory)) in self.grus.iter().zip(memories).enumerate() {
            let (before, after) = layers.split_at_mut((index + 1) * hidden);
            gru.step(kernels, &before[index * hidden..], memory, gates, codes, &mut after[..hidden]);
        }
    }

    /// [`recur`](Self::recur) with the state's own layers.
    pub(crate) fn recur_in_place(&self, kernels: Kernels, state: &mut State) {
        self.recur(kernels, &mut state.layers, &mut state.recurrent);
    }

    /// From the layers to the bands' gains (in `state.gains`) and the voice probability.
    pub(crate) fn decode(&self, kernels: Kernels, state: &mut State) -> f32 {
        self.out.run(kernels, &state.layers, &mut state.codes, &mut state.logits);
        let (logits, voice) = state.logits.split_at_mut(BANDS);
        self.local.add(kernels, &state.near, &mut state.raw, logits);
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

    /// The bands' log levels.
    fn measure(&self, kernels: Kernels, power: &[f32], features: &mut [f32]) {
        for (f, edges) in features.iter_mut().zip(self.edges.windows(2)) {
            let band = &power[edges[0]..edges[1]];
            *f = band.iter().sum::<f32>() / (band.len() as f32 * (WINDOW / 2) as f32) + self.feature_floor;
        }
        kernels.log10(features);
        features.iter_mut().for_each(|f| *f *= 0.5);
    }
}
