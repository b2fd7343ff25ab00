//! Opus in Ogg: what libopus decodes comes out, at its place and as long as it was, whatever the mode, the rate, the frames
//! and the channels; what cannot be read is refused in a sentence.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use common::tools::{have, pass, read, run};
use common::{Numbers, Wav, folder, line_of, put};
use sourdine_soundfile::{Notice, SampleFormat, SoundErrorKind, SoundReader};
use tempfile::TempDir;

const RATE: usize = 48_000;
const SECONDS: usize = 3;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Something like a voice: harmonics under a slow envelope, different in each channel, over a faint noise.
fn voice(folder: &TempDir, rate: u32, channels: u16) -> PathBuf {
    let frames = SECONDS * rate as usize;
    let mut wav = Wav::new(SampleFormat::I16, channels, frames);
    wav.fmt = common::fmt(1, channels, rate, 16);
    wav.data.clear();
    let mut numbers = Numbers(77);
    for n in 0..frames {
        let t = n as f64 / f64::from(rate);
        let loud = 0.5 - 0.5 * (std::f64::consts::TAU * 2.3 * t).cos();
        for channel in 0..channels {
            let pitch = 110.0 + 30.0 * f64::from(channel) + 10.0 * (4.0 * t).sin();
            let tones =
                (1..12).map(|k| (std::f64::consts::TAU * pitch * f64::from(k) * t).sin() / f64::from(k));
            let noise = (numbers.next().unwrap() >> 48) as f64 / 65_536.0 - 0.5;
            let sample = 6000.0 * loud * tones.sum::<f64>() + 200.0 * noise;
            wav.data.extend((sample as i16).to_le_bytes());
        }
    }
    put(folder, &format!("voice-{rate}-{channels}.wav"), &wav.bytes())
}

fn encoded(source: &Path, name: &str, options: &[&str]) -> PathBuf {
    let made = source.with_file_name(name);
    let codec = ["-c:a", "libopus"];
    run(
        "ffmpeg",
        &[&["-v", "error", "-y", "-i", text(source)], &codec[..], options, &[text(&made)]].concat(),
    );
    made
}

/// Decodes with libopus, not rounded to 16 bits.
fn theirs(file: &Path) -> Vec<f32> {
    let decoder = ["-v", "error", "-c:a", "libopus", "-request_sample_fmt", "flt", "-i", text(file)];
    let bytes = run("ffmpeg", &[&decoder[..], &["-f", "f32le", "-"]].concat());
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Signal to difference, in dB.
fn agreement_db(wanted: &[f32], found: &[f32]) -> f64 {
    let wrong: f64 = wanted.iter().zip(found).map(|(x, y)| f64::from(x - y).powi(2)).sum();
    let right: f64 = wanted.iter().map(|x| f64::from(*x).powi(2)).sum();
    10.0 * (right / wrong.max(1e-30)).log10()
}

/// Reads a file, which must be as libopus decodes it and without notices.
fn check(file: &Path, frames: usize, channels: u16) {
    let what = file.display();
    let (samples, reader) = read(file);
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (48_000, channels), "{what}");
    assert_eq!(reader.spec().format, SampleFormat::I24, "{what}");
    assert_eq!(reader.notices(), [], "{what}");
    assert_eq!(samples.len(), frames * usize::from(channels), "{what}");
    assert_eq!(reader.frames(), Some(frames as u64), "{what}");
    let theirs = theirs(file);
    assert_eq!(samples.len(), theirs.len(), "{what}");
    let agreement = agreement_db(&theirs, &samples);
    assert!(agreement > 90.0, "{what}: {agreement:.1} dB against libopus");
}

