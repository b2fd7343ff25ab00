//! The post-filter: from the network's gains to those of the mask (steps 9 to 13 of `models/FORMAT.md`).
//!
//! Gains decay no faster than their band's limit; those between 0 and 1 are sharpened; the magnitudes of the lowest bins are
//! smoothed over time; and a pitch filter strengthens voice against noise between its harmonics with the spectrum one pitch
//! period earlier. The last three grow with the noise: near-clean speech is left alone.

use super::features::Features;
use super::weights::{BANDS, FILTERED, GROUPS, Weights};

/// Gains below this are 0, so that neither the decay limit nor a gain's square becomes subnormal.
const MIN_GAIN: f32 = 1e-8;

/// Share of the newest frame in the mean energies, which span a second.
const NEWEST: f32 = 0.01;

/// From the share of the energy that the gains remove to the strength of the post-filter: 0 up to 1.7 %, 1 from 10 %.
const SLOPE: f32 = 12.0;
const THRESHOLD: f32 = 0.2;

/// A stream's post-filter: its result, and its state.
#[derive(Debug)]
pub(crate) struct PostFilter {
    /// Gains after the decay limit.
    decayed: [f32; BANDS],
    /// Mean energies after and before the gains.
    kept: f32,
    all: f32,
    /// Magnitudes of the lowest bins after the gains, averaged over time.
    averages: [f32; FILTERED],
    pub(super) gains: [f32; BANDS],
    pub(super) pitch: [f32; GROUPS],
}

impl PostFilter {
    pub(super) fn new() -> Self {
        Self {
            decayed: [0.0; BANDS],
            kept: 0.0,
            all: 0.0,
            averages: [0.0; FILTERED],
            gains: [0.0; BANDS],
            pitch: [0.0; GROUPS],
        }
    }

    /// Runs one frame from the network's gains.
    #[inline(always)]
    pub(super) fn run(&mut self, weights: &Weights, raw: &[f32; BANDS], features: &Features) {
        for ((gain, raw), limit) in self.decayed.iter_mut().zip(raw).zip(&weights.decay_limits) {
            let floor = *gain * limit;
            *gain = if *raw < floor { floor } else { *raw };
            *gain = if *gain < MIN_GAIN { 0.0 } else { *gain };
        }
        let (strength, kept) = self.strength(&features.powers);
        self.sharpen(&features.powers, strength * weights.sharpness, kept);
        self.smooth(&features.powers, strength * weights.smoothing);
        for (pitch, correlation) in self.pitch.iter_mut().zip(features.correlations()) {
            let positive = if *correlation < 0.0 { 0.0 } else { *correlation };
            *pitch = strength * weights.pitch_filter * positive * positive;
        }
    }

    /// Returns how strong the post-filter is, 0 to 1, by the noise there is, and the energy that the gains keep.
    #[inline(always)]
    fn strength(&mut self, powers: &[f32]) -> (f32, f32) {
        let kept = energy(&self.decayed, powers);
        let all = energy(&[1.0; BANDS], powers);
        self.kept += NEWEST * (kept - self.kept);
        self.all += NEWEST * (all - self.all);
        let removed = if self.all == 0.0 { 0.0 } else { 1.0 - self.kept / self.all };
        // Unlike `f32::max` and `f32::min`, this keeps a NaN.
        ((SLOPE * removed - THRESHOLD).clamp(0.0, 1.0), kept)
    }

    /// Lowers gains between 0 and 1, then scales all of them so that the frame keeps its energy. After the envelope post-filter of Valin et al., "A perceptually-motivated approach for
    /// low-complexity, real-time enhancement of fullband speech" (2020): in place of their sine, `g (3 g - g^3) / 2` in the
    /// given share; `kept` is the energy before. No gain exceeds 1.
    #[inline(always)]
    fn sharpen(&mut self, powers: &[f32], share: f32, kept: f32) {
        for (sharp, gain) in self.gains.iter_mut().zip(&self.decayed) {
            *sharp = gain * (1.0 - share + share * 0.5 * gain * (3.0 - gain * gain));
            *sharp = if *sharp < MIN_GAIN { 0.0 } else { *sharp };
        }
        let after = energy(&self.gains, powers);
        let make_up = if after == 0.0 { 1.0 } else { (kept / after).sqrt() };
        for sharp in &mut self.gains {
            *sharp *= make_up;
            // Not `f32::min`: it would hide a NaN.
            *sharp = if *sharp > 1.0 { 1.0 } else { *sharp };
        }
    }

