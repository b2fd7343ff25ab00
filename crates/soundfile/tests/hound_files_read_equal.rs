//! Files written by hound, an independent writer, read as what was written.

mod common;

use common::{Numbers, folder, read_all};
use sourdine_soundfile::{SampleFormat, SoundReader};

#[test]
fn integers() {
    let folder = folder();
    let path = folder.path().join("hound.wav");
    for (bits, format) in
        [(8, SampleFormat::U8), (16, SampleFormat::I16), (24, SampleFormat::I24), (32, SampleFormat::I32)]
    {
        for channels in [1, 2, 6] {
            let spec = hound::WavSpec {
                channels,
                sample_rate: 44_100,
                bits_per_sample: bits,
                sample_format: hound::SampleFormat::Int,
            };
            let codes: Vec<i32> = Numbers(7).take(6000).map(|n| (n as i32) >> (32 - bits)).collect();
            let mut writer = hound::WavWriter::create(&path, spec).unwrap();
            codes.iter().for_each(|code| writer.write_sample(*code).unwrap());
            writer.finalize().unwrap();

            let mut reader = SoundReader::open(&path).unwrap();
            assert_eq!((reader.spec().format, reader.spec().channels), (format, channels));
            assert_eq!(reader.spec().sample_rate, 44_100);
            assert_eq!(reader.frames(), Some(6000 / u64::from(channels)));
            let scale = 2f32.powi(i32::from(bits) - 1);
            let read = read_all(&mut reader, 480);
            assert!(codes.iter().map(|code| *code as f32 / scale).eq(read), "{format}, {channels} channels");
        }
    }
}

#[test]
fn floats() {
    let folder = folder();
    let path = folder.path().join("hound.wav");
    for channels in [1, 2, 6] {
        let spec = hound::WavSpec {
            channels,
            sample_rate: 8000,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let samples: Vec<f32> = Numbers(7).take(6000).map(|n| n as i64 as f32 / 2f32.powi(63)).collect();
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
        writer.finalize().unwrap();
        let mut reader = SoundReader::open(&path).unwrap();
        assert_eq!(reader.spec().format, SampleFormat::F32);
        assert_eq!(read_all(&mut reader, 480), samples);
    }
}
