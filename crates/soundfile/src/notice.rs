//! Repairs that the user should know of.

use std::fmt;

use crate::format::SampleFormat;

/// Something in the file that was not right and that the reader got over.
///
/// `Display` gives one sentence for a person, without the name of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The file ends before the length that its header states: the frames present are used.
    Truncated {
        /// Missing bytes.
        missing_bytes: u64,
    },
    /// The header of a file does not state the length (it was written into a pipe, or the recorder crashed): everything up
    /// to the end of the file is taken as sound.
    UnknownLength,
    /// The sound ends in the middle of a frame; these last bytes are left out.
    PartialFrame {
        /// Length of the torn frame in bytes, always less than a frame.
        bytes: u64,
    },
    /// The file ends, or becomes unreadable, before its sound does: the sound decoded up to there is used.
    CutOff {
        /// The end of the output, in frames.
        at: u64,
        /// Frames that should follow, if that is known.
        missing: Option<u64>,
        /// Frames per second.
        rate: u32,
    },
    /// The file begins with bytes of no known sound format, and the sound was found behind them.
    StrayBytes,
    /// Sound that is missing or damaged, replaced with silence of the same length.
    Silence {
        /// Its start in the output, in frames.
        at: u64,
        /// Its length in frames.
        frames: u64,
        /// Frames per second.
        rate: u32,
    },
    /// As [`Silence`](Self::Silence), in more places than are listed one by one.
    MoreSilence {
        /// The number of places.
        places: u64,
        /// The length of all of them, in frames.
        frames: u64,
        /// Frames per second.
        rate: u32,
    },
    /// The file states less sound than it holds; all of it is used.
    LongerThanStated {
        /// The length it states, in frames.
        stated: u64,
        /// The length it has, in frames.
        frames: u64,
        /// Frames per second.
        rate: u32,
    },
    /// The timestamps in the file jump too far to fill with silence: the sound continues without a pause.
    TimeJump {
        /// The place, in frames of the output.
        at: u64,
        /// The shift, in frames.
        frames: u64,
        /// Frames per second.
        rate: u32,
    },
    /// The file excludes more of its sound from playback than an encoder's padding; it is left out.
    EditedOut {
        /// Its length, in frames.
        frames: u64,
        /// Frames per second.
        rate: u32,
    },
    /// A later part of the file has more bits per sample than the first, whose format the output uses.
    FewerBitsLater {
        /// The part's bits.
        from: u32,
        /// Those of the first part.
        to: u32,
    },
    /// The output's container holds fewer bits of a sample than the input's: FLAC 24 of 32 or 64.
    FewerBits {
        /// The input's sample format.
        from: SampleFormat,
        /// The output's sample format.
        to: SampleFormat,
    },
}

/// Frames as seconds.
struct Seconds(u64, u32);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.0 as f64 / f64::from(self.1.max(1)))
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { missing_bytes } => {
                write!(f, "the file is cut off ({missing_bytes} bytes missing); the frames present are used")
            }
            Self::UnknownLength => f.write_str(
                "the header does not state the length; everything up to the end of the file is used",
            ),
            Self::PartialFrame { bytes } => {
                write!(f, "the sound ends in the middle of a frame; its last {bytes} bytes are left out")
            }
            Self::CutOff { at, missing: Some(missing), rate } => write!(
                f,
                "the file is cut off or damaged at {}, {} before the end that it states; the sound before that is used",
                Seconds(at, rate),
                Seconds(missing, rate)
            ),
            Self::CutOff { at, missing: None, rate } => write!(
                f,
                "the file is cut off or damaged at {}; the sound before that is used",
                Seconds(at, rate)
            ),
            Self::StrayBytes => f.write_str(
                "the file begins with bytes of no known sound format; they are left out and the sound behind them is used",
            ),
            Self::Silence { at, frames, rate } => write!(
                f,
                "sound is missing or damaged at {}; replaced with {} of silence",
                Seconds(at, rate),
                Seconds(frames, rate)
            ),
            Self::MoreSilence { places, frames, rate } => write!(
                f,
                "sound is missing or damaged in {places} more places; replaced with {} of silence in total",
                Seconds(frames, rate)
            ),
            Self::LongerThanStated { stated, frames, rate } => write!(
                f,
                "the file states {} of sound and holds {}; all of it is used",
                Seconds(stated, rate),
                Seconds(frames, rate)
            ),
            Self::TimeJump { at, frames, rate } => write!(
                f,
                "the timestamps in the file jump by {} at {}; the sound continues there without a pause",
                Seconds(frames, rate),
                Seconds(at, rate)
            ),
            Self::EditedOut { frames, rate } => write!(
                f,
                "the file's edit list excludes {} of its sound; it is left out",
                Seconds(frames, rate)
            ),
            Self::FewerBitsLater { from, to } => write!(
                f,
                "a later part of the file has {from} bits per sample; it is rounded to the {to} bits of the first part"
            ),
            Self::FewerBits { from, to } => {
                write!(f, "the output stores {to} samples, the input {from}; name it .wav to keep all bits")
            }
        }
    }
}
