//! FLAC streams one after the other in a file, as joining files makes them.

use std::fs::File;
use std::io;
use std::ops::Range;

use super::bytes::Bytes;
use crate::riff::id3v2_bytes;

/// The fields of a STREAMINFO block (RFC 9639, 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamInfo {
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    pub(crate) bits: u32,
    /// 0 if that was not known.
    pub(crate) frames: u64,
}

impl StreamInfo {
    /// The number of frames it states, if it does.
    pub(crate) fn stated(self) -> Option<u64> {
        Some(self.frames).filter(|frames| *frames > 0)
    }
}

/// From the body of the block.
pub(crate) fn stream_info(body: &[u8]) -> Option<StreamInfo> {
    let packed = u64::from_be_bytes(*body.get(10..)?.first_chunk()?);
    Some(StreamInfo {
        rate: (packed >> 44) as u32,
        channels: (packed >> 41 & 7) as u16 + 1,
        bits: (packed >> 36 & 31) as u32 + 1,
        frames: packed & 0xF_FFFF_FFFF,
    })
}

/// One stream: where it lies, and what it states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) range: Range<u64>,
    pub(crate) info: StreamInfo,
}

/// Files of more streams than this are taken as shorter.
const MOST_STREAMS: usize = 4096;

/// The start of a stream: the marker, and the header of a STREAMINFO block, which is always 34 bytes long.
fn is_start(bytes: &[u8]) -> bool {
    matches!(bytes, [b'f', b'L', b'a', b'C', 0 | 0x80, 0, 0, 34, ..])
}

/// The streams of a file, in order; none, if it is no FLAC file, behind ID3v2 tags or not.
pub(crate) fn streams(file: File) -> io::Result<Vec<Stream>> {
    let mut bytes = Bytes::new(file, 0..u64::MAX)?;
    let end = bytes.range.end;
    let mut at = 0;
    while let Some(length) = id3v2_bytes(bytes.get(at, 10)?) {
        at += length;
    }
    let mut streams: Vec<Stream> = Vec::new();
    while let Some(start) = find(&mut bytes, at, streams.is_empty())? {
        if streams.len() == MOST_STREAMS {
            break;
        }
        let Some(info) = stream_info(bytes.get(start + 8, 34)?) else { break };
        if let Some(before) = streams.last_mut() {
            before.range.end = start;
        }
        streams.push(Stream { range: start..end, info });
        at = behind_metadata(&mut bytes, start + 4)?;
    }
    Ok(streams)
}

/// The next start of a stream; only the one at `at` itself if `here`.
fn find(bytes: &mut Bytes, mut at: u64, here: bool) -> io::Result<Option<u64>> {
    loop {
        let block = bytes.get(at, 64 * 1024)?;
        if here {
            return Ok(is_start(block).then_some(at));
        }
        if let Some(place) = block.windows(8).position(is_start) {
            return Ok(Some(at + place as u64));
        }
        if block.len() < 8 {
            return Ok(None);
        }
        at += block.len() as u64 - 7;
    }
}

/// Finds the end of the metadata blocks that start at `at`: a marker inside them starts no stream.
fn behind_metadata(bytes: &mut Bytes, mut at: u64) -> io::Result<u64> {
    while let Some([kind, a, b, c]) = bytes.array(at)? {
        at += 4 + u64::from(u32::from_be_bytes([0, a, b, c]));
        if kind & 0x80 != 0 {
            break;
        }
    }
    Ok(at)
}
