//! Finds the speech in sound.
//!
//! The decisions are a model's, at the default thresholds ([`VadParams::TIGHT`](sourdine::VadParams::TIGHT), chosen for
//! `sourdine`). Closing gaps and padding then look both ways.

use std::fmt;
use std::ops::Range;

use sourdine::{BlockError, ConfigError, Engine, Model, Settings, StreamFormat};
use sourdine_soundfile::SoundReader;

use crate::error::Error;
use crate::segments::{SegmentShape, Segmenter, span};

/// Blocks of 10 ms that are read at a time.
const BLOCKS_PER_READ: usize = 100;

/// Why the engine did not look through sound.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SpeechError {
    /// The stream is not supported.
    Config(ConfigError),
    /// The engine refused a block.
    Block(BlockError),
}

impl fmt::Display for SpeechError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Block(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SpeechError {}

/// Reads a file to its end and returns the number of frames and the segments of speech. `go_on` is told the frames that are
/// read; false stops the search.
///
/// # Errors
/// [`Error`] if the file cannot be read or has no stream, or if `go_on` stops it.
pub fn find_speech(
    reader: &mut SoundReader,
    model: &Model,
    shape: SegmentShape,
    mut go_on: impl FnMut(u64) -> bool,
) -> Result<(u64, Vec<Range<u64>>), Error> {
    let (spec, path) = (reader.spec(), reader.path().to_path_buf());
    let format = StreamFormat::new(spec.sample_rate, usize::from(spec.channels));
    let stopped = || Error::Stopped { path: path.clone() };
    find_speech_in(
        format,
        model,
        shape,
        |blocks| Ok(reader.read(blocks)?),
        |frames| if go_on(frames) { Ok(()) } else { Err(stopped()) },
        |error| match error {
            SpeechError::Config(error) => Error::Stream { path: path.clone(), error },
            SpeechError::Block(error) => Error::Block { path: path.clone(), error },
        },
    )
}

/// The same for sound that `read` gives: it fills a buffer with the next interleaved samples and returns how many frames there
/// were, 0 at the end. `reached` is told the frames that are read, and can end the search; `refused` names an error of the engine.
///
/// # Errors
/// Those of the three.
pub fn find_speech_in<E>(
    format: StreamFormat,
    model: &Model,
    shape: SegmentShape,
    mut read: impl FnMut(&mut [f32]) -> Result<usize, E>,
    mut reached: impl FnMut(u64) -> Result<(), E>,
    refused: impl Fn(SpeechError) -> E,
) -> Result<(u64, Vec<Range<u64>>), E> {
    let channels = format.channels;
    let step = format.step_frames().map_err(|error| refused(SpeechError::Config(error)))?;
    let format = format.with_fixed_block(step);
    let mut engine = Engine::new(format, &Settings::default(), model)
        .map_err(|error| refused(SpeechError::Config(error)))?;
    let mut segmenter = Segmenter::new(shape);
    // A decision belongs to the sound that its block puts out.
    let behind = engine.latency() as u64;
    let mut decide = |blocks: &mut [f32], index: &mut u64| -> Result<(), E> {
        for block in blocks.chunks_mut(step * channels) {
            let report =
                engine.process_interleaved_f32(block).map_err(|error| refused(SpeechError::Block(error)))?;
            segmenter.push(span(*index, step as u64, behind), report.voice);
            *index += 1;
        }
        Ok(())
    };

    let mut blocks = vec![0.0; BLOCKS_PER_READ * step * channels];
    let (mut frames, mut index) = (0, 0);
    loop {
        let mut filled = 0;
        while filled < blocks.len() {
            let count = read(&mut blocks[filled..])?;
            if count == 0 {
                break;
            }
            filled += count * channels;
        }
        frames += (filled / channels) as u64;
        reached(frames)?;
        if filled == blocks.len() {
            decide(&mut blocks, &mut index)?;
            continue;
        }
        // The end: silence fills the last block and pushes out what the engine still holds.
        blocks[filled..].fill(0.0);
        let last = filled.div_ceil(step * channels) * step * channels;
        decide(&mut blocks[..last], &mut index)?;
        for _ in 0..(behind as usize).div_ceil(step) {
            decide(&mut vec![0.0; step * channels], &mut index)?;
        }
        return Ok((frames, segmenter.finish(frames)));
    }
}
