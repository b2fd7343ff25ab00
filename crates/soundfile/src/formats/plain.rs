//! Samples that are not compressed, in other containers than WAV: AIFF and AIFF-C, CAF, Sun/NeXT audio, RIFX.
//!
//! Only the header is looked at here; what it says is checked against the length of the file before anything is believed.

use std::fs::File;
use std::io;
use std::path::Path;

use super::bytes::Bytes;
use super::layout;
use super::tags;
use crate::error::{SoundError, SoundErrorKind};
use crate::fmt_chunk::FormatChunk;
use crate::format::{SampleFormat, SoundSpec};
use crate::header::InfoTag;
use crate::notice::Notice;
use crate::opened::Opened;
use crate::originals::Originals;
use crate::raw::ByteOrder;
use crate::riff::{MAX_CHANNELS, MAX_CHUNKS, MAX_SAMPLE_RATE};

/// Frames that are read from the file at once, in bytes, or a little less.
const BLOCK_BYTES: usize = 64 * 1024;

/// Text of an input file is kept up to this, in bytes.
const LONGEST_TEXT: usize = 1 << 16;

/// The storage of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stored {
    format: SampleFormat,
    order: ByteOrder,
    /// Bits that carry sound.
    valid: u32,
}

/// The fields of a header.
#[derive(Debug)]
struct PlainHeader {
    rate: u32,
    channels: u16,
    stored: Stored,
    /// Start of the sound, in bytes.
    offset: u64,
    /// Its length in bytes, if it is stated.
    bytes: Option<u64>,
    /// Its length in frames, where that is stated besides.
    frames: Option<u64>,
    mask: Option<u32>,
    tags: Vec<InfoTag>,
}

/// Why there is no header.
enum Bad {
    Io(io::Error),
    Kind(SoundErrorKind),
}

impl From<io::Error> for Bad {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<SoundErrorKind> for Bad {
    fn from(kind: SoundErrorKind) -> Self {
        Self::Kind(kind)
    }
}

/// Reads such a file.
pub(crate) struct Plain {
    pub(super) opened: Opened,
    bytes: Bytes,
    stored: Stored,
    at: u64,
    end: u64,
    block: Vec<u8>,
}

/// Returns whether a file that starts so is read here.
pub(crate) fn is_plain(head: &[u8]) -> bool {
    let kind = head.get(8..12);
    (head.starts_with(b"FORM") && matches!(kind, Some(b"AIFF" | b"AIFC")))
        || head.starts_with(b"caff")
        || head.starts_with(b".snd")
        || head.starts_with(b"RIFX")
}

impl Plain {
    /// Opens a file; `None` if what it holds is compressed.
    pub(crate) fn open(path: &Path, head: &[u8]) -> Result<Option<Self>, SoundError> {
        let reading = |error| SoundError::reading(path, error);
        let open = || File::open(path).map_err(reading);
        let mut bytes = Bytes::new(open()?, 0..u64::MAX).map_err(reading)?;
        let header = match head {
            [b'F', b'O', b'R', b'M', ..] => aiff(&mut bytes),
            [b'c', b'a', b'f', b'f', ..] => caf(&mut bytes),
            [b'R', b'I', b'F', b'X', ..] => rifx(&mut bytes).map(Some),
            _ => au(&mut bytes).map(Some),
        };
        let header = header.map_err(|bad| match bad {
            Bad::Io(error) => reading(error),
            Bad::Kind(kind) => SoundError::new(path, kind),
        })?;
        let Some(mut header) = header else { return Ok(None) };
        if head.starts_with(b"FORM") {
            for (id, value) in tags::of_file(open()?) {
                tags::add(&mut header.tags, id, &value);
            }
        }
        Self::new(path, open()?, bytes, header).map(Some)
    }

