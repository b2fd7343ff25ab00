//! Damaged, joined and oddly muxed files: the sound that is there comes out at its place, what is missing becomes silence
//! of its length, and a notice says so.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::tools::{have, pass, read, run};
use common::{Wav, folder, line_of, put};
use sourdine_soundfile::{Notice, SampleFormat, SoundErrorKind, SoundReader};
use tempfile::TempDir;

const RATE: usize = 48_000;
const FRAMES: usize = 5 * RATE;

/// Sound that is unlike itself at every shift: a chirp, over a faint noise that keeps packets from being empty.
fn chirp(folder: &TempDir) -> PathBuf {
    let mut wav = Wav::new(SampleFormat::I16, 1, FRAMES);
    wav.fmt = common::fmt(1, 1, RATE as u32, 16);
    wav.data.clear();
    let mut state = 1_u32;
    for n in 0..FRAMES {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (t, noise) = (n as f64 / RATE as f64, f64::from(state >> 16) / 65_536.0 - 0.5);
        let sample = (std::f64::consts::TAU * (200.0 * t + 400.0 * t * t)).sin() * 12_000.0 + noise * 300.0;
        wav.data.extend((sample as i16).to_le_bytes());
    }
    put(folder, "chirp.wav", &wav.bytes())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn encoded(folder: &TempDir, name: &str, options: &[&str]) -> PathBuf {
    let source = chirp(folder);
    let made = folder.path().join(name);
    run("ffmpeg", &[&["-v", "error", "-y", "-i", text(&source)], options, &[text(&made)]].concat());
    made
}

fn mono(folder: &TempDir, name: &str) -> PathBuf {
    let options: &[&str] = match Path::new(name).extension().and_then(|e| e.to_str()).unwrap() {
        "mp3" => &["-c:a", "libmp3lame", "-b:a", "96k"],
        "ogg" => &["-c:a", "libvorbis", "-q:a", "5"],
        "opus" => &["-c:a", "libopus", "-b:a", "64k"],
        "flac" => &["-c:a", "flac"],
        _ => &["-c:a", "aac", "-b:a", "128k", "-aac_pns", "0"],
    };
    encoded(folder, name, options)
}

fn changed(path: &Path, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    let made = path.with_file_name(name);
    fs::write(&made, bytes).unwrap();
    made
}

/// Compares decoded sound with what the undamaged file gives at the same place, in dB.
fn agreement_db(wanted: &[f32], found: &[f32]) -> f64 {
    let wrong: f64 = wanted.iter().zip(found).map(|(x, y)| f64::from(x - y).powi(2)).sum();
    let right: f64 = wanted.iter().map(|x| f64::from(*x).powi(2)).sum();
    10.0 * (right / wrong.max(1e-30)).log10()
}

/// The start and the length of the silence that the notices say, in all.
fn silence(notices: &[Notice]) -> Option<(u64, u64)> {
    let mut places = notices.iter().filter_map(|notice| match notice {
        Notice::Silence { at, frames, .. } => Some((*at, *frames)),
        _ => None,
    });
    let (first, length) = places.next()?;
    Some((first, length + places.map(|(_, length)| length).sum::<u64>()))
}

/// Reads a file that was damaged near its middle: as long as the whole one, the same in its first and its last second, and
/// with a notice of silence between them.
fn check_damaged(whole: &Path, damaged: &Path, longest: u64) {
    let (wanted, _) = read(whole);
    let (found, reader) = read(damaged);
    let what = format!("{}: {:?}", damaged.display(), reader.notices());
    assert_eq!(found.len(), wanted.len(), "{what}");
    assert!(agreement_db(&wanted[..RATE], &found[..RATE]) > 60.0, "{what}: the start");
    let last = wanted.len() - RATE;
    assert!(agreement_db(&wanted[last..], &found[last..]) > 60.0, "{what}: the end comes early or late");
    let (at, frames) = silence(reader.notices()).unwrap_or_else(|| panic!("{what}: no notice"));
    assert!(frames > 0 && frames <= longest, "{what}");
    assert!((RATE as u64..last as u64).contains(&at), "{what}");
    let (at, first) = (at as usize, frames.min(64) as usize);
    assert!(found[at..at + first].iter().all(|sample| *sample == 0.0), "{what}: no silence there");
}

#[test]
fn an_mp3_whose_header_states_too_few_or_no_frames_keeps_all_of_them() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let whole = mono(&folder, "whole.mp3");
    let (wanted, reader) = read(&whole);
    assert_eq!((wanted.len(), reader.notices()), (FRAMES, &[][..]));
    for (frames, name) in [(0_u32, "none.mp3"), (100, "few.mp3"), (100_000, "many.mp3")] {
        let file = changed(&whole, name, |bytes| {
            let tag = bytes.windows(4).position(|four| four == b"Info" || four == b"Xing").unwrap();
            bytes[tag + 8..tag + 12].copy_from_slice(&frames.to_be_bytes());
        });
        let (found, reader) = read(&file);
        assert_eq!(found.len(), FRAMES, "{name}");
        assert!(agreement_db(&wanted, &found) > 100.0, "{name}");
        assert_eq!(reader.frames(), Some(FRAMES as u64), "{name}");
        let [notice] = reader.notices() else { panic!("{name}: {:?}", reader.notices()) };
        match frames {
            0 => assert_eq!(*notice, Notice::UnknownLength),
            100 => assert!(matches!(notice, Notice::LongerThanStated { stated: 115_200, .. }), "{notice:?}"),
            _ => assert!(matches!(notice, Notice::CutOff { missing: Some(_), .. }), "{notice:?}"),
        }
    }
}

