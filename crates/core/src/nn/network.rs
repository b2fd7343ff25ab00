//! The network's order, and the state one stream keeps for it.
//!
//! A frame goes three steps: [`Weights::encode`] (what the network hears), [`Weights::think`] (all layers) and
//! [`Weights::decode`] (gains, voice). The middle one sees nothing but [`State::inputs`] and [`Mind`], and puts out
//! [`State::logits`], so it can run elsewhere.

use rustfft::num_complex::Complex32;

use super::kernels::{Kernels, Loops};
use super::layers::LANES;
use super::math::{log10, sigmoid};
use super::refine::Refined;
use super::weights::{BANDS, BOTH, GROUPS, HEARD, INPUTS, NEAR, SAYS, SENT, UNITS, Weights};
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
    /// What the network hears of the frame, levels normalised.
    pub(crate) inputs: Vec<f32>,
    /// The numbers between [`Weights::encode`] and [`Weights::decode`] that the network does not need: the bands'
    /// powers, the groups' likenesses.
    pub(crate) aside: Vec<f32>,
    mind: Mind,
    /// Gain logits, then the voice logit.
    pub(crate) logits: Vec<f32>,
    /// What the network says of the bands' gains.
    pub(crate) raw: Vec<f32>,
    pub(super) refined: Refined,
}

/// What one group has of a frame.
type Group = [f32; HEARD];

/// The most inputs of a layer that all groups go through: those of [`Weights::near`] or, with a zero after them so that no
/// group shares a pair of codes with the next, of [`Weights::out`].
const WIDEST: usize = if NEAR > SAYS + 1 { NEAR } else { SAYS + 1 };

/// What the network remembers, and the room that it computes in.
#[derive(Debug)]
pub(crate) struct Mind {
    /// What the groups had of the frame before.
    before: [Group; GROUPS],
    /// What the groups remember: of what they hear, and of what they say.
    heard: [[f32; UNITS]; GROUPS],
    said: [[f32; UNITS]; GROUPS],
    /// The large GRUs' memories, one after the other.
    memories: Vec<f32>,
    gates: Vec<f32>,
    /// Room for the codes of a dense layer's inputs.
    codes: Vec<[i16; 2]>,
    /// Room for what goes into a layer that all groups go through, and for what comes out.
    room: [f32; GROUPS * WIDEST],
    made: [[f32; LANES]; GROUPS],
    /// What the groups know.
    known: [[f32; UNITS]; GROUPS],
    /// Outputs of the layer that gathers it and of each large GRU, one after the other.
    layers: Vec<f32>,
    /// What goes from there to the groups, then the voice logit, then padding.
    sent: Vec<f32>,
}

impl Mind {
    pub(crate) fn new(weights: &Weights) -> Self {
        let hidden = weights.hidden;
        Self {
            before: [[0.0; HEARD]; GROUPS],
            heard: [[0.0; UNITS]; GROUPS],
            said: [[0.0; UNITS]; GROUPS],
            memories: vec![0.0; hidden * weights.grus.len()],
            gates: vec![0.0; 6 * hidden.max(GROUPS * UNITS)],
            codes: vec![[0; 2]; weights.most_pairs()],
            room: [0.0; GROUPS * WIDEST],
            made: [[0.0; LANES]; GROUPS],
            known: [[0.0; UNITS]; GROUPS],
            layers: vec![0.0; hidden * (weights.grus.len() + 1)],
            sent: vec![0.0; weights.spread.padded_rows()],
        }
    }

    fn elsewhere(&self) -> usize {
        let floats = self.memories.len() + self.gates.len() + self.layers.len() + self.sent.len();
        floats * size_of::<f32>() + size_of_val(&self.codes[..])
    }

    /// Forgets everything heard. The rest is written before it is read.
    fn reset(&mut self) {
        self.before = [[0.0; HEARD]; GROUPS];
        self.heard = [[0.0; UNITS]; GROUPS];
        self.said = [[0.0; UNITS]; GROUPS];
        self.memories.fill(0.0);
    }
}

