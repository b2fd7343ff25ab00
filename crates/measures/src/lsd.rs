//! Log-spectral distance: Gray & Markel, "Distance measures for speech processing", IEEE Trans. ASSP 24(5), 1976, in
//! its root-mean-square form: the difference of the power spectra in dB, squared, averaged over the bins, the root of
//! that averaged over the frames. Hann frames of 32 ms, half a frame apart.
//!
//! Powers more than 60 dB below the clean signal's loudest bin count as that level, so that inaudible parts, digital
//! silence above all, does not decide.

use crate::spectrum::{PowerSpectrum, hanning};

const FLOOR_DB: f64 = 60.0;

/// None where the clean signal is silent or shorter than a frame.
pub fn log_spectral_distance_db(clean: &[f32], other: &[f32], rate: u32) -> Option<f64> {
    let len = (rate as usize * 32 / 1000).next_multiple_of(2).max(2);
    let mut spectrum = PowerSpectrum::new(hanning(len), len);
    let mut spectra = |x: &[f32]| -> Vec<Vec<f64>> {
        let frames = x.windows(len).step_by(len / 2);
        frames.map(|frame| spectrum.of(frame.iter().map(|x| f64::from(*x))).collect()).collect()
    };
    let (clean, other) = (spectra(clean), spectra(other));
    let loudest = clean.iter().flatten().fold(0.0_f64, |most, p| most.max(*p));
    if loudest <= 0.0 {
        return None;
    }
    let floor = loudest * 10.0_f64.powf(-FLOOR_DB / 10.0);
    let db = |p: f64| 10.0 * p.max(floor).log10();
    let distance = |(a, b): (&Vec<f64>, &Vec<f64>)| {
        let squares: f64 = a.iter().zip(b).map(|(a, b)| (db(*a) - db(*b)).powi(2)).sum();
        (squares / a.len() as f64).sqrt()
    };
    let count = clean.len().min(other.len());
    Some(clean.iter().zip(&other).map(distance).sum::<f64>() / count as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    #[test]
    fn a_gain_is_its_decibels() {
        let clean = signals::noise(16_000, 0.3, 1);
        let half: Vec<f32> = clean.iter().map(|x| 0.5 * x).collect();
        assert_eq!(log_spectral_distance_db(&clean, &clean, 16_000), Some(0.0));
        // White noise has hardly a bin at the floor.
        let db = log_spectral_distance_db(&clean, &half, 16_000).unwrap();
        assert!((db - 20.0 * 2.0_f64.log10()).abs() < 0.01, "{db}");
    }
}