#[test]
fn joined_files_come_out_one_after_the_other() {
    if !have("ffmpeg") {
        return;
    }
    for name in ["whole.mp3", "whole.flac", "whole.ogg", "whole.opus"] {
        let folder = folder();
        let whole = mono(&folder, name);
        let (wanted, _) = read(&whole);
        let joined = changed(&whole, &format!("joined-{name}"), |bytes| {
            let again = bytes.clone();
            bytes.extend(again);
        });
        let (found, reader) = read(&joined);
        assert_eq!(found.len(), 2 * wanted.len(), "{name}: {:?}", reader.notices());
        assert!(agreement_db(&wanted, &found[..wanted.len()]) > 100.0, "{name}: the first");
        assert!(agreement_db(&wanted, &found[wanted.len()..]) > 100.0, "{name}: the second");
        assert_eq!(reader.notices(), [], "{name}");
    }
}

#[test]
fn sound_behind_stray_bytes_is_whole_and_a_notice_says_so() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let whole = [chirp(&folder)]
        .into_iter()
        .chain(["a.mp3", "a.flac", "a.ogg", "a.aac"].map(|name| mono(&folder, name)));
    for whole in whole {
        let behind = changed(&whole, &format!("behind-{}", whole.file_name().unwrap().display()), |bytes| {
            bytes.splice(..0, *b"HTTP/1.1 200 OK\r\nContent-Type: audio\r\n\r\n");
        });
        assert!(
            !SoundReader::open(&whole).unwrap().notices().contains(&Notice::StrayBytes),
            "{}",
            whole.display()
        );
        assert!(
            SoundReader::open(&behind).unwrap().notices().contains(&Notice::StrayBytes),
            "{}",
            behind.display()
        );
        assert!(read(&whole).0 == read(&behind).0, "{}", behind.display());
    }
}

#[test]
fn a_flipped_bit_costs_its_packet_and_moves_nothing() {
    if !have("ffmpeg") {
        return;
    }
    let second = 2 * RATE as u64;
    for (name, longest) in [("whole.flac", 4608), ("whole.ogg", second), ("whole.opus", second)] {
        let folder = folder();
        let whole = mono(&folder, name);
        let damaged = changed(&whole, &format!("bit-{name}"), |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        });
        check_damaged(&whole, &damaged, longest);
    }
}

#[test]
fn aac_with_flipped_bits_is_read_to_its_end() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let whole = mono(&folder, "whole.aac");
    let (wanted, _) = read(&whole);
    for place in 0..40 {
        let damaged = changed(&whole, "bit.aac", |bytes| {
            let at = bytes.len() / 2 + 7 * place;
            bytes[at] ^= 1 << (place % 8);
        });
        let (found, reader) = read(&damaged);
        assert_eq!(found.len(), wanted.len(), "bit {place}: {:?}", reader.notices());
        assert!(agreement_db(&wanted[..RATE], &found[..RATE]) > 60.0, "bit {place}");
        let last = wanted.len() - RATE;
        assert!(agreement_db(&wanted[last..], &found[last..]) > 60.0, "bit {place}");
    }
}

