//! The bytes of the sound, read in large blocks and handed out in whole frames.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::riff::Layout;

/// Bytes read from the file at a time, rounded to whole frames.
const BLOCK_BYTES: usize = 128 * 1024;

/// Hands out the sound of a file from its first frame to its last.
#[derive(Debug)]
pub(crate) struct Payload {
    file: File,
    frame_bytes: usize,
    /// Start of the next block in the file, and end of the sound, in bytes.
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    /// The part of the buffer that is read and not yet handed out.
    ready: std::ops::Range<usize>,
}

impl Payload {
    pub(crate) fn new(file: File, layout: &Layout) -> Self {
        let frame_bytes = layout.spec.frame_bytes();
        let whole = BLOCK_BYTES - BLOCK_BYTES % frame_bytes;
        // A short file does not pay for a long buffer.
        let length = usize::try_from(layout.data_len()).map_or(whole, |all| all.min(whole));
        let end = layout.data_offset + layout.data_len();
        Self { file, frame_bytes, at: layout.data_offset, end, buffer: vec![0; length], ready: 0..0 }
    }

    /// The next frames, at most `frames`, at least one unless `frames` is 0 or the sound is at its end.
    ///
    /// # Errors
    /// Those of reading; a file that has become shorter is `UnexpectedEof`.
    pub(crate) fn next(&mut self, frames: usize) -> io::Result<&[u8]> {
        if self.ready.is_empty() && frames > 0 {
            let length = usize::try_from(self.end - self.at)
                .map_or(self.buffer.len(), |all| all.min(self.buffer.len()));
            self.ready = 0..0;
            // The headers before and after the sound are copied through the same handle.
            self.file.seek(SeekFrom::Start(self.at))?;
            self.file.read_exact(&mut self.buffer[..length])?;
            self.at += length as u64;
            self.ready = 0..length;
        }
        let length = self.ready.len().min(frames.saturating_mul(self.frame_bytes));
        let start = self.ready.start;
        self.ready.start += length;
        Ok(&self.buffer[start..start + length])
    }

    /// The file, which may be moved to any position.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}
