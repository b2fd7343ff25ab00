//! Sound files of every kind: no bytes may panic, hang, or take more memory than is allowed (`-rss_limit_mb`).

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::{LazyLock, Once};

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use sourdine_soundfile::SoundReader;

/// A file in memory, where the system has such; one for each process.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from("/dev/shm");
    let folder = if folder.is_dir() { folder } else { std::env::temp_dir() };
    folder.join(format!("sourdine-fuzz-sound-{}", std::process::id()))
});

/// Decoders that panic are caught in the crate; only what comes out of it counts. libFuzzer's own hook ends the process at
/// once.
static HOOK: Once = Once::new();

// Without right checksums nothing behind them would ever be reached in Ogg.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(data, size, max_size);
    if !seed.is_multiple_of(4) {
        seal(&mut data[..size]);
    }
    size
});

/// Makes the checksums of the pages of an Ogg file right, as far as one follows the other.
fn seal(mut pages: &mut [u8]) {
    while pages.starts_with(b"OggS") && pages.len() >= 27 {
        let body = 27 + usize::from(pages[26]);
        let Some(table) = pages.get(27..body) else { return };
        let end = body + table.iter().map(|length| usize::from(*length)).sum::<usize>();
        let Some((page, rest)) = pages.split_at_mut_checked(end) else { return };
        page[22..26].fill(0);
        let mut sum = 0_u32;
        for byte in &*page {
            sum ^= u32::from(*byte) << 24;
            for _ in 0..8 {
                sum = (sum << 1) ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
            }
        }
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        pages = rest;
    }
}

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
