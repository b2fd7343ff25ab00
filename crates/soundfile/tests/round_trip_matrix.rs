//! Files that other programs made (ffmpeg, sox) and files built by hand, through reader and writer: samples, length,
//! alignment and metadata come out as the crate promises.
//!
//! Without ffmpeg or sox these tests pass with a message; with `SOURDINE_REQUIRE_TOOLS=1` they fail.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::fs;
use std::io::{self, Cursor, Write};
use std::panic;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use common::{Numbers, Wav, extensible, folder, put};
use sourdine_soundfile::{Overwrite, SampleFormat, SoundErrorKind, SoundReader, SoundRewriter};
use tempfile::TempDir;

use SampleFormat::{ALaw, F32, F64, I16, I24, I32, MuLaw, U8};

/// Frames of every source: no multiple of any codec's block.
const FRAMES: usize = 12_345;

/// A file to be made: its name, rate, channels, what it is to be read as, and the encoder's options.
struct Case(&'static str, u32, u16, SampleFormat, &'static [&'static str]);

/// Lossless files made by ffmpeg.
const FFMPEG: &[Case] = &[
    Case("u8.wav", 8_000, 1, U8, &["-c:a", "pcm_u8"]),
    Case("u8-stereo.wav", 11_025, 2, U8, &["-c:a", "pcm_u8"]),
    Case("s16.wav", 16_000, 1, I16, &["-c:a", "pcm_s16le"]),
    Case("s16-stereo.wav", 44_100, 2, I16, &["-c:a", "pcm_s16le"]),
    Case("s16-quad.wav", 48_000, 4, I16, &["-c:a", "pcm_s16le"]),
    Case("s16-surround.wav", 48_000, 6, I16, &["-c:a", "pcm_s16le"]),
    Case("s16-octet.wav", 48_000, 8, I16, &["-c:a", "pcm_s16le"]),
    Case("s24.wav", 48_000, 1, I24, &["-c:a", "pcm_s24le"]),
    Case("s24-stereo.wav", 96_000, 2, I24, &["-c:a", "pcm_s24le"]),
    Case("s24-surround.wav", 192_000, 6, I24, &["-c:a", "pcm_s24le"]),
    Case("s32.wav", 48_000, 1, I32, &["-c:a", "pcm_s32le"]),
    Case("s32-three.wav", 44_100, 3, I32, &["-c:a", "pcm_s32le"]),
    Case("f32.wav", 48_000, 1, F32, &["-c:a", "pcm_f32le"]),
    Case("f32-stereo.wav", 22_050, 2, F32, &["-c:a", "pcm_f32le"]),
    Case("f64.wav", 48_000, 1, F64, &["-c:a", "pcm_f64le"]),
    Case("f64-surround.wav", 48_000, 6, F64, &["-c:a", "pcm_f64le"]),
    Case("alaw.wav", 8_000, 1, ALaw, &["-c:a", "pcm_alaw"]),
    Case("alaw-stereo.wav", 8_000, 2, ALaw, &["-c:a", "pcm_alaw"]),
    Case("mulaw.wav", 8_000, 1, MuLaw, &["-c:a", "pcm_mulaw"]),
    Case("mulaw-stereo.wav", 16_000, 2, MuLaw, &["-c:a", "pcm_mulaw"]),
    Case("rf64.wav", 48_000, 2, I16, &["-c:a", "pcm_s16le", "-rf64", "always"]),
    Case("rf64-float.wav", 48_000, 1, F32, &["-c:a", "pcm_f32le", "-rf64", "always"]),
    Case("bext.wav", 48_000, 1, I24, &["-c:a", "pcm_s24le", "-write_bext", "1"]),
    Case("peak.wav", 48_000, 1, I16, &["-c:a", "pcm_s16le", "-write_peak", "on"]),
    Case("s8.aiff", 8_000, 1, U8, &["-c:a", "pcm_s8"]),
    Case("s16.aiff", 44_100, 2, I16, &["-c:a", "pcm_s16be"]),
    Case("s24.aiff", 48_000, 1, I24, &["-c:a", "pcm_s24be"]),
    Case("s32.aiff", 48_000, 2, I32, &["-c:a", "pcm_s32be"]),
    Case("sowt.aifc", 48_000, 2, I16, &["-f", "aiff", "-c:a", "pcm_s16le"]),
    Case("f32.aifc", 48_000, 1, F32, &["-f", "aiff", "-c:a", "pcm_f32be"]),
    Case("f64.aifc", 48_000, 2, F64, &["-f", "aiff", "-c:a", "pcm_f64be"]),
    Case("alaw.aifc", 8_000, 1, I16, &["-f", "aiff", "-c:a", "pcm_alaw"]),
    Case("mulaw.aifc", 8_000, 1, I16, &["-f", "aiff", "-c:a", "pcm_mulaw"]),
    Case("s16le.caf", 44_100, 2, I16, &["-c:a", "pcm_s16le"]),
    Case("s16be.caf", 44_100, 1, I16, &["-c:a", "pcm_s16be"]),
    Case("s24be.caf", 48_000, 2, I24, &["-c:a", "pcm_s24be"]),
    Case("s32le.caf", 48_000, 1, I32, &["-c:a", "pcm_s32le"]),
    Case("f32le.caf", 48_000, 2, F32, &["-c:a", "pcm_f32le"]),
    Case("f64be.caf", 48_000, 1, F64, &["-c:a", "pcm_f64be"]),
    Case("alaw.caf", 8_000, 1, I16, &["-c:a", "pcm_alaw"]),
    Case("mulaw.caf", 8_000, 2, I16, &["-c:a", "pcm_mulaw"]),
    Case("s16.flac", 48_000, 1, I16, &["-c:a", "flac", "-sample_fmt", "s16"]),
    Case("s16-stereo.flac", 44_100, 2, I16, &["-c:a", "flac", "-sample_fmt", "s16"]),
    Case("s16-surround.flac", 48_000, 6, I16, &["-c:a", "flac", "-sample_fmt", "s16"]),
    Case("s24.flac", 96_000, 2, I24, &["-c:a", "flac", "-sample_fmt", "s32"]),
    Case("s24-octet.flac", 48_000, 8, I24, &["-c:a", "flac", "-sample_fmt", "s32"]),
    Case("s16.m4a", 44_100, 2, I16, &["-c:a", "alac", "-sample_fmt", "s16p"]),
    Case("s24.m4a", 48_000, 1, I24, &["-c:a", "alac", "-sample_fmt", "s32p"]),
    Case("s16-alac.caf", 44_100, 1, I16, &["-c:a", "alac", "-sample_fmt", "s16p"]),
    Case("s16.oga", 48_000, 2, I16, &["-c:a", "flac", "-sample_fmt", "s16"]),
];

/// Lossless files made by sox.
const SOX: &[Case] = &[
    Case("u8.wav", 8_000, 1, U8, &["-b", "8", "-e", "unsigned-integer"]),
    Case("s16.wav", 16_000, 2, I16, &["-b", "16", "-e", "signed-integer"]),
    Case("s24.wav", 48_000, 2, I24, &["-b", "24", "-e", "signed-integer"]),
    Case("s32.wav", 48_000, 1, I32, &["-b", "32", "-e", "signed-integer"]),
    Case("f32.wav", 48_000, 6, F32, &["-b", "32", "-e", "floating-point"]),
    Case("f64.wav", 48_000, 2, F64, &["-b", "64", "-e", "floating-point"]),
    Case("alaw.wav", 8_000, 1, ALaw, &["-e", "a-law"]),
    Case("mulaw.wav", 8_000, 2, MuLaw, &["-e", "mu-law"]),
    Case("s8.aiff", 8_000, 2, U8, &["-b", "8"]),
    Case("s16.aiff", 44_100, 1, I16, &["-b", "16"]),
    Case("s24.aiff", 96_000, 2, I24, &["-b", "24"]),
    Case("s32.aifc", 48_000, 2, I32, &["-b", "32", "-e", "signed-integer", "-t", "aifc"]),
    Case("s8.flac", 8_000, 1, U8, &["-b", "8"]),
    Case("s16.flac", 44_100, 2, I16, &["-b", "16"]),
    Case("s24.flac", 48_000, 2, I24, &["-b", "24", "-C", "8"]),
    Case("s16.caf", 44_100, 2, I16, &["-b", "16"]),
];

/// The expected length of a lossy file, in frames.
enum Length {
    /// As many as the source: the container says what is delay and padding.
    Exact,
    /// As many as ffmpeg decodes: it does not.
    Ffmpeg,
}

/// A lossy file to be made by ffmpeg: its name, rate, channels, length, the encoder's options.
struct Lossy(&'static str, u32, u16, Length, &'static [&'static str]);

const LOSSY: &[Lossy] = &[
    Lossy("cbr.mp3", 44_100, 2, Length::Exact, &["-c:a", "libmp3lame", "-b:a", "192k"]),
    Lossy("mono.mp3", 48_000, 1, Length::Exact, &["-c:a", "libmp3lame", "-b:a", "96k"]),
    Lossy("vbr.mp3", 48_000, 2, Length::Exact, &["-c:a", "libmp3lame", "-q:a", "2"]),
    Lossy("mpeg2.mp3", 22_050, 1, Length::Exact, &["-c:a", "libmp3lame", "-b:a", "64k"]),
    Lossy(
        "plain.mp3",
        44_100,
        2,
        Length::Ffmpeg,
        &["-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0"],
    ),
    Lossy("stereo.ogg", 44_100, 2, Length::Exact, &["-c:a", "libvorbis", "-q:a", "6"]),
    Lossy("mono.ogg", 16_000, 1, Length::Exact, &["-c:a", "libvorbis", "-q:a", "4"]),
    Lossy("stereo.m4a", 44_100, 2, Length::Exact, &["-c:a", "aac", "-b:a", "192k", "-aac_pns", "0"]),
    Lossy("mono.m4a", 48_000, 1, Length::Exact, &["-c:a", "aac", "-b:a", "96k", "-aac_pns", "0"]),
    Lossy("adts.aac", 48_000, 1, Length::Ffmpeg, &["-c:a", "aac", "-b:a", "96k", "-aac_pns", "0"]),
];

#[test]
fn the_matrix_is_large_enough() {
    assert!(FFMPEG.len() + SOX.len() + LOSSY.len() + hand_made().len() >= 60);
}

#[test]
fn lossless_files_of_ffmpeg_keep_every_sample() {
    let folder = folder();
    if !tools(&["ffmpeg"]) {
        return;
    }
    let mut failures = Failures::default();
    for Case(name, rate, channels, format, options) in FFMPEG {
        let source = source(&folder, *rate, *channels);
        let path = folder.path().join(name);
        ffmpeg(&[&["-i", text(&source)], *options, &[text(&path)]].concat());
        failures.case(|| check_lossless(&path, *rate, *channels, *format));
    }
}

#[test]
fn lossless_files_of_sox_keep_every_sample() {
    let folder = folder();
    if !tools(&["ffmpeg", "sox"]) {
        return;
    }
    let mut failures = Failures::default();
    for Case(name, rate, channels, format, options) in SOX {
        let source = source(&folder, *rate, *channels);
        let path = folder.path().join(format!("sox-{name}"));
        run("sox", &[&["-R", "-D", "-V1", text(&source)], *options, &[text(&path)]].concat());
        failures.case(|| check_lossless(&path, *rate, *channels, *format));
    }
}

#[test]
fn files_built_by_hand_keep_every_byte() {
    let folder = folder();
    let with_ffmpeg = tools(&["ffmpeg"]);
    for (name, wav) in hand_made() {
        let path = put(&folder, &format!("{name}.wav"), &wav.bytes());
        let format = SoundReader::open(&path).unwrap_or_else(|error| panic!("{error}")).spec().format;
        let out = folder.path().join(format!("{name}.out.wav"));
        pass(&path, &out, 1.0);
        let (before, after) = (wav.bytes(), fs::read(&out).unwrap());
        let (start, length) = (wav.data_offset(), wav.data.len());
        assert!(after[start..start + length] == before[start..start + length], "{name}: the sound");
        let sizes_are_right = wav.data_size.is_none() && wav.riff_size.is_none() && wav.magic == *b"RIFF";
        if sizes_are_right && wav.padded {
            assert!(after == before, "{name}: not the same file");
        }
        // A forgotten pad byte is where ffmpeg loses its way.
        if with_ffmpeg && name != "no-pads" {
            assert!(decode(&out, format) == decode(&path, format), "{name}: ffmpeg hears a difference");
        }
    }
}

/// Kinds of WAV that ffmpeg and sox do not write.
fn hand_made() -> Vec<(&'static str, Wav)> {
    let base = |format, channels| Wav::new(format, channels, 1_001);
    let with = |tag: u16, format: SampleFormat, channels: u16| {
        let fmt = extensible(tag, channels, 48_000, common::bits(format), common::bits(format));
        Wav { fmt, ..base(format, channels) }
    };
    let law = |tag, format| {
        let mut fmt = common::fmt(tag, 1, 8_000, 8);
        fmt.extend([0, 0]);
        let before = vec![(*b"fact", 1_001_u32.to_le_bytes().to_vec())];
        Wav { fmt, before, ..base(format, 1) }
    };
    let mut eighteen = base(I16, 2);
    eighteen.fmt.extend([0, 0]);
    let mut twenty = Wav { fmt: extensible(1, 1, 48_000, 24, 20), ..base(I24, 1) };
    twenty.data.chunks_exact_mut(3).for_each(|sample| sample[0] &= 0xF0);
    vec![
        ("plain-chunks", base(I16, 1).with_chunks()),
        ("float-chunks", base(F32, 2).with_chunks()),
        ("18-byte-fmt", eighteen),
        ("extensible-int", with(1, I16, 2).with_chunks()),
        ("extensible-float", with(3, F32, 2)),
        ("20-in-24", twenty),
        ("odd-data", base(U8, 1).with_chunks()),
        ("alaw", law(6, ALaw)),
        ("mulaw", law(7, MuLaw)),
        ("bw64", Wav { magic: *b"BW64", ..base(I24, 2) }.with_chunks()),
        ("rf64", Wav { magic: *b"RF64", ..base(F64, 1) }.with_chunks()),
        ("pipe-sizes", Wav { data_size: Some(u32::MAX), riff_size: Some(u32::MAX), ..base(I16, 2) }),
        ("riff-size-0", Wav { data_size: Some(0), riff_size: Some(0), ..base(I16, 2) }),
        (
            "no-pads",
            Wav {
                padded: false,
                before: vec![(*b"bext", vec![1; 603]), (*b"iXML", vec![2; 9])],
                ..base(I16, 1)
            },
        ),
    ]
}

#[test]
fn lossy_files_are_as_long_and_as_late_as_ffmpeg_says() {
    let folder = folder();
    if !tools(&["ffmpeg"]) {
        return;
    }
    let mut failures = Failures::default();
    for Lossy(name, rate, channels, length, options) in LOSSY {
        let source = source(&folder, *rate, *channels);
        let path = folder.path().join(name);
        ffmpeg(&[&["-i", text(&source)], *options, &[text(&path)]].concat());
        failures.case(|| check_lossy(&path, &source, *rate, *channels, length));
    }
}

#[test]
fn surround_that_the_decoder_gets_wrong_is_refused() {
    let folder = folder();
    if !tools(&["ffmpeg"]) {
        return;
    }
    let (source, path) = (source(&folder, 48_000, 6), folder.path().join("surround.ogg"));
    ffmpeg(&["-i", text(&source), "-c:a", "libvorbis", text(&path)]);
    let error = SoundReader::open(&path).unwrap_err();
    assert_eq!(error.kind(), SoundErrorKind::VorbisChannels { stated: 6 });
}

#[test]
fn wav_pipes_keep_every_sample() {
    let folder = folder();
    if !tools(&["ffmpeg"]) {
        return;
    }
    for codec in
        ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw"]
    {
        let source = source(&folder, 48_000, 2);
        // Into a pipe ffmpeg cannot write the sizes.
        let wav = ffmpeg(&["-i", text(&source), "-c:a", codec, "-f", "wav", "-"]);
        let input = put(&folder, "in.wav", &wav);
        let reader = SoundReader::from_stream(Box::new(Cursor::new(wav)), "a pipe").unwrap();
        assert_eq!(reader.frames(), None, "{codec}");
        let stream = Shared::default();
        let rewriter = SoundRewriter::to_stream(reader, Box::new(stream.clone())).unwrap();
        assert_eq!(copy(rewriter, 1.0), FRAMES as u64, "{codec}");
        let out = put(&folder, "out.wav", &stream.0.lock().unwrap());
        assert!(decode(&out, F64) == decode(&input, F64), "{codec}");
    }
}

#[test]
fn raw_samples_keep_every_byte() {
    let bytes: Vec<u8> = Numbers(77).flat_map(u64::to_le_bytes).take(48_000).collect();
    let formats = [
        "u8", "s8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "f64le", "f64be",
        "alaw", "mulaw",
    ];
    for format in formats {
        let raw = format!("{format}:48000:2").parse().unwrap();
        let reader = SoundReader::raw(Box::new(Cursor::new(bytes.clone())), raw, "a pipe").unwrap();
        let frames = bytes.len() / reader.spec().frame_bytes();
        let stream = Shared::default();
        let rewriter = SoundRewriter::to_stream(reader, Box::new(stream.clone())).unwrap();
        assert_eq!(copy(rewriter, 1.0), frames as u64, "{format}");
        assert!(*stream.0.lock().unwrap() == bytes, "{format}");
    }
}

#[test]
fn other_names_are_refused() {
    let folder = folder();
    let path = put(&folder, "in.wav", &Wav::new(I16, 1, 10).bytes());
    for name in ["out.mp3", "out.ogg", "out.m4a", "out.aiff", "out.txt"] {
        let reader = SoundReader::open(&path).unwrap();
        let error = SoundRewriter::create(reader, &folder.path().join(name), Overwrite::Refuse).unwrap_err();
        assert_eq!(error.kind(), SoundErrorKind::OutputKind, "{name}");
        assert!(error.to_string().contains(".wav") && error.to_string().contains(".flac"), "{error}");
    }
}

/// Reads, writes and halves a file that loses nothing, and compares with what ffmpeg hears.
fn check_lossless(path: &Path, rate: u32, channels: u16, format: SampleFormat) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let reader = SoundReader::open(path).unwrap_or_else(|error| panic!("{error}"));
    let spec = reader.spec();
    assert_eq!((spec.sample_rate, spec.channels, spec.format), (rate, channels, format), "{name}");
    // The demuxer does not tell how long ALAC in CAF is.
    let stated = reader.frames().or_else(|| name.ends_with("alac.caf").then_some(FRAMES as u64));
    assert_eq!(stated, Some(FRAMES as u64), "{name}");
    assert_eq!(reader.notices(), [], "{name}");
    let before = decode(path, format);
    let original = floats(&decode(path, F64));
    assert_eq!(original.len(), FRAMES * usize::from(channels), "{name}: the test itself");
    let samples = read(reader);
    let same = samples.iter().zip(&original).all(|(ours, theirs)| *ours as f32 == *theirs as f32);
    assert!(samples.len() == original.len() && same, "{name}: read otherwise than by ffmpeg");

    let to_wav = path.with_extension("out.wav");
    assert_eq!(pass(path, &to_wav, 1.0), FRAMES as u64, "{name}");
    assert!(decode(&to_wav, format) == before, "{name}: to WAV and back");
    if path.extension().is_some_and(|extension| extension == "wav") {
        assert!(fs::read(&to_wav).unwrap() == fs::read(path).unwrap(), "{name}: not the same file");
    }
    assert_eq!(layout(&to_wav), layout(path), "{name}: speaker positions");

    let to_flac = path.with_extension("out.flac");
    if channels <= 8 {
        pass(path, &to_flac, 1.0);
        // 24 bits are what FLAC has of wider samples.
        let flac = floats(&decode(&to_flac, F64));
        let worst = flac.iter().zip(&original).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let held = matches!(format, U8 | I16 | I24 | ALaw | MuLaw);
        assert!(
            flac.len() == original.len() && worst <= if held { 0.0 } else { 1.001 / f64::from(1 << 23) },
            "{name}: to FLAC, off by {worst}"
        );
        if let (Some(theirs), Some(ours)) = (flac_checksum(path), flac_checksum(&to_flac)) {
            assert_eq!(ours, theirs, "{name}: the checksum of the samples");
        }
    }

    let halved = path.with_extension("half.wav");
    pass(path, &halved, 0.5);
    let half = floats(&decode(&halved, F64));
    assert_eq!(half.len(), original.len(), "{name}");
    for (i, (half, whole)) in half.iter().zip(&original).enumerate() {
        let bound = match format {
            U8 => 0.501 / 128.0,
            I16 => 0.501 / 32_768.0,
            I24 => 0.501 / 8_388_608.0,
            // A 16th of the octave that a value lies in, and the smallest step.
            ALaw | MuLaw => half.abs() / 32.0 + 8.1 / 32_768.0,
            I32 | F32 | F64 => 1e-7,
        };
        assert!((half - whole * 0.5).abs() <= bound, "{name}: sample {i} is {half}, not half of {whole}");
    }
    for file in [to_wav, to_flac, halved] {
        let _ = fs::remove_file(file);
    }
}

/// Reads and writes a lossy file, and compares with what ffmpeg hears and with what was encoded.
fn check_lossy(path: &Path, source: &Path, rate: u32, channels: u16, length: &Length) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let theirs = floats(&decode(path, F64));
    let width = usize::from(channels);
    let expected = match length {
        Length::Exact => FRAMES,
        Length::Ffmpeg => theirs.len() / width,
    };
    let reader = SoundReader::open(path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (rate, channels), "{name}");
    assert!(reader.frames().is_none_or(|frames| frames == expected as u64), "{name}: {:?}", reader.frames());
    let ours = read(reader);
    assert_eq!(ours.len() / width, expected, "{name}: frames");

    let original = floats(&decode(source, F64));
    for channel in 0..width {
        let [ours, theirs, original] = [&ours, &theirs, &original].map(|all| part(all, width, channel));
        if matches!(length, Length::Exact) && channel == 0 {
            assert_eq!(lag(&ours, &original), 0, "{name}: later or earlier than the original");
        }
        let signal: f64 = ours.iter().map(|x| x * x).sum();
        let noise: f64 = ours.iter().zip(&theirs).map(|(one, other)| (one - other).powi(2)).sum();
        let ratio = 10.0 * (signal / noise).log10();
        assert!(ratio > 60.0, "{name}: ffmpeg decodes it differently ({ratio:.1} dB)");
    }

    // The output has that length, and equals that sound to 24 bits.
    let out = path.with_extension("out.wav");
    assert_eq!(pass(path, &out, 1.0), expected as u64, "{name}");
    let written = floats(&decode(&out, F64));
    assert_eq!(written.len(), ours.len(), "{name}");
    let worst = written.iter().zip(&ours).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= 0.5001 / f64::from(1 << 23), "{name}: off by {worst}");
}

/// A sound of every channel its own, that uses the whole scale, as 64-bit float.
fn source(folder: &TempDir, rate: u32, channels: u16) -> PathBuf {
    let name = format!("source-{rate}-{channels}.wav");
    if let Ok(path) = folder.path().join(&name).canonicalize() {
        return path;
    }
    let mut numbers = Numbers(0x1234_5678_9ABC_DEF1 ^ u64::from(rate) << 8 ^ u64::from(channels));
    let mut data = Vec::with_capacity(FRAMES * usize::from(channels) * 8);
    // Low-passed noise with pauses: nothing that repeats, and what a lossy codec keeps well.
    let mut state = vec![[0.0_f64; 2]; channels.into()];
    for frame in 0..FRAMES {
        let swell = (frame as f64 / FRAMES as f64 * 11.0).sin().powi(2);
        for low in &mut state {
            let white = numbers.next().unwrap() as i64 as f64 / 2f64.powi(63);
            low[0] += 0.2 * (white - low[0]);
            low[1] += 0.2 * (low[0] - low[1]);
            data.extend((low[1] * 2.0 * swell).clamp(-1.0, 1.0).to_le_bytes());
        }
    }
    let mut fmt = extensible(3, channels, rate, 64, 64);
    let mask: u32 = match channels {
        1 => 0x4,
        2 => 0x3,
        3 => 0x7,
        4 => 0x33,
        6 => 0x3F,
        8 => 0x63F,
        _ => 0,
    };
    fmt[20..24].copy_from_slice(&mask.to_le_bytes());
    put(folder, &name, &Wav { fmt, data, ..Wav::new(F64, channels, 0) }.bytes())
}

/// Cases that failed, so that one does not hide the others.
#[derive(Default)]
struct Failures(usize);

impl Failures {
    fn case(&mut self, check: impl FnOnce()) {
        // The panic has said what it was about.
        self.0 += usize::from(panic::catch_unwind(panic::AssertUnwindSafe(check)).is_err());
    }
}

impl Drop for Failures {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.0 == 0, "{} cases failed", self.0);
    }
}

