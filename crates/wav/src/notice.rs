//! What was repaired on the way, for the user to know.

use std::fmt;

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
        }
    }
}
