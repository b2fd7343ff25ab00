//! `sourdine compare` through the real binary, and its STOI against PyPI's `pystoi`.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use common::{assert_fails, samples, sourdine, stderr, write_f32};
use sourdine_testkit::{metrics, signals};

fn compare(clean: &Path, noisy: &Path, cleaned: &Path, options: &[&str]) -> Output {
    sourdine(&["compare"]).args([clean, noisy, cleaned]).args(options).output().unwrap()
}

fn json(clean: &Path, noisy: &Path, cleaned: &Path, options: &[&str]) -> serde_json::Value {
    let run = compare(clean, noisy, cleaned, &[&["--json"], options].concat());
    assert!(run.status.success(), "{}", stderr(&run));
    serde_json::from_slice(&run.stdout).unwrap()
}

#[test]
fn cleaning_a_sample_shows_in_the_measures() {
    let folder = tempfile::tempdir().unwrap();
    let (clean, noisy) = (samples().join("fan-hum-48k.ref.wav"), samples().join("fan-hum-48k.wav"));
    let cleaned = folder.path().join("cleaned.wav");
    assert!(
        sourdine(&["clean", "-q", "-m", "rnnoise", "-o"])
            .arg(&cleaned)
            .arg(&noisy)
            .status()
            .unwrap()
            .success()
    );
    let result = json(&clean, &noisy, &cleaned, &[]);
    let change = |of: &str| result["after"][of].as_f64().unwrap() - result["before"][of].as_f64().unwrap();
    assert!(change("si_sdr_db") > 4.0 && change("segmental_snr_db") > 2.0, "{result}");
    assert!(change("log_spectral_distance_db") < -4.0 && change("estoi") > 0.0, "{result}");
    assert_eq!(result["after"]["delay_frames"], 0, "the output is aligned");
    let table = String::from_utf8(compare(&clean, &noisy, &cleaned, &[]).stdout).unwrap();
    for name in ["SI-SDR", "segmental SNR", "STOI", "ESTOI", "log-spectral distance", "delay behind clean"] {
        assert!(table.contains(name), "{table}");
    }
}

#[test]
fn alignment_takes_the_delay_out_unless_told_not_to() {
    let folder = tempfile::tempdir().unwrap();
    let clean = signals::speechlike(48_000, 16_000, 8);
    let mut late = vec![0.0; 160];
    late.extend(clean.iter().zip(signals::noise(48_000, 0.01, 9)).map(|(c, n)| c + n));
    let file = |name, x: &[f32]| write_f32(folder.path(), name, 16_000, 1, x);
    let (clean_file, late_file) = (file("clean.wav", &clean), file("late.wav", &late));
    let aligned = json(&clean_file, &late_file, &late_file, &[]);
    assert_eq!(aligned["before"]["delay_frames"], 160);
    let expected = metrics::si_sdr_db(&clean, &late[160..]);
    assert!((aligned["before"]["si_sdr_db"].as_f64().unwrap() - expected).abs() < 1e-6);
    let as_is = json(&clean_file, &late_file, &late_file, &["--no-align"]);
    assert_eq!(as_is["before"]["delay_frames"], 160, "it is measured all the same");
    assert!(as_is["before"]["si_sdr_db"].as_f64().unwrap() < 0.0);
}

#[test]
fn files_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let sound = signals::noise(8_000, 0.1, 1);
    let a = write_f32(folder.path(), "a.wav", 8_000, 1, &sound);
    let b = write_f32(folder.path(), "b.wav", 16_000, 1, &sound);
    let c = write_f32(folder.path(), "c.wav", 8_000, 2, &sound);
    assert_fails(&compare(&a, &b, &a, &[]), "b.wav");
    assert_fails(&compare(&c, &c, &a, &[]), "a.wav");
    assert_fails(&compare(&a, &folder.path().join("none.wav"), &a, &[]), "none.wav");
    let d = write_f32(folder.path(), "d.wav", 8_000, 1, &signals::noise(20_000, 0.1, 1));
    assert!(assert_fails(&compare(&a, &a, &d, &[]), "d.wav").contains("2.5 s, the clean file 1.0 s"));
    assert!(compare(&a, &c, &c, &[]).status.success(), "mono is the reference of each channel");
}

/// A Python that has `pystoi`: the one of `SOURDINE_PYTHON`, or `python3`.
fn python() -> Option<String> {
    let python = std::env::var("SOURDINE_PYTHON").unwrap_or_else(|_| "python3".into());
    let run = Command::new(&python).args(["-c", "import pystoi"]).output();
    run.is_ok_and(|run| run.status.success()).then_some(python)
}

/// Prints STOI and ESTOI for each line of rate, clean and noisy file on stdin.
const SCRIPT: &str = "
import sys, numpy, pystoi
for line in sys.stdin:
    rate, *paths = line.split()
    x, y = (numpy.fromfile(p, '<f4').astype(float) for p in paths)
    print(*(pystoi.stoi(x, y, int(rate), extended=e) for e in (False, True)))
";

#[test]
fn stoi_is_that_of_pystoi() {
    let Some(python) = python() else {
        println!("SKIPPED: no Python with pystoi (pip install pystoi, and name it in SOURDINE_PYTHON)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut cases, mut lines) = (Vec::new(), String::new());
    for rate in [8_000, 10_000, 16_000, 44_100, 48_000] {
        for (seed, gain) in [(1, 0.01), (2, 0.05), (3, 0.3)] {
            let len = 4 * rate as usize;
            let clean = signals::speechlike(len, rate, seed);
            let noisy: Vec<f32> =
                clean.iter().zip(signals::noise(len, gain, seed + 50)).map(|(c, n)| c + n).collect();
            let name = |side: &str, kind: &str| format!("{side}-{rate}-{seed}.{kind}");
            let [x, y] = [("x", &clean), ("y", &noisy)].map(|(side, x)| {
                let raw = folder.path().join(name(side, "raw"));
                std::fs::write(&raw, x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()).unwrap();
                lines += &format!(
                    "{} {}",
                    if side == "x" { rate.to_string() } else { String::new() },
                    raw.display()
                );
                write_f32(folder.path(), &name(side, "wav"), rate, 1, x)
            });
            lines += "\n";
            cases.push((rate, gain, x, y));
        }
    }
    let mut run = Command::new(&python)
        .args(["-c", SCRIPT])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    run.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let run = run.wait_with_output().unwrap();
    assert!(run.status.success());
    let text = String::from_utf8(run.stdout).unwrap();
    assert_eq!(text.lines().count(), cases.len(), "{text}");
    for ((rate, gain, clean, noisy), line) in cases.into_iter().zip(text.lines()) {
        let ours = json(&clean, &noisy, &noisy, &["--no-align"]);
        for (name, theirs) in ["stoi", "estoi"].into_iter().zip(line.split_whitespace()) {
            let (ours, theirs) = (ours["before"][name].as_f64().unwrap(), theirs.parse::<f64>().unwrap());
            println!("{rate} Hz, noise {gain}: {name} {ours:.7}, pystoi {theirs:.7}");
            // At 10 kHz nothing is resampled. Elsewhere the resamplers differ, and a frame at the edge of silence may
            // be kept by one and not by the other.
            let most = if rate == 10_000 { 1e-6 } else { 5e-3 };
            assert!((ours - theirs).abs() < most, "{rate} Hz, noise {gain}: {name} {ours}, {theirs}");
        }
    }
}
