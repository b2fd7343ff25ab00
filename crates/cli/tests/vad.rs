//! `sourdine vad` through the real binary.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::path::Path;
use std::process::Output;

use common::{assert_fails, listing, samples, sourdine, stderr, write_f32};
use sourdine_testkit::signals;

fn vad(input: &Path, options: &[&str]) -> Output {
    sourdine(&["vad"]).arg(input).args(options).output().unwrap()
}

/// The JSON object.
fn found(input: &Path, options: &[&str]) -> serde_json::Value {
    let run = vad(input, options);
    assert!(run.status.success(), "{}", stderr(&run));
    serde_json::from_slice(&run.stdout).unwrap()
}

/// Start and end of each segment in frames.
fn frames(found: &serde_json::Value) -> Vec<(u64, u64)> {
    let segments = found["segments"].as_array().unwrap();
    segments.iter().map(|s| (s["start_frame"].as_u64().unwrap(), s["end_frame"].as_u64().unwrap())).collect()
}

#[test]
fn segments_are_where_the_manifest_has_speech() {
    let text = std::fs::read_to_string(samples().join("manifest.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let (mut wrong_in_all, mut in_all) = (0, 0);
    for sample in manifest["sample"].as_array().unwrap() {
        let file = sample["file"].as_str().unwrap();
        let found = found(&samples().join(file), &[]);
        let rate = found["sample_rate"].as_f64().unwrap();
        let speech: Vec<(f64, f64)> = sample["speech"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| (s[0].as_float().unwrap(), s[1].as_float().unwrap()))
            .collect();
        let ours: Vec<(f64, f64)> =
            frames(&found).iter().map(|(a, b)| (*a as f64 / rate, *b as f64 / rate)).collect();
        let within = |t: f64, spans: &[(f64, f64)]| spans.iter().any(|(a, b)| (*a..*b).contains(&t));
        let hundredths = (found["seconds"].as_f64().unwrap() * 100.0) as usize;
        let wrong = (0..hundredths)
            .map(|k| (k as f64 + 0.5) / 100.0)
            .filter(|t| within(*t, &speech) != within(*t, &ours))
            .count();
        println!("{file}: {:.1} % of the time decided otherwise", 100.0 * wrong as f64 / hundredths as f64);
        assert!(wrong * 4 < hundredths, "{file}: {wrong} of {hundredths}");
        wrong_in_all += wrong;
        in_all += hundredths;
    }
    assert!(wrong_in_all * 8 < in_all, "{wrong_in_all} of {in_all} hundredths of a second");
}

#[test]
fn padding_is_exact_and_seconds_are_frames() {
    let file = samples().join("fan-hum-48k.wav");
    let bare = found(&file, &["--pad", "0"]);
    let padded = found(&file, &["--pad", "25ms"]);
    let moved: Vec<_> = frames(&bare).into_iter().map(|(a, b)| (a - 1200, b + 1200)).collect();
    assert!(!moved.is_empty());
    assert_eq!(frames(&padded), moved);
    for segment in padded["segments"].as_array().unwrap() {
        assert_eq!(segment["start"].as_f64().unwrap(), segment["start_frame"].as_f64().unwrap() / 48_000.0);
    }
    let whole = found(&file, &["--min-silence", "10", "--pad", "10"]);
    assert_eq!(frames(&whole), [(0, 240_000)], "one segment, within the file");
    assert!(frames(&found(&file, &["--min-speech", "60s"])).is_empty());
}

#[test]
fn a_tone_and_silence_hold_no_voice() {
    let folder = tempfile::tempdir().unwrap();
    for (name, samples) in [
        ("silence.wav", vec![0.0; 96_000]),
        ("empty.wav", vec![]),
        ("hiss.wav", signals::noise(96_000, 0.1, 1)),
    ] {
        let path = write_f32(folder.path(), name, 48_000, 1, &samples);
        let run = vad(&path, &[]);
        if name == "empty.wav" && !run.status.success() {
            assert_fails(&run, name); // A file without sound may be refused; then it says so.
            continue;
        }
        assert!(frames(&found(&path, &[])).is_empty(), "{name}");
    }
}

#[test]
fn every_form_says_the_same() {
    let file = samples().join("phone-8k.wav");
    let expected = frames(&found(&file, &[]));
    assert!(expected.len() >= 2);
    let lines = |format: &str| -> Vec<Vec<String>> {
        let run = vad(&file, &["--format", format]);
        let text = String::from_utf8(run.stdout).unwrap();
        let split = |l: &str| l.split([',', '\t', ' ']).map(str::to_owned).collect();
        text.lines().map(split).collect()
    };
    let close =
        |text: &str, frames: u64| (text.parse::<f64>().unwrap() - frames as f64 / 8000.0).abs() < 2e-6;
    for (line, (start, end)) in lines("csv")[1..].iter().zip(&expected) {
        assert!(close(&line[0], *start) && close(&line[1], *end) && line[2] == start.to_string());
    }
    for (line, (start, end)) in lines("audacity").iter().zip(&expected) {
        assert!(close(&line[0], *start) && close(&line[1], *end));
    }
    let rttm = lines("rttm");
    assert_eq!(rttm.len(), expected.len());
    for (line, (start, end)) in rttm.iter().zip(&expected) {
        assert_eq!((line[0].as_str(), line[1].as_str(), line.len()), ("SPEAKER", "phone-8k", 10));
        assert!(close(&line[3], *start) && close(&line[4], end - start));
    }
}

#[test]
fn files_are_kept_unless_forced_and_errors_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("labels.txt");
    let file = samples().join("phone-8k.wav");
    let to = ["--format", "audacity", "-o", out.to_str().unwrap()];
    assert!(vad(&file, &to).status.success());
    let line = assert_fails(&vad(&file, &to), "labels.txt");
    assert!(line.contains("--force"), "{line}");
    std::fs::write(&out, "old").unwrap();
    assert!(sourdine(&["vad", "-f"]).arg(&file).args(to).status().unwrap().success());
    assert!(std::fs::read_to_string(&out).unwrap().ends_with("voice\n"));
    assert_eq!(listing(folder.path()), ["labels.txt"]);
    // The name tells the form, unless it is said.
    let to = |name: &str, options: &[&str]| {
        let out = folder.path().join(name);
        let run = vad(&file, &[&["-o", out.to_str().unwrap()], options].concat());
        assert!(run.status.success(), "{}", stderr(&run));
        std::fs::read_to_string(out).unwrap()
    };
    assert!(to("a.csv", &[]).starts_with("start,end"));
    assert!(to("a.rttm", &[]).starts_with("SPEAKER"));
    assert!(to("a.txt", &[]).ends_with("voice\n"));
    assert!(to("a.json", &[]).starts_with('{'));
    assert!(to("b.txt", &["--format", "csv"]).starts_with("start,end"));
    assert_fails(&vad(&folder.path().join("none.wav"), &[]), "none.wav");
    assert_fails(&vad(&file, &["-o", "/no/such/folder/x.json"]), "x.json");
}

/// `in/a.wav`, `in/far/b.wav` and `in/far/c.wav`, all the same sample.
fn recordings() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("in/far")).unwrap();
    for name in ["in/a.wav", "in/far/b.wav", "in/far/c.wav"] {
        std::fs::copy(samples().join("phone-8k.wav"), root.path().join(name)).unwrap();
    }
    root
}

