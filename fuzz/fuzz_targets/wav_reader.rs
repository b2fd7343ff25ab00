//! WAV, as a file and out of a pipe: no bytes may panic or take more memory than they are long, and a file that is read
//! and written unchanged keeps its sound.

#![no_main]

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sourdine_soundfile::{Overwrite, SoundReader, WavReader, WavRewriter};

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
    fs::write(&*FILE, data).expect("writing the file");
    let mut reader = match WavReader::open(&FILE) {
        Ok(reader) => reader,
        Err(error) => return assert!(!error.to_string().contains('\n')),
    };
    let spec = reader.spec();
    assert!(reader.frames() <= data.len() as u64);
    let channels = usize::from(spec.channels);
    // Writing is slow; one in sixteen files is enough of it.
    let twin = FILE.with_extension("twin");
    let mut rewriter = (data.len() % 16 == 0)
        .then(|| WavRewriter::create(&reader, &twin, Overwrite::Replace).expect("starting the twin"));
    let mut frames = 0;
    loop {
        let got = reader.read(&mut block[..64 * channels]).expect("reading a file that does not change");
        if got == 0 {
            break;
        }
        frames += got as u64;
        if let Some(rewriter) = &mut rewriter {
            rewriter.write(&block[..got * channels]).expect("writing");
        }
    }
    assert_eq!(frames, reader.frames());
    if let Some(rewriter) = rewriter {
        assert_eq!(rewriter.finish().expect("finishing").changed, 0);
        let again = WavReader::open(&twin).expect("what was written can be read");
        assert_eq!((again.spec(), again.frames()), (spec, frames));
    }
});
