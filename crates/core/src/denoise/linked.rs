//! One mask for all channels around a denoiser that gives audio and no mask.
//!
//! RNNoise's gains stay inside nnnoiseless. So its mask is read off its output: the mean of the channels is
//! denoised, and the magnitude ratio of the two spectra, bin by bin, is the gain that every channel gets. The
//! second transform costs one more frame of delay (10 ms), and is why `rnnoise` has 960 samples of latency with
//! linked channels where it has 480 otherwise. A model that gives its mask needs none of this.

use std::sync::Arc;

use rustfft::num_complex::Complex32;

use super::FrameDenoiser;
use super::rnnoise::Mono;
use crate::dsp::stft::{Analysis, BINS, Stft, Synthesis, Tables};
use crate::signal::MODEL_FRAME;
use crate::stages::reframe::Delay;

/// Where the channels cancel in their mean by more than this (power), the mean says nothing about the bin: it
/// then gets the frame's overall gain. Opposite polarity of two microphones is the case.
const CANCELLED: f32 = 1e-3;

pub(super) struct Linked {
    mono: Mono,
    mean: [f32; MODEL_FRAME],
    /// The channels, as late as the denoised mean.
    aligned: Delay,
    stft: Stft,
    analyses: Vec<Analysis>,
    syntheses: Vec<Synthesis>,
    denoised: Analysis,
    spectra: Vec<Complex32>,
    spectrum: Vec<Complex32>,
    gains: Vec<f32>,
}

impl Linked {
    pub(super) fn new(channels: usize, mono: Mono) -> Self {
        Self {
            mono,
            mean: [0.0; MODEL_FRAME],
            aligned: Delay::new(channels, MODEL_FRAME, MODEL_FRAME),
            stft: Stft::new(Arc::new(Tables::new())),
            analyses: (0..channels).map(|_| Analysis::new()).collect(),
            syntheses: (0..channels).map(|_| Synthesis::new()).collect(),
            denoised: Analysis::new(),
            spectra: vec![Complex32::default(); channels * BINS],
            spectrum: vec![Complex32::default(); BINS],
            gains: vec![0.0; BINS],
        }
    }

    /// The magnitude ratio of the denoised mean to the mean, at most 1.
    fn measure_gains(&mut self) {
        let share = 1.0 / self.analyses.len() as f32;
        let (mut total_before, mut total_after) = (1e-20_f32, 0.0_f32);
        for (bin, (gain, after)) in self.gains.iter_mut().zip(&self.spectrum).enumerate() {
            let mut mean = Complex32::default();
            let mut power = 0.0;
            for channel in self.spectra.chunks_exact(BINS) {
                mean += channel[bin];
                power += channel[bin].norm_sqr();
            }
            let (before, after) = ((mean * share).norm_sqr(), after.norm_sqr());
            total_before += before;
            total_after += after;
            // A negative mark stands for "unknown" until the overall gain is known.
            *gain = if before <= CANCELLED * power * share { -1.0 } else { (after / before).min(1.0).sqrt() };
        }
        let overall = (total_after / total_before).min(1.0).sqrt();
        for gain in self.gains.iter_mut().filter(|gain| **gain < 0.0) {
            *gain = overall;
        }
    }
}

impl FrameDenoiser for Linked {
    fn latency(&self) -> usize {
        2 * MODEL_FRAME
    }

    fn process(&mut self, frame: &mut [f32]) -> f32 {
        let share = 1.0 / self.analyses.len() as f32;
        self.mean.fill(0.0);
        for channel in frame.chunks_exact(MODEL_FRAME) {
            for (m, x) in self.mean.iter_mut().zip(channel) {
                *m += x * share;
            }
        }
        let probability = self.mono.process(&mut self.mean);
        self.stft.analyse(&mut self.denoised, &self.mean, &mut self.spectrum);

        self.aligned.run(frame);
        let channels = frame.chunks_exact(MODEL_FRAME).zip(self.spectra.chunks_exact_mut(BINS));
        for (analysis, (channel, spectrum)) in self.analyses.iter_mut().zip(channels) {
            self.stft.analyse(analysis, channel, spectrum);
        }
        self.measure_gains();
        let channels = frame.chunks_exact_mut(MODEL_FRAME).zip(self.spectra.chunks_exact_mut(BINS));
        for (synthesis, (channel, spectrum)) in self.syntheses.iter_mut().zip(channels) {
            for (bin, gain) in spectrum.iter_mut().zip(&self.gains) {
                *bin *= *gain;
            }
            self.stft.synthesise(synthesis, spectrum, channel);
        }
        probability
    }

    fn reset(&mut self) {
        self.mono.reset();
        self.forget();
    }

    fn recover(&mut self) -> bool {
        self.forget();
        self.mono.recover()
    }
}

impl Linked {
    fn forget(&mut self) {
        self.aligned.reset();
        self.denoised.reset();
        self.analyses.iter_mut().for_each(Analysis::reset);
        self.syntheses.iter_mut().for_each(Synthesis::reset);
    }
}
