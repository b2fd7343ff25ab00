//! Bytes of a file by their place, read in large blocks.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Bytes read at a time.
const BLOCK: usize = 128 * 1024;

/// A part of a file, looked at where one likes; going forwards is fast.
#[derive(Debug)]
pub(crate) struct Bytes {
    file: File,
    /// The visible part of the file.
    pub(crate) range: Range<u64>,
    start: u64,
    buffer: Vec<u8>,
}

impl Bytes {
    /// `range` is cut to what the file has. The handle must not be shared, since its position moves.
    pub(crate) fn new(mut file: File, range: Range<u64>) -> io::Result<Self> {
        let end = file.seek(SeekFrom::End(0))?.min(range.end);
        Ok(Self { file, range: range.start.min(end)..end, start: 0, buffer: Vec::new() })
    }

    /// The bytes from `at` on: `length` of them, or fewer where the range ends before.
    pub(crate) fn get(&mut self, at: u64, length: usize) -> io::Result<&[u8]> {
        if at >= self.range.end {
            return Ok(&[]);
        }
        let left = usize::try_from(self.range.end - at).unwrap_or(usize::MAX);
        let length = length.min(left);
        let held = self.start..self.start + self.buffer.len() as u64;
        if !held.contains(&at) || held.end - at < length as u64 {
            let wanted = length.max(BLOCK).min(left);
            self.buffer.clear();
            self.start = at;
            self.file.seek(SeekFrom::Start(at))?;
            (&mut self.file).take(wanted as u64).read_to_end(&mut self.buffer)?;
        }
        let from = (at - self.start) as usize;
        let to = (from + length).min(self.buffer.len());
        Ok(&self.buffer[from..to])
    }

    /// Exactly `N` bytes; `None` if the range ends before.
    pub(crate) fn array<const N: usize>(&mut self, at: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.get(at, N)?.first_chunk().copied())
    }
}
