//! Whatever the bytes, the answer is sound or one line, never a panic, and the output is never worse than the input.

mod common;

use std::fs;
use std::path::Path;

use common::{FORMATS, Wav, extensible, folder, line_of};
use proptest::prelude::*;
use sourdine_soundfile::{Overwrite, SoundReader};

/// Opens, reads and rewrites `bytes` if they are a WAV file at all.
fn run(folder: &Path, bytes: &[u8]) {
    let (input, output) = (folder.join("hostile.wav"), folder.join("out.wav"));
    fs::write(&input, bytes).expect("writing a test file");
    let reader = match SoundReader::open(&input) {
        Ok(reader) => reader,
        Err(error) => {
            line_of(&error);
            return;
        }
    };
    // ADPCM is decoded and comes out longer.
    let adpcm = |at: &[u8]| at.starts_with(b"fmt ") && matches!(at[8..], [2 | 0x11, 0]);
    if bytes.windows(10).any(adpcm) {
        return;
    }
    let Some(frames) = reader.frames() else {
        // Bytes in front of a header: symphonia's probe looks for one further on, and its decoder reads what follows.
        assert!(!["RIFF", "RF64", "BW64", "RIFX"].iter().any(|magic| bytes.starts_with(magic.as_bytes())));
        common::rewrite(&input, &output, Overwrite::Replace, |sample| sample).ok();
        return;
    };
    let size = frames * reader.spec().frame_bytes() as u64;
    assert!(size <= bytes.len() as u64, "more sound than file");
    let halved =
        common::rewrite(&input, &output, Overwrite::Replace, |sample| sample * 0.5).expect("rewriting");
    assert_eq!(halved, frames);
    let again = SoundReader::open(&output).expect("the output of what could be read");
    assert_eq!((again.frames(), again.spec()), (reader.frames(), reader.spec()));
    assert_eq!(again.notices(), [], "the output has faults");
    common::rewrite(&input, &output, Overwrite::Replace, |sample| sample).expect("rewriting");
    if reader.notices().is_empty() {
        let mut out = fs::read(&output).expect("reading back");
        assert_eq!(out.len(), bytes.len());
        // The size of the container may have been corrected.
        out[4..8].copy_from_slice(&bytes[4..8]);
        if !bytes.starts_with(b"RIFF") {
            out[20..28].copy_from_slice(&bytes[20..28]);
        }
        assert!(out == bytes, "a file without faults came out different");
    }
}

/// Short files of every kind.
fn seeds() -> impl Strategy<Value = Vec<u8>> {
    let magics = prop::sample::select(vec![*b"RIFF", *b"RF64", *b"BW64"]);
    let formats = prop::sample::select(FORMATS.to_vec());
    (formats, 1_u16..4, 0_usize..20, magics, any::<bool>(), any::<bool>()).prop_map(
        |(format, channels, frames, magic, chunks, long)| {
            let mut wav = Wav { magic, ..Wav::new(format, channels, frames) };
            if long {
                let tag = if format.is_float() { 3 } else { 1 };
                wav.fmt = extensible(tag, channels, 48_000, common::bits(format), common::bits(format));
            }
            if chunks { wav.with_chunks().bytes() } else { wav.bytes() }
        },
    )
}

/// One way of spoiling a file; places and lengths are taken modulo what there is.
#[derive(Clone, Debug)]
enum Spoil {
    Set(usize, u8),
    SetWord(usize, u32),
    Cut(usize),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
}

fn spoils() -> impl Strategy<Value = Spoil> {
    let words = prop_oneof![
        Just(0),
        Just(1),
        Just(u32::MAX),
        Just(u32::MAX - 7),
        Just(0x7FFF_FFFF),
        Just(0x8000_0000),
        0_u32..2000,
        any::<u32>(),
        Just(u32::from_le_bytes(*b"data")),
        Just(u32::from_le_bytes(*b"fmt ")),
        Just(u32::from_le_bytes(*b"ds64")),
    ];
    // Most of what matters stands in the first hundred bytes.
    let places = prop_oneof![0_usize..100, any::<usize>()];
    prop_oneof![
        (places.clone(), any::<u8>()).prop_map(|(at, byte)| Spoil::Set(at, byte)),
        (places.clone(), words).prop_map(|(at, word)| Spoil::SetWord(at, word)),
        places.clone().prop_map(Spoil::Cut),
        (places.clone(), 1_usize..50).prop_map(|(at, length)| Spoil::Remove(at, length)),
        (places, prop::collection::vec(any::<u8>(), 1..50)).prop_map(|(at, bytes)| Spoil::Insert(at, bytes)),
    ]
}

fn spoil(bytes: &mut Vec<u8>, how: Spoil) {
    let length = bytes.len().max(1);
    let end = |at: usize, more: usize| (at % length).saturating_add(more).min(bytes.len());
    match how {
        Spoil::Set(at, byte) => {
            if let Some(place) = bytes.get_mut(at % length) {
                *place = byte;
            }
        }
        Spoil::SetWord(at, word) => {
            let at = (at % length) & !1;
            if let Some(place) = bytes.get_mut(at..at + 4) {
                place.copy_from_slice(&word.to_le_bytes());
            }
        }
        Spoil::Cut(at) => bytes.truncate(at % length),
        Spoil::Remove(at, more) => {
            let range = (at % length).min(bytes.len())..end(at, more);
            bytes.drain(range);
        }
        Spoil::Insert(at, more) => {
            let at = (at % length).min(bytes.len());
            bytes.splice(at..at, more);
        }
    }
}

#[test]
fn a_byte_in_front_of_the_header() {
    let mut bytes = Wav::new(FORMATS[0], 1, 3).bytes();
    bytes.insert(0, 0);
    run(folder().path(), &bytes);
}

// PROPTEST_CASES asks for more.
proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1500), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        run(folder().path(), &bytes);
    }

    #[test]
    fn random_chunks_in_a_container(
        large in any::<bool>(),
        size in any::<u32>(),
        chunks in prop::collection::vec(
            (
                prop::sample::select(vec![*b"fmt ", *b"data", *b"ds64", *b"LIST"]),
                prop_oneof![0_u32..60, any::<u32>()],
                prop::collection::vec(any::<u8>(), 0..60),
            ),
            0..6,
        ),
    ) {
        let mut bytes = if large { b"RF64".to_vec() } else { b"RIFF".to_vec() };
        bytes.extend(size.to_le_bytes());
        bytes.extend(b"WAVE");
        for (id, size, content) in chunks {
            bytes.extend(id);
            bytes.extend(size.to_le_bytes());
            bytes.extend(content);
        }
        run(folder().path(), &bytes);
    }

    #[test]
    fn spoilt_files(mut bytes in seeds(), how in prop::collection::vec(spoils(), 0..5)) {
        how.into_iter().for_each(|how| spoil(&mut bytes, how));
        run(folder().path(), &bytes);
    }
}
