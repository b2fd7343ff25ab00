//! Holds what `sourdine clean` promises about a good file.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use common::{clean, listing, read_f32, sourdine, stderr, write_f32};
use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_testkit::metrics::{delay, level_db};
use sourdine_testkit::signals;

fn noisy(rate: u32, channels: usize, ms: usize) -> Vec<f32> {
    let voice = signals::speechlike(rate as usize * ms / 1000, rate, 4);
    let noise = signals::noise(voice.len() * channels, 0.01, 5);
    noise.iter().enumerate().map(|(i, n)| n + voice[i / channels]).collect()
}

#[test]
fn the_file_equals_the_live_engine_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    for (rate, channels) in [(48_000, 1), (44_100, 2), (16_000, 1), (11_025, 1), (8_000, 2), (96_000, 1)] {
        let input = noisy(rate, channels, 1700);
        let path = write_f32(folder.path(), "in.wav", rate, channels as u16, &input);
        for model in Model::built_in() {
            // The live engine, in the blocks a sound card might give.
            let format = StreamFormat::new(rate, channels);
            let mut engine = Engine::new(format, &Settings::default(), &model).unwrap();
            let mut live = input.clone();
            for block in live.chunks_mut(323 * channels) {
                engine.process_interleaved_f32(block).unwrap();
            }
            let mut tail = vec![0.0; engine.latency() * channels];
            engine.finish_interleaved_f32(&mut tail);
            live.extend(tail);

            let name = model.info().name;
            let mut summaries = Vec::new();
            for jobs in ["1", "2"] {
                let out = folder.path().join("out.wav");
                let options =
                    ["-o", out.to_str().unwrap(), "--force", "--json", "--model", &name, "--jobs", jobs];
                let run = clean(&path, &options);
                assert!(run.status.success(), "{}", stderr(&run));
                let same = read_f32(&out) == live[engine.latency() * channels..];
                assert!(same, "{rate} Hz, {channels} channels, {name}, {jobs} jobs");
                let mut summary: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
                summary.as_object_mut().unwrap().remove("times_real_time").unwrap();
                summaries.push(summary);
            }
            assert_eq!(summaries[0], summaries[1]);
        }
    }
}

#[test]
fn a_16_bit_file_equals_the_live_engine_s_16_bit_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (common::samples().join("near-clean-48k.wav"), folder.path().join("out.wav"));
    let read = |path: &std::path::Path| -> Vec<i16> {
        hound::WavReader::open(path).unwrap().samples().collect::<Result<_, _>>().unwrap()
    };
    let mut engine =
        Engine::new(StreamFormat::new(48_000, 1), &Settings::default(), &Model::default()).unwrap();
    let mut live = read(&path);
    engine.process_interleaved_i16(&mut live).unwrap();
    let mut tail = vec![0; engine.latency()];
    engine.finish_interleaved_i16(&mut tail);
    live.extend(tail);
    let run = clean(&path, &["-o", out.to_str().unwrap()]);
    assert!(run.status.success(), "{}", stderr(&run));
    assert!(read(&out) == live[engine.latency()..]);
}

#[test]
fn format_length_and_alignment_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let samples = noisy(44_100, 2, 1234);
    for (bits, sample_format) in [
        (8, hound::SampleFormat::Int),
        (16, hound::SampleFormat::Int),
        (24, hound::SampleFormat::Int),
        (32, hound::SampleFormat::Int),
        (32, hound::SampleFormat::Float),
    ] {
        let spec = hound::WavSpec { channels: 2, sample_rate: 44_100, bits_per_sample: bits, sample_format };
        let path = folder.path().join(format!("{bits}{sample_format:?}.wav"));
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for x in &samples {
            match sample_format {
                hound::SampleFormat::Float => writer.write_sample(*x).unwrap(),
                hound::SampleFormat::Int => {
                    writer.write_sample((f64::from(*x) * 2_f64.powi(i32::from(bits) - 1)) as i32).unwrap();
                }
            }
        }
        writer.finalize().unwrap();

        let run = clean(&path, &["--attenuation-limit", "6"]);
        assert!(run.status.success(), "{}", stderr(&run));
        let out = path.with_file_name(format!("{bits}{sample_format:?}.clean.wav"));
        let mut reader = hound::WavReader::open(&out).unwrap();
        assert_eq!(reader.spec(), spec);
        assert_eq!(reader.len() as usize, samples.len(), "same number of samples");
        let cleaned: Vec<f32> = match sample_format {
            hound::SampleFormat::Float => reader.samples::<f32>().map(Result::unwrap).collect(),
            hound::SampleFormat::Int => {
                let scale = 2_f32.powi(i32::from(bits) - 1);
                reader.samples::<i32>().map(|x| x.unwrap() as f32 / scale).collect()
            }
        };
        assert_eq!(delay(&samples, &cleaned, 4000), 0, "aligned to 0");

        let untouched = folder.path().join("untouched.wav");
        let run = clean(&path, &["--attenuation-limit", "0", "--force", "-o", untouched.to_str().unwrap()]);
        assert!(run.status.success(), "{}", stderr(&run));
        assert!(std::fs::read(&path).unwrap() == std::fs::read(&untouched).unwrap(), "0 dB: the same file");
    }
}

#[test]
fn very_short_files_come_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    for frames in [0, 1, 2, 100, 479, 480, 481] {
        let path = write_f32(folder.path(), "short.wav", 48_000, 1, &signals::noise(frames, 0.1, 1));
        let run = clean(&path, &["--force"]);
        assert!(run.status.success(), "{frames} frames: {}", stderr(&run));
        assert_eq!(read_f32(&folder.path().join("short.clean.wav")).len(), frames);
    }
}

