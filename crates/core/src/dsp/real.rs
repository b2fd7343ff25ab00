//! Transforms of real signals, in place, through rustfft's of half the length.
//!
//! Pairs of samples go as complex numbers into a transform of half the length; a step after it
//! separates the spectra of even and odd samples and combines them (Press et al., "Numerical Recipes", 12.3).
//! Unlike realfft's, which took a ninth of a frame's instructions, this step is vectorised.

use std::f64::consts::TAU;
use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

/// Bins combined at a time. The length of a transform is a multiple of four times this.
const LANES: usize = 8;

type Bins = [Complex32; LANES];

/// Real parts, imaginary parts.
type Parts = [[f32; LANES]; 2];

/// Plans for one length.
pub(crate) struct RealFft {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    /// `e^(-2 pi i k / length)` for the first quarter: [`LANES`] at a time.
    turns: Vec<Parts>,
}

impl RealFft {
    pub(crate) fn new(length: usize) -> Self {
        debug_assert_eq!(length % (4 * LANES), 0);
        let mut planner = FftPlanner::new();
        let turn = |k: usize| (TAU * k as f64 / length as f64).sin_cos();
        let turns = (0..length / 4).step_by(LANES).map(|first| {
            [
                std::array::from_fn(|lane| turn(first + lane).1 as f32),
                std::array::from_fn(|lane| -turn(first + lane).0 as f32),
            ]
        });
        Self {
            turns: turns.collect(),
            forward: planner.plan_fft_forward(length / 2),
            inverse: planner.plan_fft_inverse(length / 2),
        }
    }

    /// Returns the length of the transforms' scratch.
    pub(crate) fn scratch_len(&self) -> usize {
        self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len())
    }

    /// Transforms samples, two in each number but the last, into one bin more than half as many, unnormalised.
    #[inline(always)]
    pub(crate) fn forward(&self, bins: &mut [Complex32], scratch: &mut [Complex32]) {
        let half = 2 * LANES * self.turns.len();
        self.forward.process_with_scratch(&mut bins[..half], scratch);
        bins[half] = bins[0];
        bins[half / 2] = bins[half / 2].conj();
        for (low, high, [cos, sin]) in self.pairs(bins) {
            let ([ar, ai], [br, bi]) = (apart(low), apart_backwards(high));
            let [mut x, mut y] = [[[0.0; LANES]; 2]; 2];
            for i in 0..LANES {
                let (even_re, even_im) = (0.5 * (ar[i] + br[i]), 0.5 * (ai[i] - bi[i]));
                let (odd_re, odd_im) = (0.5 * (ai[i] + bi[i]), 0.5 * (br[i] - ar[i]));
                let (turned_re, turned_im) =
                    (odd_re * cos[i] - odd_im * sin[i], odd_re * sin[i] + odd_im * cos[i]);
                (x[0][i], x[1][i]) = (even_re + turned_re, even_im + turned_im);
                (y[0][i], y[1][i]) = (even_re - turned_re, turned_im - even_im);
            }
            together(x, low);
            together_backwards(y, high);
        }
    }

    /// Transforms back, unnormalised: samples times the length. The first and the last bin must be real, and those from the
    /// `filled`-th on 0.
    #[inline(always)]
    pub(crate) fn inverse(&self, bins: &mut [Complex32], filled: usize, scratch: &mut [Complex32]) {
        let half = 2 * LANES * self.turns.len();
        bins[half / 2] = 2.0 * bins[half / 2].conj();
        // If both bins of a pair are 0, so is the result.
        let some = if filled <= half / 2 { filled.div_ceil(LANES) } else { self.turns.len() };
        for (low, high, [cos, sin]) in self.pairs(bins).take(some) {
            let ([ar, ai], [br, bi]) = (apart(low), apart_backwards(high));
            let [mut x, mut y] = [[[0.0; LANES]; 2]; 2];
            for i in 0..LANES {
                let (even_re, even_im) = (ar[i] + br[i], ai[i] - bi[i]);
                let (odd_re, odd_im) = (ar[i] - br[i], ai[i] + bi[i]);
                let (turned_re, turned_im) =
                    (odd_re * cos[i] + odd_im * sin[i], odd_im * cos[i] - odd_re * sin[i]);
                (x[0][i], x[1][i]) = (even_re - turned_im, even_im + turned_re);
                (y[0][i], y[1][i]) = (even_re + turned_im, turned_re - even_im);
            }
            together(x, low);
            together_backwards(y, high);
        }
        self.inverse.process_with_scratch(&mut bins[..half], scratch);
    }

    /// Bins k and length / 2 - k, [`LANES`] at a time, the second of them backwards, and the turns for k.
    #[inline(always)]
    fn pairs<'a>(
        &'a self,
        bins: &'a mut [Complex32],
    ) -> impl Iterator<Item = (&'a mut Bins, &'a mut Bins, &'a Parts)> {
        let (low, high) = bins.split_at_mut(LANES * self.turns.len());
        let high = high[1..].as_chunks_mut().0.iter_mut().rev();
        low.as_chunks_mut()
            .0
            .iter_mut()
            .zip(high)
            .zip(&self.turns)
            .map(|((low, high), turns)| (low, high, turns))
    }
}

