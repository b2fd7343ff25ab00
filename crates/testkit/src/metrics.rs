//! Measures of signals, each with its definition.

/// Returns the delay of `output` behind `input` in whole samples, 0 to `longest`, by GCC-PHAT.
#[must_use]
pub fn delay(input: &[f32], output: &[f32], longest: usize) -> usize {
    let (lag, _) = sourdine_measures::strongest_lag(input, output, 0..=longest as i64).unwrap();
    usize::try_from(lag).unwrap()
}

/// Mean square in dB; −200 for silence.
#[must_use]
pub fn level_db(x: &[f32]) -> f64 {
    let power = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / x.len().max(1) as f64;
    10.0 * power.max(1e-20).log10()
}

/// The level of the difference of two signals relative to the first, in dB.
#[must_use]
pub fn difference_db(reference: &[f32], other: &[f32]) -> f64 {
    assert_eq!(reference.len(), other.len(), "signals of one length");
    let difference: Vec<f32> = reference.iter().zip(other).map(|(a, b)| a - b).collect();
    level_db(&difference) - level_db(reference)
}

/// Scale-invariant signal-to-distortion ratio in dB; negative infinity where either signal is silent.
#[must_use]
pub fn si_sdr_db(reference: &[f32], estimate: &[f32]) -> f64 {
    sourdine_measures::si_sdr_db(reference, estimate).unwrap_or(f64::NEG_INFINITY)
}

/// The largest click in a steady tone of `hz`, in dBFS.
///
/// A tone whose amplitude changes linearly is cancelled exactly by applying 1 − 2·cos(ω)·z⁻¹ + z⁻² twice;
/// whatever is left is neither the tone nor a fade of it. The filter's first coefficient is 1, so a jump by d
/// leaves d or more: this is the height of the largest step.
#[must_use]
pub fn click_dbfs(tone: &[f32], rate: u32, hz: f64) -> f64 {
    let c = 2.0 * (std::f64::consts::TAU * hz / f64::from(rate)).cos();
    let filter = [1.0, -2.0 * c, 2.0 + c * c, -2.0 * c, 1.0];
    let worst = tone
        .windows(5)
        .map(|w| w.iter().zip(filter).map(|(x, f)| f64::from(*x) * f).sum::<f64>().abs())
        .fold(0.0, f64::max);
    20.0 * worst.max(1e-10).log10()
}

/// One channel of an interleaved signal.
#[must_use]
pub fn channel(interleaved: &[f32], channels: usize, channel: usize) -> Vec<f32> {
    interleaved.iter().skip(channel).step_by(channels).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals;

    #[test]
    fn measures_measure() {
        let x = signals::noise(5000, 0.5, 1);
        let mut late = vec![0.0; 123];
        late.extend(x.iter().map(|x| -0.3 * x));
        assert_eq!(delay(&x, &late, 1000), 123);
        assert!(si_sdr_db(&x, &late[123..]) > 100.0);
        assert!((difference_db(&x, &late[123..]) - 20.0 * 1.3_f64.log10()).abs() < 1e-3);
        let mut tone = signals::tone(4800, 48_000, 440.0, 0.5);
        assert!(click_dbfs(&tone, 48_000, 440.0) < -120.0);
        for x in &mut tone[2400..] {
            *x += 0.001;
        }
        assert!(click_dbfs(&tone, 48_000, 440.0) > -60.5);
        let fading: Vec<f32> = signals::tone(4800, 48_000, 440.0, 0.5)
            .iter()
            .enumerate()
            .map(|(i, x)| x * i as f32 / 4800.0)
            .collect();
        assert!(click_dbfs(&fading, 48_000, 440.0) < -120.0);
    }
}
