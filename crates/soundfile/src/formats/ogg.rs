//! Ogg pages (RFC 3533) one by one, with what is missing between them.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;

use symphonia::core::checksum::Crc32;
use symphonia::core::io::Monitor;

use super::bytes::Bytes;
use super::opus::{self, Head};
use crate::error::SoundErrorKind;

const MAGIC: &[u8; 4] = b"OggS";
/// A page's header up to its table of segments.
const HEADER: usize = 27;
/// A packet may be put together of at most this, in bytes.
const LONGEST_PACKET: usize = 16 << 20;

const CONTINUED: u8 = 1;
const FIRST: u8 = 2;
const LAST: u8 = 4;

#[derive(Debug)]
struct Page {
    at: u64,
    flags: u8,
    granule: i64,
    serial: u32,
    sequence: u32,
    /// Lengths of its segments.
    table: Vec<u8>,
    data: Vec<u8>,
}

/// Reads whole pages whose checksum is right.
#[derive(Debug)]
struct Pages {
    bytes: Bytes,
    at: u64,
}

impl Pages {
    /// The next page, and whether there was something else before it; `None` at the end, with how many bytes stand there.
    fn next(&mut self) -> io::Result<Result<(Page, bool), u64>> {
        let start = self.at;
        while self.at < self.bytes.range.end {
            if let Some((page, length)) = page_at(&mut self.bytes, self.at)? {
                let skipped = self.at > start;
                self.at += length;
                return Ok(Ok((page, skipped)));
            }
            self.at += 1;
        }
        Ok(Err(self.bytes.range.end.saturating_sub(start)))
    }
}

fn page_at(bytes: &mut Bytes, at: u64) -> io::Result<Option<(Page, u64)>> {
    let head = bytes.get(at, HEADER)?;
    if !head.starts_with(MAGIC) || head.len() < HEADER || head[4] != 0 {
        return Ok(None);
    }
    let segments = usize::from(head[26]);
    let table = bytes.get(at, HEADER + segments)?.get(HEADER..).unwrap_or_default().to_vec();
    if table.len() < segments {
        return Ok(None);
    }
    let length = HEADER + segments + table.iter().map(|length| usize::from(*length)).sum::<usize>();
    let page = bytes.get(at, length)?;
    if page.len() < length {
        return Ok(None);
    }
    let number = |at: usize| page[at..].first_chunk().copied().map(u32::from_le_bytes).unwrap_or_default();
    let mut checksum = Crc32::new(0);
    checksum.process_buf_bytes(&page[..22]);
    checksum.process_buf_bytes(&[0; 4]);
    checksum.process_buf_bytes(&page[26..]);
    if checksum.crc() != number(22) {
        return Ok(None);
    }
    let granule = page[6..].first_chunk().copied().map(i64::from_le_bytes).unwrap_or(-1);
    let (flags, serial, sequence) = (page[5], number(14), number(18));
    let data = page[HEADER + segments..].to_vec();
    Ok(Some((Page { at, flags, granule, serial, sequence, table, data }, length as u64)))
}

/// The next piece of a stream.
#[derive(Debug)]
pub(crate) enum OggStep {
    /// A packet of sound.
    Packet(Box<[u8]>),
    /// End of the packets up to here, in frames, and whether nothing follows.
    Mark { end: i64, last: bool },
    /// Something is missing here.
    Hole,
    /// The end, and whether the stream says that it is.
    End { said: bool },
}

/// The packets of one stream in a range of a file.
#[derive(Debug)]
pub(crate) struct Packets {
    pages: Pages,
    serial: u32,
    sequence: Option<u32>,
    partial: Vec<u8>,
    steps: VecDeque<OggStep>,
    said_last: bool,
    is_opus: bool,
}

impl Packets {
    pub(crate) fn new(file: File, range: Range<u64>, serial: u32, is_opus: bool) -> io::Result<Self> {
        let bytes = Bytes::new(file, range)?;
        let at = bytes.range.start;
        let pages = Pages { bytes, at };
        let (partial, steps) = (Vec::new(), VecDeque::new());
        Ok(Self { pages, serial, sequence: None, partial, steps, said_last: false, is_opus })
    }

