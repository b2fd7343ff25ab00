//! Files that cannot be read are refused with one line that names the file, the fault and the remedy.

mod common;

use std::fs;
use std::path::Path;

use common::{Wav, extensible, fmt, folder, line_of, put};
use sourdine_soundfile::{SampleFormat, SoundError, SoundErrorKind as Kind, SoundReader};

fn refused(path: &Path) -> SoundError {
    match SoundReader::open(path) {
        Err(error) => error,
        Ok(reader) => panic!("{} was read: {:?}", path.display(), reader.spec()),
    }
}

/// Checks the kind and that the line has each of `words`.
fn check(bytes: &[u8], kind: Kind, words: &[&str]) {
    let folder = folder();
    is_refused(&refused(&put(&folder, "talk.wav", bytes)), kind, words);
}

/// As [`check`], for what a file may be and a stream may not.
fn check_stream(bytes: &[u8], kind: Kind, words: &[&str]) {
    let stream = std::io::Cursor::new(bytes.to_vec());
    is_refused(
        &SoundReader::from_stream(Box::new(stream), "talk.wav").expect_err("not refused"),
        kind,
        words,
    );
}

fn is_refused(error: &SoundError, kind: Kind, words: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    let line = line_of(error);
    for word in words {
        assert!(line.contains(word), "{line:?} lacks {word:?}");
    }
}

fn good() -> Wav {
    Wav::new(SampleFormat::I16, 2, 100)
}

fn with_fmt(fmt: Vec<u8>) -> Vec<u8> {
    Wav { fmt, ..good() }.bytes()
}

#[test]
fn empty_file() {
    check(b"", Kind::Empty, &["empty", "again"]);
}

