//! The two faces of the crate for all kinds of sound: one reader, one writer.

use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use crate::attributes::Attributes;
use crate::decoded::Decoded;
use crate::error::{WavError, WavErrorKind};
use crate::flac::{self, FlacWriter};
use crate::flac_metadata::Blocks;
use crate::format::WavSpec;
use crate::fresh::{FreshWriter, Plan};
use crate::header;
use crate::notice::Notice;
use crate::output::{Overwrite, Source, Target};
use crate::plain::{self, Plain};
use crate::raw::{ByteOrder, RawSpec};
use crate::reader::WavReader;
use crate::rewriter::{Finished, WavRewriter};
use crate::riff::{self, check_container};
use crate::stream::StreamReader;

/// Reads sound from its first frame to its last, in constant memory, whatever it is kept in.
pub struct SoundReader(Inner);

enum Inner {
    Wav(Box<WavReader>),
    Stream(Box<StreamReader>),
    Plain(Box<Plain>),
    Decoded(Box<Decoded>),
}

impl SoundReader {
    /// Opens a file: WAV (also RF64, A-law, µ-law), FLAC, Ogg Vorbis and Opus, MP3, AAC or ALAC in MP4, AIFF, CAF. What it holds
    /// decides, not its name.
    ///
    /// # Errors
    /// Every [`WavErrorKind`] that is about the input.
    pub fn open(path: &Path) -> Result<Self, WavError> {
        let reading = |error| WavError::reading(path, error);
        // Before opening, because opening a pipe waits for its other end.
        if !fs::metadata(path).map_err(reading)?.is_file() {
            return WavReader::open(path).map(|wav| Self(Inner::Wav(Box::new(wav))));
        }
        let mut head = Vec::new();
        File::open(path).and_then(|file| file.take(16).read_to_end(&mut head)).map_err(reading)?;
        if plain::is_plain(&head)
            && let Some(plain) = Plain::open(path, &head)?
        {
            return Ok(Self(Inner::Plain(Box::new(plain))));
        }
        let decoded = || Decoded::open(path, &head).map(|decoded| Self(Inner::Decoded(Box::new(decoded))));
        if matches!(check_container(&head), Err(WavErrorKind::NotWav { .. })) && !is_tagged_wav(path)? {
            return decoded();
        }
        match WavReader::open(path) {
            // ADPCM, by Microsoft or IMA.
            Err(error) if matches!(error.kind(), WavErrorKind::Encoding { tag: 2 | 0x11, .. }) => decoded(),
            wav => wav.map(|wav| Self(Inner::Wav(Box::new(wav)))),
        }
    }

    /// Reads the header of a WAV file that comes out of a pipe. `name` is what errors call it.
    ///
    /// # Errors
    /// Every [`WavErrorKind`] that is about the input; containers other than WAV cannot be read from a pipe.
    pub fn from_stream(source: Box<dyn Read + Send>, name: &str) -> Result<Self, WavError> {
        StreamReader::wav(source, Path::new(name)).map(|stream| Self(Inner::Stream(Box::new(stream))))
    }

    /// Takes a stream for samples without a header. `name` is what errors call it.
    ///
    /// # Errors
    /// None today: what is wrong shows when it is read.
    pub fn raw(source: Box<dyn Read + Send>, raw: RawSpec, name: &str) -> Result<Self, WavError> {
        Ok(Self(Inner::Stream(Box::new(StreamReader::raw(source, raw, Path::new(name))))))
    }

    /// Rate, channels, and how samples are stored, or for lossy formats how they are best written: with 24 bits.
    pub fn spec(&self) -> WavSpec {
        match &self.0 {
            Inner::Wav(wav) => wav.spec(),
            Inner::Stream(stream) => stream.spec,
            Inner::Plain(plain) => plain.spec,
            Inner::Decoded(decoded) => decoded.spec,
        }
    }

    /// Whole frames there are, as far as that is known beforehand.
    pub fn frames(&self) -> Option<u64> {
        match &self.0 {
            Inner::Wav(wav) => Some(wav.frames()),
            Inner::Stream(stream) => stream.stated.map(|bytes| bytes / stream.spec.frame_bytes() as u64),
            Inner::Plain(plain) => Some(plain.frames),
            Inner::Decoded(decoded) => decoded.frames,
        }
    }

