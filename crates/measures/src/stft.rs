//! Power spectra of Hann-windowed frames.

use std::sync::Arc;

use realfft::num_complex::Complex64;
use realfft::{RealFftPlanner, RealToComplex};

/// The Hann window whose zeros lie just outside the frame: MATLAB's `hanning`, which the measures' authors used.
pub(crate) fn hanning(len: usize) -> Vec<f64> {
    let step = std::f64::consts::TAU / (len + 1) as f64;
    (1..=len).map(|n| 0.5 - 0.5 * (step * n as f64).cos()).collect()
}

/// Spectra of frames of one length.
pub(crate) struct Stft {
    window: Vec<f64>,
    fft: Arc<dyn RealToComplex<f64>>,
    time: Vec<f64>,
    bins: Vec<Complex64>,
}

impl Stft {
    /// For frames of `len` samples, filled up with zeros to `fft_len`.
    pub(crate) fn new(len: usize, fft_len: usize) -> Self {
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(fft_len);
        Self { window: hanning(len), time: fft.make_input_vec(), bins: fft.make_output_vec(), fft }
    }

    /// The power of each bin.
    pub(crate) fn power(&mut self, frame: impl Iterator<Item = f64>) -> Vec<f64> {
        self.time.fill(0.0);
        for ((t, x), w) in self.time.iter_mut().zip(frame).zip(&self.window) {
            *t = x * w;
        }
        let done = self.fft.process(&mut self.time, &mut self.bins);
        debug_assert!(done.is_ok(), "lengths fixed at construction");
        self.bins.iter().map(|b| b.norm_sqr()).collect()
    }
}
