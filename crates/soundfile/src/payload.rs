//! The bytes of the sound, read in large blocks and handed out in whole frames.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::riff::Layout;

/// How much is read from the file at once, in bytes, give or take a frame.
const BLOCK_BYTES: usize = 128 * 1024;

/// Hands out the sound of a file from its first frame to its last.
#[derive(Debug)]
pub(crate) struct Payload {
    file: File,
    frame_bytes: usize,
    /// Bytes of sound not yet read from the file.
    unread: u64,
    buffer: Vec<u8>,
    /// What of the buffer is read and not yet handed out.
    ready: std::ops::Range<usize>,
}

impl Payload {
    /// `file` may stand anywhere; it is moved to the start of the sound.
    pub(crate) fn new(mut file: File, layout: &Layout) -> io::Result<Self> {
        file.seek(SeekFrom::Start(layout.data_offset))?;
        let frame_bytes = layout.spec.frame_bytes();
        let whole = BLOCK_BYTES - BLOCK_BYTES % frame_bytes;
        // A short file does not pay for a long buffer.
        let length = usize::try_from(layout.data_len()).map_or(whole, |all| all.min(whole));
        Ok(Self { file, frame_bytes, unread: layout.data_len(), buffer: vec![0; length], ready: 0..0 })
    }

    /// The next frames, at most `frames`, at least one unless `frames` is 0 or the sound is at its end.
    ///
    /// # Errors
    /// Those of reading; a file that has become shorter is `UnexpectedEof`.
    pub(crate) fn next(&mut self, frames: usize) -> io::Result<&mut [u8]> {
        if self.ready.is_empty() && frames > 0 {
            let length =
                usize::try_from(self.unread).map_or(self.buffer.len(), |all| all.min(self.buffer.len()));
            self.ready = 0..0;
            self.file.read_exact(&mut self.buffer[..length])?;
            self.unread -= length as u64;
            self.ready = 0..length;
        }
        let length = self.ready.len().min(frames.saturating_mul(self.frame_bytes));
        let start = self.ready.start;
        self.ready.start += length;
        Ok(&mut self.buffer[start..start + length])
    }

    /// The file; where it stands is up to the payload.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}