    /// Replaces the lowest gains by those that smooth the bins' magnitudes over time, by at most `share` a frame. Noise makes
    /// a bin's magnitude flicker even where its mean is right, which is heard as roughness. The average is slower where
    /// the gain is low, since most of that magnitude is noise, and hardly there where the magnitude moves far at once, at an
    /// onset.
    #[inline(always)]
    fn smooth(&mut self, powers: &[f32], share: f32) {
        for ((gain, average), power) in self.gains.iter_mut().zip(&mut self.averages).zip(powers) {
            let magnitude = power.sqrt();
            let newest = *gain * magnitude;
            let (least, most) = if newest < *average { (newest, *average) } else { (*average, newest) };
            let near = if most == 0.0 { 0.0 } else { least / most };
            *average = newest + share * ((1.0 - *gain) * near).sqrt() * (*average - newest);
            let smooth = if magnitude == 0.0 { *gain } else { *average / magnitude };
            // Not `f32::min`: it would hide a NaN.
            *gain = if smooth > 1.0 { 1.0 } else { smooth };
        }
    }
}

/// The energy that the gains leave of the bands' powers, summed in eight lanes.
#[inline(always)]
fn energy(gains: &[f32; BANDS], powers: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    for (gains, powers) in gains.as_chunks::<8>().0.iter().zip(powers.as_chunks::<8>().0) {
        for ((sum, gain), power) in sums.iter_mut().zip(gains).zip(powers) {
            *sum += gain * gain * power;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(gain: f32) -> (PostFilter, f32) {
        let mut filter = PostFilter::new();
        filter.decayed.fill(1.0);
        filter.decayed[..BANDS / 2].fill(gain);
        let settled = (0..300).map(|_| filter.strength(&[1.0; BANDS])).last();
        let (share, kept) = settled.unwrap_or((f32::NAN, f32::NAN));
        filter.sharpen(&[1.0; BANDS], share, kept);
        (filter, share)
    }

    #[test]
    fn near_clean_speech_is_left_alone_and_noise_is_not() {
        let (filter, share) = settled(0.99);
        assert!(share == 0.0 && filter.gains == filter.decayed);
        let (filter, share) = settled(0.5);
        assert!(share == 1.0 && filter.gains[0] < 0.45 && filter.gains[BANDS - 1] == 1.0);
    }

    #[test]
    fn sharp_gains_are_as_loud_and_none_is_above_one() {
        let mut filter = PostFilter::new();
        filter.decayed = std::array::from_fn(|band| band as f32 / (BANDS - 1) as f32);
        let energy = |gains: &[f32]| gains.iter().map(|g| g * g).sum::<f32>();
        filter.sharpen(&[1.0; BANDS], 1.0, energy(&filter.decayed));
        assert!((energy(&filter.gains) / energy(&filter.decayed) - 1.0).abs() < 0.05);
        assert!(filter.gains.iter().all(|g| (0.0..=1.0).contains(g)) && filter.gains.is_sorted());
        filter.sharpen(&[0.0; BANDS], 1.0, 0.0);
        assert!(
            filter.gains[0] == 0.0 && filter.gains[BANDS - 1] == 1.0,
            "silence has no energy to give back"
        );
    }

    /// Mean change from frame to frame of a low bin's magnitude after its gain of 0.4, in dB.
    fn flicker(share: f32) -> f32 {
        let mut filter = PostFilter::new();
        let mut last = 0.0;
        let mut total = 0.0;
        for frame in 0..200 {
            filter.gains.fill(0.4);
            let power = if frame % 2 == 0 { 1.0 } else { 4.0 };
            filter.smooth(&[power; BANDS], share);
            assert!(filter.gains[FILTERED] == 0.4, "higher bands are left alone");
            let level = 20.0 * (filter.gains[0] * power.sqrt()).log10();
            total += if frame < 100 { 0.0 } else { (level - last).abs() };
            last = level;
        }
        total / 100.0
    }

    #[test]
    fn low_magnitudes_are_smoothed() {
        assert!((flicker(0.0) - 6.02).abs() < 0.01);
        assert!(flicker(0.9) < 3.5, "{}", flicker(0.9));
    }

    #[test]
    fn onsets_and_gains_of_one_are_not_smoothed() {
        let mut filter = PostFilter::new();
        let mut run = |gain: f32, power: f32| {
            filter.gains.fill(gain);
            filter.smooth(&[power; BANDS], 0.9);
            filter.gains[0]
        };
        assert_eq!(run(0.5, 0.0), 0.5, "silence");
        assert_eq!(run(0.5, 1.0), 0.5, "from silence");
        assert!(run(0.5, 1e4) > 0.46, "40 dB at once");
        assert!(run(1.0, 2.0) == 1.0 && run(1.0, 1.0) == 1.0);
        assert!(run(0.9, 0.01) <= 1.0, "what is left of louder frames is no reason to amplify");
    }

    #[test]
    fn nan_stays_nan() {
        let mut filter = PostFilter::new();
        filter.decayed.fill(f32::NAN);
        let (share, kept) = filter.strength(&[1.0; BANDS]);
        filter.sharpen(&[1.0; BANDS], share, kept);
        filter.smooth(&[1.0; BANDS], share);
        assert!(share.is_nan() && filter.gains.iter().all(|g| g.is_nan()));
    }
}
