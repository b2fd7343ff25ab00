//! Every sane way to write a header is read, with the right values.

mod common;

use common::{FORMATS, Wav, bits, extensible, fmt, folder, put, read_all};
use sourdine_soundfile::{SampleFormat, SoundReader, SoundSpec};

/// Decodes the samples of `wav` by a formula of our own in f64.
fn expected(format: SampleFormat, data: &[u8]) -> Vec<f32> {
    data.chunks_exact(format.bytes())
        .map(|bytes| {
            let mut padded = [0; 8];
            padded[8 - bytes.len()..].copy_from_slice(bytes);
            match format {
                SampleFormat::U8 => (f64::from(bytes[0]) - 128.0) as f32 / 128.0,
                SampleFormat::F32 => f32::from_le_bytes(bytes.try_into().expect("4 bytes")),
                SampleFormat::F64 => f64::from_le_bytes(padded) as f32,
                SampleFormat::I32 => {
                    i32::from_le_bytes(bytes.try_into().expect("4 bytes")) as f32 / 2f32.powi(31)
                }
                _ => (i64::from_le_bytes(padded) as f64 / 2f64.powi(63)) as f32,
            }
        })
        .collect()
}

fn check(what: &str, wav: &Wav, format: SampleFormat, channels: u16) {
    let folder = folder();
    let path = put(&folder, "in.wav", &wav.bytes());
    let mut reader = SoundReader::open(&path).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(reader.spec(), SoundSpec { sample_rate: 48_000, channels, format }, "{what}");
    assert_eq!(reader.notices(), [], "{what}");
    let frames = (wav.data.len() / format.bytes()) as u64 / u64::from(channels);
    assert_eq!(reader.frames(), Some(frames), "{what}");
    assert_eq!(reader.path(), path);
    let samples = read_all(&mut reader, 1000);
    assert!(
        samples.iter().map(|s| s.to_bits()).eq(expected(format, &wav.data).iter().map(|s| s.to_bits())),
        "{what}"
    );
}

#[test]
fn fmt_of_16_18_and_40_bytes() {
    for format in FORMATS {
        for channels in [1, 2, 6] {
            let plain = Wav::new(format, channels, 777);
            check("16", &plain, format, channels);
            let mut longer = plain.clone();
            longer.fmt.extend([0, 0]);
            check("18", &longer, format, channels);
            longer.fmt.extend([0; 22]);
            check("40, plain tag", &longer, format, channels);
            let tag = if format.is_float() { 3 } else { 1 };
            let fmt = extensible(tag, channels, 48_000, bits(format), bits(format));
            check("extensible", &Wav { fmt, ..plain.clone() }, format, channels);
            let fmt = extensible(tag, channels, 48_000, bits(format), 0);
            check("extensible, valid bits left out", &Wav { fmt, ..plain }, format, channels);
        }
    }
}

#[test]
fn ambisonic_guids() {
    let mut wav = Wav::new(SampleFormat::I24, 4, 100);
    wav.fmt = extensible(1, 4, 48_000, 24, 24);
    wav.fmt.truncate(26);
    wav.fmt.extend([0, 0, 0x21, 0x07, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0]);
    check("ambisonic", &wav, SampleFormat::I24, 4);
}

#[test]
fn fewer_valid_bits_than_the_container() {
    for (format, valid) in [(SampleFormat::I24, 20), (SampleFormat::I32, 24), (SampleFormat::I16, 12)] {
        let fmt = extensible(1, 2, 48_000, bits(format), valid);
        let wav = Wav { fmt, ..Wav::new(format, 2, 100) };
        check("valid bits", &wav, format, 2);
    }
    let wav = Wav { fmt: fmt(1, 1, 48_000, 12), ..Wav::new(SampleFormat::I16, 1, 100) };
    check("12 bits in the plain header", &wav, SampleFormat::I16, 1);
}

#[test]
fn chunks_around_the_sound() {
    for format in FORMATS {
        let wav = Wav::new(format, 1, 555).with_chunks();
        check("odd and even chunks", &wav, format, 1);
        let empty = Wav { data: vec![], ..wav.clone() };
        check("no frame, chunks behind", &empty, format, 1);
        check("no frame, nothing behind", &Wav { after: vec![], ..empty }, format, 1);
    }
}

#[test]
fn a_forgotten_pad_byte() {
    let mut wav = Wav::new(SampleFormat::U8, 1, 333);
    wav.before = vec![(*b"LIST", vec![b'x'; 7]), (*b"fact", vec![1, 0, 0])];
    wav.padded = false;
    check("no pad bytes", &wav, SampleFormat::U8, 1);
}

#[test]
fn a_wrong_size_of_the_container_does_not_matter() {
    for riff_size in [0, 4, 36, 1000, u32::MAX, 0x7FFF_F024] {
        let wav = Wav { riff_size: Some(riff_size), ..Wav::new(SampleFormat::I16, 2, 300).with_chunks() };
        check("RIFF size", &wav, SampleFormat::I16, 2);
    }
}

#[test]
fn rf64_and_bw64() {
    for magic in [*b"RF64", *b"BW64"] {
        for format in FORMATS {
            check("large", &Wav { magic, ..Wav::new(format, 2, 321) }, format, 2);
            check("large with chunks", &Wav { magic, ..Wav::new(format, 1, 321).with_chunks() }, format, 1);
        }
        let small = Wav { magic, data_size: Some(642), ..Wav::new(SampleFormat::I16, 1, 321) };
        check("size in the chunk itself", &small, SampleFormat::I16, 1);
    }
}

#[test]
fn any_block_length_reads_the_same() {
    let folder = folder();
    let path = put(&folder, "in.wav", &Wav::new(SampleFormat::I24, 6, 30_000).bytes());
    let whole = read_all(&mut SoundReader::open(&path).unwrap(), 100_000);
    assert_eq!(whole.len(), 180_000);
    for block in [1, 7, 480, 4096, 7281, 7282, 29_999] {
        assert_eq!(read_all(&mut SoundReader::open(&path).unwrap(), block), whole, "{block}");
    }
}

#[test]
fn nan_infinity_and_loud_samples_pass() {
    let folder = folder();
    let loud = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 17.5, -0.0];
    let single: Vec<u8> = loud.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let double: Vec<u8> = loud.iter().flat_map(|sample| f64::from(*sample).to_le_bytes()).collect();
    for (format, data) in [(SampleFormat::F32, single), (SampleFormat::F64, double)] {
        let path = put(&folder, "in.wav", &Wav { data, ..Wav::new(format, 1, 0) }.bytes());
        let read = read_all(&mut SoundReader::open(&path).unwrap(), 3);
        assert!(read[0].is_nan());
        assert_eq!(read[1..], loud[1..]);
    }
}
