//! Delay between two signals: generalised cross-correlation with phase transform, Knapp & Carter, "The generalized
//! correlation method for estimation of time delay", IEEE Trans. ASSP 24(4), 1976. The spectrum is whitened, so that
//! the peak is one sample wide. Bins 60 dB below the strongest count little: they hold no common signal.

use realfft::RealFftPlanner;

/// How far the peak has to stand out of the root mean square over the lags looked at to be believed. Among 100 000 values of
/// Gaussian noise the largest is expected at 4.4.
const LEAST_PEAK: f64 = 6.0;

/// By how many samples `other` lies behind `clean` (before: negative), `longest` at most. None where no lag stands out.
pub(super) fn gcc_phat(clean: &[f32], other: &[f32], longest: usize) -> Option<i64> {
    let len = clean.len() + other.len() + 1;
    let len = len.next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(len);
    let spectrum = |x: &[f32]| {
        let mut time: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
        time.resize(len, 0.0);
        let mut bins = forward.make_output_vec();
        forward.process(&mut time, &mut bins).ok()?;
        Some(bins)
    };
    let (a, mut cross) = (spectrum(clean)?, spectrum(other)?);
    for (c, a) in cross.iter_mut().zip(&a) {
        *c *= a.conj();
    }
    let strongest = cross.iter().map(|c| c.norm()).fold(0.0, f64::max);
    if strongest <= 0.0 {
        return None;
    }
    for c in &mut cross {
        *c /= c.norm() + 1e-3 * strongest;
    }
    // The ends of a real spectrum are real.
    let last = cross.len() - 1;
    cross[0].im = 0.0;
    cross[last].im = 0.0;
    let mut correlation = vec![0.0; len];
    planner.plan_fft_inverse(len).process(&mut cross, &mut correlation).ok()?;
    let longest = longest.min(len / 2 - 1) as i64;
    let at = |lag: i64| correlation[lag.rem_euclid(len as i64) as usize].abs();
    // Of equal lags the nearest to none.
    let best = (-longest..=longest).max_by(|a, b| at(*a).total_cmp(&at(*b)).then(b.abs().cmp(&a.abs())))?;
    let lags = (2 * longest + 1) as f64;
    let rms = ((-longest..=longest).map(|lag| at(lag).powi(2)).sum::<f64>() / lags).sqrt();
    (at(best) > LEAST_PEAK * rms).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::{metrics, signals};

    #[test]
    fn finds_delays_both_ways_in_noise() {
        let clean = signals::speechlike(48_000, 16_000, 3);
        for delay in [-1500_i64, -1, 0, 1, 480, 1500] {
            let at = |n: i64| usize::try_from(n).ok().and_then(|n| clean.get(n)).copied().unwrap_or(0.0);
            let noise = signals::noise(48_000, 0.02, 9);
            let other: Vec<f32> = (0..48_000).zip(noise).map(|(n, x)| -0.5 * at(n - delay) + x).collect();
            assert_eq!(gcc_phat(&clean, &other, 2000), Some(delay));
            if delay >= 0 {
                assert_eq!(metrics::delay(&clean, &other, 2000) as i64, delay, "as the test kit has it");
            }
        }
    }

    #[test]
    fn strangers_have_no_delay() {
        let (a, b) = (signals::noise(48_000, 0.3, 1), signals::noise(48_000, 0.3, 2));
        assert_eq!(gcc_phat(&a, &b, 2000), None);
        assert_eq!(gcc_phat(&a, &[0.0; 100], 2000), None);
    }
}
