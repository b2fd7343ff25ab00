//! Titles, pictures, chunks and speakers on their way between containers.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test may, and says what it skips.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::tools::{have, pass, run};
use common::{Wav, extensible, folder, put};
use sourdine_soundfile::SampleFormat;
use tempfile::TempDir;

const TAGS: [(&str, &str); 5] = [
    ("title", "A title of ours"),
    ("artist", "Ängström & Söhne"),
    ("album", "Field notes"),
    ("comment", "take 3; the good one"),
    ("genre", "Speech"),
];

/// A file of ffmpeg's with all [`TAGS`].
fn tagged(folder: &TempDir, name: &str, options: &[&str]) -> PathBuf {
    let source = put(folder, "plain.wav", &Wav::new(SampleFormat::I16, 2, 9_999).bytes());
    let made = folder.path().join(name);
    let tags: Vec<String> =
        TAGS.iter().flat_map(|(tag, value)| ["-metadata".into(), format!("{tag}={value}")]).collect();
    let mut args = vec!["-v", "error", "-y", "-i", source.to_str().unwrap()];
    args.extend(options);
    args.extend(tags.iter().map(String::as_str));
    args.push(made.to_str().unwrap());
    run("ffmpeg", &args);
    made
}

/// Shows a file's metadata with ffprobe, in lines of `name=value`.
fn shown(path: &Path, entries: &str) -> String {
    let args = ["-v", "error", "-show_entries", entries, "-of", "default=nw=1", path.to_str().unwrap()];
    String::from_utf8(run("ffprobe", &args)).unwrap()
}

#[test]
fn titles_survive_every_way() {
    if !have("ffmpeg") {
        return;
    }
    let inputs: [(&str, &[&str]); 7] = [
        ("in.wav", &["-c:a", "pcm_s16le"]),
        ("in.flac", &["-c:a", "flac"]),
        ("in.mp3", &["-c:a", "libmp3lame"]),
        ("in.ogg", &["-c:a", "libvorbis"]),
        ("in.opus", &["-c:a", "libopus"]),
        ("in.m4a", &["-c:a", "aac"]),
        ("in.aiff", &["-c:a", "pcm_s16be", "-write_id3v2", "1"]),
    ];
    for (name, options) in inputs {
        let folder = folder();
        let input = tagged(&folder, name, options);
        for extension in ["wav", "flac"] {
            let output = folder.path().join(format!("out.{extension}"));
            pass(&input, &output, 1).unwrap();
            let shown = shown(&output, "format_tags:stream_tags").to_lowercase();
            for (tag, value) in TAGS {
                let line = format!("tag:{tag}={}", value.to_lowercase());
                assert!(shown.contains(&line), "{name} to {extension}: no {line:?} in\n{shown}");
            }
        }
    }
}