    fn new(path: &Path, file: File, bytes: Bytes, header: PlainHeader) -> Result<Self, SoundError> {
        let PlainHeader { rate, channels, stored, offset, bytes: stated, frames: stated_frames, mask, tags } =
            header;
        let refused = |kind| Err(SoundError::new(path, kind));
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return refused(SoundErrorKind::Channels { stated: channels });
        }
        if !(1..=MAX_SAMPLE_RATE).contains(&rate) {
            return refused(SoundErrorKind::SampleRate { stated: rate });
        }
        let available = bytes.range.end.saturating_sub(offset);
        let frame = (usize::from(channels) * stored.format.bytes()) as u64;
        let mut notices = Vec::new();
        let present = match stated {
            // A recorder that never came to write its sizes leaves zeros.
            Some(0) if stated_frames.unwrap_or(0) == 0 && available >= frame => {
                notices.push(Notice::UnknownLength);
                available
            }
            Some(stated) if stated > available => {
                notices.push(Notice::Truncated { missing_bytes: stated - available });
                available
            }
            Some(stated) => stated,
            None => {
                notices.push(Notice::UnknownLength);
                available
            }
        };
        let frames = present / frame;
        // A pad byte that was counted is no torn frame.
        let torn = present % frame;
        if torn > 0 && !(torn == 1 && stated_frames == Some(frames)) {
            notices.push(Notice::PartialFrame { bytes: torn });
        }
        match stated_frames {
            Some(stated) if stated < frames && stated > 0 => {
                notices.push(Notice::LongerThanStated { stated, frames, rate });
            }
            _ => {}
        }
        // Companded samples are written as 16 bits, as other decoders give them.
        let (format, valid_bits) = match stored.format {
            SampleFormat::ALaw | SampleFormat::MuLaw => (SampleFormat::I16, 16),
            format => (format, stored.valid),
        };
        let spec = SoundSpec { sample_rate: rate, channels, format };
        let (at, end) = (offset, offset + frames * frame);
        let channel_mask = mask.filter(|mask| mask.count_ones() == u32::from(channels));
        let (path, frames) = (path.to_owned(), Some(frames));
        let opened = Opened { path, file, spec, valid_bits, channel_mask, frames, tags, notices };
        Ok(Self { opened, bytes, stored, at, end, block: Vec::new() })
    }

    /// As [`crate::SoundReader::read`].
    pub(crate) fn read(&mut self, out: &mut [f32], originals: &mut Originals) -> Result<usize, SoundError> {
        let channels = usize::from(self.opened.spec.channels);
        let size = self.stored.format.bytes();
        let frame = channels * size;
        let mut done = 0;
        while done < out.len() && self.at < self.end {
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            let frames = ((out.len() - done) / channels).min(BLOCK_BYTES / frame).max(1);
            let length = left.min(frames * frame);
            self.block.clear();
            let bytes = self
                .bytes
                .get(self.at, length)
                .map_err(|error| SoundError::reading(&self.opened.path, error))?;
            self.block.extend(bytes);
            if self.block.len() < length {
                return Err(SoundError::new(&self.opened.path, SoundErrorKind::SourceChanged));
            }
            self.stored.order.swap(&mut self.block, size);
            let samples = length / size;
            self.stored.format.decode(&self.block, &mut out[done..done + samples]);
            if self.stored.format == self.opened.spec.format {
                originals.push(self.block.iter().copied());
            }
            self.at += length as u64;
            done += samples;
        }
        Ok(done / channels)
    }
}

/// Integers of so many bits, in whole bytes.
fn integer(bits: u32, order: ByteOrder) -> Option<Stored> {
    let format = match bits {
        1..=8 => SampleFormat::U8,
        9..=16 => SampleFormat::I16,
        17..=24 => SampleFormat::I24,
        25..=32 => SampleFormat::I32,
        _ => return None,
    };
    // Eight bits have a sign in these containers.
    let order = if format == SampleFormat::U8 { ByteOrder::Signed8 } else { order };
    Some(Stored { format, order, valid: bits })
}

fn float(bits: u32, order: ByteOrder) -> Option<Stored> {
    let format = match bits {
        32 => SampleFormat::F32,
        64 => SampleFormat::F64,
        _ => return None,
    };
    Some(Stored { format, order, valid: bits })
}

fn byte(format: SampleFormat) -> Stored {
    Stored { format, order: ByteOrder::Little, valid: 8 }
}

/// A chunk: what it is, where its body starts, and how long it says to be.
struct Chunk {
    id: [u8; 4],
    body: u64,
    size: u64,
}

/// The chunk at `at`, of IFF with the highest byte first; `None` at the end.
fn chunk(bytes: &mut Bytes, at: u64) -> io::Result<Option<Chunk>> {
    let Some([a, b, c, d, size @ ..]) = bytes.array::<8>(at)? else { return Ok(None) };
    Ok(Some(Chunk { id: [a, b, c, d], body: at + 8, size: u64::from(u32::from_be_bytes(size)) }))
}

