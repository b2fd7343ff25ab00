//! The forward pass, layer by layer (steps 5 to 9 of `models/FORMAT.md`), and the recurrent state that a stream keeps for it.

use super::features::{FEATURES, Features, PHASES};
use super::mask::Mask;
use super::postfilter::PostFilter;
use super::weights::{
    BANDS, BROADCAST, COEFFICIENTS, CONTEXT, FILTERED_GROUPS, GROUP_FEATURES, GROUPS, MIX, OUT, UNITS,
    Weights,
};
use crate::nn::activations::{sigmoid, tanh};
use crate::nn::kernels::Kernels;
use crate::nn::layers::LANES;

/// One group's features.
type Group = [f32; GROUP_FEATURES];

/// The inputs of [`Weights::out`] in the scratch, with a zero after them so that no group shares a pair of codes with the next.
const OUT_PADDED: usize = OUT + 1;

/// The most inputs of a layer that all groups go through.
const WIDEST: usize = if CONTEXT > OUT_PADDED { CONTEXT } else { OUT_PADDED };

/// A stream's recurrent state, and its scratch. Its size never changes.
#[derive(Debug)]
pub(super) struct State {
    /// The groups' features of the frame before.
    before: [Group; GROUPS],
    /// Hidden states of the groups' GRUs.
    group_in: [[f32; UNITS]; GROUPS],
    group_out: [[f32; UNITS]; GROUPS],
    /// Hidden states of the large GRUs, one after the other.
    hidden: Vec<f32>,
    /// The encoded groups: outputs of the first GRU.
    encoded: [[f32; UNITS]; GROUPS],
    /// Outputs of [`Weights::gather`] and of each large GRU, one after the other.
    pub(super) layers: Vec<f32>,
    /// Broadcast from there to the groups; then the voice logit, then padding.
    broadcast: Vec<f32>,
    /// The network's gains before the post-filter.
    pub(super) raw: [f32; BANDS],
    filter: [[f32; COEFFICIENTS]; FILTERED_GROUPS],
    pub(super) post_filter: PostFilter,
    /// Scratch: a GRU's gates, the codes of a layer's inputs, inputs and outputs of a layer that all groups go through.
    gates: Vec<f32>,
    codes: Vec<[i16; 2]>,
    inputs: [f32; GROUPS * WIDEST],
    outputs: [[f32; LANES]; GROUPS],
}

impl State {
    pub(super) fn new(weights: &Weights) -> Self {
        let hidden = weights.hidden;
        Self {
            before: [[0.0; GROUP_FEATURES]; GROUPS],
            group_in: [[0.0; UNITS]; GROUPS],
            group_out: [[0.0; UNITS]; GROUPS],
            hidden: vec![0.0; hidden * weights.grus.len()],
            encoded: [[0.0; UNITS]; GROUPS],
            layers: vec![0.0; hidden * (weights.grus.len() + 1)],
            broadcast: vec![0.0; weights.spread.padded_rows()],
            raw: [0.0; BANDS],
            filter: [[0.0; COEFFICIENTS]; FILTERED_GROUPS],
            post_filter: PostFilter::new(),
            gates: vec![0.0; 6 * hidden.max(GROUPS * UNITS)],
            codes: vec![[0; 2]; weights.most_pairs()],
            inputs: [0.0; GROUPS * WIDEST],
            outputs: [[0.0; LANES]; GROUPS],
        }
    }

    /// Memory beyond its own size, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let floats = self.hidden.len() + self.layers.len() + self.broadcast.len() + self.gates.len();
        floats * size_of::<f32>() + size_of_val(&self.codes[..])
    }

    /// The result of [`Weights::forward`].
    #[inline(always)]
    pub(super) fn mask(&self) -> Mask<'_> {
        Mask { gains: &self.post_filter.gains, pitch: &self.post_filter.pitch, filter: &self.filter }
    }

    /// Clears what lasts from frame to frame; the rest is written before it is read.
    pub(super) fn reset(&mut self) {
        self.before = [[0.0; GROUP_FEATURES]; GROUPS];
        self.group_in = [[0.0; UNITS]; GROUPS];
        self.group_out = [[0.0; UNITS]; GROUPS];
        self.hidden.fill(0.0);
        self.post_filter = PostFilter::new();
    }
}

impl Weights {
    /// Runs one frame, from its features to [`State::mask`]. Returns the voice probability.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics.
    #[inline(always)]
    pub(super) fn forward(&self, kernels: Kernels, features: &Features, state: &mut State) -> f32 {
        let groups = groups(&features.values);
        self.encode(kernels, &groups, features.pitch(), state);
        self.recur(kernels, state);
        self.decode(kernels, &groups, state);
        state.post_filter.run(self, &state.raw, features);
        sigmoid(state.broadcast[GROUPS * BROADCAST])
    }

    /// Encodes every group from its features, its neighbours' and those of the frame before (step 5).
    #[inline(always)]
    fn encode(&self, kernels: Kernels, groups: &[Group; GROUPS], pitch: &[f32], state: &mut State) {
        let State { before, group_in, gates, codes, inputs, outputs, encoded, .. } = state;
        let at = |index: Option<usize>| {
            index.and_then(|index| groups.get(index)).unwrap_or(&[0.0; GROUP_FEATURES])
        };
        let inputs = &mut inputs[..GROUPS * CONTEXT];
        let each = inputs.as_chunks_mut::<CONTEXT>().0.iter_mut().zip(groups).zip(before);
        for (index, ((inputs, group), before)) in each.enumerate() {
            let (parts, last) = inputs.as_chunks_mut::<GROUP_FEATURES>();
            let all = [at(index.checked_sub(1)), group, at(Some(index + 1)), before];
            for (part, from) in parts.iter_mut().zip(all) {
                *part = *from;
            }
            last.copy_from_slice(pitch);
            *before = *group;
        }
        self.context.run(kernels, inputs, codes, outputs.as_flattened_mut());
        self.add_biases(outputs, &self.context_biases);
        self.group_in.step(kernels, outputs.as_flattened(), group_in.as_flattened_mut(), gates, codes);
        add(encoded.as_flattened_mut(), outputs.as_flattened(), group_in.as_flattened());
    }