/// Rewrites `input`, every sample times `gain`, and returns how many frames it has.
fn pass(input: &Path, output: &Path, gain: f32) -> u64 {
    let reader = SoundReader::open(input).unwrap_or_else(|error| panic!("{error}"));
    let rewriter =
        SoundRewriter::create(reader, output, Overwrite::Replace).unwrap_or_else(|error| panic!("{error}"));
    copy(rewriter, gain)
}

/// Passes all of the sound on, every sample times `gain`, and returns how many frames it was.
fn copy(rewriter: SoundRewriter, gain: f32) -> u64 {
    // Times 1.0 would quieten NaN.
    let change = |sample| if gain == 1.0 { sample } else { sample * gain };
    common::pass_through(rewriter, change).unwrap_or_else(|error| panic!("{error}"))
}

fn read(mut reader: SoundReader) -> Vec<f64> {
    let mut block = vec![0.0; 777 * usize::from(reader.spec().channels)];
    let mut all = Vec::new();
    loop {
        let frames = reader.read(&mut block).unwrap();
        if frames == 0 {
            return all;
        }
        let samples = &block[..frames * usize::from(reader.spec().channels)];
        all.extend(samples.iter().map(|sample| f64::from(*sample)));
    }
}

/// Decodes a file with ffmpeg: as 64-bit float where `format` is float, else as 32-bit integer, which every other fits.
fn decode(path: &Path, format: SampleFormat) -> Vec<u8> {
    let raw = if format.is_float() { "f64le" } else { "s32le" };
    let codec = format!("pcm_{raw}");
    ffmpeg(&["-i", text(path), "-c:a", &codec, "-f", raw, "-"])
}

