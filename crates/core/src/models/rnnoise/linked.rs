//! One mask for all channels around a denoiser that gives audio and no mask.
//!
//! RNNoise's gains stay inside nnnoiseless. So its mask is read off its output: the mean of the channels is
//! denoised, and the magnitude ratio of the two spectra, bin by bin, is the gain that every channel gets. A channel
//! that is nearly the negative of those before it (two microphones of opposite polarity) is turned over first, or the voice
//! would cancel in the mean. The second transform costs one more frame of delay (10 ms), and is why `rnnoise` has 960 samples of latency with
//! linked channels where it has 480 otherwise. A model that gives its mask needs none of this.

use std::sync::Arc;

use rustfft::num_complex::Complex32;

use super::Mono;
use crate::dsp::delay::Delay;
use crate::dsp::stft::{History, Stft, Synthesis, Tables};
use crate::models::FrameDenoiser;
use crate::signal::MODEL_FRAME;

/// Samples of the frame that gains are measured in.
const FRAME: usize = 1536;

/// Its bins from 0 Hz to 24 kHz.
const BINS: usize = FRAME / 2 + 1;

/// Power added to both sides of a ratio, −200 dB: the gain of a silent bin is 1.
const TINY: f32 = 1e-20;

/// Correlation with the channels before it below which a channel is turned over, and above which it is turned back.
const OPPOSITE: f32 = -0.8;
const NO_LONGER_OPPOSITE: f32 = -0.5;

/// Share of the frames before in a smoothed correlation.
const CORRELATION_SMOOTHING: f32 = 0.95;

/// How one channel goes into the mean.
#[derive(Debug, Clone, Copy, Default)]
struct Polarity {
    turned_over: bool,
    /// Smoothed product with the sum of the channels before it, and the power of either.
    product: f32,
    powers: (f32, f32),
}

impl Polarity {
    /// Adds a channel's frame to the sum of those before it, moving to the other sign over the frame where it changes.
    fn add(&mut self, sum: &mut [f32], channel: &[f32]) {
        let keep = |before: f32, now: f32| CORRELATION_SMOOTHING * before + now;
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        self.product = keep(self.product, dot(sum, channel));
        self.powers = (keep(self.powers.0, dot(sum, sum)), keep(self.powers.1, dot(channel, channel)));
        let correlation = self.product / (self.powers.0 * self.powers.1).sqrt().max(f32::MIN_POSITIVE);
        let before = self.sign();
        self.turned_over = correlation < if self.turned_over { NO_LONGER_OPPOSITE } else { OPPOSITE };
        let by = (self.sign() - before) / MODEL_FRAME as f32;
        for (at, (s, x)) in sum.iter_mut().zip(channel).enumerate() {
            *s += (before + by * (at + 1) as f32) * x;
        }
    }

    fn sign(self) -> f32 {
        if self.turned_over { -1.0 } else { 1.0 }
    }
}

pub(super) struct Linked {
    mono: Mono,
    polarities: Vec<Polarity>,
    mean: [f32; MODEL_FRAME],
    /// The channels and their mean, as late as the denoised mean.
    aligned: Delay,
    aligned_mean: Delay,
    stft: Stft,
    histories: Vec<History>,
    syntheses: Vec<Synthesis>,
    /// The mean before and after denoising.
    before: History,
    after: History,
    spectra: Vec<Complex32>,
    spectrum_before: Vec<Complex32>,
    spectrum_after: Vec<Complex32>,
    gains: Vec<f32>,
}

impl Linked {
    pub(super) fn new(channels: usize, mono: Mono) -> Self {
        Self {
            mono,
            polarities: vec![Polarity::default(); channels],
            mean: [0.0; MODEL_FRAME],
            aligned: Delay::new(channels, MODEL_FRAME, MODEL_FRAME),
            aligned_mean: Delay::new(1, MODEL_FRAME, MODEL_FRAME),
            stft: Stft::new(Arc::new(Tables::new(FRAME))),
            histories: (0..channels).map(|_| History::new(FRAME)).collect(),
            syntheses: (0..channels).map(|_| Synthesis::new()).collect(),
            before: History::new(FRAME),
            after: History::new(FRAME),
            spectra: vec![Complex32::default(); channels * BINS],
            spectrum_before: vec![Complex32::default(); BINS],
            spectrum_after: vec![Complex32::default(); BINS],
            gains: vec![0.0; BINS],
        }
    }

    /// The magnitude ratio of the denoised mean to the mean, at most 1.
    fn measure_gains(&mut self) {
        let means = self.spectrum_before.iter().zip(&self.spectrum_after);
        for (gain, (before, after)) in self.gains.iter_mut().zip(means) {
            *gain = ((after.norm_sqr() + TINY) / (before.norm_sqr() + TINY)).min(1.0).sqrt();
        }
    }
}

impl FrameDenoiser for Linked {
    fn latency(&self) -> usize {
        2 * MODEL_FRAME
    }

    fn process(&mut self, frame: &mut [f32]) -> f32 {
        let share = 1.0 / self.histories.len() as f32;
        self.mean.fill(0.0);
        for (polarity, channel) in self.polarities.iter_mut().zip(frame.chunks_exact(MODEL_FRAME)) {
            polarity.add(&mut self.mean, channel);
        }
        self.mean.iter_mut().for_each(|m| *m *= share);
        let mut before = self.mean;
        self.aligned_mean.run(&mut before);
        self.before.push(&before);
        self.stft.analyse(self.before.frame(FRAME, 0), &mut self.spectrum_before);
        let probability = self.mono.process(&mut self.mean);
        self.after.push(&self.mean);
        self.stft.analyse(self.after.frame(FRAME, 0), &mut self.spectrum_after);

        self.aligned.run(frame);
        let channels = frame.chunks_exact(MODEL_FRAME).zip(self.spectra.chunks_exact_mut(BINS));
        for (history, (channel, spectrum)) in self.histories.iter_mut().zip(channels) {
            history.push(channel);
            self.stft.analyse(history.frame(FRAME, 0), spectrum);
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
        self.clear();
    }

    fn recover(&mut self) -> bool {
        self.clear();
        self.mono.recover()
    }
}

impl Linked {
    fn clear(&mut self) {
        self.polarities.fill(Polarity::default());
        self.aligned.reset();
        self.aligned_mean.reset();
        self.before.reset();
        self.after.reset();
        self.histories.iter_mut().for_each(History::reset);
        self.syntheses.iter_mut().for_each(Synthesis::reset);
    }
}