fn run(args: &[&str], folder: &Path) -> Output {
    sourdine(&[&["vad"], args].concat()).current_dir(folder).output().unwrap()
}

#[test]
fn a_folder_comes_out_as_its_mirror_and_is_resumed() {
    let root = recordings();
    let alone = vad(&samples().join("phone-8k.wav"), &["--format", "csv"]).stdout;
    let out = ["in", "--format", "csv", "-o", "out"];
    let done = run(&[&out[..], &["--jobs", "2"]].concat(), root.path());
    assert!(done.status.success() && done.stdout.is_empty(), "{}", stderr(&done));
    assert!(stderr(&done).contains("3 searched for speech"), "{}", stderr(&done));
    assert_eq!(listing(&root.path().join("out")), ["a.csv", "far"]);
    assert_eq!(listing(&root.path().join("out/far")), ["b.csv", "c.csv"]);
    assert_eq!(std::fs::read(root.path().join("out/far/c.csv")).unwrap(), alone, "as alone");

    std::fs::write(root.path().join("out/a.csv"), "mine").unwrap();
    std::fs::remove_file(root.path().join("out/far/b.csv")).unwrap();
    let again = run(&[&out[..], &["--skip-existing"]].concat(), root.path());
    assert!(
        again.status.success() && stderr(&again).contains("1 searched for speech, 2 skipped"),
        "{}",
        stderr(&again)
    );
    assert_eq!(std::fs::read(root.path().join("out/a.csv")).unwrap(), b"mine");
    assert_eq!(std::fs::read(root.path().join("out/far/b.csv")).unwrap(), alone);
    assert_eq!(run(&out, root.path()).status.code(), Some(1), "without it, existing files are refused");
    assert!(run(&[&out[..], &["--force"]].concat(), root.path()).status.success());
    assert_eq!(std::fs::read(root.path().join("out/a.csv")).unwrap(), alone);
}

