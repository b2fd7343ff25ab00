//! Temporary files on their way to a name: recognisable, locked while they are written, and removed once abandoned.
//!
//! The lock is the system's and ends with the process, however that ends. Process numbers would tell nothing: they are
//! reused, and mean nothing to another container that writes into the same folder.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Marks our files among those of others.
const MARK: &str = ".sourdine-";

/// Random characters after the mark.
const RANDOM: usize = 6;

/// The endings of the names.
const ENDINGS: [&str; 2] = [".tmp", ".png"];

/// Used on systems whose locks are advisory.
const LOCKS: bool = cfg!(unix);

/// Makes a file `.NAME.sourdine-XXXXXX.tmp` in the folder of `place` that is deleted when dropped. `ending` is `.tmp` or
/// `.png`. A private file is readable by its owner only, others as the user's file mask says.
///
/// # Errors
/// Those of the system.
pub fn temporary_file(place: &Path, ending: &str, private: bool) -> io::Result<NamedTempFile> {
    debug_assert!(ENDINGS.contains(&ending), "{ending} would not be recognised");
    // Not more of the name than leaves room for the rest of it in 255 bytes.
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take(48).collect();
    let prefix = format!(".{name}{MARK}");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(ending).rand_bytes(RANDOM);
    #[cfg(unix)]
    if !private {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = private;
    loop {
        let file = builder.tempfile_in(folder(place))?;
        // Before it was locked, another process may have taken it for abandoned.
        if !LOCKS || is_claimed(&file)? {
            return Ok(file);
        }
    }
}

/// Locks a file that was just made; false if another process removes it, or has.
fn is_claimed(file: &NamedTempFile) -> io::Result<bool> {
    match file.as_file().try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(false),
        // A file system without locks, on which no other process gets one either.
        Err(TryLockError::Error(_)) => return Ok(true),
        Ok(()) => {}
    }
    Ok(is_at(file.as_file(), file.path()))
}

/// Returns whether the name is that of the open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    let (there, open) = (path.symlink_metadata(), file.metadata());
    there.is_ok_and(|there| open.is_ok_and(|open| crate::output::same_inode(&there, &open)))
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Removes the leftovers of killed writers from a folder: files of [`temporary_file`] on which no process holds the lock.
/// Files that cannot be read, locked or removed stay.
pub fn remove_abandoned(folder: &Path) {
    if !LOCKS {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_ours(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let path = entry.path();
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() && is_at(&file, &path) {
                // Tried again at the next run.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Returns whether a name is one that [`temporary_file`] gives.
fn is_ours(name: &OsStr) -> bool {
    let Some(name) = name.to_str().filter(|name| name.starts_with('.')) else { return false };
    let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
    let random = stem.and_then(|stem| stem.rsplit_once(MARK)).map(|(_, random)| random);
    random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The folder that a path names a file in.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn only_abandoned_files_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let foreign =
            [".a.wav.sourdine-abc.tmp", ".sourdine-abcdef", "a.sourdine-abcdef.tmp", ".a-abcdef.tmp"];
        for name in foreign {
            fs::write(root.path().join(name), b"another's").unwrap();
        }
        fs::create_dir(root.path().join(".d.wav.sourdine-abcdef.tmp")).unwrap();
        let before = names(root.path());
        for name in [".a.wav.sourdine-abcdef.tmp", ".r.png.sourdine-Ab3dE9.png"] {
            fs::write(root.path().join(name), b"left behind").unwrap();
        }
        let written = temporary_file(&root.path().join("b.wav"), ".tmp", true).unwrap();
        remove_abandoned(root.path());
        assert!(written.path().exists(), "a file that is being written was removed");
        let own = written.path().file_name().unwrap().to_str().unwrap().to_owned();
        assert!(own.starts_with(".b.wav.sourdine-"), "{own}");
        written.close().unwrap();
        assert_eq!(names(root.path()), before);
    }

    /// The races that the loop in [`temporary_file`] handles, at the two moments at which they can happen.
    #[test]
    fn a_file_is_not_claimed_that_another_takes_away() {
        let root = tempfile::tempdir().unwrap();
        let unlocked =
            || Builder::new().prefix(".a.wav.sourdine-").suffix(".tmp").tempfile_in(root.path()).unwrap();
        let gone = unlocked();
        remove_abandoned(root.path());
        assert!(!gone.path().exists() && !is_claimed(&gone).unwrap());
        let going = unlocked();
        let other = File::open(going.path()).unwrap();
        other.try_lock().unwrap();
        assert!(!is_claimed(&going).unwrap());
        drop(other);
        assert!(is_claimed(&going).unwrap());
    }

    #[test]
    fn a_file_that_was_taken_for_abandoned_is_made_anew() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("a.wav");
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for _ in 0..300 {
                    let mut file = temporary_file(&place, ".tmp", true).unwrap();
                    io::Write::write_all(&mut file, &[1; 100]).unwrap();
                    file.persist(&place).unwrap();
                }
            });
            while !writer.is_finished() {
                remove_abandoned(root.path());
            }
            writer.join().unwrap();
        });
        assert_eq!(names(root.path()), ["a.wav"]);
    }
}
