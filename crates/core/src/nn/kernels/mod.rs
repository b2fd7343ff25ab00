//! The inner loops, chosen once when a model is made.
//!
//! [`portable`] has them all; the others compile the same loops for processors that have more, and have the
//! largest one by hand. Sums are of integers, hence exact in any order, and everything else is done in one order and without fused
//! multiply-add: every instruction set gives the same bits.
#![allow(unsafe_code, reason = "a function for a certain processor is unsafe to call until that is detected")]

/// The dense layer of an instruction set, by its function for the rows of N panels: block after block, then the panels that
/// are left. All that does not depend on the input stands before the loop over inputs: small layers have many.
#[cfg(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    all(target_arch = "wasm32", target_feature = "simd128")
))]
macro_rules! in_blocks {
    ($block:ident, $layer:expr, $codes:expr, $unit:expr, $y:expr) => {
        let panels = $layer.scales.len();
        let whole = panels / BLOCK * BLOCK;
        let (blocks, rest) = $layer.weights.split_at(whole * $layer.pairs);
        let (scales, rest_scales) = $layer.scales.split_at(whole);
        let (biases, rest_biases) = $layer.biases.split_at(whole);
        let outputs = $y.as_chunks_mut::<LANES>().0.chunks_exact_mut(panels);
        for (codes, y) in $codes.chunks_exact($layer.pairs).zip(outputs) {
            let (y, rest_y) = y.split_at_mut(whole);
            let rows = scales.as_chunks::<BLOCK>().0.iter().zip(biases.as_chunks::<BLOCK>().0);
            let rows = rows.zip(y.as_chunks_mut::<BLOCK>().0);
            for (weights, ((scales, biases), y)) in blocks.chunks_exact(BLOCK * $layer.pairs).zip(rows) {
                $block::<BLOCK, W>(weights, codes, $unit, scales, biases, y);
            }
            match rest_y.len() {
                1 => $block::<1, W>(rest, codes, $unit, rest_scales, rest_biases, rest_y),
                2 => $block::<2, W>(rest, codes, $unit, rest_scales, rest_biases, rest_y),
                3 => $block::<3, W>(rest, codes, $unit, rest_scales, rest_biases, rest_y),
                4 => $block::<4, W>(rest, codes, $unit, rest_scales, rest_biases, rest_y),
                5 => $block::<5, W>(rest, codes, $unit, rest_scales, rest_biases, rest_y),
                _ => {}
            }
        }
    };
}

/// The function for the rows of N panels where the registers hold the sums of a few panels only: a few at a time, by the set's
/// own `sums` and `finish`.
#[cfg(any(target_arch = "aarch64", all(target_arch = "wasm32", target_feature = "simd128")))]
macro_rules! block_by_sums {
    ($(#[$attribute:meta])*) => {
        $(#[$attribute])*
        fn block<const N: usize, W: Weight>(
            weights: &[[[W; 2]; LANES]],
            codes: &[[i16; 2]],
            unit: f32,
            scales: &[[f32; LANES]],
            biases: &[[f32; LANES]],
            y: &mut [[f32; LANES]],
        ) {
            let columns = weights.as_chunks::<N>().0;
            let rows = scales.chunks(TOGETHER).zip(biases.chunks(TOGETHER)).zip(y.chunks_mut(TOGETHER));
            for (index, ((scales, biases), y)) in rows.enumerate() {
                let first = index * TOGETHER;
                match y.len() {
                    1 => finish(sums::<N, 1, W>(columns, codes, first), unit, scales, biases, y),
                    2 => finish(sums::<N, 2, W>(columns, codes, first), unit, scales, biases, y),
                    _ => finish(sums::<N, TOGETHER, W>(columns, codes, first), unit, scales, biases, y),
                }
            }
        }
    };
}

/// What is the same everywhere, compiled for what `$features` names: the dense layer by the set's own `block`, and the loops.
#[cfg(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    all(target_arch = "wasm32", target_feature = "simd128")
))]
macro_rules! portable_loops {
    ($features:literal) => {
        #[target_feature(enable = $features)]
        pub(super) fn run<L: super::Loops>(loops: L) -> L::Output {
            loops.run()
        }

        #[target_feature(enable = $features)]
        pub(super) fn dense<W: Weight>(layer: &Dense<W>, codes: &[[i16; 2]], unit: f32, y: &mut [f32]) {
            in_blocks!(block, layer, codes, unit, y);
        }

        #[target_feature(enable = $features)]
        pub(super) fn quantise(x: &[f32], full_scale: f32, codes: &mut [[i16; 2]]) -> f32 {
            super::portable::quantise(x, full_scale, codes)
        }

        #[target_feature(enable = $features)]
        pub(super) fn gru(width: usize, from_input: &[f32], from_memory: &[f32], memory: &mut [f32]) {
            super::portable::gru(width, from_input, from_memory, memory);
        }

        #[target_feature(enable = $features)]
        pub(super) fn sigmoid(x: &mut [f32]) {
            super::portable::sigmoid(x);
        }

        #[target_feature(enable = $features)]
        pub(super) fn log10(x: &mut [f32]) {
            super::portable::log10(x);
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

use super::layers::{Dense, Weight};

/// Loops that are written once, and compiled for every instruction set. `run` and all that it calls in its loops must be
/// `#[inline(always)]`: what is not inlined is compiled for the least.
pub(crate) trait Loops {
    type Output;

    fn run(self) -> Self::Output;
}

/// One instruction set's kernels. Only [`detect`](Self::detect) and the tests make one, and only of a set
/// that the processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kernels(Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
}

impl Set {
    /// The faster, the later.
    const ALL: &[Self] = &[
        Self::Portable,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "aarch64")]
        Self::Neon,
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Self::Simd128,
    ];

    /// Whether this processor has it.
    fn is_there(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::detected(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => true,
        }
    }
}

