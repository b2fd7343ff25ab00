//! Reads sound and writes it back with other samples.

use std::fmt;
use std::io::Write;
use std::path::Path;

use crate::error::{SoundError, SoundErrorKind};
use crate::notice::Notice;
use crate::originals::Originals;
use crate::output::{Overwrite, Target};
use crate::sample_writer::SampleWriter;
use crate::sound::{Input, SoundReader};
use crate::wav_copy::WavCopy;
use crate::writer::{SoundWriter, check_name, is_flac_name};

/// Rewrites sound: reads its samples, and writes other samples with as much of everything else as the output's container
/// holds.
///
/// | from | to WAV | to FLAC |
/// |---|---|---|
/// | WAV | everything byte for byte but the samples | samples, speaker positions, LIST/INFO as comments, all chunks as the reference encoder's `--keep-foreign-metadata` keeps them |
/// | FLAC | samples, speaker positions, title, artist and the like | samples, comments, pictures, cue sheet, application data byte for byte; no seek table and no padding |
/// | others | samples, speaker positions, title, artist and the like | the same |
///
/// It owns the reader, the writer and the stored bytes between them, so that the sound is read once and a sample that
/// comes back as it was read keeps its old value bit for bit, also where `f32` cannot hold it. Others are rounded to the
/// nearest code, without dither: the error of 16 bits lies at -98 dBFS, below the noise of any recording, while dither
/// would put noise into the pauses that a denoiser has emptied, and make two runs differ.
///
/// Samples are written in the order in which they were read, and writing may lag behind reading by any number of frames.
///
/// A file has its name only after [`finish`](Self::finish); until then it is a temporary one in the same folder,
/// `.NAME.sourdine-XXXXXX.tmp`, deleted when the rewriter is dropped. The input is never touched.
pub struct SoundRewriter {
    reader: SoundReader,
    originals: Originals,
    output: Output,
}

enum Output {
    /// A WAV file from a WAV file.
    Copy(Box<WavCopy>),
    /// Anything else.
    New(SoundWriter),
}

impl SoundRewriter {
    /// Starts a file: FLAC if its name ends in `.flac`, WAV if it ends in `.wav`, `.wave`, `.bwf`, `.rf64` or in nothing.
    ///
    /// # Errors
    /// Every [`SoundErrorKind`] that is about the output, among them
    /// [`OutputKind`](SoundErrorKind::OutputKind) for other names and [`SameFile`](SoundErrorKind::SameFile) if
    /// it is the input under whatever name; [`SourceChanged`](SoundErrorKind::SourceChanged) if the input is shorter
    /// than when it was opened; and those of reading and writing.
    pub fn create(reader: SoundReader, output: &Path, overwrite: Overwrite) -> Result<Self, SoundError> {
        let output = match &reader.0 {
            Input::Wav(wav) if !is_flac_name(output) => {
                check_name(output)?;
                let target = Target::check(&reader, output, overwrite)?;
                let attributes = reader.attributes();
                let out = SampleWriter::create(target, attributes, WavCopy::coding(wav))?;
                Output::Copy(Box::new(WavCopy::start(wav, out)?))
            }
            _ => Output::New(SoundWriter::create(&reader, output, overwrite, true)?),
        };
        Ok(Self::new(reader, output))
    }

    /// Starts writing into a pipe: WAV, or samples without a header if the input is that. Its name in errors is "standard
    /// output". Each block is flushed, so that the other end need not wait for the last.
    ///
    /// # Errors
    /// Those of writing; [`OutputClosed`](SoundErrorKind::OutputClosed) if the other end was closed.
    pub fn to_stream(reader: SoundReader, stream: Box<dyn Write + Send>) -> Result<Self, SoundError> {
        let named = Path::new("standard output");
        let output = match &reader.0 {
            Input::Wav(wav) => {
                let out = SampleWriter::to_stream(named, stream, WavCopy::coding(wav));
                Output::Copy(Box::new(WavCopy::start(wav, out)?))
            }
            _ => Output::New(SoundWriter::to_stream(&reader, named, stream)?),
        };
        Ok(Self::new(reader, output))
    }

    fn new(reader: SoundReader, output: Output) -> Self {
        let originals = match output {
            Output::New(ref writer) if writer.is_flac() => Originals::unneeded(),
            _ => Originals::new(reader.spec().format, reader.valid_bits()),
        };
        Self { reader, originals, output }
    }

    /// The input.
    pub fn reader(&self) -> &SoundReader {
        &self.reader
    }

    /// Reads the next frames, as [`SoundReader::read`] does.
    ///
    /// # Errors
    /// As [`SoundReader::read`].
    pub fn read(&mut self, out: &mut [f32]) -> Result<usize, SoundError> {
        self.reader.read_with(out, &mut self.originals)
    }

    /// Writes the next frames, interleaved, full scale ±1.0, over those that were read.
    ///
    /// # Errors
    /// [`BlockLength`](SoundErrorKind::BlockLength) if the block is not whole frames; from WAV to WAV
    /// [`FrameCount`](SoundErrorKind::FrameCount) if there are more than the input has, and then nothing of the block
    /// is written; and those of writing. After any other error than these two the rewriter can only be dropped.
    pub fn write(&mut self, interleaved: &[f32]) -> Result<(), SoundError> {
        match &mut self.output {
            Output::Copy(copy) => copy.write(interleaved, &mut self.originals),
            Output::New(writer) => writer.write_with(interleaved, &mut self.originals),
        }
    }

    /// Lists what the output cannot hold of the input. Faults of the input itself are the [`reader`](Self::reader)'s
    /// notices.
    pub fn output_notices(&self) -> &[Notice] {
        match &self.output {
            Output::Copy(_) => &[],
            Output::New(writer) => writer.notices(),
        }
    }

    /// Completes the output and gives it its name and the attributes of the input.
    ///
    /// # Errors
    /// From WAV to WAV [`FrameCount`](SoundErrorKind::FrameCount) if frames are missing;
    /// [`OutputExists`](SoundErrorKind::OutputExists) if the output came into being in the meantime and may not be
    /// replaced; and those of reading and writing. Nothing is left behind then.
    pub fn finish(mut self) -> Result<(), SoundError> {
        match (self.output, &mut self.reader.0) {
            (Output::Copy(copy), Input::Wav(wav)) => copy.finish(wav),
            // Never so: only a WAV file is copied.
            (Output::Copy(_), _) => Err(SoundError::new(self.reader.path(), SoundErrorKind::SourceChanged)),
            (Output::New(writer), Input::Stream(stream)) => writer.finish_with(stream.take_tail()),
            (Output::New(writer), _) => writer.finish(),
        }
    }
}

impl fmt::Debug for SoundRewriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoundRewriter").field("reader", &self.reader).finish_non_exhaustive()
    }
}
