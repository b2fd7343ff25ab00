//! Mixes dry and wet, and fades every change over one step.
//!
//! All controls act as a pair of weights on the two aligned signals:
//!
//! | setting | dry | wet |
//! |---|---|---|
//! | off, passthrough, limit 0 dB | 1 | 0 |
//! | limit L dB, gate gain g | g·m | g·(1 − m), with m = 10^(−L/20) |
//! | residue of that | 1 − g·m | −g·(1 − m) |
//!
//! With a limit, sound that the model removes wholly (wet = 0) is left at −L dB, and sound that it keeps (wet = dry) is
//! unchanged. A change moves both weights along a raised cosine, so no control can click.

/// The weights of the two signals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Weights {
    pub(crate) dry: f32,
    pub(crate) wet: f32,
}

impl Weights {
    pub(crate) const DRY: Self = Self { dry: 1.0, wet: 0.0 };

    /// The kept signal: `dry_share` is m above, `gate` is g.
    pub(crate) fn kept(dry_share: f32, gate: f32) -> Self {
        Self { dry: gate * dry_share, wet: gate * (1.0 - dry_share) }
    }

    /// The residue: the input less the kept signal.
    pub(crate) fn removed(self) -> Self {
        Self { dry: 1.0 - self.dry, wet: -self.wet }
    }
}

/// The mixing stage, with the current weights.
#[derive(Debug)]
pub(crate) struct Mix {
    now: Weights,
    /// Rises from just above 0 to 1 over one host frame.
    ramp: Vec<f32>,
}

impl Mix {
    pub(crate) fn new(frame: usize, start: Weights) -> Self {
        let step = std::f64::consts::PI / frame as f64;
        let ramp = (1..=frame).map(|i| (0.5 - 0.5 * (step * i as f64).cos()) as f32).collect();
        Self { now: start, ramp }
    }

    pub(crate) fn reset(&mut self, start: Weights) {
        self.now = start;
    }

    /// Mixes all channels of a planar frame into `dry`, moving to `target` over the frame.
    pub(crate) fn run(&mut self, dry: &mut [f32], wet: &[f32], target: Weights) {
        let from = self.now;
        self.now = target;
        if from == target {
            if target == Weights::DRY {
                return; // Not even multiplied by one: −0.0 and every bit stay.
            }
            for (d, w) in dry.iter_mut().zip(wet) {
                *d = target.dry * *d + target.wet * w;
            }
            return;
        }
        let (by_dry, by_wet) = (target.dry - from.dry, target.wet - from.wet);
        let frame = self.ramp.len();
        for (dry, wet) in dry.chunks_exact_mut(frame).zip(wet.chunks_exact(frame)) {
            for ((d, w), r) in dry.iter_mut().zip(wet).zip(&self.ramp) {
                *d = (from.dry + by_dry * r) * *d + (from.wet + by_wet * r) * w;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_and_removed_add_up_to_the_input() {
        for (share, gate) in [(0.0, 1.0), (0.1, 1.0), (0.5, 0.2), (1.0, 1.0)] {
            let kept = Weights::kept(share, gate);
            let removed = kept.removed();
            assert!((kept.dry + removed.dry - 1.0).abs() < 1e-7);
            assert_eq!(kept.wet + removed.wet, 0.0);
        }
    }

    #[test]
    fn weights_are_those_of_the_table() {
        assert_eq!(Weights::kept(0.25, 0.5), Weights { dry: 0.125, wet: 0.375 });
        assert_eq!(Weights::kept(0.25, 0.5).removed(), Weights { dry: 0.875, wet: -0.375 });
    }

    #[test]
    fn reset_and_constant_weights_do_not_fade() {
        let mut mix = Mix::new(4, Weights::DRY);
        mix.reset(Weights::kept(0.25, 1.0));
        let mut x = [1.0; 8];
        mix.run(&mut x, &[2.0; 8], Weights::kept(0.25, 1.0));
        assert_eq!(x, [1.75; 8]);
    }

    #[test]
    fn dry_is_bit_exact_even_for_negative_zero() {
        let mut mix = Mix::new(4, Weights::DRY);
        let mut x = [-0.0, 1e-40, 0.3, -1.5];
        let before = x.map(f32::to_bits);
        mix.run(&mut x, &[9.0; 4], Weights::DRY);
        assert_eq!(x.map(f32::to_bits), before);
    }

    #[test]
    fn a_change_arrives_at_the_end_of_the_frame() {
        let mut mix = Mix::new(480, Weights::DRY);
        let mut x = vec![1.0; 960];
        mix.run(&mut x, &[0.0; 960], Weights::kept(0.0, 1.0));
        assert!(x[0] > 0.9999 && x[480] > 0.9999);
        assert!(x[479].abs() < 1e-6 && x[959].abs() < 1e-6);
        assert!(x.windows(2).take(479).all(|w| w[1] <= w[0]));
        // Back up, along a raised cosine: half-way in the middle, by both weights.
        let mut x = vec![1.0; 960];
        mix.run(&mut x, &[0.5; 960], Weights::kept(0.5, 1.0));
        assert!(
            (x[239] - (0.5 * 0.5 + 0.75 * 0.5)).abs() < 1e-6 && (x[479] - 0.75).abs() < 1e-6,
            "{}",
            x[239]
        );
    }
}