#[test]
fn bytes_that_were_overwritten_or_are_gone_leave_the_rest_at_its_place() {
    if !have("ffmpeg") {
        return;
    }
    for name in ["whole.mp3", "whole.flac", "whole.ogg", "whole.opus", "whole.aac"] {
        let folder = folder();
        let whole = mono(&folder, name);
        let zeroed = changed(&whole, &format!("zeroed-{name}"), |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle..middle + 3000].fill(0);
        });
        check_damaged(&whole, &zeroed, 2 * RATE as u64);
        // ADTS does not say how long it is: what is gone is gone.
        if name.ends_with("aac") {
            continue;
        }
        let gone = changed(&whole, &format!("gone-{name}"), |bytes| {
            let middle = bytes.len() / 2;
            bytes.drain(middle..middle + 3000);
        });
        check_damaged(&whole, &gone, 2 * RATE as u64);
    }
}

#[test]
fn files_cut_in_half_give_what_is_there() {
    if !have("ffmpeg") {
        return;
    }
    let kinds: [(&str, &[&str]); 10] = [
        ("half.mp3", &["-c:a", "libmp3lame", "-b:a", "96k"]),
        ("half.ogg", &["-c:a", "libvorbis"]),
        ("half.opus", &["-c:a", "libopus", "-b:a", "64k"]),
        ("half.flac", &[]),
        ("half.m4a", &["-c:a", "aac", "-movflags", "+faststart"]),
        ("half-alac.m4a", &["-c:a", "alac", "-movflags", "+faststart"]),
        ("half.aiff", &[]),
        ("half.caf", &["-c:a", "pcm_s16le"]),
        ("half.au", &[]),
        ("half.wav", &[]),
    ];
    for (name, options) in kinds {
        let folder = folder();
        let whole = encoded(&folder, name, options);
        let (wanted, _) = read(&whole);
        let half = changed(&whole, &format!("cut-{name}"), |bytes| bytes.truncate(bytes.len() / 2));
        let (found, reader) = read(&half);
        let what = format!("{name}: {} of {}, {:?}", found.len(), wanted.len(), reader.notices());
        assert!(found.len() > wanted.len() / 3 && found.len() < wanted.len() * 3 / 4, "{what}");
        assert!(agreement_db(&wanted[..found.len() - 4096], &found[..found.len() - 4096]) > 80.0, "{what}");
        let cut = |notice: &Notice| matches!(notice, Notice::CutOff { .. } | Notice::Truncated { .. });
        assert!(reader.notices().iter().any(cut), "{what}");
        let output = folder.path().join("out.wav");
        assert_eq!(pass(&half, &output, 1).unwrap(), found.len() as u64, "{what}");
    }
}

#[test]
fn uneven_times_in_mp4_drop_nothing() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let whole = mono(&folder, "whole.m4a");
    let uneven = folder.path().join("uneven.m4a");
    let times = "setts=ts='TS+if(eq(mod(N\\,20)\\,10)\\,448\\,0)'";
    run("ffmpeg", &["-v", "error", "-y", "-i", text(&whole), "-c", "copy", "-bsf:a", times, text(&uneven)]);
    let (wanted, _) = read(&whole);
    let (found, reader) = read(&uneven);
    assert_eq!((found.len(), reader.notices()), (wanted.len(), &[][..]));
    assert!(agreement_db(&wanted, &found) > 100.0);
}

