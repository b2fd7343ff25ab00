//! What the network is made of.

use super::kernels::Kernels;

/// How many rows of a matrix lie together.
pub(crate) const LANES: usize = 16;

/// A dense layer: int8 weights, one scale per row, and inputs as int16 codes of a unit that is found anew for every
/// use ([`Kernels::quantise`]). `y = bias + scale * unit * (W codes)`.
///
/// Int8 is for the cache's sake: the weights are read once per frame. Int16 for the inputs is twice as fast as f32, and
/// costs what rounding to fifteen bits costs. The rows lie in panels of 16, two columns after two columns, as the
/// instructions take them that add two products at once.
#[derive(Debug)]
pub(crate) struct Dense {
    /// Pairs of columns; where there is an odd one, it is paired with zeros.
    pub(crate) pairs: usize,
    /// `[panel][pair]`: for each of 16 rows its two weights.
    pub(crate) weights: Vec<[[i8; 2]; LANES]>,
    pub(crate) scales: Vec<[f32; LANES]>,
    pub(crate) biases: Vec<[f32; LANES]>,
    /// The largest code: such that no sum of products leaves 32 bits.
    pub(crate) full_scale: f32,
}

impl Dense {
    /// From weights as they lie in the file: `[panel][column]`, 16 rows each.
    pub(crate) fn new(
        columns: usize,
        file: &[[i8; LANES]],
        scales: Vec<[f32; LANES]>,
        biases: Vec<[f32; LANES]>,
    ) -> Self {
        let pair = |columns: &[[i8; LANES]]| {
            let second = columns.get(1).unwrap_or(&[0; LANES]);
            std::array::from_fn(|row| [columns[0][row], second[row]])
        };
        Self {
            pairs: columns.div_ceil(2),
            weights: file.chunks(columns).flat_map(|panel| panel.chunks(2).map(pair)).collect(),
            scales,
            biases,
            full_scale: (i32::MAX as usize / (128 * columns)).min(32_767) as f32,
        }
    }

    /// Rows, rounded up to whole panels.
    pub(crate) fn padded_rows(&self) -> usize {
        self.scales.len() * LANES
    }

    /// Weights, scales and biases in bytes.
    pub(crate) fn bytes(&self) -> usize {
        2 * self.weights.len() * LANES + 2 * self.padded_rows() * size_of::<f32>()
    }

    /// Multiplications of one use.
    pub(crate) fn multiplications(&self) -> usize {
        2 * self.weights.len() * LANES
    }

    /// The layer's output for `x`; `codes` is room for its codes.
    pub(crate) fn run(&self, kernels: Kernels, x: &[f32], codes: &mut [[i16; 2]], y: &mut [f32]) {
        let codes = &mut codes[..self.pairs];
        let unit = kernels.quantise(x, self.full_scale, codes);
        kernels.dense(self, codes, unit, y);
    }
}

/// A gated recurrent unit in PyTorch's form: gate rows in the order r, z, n, the candidate's recurrent bias
/// inside the reset gate.
#[derive(Debug)]
pub(crate) struct Gru {
    pub(crate) input: Dense,
    pub(crate) memory: Dense,
}

impl Gru {
    /// One step: `state` becomes the next state, and `output` is it plus the input (the residual sum).
    /// `scratch` holds six times the unit's width, `codes` at least half of it.
    pub(crate) fn step(
        &self,
        kernels: Kernels,
        input: &[f32],
        state: &mut [f32],
        scratch: &mut [f32],
        codes: &mut [[i16; 2]],
        output: &mut [f32],
    ) {
        let (from_input, from_memory) = scratch.split_at_mut(3 * state.len());
        self.input.run(kernels, input, codes, from_input);
        self.memory.run(kernels, state, codes, from_memory);
        kernels.gru(from_input, from_memory, state);
        for ((o, i), s) in output.iter_mut().zip(input).zip(state.iter()) {
            *o = i + s;
        }
    }
}

/// The path by which a gain sees its own band and its neighbours directly: four small filters over the bands,
/// weighted for each band.
#[derive(Debug)]
pub(crate) struct Local {
    /// Taps for the bands b−2 to b+2.
    pub(crate) filters: [[f32; 5]; 4],
    pub(crate) biases: [f32; 4],
    /// Per filter, one weight for each band.
    pub(crate) weights: [Vec<f32>; 4],
}

impl Local {
    /// Adds to the bands' `logits`. `features` has two zeros at each end; `scratch` is as long as `logits`.
    pub(crate) fn add(&self, kernels: Kernels, features: &[f32], scratch: &mut [f32], logits: &mut [f32]) {
        for ((filter, bias), weights) in self.filters.iter().zip(self.biases).zip(&self.weights) {
            for (l, near) in scratch.iter_mut().zip(features.windows(5)) {
                *l = bias
                    + (filter[0] * near[0] + filter[1] * near[1] + filter[2] * near[2])
                    + (filter[3] * near[3] + filter[4] * near[4]);
            }
            kernels.tanh(scratch);
            for ((o, l), w) in logits.iter_mut().zip(scratch.iter()).zip(weights) {
                *o += w * l;
            }
        }
    }
}
