//! Errors as Python's exceptions: those of the system as `OSError` and its kinds, the others as `ValueError`.

use std::fmt::Display;

use pyo3::PyErr;
use pyo3::exceptions::{
    PyFileExistsError, PyFileNotFoundError, PyIsADirectoryError, PyKeyboardInterrupt, PyOSError,
    PyPermissionError, PyValueError,
};
use sourdine_clean::Error;
use sourdine_settings::FindModelError;
use sourdine_soundfile::{SoundError, SoundErrorKind};

/// A value that cannot be used.
pub(crate) fn value(error: impl Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// About a sound file.
pub(crate) fn sound(error: &SoundError) -> PyErr {
    let line = error.to_string();
    match error.kind() {
        SoundErrorKind::NotFound | SoundErrorKind::OutputFolderMissing => PyFileNotFoundError::new_err(line),
        SoundErrorKind::IsDirectory | SoundErrorKind::OutputIsDirectory => PyIsADirectoryError::new_err(line),
        SoundErrorKind::ReadDenied | SoundErrorKind::WriteDenied => PyPermissionError::new_err(line),
        SoundErrorKind::OutputExists => PyFileExistsError::new_err(format!(
            "{}: exists already; replace it with overwrite=True, or name another file",
            error.path().display()
        )),
        SoundErrorKind::Read
        | SoundErrorKind::Write
        | SoundErrorKind::DiskFull
        | SoundErrorKind::OutputTooLarge
        | SoundErrorKind::SourceChanged => PyOSError::new_err(line),
        _ => PyValueError::new_err(line),
    }
}

/// About a file on its way through the engine.
pub(crate) fn file(error: &Error) -> PyErr {
    match error {
        Error::Sound(error) => sound(error),
        Error::Stopped { .. } => PyKeyboardInterrupt::new_err(error.to_string()),
        Error::Times { .. } => PyOSError::new_err(error.to_string()),
        error => value(error),
    }
}

/// About a model.
pub(crate) fn model(error: &FindModelError) -> PyErr {
    match error {
        FindModelError::Unknown { name, built_in } => value(format!(
            "model {name:?} is neither built in ({}) nor a file; see sourdine.models()",
            built_in.join(", ")
        )),
        FindModelError::Read { .. } => PyOSError::new_err(error.to_string()),
        error => value(error),
    }
}
