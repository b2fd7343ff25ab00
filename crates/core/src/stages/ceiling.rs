//! A soft ceiling: what the model makes louder than full scale is bent, not cut.

/// Below this nothing is touched: −0.45 dBFS.
const KNEE: f32 = 0.95;

/// The most that comes out: the largest value of a 16-bit sample.
const TOP: f32 = 32_767.0 / 32_768.0;

/// Bends samples beyond the knee towards [`TOP`] by a hyperbolic tangent, which meets the straight part with
/// the same slope; samples below the knee are left bit for bit.
///
/// RNNoise makes a full-scale square wave 47 % larger than full scale: without this it would wrap or clip.
pub(crate) fn bend(samples: &mut [f32]) {
    // Nearly always there is nothing to do, and this way of asking has no branch per sample.
    if !samples.iter().fold(false, |loud, x| loud | (x.abs() > KNEE)) {
        return;
    }
    for x in samples {
        let magnitude = x.abs();
        if magnitude > KNEE {
            let room = TOP - KNEE;
            *x = (KNEE + room * ((magnitude - KNEE) / room).tanh()).copysign(*x);
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
}
