//! Why a command failed: one line for people, a code for scripts.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sourdine::{BlockError, ConfigError, ModelError};
use sourdine_wav::{WavError, WavErrorKind};

/// A failure. `Display` is one line that names the file and what to do.
#[derive(Debug)]
pub(crate) enum Failure {
    /// About the input or the output file.
    Wav(WavError),
    /// The file is fine, but the engine has no stream of this kind.
    Stream { path: PathBuf, error: ConfigError },
    /// The engine refused a block of the file.
    Block { path: PathBuf, error: BlockError },
    /// No built-in model of that name, and no such file.
    NoModel { model: String, built_in: Vec<String> },
    /// The model file cannot be read.
    ModelRead { path: PathBuf, error: std::io::Error },
    /// The model file is not one.
    Model { path: PathBuf, error: ModelError },
    /// The default output would have no name.
    NoName { path: PathBuf },
    /// Ctrl-C or a termination signal.
    Interrupted { path: PathBuf },
    /// The result could not be printed.
    Print(std::io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Interrupted { .. } => ExitCode::from(130),
            _ => ExitCode::FAILURE,
        }
    }

    pub(crate) fn stream(path: &Path) -> impl FnOnce(ConfigError) -> Self {
        let path = path.to_path_buf();
        move |error| Self::Stream { path, error }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wav(error) if matches!(error.kind(), WavErrorKind::OutputExists) => write!(
                f,
                "{}: exists already; replace it with --force, or name another file with -o",
                error.path().display()
            ),
            Self::Wav(error) => write!(f, "{error}"),
            Self::Stream { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Block { path, error } => write!(f, "{}: {error}; please report this", path.display()),
            Self::NoModel { model, built_in } => write!(
                f,
                "{model}: neither a built-in model ({}) nor a file; see `sourdine models`",
                built_in.join(", ")
            ),
            Self::ModelRead { path, error } => {
                write!(
                    f,
                    "{}: cannot read the model: {error}; check the path given to --model",
                    path.display()
                )
            }
            Self::Model { path, error } => {
                write!(
                    f,
                    "{}: {error}; give RNNoise 0.1 weights or a name from `sourdine models`",
                    path.display()
                )
            }
            Self::NoName { path } => write!(f, "{}: not the name of a file; give one", path.display()),
            Self::Interrupted { path } => {
                write!(
                    f,
                    "{}: interrupted; nothing was written, run it again to clean the file",
                    path.display()
                )
            }
            Self::Print(error) => write!(f, "cannot print the result: {error}; the file itself was written"),
        }
    }
}

impl From<WavError> for Failure {
    fn from(error: WavError) -> Self {
        Self::Wav(error)
    }
}
