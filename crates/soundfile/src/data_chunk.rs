//! The `data` chunk: how much of the file is sound, whatever the header says.

use std::io::{self, Read, Seek};

use crate::format::SoundSpec;
use crate::notice::Notice;
use crate::riff::{Container, Ds64, Layout, MAX_CHUNKS, UNKNOWN, chunk_header, frame_bytes};

/// Sizes that programs state when they write into a pipe: sox and espeak-ng the first, arecord the last.
const PIPE_SIZES: [std::ops::RangeInclusive<u32>; 2] = [0x7FFF_F000..=0x8000_0000, 0xFFFF_F000..=UNKNOWN];

/// Returns whether a size is one that programs state when they write into a pipe.
pub(crate) fn is_pipe_size(size: u32) -> bool {
    PIPE_SIZES.iter().any(|sizes| sizes.contains(&size))
}

/// A `data` chunk as its header states it.
pub(crate) struct Data {
    pub(crate) spec: SoundSpec,
    pub(crate) valid_bits: u32,
    /// Start of its body, in bytes.
    pub(crate) offset: u64,
    /// Its size field.
    pub(crate) size: u32,
    pub(crate) file_len: u64,
}

impl Data {
    /// Decides how much of what follows the chunk's header is sound.
    pub(crate) fn place(
        self,
        source: &mut (impl Read + Seek),
        container: &Container,
        ds64: Option<Ds64>,
    ) -> io::Result<Layout> {
        let Self { spec, valid_bits, offset: data_offset, size: size_field, file_len } = self;
        let available = file_len - data_offset;
        let large = ds64.as_ref().filter(|_| size_field == UNKNOWN);
        let stated = large.map_or(u64::from(size_field), |ds64| ds64.data);
        let pipe = match large {
            Some(ds64) => ds64.data == u64::MAX,
            None => size_field == UNKNOWN || (stated > available && is_pipe_size(size_field)),
        };
        let frame_bytes = frame_bytes(spec);
        // Not one frame, but something behind it that is no chunk: the size was never written.
        let crashed = stated < frame_bytes
            && !chunks_to_the_end(source, data_offset + stated.next_multiple_of(2), file_len)?;
        let mut notices = Vec::new();
        if pipe || crashed {
            notices.push(Notice::UnknownLength);
        } else if stated > available {
            notices.push(Notice::Truncated { missing_bytes: stated - available });
        }
        let repaired = !notices.is_empty();
        let present = if repaired { available } else { stated };
        let mut torn = present % frame_bytes;
        // ffmpeg counts the pad byte in `ds64`. That is one that all readers get over: it stays.
        let pad_counted = large.is_some() && !repaired && torn == 1 && present % 2 == 0;
        if pad_counted {
            torn = 0;
        }
        if torn > 0 {
            notices.push(Notice::PartialFrame { bytes: torn });
        }
        let data_end = data_offset + present - u64::from(pad_counted);
        let data_size_wrong = repaired || torn > 0;
        // With its size right, the pad byte (there or forgotten) is part of the tail; else the output gets its own.
        let tail_offset = if data_size_wrong { (data_end + present % 2).min(file_len) } else { data_end };
        let riff_end = match &ds64 {
            Some(ds64) if container.riff_size == UNKNOWN => ds64.riff.saturating_add(container.start + 8),
            _ => container.riff_end(),
        };
        // One byte too far is a pad byte that was counted and not written.
        let riff_end = Some(riff_end).filter(|end| !repaired && (data_end..=file_len + 1).contains(end));
        let frames = present / frame_bytes;
        Ok(Layout {
            spec,
            valid_bits,
            start: container.start,
            data_offset,
            frames,
            tail_offset,
            file_len,
            data_size_wrong,
            riff_end,
            ds64: ds64.is_some(),
            notices,
        })
    }
}

/// Returns whether nothing but whole, plausible chunks fills the file from `offset` to its end: then a `data` chunk of size 0
/// before them is really empty, and not one whose recorder never came to write its size.
fn chunks_to_the_end(source: &mut (impl Read + Seek), mut offset: u64, file_len: u64) -> io::Result<bool> {
    for _ in 0..MAX_CHUNKS {
        if offset >= file_len {
            return Ok(true);
        }
        match chunk_header(source, offset, file_len)? {
            Some((id, size)) if id.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
                let end = offset + 8 + u64::from(size);
                if end > file_len {
                    return Ok(false);
                }
                offset = end + u64::from(size % 2);
            }
            _ => return Ok(false),
        }
    }
    Ok(false)
}
