//! Sound in other containers, decoded by symphonia: FLAC, Ogg Vorbis, MP3, AAC and ALAC in MP4, AIFF, CAF.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use symphonia::core::audio::{Channels, GenericAudioBufferRef};
use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions, well_known};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::{MetadataOptions, RawTagSubField, StandardTag};

use crate::error::{WavError, WavErrorKind};
use crate::flac_metadata::MASK_COMMENT;
use crate::format::{SampleFormat, WavSpec, i32_to_f32};
use crate::gapless::{self, Gapless};
use crate::guard;
use crate::notice::Notice;
use crate::riff::{MAX_CHANNELS, MAX_SAMPLE_RATE};
use crate::sniff;
use crate::stream::SharedUpstream;

/// Silence in the place of damaged packets is at most this long each, in frames.
const LONGEST_REPAIR: u64 = 1 << 16;

/// A title, an artist and the like: the id of LIST/INFO, and the value.
pub(crate) type InfoTag = ([u8; 4], String);

/// Reads compressed sound, in constant memory.
pub(crate) struct Decoded {
    path: PathBuf,
    /// For what the demuxer does not say.
    file: File,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    pub(crate) spec: WavSpec,
    /// Bits of an integer sample that carry sound.
    pub(crate) valid_bits: u32,
    /// WAVE's speaker positions, where the file states some that WAVE has.
    pub(crate) channel_mask: Option<u32>,
    pub(crate) frames: Option<u64>,
    pub(crate) is_flac: bool,
    /// What the file says of itself, as far as LIST/INFO has names for it.
    pub(crate) tags: Vec<InfoTag>,
    /// Decoded and not yet handed out, interleaved.
    ready: Vec<f32>,
    handed_out: usize,
    integers: Vec<i32>,
    doubles: Vec<f64>,
    ended: bool,
    damaged: u64,
    gapless: Gapless,
    pub(crate) upstream: SharedUpstream,
    pub(crate) notices: Vec<Notice>,
}

impl Decoded {
    /// Opens a file of any kind that symphonia knows.
    pub(crate) fn open(path: &Path, head: &[u8]) -> Result<Self, WavError> {
        guard::contained(|| Self::probe(path, head)).unwrap_or_else(|| Err(WavError::broken_off(path)))
    }

