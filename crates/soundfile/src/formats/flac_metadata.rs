//! The metadata blocks of a FLAC file (RFC 9639, section 8): those of another FLAC file as they are, and those that keep
//! the metadata of a WAV file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::error::SoundError;
use crate::header::{self, InfoTag, chunks, without_tags};
use crate::sound::{Input, SoundReader};

/// The most metadata of an input file that is kept, in bytes.
const LONGEST: u64 = 64 << 20;

const APPLICATION: u8 = 2;
const VORBIS_COMMENT: u8 = 4;
const CUE_SHEET: u8 = 5;

/// The comment that names speakers other than FLAC's own (RFC 9639, section 8.6.2).
pub(crate) const MASK_COMMENT: &str = "WAVEFORMATEXTENSIBLE_CHANNEL_MASK";

/// LIST/INFO's names and those of Vorbis comments.
const NAMES: [(&[u8; 4], &str); 11] = [
    (b"INAM", "TITLE"),
    (b"IART", "ARTIST"),
    (b"IPRD", "ALBUM"),
    (b"ICMT", "COMMENT"),
    (b"ICOP", "COPYRIGHT"),
    (b"IGNR", "GENRE"),
    (b"ICRD", "DATE"),
    (b"IMUS", "COMPOSER"),
    (b"ITRK", "TRACKNUMBER"),
    (b"IPRT", "TRACKNUMBER"),
    (b"ISFT", "ENCODER"),
];

/// Metadata blocks in their order, each with its header.
#[derive(Debug, Default)]
pub(crate) struct Blocks(Vec<Vec<u8>>);

impl Blocks {
    /// Makes the blocks for what `source` reads; `whole` says that all of it is written.
    pub(crate) fn of(source: &SoundReader, whole: bool) -> Result<Self, SoundError> {
        let channels = source.spec().channels;
        let of_wav = |head: &[u8], tail: &[u8]| {
            Self::of_tags(&info_tags(head, tail), channels, header::channel_mask(head))
        };
        let reading = |error| SoundError::reading(source.path(), error);
        Ok(match &source.0 {
            Input::Other(other) => match other.flac_at() {
                Some(at) => Self::of_flac(&other.opened().file, at, whole).map_err(reading)?,
                None => Self::of_tags(&other.opened().tags, channels, other.opened().channel_mask),
            },
            Input::Stream(stream) => of_wav(&stream.head, &[]),
            Input::Wav(wav) => {
                let (head, tail) = wav.surroundings().map_err(reading)?;
                let mut blocks = of_wav(&head, &tail);
                // Of a file that was repaired the chunks no longer fit together.
                if whole && wav.notices().is_empty() {
                    blocks.keep_chunks(&head, &tail);
                }
                blocks
            }
        })
    }

    /// Copies the blocks of a FLAC file that remain true of its copy: comments, pictures, application data, byte for byte and in
    /// their order, and the cue sheet if `whole`. STREAMINFO and the seek table are not, and padding is none.
    ///
    /// The stream begins at byte `at`.
    fn of_flac(file: &File, at: u64, whole: bool) -> io::Result<Self> {
        let mut source = BufReader::new(file);
        source.seek(SeekFrom::Start(at + 4))?;
        let mut blocks = Vec::new();
        let mut total = 0;
        loop {
            let mut header = [0; 4];
            source.read_exact(&mut header)?;
            let [kind, a, b, c] = header;
            let length = u64::from(u32::from_be_bytes([0, a, b, c]));
            let stale = matches!(kind & 0x7F, 0 | 1 | 3) || (kind & 0x7F == CUE_SHEET && !whole);
            if stale || total + length > LONGEST {
                source.seek_relative(length as i64)?;
            } else {
                let mut block = vec![kind & 0x7F, a, b, c];
                source.by_ref().take(length).read_to_end(&mut block)?;
                total += length;
                blocks.push(block);
            }
            if kind & 0x80 != 0 {
                return Ok(Self(blocks));
            }
        }
    }

    /// Makes comments of title, artist and the like, and of the speakers where they differ from FLAC's for as many channels.
    fn of_tags(tags: &[InfoTag], channels: u16, mask: Option<u32>) -> Self {
        let named = tags.iter().filter_map(|(id, value)| {
            NAMES.iter().find(|(known, _)| *known == id).map(|(_, name)| format!("{name}={value}"))
        });
        let speakers = mask
            .filter(|mask| *mask != 0 && !is_usual(channels, *mask))
            .map(|mask| format!("{MASK_COMMENT}=0x{mask:04X}"));
        let comments: Vec<String> = named.chain(speakers).collect();
        let mut blocks = Self::default();
        if comments.is_empty() {
            return blocks;
        }
        let vendor = concat!("sourdine ", env!("CARGO_PKG_VERSION"));
        let mut body = Vec::new();
        let text = |body: &mut Vec<u8>, text: &str| {
            body.extend((text.len() as u32).to_le_bytes());
            body.extend(text.as_bytes());
        };
        text(&mut body, vendor);
        body.extend((comments.len() as u32).to_le_bytes());
        comments.iter().for_each(|comment| text(&mut body, comment));
        blocks.push(VORBIS_COMMENT, &body);
        blocks
    }