#[test]
fn sound_that_an_edit_list_lets_begin_later_begins_later() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let source = chirp(&folder);
    for (name, options) in [
        ("late.m4a", &["-c:a", "aac", "-b:a", "128k", "-aac_pns", "0"][..]),
        ("front.m4a", &["-c:a", "aac", "-b:a", "128k", "-aac_pns", "0", "-movflags", "+faststart"]),
        ("late-alac.m4a", &["-c:a", "alac"]),
        ("late-mp3.mp4", &["-c:a", "libmp3lame"]),
    ] {
        let late = folder.path().join(name);
        let input = ["-v", "error", "-itsoffset", "0.5", "-i", text(&source)];
        run("ffmpeg", &[&input[..], options, &[text(&late)]].concat());
        // By its times, and not from its first packet on.
        let there = ["-v", "error", "-copyts", "-i", text(&late), "-af", "aresample=async=1:first_pts=0"];
        let theirs = run("ffmpeg", &[&there[..], &["-f", "f32le", "-"]].concat());
        let theirs: Vec<f32> = theirs.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let (ours, reader) = read(&late);
        let what = format!("{name}: {} where ffmpeg has {}", ours.len(), theirs.len());
        assert_eq!(reader.notices(), [], "{what}");
        // It leaves the padding of the last packet where it is.
        assert!(theirs.len() + 1 - ours.len() <= 1024, "{what}");
        assert!(reader.frames().is_none_or(|frames| frames == ours.len() as u64), "{what}");
        // The times of the list are milliseconds; a frame of difference is what rounding them makes.
        let shift = |by: usize| agreement_db(&theirs[by..], &ours).max(agreement_db(&theirs, &ours[by..]));
        assert!(shift(0).max(shift(1)) > 60.0, "{what}: {} dB", shift(0).max(shift(1)));
        let output = folder.path().join(format!("{name}.wav"));
        assert_eq!(pass(&late, &output, 1).unwrap(), ours.len() as u64, "{what}");
    }
}

#[test]
fn an_edit_list_that_lets_the_sound_begin_days_later_is_not_followed() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let source = chirp(&folder);
    let late = folder.path().join("late.m4a");
    run("ffmpeg", &["-v", "error", "-itsoffset", "0.5", "-i", text(&source), "-c:a", "alac", text(&late)]);
    let (plain, _) = read(&late);
    let far = changed(&late, "far.m4a", |bytes| {
        let list = bytes.windows(4).position(|four| four == b"elst").unwrap();
        bytes[list + 12..list + 16].copy_from_slice(&u32::MAX.to_be_bytes());
    });
    let (found, reader) = read(&far);
    assert!(found.len() < plain.len());
    assert!(matches!(reader.notices(), [Notice::TimeJump { at: 0, .. }]), "{:?}", reader.notices());
}

#[test]
fn packets_that_are_missing_in_mp4_become_silence() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let whole = mono(&folder, "whole.m4a");
    let gap = folder.path().join("gap.m4a");
    let times = "setts=ts='TS+if(gt(N\\,100)\\,10240\\,0)'";
    run("ffmpeg", &["-v", "error", "-y", "-i", text(&whole), "-c", "copy", "-bsf:a", times, text(&gap)]);
    let (wanted, _) = read(&whole);
    let (found, reader) = read(&gap);
    let at = 101 * 1024 - 1024;
    assert_eq!(silence(reader.notices()), Some((at as u64, 10_240)), "{:?}", reader.notices());
    assert!(agreement_db(&wanted[..at], &found[..at]) > 100.0);
    assert!(agreement_db(&wanted[at..at + RATE], &found[at + 10_240..at + 10_240 + RATE]) > 100.0);
}

#[test]
fn recordings_of_different_kinds_in_one_file_are_refused_with_the_place() {
    if !have("ffmpeg") {
        return;
    }
    for (name, options) in [
        ("first.mp3", &["-c:a", "libmp3lame"][..]),
        ("first.flac", &[]),
        ("first.ogg", &["-c:a", "libvorbis"]),
    ] {
        let folder = folder();
        let first = encoded(&folder, name, options);
        let length = fs::metadata(&first).unwrap().len();
        for (change, to) in [(["-ar", "32000"], (32_000, 1)), (["-ac", "2"], (48_000, 2))] {
            let second = encoded(&folder, &format!("second-{name}"), &[options, &change[..]].concat());
            let joined =
                changed(&first, &format!("joined-{name}"), |bytes| bytes.extend(fs::read(second).unwrap()));
            let error = match SoundReader::open(&joined) {
                Ok(_) => panic!("{name} {change:?}: read"),
                Err(error) => error,
            };
            let SoundErrorKind::FormChanges { byte: Some(byte), millis, from, to: found } = error.kind()
            else {
                panic!("{error}")
            };
            assert_eq!((from, found), ((48_000, 1), to), "{error}");
            assert!((4900..5200).contains(&millis), "{error}");
            let line = line_of(&error);
            assert!(line.contains(&format!("head -c {byte}")), "{line}");
            // The command does what it says.
            let bytes = fs::read(&joined).unwrap();
            let rest = put(&folder, &format!("rest-{name}"), &bytes[byte as usize..]);
            assert_eq!(read(&rest).1.spec().sample_rate, to.0, "{name}");
            assert!(byte <= length + 4096 && byte + 4096 >= length, "{byte} {length}");
        }
    }
}