    fn probe(path: &Path, head: &[u8]) -> Result<Self, WavError> {
        let file = File::open(path).map_err(|error| WavError::reading(path, error))?;
        // Not a clone: that would share its place in the file with the demuxer.
        let own = File::open(path).map_err(|error| WavError::reading(path, error))?;
        let source =
            MediaSourceStream::new(Box::new(own), symphonia::core::io::MediaSourceStreamOptions::default());
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
        let format = probed.map_err(|error| match error {
            Error::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                WavError::reading(path, error)
            }
            _ => WavError::new(path, WavErrorKind::NotSound { looks_like: sniff::looks_like(head) }),
        })?;
        let no_sound = || WavError::new(path, WavErrorKind::NoSound);
        let track = format.default_track(TrackType::Audio).ok_or_else(no_sound)?;
        let (id, frames) = (track.id, exact_frames(track));
        let mut parameters =
            track.codec_params.as_ref().and_then(|codec| codec.audio()).ok_or_else(no_sound)?.clone();
        if matches!(parameters.codec, well_known::CODEC_ID_PCM_ALAW | well_known::CODEC_ID_PCM_MULAW) {
            // The width of the code, which CAF states, is not what the decoder asks for.
            parameters.bits_per_sample = None;
            parameters.bits_per_coded_sample = None;
        }
        // The decoder undoes the coupling of channels in the wrong order, which shows where there is more than one pair.
        let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
        if parameters.codec == well_known::CODEC_ID_VORBIS && channels > 2 {
            return Err(WavError::new(path, WavErrorKind::VorbisChannels { stated: channels as u16 }));
        }
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(&parameters, &AudioDecoderOptions::default())
            .map_err(|error| WavError::undecodable(path, &error))?;
        let mut decoded = Self {
            path: path.to_owned(),
            file,
            format,
            decoder,
            track: id,
            spec: WavSpec { sample_rate: 0, channels: 0, format: SampleFormat::F32 },
            valid_bits: 0,
            channel_mask: None,
            frames,
            is_flac: head.starts_with(b"fLaC"),
            tags: Vec::new(),
            ready: Vec::new(),
            handed_out: 0,
            integers: Vec::new(),
            doubles: Vec::new(),
            ended: false,
            damaged: 0,
            gapless: Gapless::default(),
            upstream: SharedUpstream::default(),
            notices: Vec::new(),
        };
        // What is really in there is known only when something is decoded.
        let stated = match parameters.codec {
            well_known::CODEC_ID_ALAC => parameters.extra_data.as_deref().and_then(alac_bits),
            _ => parameters.bits_per_sample.or(parameters.bits_per_coded_sample),
        };
        let is_mp4 = head.get(4..8) == Some(b"ftyp");
        decoded.first(parameters.codec, stated, is_mp4)?;
        decoded.tags = tags(decoded.format.as_mut());
        decoded.channel_mask = speakers(decoded.format.as_mut()).or(decoded.channel_mask);
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
        let mut done = 0;
        while done < out.len() {
            if self.handed_out == self.ready.len() {
                self.ready.clear();
                self.handed_out = 0;
                if self.ended || !self.next_sound()? {
                    break;
                }
                continue;
            }
            let step = (out.len() - done).min(self.ready.len() - self.handed_out);
            out[done..done + step].copy_from_slice(&self.ready[self.handed_out..self.handed_out + step]);
            self.handed_out += step;
            done += step;
        }
        Ok(done / usize::from(self.spec.channels))
    }

    /// Decodes up to the first sound, which says what the file holds.
    fn first(&mut self, codec: AudioCodecId, stated_bits: Option<u32>, is_mp4: bool) -> Result<(), WavError> {
        loop {
            let Some(packet) = self.packet()? else {
                return Err(WavError::new(&self.path, WavErrorKind::NoSound));
            };
            let buffer = match self.decoder.decode(&packet) {
                Ok(buffer) => buffer,
                Err(Error::DecodeError(_)) => {
                    self.damaged += 1;
                    continue;
                }
                Err(error) => return Err(WavError::undecodable(&self.path, &error)),
            };
            let (rate, count) = (buffer.spec().rate(), buffer.spec().channels().count());
            let channels = u16::try_from(count).unwrap_or(u16::MAX);
            if !(1..=MAX_CHANNELS).contains(&channels) {
                return Err(WavError::new(&self.path, WavErrorKind::Channels { stated: channels }));
            }
            if !(1..=MAX_SAMPLE_RATE).contains(&rate) {
                return Err(WavError::new(&self.path, WavErrorKind::SampleRate { stated: rate }));
            }
            let (format, valid_bits) = sample_format(&buffer, codec, stated_bits);
            self.channel_mask = mask(buffer.spec().channels());
            self.spec = WavSpec { sample_rate: rate, channels, format };
            self.valid_bits = valid_bits;
            let itunes = self.format.metadata().skip_to_latest().and_then(gapless::itunes);
            if let Some(track) = self.format.tracks().iter().find(|track| track.id == self.track) {
                let file = Some(&self.file).filter(|_| is_mp4);
                self.gapless = Gapless::new(codec, track, rate, file, itunes);
                self.frames = self.gapless.frames().or(self.frames);
            }
            let sound = self.gapless.sound(&packet, buffer.frames());
            let (integers, doubles) = (&mut self.integers, &mut self.doubles);
            take(&buffer, sound, format, integers, doubles, &mut self.ready, &self.upstream);
            return Ok(());
        }
    }

    /// The next packet of the track; `None` at the end.
    fn packet(&mut self) -> Result<Option<symphonia::core::packet::Packet>, WavError> {
        loop {
            match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                // A second recording behind the first.
                Err(Error::ResetRequired) => {
                    self.notices.push(Notice::SeveralStreams);
                    return Ok(None);
                }
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.notices.push(Notice::CutOff);
                    return Ok(None);
                }
                Err(Error::IoError(error)) => return Err(WavError::reading(&self.path, error)),
                Err(_) => {
                    self.notices.push(Notice::CutOff);
                    return Ok(None);
                }
            }
        }
    }

    /// Decodes one packet into `ready`; false at the end, which is also where the decoder panics.
    fn next_sound(&mut self) -> Result<bool, WavError> {
        if let Some(decoded) = guard::contained(|| self.next_packet()) {
            return decoded;
        }
        self.ready.clear();
        self.ended = true;
        self.notices.push(Notice::CutOff);
        Ok(false)
    }

    /// Decodes one packet into `ready`; false at the end.
    fn next_packet(&mut self) -> Result<bool, WavError> {
        let Some(packet) = self.packet()? else {
            self.ended = true;
            if self.damaged > 0 {
                self.notices.push(Notice::DamagedPackets { packets: self.damaged });
            }
            return Ok(false);
        };
        match self.decoder.decode(&packet) {
            Ok(buffer) => {
                let spec = buffer.spec();
                if spec.rate() != self.spec.sample_rate
                    || spec.channels().count() != usize::from(self.spec.channels)
                {
                    self.notices.push(Notice::SeveralStreams);
                    self.ended = true;
                    return Ok(false);
                }
                let sound = self.gapless.sound(&packet, buffer.frames());
                let (integers, doubles) = (&mut self.integers, &mut self.doubles);
                take(&buffer, sound, self.spec.format, integers, doubles, &mut self.ready, &self.upstream);
            }
            Err(Error::DecodeError(_)) => {
                self.damaged += 1;
                let frames = packet.dur.get().min(LONGEST_REPAIR) as usize;
                let frames = self.gapless.sound(&packet, frames).len();
                self.ready.resize(frames * usize::from(self.spec.channels), 0.0);
                if is_wider_than_f32(self.spec.format) {
                    let bytes = self.ready.len() * self.spec.format.bytes();
                    self.upstream.keep(std::iter::repeat_n(0, bytes));
                }
            }
            Err(error) => return Err(WavError::undecodable(&self.path, &error)),
        }
        Ok(true)
    }
}

