//! Plays clicks and finds them in the recorded sound.
//!
//! Each click is a short burst of noise, the same every time, so that its correlation with the recorded sound has
//! one peak, whatever the speakers and the room add. Their distances differ, so that no echo of one is taken for the next.

/// Silence before the first click for measuring the noise floor, in seconds.
const LEAD: f64 = 0.5;

/// Distances of the clicks in seconds.
const GAPS: [f64; 8] = [0.47, 0.53, 0.41, 0.59, 0.43, 0.61, 0.49, 0.55];

/// The length of a click in seconds, and its peak.
const LENGTH: f64 = 0.008;
const PEAK: f32 = 0.25;

/// The longest round trip that is looked for, in seconds.
const LONGEST: f64 = 0.4;

/// Lead of the search for a click before its time, in seconds: the times of playing and recording are only known from
/// the callbacks, and where one server cycle does both (JACK), the measured delay may be negative.
const EARLY: f64 = 0.02;

/// A peak must stand out from the rest of the correlation by this factor to be a click.
const CLEAR: f32 = 6.0;

/// The sound to play: its samples at `rate`, and the frames at which the clicks begin.
#[must_use]
pub fn sequence(rate: u32) -> (Vec<f32>, Vec<usize>) {
    let frames = |seconds: f64| (seconds * f64::from(rate)) as usize;
    let click = click(rate);
    let (mut sound, mut starts) = (vec![0.0; frames(LEAD)], Vec::new());
    for gap in GAPS {
        starts.push(sound.len());
        sound.extend_from_slice(&click);
        sound.resize(starts[starts.len() - 1] + frames(gap), 0.0);
    }
    sound.resize(sound.len() + frames(LONGEST), 0.0);
    (sound, starts)
}

/// One click: noise from a linear congruential generator (Knuth's MMIX constants) under a half sine.
fn click(rate: u32) -> Vec<f32> {
    let length = (LENGTH * f64::from(rate)) as usize;
    let mut state = 1_u64;
    (0..length)
        .map(|i| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0;
            PEAK * noise * (std::f32::consts::PI * (i as f32 + 0.5) / length as f32).sin()
        })
        .collect()
}

/// The delay of each click in seconds, for those that are clearly there; it may be a little below 0. `recorded` is the
/// captured sound at `rate`, aligned so that its frame 0 is frame 0 of the played sound.
#[must_use]
pub fn delays(recorded: &[f32], rate: u32, starts: &[usize]) -> Vec<f64> {
    let click = click(rate);
    let [early, longest] = [EARLY, LONGEST].map(|seconds| (seconds * f64::from(rate)) as usize);
    starts
        .iter()
        .filter_map(|start| {
            let from = start.saturating_sub(early);
            let around = recorded.get(from..(*start + longest + click.len()).min(recorded.len()))?;
            let correlation: Vec<f32> = around
                .windows(click.len())
                .map(|w| w.iter().zip(&click).map(|(a, b)| a * b).sum::<f32>().abs())
                .collect();
            let (at, peak) = correlation.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
            let mean = correlation.iter().sum::<f32>() / correlation.len() as f32;
            let delay = (from + at) as f64 - *start as f64;
            (peak > 1e-6 && peak > CLEAR * mean).then(|| delay / f64::from(rate))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sourdine_testkit::signals;

    #[test]
    fn clicks_are_found_in_noise_to_the_sample() {
        for (rate, delay) in [(48_000, 0_i32), (48_000, 1234), (48_000, -300), (44_100, 8000), (16_000, 3000)]
        {
            let (sound, starts) = sequence(rate);
            let (late, early) = (delay.max(0) as usize, delay.min(0).unsigned_abs() as usize);
            let mut recorded = signals::noise(sound.len() + late, 0.02, 3);
            for (h, s) in recorded[late..].iter_mut().zip(&sound[early..]) {
                *h -= 0.2 * s;
            }
            let found = delays(&recorded, rate, &starts);
            assert_eq!(found, vec![f64::from(delay) / f64::from(rate); starts.len()], "{rate} Hz");
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        let (sound, starts) = sequence(48_000);
        assert!(delays(&vec![0.0; sound.len()], 48_000, &starts).is_empty());
        assert!(delays(&signals::noise(sound.len(), 0.1, 9), 48_000, &starts).is_empty());
        assert!(delays(&[], 48_000, &starts).is_empty());
    }
}
