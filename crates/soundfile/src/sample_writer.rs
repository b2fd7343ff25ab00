//! The output of a WAV file or of headerless samples: bytes as they are, and samples encoded.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::attributes::Attributes;
use crate::encoder::Encoder;
use crate::error::{SoundError, SoundErrorKind};
use crate::format::SoundSpec;
use crate::originals::Originals;
use crate::output::{Out, Target};
use crate::raw::ByteOrder;

/// Bytes written to a file at a time; a stream gets every block immediately.
const BLOCK_BYTES: usize = 128 * 1024;

/// The storage of samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coding {
    pub(crate) spec: SoundSpec,
    pub(crate) valid_bits: u32,
    pub(crate) order: ByteOrder,
}

/// Writes a file that gets its name at the end, or a stream.
#[derive(Debug)]
pub(crate) struct SampleWriter {
    /// The name of the output, for messages.
    named: PathBuf,
    /// The final place of the output; `None` for a stream.
    target: Option<Target>,
    attributes: Option<Attributes>,
    out: BufWriter<Out>,
    coding: Coding,
    encoder: Encoder,
    block: Vec<u8>,
    frames: u64,
}

impl SampleWriter {
    /// Starts a temporary file next to the target.
    pub(crate) fn create(
        target: Target,
        attributes: Option<Attributes>,
        coding: Coding,
    ) -> Result<Self, SoundError> {
        let out = Out::Temporary(target.temporary(attributes.is_some())?);
        let named = target.named().to_owned();
        Ok(Self::new(named, Some(target), attributes, out, coding))
    }

    /// Writes into a stream; `named` is its name in errors.
    pub(crate) fn to_stream(named: &Path, stream: Box<dyn Write + Send>, coding: Coding) -> Self {
        Self::new(named.to_owned(), None, None, Out::Stream(stream), coding)
    }

    fn new(
        named: PathBuf,
        target: Option<Target>,
        attributes: Option<Attributes>,
        out: Out,
        coding: Coding,
    ) -> Self {
        let out = BufWriter::with_capacity(BLOCK_BYTES, out);
        let encoder = Encoder::new(coding.spec.format, coding.valid_bits);
        Self { named, target, attributes, out, coding, encoder, block: Vec::new(), frames: 0 }
    }

    pub(crate) fn named(&self) -> &Path {
        &self.named
    }

    /// Frames written so far.
    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    /// Writes bytes that are no samples.
    pub(crate) fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), SoundError> {
        self.out.write_all(bytes).map_err(|error| SoundError::writing(&self.named, error))
    }

    /// Encodes and writes whole frames, full scale ±1.0; a sample that equals its original keeps the bytes of that.
    pub(crate) fn write_samples(
        &mut self,
        interleaved: &[f32],
        originals: &mut Originals,
    ) -> Result<(), SoundError> {
        let SoundSpec { channels, format, .. } = self.coding.spec;
        if !interleaved.len().is_multiple_of(usize::from(channels)) {
            let kind = SoundErrorKind::BlockLength { samples: interleaved.len(), channels };
            return Err(SoundError::new(&self.named, kind));
        }
        originals.pop_into(&mut self.block, interleaved.len() * format.bytes());
        self.encoder.encode_over(interleaved, &mut self.block);
        self.coding.order.swap(&mut self.block, format.bytes());
        let written = self.out.write_all(&self.block).and_then(|()| match self.target {
            None => self.out.flush(), // the reader at the other end is waiting
            Some(_) => Ok(()),
        });
        written.map_err(|error| SoundError::writing(&self.named, error))?;
        self.frames += (interleaved.len() / usize::from(channels)) as u64;
        Ok(())
    }

    /// Patches the header of a file and gives it its name and attributes; flushes a stream.
    pub(crate) fn commit(self, patches: &[(u64, Vec<u8>)]) -> Result<(), SoundError> {
        let named = self.named.as_path();
        let writing = |error| SoundError::writing(named, error);
        let out = self.out.into_inner().map_err(|error| writing(error.into_error()))?;
        match (out, self.target) {
            (Out::Temporary(mut file), Some(target)) => {
                patch(&mut file, patches).map_err(writing)?;
                target.commit(file, self.attributes.as_ref())
            }
            (mut stream, _) => stream.flush().map_err(writing),
        }
    }
}

/// Overwrites bytes of a file.
pub(crate) fn patch(file: &mut (impl Write + Seek), patches: &[(u64, Vec<u8>)]) -> io::Result<()> {
    for (at, bytes) in patches {
        file.seek(SeekFrom::Start(*at))?;
        file.write_all(bytes)?;
    }
    file.flush()
}
