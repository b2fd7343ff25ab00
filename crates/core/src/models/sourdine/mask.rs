//! What is done to a spectrum: gains, a complex filter for the low bins and a pitch filter (steps 13 to 15 of
//! `models/FORMAT.md`).

use rustfft::num_complex::Complex32;

use super::features::PHASES;
use super::weights::{BANDS, COEFFICIENTS, FILTERED, FILTERED_GROUPS, GROUPS};

/// What the network and the post-filter make of a frame.
#[derive(Debug)]
pub(super) struct Mask<'a> {
    /// Gains of the bands, 0 to 1.
    pub(super) gains: &'a [f32; BANDS],
    /// Weight of the spectrum one pitch period earlier relative to the frame's own, for each group, 0 to 1.
    pub(super) pitch: &'a [f32; GROUPS],
    /// The complex filter of the lowest groups' bins, within ±1: tap after tap the real parts, then the imaginary parts.
    pub(super) filter: &'a [[f32; COEFFICIENTS]; FILTERED_GROUPS],
}

impl Mask<'_> {
    /// Applies pitch filter, complex filter and gains. `rotated` are the low bins of the frame before, rotated by one hop;
    /// `delayed` is the spectrum one pitch period earlier.
    #[inline(always)]
    pub(super) fn apply(
        &self,
        edges: &[usize],
        rotated: &[Complex32; PHASES],
        delayed: &[Complex32],
        spectrum: &mut [Complex32],
    ) {
        let groups = self.gains.as_chunks::<4>().0.iter().zip(self.pitch);
        let (low, delayed_low) = (spectrum[..FILTERED].as_chunks_mut::<4>().0, delayed.as_chunks::<4>().0);
        let low = low.iter_mut().zip(rotated.as_chunks::<4>().0).zip(delayed_low);
        for ((((bins, rotated), delayed), (gains, pitch)), filter) in low.zip(groups.clone()).zip(self.filter)
        {
            let share = 1.0 / (1.0 + pitch);
            let [now_re, now_im, before_re, before_im, delayed_re, delayed_im] =
                std::array::from_fn(|row| std::array::from_fn::<f32, 4, _>(|bin| filter[4 * row + bin]));
            for bin in 0..4 {
                let now = Complex32::new(share + now_re[bin], now_im[bin]);
                let before = Complex32::new(before_re[bin], before_im[bin]);
                let period = Complex32::new(pitch * share + delayed_re[bin], delayed_im[bin]);
                bins[bin] = (bins[bin] * now + rotated[bin] * before + delayed[bin] * period) * gains[bin];
            }
        }
        let groups = edges.windows(5).step_by(4).zip(groups).skip(FILTERED_GROUPS);
        for (edges, (gains, pitch)) in groups {
            let share = 1.0 / (1.0 + pitch);
            for (edges, gain) in edges.windows(2).zip(gains) {
                let (own, other) = (gain * share, gain * pitch * share);
                let band = edges[0]..edges[1];
                for (bin, delayed) in spectrum[band.clone()].iter_mut().zip(&delayed[band]) {
                    *bin = *bin * own + delayed * other;
                }
            }
        }
    }
}
