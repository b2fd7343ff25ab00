//! Power spectra of windowed frames.

use std::sync::Arc;

use realfft::num_complex::Complex64;
use realfft::{RealFftPlanner, RealToComplex};

/// The Hann window whose zeros lie just outside the frame: MATLAB's `hanning`, which the measures' authors used.
pub(crate) fn hanning(len: usize) -> Vec<f64> {
    let step = std::f64::consts::TAU / (len + 1) as f64;
    (1..=len).map(|n| 0.5 - 0.5 * (step * n as f64).cos()).collect()
}

/// Power spectra of frames of one length.
pub struct PowerSpectrum {
    window: Vec<f64>,
    fft: Arc<dyn RealToComplex<f64>>,
    time: Vec<f64>,
    bins: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl PowerSpectrum {
    /// For frames as long as `window`, filled up with zeros to `len` samples.
    ///
    /// # Panics
    /// If `len` is 0 or the window is longer.
    #[must_use]
    pub fn new(window: Vec<f64>, len: usize) -> Self {
        assert!(len > 0 && window.len() <= len, "a window of {} in a transform of {len}", window.len());
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(len);
        Self {
            window,
            time: fft.make_input_vec(),
            bins: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// Returns the power of each bin, from 0 Hz to half the sample rate.
    pub fn of(&mut self, frame: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
        self.time.fill(0.0);
        for ((t, x), w) in self.time.iter_mut().zip(frame).zip(&self.window) {
            *t = x * w;
        }
        let done = self.fft.process_with_scratch(&mut self.time, &mut self.bins, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths fixed at construction");
        self.bins.iter().map(|b| b.norm_sqr())
    }
}

impl std::fmt::Debug for PowerSpectrum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PowerSpectrum").field("len", &self.time.len()).finish_non_exhaustive()
    }
}
