//! The drift controller: turns the latency into a correction of the playback speed.
//!
//! Two sound devices have two clocks. The latency between them therefore changes by their difference, tens of ppm,
//! without end, and by whole blocks at a stall. [`Drift`] is a pure function of the latency error and of its own past:
//!
//! * a PI loop with a bandwidth of 0.02 Hz follows the clocks (F. Adriaensen, "Controlling adaptive resampling",
//!   Linux Audio Conference 2012, says why so slow: what is faster follows the callbacks' jitter audibly);
//! * beyond 1 ms a proportional part is added that is back within two seconds, at 0.5 % at most (9 cents);
//! * an error of more than 5 ms for 0.3 s is a stall's, and is cut out (or repeated) at once.
//!
//! Within ±0.5 ms nothing is done at all: on equal clocks the sound then passes bit for bit.

/// Natural frequency of the loop in rad/s, critically damped: with latency error e and correction c (both in
/// seconds and 1), e′ = drift − c and c = 2ω·e + ω²·∫e.
const OMEGA: f64 = std::f64::consts::TAU * 0.02;

/// Time constant of the smoothing of the measured error in seconds.
const SMOOTHING: f64 = 0.25;

/// Errors in seconds: ignored below, hastened above, and cut above.
const IGNORED: f64 = 0.5e-3;
const HASTENED: f64 = 1.0e-3;
const CUT: f64 = 5.0e-3;

/// However coarse the measurement, an error of this many times as much is cut.
const COARSEST_CUT: f64 = 4.0;

/// Duration after which an error is cut, in seconds.
const CUT_AFTER: f64 = 0.3;

/// Gain of the hastened part in 1/s.
const HASTE: f64 = 2.0;

/// The most that the playing speed is changed by.
const LIMIT: f64 = 5.0e-3;

/// The most that two clocks differ by; what is above it is no drift.
const DRIFT_LIMIT: f64 = 1.0e-3;

/// Initial time that does not train the clock estimate, in seconds: devices begin with blocks and stalls of their own.
const SETTLING: f64 = 5.0;

/// The correction until the next measurement.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Correction {
    /// Play by this much faster: 1e-6 is one ppm.
    pub speed: f64,
    /// Leave out this many seconds of sound (negative: repeat them).
    pub cut: f64,
}

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Drift {
    smooth: f64,
    integral: f64,
    /// The error of the present stretch of one sign that was nearest to zero, and how long it lasts.
    least: f64,
    lasts: f64,
    /// Seconds since the latency was set.
    running: f64,
}

impl Drift {
    /// A controller that takes the clocks to be equal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The difference of the clocks as found so far: positive where the input's is the faster one.
    #[must_use]
    pub fn clocks(&self) -> f64 {
        self.integral
    }

    /// Forgets the latency, which has just been set anew, but not the clocks.
    pub fn restart(&mut self) {
        *self = Self { integral: self.integral, ..Self::default() };
    }

    /// Takes the latency error in seconds (positive: too late) and the seconds since the last measurement. The
    /// limits within which nothing, little or much is done are multiplied by `coarse`, 1 or more.
    pub fn run(&mut self, error: f64, dt: f64, coarse: f64) -> Correction {
        if error * self.least > 0.0 {
            self.lasts += dt;
            self.least = if error.abs() < self.least.abs() { error } else { self.least };
        } else {
            (self.least, self.lasts) = (error, 0.0);
        }
        self.smooth += (error - self.smooth) * (dt / (dt + SMOOTHING));
        self.running += dt;
        let mut cut = 0.0;
        let cut_from = CUT * coarse.min(COARSEST_CUT);
        if self.lasts >= CUT_AFTER {
            if self.least.abs() > cut_from {
                cut = self.least;
                self.smooth = error - cut;
            }
            (self.least, self.lasts) = (error - cut, 0.0);
        }
        let beyond = |limit: f64| self.smooth - self.smooth.clamp(-limit, limit);
        // A stall's error is no drift: the loop sees its first millisecond, and learns nothing from what will be cut.
        let slow = beyond(IGNORED * coarse).clamp(-HASTENED, HASTENED);
        if self.running > SETTLING && self.smooth.abs() <= cut_from && error.abs() <= cut_from {
            self.integral = (self.integral + OMEGA * OMEGA * slow * dt).clamp(-DRIFT_LIMIT, DRIFT_LIMIT);
        }
        let speed = 2.0 * OMEGA * slow + self.integral + HASTE * beyond(HASTENED * coarse);
        Correction { speed: speed.clamp(-LIMIT, LIMIT), cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::signals::Random;

    /// Two clocks that differ by `drift`, measured every 10 ms with `jitter`; calls `each` with the time and the
    /// true error.
    fn simulate(
        drift: f64,
        jitter: f64,
        seconds: f64,
        kicks: &[(f64, f64)],
        mut each: impl FnMut(f64, f64, Correction),
    ) {
        let (mut controller, mut random, mut error, dt) = (Drift::new(), Random::new(1), 0.0, 0.01);
        for k in 0..(seconds / dt) as usize {
            let t = k as f64 * dt;
            for (at, by) in kicks {
                error += if (t - at).abs() < dt / 2.0 { *by } else { 0.0 };
            }
            let c = controller.run(error + jitter * f64::from(random.unit()), dt, 1.0);
            error += (drift - c.speed) * dt - c.cut;
            each(t, error, c);
        }
    }

    #[test]
    fn equal_clocks_are_left_alone() {
        simulate(0.0, 0.4e-3, 600.0, &[], |t, _, c| assert_eq!(c, Correction::default(), "at {t} s"));
    }

    #[test]
    fn drift_is_followed_for_hours_within_2_ms() {
        for ppm in [-300.0, -100.0, -10.0, 0.0, 1.0, 100.0, 300.0] {
            let mut last = 0.0;
            simulate(ppm * 1e-6, 2e-3, 4.0 * 3600.0, &[], |t, error, c| {
                assert!(error.abs() < 2e-3, "{ppm} ppm: {:.2} ms at {t:.1} s", 1e3 * error);
                assert_eq!(c.cut, 0.0);
                last = c.speed;
            });
            assert!((last * 1e6 - ppm).abs() < 60.0, "{ppm} ppm followed by {:.0}", last * 1e6);
        }
    }

    #[test]
    fn any_stall_is_made_up_for_within_2_s() {
        for kick in [-0.2, -0.05, -0.006, -0.004, -0.0025, 0.0025, 0.004, 0.006, 0.05, 0.2, 1.0] {
            simulate(100e-6, 1e-3, 120.0, &[(60.0, kick)], |t, error, c| {
                if !(60.0..62.0).contains(&t) {
                    assert!(error.abs() < 2e-3, "kick of {kick} s: {:.2} ms at {t:.2} s", 1e3 * error);
                }
                assert!(c.speed.abs() <= LIMIT);
            });
        }
    }
}
