//! The error type for reading and writing: the file, the problem, its place, and the remedy.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::riff::{MAX_CHANNELS, MAX_CHUNKS, MAX_SAMPLE_RATE};

/// A failure to read or write a sound file.
///
/// `Display` is exactly one line: the file, the problem (with the byte offset where there is one) and what to do.
/// Control characters in the file's name are escaped in it.
#[derive(Debug)]
pub struct SoundError {
    path: PathBuf,
    kind: SoundErrorKind,
    source: Option<io::Error>,
}

/// The kind of failure, for programs; [`SoundError`]'s `Display` is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SoundErrorKind {
    /// There is no such file.
    NotFound,
    /// The input is a directory.
    IsDirectory,
    /// The input is a pipe, a socket or a device.
    NotAFile,
    /// The input may not be read.
    ReadDenied,
    /// The input has 0 bytes.
    Empty,
    /// The input is not a WAV file.
    NotWav {
        /// The kind of file that its first bytes suggest ("FLAC"), if they are known.
        looks_like: Option<&'static str>,
    },
    /// A big-endian WAV file (RIFX).
    BigEndian,
    /// The file ends inside its header.
    HeaderCut {
        /// End of the file, in bytes.
        offset: u64,
    },
    /// There is no `fmt ` chunk before the sound.
    NoFormat {
        /// Offset of the `data` chunk, or else of the end of the file, in bytes.
        offset: u64,
    },
    /// The `fmt ` chunk is too short for its fields.
    FormatTooShort {
        /// Offset of the chunk, in bytes.
        offset: u64,
        /// Its stated size in bytes.
        bytes: u64,
    },
    /// There is no `data` chunk.
    NoData,
    /// More chunks precede the sound than in any real file.
    TooManyChunks {
        /// Offset at which the reader gave up, in bytes.
        offset: u64,
    },
    /// The sound is in an encoding other than integer or float PCM.
    Encoding {
        /// The format tag of the header.
        tag: u16,
        /// Its name, if it is a known one ("A-law").
        name: Option<&'static str>,
    },
    /// A number of bits per sample that the encoding does not have.
    Bits {
        /// The container size stated, in bits.
        container: u16,
        /// The valid bits stated.
        valid: u16,
        /// Whether the header says float.
        float: bool,
    },
    /// No channel, or more than 64.
    Channels {
        /// The number stated.
        stated: u16,
    },
    /// A sample rate of 0 or beyond 1 000 000 Hz.
    SampleRate {
        /// The rate stated, in Hz.
        stated: u32,
    },
    /// The header's bytes per frame do not follow from its channels and bits.
    BlockAlign {
        /// Bytes per frame stated.
        stated: u16,
        /// Bytes per frame that channels and bits give.
        expected: u32,
    },
    /// The input is not a sound file of a known kind.
    NotSound {
        /// The kind of file that its first bytes suggest ("MIDI"), if they are known.
        looks_like: Option<&'static str>,
    },
    /// The input is compressed sound that cannot be decoded; see `source()`.
    Undecodable,
    /// The input holds no sound, or none whose rate and channels are known.
    NoSound,
    /// The input is Vorbis of more than two channels, which the decoder does not decode correctly.
    VorbisChannels {
        /// The number of channels.
        stated: u16,
    },
    /// The input is AAC of more than two channels, which the decoder does not support.
    AacChannels {
        /// The number of channels.
        stated: u16,
    },
    /// The input is HE-AAC, of which the decoder gives only the lower half of the band.
    HeAac,
    /// The header contradicts itself or lacks a required field.
    Damaged {
        /// The fault, as the rest of a sentence.
        what: &'static str,
    },
    /// The samples have an unsupported coding.
    UnknownCoding {
        /// The kind of file.
        container: &'static str,
    },
    /// The input is Opus whose channels are neither one, two nor those of a surround layout of Vorbis, in the usual order.
    OpusLayout {
        /// The number of channels.
        channels: u8,
        /// The mapping family that the header states.
        family: u8,
    },
    /// The input is Opus in another container than Ogg.
    OpusOutsideOgg,
    /// The rate or the channels change in the middle of the sound.
    FormChanges {
        /// The place in bytes, if it is known.
        byte: Option<u64>,
        /// The place in milliseconds of sound.
        millis: u64,
        /// Rate and channels before.
        from: (u32, u16),
        /// Rate and channels from there on.
        to: (u32, u16),
    },
    /// Only a program that is built with the feature `formats` reads or writes this.
    NotInThisBuild {
        /// The kind of file ("FLAC").
        what: &'static str,
    },
    /// The output's name has the extension of neither WAV nor FLAC.
    OutputKind,
    /// FLAC cannot hold sound of this rate or these channels.
    NotForFlac {
        /// Frames per second.
        sample_rate: u32,
        /// Samples in a frame.
        channels: u16,
    },
    /// The reader of the output has closed it.
    OutputClosed,
    /// The header of a stream is larger than any real one.
    HeaderTooLong,
    /// The input changed or became shorter while it was being read.
    SourceChanged,
    /// The output exists and may not be replaced.
    OutputExists,
    /// Input and output are the same file.
    SameFile,
    /// The output names a directory.
    OutputIsDirectory,
    /// The output exists and is a pipe, a socket or a device.
    OutputNotAFile,
    /// The folder of the output is missing, or is not a folder.
    OutputFolderMissing,
    /// The output's folder may not be written to.
    WriteDenied,
    /// No space (or quota) is left for the output.
    DiskFull,
    /// The output would be larger than the file system, or a limit, allows.
    OutputTooLarge,
    /// A block handed in is not a whole number of frames: a mistake of the caller.
    BlockLength {
        /// Samples in the block.
        samples: usize,
        /// Channels of the file.
        channels: u16,
    },
    /// The caller wrote more or fewer frames than the source has.
    FrameCount {
        /// Frames in the source.
        expected: u64,
        /// Frames written, or attempted.
        written: u64,
    },
    /// The system failed while reading; see `source()`.
    Read,
    /// The system failed while writing; see `source()`.
    Write,
}

