//! Short-time Fourier transform on the models' grid: hop 480, window 960, 50 Hz a bin at 48 kHz.
//!
//! The window is the sine window on both ways (the square root of a periodic-by-half-sample Hann window); its
//! square adds up to one at 50 % overlap (Princen & Bradley, 1986), so analysis followed by synthesis gives the
//! input back, 480 samples later.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::signal::MODEL_FRAME;

/// Window and transform length in samples.
pub(crate) const WINDOW: usize = 2 * MODEL_FRAME;

/// Bins from 0 Hz to 24 kHz.
pub(crate) const BINS: usize = WINDOW / 2 + 1;

/// Plans, window and scratch; one serves any number of [`Analysis`] and [`Synthesis`] of a stream.
pub(crate) struct Stft {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    window: Vec<f32>,
    time: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl Stft {
    pub(crate) fn new() -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let (forward, inverse) = (planner.plan_fft_forward(WINDOW), planner.plan_fft_inverse(WINDOW));
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let step = std::f64::consts::PI / WINDOW as f64;
        Self {
            window: (0..WINDOW).map(|n| (step * (n as f64 + 0.5)).sin() as f32).collect(),
            time: vec![0.0; WINDOW],
            scratch: vec![Complex32::default(); scratch],
            forward,
            inverse,
        }
    }

    /// Transforms the previous and this hop of 480 samples into [`BINS`] bins, unnormalised.
    pub(crate) fn analyse(&mut self, memory: &mut Analysis, hop: &[f32], bins: &mut [Complex32]) {
        let (old, new) = self.time.split_at_mut(MODEL_FRAME);
        let (rise, fall) = self.window.split_at(MODEL_FRAME);
        for ((t, m), w) in old.iter_mut().zip(&memory.hop).zip(rise) {
            *t = m * w;
        }
        for ((t, x), w) in new.iter_mut().zip(hop).zip(fall) {
            *t = x * w;
        }
        memory.hop.copy_from_slice(hop);
        let done = self.forward.process_with_scratch(&mut self.time, bins, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths fixed at construction");
    }

    /// Transforms back, overlaps and adds: 480 samples. The bins are destroyed.
    pub(crate) fn synthesise(&mut self, memory: &mut Synthesis, bins: &mut [Complex32], hop: &mut [f32]) {
        bins[0].im = 0.0; // What is not real there has no inverse, and realfft says so with an error.
        bins[BINS - 1].im = 0.0;
        let done = self.inverse.process_with_scratch(bins, &mut self.time, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths fixed at construction");
        let (early, late) = self.time.split_at(MODEL_FRAME);
        let (rise, fall) = self.window.split_at(MODEL_FRAME);
        const NORM: f32 = 1.0 / WINDOW as f32;
        for (((h, m), t), w) in hop.iter_mut().zip(&memory.overlap).zip(early).zip(rise) {
            *h = m + t * w * NORM;
        }
        for ((m, t), w) in memory.overlap.iter_mut().zip(late).zip(fall) {
            *m = t * w * NORM;
        }
    }
}

/// One signal's last hop.
pub(crate) struct Analysis {
    hop: [f32; MODEL_FRAME],
}

impl Analysis {
    pub(crate) fn new() -> Self {
        Self { hop: [0.0; MODEL_FRAME] }
    }

    pub(crate) fn reset(&mut self) {
        self.hop.fill(0.0);
    }
}

/// One signal's half-finished hop.
pub(crate) struct Synthesis {
    overlap: [f32; MODEL_FRAME],
}

impl Synthesis {
    pub(crate) fn new() -> Self {
        Self { overlap: [0.0; MODEL_FRAME] }
    }

    pub(crate) fn reset(&mut self) {
        self.overlap.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn analysis_then_synthesis_gives_the_input_back_one_hop_later() {
        let (mut stft, mut a, mut s) = (Stft::new(), Analysis::new(), Synthesis::new());
        let mut bins = vec![Complex32::default(); BINS];
        let input: Vec<f32> = (0..10 * MODEL_FRAME).map(|i| ((i * i) as f32 * 1e-4).sin()).collect();
        let mut output = vec![0.0; input.len()];
        for (i, o) in input.chunks_exact(MODEL_FRAME).zip(output.chunks_exact_mut(MODEL_FRAME)) {
            stft.analyse(&mut a, i, &mut bins);
            stft.synthesise(&mut s, &mut bins, o);
        }
        for (a, b) in input.iter().zip(&output[MODEL_FRAME..]) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}
