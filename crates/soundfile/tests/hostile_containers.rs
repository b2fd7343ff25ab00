//! Files of every container, spoilt in a few places each: they end in sound or in one line, and give as much as they say.
//! `SOURDINE_CASES` asks for more than the usual number of each.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::tools::{have, run};
use common::{folder, line_of};
use sourdine_soundfile::SoundReader;

const KINDS: [(&str, &[&str]); 19] = [
    ("a.flac", &[]),
    ("a.ogg", &["-c:a", "libvorbis", "-ar", "16000"]),
    ("flac.ogg", &["-c:a", "flac"]),
    ("a.opus", &["-c:a", "libopus"]),
    ("a.mp3", &["-c:a", "libmp3lame", "-ar", "16000", "-b:a", "16k"]),
    ("a.mp2", &["-c:a", "mp2", "-ar", "16000", "-b:a", "32k"]),
    ("a.aac", &["-c:a", "aac"]),
    ("a.m4a", &["-c:a", "aac"]),
    ("front.m4a", &["-c:a", "aac", "-movflags", "+faststart"]),
    ("fragments.m4a", &["-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov"]),
    ("alac.m4a", &["-c:a", "alac"]),
    ("a.caf", &["-c:a", "pcm_s16le"]),
    ("alac.caf", &["-c:a", "alac"]),
    ("a.aiff", &[]),
    ("a.aifc", &["-f", "aiff", "-c:a", "pcm_f32be"]),
    ("a.au", &[]),
    ("ms.wav", &["-c:a", "adpcm_ms"]),
    ("ima.wav", &["-c:a", "adpcm_ima_wav"]),
    ("a.wav", &["-rf64", "always"]),
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }
}

fn spoil(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        // Most of what matters stands at the start.
        let length = bytes.len().max(1);
        let at = if random.below(2) == 0 { random.below(length.min(400)) } else { random.below(length) };
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(
                at.min(bytes.len())..(at + random.below(300)).min(bytes.len()).max(at.min(bytes.len())),
            )),
            2 => bytes
                .splice(
                    at.min(bytes.len())..at.min(bytes.len()),
                    vec![random.below(256) as u8; random.below(40)],
                )
                .for_each(drop),
            3 => {
                if let Some(word) = bytes.get_mut(at..at + 4) {
                    let words = [[0xFF; 4], [0; 4], [0x7F, 0xFF, 0xFF, 0xFF], [0, 1, 0, 0]];
                    word.copy_from_slice(&words[random.below(4)]);
                }
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.below(256) as u8;
                }
            }
        }
    }
}

/// Reads to the end, and checks that as much came as `frames()` said at first, unless a notice says otherwise.
fn read(path: &Path) {
    let mut reader = match SoundReader::open(path) {
        Ok(reader) => reader,
        Err(error) => return drop(line_of(&error)),
    };
    let channels = usize::from(reader.spec().channels);
    let stated = reader.frames();
    let mut block = vec![0.0; 4096 * channels];
    let mut total = 0_u64;
    loop {
        match reader.read(&mut block) {
            Ok(0) => break,
            Ok(frames) => total += frames as u64,
            Err(error) => return drop(line_of(&error)),
        }
        assert!(total < 1 << 34, "sound without end");
    }
    for notice in reader.notices() {
        assert!(!notice.to_string().contains('\n'));
    }
    if let (true, Some(stated)) = (reader.notices().is_empty(), stated) {
        assert_eq!(total, stated, "without a notice");
    }
}

#[test]
fn spoilt_files_of_every_container_end_in_sound_or_in_one_line() {
    if !have("ffmpeg") {
        return;
    }
    let cases = std::env::var("SOURDINE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60);
    let folder = folder();
    for (name, options) in KINDS {
        let seed: PathBuf = folder.path().join(name);
        let source = ["-v", "error", "-y", "-f", "lavfi", "-i", "sine=f=300:r=8000:d=0.4"];
        run("ffmpeg", &[&source[..], options, &[seed.to_str().unwrap()]].concat());
        let whole = fs::read(&seed).unwrap();
        read(&seed);
        let mut random = Random(1);
        for case in 0..cases {
            let mut bytes = whole.clone();
            spoil(&mut bytes, &mut random);
            let path = folder.path().join(format!("{case}-{name}"));
            fs::write(&path, &bytes).unwrap();
            let outcome = std::panic::catch_unwind(|| read(&path));
            if outcome.is_err() {
                let kept = std::env::temp_dir().join(format!("sourdine-spoilt-{case}-{name}"));
                fs::copy(&path, &kept).unwrap();
                panic!("{}", kept.display());
            }
            fs::remove_file(&path).unwrap();
        }
    }
}