#[test]
fn several_files_on_one_stream_say_which_they_are() {
    let root = recordings();
    std::fs::write(root.path().join("in/broken.wav"), "RIFF").unwrap();
    let done = run(&["in"], root.path());
    assert_eq!(done.status.code(), Some(2), "{}", stderr(&done));
    assert!(stderr(&done).contains("broken.wav"), "{}", stderr(&done));
    let text = String::from_utf8(done.stdout).unwrap();
    let names = |text: &str| -> Vec<String> {
        let object = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
        text.lines().map(|line| object(line)["input"].as_str().unwrap().into()).collect()
    };
    assert_eq!(names(&text), ["in/a.wav", "in/far/b.wav", "in/far/c.wav"]);

    // In the order of the list, though the first is done last.
    write_f32(root.path(), "long.wav", 8_000, 1, &signals::noise(60 * 8_000, 0.1, 1));
    std::fs::write(root.path().join("list"), "long.wav\nin/far/b.wav\nin/a.wav\n").unwrap();
    let listed = run(&["--files-from", "list", "-q", "--jobs", "2"], root.path());
    let text = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(names(&text), ["long.wav", "in/far/b.wav", "in/a.wav"]);

    let twice = run(&["in/a.wav", "in/a.wav", "-q"], root.path());
    assert_eq!(names(&String::from_utf8(twice.stdout).unwrap()), ["in/a.wav"; 2]);

    std::fs::write(root.path().join("list"), "in/a.wav\nin/far/b.wav\n").unwrap();
    let rttm = run(&["--files-from", "list", "--format", "rttm", "-q"], root.path());
    assert!(rttm.status.success() && rttm.stderr.is_empty(), "{}", stderr(&rttm));
    let text = String::from_utf8(rttm.stdout).unwrap();
    assert!(text.contains("SPEAKER a 1 ") && text.contains("SPEAKER b 1 "), "{text}");
    assert!(text.lines().all(|line| line.starts_with("SPEAKER ")), "{text}");
    let nameless = run(&["in", "--format", "csv"], root.path());
    assert!(stderr(&nameless).contains("-o"), "{}", assert_fails(&nameless, "--format"));
}

#[test]
fn pipes_and_the_environment() {
    let root = recordings();
    let open = || std::fs::File::open(root.path().join("in/a.wav")).unwrap();
    let expected = found(&root.path().join("in/a.wav"), &[]);
    let piped = sourdine(&["vad", "-"]).stdin(open()).output().unwrap();
    let piped: serde_json::Value = serde_json::from_slice(&piped.stdout).unwrap();
    assert_eq!((&piped["segments"], &piped["frames"]), (&expected["segments"], &expected["frames"]));
    assert_eq!(piped["input"], "standard input");
    let raw: Vec<u8> = std::fs::read(root.path().join("in/a.wav")).unwrap().split_off(44);
    std::fs::write(root.path().join("raw"), raw).unwrap();
    let raw = std::fs::File::open(root.path().join("raw")).unwrap();
    let raw = sourdine(&["vad", "-", "--raw", "s16le:8000:1"]).stdin(raw).output().unwrap();
    let raw: serde_json::Value = serde_json::from_slice(&raw.stdout).unwrap();
    assert_eq!(raw["segments"], expected["segments"]);

    let model = |args: &[&str], env: &[(&str, &str)]| -> String {
        let mut command = sourdine(&[&["vad", "in/a.wav"], args].concat());
        let run = command.current_dir(root.path()).envs(env.iter().copied()).output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        json["model"].as_str().unwrap().to_owned()
    };
    assert_eq!(model(&[], &[]), "sourdine");
    std::fs::write(root.path().join("sourdine.toml"), "model = 'sourdine-lite'").unwrap();
    assert_eq!(model(&[], &[]), "sourdine-lite");
    assert_eq!(model(&[], &[("SOURDINE_MODEL", "rnnoise")]), "rnnoise");
    assert_eq!(model(&["-m", "sourdine"], &[("SOURDINE_MODEL", "rnnoise")]), "sourdine");
}