#[test]
fn every_mode_rate_and_frame_length() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let mut modes = [false; 3];
    for channels in [1, 2] {
        let source = voice(&folder, 48_000, channels);
        // Of the linear predictor below, of both, and of the transform alone.
        for (rate, length, use_) in [
            ("8k", "20", "voip"),
            ("8k", "60", "voip"),
            ("14k", "10", "voip"),
            ("24k", "20", "voip"),
            ("24k", "40", "voip"),
            ("32k", "60", "audio"),
            ("64k", "2.5", "audio"),
            ("64k", "5", "lowdelay"),
            ("96k", "10", "audio"),
            ("128k", "20", "audio"),
            ("256k", "40", "audio"),
            // 256 kb/s a channel is all there is; packets of several frames have more bytes than one may have.
            ("250k", "60", "audio"),
        ] {
            let options = ["-b:a", rate, "-frame_duration", length, "-application", use_, "-vbr", "off"];
            let file = encoded(&source, &format!("{use_}-{rate}-{length}-{channels}.opus"), &options);
            check(&file, SECONDS * RATE, channels);
            let bytes = fs::read(&file).unwrap();
            for (at, _) in pages(&bytes).drain(2..) {
                // The highest five bits of a packet's first byte.
                let first = bytes[at + 27 + usize::from(bytes[at + 26])] >> 3;
                modes[usize::from(first >= 12) + usize::from(first >= 16)] = true;
            }
        }
        if channels == 2 {
            let options = ["-b:a", "510k", "-frame_duration", "20", "-vbr", "off"];
            check(&encoded(&source, "most.opus", &options), SECONDS * RATE, 2);
        }
    }
    assert_eq!(modes, [true; 3]);
}

#[test]
fn a_voice_message() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let source = voice(&folder, 16_000, 1);
    for name in ["message.ogg", "message.opus", "message.oga"] {
        let file = encoded(&source, name, &["-b:a", "16k", "-application", "voip"]);
        check(&file, SECONDS * RATE, 1);
        let output = folder.path().join(format!("{name}.wav"));
        pass(&file, &output, 2).unwrap();
        let (first, second) = (read(&file).0, read(&output).0);
        assert_eq!(second.len(), first.len());
        assert!(agreement_db(&first, &second) > 90.0, "{name}");
    }
    // Almost nothing is sent in pauses.
    let quiet = folder.path().join("quiet.wav");
    let volume = "volume=eval=frame:volume='if(lt(mod(t,2),1),1,0)'";
    run("ffmpeg", &["-v", "error", "-i", text(&source), "-af", volume, text(&quiet)]);
    let file = encoded(&quiet, "quiet.opus", &["-b:a", "12k", "-application", "voip", "-dtx", "1"]);
    check(&file, SECONDS * RATE, 1);
}

#[test]
fn surround_comes_in_the_order_of_wave() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    for (channels, layout, mask) in [
        (3, "3.0", 0x7),
        (4, "quad", 0x33),
        (5, "5.0", 0x37),
        (6, "5.1", 0x3F),
        (7, "6.1", 0x70F),
        (8, "7.1", 0x63F),
    ] {
        let plain = voice(&folder, 48_000, channels);
        let file = folder.path().join(format!("{channels}.opus"));
        let filter = format!(
            "pan={layout}|{}",
            (0..channels).map(|c| format!("c{c}=c{c}")).collect::<Vec<_>>().join("|")
        );
        let options = ["-c:a", "libopus", "-b:a", "256k", "-mapping_family", "1"];
        run(
            "ffmpeg",
            &[&["-v", "error", "-i", text(&plain), "-af", &filter], &options[..], &[text(&file)]].concat(),
        );
        check(&file, SECONDS * RATE, channels);
        let output = folder.path().join(format!("{channels}.wav"));
        pass(&file, &output, 1).unwrap();
        let bytes = fs::read(&output).unwrap();
        let fmt = bytes.windows(4).position(|four| four == b"fmt ").unwrap();
        assert_eq!(
            u32::from_le_bytes(*bytes[fmt + 28..].first_chunk().unwrap()),
            mask,
            "{channels} channels"
        );
    }
}

