//! Sound in other containers than WAV, decoded: FLAC, Ogg Vorbis, Opus, MP3, AAC and ALAC in MP4 or CAF.
//!
//! The timeline of what is decoded is the truth: each packet goes where its container says, what is missing becomes
//! silence of its length and a notice, and no stated total takes away what is there.

mod part;
mod timeline;

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

use symphonia::core::codecs::audio::{AudioCodecParameters, well_known};
use symphonia::core::packet::Packet;

use super::codec::{Block, Codec, DecodedBlock, is_wider_than_f32};
use super::feed::{Ending, Event, Feed, Place};
use super::flac_chain::{self, StreamInfo};
use super::ogg;
use super::sbr;
use crate::error::{SoundError, SoundErrorKind};
use crate::format::{SampleFormat, SoundSpec};
use crate::notice::Notice;
use crate::opened::Opened;
use crate::originals::Originals;
use crate::riff::{MAX_CHANNELS, MAX_SAMPLE_RATE};
use part::{Part, check_links, check_streams};
use timeline::Line;

/// Silence in the place of a damaged packet is at most this long, in frames.
const LONGEST_REPAIR: u64 = 1 << 16;

/// So many packets of AAC are looked at for a sign of HE-AAC.
const PROOF_PACKETS: usize = 8;

/// Frames of silence that are handed out at a time.
const SILENCE_STEP: usize = 4096;

/// Reads compressed sound, in constant memory.
pub(crate) struct Decoded {
    /// Its file is for what the demuxer does not say.
    pub(super) opened: Opened,
    feed: Feed,
    /// Pieces of the container that were looked at before.
    early: VecDeque<Event>,
    codec: Codec,
    /// Further recordings of the same kind that follow.
    later: VecDeque<Later>,
    /// Start of the FLAC stream, if it is one, in bytes.
    pub(super) flac_at: Option<u64>,
    line: Line,
    /// Decoded and not yet handed out, behind the silence.
    ready: Block,
    handed_out: usize,
    /// Silence to be handed out, in frames.
    silence: u64,
    ended: bool,
}

/// A further recording in the file, and what it states if it is FLAC.
#[derive(Clone, Debug)]
struct Later {
    range: Range<u64>,
    info: Option<StreamInfo>,
}

impl Decoded {
    /// Opens a file of any kind that symphonia knows.
    pub(crate) fn open(path: &Path, head: &[u8]) -> Result<Self, SoundError> {
        let open = || File::open(path).map_err(|error| SoundError::reading(path, error));
        let reading = |error| SoundError::reading(path, error);
        let streams = flac_chain::streams(open()?).map_err(reading)?;
        let (first, later) = match streams.split_first() {
            Some((first, others)) => {
                check_streams(path, first, others)?;
                let later =
                    others.iter().map(|other| Later { range: other.range.clone(), info: Some(other.info) });
                (first.range.clone(), later.collect())
            }
            None if head.starts_with(b"OggS") => {
                let links = ogg::links(open()?, 0).map_err(reading)?;
                check_links(path, &links)?;
                let mut ranges = links.into_iter().map(|link| link.range);
                let first = ranges.next().unwrap_or(0..u64::MAX);
                (first, ranges.map(|range| Later { range, info: None }).collect())
            }
            None => (0..u64::MAX, VecDeque::new()),
        };
        let part = Part::open(path, head, first, streams.first().map(|stream| stream.info))?;
        let mut decoded = Self::from_part(path, open()?, part, later)?;
        decoded.flac_at = streams.first().map(|stream| stream.range.start);
        let kept = decoded.opened.valid_bits;
        if let Some(bits) = streams.iter().map(|stream| stream.info.bits).max().filter(|bits| *bits > kept) {
            decoded.opened.notices.push(Notice::FewerBitsLater { from: bits, to: kept });
        }
        Ok(decoded)
    }

