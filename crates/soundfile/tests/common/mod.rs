//! WAV files built byte by byte, and the ways to run one through the crate.
#![allow(dead_code, reason = "every test file uses its own part of this")]

pub(crate) mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use sourdine_soundfile::{Overwrite, SampleFormat, SoundError, SoundReader, SoundRewriter};
use tempfile::TempDir;

pub(crate) const FORMATS: [SampleFormat; 6] = [
    SampleFormat::U8,
    SampleFormat::I16,
    SampleFormat::I24,
    SampleFormat::I32,
    SampleFormat::F32,
    SampleFormat::F64,
];

/// A WAV file in parts, each of which a test may spoil.
#[derive(Clone)]
pub(crate) struct Wav {
    pub(crate) magic: [u8; 4],
    /// Instead of the right one.
    pub(crate) riff_size: Option<u32>,
    pub(crate) fmt: Vec<u8>,
    pub(crate) before: Vec<([u8; 4], Vec<u8>)>,
    pub(crate) data: Vec<u8>,
    /// Instead of the right one.
    pub(crate) data_size: Option<u32>,
    pub(crate) after: Vec<([u8; 4], Vec<u8>)>,
    /// Whether odd chunks get their pad byte.
    pub(crate) padded: bool,
}

impl Wav {
    /// `frames` frames of noise that uses every bit, with the plain 16-byte `fmt ` chunk.
    pub(crate) fn new(format: SampleFormat, channels: u16, frames: usize) -> Self {
        let tag = if format.is_float() { 3 } else { 1 };
        Self {
            magic: *b"RIFF",
            riff_size: None,
            fmt: fmt(tag, channels, 48_000, bits(format)),
            before: vec![],
            data: noise(format, frames * usize::from(channels)),
            data_size: None,
            after: vec![],
            padded: true,
        }
    }

    /// With chunks of odd and even sizes before and behind the sound.
    pub(crate) fn with_chunks(mut self) -> Self {
        self.before = vec![
            (*b"bext", (0..603).map(|i| (i % 251) as u8).collect()),
            (*b"iXML", b"<BWFXML/>".to_vec()),
            (*b"junk", vec![]),
        ];
        self.after = vec![
            (*b"LIST", b"INFOISFT\x05\0\0\0mine\0\0".to_vec()),
            (*b"cue ", vec![0; 4]),
            (*b"smpl", vec![7; 36]),
            (*b"id3 ", b"ID3\x04\0".to_vec()),
            (*b"what", vec![1, 2, 3]),
        ];
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut body = b"WAVE".to_vec();
        let chunk = |body: &mut Vec<u8>, id: &[u8; 4], size: Option<u32>, content: &[u8]| {
            body.extend(id);
            body.extend(size.unwrap_or(content.len() as u32).to_le_bytes());
            body.extend(content);
            if content.len() % 2 == 1 && self.padded {
                body.push(0);
            }
        };
        if self.magic != *b"RIFF" {
            let riff = self.bytes_len_large();
            let frames = self.data.len() as u64 / u64::from(u16::from_le_bytes([self.fmt[12], self.fmt[13]]));
            let numbers = [riff - 8, self.data.len() as u64, frames];
            let mut ds64: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            ds64.extend([0; 4]);
            chunk(&mut body, b"ds64", None, &ds64);
        }
        let (early, late) = self.before.split_at(self.before.len() / 2);
        early.iter().for_each(|(id, content)| chunk(&mut body, id, None, content));
        chunk(&mut body, b"fmt ", None, &self.fmt);
        late.iter().for_each(|(id, content)| chunk(&mut body, id, None, content));
        let large_size = (self.magic != *b"RIFF").then_some(u32::MAX);
        chunk(&mut body, b"data", self.data_size.or(large_size), &self.data);
        self.after.iter().for_each(|(id, content)| chunk(&mut body, id, None, content));
        let riff_size = self.riff_size.or(large_size).unwrap_or(body.len() as u32);
        [&self.magic[..], &riff_size.to_le_bytes(), &body].concat()
    }

    fn bytes_len_large(&self) -> u64 {
        let plain = Self { magic: *b"RIFF", ..self.clone() };
        plain.bytes().len() as u64 + 36
    }

    /// The start of the sound in `bytes()`.
    pub(crate) fn data_offset(&self) -> usize {
        let behind = Self { data: vec![], after: vec![], ..self.clone() };
        behind.bytes().len()
    }
}

