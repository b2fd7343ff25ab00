//! Errors. Those of the audio path do not allocate.

use std::fmt;

/// A stream or a setting that is not supported.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The sample rate is outside 8–192 kHz.
    SampleRate {
        /// The rate asked for, in Hz.
        rate: u32,
    },
    /// The rate and 48 kHz share no short block, so that resampling on a fixed grid would cost too much delay.
    SampleRateGrid {
        /// The rate asked for, in Hz.
        rate: u32,
        /// The shortest block that holds a whole number of samples at both rates, in ms.
        block_ms: f32,
    },
    /// The number of channels is not 1–8.
    Channels {
        /// The number asked for.
        channels: usize,
    },
    /// A fixed block of no frames.
    EmptyBlock,
    /// A setting is out of its range.
    Setting {
        /// The setting's name.
        name: &'static str,
        /// The value given.
        value: f32,
        /// The allowed values, in words.
        allowed: &'static str,
    },
    /// The resampler could not be made (a combination that its library refuses).
    Resampler {
        /// The library's message.
        reason: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SampleRate { rate } => {
                write!(f, "sample rate {rate} Hz is outside 8000–192000 Hz; resample the audio first")
            }
            Self::SampleRateGrid { rate, block_ms } => write!(
                f,
                "sample rate {rate} Hz is not supported: its ratio to 48000 Hz would take {block_ms:.0} ms of delay; \
                 resample to a common rate such as 44100 or 48000 Hz first"
            ),
            Self::Channels { channels } => write!(f, "{channels} channels; 1 to 8 are supported"),
            Self::EmptyBlock => write!(f, "a fixed block length of 0 frames; give the host's block length"),
            Self::Setting { name, value, allowed } => write!(f, "{name} is {value}; it must be {allowed}"),
            Self::Resampler { reason } => write!(f, "no resampler for this stream: {reason}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// A model whose delay is larger than the stream was made for. The stream keeps its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SwitchError {
    /// The model's delay in samples at 48 kHz.
    pub latency: usize,
    /// The largest delay that fits the stream, in samples at 48 kHz.
    pub limit: usize,
}

impl fmt::Display for SwitchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latency, limit } = self;
        write!(
            f,
            "the model's delay of {latency} samples does not fit this stream, which was made for {limit}; \
             make the stream with a larger `model_latency`"
        )
    }
}

impl std::error::Error for SwitchError {}

/// A block that does not fit the stream. Block and stream are left unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockError {
    /// The number of channels differs from the stream's.
    Channels {
        /// The stream's channels.
        expected: usize,
        /// The block's channels.
        got: usize,
    },
    /// The channels or the two buffers are not of one length, or an interleaved block ends inside a frame.
    Ragged,
    /// The stream was made for blocks of a fixed length, and this block is not a multiple of it.
    Length {
        /// The stream's block length in frames.
        expected: usize,
        /// The block's length in frames.
        got: usize,
    },
    /// The stream was finished; `reset` starts it again.
    Finished,
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channels { expected, got } => {
                write!(f, "a block of {got} channels for a stream of {expected}")
            }
            Self::Ragged => {
                write!(f, "a block that ends inside a frame, or whose channels or buffers differ in length")
            }
            Self::Length { expected, got } => write!(
                f,
                "a block of {got} frames for a stream made for blocks of {expected}; make it with Block::Varying"
            ),
            Self::Finished => write!(f, "a block after `finish`; call `reset` first"),
        }
    }
}

impl std::error::Error for BlockError {}

/// Bytes that are not a valid model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes are not a weights file that this build reads.
    Unknown {
        /// A description of the bytes.
        found: String,
    },
    /// The file is of a known kind, but one of its fields is wrong.
    Field {
        /// The field.
        field: String,
        /// The problem with it.
        problem: String,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { found } => write!(f, "not a model file: {found}"),
            Self::Field { field, problem } => write!(f, "damaged model file: {field}: {problem}"),
        }
    }
}

impl std::error::Error for ModelError {}
