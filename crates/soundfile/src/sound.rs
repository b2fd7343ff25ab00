//! Reads sound of every kind.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::attributes::Attributes;
use crate::error::{SoundError, SoundErrorKind};
use crate::format::SoundSpec;
use crate::formats::OtherReader;
use crate::header;
use crate::notice::Notice;
use crate::originals::Originals;
use crate::raw::RawSpec;
use crate::reader::WavReader;
use crate::riff::{self, check_container};
use crate::stream::StreamReader;

/// Reads sound from its first frame to its last, in constant memory, whatever its container.
pub struct SoundReader(pub(crate) Input);

/// The reader for a kind of input.
pub(crate) enum Input {
    Wav(Box<WavReader>),
    Stream(Box<StreamReader>),
    Other(OtherReader),
}

impl SoundReader {
    /// Opens a file: WAV (also RF64, A-law, µ-law), FLAC, Ogg Vorbis and Opus, MP3, AAC or ALAC in MP4, AIFF, CAF. What it holds
    /// decides, not its name.
    ///
    /// # Errors
    /// Every [`SoundErrorKind`] that is about the input.
    pub fn open(path: &Path) -> Result<Self, SoundError> {
        let reading = |error| SoundError::reading(path, error);
        // Before opening, because opening a pipe waits for its other end.
        if !fs::metadata(path).map_err(reading)?.is_file() {
            return WavReader::open(path).map(|wav| Self(Input::Wav(Box::new(wav))));
        }
        let mut head = Vec::new();
        File::open(path).and_then(|file| file.take(16).read_to_end(&mut head)).map_err(reading)?;
        let not_wav =
            matches!(check_container(&head), Err(SoundErrorKind::NotWav { .. } | SoundErrorKind::BigEndian));
        if not_wav
            && !is_tagged_wav(path)?
            && let Some(other) = OtherReader::open(path, &head)?
        {
            return Ok(Self(Input::Other(other)));
        }
        match WavReader::open(path) {
            // ADPCM, by Microsoft or IMA.
            Err(error) if matches!(error.kind(), SoundErrorKind::Encoding { tag: 2 | 0x11, .. }) => {
                OtherReader::open_compressed(path, &head).map(|other| Self(Input::Other(other)))
            }
            wav => wav.map(|wav| Self(Input::Wav(Box::new(wav)))),
        }
    }

    /// Reads the header of a WAV file that comes out of a pipe. `name` is its name in errors.
    ///
    /// # Errors
    /// Every [`SoundErrorKind`] that is about the input; containers other than WAV cannot be read from a pipe.
    pub fn from_stream(source: Box<dyn Read + Send>, name: &str) -> Result<Self, SoundError> {
        StreamReader::wav(source, Path::new(name)).map(|stream| Self(Input::Stream(Box::new(stream))))
    }

    /// Reads a stream as samples without a header. `name` is its name in errors.
    ///
    /// # Errors
    /// None today: errors come with reading.
    pub fn raw(source: Box<dyn Read + Send>, raw: RawSpec, name: &str) -> Result<Self, SoundError> {
        Ok(Self(Input::Stream(Box::new(StreamReader::raw(source, raw, Path::new(name))))))
    }

    /// Rate, channels, and how samples are stored, or for lossy formats how they are best written: with 24 bits.
    pub fn spec(&self) -> SoundSpec {
        match &self.0 {
            Input::Wav(wav) => wav.spec(),
            Input::Stream(stream) => stream.spec,
            Input::Other(other) => other.opened().spec,
        }
    }

    /// Whole frames, as far as their number is known beforehand.
    pub fn frames(&self) -> Option<u64> {
        match &self.0 {
            Input::Wav(wav) => Some(wav.frames()),
            Input::Stream(stream) => stream.stated.map(|bytes| bytes / stream.spec.frame_bytes() as u64),
            Input::Other(other) => other.opened().frames,
        }
    }

    /// Lists the faults of the input that were repaired. More may come while it is read.
    pub fn notices(&self) -> &[Notice] {
        match &self.0 {
            Input::Wav(wav) => wav.notices(),
            Input::Stream(stream) => &stream.notices,
            Input::Other(other) => &other.opened().notices,
        }
    }

    /// The number of the channel that carries low-frequency effects, where the file says which speaker each channel is for.
    #[must_use]
    pub fn lfe_channel(&self) -> Option<usize> {
        const LOW_FREQUENCY: u32 = 1 << 3;
        let mask = match &self.0 {
            Input::Other(other) => other.opened().channel_mask,
            Input::Stream(stream) => header::channel_mask(&stream.head),
            Input::Wav(wav) => wav.surroundings().ok().and_then(|(head, _)| header::channel_mask(&head)),
        }?;
        let channels = u32::from(self.spec().channels);
        let states_it = mask & LOW_FREQUENCY != 0 && mask.count_ones() == channels && channels > 1;
        states_it.then(|| (mask & (LOW_FREQUENCY - 1)).count_ones() as usize)
    }

    /// The name of the file or stream, as it was given.
    pub fn path(&self) -> &Path {
        match &self.0 {
            Input::Wav(wav) => wav.path(),
            Input::Stream(stream) => stream.name(),
            Input::Other(other) => &other.opened().path,
        }
    }

    /// Reads the next frames into `out`, interleaved, full scale ±1.0, and returns how many there were: at least one
    /// unless `out` holds none or the sound is at its end. A stream gives what it has.
    ///
    /// # Errors
    /// [`SoundErrorKind::BlockLength`] if the length of `out` is not a multiple of the channels, and those of reading and
    /// decoding.
    pub fn read(&mut self, out: &mut [f32]) -> Result<usize, SoundError> {
        self.read_with(out, &mut Originals::unneeded())
    }

    /// As [`read`](Self::read), and keeps the stored bytes where they are needed.
    pub(crate) fn read_with(
        &mut self,
        out: &mut [f32],
        originals: &mut Originals,
    ) -> Result<usize, SoundError> {
        let channels = self.spec().channels;
        if !out.len().is_multiple_of(usize::from(channels)) {
            let kind = SoundErrorKind::BlockLength { samples: out.len(), channels };
            return Err(SoundError::new(self.path(), kind));
        }
        match &mut self.0 {
            Input::Wav(wav) => wav.read(out, originals),
            Input::Stream(stream) => stream.read(out, originals),
            Input::Other(other) => other.read(out, originals),
        }
    }

    /// The open file, if it is one.
    pub(crate) fn file(&self) -> Option<&File> {
        match &self.0 {
            Input::Wav(wav) => Some(wav.file()),
            Input::Stream(_) => None,
            Input::Other(other) => Some(&other.opened().file),
        }
    }

    /// Reads the attributes that the output takes over.
    pub(crate) fn attributes(&self) -> Option<Attributes> {
        self.file().and_then(|file| Attributes::of(file).ok())
    }

    pub(crate) fn valid_bits(&self) -> u32 {
        match &self.0 {
            Input::Wav(wav) => wav.valid_bits(),
            Input::Stream(stream) => stream.valid_bits,
            Input::Other(other) => other.opened().valid_bits,
        }
    }
}

impl fmt::Debug for SoundReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoundReader").field("path", &self.path()).field("spec", &self.spec()).finish()
    }
}

/// Returns whether the file is WAV behind an ID3v2 tag.
fn is_tagged_wav(path: &Path) -> Result<bool, SoundError> {
    let reading = |error| SoundError::reading(path, error);
    let mut file = File::open(path).map_err(reading)?;
    Ok(riff::start(&mut file).map_err(reading)? > 0)
}
