//! Segmental signal-to-noise ratio: Hansen & Pellom, "An effective quality evaluation protocol for speech enhancement
//! algorithms", ICSLP 1998: Hann frames of 30 ms, a quarter apart, each between −10 and 35 dB, and their mean.

const LEAST_DB: f64 = -10.0;
const MOST_DB: f64 = 35.0;

/// None where the clean signal is silent or shorter than a frame. Frames in which it is digitally silent do not count.
pub fn segmental_snr_db(clean: &[f32], other: &[f32], rate: u32) -> Option<f64> {
    let len = (rate as usize * 30).div_ceil(1000);
    let hop = (len / 4).max(1);
    let window: Vec<f64> = (0..len)
        .map(|n| 0.5 - 0.5 * (std::f64::consts::TAU * (n + 1) as f64 / (len + 1) as f64).cos())
        .collect();
    let (mut sum, mut count) = (0.0, 0_u64);
    for (c, o) in clean.windows(len).zip(other.windows(len)).step_by(hop) {
        let (mut signal, mut noise) = (0.0, 0.0);
        for ((c, o), w) in c.iter().zip(o).zip(&window) {
            let (c, o) = (f64::from(*c) * w, f64::from(*o) * w);
            signal += c * c;
            noise += (c - o) * (c - o);
        }
        if signal > 0.0 {
            sum += (10.0 * (signal / noise.max(1e-300)).log10()).clamp(LEAST_DB, MOST_DB);
            count += 1;
        }
    }
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    #[test]
    fn known_ratios() {
        let clean = signals::noise(48_000, 0.3, 1);
        let with = |gain: f32| -> Vec<f32> {
            clean.iter().zip(signals::noise(48_000, 0.3, 2)).map(|(c, n)| c + gain * n).collect()
        };
        let db = |gain| segmental_snr_db(&clean, &with(gain), 16_000).unwrap();
        assert!((db(0.1) - 20.0).abs() < 0.3, "{}", db(0.1));
        assert_eq!(db(0.0), MOST_DB, "the same");
        assert_eq!(db(1000.0), LEAST_DB);
    }
}