impl State {
    pub(crate) fn new(weights: &Weights) -> Self {
        Self {
            inputs: vec![0.0; INPUTS],
            aside: vec![0.0; Self::ASIDE],
            mind: Mind::new(weights),
            logits: vec![0.0; Self::LOGITS],
            raw: vec![0.0; BANDS],
            refined: Refined::new(),
        }
    }

    /// Length of [`aside`](Self::aside).
    pub(crate) const ASIDE: usize = BANDS + GROUPS;

    /// Length of [`logits`](Self::logits).
    pub(crate) const LOGITS: usize = BANDS + 1;

    /// What it takes in memory beyond its own size, in bytes.
    pub(crate) fn elsewhere(&self) -> usize {
        let all = [&self.inputs, &self.aside, &self.logits, &self.raw];
        let floats: usize = all.into_iter().map(Vec::len).sum();
        floats * size_of::<f32>() + self.mind.elsewhere()
    }

    /// The bands' gains, and how much of the sound one period earlier goes with a bin of each group.
    #[inline(always)]
    pub(crate) fn refined(&self) -> (&[f32; BANDS], &[f32; GROUPS]) {
        (&self.refined.gains, &self.refined.combs)
    }

    /// Outputs of the layers that hear all groups for the last frame.
    #[cfg(test)]
    pub(crate) fn layers(&self) -> &[f32] {
        &self.mind.layers
    }

