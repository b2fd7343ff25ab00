//! Short-time Fourier transform on the models' grid: hop 480, transforms of 1536, 31.25 Hz a bin at 48 kHz.
//!
//! The two windows differ (Mauler & Martin, 2007, "A low delay, variable resolution, perfect reconstruction spectral
//! analysis-synthesis system for speech enhancement"). Analysis hears 1536 samples, so that the harmonics of low voices
//! stand apart; synthesis speaks with the last 960 of them, so the delay is that of a window of 960. The product of the
//! two there is a Hann window, which adds up to one at 50 % overlap: analysis followed by synthesis gives the input
//! back, 480 samples later.

use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use rustfft::num_complex::Complex32;

use super::real::RealFft;
use crate::signal::MODEL_FRAME;

/// Analysis window and transform length in samples.
pub(crate) const WINDOW: usize = 1536;

/// How much earlier than now a spectrum can be asked for, in samples.
pub(crate) const EARLIEST: usize = 768;

/// What analysis hears besides the newest hop.
const PAST: usize = WINDOW - MODEL_FRAME;

/// Where synthesis begins.
const START: usize = WINDOW - 2 * MODEL_FRAME;

/// Bins from 0 Hz to 24 kHz.
pub(crate) const BINS: usize = WINDOW / 2 + 1;

/// Bins whose phase is followed from frame to frame: those below 1.5 kHz.
pub(crate) const PHASES: usize = 48;

/// What all streams share: plans and windows.
pub(crate) struct Tables {
    fft: RealFft,
    analysis: Vec<f32>,
    /// For the last two hops of a frame; the transforms' scale is in it.
    synthesis: Vec<f32>,
    /// What a bin's own frequency adds to its phase in one hop.
    turns: Vec<Complex32>,
}

impl Tables {
    pub(crate) fn new() -> Self {
        // A quarter of a sine up over the past, a quarter down over the newest hop.
        let quarter = |n: usize, of: usize| (FRAC_PI_2 * (n as f64 + 0.5) / of as f64).sin();
        let analysis: Vec<f64> = (0..PAST)
            .map(|n| quarter(n, PAST))
            .chain((0..MODEL_FRAME).rev().map(|n| quarter(n, MODEL_FRAME)))
            .collect();
        let hann = |n: usize| quarter(n, MODEL_FRAME).powi(2);
        let synthesis = analysis.iter().skip(START).enumerate();
        let turn = |bin: usize| {
            let cycles = (bin * MODEL_FRAME % WINDOW) as f64 / WINDOW as f64;
            let (sin, cos) = (4.0 * FRAC_PI_2 * cycles).sin_cos();
            Complex32::new(cos as f32, sin as f32)
        };
        Self {
            fft: RealFft::new(WINDOW),
            turns: (0..PHASES).map(turn).collect(),
            synthesis: synthesis.map(|(n, a)| (hann(n) / a / WINDOW as f64) as f32).collect(),
            analysis: analysis.iter().map(|a| *a as f32).collect(),
        }
    }
}

/// Tables and scratch; one serves any number of [`Analysis`] and [`Synthesis`] of a stream.
pub(crate) struct Stft {
    tables: Arc<Tables>,
    scratch: Vec<Complex32>,
}

impl Stft {
    pub(crate) fn new(tables: Arc<Tables>) -> Self {
        Self { scratch: vec![Complex32::default(); tables.fft.scratch_len()], tables }
    }

