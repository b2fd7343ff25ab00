//! What is known of an open file other than WAV.

use std::fs::File;
use std::path::PathBuf;

use crate::format::SoundSpec;
use crate::header::InfoTag;
use crate::notice::Notice;

/// The file, and what it says of its sound.
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) spec: SoundSpec,
    /// Bits of an integer sample that carry sound.
    pub(crate) valid_bits: u32,
    /// WAVE's speaker positions, where the file states some that WAVE has.
    pub(crate) channel_mask: Option<u32>,
    /// The number of frames, if it is known.
    pub(crate) frames: Option<u64>,
    /// The file's metadata, as far as LIST/INFO has names for it.
    pub(crate) tags: Vec<InfoTag>,
    pub(crate) notices: Vec<Notice>,
}
