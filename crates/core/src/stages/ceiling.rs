//! A soft ceiling: limits peaks beyond full scale without clipping them.

/// Samples below this are unchanged: −0.45 dBFS.
const KNEE: f32 = 0.95;

/// The largest output: that of a 16-bit sample.
const TOP: f32 = 32_767.0 / 32_768.0;

/// Compresses samples beyond the knee towards [`TOP`] by a hyperbolic tangent, which continues the linear part with
/// the same slope; samples below the knee keep their bits.
///
/// RNNoise turns a full-scale square wave into one 47 % above full scale, which would otherwise wrap or clip.
pub(crate) fn bend(samples: &mut [f32]) {
    // Usually no sample is that loud; this test has no branch per sample.
    if !samples.iter().fold(false, |loud, x| loud | (x.abs() > KNEE)) {
        return;
    }
    for x in samples {
        let magnitude = x.abs();
        if magnitude > KNEE {
            let range = TOP - KNEE;
            *x = (KNEE + range * ((magnitude - KNEE) / range).tanh()).copysign(*x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_normal_levels_alone_and_keeps_loud_ones_inside() {
        let mut x = [0.0, -0.95, 0.5, 1.0, -3.0, f32::MAX];
        bend(&mut x);
        assert_eq!(&x[..3], &[0.0, -0.95, 0.5]);
        assert!(x[3] > 0.95 && x[3] < TOP);
        assert!(x.iter().all(|x| x.abs() <= TOP));
        assert!(x[4] < 0.0);
    }

    #[test]
    fn continues_at_the_knee_and_bends_by_a_hyperbolic_tangent() {
        let bent = |x: f32| {
            let mut x = [x];
            bend(&mut x);
            x[0]
        };
        assert!((bent(0.951) - 0.951).abs() < 1e-5 && (bent(-0.951) + 0.951).abs() < 1e-5);
        // tanh(0.05 / (TOP − KNEE)) of the 0.04997 between knee and top.
        assert!((bent(1.0) - 0.988_06).abs() < 1e-5, "{}", bent(1.0));
    }
}
