//! The pitch period of the voice, so that a frame can be compared with the one a period earlier.

use rustfft::num_complex::Complex32;

use super::features::BINS;
use crate::dsp::stft::Stft;

/// The shortest pitch period in samples: 500 Hz.
pub(super) const SHORTEST_PERIOD: usize = 96;

/// The longest: 62.5 Hz.
pub(super) const LONGEST_PERIOD: usize = 768;

/// The bins that the search uses: 62 Hz to 4 kHz.
const SEARCHED: std::ops::Range<usize> = 2..128;

/// Share of the last frame's autocorrelation in this one's.
const SMOOTHING: f32 = 0.5;

/// Keeps the quotient of two zeros zero.
pub(super) const TINY: f32 = 1e-20;

/// One stream's search.
#[derive(Debug)]
pub(super) struct PitchSearch {
    /// For lags from 0 to [`LONGEST_PERIOD`].
    autocorrelation: [f32; LONGEST_PERIOD + 1],
}

impl PitchSearch {
    pub(super) fn new() -> Self {
        Self { autocorrelation: [0.0; LONGEST_PERIOD + 1] }
    }

    pub(super) fn reset(&mut self) {
        self.autocorrelation.fill(0.0);
    }

    /// Finds the pitch period in samples, and its periodicity, up to 1. Overwrites `scratch`, [`BINS`] long.
    ///
    /// The period is the largest value of an autocorrelation: that of the square root of the magnitudes rather than of their
    /// squares, so that no single harmonic decides.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics.
    #[inline(always)]
    pub(super) fn run(&mut self, stft: &mut Stft, power: &[f32], scratch: &mut [Complex32]) -> (usize, f32) {
        debug_assert_eq!((power.len(), scratch.len()), (BINS, BINS));
        scratch.fill(Complex32::ZERO);
        for (root, power) in scratch[SEARCHED].iter_mut().zip(&power[SEARCHED]) {
            root.re = power.sqrt().sqrt();
        }
        stft.inverse(scratch, SEARCHED.end);
        let (pairs, last) = self.autocorrelation.as_chunks_mut::<2>();
        for ([even, odd], now) in pairs.iter_mut().zip(scratch.iter()) {
            *even = now.re + SMOOTHING * *even;
            *odd = now.im + SMOOTHING * *odd;
        }
        for value in last {
            *value = scratch[LONGEST_PERIOD / 2].re + SMOOTHING * *value;
        }
        // First the largest value, in lanes, then its lag.
        let (lanes, last) = self.autocorrelation[SHORTEST_PERIOD..].as_chunks::<8>();
        let mut most = [f32::MIN; 8];
        for values in lanes {
            for (most, value) in most.iter_mut().zip(values) {
                *most = if *value > *most { *value } else { *most };
            }
        }
        let most = most.iter().chain(last).fold(f32::MIN, |most, x| if *x > most { *x } else { most });
        let candidates = &self.autocorrelation[SHORTEST_PERIOD..];
        let lag = SHORTEST_PERIOD + candidates.iter().position(|x| *x == most).unwrap_or(0);
        (lag, self.autocorrelation[lag] / (self.autocorrelation[0] + TINY))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dsp::stft::Tables;

    #[test]
    fn silence_has_no_period() {
        let (mut stft, mut scratch) =
            (Stft::new(Arc::new(Tables::new(super::super::features::FRAME))), vec![Complex32::ZERO; BINS]);
        assert_eq!(PitchSearch::new().run(&mut stft, &[0.0; BINS], &mut scratch), (SHORTEST_PERIOD, 0.0));
        assert!(PitchSearch::new().run(&mut stft, &[f32::NAN; BINS], &mut scratch).1.is_nan());
    }
}
