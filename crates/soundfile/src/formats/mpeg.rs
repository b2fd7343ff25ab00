//! MPEG audio (MP1, MP2, MP3) and AAC in ADTS: streams of frames that say of themselves no more than a header, found one
//! by one, so that what lies between them is known too.
//!
//! ISO/IEC 11172-3, 2.4.1.3; 13818-3, 2.4.2.3; 14496-3, 1.A.2.2.

use std::fs::File;
use std::io;
use std::ops::Range;

use super::bytes::Bytes;
use super::feed::Ending;
use crate::riff::id3v2_bytes;

/// The properties that all frames of a stream share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Version, layer and whether it is ADTS, as the bits of the header.
    kind: u8,
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    /// Samples of each channel in a frame.
    pub(crate) samples: u32,
}

impl Form {
    pub(crate) fn is_adts(self) -> bool {
        self.kind & 0x06 == 0
    }
}

#[derive(Clone, Copy, Debug)]
struct FrameHeader {
    form: Form,
    /// Length of the frame, its header included.
    bytes: usize,
    /// Length of the header, its checksum included.
    head: usize,
}

/// Bytes of a frame's header that are looked at.
const HEADER: usize = 7;

impl FrameHeader {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let [0xFF, second, third, fourth, ..] = *bytes else { return None };
        match second {
            _ if second & 0xF6 == 0xF0 => Self::adts(bytes, second, third, fourth),
            _ if second & 0xE0 == 0xE0 => Self::mpeg(second, third, fourth),
            _ => None,
        }
    }

    fn mpeg(second: u8, third: u8, fourth: u8) -> Option<Self> {
        const RATES: [u32; 3] = [44_100, 48_000, 32_000];
        // In kbit/s: MPEG-1 layers I to III, then MPEG-2 layer I, then its layers II and III.
        const KILOBITS: [[u32; 14]; 5] = [
            [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
            [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
            [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
            [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
            [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        ];
        let (version, layer) = (second >> 3 & 3, 4 - (second >> 1 & 3));
        let halvings = match version {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        if layer == 4 {
            return None;
        }
        let rate = RATES.get(usize::from(third >> 2 & 3))? >> halvings;
        let table = match (halvings, layer) {
            (0, layer) => usize::from(layer) - 1,
            (_, 1) => 3,
            _ => 4,
        };
        // Index 0 is the free format, whose frames do not state their length.
        let kilobits = *KILOBITS[table].get(usize::from(third >> 4).checked_sub(1)?)?;
        let samples = match (layer, halvings) {
            (1, _) => 384,
            (3, 1 | 2) => 576,
            _ => 1152,
        };
        let padding = u32::from(third >> 1 & 1);
        let bytes = match layer {
            1 => (12_000 * kilobits / rate + padding) * 4,
            _ => samples / 8 * 1000 * kilobits / rate + padding,
        };
        let channels = if fourth >> 6 == 3 { 1 } else { 2 };
        let form = Form { kind: second & 0x1E, rate, channels, samples };
        Some(Self { form, bytes: bytes as usize, head: 4 })
    }

    fn adts(bytes: &[u8], second: u8, third: u8, fourth: u8) -> Option<Self> {
        const RATES: [u32; 13] = [
            96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
            7350,
        ];
        let &[fifth, sixth, seventh] = bytes.get(4..7)?.first_chunk()?;
        let rate = *RATES.get(usize::from(third >> 2 & 0xF))?;
        let configured = u16::from((third & 1) << 2 | fourth >> 6);
        let channels = if configured == 7 { 8 } else { configured };
        let length = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
        let head = if second & 1 == 0 { 9 } else { 7 };
        // Of several blocks of sound in a frame the decoder gives only the first.
        let single = seventh & 3 == 0;
        let form = Form { kind: 0, rate, channels, samples: 1024 };
        (length > head && single).then_some(Self { form, bytes: length, head })
    }
}

/// The encoder's tag in the first frame (Xing's, with LAME's extension).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Info {
    /// Frames of the stream, without this one.
    pub(crate) frames: Option<u32>,
    /// Bytes of the stream, with this frame.
    pub(crate) bytes: Option<u32>,
    /// Samples that the encoder put before the sound and behind it, the decoder's own delay counted to the first.
    pub(crate) trim: Option<(u32, u32)>,
}

impl Info {
    fn parse(frame: &[u8], form: Form) -> Option<Self> {
        if form.is_adts() {
            return None;
        }
        let mpeg1 = form.samples == 1152;
        let side = match (mpeg1, form.channels) {
            (true, 1) | (false, 2) => 17,
            (true, _) => 32,
            (false, _) => 9,
        };
        let number = |at: usize| Some(u32::from_be_bytes(*frame.get(at..)?.first_chunk()?));
        if frame.get(36..40) == Some(b"VBRI") {
            return Some(Self { frames: number(50), bytes: number(46), trim: None });
        }
        let mut at = 4 + side;
        if !matches!(frame.get(at..at + 4), Some(b"Xing" | b"Info")) {
            return None;
        }
        let flags = number(at + 4)?;
        at += 8;
        let mut field = |flag: u32, bytes: usize| {
            let here = at;
            let there = flags & flag != 0;
            at += if there { bytes } else { 0 };
            there.then(|| number(here)).flatten()
        };
        let (frames, bytes) = (field(1, 4), field(2, 4));
        field(4, 100);
        field(8, 4);
        let known =
            |name: &[u8]| [&b"LAME"[..], b"Lavf", b"Lavc"].iter().any(|known| name.starts_with(known));
        let trim = frame.get(at..at + 24).filter(|tag| known(tag)).map(|tag| {
            let (front, back) = (
                u32::from(tag[21]) << 4 | u32::from(tag[22]) >> 4,
                u32::from(tag[22] & 0xF) << 8 | u32::from(tag[23]),
            );
            (front + DECODER_DELAY, back.saturating_sub(DECODER_DELAY))
        });
        Some(Self { frames, bytes, trim })
    }
}

/// The delay of every decoder of layer III, in samples.
const DECODER_DELAY: u32 = 529;

/// The next piece of a stream.
#[derive(Debug)]
pub(crate) enum Step {
    /// A frame, and where its payload starts in it.
    Frame { data: Vec<u8>, head: usize },
    /// A frame that says what the stream is.
    Info(Info),
    /// So many bytes that are no frames and no tags.
    Junk { bytes: u64 },
    /// Frames of another form begin at this byte.
    Change { at: u64, form: Form },
    /// The end, and how many bytes of a torn frame stand there.
    End { torn: u64 },
}

/// Finds the frames of a stream.
#[derive(Debug)]
pub(crate) struct Walker {
    bytes: Bytes,
    at: u64,
    form: Form,
}

impl Walker {
    /// Starts at the first frame of `file`; `None` if there is none within the first MiB behind its tags.
    pub(crate) fn new(file: File) -> io::Result<Option<Self>> {
        let mut bytes = Bytes::new(file, 0..u64::MAX)?;
        let mut at = 0;
        while let Some(behind) = behind_tag(&mut bytes, at)? {
            at = behind;
        }
        let last = at + (1 << 20);
        while at < last.min(bytes.range.end) {
            if let Some(header) = header_at(&mut bytes, at)?
                && follows(&mut bytes, at, header, 2)?
            {
                return Ok(Some(Self { bytes, at, form: header.form }));
            }
            at += 1;
        }
        Ok(None)
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Start of the next step, in bytes.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    pub(crate) fn step(&mut self) -> io::Result<Step> {
        while let Some(behind) = behind_tag(&mut self.bytes, self.at)? {
            self.at = behind;
        }
        let end = self.bytes.range.end;
        if self.at >= end {
            return Ok(Step::End { torn: 0 });
        }
        if let Some(header) = header_at(&mut self.bytes, self.at)?.filter(|header| header.form == self.form) {
            if self.at + header.bytes as u64 > end {
                return Ok(Step::End { torn: end - self.at });
            }
            if self.is_whole(header)? {
                let data = self.bytes.get(self.at, header.bytes)?.to_vec();
                self.at += header.bytes as u64;
                return Ok(match Info::parse(&data, self.form) {
                    Some(info) => Step::Info(info),
                    None => Step::Frame { data, head: header.head },
                });
            }
        }
        self.skip()
    }

    /// Returns whether a frame is followed by another; or, where only the header of that one is damaged, by the one behind it.
    fn is_whole(&mut self, header: FrameHeader) -> io::Result<bool> {
        if follows(&mut self.bytes, self.at, header, 1)? {
            return Ok(true);
        }
        let next = self.at + header.bytes as u64;
        for length in [header.bytes, header.bytes + 1, header.bytes - 1] {
            if header_at(&mut self.bytes, next + length as u64)?.is_some_and(|found| found.form == self.form)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Goes to the next frame that is followed by another, or to the end.
    fn skip(&mut self) -> io::Result<Step> {
        let (start, end) = (self.at, self.bytes.range.end);
        let mut at = start;
        while at < end {
            // The start itself was examined before.
            if at > start && behind_tag(&mut self.bytes, at)?.is_some() {
                break;
            }
            if let Some(header) = header_at(&mut self.bytes, at)? {
                let same = header.form == self.form;
                // Of another form, it takes more to be believed.
                if (at > start || !same) && follows(&mut self.bytes, at, header, if same { 1 } else { 4 })? {
                    if at == start {
                        return Ok(Step::Change { at, form: header.form });
                    }
                    break;
                }
            }
            at += 1;
        }
        self.at = at;
        if at >= end {
            return self.rest(start, end);
        }
        Ok(Step::Junk { bytes: at - start })
    }

    /// Examines what follows the last frame: nothing but zeros is no loss.
    fn rest(&mut self, start: u64, end: u64) -> io::Result<Step> {
        let mut at = start;
        while at < end {
            let block = self.bytes.get(at, 4096)?;
            if block.is_empty() || block.iter().any(|byte| *byte != 0) {
                return Ok(Step::End { torn: end - start });
            }
            at += block.len() as u64;
        }
        Ok(Step::End { torn: 0 })
    }
}

fn header_at(bytes: &mut Bytes, at: u64) -> io::Result<Option<FrameHeader>> {
    Ok(FrameHeader::parse(bytes.get(at, HEADER)?))
}

/// Returns whether `more` frames of the same form follow the one at `at`, as far as the file goes.
fn follows(bytes: &mut Bytes, mut at: u64, mut header: FrameHeader, more: u32) -> io::Result<bool> {
    for _ in 0..more {
        at += header.bytes as u64;
        if at >= bytes.range.end {
            return Ok(at == bytes.range.end);
        }
        if behind_tag(bytes, at)?.is_some() {
            return Ok(true);
        }
        match header_at(bytes, at)? {
            Some(next) if next.form == header.form => header = next,
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Finds the end of the tag at `at`: ID3v2, ID3v1 or APE.
fn behind_tag(bytes: &mut Bytes, at: u64) -> io::Result<Option<u64>> {
    let end = bytes.range.end;
    let head = bytes.get(at, 32)?;
    let length = match head {
        [b'I', b'D', b'3', ..] => id3v2_bytes(head),
        [b'T', b'A', b'G', ..] if end - at == 128 => Some(128),
        [b'A', b'P', b'E', b'T', b'A', b'G', b'E', b'X', _, _, _, _, a, b, c, d, ..] => {
            let footer = head.get(23).is_some_and(|flags| flags & 0x20 == 0);
            Some(32 + if footer { 0 } else { u64::from(u32::from_le_bytes([*a, *b, *c, *d])) })
        }
        _ => None,
    };
    Ok(length.map(|length| at.saturating_add(length).min(end)))
}

/// One encoder's stream in a file: several stand one after the other where files were joined.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    info: Option<Info>,
    frames: u64,
    /// Bytes of its frames.
    bytes: u64,
    /// The lengths of what is no frame, in bytes.
    holes: Vec<u64>,
    /// Bytes from its start to its end.
    span: u64,
    /// The file ends within a frame of it.
    torn: bool,
}

impl Section {
    /// Frames that stood in a hole of so many bytes, as far as that can be said.
    pub(crate) fn lost_frames(&self, hole: u64) -> u64 {
        let stated = self.info.and_then(|info| info.frames).map(u64::from);
        let missing =
            stated.and_then(|stated| stated.checked_sub(self.frames)).filter(|missing| *missing > 0);
        match missing {
            Some(missing) if self.holes.len() == 1 && !self.torn => missing,
            _ => {
                let mean = self.bytes / self.frames.max(1);
                (hole + mean / 2) / mean.max(1)
            }
        }
    }

    /// Frames that are there, and those that stood in its holes.
    pub(crate) fn all_frames(&self) -> u64 {
        self.frames + self.holes.iter().map(|hole| self.lost_frames(*hole)).sum::<u64>()
    }

    /// Which samples of the section are sound.
    pub(crate) fn sound(&self, form: Form) -> Range<u64> {
        let total = self.all_frames() * u64::from(form.samples);
        let Some((front, back)) = self.info.and_then(|info| info.trim) else { return 0..total };
        let front = u64::from(front).min(total);
        // The padding is present only if the end is, which the length in frames or in bytes shows.
        let stated = self
            .info
            .and_then(|info| info.frames)
            .is_some_and(|stated| u64::from(stated) == self.all_frames());
        let same_bytes =
            self.info.and_then(|info| info.bytes).is_some_and(|bytes| u64::from(bytes) == self.span);
        let back = if !self.torn && (stated || same_bytes) { u64::from(back) } else { 0 };
        front..total.saturating_sub(back).max(front)
    }

    /// Compares its end with what it states.
    pub(crate) fn ending(&self, form: Form) -> Ending {
        let (there, samples) = (self.all_frames(), u64::from(form.samples));
        match self.info.and_then(|info| info.frames).map(u64::from) {
            Some(stated) if stated > there => Ending::Cut(Some((stated - there) * samples)),
            Some(stated) if stated < there => Ending::More(stated * samples),
            _ if self.torn => Ending::Cut(None),
            _ => Ending::Whole,
        }
    }
}

/// Everything that is known of a stream before it is decoded.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) form: Form,
    pub(crate) sections: Vec<Section>,
    pub(crate) change: Option<Change>,
}

/// The place at which frames of another form begin.
#[derive(Debug)]
pub(crate) struct Change {
    /// The byte.
    pub(crate) at: u64,
    /// Samples of each channel before it.
    pub(crate) samples: u64,
    pub(crate) form: Form,
}

/// Holes beyond this many are taken as one.
const MOST_HOLES: usize = 1 << 16;

/// Joined files beyond this many are taken as one.
const MOST_SECTIONS: usize = 4096;

impl Survey {
    /// Walks through a whole file; `None` if there is no frame.
    pub(crate) fn of(file: File) -> io::Result<Option<Self>> {
        let Some(mut walker) = Walker::new(file)? else { return Ok(None) };
        let form = walker.form();
        let mut sections = vec![Section::default()];
        let mut start = walker.at();
        let mut end = start;
        let mut change = None;
        loop {
            let before = walker.at();
            let step = walker.step()?;
            let full = sections.len() == MOST_SECTIONS;
            let Some(section) = sections.last_mut() else { break };
            match step {
                Step::Frame { data, .. } => {
                    section.frames += 1;
                    section.bytes += data.len() as u64;
                    end = walker.at();
                }
                Step::Info(info) => {
                    let first = section.frames == 0 && section.info.is_none();
                    if first {
                        section.info = Some(info);
                    } else if !full {
                        section.span = end - start;
                        start = before;
                        sections.push(Section { info: Some(info), ..Section::default() });
                    }
                    end = walker.at();
                }
                Step::Junk { bytes } => {
                    let full = section.holes.len() == MOST_HOLES;
                    match section.holes.last_mut() {
                        Some(last) if full => *last += bytes,
                        _ => section.holes.push(bytes),
                    }
                }
                Step::Change { at, form } => {
                    let frames: u64 = sections.iter().map(Section::all_frames).sum();
                    change = Some(Change { at, samples: frames * u64::from(walker.form().samples), form });
                    break;
                }
                Step::End { torn } => {
                    section.torn = torn > 0;
                    break;
                }
            }
        }
        if let Some(section) = sections.last_mut() {
            section.span = end - start;
        }
        Ok(Some(Self { form, sections, change }))
    }
}
