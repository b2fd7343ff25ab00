//! Replaces NaN and infinity with silence.

/// Returns whether all samples are finite; without a branch per sample, so that it vectorises.
pub(crate) fn all_finite(samples: &[f32]) -> bool {
    samples.iter().fold(true, |finite, x| finite & x.is_finite())
}

/// Replaces NaN and infinity with silence. Returns how many there were.
///
/// Everything downstream is recursive (filters, recurrent networks): one NaN would never leave it.
pub(crate) fn silence_invalid(samples: &mut [f32]) -> u64 {
    if all_finite(samples) {
        return 0;
    }
    let mut invalid = 0;
    for x in samples.iter_mut().filter(|x| !x.is_finite()) {
        *x = 0.0;
        invalid += 1;
    }
    invalid
}

/// The largest input of a model: +42 dBFS, more than float sound reaches by mistake or by design. Larger samples are clipped
/// on the wet path only.
const LOUDEST: f32 = 128.0;

/// Clips huge but finite samples (1e30), which would overflow to NaN inside a model or a resampler.
pub(crate) fn bound_for_model(samples: &mut [f32]) {
    for x in samples {
        *x = x.clamp(-LOUDEST, LOUDEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_silences_what_is_invalid() {
        let mut x =
            [0.5, f32::NAN, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE / 2.0];
        assert_eq!(silence_invalid(&mut x), 3);
        assert_eq!(x, [0.5, 0.0, -1.0, 0.0, 0.0, f32::MAX, f32::MIN_POSITIVE / 2.0]);
        assert_eq!(silence_invalid(&mut x), 0);
    }
}
