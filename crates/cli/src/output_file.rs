//! Reports and segments as files, which have their name only when they are complete.

use std::io::{self, Write};
use std::path::Path;

use sourdine_soundfile::temporary_file;
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// Refuses a path that cannot be written, before any work is done.
pub(crate) fn check(path: &Path, overwrite: bool) -> Result<(), Failure> {
    let refuse = |error| Err(Failure::Write { path: path.into(), error });
    if path.is_dir() {
        return refuse(io::ErrorKind::IsADirectory.into());
    }
    if !overwrite && path.symlink_metadata().is_ok() {
        return refuse(io::ErrorKind::AlreadyExists.into());
    }
    if !folder(path).is_dir() {
        return refuse(io::ErrorKind::NotFound.into());
    }
    Ok(())
}

/// Returns whether a path ends in one of these extensions, in capitals or not.
pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| extensions.contains(&&*extension))
}

/// Writes a file under a temporary name and moves it into place.
pub(crate) fn write(path: &Path, overwrite: bool, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error| Failure::Write { path: path.into(), error };
    let mut file = temporary_file(path, ".tmp", false).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    persist(file, path, overwrite)
}

/// Gives a temporary file its name.
pub(crate) fn persist(file: NamedTempFile, path: &Path, overwrite: bool) -> Result<(), Failure> {
    let done = if overwrite { file.persist(path) } else { file.persist_noclobber(path) };
    done.map(drop).map_err(|failed| Failure::Write { path: path.into(), error: failed.error })
}

/// The folder that a path names a file in.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