    fn from_part(path: &Path, file: File, part: Part, later: VecDeque<Later>) -> Result<Self, SoundError> {
        let Part { feed, codec, parameters, sound, silence, stated, notices, tags, mask, frames } = part;
        let frames =
            later.iter().fold(frames, |sum, later| Some(sum? + later.info.and_then(|info| info.stated())?));
        // The first packet says what is not known yet.
        let spec = SoundSpec { sample_rate: 0, channels: 0, format: SampleFormat::F32 };
        let (path, valid_bits, channel_mask) = (path.to_owned(), 0, mask);
        let opened = Opened { path, file, spec, valid_bits, channel_mask, frames, tags, notices };
        let mut decoded = Self {
            opened,
            feed,
            early: VecDeque::new(),
            codec,
            later,
            flac_at: None,
            line: Line::new(sound, stated, silence),
            ready: Block::default(),
            handed_out: 0,
            silence,
            ended: false,
        };
        decoded.first(&parameters)?;
        Ok(decoded)
    }

    /// As [`crate::SoundReader::read`].
    pub(crate) fn read(&mut self, out: &mut [f32], originals: &mut Originals) -> Result<usize, SoundError> {
        let channels = usize::from(self.opened.spec.channels);
        let wide = is_wider_than_f32(self.opened.spec.format);
        let bytes = self.opened.spec.format.bytes();
        let mut done = 0;
        while done < out.len() {
            let room = out.len() - done;
            if self.silence > 0 {
                let frames = usize::try_from(self.silence)
                    .unwrap_or(usize::MAX)
                    .min(room / channels)
                    .min(SILENCE_STEP);
                out[done..done + frames * channels].fill(0.0);
                if wide {
                    originals.push(std::iter::repeat_n(0, frames * channels * bytes));
                }
                self.silence -= frames as u64;
                done += frames * channels;
            } else if !self.line.waiting && self.handed_out < self.ready.samples.len() {
                let step = room.min(self.ready.samples.len() - self.handed_out);
                let range = self.handed_out..self.handed_out + step;
                out[done..done + step].copy_from_slice(&self.ready.samples[range.clone()]);
                if wide {
                    let stored = self.ready.originals.get(range.start * bytes..range.end * bytes);
                    originals.push(stored.unwrap_or_default().iter().copied());
                }
                self.handed_out += step;
                done += step;
            } else if self.ended {
                break;
            } else {
                self.advance()?;
            }
        }
        Ok(done / channels)
    }

