//! Short-time Fourier transform with a long analysis and a short synthesis, for hops of 480 samples.
//!
//! The two windows differ (Mauler & Martin, 2007, "A low delay, variable resolution, perfect reconstruction spectral
//! analysis-synthesis system for speech enhancement"). Analysis covers a whole frame, so that the harmonics of low voices
//! are resolved; synthesis covers only its last 960 samples, so the delay is that of a window of 960. The product of the
//! two there is a Hann window, which adds up to one at 50 % overlap: analysis followed by synthesis gives the input
//! back, 480 samples later.

use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use rustfft::num_complex::Complex32;

use super::real::RealFft;
use crate::signal::MODEL_FRAME;

/// Plans and windows of one frame length, shared by all streams.
pub(crate) struct Tables {
    fft: RealFft,
    analysis: Vec<f32>,
    /// For the last two hops of a frame; includes the scale of the transforms.
    synthesis: Vec<f32>,
}

impl Tables {
    /// `frame` is the analysis window in samples, a multiple of 32 and at least two hops.
    pub(crate) fn new(frame: usize) -> Self {
        let past = frame - MODEL_FRAME;
        // A quarter of a sine up over the past, a quarter down over the newest hop.
        let quarter = |n: usize, of: usize| (FRAC_PI_2 * (n as f64 + 0.5) / of as f64).sin();
        let analysis: Vec<f64> = (0..past)
            .map(|n| quarter(n, past))
            .chain((0..MODEL_FRAME).rev().map(|n| quarter(n, MODEL_FRAME)))
            .collect();
        let hann = |n: usize| quarter(n, MODEL_FRAME).powi(2);
        let synthesis = analysis.iter().skip(frame - 2 * MODEL_FRAME).enumerate();
        Self {
            fft: RealFft::new(frame),
            synthesis: synthesis.map(|(n, a)| (hann(n) / a / frame as f64) as f32).collect(),
            analysis: analysis.iter().map(|a| *a as f32).collect(),
        }
    }

    /// Samples of a frame.
    fn frame(&self) -> usize {
        self.analysis.len()
    }
}

/// Tables and scratch; one serves any number of [`History`]s and [`Synthesis`]es of a stream.
pub(crate) struct Stft {
    tables: Arc<Tables>,
    scratch: Vec<Complex32>,
}

impl Stft {
    pub(crate) fn new(tables: Arc<Tables>) -> Self {
        Self { scratch: vec![Complex32::default(); tables.fft.scratch_len()], tables }
    }

    /// Memory beyond the tables and its own size, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&self.scratch[..])
    }

    /// Transforms a frame into one bin more than half as many, unnormalised.
    #[inline(always)]
    pub(crate) fn analyse(&mut self, frame: &[f32], bins: &mut [Complex32]) {
        let windowed = frame.as_chunks::<2>().0.iter().zip(self.tables.analysis.as_chunks::<2>().0);
        for (pair, (x, w)) in bins.iter_mut().zip(windowed) {
            *pair = Complex32::new(x[0] * w[0], x[1] * w[1]);
        }
        self.tables.fft.forward(bins, &mut self.scratch);
    }

    /// Transforms the mean of two frames.
    #[inline(always)]
    pub(crate) fn analyse_mean(&mut self, a: &[f32], b: &[f32], bins: &mut [Complex32]) {
        let frames = a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0);
        let windowed = frames.zip(self.tables.analysis.as_chunks::<2>().0);
        for (pair, ((x, y), w)) in bins.iter_mut().zip(windowed) {
            *pair = Complex32::new(0.5 * (x[0] + y[0]) * w[0], 0.5 * (x[1] + y[1]) * w[1]);
        }
        self.tables.fft.forward(bins, &mut self.scratch);
    }

    /// Transforms a whole spectrum back, in place, without a window and unnormalised: each number but the last then holds two
    /// samples. Of the first and the last bin only the real parts count; from the `filled`-th on they are 0.
    #[inline(always)]
    pub(crate) fn inverse(&mut self, bins: &mut [Complex32], filled: usize) {
        bins[0].im = 0.0;
        bins[self.tables.frame() / 2].im = 0.0;
        self.tables.fft.inverse(bins, filled, &mut self.scratch);
    }

    /// Transforms back, overlaps and adds: 480 samples. Overwrites the bins.
    #[inline(always)]
    pub(crate) fn synthesise(&mut self, synthesis: &mut Synthesis, bins: &mut [Complex32], hop: &mut [f32]) {
        let frame = self.tables.frame();
        self.inverse(bins, frame / 2 + 1);
        let (early, late) = bins[frame / 2 - MODEL_FRAME..frame / 2].split_at(MODEL_FRAME / 2);
        let (rise, fall) = self.tables.synthesis.split_at(MODEL_FRAME);
        let (rise, fall) = (rise.as_chunks::<2>().0, fall.as_chunks::<2>().0);
        let hop = hop.as_chunks_mut::<2>().0.iter_mut();
        for (((h, m), t), w) in hop.zip(synthesis.overlap.as_chunks::<2>().0).zip(early).zip(rise) {
            *h = [m[0] + t.re * w[0], m[1] + t.im * w[1]];
        }
        for ((m, t), w) in synthesis.overlap.as_chunks_mut::<2>().0.iter_mut().zip(late).zip(fall) {
            *m = [t.re * w[0], t.im * w[1]];
        }
    }
}

/// The newest samples of one signal.
pub(crate) struct History {
    samples: Vec<f32>,
}

impl History {
    /// Keeps `len` samples, at least one hop; they are zero at first.
    pub(crate) fn new(len: usize) -> Self {
        Self { samples: vec![0.0; len] }
    }

    /// Memory beyond its own size, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&self.samples[..])
    }

    /// Appends a hop of 480 samples and drops the oldest.
    #[inline(always)]
    pub(crate) fn push(&mut self, hop: &[f32]) {
        let past = self.samples.len() - MODEL_FRAME;
        self.samples.copy_within(MODEL_FRAME.., 0);
        self.samples[past..].copy_from_slice(hop);
    }

    /// The `frame` samples that ended `lag` samples ago.
    #[inline(always)]
    pub(crate) fn frame(&self, frame: usize, lag: usize) -> &[f32] {
        let end = self.samples.len() - lag;
        &self.samples[end - frame..end]
    }

    pub(crate) fn reset(&mut self) {
        self.samples.fill(0.0);
    }
}

/// The half-finished hop of one signal.
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
        for frame in [960, 1536] {
            let mut stft = Stft::new(Arc::new(Tables::new(frame)));
            let (mut history, mut synthesis) = (History::new(frame), Synthesis::new());
            let mut bins = vec![Complex32::default(); frame / 2 + 1];
            let input: Vec<f32> = (0..10 * MODEL_FRAME).map(|i| ((i * i) as f32 * 1e-4).sin()).collect();
            let mut output = vec![0.0; input.len()];
            for (i, o) in input.chunks_exact(MODEL_FRAME).zip(output.chunks_exact_mut(MODEL_FRAME)) {
                history.push(i);
                stft.analyse(history.frame(frame, 0), &mut bins);
                stft.synthesise(&mut synthesis, &mut bins, o);
            }
            for (a, b) in input.iter().zip(&output[MODEL_FRAME..]) {
                assert!((a - b).abs() < 1e-6);
            }
        }
    }
}
