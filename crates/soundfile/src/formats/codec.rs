//! From a packet to samples: the decoders of symphonia, for MPEG audio minimp3's in Rust, and for Opus that of `opus.rs`.
//!
//! symphonia's own decoder for MP3 leaves the last of the long bands of a mixed block unscaled
//! (`layer3/requantize.rs` of symphonia-bundle-mp3 0.6.1 is given the starts of the bands without the last one's end),
//! which comes out as bursts at full scale.

use symphonia::core::audio::{Channels, GenericAudioBufferRef};
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known,
};
use symphonia::core::errors::Error;
use symphonia::core::packet::Packet;

use super::guard;
use super::opus::{self, Head};
use crate::format::{SampleFormat, i32_to_f32};

/// Samples of a packet, interleaved.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) samples: Vec<f32>,
    /// The bytes of the samples, where `f32` cannot hold them; else none.
    pub(crate) originals: Vec<u8>,
}

impl Block {
    pub(crate) fn clear(&mut self) {
        self.samples.clear();
        self.originals.clear();
    }
}

/// The contents of a decoded packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DecodedBlock {
    pub(crate) rate: u32,
    pub(crate) channels: usize,
    pub(crate) frames: usize,
    pub(crate) mask: Option<u32>,
    pub(crate) format: SampleFormat,
    pub(crate) valid_bits: u32,
}

/// Decodes packets one after the other.
pub(crate) struct Codec {
    inner: Inner,
    /// The sample format to write: that of the first packet.
    format: Option<SampleFormat>,
    integers: Vec<i32>,
    doubles: Vec<f64>,
}

enum Inner {
    Symphonia { decoder: Box<dyn AudioDecoder>, parameters: AudioCodecParameters, stated_bits: Option<u32> },
    Mpeg { decoder: Box<nanomp3_core::Decoder>, pcm: Vec<f32> },
    Opus(opus::Decoder),
}

impl Codec {
    pub(crate) fn mpeg() -> Self {
        let pcm = vec![0.0; nanomp3_core::MAX_SAMPLES_PER_FRAME];
        Self::around(Inner::Mpeg { decoder: Box::default(), pcm })
    }

    /// For a track of one of symphonia's demuxers.
    pub(crate) fn symphonia(parameters: &AudioCodecParameters) -> Result<Self, Error> {
        if matches!(
            parameters.codec,
            well_known::CODEC_ID_MP1 | well_known::CODEC_ID_MP2 | well_known::CODEC_ID_MP3
        ) {
            return Ok(Self::mpeg());
        }
        if parameters.codec == well_known::CODEC_ID_OPUS {
            let head = parameters.extra_data.as_deref().and_then(Head::read).and_then(Result::ok);
            let decoder = head.and_then(opus::Decoder::new);
            return decoder.map(Inner::Opus).map(Self::around).ok_or(Error::Unsupported("a layout of Opus"));
        }
        let mut parameters = parameters.clone();
        if matches!(parameters.codec, well_known::CODEC_ID_PCM_ALAW | well_known::CODEC_ID_PCM_MULAW) {
            // The width of the code, which some containers state, is not what the decoder asks for.
            parameters.bits_per_sample = None;
            parameters.bits_per_coded_sample = None;
        }
        let stated_bits = match parameters.codec {
            well_known::CODEC_ID_ALAC => parameters.extra_data.as_deref().and_then(alac_bits),
            _ => parameters.bits_per_sample.or(parameters.bits_per_coded_sample),
        };
        let decoder = make(&parameters)?;
        Ok(Self::around(Inner::Symphonia { decoder, parameters, stated_bits }))
    }

    fn around(inner: Inner) -> Self {
        Self { inner, format: None, integers: Vec::new(), doubles: Vec::new() }
    }

