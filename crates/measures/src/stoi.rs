//! Short-time objective intelligibility: Taal, Hendriks, Heusdens & Jensen, "An algorithm for intelligibility prediction
//! of time-frequency weighted noisy speech", IEEE Trans. ASLP 19(7), 2011; and its extension: Jensen & Taal, "An
//! algorithm for predicting the intelligibility of speech masked by modulated noise maskers", IEEE/ACM Trans. ASLP
//! 24(11), 2016.

use crate::resample::resampled;
use crate::spectrum::{PowerSpectrum, hanning};

/// The rate the measure is defined at, in Hz.
const RATE: u32 = 10_000;

/// Frame, hop and transform, in samples at that rate.
const FRAME: usize = 256;
const HOP: usize = FRAME / 2;
const FFT: usize = 512;

/// Third-octave bands, and the centre of the lowest in Hz.
const BANDS: usize = 15;
const LOWEST_HZ: f64 = 150.0;

/// Frames of a segment (384 ms).
const SEGMENT: usize = 30;

/// Lower bound of the signal-to-distortion ratio, in dB.
const BETA: f64 = -15.0;

/// Frames farther than this below the loudest of the clean signal are left out, in dB.
const RANGE_DB: f64 = 40.0;

/// Levels of the third-octave bands, frame by frame.
type Bands = Vec<[f64; BANDS]>;

/// STOI and ESTOI of `other` against `clean`. None where less than a segment of speech is there.
pub fn stoi(clean: &[f32], other: &[f32], rate: u32) -> (Option<f64>, Option<f64>) {
    let at_10k = |x: &[f32]| {
        let x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
        resampled(&x, rate, RATE)
    };
    let (Some(clean), Some(other)) = (at_10k(clean), at_10k(other)) else { return (None, None) };
    let (clean, other) = without_silence(&clean, &other);
    let (clean, other) = (bands(&clean), bands(&other));
    if clean.len() < SEGMENT {
        return (None, None);
    }
    let segments = clean.windows(SEGMENT).zip(other.windows(SEGMENT));
    let (mut plain, mut extended) = (0.0, 0.0);
    let count = segments.len() as f64;
    for (c, o) in segments {
        plain += correlation(c, o);
        extended += extended_correlation(c, o);
    }
    (Some(plain / count), Some(extended / count))
}

/// Leaves out the frames in which the clean signal is silent, from both, and adds the rest together again.
fn without_silence(clean: &[f64], other: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let window = hanning(FRAME);
    let starts: Vec<usize> = (0..clean.len().min(other.len()).saturating_sub(FRAME)).step_by(HOP).collect();
    let energy = |start: usize| {
        let sum: f64 = clean[start..start + FRAME].iter().zip(&window).map(|(x, w)| (x * w).powi(2)).sum();
        20.0 * (sum.sqrt() + f64::EPSILON).log10()
    };
    let energies: Vec<f64> = starts.iter().map(|start| energy(*start)).collect();
    let loudest = energies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Nothing but silence is no speech.
    let audible = loudest > -200.0;
    let kept: Vec<usize> = starts
        .iter()
        .zip(&energies)
        .filter(|(_, e)| audible && loudest - RANGE_DB - **e < 0.0)
        .map(|(s, _)| *s)
        .collect();
    let joined = |x: &[f64]| {
        let mut out = vec![0.0; if kept.is_empty() { 0 } else { (kept.len() - 1) * HOP + FRAME }];
        for (k, start) in kept.iter().enumerate() {
            for (n, (x, w)) in x[*start..start + FRAME].iter().zip(&window).enumerate() {
                out[k * HOP + n] += x * w;
            }
        }
        out
    };
    (joined(clean), joined(other))
}