/// The pages of an Ogg file: where each begins, and where the next one does.
fn pages(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut pages = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let segments = usize::from(bytes[at + 26]);
        let table = &bytes[at + 27..at + 27 + segments];
        let end = at + 27 + segments + table.iter().map(|length| usize::from(*length)).sum::<usize>();
        pages.push((at, end));
        at = end;
    }
    pages
}

/// Finds each packet that begins and ends in one page, except the two headers.
fn packets(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut packets = Vec::new();
    for (start, _) in pages(bytes).drain(2..) {
        let segments = usize::from(bytes[start + 26]);
        let (mut at, mut end) = (start + 27 + segments, start + 27 + segments);
        for length in &bytes[start + 27..start + 27 + segments] {
            end += usize::from(*length);
            if *length < 255 {
                packets.push(at..end);
                at = end;
            }
        }
    }
    packets
}

/// Makes the checksums of all pages right.
fn seal(bytes: &mut [u8]) {
    for (at, end) in pages(bytes) {
        bytes[at + 22..at + 26].fill(0);
        let mut sum = 0_u32;
        for byte in &bytes[at..end] {
            sum ^= u32::from(*byte) << 24;
            for _ in 0..8 {
                sum = (sum << 1) ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
            }
        }
        bytes[at + 22..at + 26].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Changes a file whose checksums are right all the same.
fn changed(file: &Path, name: &str, change: impl FnOnce(&mut [u8])) -> PathBuf {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    seal(&mut bytes);
    let made = file.with_file_name(name);
    fs::write(&made, bytes).unwrap();
    made
}

/// Changes the first packet.
fn with_head(file: &Path, name: &str, change: impl FnOnce(&mut [u8])) -> PathBuf {
    changed(file, name, |bytes| change(&mut bytes[28..]))
}

#[test]
fn a_packet_that_cannot_be_decoded_becomes_silence_of_its_length() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    for (channels, options) in [(1, &["-b:a", "64k"][..]), (6, &["-b:a", "200k", "-mapping_family", "1"])] {
        let whole = encoded(&voice(&folder, 48_000, channels), "whole.opus", options);
        let (wanted, _) = read(&whole);
        let damaged = changed(&whole, "damaged.opus", |bytes| {
            let packet = packets(bytes)[60].clone();
            // More frames than 120 ms have room for.
            bytes[packet][..2].copy_from_slice(&[0xFF, 0x3F]);
        });
        let (found, reader) = read(&damaged);
        let at = 60 * 960 - 312;
        assert_eq!(reader.notices(), [Notice::Silence { at, frames: 960, rate: 48_000 }]);
        assert_eq!(found.len(), wanted.len());
        let (start, end) = (at as usize * usize::from(channels), (at as usize + 960) * usize::from(channels));
        assert!(found[start..end].iter().all(|sample| *sample == 0.0));
        assert!(agreement_db(&wanted[..start], &found[..start]) > 100.0);
        let last = wanted.len() - RATE * usize::from(channels);
        assert!(agreement_db(&wanted[last..], &found[last..]) > 40.0);
    }
}

#[test]
fn spoilt_packets_move_nothing() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let mut numbers = Numbers(99);
    for (channels, options) in [
        (1, &["-b:a", "12k", "-application", "voip"][..]),
        (2, &["-b:a", "32k"]),
        (2, &["-b:a", "128k"]),
        (6, &["-b:a", "128k", "-mapping_family", "1"]),
    ] {
        let whole = encoded(&voice(&folder, 48_000, channels), "whole.opus", options);
        for case in 0..30 {
            let spoilt = changed(&whole, "spoilt.opus", |bytes| {
                for packet in packets(bytes) {
                    let number = numbers.next().unwrap() as usize;
                    // Its first byte says how long it is.
                    if number.is_multiple_of(4) && packet.len() > 2 {
                        bytes[packet.start + 1 + (number >> 8) % (packet.len() - 1)] ^=
                            1 << (number >> 4 & 7);
                    }
                }
            });
            let (found, reader) = read(&spoilt);
            let length = SECONDS * RATE * usize::from(channels);
            assert_eq!(found.len(), length, "{options:?}, case {case}: {:?}", reader.notices());
            assert!(found.iter().all(|sample| sample.is_finite()), "{options:?}, case {case}");
        }
    }
}

