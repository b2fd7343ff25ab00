//! The output file: checked before anything is computed, written under a temporary name, moved into place at the end.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::attributes::Attributes;
use crate::error::{SoundError, SoundErrorKind};
use crate::sound::SoundReader;
use crate::temporary::{folder, temporary_file};

/// Whether an existing output may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overwrite {
    /// An existing output is an error, even if it appears only while the new one is being written.
    Refuse,
    /// An existing output is replaced at the very end, in one step. If it is a symbolic link, the file it points to is
    /// replaced and the link stays.
    Replace,
}

/// An output that may be written, and does not exist under its name yet.
#[derive(Debug)]
pub(crate) struct Target {
    /// As the caller named it.
    named: PathBuf,
    /// With symbolic links followed.
    place: PathBuf,
    overwrite: Overwrite,
}

impl Target {
    /// Checks that `output` may be written from `source`.
    pub(crate) fn check(
        source: &SoundReader,
        output: &Path,
        overwrite: Overwrite,
    ) -> Result<Self, SoundError> {
        let refuse = |kind| Err(SoundError::new(output, kind));
        let ends_in_separator = output
            .as_os_str()
            .as_encoded_bytes()
            .last()
            .is_some_and(|&last| std::path::is_separator(char::from(last)));
        if output.file_name().is_none() || ends_in_separator {
            return refuse(SoundErrorKind::OutputIsDirectory);
        }
        let mut place = output.to_owned();
        match fs::metadata(output) {
            Ok(found) if found.is_dir() => return refuse(SoundErrorKind::OutputIsDirectory),
            Ok(found) if !found.is_file() => return refuse(SoundErrorKind::OutputNotAFile),
            Ok(found) => {
                if is_same(source, output, &found)? {
                    return refuse(SoundErrorKind::SameFile);
                }
                if overwrite == Overwrite::Refuse {
                    return refuse(SoundErrorKind::OutputExists);
                }
                place = output.canonicalize().map_err(|error| SoundError::writing(output, error))?;
            }
            // A link to nothing still has the name; where it may be replaced, the link itself is.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if overwrite == Overwrite::Refuse && fs::symlink_metadata(output).is_ok() {
                    return refuse(SoundErrorKind::OutputExists);
                }
            }
            Err(error) => return Err(SoundError::writing(output, error)),
        }
        let target = Self { named: output.to_owned(), place, overwrite };
        if !target.folder().is_dir() {
            return refuse(SoundErrorKind::OutputFolderMissing);
        }
        Ok(target)
    }

    /// The output as the caller named it, for messages.
    pub(crate) fn named(&self) -> &Path {
        &self.named
    }

    /// A temporary file in the folder of the output, deleted when dropped. Private until it takes over the permissions of
    /// its source, or with those of a new file.
    pub(crate) fn temporary(&self, private: bool) -> Result<NamedTempFile, SoundError> {
        temporary_file(&self.place, ".tmp", private).map_err(|error| SoundError::writing(&self.named, error))
    }

    /// Gives the finished temporary file the attributes of its source, if it has one, syncs it to the disk and gives it its
    /// name.
    pub(crate) fn commit(&self, file: NamedTempFile, like: Option<&Attributes>) -> Result<(), SoundError> {
        let failed = |error| SoundError::writing(&self.named, error);
        if let Some(like) = like {
            like.give(file.as_file()).map_err(failed)?;
        }
        file.as_file().sync_all().map_err(failed)?;
        let moved = match self.overwrite {
            Overwrite::Refuse => file.persist_noclobber(&self.place),
            Overwrite::Replace => file.persist(&self.place),
        };
        moved.map(drop).map_err(|error| failed(error.error))
    }

    fn folder(&self) -> &Path {
        folder(&self.place)
    }
}

/// Returns whether the output, which was `found`, is the file that is being read, under whatever name.
#[cfg(unix)]
fn is_same(source: &SoundReader, _output: &Path, found: &fs::Metadata) -> Result<bool, SoundError> {
    let Some(file) = source.file() else { return Ok(false) };
    let read = file.metadata().map_err(|error| SoundError::reading(source.path(), error))?;
    // Another file may have taken over the name of the input; that one is not to be replaced either.
    let renamed = fs::metadata(source.path()).is_ok_and(|named| same_inode(&named, found));
    Ok(renamed || same_inode(&read, found))
}

/// Returns whether the output, which was `found`, is the file that is being read, as far as paths tell.
#[cfg(not(unix))]
fn is_same(source: &SoundReader, output: &Path, _found: &fs::Metadata) -> Result<bool, SoundError> {
    if source.file().is_none() {
        return Ok(false);
    }
    let read = source.path().canonicalize().map_err(|error| SoundError::reading(source.path(), error))?;
    Ok(output.canonicalize().map_err(|error| SoundError::writing(output, error))? == read)
}

/// The destination of an output's bytes.
pub(crate) enum Out {
    /// A temporary file, until it gets its name.
    Temporary(NamedTempFile),
    /// A pipe, or another stream that cannot seek.
    Stream(Box<dyn Write + Send>),
}

impl std::fmt::Debug for Out {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Temporary(file) => f.debug_tuple("Temporary").field(file).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Temporary(file) => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Temporary(file) => file.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}

/// Returns whether both are the same file on the same device.
#[cfg(unix)]
pub(crate) fn same_inode(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}
