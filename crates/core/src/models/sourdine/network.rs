//! The network's order, and the state one stream keeps for it.

use rustfft::num_complex::Complex32;

use super::postfilter::Refined;
use super::weights::{
    BANDS, COEFFICIENTS, FEATURES, FILTERED_GROUPS, GROUP_FEATURES, GROUPS, MIX, NEAR, OUT, SENT, UNITS,
    Weights,
};
use crate::dsp::period::{SHORTEST, TINY};
use crate::dsp::stft::{EARLIEST, PHASES, WINDOW};
use crate::nn::activations::{log10, sigmoid, tanh};
use crate::nn::kernels::Kernels;
use crate::nn::layers::LANES;

/// Gains below this are 0, so that neither the decay limit nor a gain's square reaches numbers that cost a processor a
/// detour.
pub(super) const LEAST_GAIN: f32 = 1e-8;

/// What is measured of a frame's spectra, for the features. Of several channels under one mask, all are means.
#[derive(Debug)]
pub(crate) struct Measured<'a> {
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

/// What is to be done with a frame's spectra.
#[derive(Debug)]
pub(crate) struct Mask<'a> {
    /// Gains of the bands, 0 to 1.
    pub(crate) gains: &'a [f32; BANDS],
    /// How much of the sound one period earlier goes with a bin of each group, 0 to 1.
    pub(crate) pitch: &'a [f32; GROUPS],
    /// The complex filter of the lowest groups' bins, within ±1: tap after tap the real parts, then the imaginary parts.
    pub(crate) filter: &'a [[f32; COEFFICIENTS]; FILTERED_GROUPS],
}

/// One group's features.
type Group = [f32; GROUP_FEATURES];

/// The inputs of [`Weights::out`] in the scratch, with a zero after them so that no group shares a pair of codes with the next.
const OUT_PADDED: usize = OUT + 1;

/// The most inputs of a layer that all groups go through.
const WIDEST: usize = if NEAR > OUT_PADDED { NEAR } else { OUT_PADDED };

/// Everything a stream remembers, and its scratch. Its size never changes.
#[derive(Debug)]
pub(crate) struct State {
    /// Features of the frame, levels normalised.
    pub(super) features: [f32; FEATURES],
    /// The bands' powers.
    pub(super) powers: [f32; BANDS],
    /// The groups' features of the frame before.
    before: [Group; GROUPS],
    /// Hidden states of the groups' GRUs.
    group_in: [[f32; UNITS]; GROUPS],
    group_out: [[f32; UNITS]; GROUPS],
    /// Hidden states of the large GRUs, one after the other.
    hidden: Vec<f32>,
    /// What the groups make of their features: outputs of the first GRU.
    encoded: [[f32; UNITS]; GROUPS],
    /// Outputs of [`Weights::gather`] and of each large GRU, one after the other.
    pub(super) layers: Vec<f32>,
    /// What goes from there to the groups, then the voice logit, then padding.
    sent: Vec<f32>,
    /// Gains as the network gives them.
    pub(super) raw: [f32; BANDS],
    filter: [[f32; COEFFICIENTS]; FILTERED_GROUPS],
    pub(super) refined: Refined,
    /// Scratch: a GRU's gates, the codes of a layer's inputs, inputs and outputs of a layer that all groups go through.
    gates: Vec<f32>,
    codes: Vec<[i16; 2]>,
    inputs: [f32; GROUPS * WIDEST],
    outputs: [[f32; LANES]; GROUPS],
}

impl State {
    pub(crate) fn new(weights: &Weights) -> Self {
        let hidden = weights.hidden;
        Self {
            features: [0.0; FEATURES],
            powers: [0.0; BANDS],
            before: [[0.0; GROUP_FEATURES]; GROUPS],
            group_in: [[0.0; UNITS]; GROUPS],
            group_out: [[0.0; UNITS]; GROUPS],
            hidden: vec![0.0; hidden * weights.grus.len()],
            encoded: [[0.0; UNITS]; GROUPS],
            layers: vec![0.0; hidden * (weights.grus.len() + 1)],
            sent: vec![0.0; weights.spread.padded_rows()],
            raw: [0.0; BANDS],
            filter: [[0.0; COEFFICIENTS]; FILTERED_GROUPS],
            refined: Refined::new(),
            gates: vec![0.0; 6 * hidden.max(GROUPS * UNITS)],
            codes: vec![[0; 2]; weights.most_pairs()],
            inputs: [0.0; GROUPS * WIDEST],
            outputs: [[0.0; LANES]; GROUPS],
        }
    }