    /// Forgets everything heard. The rest is written before it is read.
    pub(crate) fn reset(&mut self) {
        self.mind.reset();
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

    /// From what is there to be heard to `state.inputs` and `state.aside`.
    #[inline(always)]
    pub(crate) fn encode(&self, kernels: Kernels, heard: &Heard<'_>, state: &mut State) {
        let (levels, rest) = state.inputs.split_at_mut(BANDS);
        let (powers, likeness_aside) = state.aside.split_at_mut(BANDS);
        self.measure(kernels, heard.power, powers, levels);
        for ((x, mean), rstd) in levels.iter_mut().zip(&self.mean).zip(&self.rstd) {
            *x = (*x - mean) * rstd;
        }
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

    /// From a frame's inputs to its logits: most of the work.
    pub(crate) fn think(&self, kernels: Kernels, inputs: &[f32], mind: &mut Mind, logits: &mut [f32]) {
        kernels.run(Think { weights: self, kernels, inputs, mind, logits });
    }

    #[inline(always)]
    fn think_loops(&self, kernels: Kernels, inputs: &[f32], mind: &mut Mind, logits: &mut [f32]) {
        let hidden = self.hidden;
        let groups = groups(inputs);
        self.listen(kernels, &groups, &inputs[INPUTS - 2..], mind);
        let Mind { memories, gates, codes, known, layers, sent, .. } = mind;
        let (gathered, others) = layers.split_at_mut(hidden);
        self.gather.run(kernels, known.as_flattened(), codes, gathered);
        self.leaky(gathered);
        let mut below = &*gathered;
        let each =
            self.grus.iter().zip(memories.chunks_exact_mut(hidden)).zip(others.chunks_exact_mut(hidden));
        for ((gru, memory), output) in each {
            gru.step(kernels, below, memory, gates, codes);
            add(output, below, memory);
            below = output;
        }
        self.spread.run(kernels, layers, codes, sent);
        self.say(kernels, &groups, mind, logits);
    }

    /// What every group makes of what it, its neighbours and the frame before have: `mind.known`.
    #[inline(always)]
    fn listen(&self, kernels: Kernels, groups: &[Group; GROUPS], period: &[f32], mind: &mut Mind) {
        let Mind { before, heard, gates, codes, room, made, known, .. } = mind;
        let at = |index: Option<usize>| index.and_then(|index| groups.get(index)).unwrap_or(&[0.0; HEARD]);
        let near = &mut room[..GROUPS * NEAR];
        let each = near.as_chunks_mut::<NEAR>().0.iter_mut().zip(groups).zip(before);
        for (index, ((near, group), before)) in each.enumerate() {
            let (parts, last) = near.as_chunks_mut::<HEARD>();
            let all = [at(index.checked_sub(1)), group, at(Some(index + 1)), before];
            for (part, from) in parts.iter_mut().zip(all) {
                *part = *from;
            }
            last.copy_from_slice(period);
            *before = *group;
        }
        self.near.run(kernels, near, codes, made.as_flattened_mut());
        self.place(made, &self.near_places);
        self.group_in.step(kernels, made.as_flattened(), heard.as_flattened_mut(), gates, codes);
        add(known.as_flattened_mut(), made.as_flattened(), heard.as_flattened());
    }

    /// What every group makes of what it knows and was sent: the logits.
    #[inline(always)]
    fn say(&self, kernels: Kernels, groups: &[Group; GROUPS], mind: &mut Mind, logits: &mut [f32]) {
        let Mind { said, gates, codes, room, made, known, sent, .. } = mind;
        let (sent, voice) = sent.split_at_mut(GROUPS * SENT);
        self.leaky(sent);
        let sent = sent.as_chunks::<SENT>().0;
        let both = &mut room[..GROUPS * BOTH];
        for ((both, known), sent) in both.as_chunks_mut::<BOTH>().0.iter_mut().zip(&*known).zip(sent) {
            both[..UNITS].copy_from_slice(known);
            both[UNITS..].copy_from_slice(sent);
        }
        self.mix.run(kernels, both, codes, made.as_flattened_mut());
        self.place(made, &self.mix_places);
        self.group_out.step(kernels, made.as_flattened(), said.as_flattened_mut(), gates, codes);
        let says = &mut room[..GROUPS * (SAYS + 1)];
        let each =
            says.as_chunks_mut::<{ SAYS + 1 }>().0.iter_mut().zip(said).zip(known).zip(sent).zip(groups);
        for ((((says, said), known), sent), group) in each {
            says[..UNITS].copy_from_slice(said);
            says[UNITS..2 * UNITS].copy_from_slice(known);
            says[2 * UNITS..UNITS + BOTH].copy_from_slice(sent);
            says[UNITS + BOTH..SAYS].copy_from_slice(group);
            says[SAYS] = 0.0;
        }
        self.out.run(kernels, says, codes, made.as_flattened_mut());
        let (gains, others) = logits.as_chunks_mut::<4>();
        for ((gains, made), place) in gains.iter_mut().zip(made).zip(&self.out_places) {
            *gains = std::array::from_fn(|band| made[band] + place[band]);
        }
        others.copy_from_slice(&voice[..1]);
    }

    /// The groups' biases, then what a leaky rectifier leaves.
    #[inline(always)]
    fn place(&self, made: &mut [[f32; UNITS]; GROUPS], places: &[[f32; UNITS]; GROUPS]) {
        for (x, place) in made.as_flattened_mut().iter_mut().zip(places.as_flattened()) {
            *x += place;
        }
        self.leaky(made.as_flattened_mut());
    }

    #[inline(always)]
    fn leaky(&self, x: &mut [f32]) {
        for x in x {
            *x = if *x < 0.0 { *x * self.leaky_slope } else { *x };
        }
    }

    /// [`think`](Self::think) with the state's own mind.
    pub(crate) fn think_in_place(&self, kernels: Kernels, state: &mut State) {
        self.think(kernels, &state.inputs, &mut state.mind, &mut state.logits);
    }

    /// From the logits to [`State::refined`] and the voice probability.
    #[inline(always)]
    pub(crate) fn decode(&self, kernels: Kernels, state: &mut State) -> f32 {
        state.raw.copy_from_slice(&state.logits[..BANDS]);
        kernels.sigmoid(&mut state.raw);
        self.refine(state);
        sigmoid(state.logits[BANDS])
    }

    /// The bands' powers and log levels.
    #[inline(always)]
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

struct Think<'a> {
    weights: &'a Weights,
    kernels: Kernels,
    inputs: &'a [f32],
    mind: &'a mut Mind,
    logits: &'a mut [f32],
}

impl Loops for Think<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.weights.think_loops(self.kernels, self.inputs, self.mind, self.logits);
    }
}

/// What the groups have of a frame, from what is heard of it.
#[inline(always)]
fn groups(inputs: &[f32]) -> [Group; GROUPS] {
    let (levels, rest) = inputs.split_at(BANDS);
    let (cosines, rest) = rest.split_at(PHASES);
    let (sines, likenesses) = rest.split_at(PHASES);
    let mut groups = [[0.0; HEARD]; GROUPS];
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