    /// What it takes in memory, in bytes, the tables apart.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.scratch[..])
    }

    /// Transforms this hop of 480 samples, with those before it, into [`BINS`] bins, unnormalised.
    #[inline(always)]
    pub(crate) fn analyse(&mut self, memory: &mut Analysis, hop: &[f32], bins: &mut [Complex32]) {
        memory.sound.copy_within(MODEL_FRAME.., 0);
        memory.sound[EARLIEST + PAST..].copy_from_slice(hop);
        let windowed = memory.ago(0).iter().zip(self.tables.analysis.as_chunks::<2>().0);
        for (pair, (x, w)) in bins.iter_mut().zip(windowed) {
            *pair = Complex32::new(x[0] * w[0], x[1] * w[1]);
        }
        self.tables.fft.forward(bins, &mut self.scratch);
    }

    /// What [`analyse`](Self::analyse) would have given one period of `lag` samples ago, at most [`EARLIEST`]; if two are not
    /// more than that either, the mean with two periods ago: a voice is in both, and noise is averaged.
    #[inline(always)]
    pub(crate) fn analyse_earlier(&mut self, memory: &Analysis, lag: usize, bins: &mut [Complex32]) {
        let again = if 2 * lag <= EARLIEST { 2 * lag } else { lag };
        let sound = memory.ago(lag).iter().zip(memory.ago(again));
        let windowed = sound.zip(self.tables.analysis.as_chunks::<2>().0);
        for (pair, ((x, y), w)) in bins.iter_mut().zip(windowed) {
            *pair = Complex32::new(0.5 * (x[0] + y[0]) * w[0], 0.5 * (x[1] + y[1]) * w[1]);
        }
        self.tables.fft.forward(bins, &mut self.scratch);
    }

    /// The whole inverse transform of a spectrum, in place, without a window and unnormalised: then there are two samples in
    /// each number but the last. Of the first and the last bin only the real parts count; from the `filled`-th on they are 0.
    #[inline(always)]
    pub(crate) fn inverse(&mut self, bins: &mut [Complex32], filled: usize) {
        bins[0].im = 0.0;
        bins[BINS - 1].im = 0.0;
        self.tables.fft.inverse(bins, filled, &mut self.scratch);
    }

    /// Adds to `advances`, for each of the low bins, the cross-spectrum of this frame and the one before it, times
    /// `share`: its argument is by how much the phase moved beyond what the bin's own frequency makes of it. Once a frame;
    /// [`Analysis::turned`] is of the frame before from then on.
    #[inline(always)]
    pub(crate) fn advance(
        &self,
        memory: &mut Analysis,
        bins: &[Complex32],
        share: f32,
        advances: &mut [Complex32; PHASES],
    ) {
        let before = memory.low.iter_mut().zip(&mut memory.turned).zip(&self.tables.turns);
        for (((low, turned), turn), (advance, now)) in before.zip(advances.iter_mut().zip(bins)) {
            *turned = *low * turn;
            *advance += now * turned.conj() * share;
            *low = *now;
        }
    }

    /// Transforms back, overlaps and adds: 480 samples. The bins are destroyed.
    #[inline(always)]
    pub(crate) fn synthesise(&mut self, memory: &mut Synthesis, bins: &mut [Complex32], hop: &mut [f32]) {
        self.inverse(bins, BINS);
        let (early, late) = bins[START / 2..BINS - 1].split_at(MODEL_FRAME / 2);
        let (rise, fall) = self.tables.synthesis.split_at(MODEL_FRAME);
        let (rise, fall) = (rise.as_chunks::<2>().0, fall.as_chunks::<2>().0);
        let hop = hop.as_chunks_mut::<2>().0.iter_mut();
        for (((h, m), t), w) in hop.zip(memory.overlap.as_chunks::<2>().0).zip(early).zip(rise) {
            *h = [m[0] + t.re * w[0], m[1] + t.im * w[1]];
        }
        for ((m, t), w) in memory.overlap.as_chunks_mut::<2>().0.iter_mut().zip(late).zip(fall) {
            *m = [t.re * w[0], t.im * w[1]];
        }
    }
}

/// One signal's past.
pub(crate) struct Analysis {
    /// Up to and with the newest hop.
    sound: [f32; EARLIEST + WINDOW],
    /// The last spectrum's low bins.
    low: [Complex32; PHASES],
    /// Those of the one before, turned on by one hop.
    turned: [Complex32; PHASES],
}

impl Analysis {
    pub(crate) fn new() -> Self {
        let nothing = [Complex32::ZERO; PHASES];
        Self { sound: [0.0; EARLIEST + WINDOW], low: nothing, turned: nothing }
    }

    /// The low bins of the frame before the newest, each turned on by what its own frequency adds in one hop: a tone of
    /// that frequency is the same in both.
    #[inline(always)]
    pub(crate) fn turned(&self) -> &[Complex32; PHASES] {
        &self.turned
    }

    /// The frame that ended so many samples ago, at most [`EARLIEST`], in pairs.
    #[inline(always)]
    fn ago(&self, lag: usize) -> &[[f32; 2]] {
        self.sound[EARLIEST - lag.min(EARLIEST)..].as_chunks().0
    }

    pub(crate) fn reset(&mut self) {
        self.sound.fill(0.0);
        self.low.fill(Complex32::ZERO);
        self.turned.fill(Complex32::ZERO);
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
    fn a_tone_turns_by_its_distance_from_the_bin() {
        let (mut stft, mut memory) = (Stft::new(Arc::new(Tables::new())), Analysis::new());
        let mut bins = vec![Complex32::default(); BINS];
        let hz = 20.0 * 31.25 + 7.0;
        let tone: Vec<f32> =
            (0..9600).map(|n| (n as f32 * hz * std::f32::consts::TAU / 48_000.0).sin()).collect();
        let mut advances = [Complex32::ZERO; PHASES];
        for hop in tone.chunks_exact(MODEL_FRAME) {
            stft.analyse(&mut memory, hop, &mut bins);
            advances.fill(Complex32::ZERO);
            stft.advance(&mut memory, &bins, 1.0, &mut advances);
        }
        for (bin, away) in [(20, 7.0), (21, 7.0 - 31.25)] {
            let expected = std::f32::consts::TAU * away / 100.0;
            assert!((advances[bin].arg() - expected).abs() < 0.02, "bin {bin}: {}", advances[bin].arg());
        }
    }

    #[test]
    fn analysis_then_synthesis_gives_the_input_back_one_hop_later() {
        let (mut stft, mut a, mut s) =
            (Stft::new(Arc::new(Tables::new())), Analysis::new(), Synthesis::new());
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
