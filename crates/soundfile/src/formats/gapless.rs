//! Trims the padding that encoders put before and after the sound, so that it is neither shifted nor lengthened.

use std::fs::File;
use std::ops::Range;

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_ALAC};
use symphonia::core::formats::Track;
use symphonia::core::meta::{MetadataRevision, RawValue};

use super::mp4;

/// More than an encoder puts around the sound, in frames: beyond that it is the sound itself that is left out.
const LONGEST_PADDING: u64 = 8192;

/// Frames in a packet of AAC.
const AAC_PACKET: u64 = 1024;

/// Which frames of a track are sound, by the track's own times, and how many of those left out are no padding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SoundRange {
    pub(crate) frames: Range<u64>,
    /// Whether the end is known.
    pub(crate) ends: bool,
    pub(crate) edited_out: u64,
}

/// Locates the sound in a track of an MP4 file; `None` if the file states nothing to trim by.
pub(crate) fn of_mp4(
    codec: AudioCodecId,
    track: &Track,
    rate: u32,
    file: &File,
    itunes: Option<Edited>,
) -> Option<SoundRange> {
    // Units of time other than frames are too coarse to trim by.
    let frames = track.time_base.is_some_and(|base| base.numer.get() == 1 && base.denom.get() == rate);
    if !frames || (codec != CODEC_ID_AAC && codec != CODEC_ID_ALAC) {
        return None;
    }
    let mut file = file;
    let packets = mp4::packets(&mut file, track.id);
    // The length of the packets, whatever their timestamps.
    let coded = packets.filter(|_| codec == CODEC_ID_AAC).map(|count| count * AAC_PACKET);
    // A film in fragments does not know its length where it begins.
    let media = track.num_frames.filter(|frames| *frames > 0 && packets.is_some());
    let there = coded.or(media);
    if let Some(Edited { delay, frames }) = itunes {
        let end = delay.saturating_add(frames);
        // A tag that leaves out more than padding was not written for this sound.
        if there.is_none_or(|there| there.saturating_sub(end) <= LONGEST_PADDING) && delay <= LONGEST_PADDING
        {
            return Some(SoundRange { frames: delay..end, ends: true, edited_out: 0 });
        }
    }
    let Some(edit) = mp4::edit(&mut file, track.id) else {
        // The sum of the durations may end within the last packet, but not packets before the last.
        let end = match (media, coded) {
            (Some(media), Some(coded)) if coded.saturating_sub(media) >= AAC_PACKET => Some(coded),
            (media, _) => media,
        };
        return Some(SoundRange { frames: 0..end.unwrap_or(u64::MAX), ends: end.is_some(), edited_out: 0 });
    };
    let media = media.map(|all| all.saturating_sub(edit.start));
    let there = there.map(|all| all.saturating_sub(edit.start));
    let edited = edit.seconds.map(|(seconds, tick)| {
        let (frames, tick) = (seconds * f64::from(rate), tick * f64::from(rate));
        // A length in coarser units than frames says only that much; what the media holds says it exactly.
        match media {
            Some(media) if (media as f64 - frames).abs() <= tick + 1.0 => media,
            _ => frames.round() as u64,
        }
    });
    let length = match (edited, there) {
        (Some(edited), Some(there)) => Some(edited.min(there)),
        (edited, _) => edited.or(media),
    };
    let behind = length.zip(there).map_or(0, |(length, there)| there.saturating_sub(length));
    let edited_out = [edit.start, behind].into_iter().filter(|frames| *frames > LONGEST_PADDING).sum();
    let end = length.map_or(u64::MAX, |length| edit.start.saturating_add(length));
    Some(SoundRange { frames: edit.start..end, ends: length.is_some(), edited_out })
}

/// Reads the padding that iTunes states.
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
