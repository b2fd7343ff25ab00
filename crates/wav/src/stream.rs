//! Sound from a stream that cannot be gone back in: WAV on a pipe, or headerless samples.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{WavError, WavErrorKind};
use crate::fmt_chunk::FormatChunk;
use crate::format::{SampleFormat, WavSpec};
use crate::notice::Notice;
use crate::raw::{ByteOrder, RawSpec};
use crate::riff::{self, MAX_CHUNKS, UNKNOWN, WalkError};

/// How much is read at once, in bytes, at most: a pipe gives what it has.
const BLOCK_BYTES: usize = 64 * 1024;

/// Chunks before the sound are kept in memory, up to this.
const LONGEST_HEAD: usize = 16 << 20;

/// Chunks behind the sound are kept in memory, up to this; more is cut off.
const LONGEST_TAIL: u64 = 16 << 20;

/// What the writer needs of the input beside the samples.
#[derive(Debug, Default)]
pub(crate) struct Upstream {
    /// The bytes of frames that were read and not yet written, where `f32` cannot hold all of a sample.
    pub(crate) originals: VecDeque<u8>,
    /// What follows the sound.
    pub(crate) tail: Vec<u8>,
}

/// [`Upstream`], shared by reader and writer. Reads and writes alternate; the lock is not fought for.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedUpstream(Arc<Mutex<Upstream>>);

