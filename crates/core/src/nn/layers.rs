//! Dense layers and gated recurrent units with int8 weights.

use super::kernels::Kernels;

/// Rows of a panel, which are interleaved in memory.
pub(crate) const LANES: usize = 16;

/// Panels of a block, which are interleaved in memory.
pub(crate) const BLOCK: usize = 6;

/// A weight's type: `i8` or `i16`.
pub(crate) trait Weight: Copy + Into<i16> {}

impl Weight for i8 {}

impl Weight for i16 {}

/// A dense layer: int8 weights, one scale per row, and inputs as int16 codes in a unit chosen anew for every
/// call ([`Kernels::quantise`]). `y = bias + scale * unit * (W codes)`.
///
/// The weights are int8 to fit the cache: they are read once per frame. A small layer that is applied to many inputs keeps
/// the same weights in int16, ready to multiply. Int16 inputs are twice as fast as f32, at the cost of rounding to fifteen
/// bits. Rows are stored in panels of 16, panels in blocks of six, columns in pairs, the order of the instructions
/// that add two products at once.
#[derive(Debug)]
pub(crate) struct Dense<W = i8> {
    /// Pairs of columns; an odd last column is paired with zeros.
    pub(crate) pairs: usize,
    /// `[block][pair][panel]`: for each of 16 rows its two weights. The last block may have fewer panels.
    pub(crate) weights: Vec<[[W; 2]; LANES]>,
    pub(crate) scales: Vec<[f32; LANES]>,
    pub(crate) biases: Vec<[f32; LANES]>,
    /// The largest code: chosen so that no sum of products exceeds 32 bits.
    pub(crate) full_scale: f32,
}

impl Dense {
    /// Makes a layer from weights in the order of the file: `[panel][column]`, 16 rows each.
    pub(crate) fn new(
        columns: usize,
        file: &[[i8; LANES]],
        scales: Vec<[f32; LANES]>,
        biases: Vec<[f32; LANES]>,
    ) -> Self {
        let pairs = columns.div_ceil(2);
        let pair = |panel: &[[i8; LANES]], pair: usize| {
            let second = panel.get(2 * pair + 1).unwrap_or(&[0; LANES]);
            std::array::from_fn(|row| [panel[2 * pair][row], second[row]])
        };
        let blocks = file.chunks(BLOCK * columns);
        let weights = blocks.flat_map(|block| {
            let panels = block.chunks(columns);
            (0..pairs).flat_map(move |index| panels.clone().map(move |panel| pair(panel, index)))
        });
        Self {
            pairs,
            weights: weights.collect(),
            scales,
            biases,
            full_scale: (i32::MAX as usize / (128 * columns)).min(32_767) as f32,
        }
    }

    /// Returns the same layer for many inputs.
    pub(crate) fn widened(self) -> Dense<i16> {
        let Self { pairs, weights, scales, biases, full_scale } = self;
        let weights = weights.iter().map(|rows| rows.map(|row| row.map(i16::from))).collect();
        Dense { pairs, weights, scales, biases, full_scale }
    }
}

impl<W: Weight> Dense<W> {
    /// Rows, rounded up to whole panels.
    pub(crate) fn padded_rows(&self) -> usize {
        self.scales.len() * LANES
    }

    /// Returns the size of weights, scales and biases in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + 2 * self.padded_rows() * size_of::<f32>()
    }

    /// Returns the multiplications for one input.
    pub(crate) fn multiplications(&self) -> usize {
        2 * self.pairs * self.padded_rows()
    }

    /// Computes the outputs for one or more inputs in `x`, one after the other, which share a unit; `codes` is scratch.
    pub(crate) fn run(&self, kernels: Kernels, x: &[f32], codes: &mut [[i16; 2]], y: &mut [f32]) {
        let codes = &mut codes[..x.len().div_ceil(2)];
        let unit = kernels.quantise(x, self.full_scale, codes);
        kernels.dense(self, codes, unit, y);
    }
}

/// A gated recurrent unit in PyTorch's form: gate rows in the order r, z, n, the candidate's recurrent bias
/// inside the reset gate.
#[derive(Debug)]
pub(crate) struct Gru<W = i8> {
    pub(crate) input: Dense<W>,
    pub(crate) recurrent: Dense<W>,
}

impl<W: Weight> Gru<W> {
    /// Runs one step: updates the hidden state, which is also the output. Several units of the same weights have their inputs
    /// and states one after the other. `gates` is six times as long as the states, `codes` half as long as inputs or states.
    pub(crate) fn step(
        &self,
        kernels: Kernels,
        input: &[f32],
        state: &mut [f32],
        gates: &mut [f32],
        codes: &mut [[i16; 2]],
    ) {
        let (from_input, from_state) = gates[..6 * state.len()].split_at_mut(3 * state.len());
        self.input.run(kernels, input, codes, from_input);
        self.recurrent.run(kernels, state, codes, from_state);
        kernels.gru(self.recurrent.padded_rows() / 3, from_input, from_state, state);
    }
}