    /// Runs the large GRUs, which take all groups, and broadcasts their outputs back (steps 6 and 7).
    #[inline(always)]
    fn recur(&self, kernels: Kernels, state: &mut State) {
        let State { hidden, gates, codes, encoded, layers, broadcast, .. } = state;
        let width = self.hidden;
        let (gathered, others) = layers.split_at_mut(width);
        self.gather.run(kernels, encoded.as_flattened(), codes, gathered);
        self.leaky(gathered);
        let mut below = &*gathered;
        let each = self.grus.iter().zip(hidden.chunks_exact_mut(width)).zip(others.chunks_exact_mut(width));
        for ((gru, hidden), output) in each {
            gru.step(kernels, below, hidden, gates, codes);
            add(output, below, hidden);
            below = output;
        }
        self.spread.run(kernels, layers, codes, broadcast);
        self.leaky(&mut broadcast[..GROUPS * BROADCAST]);
    }

    /// Decodes every group's gains, and the lowest groups' filters (steps 8 and 9).
    #[inline(always)]
    fn decode(&self, kernels: Kernels, groups: &[Group; GROUPS], state: &mut State) {
        let State { group_out, gates, codes, inputs, outputs, encoded, broadcast, raw, filter, .. } = state;
        let broadcast = broadcast.as_chunks::<BROADCAST>().0;
        let both = &mut inputs[..GROUPS * MIX];
        for ((both, encoded), broadcast) in
            both.as_chunks_mut::<MIX>().0.iter_mut().zip(&*encoded).zip(broadcast)
        {
            both[..UNITS].copy_from_slice(encoded);
            both[UNITS..].copy_from_slice(broadcast);
        }
        self.mix.run(kernels, both, codes, outputs.as_flattened_mut());
        self.add_biases(outputs, &self.mix_biases);
        self.group_out.step(kernels, outputs.as_flattened(), group_out.as_flattened_mut(), gates, codes);
        let all = &mut inputs[..GROUPS * OUT_PADDED];
        let each = all.as_chunks_mut::<OUT_PADDED>().0.iter_mut().zip(group_out).zip(encoded);
        for ((((all, out), encoded), broadcast), group) in each.zip(broadcast).zip(groups) {
            all[..UNITS].copy_from_slice(out);
            all[UNITS..2 * UNITS].copy_from_slice(encoded);
            all[2 * UNITS..UNITS + MIX].copy_from_slice(broadcast);
            all[UNITS + MIX..OUT].copy_from_slice(group);
            all[OUT] = 0.0;
        }
        // Both layers have the same inputs, hence the same codes.
        let codes = &mut codes[..GROUPS * self.out.pairs];
        let unit = kernels.quantise(all, self.out.full_scale, codes);
        kernels.dense(&self.out, codes, unit, outputs.as_flattened_mut());
        for ((raw, logits), bias) in
            raw.as_chunks_mut::<4>().0.iter_mut().zip(&*outputs).zip(&self.out_biases)
        {
            *raw = std::array::from_fn(|band| logits[band] + bias[band]);
        }
        kernels.sigmoid(raw);
        let rows = self.filter.padded_rows();
        let outputs = &mut outputs.as_flattened_mut()[..FILTERED_GROUPS * rows];
        kernels.dense(&self.filter, &codes[..FILTERED_GROUPS * self.filter.pairs], unit, outputs);
        for ((filter, x), biases) in
            filter.iter_mut().zip(outputs.chunks_exact(rows)).zip(&self.filter_biases)
        {
            for ((filter, x), bias) in filter.iter_mut().zip(x).zip(biases) {
                *filter = tanh(x + bias);
            }
        }
    }

    /// Adds the groups' biases, then rectifies.
    #[inline(always)]
    fn add_biases(&self, outputs: &mut [[f32; UNITS]; GROUPS], biases: &[[f32; UNITS]; GROUPS]) {
        for (x, bias) in outputs.as_flattened_mut().iter_mut().zip(biases.as_flattened()) {
            *x += bias;
        }
        self.leaky(outputs.as_flattened_mut());
    }

    #[inline(always)]
    fn leaky(&self, x: &mut [f32]) {
        for x in x {
            *x = if *x < 0.0 { *x * self.leaky_slope } else { *x };
        }
    }
}

/// Each group's features, from the frame's.
#[inline(always)]
fn groups(features: &[f32; FEATURES]) -> [Group; GROUPS] {
    let (levels, rest) = features.split_at(BANDS);
    let (cosines, rest) = rest.split_at(PHASES);
    let (sines, correlations) = rest.split_at(PHASES);
    let mut groups = [[0.0; GROUP_FEATURES]; GROUPS];
    for ((group, levels), correlation) in groups.iter_mut().zip(levels.as_chunks::<4>().0).zip(correlations) {
        group[..4].copy_from_slice(levels);
        group[12] = *correlation;
    }
    for ((group, cosines), sines) in
        groups.iter_mut().zip(cosines.as_chunks::<4>().0).zip(sines.as_chunks::<4>().0)
    {
        group[4..8].copy_from_slice(cosines);
        group[8..12].copy_from_slice(sines);
    }
    groups
}

#[inline(always)]
fn add(y: &mut [f32], a: &[f32], b: &[f32]) {
    for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
        *y = a + b;
    }
}