pub(crate) fn bits(format: SampleFormat) -> u16 {
    format.bytes() as u16 * 8
}

/// A 16-byte `fmt ` body.
pub(crate) fn fmt(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let align = u32::from(channels) * u32::from(bits.div_ceil(8));
    let mut fmt = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    fmt.extend(rate.to_le_bytes());
    fmt.extend(rate.wrapping_mul(align).to_le_bytes());
    fmt.extend((align as u16).to_le_bytes());
    fmt.extend(bits.to_le_bytes());
    fmt
}

/// A 40-byte `fmt ` body of WAVE_FORMAT_EXTENSIBLE.
pub(crate) fn extensible(tag: u16, channels: u16, rate: u32, bits: u16, valid: u16) -> Vec<u8> {
    let mut body = fmt(0xFFFE, channels, rate, bits);
    body.extend(22_u16.to_le_bytes());
    body.extend(valid.to_le_bytes());
    body.extend(0x3F_u32.to_le_bytes());
    body.extend(tag.to_le_bytes());
    body.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
    body
}

/// The same numbers on every run and machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Some(self.0)
    }
}

/// Samples that use every bit; floats within ±1.
pub(crate) fn noise(format: SampleFormat, samples: usize) -> Vec<u8> {
    let numbers = Numbers(0x5EED_0123_4567_89AB).take(samples);
    numbers
        .flat_map(|number| match format {
            SampleFormat::F32 => (number as i64 as f32 / 2f32.powi(63)).to_le_bytes().to_vec(),
            SampleFormat::F64 => (number as i64 as f64 / 2f64.powi(63)).to_le_bytes().to_vec(),
            integer => number.to_le_bytes()[..integer.bytes()].to_vec(),
        })
        .collect()
}

/// A folder of its own for a test.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes `bytes` as `name` into `folder`.
pub(crate) fn put(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("writing a test file");
    path
}

/// All samples of a file, read in blocks of `block` frames.
pub(crate) fn read_all(reader: &mut SoundReader, block: usize) -> Vec<f32> {
    let channels = usize::from(reader.spec().channels);
    collect(channels, block, |out| reader.read(out))
}

/// All samples that a rewriter reads, in blocks of `block` frames.
pub(crate) fn read_to_rewrite(rewriter: &mut SoundRewriter, block: usize) -> Vec<f32> {
    let channels = usize::from(rewriter.reader().spec().channels);
    collect(channels, block, |out| rewriter.read(out))
}

fn collect(
    channels: usize,
    block: usize,
    mut read: impl FnMut(&mut [f32]) -> Result<usize, SoundError>,
) -> Vec<f32> {
    let mut out = vec![0.0; block * channels];
    let mut all = Vec::new();
    loop {
        match read(&mut out).expect("reading") {
            0 => return all,
            frames => all.extend(&out[..frames * channels]),
        }
    }
}

/// Runs all of the sound through a rewriter with `change` applied to every sample, and returns how many frames it was.
pub(crate) fn pass_through(
    mut rewriter: SoundRewriter,
    change: impl Fn(f32) -> f32,
) -> Result<u64, SoundError> {
    let channels = usize::from(rewriter.reader().spec().channels);
    let mut block = vec![0.0; 480 * channels];
    let mut total = 0;
    loop {
        let frames = rewriter.read(&mut block)?;
        if frames == 0 {
            return rewriter.finish().map(|()| total);
        }
        total += frames as u64;
        let samples = &mut block[..frames * channels];
        samples.iter_mut().for_each(|sample| *sample = change(*sample));
        rewriter.write(samples)?;
    }
}

/// Rewrites a file with `change` applied to every sample, and returns how many frames it has.
pub(crate) fn rewrite(
    input: &Path,
    output: &Path,
    overwrite: Overwrite,
    change: impl Fn(f32) -> f32,
) -> Result<u64, SoundError> {
    pass_through(SoundRewriter::create(SoundReader::open(input)?, output, overwrite)?, change)
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("listing");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Checks that an error is one line that names the file, and returns it.
pub(crate) fn line_of(error: &SoundError) -> String {
    let line = error.to_string();
    let name = error.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    assert!(!line.is_empty() && !line.contains(['\n', '\r']), "not one line: {line:?}");
    assert!(line.contains(&name), "{line:?} does not name {name:?}");
    assert!(line.len() > error.path().to_string_lossy().len() + 20, "says nothing: {line:?}");
    line
}
