//! Reads sound from a stream without seeking: WAV on a pipe, or headerless samples.

use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::error::{SoundError, SoundErrorKind};
use crate::fmt_chunk::FormatChunk;
use crate::format::SoundSpec;
use crate::header;
use crate::notice::Notice;
use crate::originals::Originals;
use crate::raw::{ByteOrder, RawSpec};
use crate::riff::{self, MAX_CHUNKS, UNKNOWN, WalkError, id3v2_bytes};

/// The most bytes read at a time: a pipe gives what it has.
const BLOCK_BYTES: usize = 64 * 1024;

/// Chunks before the sound are kept in memory, up to this.
const LONGEST_HEAD: usize = 16 << 20;

/// Chunks behind the sound are kept in memory, up to this; more is cut off.
const LONGEST_TAIL: u64 = 16 << 20;

/// Reads sound from a stream, in constant memory.
pub(crate) struct StreamReader {
    name: PathBuf,
    source: ByteStream,
    pub(crate) spec: SoundSpec,
    pub(crate) valid_bits: u32,
    pub(crate) order: ByteOrder,
    /// Everything before the sound, byte for byte; empty for headerless samples.
    pub(crate) head: Vec<u8>,
    /// Bytes of sound that the header states, if it does.
    pub(crate) stated: Option<u64>,
    unread: u64,
    /// Bytes of a torn frame behind the stated sound.
    torn: u64,
    buffer: Vec<u8>,
    ready: std::ops::Range<usize>,
    ended: bool,
    /// The chunks after the sound, once that is at its end.
    tail: Vec<u8>,
    pub(crate) notices: Vec<Notice>,
}

impl StreamReader {
    pub(crate) fn raw(source: ByteStream, raw: RawSpec, name: &Path) -> Self {
        Self::new(source, raw.spec, raw.spec.format.container_bits(), raw.order, Vec::new(), None, name)
    }

    /// Reads the header of a WAV stream.
    pub(crate) fn wav(mut source: ByteStream, name: &Path) -> Result<Self, SoundError> {
        let (mut head, mut sound) = read_head(&mut source).map_err(|error| match error {
            WalkError::Io(error) => SoundError::reading(name, error),
            WalkError::Bad(kind) => SoundError::new(name, kind),
        })?;
        let mut tail = Vec::new();
        if sound.zero {
            let looked;
            (looked, source) = look_ahead(source).map_err(|error| SoundError::reading(name, error))?;
            if let Some(chunks) = looked {
                (sound.bytes, tail) = (Some(0), chunks);
            }
        }
        let frame = sound.spec.frame_bytes() as u64;
        // As in a file: an even size of one byte too many counts the pad byte.
        let torn = sound.bytes.map_or(0, |bytes| bytes % frame);
        let pad_counted = sound.large && torn == 1 && sound.bytes.is_some_and(|bytes| bytes % 2 == 0);
        let whole = sound.bytes.map(|bytes| bytes - torn);
        if let (Some(bytes), Some(whole), false) = (sound.bytes, whole, torn == 0 || pad_counted) {
            header::correct_size(&mut head, bytes, whole);
        }
        let mut stream =
            Self::new(source, sound.spec, sound.valid_bits, ByteOrder::Little, head, whole, name);
        if !pad_counted {
            stream.torn = torn;
        }
        if sound.zero && whole.is_some() {
            stream.source = Box::new(Cursor::new(tail));
        }
        Ok(stream)
    }

    fn new(
        source: ByteStream,
        spec: SoundSpec,
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
            torn: 0,
            buffer: vec![0; BLOCK_BYTES.next_multiple_of(spec.frame_bytes())],
            ready: 0..0,
            ended: false,
            tail: Vec::new(),
            notices: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// Takes the chunks after the sound.
    pub(crate) fn take_tail(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.tail)
    }

    /// As [`crate::SoundReader::read`]; gives what the stream has as soon as it has it.
    pub(crate) fn read(&mut self, out: &mut [f32], originals: &mut Originals) -> Result<usize, SoundError> {
        let frame = self.spec.frame_bytes();
        let size = self.spec.format.bytes();
        let channels = usize::from(self.spec.channels);
        if self.ready.len() < frame && !out.is_empty() {
            self.fill(frame).map_err(|error| SoundError::reading(&self.name, error))?;
        }
        let frames = (self.ready.len() / frame).min(out.len() / channels);
        let bytes = &mut self.buffer[self.ready.start..self.ready.start + frames * frame];
        self.order.swap(bytes, size);
        self.spec.format.decode(bytes, &mut out[..frames * channels]);
        originals.push(bytes.iter().copied());
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
        let torn = self.ready.len() % frame;
        let Some(stated) = self.stated else {
            if torn > 0 {
                self.notices.push(Notice::PartialFrame { bytes: torn as u64 });
            }
            return Ok(());
        };
        if self.unread > 0 {
            self.notices.push(Notice::Truncated { missing_bytes: self.unread + self.torn });
            if torn > 0 {
                self.notices.push(Notice::PartialFrame { bytes: torn as u64 });
            }
            return Ok(());
        }
        let mut tail = Vec::new();
        if self.torn > 0 {
            self.notices.push(Notice::PartialFrame { bytes: self.torn });
            // The rest of it goes, and its pad byte with it; what is left gets its own.
            let gone = self.torn + (stated + self.torn) % 2;
            io::copy(&mut self.source.by_ref().take(gone), &mut io::sink())?;
            tail.resize((stated % 2) as usize, 0);
        }
        self.source.by_ref().take(LONGEST_TAIL).read_to_end(&mut tail)?;
        self.tail = tail;
        Ok(())
    }
}

