//! Sound files of every kind: no bytes may panic, hang, or take more memory than is allowed (`-rss_limit_mb`).

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::{LazyLock, Once};

use libfuzzer_sys::fuzz_target;
use sourdine_wav::SoundReader;

/// A file in memory, where the system has such; one for each process.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from("/dev/shm");
    let folder = if folder.is_dir() { folder } else { std::env::temp_dir() };
    folder.join(format!("sourdine-fuzz-sound-{}", std::process::id()))
});

/// Decoders that panic are caught in the crate; only what comes out of it counts. libFuzzer's own hook ends the process at
/// once.
static HOOK: Once = Once::new();

fuzz_target!(|data: &[u8]| {
    HOOK.call_once(|| drop(std::panic::take_hook()));
    fs::write(&*FILE, data).expect("writing the file");
    let mut reader = match SoundReader::open(&FILE) {
        Ok(reader) => reader,
        Err(error) => return assert!(!error.to_string().contains('\n')),
    };
    let channels = usize::from(reader.spec().channels);
    let mut block = [0.0; 64 * 64];
    loop {
        match reader.read(&mut block[..64 * channels]) {
            Ok(0) => break,
            Ok(frames) => assert!(frames <= 64),
            Err(error) => return assert!(!error.to_string().contains('\n')),
        }
    }
    assert!(reader.notices().iter().all(|notice| !notice.to_string().is_empty()));
});