    pub(crate) fn next(&mut self) -> io::Result<OggStep> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Ok(step);
            }
            match self.pages.next()? {
                Ok((page, _)) if page.serial != self.serial => {}
                Ok((page, _)) => self.take(&page),
                Err(_) => return Ok(OggStep::End { said: self.said_last }),
            }
        }
    }

    fn take(&mut self, page: &Page) {
        let expected = self.sequence.map(|sequence| sequence.wrapping_add(1));
        let mut hole = expected.is_some_and(|expected| expected != page.sequence);
        self.sequence = Some(page.sequence);
        self.said_last |= page.flags & LAST != 0;
        let continued = page.flags & CONTINUED != 0;
        // A packet whose start or end is missing.
        let orphan = continued && (self.partial.is_empty() || hole);
        hole |= orphan || (!continued && !self.partial.is_empty());
        if hole {
            self.partial.clear();
            self.steps.push_back(OggStep::Hole);
        }
        let mut skip = orphan;
        let mut at = 0;
        let mut whole = 0;
        for length in &page.table {
            let end = at + usize::from(*length);
            let piece = page.data.get(at..end).unwrap_or_default();
            at = end;
            if !skip && self.partial.len() + piece.len() <= LONGEST_PACKET {
                self.partial.extend(piece);
            }
            if *length < 255 {
                let packet = std::mem::take(&mut self.partial);
                if !std::mem::take(&mut skip) {
                    whole += 1;
                    if self.is_sound(&packet) {
                        self.steps.push_back(OggStep::Packet(packet.into()));
                    }
                }
            }
        }
        if page.granule >= 0 && whole > 0 {
            self.steps.push_back(OggStep::Mark { end: page.granule, last: page.flags & LAST != 0 });
        }
    }

    /// Returns whether a packet is no header: in Vorbis those have odd first bytes, in FLAC only frames start with 0xFF.
    fn is_sound(&self, packet: &[u8]) -> bool {
        match packet.first() {
            Some(_) if self.is_opus => !opus::is_header(packet),
            Some(0xFF) => true,
            Some(first) => first & 1 == 0,
            None => false,
        }
    }
}

/// One link of a chain: where it lies, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) range: Range<u64>,
    /// Rate and channels, if they are those of a codec that is known, or why it cannot be read.
    pub(crate) form: Option<Result<(u32, u16), SoundErrorKind>>,
    /// The position of the last page before it, in frames.
    pub(crate) after: u64,
}

/// Chains of more links than this are taken as shorter.
const MOST_LINKS: usize = 4096;

/// The links of a file, in order.
pub(crate) fn links(file: File, from: u64) -> io::Result<Vec<Link>> {
    let bytes = Bytes::new(file, from..u64::MAX)?;
    let (at, end) = (bytes.range.start, bytes.range.end);
    let mut pages = Pages { bytes, at };
    let mut links: Vec<Link> = Vec::new();
    let mut inside = true;
    let mut granule = 0;
    while let Ok((page, _)) = pages.next()? {
        let first = page.flags & FIRST != 0;
        if first && inside && links.len() < MOST_LINKS {
            if let Some(before) = links.last_mut() {
                before.range.end = page.at;
            }
            links.push(Link { range: page.at..end, form: None, after: std::mem::take(&mut granule) });
        }
        inside = !first;
        if let Some(link) = links.last_mut().filter(|_| first) {
            link.form = link.form.or(form(&page.data));
        }
        if page.granule > 0 {
            granule = page.granule.unsigned_abs();
        }
    }
    Ok(links)
}

/// Rate and channels of the stream that starts with this packet.
fn form(packet: &[u8]) -> Option<Result<(u32, u16), SoundErrorKind>> {
    if let Some(head) = Head::read(packet) {
        return Some(head.map(|head| (opus::RATE, u16::from(head.channels))));
    }
    if packet.starts_with(b"\x01vorbis") {
        let rate = u32::from_le_bytes(*packet.get(12..)?.first_chunk()?);
        return Some(Ok((rate, u16::from(*packet.get(11)?))));
    }
    if packet.starts_with(b"\x7FFLAC") {
        return packet
            .get(17..)
            .and_then(super::flac_chain::stream_info)
            .map(|info| Ok((info.rate, info.channels)));
    }
    None
}
