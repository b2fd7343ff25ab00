//! Scale-invariant signal-to-distortion ratio: Le Roux, Wisdom, Erdogan & Hershey, "SDR – half-baked or well done?",
//! ICASSP 2019.

/// The clean signal is scaled to fit the estimate best, and set against what is left. None where either is silent.
pub(super) fn si_sdr_db(clean: &[f32], estimate: &[f32]) -> Option<f64> {
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
mod tests {
    use super::*;
    use sourdine_testkit::{metrics, signals};

    #[test]
    fn as_the_test_kit_has_it_and_free_of_scale() {
        let clean = signals::speechlike(16_000, 16_000, 1);
        let noisy: Vec<f32> =
            clean.iter().zip(signals::noise(16_000, 0.05, 2)).map(|(c, n)| 0.3 * (c + n)).collect();
        let ours = si_sdr_db(&clean, &noisy).unwrap();
        assert!((ours - metrics::si_sdr_db(&clean, &noisy)).abs() < 1e-9);
        let louder: Vec<f32> = noisy.iter().map(|x| 4.0 * x).collect();
        assert!((ours - si_sdr_db(&clean, &louder).unwrap()).abs() < 1e-9);
    }
}
