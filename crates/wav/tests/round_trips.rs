//! Files of ffmpeg and sox through the crate: same samples, length, place and title.

mod common;

use std::path::{Path, PathBuf};

use common::tools::{decoded, have, pass, read, run};
use common::{Wav, extensible, folder, put};
use sourdine_wav::SampleFormat::{self, ALaw, F32, F64, I16, I24, I32, MuLaw, U8};
use sourdine_wav::SoundReader;
use tempfile::TempDir;

const TITLE: &str = "A title of ours";
const FRAMES: usize = 12_345;

/// A file that ffmpeg makes.
struct Case {
    extension: &'static str,
    codec: &'static str,
    rate: u32,
    channels: u16,
    /// What the samples are read as.
    format: SampleFormat,
}

/// Noise that uses every bit, as 32-bit integer.
fn source(folder: &TempDir, rate: u32, channels: u16) -> PathBuf {
    let mut wav = Wav::new(I32, channels, FRAMES);
    wav.fmt =
        if channels > 2 { extensible(1, channels, rate, 32, 32) } else { common::fmt(1, channels, rate, 32) };
    put(folder, "source.wav", &wav.bytes())
}

impl Case {
    fn make(&self, folder: &TempDir, extra: &[&str]) -> PathBuf {
        let source = source(folder, self.rate, self.channels);
        let made = folder.path().join(format!("made.{}", self.extension));
        let title = format!("title={TITLE}");
        let names = [source.to_str().expect("a plain name"), made.to_str().expect("a plain name")];
        let before = ["-v", "error", "-i", names[0], "-c:a", self.codec, "-metadata", &title];
        run("ffmpeg", &[&before[..], extra, &[names[1]]].concat());
        made
    }

    fn check(&self, extra: &[&str]) {
        let folder = folder();
        let made = self.make(&folder, extra);
        let what = format!("{} in {}, {} Hz × {}", self.codec, self.extension, self.rate, self.channels);
        let (samples, reader) = read(&made);
        let spec = reader.spec();
        assert_eq!(
            (spec.sample_rate, spec.channels, spec.format),
            (self.rate, self.channels, self.format),
            "{what}"
        );
        assert_eq!(reader.frames(), Some(FRAMES as u64), "{what}");
        assert_eq!(reader.notices(), [], "{what}");
        assert_eq!(samples.len(), FRAMES * usize::from(self.channels), "{what}");
        let theirs = decoded(&made, "f64le");
        assert!(same_samples(&samples, &theirs), "{what}: samples differ from ffmpeg's");

        let output = folder.path().join("out.wav");
        let finished = pass(&made, &output, 3).expect("a file that can be read and written");
        assert_eq!(finished.frames, FRAMES as u64, "{what}");
        if self.extension == "wav" {
            assert!(
                std::fs::read(&made).expect("a file that can be read and written")
                    == std::fs::read(&output).expect("a file that can be read and written"),
                "{what}: not the same bytes"
            );
        } else {
            self.compare(&made, &output, &theirs, &what);
        }
        // What FLAC holds without loss.
        if matches!(self.format, U8 | I16 | I24) {
            let output = folder.path().join("out.flac");
            pass(&made, &output, 0).expect("a file that can be read and written");
            self.compare(&made, &output, &theirs, &what);
        }
    }

    /// `theirs` is the sound of `made` by ffmpeg.
    fn compare(&self, made: &Path, output: &Path, theirs: &[u8], what: &str) {
        let kind = output.extension().expect("it has one");
        let what = format!("{what} to {}", kind.display());
        // 64-bit float holds all of every other format.
        assert!(decoded(output, "f64le") == theirs, "{what}: the payload is not bit-identical");
        let again = SoundReader::open(output).expect("a file that can be read and written");
        assert_eq!((again.frames(), again.spec().format), (Some(FRAMES as u64), self.format), "{what}");
        let holds = |path: &Path| {
            let bytes = std::fs::read(path).expect("a file that can be read and written");
            bytes.windows(TITLE.len()).any(|bytes| bytes == TITLE.as_bytes())
        };
        // Where the title is in the input at all, and is read (not from CAF), and the output has a place for it.
        if holds(made) && self.extension != "caf" && (kind == "wav" || self.extension == "flac") {
            assert!(holds(output), "{what}: the title is lost");
        }
    }
}

