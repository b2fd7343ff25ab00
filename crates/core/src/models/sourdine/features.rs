//! From sound to the network's inputs: spectra, band levels, phase advances, pitch (steps 1 to 4 of `models/FORMAT.md`).

use std::f64::consts::TAU;
use std::sync::Arc;

use rustfft::num_complex::Complex32;

use super::pitch::{LONGEST_PERIOD, PitchSearch, SHORTEST_PERIOD, TINY};
use super::weights::{BANDS, GROUPS, Weights};
use crate::dsp::stft::{History, Stft, Tables};
use crate::nn::activations::log10;
use crate::nn::kernels::Kernels;
use crate::signal::MODEL_FRAME;

/// Samples of a frame: 31.25 Hz a bin.
pub(super) const FRAME: usize = 1536;

/// Bins from 0 Hz to 24 kHz.
pub(super) const BINS: usize = FRAME / 2 + 1;

/// Bins whose phase is followed from frame to frame: those below 1.5 kHz.
pub(super) const PHASES: usize = 48;

/// Features of a frame: the bands' levels, cosines and sines of the low bins' phase advances, the groups' correlations with
/// the frame one pitch period earlier, the period and its periodicity.
pub(super) const FEATURES: usize = BANDS + 2 * PHASES + GROUPS + 2;

/// The transforms, planned once for all streams, and the phase that each low bin's own frequency adds in one hop.
pub(super) struct Plan {
    tables: Arc<Tables>,
    rotations: [Complex32; PHASES],
}

impl Plan {
    pub(super) fn new() -> Self {
        let rotation = |bin: usize| {
            let (sin, cos) = (TAU * ((bin * MODEL_FRAME % FRAME) as f64 / FRAME as f64)).sin_cos();
            Complex32::new(cos as f32, sin as f32)
        };
        Self { tables: Arc::new(Tables::new(FRAME)), rotations: std::array::from_fn(rotation) }
    }
}

/// One channel's past.
pub(super) struct ChannelHistory {
    /// Reaches back from the newest hop as far as the frame of the longest pitch period.
    samples: History,
    /// The low bins of the newest spectrum.
    low: [Complex32; PHASES],
    /// The low bins of the spectrum before it, rotated by one hop: a tone of a bin's own frequency is the same in both.
    pub(super) rotated: [Complex32; PHASES],
}

impl ChannelHistory {
    fn new() -> Self {
        let zeros = [Complex32::ZERO; PHASES];
        Self { samples: History::new(LONGEST_PERIOD + FRAME), low: zeros, rotated: zeros }
    }

    fn reset(&mut self) {
        self.samples.reset();
        self.low.fill(Complex32::ZERO);
        self.rotated.fill(Complex32::ZERO);
    }
}

/// The past of the channels under one mask.
pub(super) struct SignalHistory {
    pub(super) channels: Vec<ChannelHistory>,
    pitch: PitchSearch,
}

impl SignalHistory {
    pub(super) fn new(channels: usize) -> Self {
        let channels = std::iter::repeat_with(ChannelHistory::new).take(channels).collect();
        Self { channels, pitch: PitchSearch::new() }
    }

    pub(super) fn reset(&mut self) {
        self.pitch.reset();
        self.channels.iter_mut().for_each(ChannelHistory::reset);
    }

    /// Memory beyond its own size, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let samples: usize = self.channels.iter().map(|channel| channel.samples.heap_bytes()).sum();
        size_of_val(&self.channels[..]) + samples
    }
}

/// Analyses frames of up to a given number of channels under one mask. Scratch only: what lasts is in [`SignalHistory`].
pub(super) struct Analyser {
    plan: Arc<Plan>,
    pub(super) stft: Stft,
    /// The channels' spectra, one after the other.
    pub(super) spectra: Vec<Complex32>,
    /// Their spectra one pitch period earlier.
    pub(super) delayed: Vec<Complex32>,
    /// Their mean power.
    power: Vec<f32>,
    pub(super) features: Features,
}

/// A frame as the network gets it. With several channels under one mask, all powers and products are means over them.
pub(super) struct Features {
    /// Levels normalised.
    pub(super) values: [f32; FEATURES],
    /// The bands' powers.
    pub(super) powers: [f32; BANDS],
}

impl Features {
    /// Each group's correlation with the frame one pitch period earlier.
    #[inline(always)]
    pub(super) fn correlations(&self) -> &[f32] {
        &self.values[BANDS + 2 * PHASES..BANDS + 2 * PHASES + GROUPS]
    }

    /// The pitch period on a logarithmic scale, and its periodicity.
    #[inline(always)]
    pub(super) fn pitch(&self) -> &[f32] {
        &self.values[FEATURES - 2..]
    }
}

