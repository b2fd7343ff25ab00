//! The chunk walk: from the bytes of a header to what is where.
//!
//! Only the part up to the `data` chunk is walked; what stands behind it never needs to be understood.

use std::io::{self, Read, Seek, SeekFrom};

use crate::data_chunk::Data;
use crate::error::SoundErrorKind;
use crate::fmt_chunk::FormatChunk;
use crate::format::SoundSpec;
use crate::notice::Notice;
use crate::sniff;

/// More channels than this are refused: they come from damaged headers.
pub(crate) const MAX_CHANNELS: u16 = 64;
/// Higher rates, in Hz, are refused: they come from damaged headers.
pub(crate) const MAX_SAMPLE_RATE: u32 = 1_000_000;
/// More chunks than this before the sound are refused, so that a hostile file cannot keep the walk busy.
pub(crate) const MAX_CHUNKS: u32 = 4096;

/// A size field of this value means "see `ds64`" or "unknown".
pub(crate) const UNKNOWN: u32 = u32::MAX;
/// Chunks that may follow an odd-sized chunk whose writer forgot the pad byte.
const KNOWN: [&[u8; 4]; 6] = [b"fmt ", b"data", b"LIST", b"fact", b"bext", b"iXML"];

/// Returns whether a chunk that is often met starts with these bytes.
pub(crate) fn is_known(header: &[u8; 8]) -> bool {
    KNOWN.iter().any(|id| header.starts_with(*id))
}

/// The layout of a WAV file.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) spec: SoundSpec,
    /// Valid bits of an integer sample, at most the container's.
    pub(crate) valid_bits: u32,
    /// Start of the container, in bytes.
    pub(crate) start: u64,
    /// Start of the sound, in bytes.
    pub(crate) data_offset: u64,
    /// Whole frames that are really there.
    pub(crate) frames: u64,
    /// Start of what follows the sound in the output, in bytes.
    pub(crate) tail_offset: u64,
    /// Length of the file in bytes.
    pub(crate) file_len: u64,
    /// Whether the stated size of the sound is wrong, so that the output needs its own.
    pub(crate) data_size_wrong: bool,
    /// End of the container by its header, in bytes, if that is plausible.
    pub(crate) riff_end: Option<u64>,
    /// Whether sizes are in `ds64` (which is at byte 12).
    pub(crate) ds64: bool,
    pub(crate) notices: Vec<Notice>,
}

impl Layout {
    /// Length of the sound in bytes, whole frames only.
    pub(crate) fn data_len(&self) -> u64 {
        // `frames` came from a division by the frame's bytes.
        self.frames * frame_bytes(self.spec)
    }
}

/// Length of a frame in bytes, never 0 in a checked format.
pub(crate) fn frame_bytes(spec: SoundSpec) -> u64 {
    u64::from(spec.channels) * u64::from(spec.format.container_bits() / 8)
}

/// Why a walk ended without a layout.
#[derive(Debug)]
pub(crate) enum WalkError {
    Io(io::Error),
    Bad(SoundErrorKind),
}

impl From<SoundErrorKind> for WalkError {
    fn from(kind: SoundErrorKind) -> Self {
        Self::Bad(kind)
    }
}

impl From<io::Error> for WalkError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Sizes beyond 4 GiB.
pub(crate) struct Ds64 {
    pub(crate) riff: u64,
    pub(crate) data: u64,
}

/// Walks the file in `source` from its start.
pub(crate) fn walk(source: &mut (impl Read + Seek)) -> Result<Layout, WalkError> {
    let file_len = source.seek(SeekFrom::End(0))?;
    let container = Container::read(source, file_len)?;
    let first = container.start + 12;
    let mut format = None;
    let mut ds64 = None;
    let mut offset = first;
    for _ in 0..MAX_CHUNKS {
        let Some((id, size)) = chunk_header(source, offset, file_len)? else {
            return Err(match format {
                // The header promises more than there is: cut off. Else there simply is no sound.
                _ if offset > file_len || container.riff_end() > file_len => {
                    SoundErrorKind::HeaderCut { offset: file_len }
                }
                Some(_) => SoundErrorKind::NoData,
                None => SoundErrorKind::NoFormat { offset: file_len },
            }
            .into());
        };
        let body = offset + 8;
        match &id {
            b"fmt " if format.is_none() => format = Some(read_format(source, body, size, file_len)?),
            b"ds64" if container.large && offset == first && size >= 24 => {
                let [riff, data] = [read_u64(source, body, file_len)?, read_u64(source, body + 8, file_len)?];
                ds64 = Some(Ds64 { riff, data });
            }
            b"data" => {
                let Some((spec, valid_bits)) = format else {
                    return Err(SoundErrorKind::NoFormat { offset }.into());
                };
                let data = Data { spec, valid_bits, offset: body, size, file_len };
                return Ok(data.place(source, &container, ds64)?);
            }
            _ => {}
        }
        offset = next_chunk(source, body, size, file_len)?;
    }
    Err(SoundErrorKind::TooManyChunks { offset }.into())
}

/// The first twelve bytes.
pub(crate) struct Container {
    /// Its start, in bytes: after any ID3v2 tags.
    pub(crate) start: u64,
    pub(crate) riff_size: u32,
    large: bool,
}

