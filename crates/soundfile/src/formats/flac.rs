//! Writing FLAC (RFC 9639) with flacenc, frame by frame, so that memory does not grow with the file.

use std::io::{self, BufWriter, Write};

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr, StreamInfo};
use flacenc::config;
use flacenc::error::{Verified, Verify};
use flacenc::source::{Fill, FrameBuf};
use md5::{Digest, Md5};

use super::OtherReader;
use super::flac_metadata::Blocks;
use crate::attributes::Attributes;
use crate::encoder::Encoder;
use crate::error::{SoundError, SoundErrorKind};
use crate::format::{SampleFormat, SoundSpec};
use crate::notice::Notice;
use crate::output::{Out, Target};
use crate::sample_writer::patch;
use crate::sound::{Input, SoundReader};

/// Samples of each channel in a FLAC frame: what the reference encoder takes.
const BLOCK: usize = 4096;

/// The length of STREAMINFO's body.
const STREAM_INFO_BYTES: usize = 34;

/// Writes FLAC of 8, 16 or 24 bits.
pub(crate) struct FlacWriter {
    target: Target,
    attributes: Option<Attributes>,
    out: BufWriter<Out>,
    spec: SoundSpec,
    config: Verified<config::Encoder>,
    info: StreamInfo,
    encoder: Encoder,
    /// Bits of a sample.
    depth: u32,
    frame: FrameBuf,
    /// Samples that do not fill a frame yet.
    waiting: Vec<i32>,
    /// Samples as they would be in WAV.
    bytes: Vec<u8>,
    checksum: Md5,
    sink: ByteSink,
    frames: u64,
    numbered: usize,
    notice: Option<Notice>,
}

/// The sample format that FLAC keeps a sound in: its own for integers of up to 24 bits, else 24 bits.
fn format_for(format: SampleFormat) -> SampleFormat {
    match format {
        SampleFormat::U8 | SampleFormat::I16 | SampleFormat::I24 => format,
        SampleFormat::ALaw | SampleFormat::MuLaw => SampleFormat::I16,
        SampleFormat::I32 | SampleFormat::F32 | SampleFormat::F64 => SampleFormat::I24,
    }
}

impl FlacWriter {
    /// Starts a file for what `source` reads; `whole` says that all of it is written.
    pub(crate) fn create(source: &SoundReader, target: Target, whole: bool) -> Result<Self, SoundError> {
        let (spec, attributes) = (source.spec(), source.attributes());
        // Samples have no bits below the valid ones, whatever their header says.
        let low_bits_are_zero = matches!(source.0, Input::Other(OtherReader::Decoded(_)));
        let metadata = Blocks::of(source, whole)?.into_bytes();
        let named = target.named().to_owned();
        let refused = || {
            let kind = SoundErrorKind::NotForFlac { sample_rate: spec.sample_rate, channels: spec.channels };
            SoundError::new(&named, kind)
        };
        let format = format_for(spec.format);
        let channels = usize::from(spec.channels);
        if channels > 8 || spec.sample_rate > 655_350 {
            return Err(refused());
        }
        // The two odd depths that every frame's header can state.
        let depth = match source.valid_bits() {
            bits @ (12 | 20) if low_bits_are_zero && format == spec.format => bits,
            _ => format.container_bits(),
        };
        let mut info = StreamInfo::new(stand_in_rate(spec.sample_rate), channels, depth as usize)
            .map_err(|_| refused())?;
        info.set_block_sizes(BLOCK, BLOCK).map_err(|_| refused())?;
        let config = config::Encoder::default().into_verified().map_err(|_| refused())?;
        let frame = FrameBuf::with_size(channels, BLOCK).map_err(|_| refused())?;
        let writing = |error| SoundError::writing(&named, error);
        let mut out =
            BufWriter::with_capacity(128 * 1024, Out::Temporary(target.temporary(attributes.is_some())?));
        let mut head = b"fLaC".to_vec();
        head.extend([if metadata.is_empty() { 0x80 } else { 0 }, 0, 0, STREAM_INFO_BYTES as u8]);
        head.extend([0; STREAM_INFO_BYTES]); // at the end
        head.extend(&metadata);
        out.write_all(&head).map_err(writing)?;
        Ok(Self {
            target,
            attributes,
            out,
            spec: SoundSpec { format, ..spec },
            config,
            info,
            encoder: Encoder::new(format, depth),
            depth,
            frame,
            waiting: Vec::with_capacity(BLOCK * channels),
            bytes: Vec::new(),
            checksum: Md5::new(),
            sink: ByteSink::new(),
            frames: 0,
            numbered: 0,
            notice: (format.bytes() < spec.format.bytes())
                .then_some(Notice::FewerBits { from: spec.format, to: format }),
        })
    }

