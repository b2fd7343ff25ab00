//! Protects inputs from being written, whatever path leads to them: another name, a link in the output folder, a folder by another
//! way, the standard output.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

use super::{Source, Task};
use crate::failure::Failure;

/// The files that a run reads.
#[derive(Debug, Default)]
pub(crate) struct Untouched {
    /// The targets of their paths, also of those that lead to nothing yet.
    places: HashSet<PathBuf>,
    files: HashSet<FileId>,
}

impl Untouched {
    /// Collects the inputs of all tasks, and other files that are read.
    pub(crate) fn new<'a>(tasks: &'a [Task], others: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut untouched = Self::default();
        for task in tasks {
            match &task.source {
                Source::File(path) => untouched.add(path),
                Source::Stdin => untouched.files.extend(standard_input()),
            }
        }
        others.into_iter().for_each(|path| untouched.add(path));
        untouched
    }

    fn add(&mut self, path: &Path) {
        self.places.insert(place(path));
        self.files.extend(path.metadata().ok().and_then(file_id));
    }

    /// Refuses an output that is one of them.
    pub(crate) fn refuse(&self, output: &Path) -> Result<(), Failure> {
        let is_input = self.places.contains(&place(output)) || self.holds(output.metadata().ok());
        if is_input {
            return Err(Failure::use_of(
                output,
                "this output is an input too, and inputs are never changed; name another with -o",
            ));
        }
        Ok(())
    }

    /// Refuses a standard output that was directed into one of them.
    pub(crate) fn refuse_standard_output(&self) -> Result<(), Failure> {
        if standard_output().is_some_and(|id| self.files.contains(&id)) {
            return Err(Failure::use_of(
                Path::new("standard output"),
                "goes into an input, and inputs are never changed; direct it elsewhere",
            ));
        }
        Ok(())
    }

    fn holds(&self, found: Option<Metadata>) -> bool {
        found.and_then(file_id).is_some_and(|id| self.files.contains(&id))
    }
}

/// Resolves a path: follows links, also one to nothing at its end, as far as the path exists; from there on by
/// name, for what will be made is no link.
pub(crate) fn place(path: &Path) -> PathBuf {
    let mut path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    // As many links as Linux follows.
    for _ in 0..40 {
        let Ok(target) = path.read_link() else { break };
        path = path.parent().unwrap_or(&path).join(target);
    }
    let mut rest = Vec::new();
    let mut there = path.components();
    loop {
        if let Ok(mut found) = there.as_path().canonicalize() {
            for component in rest.into_iter().rev() {
                match component {
                    Component::Normal(name) => found.push(name),
                    Component::ParentDir => drop(found.pop()),
                    _ => {}
                }
            }
            return found;
        }
        match there.next_back() {
            Some(component) => rest.push(component),
            None => return path,
        }
    }
}

/// Device and inode of a file: the same under every name.
#[cfg(unix)]
type FileId = (u64, u64);

#[cfg(unix)]
fn file_id(about: Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    about.is_file().then(|| (about.dev(), about.ino()))
}

#[cfg(unix)]
fn standard_input() -> Option<FileId> {
    id_behind(std::io::stdin())
}

#[cfg(unix)]
fn standard_output() -> Option<FileId> {
    id_behind(std::io::stdout())
}

#[cfg(unix)]
fn id_behind(stream: impl std::os::fd::AsFd) -> Option<FileId> {
    let file = std::fs::File::from(stream.as_fd().try_clone_to_owned().ok()?);
    file.metadata().ok().and_then(file_id)
}

/// Other systems only have the path.
#[cfg(not(unix))]
type FileId = ();

#[cfg(not(unix))]
fn file_id(_about: Metadata) -> Option<FileId> {
    None
}

#[cfg(not(unix))]
fn standard_input() -> Option<FileId> {
    None
}

#[cfg(not(unix))]
fn standard_output() -> Option<FileId> {
    None
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn places() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("in")).unwrap();
        std::fs::write(root.join("in/a.wav"), b"").unwrap();
        symlink("in", root.join("way")).unwrap();
        symlink("b.wav", root.join("in/to-nothing.wav")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        for (path, leads) in [
            ("in/a.wav", "in/a.wav"),
            ("way/a.wav", "in/a.wav"),
            ("in/../in/./a.wav", "in/a.wav"),
            ("way/to-nothing.wav", "in/b.wav"),
            ("new/folder/../x.wav", "new/x.wav"),
            ("new/../way/a.wav", "way/a.wav"),
            ("loop", "loop"),
        ] {
            assert_eq!(place(&root.join(path)), root.join(leads), "{path}");
        }
        assert_eq!(place(Path::new("/")), Path::new("/"));
    }
}