impl Container {
    fn read(source: &mut (impl Read + Seek), file_len: u64) -> Result<Self, WalkError> {
        let mut head = Vec::with_capacity(12);
        let start = start(source)?;
        source.seek(SeekFrom::Start(start))?;
        source.by_ref().take(12).read_to_end(&mut head)?;
        let large = check_container(&head).map_err(|kind| match kind {
            SoundErrorKind::HeaderCut { .. } => SoundErrorKind::HeaderCut { offset: file_len },
            kind => kind,
        })?;
        let riff_size = head.get(4..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        Ok(Self { start, riff_size: u32::from_le_bytes(riff_size), large })
    }

    /// End of the container by its own field, in bytes; 0 where the field does not say.
    pub(crate) fn riff_end(&self) -> u64 {
        if self.riff_size == UNKNOWN { 0 } else { self.start + u64::from(self.riff_size) + 8 }
    }
}

/// Finds the start of a WAV file: after any ID3v2 tags.
pub(crate) fn start(source: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut at = 0;
    loop {
        let mut head = Vec::with_capacity(12);
        source.seek(SeekFrom::Start(at))?;
        source.by_ref().take(12).read_to_end(&mut head)?;
        match id3v2_bytes(&head) {
            Some(length) => at += length,
            None if at > 0 && check_container(&head).is_err() => return Ok(0),
            None => return Ok(at),
        }
    }
}

/// The length of the ID3v2 tag that starts here.
pub(crate) fn id3v2_bytes(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', version, _, flags, a, b, c, d, ..] = *head else { return None };
    if version > 4 || [a, b, c, d].iter().any(|byte| *byte >= 0x80) {
        return None;
    }
    let body = [a, b, c, d].iter().fold(0, |sum, byte| sum << 7 | u64::from(*byte));
    Some(10 + body + if flags & 0x10 != 0 { 10 } else { 0 })
}

/// Checks the first twelve bytes of a file; whether its sizes are in `ds64`.
pub(crate) fn check_container(head: &[u8]) -> Result<bool, SoundErrorKind> {
    let large = head.starts_with(b"RF64") || head.starts_with(b"BW64");
    if head.is_empty() {
        return Err(SoundErrorKind::Empty);
    }
    if head.starts_with(b"RIFX") {
        return Err(SoundErrorKind::BigEndian);
    }
    if !(head.starts_with(b"RIFF") || large) {
        return Err(SoundErrorKind::NotWav { looks_like: sniff::looks_like(head) });
    }
    match head.get(8..12) {
        None => Err(SoundErrorKind::HeaderCut { offset: head.len() as u64 }),
        Some(b"WAVE") => Ok(large),
        Some(_) => Err(SoundErrorKind::NotWav { looks_like: sniff::looks_like(head) }),
    }
}

/// The id and the stated size of the chunk at `offset`; `None` if the file ends before its eight bytes do.
pub(crate) fn chunk_header(
    source: &mut (impl Read + Seek),
    offset: u64,
    file_len: u64,
) -> Result<Option<([u8; 4], u32)>, io::Error> {
    if offset.saturating_add(8) > file_len {
        return Ok(None);
    }
    let mut header = [0; 8];
    source.seek(SeekFrom::Start(offset))?;
    source.read_exact(&mut header)?;
    let [id @ .., a, b, c, d] = header;
    Ok(Some((id, u32::from_le_bytes([a, b, c, d]))))
}

fn read_u64(source: &mut (impl Read + Seek), offset: u64, file_len: u64) -> Result<u64, WalkError> {
    if offset + 8 > file_len {
        return Err(SoundErrorKind::HeaderCut { offset: file_len }.into());
    }
    let mut bytes = [0; 8];
    source.seek(SeekFrom::Start(offset))?;
    source.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Finds the start of the next chunk: after the pad byte, unless the writer forgot it.
fn next_chunk(source: &mut (impl Read + Seek), body: u64, size: u32, file_len: u64) -> io::Result<u64> {
    let end = body + u64::from(size);
    if size % 2 == 1
        && let Some((id, _)) = chunk_header(source, end, file_len)?
        && KNOWN.contains(&&id)
    {
        return Ok(end);
    }
    Ok(end + u64::from(size % 2))
}

/// Reads and checks the `fmt ` chunk whose body starts at `body`.
fn read_format(
    source: &mut (impl Read + Seek),
    body: u64,
    size: u32,
    file_len: u64,
) -> Result<(SoundSpec, u32), WalkError> {
    let wanted = usize::try_from(size).unwrap_or(usize::MAX).min(FormatChunk::LONGEST);
    let mut bytes = Vec::with_capacity(wanted);
    source.seek(SeekFrom::Start(body))?;
    source.by_ref().take(u64::from(size)).take(FormatChunk::LONGEST as u64).read_to_end(&mut bytes)?;
    if bytes.len() < wanted {
        return Err(SoundErrorKind::HeaderCut { offset: file_len }.into());
    }
    let chunk = FormatChunk::parse(&bytes)
        .ok_or(SoundErrorKind::FormatTooShort { offset: body - 8, bytes: u64::from(size) })?;
    Ok(chunk.check()?)
}