/// Splits into real parts and imaginary parts, which vectorise.
#[inline(always)]
fn apart(bins: &Bins) -> Parts {
    [std::array::from_fn(|i| bins[i].re), std::array::from_fn(|i| bins[i].im)]
}

#[inline(always)]
fn apart_backwards(bins: &Bins) -> Parts {
    let [mut re, mut im] = apart(bins);
    re.reverse();
    im.reverse();
    [re, im]
}

#[inline(always)]
fn together([re, im]: Parts, bins: &mut Bins) {
    for i in 0..LANES {
        bins[i] = Complex32::new(re[i], im[i]);
    }
}

#[inline(always)]
fn together_backwards([mut re, mut im]: Parts, bins: &mut Bins) {
    re.reverse();
    im.reverse();
    together([re, im], bins);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_as_written_out_and_back() {
        for length in [32, 96, 1536] {
            let fft = RealFft::new(length);
            let mut scratch = vec![Complex32::ZERO; fft.scratch_len()];
            let sound: Vec<f32> = (0..length).map(|n| ((n * n + 3 * n) as f32).sin()).collect();
            let mut bins = vec![Complex32::ZERO; length / 2 + 1];
            for (bin, pair) in bins.iter_mut().zip(sound.as_chunks::<2>().0) {
                *bin = Complex32::new(pair[0], pair[1]);
            }
            fft.forward(&mut bins, &mut scratch);
            for (k, bin) in bins.iter().enumerate() {
                let angle = |n: usize| TAU * (k * n % length) as f64 / length as f64;
                let sum = |f: fn(f64) -> f64| {
                    sound.iter().enumerate().map(|(n, x)| f64::from(*x) * f(angle(n))).sum::<f64>()
                };
                let (re, im) = (sum(f64::cos), -sum(f64::sin));
                let apart = (f64::from(bin.re) - re).abs().max((f64::from(bin.im) - im).abs());
                assert!(apart < 1e-4 * (length as f64).sqrt(), "{length}, bin {k}: {bin} and {re} {im}");
            }
            fft.inverse(&mut bins, length / 2 + 1, &mut scratch);
            for (bin, pair) in bins.iter().zip(sound.as_chunks::<2>().0) {
                let scaled = pair.map(|x| x * length as f32);
                assert!((bin.re - scaled[0]).abs() < 1e-2 && (bin.im - scaled[1]).abs() < 1e-2);
            }
        }
    }

    #[test]
    fn a_few_bins_go_back_the_short_way() {
        let fft = RealFft::new(96);
        let mut scratch = vec![Complex32::ZERO; fft.scratch_len()];
        for filled in [1, 8, 9, 24, 25] {
            let mut bins = vec![Complex32::ZERO; 49];
            bins[..filled].iter_mut().enumerate().for_each(|(k, bin)| bin.re = (k as f32).cos());
            let mut expected = bins.clone();
            fft.inverse(&mut bins, filled, &mut scratch);
            fft.inverse(&mut expected, 49, &mut scratch);
            assert_eq!(bins[..48], expected[..48], "{filled} bins");
        }
    }
}
