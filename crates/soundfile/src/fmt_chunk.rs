//! The `fmt ` chunk: what its fields say, and whether they can be true.

use crate::error::SoundErrorKind;
use crate::format::{SampleFormat, SoundSpec};
use crate::riff::{MAX_CHANNELS, MAX_SAMPLE_RATE};
use crate::sniff;

/// The tag that puts the true tag into a GUID, WAVE_FORMAT_EXTENSIBLE.
const EXTENSIBLE: u16 = 0xFFFE;
/// The rest of the GUIDs of the WAVE formats, after the two bytes of the tag.
pub(crate) const GUID_WAVE: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
/// The same for ambisonic sound, which is plain PCM for our purpose.
const GUID_AMBISONIC: [u8; 14] = [0, 0, 0x21, 0x07, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0];

/// The fields of a `fmt ` chunk that matter, unchecked.
pub(crate) struct FormatChunk {
    tag: u16,
    channels: u16,
    sample_rate: u32,
    block_align: u16,
    container: u16,
    valid: u16,
}

impl FormatChunk {
    /// Bytes of the body that are ever looked at.
    pub(crate) const LONGEST: usize = 40;

    /// From the first bytes of the chunk's body; `None` if they are too few for what the tag needs.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let u16_at = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let u32_at = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let mut chunk = Self {
            tag: u16_at(0)?,
            channels: u16_at(2)?,
            sample_rate: u32_at(4)?,
            block_align: u16_at(12)?,
            container: u16_at(14)?,
            valid: u16_at(14)?,
        };
        if chunk.tag == EXTENSIBLE {
            let guid = bytes.get(26..Self::LONGEST)?;
            if guid == GUID_WAVE || guid == GUID_AMBISONIC {
                chunk.tag = u16_at(24)?;
            }
            chunk.valid = u16_at(18)?;
            if chunk.valid == 0 {
                chunk.valid = chunk.container; // left out by some writers
            }
        } else if chunk.tag == 1 {
            chunk.container = chunk.valid.div_ceil(8).saturating_mul(8);
            // 24 bits in 4 bytes; where samples are smaller than their bytes they stand at the upper end.
            if chunk.container == 24 && u32::from(chunk.block_align) == 4 * u32::from(chunk.channels) {
                chunk.container = 32;
            }
        }
        Some(chunk)
    }

    /// The format and the valid bits of a sample.
    pub(crate) fn check(self) -> Result<(SoundSpec, u32), SoundErrorKind> {
        let Self { tag, channels, sample_rate, block_align, container, valid } = self;
        if !matches!(tag, 1 | 3 | 6 | 7) {
            return Err(SoundErrorKind::Encoding { tag, name: sniff::encoding_name(tag) });
        }
        if channels == 0 || channels > MAX_CHANNELS {
            return Err(SoundErrorKind::Channels { stated: channels });
        }
        if sample_rate == 0 || sample_rate > MAX_SAMPLE_RATE {
            return Err(SoundErrorKind::SampleRate { stated: sample_rate });
        }
        let format = match (tag, container) {
            (1, 8) => SampleFormat::U8,
            (1, 16) => SampleFormat::I16,
            (1, 24) => SampleFormat::I24,
            (1, 32) => SampleFormat::I32,
            (3, 32) => SampleFormat::F32,
            (3, 64) => SampleFormat::F64,
            (6, 8) => SampleFormat::ALaw,
            (7, 8) => SampleFormat::MuLaw,
            _ => return Err(SoundErrorKind::Bits { container, valid, float: tag == 3 }),
        };
        if valid == 0 || valid > container {
            return Err(SoundErrorKind::Bits { container, valid, float: tag == 3 });
        }
        let expected = u32::from(channels) * u32::from(container / 8);
        if u32::from(block_align) != expected {
            return Err(SoundErrorKind::BlockAlign { stated: block_align, expected });
        }
        Ok((SoundSpec { sample_rate, channels, format }, u32::from(valid)))
    }
}
