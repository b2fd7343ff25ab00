//! Any folder of sound files: each is read as ffmpeg reads it, or refused in one line.
//!
//! ```sh
//! SOURDINE_CORPUS=~/Music cargo test -p sourdine-soundfile --test corpus -- --ignored --nocapture
//! ```
//!
//! Without ffmpeg it is only held that every file ends in sound or in one line, and that what is written again has as many
//! frames as were read.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test may, and this one reports.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{folder, line_of};
use sourdine_soundfile::{Overwrite, SoundError, SoundReader, SoundRewriter};

/// Files longer than this are left out, in frames.
const MOST_FRAMES: usize = 1 << 26;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    for path in entries {
        match fs::symlink_metadata(&path) {
            Ok(about) if about.is_dir() => files(&path, found),
            Ok(about) if about.is_file() => found.push(path),
            _ => {}
        }
    }
}

/// Reads a file and writes it again unchanged: its samples, and whether there were notices.
fn pass(input: &Path, output: &Path) -> Result<(Vec<f32>, Vec<String>), SoundError> {
    let mut rewriter = SoundRewriter::create(SoundReader::open(input)?, output, Overwrite::Replace)?;
    let channels = usize::from(rewriter.reader().spec().channels);
    let mut block = vec![0.0; 4096 * channels];
    let mut all = Vec::new();
    loop {
        let frames = rewriter.read(&mut block)?;
        if frames == 0 || all.len() / channels > MOST_FRAMES {
            break;
        }
        all.extend(&block[..frames * channels]);
        rewriter.write(&block[..frames * channels])?;
    }
    let notices = rewriter.reader().notices().iter().map(ToString::to_string).collect();
    if all.len() / channels <= MOST_FRAMES {
        rewriter.finish()?;
        assert_eq!(common::tools::read(output).0.len(), all.len(), "{}", input.display());
    }
    Ok((all, notices))
}

/// Decodes with ffmpeg; `None` if it is not installed or gives nothing. Opus goes through libopus, the reference: in some files
/// ffmpeg's own decoder is within 13 dB of it only.
fn theirs(input: &Path) -> Option<Vec<f32>> {
    let head = fs::read(input).ok()?;
    let is_opus = head.starts_with(b"OggS") && head.get(28..36) == Some(b"OpusHead");
    let decoder: &[&str] = if is_opus { &["-c:a", "libopus"] } else { &[] };
    let arguments = ["-i", input.to_str()?, "-map", "0:a:0", "-f", "f64le", "-"];
    let output = Command::new("ffmpeg")
        .args(["-v", "quiet", "-nostdin"])
        .args(decoder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let samples = output.stdout.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32);
    Some(samples.collect()).filter(|samples: &Vec<f32>| output.status.success() && !samples.is_empty())
}

/// The result of comparing two readings.
enum Agreement {
    Same,
    /// The same but for their ends, which lie apart by no more than an encoder's padding.
    Padding,
    /// The same as far as ffmpeg goes: it stops at the first of several recordings, or at a stated length.
    Further,
    Other(String),
}

/// More than an encoder puts around the sound, in samples of two channels.
const LONGEST_PADDING: usize = 2 * 8192;

fn compare(ours: &[f32], theirs: &[f32]) -> Agreement {
    let shorter = ours.len().min(theirs.len());
    let apart = ours.len().abs_diff(theirs.len());
    // Where one has padding that the other has not, their ends may differ.
    let length = if apart == 0 { shorter } else { shorter.saturating_sub(LONGEST_PADDING).max(shorter / 2) };
    let both = || ours[..length].iter().zip(theirs).filter(|(x, y)| x.is_finite() && y.is_finite());
    let wrong: f64 = both().map(|(x, y)| f64::from(x - y).powi(2)).sum();
    let right: f64 = both().map(|(_, y)| f64::from(*y).powi(2)).sum();
    if wrong > right * 1e-6 && wrong > 1e-12 * length as f64 {
        return Agreement::Other(format!("{:.1} dB against ffmpeg", 10.0 * (right / wrong).log10()));
    }
    match ours.len() {
        _ if apart == 0 => Agreement::Same,
        _ if apart <= LONGEST_PADDING && !ours.is_empty() => Agreement::Padding,
        longer if longer > theirs.len() => Agreement::Further,
        _ => Agreement::Other(format!("{} samples where ffmpeg has {}", ours.len(), theirs.len())),
    }
}

#[test]
#[ignore = "needs a folder of sound files in SOURDINE_CORPUS"]
fn every_file_is_read_as_ffmpeg_reads_it_or_refused_in_one_line() {
    let Some(corpus) = std::env::var_os("SOURDINE_CORPUS") else {
        panic!("say in SOURDINE_CORPUS where the files are");
    };
    let mut found = Vec::new();
    files(Path::new(&corpus), &mut found);
    assert!(!found.is_empty(), "no files");
    let folder = folder();
    let output = folder.path().join("out.wav");
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut wrong = Vec::new();
    for path in &found {
        let outcome = match pass(path, &output) {
            Err(error) => {
                line_of(&error);
                println!("refused: {error}");
                "refused"
            }
            Ok((ours, notices)) if !notices.is_empty() => {
                println!("repaired: {}: {} samples; {}", path.display(), ours.len(), notices.join("; "));
                "repaired"
            }
            Ok((ours, _)) => match theirs(path).map(|theirs| compare(&ours, &theirs)) {
                None => "read, without a second opinion",
                Some(Agreement::Same) => "read as ffmpeg reads it",
                Some(Agreement::Padding) => "read as ffmpeg reads it, but for padding",
                Some(Agreement::Further) => "read as ffmpeg reads it, and further",
                Some(Agreement::Other(difference)) => {
                    wrong.push(format!("{}: {difference}", path.display()));
                    "read otherwise"
                }
            },
        };
        *counts.entry(outcome).or_default() += 1;
    }
    for (outcome, count) in &counts {
        println!("{count:6} {outcome}");
    }
    assert!(wrong.is_empty(), "{} files:\n{}", wrong.len(), wrong.join("\n"));
}
