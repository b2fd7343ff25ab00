//! `-` for the standard input and output: WAV of unknown length, raw samples, real pipelines.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{clean, read_f32, sourdine, stderr, write_f32};
use sourdine_testkit::signals;

/// Runs the tool with these bytes on its standard input.
fn through(args: &[&str], input: &[u8]) -> Output {
    let mut child =
        sourdine(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // It may exit before it has read all.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// A 16-bit voice with noise as a file, cleaned as a file: what pipes must equal.
fn voice(folder: &Path) -> (Vec<u8>, Vec<f32>) {
    let samples = signals::speechlike(60_000, 48_000, 3);
    let path = write_f32(folder, "in.wav", 48_000, 1, &samples);
    assert!(clean(&path, &[]).status.success());
    (std::fs::read(path).unwrap(), read_f32(&folder.join("in.clean.wav")))
}

fn f32s(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

#[test]
fn a_wav_through_a_pipe_equals_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, expected) = voice(folder.path());
    // As a file gives it, and as a program that does not know the length writes it.
    let mut unknown = wav.clone();
    let data = unknown.windows(4).position(|w| w == b"data").unwrap();
    unknown[4..8].fill(0xFF);
    unknown[data + 4..data + 8].fill(0xFF);
    for input in [&wav, &unknown] {
        let run = through(&["clean", "-", "-o", "-"], input);
        assert!(run.status.success(), "{}", stderr(&run));
        let start = run.stdout.windows(4).position(|w| w == b"data").unwrap() + 8;
        assert!(f32s(&run.stdout[start..]) == expected, "the same bits");
        assert!(stderr(&run).contains("48000 Hz"), "the result is printed on stderr: {}", stderr(&run));
    }
    let to_file = folder.path().join("piped.wav");
    let run = through(&["clean", "-", "-o", to_file.to_str().unwrap()], &unknown);
    assert!(run.status.success(), "{}", stderr(&run));
    assert!(read_f32(&to_file) == expected, "with the true length in its header");
    let run = through(&["clean", "-", "-o", "-", "--attenuation-limit", "0", "--quiet"], &wav);
    assert!(run.stdout == wav && run.stderr.is_empty(), "0 dB: the same bytes, and silence");
}

/// Whoever writes into a pipe cannot state the length.
#[test]
fn strict_lets_a_stream_of_unknown_length_pass() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bytes, _) = voice(folder.path());
    let at = bytes.windows(4).position(|name| name == b"data").unwrap() + 4;
    bytes[at..at + 4].fill(0xFF);
    let run = through(&["clean", "-", "--strict", "-o", "-"], &bytes);
    assert!(run.status.success(), "{}", stderr(&run));
    assert_eq!(run.stdout.len(), bytes.len());
    assert!(!stderr(&run).contains("note"), "{}", stderr(&run));
}

#[test]
fn raw_samples_stay_raw() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, expected) = voice(folder.path());
    let start = wav.windows(4).position(|w| w == b"data").unwrap() + 8;
    let run = through(&["clean", "-", "--raw", "f32le:48000:1", "-o", "-"], &wav[start..]);
    assert!(run.status.success(), "{}", stderr(&run));
    assert!(f32s(&run.stdout) == expected);
    let mut random = signals::Random::new(5);
    let noise: Vec<u8> = (0..96_000).map(|_| random.bits() as u8).collect();
    for format in ["u8", "s8", "s16le", "s16be", "s24be", "s32le", "s32be", "f64be", "alaw", "mulaw"] {
        let spec = format!("{format}:16000:2");
        let run = through(&["clean", "-", "--raw", &spec, "-o", "-", "--attenuation-limit", "0"], &noise);
        assert!(run.status.success(), "{}", stderr(&run));
        if format != "f64be" {
            // Random bytes are huge numbers as float; those are no sound.
            assert!(run.stdout == noise, "{format}: 0 dB gives the same bytes");
        }
    }
    for wrong in ["s16le", "s17le:48000:1", "s16le:0:1"] {
        let run = through(&["clean", "-", "--raw", wrong, "-o", "-"], &[]);
        assert_eq!(run.status.code(), Some(64), "{wrong}");
    }
    let run = through(&["clean", "x.wav", "--raw", "s16le:48000:1"], &[]);
    assert_eq!(run.status.code(), Some(1), "{}", stderr(&run));
}

#[test]
fn writing_starts_before_the_input_ends() {
    let mut child = sourdine(&["clean", "-", "--raw", "s16le:48000:1", "-o", "-", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&[0; 96_000]).unwrap();
    stdin.flush().unwrap();
    // A second went in and the pipe stays open: most of it must come out.
    let mut got = vec![0; 60_000];
    child.stdout.as_mut().unwrap().read_exact(&mut got).unwrap();
    drop(stdin);
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_f32(folder.path(), "in.wav", 48_000, 1, &signals::noise(480_000, 0.1, 1));
    let mut child = sourdine(&["clean", path.to_str().unwrap(), "-o", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut head = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut head).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!stderr(&output).contains("sourdine:"), "{}", stderr(&output));
}

#[test]
fn what_is_no_sound_is_refused() {
    for (input, words) in [
        (&b""[..], "empty"),
        (b"hello there, this is a text", "not a WAV"),
        (b"RIFF\0\0\0\0WAVEfmt ", "header"),
    ] {
        let run = through(&["clean", "-", "-o", "-"], input);
        assert_eq!(run.status.code(), Some(1), "{words}");
        assert!(stderr(&run).contains(words) && stderr(&run).contains("standard input"), "{}", stderr(&run));
        assert!(run.stdout.is_empty());
    }
}

/// The pipeline of the manual, with the real ffmpeg on both sides.
#[test]
fn between_two_ffmpegs() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        assert!(std::env::var_os("SOURDINE_REQUIRE_TOOLS").is_none(), "ffmpeg is missing");
        println!("skipped: there is no ffmpeg");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (_, expected) = voice(folder.path());
    let tool = env!("CARGO_BIN_EXE_sourdine");
    let line = format!(
        "set -o pipefail; ffmpeg -v error -i in.wav -f wav -c:a pcm_f32le - | '{tool}' clean - -o - --quiet | ffmpeg -v error -i - -c:a pcm_f32le out.wav"
    );
    let run = Command::new("bash").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
    assert!(run.status.success(), "{}", stderr(&run));
    assert!(run.stderr.is_empty(), "{}", stderr(&run));
    assert!(read_f32(&folder.path().join("out.wav")) == expected);
}