impl SharedUpstream {
    /// Keeps the bytes of samples for the writer, if there is one: without, they would only pile up.
    pub(crate) fn keep(&self, bytes: impl IntoIterator<Item = u8>) {
        let mut upstream = self.lock();
        if Arc::strong_count(&self.0) == 1 {
            upstream.originals.clear();
        }
        upstream.originals.extend(bytes);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Upstream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads sound from a stream, in constant memory.
pub(crate) struct StreamReader {
    name: PathBuf,
    source: Box<dyn Read + Send>,
    pub(crate) spec: WavSpec,
    pub(crate) valid_bits: u32,
    pub(crate) order: ByteOrder,
    /// Everything before the sound, byte for byte; empty for headerless samples.
    pub(crate) head: Vec<u8>,
    /// Bytes of sound that the header states, if it does.
    pub(crate) stated: Option<u64>,
    unread: u64,
    buffer: Vec<u8>,
    ready: std::ops::Range<usize>,
    ended: bool,
    pub(crate) upstream: SharedUpstream,
    pub(crate) notices: Vec<Notice>,
}

impl StreamReader {
    pub(crate) fn raw(source: Box<dyn Read + Send>, raw: RawSpec, name: &Path) -> Self {
        Self::new(source, raw.spec, raw.spec.format.container_bits(), raw.order, Vec::new(), None, name)
    }

    /// Reads the header of a WAV stream.
    pub(crate) fn wav(mut source: Box<dyn Read + Send>, name: &Path) -> Result<Self, WavError> {
        let (head, sound) = read_head(&mut source).map_err(|error| match error {
            WalkError::Io(error) => WavError::reading(name, error),
            WalkError::Bad(kind) => WavError::new(name, kind),
        })?;
        let stated = sound.bytes;
        let mut stream =
            Self::new(source, sound.spec, sound.valid_bits, ByteOrder::Little, head, stated, name);
        if stated.is_none() {
            stream.notices.push(Notice::UnknownLength);
        }
        Ok(stream)
    }

    fn new(
        source: Box<dyn Read + Send>,
        spec: WavSpec,
        valid_bits: u32,
        order: ByteOrder,
        head: Vec<u8>,
        stated: Option<u64>,
        name: &Path,
    ) -> Self {
        Self {
            name: name.to_owned(),
            source,
            spec,
            valid_bits,
            order,
            head,
            stated,
            unread: stated.unwrap_or(u64::MAX),
            buffer: vec![0; BLOCK_BYTES.next_multiple_of(spec.frame_bytes())],
            ready: 0..0,
            ended: false,
            upstream: SharedUpstream::default(),
            notices: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// As [`crate::SoundReader::read`]; gives what the stream has as soon as it has it.
    pub(crate) fn read(&mut self, out: &mut [f32]) -> Result<usize, WavError> {
        let frame = self.spec.frame_bytes();
        let size = self.spec.format.bytes();
        let channels = usize::from(self.spec.channels);
        if self.ready.len() < frame && !out.is_empty() {
            self.fill(frame).map_err(|error| WavError::reading(&self.name, error))?;
        }
        let frames = (self.ready.len() / frame).min(out.len() / channels);
        let bytes = &mut self.buffer[self.ready.start..self.ready.start + frames * frame];
        self.order.swap(bytes, size);
        self.spec.format.decode(bytes, &mut out[..frames * channels]);
        if needs_originals(self.spec.format, self.valid_bits) {
            self.upstream.keep(bytes.iter().copied());
        }
        self.ready.start += frames * frame;
        Ok(frames)
    }

    /// Reads until there is at least a frame, or the sound is at its end.
    fn fill(&mut self, frame: usize) -> io::Result<()> {
        self.buffer.copy_within(self.ready.clone(), 0);
        self.ready = 0..self.ready.len();
        while self.ready.len() < frame && !self.ended {
            let room = &mut self.buffer[self.ready.end..];
            let room_len = usize::try_from(self.unread).map_or(room.len(), |unread| unread.min(room.len()));
            let got = match self.source.read(&mut room[..room_len]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                got => got?,
            };
            self.ready.end += got;
            self.unread -= got as u64;
            if got == 0 {
                self.end(frame)?;
            }
        }
        Ok(())
    }

    fn end(&mut self, frame: usize) -> io::Result<()> {
        self.ended = true;
        if self.stated.is_some() && self.unread > 0 {
            self.notices.push(Notice::Truncated { missing_bytes: self.unread });
        }
        if !self.ready.len().is_multiple_of(frame) {
            self.notices.push(Notice::PartialFrame { bytes: (self.ready.len() % frame) as u64 });
        }
        let mut tail = Vec::new();
        if self.stated.is_some() {
            self.source.by_ref().take(LONGEST_TAIL).read_to_end(&mut tail)?;
        }
        self.upstream.lock().tail = tail;
        Ok(())
    }
}

/// Whether an unchanged sample can only be kept by its bytes: it may hold more than `f32` does, or bits below the valid
/// ones, or be one of two codes for the same value (µ-law has two zeros).
pub(crate) fn needs_originals(format: SampleFormat, valid_bits: u32) -> bool {
    match format {
        SampleFormat::I32 | SampleFormat::F64 | SampleFormat::ALaw | SampleFormat::MuLaw => true,
        SampleFormat::F32 => false,
        SampleFormat::U8 | SampleFormat::I16 | SampleFormat::I24 => valid_bits < format.container_bits(),
    }
}

/// What the header of a WAV stream says of the sound.
struct Sound {
    spec: WavSpec,
    valid_bits: u32,
    bytes: Option<u64>,
}

/// Reads a WAV header up to the first byte of sound: all of its bytes, and what they say.
fn read_head(source: &mut impl Read) -> Result<(Vec<u8>, Sound), WalkError> {
    let mut head = Vec::new();
    more(source, &mut head, 12)?;
    // The same checks, and the same words, as for a file.
    let large = riff::check_container(&head)?;
    let mut format = None;
    let mut ds64_data = None;
    for _ in 0..MAX_CHUNKS {
        let offset = head.len() as u64;
        more(source, &mut head, 8)?;
        let Some([id @ .., a, b, c, d]) = head.last_chunk::<8>().copied() else {
            return Err(WavErrorKind::HeaderCut { offset }.into());
        };
        let size = u32::from_le_bytes([a, b, c, d]);
        if &id == b"data" {
            let Some((spec, valid_bits)) = format else {
                return Err(WavErrorKind::NoFormat { offset }.into());
            };
            let stated = match ds64_data {
                Some(bytes) if size == UNKNOWN => Some(bytes).filter(|bytes| *bytes != u64::MAX),
                // 0 is what is written before the length is known; the others are what programs write into pipes.
                _ if size == 0 || crate::data_chunk::is_pipe_size(size) => None,
                _ => Some(u64::from(size)),
            };
            return Ok((head, Sound { spec, valid_bits, bytes: stated }));
        }
        let body = head.len();
        let length = size as usize + size as usize % 2;
        more(source, &mut head, length)?;
        let chunk = &head[body..];
        match &id {
            b"fmt " if format.is_none() => {
                let parsed = FormatChunk::parse(&chunk[..size as usize])
                    .ok_or(WavErrorKind::FormatTooShort { offset, bytes: u64::from(size) })?;
                format = Some(parsed.check()?);
            }
            b"ds64" if large && offset == 12 => ds64_data = ds64(chunk).ok(),
            _ => {}
        }
    }
    Err(WavErrorKind::TooManyChunks { offset: head.len() as u64 }.into())
}

/// The size of the sound in a `ds64` chunk.
fn ds64(chunk: &[u8]) -> io::Result<u64> {
    let mut bytes = [0; 8];
    let mut chunk = Cursor::new(chunk);
    chunk.set_position(8);
    chunk.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Reads `length` bytes more of the header.
fn more(source: &mut impl Read, head: &mut Vec<u8>, length: usize) -> Result<(), WalkError> {
    if head.len() + length > LONGEST_HEAD {
        return Err(WavErrorKind::HeaderTooLong.into());
    }
    let wanted = head.len() + length;
    source.by_ref().take(length as u64).read_to_end(head)?;
    if head.is_empty() {
        return Err(WavErrorKind::Empty.into());
    }
    if head.len() < wanted {
        riff::check_container(head)?;
        return Err(WavErrorKind::HeaderCut { offset: head.len() as u64 }.into());
    }
    Ok(())
}
