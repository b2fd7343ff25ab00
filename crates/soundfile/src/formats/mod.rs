//! Containers other than WAV, and writing FLAC: all that needs decoders (feature `formats`).
//! `wav_only.rs` takes the place of this module in a build without them.

mod bytes;
mod codec;
mod decoded;
mod feed;
mod flac;
mod flac_chain;
mod flac_metadata;
mod gapless;
mod guard;
mod layout;
mod mp4;
mod mpeg;
mod ogg;
mod opus;
mod plain;
mod sbr;
mod slice;
mod tags;
mod vorbis;

use std::path::Path;

use crate::error::{SoundError, SoundErrorKind};
use crate::opened::Opened;
use crate::originals::Originals;
use crate::riff::check_container;
use decoded::Decoded;
pub(crate) use flac::FlacWriter;
use plain::Plain;

/// Reads a container other than WAV.
pub(crate) enum OtherReader {
    /// Samples that are not compressed: AIFF, CAF, AU, RIFX.
    Plain(Box<Plain>),
    /// Compressed sound.
    Decoded(Box<Decoded>),
}

impl OtherReader {
    /// Opens a file that starts with `head`; `None` if it is to be read as WAV.
    pub(crate) fn open(path: &Path, head: &[u8]) -> Result<Option<Self>, SoundError> {
        if plain::is_plain(head)
            && let Some(plain) = Plain::open(path, head)?
        {
            return Ok(Some(Self::Plain(Box::new(plain))));
        }
        match check_container(head) {
            Err(SoundErrorKind::NotWav { .. }) => Self::open_compressed(path, head).map(Some),
            _ => Ok(None),
        }
    }

    /// Opens a file of compressed sound, in WAV for instance.
    pub(crate) fn open_compressed(path: &Path, head: &[u8]) -> Result<Self, SoundError> {
        Decoded::open(path, head).map(|decoded| Self::Decoded(Box::new(decoded)))
    }

    pub(crate) fn opened(&self) -> &Opened {
        match self {
            Self::Plain(plain) => &plain.opened,
            Self::Decoded(decoded) => &decoded.opened,
        }
    }

    /// Start of the FLAC stream, if it is one, in bytes.
    fn flac_at(&self) -> Option<u64> {
        match self {
            Self::Plain(_) => None,
            Self::Decoded(decoded) => decoded.flac_at,
        }
    }

    /// Reads the next frames, interleaved, and returns how many there were.
    pub(crate) fn read(&mut self, out: &mut [f32], originals: &mut Originals) -> Result<usize, SoundError> {
        match self {
            Self::Plain(plain) => plain.read(out, originals),
            Self::Decoded(decoded) => decoded.read(out, originals),
        }
    }
}