    /// What it takes in memory beyond its own size, in bytes.
    pub(crate) fn elsewhere(&self) -> usize {
        let floats = self.hidden.len() + self.layers.len() + self.sent.len() + self.gates.len();
        floats * size_of::<f32>() + size_of_val(&self.codes[..])
    }

    /// What [`Weights::forward`] has found.
    #[inline(always)]
    pub(crate) fn mask(&self) -> Mask<'_> {
        Mask { gains: &self.refined.gains, pitch: &self.refined.pitch, filter: &self.filter }
    }

    /// Forgets everything heard. The rest is written before it is read.
    pub(crate) fn reset(&mut self) {
        self.before = [[0.0; GROUP_FEATURES]; GROUPS];
        self.group_in = [[0.0; UNITS]; GROUPS];
        self.group_out = [[0.0; UNITS]; GROUPS];
        self.hidden.fill(0.0);
        self.refined = Refined::new();
    }
}

impl Weights {
    /// One frame: from what is measured of it to [`State::mask`] and the voice probability.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics.
    #[inline(always)]
    pub(crate) fn forward(&self, kernels: Kernels, measured: &Measured<'_>, state: &mut State) -> f32 {
        self.extract(kernels, measured, state);
        let groups = groups(&state.features);
        self.encode(kernels, &groups, state);
        self.remember(kernels, state);
        self.decode(kernels, &groups, state);
        self.refine(state);
        sigmoid(state.sent[GROUPS * SENT])
    }

    /// The features (steps 2 to 4 of `models/FORMAT.md`).
    #[inline(always)]
    fn extract(&self, kernels: Kernels, measured: &Measured<'_>, state: &mut State) {
        let State { features, powers, .. } = state;
        let (levels, rest) = features.split_at_mut(BANDS);
        for ((sum, level), edges) in powers.iter_mut().zip(levels.iter_mut()).zip(self.edges.windows(2)) {
            let band = &measured.power[edges[0]..edges[1]];
            *sum = band.iter().sum();
            *level = *sum / (band.len() as f32 * (WINDOW / 2) as f32) + self.feature_floor;
        }
        kernels.log10(levels);
        for ((x, mean), rstd) in levels.iter_mut().zip(&self.mean).zip(&self.rstd) {
            *x = (0.5 * *x - mean) * rstd;
        }
        let (phases, periodic) = rest.split_at_mut(2 * PHASES);
        let (cosines, sines) = phases.split_at_mut(PHASES);
        let floor = self.feature_floor * (WINDOW / 2) as f32;
        for ((cosine, sine), advance) in cosines.iter_mut().zip(sines).zip(&measured.advances) {
            let length = advance.norm_sqr().sqrt() + floor;
            (*cosine, *sine) = (advance.re / length, advance.im / length);
        }
        let (likenesses, period) = periodic.split_at_mut(GROUPS);
        let (groups, _) = powers.as_chunks::<4>();
        for ((likeness, (both, earlier)), [a, b, c, d]) in
            likenesses.iter_mut().zip(&measured.compared).zip(groups)
        {
            *likeness = both / ((a + b + c + d) * earlier + TINY).sqrt();
        }
        let (lag, likelihood) = measured.period;
        let middle = ((SHORTEST * EARLIEST) as f32).sqrt();
        period.copy_from_slice(&[3.0 * log10(lag as f32 / middle), likelihood]);
    }

    /// What every group makes of its features, its neighbours' and those of the frame before (step 5).
    #[inline(always)]
    fn encode(&self, kernels: Kernels, groups: &[Group; GROUPS], state: &mut State) {
        let State { features, before, group_in, gates, codes, inputs, outputs, encoded, .. } = state;
        let period = &features[FEATURES - 2..];
        let at = |index: Option<usize>| {
            index.and_then(|index| groups.get(index)).unwrap_or(&[0.0; GROUP_FEATURES])
        };
        let inputs = &mut inputs[..GROUPS * NEAR];
        let each = inputs.as_chunks_mut::<NEAR>().0.iter_mut().zip(groups).zip(before);
        for (index, ((inputs, group), before)) in each.enumerate() {
            let (parts, last) = inputs.as_chunks_mut::<GROUP_FEATURES>();
            let all = [at(index.checked_sub(1)), group, at(Some(index + 1)), before];
            for (part, from) in parts.iter_mut().zip(all) {
                *part = *from;
            }
            last.copy_from_slice(period);
            *before = *group;
        }
        self.near.run(kernels, inputs, codes, outputs.as_flattened_mut());
        self.place(outputs, &self.near_places);
        self.group_in.step(kernels, outputs.as_flattened(), group_in.as_flattened_mut(), gates, codes);
        add(encoded.as_flattened_mut(), outputs.as_flattened(), group_in.as_flattened());
    }

