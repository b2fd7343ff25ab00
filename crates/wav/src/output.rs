//! Where the output goes: checked before anything is computed, written beside, moved into place at the end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{WavError, WavErrorKind};
use crate::reader::WavReader;

/// Whether an output that exists already may be replaced.
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
    pub(crate) fn check(source: &WavReader, output: &Path, overwrite: Overwrite) -> Result<Self, WavError> {
        let refuse = |kind| Err(WavError::new(output, kind));
        let ends_in_separator = output
            .as_os_str()
            .as_encoded_bytes()
            .last()
            .is_some_and(|&last| std::path::is_separator(char::from(last)));
        if output.file_name().is_none() || ends_in_separator {
            return refuse(WavErrorKind::OutputIsDirectory);
        }
        let mut place = output.to_owned();
        match fs::metadata(output) {
            Ok(found) if found.is_dir() => return refuse(WavErrorKind::OutputIsDirectory),
            Ok(found) if !found.is_file() => return refuse(WavErrorKind::OutputNotAFile),
            Ok(found) => {
                if is_same(source, output, &found)? {
                    return refuse(WavErrorKind::SameFile);
                }
                if overwrite == Overwrite::Refuse {
                    return refuse(WavErrorKind::OutputExists);
                }
                place = output.canonicalize().map_err(|error| WavError::writing(output, error))?;
            }
            // A link to nothing still has the name; where it may be replaced, the link itself is.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if overwrite == Overwrite::Refuse && fs::symlink_metadata(output).is_ok() {
                    return refuse(WavErrorKind::OutputExists);
                }
            }
            Err(error) => return Err(WavError::writing(output, error)),
        }
        let target = Self { named: output.to_owned(), place, overwrite };
        if !target.folder().is_dir() {
            return refuse(WavErrorKind::OutputFolderMissing);
        }
        Ok(target)
    }

    /// The output as the caller named it, for messages.
    pub(crate) fn named(&self) -> &Path {
        &self.named
    }

    /// A temporary file in the folder of the output, named `.NAME.sourdine-XXXXXX.tmp` and deleted when dropped.
    pub(crate) fn temporary(&self) -> Result<NamedTempFile, WavError> {
        // Not more of the name than leaves room for the rest of it in 255 bytes.
        let name = self.place.file_name().unwrap_or_default().to_string_lossy();
        let name: String = name.chars().take(48).collect();
        tempfile::Builder::new()
            .prefix(&format!(".{name}.sourdine-"))
            .suffix(".tmp")
            .tempfile_in(self.folder())
            .map_err(|error| WavError::writing(&self.named, error))
    }

    /// Gives the finished temporary file the permissions of the source, brings it to the disk and to its name.
    pub(crate) fn commit(&self, file: NamedTempFile, permissions: fs::Permissions) -> Result<(), WavError> {
        let failed = |error| WavError::writing(&self.named, error);
        match file.as_file().set_permissions(permission_bits(permissions)) {
            // File systems without permissions are no reason to lose the work.
            Err(error)
                if !matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) =>
            {
                return Err(failed(error));
            }
            _ => {}
        }
        file.as_file().sync_all().map_err(failed)?;
        let moved = match self.overwrite {
            Overwrite::Refuse => file.persist_noclobber(&self.place),
            Overwrite::Replace => file.persist(&self.place),
        };
        moved.map(drop).map_err(|error| failed(error.error))
    }

    fn folder(&self) -> &Path {
        match self.place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }
}

/// Whether the output, which was `found`, is the file that is being read, under whatever name.
#[cfg(unix)]
fn is_same(source: &WavReader, _output: &Path, found: &fs::Metadata) -> Result<bool, WavError> {
    let read = source.file().metadata().map_err(|error| WavError::reading(source.path(), error))?;
    Ok(same_inode(&read, found))
}

/// Whether the output, which was `found`, is the file that is being read, as far as paths tell.
#[cfg(not(unix))]
fn is_same(source: &WavReader, output: &Path, _found: &fs::Metadata) -> Result<bool, WavError> {
    let read = source.path().canonicalize().map_err(|error| WavError::reading(source.path(), error))?;
    Ok(output.canonicalize().map_err(|error| WavError::writing(output, error))? == read)
}

/// Whether both are the same file on the same device.
#[cfg(unix)]
pub(crate) fn same_inode(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Not known without the system's help.
#[cfg(not(unix))]
pub(crate) fn same_inode(_one: &fs::Metadata, _other: &fs::Metadata) -> bool {
    true
}

/// Read, write and execute for owner, group and others, without set-user-id and its like.
#[cfg(unix)]
fn permission_bits(permissions: fs::Permissions) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(permissions.mode() & 0o777)
}

#[cfg(not(unix))]
fn permission_bits(permissions: fs::Permissions) -> fs::Permissions {
    permissions
}
