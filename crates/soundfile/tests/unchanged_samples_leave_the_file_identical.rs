//! A file in which nothing changes comes out byte for byte as it went in.

mod common;

use std::fs;

use common::{FORMATS, Wav, bits, extensible, folder, put, rewrite};
use sourdine_soundfile::{Overwrite, SampleFormat};

fn check(what: &str, bytes: &[u8]) {
    let folder = folder();
    let input = put(&folder, "in.wav", bytes);
    let output = folder.path().join("out.wav");
    rewrite(&input, &output, Overwrite::Refuse, |sample| sample).expect(what);
    assert!(fs::read(&output).expect("reading back") == bytes, "{what}");
    assert!(fs::read(&input).expect("reading back") == bytes, "{what}");
}

#[test]
fn formats_times_channels_times_headers_times_chunks() {
    for format in FORMATS {
        for channels in [1, 2, 6] {
            for frames in [0, 1, 5, 481, 24_001] {
                let plain = Wav::new(format, channels, frames);
                let tag = if format.is_float() { 3 } else { 1 };
                let long = extensible(tag, channels, 44_100, bits(format), bits(format));
                for wav in [
                    plain.clone(),
                    Wav { fmt: long, ..plain.clone() },
                    Wav { magic: *b"RF64", ..plain.clone() },
                    Wav { magic: *b"BW64", ..plain },
                ] {
                    let what = format!("{format}, {channels} channels, {frames} frames");
                    check(&what, &wav.bytes());
                    check(&what, &wav.with_chunks().bytes());
                }
            }
        }
    }
}

#[test]
fn every_bit_pattern_of_a_float() {
    // Noise of bits rather than of values: NaN with payloads, denormals, infinities.
    for format in [SampleFormat::F32, SampleFormat::F64] {
        let data: Vec<u8> = common::Numbers(99).take(40_000).flat_map(u64::to_le_bytes).collect();
        check("bits", &Wav { data, ..Wav::new(format, 2, 0) }.bytes());
    }
}

#[test]
fn a_forgotten_pad_byte_stays_forgotten() {
    let wav = Wav { padded: false, ..Wav::new(SampleFormat::U8, 1, 333) };
    check("at the end", &wav.bytes());
    check("between chunks", &Wav { before: vec![(*b"LIST", vec![b'x'; 7])], ..wav.with_chunks() }.bytes());
}

#[test]
fn bytes_behind_the_container_stay() {
    let mut bytes = Wav::new(SampleFormat::I16, 1, 100).with_chunks().bytes();
    bytes.extend(b"TAGsomething that a tagger put behind the file");
    check("tag", &bytes);
}

#[test]
fn bits_below_the_valid_ones_stay() {
    let fmt = extensible(1, 1, 48_000, 24, 20);
    check("20 in 24", &Wav { fmt, ..Wav::new(SampleFormat::I24, 1, 5000) }.bytes());
}
