//! One sound file through the engine: settings in, a report and notices out.
//!
//! [`clean_file`] is the whole way of a file. Programs that read from pipes, write parts of a file or draw what they see go
//! through its pieces: a [`Cleaning`] takes sound from a [`Transfer`] and gives it back cleaned, and tells a [`Watch`].
//! [`find_speech`] finds the speech in sound without changing it.
//!
//! Nothing is printed, and no signal is caught: a [`Watch`] says whether to go on.
//!
//! ```
//! use sourdine::{Model, Settings};
//! use sourdine_clean::{Unwatched, clean_file};
//! use sourdine_soundfile::Overwrite;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (input, output) = (folder.path().join("talk.wav"), folder.path().join("talk.clean.wav"));
//! # let spec = hound::WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 16,
//! #     sample_format: hound::SampleFormat::Int };
//! # let mut made = hound::WavWriter::create(&input, spec)?;
//! # (0..1000).try_for_each(|i| made.write_sample(i as i16))?;
//! # made.finalize()?;
//! let (settings, model) = (Settings::default(), Model::default());
//! let report = clean_file(&input, &output, Overwrite::Refuse, &settings, &model, false, &mut Unwatched)?;
//! assert_eq!(report.frames, 1000);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod cleaning;
mod error;
mod report;
mod segments;
mod speech;

pub use cleaning::{Cleaned, Cleaning, Transfer, Unwatched, Watch, clean_file, keep_times};
pub use error::Error;
pub use report::{FileReport, Totals};
pub use segments::{SegmentShape, Segmenter, span};
pub use speech::{SpeechError, find_speech, find_speech_in};
