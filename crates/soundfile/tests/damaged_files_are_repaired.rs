//! Files cut off, torn, or with a header that does not know: what is there is used, said, and written back whole.

mod common;

use std::fs;

use common::{Wav, folder, put, read_all, rewrite};
use sourdine_soundfile::{Notice, Overwrite, SampleFormat, SoundReader};

const FORMAT: SampleFormat = SampleFormat::I16;

/// Reads `bytes`, checks frames and notices, rewrites, and checks that the output is a file without faults that has the
/// same samples and `expected` bytes.
fn check(what: &str, bytes: &[u8], frames: u64, notices: &[Notice], expected: &[u8]) {
    let folder = folder();
    let input = put(&folder, "in.wav", bytes);
    let mut reader = SoundReader::open(&input).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(reader.frames(), Some(frames), "{what}");
    assert_eq!(reader.notices(), notices, "{what}");
    for notice in reader.notices() {
        assert!(notice.to_string().len() > 20 && !notice.to_string().contains('\n'));
    }
    let samples = read_all(&mut reader, 100);
    assert_eq!(samples.len() as u64, frames * u64::from(reader.spec().channels), "{what}");

    let output = folder.path().join("out.wav");
    let written = rewrite(&input, &output, Overwrite::Refuse, |sample| sample).expect(what);
    assert_eq!(written, frames, "{what}");
    assert!(fs::read(&output).expect("reading back") == expected, "{what}: not the bytes expected");
    let mut again = SoundReader::open(&output).expect(what);
    assert_eq!(again.notices(), [], "{what}: the output has faults");
    assert_eq!(read_all(&mut again, 100), samples, "{what}");
    assert!(fs::read(&input).expect("reading back") == bytes, "{what}: the input was touched");
}

/// A file of `frames` frames whose header says so.
fn whole(wav: &Wav, frames: usize) -> Vec<u8> {
    let frame = usize::from(u16::from_le_bytes([wav.fmt[12], wav.fmt[13]]));
    Wav { data: wav.data[..frames * frame].to_vec(), data_size: None, riff_size: None, ..wav.clone() }.bytes()
}

#[test]
fn data_cut_off() {
    for magic in [*b"RIFF", *b"RF64"] {
        for (format, channels) in
            [(SampleFormat::U8, 1), (FORMAT, 2), (SampleFormat::I24, 1), (SampleFormat::F64, 6)]
        {
            let wav = Wav { magic, ..Wav::new(format, channels, 1000) };
            let frame = usize::from(channels) * format.bytes();
            for (kept, torn) in
                [(999, 0), (500, 0), (501, frame - 1), (500, 1), (1, 0), (0, frame - 1), (0, 0)]
            {
                if torn == frame {
                    continue;
                }
                let torn = torn % frame;
                let cut = wav.data_offset() + kept * frame + torn;
                let missing_bytes = (wav.data.len() - kept * frame - torn) as u64;
                let mut notices = vec![Notice::Truncated { missing_bytes }];
                if torn > 0 {
                    notices.push(Notice::PartialFrame { bytes: torn as u64 });
                }
                let what = format!("{format}, {kept} frames and {torn} bytes");
                // An empty cut leaves a file without sound, which is fine too.
                check(&what, &wav.bytes()[..cut], kept as u64, &notices, &whole(&wav, kept));
            }
        }
    }
}

#[test]
fn unknown_length_of_a_pipe() {
    let wav = Wav::new(FORMAT, 2, 1000);
    for size in [u32::MAX, 0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000, u32::MAX - 8] {
        for riff_size in [u32::MAX, 0, size.saturating_add(36)] {
            let pipe = Wav { riff_size: Some(riff_size), data_size: Some(size), ..wav.clone() };
            check("pipe", &pipe.bytes(), 1000, &[Notice::UnknownLength], &wav.bytes());
            let mut torn = pipe.bytes();
            torn.extend([1, 2, 3]);
            let notices = [Notice::UnknownLength, Notice::PartialFrame { bytes: 3 }];
            check("torn pipe", &torn, 1000, &notices, &wav.bytes());
        }
    }
    let mut large = Wav { magic: *b"RF64", ..wav.clone() }.bytes();
    large[28..36].fill(0xFF);
    check("RF64", &large, 1000, &[Notice::UnknownLength], &Wav { magic: *b"RF64", ..wav }.bytes());
}

#[test]
fn a_recorder_that_never_wrote_its_size() {
    let wav = Wav::new(FORMAT, 1, 1000);
    for riff_size in [0, 36, u32::MAX] {
        let crashed = Wav { data_size: Some(0), riff_size: Some(riff_size), ..wav.clone() };
        check("crashed", &crashed.bytes(), 1000, &[Notice::UnknownLength], &wav.bytes());
    }
    let chunks = Wav { before: Wav::new(FORMAT, 1, 0).with_chunks().before, ..wav };
    let crashed = Wav { data_size: Some(0), ..chunks.clone() };
    check("crashed with chunks", &crashed.bytes(), 1000, &[Notice::UnknownLength], &chunks.bytes());
}

#[test]
fn size_zero_that_is_true() {
    let empty = Wav::new(FORMAT, 1, 0);
    check("nothing behind", &empty.bytes(), 0, &[], &empty.bytes());
    let chunks = empty.with_chunks();
    check("chunks behind", &chunks.bytes(), 0, &[], &chunks.bytes());
}

#[test]
fn a_size_that_is_not_whole_frames() {
    for (format, channels) in [(FORMAT, 1), (FORMAT, 2), (SampleFormat::I24, 1), (SampleFormat::F32, 6)] {
        let good = Wav::new(format, channels, 301).with_chunks();
        let frame = usize::from(channels) * format.bytes();
        for bytes in [1, frame - 1] {
            let mut torn = good.clone();
            torn.data.extend(vec![9; bytes]);
            let notices = [Notice::PartialFrame { bytes: bytes as u64 }];
            check("not whole frames", &torn.bytes(), 301, &notices, &good.bytes());
        }
    }
}

#[test]
fn bytes_behind_the_container_stay_behind_it() {
    let good = Wav::new(FORMAT, 2, 301).with_chunks();
    let mut torn = good.clone();
    torn.data.push(1);
    let tag = b"TAG behind the file";
    let notices = [Notice::PartialFrame { bytes: 1 }];
    check("tag", &[&torn.bytes()[..], tag].concat(), 301, &notices, &[&good.bytes()[..], tag].concat());
}

#[test]
fn a_container_size_that_cannot_be_true_is_corrected_quietly() {
    for magic in [*b"RIFF", *b"RF64"] {
        let good = Wav { magic, ..Wav::new(FORMAT, 2, 300).with_chunks() };
        let mut bytes = good.bytes();
        let place = if magic == *b"RIFF" { 4..8 } else { 20..28 };
        bytes[place].fill(0x01);
        check("container", &bytes, 300, &[], &good.bytes());
    }
}
