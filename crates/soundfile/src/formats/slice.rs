//! A range of a file, as symphonia wants its sources.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use symphonia::core::io::MediaSource;

/// A range of a file that looks like a file.
#[derive(Debug)]
pub(crate) struct Slice {
    file: File,
    range: Range<u64>,
    at: u64,
    /// The length it says to have: more than there is, where a container must not notice that its end is missing.
    stated: u64,
    /// Whether what it only says to have reads as zeros, as when the container is looked over; else it ends there.
    zeros: Option<Arc<AtomicBool>>,
    /// Zeros left to give.
    zeros_left: u64,
}

/// Searches for tags at the end of a file read no more than this.
const MOST_ZEROS: u64 = 1 << 20;

impl Slice {
    /// The handle must not be shared, since its position moves.
    pub(crate) fn new(mut file: File, range: Range<u64>) -> io::Result<Self> {
        let end = file.seek(SeekFrom::End(0))?.min(range.end);
        let range = range.start.min(end)..end;
        file.seek(SeekFrom::Start(range.start))?;
        Ok(Self { file, at: 0, stated: range.end - range.start, zeros: None, zeros_left: MOST_ZEROS, range })
    }

    /// Makes it look longer than it is: with zeros behind its end as long as `zeros` holds.
    pub(crate) fn stretched(mut self, length: u64, zeros: Arc<AtomicBool>) -> Self {
        self.stated = self.stated.max(length);
        self.zeros = Some(zeros);
        self
    }

    /// Counts the zeros that may be read here: never together with bytes of the file.
    fn zeros_here(&self) -> u64 {
        let inside = self.at < self.length();
        match &self.zeros {
            Some(zeros) if !inside && zeros.load(Ordering::Relaxed) => {
                self.stated.saturating_sub(self.at).min(self.zeros_left)
            }
            _ => 0,
        }
    }

    fn length(&self) -> u64 {
        self.range.end - self.range.start
    }
}

impl Read for Slice {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let zeros = out.len().min(usize::try_from(self.zeros_here()).unwrap_or(usize::MAX));
        if zeros > 0 {
            out[..zeros].fill(0);
            self.at += zeros as u64;
            self.zeros_left -= zeros as u64;
            return Ok(zeros);
        }
        let left = usize::try_from(self.length().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = out.len().min(left);
        let got = self.file.read(&mut out[..room])?;
        self.at += got as u64;
        Ok(got)
    }
}

impl Seek for Slice {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, offset) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(offset) => (self.at, offset),
            SeekFrom::End(offset) => (self.stated, offset),
        };
        self.at = base.checked_add_signed(offset).ok_or(io::ErrorKind::InvalidInput)?;
        self.file.seek(SeekFrom::Start(self.range.start.saturating_add(self.at.min(self.length()))))?;
        Ok(self.at)
    }
}

impl MediaSource for Slice {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.stated)
    }
}
