//! What encoders put before and behind the sound, so that it is neither shifted nor longer than it was.
//!
//! The decoders of MP3 and Vorbis take it away themselves; for AAC and ALAC it is done here.

use std::fs::File;
use std::ops::Range;

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_ALAC};
use symphonia::core::formats::Track;
use symphonia::core::meta::{MetadataRevision, RawValue};
use symphonia::core::packet::Packet;

use crate::mp4;

/// Which frames of what is decoded are sound.
#[derive(Debug, Default)]
pub(crate) struct Gapless {
    /// Whether packets are to be trimmed to what their container says.
    packets: bool,
    /// Frames still to be left out at the front.
    skip: u64,
    /// Frames of sound still to come, if that is known.
    left: Option<u64>,
}

impl Gapless {
    /// For a track of an MP4 file if `file` is given, else for one whose packets say how much of them is sound.
    pub(crate) fn new(
        codec: AudioCodecId,
        track: &Track,
        rate: u32,
        file: Option<&File>,
        itunes: Option<Edited>,
    ) -> Self {
        let ours = codec == CODEC_ID_AAC || codec == CODEC_ID_ALAC;
        // Units of time other than frames are too coarse to trim by.
        let frames = track.time_base.is_some_and(|base| base.numer.get() == 1 && base.denom.get() == rate);
        if !ours || !frames {
            return Self::default();
        }
        let Some(mut file) = file else { return Self { packets: true, ..Self::default() } };
        if let Some(Edited { delay, frames }) = itunes {
            return Self { packets: false, skip: delay, left: Some(frames) };
        }
        let Some(edit) = mp4::edit(&mut file, track.id) else {
            return Self { packets: true, ..Self::default() };
        };
        let media = track.num_frames.map(|all| all.saturating_sub(edit.start));
        let edited = edit.seconds.map(|(seconds, tick)| {
            let (frames, tick) = (seconds * f64::from(rate), tick * f64::from(rate));
            // A length in coarser units than frames says only that much; what the media holds says it exactly.
            match media {
                Some(media) if (media as f64 - frames).abs() <= tick + 1.0 => media,
                _ => frames.round() as u64,
            }
        });
        let left = match (edited, media) {
            (Some(edited), Some(media)) => Some(edited.min(media)),
            (edited, media) => edited.or(media),
        };
        Self { packets: true, skip: edit.start, left }
    }

    /// Frames there will be, if that is known here.
    pub(crate) fn frames(&self) -> Option<u64> {
        self.left
    }

    /// Which of the `frames` decoded from a packet are sound.
    pub(crate) fn sound(&mut self, packet: &Packet, frames: usize) -> Range<usize> {
        let (mut start, mut end) = (0, frames);
        if self.packets {
            let narrow = |duration: u64| usize::try_from(duration).unwrap_or(usize::MAX);
            start = narrow(packet.trim_start.get()).min(end);
            end = start.saturating_add(narrow(packet.dur.get())).min(end);
        }
        let skipped = usize::try_from(self.skip).map_or(end - start, |skip| skip.min(end - start));
        self.skip -= skipped as u64;
        start += skipped;
        if let Some(left) = &mut self.left {
            end = usize::try_from(*left).map_or(end, |left| end.min(start.saturating_add(left)));
            *left -= (end - start) as u64;
        }
        start..end
    }
}

/// What iTunes says of the sound's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edited {
    delay: u64,
    frames: u64,
}

/// Reads the tag iTunSMPB: hexadecimal numbers, of which the second is the delay and the fourth the length.
pub(crate) fn itunes(metadata: &MetadataRevision) -> Option<Edited> {
    let tag = metadata.media.tags.iter().find(|tag| tag.raw.key.ends_with("iTunSMPB"))?;
    let RawValue::String(text) = &tag.raw.value else { return None };
    smpb(text)
}

fn smpb(text: &str) -> Option<Edited> {
    let mut numbers = text.split_whitespace().map(|number| u64::from_str_radix(number, 16).ok());
    let (delay, frames) = (numbers.nth(1)??, numbers.nth(1)??);
    Some(Edited { delay, frames }).filter(|edited| edited.frames > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_itunes() {
        let text = " 00000000 00000840 000001CA 00000000003F31F6 00000000 00000000 00000000";
        assert_eq!(smpb(text), Some(Edited { delay: 2112, frames: 0x3F_31F6 }));
        for text in ["", "00000000", "0 840 1CA", "0 840 1CA x", "0 840 1CA 0"] {
            assert_eq!(smpb(text), None, "{text:?}");
        }
    }
}