    /// Adds the chunks of a WAV file byte for byte, as the reference encoder keeps what is foreign to FLAC: application
    /// blocks named `riff`, of which the first holds the twelve bytes of the container, each other one chunk, and that of
    /// the sound only its header. Nothing, if there is no chunk that FLAC does not stand for itself.
    fn keep_chunks(&mut self, head: &[u8], tail: &[u8]) {
        let Some((container, rest)) = without_tags(head).split_at_checked(12) else { return };
        let Some((before, data)) = rest.split_at_checked(rest.len().saturating_sub(8)) else { return };
        let dull = |id: &[u8; 4]| matches!(id, b"fmt " | b"fact" | b"JUNK" | b"junk" | b"PAD " | b"FLLR");
        if chunks(before).chain(chunks(tail)).all(|(id, _)| dull(&id)) {
            return;
        }
        let whole = |(id, body): ([u8; 4], &[u8])| {
            let mut chunk = [&id[..], &(body.len() as u32).to_le_bytes(), body].concat();
            chunk.resize(chunk.len().next_multiple_of(2), 0);
            chunk
        };
        let parts = [container.to_vec()]
            .into_iter()
            .chain(chunks(before).map(whole))
            .chain([data.to_vec()])
            .chain(chunks(tail).map(whole));
        let kept: Vec<Vec<u8>> = parts.map(|part| [&b"riff"[..], &part].concat()).collect();
        // All of them or none: the others would not make a file any more.
        if kept.iter().all(|body| fits(body)) {
            kept.iter().for_each(|body| self.push(APPLICATION, body));
        }
    }

    fn push(&mut self, kind: u8, body: &[u8]) {
        if fits(body) {
            let [_, a, b, c] = (body.len() as u32).to_be_bytes();
            self.0.push([&[kind, a, b, c], body].concat());
        }
    }

    /// Joins the blocks as in a file, the last one marked as such.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        if let Some(last) = self.0.last_mut().and_then(|block| block.first_mut()) {
            *last |= 0x80;
        }
        self.0.concat()
    }
}

/// Title, artist and the like in the LIST/INFO chunks among those before and behind the sound.
fn info_tags(head: &[u8], tail: &[u8]) -> Vec<InfoTag> {
    let lists = chunks(without_tags(head).get(12..).unwrap_or_default())
        .chain(chunks(tail))
        .filter_map(|(id, body)| body.strip_prefix(b"INFO").filter(|_| id == *b"LIST"));
    let tags = lists.flat_map(chunks).map(|(id, body)| {
        let text = body.split(|byte| *byte == 0).next().unwrap_or_default();
        // Text that is not Unicode is most often Latin-1, whose codes are those of Unicode.
        let latin = || text.iter().map(|byte| char::from(*byte)).collect();
        (id, std::str::from_utf8(text).map_or_else(|_| latin(), ToOwned::to_owned))
    });
    tags.filter(|(_, value)| !value.is_empty()).collect()
}

/// Returns whether a block can be so long.
fn fits(body: &[u8]) -> bool {
    body.len() < 1 << 24
}

/// Returns whether FLAC means these speakers where nothing else is said (RFC 9639, section 9.1.3). Of 4 to 6 channels it leaves
/// open whether two are at the back or at the sides.
fn is_usual(channels: u16, mask: u32) -> bool {
    let usual: &[u32] = match channels {
        1 => &[0x4],
        2 => &[0x3],
        3 => &[0x7],
        7 => &[0x70F],
        8 => &[0x63F],
        _ => &[],
    };
    usual.contains(&mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_speakers() {
        let tags = [(*b"INAM", "Talk".to_owned()), (*b"IXXX", "nothing".to_owned())];
        let bytes = Blocks::of_tags(&tags, 3, Some(0xB)).into_bytes();
        assert_eq!(bytes[0], 0x84);
        assert_eq!(usize::from(bytes[3]), bytes.len() - 4);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("TITLE=Talk") && text.contains("CHANNEL_MASK=0x000B"), "{text}");
        assert!(Blocks::of_tags(&[], 2, Some(3)).into_bytes().is_empty());
    }

    #[test]
    fn chunks_that_flac_has_no_use_for_are_kept_whole() {
        let head = b"RIFF\x40\0\0\0WAVEfmt \x02\0\0\0\x01\0bext\x03\0\0\0abc\0data\x04\0\0\0";
        let mut blocks = Blocks::default();
        blocks.keep_chunks(head, b"cue \x02\0\0\0xy");
        let bodies: Vec<&[u8]> = blocks.0.iter().map(|block| &block[8..]).collect();
        assert_eq!(bodies[0], b"RIFF\x40\0\0\0WAVE");
        assert_eq!(bodies[2], b"bext\x03\0\0\0abc\0");
        assert_eq!(bodies[3], b"data\x04\0\0\0");
        assert_eq!(bodies[4], b"cue \x02\0\0\0xy");
        let mut blocks = Blocks::default();
        blocks.keep_chunks(b"RIFF\x40\0\0\0WAVEfmt \x02\0\0\0\x01\0data\x04\0\0\0", b"");
        assert!(blocks.into_bytes().is_empty());
    }
}
