//! The header of a WAV file that is made anew.

use crate::format::{SampleFormat, SoundSpec};
use crate::riff::id3v2_bytes;

/// Place and body length of the room for a `ds64` chunk in the header.
pub(crate) const DS64_AT: usize = 12;
const DS64_BYTES: u32 = 28;

/// The largest sizes that a plain RIFF file states.
pub(crate) const LARGEST: u64 = u32::MAX as u64 - 1;

/// A title, an artist and the like: the id of LIST/INFO, and the value.
pub(crate) type InfoTag = ([u8; 4], String);

/// The fields of a new header.
#[derive(Clone, Debug)]
pub(crate) struct HeaderFields {
    pub(crate) spec: SoundSpec,
    pub(crate) valid_bits: u32,
    pub(crate) channel_mask: Option<u32>,
    pub(crate) tags: Vec<InfoTag>,
}

/// A header up to the first byte of sound, with the sizes of a file of unknown length, and with room for `ds64` if
/// `growing`.
pub(crate) fn new(sound: &HeaderFields, growing: bool) -> Vec<u8> {
    let mut head = b"RIFF\xFF\xFF\xFF\xFFWAVE".to_vec();
    if growing {
        reserve_ds64(&mut head);
    }
    let format = fmt_chunk(sound);
    chunk(&mut head, *b"fmt ", &format);
    if !matches!(
        sound.spec.format,
        SampleFormat::U8 | SampleFormat::I16 | SampleFormat::I24 | SampleFormat::I32
    ) {
        chunk(&mut head, *b"fact", &u32::MAX.to_le_bytes());
    }
    if !sound.tags.is_empty() {
        let mut list = b"INFO".to_vec();
        for (id, value) in &sound.tags {
            let mut text: Vec<u8> = value.bytes().filter(|byte| *byte != 0).collect();
            text.push(0);
            chunk(&mut list, *id, &text);
        }
        chunk(&mut head, *b"LIST", &list);
    }
    head.extend(b"data\xFF\xFF\xFF\xFF");
    head
}

/// A header from where its container begins: behind the ID3v2 tags before it.
pub(crate) fn without_tags(head: &[u8]) -> &[u8] {
    head.get(container_at(head)..).unwrap_or_default()
}

fn container_at(head: &[u8]) -> usize {
    let mut at = 0;
    while let Some(length) = head.get(at..).and_then(id3v2_bytes) {
        at = at.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    }
    at
}

/// Inserts a chunk that means nothing and that `ds64` can take the place of.
pub(crate) fn reserve_ds64(head: &mut Vec<u8>) {
    let mut junk = Vec::new();
    chunk(&mut junk, *b"JUNK", &[0; DS64_BYTES as usize]);
    let at = container_at(head) + DS64_AT;
    head.splice(at..at, junk);
}

/// Lists the bytes to patch once the length is known: sizes in the header, and `ds64` if they are too large for it.
///
/// `data` is the length of the sound in bytes, `end` that of the whole file, `reserved` whether there is room for `ds64`.
pub(crate) fn patches(head: &[u8], frames: u64, data: u64, end: u64, reserved: bool) -> Vec<(u64, Vec<u8>)> {
    let data_size_at = head.len() as u64 - 4;
    let start = container_at(head) as u64;
    let size = end - start - 8;
    let mut patches = Vec::new();
    let is_large = matches!(
        head.get(start as usize..),
        Some([b'R', b'F', b'6', b'4', ..] | [b'B', b'W', b'6', b'4', ..])
    );
    if is_large && head.get(start as usize + DS64_AT..).is_some_and(|rest| rest.starts_with(b"ds64")) {
        for (place, size) in [(8, size), (16, data), (24, frames)] {
            patches.push((start + DS64_AT as u64 + place, size.to_le_bytes().to_vec()));
        }
        patches.push((data_size_at, u32::MAX.to_le_bytes().to_vec()));
    } else if size <= LARGEST {
        patches.push((start + 4, (size as u32).to_le_bytes().to_vec()));
        patches.push((data_size_at, (data as u32).to_le_bytes().to_vec()));
    } else if reserved {
        let mut ds64 = b"ds64".to_vec();
        ds64.extend(DS64_BYTES.to_le_bytes());
        for size in [size, data, frames] {
            ds64.extend(size.to_le_bytes());
        }
        ds64.extend([0; 4]);
        patches.push((start, b"RF64\xFF\xFF\xFF\xFF".to_vec()));
        patches.push((start + DS64_AT as u64, ds64));
    }
    if let Some(at) = fact_at(head) {
        patches.push((at, u32::try_from(frames).unwrap_or(u32::MAX).to_le_bytes().to_vec()));
    }
    patches
}

/// Corrects the sizes in a header of a WAV file whose sound is `whole` bytes long and not `stated`, as far as they are
/// there: that of the container shrinks by as much, pad bytes counted.
pub(crate) fn correct_size(head: &mut [u8], stated: u64, whole: u64) {
    let less = stated.next_multiple_of(2) - whole.next_multiple_of(2);
    let start = container_at(head);
    let data_at = head.len().saturating_sub(4);
    let mut narrow = |at: usize, change: &dyn Fn(u64) -> u64| {
        if let Some(field) = head.get_mut(at..at + 4).and_then(<[u8]>::first_chunk_mut) {
            let size = u32::from_le_bytes(*field);
            if size != u32::MAX {
                *field = (change(u64::from(size)) as u32).to_le_bytes();
            }
        }
    };
    narrow(start + 4, &|size| size.saturating_sub(less));
    narrow(data_at, &|_| whole);
    if head.get(start + DS64_AT..start + DS64_AT + 4) == Some(b"ds64") {
        let mut wide = |at: usize, change: &dyn Fn(u64) -> u64| {
            if let Some(field) = head.get_mut(at..at + 8).and_then(<[u8]>::first_chunk_mut) {
                *field = change(u64::from_le_bytes(*field)).to_le_bytes();
            }
        };
        let body = start + DS64_AT + 8;
        wide(body, &|size| size.saturating_sub(less));
        wide(body + 8, &|_| whole);
    }
}

