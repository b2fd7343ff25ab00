//! What the network is made of.

use super::kernels::Kernels;

/// How many rows of a matrix lie together.
pub(crate) const LANES: usize = 16;

/// How many panels of rows lie together.
pub(crate) const BLOCK: usize = 6;

/// A weight's type: `i8` or `i16`.
pub(crate) trait Weight: Copy + Into<i16> {}

impl Weight for i8 {}

impl Weight for i16 {}

/// A dense layer: weights of int8, one scale per row, and inputs as int16 codes of a unit that is found anew for every
/// use ([`Kernels::quantise`]). `y = bias + scale * unit * (W codes)`.
///
/// Int8 is for the cache's sake: the weights are read once per frame. A small layer that many inputs go through has the same
/// weights in int16, ready to be multiplied. Int16 for the inputs is twice as fast as f32, and costs what rounding to fifteen
/// bits costs. The rows lie in panels of 16, these in blocks of six, two columns after two columns, as the instructions
/// take them that add two products at once.
#[derive(Debug)]
pub(crate) struct Dense<W = i8> {
    /// Pairs of columns; where there is an odd one, it is paired with zeros.
    pub(crate) pairs: usize,
    /// `[block][pair][panel]`: for each of 16 rows its two weights. The last block may have fewer panels.
    pub(crate) weights: Vec<[[W; 2]; LANES]>,
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

    /// The same, for many inputs.
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

    /// Weights, scales and biases in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + 2 * self.padded_rows() * size_of::<f32>()
    }

    /// Multiplications of one input.
    pub(crate) fn multiplications(&self) -> usize {
        2 * self.pairs * self.padded_rows()
    }

    /// The outputs for the inputs that lie in `x` one after the other, all of which share a unit; `codes` is room for
    /// theirs.
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
    pub(crate) memory: Dense<W>,
}

impl<W: Weight> Gru<W> {
    /// One step: `memory` becomes the next one, which is also the output. Of several of the same weights, inputs and memories
    /// lie one after the other. `gates` holds six times the memories' length, `codes` half of the inputs' and of theirs.
    pub(crate) fn step(
        &self,
        kernels: Kernels,
        input: &[f32],
        memory: &mut [f32],
        gates: &mut [f32],
        codes: &mut [[i16; 2]],
    ) {
        let (from_input, from_memory) = gates[..6 * memory.len()].split_at_mut(3 * memory.len());
        self.input.run(kernels, input, codes, from_input);
        self.memory.run(kernels, memory, codes, from_memory);
        kernels.gru(self.memory.padded_rows() / 3, from_input, from_memory, memory);
    }
}