    pub(crate) fn notices(&self) -> &[Notice] {
        self.notice.as_slice()
    }

    pub(crate) fn write(&mut self, interleaved: &[f32]) -> Result<(), SoundError> {
        let channels = usize::from(self.spec.channels);
        if !interleaved.len().is_multiple_of(channels) {
            let kind =
                SoundErrorKind::BlockLength { samples: interleaved.len(), channels: self.spec.channels };
            return Err(SoundError::new(self.target.named(), kind));
        }
        let mut rest = interleaved;
        while !rest.is_empty() {
            let room = BLOCK * channels - self.waiting.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.encode(now);
            rest = later;
            if self.waiting.len() == BLOCK * channels {
                self.put_frame()?;
            }
        }
        self.frames += (interleaved.len() / channels) as u64;
        Ok(())
    }

    /// Rounds samples to codes, by the same rules as in WAV.
    fn encode(&mut self, samples: &[f32]) {
        let format = self.spec.format;
        self.bytes.clear();
        // Silence is what an unchanged sample is compared with: it keeps what is there, which is right.
        self.bytes.resize(samples.len() * format.bytes(), if format == SampleFormat::U8 { 128 } else { 0 });
        self.encoder.encode_over(samples, &mut self.bytes);
        let size = format.bytes();
        let unsigned = format == SampleFormat::U8;
        for code in self.bytes.chunks_exact(size) {
            let mut wide = [0; 4];
            wide[4 - size..].copy_from_slice(code);
            // FLAC's 8 bits have a sign.
            let upper = i32::from_le_bytes(wide) ^ if unsigned { i32::MIN } else { 0 };
            let sample = upper >> (32 - self.depth);
            self.checksum.update(&sample.to_le_bytes()[..size]);
            self.waiting.push(sample);
        }
    }

    fn put_frame(&mut self) -> Result<(), SoundError> {
        let failed = |what: String| {
            SoundError::writing(self.target.named(), io::Error::new(io::ErrorKind::InvalidData, what))
        };
        let block = self.waiting.len() / usize::from(self.spec.channels);
        if block == 0 {
            return Ok(());
        }
        if block != self.frame.size() {
            self.frame.resize(block);
        }
        self.frame.fill_interleaved(&self.waiting).map_err(|error| failed(error.to_string()))?;
        let frame = flacenc::encode_fixed_size_frame(&self.config, &self.frame, self.numbered, &self.info)
            .map_err(|error| failed(error.to_string()))?;
        self.sink.clear();
        frame.write(&mut self.sink).map_err(|error| failed(error.to_string()))?;
        self.info.update_frame_info(&frame);
        self.out
            .write_all(self.sink.as_slice())
            .map_err(|error| SoundError::writing(self.target.named(), error))?;
        self.waiting.clear();
        self.numbered += 1;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), SoundError> {
        self.put_frame()?;
        let named = self.target.named().to_owned();
        let writing = |error| SoundError::writing(&named, error);
        let failed = |what: String| writing(io::Error::new(io::ErrorKind::InvalidData, what));
        self.info.set_total_samples(self.frames as usize);
        self.info.set_md5_digest(&self.checksum.finalize().into());
        // The last frame may be shorter; the stream is still one of a fixed block size.
        self.info.set_block_sizes(BLOCK, BLOCK).map_err(|error| failed(error.to_string()))?;
        self.sink.clear();
        self.info.write(&mut self.sink).map_err(|error| failed(error.to_string()))?;
        let mut out = self.out.into_inner().map_err(|error| writing(error.into_error()))?;
        if let Out::Temporary(file) = &mut out {
            let mut info = self.sink.as_slice().to_vec();
            state_rate(&mut info, self.spec.sample_rate);
            patch(file, &[(8, info)]).map_err(writing)?;
        }
        match out {
            Out::Temporary(file) => self.target.commit(file, self.attributes.as_ref()),
            Out::Stream(_) => Ok(()),
        }
    }
}

/// The rate that the encoder is told: it refuses those beyond 96 kHz, although they change nothing but the headers. With
/// this one the header of a frame refers to STREAMINFO, which gets the true one at the end.
fn stand_in_rate(rate: u32) -> usize {
    if rate > 96_000 { 65_537 } else { rate as usize }
}

/// Writes the sample rate into a STREAMINFO: the 20 bits from byte 10 on.
fn state_rate(info: &mut [u8], rate: u32) {
    if let Some([a, b, c]) = info.get_mut(10..13).and_then(<[u8]>::first_chunk_mut) {
        let [_, high, mid, low] = (rate << 4).to_be_bytes();
        (*a, *b, *c) = (high, mid, low | *c & 0x0F);
    }
}