#[test]
fn kept_and_residue_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let input = noisy(48_000, 1, 800);
    let path = write_f32(folder.path(), "in.wav", 48_000, 1, &input);
    let (kept, removed) = (folder.path().join("kept.wav"), folder.path().join("removed.wav"));
    assert!(clean(&path, &["-o", kept.to_str().unwrap()]).status.success());
    assert!(clean(&path, &["-o", removed.to_str().unwrap(), "--residue"]).status.success());
    let sum: Vec<f32> = read_f32(&kept).iter().zip(read_f32(&removed)).map(|(a, b)| a + b - 0.0).collect();
    let error: Vec<f32> = sum.iter().zip(&input).map(|(a, b)| a - b).collect();
    assert!(level_db(&error) < -140.0);
    assert!(level_db(&read_f32(&removed)) > -60.0, "something is removed");
}

#[test]
fn json_tells_all_and_people_get_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut input = noisy(44_100, 2, 2000);
    input[500] = f32::NAN;
    let path = write_f32(folder.path(), "talk.wav", 44_100, 2, &input);
    let run = clean(&path, &["--json", "--gate", "--channels", "separate", "--attenuation-limit", "off"]);
    assert!(run.status.success() && run.stderr.is_empty(), "{}", stderr(&run));
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(json["input"], path.to_str().unwrap());
    assert_eq!(json["output"], folder.path().join("talk.clean.wav").to_str().unwrap());
    assert_eq!((json["sample_rate"].as_u64(), json["channels"].as_u64()), (Some(44_100), Some(2)));
    assert_eq!(json["frames"].as_u64(), Some(88_200));
    assert_eq!(json["invalid_samples"].as_u64(), Some(1));
    assert_eq!(json["attenuation_limit_db"], serde_json::Value::Null);
    assert!(json["mean_attenuation_db"].as_f64().unwrap() > 1.0);
    assert!((0.1..=1.0).contains(&json["voiced_share"].as_f64().unwrap()));
    assert!(json["peak"].as_f64().unwrap() > 0.05 && json["times_real_time"].as_f64().unwrap() > 0.5);
    assert!(json["latency"].as_u64().unwrap() > 441);

    let run = clean(&path, &["--force"]);
    let line = String::from_utf8(run.stdout).unwrap();
    assert_eq!(line.lines().count(), 1);
    assert!(line.contains("talk.clean.wav") && line.contains("1 invalid sample"), "{line}");
    let run = clean(&path, &["--force", "--quiet"]);
    assert!(run.stdout.is_empty() && run.stderr.is_empty());
}

#[test]
fn nothing_but_the_output_is_left_and_the_input_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_f32(folder.path(), "talk.wav", 48_000, 1, &noisy(48_000, 1, 300));
    let before = std::fs::read(&path).unwrap();
    assert!(clean(&path, &[]).status.success());
    assert_eq!(listing(folder.path()), ["talk.clean.wav", "talk.wav"]);
    assert!(std::fs::read(&path).unwrap() == before);
}

#[test]
fn models_are_listed_with_rate_latency_cost_and_licence() {
    let run = sourdine(&["models"]).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(
        text.contains("sourdine-lite")
            && text.contains("rnnoise")
            && text.contains("48000 Hz")
            && text.contains("10 ms"),
        "{text}"
    );
    assert!(text.contains("BSD-3-Clause"));
    let run = sourdine(&["models", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert!(json.as_array().unwrap().iter().any(|m| m["name"] == "rnnoise" && m["latency_ms"] == 10.0));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = sourdine(&["models"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
}

#[test]
fn the_low_frequency_channel_of_5_1_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    // The writer states the speakers of 5.1 for six channels, so that the fourth is for low frequencies.
    let (voice, rumble) = (noisy(48_000, 1, 1500), signals::tone(72_000, 48_000, 45.0, 0.8));
    let sound: Vec<f32> =
        (0..6 * 72_000).map(|i| if i % 6 == 3 { rumble[i / 6] } else { voice[i / 6] }).collect();
    let path = write_f32(folder.path(), "film.wav", 48_000, 6, &sound);
    let out = folder.path().join("out.wav");
    let run = clean(&path, &["-o", out.to_str().unwrap()]);
    assert!(run.status.success(), "{}", stderr(&run));
    let cleaned = read_f32(&out);
    assert_eq!(cleaned.len(), sound.len());
    for channel in 0..6 {
        let of = |x: &[f32]| x.iter().skip(channel).step_by(6).copied().collect::<Vec<f32>>();
        assert_eq!(of(&cleaned) == of(&sound), channel == 3, "channel {channel}");
    }
}

#[test]
fn float_files_keep_their_headroom() {
    let folder = tempfile::tempdir().unwrap();
    let voice = signals::speechlike(96_000, 48_000, 4);
    let run_at = |gain: f32| {
        let loud: Vec<f32> = voice.iter().map(|x| x * gain).collect();
        let path = write_f32(folder.path(), "in.wav", 48_000, 1, &loud);
        let out = folder.path().join("out.wav");
        let run = clean(&path, &["-o", out.to_str().unwrap(), "--force", "--attenuation-limit", "6"]);
        assert!(run.status.success(), "{}", stderr(&run));
        read_f32(&out).iter().map(|x| x / gain).collect::<Vec<f32>>()
    };
    let (quiet, loud) = (run_at(1.0), run_at(10.0));
    let peak = loud.iter().fold(0.0_f32, |most, x| most.max(10.0 * x.abs()));
    assert!(peak > 2.0, "nothing goes beyond full scale: {peak}");
    let ratio = sourdine_testkit::metrics::si_sdr_db(&quiet, &loud);
    assert!(ratio > 15.0, "{ratio:.1} dB between the two");
}