/// The header for a part of a WAV file: its format and its LIST/INFO chunks as they are, and nothing that says a time.
///
/// `head` is the source's up to the first byte of sound, `tail` what follows that. `None` if `head` has no format.
pub(crate) fn of_a_part(head: &[u8], tail: &[u8], growing: bool) -> Option<Vec<u8>> {
    let mut new = b"RIFF\xFF\xFF\xFF\xFFWAVE".to_vec();
    if growing {
        reserve_ds64(&mut new);
    }
    let kept = |new: &mut Vec<u8>, bytes: &[u8], wanted: fn([u8; 4], &[u8]) -> bool| {
        let mut found = false;
        for (id, body) in Chunks(bytes) {
            if wanted(id, body) {
                chunk(new, id, body);
                found = true;
            }
        }
        found
    };
    let chunks = without_tags(head).get(12..)?;
    let has_format = kept(&mut new, chunks, |id, _| id == *b"fmt ");
    if kept(&mut new, chunks, |id, _| id == *b"fact")
        && let Some(at) = fact_at(&new).and_then(|at| usize::try_from(at).ok())
        && let Some(frames) = new.get_mut(at..at + 4)
    {
        frames.fill(0xFF);
    }
    kept(&mut new, chunks, |id, body| id == *b"LIST" && body.starts_with(b"INFO"));
    kept(&mut new, tail, |id, body| id == *b"LIST" && body.starts_with(b"INFO"));
    new.extend(b"data\xFF\xFF\xFF\xFF");
    has_format.then_some(new)
}

/// The speakers that the format of a WAV header states.
pub(crate) fn channel_mask(head: &[u8]) -> Option<u32> {
    let (_, body) = chunks(without_tags(head).get(12..)?).find(|(id, _)| id == b"fmt ")?;
    let mask = body.get(20..).and_then(<[u8]>::first_chunk).filter(|_| body.starts_with(&[0xFE, 0xFF]))?;
    Some(u32::from_le_bytes(*mask))
}

/// The chunks in a range of a file, as far as they are whole.
pub(crate) fn chunks(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    Chunks(bytes)
}

struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[a, b, c, d, size @ ..], rest) = self.0.split_first_chunk::<8>()?;
        let size = usize::try_from(u32::from_le_bytes(size)).ok()?;
        let body = rest.get(..size)?;
        self.0 = rest.get(size.next_multiple_of(2)..).unwrap_or_default();
        Some(([a, b, c, d], body))
    }
}

/// Finds the number of frames that formats other than integer PCM state, if the header is ours.
fn fact_at(head: &[u8]) -> Option<u64> {
    let mut at = container_at(head).checked_add(12)?;
    while let Some(&[a, b, c, d, size @ ..]) = head.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        if [a, b, c, d] == *b"fact" {
            return Some(at as u64 + 8);
        }
        let size = u32::from_le_bytes(size) as usize;
        at = at.checked_add(8)?.checked_add(size.next_multiple_of(2))?;
    }
    None
}

fn chunk(out: &mut Vec<u8>, id: [u8; 4], body: &[u8]) {
    out.extend(id);
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    if body.len() % 2 == 1 {
        out.push(0);
    }
}

fn fmt_chunk(sound: &HeaderFields) -> Vec<u8> {
    let SoundSpec { sample_rate, channels, format } = sound.spec;
    let tag: u16 = match format {
        SampleFormat::U8 | SampleFormat::I16 | SampleFormat::I24 | SampleFormat::I32 => 1,
        SampleFormat::F32 | SampleFormat::F64 => 3,
        SampleFormat::ALaw => 6,
        SampleFormat::MuLaw => 7,
    };
    let bits = format.container_bits() as u16;
    let frame = sound.spec.frame_bytes() as u16;
    // Said in the plain form wherever that says it all: more programs read that one.
    let plain = channels <= 2
        && sound.valid_bits == u32::from(bits)
        && matches!(sound.channel_mask, None | Some(3 | 4));
    let mut body = Vec::with_capacity(40);
    body.extend(if plain { tag } else { 0xFFFE }.to_le_bytes());
    body.extend(channels.to_le_bytes());
    body.extend(sample_rate.to_le_bytes());
    body.extend(sample_rate.saturating_mul(u32::from(frame)).to_le_bytes());
    body.extend(frame.to_le_bytes());
    body.extend(bits.to_le_bytes());
    if !plain {
        body.extend(22_u16.to_le_bytes());
        body.extend((sound.valid_bits as u16).to_le_bytes());
        body.extend(sound.channel_mask.unwrap_or(0).to_le_bytes());
        body.extend(tag.to_le_bytes());
        body.extend(crate::fmt_chunk::GUID_WAVE);
    } else if tag != 1 {
        body.extend(0_u16.to_le_bytes()); // no extension
    }
    body
}