/// The speaker positions in the comment that is for those which FLAC does not have.
fn speakers(format: &mut dyn FormatReader) -> Option<u32> {
    let mut metadata = format.metadata();
    let tags = &metadata.skip_to_latest()?.media.tags;
    let comment = tags.iter().find(|tag| tag.raw.key.eq_ignore_ascii_case(MASK_COMMENT))?;
    let value = comment.raw.value.to_string();
    let digits = value.trim().strip_prefix("0x").or(value.trim().strip_prefix("0X"))?;
    u32::from_str_radix(digits, 16).ok().filter(|mask| *mask != 0 && *mask < 1 << 18)
}

/// What the file says of itself, as far as LIST/INFO has names for it.
fn tags(format: &mut dyn FormatReader) -> Vec<InfoTag> {
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
            Some(StandardTag::ReleaseDate(text)) => (*b"ICRD", text.to_string()),
            Some(StandardTag::TrackNumber(number)) => (*b"ITRK", number.to_string()),
            // A field of the user's own in ID3, which is where ffmpeg puts comments.
            None if tag.raw.sub_fields.as_deref().is_some_and(names_a_comment) => {
                (*b"ICMT", tag.raw.value.to_string())
            }
            _ => continue,
        };
        if tags.iter().all(|(known, _)| *known != id) {
            tags.push((id, value));
        }
    }
    tags
}

/// Whether a field of ID3 that is named in its own text is a comment.
fn names_a_comment(fields: &[RawTagSubField]) -> bool {
    fields.iter().any(|field| field.value.to_string().eq_ignore_ascii_case("comment"))
}

