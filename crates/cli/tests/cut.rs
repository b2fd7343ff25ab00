//! `--trim` and `--split`: the same samples as in the whole cleaned file, from where `sourdine vad` says to where.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::path::{Path, PathBuf};

use common::{assert_fails, clean, listing, sourdine, stderr, write_f32};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name)
}

fn pcm(path: &Path) -> Vec<i32> {
    hound::WavReader::open(path).unwrap().samples::<i32>().map(Result::unwrap).collect()
}

#[test]
fn parts_are_slices_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let input = sample("fan-hum-48k.wav");
    let path = |name: &str| folder.path().join(name);
    let to = |name: &str| path(name).to_str().unwrap().to_owned();
    assert!(clean(&input, &["-o", &to("whole.wav")]).status.success());
    let whole = pcm(&path("whole.wav"));

    let shape = ["--min-silence", "150ms", "--pad", "20ms"];
    let vad = sourdine(&["vad"]).arg(&input).args(shape).output().unwrap();
    assert!(vad.status.success(), "{}", stderr(&vad));
    let found: serde_json::Value = serde_json::from_slice(&vad.stdout).unwrap();
    let segments: Vec<(usize, usize)> = found["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["start_frame"].as_u64().unwrap() as usize, s["end_frame"].as_u64().unwrap() as usize))
        .collect();
    assert!(segments.len() > 1, "the sample has pauses: {segments:?}");

    let run = clean(&input, &[&["--split", "-o", &to("part.wav")][..], &shape].concat());
    assert!(run.status.success(), "{}", stderr(&run));
    assert_eq!(listing(folder.path()).len(), segments.len() + 1);
    for (number, (start, end)) in segments.iter().enumerate() {
        let part = pcm(&path(&format!("part.{:03}.wav", number + 1)));
        assert!(part == whole[*start..*end], "part {}", number + 1);
    }
    let line = String::from_utf8(run.stdout).unwrap();
    let last = format!(" to {}", to(&format!("part.{:03}.wav: ", segments.len())));
    assert!(line.starts_with(&to("part.001.wav")) && line.contains(&last), "{line}");

    let run = clean(&input, &[&["--split", "--force", "--json", "-o", &to("part.wav")][..], &shape].concat());
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let parts: Vec<String> =
        (1..=segments.len()).map(|number| to(&format!("part.{number:03}.wav"))).collect();
    assert_eq!(json["parts"], serde_json::json!(parts));
    assert!(json.get("output").is_none(), "there is no file part.wav: {json}");
    let kept: usize = segments.iter().map(|(start, end)| end - start).sum();
    assert_eq!(json["kept_seconds"], kept as f64 / 48_000.0);

    let run = clean(&input, &[&["--trim", "-o", &to("trimmed.wav")][..], &shape].concat());
    assert!(run.status.success(), "{}", stderr(&run));
    assert!(pcm(&path("trimmed.wav")) == whole[segments[0].0..segments[segments.len() - 1].1]);
}

#[test]
fn a_file_without_speech_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_f32(folder.path(), "silence.wav", 48_000, 1, &[0.0; 48_000]);
    let line = assert_fails(&clean(&path, &["--trim"]), "silence.wav");
    assert!(line.contains("no speech"), "{line}");
    assert_eq!(listing(folder.path()), ["silence.wav"]);
}
