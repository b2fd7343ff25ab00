//! The micro-resampler: reads a buffer at a position between samples and at any speed.
//!
//! A windowed sinc (Kaiser) in 256 phases, linearly interpolated between them (J. O. Smith, "Digital Audio
//! Resampling", section on band-limited interpolation). Where the rates are equal the sinc is that of the full
//! band, so that whole positions give the very samples of the buffer.

/// Zero crossings on either side.
const HALF_TAPS: usize = 16;

const PHASES: usize = 256;

/// Kaiser's β for about 80 dB of stopband.
const BETA: f64 = 8.0;

/// The kernel for one ratio of rates.
#[derive(Debug)]
pub(crate) struct Kernel {
    half: usize,
    full_band: bool,
    /// `PHASES + 1` rows of `2·half` taps.
    rows: Vec<f32>,
}

impl Kernel {
    /// A kernel that reads a buffer at `from` Hz for a device at `to` Hz.
    ///
    /// # Real time
    /// Allocates.
    #[must_use]
    pub(crate) fn new(from: u32, to: u32) -> Self {
        // Below the lower Nyquist frequency by the kernel's own transition, where there is something to cut off.
        let cutoff = if to < from { 0.92 * f64::from(to) / f64::from(from) } else { 1.0 };
        let half = (HALF_TAPS as f64 / cutoff).ceil() as usize;
        let mut rows = Vec::with_capacity((PHASES + 1) * 2 * half);
        for phase in 0..=PHASES {
            let at = phase as f64 / PHASES as f64;
            let taps = (0..2 * half).map(|i| tap(i as f64 - (half - 1) as f64 - at, half as f64, cutoff));
            let taps: Vec<f64> = taps.collect();
            // Each phase passes a constant as it is: no tone at the phases' rate.
            let sum: f64 = taps.iter().sum();
            rows.extend(taps.iter().map(|t| (t / sum) as f32));
        }
        Self { half, full_band: cutoff == 1.0, rows }
    }

    /// Samples that are read before (exclusive of the position's own) and after a position.
    #[must_use]
    pub(crate) fn reach(&self) -> (usize, usize) {
        (self.half - 1, self.half)
    }

    /// The value of `buffer` at `index + between`, with `between` in 0..1. The reach around `index` must be there.
    #[must_use]
    pub(crate) fn read(&self, buffer: &[f32], index: usize, between: f64) -> f32 {
        if between == 0.0 && self.full_band {
            return buffer[index];
        }
        let at = between * PHASES as f64;
        let phase = at as usize;
        let t = (at - phase as f64) as f32;
        let width = 2 * self.half;
        let (a, b) = self.rows[phase * width..(phase + 2) * width].split_at(width);
        let window = &buffer[index + 1 - self.half..][..width];
        let (mut x, mut y) = ([0.0_f32; 8], [0.0_f32; 8]);
        for ((w, a), b) in window.chunks(8).zip(a.chunks(8)).zip(b.chunks(8)) {
            for (i, ((w, a), b)) in w.iter().zip(a).zip(b).enumerate() {
                x[i] += w * a;
                y[i] += w * b;
            }
        }
        let (x, y) = (x.iter().sum::<f32>(), y.iter().sum::<f32>());
        x + (y - x) * t
    }
}

/// The windowed sinc at `x` samples from its middle.
fn tap(x: f64, half: f64, cutoff: f64) -> f64 {
    let r = x / half;
    if r.abs() >= 1.0 {
        return 0.0;
    }
    let sinc = if x == 0.0 {
        1.0
    } else if cutoff == 1.0 && x.fract() == 0.0 {
        0.0 // Exactly.
    } else {
        let p = std::f64::consts::PI * x * cutoff;
        p.sin() / p
    };
    sinc * bessel_i0(BETA * (1.0 - r * r).sqrt()) / bessel_i0(BETA)
}

/// The modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-12 * sum {
        term *= (x / (2.0 * k)).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    /// The error against the same tone computed at the new positions, in dB relative to the tone.
    fn error_db(from: u32, to: u32, hz: f64, speed: f64) -> f64 {
        let kernel = Kernel::new(from, to);
        let tone = signals::tone(8000, from, hz, 0.5);
        let step = f64::from(from) / f64::from(to) * speed;
        let (mut position, mut wrong, mut right) = (100.0_f64, 0.0, 0.0);
        while position < 7900.0 {
            let got = f64::from(kernel.read(&tone, position as usize, position.fract()));
            let want = 0.5 * (std::f64::consts::TAU * hz / f64::from(from) * position).sin();
            wrong += (got - want).powi(2);
            right += want.powi(2);
            position += step;
        }
        10.0 * (wrong / right).log10()
    }

    #[test]
    fn tones_come_out_as_they_were() {
        for (from, to, speed) in [
            (48_000, 48_000, 1.0003),
            (48_000, 48_000, 0.9999),
            (44_100, 48_000, 1.0),
            (48_000, 44_100, 1.0001),
            (16_000, 48_000, 1.0),
            (48_000, 16_000, 1.0),
        ] {
            for share in [0.01, 0.1, 0.3] {
                let error = error_db(from, to, share * f64::from(from.min(to)), speed);
                assert!(error < -75.0, "{from} to {to} Hz at {share}: {error:.1} dB");
            }
        }
    }

    #[test]
    fn what_the_slower_rate_cannot_hold_is_removed() {
        let kernel = Kernel::new(48_000, 16_000);
        let tone = signals::tone(4000, 48_000, 11_000.0, 0.5);
        let worst = (100..3800).step_by(3).map(|i| kernel.read(&tone, i, 0.0).abs()).fold(0.0, f32::max);
        assert!(worst < 0.5e-3, "{worst}");
    }

    #[test]
    fn whole_positions_at_equal_rates_are_bit_exact() {
        let kernel = Kernel::new(44_100, 44_100);
        let noise = signals::noise(200, 1.0, 2);
        for i in 20..180 {
            assert_eq!(kernel.read(&noise, i, 0.0).to_bits(), noise[i].to_bits());
        }
    }
}