impl SoundError {
    pub(crate) fn new(path: &Path, kind: SoundErrorKind) -> Self {
        Self { path: path.to_owned(), kind, source: None }
    }

    /// A failure of the system while reading `path`.
    pub(crate) fn reading(path: &Path, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => SoundErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => SoundErrorKind::ReadDenied,
            io::ErrorKind::IsADirectory => SoundErrorKind::IsDirectory,
            io::ErrorKind::UnexpectedEof => SoundErrorKind::SourceChanged,
            _ => SoundErrorKind::Read,
        };
        Self { path: path.to_owned(), kind, source: Some(error) }
    }

    /// Compressed sound on which the decoder gave up, with its reason.
    #[cfg(feature = "formats")]
    pub(crate) fn undecodable(path: &Path, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = io::Error::new(io::ErrorKind::InvalidData, reason);
        Self { path: path.to_owned(), kind: SoundErrorKind::Undecodable, source: Some(source) }
    }

    /// A failure of the system while writing `path` (or the temporary file that will become it).
    pub(crate) fn writing(path: &Path, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => SoundErrorKind::OutputFolderMissing,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                SoundErrorKind::WriteDenied
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SoundErrorKind::DiskFull,
            io::ErrorKind::FileTooLarge => SoundErrorKind::OutputTooLarge,
            io::ErrorKind::AlreadyExists => SoundErrorKind::OutputExists,
            io::ErrorKind::IsADirectory => SoundErrorKind::OutputIsDirectory,
            io::ErrorKind::BrokenPipe => SoundErrorKind::OutputClosed,
            _ => SoundErrorKind::Write,
        };
        Self { path: path.to_owned(), kind, source: Some(error) }
    }

    /// The file concerned: the input for errors of reading, the output for errors of writing.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kind of failure.
    pub fn kind(&self) -> SoundErrorKind {
        self.kind
    }
}

