//! WAV, as a file and out of a pipe: no bytes may panic or take more memory than they are long, and a file that is read
//! and written unchanged keeps its sound.

#![no_main]

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sourdine_soundfile::{Overwrite, SoundReader, SoundRewriter};

/// A file in memory, where the system has such; one for each process.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from("/dev/shm");
    let folder = if folder.is_dir() { folder } else { std::env::temp_dir() };
    folder.join(format!("sourdine-fuzz-wav-{}", std::process::id()))
});

fuzz_target!(|data: &[u8]| {
    let mut block = [0.0; 64 * 64];
    if let Ok(mut stream) = SoundReader::from_stream(Box::new(Cursor::new(data.to_vec())), "fuzz") {
        let channels = usize::from(stream.spec().channels);
        while stream.read(&mut block[..64 * channels]).expect("reading from memory") > 0 {}
    }
    if !data.starts_with(b"RI") && !data.starts_with(b"RF64") && !data.starts_with(b"BW64") && !data.starts_with(b"ID3") {
        return;
    }
    fs::write(&*FILE, data).expect("writing the file");
    let reader = match SoundReader::open(&FILE) {
        Ok(reader) => reader,
        Err(error) => return assert!(!error.to_string().contains('\n')),
    };
    let spec = reader.spec();
    // Compressed sound, which is longer than its file, belongs to another target.
    let fits = |frames: &u64| frames * spec.frame_bytes() as u64 <= data.len() as u64;
    let Some(stated) = reader.frames().filter(fits) else { return };
    let channels = usize::from(spec.channels);
    // Writing is slow; one in sixteen files is enough of it.
    if data.len() % 16 != 0 {
        let (frames, reader) = read_all(reader, &mut block[..64 * channels]);
        // A length that a damaged header states may be wrong, but not without a word.
        assert!(frames == stated || !reader.notices().is_empty(), "{frames} of {stated} frames");
        return;
    }
    let copy = FILE.with_extension("wav");
    let mut rewriter = SoundRewriter::create(reader, &copy, Overwrite::Replace).expect("starting the copy");
    loop {
        let got = rewriter.read(&mut block[..64 * channels]).expect("reading a file that does not change");
        if got == 0 {
            break;
        }
        rewriter.write(&block[..got * channels]).expect("writing");
    }
    let notices = rewriter.reader().notices().len();
    rewriter.finish().expect("finishing");
    if notices > 0 {
        return;
    }
    let again = SoundReader::open(&copy).expect("what was written can be read");
    assert_eq!((again.spec(), again.frames()), (spec, Some(stated)));
});

/// Reads to the end and counts the frames.
fn read_all(mut reader: SoundReader, block: &mut [f32]) -> (u64, SoundReader) {
    let mut frames = 0;
    loop {
        match reader.read(block).expect("reading a file that does not change") {
            0 => return (frames, reader),
            got => frames += got as u64,
        }
    }
}
