//! What can be refused, and why. Nothing here allocates when it is made on the audio path.

use std::fmt;

/// A stream, a setting or a model that cannot be had.
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
        /// What is allowed, in words.
        allowed: &'static str,
    },
    /// The model's delay is larger than the stream was made for.
    ModelLatency {
        /// The model's delay in samples at 48 kHz.
        latency: usize,
        /// What the stream has room for.
        room: usize,
    },
    /// The resampler could not be made (a combination that its library refuses).
    Resampler {
        /// The library's own words.
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
                "sample rate {rate} Hz shares no short grid with 48000 Hz (the shortest common block lasts \
                 {block_ms:.0} ms, which would all be delay); resample to a common rate such as 44100 or 48000 Hz first"
            ),
            Self::Channels { channels } => write!(f, "{channels} channels; 1 to 8 are supported"),
            Self::EmptyBlock => write!(f, "a fixed block length of 0 frames; give the host's block length"),
            Self::Setting { name, value, allowed } => write!(f, "{name} is {value}; it must be {allowed}"),
            Self::ModelLatency { latency, room } => write!(
                f,
                "the model's delay of {latency} samples does not fit this stream, which has room for {room}; \
                 make the stream with a larger `model_latency`"
            ),
            Self::Resampler { reason } => write!(f, "no resampler for this stream: {reason}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// A block that does not fit the stream. The block is left as it was, and the stream too.
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
            Self::Ragged => write!(f, "a block whose channels or buffers differ in length"),
            Self::Length { expected, got } => write!(
                f,
                "a block of {got} frames for a stream made for blocks of {expected}; make it with Block::Varying"
            ),
            Self::Finished => write!(f, "a block after `finish`; call `reset` first"),
        }
    }
}

impl std::error::Error for BlockError {}

/// Bytes that are not a model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes are no weights file that this build knows.
    Unknown {
        /// What was found instead.
        found: String,
    },
    /// The file is of a known kind, but one of its fields is wrong.
    Field {
        /// The field.
        field: String,
        /// What is wrong with it.
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
