//! Names for what is not PCM in a WAV file, so that a refusal can say what it met.

/// Guesses the kind of a file that is not WAV by its first bytes, as a noun for a sentence.
pub(crate) fn looks_like(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let name = if at(0, b"fLaC") {
        "FLAC"
    } else if at(0, b"OggS") {
        "Ogg (Vorbis or Opus)"
    } else if at(0, b"ID3") || is_mpeg_frame(head) {
        "MP3"
    } else if is_adts_frame(head) {
        "AAC"
    } else if at(4, b"ftyp") {
        "MP4/M4A (AAC)"
    } else if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) {
        "AIFF"
    } else if at(0, b"caff") {
        "CAF"
    } else if at(0, b"riff") {
        "Sony Wave64"
    } else if at(0, b"RIFF") && at(8, b"AVI ") {
        "AVI video"
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        "a WebP picture"
    } else if at(0, b".snd") {
        "AU"
    } else if at(0, b"#!AMR") {
        "AMR"
    } else if at(0, b"MThd") {
        "MIDI"
    } else if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
        "Matroska/WebM"
    } else {
        return None;
    };
    Some(name)
}

/// The header of an MPEG audio frame: eleven sync bits, then a version, a layer and a rate that exist.
fn is_mpeg_frame(head: &[u8]) -> bool {
    match head {
        [0xFF, second, third, ..] => {
            second & 0xE0 == 0xE0 // sync
                && second & 0x18 != 0x08 // version: 01 is reserved
                && second & 0x06 != 0x00 // layer: 00 is reserved (and is what AAC in ADTS has)
                && third & 0xF0 != 0xF0 // bit rate: 1111 is not allowed
                && third & 0x0C != 0x0C // sample rate: 11 is reserved
        }
        _ => false,
    }
}

/// The header of an AAC frame in ADTS: twelve sync bits, then a version and layer 0.
fn is_adts_frame(head: &[u8]) -> bool {
    matches!(head, [0xFF, second, ..] if second & 0xF6 == 0xF0)
}

/// The name of a WAVE format tag other than integer and float PCM.
pub(crate) fn encoding_name(tag: u16) -> Option<&'static str> {
    Some(match tag {
        0x0002 => "Microsoft ADPCM",
        0x0006 => "A-law",
        0x0007 => "µ-law",
        0x0011 => "IMA ADPCM",
        0x0031 => "GSM 6.10",
        0x0045 => "G.726 ADPCM",
        0x0050 => "MPEG layer 1/2",
        0x0055 => "MP3",
        0x0092 => "AC-3",
        0x00FF | 0x1600 | 0x1602 => "AAC",
        0x0161 => "Windows Media Audio",
        0x566F => "Vorbis",
        0x704F => "Opus",
        0xF1AC => "FLAC",
        _ => return None,
    })
}
