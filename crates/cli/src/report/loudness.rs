//! Loudness and peaks of one side, by the crate `ebur128`.
//!
//! * Integrated loudness: ITU-R BS.1770-4 with the gates of EBU R 128, in LUFS.
//! * True peak: the largest magnitude between the samples too, after interpolation (BS.1770-4, annex 2), in dBTP.
//!
//! Interpolation is what costs. The interpolator has 12 taps a phase whose magnitudes add up to less than
//! [`MOST_GAIN`], so a block cannot raise the peak unless a sample in it comes within that factor of it; only such
//! blocks are interpolated, with the samples before them for the taps. The result is the same.

use ebur128::{EbuR128, Mode};

/// Above the largest sum of magnitudes of the interpolator's taps (asserted below).
const MOST_GAIN: f32 = 2.0;

/// Frames that the interpolator looks back, and some.
const LOOK_BACK: usize = 32;

#[derive(Debug)]
pub(super) struct Loudness {
    channels: usize,
    /// None where the library has no meter for the format.
    integrated: Option<EbuR128>,
    peak: Option<EbuR128>,
    sample_peak: f32,
    /// The largest true peak so far.
    true_peak: f32,
    /// The last frames of the block before.
    before: Vec<f32>,
}

/// The levels measured; none where they cannot be measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub(crate) struct Levels {
    /// Integrated loudness in LUFS; none below the absolute gate of −70 LUFS.
    pub(crate) loudness_lufs: Option<f64>,
    /// True peak in dBTP, none for silence.
    pub(crate) true_peak_dbtp: Option<f64>,
    /// Sample peak in dBFS, none for silence.
    pub(crate) sample_peak_dbfs: Option<f64>,
}

impl Loudness {
    pub(super) fn new(rate: u32, channels: usize) -> Self {
        let meter = |mode| EbuR128::new(channels as u32, rate, mode).ok();
        Self {
            channels,
            integrated: meter(Mode::I | Mode::HISTOGRAM),
            peak: meter(Mode::TRUE_PEAK),
            sample_peak: 0.0,
            true_peak: 0.0,
            before: vec![0.0; LOOK_BACK * channels],
        }
    }

    /// Takes an interleaved block of finite samples, at least 32 frames long or the last one.
    pub(super) fn push(&mut self, block: &[f32]) {
        if let Some(meter) = &mut self.integrated {
            let _ = meter.add_frames_f32(block);
        }
        let largest = |x: &[f32]| x.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        let peak = largest(block);
        self.sample_peak = self.sample_peak.max(peak);
        if let Some(meter) = &mut self.peak
            && peak.max(largest(&self.before)) * MOST_GAIN > self.true_peak
        {
            let _ = meter.seed_frames_f32(&self.before);
            let _ = meter.add_frames_f32(block);
            let peaks = (0..self.channels as u32).filter_map(|c| meter.true_peak(c).ok());
            self.true_peak = peaks.fold(self.true_peak, |m, p| m.max(p as f32));
        }
        let kept = block.len().min(self.before.len());
        self.before.rotate_left(kept);
        let at = self.before.len() - kept;
        self.before[at..].copy_from_slice(&block[block.len() - kept..]);
    }

    pub(super) fn finish(&self) -> Levels {
        let db = |peak: f32| (peak > 0.0).then(|| 20.0 * f64::from(peak).log10());
        Levels {
            loudness_lufs: self
                .integrated
                .as_ref()
                .and_then(|meter| meter.loudness_global().ok())
                .filter(|lufs| lufs.is_finite()),
            true_peak_dbtp: db(self.true_peak.max(self.sample_peak)),
            sample_peak_dbfs: db(self.sample_peak),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    #[test]
    fn a_tone_of_the_standard_reads_its_loudness() {
        // EBU Tech 3341, case 1: 1 kHz, stereo, −23 dBFS peak, 20 s: −23.0 ± 0.1 LUFS.
        let tone = signals::tone(20 * 48_000, 48_000, 1000.0, 10.0_f32.powf(-23.0 / 20.0));
        let mut meter = Loudness::new(48_000, 2);
        for block in tone.chunks(480) {
            meter.push(&block.iter().flat_map(|x| [*x, *x]).collect::<Vec<_>>());
        }
        let levels = meter.finish();
        assert!((levels.loudness_lufs.unwrap() + 23.0).abs() < 0.1, "{levels:?}");
        assert!((levels.true_peak_dbtp.unwrap() + 23.0).abs() < 0.1, "{levels:?}");
    }

    #[test]
    fn leaving_blocks_out_does_not_change_the_true_peak() {
        for seed in 1..20 {
            let mut sound = signals::speechlike(24_000, 48_000, seed);
            for (x, n) in sound.iter_mut().zip(signals::noise(24_000, 0.3, seed + 100)) {
                *x += n;
            }
            let mut meter = Loudness::new(48_000, 1);
            let mut whole = EbuR128::new(1, 48_000, Mode::TRUE_PEAK).unwrap();
            for block in sound.chunks(480) {
                meter.push(block);
                whole.add_frames_f32(block).unwrap();
            }
            let expected = 20.0 * whole.true_peak(0).unwrap().log10();
            assert!((meter.finish().true_peak_dbtp.unwrap() - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn the_interpolator_gains_less_than_is_assumed() {
        // Full-scale noise of signs comes close to the sum of the taps' magnitudes.
        let mut meter = EbuR128::new(1, 48_000, Mode::TRUE_PEAK).unwrap();
        let signs: Vec<f32> = signals::noise(2_000_000, 1.0, 3).iter().map(|x| x.signum()).collect();
        meter.add_frames_f32(&signs).unwrap();
        let gain = meter.true_peak(0).unwrap();
        assert!((1.5..f64::from(MOST_GAIN)).contains(&gain), "{gain}");
    }

    #[test]
    fn silence_has_no_level() {
        let mut meter = Loudness::new(48_000, 1);
        meter.push(&[0.0; 480]);
        assert_eq!(meter.finish(), Levels::default());
        meter.push(&[]);
        assert_eq!(meter.finish(), Levels::default());
    }
}
