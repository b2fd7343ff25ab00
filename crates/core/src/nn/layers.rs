//! What the network is made of.

use super::kernels::Kernels;

/// How many rows of a matrix lie together.
pub(crate) const LANES: usize = 16;

/// A dense layer: int8 weights, one scale per row, f32 in and out. `y = bias + scale * (W x)`.
///
/// The rows lie in panels of 16, column after column, so that one column of a panel is one load and every
/// input is used 16 times. Int8 is for the cache's sake: the weights are read once per frame.
#[derive(Debug)]
pub(crate) struct Dense {
    pub(crate) columns: usize,
    /// `[panel][column]`, 16 rows each.
    pub(crate) weights: Vec<[i8; LANES]>,
    pub(crate) scales: Vec<[f32; LANES]>,
    pub(crate) biases: Vec<[f32; LANES]>,
}

impl Dense {
    /// Rows, rounded up to whole panels.
    pub(crate) fn padded_rows(&self) -> usize {
        self.scales.len() * LANES
    }

    /// Weights, scales and biases in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.weights.len() * LANES + 2 * self.padded_rows() * size_of::<f32>()
    }

    /// Multiplications of one use.
    pub(crate) fn multiplications(&self) -> usize {
        self.weights.len() * LANES
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
    /// `scratch` holds six times the unit's width.
    pub(crate) fn step(
        &self,
        kernels: Kernels,
        input: &[f32],
        state: &mut [f32],
        scratch: &mut [f32],
        output: &mut [f32],
    ) {
        let (from_input, from_memory) = scratch.split_at_mut(3 * state.len());
        kernels.dense(&self.input, input, from_input);
        kernels.dense(&self.memory, state, from_memory);
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
