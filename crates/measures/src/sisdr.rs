//! Scale-invariant signal-to-distortion ratio: Le Roux, Wisdom, Erdogan & Hershey, "SDR – half-baked or well done?",
//! ICASSP 2019.

/// The clean signal is scaled to fit the estimate best, and set against what is left. None where either is silent.
pub fn si_sdr_db(clean: &[f32], estimate: &[f32]) -> Option<f64> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let (power, cross) = (dot(clean, clean), dot(clean, estimate));
    if power <= 0.0 || dot(estimate, estimate) <= 0.0 {
        return None;
    }
    let scale = cross / power;
    let rest: f64 =
        clean.iter().zip(estimate).map(|(c, e)| (f64::from(*e) - scale * f64::from(*c)).powi(2)).sum();
    let target = scale * scale * power;
    // Beyond ±200 dB lies nothing but rounding.
    Some((10.0 * (target / rest.max(1e-300)).max(1e-300).log10()).clamp(-200.0, 200.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    #[test]
    fn the_ratio_of_orthogonal_parts_free_of_scale() {
        // Noise without its projection on the clean signal, 20 dB below it.
        let clean = signals::speechlike(16_000, 16_000, 1);
        let noise = signals::noise(16_000, 0.05, 2);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let along = (dot(&clean, &noise) / dot(&clean, &clean)) as f32;
        let across: Vec<f32> = noise.iter().zip(&clean).map(|(n, c)| n - along * c).collect();
        let gain = (dot(&clean, &clean) / dot(&across, &across) / 100.0).sqrt() as f32;
        let noisy: Vec<f32> = clean.iter().zip(&across).map(|(c, n)| 0.3 * (c + gain * n)).collect();
        let ratio = si_sdr_db(&clean, &noisy).unwrap();
        assert!((ratio - 20.0).abs() < 1e-3, "{ratio} dB");
        let louder: Vec<f32> = noisy.iter().map(|x| 4.0 * x).collect();
        assert!((ratio - si_sdr_db(&clean, &louder).unwrap()).abs() < 1e-9);
        assert_eq!(si_sdr_db(&clean, &[0.0; 16_000]), None);
    }
}