    /// What was not right in the input and was repaired. More may come while it is read.
    pub fn notices(&self) -> &[Notice] {
        match &self.0 {
            Inner::Wav(wav) => wav.notices(),
            Inner::Stream(stream) => &stream.notices,
            Inner::Plain(plain) => &plain.notices,
            Inner::Decoded(decoded) => &decoded.notices,
        }
    }

    /// The number of the channel that carries low-frequency effects, where the file says which speaker each channel is for.
    #[must_use]
    pub fn lfe_channel(&self) -> Option<usize> {
        const LOW_FREQUENCY: u32 = 1 << 3;
        let mask = match &self.0 {
            Inner::Decoded(decoded) => decoded.channel_mask,
            Inner::Plain(plain) => plain.channel_mask,
            Inner::Stream(stream) => header::channel_mask(&stream.head),
            Inner::Wav(wav) => wav.surroundings().ok().and_then(|(head, _)| header::channel_mask(&head)),
        }?;
        let channels = u32::from(self.spec().channels);
        let states_it = mask & LOW_FREQUENCY != 0 && mask.count_ones() == channels && channels > 1;
        states_it.then(|| (mask & (LOW_FREQUENCY - 1)).count_ones() as usize)
    }

    /// The file or stream, as it was named.
    pub fn path(&self) -> &Path {
        match &self.0 {
            Inner::Wav(wav) => wav.path(),
            Inner::Stream(stream) => stream.name(),
            Inner::Plain(plain) => plain.path(),
            Inner::Decoded(decoded) => decoded.path(),
        }
    }

    /// Reads the next frames into `out`, interleaved, full scale ±1.0, and returns how many there were: at least one
    /// unless `out` holds none or the sound is at its end. A stream gives what it has.
    ///
    /// # Errors
    /// [`WavErrorKind::BlockLength`] if the length of `out` is not a multiple of the channels, and those of reading and
    /// decoding.
    pub fn read(&mut self, out: &mut [f32]) -> Result<usize, WavError> {
        let channels = self.spec().channels;
        if !out.len().is_multiple_of(usize::from(channels)) {
            let kind = WavErrorKind::BlockLength { samples: out.len(), channels };
            return Err(WavError::new(self.path(), kind));
        }
        match &mut self.0 {
            Inner::Wav(wav) => wav.read(out),
            Inner::Stream(stream) => stream.read(out),
            Inner::Plain(plain) => plain.read(out),
            Inner::Decoded(decoded) => decoded.read(out),
        }
    }

    /// The file behind it, if there is one.
    fn file(&self) -> Option<&File> {
        match &self.0 {
            Inner::Wav(wav) => Some(wav.file()),
            Inner::Stream(_) => None,
            Inner::Plain(plain) => Some(plain.file()),
            Inner::Decoded(decoded) => Some(decoded.file()),
        }
    }

    /// What the output takes over from it.
    fn attributes(&self) -> Option<Attributes> {
        self.file().and_then(|file| Attributes::of(file).ok())
    }

    fn valid_bits(&self) -> u32 {
        match &self.0 {
            Inner::Wav(wav) => wav.valid_bits(),
            Inner::Stream(stream) => stream.valid_bits,
            Inner::Plain(plain) => plain.valid_bits,
            Inner::Decoded(decoded) => decoded.valid_bits,
        }
    }
}

impl fmt::Debug for SoundReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoundReader").field("path", &self.path()).field("spec", &self.spec()).finish()
    }
}

/// Writes the twin of what a [`SoundReader`] reads: other samples, and as much of everything else as the output's
/// container holds.
///
/// | from | to WAV | to FLAC |
/// |---|---|---|
/// | WAV | everything byte for byte but the samples | samples, speaker positions, LIST/INFO as comments, all chunks as the reference encoder's `--keep-foreign-metadata` keeps them |
/// | FLAC | samples, speaker positions, title, artist and the like | samples, comments, pictures, cue sheet, application data byte for byte; no seek table and no padding |
/// | others | samples, speaker positions, title, artist and the like | the same |
///
/// A file has its name only after [`finish`](Self::finish); until then it is a temporary one beside it, deleted when
/// the writer is dropped. A sample that comes back as it was read has its old value in the output, bit for bit, also
/// where `f32` cannot hold it. Others are rounded to the nearest code, without dither: the error of 16 bits lies at -98 dBFS, below the noise of
/// any recording, while dither would put noise into the pauses that a denoiser has emptied, and make two runs differ.
pub struct SoundWriter(Sink);