#[test]
fn the_gain_of_the_header_is_applied() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    for (channels, options) in [(1, &["-b:a", "32k"][..]), (6, &["-b:a", "200k", "-mapping_family", "1"])] {
        let file = encoded(&voice(&folder, 48_000, channels), "level.opus", options);
        let (wanted, _) = read(&file);
        // In steps of 1/256 dB.
        let quieter = with_head(&file, "quieter.opus", |head| {
            head[16..18].copy_from_slice(&(-1541_i16).to_le_bytes());
        });
        let (found, reader) = read(&quieter);
        assert_eq!(reader.notices(), []);
        let factor = 10_f32.powf(1541.0 / 256.0 / 20.0);
        let back: Vec<f32> = found.iter().map(|sample| sample * factor).collect();
        assert!(agreement_db(&wanted, &back) > 80.0, "{channels} channels: {}", agreement_db(&wanted, &back));
    }
}

#[test]
fn other_layouts_and_other_containers_are_refused_in_a_sentence() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let source = voice(&folder, 48_000, 2);
    let discrete = encoded(&source, "discrete.opus", &["-mapping_family", "255"]);
    let error = SoundReader::open(&discrete).unwrap_err();
    assert_eq!(error.kind(), SoundErrorKind::OpusLayout { channels: 2, family: 255 }, "{error}");
    assert!(line_of(&error).contains("255"), "{error}");
    let surround = encoded(&voice(&folder, 48_000, 6), "surround.opus", &["-mapping_family", "1"]);
    let odd = with_head(&surround, "odd.opus", |head| head[21..27].rotate_left(1));
    let error = SoundReader::open(&odd).unwrap_err();
    assert_eq!(error.kind(), SoundErrorKind::OpusLayout { channels: 6, family: 1 }, "{error}");
    line_of(&error);
    // The second of two joined files, too.
    let mut joined = fs::read(encoded(&source, "plain.opus", &[])).unwrap();
    joined.extend(fs::read(&discrete).unwrap());
    let error = SoundReader::open(&put(&folder, "joined.opus", &joined)).unwrap_err();
    assert_eq!(error.kind(), SoundErrorKind::OpusLayout { channels: 2, family: 255 }, "{error}");
    let film = encoded(&source, "film.mp4", &[]);
    let error = SoundReader::open(&film).unwrap_err();
    assert_eq!(error.kind(), SoundErrorKind::OpusOutsideOgg, "{error}");
    assert!(line_of(&error).contains("-c copy"), "{error}");
}

#[test]
fn sound_whose_start_is_missing_keeps_its_place() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let source = voice(&folder, 48_000, 1);
    let whole = encoded(&source, "whole.opus", &["-b:a", "24k", "-page_duration", "200000"]);
    let (wanted, reader) = read(&whole);
    assert_eq!(reader.notices(), []);
    for first in [3, 7, 11] {
        let mut bytes = fs::read(&whole).unwrap();
        let pages = pages(&bytes);
        let before = u64::from_le_bytes(*bytes[pages[first - 1].0 + 6..].first_chunk().unwrap());
        bytes.drain(pages[2].0..pages[first].0);
        let cut = put(&folder, "cut.opus", &bytes);
        let (found, reader) = read(&cut);
        // The padding before the sound is missing, too, and none of the sound.
        assert_eq!(reader.notices(), [Notice::Silence { at: 0, frames: before - 312, rate: 48_000 }]);
        assert_eq!((found.len(), reader.frames()), (wanted.len(), Some(wanted.len() as u64)));
        let last = wanted.len() - RATE / 2;
        assert!(agreement_db(&wanted[last..], &found[last..]) > 40.0, "the end comes early or late");
    }
}