/// Third-octave levels of all frames.
fn bands(x: &[f64]) -> Bands {
    let mut spectrum = PowerSpectrum::new(hanning(FRAME), FFT);
    let hz_per_bin = f64::from(RATE) / FFT as f64;
    let nearest = |hz: f64| (hz / hz_per_bin).round() as usize;
    let edges: [(usize, usize); BANDS] = std::array::from_fn(|k| {
        let edge = |twice: i32| LOWEST_HZ * 2.0_f64.powf(f64::from(twice) / 6.0);
        (nearest(edge(2 * k as i32 - 1)), nearest(edge(2 * k as i32 + 1)))
    });
    (0..x.len().saturating_sub(FRAME))
        .step_by(HOP)
        .map(|start| {
            let power: Vec<f64> = spectrum.of(x[start..start + FRAME].iter().copied()).collect();
            edges.map(|(from, to)| power[from..to].iter().sum::<f64>().sqrt())
        })
        .collect()
}

/// Mean over the bands of the correlation between the clean and the scaled, clipped other levels (2011, eqs. 3 to 6).
fn correlation(clean: &[[f64; BANDS]], other: &[[f64; BANDS]]) -> f64 {
    let clip = 1.0 + 10.0_f64.powf(-BETA / 20.0);
    let mut sum = 0.0;
    for band in 0..BANDS {
        let mut c: [f64; SEGMENT] = std::array::from_fn(|n| clean[n][band]);
        let mut o: [f64; SEGMENT] = std::array::from_fn(|n| other[n][band]);
        let scale = norm(&c) / (norm(&o) + f64::EPSILON);
        o.iter_mut().zip(&c).for_each(|(o, c)| *o = (*o * scale).min(clip * c));
        centre(&mut c);
        centre(&mut o);
        let lengths = (norm(&c) + f64::EPSILON) * (norm(&o) + f64::EPSILON);
        sum += c.iter().zip(&o).map(|(c, o)| c * o).sum::<f64>() / lengths;
    }
    sum / BANDS as f64
}

/// Mean over the frames of the correlation between spectra, after each band and then each frame was normalised (2016,
/// eqs. 4 to 8).
fn extended_correlation(clean: &[[f64; BANDS]], other: &[[f64; BANDS]]) -> f64 {
    let normalised = |x: &[[f64; BANDS]]| {
        let mut rows: [[f64; SEGMENT]; BANDS] = std::array::from_fn(|b| std::array::from_fn(|n| x[n][b]));
        for row in &mut rows {
            centre(row);
            unit(row);
        }
        let mut columns: [[f64; BANDS]; SEGMENT] =
            std::array::from_fn(|n| std::array::from_fn(|b| rows[b][n]));
        for column in &mut columns {
            centre(column);
            unit(column);
        }
        columns
    };
    let (clean, other) = (normalised(clean), normalised(other));
    let dots = clean.iter().zip(&other).map(|(c, o)| c.iter().zip(o).map(|(c, o)| c * o).sum::<f64>());
    dots.sum::<f64>() / SEGMENT as f64
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn centre(x: &mut [f64]) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    x.iter_mut().for_each(|x| *x -= mean);
}

fn unit(x: &mut [f64]) {
    let length = norm(x) + f64::EPSILON;
    x.iter_mut().for_each(|x| *x /= length);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    #[test]
    fn falls_with_noise() {
        let clean = signals::speechlike(80_000, 16_000, 5);
        let mut before = (1.01, 1.01);
        for gain in [0.0, 0.01, 0.1, 1.0] {
            let noise = signals::noise(80_000, gain, 6);
            let other: Vec<f32> = clean.iter().zip(noise).map(|(c, n)| c + n).collect();
            let (Some(plain), Some(extended)) = stoi(&clean, &other, 16_000) else { panic!("long enough") };
            assert!(plain < before.0 && extended < before.1, "{gain}: {plain} {extended}");
            before = (plain, extended);
        }
        assert!(before.0 < 0.5, "{before:?}");
        let same = stoi(&clean, &clean, 16_000);
        assert!((same.0.unwrap() - 1.0).abs() < 1e-6 && (same.1.unwrap() - 1.0).abs() < 1e-6, "{same:?}");
    }
}
