//! Notices: in the summary line, in the JSON object, and with `--strict` as failures that write nothing.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{assert_fails, clean, listing, stderr, write_f32};
use tempfile::TempDir;

/// A WAV of a second with its end cut off.
fn cut_off(folder: &TempDir) -> PathBuf {
    let whole = write_f32(folder.path(), "cut.wav", 16_000, 1, &vec![0.1; 16_000]);
    let bytes = fs::read(&whole).unwrap();
    fs::write(&whole, &bytes[..bytes.len() / 2]).unwrap();
    whole
}

#[test]
fn a_notice_is_in_the_summary_line_and_in_the_json_object() {
    let folder = tempfile::tempdir().unwrap();
    let input = cut_off(&folder);
    let output = clean(&input, &["-a", "0"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let line = String::from_utf8_lossy(&output.stdout);
    assert!(line.contains("note: the file is cut off"), "{line}");
    assert_eq!(stderr(&output), "", "said once");
    let output = clean(&input, &["-a", "0", "--json", "--force"]);
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(object["notices"][0].as_str().unwrap().contains("cut off"), "{object}");
}

#[test]
fn strict_makes_a_notice_a_failure_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let input = cut_off(&folder);
    for options in [&["--strict", "-a", "0"][..], &["--strict", "--split"], &["--strict", "--trim"]] {
        let output = clean(&input, options);
        let line = assert_fails(&output, "cut.wav");
        assert!(line.contains("cut off") || line.contains("no speech"), "{line}");
        assert_eq!(listing(folder.path()), ["cut.wav"], "{options:?}");
    }
}

#[test]
fn strict_lets_a_sound_file_pass() {
    let folder = tempfile::tempdir().unwrap();
    let input = write_f32(folder.path(), "whole.wav", 16_000, 1, &vec![0.1; 16_000]);
    let output = clean(&input, &["--strict", "-a", "0"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(listing(folder.path()), ["whole.clean.wav", "whole.wav"]);
}
