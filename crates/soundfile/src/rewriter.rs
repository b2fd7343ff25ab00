//! Writing: a copy of the source file with its samples overwritten.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::attributes::Attributes;
use crate::encoder::{Encoded, Encoder};
use crate::error::{WavError, WavErrorKind};
use crate::output::{Out, Overwrite, Source, Target, same_inode};
use crate::payload::Payload;
use crate::reader::WavReader;
use crate::riff::Layout;

/// How much is written to the file at once, in bytes.
const BLOCK_BYTES: usize = 128 * 1024;

/// Writes the twin of a WAV file: everything of the source, with other samples.
///
/// Until [`finish`](Self::finish) it is a temporary file beside the output, `.NAME.sourdine-XXXXXX.tmp`; dropping the
/// rewriter deletes it. The source stays untouched.
#[derive(Debug)]
pub struct WavRewriter {
    source_path: PathBuf,
    attributes: Attributes,
    layout: Layout,
    payload: Payload,
    encoder: Encoder,
    /// The name of the output, for messages.
    named: PathBuf,
    /// Where the output is to have its name; none for a stream.
    target: Option<Target>,
    out: BufWriter<Out>,
    frames: u64,
    encoded: Encoded,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// The output, as it was named to [`WavRewriter::create`].
    pub path: PathBuf,
    /// Frames written: as many as the source has.
    pub frames: u64,
    /// Length of the output in bytes.
    pub bytes: u64,
    /// Samples that got another value than in the source.
    pub changed: u64,
    /// Of these, samples beyond ±1.0 that an integer format could not hold; they saturated.
    pub clipped: u64,
    /// Of these, NaN samples that an integer format could not hold; they became silence.
    pub invalid: u64,
}

impl WavRewriter {
    /// Checks that `output` may be written and starts it with what stands before the sound in the source.
    ///
    /// # Errors
    /// Every [`WavErrorKind`] that is about the output, among them [`WavErrorKind::SameFile`] if it is the source under
    /// whatever name; [`WavErrorKind::SourceChanged`] if the source is no longer the file that was opened; and those of
    /// reading and writing.
    pub fn create(source: &WavReader, output: &Path, overwrite: Overwrite) -> Result<Self, WavError> {
        let target =
            Target::check(Source { path: source.path(), file: Some(source.file()) }, output, overwrite)?;
        let out = Out::Temporary(target.temporary(true)?);
        Self::start(source, output, Some(target), out)
    }

    /// As [`create`](Self::create), into a stream; `named` is what errors call it.
    pub(crate) fn to_stream(
        source: &WavReader,
        named: &Path,
        stream: Box<dyn Write + Send>,
    ) -> Result<Self, WavError> {
        Self::start(source, named, None, Out::Stream(stream))
    }

    fn start(source: &WavReader, named: &Path, target: Option<Target>, out: Out) -> Result<Self, WavError> {
        let reading = |error| WavError::reading(source.path(), error);
        let file = File::open(source.path()).map_err(reading)?;
        let opened = source.file().metadata().map_err(reading)?;
        let again = file.metadata().map_err(reading)?;
        let layout = source.layout().clone();
        if !same_inode(&opened, &again) || again.len() < layout.file_len {
            return Err(WavError::new(source.path(), WavErrorKind::SourceChanged));
        }
        let mut out = BufWriter::with_capacity(BLOCK_BYTES, out);
        // The header, with the sizes corrected where those of the source are wrong.
        let mut at = 0;
        for (place, bytes) in sizes(&layout) {
            copy(&file, at, place - at, &mut out, source.path(), named)?;
            out.write_all(&bytes).map_err(|error| WavError::writing(named, error))?;
            at = place + bytes.len() as u64;
        }
        copy(&file, at, layout.data_offset - at, &mut out, source.path(), named)?;
        Ok(Self {
            source_path: source.path().to_owned(),
            attributes: Attributes::of(&file).map_err(reading)?,
            payload: Payload::new(file, &layout).map_err(reading)?,
            encoder: Encoder::new(layout.spec.format, layout.valid_bits),
            layout,
            named: named.to_owned(),
            target,
            out,
            frames: 0,
            encoded: Encoded::default(),
        })
    }

