//! Why a command failed: one line for people, a code for scripts.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sourdine_settings::{FindModelError, io_reason};
use sourdine_soundfile::{SoundError, SoundErrorKind};

/// A failure. `Display` is one line that names the file and what to do.
#[derive(Debug)]
pub(crate) enum Failure {
    /// About the input or the output file.
    Wav(SoundError),
    /// The file is fine, but the engine has no stream of this kind, or refused a block of it.
    Engine(sourdine_clean::Error),
    /// There is no such model.
    Model(FindModelError),
    /// The live front end could not be started.
    Live { error: io::Error },
    /// Cutting a file without speech.
    NoVoice { path: PathBuf },
    /// A damaged file, with `--strict`.
    Strict { path: PathBuf, notice: String, more: usize },
    /// Something named on the command line cannot be used.
    Use { path: PathBuf, why: &'static str },
    /// A folder that cannot be searched.
    Folder { path: PathBuf, error: io::Error },
    /// A list of files that cannot be read.
    List { path: PathBuf, error: io::Error },
    /// An invalid pattern.
    Glob { glob: String, error: fast_glob::Error },
    /// Two inputs whose results would have the same name.
    SameOutput { one: String, other: String, output: PathBuf },
    /// An environment variable or the configuration file is wrong.
    Config(sourdine_settings::Error),
    /// A report or list of segments that cannot be written.
    Write { path: PathBuf, error: io::Error },
    /// The picture of a report cannot be drawn.
    #[cfg(feature = "report")]
    Picture { path: PathBuf, reason: String },
    /// Files that cannot be compared.
    Compare { path: PathBuf, reason: String },
    /// Some of several files failed; each was named before.
    Some { failed: usize, of: usize },
    /// Ctrl-C or a termination signal.
    Interrupted { path: PathBuf },
    /// Some of several folders could not be searched; each was named before.
    Unsearched { folders: usize, failed: usize, of: usize },
    /// The result could not be printed; `written` says that the file was.
    Print { error: io::Error, written: bool },
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Interrupted { .. } => ExitCode::from(130),
            Self::Some { failed, of } if failed < of => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    pub(crate) fn use_of(path: &Path, why: &'static str) -> Self {
        Self::Use { path: path.into(), why }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wav(error) if matches!(error.kind(), SoundErrorKind::OutputExists) => write!(
                f,
                "{}: exists already; replace it with --force, leave it with --skip-existing, or name another output with -o",
                error.path().display()
            ),
            Self::Wav(error) => write!(f, "{error}"),
            Self::Engine(error) => write!(f, "{error}"),
            Self::Model(error) => write!(f, "{error}"),
            Self::Live { error } => write!(
                f,
                "sourdine-live: cannot be run: {}; install it next to this program (cargo install --locked --path crates/live)",
                io_reason(error)
            ),
            Self::NoVoice { path } => {
                write!(
                    f,
                    "{}: no speech found, so nothing was written; clean it without cutting",
                    path.display()
                )
            }
            Self::Strict { path, notice, more } => {
                write!(f, "{}: {notice}", path.display())?;
                if *more > 0 {
                    write!(f, " (and {more} more notes)")?;
                }
                write!(f, "; with --strict that is an error, and no file was written")
            }
            Self::Use { path, why } => write!(f, "{}: {why}", path.display()),
            Self::Folder { path, error } => {
                write!(
                    f,
                    "{}: cannot search this folder: {}; check its permissions",
                    path.display(),
                    io_reason(error)
                )
            }
            Self::List { path, error } => {
                write!(
                    f,
                    "{}: cannot read the list: {}; check --files-from",
                    path.display(),
                    io_reason(error)
                )
            }
            Self::Glob { glob, error } => {
                write!(f, "{glob}: not a pattern: {error}")
            }
            Self::SameOutput { one, other, output } => write!(
                f,
                "{}: both {one} and {other} would be written there; leave one out (--exclude), or run twice",
                output.display()
            ),
            Self::Config(error) => write!(f, "{error}"),
            Self::Write { path, error } if error.kind() == io::ErrorKind::AlreadyExists => {
                write!(f, "{}: exists already; replace it with --force, or name another file", path.display())
            }
            #[cfg(feature = "report")]
            Self::Picture { path, reason } => write!(f, "{}: cannot be drawn: {reason}", path.display()),
            Self::Compare { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Write { path, error } if error.kind() == io::ErrorKind::NotFound => {
                write!(f, "{}: cannot write it: its folder does not exist; make it first", path.display())
            }
            Self::Write { path, error } => {
                write!(f, "{}: cannot write it: {}", path.display(), io_reason(error))
            }
            Self::Some { failed: 2, of: 2 } => write!(f, "both files failed; nothing was written"),
            Self::Some { failed, of } if failed == of => {
                write!(f, "all {of} files failed; nothing was written")
            }
            Self::Some { failed, of } => {
                write!(f, "{failed} of {of} files failed, the others did not")
            }
            Self::Interrupted { path } => {
                write!(
                    f,
                    "{}: interrupted; nothing was written, run it again to clean the file",
                    path.display()
                )
            }
            Self::Unsearched { folders, failed, of } => {
                let s = if *folders == 1 { "" } else { "s" };
                write!(f, "{folders} folder{s} could not be searched")?;
                match (of - failed, failed) {
                    (0, _) => write!(f, "; nothing was written"),
                    (done, 0) => write!(f, "; the {done} files found elsewhere were processed"),
                    (done, failed) => {
                        write!(f, "; of the files found elsewhere {failed} failed, {done} were processed")
                    }
                }
            }
            Self::Print { error, written } => {
                write!(f, "cannot print the result: {}", io_reason(error))?;
                f.write_str(if *written { "; the file itself was written" } else { "" })
            }
        }
    }
}

impl From<sourdine_clean::Error> for Failure {
    fn from(error: sourdine_clean::Error) -> Self {
        use sourdine_clean::Error;
        match error {
            Error::Sound(error) => Self::Wav(error),
            Error::Strict { path, notice, more } => Self::Strict { path, notice, more },
            Error::Stopped { path } => Self::Interrupted { path },
            Error::Times { path, error } => Self::Write { path, error },
            error => Self::Engine(error),
        }
    }
}

impl From<SoundError> for Failure {
    fn from(error: SoundError) -> Self {
        Self::Wav(error)
    }
}