#[test]
fn not_a_wav() {
    check_stream(b"hello, this is a text", Kind::NotWav { looks_like: None }, &["not a WAV", "convert"]);
    check_stream(b"\0", Kind::NotWav { looks_like: None }, &["not a WAV"]);
    let known: [(&[u8], &'static str); 11] = [
        (b"fLaC\0\0\0\x22", "FLAC"),
        (b"OggS\0\x02", "Ogg (Vorbis or Opus)"),
        (b"ID3\x04\0\0\0\0\0\0", "MP3"),
        (b"\xFF\xFB\x90\x64\0\0", "MP3"),
        (b"\0\0\0\x20ftypM4A ", "MP4/M4A (AAC)"),
        (b"FORM\0\0\0\0AIFF", "AIFF"),
        (b"caff\0\x01\0\0", "CAF"),
        (b"riff\x2e\x91\xcf\x11", "Sony Wave64"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI video"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP picture"),
        (b"\x1A\x45\xDF\xA3", "Matroska/WebM"),
    ];
    for (bytes, name) in known {
        check_stream(bytes, Kind::NotWav { looks_like: Some(name) }, &[name, "convert"]);
    }
}

#[test]
fn big_endian() {
    check_stream(b"RIFX\0\0\0\x24WAVEfmt ", Kind::BigEndian, &["RIFX", "convert"]);
}

#[test]
fn header_cut_at_every_byte() {
    let bytes = good().with_chunks().bytes();
    for length in 4..good().with_chunks().data_offset() {
        let kind = Kind::HeaderCut { offset: length as u64 };
        check(&bytes[..length], kind, &["header", &format!("byte {length}")]);
    }
}

#[test]
fn chunks_missing() {
    let no_fmt = b"RIFF\x10\0\0\0WAVEdata\x04\0\0\0abcd";
    check(no_fmt, Kind::NoFormat { offset: 12 }, &["fmt", "byte 12"]);
    check(b"RIFF\x04\0\0\0WAVE", Kind::NoFormat { offset: 12 }, &["fmt"]);
    let header = [&b"RIFF\x1C\0\0\0WAVEfmt \x10\0\0\0"[..], &good().fmt].concat();
    check(&header, Kind::NoData, &["data"]);
}

#[test]
fn fmt_too_short() {
    for bytes in 0..16_u64 {
        let fmt = good().fmt[..bytes as usize].to_vec();
        let kind = Kind::FormatTooShort { offset: 12, bytes };
        check(&with_fmt(fmt), kind, &["fmt", "byte 12"]);
    }
    let mut fmt = extensible(1, 2, 48_000, 16, 16);
    fmt.truncate(39);
    check(&with_fmt(fmt), Kind::FormatTooShort { offset: 12, bytes: 39 }, &["39 bytes"]);
}

#[test]
fn channels() {
    check(&with_fmt(fmt(1, 0, 48_000, 16)), Kind::Channels { stated: 0 }, &["0 channels"]);
    check(&with_fmt(fmt(1, 65, 48_000, 16)), Kind::Channels { stated: 65 }, &["65 channels", "64"]);
    check(&with_fmt(fmt(1, 65_535, 48_000, 16)), Kind::Channels { stated: 65_535 }, &["65535"]);
}

#[test]
fn sample_rates() {
    for stated in [0, 1_000_001, 3_000_000, u32::MAX] {
        let kind = Kind::SampleRate { stated };
        check(&with_fmt(fmt(1, 2, stated, 16)), kind, &[&format!("{stated} Hz"), "1000000"]);
    }
}

#[test]
fn bytes_per_frame_that_do_not_follow() {
    for stated in [0_u16, 2, 3, 8, u16::MAX] {
        let mut fmt = good().fmt;
        fmt[12..14].copy_from_slice(&stated.to_le_bytes());
        let kind = Kind::BlockAlign { stated, expected: 4 };
        check(&with_fmt(fmt), kind, &[&format!("{stated} bytes"), "4"]);
    }
}

#[test]
fn other_encodings_by_name() {
    let named = [(2, "Microsoft ADPCM"), (17, "IMA ADPCM"), (0x55, "MP3"), (0xFF, "AAC")];
    for (tag, name) in named {
        let kind = Kind::Encoding { tag, name: Some(name) };
        check_stream(&with_fmt(fmt(tag, 2, 48_000, 8)), kind, &[name, "convert"]);
        check_stream(&with_fmt(extensible(tag, 2, 48_000, 8, 8)), kind, &[name]);
    }
    let kind = Kind::Encoding { tag: 0x1234, name: None };
    check_stream(&with_fmt(fmt(0x1234, 2, 48_000, 16)), kind, &["0x1234"]);
    let mut odd = extensible(1, 2, 48_000, 16, 16);
    odd[39] = 0;
    check_stream(&with_fmt(odd), Kind::Encoding { tag: 0xFFFE, name: None }, &["0xFFFE"]);
}

#[test]
fn bits_that_do_not_exist() {
    for (tag, bits) in [(1, 0), (1, 33), (1, 64), (1, 65_535), (3, 16), (3, 24), (3, 0)] {
        let error = {
            let folder = folder();
            refused(&put(&folder, "talk.wav", &with_fmt(fmt(tag, 2, 48_000, bits))))
        };
        assert!(matches!(error.kind(), Kind::Bits { valid, .. } if valid == bits), "{error}");
        line_of(&error);
    }
    let kind = Kind::Bits { container: 16, valid: 20, float: false };
    check(&with_fmt(extensible(1, 2, 48_000, 16, 20)), kind, &["20 valid bits", "16-bit"]);
    let kind = Kind::Bits { container: 20, valid: 20, float: false };
    check(&with_fmt(extensible(1, 2, 48_000, 20, 20)), kind, &["20"]);
}

#[test]
fn endless_chunks() {
    let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
    (0..5000).for_each(|_| bytes.extend(b"junk\0\0\0\0"));
    check(&bytes, Kind::TooManyChunks { offset: 12 + 4096 * 8 }, &["4096"]);
}

#[test]
fn what_is_not_a_file() {
    let folder = folder();
    let missing = refused(&folder.path().join("missing.wav"));
    assert_eq!(missing.kind(), Kind::NotFound);
    line_of(&missing);
    assert!(std::error::Error::source(&missing).is_some());
    let below = refused(&put(&folder, "file.wav", b"x").join("talk.wav"));
    assert_eq!(below.kind(), Kind::NotFound);
    let directory = folder.path().join("folder.wav");
    fs::create_dir(&directory).unwrap();
    assert_eq!(refused(&directory).kind(), Kind::IsDirectory);
    line_of(&refused(&directory));
}

#[cfg(unix)]
#[test]
fn devices_and_strange_names() {
    assert_eq!(refused(Path::new("/dev/null")).kind(), Kind::NotAFile);
    let folder = folder();
    let error = refused(&put(&folder, "two\nlines\t\u{1b}[31m.wav", b""));
    let line = error.to_string();
    assert!(!line.chars().any(char::is_control), "{line:?}");
    assert!(line.contains("two\\nlines"), "{line:?}");
}

#[cfg(unix)]
#[test]
fn no_permission() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = put(&folder, "secret.wav", &good().bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    assert_eq!(refused(&path).kind(), Kind::ReadDenied);
    line_of(&refused(&path));
}

#[test]
fn a_block_that_is_not_whole_frames() {
    let folder = folder();
    let mut reader = SoundReader::open(&put(&folder, "talk.wav", &good().bytes())).unwrap();
    let error = reader.read(&mut [0.0; 3]).unwrap_err();
    assert_eq!(error.kind(), Kind::BlockLength { samples: 3, channels: 2 });
    line_of(&error);
    assert_eq!(reader.read(&mut []).unwrap(), 0);
    assert_eq!(reader.read(&mut [0.0; 4]).unwrap(), 2);
}

#[test]
fn a_file_that_shrinks_while_it_is_read() {
    let folder = folder();
    let path = put(&folder, "talk.wav", &Wav::new(SampleFormat::I16, 1, 200_000).bytes());
    let mut reader = SoundReader::open(&path).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
    let error = reader.read(&mut [0.0; 480]).unwrap_err();
    assert_eq!(error.kind(), Kind::SourceChanged);
    line_of(&error);
}