impl Error for SoundError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|error| error as &(dyn Error + 'static))
    }
}

impl fmt::Display for SoundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.path.to_string_lossy().chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        write!(f, ": {}", self.kind)?;
        // Elsewhere the kind says it all; here the system's own words are the only ones there are.
        if let (SoundErrorKind::Read | SoundErrorKind::Write | SoundErrorKind::Undecodable, Some(source)) =
            (self.kind, &self.source)
        {
            write!(f, " ({})", source.to_string().replace(['\n', '\r'], " "))?;
        }
        Ok(())
    }
}

impl fmt::Display for SoundErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotFound => f.write_str("no such file; check the name and the folder"),
            Self::IsDirectory => f.write_str("is a folder, not a file; name a WAV file in it"),
            Self::NotAFile => {
                f.write_str("is a pipe or a device, not a file; save the sound to a file first")
            }
            Self::ReadDenied => f.write_str("may not be read; check its permissions"),
            Self::Empty => f.write_str("is empty (0 bytes); record or export it again"),
            Self::NotWav { looks_like: Some(name) } => {
                write!(f, "is {name}, not WAV; convert it to WAV first, with ffmpeg for instance")
            }
            Self::NotWav { looks_like: None } => {
                f.write_str("is not a WAV file (no RIFF header at byte 0); convert it to WAV first")
            }
            Self::BigEndian => f.write_str("is a big-endian WAV (RIFX); convert it to plain WAV first"),
            Self::HeaderCut { offset } => {
                write!(f, "ends inside its header, at byte {offset}; copy or export it again")
            }
            Self::NoFormat { offset } => {
                write!(f, "has no fmt chunk before byte {offset}, so its format is unknown; export it again")
            }
            Self::FormatTooShort { offset, bytes } => {
                write!(f, "has a fmt chunk of only {bytes} bytes at byte {offset}; export it again")
            }
            Self::NoData => f.write_str("has no data chunk, so there is no sound in it; export it again"),
            Self::TooManyChunks { offset } => write!(
                f,
                "has more than {MAX_CHUNKS} chunks before its sound (up to byte {offset}); it is damaged, export it again"
            ),
            Self::Encoding { tag, name: Some(name) } => {
                write!(f, "holds {name} (format tag 0x{tag:04X}), not PCM; convert it to PCM WAV first")
            }
            Self::Encoding { tag, name: None } => {
                write!(f, "holds sound of the unknown format tag 0x{tag:04X}; convert it to PCM WAV first")
            }
            Self::Bits { container, valid, float } => write!(
                f,
                "has {valid} valid bits in {container}-bit {} samples, which is not supported; convert it to PCM WAV first",
                if float { "float" } else { "integer" }
            ),
            Self::Channels { stated: 0 } => {
                f.write_str("has 0 channels; its header is damaged, export it again")
            }
            Self::Channels { stated } => {
                write!(f, "has {stated} channels, more than the {MAX_CHANNELS} supported; split it first")
            }
            Self::SampleRate { stated } => write!(
                f,
                "states a sample rate of {stated} Hz, not within 1 to {MAX_SAMPLE_RATE}; its header is damaged, export it again"
            ),
            Self::BlockAlign { stated, expected } => write!(
                f,
                "states {stated} bytes per frame where its channels and bits give {expected}; its header is damaged, export it again"
            ),
            Self::NotSound { looks_like: Some(name) } => {
                write!(
                    f,
                    "looks like {name}, and cannot be read; export it again, or convert it: ffmpeg -i FILE FILE.wav"
                )
            }
            Self::NotSound { looks_like: None } => {
                f.write_str("is not a sound file of a known kind; convert it to WAV first")
            }
            Self::Undecodable => f.write_str("cannot be decoded; convert it to WAV first"),
            Self::NoSound => f.write_str("has no sound track that can be decoded; export it again"),
            Self::VorbisChannels { stated } => {
                write!(
                    f,
                    "has {stated} channels, and Ogg Vorbis is read in mono and stereo only; convert it to WAV first, with ffmpeg for instance"
                )
            }
            Self::AacChannels { stated } => write!(
                f,
                "has {stated} channels, and AAC is read in mono and stereo only; convert it to WAV first, with ffmpeg for instance"
            ),
            Self::HeAac => f.write_str(
                "is HE-AAC, of which only the lower half of the band can be decoded; convert it to WAV first, with ffmpeg for instance",
            ),
            Self::Damaged { what } => write!(f, "has a damaged header: {what}; export it again"),
            Self::UnknownCoding { container } => write!(
                f,
                "is {container} with compressed samples of an unsupported kind; convert it to WAV first, with ffmpeg for instance"
            ),
            Self::OpusLayout { channels, family } => write!(
                f,
                "is Opus of {channels} channels in an unsupported layout (mapping family {family}); convert it to WAV first, with ffmpeg or opusdec for instance"
            ),
            Self::OpusOutsideOgg => f.write_str(
                "is Opus in a container other than Ogg; copy it into Ogg first: ffmpeg -i FILE -map 0:a:0 -c copy FILE.opus",
            ),
            Self::FormChanges { byte, millis, from, to } => {
                let seconds = millis as f64 / 1000.0;
                write!(f, "changes from {} Hz × {} to {} Hz × {} channels at {seconds:.3} s", from.0, from.1, to.0, to.1)?;
                match byte {
                    Some(byte) => write!(
                        f,
                        ", byte {byte}; split it there: head -c {byte} FILE > first, tail -c +{} FILE > rest",
                        byte + 1
                    ),
                    None => write!(
                        f,
                        "; split it there: ffmpeg -i FILE -t {seconds:.3} first.wav, ffmpeg -ss {seconds:.3} -i FILE rest.wav"
                    ),
                }
            }
            Self::NotInThisBuild { what } => write!(
                f,
                "{what} is not in this build, which reads and writes WAV only; build it without --no-default-features, or use WAV"
            ),
            Self::OutputKind if cfg!(feature = "formats") => {
                f.write_str("can only be written as WAV or FLAC; name it .wav or .flac")
            }
            Self::OutputKind => f.write_str("can only be written as WAV; name it .wav"),
            Self::NotForFlac { sample_rate, channels } => write!(
                f,
                "cannot be FLAC with {channels} channels at {sample_rate} Hz (at most 8, 655350 Hz); name it .wav"
            ),
            Self::OutputClosed => f.write_str("was closed by its reader before the end"),
            Self::HeaderTooLong => {
                f.write_str("has a header of more than 16 MiB; it is damaged, export it again")
            }
            Self::SourceChanged => {
                f.write_str("changed while it was being read; run again when no program writes to it")
            }
            Self::OutputExists => {
                f.write_str("exists already; choose another name or allow it to be replaced")
            }
            Self::SameFile => {
                f.write_str("is both the input and the output; choose another name for the output")
            }
            Self::OutputIsDirectory => f.write_str("is a folder; name the file to write in it"),
            Self::OutputNotAFile => f.write_str("is a pipe or a device; name a file to write"),
            Self::OutputFolderMissing => {
                f.write_str("cannot be written: its folder does not exist; make it first")
            }
            Self::WriteDenied => f.write_str("may not be written; check the permissions of its folder"),
            Self::DiskFull => {
                f.write_str("cannot be written: the disk is full; free some space or write elsewhere")
            }
            Self::OutputTooLarge => f.write_str(
                "cannot be written: larger than the file system or a limit allows; write elsewhere",
            ),
            Self::BlockLength { samples, channels } => write!(
                f,
                "was given {samples} samples, which is not a whole number of frames of {channels} channels; this is a bug, please report it"
            ),
            Self::FrameCount { expected, written } => write!(
                f,
                "was given {written} frames where its source has {expected}; this is a bug, please report it"
            ),
            Self::Read => f.write_str("could not be read; check the disk and try again"),
            Self::Write => f.write_str("could not be written; check the disk and try again"),
        }
    }
}
