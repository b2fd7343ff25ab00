//! ffmpeg and sox, as makers of files and as second opinions.

use std::path::Path;
use std::process::{Command, Stdio};

use sourdine_soundfile::{Overwrite, SoundError, SoundReader, SoundRewriter};

/// Returns whether a tool is installed. Says so if not, and fails where `SOURDINE_REQUIRE_TOOLS` is 1.
#[allow(clippy::print_stdout, reason = "the one way for a test to say that it was skipped")]
pub(crate) fn have(tool: &str) -> bool {
    let flag = if tool == "sox" { "--version" } else { "-version" };
    let found = Command::new(tool).arg(flag).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        assert!(
            std::env::var_os("SOURDINE_REQUIRE_TOOLS").is_none_or(|value| value != "1"),
            "{tool} is missing"
        );
        println!("skipped: {tool} is not installed");
    }
    found
}

/// Runs a tool, which has to succeed, and returns what it printed.
pub(crate) fn run(tool: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(tool).args(arguments).stdin(Stdio::null()).output().expect("starting a tool");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {said}");
    output.stdout
}

/// Decodes a file with ffmpeg, to its raw format `raw` ("s16le").
pub(crate) fn decoded(file: &Path, raw: &str) -> Vec<u8> {
    let codec = format!("pcm_{raw}");
    let file = file.to_str().expect("a plain name");
    run("ffmpeg", &["-v", "error", "-i", file, "-map", "0:a:0", "-c:a", &codec, "-f", raw, "-"])
}

/// The same as `f32`.
pub(crate) fn decoded_f32(file: &Path) -> Vec<f32> {
    let bytes = decoded(file, "f64le");
    bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect()
}

/// All samples of a file, and its reader behind them.
pub(crate) fn read(input: &Path) -> (Vec<f32>, SoundReader) {
    let mut reader = SoundReader::open(input).unwrap_or_else(|error| panic!("{error}"));
    let channels = usize::from(reader.spec().channels);
    let mut block = vec![0.0; 1000 * channels];
    let mut all = Vec::new();
    loop {
        match reader.read(&mut block).unwrap_or_else(|error| panic!("{error}")) {
            0 => return (all, reader),
            frames => all.extend(&block[..frames * channels]),
        }
    }
}

/// Rewrites a file unchanged, with writing `late` blocks behind reading, as a denoiser is, and returns how many frames it
/// has.
pub(crate) fn pass(input: &Path, output: &Path, late: usize) -> Result<u64, SoundError> {
    let mut rewriter = SoundRewriter::create(SoundReader::open(input)?, output, Overwrite::Refuse)?;
    let channels = usize::from(rewriter.reader().spec().channels);
    let mut waiting = std::collections::VecDeque::new();
    let mut total = 0;
    loop {
        let mut block = vec![0.0; 441 * channels];
        let frames = rewriter.read(&mut block)?;
        total += frames as u64;
        block.truncate(frames * channels);
        waiting.push_back(block);
        while waiting.len() > late || (frames == 0 && !waiting.is_empty()) {
            rewriter.write(&waiting.pop_front().expect("it is not empty"))?;
        }
        if frames == 0 {
            return rewriter.finish().map(|()| total);
        }
    }
}