    /// Writes the next frames, interleaved, full scale ±1.0, over those of the source.
    ///
    /// # Errors
    /// [`WavErrorKind::BlockLength`] if the block is not whole frames; [`WavErrorKind::FrameCount`] if the source has
    /// fewer frames than that, and then nothing of the block is written; and those of reading and writing. After any
    /// other error than these two the rewriter is only good for being dropped.
    pub fn write(&mut self, interleaved: &[f32]) -> Result<(), WavError> {
        let spec = self.layout.spec;
        let channels = usize::from(spec.channels);
        if !interleaved.len().is_multiple_of(channels) {
            return Err(self
                .misuse(WavErrorKind::BlockLength { samples: interleaved.len(), channels: spec.channels }));
        }
        let written = self.frames + (interleaved.len() / channels) as u64;
        if written > self.layout.frames {
            return Err(self.misuse(WavErrorKind::FrameCount { expected: self.layout.frames, written }));
        }
        let mut rest = interleaved;
        while !rest.is_empty() {
            let bytes = self
                .payload
                .next(rest.len() / channels)
                .map_err(|error| WavError::reading(&self.source_path, error))?;
            let (block, after) = rest.split_at(bytes.len() / spec.format.bytes());
            self.encoded += self.encoder.encode_over(block, bytes);
            self.out.write_all(bytes).map_err(|error| WavError::writing(&self.named, error))?;
            rest = after;
        }
        self.frames = written;
        Ok(())
    }

    /// Writes what stands behind the sound in the source, brings everything to the disk and gives the output its name
    /// and the attributes of the source.
    ///
    /// # Errors
    /// [`WavErrorKind::FrameCount`] if not all frames were written; [`WavErrorKind::OutputExists`] if it came into being
    /// in the meantime and may not be replaced; and those of reading and writing. Nothing is left behind then.
    pub fn finish(mut self) -> Result<Finished, WavError> {
        if self.frames != self.layout.frames {
            let kind = WavErrorKind::FrameCount { expected: self.layout.frames, written: self.frames };
            return Err(self.misuse(kind));
        }
        let named = self.named.as_path();
        let writing = |error| WavError::writing(named, error);
        if own_pad(&self.layout) > 0 {
            self.out.write_all(&[0]).map_err(writing)?;
        }
        let tail = self.layout.file_len - self.layout.tail_offset;
        copy(self.payload.file(), self.layout.tail_offset, tail, &mut self.out, &self.source_path, named)?;
        let file = self.out.into_inner().map_err(|error| writing(error.into_error()))?;
        match (file, self.target) {
            (Out::Temporary(file), Some(target)) => target.commit(file, Some(&self.attributes))?,
            (mut stream, _) => stream.flush().map_err(writing)?,
        }
        Ok(Finished {
            path: named.to_owned(),
            frames: self.frames,
            bytes: data_end(&self.layout) + tail,
            changed: self.encoded.changed,
            clipped: self.encoded.clipped,
            invalid: self.encoded.invalid,
        })
    }

    fn misuse(&self, kind: WavErrorKind) -> WavError {
        WavError::new(&self.named, kind)
    }
}

/// The pad byte of the output's sound, where it is not part of what is copied.
fn own_pad(layout: &Layout) -> u64 {
    if layout.data_size_wrong { layout.data_len() % 2 } else { 0 }
}

/// Where the output's sound ends, with a pad byte of our own, in bytes.
fn data_end(layout: &Layout) -> u64 {
    layout.data_offset + layout.data_len() + own_pad(layout)
}

/// What stands at which byte of the output's header where the source states a wrong size, in order.
///
/// What does not fit the 32 bits of a plain RIFF file stays "unknown", which readers take as "up to the end".
fn sizes(layout: &Layout) -> Vec<(u64, Vec<u8>)> {
    let mut patches = Vec::new();
    let mut put = |at: u64, bytes: &[u8]| patches.push((at, bytes.to_vec()));
    let narrow = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
    let end = match layout.riff_end {
        // What the source counts to its container behind the sound belongs to it in the output too.
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
fn copy(
    mut source: &File,
    start: u64,
    length: u64,
    out: &mut impl Write,
    source_path: &Path,
    output: &Path,
) -> Result<(), WavError> {
    let reading = |error| WavError::reading(source_path, error);
    source.seek(SeekFrom::Start(start)).map_err(reading)?;
    let mut rest = length;
    let mut block = vec![0; usize::try_from(length).map_or(BLOCK_BYTES, |all| all.min(BLOCK_BYTES))];
    while rest > 0 {
        let step = usize::try_from(rest).map_or(block.len(), |all| all.min(block.len()));
        source.read_exact(&mut block[..step]).map_err(reading)?;
        out.write_all(&block[..step]).map_err(|error| WavError::writing(output, error))?;
        rest -= step as u64;
    }
    Ok(())
}
