//! Metadata: title, artist, date and the like.

use std::fs::File;

use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::{MetadataOptions, RawTagSubField, StandardTag};

use super::flac_metadata::MASK_COMMENT;
use super::guard;
use crate::header::InfoTag;

/// Reads the tags that symphonia finds in a file whose sound is read otherwise; none, if it refuses the file.
pub(crate) fn of_file(file: File) -> Vec<InfoTag> {
    let found = guard::contained(|| {
        let source = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
        let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
        symphonia::default::get_probe()
            .probe(&Hint::new(), source, format, metadata)
            .ok()
            .map(|mut f| read(f.as_mut()))
    });
    found.flatten().unwrap_or_default()
}

/// The file's metadata, as far as LIST/INFO has names for it.
pub(crate) fn read(format: &mut dyn FormatReader) -> Vec<InfoTag> {
    let mut metadata = format.metadata();
    let Some(newest) = metadata.skip_to_latest() else { return Vec::new() };
    let mut tags: Vec<InfoTag> = Vec::new();
    for tag in &newest.media.tags {
        let (id, value) = match &tag.std {
            Some(StandardTag::TrackTitle(text)) => (*b"INAM", text.to_string()),
            Some(StandardTag::Artist(text)) => (*b"IART", text.to_string()),
            Some(StandardTag::Album(text)) => (*b"IPRD", text.to_string()),
            Some(StandardTag::Comment(text) | StandardTag::Description(text)) => (*b"ICMT", text.to_string()),
            Some(StandardTag::Copyright(text)) => (*b"ICOP", text.to_string()),
            Some(StandardTag::Genre(text)) => (*b"IGNR", text.to_string()),
            Some(StandardTag::ReleaseDate(text) | StandardTag::RecordingDate(text)) => {
                (*b"ICRD", text.to_string())
            }
            Some(StandardTag::ReleaseYear(year) | StandardTag::RecordingYear(year)) => {
                (*b"ICRD", year.to_string())
            }
            Some(StandardTag::Composer(text)) => (*b"IMUS", text.to_string()),
            Some(StandardTag::TrackNumber(number)) => (*b"ITRK", number.to_string()),
            // A field of the user's own in ID3, which is where ffmpeg puts comments.
            None if tag.raw.sub_fields.as_deref().is_some_and(names_a_comment) => {
                (*b"ICMT", tag.raw.value.to_string())
            }
            _ => continue,
        };
        add(&mut tags, id, &value);
    }
    tags
}

/// Keeps a value, if it is the first of its kind and says something.
pub(crate) fn add(tags: &mut Vec<InfoTag>, id: [u8; 4], value: &str) {
    if !value.is_empty() && tags.iter().all(|(known, _)| *known != id) {
        tags.push((id, value.to_owned()));
    }
}

/// Returns whether a field of ID3 that is named in its own text is a comment.
fn names_a_comment(fields: &[RawTagSubField]) -> bool {
    fields.iter().any(|field| field.value.to_string().eq_ignore_ascii_case("comment"))
}

/// The speaker positions in the comment that is for those which FLAC does not have.
pub(crate) fn speakers(format: &mut dyn FormatReader) -> Option<u32> {
    let mut metadata = format.metadata();
    let tags = &metadata.skip_to_latest()?.media.tags;
    let comment = tags.iter().find(|tag| tag.raw.key.eq_ignore_ascii_case(MASK_COMMENT))?;
    let value = comment.raw.value.to_string();
    let digits = value.trim().strip_prefix("0x").or(value.trim().strip_prefix("0X"))?;
    u32::from_str_radix(digits, 16).ok().filter(|mask| *mask != 0 && *mask < 1 << 18)
}