    /// Decodes up to the first sound, which says what the file holds.
    fn first(&mut self, parameters: &AudioCodecParameters) -> Result<(), SoundError> {
        if parameters.codec == well_known::CODEC_ID_AAC {
            self.refuse_band_replication()?;
        }
        // Damage before the first good packet becomes silence once the format is known.
        let mut block = Block::default();
        let mut seen = Vec::new();
        let mut tries = 0;
        let found = loop {
            let event = self.event()?;
            let found = match &event {
                Event::Packet(packet, _) => {
                    tries += 1;
                    self.codec.decode(packet, &mut block)
                }
                _ => None,
            };
            let over = matches!(event, Event::End(_)) || tries > 4096;
            if let Some(found) = found {
                seen.push(event);
                break found;
            }
            if over {
                return Err(SoundError::new(&self.opened.path, SoundErrorKind::NoSound));
            }
            seen.push(event);
        };
        let channels = u16::try_from(found.channels).unwrap_or(u16::MAX);
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(SoundError::new(&self.opened.path, SoundErrorKind::Channels { stated: channels }));
        }
        if !(1..=MAX_SAMPLE_RATE).contains(&found.rate) {
            return Err(SoundError::new(
                &self.opened.path,
                SoundErrorKind::SampleRate { stated: found.rate },
            ));
        }
        self.opened.spec = SoundSpec { sample_rate: found.rate, channels, format: found.format };
        self.opened.valid_bits = found.valid_bits;
        self.opened.channel_mask = self.opened.channel_mask.or(found.mask);
        let last = seen.pop();
        for event in seen {
            match event {
                // The decoder must not get it twice.
                Event::Packet(packet, place) => self.damaged(&packet, place),
                other => self.take(other)?,
            }
        }
        if let Some(Event::Packet(_, place)) = last {
            self.place(place, found.frames as u64);
            self.append(block, found.frames);
        }
        Ok(())
    }

    /// HE-AAC would come out at half its rate, without the upper half of its band.
    fn refuse_band_replication(&mut self) -> Result<(), SoundError> {
        let mut packets = 0;
        let mut all = true;
        let mut early = VecDeque::new();
        while packets < PROOF_PACKETS {
            let event = self.event()?;
            if let Event::Packet(packet, _) = &event {
                packets += 1;
                all &= sbr::has_band_replication(&packet.data);
            }
            let over = matches!(event, Event::End(_));
            early.push_back(event);
            if over || !all {
                break;
            }
        }
        early.append(&mut self.early);
        self.early = early;
        if all && packets > 2 {
            Err(SoundError::new(&self.opened.path, SoundErrorKind::HeAac))
        } else {
            Ok(())
        }
    }

    fn event(&mut self) -> Result<Event, SoundError> {
        match self.early.pop_front() {
            Some(event) => Ok(event),
            None => self.feed.next().map_err(|error| SoundError::reading(&self.opened.path, error)),
        }
    }

    /// Takes the next piece of the container.
    fn advance(&mut self) -> Result<(), SoundError> {
        if !self.line.waiting {
            self.ready.clear();
            self.handed_out = 0;
        }
        let event = self.event()?;
        self.take(event)
    }

    fn take(&mut self, event: Event) -> Result<(), SoundError> {
        match event {
            Event::Packet(packet, place) => self.packet(&packet, place)?,
            Event::Lost { frames } => {
                self.codec.reset();
                self.lose(frames);
            }
            Event::Hole => {
                self.release(None);
                self.codec.reset();
                self.line.hole = Some(0);
            }
            Event::Mark { end, last } => self.release(Some((end, last))),
            Event::Section { sound, before } => {
                self.note_ending(before);
                self.codec.reset();
                self.line = Line::new(sound, None, self.line.given);
            }
            Event::End(ending) => self.end(ending)?,
        }
        Ok(())
    }

    fn packet(&mut self, packet: &Packet, place: Place) -> Result<(), SoundError> {
        let mut block = Block::default();
        match self.codec.decode(packet, &mut block) {
            Some(found) => {
                self.check(&found)?;
                self.place(place, found.frames as u64);
                self.append(block, found.frames);
            }
            None => self.damaged(packet, place),
        }
        Ok(())
    }

    /// A packet that cannot be decoded.
    fn damaged(&mut self, packet: &Packet, place: Place) {
        if place == Place::Marked {
            // The mark will show its length.
            let frames = self.ready.samples.len() / usize::from(self.opened.spec.channels);
            self.line.hole.get_or_insert(frames);
            return;
        }
        let frames = packet.dur.get().min(LONGEST_REPAIR);
        self.place(place, frames);
        self.lose(frames);
    }

    /// A stream that becomes another one in its middle cannot be written as one.
    fn check(&self, found: &DecodedBlock) -> Result<(), SoundError> {
        let SoundSpec { sample_rate, channels, .. } = self.opened.spec;
        if found.rate == sample_rate && found.channels == usize::from(channels) {
            return Ok(());
        }
        let kind = SoundErrorKind::FormChanges {
            byte: None,
            millis: self.line.given * 1000 / u64::from(sample_rate),
            from: (sample_rate, channels),
            to: (found.rate, u16::try_from(found.channels).unwrap_or(u16::MAX)),
        };
        Err(SoundError::new(&self.opened.path, kind))
    }

    /// The end of a recording: the next one, or that of the file.
    fn end(&mut self, ending: Ending) -> Result<(), SoundError> {
        if self.line.waiting {
            self.release(None);
        }
        self.note_ending(ending);
        let Some(next) = self.later.pop_front() else {
            self.ended = true;
            return Ok(());
        };
        let part = Part::open(&self.opened.path, &[], next.range, next.info)?;
        self.feed = part.feed;
        self.codec = part.codec.with_format(self.opened.spec.format);
        self.line = Line::new(part.sound, part.stated, self.line.given);
        Ok(())
    }
}
