//! Sound files in and out for Sourdine: *the output file is the input file with the samples overwritten*.
//!
//! [`SoundReader`] opens any file that it knows by its content, a WAV stream, or samples without a header.
//! [`SoundRewriter`] reads it and writes it back with other samples, as WAV or FLAC; [`SoundWriter`] writes parts of it.
//!
//! From WAV to WAV that first sentence applies to the letter. Every
//! chunk (`fmt `, `bext`, `iXML`, `LIST`, `cue `, `smpl`, `id3 `, unknown ones), their order and their pad bytes
//! are copied byte for byte. Only the payload of the `data` chunk is encoded anew, sample by sample, and a sample
//! whose new value equals the decoded old one bit for bit keeps its old bytes. A file in which nothing changes
//! comes out identical, in 32-bit integer and 64-bit float too, although `f32` cannot hold those.
//!
//! # What is read
//!
//! | | |
//! |---|---|
//! | containers | RIFF/WAVE, RF64 and BW64 (with `ds64`, beyond 4 GiB) |
//! | `fmt ` | 16, 18 and 40 bytes, `WAVE_FORMAT_EXTENSIBLE` with the PCM and IEEE float GUIDs |
//! | samples | 8-bit unsigned, 16, 24 and 32-bit integer, 32 and 64-bit float; fewer valid bits than the container |
//! | size | 1 to 64 channels, 1 to 1 000 000 Hz |
//! | companded | A-law and µ-law |
//! | repaired, with a [`Notice`] | data cut off, sizes unknown (files written through a pipe), size 0 (crashed recorder), a torn last frame |
//!
//! Other containers: FLAC, also in Ogg; Ogg Vorbis of one or two channels; Ogg Opus, always at
//! 48 kHz; MP3, MP2; AAC (not HE-AAC) of one or two channels, in MP4 or ADTS; ALAC in MP4 or CAF; AIFF and AIFF-C; CAF;
//! Sun/NeXT .au; big-endian WAV (RIFX); ADPCM of Microsoft and IMA in WAV. Encoders' padding is cut off where the file states
//! its length. Lossy sound becomes 24 bits where WAV or FLAC is written: no decoder's own error lies below that rounding.
//!
//! Without the feature `formats`, which is on by default and brings the decoders, only WAV is read and written.
//!
//! Sound keeps its place: what is missing or damaged becomes silence of the same length and a [`Notice::Silence`] with its
//! place, a file that is cut off gives what is there and a [`Notice::CutOff`], and files that were joined come out one
//! after the other. Where rate or channels change in the middle, the error says where to split the file.
//!
//! Everything else is refused with a [`SoundError`] that says in one line which file, what, where, and what to do.
//!
//! # Units
//!
//! Samples are `f32`, full scale ±1.0, channels interleaved. One *frame* is one sample of every channel.
//! Offsets are in bytes from the start of the file.
//!
//! # Example
//!
//! ```
//! use sourdine_soundfile::{Overwrite, SoundReader, SoundRewriter};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (input, output) = (folder.path().join("talk.wav"), folder.path().join("talk.half.wav"));
//! # let spec = hound::WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 16,
//! #     sample_format: hound::SampleFormat::Int };
//! # let mut made = hound::WavWriter::create(&input, spec)?;
//! # (0..1000).try_for_each(|i| made.write_sample(i as i16))?;
//! # made.finalize()?;
//! let reader = SoundReader::open(&input)?;
//! let channels = usize::from(reader.spec().channels);
//! let mut rewriter = SoundRewriter::create(reader, &output, Overwrite::Refuse)?;
//! let mut block = vec![0.0; 4096 * channels];
//! loop {
//!     let frames = rewriter.read(&mut block)?;
//!     if frames == 0 {
//!         break;
//!     }
//!     let samples = &mut block[..frames * channels];
//!     samples.iter_mut().for_each(|sample| *sample *= 0.5);
//!     rewriter.write(samples)?;
//! }
//! rewriter.finish()?;
//! assert_eq!(SoundReader::open(&output)?.frames(), Some(1000));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod attributes;
mod data_chunk;
mod encoder;
mod error;
mod fmt_chunk;
mod format;
#[cfg_attr(not(feature = "formats"), path = "wav_only.rs")]
mod formats;
mod fresh;
mod header;
mod notice;
mod opened;
mod originals;
mod output;
mod payload;
mod raw;
mod reader;
mod rewriter;
mod riff;
mod sample_writer;
mod sniff;
mod sound;
mod stream;
mod temporary;
mod wav_copy;
mod writer;

pub use error::{SoundError, SoundErrorKind};
pub use format::{SampleFormat, SoundSpec};
pub use notice::Notice;
pub use output::Overwrite;
pub use raw::{RawSpec, RawSpecError};
pub use rewriter::SoundRewriter;
pub use sound::SoundReader;
pub use temporary::{remove_abandoned, temporary_file};
pub use writer::SoundWriter;