/// The set that every processor of the target has. The compiler then leaves out the loops of all others, but for the tests.
const CERTAIN: Option<Set> = if cfg!(all(
    not(test),
    any(target_arch = "aarch64", all(target_arch = "wasm32", target_feature = "simd128"))
)) {
    Set::ALL.last().copied()
} else {
    None
};

/// Calls the function of this name in the set's module.
macro_rules! dispatch {
    ($set:expr, $name:ident($($argument:expr),*)) => {
        match CERTAIN.unwrap_or($set) {
            Set::Portable => portable::$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kernels` of this set are made only after AVX2 was detected.
            Set::Avx2 => unsafe { avx2::$name($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kernels` of this set are made only after all that it uses was detected.
            Set::Avx512 => unsafe { avx512::$name($($argument),*) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: NEON is part of AArch64.
            Set::Neon => unsafe { neon::$name($($argument),*) },
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Set::Simd128 => simd128::$name($($argument),*),
        }
    };
}

impl Kernels {
    /// The fastest that this processor has.
    pub(crate) fn detect() -> Self {
        let fastest = Set::ALL.iter().rev().find(|set| set.is_there());
        Self(*fastest.unwrap_or(&Set::Portable))
    }

    /// All that this processor has.
    #[cfg(test)]
    pub(crate) fn available() -> Vec<Self> {
        Set::ALL.iter().filter(|set| set.is_there()).map(|set| Self(*set)).collect()
    }

    /// Runs loops, compiled for this set.
    pub(crate) fn run<L: Loops>(self, loops: L) -> L::Output {
        dispatch!(self.0, run(loops))
    }

    /// The numbers as whole multiples of a unit, which is returned: `full_scale` of it is the largest of them. A last
    /// code without a number is 0. If a number is not finite, neither is the unit.
    pub(crate) fn quantise(self, x: &[f32], full_scale: f32, codes: &mut [[i16; 2]]) -> f32 {
        debug_assert_eq!(x.len().div_ceil(2), codes.len());
        dispatch!(self.0, quantise(x, full_scale, codes))
    }

    /// `y = bias + scale * unit * (W codes)`, the product in exact integers. Several inputs of the same unit, one after
    /// the other, give as many outputs.
    pub(crate) fn dense<W: Weight>(self, layer: &Dense<W>, codes: &[[i16; 2]], unit: f32, y: &mut [f32]) {
        debug_assert_eq!(codes.len() % layer.pairs, 0);
        debug_assert_eq!(codes.len() / layer.pairs * layer.padded_rows(), y.len());
        dispatch!(self.0, dense(layer, codes, unit, y));
    }

    /// The pointwise half of a GRU: gate sums from the input and from the memory (r, z, n in each), and the
    /// memory, which becomes the next one. Several of one `width` lie one after the other.
    pub(crate) fn gru(self, width: usize, from_input: &[f32], from_memory: &[f32], memory: &mut [f32]) {
        dispatch!(self.0, gru(width, from_input, from_memory, memory));
    }

    /// The logistic function of each, in place.
    pub(crate) fn sigmoid(self, x: &mut [f32]) {
        dispatch!(self.0, sigmoid(x));
    }

    /// The common logarithm of each, in place.
    pub(crate) fn log10(self, x: &mut [f32]) {
        dispatch!(self.0, log10(x));
    }
}

#[cfg(test)]
mod tests {
    use super::super::layers::LANES;
    use super::*;

    /// Numbers in ±1.
    fn numbers(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let step = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        std::iter::repeat_with(step).take(n).collect()
    }

    /// A layer of random weights, its rows one after the other as they would stand in a matrix.
    fn layer(panels: usize, columns: usize) -> (Dense, Vec<i8>) {
        let file: Vec<[i8; LANES]> = numbers(panels * columns * LANES, 2)
            .as_chunks::<LANES>()
            .0
            .iter()
            .map(|row| row.map(|w| (w * 127.0).round() as i8))
            .collect();
        let matrix = (0..panels * LANES)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(row, column)| file[row / LANES * columns + column][row % LANES])
            .collect();
        let scales = numbers(panels * LANES, 3).as_chunks::<LANES>().0.to_vec();
        let biases = numbers(panels * LANES, 4).as_chunks::<LANES>().0.to_vec();
        (Dense::new(columns, &file, scales, biases), matrix)
    }

    #[test]
    fn a_dense_layer_is_a_product_and_the_same_bits_everywhere() {
        for (panels, columns) in
            [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 191), (7, 300), (18, 54), (1, 576)]
        {
            let (layer, matrix) = layer(panels, columns);
            let x = numbers(columns, 1);
            let mut codes = vec![[0; 2]; layer.pairs];
            let mut expected = vec![0.0; panels * LANES];
            let unit = Kernels(Set::Portable).quantise(&x, layer.full_scale, &mut codes);
            Kernels(Set::Portable).dense(&layer, &codes, unit, &mut expected);
            for (row, y) in expected.iter().enumerate() {
                let weights = &matrix[row * columns..][..columns];
                let sum: f64 = weights.iter().zip(&x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
                let (panel, lane) = (row / LANES, row % LANES);
                let exact = f64::from(layer.biases[panel][lane]) + f64::from(layer.scales[panel][lane]) * sum;
                // Half a unit from each input, at full weight.
                let bound = 127.0 * columns as f64 * 0.51 / f64::from(layer.full_scale) + 1e-5 * sum.abs();
                assert!((f64::from(*y) - exact).abs() <= bound, "{columns} columns: {y} and {exact}");
            }
            for kernels in Kernels::available() {
                let (mut again, mut got) = (vec![[1; 2]; layer.pairs], vec![1.0; expected.len()]);
                assert_eq!(kernels.quantise(&x, layer.full_scale, &mut again), unit);
                assert_eq!(again, codes);
                kernels.dense(&layer, &codes, unit, &mut got);
                assert_eq!(got, expected, "{kernels:?}, {columns} columns");
            }
            // Three inputs through the same weights, of which the middle one is this.
            let three =
                [&vec![[0; 2]; layer.pairs], &codes, &vec![[1; 2]; layer.pairs]].map(|x| &x[..]).concat();
            let wide = layer.widened();
            for kernels in Kernels::available() {
                let mut got = vec![1.0; 3 * expected.len()];
                kernels.dense(&wide, &three, unit, &mut got);
                assert_eq!(
                    got[expected.len()..2 * expected.len()],
                    expected,
                    "{kernels:?}, {columns} columns"
                );
                assert_eq!(&got[..expected.len()], wide.biases.as_flattened());
            }
        }
    }

    #[test]
    fn the_largest_sum_fits() {
        for columns in [1, 300, 576, 4096] {
            let file = vec![[i8::MIN; LANES]; columns];
            let layer = Dense::new(columns, &file, vec![[1.0; LANES]], vec![[0.0; LANES]]);
            let mut codes = vec![[0; 2]; layer.pairs];
            for kernels in Kernels::available() {
                let mut y = [0.0; LANES];
                let unit = kernels.quantise(&vec![-1.0; columns], layer.full_scale, &mut codes);
                kernels.dense(&layer, &codes, unit, &mut y);
                let exact = 128.0 * columns as f32;
                assert!(y.iter().all(|y| (y - exact).abs() < 1e-3 * exact), "{kernels:?}: {y:?}");
            }
        }
    }

    #[test]
    fn numbers_become_the_nearest_codes() {
        for kernels in Kernels::available() {
            let mut codes = [[9; 2]; 3];
            let unit = kernels.quantise(&[0.5, -1.0, 0.25, 0.0, 3.4e-5], 32_767.0, &mut codes);
            assert_eq!(codes, [[16_384, -32_767], [8192, 0], [1, 0]]);
            assert_eq!(unit, 1.0 / 32_767.0);
            for silent in [0.0, -0.0, 1e-39] {
                assert_eq!(kernels.quantise(&[silent; 6], 32_767.0, &mut codes), 0.0);
                assert_eq!(codes, [[0; 2]; 3]);
            }
            for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(!kernels.quantise(&[1.0, bad, 2.0, 0.0, 0.0], 32_767.0, &mut codes).is_finite());
            }
        }
    }

    #[test]
    fn the_rest_is_the_same_bits_everywhere() {
        for width in [16, 48, 192] {
            let (a, b) = (numbers(3 * width, 5), numbers(3 * width, 6));
            let [mut expected, mut got] = [numbers(width, 7), numbers(width, 7)];
            portable::gru(width, &a, &b, &mut expected);
            for kernels in Kernels::available() {
                got.copy_from_slice(&numbers(width, 7));
                kernels.gru(width, &a, &b, &mut got);
                assert_eq!(got, expected, "{kernels:?}");
            }
        }
        for n in [0, 1, 15, 16, 100, 101] {
            let positive = || numbers(n, 8).iter().map(|x| x.abs() + 1e-10).collect::<Vec<_>>();
            let (mut s, mut l) = (numbers(n, 8), positive());
            portable::sigmoid(&mut s);
            portable::log10(&mut l);
            for kernels in Kernels::available() {
                let (mut s2, mut l2) = (numbers(n, 8), positive());
                kernels.sigmoid(&mut s2);
                kernels.log10(&mut l2);
                assert_eq!((&s2, &l2), (&s, &l), "{kernels:?}");
            }
        }
    }
}