/// Text up to its first NUL.
fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    // Text that is not Unicode is most often Latin-1, whose codes are those of Unicode.
    let latin = || text.iter().map(|byte| char::from(*byte)).collect();
    std::str::from_utf8(text).map_or_else(|_| latin(), ToOwned::to_owned).trim().to_owned()
}

fn number16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// AIFF and AIFF-C (Apple, 1989 and 1991).
fn aiff(bytes: &mut Bytes) -> Result<Option<PlainHeader>, Bad> {
    let end = bytes.range.end;
    let mut at = 12;
    let mut common = None;
    let mut sound = None;
    let mut tags = Vec::new();
    for _ in 0..MAX_CHUNKS {
        let Some(Chunk { id, body, size }) = chunk(bytes, at)? else { break };
        let head = |bytes: &mut Bytes, longest: usize| {
            let length = usize::try_from(size).unwrap_or(usize::MAX).min(longest);
            bytes.get(body, length).map(<[u8]>::to_vec)
        };
        match &id {
            b"COMM" => common = Some(head(bytes, 32)?),
            b"SSND" => {
                let offset = bytes.array::<4>(body)?.map_or(0, u32::from_be_bytes);
                sound = Some((body + 8 + u64::from(offset), size.saturating_sub(8 + u64::from(offset))));
            }
            b"NAME" => tags::add(&mut tags, *b"INAM", &text(&head(bytes, LONGEST_TEXT)?)),
            b"AUTH" => tags::add(&mut tags, *b"IART", &text(&head(bytes, LONGEST_TEXT)?)),
            b"ANNO" => tags::add(&mut tags, *b"ICMT", &text(&head(bytes, LONGEST_TEXT)?)),
            b"(c) " => tags::add(&mut tags, *b"ICOP", &text(&head(bytes, LONGEST_TEXT)?)),
            _ => {}
        }
        at = body + size + size % 2;
        if at >= end {
            break;
        }
    }
    let damaged = || SoundErrorKind::Damaged { what: "its COMM chunk is missing or too short" };
    let common = common.ok_or_else(damaged)?;
    let (offset, length) = sound.ok_or(SoundErrorKind::NoSound)?;
    let channels = number16(&common, 0).ok_or_else(damaged)?;
    let frames = number32(&common, 2).ok_or_else(damaged)?;
    let bits = u32::from(number16(&common, 6).ok_or_else(damaged)?);
    let rate = common.get(8..18).and_then(<[u8]>::first_chunk).and_then(extended).ok_or_else(damaged)?;
    let big = ByteOrder::Big;
    let stored = match common.get(18..22) {
        None | Some(b"NONE" | b"twos") => integer(bits, big),
        Some(b"sowt") => integer(bits, ByteOrder::Little),
        Some(b"in24") => integer(24, big),
        Some(b"in32") => integer(32, big),
        Some(b"raw ") if bits <= 8 => Some(Stored { order: ByteOrder::Little, ..byte(SampleFormat::U8) }),
        Some(b"fl32" | b"FL32") => float(32, big),
        Some(b"fl64" | b"FL64") => float(64, big),
        Some(b"alaw" | b"ALAW") => Some(byte(SampleFormat::ALaw)),
        Some(b"ulaw" | b"ULAW") => Some(byte(SampleFormat::MuLaw)),
        Some(_) => return Err(SoundErrorKind::UnknownCoding { container: "AIFF" }.into()),
    };
    let stored =
        stored.ok_or(SoundErrorKind::Bits { container: bits as u16, valid: bits as u16, float: false })?;
    Ok(Some(PlainHeader {
        rate,
        channels,
        stored,
        offset,
        bytes: Some(length),
        frames: Some(u64::from(frames)),
        mask: None,
        tags,
    }))
}

/// A rate as a float of 80 bits.
fn extended(&[high, low, mantissa @ ..]: &[u8; 10]) -> Option<u32> {
    let exponent = i32::from(u16::from_be_bytes([high, low])) - 16_383 - 63;
    let rate = u64::from_be_bytes(mantissa) as f64 * f64::from(exponent).exp2();
    (rate >= 0.5 && rate < f64::from(u32::MAX)).then(|| rate.round() as u32)
}

