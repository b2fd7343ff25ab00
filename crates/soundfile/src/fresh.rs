//! Writing WAV, or samples without a header, that are no copy of a file: from streams and from other containers.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::attributes::Attributes;
use crate::encoder::{Encoded, Encoder};
use crate::error::{WavError, WavErrorKind};
use crate::format::WavSpec;
use crate::header;
use crate::output::{Out, Target};
use crate::raw::ByteOrder;
use crate::rewriter::Finished;
use crate::stream::{SharedUpstream, needs_originals};

/// How much is written to a file at once, in bytes; a stream gets every block at once.
const BLOCK_BYTES: usize = 128 * 1024;

/// What is written before the first sample, and how samples are.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) spec: WavSpec,
    pub(crate) valid_bits: u32,
    pub(crate) order: ByteOrder,
    /// Empty for samples without a header.
    pub(crate) head: Vec<u8>,
    /// The header has room for `ds64`.
    pub(crate) reserved: bool,
    /// What `f32` cannot hold, and what follows the sound.
    pub(crate) upstream: Option<SharedUpstream>,
}

impl Plan {
    /// Takes the header of a WAV file for a part of it.
    pub(crate) fn part(&mut self, head: &[u8], tail: &[u8], growing: bool) {
        if let Some(head) = header::of_a_part(head, tail, growing) {
            self.head = head;
            self.reserved = growing;
        }
    }

    /// Puts the length into the header, if that has a place for it.
    pub(crate) fn state_length(&mut self, frames: u64) {
        let data = frames.saturating_mul(self.spec.frame_bytes() as u64);
        let end = data.saturating_add(data % 2).saturating_add(self.head.len() as u64);
        for (at, bytes) in header::patches(&self.head, frames, data, end, false) {
            let at = at as usize;
            if let Some(place) = self.head.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(&bytes);
            }
        }
    }
}

/// Writes sound of a length that need not be known.
#[derive(Debug)]
pub(crate) struct FreshWriter {
    named: PathBuf,
    target: Option<Target>,
    attributes: Option<Attributes>,
    out: BufWriter<Out>,
    plan: Plan,
    encoder: Encoder,
    block: Vec<u8>,
    frames: u64,
    encoded: Encoded,
}

impl FreshWriter {
    pub(crate) fn create(
        target: Target,
        plan: Plan,
        attributes: Option<Attributes>,
    ) -> Result<Self, WavError> {
        let out = Out::Temporary(target.temporary(attributes.is_some())?);
        let named = target.named().to_owned();
        Self::start(named, Some(target), attributes, out, plan)
    }

    pub(crate) fn to_stream(
        named: &Path,
        stream: Box<dyn Write + Send>,
        plan: Plan,
    ) -> Result<Self, WavError> {
        Self::start(named.to_owned(), None, None, Out::Stream(stream), plan)
    }

    fn start(
        named: PathBuf,
        target: Option<Target>,
        attributes: Option<Attributes>,
        out: Out,
        plan: Plan,
    ) -> Result<Self, WavError> {
        let mut out = BufWriter::with_capacity(BLOCK_BYTES, out);
        out.write_all(&plan.head).map_err(|error| WavError::writing(&named, error))?;
        let encoder = Encoder::new(plan.spec.format, plan.valid_bits);
        let encoded = Encoded::default();
        Ok(Self { named, target, attributes, out, plan, encoder, block: Vec::new(), frames: 0, encoded })
    }

    pub(crate) fn write(&mut self, interleaved: &[f32]) -> Result<(), WavError> {
        let channels = self.plan.spec.channels;
        if !interleaved.len().is_multiple_of(usize::from(channels)) {
            let kind = WavErrorKind::BlockLength { samples: interleaved.len(), channels };
            return Err(WavError::new(&self.named, kind));
        }
        let format = self.plan.spec.format;
        let length = interleaved.len() * format.bytes();
        self.block.clear();
        if let Some(upstream) =
            self.plan.upstream.as_ref().filter(|_| needs_originals(format, self.plan.valid_bits))
        {
            let originals = &mut upstream.lock().originals;
            let there = length.min(originals.len());
            self.block.extend(originals.drain(..there));
        }
        self.block.resize(length, 0);
        self.encoded += self.encoder.encode_over(interleaved, &mut self.block);
        self.plan.order.swap(&mut self.block, format.bytes());
        let written = self.out.write_all(&self.block).and_then(|()| match self.target {
            None => self.out.flush(), // somebody waits at the other end
            Some(_) => Ok(()),
        });
        written.map_err(|error| WavError::writing(&self.named, error))?;
        self.frames += (interleaved.len() / usize::from(channels)) as u64;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Finished, WavError> {
        let named = self.named.as_path();
        let writing = |error| WavError::writing(named, error);
        let data = self.frames * self.plan.spec.frame_bytes() as u64;
        let head = self.plan.head.len() as u64;
        let mut tail = Vec::new();
        if head > 0 {
            if let Some(upstream) = &self.plan.upstream {
                tail = std::mem::take(&mut upstream.lock().tail);
            }
            // A tail as it was read begins with the pad byte, if there was one.
            if tail.is_empty() && data % 2 == 1 {
                tail.push(0);
            }
        }
        self.out.write_all(&tail).map_err(writing)?;
        let end = head + data + tail.len() as u64;
        let mut out = self.out.into_inner().map_err(|error| writing(error.into_error()))?;
        match (&mut out, self.target) {
            (Out::Temporary(file), Some(target)) => {
                if head > 0 {
                    let patches =
                        header::patches(&self.plan.head, self.frames, data, end, self.plan.reserved);
                    patch(file, &patches).map_err(writing)?;
                }
                if let Out::Temporary(file) = out {
                    target.commit(file, self.attributes.as_ref())?;
                }
            }
            _ => out.flush().map_err(writing)?,
        }
        Ok(Finished {
            path: named.to_owned(),
            frames: self.frames,
            bytes: end,
            changed: self.encoded.changed,
            clipped: self.encoded.clipped,
            invalid: self.encoded.invalid,
        })
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
