//! Copies a WAV file with its samples overwritten: every chunk, in its order, byte for byte.

use std::io::{Read, Seek, SeekFrom};

use crate::error::{SoundError, SoundErrorKind};
use crate::originals::Originals;
use crate::raw::ByteOrder;
use crate::reader::WavReader;
use crate::riff::Layout;
use crate::sample_writer::{Coding, SampleWriter};

/// Bytes copied at a time.
const BLOCK_BYTES: usize = 128 * 1024;

/// Copies a WAV file, with other samples.
#[derive(Debug)]
pub(crate) struct WavCopy {
    layout: Layout,
    out: SampleWriter,
}

impl WavCopy {
    /// The storage of samples in the output: that of the source.
    pub(crate) fn coding(source: &WavReader) -> Coding {
        let (spec, valid_bits) = (source.spec(), source.valid_bits());
        Coding { spec, valid_bits, order: ByteOrder::Little }
    }

    /// Copies what precedes the sound, with the sizes corrected where those of the source are wrong.
    ///
    /// # Errors
    /// [`SoundErrorKind::SourceChanged`] if the source is shorter than when it was opened; and those of reading and
    /// writing.
    pub(crate) fn start(source: &WavReader, mut out: SampleWriter) -> Result<Self, SoundError> {
        let layout = source.layout().clone();
        let found = source.file().metadata().map_err(|error| SoundError::reading(source.path(), error))?;
        if found.len() < layout.file_len {
            return Err(SoundError::new(source.path(), SoundErrorKind::SourceChanged));
        }
        let mut at = 0;
        for (place, bytes) in sizes(&layout) {
            copy(source, at, place - at, &mut out)?;
            out.write_bytes(&bytes)?;
            at = place + bytes.len() as u64;
        }
        copy(source, at, layout.data_offset - at, &mut out)?;
        Ok(Self { layout, out })
    }

    /// Writes the next frames.
    ///
    /// # Errors
    /// [`SoundErrorKind::FrameCount`] if the source has fewer frames than that; nothing of the block is written then.
    pub(crate) fn write(&mut self, interleaved: &[f32], originals: &mut Originals) -> Result<(), SoundError> {
        let channels = usize::from(self.layout.spec.channels);
        let written = self.out.frames() + (interleaved.len() / channels) as u64;
        if written > self.layout.frames && interleaved.len().is_multiple_of(channels) {
            return Err(self.wrong_length(written));
        }
        self.out.write_samples(interleaved, originals)
    }

    /// Copies what follows the sound in the source, and completes the output.
    ///
    /// # Errors
    /// [`SoundErrorKind::FrameCount`] if frames are missing; and those of reading and writing.
    pub(crate) fn finish(mut self, source: &WavReader) -> Result<(), SoundError> {
        if self.out.frames() != self.layout.frames {
            return Err(self.wrong_length(self.out.frames()));
        }
        if own_pad(&self.layout) > 0 {
            self.out.write_bytes(&[0])?;
        }
        let tail = self.layout.file_len - self.layout.tail_offset;
        copy(source, self.layout.tail_offset, tail, &mut self.out)?;
        self.out.commit(&[])
    }

    fn wrong_length(&self, written: u64) -> SoundError {
        let kind = SoundErrorKind::FrameCount { expected: self.layout.frames, written };
        SoundError::new(self.out.named(), kind)
    }
}

/// The pad byte of the output's sound, where it is not part of what is copied.
fn own_pad(layout: &Layout) -> u64 {
    if layout.data_size_wrong { layout.data_len() % 2 } else { 0 }
}

/// Returns the end of the output's sound, with a pad byte of our own, in bytes.
fn data_end(layout: &Layout) -> u64 {
    layout.data_offset + layout.data_len() + own_pad(layout)
}

/// Lists the bytes of the output's header that replace wrong sizes of the source, in order of their places.
///
/// A size beyond the 32 bits of a plain RIFF file stays "unknown", which readers take as "up to the end".
fn sizes(layout: &Layout) -> Vec<(u64, Vec<u8>)> {
    let mut patches = Vec::new();
    let mut put = |at: u64, bytes: &[u8]| patches.push((at, bytes.to_vec()));
    let narrow = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
    let end = match layout.riff_end {
        // Chunks after the sound that the source counts to its container belong to it in the output too.
        Some(end) => data_end(layout) + end.saturating_sub(layout.tail_offset),
        None => data_end(layout) + (layout.file_len - layout.tail_offset),
    };
    let riff_size_wrong = layout.riff_end.is_none() || layout.data_size_wrong;
    let (start, size) = (layout.start, end - layout.start - 8);
    if riff_size_wrong {
        put(start + 4, &if layout.ds64 { u32::MAX } else { narrow(size) }.to_le_bytes());
    }
    if layout.ds64 {
        if riff_size_wrong {
            put(start + 20, &size.to_le_bytes());
        }
        if layout.data_size_wrong {
            put(start + 28, &layout.data_len().to_le_bytes());
            put(start + 36, &layout.frames.to_le_bytes());
        }
    }
    if layout.data_size_wrong {
        let size = if layout.ds64 { u32::MAX } else { narrow(layout.data_len()) };
        put(layout.data_offset - 4, &size.to_le_bytes());
    }
    patches
}

/// Copies `length` bytes of `source` from `start` on, naming the right file if that fails.
fn copy(source: &WavReader, start: u64, length: u64, out: &mut SampleWriter) -> Result<(), SoundError> {
    let reading = |error| SoundError::reading(source.path(), error);
    let mut file = source.file();
    file.seek(SeekFrom::Start(start)).map_err(reading)?;
    let mut rest = length;
    let mut block = vec![0; usize::try_from(length).map_or(BLOCK_BYTES, |all| all.min(BLOCK_BYTES))];
    while rest > 0 {
        let step = usize::try_from(rest).map_or(block.len(), |all| all.min(block.len()));
        file.read_exact(&mut block[..step]).map_err(reading)?;
        out.write_bytes(&block[..step])?;
        rest -= step as u64;
    }
    Ok(())
}
