//! The inner loops, compiled once for each instruction set, chosen once when a model is made.
//!
//! [`lanes`] has the loops, over arrays of 16 numbers that the compiler turns into vectors; each of its
//! siblings has the same four functions and compiles them for its processors. With fused multiply-add sums
//! round once where they round twice without, so kernels agree to rounding, not bit for bit; each by itself
//! gives the same bits on every call.
#![allow(unsafe_code, reason = "a function for a certain processor is unsafe to call until that is detected")]

#[cfg(target_arch = "x86_64")]
mod avx2;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

use super::layers::Dense;

/// One instruction set's kernels. Only [`detect`](Self::detect) and the tests make one, and only of a set
/// that the processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kernels(Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each target makes some of them")]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Wasm,
}

/// Calls the function of this name in the set's module.
macro_rules! dispatch {
    ($set:expr, $name:ident($($argument:expr),*)) => {
        match $set {
            Set::Portable => portable::$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Kernels` of this set are made only after AVX2 and FMA were detected.
            Set::Avx2 => unsafe { avx2::$name($($argument),*) },
            #[cfg(target_arch = "aarch64")]
            Set::Neon => neon::$name($($argument),*),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Set::Wasm => wasm::$name($($argument),*),
        }
    };
}

impl Kernels {
    /// The fastest that this processor has.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Self(Set::Avx2);
        }
        #[cfg(target_arch = "aarch64")]
        return Self(Set::Neon);
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        return Self(Set::Wasm);
        #[allow(unreachable_code, reason = "two of the targets always have their own")]
        Self(Set::Portable)
    }

    /// All that this processor has.
    #[cfg(test)]
    pub(crate) fn available() -> Vec<Self> {
        let mut all = vec![Self(Set::Portable), Self::detect()];
        all.dedup();
        all
    }

    /// `y = bias + scale * (W x)`.
    pub(crate) fn dense(self, layer: &Dense, x: &[f32], y: &mut [f32]) {
        debug_assert_eq!((layer.columns, layer.padded_rows()), (x.len(), y.len()));
        dispatch!(self.0, dense(layer, x, y));
    }

    /// The pointwise half of a GRU: gate sums from the input and from the memory (r, z, n in each), and the
    /// memory, which becomes the next one.
    pub(crate) fn gru(self, from_input: &[f32], from_memory: &[f32], memory: &mut [f32]) {
        dispatch!(self.0, gru(from_input, from_memory, memory));
    }

    /// tanh of each, in place.
    pub(crate) fn tanh(self, x: &mut [f32]) {
        dispatch!(self.0, tanh(x));
    }

    /// The logistic function of each, in place.
    pub(crate) fn sigmoid(self, x: &mut [f32]) {
        dispatch!(self.0, sigmoid(x));
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

    #[test]
    fn every_kernel_agrees_with_the_portable_one_and_that_with_plain_sums() {
        for columns in [1, 2, 3, 4, 5, 191, 300] {
            let (panels, x) = (3, numbers(columns, 1));
            let layer = Dense {
                columns,
                weights: numbers(panels * columns * LANES, 2)
                    .as_chunks::<LANES>()
                    .0
                    .iter()
                    .map(|row| row.map(|w| (w * 127.0) as i8))
                    .collect(),
                scales: numbers(panels * LANES, 3).as_chunks::<LANES>().0.to_vec(),
                biases: numbers(panels * LANES, 4).as_chunks::<LANES>().0.to_vec(),
            };
            let exact: Vec<f64> = (0..panels * LANES)
                .map(|row| {
                    let (panel, lane) = (row / LANES, row % LANES);
                    let weights = &layer.weights[panel * columns..][..columns];
                    let sum: f64 =
                        weights.iter().zip(&x).map(|(w, x)| f64::from(w[lane]) * f64::from(*x)).sum();
                    f64::from(layer.biases[panel][lane]) + f64::from(layer.scales[panel][lane]) * sum
                })
                .collect();
            for kernels in Kernels::available() {
                let mut y = vec![0.0; exact.len()];
                kernels.dense(&layer, &x, &mut y);
                for (a, b) in y.iter().zip(&exact) {
                    assert!((f64::from(*a) - b).abs() < 2e-3, "{kernels:?}, {columns} columns: {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn every_kernel_agrees_with_the_portable_one_pointwise() {
        for width in [16, 48, 192] {
            let (a, b) = (numbers(3 * width, 5), numbers(3 * width, 6));
            let [mut expected, mut got] = [numbers(width, 7), numbers(width, 7)];
            portable::gru(&a, &b, &mut expected);
            for kernels in Kernels::available() {
                got.copy_from_slice(&numbers(width, 7));
                kernels.gru(&a, &b, &mut got);
                for (e, g) in expected.iter().zip(&got) {
                    assert!((e - g).abs() < 1e-6, "{kernels:?}: {e} and {g}");
                }
            }
        }
        for n in [0, 1, 15, 16, 100, 101] {
            for kernels in Kernels::available() {
                let (mut t, mut s) = (numbers(n, 8), numbers(n, 8));
                kernels.tanh(&mut t);
                kernels.sigmoid(&mut s);
                for ((x, t), s) in numbers(n, 8).iter().zip(t).zip(s) {
                    assert!((x.tanh() - t).abs() < 1e-6, "{kernels:?}");
                    assert!((1.0 / (1.0 + (-x).exp()) - s).abs() < 1e-6, "{kernels:?}");
                }
            }
        }
    }
}
