//! Sound for the plug-in's hosts, the engine's own output for it, and what holds under automation.
#![allow(dead_code)] // Each test binary uses its part.

use sourdine::{Model, Settings, StreamFormat};
use sourdine_testkit::{metrics, signals};

/// Three seconds of voice in noise, a channel each.
pub(crate) fn noisy(rate: u32, channels: usize) -> Vec<Vec<f32>> {
    let frames = 3 * rate as usize;
    let voice = signals::speechlike(frames, rate, 3);
    let channel = |channel| {
        let noise = signals::noise(frames, 0.02, 7 + channel as u64);
        voice.iter().zip(&noise).map(|(v, n)| v + n).collect()
    };
    (0..channels).map(channel).collect()
}

/// Asserts that `output` has the bits that the engine makes of `sound`, `latency` frames later.
pub(crate) fn assert_is_the_engines(output: &[Vec<f32>], sound: &[Vec<f32>], rate: u32, latency: usize) {
    let (channels, frames) = (sound.len(), sound[0].len());
    let interleaved: Vec<_> =
        (0..frames).flat_map(|frame| sound.iter().map(move |channel| channel[frame])).collect();
    let format = StreamFormat::new(rate, channels);
    let expected = sourdine::denoise(&interleaved, format, &Settings::default(), &Model::default()).unwrap();
    for (channel, got) in output.iter().enumerate() {
        let expected = metrics::channel(&expected, channels, channel);
        assert!(got[latency..] == expected[..frames - latency], "{rate} Hz, channel {channel}");
    }
}

/// Asserts that automation of all parameters leaves no click above -60 dBFS in a tone of `hz` with a peak of 0.5, and that it
/// arrives: the tone is there under a bypass, and attenuated otherwise.
pub(crate) fn assert_changes_without_clicks(tone: &[f32], rate: u32, hz: f64, what: &str) {
    let click = metrics::click_dbfs(tone, rate, hz);
    assert!(click < -60.0, "{what}: a click of {click:.1} dBFS at {rate} Hz");
    let parts: Vec<_> = tone.chunks(rate as usize / 100).collect();
    let loud = parts.iter().filter(|part| part.iter().any(|x| *x > 0.45)).count();
    let few = parts.len().div_ceil(30);
    assert!(loud > few && loud < parts.len() - few, "{what}: {loud} of {} parts are loud", parts.len());
}