impl Analyser {
    pub(super) fn new(plan: Arc<Plan>, channels: usize) -> Self {
        Self {
            stft: Stft::new(plan.tables.clone()),
            plan,
            spectra: vec![Complex32::ZERO; channels * BINS],
            delayed: vec![Complex32::ZERO; channels * BINS],
            power: vec![0.0; BINS],
            features: Features { values: [0.0; FEATURES], powers: [0.0; BANDS] },
        }
    }

    /// Memory beyond the plan and its own size, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let spectra = size_of_val(&self.spectra[..]) + size_of_val(&self.delayed[..]);
        self.stft.heap_bytes() + spectra + size_of_val(&self.power[..])
    }

    /// Fills [`spectra`](Self::spectra), [`delayed`](Self::delayed) and [`features`](Self::features) from the channels' next
    /// hops, which lie one after the other.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics.
    #[inline(always)]
    pub(super) fn run(
        &mut self,
        weights: &Weights,
        kernels: Kernels,
        history: &mut SignalHistory,
        hops: &[f32],
    ) {
        let share = 1.0 / history.channels.len() as f32;
        let each = history.channels.iter_mut().zip(hops.chunks_exact(MODEL_FRAME));
        for ((channel, hop), spectrum) in each.zip(self.spectra.chunks_exact_mut(BINS)) {
            channel.samples.push(hop);
            self.stft.analyse(channel.samples.frame(FRAME, 0), spectrum);
        }
        let advances = self.phase_advances(history, share);
        self.power.fill(0.0);
        for spectrum in self.spectra.chunks_exact(BINS) {
            for (power, bin) in self.power.iter_mut().zip(spectrum) {
                *power += bin.norm_sqr() * share;
            }
        }
        let pitch = history.pitch.run(&mut self.stft, &self.power, &mut self.delayed[..BINS]);
        let products = self.compare_with_delayed(&weights.edges, history, pitch.0, share);

        let (levels, rest) = self.features.values.split_at_mut(BANDS);
        let (phases, rest) = rest.split_at_mut(2 * PHASES);
        let (correlations, last) = rest.split_at_mut(GROUPS);
        let powers = &mut self.features.powers;
        normalised_levels(weights, kernels, &self.power, powers, levels);
        let (cosines, sines) = phases.split_at_mut(PHASES);
        let floor = weights.feature_floor * (FRAME / 2) as f32;
        for ((cosine, sine), advance) in cosines.iter_mut().zip(sines).zip(&advances) {
            let length = advance.norm_sqr().sqrt() + floor;
            (*cosine, *sine) = (advance.re / length, advance.im / length);
        }
        let groups = products.iter().zip(powers.as_chunks::<4>().0);
        for (correlation, ((product, delayed), [a, b, c, d])) in correlations.iter_mut().zip(groups) {
            *correlation = product / ((a + b + c + d) * delayed + TINY).sqrt();
        }
        let middle = ((SHORTEST_PERIOD * LONGEST_PERIOD) as f32).sqrt();
        last.copy_from_slice(&[3.0 * log10(pitch.0 as f32 / middle), pitch.1]);
    }

    /// The cross-spectra of the low bins with the frame before. The argument of each is by how much the phase moved beyond
    /// what the bin's own frequency adds.
    #[inline(always)]
    fn phase_advances(&self, history: &mut SignalHistory, share: f32) -> [Complex32; PHASES] {
        let mut advances = [Complex32::ZERO; PHASES];
        for (channel, spectrum) in history.channels.iter_mut().zip(self.spectra.chunks_exact(BINS)) {
            let before = channel.low.iter_mut().zip(&mut channel.rotated).zip(&self.plan.rotations);
            for (((low, rotated), rotation), (advance, now)) in before.zip(advances.iter_mut().zip(spectrum))
            {
                *rotated = *low * rotation;
                *advance += now * rotated.conj() * share;
                *low = *now;
            }
        }
        advances
    }

    /// Fills the spectra one pitch period of `lag` samples earlier; if two periods are no longer than [`LONGEST_PERIOD`], those
    /// of the mean of both: a voice is in both, and noise is averaged. Returns, for each group, the real part of its
    /// cross-spectrum with that, and the power of that.
    #[inline(always)]
    fn compare_with_delayed(
        &mut self,
        edges: &[usize],
        history: &SignalHistory,
        lag: usize,
        share: f32,
    ) -> [(f32, f32); GROUPS] {
        let second = if 2 * lag <= LONGEST_PERIOD { 2 * lag } else { lag };
        let mut products = [(0.0, 0.0); GROUPS];
        let spectra = self.spectra.chunks_exact(BINS).zip(self.delayed.chunks_exact_mut(BINS));
        for (channel, (spectrum, delayed)) in history.channels.iter().zip(spectra) {
            let frame = |lag| channel.samples.frame(FRAME, lag);
            self.stft.analyse_mean(frame(lag), frame(second), delayed);
            for (sums, edges) in products.iter_mut().zip(edges.windows(5).step_by(4)) {
                let group = edges[0]..edges[4];
                let (product, power) = cross_power(&spectrum[group.clone()], &delayed[group]);
                *sums = (sums.0 + product * share, sums.1 + power * share);
            }
        }
        products
    }
}

