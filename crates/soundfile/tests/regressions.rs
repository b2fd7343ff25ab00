//! Files that the fuzz targets found, and others that decoders once failed on: `regressions/` holds them, named for what is
//! wrong in them. Each ends in sound or in one line, as a file, out of a pipe and written again.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::fs;
use std::io::Cursor;
use std::path::Path;

use common::{folder, line_of};
use sourdine_soundfile::{Overwrite, SoundError, SoundReader, SoundRewriter};

/// More than any of these files can hold.
const MOST_FRAMES: u64 = 1 << 22;

/// Reads to the end; the number of frames.
fn read(mut reader: SoundReader) -> Result<u64, SoundError> {
    let channels = usize::from(reader.spec().channels);
    let mut block = vec![0.0; 4096 * channels];
    let (stated, mut total) = (reader.frames(), 0);
    loop {
        match reader.read(&mut block)? {
            0 => {
                let missing = stated.is_some_and(|stated| stated != total);
                assert!(
                    !missing || !reader.notices().is_empty(),
                    "{total} of {stated:?} frames, without a word"
                );
                return Ok(total);
            }
            frames => total += frames as u64,
        }
        assert!(total < MOST_FRAMES, "more sound than file");
    }
}

/// Reads and writes again; the number of frames.
fn pass(input: &Path, output: &Path) -> Result<u64, SoundError> {
    let rewriter = SoundRewriter::create(SoundReader::open(input)?, output, Overwrite::Replace)?;
    common::pass_through(rewriter, |sample| sample)
}

#[test]
fn what_was_found_stays_fixed() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let folder = folder();
    let mut count = 0;
    for entry in fs::read_dir(kept).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        count += 1;
        let frames = SoundReader::open(&path).and_then(read);
        if let Err(error) = &frames {
            line_of(error);
        }
        let written = pass(&path, &folder.path().join("out.wav"));
        assert_eq!(written.ok(), frames.ok(), "{}", path.display());
        if let Err(error) = pass(&path, &folder.path().join("out.flac")) {
            line_of(&error);
        }
        let bytes = fs::read(&path).unwrap();
        if let Err(error) = SoundReader::from_stream(Box::new(Cursor::new(bytes)), "a pipe").and_then(read) {
            line_of(&error);
        }
    }
    assert!(count > 0, "no files");
}