fn floats(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

fn part(samples: &[f64], channels: usize, channel: usize) -> Vec<f64> {
    samples.iter().skip(channel).step_by(channels).copied().collect()
}

/// The lag of `late` behind `early`, in frames, at which they differ least.
fn lag(late: &[f64], early: &[f64]) -> isize {
    const FARTHEST: usize = 2_500;
    let middle = &early[FARTHEST..FARTHEST + 1_500];
    let difference = |start: usize| -> f64 {
        late.iter().skip(start).zip(middle).map(|(one, other)| (one - other).powi(2)).sum()
    };
    let best = (0..2 * FARTHEST).min_by(|a, b| difference(*a).total_cmp(&difference(*b))).unwrap();
    best as isize - FARTHEST as isize
}

/// The speaker positions that ffmpeg sees; those of mono and stereo go without saying.
fn layout(path: &Path) -> String {
    let args =
        ["-v", "error", "-show_entries", "stream=channel_layout,channels", "-of", "csv=p=0", text(path)];
    let shown = String::from_utf8(run("ffprobe", &args)).unwrap().trim().to_owned();
    shown.replace("1,mono", "1,unknown").replace("2,stereo", "2,unknown")
}

/// The MD5 of the samples in a FLAC file's STREAMINFO.
fn flac_checksum(path: &Path) -> Option<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    bytes.starts_with(b"fLaC").then(|| bytes[26..42].to_vec())
}

fn ffmpeg(args: &[&str]) -> Vec<u8> {
    run("ffmpeg", &[&["-nostdin", "-v", "error", "-y", "-bitexact"], args].concat())
}

/// Runs a program to its end and returns what it printed.
fn run(program: &str, args: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
    output.stdout
}

/// Returns whether these programs are there.
#[allow(clippy::print_stdout, reason = "the one way for a test to say that it was skipped")]
fn tools(names: &[&str]) -> bool {
    names.iter().all(|name| {
        let version = if *name == "sox" { "--version" } else { "-version" };
        let there =
            Command::new(name).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        assert!(there || std::env::var_os("SOURDINE_REQUIRE_TOOLS").is_none(), "{name} is missing");
        if !there {
            println!("skipped: {name} is not installed");
        }
        there
    })
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Keeps what is written into it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
