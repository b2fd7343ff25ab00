//! What was repaired on the way, for the user to know.

use std::fmt;

use crate::format::SampleFormat;

/// Something in the file that was not right and that the reader got over.
///
/// `Display` gives one sentence for a person, without the name of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The file ends before its header says: what is there is used.
    Truncated {
        /// How much is missing, in bytes.
        missing_bytes: u64,
    },
    /// The header does not know the length (written into a pipe, or the recorder was stopped hard): everything up
    /// to the end of the file is taken as sound.
    UnknownLength,
    /// The sound ends in the middle of a frame; these last bytes are left out.
    PartialFrame {
        /// Length of the torn frame in bytes, always less than a frame.
        bytes: u64,
    },
    /// The file ends, or makes no sense any more, before its sound does: what was decoded up to there is used.
    CutOff,
    /// Compressed sound that could not be decoded; silence of its length stands in its place.
    DamagedPackets {
        /// How many packets.
        packets: u64,
    },
    /// The file holds several recordings one after the other, of different kinds; only the first is used.
    SeveralStreams,
    /// The output's container holds fewer bits of a sample than the input's: FLAC 24 of 32 or 64.
    FewerBits {
        /// How the input stores a sample.
        from: SampleFormat,
        /// How the output does.
        to: SampleFormat,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { missing_bytes } => {
                write!(
                    f,
                    "the file is cut off ({missing_bytes} bytes missing); the frames that are there are used"
                )
            }
            Self::UnknownLength => f.write_str(
                "the header does not state the length; everything up to the end of the file is used",
            ),
            Self::PartialFrame { bytes } => {
                write!(f, "the sound ends in the middle of a frame; its last {bytes} bytes are left out")
            }
            Self::CutOff => {
                f.write_str("the file is cut off or damaged before its end; what comes before that is used")
            }
            Self::DamagedPackets { packets } => {
                write!(f, "{packets} damaged packets could not be decoded; silence stands in their place")
            }
            Self::FewerBits { from, to } => {
                write!(f, "the output holds {to} samples, the input {from}; name it .wav to keep them all")
            }
            Self::SeveralStreams => {
                f.write_str("the file holds several recordings of different kinds; only the first is used")
            }
        }
    }
}