    /// The large GRUs, which all groups go into, and what they send back (steps 6 and 7).
    #[inline(always)]
    fn remember(&self, kernels: Kernels, state: &mut State) {
        let State { hidden, gates, codes, encoded, layers, sent, .. } = state;
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
        self.spread.run(kernels, layers, codes, sent);
        self.leaky(&mut sent[..GROUPS * SENT]);
    }

    /// Every group's gains, and the lowest groups' filters (steps 8 and 9).
    #[inline(always)]
    fn decode(&self, kernels: Kernels, groups: &[Group; GROUPS], state: &mut State) {
        let State { group_out, gates, codes, inputs, outputs, encoded, sent, raw, filter, .. } = state;
        let sent = sent.as_chunks::<SENT>().0;
        let both = &mut inputs[..GROUPS * MIX];
        for ((both, encoded), sent) in both.as_chunks_mut::<MIX>().0.iter_mut().zip(&*encoded).zip(sent) {
            both[..UNITS].copy_from_slice(encoded);
            both[UNITS..].copy_from_slice(sent);
        }
        self.mix.run(kernels, both, codes, outputs.as_flattened_mut());
        self.place(outputs, &self.mix_places);
        self.group_out.step(kernels, outputs.as_flattened(), group_out.as_flattened_mut(), gates, codes);
        let all = &mut inputs[..GROUPS * OUT_PADDED];
        let each = all.as_chunks_mut::<OUT_PADDED>().0.iter_mut().zip(group_out).zip(encoded);
        for ((((all, out), encoded), sent), group) in each.zip(sent).zip(groups) {
            all[..UNITS].copy_from_slice(out);
            all[UNITS..2 * UNITS].copy_from_slice(encoded);
            all[2 * UNITS..UNITS + MIX].copy_from_slice(sent);
            all[UNITS + MIX..OUT].copy_from_slice(group);
            all[OUT] = 0.0;
        }
        // Both layers have the same inputs, hence the same codes.
        let codes = &mut codes[..GROUPS * self.out.pairs];
        let unit = kernels.quantise(all, self.out.full_scale, codes);
        kernels.dense(&self.out, codes, unit, outputs.as_flattened_mut());
        for ((raw, logits), place) in
            raw.as_chunks_mut::<4>().0.iter_mut().zip(&*outputs).zip(&self.out_places)
        {
            *raw = std::array::from_fn(|band| logits[band] + place[band]);
        }
        kernels.sigmoid(raw);
        let rows = self.filter.padded_rows();
        let outputs = &mut outputs.as_flattened_mut()[..FILTERED_GROUPS * rows];
        kernels.dense(&self.filter, &codes[..FILTERED_GROUPS * self.filter.pairs], unit, outputs);
        for ((filter, x), places) in
            filter.iter_mut().zip(outputs.chunks_exact(rows)).zip(&self.filter_places)
        {
            for ((filter, x), place) in filter.iter_mut().zip(x).zip(places) {
                *filter = tanh(x + place);
            }
        }
    }

    /// The groups' biases, then what a leaky rectifier leaves.
    #[inline(always)]
    fn place(&self, outputs: &mut [[f32; UNITS]; GROUPS], places: &[[f32; UNITS]; GROUPS]) {
        for (x, place) in outputs.as_flattened_mut().iter_mut().zip(places.as_flattened()) {
            *x += place;
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
    let (sines, likenesses) = rest.split_at(PHASES);
    let mut groups = [[0.0; GROUP_FEATURES]; GROUPS];
    for ((group, levels), likeness) in groups.iter_mut().zip(levels.as_chunks::<4>().0).zip(likenesses) {
        group[..4].copy_from_slice(levels);
        group[12] = *likeness;
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
