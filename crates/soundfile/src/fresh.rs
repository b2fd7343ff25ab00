//! Writes WAV, or samples without a header, that is no copy of a file: from streams and from other containers.

use crate::error::SoundError;
use crate::header;
use crate::originals::Originals;
use crate::sample_writer::{Coding, SampleWriter};

/// The header to write, and the storage of samples.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) coding: Coding,
    /// Empty for samples without a header.
    pub(crate) head: Vec<u8>,
    /// The header has room for `ds64`.
    pub(crate) reserved: bool,
}

impl Plan {
    /// Takes the header of a WAV file for a part of it.
    pub(crate) fn part(&mut self, head: &[u8], tail: &[u8], growing: bool) {
        if let Some(head) = header::of_a_part(head, tail, growing) {
            self.head = head;
            self.reserved = growing;
        }
    }

    /// Puts the length into the header, if that has a place for it.
    pub(crate) fn state_length(&mut self, frames: u64) {
        let data = frames.saturating_mul(self.coding.spec.frame_bytes() as u64);
        let end = data.saturating_add(data % 2).saturating_add(self.head.len() as u64);
        for (at, bytes) in header::patches(&self.head, frames, data, end, false) {
            let at = at as usize;
            if let Some(place) = self.head.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(&bytes);
            }
        }
    }
}

/// Writes sound of a length that need not be known.
#[derive(Debug)]
pub(crate) struct FreshWriter {
    head: Vec<u8>,
    reserved: bool,
    frame_bytes: usize,
    out: SampleWriter,
}

impl FreshWriter {
    /// Writes the header.
    pub(crate) fn start(mut out: SampleWriter, plan: Plan) -> Result<Self, SoundError> {
        out.write_bytes(&plan.head)?;
        let frame_bytes = plan.coding.spec.frame_bytes();
        Ok(Self { head: plan.head, reserved: plan.reserved, frame_bytes, out })
    }

    pub(crate) fn write(&mut self, interleaved: &[f32], originals: &mut Originals) -> Result<(), SoundError> {
        self.out.write_samples(interleaved, originals)
    }

    /// Writes what follows the sound and corrects the sizes in the header. A `tail` begins with the pad byte, if there
    /// was one.
    pub(crate) fn finish(mut self, mut tail: Vec<u8>) -> Result<(), SoundError> {
        if self.head.is_empty() {
            return self.out.commit(&[]);
        }
        let frames = self.out.frames();
        let data = frames * self.frame_bytes as u64;
        if tail.is_empty() && data % 2 == 1 {
            tail.push(0);
        }
        self.out.write_bytes(&tail)?;
        let end = self.head.len() as u64 + data + tail.len() as u64;
        self.out.commit(&header::patches(&self.head, frames, data, end, self.reserved))
    }
}
