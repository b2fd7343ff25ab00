//! The voice's period: where to look one period back from, so that sound can be compared with itself.

use rustfft::num_complex::Complex32;

use super::stft::{BINS, EARLIEST, Stft};

/// The shortest period looked for, in samples: 500 Hz. The longest, 62.5 Hz, is [`EARLIEST`].
pub(crate) const SHORTEST: usize = 96;

/// The bins in which it is looked for: 62 Hz to 4 kHz.
const PERIODIC: std::ops::Range<usize> = 2..128;

/// How much of the last frame's search goes into this one's.
const MEMORY: f32 = 0.5;

/// Keeps a quotient of nothing by nothing zero.
pub(crate) const TINY: f32 = 1e-20;

/// One stream's search.
#[derive(Debug)]
pub(crate) struct Search {
    /// For lags from 0 to [`EARLIEST`].
    likelihood: [f32; EARLIEST + 1],
}

impl Search {
    pub(crate) fn new() -> Self {
        Self { likelihood: [0.0; EARLIEST + 1] }
    }

    pub(crate) fn reset(&mut self) {
        self.likelihood.fill(0.0);
    }

    /// The likeliest period in samples, and how likely it is, up to 1. `room` is overwritten.
    ///
    /// The largest value of an autocorrelation: not that of the spectrum but that of its square root, so that no single
    /// harmonic decides.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics.
    #[inline(always)]
    pub(crate) fn period(&mut self, stft: &mut Stft, power: &[f32], room: &mut [Complex32]) -> (usize, f32) {
        debug_assert_eq!((power.len(), room.len()), (BINS, BINS));
        room.fill(Complex32::ZERO);
        for (root, power) in room[PERIODIC].iter_mut().zip(&power[PERIODIC]) {
            root.re = power.sqrt().sqrt();
        }
        stft.inverse(room, PERIODIC.end);
        let (pairs, last) = self.likelihood.as_chunks_mut::<2>();
        for ([even, odd], now) in pairs.iter_mut().zip(room.iter()) {
            *even = now.re + MEMORY * *even;
            *odd = now.im + MEMORY * *odd;
        }
        for likelihood in last {
            *likelihood = room[EARLIEST / 2].re + MEMORY * *likelihood;
        }
        // First the most, in lanes, then where it is.
        let (lanes, last) = self.likelihood[SHORTEST..].as_chunks::<8>();
        let mut most = [f32::MIN; 8];
        for likelihoods in lanes {
            for (most, likelihood) in most.iter_mut().zip(likelihoods) {
                *most = if *likelihood > *most { *likelihood } else { *most };
            }
        }
        let most = most.iter().chain(last).fold(f32::MIN, |most, x| if *x > most { *x } else { most });
        let lag = SHORTEST + self.likelihood[SHORTEST..].iter().position(|x| *x == most).unwrap_or(0);
        (lag, self.likelihood[lag] / (self.likelihood[0] + TINY))
    }
}

/// What two spectra have in common, and the power of the second.
#[inline(always)]
pub(crate) fn compare(now: &[Complex32], earlier: &[Complex32]) -> (f32, f32) {
    let (mut both, mut power) = ([0.0; 4], [0.0; 4]);
    let (now, now_rest) = now.as_chunks::<4>();
    let (earlier, earlier_rest) = earlier.as_chunks::<4>();
    for (now, earlier) in now.iter().zip(earlier) {
        for lane in 0..4 {
            both[lane] += now[lane].re * earlier[lane].re + now[lane].im * earlier[lane].im;
            power[lane] += earlier[lane].norm_sqr();
        }
    }
    for (now, earlier) in now_rest.iter().zip(earlier_rest) {
        both[0] += now.re * earlier.re + now.im * earlier.im;
        power[0] += earlier.norm_sqr();
    }
    let sum = |x: [f32; 4]| (x[0] + x[1]) + (x[2] + x[3]);
    (sum(both), sum(power))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::stft::{Analysis, Tables};
    use super::*;
    use crate::signal::MODEL_FRAME;

    #[test]
    fn a_buzz_is_like_itself_a_period_earlier_and_nothing_like_noise() {
        for hz in [80.0_f32, 125.0, 240.0, 440.0] {
            let (mut stft, mut memory) = (Stft::new(Arc::new(Tables::new())), Analysis::new());
            let (mut search, mut found) = (Search::new(), 0);
            let [mut bins, mut earlier] = [const { Vec::new() }; 2].map(|mut v: Vec<Complex32>| {
                v.resize(BINS, Complex32::ZERO);
                v
            });
            let partial =
                |n: usize, k: f32| (n as f32 * hz * k * std::f32::consts::TAU / 48_000.0 + k * k).sin() / k;
            let buzz: Vec<f32> = (0..9600).map(|n| (1..20).map(|k| partial(n, k as f32)).sum()).collect();
            for hop in buzz.chunks_exact(MODEL_FRAME) {
                stft.analyse(&mut memory, hop, &mut bins);
                let power: Vec<f32> = bins.iter().map(Complex32::norm_sqr).collect();
                found = search.period(&mut stft, &power, &mut earlier).0;
                stft.analyse_earlier(&memory, found, &mut earlier);
            }
            let periods = found as f32 * hz / 48_000.0;
            assert!((periods - periods.round()).abs() < 0.02 && periods > 0.5, "{hz} Hz: {found}");
            let (both, power) = compare(&bins[2..60], &earlier[2..60]);
            let own: f32 = bins[2..60].iter().map(Complex32::norm_sqr).sum();
            assert!(both / (own * power).sqrt() > 0.99, "{hz} Hz");
        }
    }

    #[test]
    fn nothing_has_no_period() {
        let (mut stft, mut room) = (Stft::new(Arc::new(Tables::new())), vec![Complex32::ZERO; BINS]);
        assert_eq!(Search::new().period(&mut stft, &[0.0; BINS], &mut room), (SHORTEST, 0.0));
        assert!(Search::new().period(&mut stft, &[f32::NAN; BINS], &mut room).1.is_nan());
    }
}
