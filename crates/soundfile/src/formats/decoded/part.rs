//! Opening one recording: what its container says of it before the first packet.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use symphonia::core::codecs::audio::{AudioCodecParameters, well_known};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known as containers;
use symphonia::core::formats::{FormatId, FormatOptions, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::timeline::LONGEST_SILENCE;
use crate::error::{SoundError, SoundErrorKind};
use crate::formats::codec::Codec;
use crate::formats::feed::{Demuxed, Feed, Mpeg, Times};
use crate::formats::flac_chain::{Stream, StreamInfo};
use crate::formats::gapless;
use crate::formats::guard;
use crate::formats::mp4;
use crate::formats::mpeg::{Survey, Walker};
use crate::formats::ogg::{self, Link};
use crate::formats::opus::Head;
use crate::formats::sbr;
use crate::formats::slice::Slice;
use crate::formats::tags;
use crate::formats::vorbis;
use crate::header::InfoTag;
use crate::notice::Notice;
use crate::sniff;

/// A recording that is opened.
pub(super) struct Part {
    pub(super) feed: Feed,
    pub(super) codec: Codec,
    pub(super) parameters: AudioCodecParameters,
    pub(super) sound: Range<u64>,
    /// Frames of silence before it.
    pub(super) silence: u64,
    pub(super) stated: Option<u64>,
    pub(super) notices: Vec<Notice>,
    pub(super) tags: Vec<InfoTag>,
    pub(super) mask: Option<u32>,
    pub(super) frames: Option<u64>,
}

impl Part {
    /// Opens one recording. `info` is what it states, if it is FLAC; `head` the first bytes of the file, none for a later
    /// recording in it.
    pub(super) fn open(
        path: &Path,
        head: &[u8],
        range: Range<u64>,
        info: Option<StreamInfo>,
    ) -> Result<Self, SoundError> {
        guard::contained(|| Self::probe(path, head, range, info))
            .unwrap_or_else(|| Err(SoundError::undecodable(path, "the decoder failed: the file is damaged")))
    }

    fn probe(
        path: &Path,
        head: &[u8],
        range: Range<u64>,
        info: Option<StreamInfo>,
    ) -> Result<Self, SoundError> {
        let reading = |error| SoundError::reading(path, error);
        let open = || File::open(path).map_err(reading);
        let mut source = Slice::new(open()?, range.clone()).map_err(reading)?;
        let is_mp4 = head.get(4..8) == Some(b"ftyp");
        if is_mp4 && mp4::fragments_overflow(&mut open()?) {
            let what = "its fragments state more samples than the file has bytes";
            return Err(SoundError::new(path, SoundErrorKind::Damaged { what }));
        }
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
                return Err(SoundError::reading(path, error));
            }
            Err(_) => {
                let kind = SoundErrorKind::NotSound { looks_like: sniff::looks_like(head) };
                return Err(SoundError::new(path, kind));
            }
        };
        let tags = tags::read(format.as_mut());
        let mask = tags::speakers(format.as_mut());
        let no_sound = || SoundError::new(path, SoundErrorKind::NoSound);
        let track = format.default_track(TrackType::Audio).ok_or_else(no_sound)?.clone();
        let parameters =
            track.codec_params.as_ref().and_then(|codec| codec.audio()).ok_or_else(no_sound)?.clone();
        let container = format.format_info().format;
        check_codec(path, &parameters, container)?;
        let strays = has_strays(head, container).then_some(Notice::StrayBytes);
        let mut part = Self {
            feed: Feed::Demuxed(Demuxed { format, track: track.id, times: Times::None }),
            codec: Codec::symphonia(&parameters)
                .map_err(|error| SoundError::undecodable(path, error.to_string()))?,
            parameters,
            sound: 0..u64::MAX,
            silence: 0,
            stated: None,
            notices: Vec::from_iter(strays),
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
            | containers::FORMAT_ID_ADTS => part.survey(path, container == containers::FORMAT_ID_ADTS)?,
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
    fn survey(&mut self, path: &Path, is_adts: bool) -> Result<(), SoundError> {
        let reading = |error| SoundError::reading(path, error);
        let open = || File::open(path).map_err(reading);
        let no_sound = || SoundError::new(path, SoundErrorKind::NoSound);
        let survey = Survey::of(open()?).map_err(reading)?.ok_or_else(no_sound)?;
        let form = survey.form;
        if form.is_adts() != is_adts {
            // Bytes in which one reader finds frames of AAC and the other frames of MPEG audio are neither.
            return Err(no_sound());
        }
        if let Some(change) = survey.change {
            let kind = SoundErrorKind::FormChanges {
                byte: Some(change.at),
                millis: change.samples * 1000 / u64::from(form.rate),
                from: (form.rate, form.channels),
                to: (change.form.rate, change.form.channels),
            };
            return Err(SoundError::new(path, kind));
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
    fn read_times(&mut self, path: &Path, is_mp4: bool, track: &Track) -> Result<(), SoundError> {
        let Some(rate) = self.parameters.sample_rate.filter(|rate| *rate > 0) else { return Ok(()) };
        if let Some(base) = track.time_base {
            let unit = f64::from(base.numer.get()) * f64::from(rate) / f64::from(base.denom.get());
            self.set_times(Times::About(unit));
        }
        if !is_mp4 {
            // An encoder's padding lies before frame 0 and after the stated end. Some writers count whole
            // packets: it is no length to rely on.
            if let Some(frames) = track.num_frames.filter(|frames| *frames > 0) {
                self.sound = 0..frames;
            }
            return Ok(());
        }
        let file = File::open(path).map_err(|error| SoundError::reading(path, error))?;
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

/// Whether the file begins with bytes of no known format, behind which the container was found.
fn has_strays(head: &[u8], container: FormatId) -> bool {
    let is_searched_for = matches!(
        container,
        containers::FORMAT_ID_WAVE
            | containers::FORMAT_ID_FLAC
            | containers::FORMAT_ID_OGG
            | containers::FORMAT_ID_MP1
            | containers::FORMAT_ID_MP2
            | containers::FORMAT_ID_MP3
            | containers::FORMAT_ID_ADTS
    );
    is_searched_for && !head.is_empty() && !head.starts_with(b"RIFF") && sniff::looks_like(head).is_none()
}

/// Refuses what the decoders do not get right.
fn check_codec(
    path: &Path,
    parameters: &AudioCodecParameters,
    container: FormatId,
) -> Result<(), SoundError> {
    let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
    let stated = u16::try_from(channels).unwrap_or(u16::MAX);
    let kind = match parameters.codec {
        // The decoder undoes the coupling of channels in the wrong order, which shows where there is more than one pair.
        well_known::CODEC_ID_VORBIS if channels > 2 => SoundErrorKind::VorbisChannels { stated },
        well_known::CODEC_ID_VORBIS if !is_modest(parameters) => {
            SoundErrorKind::Damaged { what: "its codebooks are larger than any encoder's" }
        }
        well_known::CODEC_ID_AAC if parameters.extra_data.as_deref().is_some_and(sbr::config_says_so) => {
            SoundErrorKind::HeAac
        }
        well_known::CODEC_ID_AAC if channels > 2 => SoundErrorKind::AacChannels { stated },
        well_known::CODEC_ID_OPUS if container != containers::FORMAT_ID_OGG => SoundErrorKind::OpusOutsideOgg,
        _ => return Ok(()),
    };
    Err(SoundError::new(path, kind))
}

/// Returns whether the setup of a Vorbis stream, which the demuxer keeps behind the 30 bytes of its identification, asks for no more
/// memory than it may.
fn is_modest(parameters: &AudioCodecParameters) -> bool {
    parameters.extra_data.as_deref().and_then(|extra| extra.get(30..)).is_none_or(vorbis::is_modest)
}

/// Refuses FLAC streams one after the other that cannot be written as one.
pub(super) fn check_streams(path: &Path, first: &Stream, others: &[Stream]) -> Result<(), SoundError> {
    let mut before = first.info.frames;
    let from = (first.info.rate, first.info.channels);
    for other in others {
        let to = (other.info.rate, other.info.channels);
        if to != from {
            let millis = before * 1000 / u64::from(from.0.max(1));
            let kind = SoundErrorKind::FormChanges { byte: Some(other.range.start), millis, from, to };
            return Err(SoundError::new(path, kind));
        }
        before += other.info.frames;
    }
    Ok(())
}

/// The same for the links of an Ogg chain.
pub(super) fn check_links(path: &Path, links: &[Link]) -> Result<(), SoundError> {
    if let Some(Err(kind)) = links.iter().filter_map(|link| link.form).find(Result::is_err) {
        return Err(SoundError::new(path, kind));
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
            let kind = SoundErrorKind::FormChanges { byte: Some(other.range.start), millis, from, to };
            return Err(SoundError::new(path, kind));
        }
    }
    Ok(())
}