/// How the samples are to be written: as they were stored, where that was without loss; else with 24 bits, below whose
/// rounding no decoder's own error lies.
fn sample_format(
    buffer: &GenericAudioBufferRef,
    codec: AudioCodecId,
    stated: Option<u32>,
) -> (SampleFormat, u32) {
    let width = match buffer {
        GenericAudioBufferRef::U8(_) | GenericAudioBufferRef::S8(_) => 8,
        GenericAudioBufferRef::U16(_) | GenericAudioBufferRef::S16(_) => 16,
        GenericAudioBufferRef::U24(_) | GenericAudioBufferRef::S24(_) => 24,
        GenericAudioBufferRef::U32(_) | GenericAudioBufferRef::S32(_) => 32,
        GenericAudioBufferRef::F32(_) | GenericAudioBufferRef::F64(_) => 0,
    };
    if width == 0 {
        use well_known as id;
        let single = [
            id::CODEC_ID_PCM_F32LE,
            id::CODEC_ID_PCM_F32BE,
            id::CODEC_ID_PCM_F32LE_PLANAR,
            id::CODEC_ID_PCM_F32BE_PLANAR,
        ];
        let double = [
            id::CODEC_ID_PCM_F64LE,
            id::CODEC_ID_PCM_F64BE,
            id::CODEC_ID_PCM_F64LE_PLANAR,
            id::CODEC_ID_PCM_F64BE_PLANAR,
        ];
        return match codec {
            codec if single.contains(&codec) => (SampleFormat::F32, 32),
            codec if double.contains(&codec) => (SampleFormat::F64, 64),
            _ => (SampleFormat::I24, 24),
        };
    }
    let bits = stated.filter(|bits| (1..=width).contains(bits)).unwrap_or(width);
    match bits {
        ..=8 => (SampleFormat::U8, bits),
        9..=16 => (SampleFormat::I16, bits),
        17..=24 => (SampleFormat::I24, bits),
        _ => (SampleFormat::I32, bits),
    }
}

/// The bits of a sample in an ALACSpecificConfig, before which CAF may have two headers of boxes.
fn alac_bits(mut config: &[u8]) -> Option<u32> {
    for kind in [b"frma", b"alac"] {
        if config.get(4..8) == Some(kind) {
            config = config.get(12..)?;
        }
    }
    config.get(5).map(|bits| u32::from(*bits))
}

/// WAVE's channel mask, whose bits are symphonia's. One channel is the left one to symphonia, which would put a voice to
/// the side; that says nothing.
fn mask(channels: &Channels) -> Option<u32> {
    match channels {
        Channels::Positioned(position) if position.bits() == 1 => None,
        Channels::Positioned(position) => {
            u32::try_from(position.bits()).ok().filter(|mask| *mask != 0 && *mask < 1 << 18)
        }
        _ => None,
    }
}

/// Whether the bytes of a sample are handed to the writer beside its value. Fewer valid bits than the container has need
/// no such care here: the decoder leaves the others zero.
fn is_wider_than_f32(format: SampleFormat) -> bool {
    matches!(format, SampleFormat::I32 | SampleFormat::F64)
}

/// Replaces `ready` by the samples of some of a buffer's frames.
fn take(
    buffer: &GenericAudioBufferRef,
    frames: Range<usize>,
    format: SampleFormat,
    integers: &mut Vec<i32>,
    doubles: &mut Vec<f64>,
    ready: &mut Vec<f32>,
    upstream: &SharedUpstream,
) {
    let channels = buffer.spec().channels().count();
    let samples = frames.start * channels..frames.end * channels;
    ready.clear();
    match (buffer, format) {
        (_, SampleFormat::F64) => {
            buffer.copy_to_vec_interleaved(doubles);
            let doubles = &doubles[samples];
            upstream.keep(doubles.iter().flat_map(|sample| sample.to_le_bytes()));
            ready.extend(doubles.iter().map(|sample| *sample as f32));
        }
        (GenericAudioBufferRef::F32(_) | GenericAudioBufferRef::F64(_), _) => {
            buffer.copy_to_vec_interleaved(ready);
            ready.truncate(samples.end);
            ready.drain(..samples.start);
        }
        _ => {
            // Whatever their width, as the upper bits of 32.
            buffer.copy_to_vec_interleaved(integers);
            let integers = &integers[samples];
            if is_wider_than_f32(format) {
                upstream.keep(integers.iter().flat_map(|sample| sample.to_le_bytes()));
            }
            ready.extend(integers.iter().map(|sample| i32_to_f32(sample.to_le_bytes())));
        }
    }
}

/// Frames of a track, where they are known and not guessed or counted in whole packets.
fn exact_frames(track: &Track) -> Option<u64> {
    let codec = track.codec_params.as_ref().and_then(|codec| codec.audio())?.codec;
    let guessed = match codec {
        well_known::CODEC_ID_MP3 | well_known::CODEC_ID_MP2 | well_known::CODEC_ID_MP1 => {
            track.delay.is_none()
        }
        // What it knows beyond this, `Gapless` does.
        well_known::CODEC_ID_AAC | well_known::CODEC_ID_ALAC => true,
        _ => false,
    };
    track.num_frames.filter(|_| !guessed)
}
