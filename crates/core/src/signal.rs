//! Units and vocabulary.
//!
//! * A **sample** is one number of one channel; a **frame** is one sample of every channel. Lengths and latencies of a
//!   stream are in frames at its own rate; those of a model in samples at 48 kHz.
//! * A **block** is the frames that the host passes at a time. A **step** is the frames that the engine processes at a
//!   time: 10 ms, or the shortest block that the host's rate and 48 kHz share. A **hop** is a model's step: 480 samples,
//!   10 ms at 48 kHz. A model's **frame** is the hop or the window that it analyses.
//! * **Dry** is the input, delayed; **wet** is the denoised signal; **residue** is the difference.
//! * A **gain** multiplies a band, 0 to 1; a **mask** is all that is applied to a spectrum. **Attenuation** in dB is positive.
//! * Full scale is ±1.0 between the stages. The int16 range (±32768) exists only at the entries
//!   that are named for it and inside the RNNoise adapter.
//! * **dBFS** is relative to a full-scale sine's peak squared, that is `20·log10(rms)`, so a full-scale
//!   square wave is at 0 dBFS and a full-scale sine at −3.01 dBFS. **dB** is a ratio.

/// The sample rate of all models, in Hz.
pub const MODEL_RATE: u32 = 48_000;

/// The models' frame (hop) in samples at [`MODEL_RATE`]: 10 ms.
pub const MODEL_FRAME: usize = 480;

/// The lowest level reported, in dBFS; that of digital silence.
pub const SILENCE_DBFS: f32 = -120.0;

/// The factor between ±1.0 and the int16 range.
pub(crate) const I16_SCALE: f32 = 32_768.0;

/// Converts a gain in dB to a linear factor; minus infinity gives 0.
#[must_use]
pub fn db_to_gain(db: f32) -> f32 {
    10.0_f32.powf(db / 20.0)
}

/// Converts a mean square to dBFS, not below [`SILENCE_DBFS`].
#[must_use]
pub fn mean_square_to_dbfs(mean_square: f32) -> f32 {
    if mean_square > 1e-12 { 10.0 * mean_square.log10() } else { SILENCE_DBFS }
}

/// Returns the mean square of finite samples; 0 for an empty slice, never infinite.
///
/// Eight partial sums, so that the compiler can vectorise it; the order of summation is fixed, so the result
/// is the same on every call.
#[must_use]
pub(crate) fn mean_square(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    let mut sums = [0.0_f32; 8];
    let chunks = samples.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().map(|x| x * x).sum();
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x * x;
        }
    }
    ((sums.iter().sum::<f32>() + rest) / samples.len() as f32).min(f32::MAX)
}

/// Returns the greatest common divisor.
#[must_use]
pub(crate) fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_samples_have_a_level() {
        assert_eq!(mean_square(&[1e30; 11]), f32::MAX);
        assert!(mean_square_to_dbfs(mean_square(&[f32::MAX; 480])).is_finite());
    }
}
