//! Short-time spectra on a mel scale.

use sourdine_measures::PowerSpectrum;

use super::pooled::Pool;

/// Rows of a spectrum, low to high.
pub(super) const ROWS: usize = 200;

/// Ticks of 10 ms that a window covers.
pub(super) const WINDOW_TICKS: usize = 4;

/// Hz to mel (O'Shaughnessy, "Speech Communication", 1987).
pub(super) fn mel(hz: f64) -> f64 {
    2595.0 * (1.0 + hz / 700.0).log10()
}

fn hz(mel: f64) -> f64 {
    700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0)
}

/// Sum of power spectra, and how many there are in it.
#[derive(Debug, Default)]
pub(super) struct Spectrum {
    sum: Vec<f32>,
    count: u32,
}

impl Spectrum {
    /// Mean power per row in dBFS: a full-scale sine is at −3.
    pub(super) fn dbfs(&self, row: usize) -> f32 {
        let power = self.sum.get(row).map_or(0.0, |sum| sum / self.count.max(1) as f32);
        10.0 * power.max(1e-15).log10()
    }
}

impl Pool for Spectrum {
    fn join(&mut self, next: &Self) {
        if self.sum.is_empty() {
            self.sum.clone_from(&next.sum);
        } else {
            self.sum.iter_mut().zip(&next.sum).for_each(|(a, b)| *a += b);
        }
        self.count += next.count;
    }
}

/// Makes spectra of windows.
#[derive(Debug)]
pub(super) struct Analyzer {
    spectrum: PowerSpectrum,
    power: Vec<f32>,
    /// The range of bins of each row, in fractions of a bin.
    rows: Vec<(f32, f32)>,
}

impl Analyzer {
    pub(super) fn new(rate: u32, tick: usize) -> Self {
        let len = WINDOW_TICKS * tick;
        let step = std::f64::consts::TAU / len as f64;
        let hann: Vec<f64> = (0..len).map(|n| 0.5 - 0.5 * (step * (n as f64 + 0.5)).cos()).collect();
        // A sine of amplitude a reaches a·Σw/2 in its bin and has the mean square a²/2.
        let norm = 2.0_f64.sqrt() / hann.iter().sum::<f64>();
        let nyquist = f64::from(rate) / 2.0;
        let bin = |k: usize| hz(mel(nyquist) * k as f64 / ROWS as f64) * len as f64 / f64::from(rate);
        Self {
            spectrum: PowerSpectrum::new(hann.iter().map(|w| w * norm).collect(), len),
            power: Vec::with_capacity(len / 2 + 1),
            rows: (0..ROWS).map(|row| (bin(row) as f32, bin(row + 1) as f32)).collect(),
        }
    }

    /// The spectrum of one window of `WINDOW_TICKS` ticks.
    pub(super) fn spectrum(&mut self, samples: &[f32]) -> Spectrum {
        self.power.clear();
        self.power.extend(self.spectrum.of(samples.iter().map(|x| f64::from(*x))).map(|power| power as f32));
        let last = self.power.len() - 1;
        let sum = self
            .rows
            .iter()
            .map(|(from, to)| {
                if to - from < 2.0 {
                    // Narrower than the bins' own width: between the two nearest.
                    let middle = ((from + to) / 2.0).min(last as f32);
                    let (low, part) = (middle as usize, middle.fract());
                    let high = (low + 1).min(last);
                    self.power[low] * (1.0 - part) + self.power[high] * part
                } else {
                    let bins = &self.power[*from as usize..=(*to as usize).min(last)];
                    bins.iter().sum::<f32>() / bins.len() as f32
                }
            })
            .collect();
        Spectrum { sum, count: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    #[test]
    fn a_tone_stands_in_its_row_at_its_level() {
        for rate in [8_000, 44_100, 48_000, 192_000] {
            let tick = rate as usize / 100;
            let mut analyzer = Analyzer::new(rate, tick);
            let tone = signals::tone(WINDOW_TICKS * tick, rate, 1000.0, 1.0);
            let spectrum = analyzer.spectrum(&tone);
            let loudest = (0..ROWS).max_by(|a, b| spectrum.dbfs(*a).total_cmp(&spectrum.dbfs(*b))).unwrap();
            let expected = mel(1000.0) / mel(f64::from(rate) / 2.0) * ROWS as f64;
            assert!((loudest as f64 + 0.5 - expected).abs() < 2.5, "{rate} Hz: row {loudest}, {expected}");
            // A row between two bins, or of several, has less than the bin itself, which has −3.
            assert!((-8.0..-2.9).contains(&spectrum.dbfs(loudest)), "{rate} Hz: {}", spectrum.dbfs(loudest));
        }
    }
}
