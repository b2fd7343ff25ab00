//! The project's samples, cleaned by the real binary, hold what their manifest says of them.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use common::manifest::{manifest, numbers, parts, read};
use common::{clean, samples, stderr};
use sourdine::{Engine, GateParams, Model, Settings, StreamFormat};
use sourdine_testkit::metrics::{channel, level_db, si_sdr_db};
use sourdine_testkit::{conformance, signals};

/// Cleans a sample with the baseline model and returns the samples and the JSON summary.
fn cleaned(file: &str, options: &[&str]) -> (Vec<f32>, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.wav");
    let mut all = vec!["-o", out.to_str().unwrap(), "--json", "--model", "rnnoise"];
    all.extend(options);
    let run = clean(&samples().join(file), &all);
    assert!(run.status.success(), "{file}: {}", stderr(&run));
    (read(&out).1, serde_json::from_slice(&run.stdout).unwrap())
}

#[test]
fn every_sample_is_what_the_manifest_says() {
    for sample in manifest() {
        let (reader, _) = read(&samples().join(sample.text("file")));
        let spec = reader.spec();
        assert_eq!(u64::from(spec.sample_rate), sample.whole("rate"), "{}", sample.text("file"));
        assert_eq!(u64::from(spec.channels), sample.whole("channels"));
        assert_eq!(spec.format.bytes() as u64 * 8, sample.whole("bits"));
        let seconds = reader.frames().unwrap() as f64 / f64::from(spec.sample_rate);
        assert!((seconds - sample.numbers("seconds")[0]).abs() < 0.05);
        if let Some(reference) = sample.0.get("reference") {
            assert_eq!(read(&samples().join(reference.as_str().unwrap())).0.frames(), reader.frames());
        }
    }
}

#[test]
fn cleaning_gives_what_the_manifest_expects() {
    let mut checked = 0;
    for sample in manifest() {
        let file = sample.text("file");
        let channels = sample.whole("channels") as usize;
        let (_, noisy) = read(&samples().join(file));
        let (out, json) = cleaned(file, &["--attenuation-limit", "24"]);
        assert_eq!(out.len(), noisy.len(), "{file}");
        let within = |key: &str, value: f64| {
            println!("{file}: {key} {value:.2}");
            if let Some(range) = sample.expected(key).map(numbers) {
                assert!(
                    (range[0]..=range[1]).contains(&value),
                    "{file}: {key} {value:.2} is not in {range:?}"
                );
                return 1;
            }
            0
        };
        let all_pauses = |x: &[f32]| -> Vec<f32> {
            (0..channels).flat_map(|c| parts(&channel(x, channels, c), &sample.spans("pauses"))).collect()
        };
        if !sample.spans("pauses").is_empty() {
            let attenuation = level_db(&all_pauses(&noisy)) - level_db(&all_pauses(&out));
            checked += within("noise_attenuation_db", attenuation);
        }
        checked += within("voiced_share", json["voiced_share"].as_f64().unwrap());

        let Some(reference) = sample.0.get("reference") else { continue };
        let (_, reference) = read(&samples().join(reference.as_str().unwrap()));
        let gain = |x: &[f32]| {
            (0..channels).map(|c| si_sdr_db(&reference, &channel(x, channels, c))).sum::<f64>()
                / channels as f64
        };
        let gained = gain(&out) - gain(&noisy);
        println!("{file}: SI-SDR gain {gained:.2} dB");
        if let Some(least) = sample.expected("si_sdr_gain_db_min").map(numbers) {
            assert!(gained >= least[0], "{file}: SI-SDR gain {gained:.2} dB, expected {}", least[0]);
            checked += 1;
        }
        let spoken = parts(&reference, &sample.spans("speech"));
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let losses = sample.numbers("gains").into_iter().enumerate().map(|(c, g)| {
            let y = parts(&channel(&out, channels, c), &sample.spans("speech"));
            20.0 * (g * dot(&spoken, &spoken) / dot(&y, &spoken)).log10()
        });
        let worst = losses.fold(f64::NEG_INFINITY, f64::max);
        println!("{file}: speech loss {worst:.2} dB");
        if let Some(most) = sample.expected("speech_loss_db_max").map(numbers) {
            assert!(worst <= most[0], "{file}: speech loss {worst:.2} dB, expected at most {}", most[0]);
            checked += 1;
        }
    }
    assert!(checked >= 15, "the manifest says something: {checked} figures");
}

#[test]
fn the_gate_takes_next_to_nothing_of_any_onset() {
    // A gate that closes sooner than the default one, so that it is closed before every word; a little noise,
    // so that there is something to close on where a sample is digitally silent.
    let gate_params = GateParams::default().with_hold_ms(40.0).with_release_ms(30.0);
    let (mut onsets, mut closed, mut worst) = (0, 0, f64::NEG_INFINITY);
    for sample in manifest() {
        let (file, rate) = (sample.text("file"), sample.whole("rate") as usize);
        let channels = sample.whole("channels") as usize;
        let (_, mut noisy) = read(&samples().join(file));
        for (x, n) in noisy.iter_mut().zip(signals::noise(48_000, 0.001, 1).iter().cycle()) {
            *x += n;
        }
        let through = |gate: bool| {
            let settings = Settings::default().with_gate(gate).with_gate_params(gate_params);
            let format = StreamFormat::new(rate as u32, channels);
            let mut engine = Engine::new(format, &settings, &Model::rnnoise()).unwrap();
            let out = conformance::run(&mut engine, &noisy, &[rate / 100]);
            channel(&out[engine.latency() * channels..], channels, 0)
        };
        let (open, gated) = (through(false), through(true));
        let turned_down =
            |span: std::ops::Range<usize>| level_db(&open[span.clone()]) - level_db(&gated[span]);
        for onset in sample.numbers("onsets") {
            let start = (onset * rate as f64) as usize;
            let loss = turned_down(start..start + rate / 20);
            worst = worst.max(loss);
            assert!(loss < 0.07, "{file}: the onset at {onset:.3} s loses {loss:.2} dB to the gate");
            // Was there anything to lose? The gate had closed at some time in the pause before.
            let pause = (start.saturating_sub(rate / 2)..start - rate / 50).step_by(rate / 50);
            let was_closed = pause.map(|at| turned_down(at..at + rate / 50)).any(|db| db > 6.0);
            onsets += 1;
            closed += usize::from(was_closed);
        }
    }
    println!("{onsets} onsets, {closed} of them after a closed gate; the worst loses {worst:.2} dB");
    assert!(onsets >= 50 && closed >= 50, "{onsets} onsets, {closed} after a closed gate");
}

#[test]
fn the_panned_voice_stays_where_it_was() {
    let sample = manifest().into_iter().find(|s| s.whole("channels") == 2).unwrap();
    let (_, reference) = read(&samples().join(sample.text("reference")));
    let (out, _) = cleaned(sample.text("file"), &[]);
    let gains = sample.numbers("gains");
    let spoken = parts(&reference, &sample.spans("speech"));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let voice = |c| dot(&parts(&channel(&out, 2, c), &sample.spans("speech")), &spoken);
    let error = 20.0 * (voice(0) / voice(1) / (gains[0] / gains[1])).log10();
    assert!(error.abs() < 0.1, "the voice moved by {error:.3} dB");
}