#[test]
fn flac_whose_depth_changes_is_written_in_that_of_the_first_part() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let first = mono(&folder, "first.flac");
    let second = encoded(
        &folder,
        "second.flac",
        &["-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"],
    );
    let (wanted, _) = read(&second);
    let joined = changed(&first, "joined.flac", |bytes| bytes.extend(fs::read(second).unwrap()));
    let (found, reader) = read(&joined);
    assert_eq!(reader.spec().format, SampleFormat::I16);
    assert_eq!(reader.notices(), [Notice::FewerBitsLater { from: 24, to: 16 }]);
    assert_eq!(found.len(), 2 * FRAMES);
    assert!(agreement_db(&wanted, &found[FRAMES..]) > 100.0);
}

#[test]
fn aac_of_more_than_two_channels_is_refused_in_a_sentence() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    for name in ["surround.m4a", "surround.aac"] {
        let surround = encoded(&folder, name, &["-ac", "6", "-c:a", "aac"]);
        let error = SoundReader::open(&surround).unwrap_err();
        assert_eq!(error.kind(), SoundErrorKind::AacChannels { stated: 6 }, "{error}");
        assert!(line_of(&error).contains("6 channels"));
    }
}

#[test]
fn mp2_is_read_as_ffmpeg_reads_it() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let file = encoded(&folder, "chirp.mp2", &["-c:a", "mp2", "-b:a", "192k"]);
    let theirs = common::tools::decoded_f32(&file);
    let (ours, _) = read(&file);
    assert_eq!(ours.len(), theirs.len());
    assert!(agreement_db(&theirs, &ours) > 60.0, "{}", agreement_db(&theirs, &ours));
}

/// Sets the flag of mixed blocks in the granules that were coded with short ones and whose first scale factors take no
/// bits, so that all others stay where they are; returns how many: MPEG-1 layer III, mono, without checksums.
fn mix_blocks(bytes: &mut [u8]) -> usize {
    let bit = |bytes: &[u8], at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
    let (mut at, mut mixed) = (0, 0);
    while at + 4 < bytes.len() {
        if bytes[at] != 0xFF || bytes[at + 1] & 0xFE != 0xFA {
            at += 1;
            continue;
        }
        let kilobits = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
            [usize::from(bytes[at + 2] >> 4)];
        let padding = usize::from(bytes[at + 2] >> 1 & 1);
        for granule in 0..2 {
            let switching = (at + 4) * 8 + 18 + granule * 59 + 33;
            let short = [0, 1, 2].map(|place| bit(bytes, switching + place)) == [1, 1, 0];
            let no_scale = bit(bytes, switching - 4) == 0 && bit(bytes, switching - 3) == 0;
            if short && no_scale {
                bytes[(switching + 3) / 8] |= 1 << (7 - (switching + 3) % 8);
                mixed += 1;
            }
        }
        at += 144_000 * kilobits / 48_000 + padding;
    }
    mixed
}

#[test]
fn mixed_blocks_do_not_burst() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    // Clicks, so that the encoder takes short blocks.
    let mut wav = Wav::new(SampleFormat::I16, 1, FRAMES);
    wav.fmt = common::fmt(1, 1, RATE as u32, 16);
    let click = |n: usize| if n % 9600 < 200 { ((n * 7919) % 8000) as i16 - 4000 } else { (n % 7) as i16 };
    wav.data = (0..FRAMES).flat_map(|n| click(n).to_le_bytes()).collect();
    let source = put(&folder, "clicks.wav", &wav.bytes());
    let clicks = folder.path().join("clicks.mp3");
    run("ffmpeg", &["-v", "error", "-i", text(&source), "-c:a", "libmp3lame", "-b:a", "256k", text(&clicks)]);
    let mut count = 0;
    let mixed = changed(&clicks, "mixed.mp3", |bytes| count = mix_blocks(bytes));
    assert!(count > 0, "{count} granules were changed");
    let (ours, _) = read(&mixed);
    let theirs = common::tools::decoded_f32(&mixed);
    assert_eq!(ours.len(), theirs.len());
    let peak = |samples: &[f32]| samples.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    assert!(peak(&ours) < 2.0 * peak(&theirs).max(0.1), "{} where ffmpeg has {}", peak(&ours), peak(&theirs));
    // Not exact in the mixed granules themselves, but near.
    assert!(agreement_db(&theirs, &ours) > 20.0, "{}", agreement_db(&theirs, &ours));
}

