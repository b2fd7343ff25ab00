//! Delay between two signals: generalised cross-correlation with phase transform, Knapp & Carter, "The generalized
//! correlation method for estimation of time delay", IEEE Trans. ASSP 24(4), 1976. The spectrum is whitened, so that
//! the peak is one sample wide. Bins 60 dB below the strongest count little: they hold no common signal.

use std::ops::RangeInclusive;

use realfft::RealFftPlanner;

/// The least ratio of the peak to the root mean square over the lags searched. Among 100 000 values of
/// Gaussian noise the largest is expected at 4.4.
const LEAST_PEAK: f64 = 6.0;

/// Returns by how many samples `other` lags behind `clean` (negative: leads), within ±`longest`; `None` where no lag stands
/// out.
#[must_use]
pub fn gcc_phat(clean: &[f32], other: &[f32], longest: usize) -> Option<i64> {
    let longest = i64::try_from(longest).unwrap_or(i64::MAX);
    let (best, prominence) = strongest_lag(clean, other, -longest..=longest)?;
    (prominence > LEAST_PEAK).then_some(best)
}

/// Returns the lag of the strongest correlation of `other` behind `clean` within a range, in samples, and how far it stands
/// out of the root mean square over that range; `None` where either signal is silent.
#[must_use]
pub fn strongest_lag(clean: &[f32], other: &[f32], lags: RangeInclusive<i64>) -> Option<(i64, f64)> {
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
    let farthest = (len / 2 - 1) as i64;
    let lags = (*lags.start()).max(-farthest)..=(*lags.end()).min(farthest);
    let at = |lag: i64| correlation[lag.rem_euclid(len as i64) as usize].abs();
    // Of equal peaks the one nearest to 0.
    let best = lags.clone().max_by(|a, b| at(*a).total_cmp(&at(*b)).then(b.abs().cmp(&a.abs())))?;
    let count = (lags.end() - lags.start() + 1) as f64;
    let rms = (lags.map(|lag| at(lag).powi(2)).sum::<f64>() / count).sqrt();
    Some((best, at(best) / rms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    #[test]
    fn finds_delays_both_ways_in_noise() {
        let clean = signals::speechlike(48_000, 16_000, 3);
        for delay in [-1500_i64, -1, 0, 1, 480, 1500] {
            let at = |n: i64| usize::try_from(n).ok().and_then(|n| clean.get(n)).copied().unwrap_or(0.0);
            let noise = signals::noise(48_000, 0.02, 9);
            let other: Vec<f32> = (0..48_000).zip(noise).map(|(n, x)| -0.5 * at(n - delay) + x).collect();
            assert_eq!(gcc_phat(&clean, &other, 2000), Some(delay));
        }
    }

    #[test]
    fn unrelated_signals_have_no_delay() {
        let (a, b) = (signals::noise(48_000, 0.3, 1), signals::noise(48_000, 0.3, 2));
        assert_eq!(gcc_phat(&a, &b, 2000), None);
        assert_eq!(gcc_phat(&a, &[0.0; 100], 2000), None);
    }
}
