//! What the benches share: the sound they run on, and percentiles.

use sourdine_testkit::signals;

/// Speech-like voice in noise, interleaved, for `seconds`. Real content matters: RNNoise skips its network on
/// silence.
#[must_use]
pub fn noisy_voice(rate: u32, channels: usize, seconds: usize) -> Vec<f32> {
    let voice = signals::speechlike(rate as usize * seconds, rate, 1);
    let noise = signals::noise(voice.len() * channels, 0.02, 2);
    noise.iter().enumerate().map(|(i, n)| n + voice[i / channels]).collect()
}

/// The value below which `share` (0 to 1) of the sorted values lie.
#[must_use]
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted
        .get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}