#[test]
fn a_caf_that_states_packets_of_many_frames_is_refused_before_anything_is_allocated() {
    let folder = folder();
    let mut bytes = b"caff\0\x01\0\0desc".to_vec();
    bytes.extend(32_u64.to_be_bytes());
    bytes.extend(48_000_f64.to_be_bytes());
    bytes.extend(b"lpcm");
    for number in [1_u32, 8, u32::MAX, 1, 64] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(b"data");
    bytes.extend(16_004_u64.to_be_bytes());
    bytes.extend([0; 16_004]);
    let error = SoundReader::open(&put(&folder, "hostile.caf", &bytes)).unwrap_err();
    assert!(matches!(error.kind(), SoundErrorKind::Damaged { .. }), "{error}");
    line_of(&error);
}

/// ADTS frames of silence at 16 kHz, made bit by bit; with band replication data behind the sound or without.
fn adts(band_replication: bool) -> Vec<u8> {
    let mut bits = String::from("000 0000 10000000 0000000000 0 0 0 0");
    if band_replication {
        bits += "110 0100 1101 0101 10101010 11110000 00000000";
    }
    bits += "111";
    bits.retain(|bit| bit != ' ');
    while bits.len() % 8 > 0 {
        bits.push('0');
    }
    let payload: Vec<u8> = bits
        .as_bytes()
        .chunks(8)
        .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | (bit - b'0')))
        .collect();
    let length = payload.len() + 7;
    // Low complexity, 16 kHz, one channel.
    let head = [0xFF, 0xF1, 0x60, 0x40, (length >> 3) as u8, (length << 5) as u8 | 0x1F, 0xFC];
    [&head[..], &payload].concat().repeat(20)
}

#[test]
fn he_aac_is_refused_in_a_sentence_and_plain_aac_is_not() {
    let folder = folder();
    let (samples, reader) = read(&put(&folder, "plain.aac", &adts(false)));
    assert_eq!((samples.len(), reader.spec().sample_rate), (20 * 1024, 16_000));
    let error = SoundReader::open(&put(&folder, "high.aac", &adts(true))).unwrap_err();
    assert_eq!(error.kind(), SoundErrorKind::HeAac, "{error}");
    line_of(&error);
    if !have("ffmpeg") {
        return;
    }
    let plain = mono(&folder, "plain.m4a");
    let high = changed(&plain, "high.m4a", |bytes| {
        let extension = bytes.windows(3).position(|three| three == [0x56, 0xE5, 0]).unwrap();
        bytes[extension + 2] = 0x80;
    });
    assert_eq!(SoundReader::open(&high).unwrap_err().kind(), SoundErrorKind::HeAac);
}

#[test]
fn mp4_in_fragments_is_read_to_its_end() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    for codec in ["aac", "alac"] {
        let file = encoded(
            &folder,
            &format!("{codec}.m4a"),
            &["-c:a", codec, "-movflags", "+frag_keyframe+empty_moov"],
        );
        let (samples, reader) = read(&file);
        assert!((FRAMES..FRAMES + 4096).contains(&samples.len()), "{codec}: {}", samples.len());
        assert_eq!(reader.notices(), [], "{codec}");
    }
}

#[test]
fn an_mp4_box_that_states_gigabytes_is_not_read_as_zeros() {
    let folder = folder();
    let mut bytes = vec![0xFF, 0xFF, 0xFF, 0xF0];
    bytes.extend(b"ftypM4A \0\0\0\0M4A isom");
    let error = SoundReader::open(&put(&folder, "large.m4a", &bytes)).unwrap_err();
    line_of(&error);
}