/// Apple's Core Audio Format.
fn caf(bytes: &mut Bytes) -> Result<Option<PlainHeader>, Bad> {
    let end = bytes.range.end;
    let mut at = 8;
    let mut description: Option<[u8; 32]> = None;
    let mut sound = None;
    let mut tags = Vec::new();
    let mut mask = None;
    for _ in 0..MAX_CHUNKS {
        let Some([a, b, c, d, size @ ..]) = bytes.array::<12>(at)? else { break };
        let (id, body, size) = ([a, b, c, d], at + 12, i64::from_be_bytes(size));
        // Only the sound may not know how long it is, and is the last chunk then.
        let stated = u64::try_from(size).ok();
        let length = stated.map_or(usize::MAX, |size| usize::try_from(size).unwrap_or(usize::MAX));
        match &id {
            b"desc" => description = bytes.array(body)?,
            b"data" => sound = Some((body + 4, stated.map(|size| size.saturating_sub(4)))),
            b"chan" => mask = layout::of_caf(bytes.get(body, length.min(12 + 20 * 64))?),
            b"info" => info(bytes.get(body, length.min(LONGEST_TEXT))?, &mut tags),
            _ => {}
        }
        let Some(behind) = stated.and_then(|size| body.checked_add(size)) else { break };
        at = behind;
        if at >= end {
            break;
        }
    }
    let description = description.ok_or(SoundErrorKind::Damaged { what: "its desc chunk is missing" })?;
    let number = |at| number32(&description, at).unwrap_or_default();
    let (flags, per_packet, frames, channels, bits) =
        (number(12), number(16), number(20), number(24), number(28));
    let order = if flags & 2 != 0 { ByteOrder::Little } else { ByteOrder::Big };
    let stored = match &description[8..12] {
        b"lpcm" if flags & 1 != 0 => float(bits, order),
        b"lpcm" => integer(bits, order),
        b"alaw" => Some(byte(SampleFormat::ALaw)),
        b"ulaw" => Some(byte(SampleFormat::MuLaw)),
        _ => return Ok(None),
    };
    let (narrow, channels) =
        (u16::try_from(bits).unwrap_or(u16::MAX), u16::try_from(channels).unwrap_or(u16::MAX));
    let mut stored =
        stored.ok_or(SoundErrorKind::Bits { container: narrow, valid: narrow, float: flags & 1 != 0 })?;
    // Fewer bits than their bytes hold stand at the upper end of them.
    if stored.format == SampleFormat::I24 && per_packet == u32::from(channels) * 4 {
        stored.format = SampleFormat::I32;
    }
    let expected = u32::from(channels).saturating_mul(stored.format.bytes() as u32);
    if per_packet != expected || frames != 1 {
        return Err(SoundErrorKind::Damaged { what: "its packets are not one frame each" }.into());
    }
    let rate = f64::from_be_bytes(*description.first_chunk().unwrap_or(&[0; 8]));
    let rate = if (0.5..f64::from(u32::MAX)).contains(&rate) { rate.round() as u32 } else { 0 };
    let (offset, length) = sound.ok_or(SoundErrorKind::NoSound)?;
    Ok(Some(PlainHeader { rate, channels, stored, offset, bytes: length, frames: None, mask, tags }))
}

/// The strings of a CAF file: names and values by turns.
fn info(body: &[u8], tags: &mut Vec<InfoTag>) {
    let mut strings = body.get(4..).unwrap_or_default().split(|byte| *byte == 0);
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        let id = match text(name).to_ascii_lowercase().as_str() {
            "title" => b"INAM",
            "artist" => b"IART",
            "album" => b"IPRD",
            "comments" | "comment" => b"ICMT",
            "copyright" => b"ICOP",
            "genre" => b"IGNR",
            "year" | "recorded date" | "date" => b"ICRD",
            "composer" => b"IMUS",
            "track number" | "track" => b"ITRK",
            "encoding application" | "encoder" => b"ISFT",
            _ => continue,
        };
        tags::add(tags, *id, &text(value));
    }
}

