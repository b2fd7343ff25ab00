//! The hyperbolic tangent, the logistic function from it, and the common logarithm, in plain sums and products that
//! become vectors and give the same bits on every processor.
//!
//! `tanh x = x P(x²) / Q(x²)` with P and Q of degree 4, fitted for this project: linear least squares on
//! `x P − Q tanh x` at 1500 Chebyshev points of 0 to 8, reweighted by `1/Q` until it no longer changes
//! (Sanathanan & Koerner, 1963) and by the error itself to level it out (Lawson, 1961). The fit is within
//! 6e-9; what is left of the 1e-6 we promise is f32's rounding. Beyond ±8 the tangent is 1 to within 3e-7.

const P: [f32; 5] = [0.999_999_94, 0.134_381_9, 3.564_154_7e-3, 2.177_322_3e-5, 1.506_177_4e-8];
const Q: [f32; 5] = [1.0, 0.467_715_1, 2.613_601e-2, 3.399_177_2e-4, 8.453_648e-7];

/// tanh, |error| < 1e-6. NaN stays NaN.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    // Not `min` and `max`: they would hide a NaN.
    let x = x.clamp(-8.0, 8.0);
    let u = x * x;
    let p = x * (P[0] + u * (P[1] + u * (P[2] + u * (P[3] + u * P[4]))));
    let q = Q[0] + u * (Q[1] + u * (Q[2] + u * (Q[3] + u * Q[4])));
    (p / q).clamp(-1.0, 1.0)
}

/// `1 / (1 + exp(-x))`, |error| < 1e-6, within 0 to 1. NaN stays NaN.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    0.5 + 0.5 * tanh(0.5 * x)
}

/// log10, |error| < 1e-6, of a positive normal number. Of zero it is about −38; NaN stays NaN.
///
/// With x = 2ᵏ m, m within √½ to √2, and s = (m − 1) / (m + 1): ln m = 2 artanh s, and the series of artanh
/// (Abramowitz & Stegun 4.6.22) to s⁹ leaves 7e-10.
#[inline(always)]
pub(crate) fn log10(x: f32) -> f32 {
    const LOG10_2: f32 = std::f32::consts::LOG10_2;
    const TWO_LOG10_E: f32 = 2.0 * std::f32::consts::LOG10_E;
    /// The bits of √½.
    const LEAST: i32 = 0x3f35_04f3;
    let bits = x.to_bits().cast_signed();
    let exponent = (bits - LEAST) >> 23;
    let m = f32::from_bits((bits - (exponent << 23)).cast_unsigned());
    let s = (m - 1.0) / (m + 1.0);
    let u = s * s;
    let series = 1.0 + u * (1.0 / 3.0 + u * (0.2 + u * (1.0 / 7.0 + u * (1.0 / 9.0))));
    let log = exponent as f32 * LOG10_2 + TWO_LOG10_E * s * series;
    // An exponent taken from a NaN means nothing.
    if x.is_nan() { x } else { log }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tanh_and_sigmoid_are_within_a_millionth() {
        for i in -200_000..=200_000_i32 {
            let x = i as f32 * 1e-4;
            let exact = f64::from(x).tanh();
            assert!((f64::from(tanh(x)) - exact).abs() < 1e-6, "tanh {x}");
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid(x)) - exact).abs() < 1e-6, "sigmoid {x}");
        }
        assert_eq!(tanh(0.0), 0.0);
        assert!(tanh(1e30) > 0.999_999 && tanh(f32::NEG_INFINITY) < -0.999_999);
        assert!(sigmoid(-1e30) >= 0.0 && sigmoid(1e30) <= 1.0);
        assert!(tanh(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
    }

    #[test]
    fn log10_is_within_a_millionth() {
        let mut x = 1e-12_f32;
        while x < 1e12 {
            let exact = f64::from(x).log10();
            // The promise, plus f32's rounding of so large a number.
            let bound = 1e-6 + exact.abs() * f64::from(f32::EPSILON);
            assert!((f64::from(log10(x)) - exact).abs() < bound, "log10 {x}");
            x *= 1.000_31;
        }
        assert_eq!(log10(1.0), 0.0);
        assert!(log10(f32::NAN).is_nan() && log10(0.0) < -37.0);
    }
}