    /// As it was before the first packet, but for the way in which samples are to be written.
    pub(crate) fn with_format(mut self, format: SampleFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Resets the decoder after a gap.
    pub(crate) fn reset(&mut self) {
        match &mut self.inner {
            Inner::Symphonia { decoder, .. } => {
                guard::contained(|| decoder.reset());
            }
            Inner::Mpeg { decoder, .. } => **decoder = nanomp3_core::Decoder::new(),
            Inner::Opus(decoder) => decoder.reset(),
        }
    }

    /// Decodes a packet behind what is in `block`; `None` if it is damaged.
    pub(crate) fn decode(&mut self, packet: &Packet, block: &mut Block) -> Option<DecodedBlock> {
        let (format, integers, doubles) = (&mut self.format, &mut self.integers, &mut self.doubles);
        match &mut self.inner {
            Inner::Mpeg { decoder, pcm } => {
                let info = decoder.decode(&packet.data, pcm).1.ok()?;
                let channels = usize::from(info.channels.num());
                block.samples.extend(pcm.get(..info.samples_produced * channels)?);
                let (rate, frames) = (info.sample_rate, info.samples_produced);
                Some(DecodedBlock {
                    rate,
                    channels,
                    frames,
                    mask: None,
                    format: SampleFormat::I24,
                    valid_bits: 24,
                })
            }
            Inner::Opus(decoder) => {
                let decoded = guard::contained(|| decoder.decode(&packet.data, &mut block.samples));
                let frames = decoded.unwrap_or_else(|| {
                    // As below.
                    decoder.reset();
                    None
                })?;
                let (rate, channels, mask) = (opus::RATE, decoder.channels(), decoder.mask());
                Some(DecodedBlock { rate, channels, frames, mask, format: SampleFormat::I24, valid_bits: 24 })
            }
            Inner::Symphonia { decoder, parameters, stated_bits } => {
                let decoded = guard::contained(|| {
                    let buffer = decoder.decode(packet).ok()?;
                    let (natural, valid_bits) = sample_format(&buffer, parameters.codec, *stated_bits);
                    let kept = *format.get_or_insert(natural);
                    take(&buffer, kept, integers, doubles, block);
                    let (spec, frames) = (buffer.spec(), buffer.frames());
                    let (rate, channels, mask) =
                        (spec.rate(), spec.channels().count(), mask(spec.channels()));
                    Some(DecodedBlock { rate, channels, frames, mask, format: natural, valid_bits })
                });
                decoded.unwrap_or_else(|| {
                    // It panicked: what is left of it is good for being dropped only.
                    if let Ok(fresh) = make(parameters) {
                        *decoder = fresh;
                    }
                    None
                })
            }
        }
    }
}

fn make(parameters: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, Error> {
    symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default())
}

/// The sample format to write: as they were stored, where that was lossless; else with 24 bits, below whose
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
        let single = [id::CODEC_ID_PCM_F32LE, id::CODEC_ID_PCM_F32BE];
        let double = [id::CODEC_ID_PCM_F64LE, id::CODEC_ID_PCM_F64BE];
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

/// Returns whether the writer gets the stored bytes of a sample along with its value. Fewer valid bits than the container has need
/// no such care here: the decoder leaves the others zero.
pub(crate) fn is_wider_than_f32(format: SampleFormat) -> bool {
    matches!(format, SampleFormat::I32 | SampleFormat::F64)
}

/// Appends the samples of a buffer.
fn take(
    buffer: &GenericAudioBufferRef,
    format: SampleFormat,
    integers: &mut Vec<i32>,
    doubles: &mut Vec<f64>,
    block: &mut Block,
) {
    match (buffer, format) {
        (_, SampleFormat::F64) => {
            buffer.copy_to_vec_interleaved(doubles);
            block.originals.extend(doubles.iter().flat_map(|sample| sample.to_le_bytes()));
            block.samples.extend(doubles.iter().map(|sample| *sample as f32));
        }
        (GenericAudioBufferRef::F32(_) | GenericAudioBufferRef::F64(_), _) => {
            buffer.copy_to_vec_interleaved(doubles);
            block.samples.extend(doubles.iter().map(|sample| *sample as f32));
        }
        _ => {
            // Whatever their width, as the upper bits of 32.
            buffer.copy_to_vec_interleaved(integers);
            if is_wider_than_f32(format) {
                block.originals.extend(integers.iter().flat_map(|sample| sample.to_le_bytes()));
            }
            block.samples.extend(integers.iter().map(|sample| i32_to_f32(sample.to_le_bytes())));
        }
    }
}
