//! The errors of cleaning a file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use sourdine::{BlockError, ConfigError};
use sourdine_soundfile::SoundError;

/// A file that was not cleaned; nothing of it was written. `Display` is one line that names the file and the fault.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// About the input or the output file.
    Sound(SoundError),
    /// The file is fine, but the engine has no stream of this kind.
    Stream {
        /// The input.
        path: PathBuf,
        /// The reason.
        error: ConfigError,
    },
    /// The engine refused a block of the file.
    Block {
        /// The input.
        path: PathBuf,
        /// The reason.
        error: BlockError,
    },
    /// The file was repaired, and repairs count as errors.
    Strict {
        /// The input.
        path: PathBuf,
        /// The first repair.
        notice: String,
        /// The number of others.
        more: usize,
    },
    /// The [`Watch`](crate::Watch) stopped the work.
    Stopped {
        /// The input.
        path: PathBuf,
    },
    /// The output's modification time could not be set.
    Times {
        /// The output.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
}

impl Error {
    /// For a file with these notices; `None` without any.
    pub fn strict(path: &Path, notices: &[String]) -> Option<Self> {
        let (first, more) = notices.split_first()?;
        Some(Self::Strict { path: path.into(), notice: first.clone(), more: more.len() })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sound(error) => error.fmt(f),
            Self::Stream { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Block { path, error } => write!(f, "{}: {error}; please report this", path.display()),
            Self::Strict { path, notice, more } => {
                write!(f, "{}: {notice}", path.display())?;
                if *more > 0 {
                    write!(f, " (and {more} more notes)")?;
                }
                f.write_str("; nothing was written, since notes count as errors")
            }
            Self::Stopped { path } => write!(f, "{}: interrupted; nothing was written", path.display()),
            Self::Times { path, error } => write!(f, "{}: cannot set its time: {error}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sound(error) => Some(error),
            Self::Stream { error, .. } => Some(error),
            Self::Block { error, .. } => Some(error),
            Self::Strict { .. } | Self::Stopped { .. } => None,
            Self::Times { error, .. } => Some(error),
        }
    }
}

impl From<SoundError> for Error {
    fn from(error: SoundError) -> Self {
        Self::Sound(error)
    }
}