/// The bands' powers, and their levels as the network gets them (step 2).
#[inline(always)]
fn normalised_levels(
    weights: &Weights,
    kernels: Kernels,
    power: &[f32],
    powers: &mut [f32; BANDS],
    levels: &mut [f32],
) {
    for ((sum, level), edges) in powers.iter_mut().zip(levels.iter_mut()).zip(weights.edges.windows(2)) {
        let band = &power[edges[0]..edges[1]];
        *sum = band.iter().sum();
        *level = *sum / (band.len() as f32 * (FRAME / 2) as f32) + weights.feature_floor;
    }
    kernels.log10(levels);
    for ((x, mean), rstd) in levels.iter_mut().zip(&weights.mean).zip(&weights.rstd) {
        *x = (0.5 * *x - mean) * rstd;
    }
}

/// The real part of two spectra's product, and the power of the second.
#[inline(always)]
fn cross_power(now: &[Complex32], delayed: &[Complex32]) -> (f32, f32) {
    let (mut product, mut power) = ([0.0; 4], [0.0; 4]);
    let (now, now_rest) = now.as_chunks::<4>();
    let (delayed, delayed_rest) = delayed.as_chunks::<4>();
    for (now, delayed) in now.iter().zip(delayed) {
        for lane in 0..4 {
            product[lane] += now[lane].re * delayed[lane].re + now[lane].im * delayed[lane].im;
            power[lane] += delayed[lane].norm_sqr();
        }
    }
    for (now, delayed) in now_rest.iter().zip(delayed_rest) {
        product[0] += now.re * delayed.re + now.im * delayed.im;
        power[0] += delayed.norm_sqr();
    }
    let sum = |x: [f32; 4]| (x[0] + x[1]) + (x[2] + x[3]);
    (sum(product), sum(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [usize; BANDS + 1] = {
        let mut edges = [0; BANDS + 1];
        let mut band = 0;
        while band < BANDS {
            edges[band] = 5 * band;
            band += 1;
        }
        edges[BANDS] = BINS;
        edges
    };

    /// Spectra and history after some hops of a signal.
    fn analysed(signal: impl Fn(usize) -> f32) -> (Analyser, SignalHistory, usize) {
        let (mut analyser, mut history) = (Analyser::new(Arc::new(Plan::new()), 1), SignalHistory::new(1));
        let sound: Vec<f32> = (0..9600).map(signal).collect();
        let mut period = 0;
        for hop in sound.chunks_exact(MODEL_FRAME) {
            history.channels[0].samples.push(hop);
            let frame = history.channels[0].samples.frame(FRAME, 0);
            analyser.stft.analyse(frame, &mut analyser.spectra);
            let power: Vec<f32> = analyser.spectra.iter().map(Complex32::norm_sqr).collect();
            period = history.pitch.run(&mut analyser.stft, &power, &mut analyser.delayed).0;
            if hop.as_ptr_range().end != sound.as_ptr_range().end {
                analyser.phase_advances(&mut history, 1.0);
            }
        }
        (analyser, history, period)
    }

    #[test]
    fn the_phase_of_a_tone_advances_by_its_distance_from_the_bin() {
        let hz = 20.0 * 31.25 + 7.0;
        let (analyser, mut history, _) =
            analysed(|n| (n as f32 * hz * std::f32::consts::TAU / 48_000.0).sin());
        let advances = analyser.phase_advances(&mut history, 1.0);
        for (bin, away) in [(20, 7.0), (21, 7.0 - 31.25)] {
            let expected = std::f32::consts::TAU * away / 100.0;
            assert!((advances[bin].arg() - expected).abs() < 0.02, "bin {bin}: {}", advances[bin].arg());
        }
    }

    #[test]
    fn a_buzz_correlates_with_itself_one_period_earlier() {
        for hz in [80.0_f32, 125.0, 240.0, 440.0] {
            let partial =
                |n: usize, k: f32| (n as f32 * hz * k * std::f32::consts::TAU / 48_000.0 + k * k).sin() / k;
            let (mut analyser, history, lag) = analysed(|n| (1..20).map(|k| partial(n, k as f32)).sum());
            let periods = lag as f32 * hz / 48_000.0;
            assert!((periods - periods.round()).abs() < 0.02 && periods > 0.5, "{hz} Hz: {lag}");
            analyser.compare_with_delayed(&EDGES, &history, lag, 1.0);
            let (product, power) = cross_power(&analyser.spectra[2..60], &analyser.delayed[2..60]);
            let own: f32 = analyser.spectra[2..60].iter().map(Complex32::norm_sqr).sum();
            assert!(product / (own * power).sqrt() > 0.99, "{hz} Hz");
        }
    }
}