enum Sink {
    Rewrite(Box<WavRewriter>),
    Fresh(Box<FreshWriter>),
    Flac(Box<FlacWriter>),
}

impl SoundWriter {
    /// Starts a file: FLAC if its name ends in `.flac`, WAV if it ends in `.wav`, `.wave`, `.bwf`, `.rf64` or in nothing.
    ///
    /// # Errors
    /// Every [`WavErrorKind`] that is about the output, among them [`WavErrorKind::OutputKind`] for other names.
    pub fn create(source: &SoundReader, output: &Path, overwrite: Overwrite) -> Result<Self, WavError> {
        if !flac::is_flac_name(output)
            && let Inner::Wav(wav) = &source.0
        {
            check_name(output)?;
            return WavRewriter::create(wav, output, overwrite).map(|wav| Self(Sink::Rewrite(Box::new(wav))));
        }
        Self::anew(source, output, overwrite, true)
    }

    /// As [`create`](Self::create), for another number of frames than the source has: a part of it.
    ///
    /// What says a time would be wrong and is left out: of WAV everything but the format and LIST/INFO (bext, iXML, cue,
    /// smpl and the like), of FLAC the cue sheet. Samples of 32-bit integer and 64-bit float go through `f32`.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_fresh(source: &SoundReader, output: &Path, overwrite: Overwrite) -> Result<Self, WavError> {
        Self::anew(source, output, overwrite, false)
    }

    fn anew(
        source: &SoundReader,
        output: &Path,
        overwrite: Overwrite,
        whole: bool,
    ) -> Result<Self, WavError> {
        check_name(output)?;
        let target = Target::check(Source { path: source.path(), file: source.file() }, output, overwrite)?;
        let attributes = source.attributes();
        if flac::is_flac_name(output) {
            let low_bits_are_zero = matches!(source.0, Inner::Decoded(_));
            let metadata = flac_blocks(source, whole)?.into_bytes();
            let (spec, valid_bits) = (source.spec(), source.valid_bits());
            let flac =
                FlacWriter::create(target, spec, valid_bits, low_bits_are_zero, &metadata, attributes)?;
            return Ok(Self(Sink::Flac(Box::new(flac))));
        }
        let plan = plan(source, whole, true);
        FreshWriter::create(target, plan, attributes).map(|wav| Self(Sink::Fresh(Box::new(wav))))
    }

    /// Starts writing into a pipe: WAV, or samples without a header if the source is that. Errors call it "standard
    /// output". What is written goes on at once, so that whoever reads it need not wait for the end.
    ///
    /// # Errors
    /// Those of writing; [`WavErrorKind::OutputClosed`] if nobody reads.
    pub fn to_stream(source: &SoundReader, stream: Box<dyn Write + Send>) -> Result<Self, WavError> {
        let named = Path::new("standard output");
        if let Inner::Wav(wav) = &source.0 {
            return WavRewriter::to_stream(wav, named, stream).map(|wav| Self(Sink::Rewrite(Box::new(wav))));
        }
        let plan = plan(source, true, false);
        FreshWriter::to_stream(named, stream, plan).map(|wav| Self(Sink::Fresh(Box::new(wav))))
    }

    /// Writes the next frames, interleaved, full scale ±1.0.
    ///
    /// # Errors
    /// [`WavErrorKind::BlockLength`] if the block is not whole frames; from WAV to WAV [`WavErrorKind::FrameCount`] if
    /// there are more than the source has; and those of reading and writing.
    pub fn write(&mut self, interleaved: &[f32]) -> Result<(), WavError> {
        match &mut self.0 {
            Sink::Rewrite(wav) => wav.write(interleaved),
            Sink::Fresh(wav) => wav.write(interleaved),
            Sink::Flac(flac) => flac.write(interleaved),
        }
    }

    /// What the output cannot hold of the input.
    pub fn notices(&self) -> &[Notice] {
        match &self.0 {
            Sink::Flac(flac) => flac.notice.as_slice(),
            Sink::Rewrite(_) | Sink::Fresh(_) => &[],
        }
    }

    /// Completes the output and gives it its name.
    ///
    /// # Errors
    /// From WAV to WAV [`WavErrorKind::FrameCount`] if frames are missing; [`WavErrorKind::OutputExists`] if the output
    /// came into being in the meantime and may not be replaced; and those of reading and writing. Nothing is left then.
    pub fn finish(self) -> Result<Finished, WavError> {
        match self.0 {
            Sink::Rewrite(wav) => wav.finish(),
            Sink::Fresh(wav) => wav.finish(),
            Sink::Flac(flac) => flac.finish(),
        }
    }
}

