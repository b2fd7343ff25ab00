//! A build without the feature `formats` reads and writes WAV, and refuses everything else by its name.
#![cfg(not(feature = "formats"))]

mod common;

use std::fs;

use common::{Wav, fmt, folder, line_of, names, put, rewrite};
use sourdine_soundfile::{Overwrite, SampleFormat, SoundErrorKind as Kind, SoundReader};

#[test]
fn wav_is_rewritten() {
    let folder = folder();
    let input = put(&folder, "in.wav", &Wav::new(SampleFormat::I24, 2, 1000).with_chunks().bytes());
    let output = folder.path().join("out.wav");
    assert_eq!(rewrite(&input, &output, Overwrite::Refuse, |sample| sample).unwrap(), 1000);
    assert_eq!(fs::read(&output).unwrap(), fs::read(&input).unwrap());
}

#[test]
fn other_inputs_are_refused_by_name() {
    let folder = folder();
    let mut adpcm = Wav::new(SampleFormat::I16, 1, 1000);
    adpcm.fmt = fmt(2, 1, 48_000, 4);
    for (bytes, what) in [
        (&b"fLaC\0\0\0\x22 and more than sixteen bytes"[..], "FLAC"),
        (b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "Ogg (Vorbis or Opus)"),
        (b"FORM\0\0\0\x20AIFFCOMM\0\0\0\x12\0\x01", "AIFF"),
        (b"\xFF\xFB\x90\x64 and more than sixteen bytes", "MP3"),
        (&adpcm.bytes(), "compressed sound"),
    ] {
        let input = put(&folder, "in.file", bytes);
        let error = SoundReader::open(&input).expect_err(what);
        assert_eq!(error.kind(), Kind::NotInThisBuild { what });
        assert!(line_of(&error).contains("without --no-default-features"), "{error}");
    }
    let error = SoundReader::open(&put(&folder, "in.file", b"hello, this is a text")).unwrap_err();
    assert_eq!(error.kind(), Kind::NotWav { looks_like: None });
}

#[test]
fn flac_is_not_written_and_nothing_is_left() {
    let folder = folder();
    let input = put(&folder, "in.wav", &Wav::new(SampleFormat::I16, 1, 1000).bytes());
    let error = rewrite(&input, &folder.path().join("out.flac"), Overwrite::Refuse, |sample| sample);
    assert_eq!(error.unwrap_err().kind(), Kind::NotInThisBuild { what: "FLAC" });
    assert_eq!(names(&folder), ["in.wav"]);
}
