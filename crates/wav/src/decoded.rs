//! Sound in other containers than WAV, decoded: FLAC, Ogg Vorbis, Opus, MP3, AAC and ALAC in MP4 or CAF.
//!
//! The timeline of what is decoded is the truth: each packet goes where its container says, what is missing becomes
//! silence of its length and a notice, and no stated total takes away what is there.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use symphonia::core::codecs::audio::{AudioCodecParameters, well_known};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known as containers;
use symphonia::core::formats::{FormatId, FormatOptions, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use crate::codec::{Block, Codec, Found, is_wider_than_f32};
use crate::error::{WavError, WavErrorKind};
use crate::feed::{Demuxed, Ending, Event, Feed, Mpeg, Place, Times};
use crate::flac_chain::{self, Stream, StreamInfo};
use crate::format::{SampleFormat, WavSpec};
use crate::gapless;
use crate::guard;
use crate::mp4;
use crate::mpeg::{Survey, Walker};
use crate::notice::{Notice, note_silence};
use crate::ogg::{self, Link};
use crate::opus::Head;
use crate::riff::{MAX_CHANNELS, MAX_SAMPLE_RATE};
use crate::sbr;
use crate::slice::Slice;
use crate::sniff;
use crate::stream::SharedUpstream;
use crate::tags::{self, InfoTag};
use crate::vorbis;

/// A gap longer than this is a jump of the clock and not sound that is missing, in seconds.
const LONGEST_SILENCE: u64 = 3600;

/// More notices than this are not kept of jumps of the clock.
const MOST_NOTICES: usize = 100;

/// Silence in the place of a damaged packet is at most this long, in frames.
const LONGEST_REPAIR: u64 = 1 << 16;

/// Sound that waits for its place is at most this long, in samples.
const LONGEST_WAIT: usize = 1 << 22;

/// What a stated end may cut off behind the sound, in frames: the padding of an encoder.
const LONGEST_PADDING: u64 = 8192;

/// So many packets of AAC are looked at for a sign of HE-AAC.
const PROOF_PACKETS: usize = 8;

/// Frames of silence that are handed out at a time.
const SILENCE_STEP: usize = 4096;

/// Reads compressed sound, in constant memory.
pub(crate) struct Decoded {
    path: PathBuf,
    /// For what the demuxer does not say.
    file: File,
    feed: Feed,
    /// Pieces of the container that were looked at before.
    early: VecDeque<Event>,
    codec: Codec,
    /// What follows: further recordings of the same kind.
    later: VecDeque<Later>,
    pub(crate) spec: WavSpec,
    /// Bits of an integer sample that carry sound.
    pub(crate) valid_bits: u32,
    /// WAVE's speaker positions, where the file states some that WAVE has.
    pub(crate) channel_mask: Option<u32>,
    pub(crate) frames: Option<u64>,
    /// Where the FLAC stream begins, if it is one, in bytes.
    pub(crate) flac_at: Option<u64>,
    /// What the file says of itself, as far as LIST/INFO has names for it.
    pub(crate) tags: Vec<InfoTag>,
    line: Line,
    /// Decoded and not yet handed out, behind the silence.
    ready: Block,
    handed_out: usize,
    /// Silence to be handed out, in frames.
    silence: u64,
    ended: bool,
    pub(crate) upstream: SharedUpstream,
    pub(crate) notices: Vec<Notice>,
}

/// Where the sound stands on its way from the container to the output.
#[derive(Debug)]
struct Line {
    /// The frame that comes next, by the times of the container.
    at: i64,
    /// Where the packet before ended by its own time, in frames.
    end_of_last: Option<i64>,
    /// Which frames are sound.
    sound: Range<i64>,
    /// Frames of the output so far.
    given: u64,
    /// What the recording states, in frames.
    stated: Option<u64>,
    /// `ready` waits for a mark.
    waiting: bool,
    /// Where in `ready` something was missing, in frames.
    hole: Option<usize>,
    /// No mark was met yet.
    fresh: bool,
}

impl Line {
    fn new(sound: Range<u64>, stated: Option<u64>, given: u64) -> Self {
        let narrow = |frame: u64| i64::try_from(frame).unwrap_or(i64::MAX);
        let sound = narrow(sound.start)..narrow(sound.end);
        Self { at: 0, end_of_last: None, sound, given, stated, waiting: false, hole: None, fresh: true }
    }
}

/// A further recording in the file, and what it states if it is FLAC.
#[derive(Clone, Debug)]
struct Later {
    range: Range<u64>,
    info: Option<StreamInfo>,
}

/// A recording that is opened.
struct Part {
    feed: Feed,
    codec: Codec,
    parameters: AudioCodecParameters,
    sound: Range<u64>,
    /// Frames of silence before it.
    silence: u64,
    stated: Option<u64>,
    notices: Vec<Notice>,
    tags: Vec<InfoTag>,
    mask: Option<u32>,
    frames: Option<u64>,
}

impl Decoded {
    /// Opens a file of any kind that symphonia knows.
    pub(crate) fn open(path: &Path, head: &[u8]) -> Result<Self, WavError> {
        let open = || File::open(path).map_err(|error| WavError::reading(path, error));
        let reading = |error| WavError::reading(path, error);
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
        if let Some(bits) =
            streams.iter().map(|stream| stream.info.bits).max().filter(|bits| *bits > decoded.valid_bits)
            && !streams.is_empty()
        {
            decoded.notices.push(Notice::FewerBitsLater { from: bits, to: decoded.valid_bits });
        }
        Ok(decoded)
    }

    fn from_part(path: &Path, file: File, part: Part, later: VecDeque<Later>) -> Result<Self, WavError> {
        let Part { feed, codec, parameters, sound, silence, stated, notices, tags, mask, frames } = part;
        let frames =
            later.iter().fold(frames, |sum, later| Some(sum? + later.info.and_then(|info| info.stated())?));
        let mut decoded = Self {
            path: path.to_owned(),
            file,
            feed,
            early: VecDeque::new(),
            codec,
            later,
            spec: WavSpec { sample_rate: 0, channels: 0, format: SampleFormat::F32 },
            valid_bits: 0,
            channel_mask: mask,
            frames,
            flac_at: None,
            tags,
            line: Line::new(sound, stated, silence),
            ready: Block::default(),
            handed_out: 0,
            silence,
            ended: false,
            upstream: SharedUpstream::default(),
            notices,
        };
        decoded.first(&parameters)?;
        Ok(decoded)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// As [`crate::SoundReader::read`].
    pub(crate) fn read(&mut self, out: &mut [f32]) -> Result<usize, WavError> {
        let channels = usize::from(self.spec.channels);
        let wide = is_wider_than_f32(self.spec.format);
        let bytes = self.spec.format.bytes();
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
                    self.upstream.keep(std::iter::repeat_n(0, frames * channels * bytes));
                }
                self.silence -= frames as u64;
                done += frames * channels;
            } else if !self.line.waiting && self.handed_out < self.ready.samples.len() {
                let step = room.min(self.ready.samples.len() - self.handed_out);
                let range = self.handed_out..self.handed_out + step;
                out[done..done + step].copy_from_slice(&self.ready.samples[range.clone()]);
                if wide {
                    let originals = self.ready.originals.get(range.start * bytes..range.end * bytes);
                    self.upstream.keep(originals.unwrap_or_default().iter().copied());
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
    fn first(&mut self, parameters: &AudioCodecParameters) -> Result<(), WavError> {
        if parameters.codec == well_known::CODEC_ID_AAC {
            self.refuse_band_replication()?;
        }
        // What is damaged before the first good packet is made silence when its format is known.
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
                return Err(WavError::new(&self.path, WavErrorKind::NoSound));
            }
            seen.push(event);
        };
        let channels = u16::try_from(found.channels).unwrap_or(u16::MAX);
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(WavError::new(&self.path, WavErrorKind::Channels { stated: channels }));
        }
        if !(1..=MAX_SAMPLE_RATE).contains(&found.rate) {
            return Err(WavError::new(&self.path, WavErrorKind::SampleRate { stated: found.rate }));
        }
        self.spec = WavSpec { sample_rate: found.rate, channels, format: found.format };
        self.valid_bits = found.valid_bits;
        self.channel_mask = self.channel_mask.or(found.mask);
        let last = seen.pop();
        for event in seen {
            match event {
                // The decoder must not hear it twice.
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
    fn refuse_band_replication(&mut self) -> Result<(), WavError> {
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
        if all && packets > 2 { Err(WavError::new(&self.path, WavErrorKind::HeAac)) } else { Ok(()) }
    }

    fn event(&mut self) -> Result<Event, WavError> {
        match self.early.pop_front() {
            Some(event) => Ok(event),
            None => self.feed.next().map_err(|error| WavError::reading(&self.path, error)),
        }
    }

    /// Takes the next piece of the container.
    fn advance(&mut self) -> Result<(), WavError> {
        if !self.line.waiting {
            self.ready.clear();
            self.handed_out = 0;
        }
        let event = self.event()?;
        self.take(event)
    }

    fn take(&mut self, event: Event) -> Result<(), WavError> {
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

    fn packet(&mut self, packet: &Packet, place: Place) -> Result<(), WavError> {
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
            // How much it was, the mark shows.
            let frames = self.ready.samples.len() / usize::from(self.spec.channels);
            self.line.hole.get_or_insert(frames);
            return;
        }
        let frames = packet.dur.get().min(LONGEST_REPAIR);
        self.place(place, frames);
        self.lose(frames);
    }

    /// A stream that becomes another one in its middle cannot be written as one.
    fn check(&self, found: &Found) -> Result<(), WavError> {
        let WavSpec { sample_rate, channels, .. } = self.spec;
        if found.rate == sample_rate && found.channels == usize::from(channels) {
            return Ok(());
        }
        let kind = WavErrorKind::FormChanges {
            byte: None,
            millis: self.line.given * 1000 / u64::from(sample_rate),
            from: (sample_rate, channels),
            to: (found.rate, u16::try_from(found.channels).unwrap_or(u16::MAX)),
        };
        Err(WavError::new(&self.path, kind))
    }

    /// Makes up for what is missing before a packet.
    fn place(&mut self, place: Place, frames: u64) {
        let line = &mut self.line;
        match place {
            Place::Next => {}
            Place::Marked => line.waiting = true,
            Place::At(time) => {
                let first = std::mem::take(&mut line.fresh);
                // A stream that does not say how long it is may begin anywhere.
                if first && line.stated.is_none() {
                    line.at = time;
                    line.sound.start = time;
                }
                let missing = time.saturating_sub(line.at);
                if missing > 0 {
                    self.lose(missing.unsigned_abs());
                }
            }
            Place::About(time) => {
                if std::mem::take(&mut line.fresh) {
                    line.at = time;
                }
                let expected = line.end_of_last.unwrap_or(time);
                line.end_of_last = Some(time.saturating_add_unsigned(frames));
                let missing = time.saturating_sub(expected);
                // Less than a packet is the jitter of a clock.
                if frames > 0 && missing.unsigned_abs() >= frames && missing > 0 {
                    self.lose(missing.unsigned_abs());
                }
            }
        }
    }

    /// Puts silence where sound is missing, as far as it lies within the sound.
    fn lose(&mut self, frames: u64) {
        let rate = self.spec.sample_rate;
        let line = &mut self.line;
        if frames > LONGEST_SILENCE * u64::from(rate) {
            if self.notices.len() < MOST_NOTICES {
                self.notices.push(Notice::TimeJump { at: line.given, frames, rate });
            }
            line.at = line.at.saturating_add_unsigned(frames);
            return;
        }
        let end = line.at.saturating_add_unsigned(frames);
        let heard =
            end.min(line.sound.end).saturating_sub(line.at.max(line.sound.start)).max(0).unsigned_abs();
        note_silence(&mut self.notices, line.given, heard, rate);
        line.given += heard;
        line.at = end;
        self.silence += heard;
    }

    /// Takes the samples of a packet behind those that are ready.
    fn append(&mut self, block: Block, frames: usize) {
        if !self.line.waiting {
            self.ready = block;
            self.keep_sound(frames);
            return;
        }
        self.ready.samples.extend(block.samples);
        self.ready.originals.extend(block.originals);
        if self.ready.samples.len() > LONGEST_WAIT {
            self.release(None);
        }
    }

    /// Leaves only what is sound of the frames that are ready, and counts them.
    fn keep_sound(&mut self, frames: usize) {
        let channels = usize::from(self.spec.channels);
        let line = &mut self.line;
        let within = |frame: i64| usize::try_from(frame.saturating_sub(line.at)).unwrap_or(0).min(frames);
        let (start, end) = (within(line.sound.start), within(line.sound.end));
        line.at = line.at.saturating_add(frames as i64);
        let range = start * channels..end.max(start) * channels;
        line.given += (range.len() / channels) as u64;
        if is_wider_than_f32(self.spec.format) {
            let bytes = self.spec.format.bytes();
            self.ready.originals.truncate(range.end * bytes);
            self.ready.originals.drain(..range.start * bytes);
        }
        self.ready.samples.truncate(range.end);
        self.ready.samples.drain(..range.start);
    }

    /// Lets go what waits: it ends where the mark says, if there is one.
    fn release(&mut self, mark: Option<(i64, bool)>) {
        let channels = usize::from(self.spec.channels);
        let frames = self.ready.samples.len() / channels;
        let line = &mut self.line;
        line.waiting = false;
        let Some((end, last)) = mark else { return self.keep_sound(frames) };
        let first = std::mem::take(&mut line.fresh);
        let hole = line.hole.take();
        let begin = end.saturating_sub(frames as i64);
        // Unless its very start is missing, as far as that can be told from one cut out of a longer stream.
        if first && (hole.is_none() || begin > LONGEST_REPAIR as i64) {
            // It begins where its first page says, which for one cut out of a longer stream is not at 0.
            let start = if last { begin.max(0) } else { begin };
            // What an encoder put before the sound stays before it.
            line.sound.start = line.sound.start.saturating_add(start.saturating_sub(line.at).max(0));
            line.at = start;
        }
        let missing = begin.saturating_sub(line.at);
        if missing > 0 {
            match hole.filter(|hole| *hole > 0 && missing.unsigned_abs() <= LONGEST_REPAIR) {
                Some(hole) => return self.release_around(hole, missing.unsigned_abs(), frames),
                None => self.lose(missing.unsigned_abs()),
            }
        }
        let line = &mut self.line;
        if last {
            // Only padding is cut off by it.
            let excess = line.at.saturating_add(frames as i64).saturating_sub(end).max(0).unsigned_abs();
            if excess <= LONGEST_PADDING {
                line.sound.end = end;
            } else {
                let (rate, held) = (self.spec.sample_rate, line.given + frames as u64);
                self.notices.push(Notice::LongerThanStated {
                    stated: held.saturating_sub(excess),
                    frames: held,
                    rate,
                });
            }
        }
        self.keep_sound(frames);
    }

    /// The same, with silence in its middle.
    fn release_around(&mut self, hole: usize, missing: u64, frames: usize) {
        let channels = usize::from(self.spec.channels);
        let at = hole.min(frames);
        note_silence(&mut self.notices, self.line.given + at as u64, missing, self.spec.sample_rate);
        let samples = missing as usize * channels;
        self.ready.samples.splice(at * channels..at * channels, std::iter::repeat_n(0.0, samples));
        if is_wider_than_f32(self.spec.format) {
            let bytes = self.spec.format.bytes();
            let place = at * channels * bytes;
            self.ready.originals.splice(place..place, std::iter::repeat_n(0, samples * bytes));
        }
        self.keep_sound(frames + missing as usize);
    }

    /// Says where a recording does not end as it says.
    fn note_ending(&mut self, ending: Ending) {
        let (rate, at) = (self.spec.sample_rate, self.line.given);
        let there = self.line.at.max(0).unsigned_abs();
        let notice = match (ending, self.line.stated) {
            (_, Some(stated)) if stated > there => Notice::CutOff { at, missing: Some(stated - there), rate },
            (Ending::Whole, Some(stated)) if stated < there && self.line.sound.end == i64::MAX => {
                Notice::LongerThanStated { stated, frames: there, rate }
            }
            (_, Some(_)) | (Ending::Whole, None) => return,
            (Ending::Cut(missing), None) => Notice::CutOff { at, missing, rate },
            (Ending::More(0), None) => Notice::UnknownLength,
            (Ending::More(stated), None) => Notice::LongerThanStated { stated, frames: there, rate },
        };
        if self.notices.len() < MOST_NOTICES {
            self.notices.push(notice);
        }
    }

    /// The end of a recording: the next one, or that of the file.
    fn end(&mut self, ending: Ending) -> Result<(), WavError> {
        if self.line.waiting {
            self.release(None);
        }
        self.note_ending(ending);
        let Some(next) = self.later.pop_front() else {
            self.ended = true;
            return Ok(());
        };
        let part = Part::open(&self.path, &[], next.range, next.info)?;
        self.feed = part.feed;
        self.codec = part.codec.with_format(self.spec.format);
        self.line = Line::new(part.sound, part.stated, self.line.given);
        Ok(())
    }
}

impl Part {
    /// Opens one recording. `info` is what it states, if it is FLAC; `head` the first bytes of the file.
    fn open(path: &Path, head: &[u8], range: Range<u64>, info: Option<StreamInfo>) -> Result<Self, WavError> {
        guard::contained(|| Self::probe(path, head, range, info))
            .unwrap_or_else(|| Err(WavError::broken_off(path)))
    }

    fn probe(
        path: &Path,
        head: &[u8],
        range: Range<u64>,
        info: Option<StreamInfo>,
    ) -> Result<Self, WavError> {
        let reading = |error| WavError::reading(path, error);
        let open = || File::open(path).map_err(reading);
        let mut source = Slice::new(open()?, range.clone()).map_err(reading)?;
        let is_mp4 = head.get(4..8) == Some(b"ftyp");
        let stretched = Arc::new(AtomicBool::new(true));
        if let (true, Some(length)) = (is_mp4, mp4::stated_length(&mut open()?)) {
            source = source.stretched(length, stretched.clone());
        }
        let source = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
            hint.with_extension(extension);
        }
        let probed = symphonia::default::get_probe().probe(
            &hint,
            source,
            FormatOptions::default(),
            MetadataOptions::default(),
        );
        stretched.store(false, Ordering::Relaxed);
        let mut format = match probed {
            Ok(format) => format,
            Err(Error::IoError(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(WavError::reading(path, error));
            }
            Err(_) => {
                let kind = WavErrorKind::NotSound { looks_like: sniff::looks_like(head) };
                return Err(WavError::new(path, kind));
            }
        };
        let tags = tags::read(format.as_mut());
        let mask = tags::speakers(format.as_mut());
        let no_sound = || WavError::new(path, WavErrorKind::NoSound);
        let track = format.default_track(TrackType::Audio).ok_or_else(no_sound)?.clone();
        let parameters =
            track.codec_params.as_ref().and_then(|codec| codec.audio()).ok_or_else(no_sound)?.clone();
        let container = format.format_info().format;
        check_codec(path, &parameters, container)?;
        let mut part = Self {
            feed: Feed::Demuxed(Demuxed { format, track: track.id, times: Times::None }),
            codec: Codec::symphonia(&parameters).map_err(|error| WavError::undecodable(path, &error))?,
            parameters,
            sound: 0..u64::MAX,
            silence: 0,
            stated: None,
            notices: Vec::new(),
            tags,
            mask,
            frames: None,
        };
        match container {
            containers::FORMAT_ID_FLAC => {
                part.stated = info.and_then(StreamInfo::stated);
                part.frames = part.stated;
                part.set_times(Times::Exact);
            }
            containers::FORMAT_ID_OGG => {
                let head = part.parameters.extra_data.as_deref().and_then(Head::read).and_then(Result::ok);
                let before = head.map_or(0, |head| u64::from(head.pre_skip));
                part.sound.start = before;
                part.frames = track.num_frames.map(|frames| frames.saturating_sub(before));
                let packets = ogg::Packets::new(open()?, range, track.id, head.is_some());
                part.feed = Feed::Ogg(packets.map_err(reading)?);
            }
            containers::FORMAT_ID_MP1
            | containers::FORMAT_ID_MP2
            | containers::FORMAT_ID_MP3
            | containers::FORMAT_ID_ADTS => part.survey(path)?,
            _ => part.read_times(path, is_mp4, &track)?,
        }
        Ok(part)
    }

    fn set_times(&mut self, to: Times) {
        if let Feed::Demuxed(Demuxed { times, .. }) = &mut self.feed {
            *times = to;
        }
    }

    /// MPEG audio and ADTS are walked through once before they are decoded.
    fn survey(&mut self, path: &Path) -> Result<(), WavError> {
        let reading = |error| WavError::reading(path, error);
        let open = || File::open(path).map_err(reading);
        let no_sound = || WavError::new(path, WavErrorKind::NoSound);
        let survey = Survey::of(open()?).map_err(reading)?.ok_or_else(no_sound)?;
        let form = survey.form;
        if let Some(change) = survey.change {
            let kind = WavErrorKind::FormChanges {
                byte: Some(change.at),
                millis: change.samples * 1000 / u64::from(form.rate),
                from: (form.rate, form.channels),
                to: (change.form.rate, change.form.channels),
            };
            return Err(WavError::new(path, kind));
        }
        let walker = Walker::new(open()?).map_err(reading)?.ok_or_else(no_sound)?;
        let sounds = survey.sections.iter().map(|section| section.sound(form));
        self.frames = Some(sounds.map(|sound| sound.end - sound.start).sum());
        let mpeg = Mpeg::new(walker, survey.sections);
        self.sound = mpeg.sound();
        self.feed = Feed::Mpeg(mpeg);
        Ok(())
    }

    /// MP4 and CAF: packets with times.
    fn read_times(&mut self, path: &Path, is_mp4: bool, track: &Track) -> Result<(), WavError> {
        let Some(rate) = self.parameters.sample_rate.filter(|rate| *rate > 0) else { return Ok(()) };
        if let Some(base) = track.time_base {
            let unit = f64::from(base.numer.get()) * f64::from(rate) / f64::from(base.denom.get());
            self.set_times(Times::About(unit));
        }
        if !is_mp4 {
            // What lies before frame 0 and behind the stated end was put there by an encoder. Some writers count whole
            // packets: it is no length to rely on.
            if let Some(frames) = track.num_frames.filter(|frames| *frames > 0) {
                self.sound = 0..frames;
            }
            return Ok(());
        }
        let file = File::open(path).map_err(|error| WavError::reading(path, error))?;
        let itunes = match &mut self.feed {
            Feed::Demuxed(demuxed) => demuxed.format.metadata().skip_to_latest().and_then(gapless::itunes),
            _ => None,
        };
        if let Some(sound) = gapless::of_mp4(self.parameters.codec, track, rate, &file, itunes) {
            if sound.edited_out > 0 {
                self.notices.push(Notice::EditedOut { frames: sound.edited_out, rate });
            }
            if sound.ends {
                self.frames = Some(sound.frames.end - sound.frames.start);
                self.stated = Some(sound.frames.end);
            }
            self.sound = sound.frames;
        }
        let mut file = &file;
        let late = mp4::edit(&mut file, track.id).map_or(0.0, |edit| edit.silence * f64::from(rate)).round();
        if late > (LONGEST_SILENCE * u64::from(rate)) as f64 {
            self.notices.push(Notice::TimeJump { at: 0, frames: late as u64, rate });
        } else {
            self.silence = late as u64;
            self.frames = self.frames.map(|frames| frames + self.silence);
        }
        Ok(())
    }
}

/// Refuses what the decoders do not get right.
fn check_codec(path: &Path, parameters: &AudioCodecParameters, container: FormatId) -> Result<(), WavError> {
    let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
    let stated = u16::try_from(channels).unwrap_or(u16::MAX);
    let kind = match parameters.codec {
        // The decoder undoes the coupling of channels in the wrong order, which shows where there is more than one pair.
        well_known::CODEC_ID_VORBIS if channels > 2 => WavErrorKind::VorbisChannels { stated },
        well_known::CODEC_ID_VORBIS if !is_modest(parameters) => {
            WavErrorKind::Damaged { what: "its codebooks are larger than any encoder's" }
        }
        well_known::CODEC_ID_AAC if parameters.extra_data.as_deref().is_some_and(sbr::config_says_so) => {
            WavErrorKind::HeAac
        }
        well_known::CODEC_ID_AAC if channels > 2 => WavErrorKind::AacChannels { stated },
        well_known::CODEC_ID_OPUS if container != containers::FORMAT_ID_OGG => WavErrorKind::OpusOutsideOgg,
        _ => return Ok(()),
    };
    Err(WavError::new(path, kind))
}

/// Whether the setup of a Vorbis stream, which the demuxer keeps behind the 30 bytes of its identification, asks for no more
/// memory than it may.
fn is_modest(parameters: &AudioCodecParameters) -> bool {
    parameters.extra_data.as_deref().and_then(|extra| extra.get(30..)).is_none_or(vorbis::is_modest)
}

/// Refuses FLAC streams one after the other that cannot be written as one.
fn check_streams(path: &Path, first: &Stream, others: &[Stream]) -> Result<(), WavError> {
    let mut before = first.info.frames;
    let from = (first.info.rate, first.info.channels);
    for other in others {
        let to = (other.info.rate, other.info.channels);
        if to != from {
            let millis = before * 1000 / u64::from(from.0.max(1));
            let kind = WavErrorKind::FormChanges { byte: Some(other.range.start), millis, from, to };
            return Err(WavError::new(path, kind));
        }
        before += other.info.frames;
    }
    Ok(())
}

/// The same for the links of an Ogg chain.
fn check_links(path: &Path, links: &[Link]) -> Result<(), WavError> {
    if let Some(Err(kind)) = links.iter().filter_map(|link| link.form).find(Result::is_err) {
        return Err(WavError::new(path, kind));
    }
    let Some((Some(Ok(from)), others)) = links.split_first().map(|(first, others)| (first.form, others))
    else {
        return Ok(());
    };
    let mut before = 0;
    for other in others {
        before += other.after;
        if let Some(Ok(to)) = other.form.filter(|form| *form != Ok(from)) {
            let millis = before.saturating_mul(1000) / u64::from(from.0.max(1));
            let kind = WavErrorKind::FormChanges { byte: Some(other.range.start), millis, from, to };
            return Err(WavError::new(path, kind));
        }
    }
    Ok(())
}
