//! Changed samples are in the output as another reader sees it, and nothing else differs.

mod common;

use std::fs;
use std::path::Path;

use common::{FORMATS, Wav, folder, put, read_all, read_to_rewrite, rewrite};
use sourdine_soundfile::{Overwrite, SampleFormat, SoundReader, SoundRewriter};

fn cleaned(sample: f32) -> f32 {
    sample * 0.3
}

/// Full scale ±1.0 by hound, which is not ours; `None` for what it cannot read.
fn by_hound(path: &Path, format: SampleFormat) -> Option<Vec<f32>> {
    let mut reader = hound::WavReader::open(path).ok()?;
    if reader.spec().sample_format == hound::SampleFormat::Float {
        return reader.samples::<f32>().collect::<Result<_, _>>().ok();
    }
    let scale = 2f64.powi(i32::from(common::bits(format)) - 1);
    reader
        .samples::<i32>()
        .map(|code| code.map(|code| (f64::from(code) / scale) as f32))
        .collect::<Result<_, _>>()
        .ok()
}

#[test]
fn formats_times_channels_times_chunks() {
    let folder = folder();
    let output = folder.path().join("out.wav");
    for format in FORMATS {
        for channels in [1_u16, 2, 6] {
            for wav in [
                Wav::new(format, channels, 4801),
                Wav::new(format, channels, 4801).with_chunks(),
                Wav { magic: *b"RF64", ..Wav::new(format, channels, 4801).with_chunks() },
            ] {
                let what = format!("{format}, {channels} channels");
                let before = wav.bytes();
                let input = put(&folder, "in.wav", &before);
                let written = rewrite(&input, &output, Overwrite::Replace, cleaned).expect(&what);
                assert_eq!(written, 4801);

                let after = fs::read(&output).expect("reading back");
                let data = wav.data_offset()..wav.data_offset() + wav.data.len();
                assert_eq!(after.len(), before.len(), "{what}");
                assert!(after[..data.start] == before[..data.start], "{what}: before the sound");
                assert!(after[data.end..] == before[data.end..], "{what}: behind the sound");

                let old = read_all(&mut SoundReader::open(&input).expect("input"), 500);
                let new = read_all(&mut SoundReader::open(&output).expect("output"), 500);
                let step = if format.is_float() {
                    0.0
                } else {
                    0.5 / 2f32.powi(i32::from(common::bits(format)) - 1)
                };
                for (old, new) in old.iter().zip(&new) {
                    assert!(
                        (cleaned(*old) - new).abs() <= step * 1.001 + 1e-7 * step.signum(),
                        "{what}: {old} -> {new}"
                    );
                }
                // hound reads neither float64 nor RF64, and does not skip pad bytes.
                match by_hound(&output, format) {
                    Some(theirs) => assert!(theirs == new, "{what}: hound reads something else"),
                    None => assert!(
                        format == SampleFormat::F64 || !wav.before.is_empty(),
                        "{what}: hound refuses"
                    ),
                }
            }
        }
    }
}

#[test]
fn one_changed_sample_changes_one_sample() {
    let folder = folder();
    for format in FORMATS {
        let wav = Wav::new(format, 2, 1000);
        let input = put(&folder, "in.wav", &wav.bytes());
        let output = folder.path().join("out.wav");
        let mut rewriter =
            SoundRewriter::create(SoundReader::open(&input).unwrap(), &output, Overwrite::Replace).unwrap();
        let mut samples = read_to_rewrite(&mut rewriter, 1000);
        samples[777] = if samples[777] > 0.0 { -0.5 } else { 0.5 };
        samples.chunks(34).for_each(|block| rewriter.write(block).unwrap());
        rewriter.finish().unwrap();
        let (before, after) = (wav.bytes(), fs::read(&output).unwrap());
        let place = wav.data_offset() + 777 * format.bytes();
        let same = |range: std::ops::Range<usize>| before[range.clone()] == after[range];
        assert!(same(0..place) && same(place + format.bytes()..before.len()), "{format}");
        assert!(!same(place..place + format.bytes()), "{format}");
    }
}

#[test]
fn loud_and_invalid_samples_are_clipped_and_silenced_where_they_cannot_be_kept() {
    let folder = folder();
    let output = folder.path().join("out.wav");
    for format in FORMATS {
        let input = put(&folder, "in.wav", &Wav::new(format, 1, 4).bytes());
        let reader = SoundReader::open(&input).unwrap();
        let mut rewriter = SoundRewriter::create(reader, &output, Overwrite::Replace).unwrap();
        rewriter.write(&[1.5, -2.0, f32::NAN, f32::INFINITY]).unwrap();
        rewriter.finish().unwrap();
        let written = read_all(&mut SoundReader::open(&output).unwrap(), 4);
        if format.is_float() {
            assert_eq!(written[..2], [1.5, -2.0]);
            assert!(written[2].is_nan() && written[3] == f32::INFINITY);
        } else {
            assert!(written[0] > 0.99 && written[0] <= 1.0, "{format}");
            assert_eq!(written[1..3], [-1.0, 0.0], "{format}");
        }
    }
}

#[test]
fn bits_below_the_valid_ones_stay_zero() {
    let folder = folder();
    let mut wav =
        Wav { fmt: common::extensible(1, 1, 48_000, 24, 20), ..Wav::new(SampleFormat::I24, 1, 2000) };
    wav.data.chunks_exact_mut(3).for_each(|sample| sample[0] &= 0xF0);
    let input = put(&folder, "in.wav", &wav.bytes());
    let output = folder.path().join("out.wav");
    rewrite(&input, &output, Overwrite::Refuse, cleaned).unwrap();
    let after = fs::read(&output).unwrap();
    assert!(after[wav.data_offset()..].chunks_exact(3).all(|sample| sample[0] & 0x0F == 0));
}