fn same_samples(ours: &[f32], theirs: &[u8]) -> bool {
    let theirs = theirs.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32);
    ours.iter().map(|x| x.to_bits()).eq(theirs.map(f32::to_bits))
}

/// Rates and channels for every codec.
const SHAPES: [(u32, u16); 3] = [(8_000, 1), (44_100, 2), (48_000, 6)];

fn check_all(extension: &'static str, codecs: &[(&'static str, SampleFormat)], extra: &[&str]) {
    if !have("ffmpeg") {
        return;
    }
    for &(codec, format) in codecs {
        for (rate, channels) in SHAPES {
            Case { extension, codec, rate, channels, format }.check(extra);
        }
    }
}

#[test]
fn wav_of_ffmpeg() {
    let codecs = [
        ("pcm_u8", U8),
        ("pcm_s16le", I16),
        ("pcm_s24le", I24),
        ("pcm_s32le", I32),
        ("pcm_f32le", F32),
        ("pcm_f64le", F64),
        ("pcm_alaw", ALaw),
        ("pcm_mulaw", MuLaw),
    ];
    check_all("wav", &codecs, &[]);
}

#[test]
fn rf64_of_ffmpeg() {
    check_all("wav", &[("pcm_s24le", I24), ("pcm_f32le", F32)], &["-rf64", "always"]);
}

#[test]
fn aiff_of_ffmpeg() {
    let codecs = [
        ("pcm_s16be", I16),
        ("pcm_s24be", I24),
        ("pcm_s32be", I32),
        ("pcm_f32be", F32),
        ("pcm_f64be", F64),
        ("pcm_alaw", I16),
        ("pcm_mulaw", I16),
    ];
    check_all("aiff", &codecs, &[]);
}

#[test]
fn caf_of_ffmpeg() {
    let codecs = [
        ("pcm_s16le", I16),
        ("pcm_s16be", I16),
        ("pcm_s24le", I24),
        ("pcm_s32be", I32),
        ("pcm_f32le", F32),
        ("pcm_f64be", F64),
    ];
    check_all("caf", &codecs, &[]);
}

#[test]
fn flac_and_alac_of_ffmpeg() {
    check_all("flac", &[("flac", I16)], &["-sample_fmt", "s16"]);
    check_all("flac", &[("flac", I24)], &["-sample_fmt", "s32"]);
    check_all("m4a", &[("alac", I16)], &["-sample_fmt", "s16p"]);
}

#[test]
fn files_of_sox() {
    if !have("sox") || !have("ffmpeg") {
        return;
    }
    let kinds = [
        ("wav", &["-b", "8"][..], U8),
        ("wav", &["-b", "16"], I16),
        ("wav", &["-b", "24"], I24),
        ("wav", &["-b", "32"], I32),
        ("wav", &["-b", "32", "-e", "floating-point"], F32),
        ("wav", &["-b", "64", "-e", "floating-point"], F64),
        ("wav", &["-e", "a-law"], ALaw),
        ("wav", &["-e", "u-law"], MuLaw),
        ("aiff", &["-b", "16"], I16),
        ("aiff", &["-b", "24"], I24),
        ("flac", &["-b", "8"], U8),
        ("flac", &["-b", "16"], I16),
        ("flac", &["-b", "24"], I24),
    ];
    for (extension, options, format) in kinds {
        for channels in [1, 2] {
            let folder = folder();
            let source = source(&folder, 22_050, channels);
            let made = folder.path().join(format!("made.{extension}"));
            let names = [source.to_str().expect("a plain name"), made.to_str().expect("a plain name")];
            run("sox", &[&["-D", names[0]], options, &[names[1]]].concat());
            let what = format!("sox {extension} {options:?} × {channels}");
            let (samples, reader) = read(&made);
            assert_eq!((reader.spec().format, reader.frames()), (format, Some(FRAMES as u64)), "{what}");
            let theirs = decoded(&made, "f64le");
            assert!(same_samples(&samples, &theirs), "{what}");
            let output = folder.path().join("out.wav");
            pass(&made, &output, 2).expect("a file that can be read and written");
            assert!(decoded(&output, "f64le") == theirs, "{what}");
        }
    }
}