/// The metadata blocks of a FLAC file, each with its kind.
fn blocks(path: &Path) -> Vec<(u8, Vec<u8>)> {
    let bytes = fs::read(path).unwrap();
    let (mut at, mut blocks) = (4, Vec::new());
    loop {
        let length = u32::from_be_bytes([0, bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
        blocks.push((bytes[at] & 0x7F, bytes[at + 4..at + 4 + length].to_vec()));
        if bytes[at] & 0x80 != 0 {
            return blocks;
        }
        at += 4 + length;
    }
}

#[test]
fn flac_keeps_its_blocks_byte_for_byte() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let picture = folder.path().join("cover.png");
    let args = ["-v", "error", "-f", "lavfi", "-i", "color=red:s=16x16:d=0.04", "-frames:v", "1"];
    run("ffmpeg", &[&args[..], &[picture.to_str().unwrap()]].concat());
    let options =
        ["-i", picture.to_str().unwrap(), "-map", "0:a", "-map", "1:v", "-disposition:v", "attached_pic"];
    let made = tagged(&folder, "made.flac", &options);
    // A cue sheet and application data behind STREAMINFO.
    let mut bytes = fs::read(&made).unwrap();
    let mut cue = vec![0; 396];
    cue[395] = 1; // one track, the lead-out
    cue.extend([0; 8]);
    cue.push(170);
    cue.extend([0; 27]);
    let mut more = vec![5, 0, (cue.len() >> 8) as u8, cue.len() as u8];
    more.extend(&cue);
    more.extend([2, 0, 0, 7]);
    more.extend(b"TESTabc");
    bytes.splice(42..42, more);
    let input = put(&folder, "in.flac", &bytes);

    let output = folder.path().join("out.flac");
    pass(&input, &output, 0).unwrap();
    let meant = |path: &Path| -> Vec<_> {
        blocks(path).into_iter().filter(|(kind, _)| !matches!(kind, 0 | 1 | 3)).collect()
    };
    for kind in [2, 4, 5, 6] {
        assert!(meant(&input).iter().any(|(known, _)| *known == kind), "the test itself: no block {kind}");
    }
    assert!(meant(&output) == meant(&input));
    tested(&output);
}

/// Has the reference decoder check a FLAC file with its checksum.
fn tested(path: &Path) {
    if reference_decoder() {
        run("flac", &["--silent", "--warnings-as-errors", "--test", path.to_str().unwrap()]);
    }
}

fn reference_decoder() -> bool {
    let there = Command::new("flac").arg("--version").output().is_ok();
    if !there {
        println!("partly skipped: flac is not installed");
    }
    there
}

#[test]
fn chunks_of_wav_come_back_out_of_flac() {
    let folder = folder();
    // As the reference decoder writes it.
    let mut mono_24_bits = extensible(1, 1, 48_000, 24, 24);
    mono_24_bits[20..24].copy_from_slice(&4_u32.to_le_bytes());
    let sounds = [
        ("even", Wav::new(SampleFormat::I16, 2, 5_000).with_chunks()),
        ("odd", Wav { fmt: mono_24_bits, ..Wav::new(SampleFormat::I24, 1, 4_097) }.with_chunks()),
        ("bytes", Wav::new(SampleFormat::U8, 1, 333).with_chunks()),
        (
            "rates",
            Wav { fmt: common::fmt(1, 1, 192_000, 16), ..Wav::new(SampleFormat::I16, 1, 4_000) }
                .with_chunks(),
        ),
    ];
    for (name, wav) in sounds {
        let bytes = wav.bytes();
        let input = put(&folder, &format!("{name}.wav"), &bytes);
        let output = folder.path().join(format!("{name}.flac"));
        pass(&input, &output, 1).unwrap();
        let kept: Vec<u8> = blocks(&output)
            .into_iter()
            .filter_map(|(kind, body)| body.strip_prefix(b"riff").filter(|_| kind == 2).map(<[u8]>::to_vec))
            .flatten()
            .collect();
        let (start, end) = (wav.data_offset(), wav.data_offset() + wav.data.len().next_multiple_of(2));
        assert!(kept == [&bytes[..start], &bytes[end..]].concat(), "{name}");
        if reference_decoder() {
            tested(&output);
            let back = folder.path().join(format!("{name}.back.wav"));
            let (output, to) = (output.to_str().unwrap(), back.to_str().unwrap());
            run("flac", &["--silent", "--decode", "--keep-foreign-metadata", output, "-o", to]);
            let after = fs::read(&back).unwrap();
            let differs = after.iter().zip(&bytes).position(|(one, other)| one != other);
            assert!(
                after == bytes,
                "{name}: not the file that went in, from byte {differs:?} on, {} of {}",
                after.len(),
                bytes.len()
            );
        }
    }
}

#[test]
fn speakers_go_along() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    for (channels, mask, layout) in
        [(1, 0x4, "mono"), (2, 0x3, "stereo"), (3, 0xB, "2.1"), (6, 0x3F, "5.1"), (8, 0x63F, "7.1")]
    {
        let mut fmt = extensible(1, channels, 48_000, 16, 16);
        fmt[20..24].copy_from_slice(&u32::to_le_bytes(mask));
        let wav = Wav { fmt, ..Wav::new(SampleFormat::I16, channels, 4_500) };
        let input = put(&folder, "in.wav", &wav.bytes());
        let [flac, back] = ["out.flac", "out.wav"].map(|name| folder.path().join(format!("{layout}.{name}")));
        pass(&input, &flac, 0).unwrap();
        pass(&flac, &back, 0).unwrap();
        for path in [&flac, &back] {
            let shown = shown(path, "stream=channel_layout,channels");
            let said = format!("channel_layout={layout}\n");
            // A plain WAV of one or two channels leaves it unsaid.
            let unsaid = channels <= 2 && shown.contains("channel_layout=unknown");
            assert!(shown.contains(&said) || unsaid, "{layout}: {shown} in {}", path.display());
        }
    }
}
