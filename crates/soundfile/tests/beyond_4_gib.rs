//! Sizes beyond 32 bits, in files that are mostly holes.

#![cfg(unix)]

mod common;

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom};

use common::{Wav, folder, put};
use sourdine_soundfile::{Notice, Overwrite, SampleFormat, SoundReader, SoundRewriter};
use tempfile::TempDir;

const FRAMES: u64 = 1_500_000_000; // 6 GB
const DATA: u64 = FRAMES * 4;

/// The header of a file with `FRAMES` frames of silence, and a hole for them.
fn large(folder: &TempDir, magic: [u8; 4]) -> (std::path::PathBuf, u64) {
    let wav = Wav { magic, data_size: Some(u32::MAX), ..Wav::new(SampleFormat::I16, 2, 0) };
    let mut header = wav.bytes();
    let offset = header.len() as u64;
    if magic == *b"RF64" {
        header[20..28].copy_from_slice(&(offset - 8 + DATA).to_le_bytes());
        header[28..36].copy_from_slice(&DATA.to_le_bytes());
        header[36..44].copy_from_slice(&FRAMES.to_le_bytes());
    }
    let path = put(folder, "large.wav", &header);
    OpenOptions::new().write(true).open(&path).expect("open").set_len(offset + DATA).expect("a sparse file");
    (path, offset)
}

#[test]
fn rf64_is_read() {
    let folder = folder();
    let (path, offset) = large(&folder, *b"RF64");
    let mut reader = SoundReader::open(&path).unwrap();
    assert_eq!((reader.frames(), reader.notices()), (Some(FRAMES), &[][..]));
    assert_eq!(reader.read(&mut [1.0; 960]).unwrap(), 480);

    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(offset + DATA - 5_000_000_001).unwrap();
    let reader = SoundReader::open(&path).unwrap();
    assert_eq!(reader.frames(), Some((DATA - 5_000_000_001) / 4));
    let notices = [Notice::Truncated { missing_bytes: 5_000_000_001 }, Notice::PartialFrame { bytes: 3 }];
    assert_eq!(reader.notices(), notices);
}

#[test]
fn a_pipe_that_ran_very_long_is_read() {
    let folder = folder();
    let (path, _) = large(&folder, *b"RIFF");
    let reader = SoundReader::open(&path).unwrap();
    assert_eq!((reader.frames(), reader.notices()), (Some(FRAMES), &[Notice::UnknownLength][..]));
}

#[test]
#[ignore = "writes 6 GB, twice"]
fn both_are_written() {
    for magic in [*b"RF64", *b"RIFF"] {
        let folder = folder();
        let (path, offset) = large(&folder, magic);
        let output = folder.path().join("out.wav");
        let reader = SoundReader::open(&path).unwrap();
        let mut rewriter = SoundRewriter::create(reader, &output, Overwrite::Refuse).unwrap();
        let mut block = vec![0.0; 1 << 18];
        loop {
            let frames = rewriter.read(&mut block).unwrap();
            if frames == 0 {
                break;
            }
            block[frames * 2 - 1] = 0.5;
            rewriter.write(&block[..frames * 2]).unwrap();
        }
        rewriter.finish().unwrap();
        assert_eq!(SoundReader::open(&output).unwrap().frames(), Some(FRAMES));
        assert_eq!(fs::metadata(&output).unwrap().len(), offset + DATA);
        let mut last = [0; 2];
        let mut file = fs::File::open(&output).unwrap();
        file.seek(SeekFrom::End(-2)).unwrap();
        file.read_exact(&mut last).unwrap();
        assert_eq!(i16::from_le_bytes(last), 16_384);
    }
}
