//! MP3, AAC and Vorbis: what encoders put before and behind the sound is taken away, and what is left is what ffmpeg
//! decodes.

mod common;

use std::path::{Path, PathBuf};

use common::tools::{decoded_f32, have, pass, read, run};
use common::{Wav, folder, put};
use sourdine_soundfile::{SampleFormat, SoundReader};
use tempfile::TempDir;

const FRAMES: usize = 54_321;

/// A chirp: at no shift is it like itself.
fn chirp(folder: &TempDir, rate: u32, channels: u16) -> PathBuf {
    let mut wav = Wav::new(SampleFormat::I16, channels, FRAMES);
    wav.fmt = common::fmt(1, channels, rate, 16);
    wav.data.clear();
    for n in 0..FRAMES {
        let t = n as f64 / f64::from(rate);
        for channel in 0..channels {
            let phase = std::f64::consts::TAU * (200.0 * t + 500.0 * t * t) + f64::from(channel);
            wav.data.extend(((phase.sin() * 12_000.0) as i16).to_le_bytes());
        }
    }
    put(folder, "chirp.wav", &wav.bytes())
}

fn made(folder: &TempDir, source: &Path, name: &str, options: &[&str]) -> PathBuf {
    let made = folder.path().join(name);
    let names = [source.to_str().expect("a plain name"), made.to_str().expect("a plain name")];
    run("ffmpeg", &[&["-v", "error", "-i", names[0]], options, &[names[1]]].concat());
    made
}

/// Signal to difference, in dB.
fn agreement_db(signal: &[f32], other: &[f32]) -> f64 {
    let energy = |pairs: &mut dyn Iterator<Item = f64>| pairs.map(|x| x * x).sum::<f64>();
    let wanted = energy(&mut signal.iter().map(|x| f64::from(*x)));
    let wrong = energy(&mut signal.iter().zip(other).map(|(x, y)| f64::from(*x) - f64::from(*y)));
    10.0 * (wanted / wrong.max(1e-30)).log10()
}

#[test]
fn place_and_length() {
    if !have("ffmpeg") {
        return;
    }
    let kinds = [
        ("chirp.mp3", &["-c:a", "libmp3lame", "-b:a", "128k"][..]),
        ("vbr.mp3", &["-c:a", "libmp3lame", "-q:a", "2"]),
        ("chirp.ogg", &["-c:a", "libvorbis", "-q:a", "5"]),
        ("chirp.m4a", &["-c:a", "aac", "-b:a", "192k", "-aac_pns", "0"]),
        ("faststart.m4a", &["-c:a", "aac", "-b:a", "192k", "-aac_pns", "0", "-movflags", "+faststart"]),
    ];
    for (name, options) in kinds {
        for (rate, channels) in [(48_000, 1), (44_100, 2), (22_050, 2)] {
            let folder = folder();
            let source = chirp(&folder, rate, channels);
            let made = made(&folder, &source, name, options);
            let what = format!("{name} at {rate} Hz × {channels}");
            let (samples, reader) = read(&made);
            assert_eq!((reader.spec().sample_rate, reader.spec().channels), (rate, channels), "{what}");
            assert_eq!(reader.frames(), Some(FRAMES as u64), "{what}");
            assert_eq!(samples.len(), FRAMES * usize::from(channels), "{what}");
            assert_eq!(reader.notices(), [], "{what}");
            let with_source = agreement_db(&read(&source).0, &samples);
            assert!(with_source > 15.0, "{what}: {with_source:.1} dB against the source: not at its place");
            let with_ffmpeg = agreement_db(&decoded_f32(&made), &samples);
            assert!(with_ffmpeg > 80.0, "{what}: {with_ffmpeg:.1} dB against what ffmpeg decodes");

            let output = folder.path().join("out.wav");
            pass(&made, &output, 1).unwrap();
            let again = read(&output).0;
            assert_eq!(SoundReader::open(&output).unwrap().spec().format, SampleFormat::I24, "{what}");
            // Half a step of 24 bits; what is beyond full scale is cut.
            let error =
                samples.iter().zip(&again).map(|(x, y)| (x.clamp(-1.0, 1.0) - y).abs()).fold(0.0, f32::max);
            assert!(error <= 1.2e-7 && again.len() == samples.len(), "{what}: {error}");
        }
    }
}

#[test]
fn a_length_that_the_file_does_not_state_is_counted() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let source = chirp(&folder, 44_100, 1);
    let adts = made(&folder, &source, "chirp.aac", &["-c:a", "aac", "-b:a", "192k", "-aac_pns", "0"]);
    let bare = made(&folder, &source, "bare.mp3", &["-c:a", "libmp3lame", "-write_xing", "0"]);
    for file in [adts, bare] {
        let (samples, reader) = read(&file);
        let theirs = decoded_f32(&file);
        assert_eq!(samples.len(), theirs.len(), "{}", file.display());
        assert_eq!(reader.frames(), Some(theirs.len() as u64), "{}", file.display());
        assert!(agreement_db(&theirs, &samples) > 80.0, "{}", file.display());
    }
}