impl fmt::Debug for SoundWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Sink::Rewrite(_) => "SoundWriter(rewrite)",
            Sink::Fresh(_) => "SoundWriter(new WAV)",
            Sink::Flac(_) => "SoundWriter(FLAC)",
        })
    }
}

/// Whether the file is WAV behind an ID3v2 tag.
fn is_tagged_wav(path: &Path) -> Result<bool, WavError> {
    let reading = |error| WavError::reading(path, error);
    let mut file = File::open(path).map_err(reading)?;
    Ok(riff::start(&mut file).map_err(reading)? > 0)
}

/// Refuses names that promise another kind of file than they would get.
fn check_name(output: &Path) -> Result<(), WavError> {
    let extension = output.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        None | Some("wav" | "wave" | "bwf" | "rf64" | "flac") => Ok(()),
        Some(_) => Err(WavError::new(output, WavErrorKind::OutputKind)),
    }
}

/// What a FLAC file says beside the sound.
fn flac_blocks(source: &SoundReader, whole: bool) -> Result<Blocks, WavError> {
    let channels = source.spec().channels;
    let of_wav = |head: &[u8], tail: &[u8]| {
        Blocks::of_tags(&header::info_tags(head, tail), channels, header::channel_mask(head))
    };
    Ok(match &source.0 {
        Inner::Decoded(decoded) => match decoded.flac_at {
            Some(at) => Blocks::of_flac(decoded.file(), at, whole)
                .map_err(|error| WavError::reading(source.path(), error))?,
            None => Blocks::of_tags(&decoded.tags, channels, decoded.channel_mask),
        },
        Inner::Plain(plain) => Blocks::of_tags(&plain.tags, channels, plain.channel_mask),
        Inner::Stream(stream) => of_wav(&stream.head, &[]),
        Inner::Wav(wav) => {
            let (head, tail) = wav.surroundings().map_err(|error| WavError::reading(source.path(), error))?;
            let mut blocks = of_wav(&head, &tail);
            // Of a file that was repaired the chunks no longer fit together.
            if whole && wav.notices().is_empty() {
                blocks.keep_chunks(&head, &tail);
            }
            blocks
        }
    })
}

/// How sound is written that is no copy of a WAV file. `whole` says that all of it is, with what belongs to it;
/// `growing` that the sizes can be corrected at the end.
fn plan(source: &SoundReader, whole: bool, growing: bool) -> Plan {
    let (spec, valid_bits) = (source.spec(), source.valid_bits());
    let mut plan = Plan {
        spec,
        valid_bits,
        order: ByteOrder::Little,
        head: Vec::new(),
        reserved: false,
        upstream: None,
    };
    let (mut channel_mask, mut tags) = (None, Vec::new());
    match &source.0 {
        Inner::Stream(stream) if whole => {
            plan.upstream = Some(stream.upstream.clone());
            plan.head.clone_from(&stream.head);
            // Into a pipe go raw samples as they came; into a file they get a header.
            if plan.head.is_empty() && !growing {
                plan.order = stream.order;
                return plan;
            }
            if growing && stream.stated.is_none() && header::without_tags(&plan.head).starts_with(b"RIFF") {
                header::reserve_ds64(&mut plan.head);
                plan.reserved = true;
            }
        }
        Inner::Stream(stream) => plan.part(&stream.head, &[], growing),
        Inner::Wav(wav) => {
            // Without them the output is no worse than plain.
            if let Ok((head, tail)) = wav.surroundings() {
                plan.part(&head, &tail, growing);
            }
        }
        Inner::Plain(plain) => {
            (channel_mask, tags) = (plain.channel_mask, plain.tags.clone());
            plan.upstream = whole.then(|| plain.upstream.clone());
        }
        Inner::Decoded(decoded) => {
            (channel_mask, tags) = (decoded.channel_mask, decoded.tags.clone());
            plan.upstream = whole.then(|| decoded.upstream.clone());
        }
    }
    if plan.head.is_empty() {
        let sound = header::Sound { spec, valid_bits, channel_mask, tags };
        plan.head = header::new(&sound, growing);
        plan.reserved = growing;
        // Into a pipe, the true header if it can be known.
        if let (false, true, Some(frames)) = (growing, whole, source.frames()) {
            plan.state_length(frames);
        }
    }
    plan
}