/// The properties that the header of a WAV stream states.
struct StreamHeader {
    spec: SoundSpec,
    valid_bits: u32,
    bytes: Option<u64>,
    /// Sizes are in `ds64`.
    large: bool,
    /// The size stated is 0, which recorders write before they know it.
    zero: bool,
}

/// The other end of a pipe.
type ByteStream = Box<dyn Read + Send>;

/// Looks whether nothing but whole chunks follows: then a size of 0 is true, and the chunks are returned. Otherwise the
/// stream is returned as it was.
fn look_ahead(mut source: ByteStream) -> io::Result<(Option<Vec<u8>>, ByteStream)> {
    let mut ahead = Vec::new();
    source.by_ref().take(8).read_to_end(&mut ahead)?;
    // Sound hardly ever looks like the header of a chunk; only then more of it is waited for.
    if ahead.len() == 8 && is_chunk(&ahead) {
        source.by_ref().take(LONGEST_TAIL).read_to_end(&mut ahead)?;
    }
    let mut rest = &ahead[..];
    while is_chunk(rest) {
        let size = rest[4..].first_chunk().copied().map_or(0, u32::from_le_bytes) as usize;
        let Some(behind) = rest.get(8 + size..) else { break };
        rest = behind.get(size % 2..).unwrap_or_default();
    }
    Ok(if rest.is_empty() { (Some(ahead), source) } else { (None, Box::new(Again { ahead, source })) })
}

/// A stream of which some bytes were read before.
struct Again {
    ahead: Vec<u8>,
    source: ByteStream,
}

impl Read for Again {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let there = self.ahead.len().min(out.len());
        out[..there].copy_from_slice(&self.ahead[..there]);
        // A few bytes alone would make a block of a frame or two.
        let more = if there < out.len() { self.source.read(&mut out[there..])? } else { 0 };
        self.ahead.drain(..there);
        Ok(there + more)
    }
}

/// Returns whether a chunk with a printable name starts here.
fn is_chunk(bytes: &[u8]) -> bool {
    bytes.len() >= 8 && bytes[..4].iter().all(|byte| (b' '..=b'~').contains(byte))
}

/// Reads a WAV header up to the first byte of sound: all of its bytes, and what they say.
fn read_head(source: &mut impl Read) -> Result<(Vec<u8>, StreamHeader), WalkError> {
    let mut head = Vec::new();
    more(source, &mut head, 12)?;
    let mut start = 0;
    while let Some(length) = id3v2_bytes(&head[start..]) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        more(source, &mut head, length)?;
        start += length;
    }
    // The same checks, and the same words, as for a file.
    let large = riff::check_container(&head[start..])?;
    let mut format = None;
    let mut ds64_data = None;
    let mut odd = false;
    for _ in 0..MAX_CHUNKS {
        let mut offset = head.len() as u64;
        more(source, &mut head, 8)?;
        // Behind an odd chunk comes its pad byte, unless its writer forgot that.
        if std::mem::take(&mut odd) && !head.last_chunk::<8>().is_some_and(riff::is_known) {
            offset += 1;
            more(source, &mut head, 1)?;
        }
        let Some([id @ .., a, b, c, d]) = head.last_chunk::<8>().copied() else {
            return Err(SoundErrorKind::HeaderCut { offset }.into());
        };
        let size = u32::from_le_bytes([a, b, c, d]);
        if &id == b"data" {
            let Some((spec, valid_bits)) = format else {
                return Err(SoundErrorKind::NoFormat { offset }.into());
            };
            let large = ds64_data.filter(|_| size == UNKNOWN);
            let bytes = large.unwrap_or(u64::from(size));
            // 0 is what is written before the length is known; the others are what programs write into pipes.
            let unknown = match large {
                Some(bytes) => bytes == 0 || bytes == u64::MAX,
                None => size == 0 || crate::data_chunk::is_pipe_size(size),
            };
            let stated = (!unknown).then_some(bytes);
            let zero = bytes == 0;
            return Ok((
                head,
                StreamHeader { spec, valid_bits, bytes: stated, large: large.is_some(), zero },
            ));
        }
        let body = head.len();
        more(source, &mut head, size as usize)?;
        odd = size % 2 == 1;
        let chunk = &head[body..];
        match &id {
            b"fmt " if format.is_none() => {
                let parsed = FormatChunk::parse(&chunk[..size as usize])
                    .ok_or(SoundErrorKind::FormatTooShort { offset, bytes: u64::from(size) })?;
                format = Some(parsed.check()?);
            }
            b"ds64" if large && offset == start as u64 + 12 => ds64_data = ds64(chunk).ok(),
            _ => {}
        }
    }
    Err(SoundErrorKind::TooManyChunks { offset: head.len() as u64 }.into())
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
    if head.len().saturating_add(length) > LONGEST_HEAD {
        return Err(SoundErrorKind::HeaderTooLong.into());
    }
    let wanted = head.len() + length;
    source.by_ref().take(length as u64).read_to_end(head)?;
    if head.is_empty() {
        return Err(SoundErrorKind::Empty.into());
    }
    if head.len() < wanted {
        riff::check_container(head)?;
        return Err(SoundErrorKind::HeaderCut { offset: head.len() as u64 }.into());
    }
    Ok(())
}