/// Sun's and NeXT's .au.
fn au(bytes: &mut Bytes) -> Result<PlainHeader, Bad> {
    let end = bytes.range.end;
    let Some(head) = bytes.array::<24>(0)? else {
        return Err(SoundErrorKind::HeaderCut { offset: end }.into());
    };
    let number = |at| number32(&head, at).unwrap_or_default();
    let (offset, length, coding, rate, channels) = (number(4), number(8), number(12), number(16), number(20));
    let big = ByteOrder::Big;
    let stored = match coding {
        1 => Some(byte(SampleFormat::MuLaw)),
        2 => integer(8, big),
        3 => integer(16, big),
        4 => integer(24, big),
        5 => integer(32, big),
        6 => float(32, big),
        7 => float(64, big),
        27 => Some(byte(SampleFormat::ALaw)),
        _ => None,
    };
    let stored = stored.ok_or(SoundErrorKind::UnknownCoding { container: "AU" })?;
    if offset < 24 || u64::from(offset) > end {
        return Err(SoundErrorKind::HeaderCut { offset: end }.into());
    }
    let mut tags = Vec::new();
    tags::add(&mut tags, *b"ICMT", &text(bytes.get(24, (offset as usize - 24).min(LONGEST_TEXT))?));
    Ok(PlainHeader {
        rate,
        channels: u16::try_from(channels).unwrap_or(u16::MAX),
        stored,
        offset: u64::from(offset),
        bytes: Some(u64::from(length)).filter(|_| length != u32::MAX),
        frames: None,
        mask: None,
        tags,
    })
}

/// WAV with the highest byte first.
fn rifx(bytes: &mut Bytes) -> Result<PlainHeader, Bad> {
    let end = bytes.range.end;
    if bytes.get(8, 4)? != b"WAVE" {
        return Err(SoundErrorKind::BigEndian.into());
    }
    let mut at = 12;
    let mut format = None;
    let mut mask = None;
    let mut tags = Vec::new();
    let mut sound = None;
    for _ in 0..MAX_CHUNKS {
        let Some(Chunk { id, body, size }) = chunk(bytes, at)? else { break };
        match &id {
            b"fmt " => {
                let length = usize::try_from(size).unwrap_or(usize::MAX).min(FormatChunk::LONGEST);
                let mut fields = bytes.get(body, length)?.to_vec();
                little(&mut fields);
                let short = SoundErrorKind::FormatTooShort { offset: at, bytes: size };
                format = Some(FormatChunk::parse(&fields).ok_or(short)?.check()?);
                mask =
                    number32(&fields, 20).map(u32::swap_bytes).filter(|_| fields.starts_with(&[0xFE, 0xFF]));
            }
            b"data" => sound = Some((body, size)),
            b"LIST" => {
                let list =
                    bytes.get(body, usize::try_from(size).unwrap_or(usize::MAX).min(LONGEST_TEXT))?.to_vec();
                list_info(&list, &mut tags);
            }
            _ => {}
        }
        at = body + size + size % 2;
        if at >= end {
            break;
        }
    }
    let (spec, valid) = format.ok_or(SoundErrorKind::NoFormat { offset: at.min(end) })?;
    let (offset, length) = sound.ok_or(SoundErrorKind::NoData)?;
    let order = if spec.format.bytes() == 1 { ByteOrder::Little } else { ByteOrder::Big };
    let unknown = length == u64::from(u32::MAX);
    Ok(PlainHeader {
        rate: spec.sample_rate,
        channels: spec.channels,
        stored: Stored { format: spec.format, order, valid },
        offset,
        bytes: Some(length).filter(|_| !unknown),
        frames: None,
        mask,
        tags,
    })
}

/// Turns the fields of a `fmt ` chunk round.
fn little(fields: &mut [u8]) {
    let turn = |fields: &mut [u8], at: usize, length: usize| {
        if let Some(field) = fields.get_mut(at..at + length) {
            field.reverse();
        }
    };
    let mut guid = 0;
    for length in [2, 2, 4, 4, 2, 2, 2, 2, 4] {
        turn(fields, guid, length);
        guid += length;
    }
    // sox turns only the tag in it, which then stands in its first two bytes.
    let of_sox = fields.get(guid..guid + 2).is_some_and(|tag| tag != [0, 0]);
    if of_sox {
        turn(fields, guid, 2);
    } else {
        [(0, 4), (4, 2), (6, 2)].into_iter().for_each(|(at, length)| turn(fields, guid + at, length));
    }
}

/// LIST/INFO with the highest byte first.
fn list_info(list: &[u8], tags: &mut Vec<InfoTag>) {
    let Some(mut rest) = list.strip_prefix(b"INFO") else { return };
    while let Some((&[a, b, c, d, size @ ..], body)) = rest.split_first_chunk::<8>() {
        let size = u32::from_be_bytes(size) as usize;
        let Some(value) = body.get(..size) else { return };
        tags::add(tags, [a, b, c, d], &text(value));
        rest = body.get(size.next_multiple_of(2)..).unwrap_or_default();
    }
}
