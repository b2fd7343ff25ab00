//! Finds an inaudible cut: the shift at which the sound is most similar to itself (W. Verhelst and
//! M. Roelands, "An overlap-add technique based on waveform similarity", ICASSP 1993).

/// Step between the samples that the first search compares.
const COARSE: usize = 4;

/// The lead in correlation that the farthest shift needs.
const DISTANCE: f32 = 0.2;

/// The shift near `by`, within a fade's length of it and within `allowed` (lowest and highest), at which `sound` from `at` on is most
/// like `sound` from `at` plus the shift on, over `fade` samples. 0 where none is allowed.
///
/// # Real time
/// `fade²/4` multiplications, about; no allocation.
pub(crate) fn best(sound: &[f32], at: usize, by: isize, fade: usize, allowed: (isize, isize)) -> isize {
    let (lowest, highest) = allowed;
    if lowest > highest || at + fade > sound.len() {
        return 0;
    }
    let by = by.clamp(lowest, highest);
    let reach = (fade / 2) as isize;
    let here = &sound[at..at + fade];
    // Normalised, minus a penalty for the distance, so that the nearest period of a tone wins.
    let correlation = |shift: isize, stride: usize| -> f32 {
        let from = at.saturating_add_signed(shift);
        let Some(there) = sound.get(from..from + fade) else { return f32::NEG_INFINITY };
        let (mut product, mut power, mut power_here) = (0.0, 1e-9, 1e-9);
        for (a, b) in here.iter().step_by(stride).zip(there.iter().step_by(stride)) {
            product += a * b;
            power += b * b;
            power_here += a * a;
        }
        product / (power * power_here).sqrt() - DISTANCE * (shift - by).abs() as f32 / reach as f32
    };
    let search = |middle: isize, reach: isize, step: usize, stride: usize| {
        let range = (middle - reach).max(lowest)..=(middle + reach).min(highest);
        range.step_by(step).fold((f32::NEG_INFINITY, middle), |found, shift| {
            let now = correlation(shift, stride);
            if now > found.0 { (now, shift) } else { found }
        })
    };
    let (_, coarse) = search(by, reach, COARSE, COARSE);
    search(coarse, COARSE as isize, 1, 1).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    #[test]
    fn a_tone_is_cut_by_whole_periods() {
        let tone = signals::tone(20_000, 48_000, 440.0, 0.5);
        let period = 48_000.0 / 440.0;
        for by in [-2400, -700, 300, 2400] {
            let shift = best(&tone, 8000, by, 480, (-7000, 7000));
            let periods = shift as f64 / period;
            assert!((shift - by).abs() <= 56, "{by} became {shift}");
            assert!((periods - periods.round()).abs() * period <= 0.51, "{by} became {shift}");
        }
    }

    #[test]
    fn silence_is_cut_by_what_was_asked_for_and_nothing_beyond_what_is_allowed() {
        let silence = [0.0; 10_000];
        assert_eq!(best(&silence, 4000, 1000, 480, (-4000, 5000)), 1000);
        assert_eq!(best(&silence, 4000, 9000, 480, (-4000, 5000)), 5000);
        assert_eq!(best(&silence, 4000, 1000, 480, (1, 0)), 0);
        assert_eq!(best(&silence, 9900, 10, 480, (-1, 100)), 0, "no room to compare");
    }
}
