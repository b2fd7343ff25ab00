//! Stored bytes of samples on their way from the reader to the writer.
//!
//! An unchanged sample must come out as it was stored. For most formats its value says how; for the others the bytes
//! themselves travel along.

use std::collections::VecDeque;

use crate::format::SampleFormat;

/// Queues the stored bytes of samples that were read and not yet written, where the writer needs them.
#[derive(Debug, Default)]
pub(crate) struct Originals {
    needed: bool,
    queue: VecDeque<u8>,
}

impl Originals {
    /// Keeps the bytes of samples in this format if [`needs_originals`] says so.
    pub(crate) fn new(format: SampleFormat, valid_bits: u32) -> Self {
        Self { needed: needs_originals(format, valid_bits), queue: VecDeque::new() }
    }

    /// Keeps nothing: for reading alone, and for parts of a file.
    pub(crate) fn unneeded() -> Self {
        Self::default()
    }

    /// Appends the bytes of samples that were just read, little-endian.
    pub(crate) fn push(&mut self, bytes: impl IntoIterator<Item = u8>) {
        if self.needed {
            self.queue.extend(bytes);
        }
    }

    /// Replaces `block` with the bytes of the next samples to be written: `length` of them, zeros where none were kept.
    pub(crate) fn pop_into(&mut self, block: &mut Vec<u8>, length: usize) {
        block.clear();
        block.extend(self.queue.drain(..length.min(self.queue.len())));
        block.resize(length, 0);
    }
}

/// Returns whether an unchanged sample can only be kept by its bytes: it may hold more than `f32` does, or bits below the valid
/// ones, or be one of two codes for the same value (µ-law has two zeros).
fn needs_originals(format: SampleFormat, valid_bits: u32) -> bool {
    match format {
        SampleFormat::I32 | SampleFormat::F64 | SampleFormat::ALaw | SampleFormat::MuLaw => true,
        SampleFormat::F32 => false,
        SampleFormat::U8 | SampleFormat::I16 | SampleFormat::I24 => valid_bits < format.container_bits(),
    }
}
