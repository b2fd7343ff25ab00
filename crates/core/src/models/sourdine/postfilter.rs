//! From the network's gains to what is done with the spectrum.
//!
//! Gains fall no faster than their band's limit; those in between are sharpened; and voice is strengthened against noise
//! between its harmonics by the sound one period earlier. The last two only as far as there is noise: near-clean speech is
//! left alone.

use super::network::{LEAST_GAIN, State};
use super::weights::{BANDS, FEATURES, GROUPS, Weights};

/// The share of the newest frame in the mean energies: they span a second.
const NEWEST: f32 = 0.01;

/// From the share of the energy that is removed to how far there is noise: nothing up to 1.7 %, all from 10 %.
const SLOPE: f32 = 12.0;
const THRESHOLD: f32 = 0.2;

/// The result, and what a stream remembers for it.
#[derive(Debug)]
pub(crate) struct Refined {
    /// Gains after the decay limit.
    decayed: [f32; BANDS],
    /// Mean energies that were kept, and that there were.
    kept: f32,
    all: f32,
    pub(super) gains: [f32; BANDS],
    pub(super) pitch: [f32; GROUPS],
}

impl Refined {
    pub(super) fn new() -> Self {
        Self { decayed: [0.0; BANDS], kept: 0.0, all: 0.0, gains: [0.0; BANDS], pitch: [0.0; GROUPS] }
    }

    /// How far there is noise, 0 to 1, and the frame's energy that is kept.
    #[inline(always)]
    fn noise(&mut self, powers: &[f32]) -> (f32, f32) {
        let kept = energy(&self.decayed, powers);
        let all = energy(&[1.0; BANDS], powers);
        self.kept += NEWEST * (kept - self.kept);
        self.all += NEWEST * (all - self.all);
        let removed = if self.all == 0.0 { 0.0 } else { 1.0 - self.kept / self.all };
        // Unlike `f32::max` and `f32::min`, this keeps a NaN.
        ((SLOPE * removed - THRESHOLD).clamp(0.0, 1.0), kept)
    }

    /// Gains that are certain stay, those in between become less, and what that takes of the frame's energy is given back
    /// to all of it. After the envelope post-filter of Valin et al., "A perceptually-motivated approach for
    /// low-complexity, real-time enhancement of fullband speech" (2020): in place of their sine, `g (3 g - g^3) / 2` in the
    /// given share, and all of the energy, which is `kept` before. No gain leaves 1.
    #[inline(always)]
    fn sharpen(&mut self, powers: &[f32], share: f32, kept: f32) {
        for (sharp, gain) in self.gains.iter_mut().zip(&self.decayed) {
            *sharp = gain * (1.0 - share + share * 0.5 * gain * (3.0 - gain * gain));
            *sharp = if *sharp < LEAST_GAIN { 0.0 } else { *sharp };
        }
        let after = energy(&self.gains, powers);
        let make_up = if after == 0.0 { 1.0 } else { (kept / after).sqrt() };
        for sharp in &mut self.gains {
            *sharp *= make_up;
            // Not `f32::min`: it would hide a NaN.
            *sharp = if *sharp > 1.0 { 1.0 } else { *sharp };
        }
    }
}

/// What the gains leave of the bands' powers, summed in eight lanes.
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

impl Weights {
    /// From `state.raw` to `state.refined`.
    #[inline(always)]
    pub(super) fn refine(&self, state: &mut State) {
        let State { refined, powers, features, .. } = state;
        let likenesses = &features[FEATURES - 2 - GROUPS..];
        for ((gain, raw), limit) in refined.decayed.iter_mut().zip(&state.raw).zip(&self.decay_limits) {
            let floor = *gain * limit;
            *gain = if *raw < floor { floor } else { *raw };
            *gain = if *gain < LEAST_GAIN { 0.0 } else { *gain };
        }
        let (share, kept) = refined.noise(powers);
        refined.sharpen(powers, share * self.sharpness, kept);
        for (pitch, likeness) in refined.pitch.iter_mut().zip(likenesses) {
            let alike = if *likeness < 0.0 { 0.0 } else { *likeness };
            *pitch = share * self.pitch_filter * alike * alike;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(gain: f32) -> (Refined, f32) {
        let mut refined = Refined::new();
        refined.decayed.fill(1.0);
        refined.decayed[..BANDS / 2].fill(gain);
        let settled = (0..300).map(|_| refined.noise(&[1.0; BANDS])).last();
        let (share, kept) = settled.unwrap_or((f32::NAN, f32::NAN));
        refined.sharpen(&[1.0; BANDS], share, kept);
        (refined, share)
    }

    #[test]
    fn near_clean_speech_is_left_alone_and_noise_is_not() {
        let (refined, share) = settled(0.99);
        assert!(share == 0.0 && refined.gains == refined.decayed);
        let (refined, share) = settled(0.5);
        assert!(share == 1.0 && refined.gains[0] < 0.45 && refined.gains[BANDS - 1] == 1.0);
    }

    #[test]
    fn sharp_gains_are_as_loud_and_none_is_above_one() {
        let mut refined = Refined::new();
        refined.decayed = std::array::from_fn(|band| band as f32 / (BANDS - 1) as f32);
        let energy = |gains: &[f32]| gains.iter().map(|g| g * g).sum::<f32>();
        refined.sharpen(&[1.0; BANDS], 1.0, energy(&refined.decayed));
        assert!((energy(&refined.gains) / energy(&refined.decayed) - 1.0).abs() < 0.05);
        assert!(refined.gains.iter().all(|g| (0.0..=1.0).contains(g)) && refined.gains.is_sorted());
        refined.sharpen(&[0.0; BANDS], 1.0, 0.0);
        assert!(
            refined.gains[0] == 0.0 && refined.gains[BANDS - 1] == 1.0,
            "silence has no energy to give back"
        );
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let mut refined = Refined::new();
        refined.decayed.fill(f32::NAN);
        let (share, kept) = refined.noise(&[1.0; BANDS]);
        refined.sharpen(&[1.0; BANDS], share, kept);
        assert!(share.is_nan() && refined.gains.iter().all(|g| g.is_nan()));
    }
}
