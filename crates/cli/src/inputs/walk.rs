//! Searches folders and reads lists.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use fast_glob::glob_match;
use walkdir::{DirEntry, WalkDir};

use super::{Candidate, Plan, Request, Source};
use crate::failure::Failure;

/// The file name extensions that a folder is searched for; content is what decides in the end.
const SOUND_EXTENSIONS: [&str; 19] = [
    "wav", "wave", "bwf", "rf64", "flac", "ogg", "oga", "opus", "mp3", "m4a", "m4b", "mp4", "aac", "aif",
    "aiff", "aifc", "afc", "caf", "alac",
];

/// Everything below a folder that looks like sound, in a stable order. Links to files are followed, links to folders
/// are not: a loop would have no end. `outputs` is a folder below that is left out.
pub(super) fn walk(
    folder: &Path,
    filter: &Filter<'_>,
    outputs: Option<&Path>,
    plan: &mut Plan,
    found: &mut Vec<Candidate>,
) {
    let mut left_out = None;
    let mut entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_path_buf();
                plan.unsearched.push(Failure::Folder { path, error: error.into() });
                continue;
            }
        };
        let path = entry.path();
        let is_outputs = |outputs| path.canonicalize().is_ok_and(|place| place == outputs);
        if entry.depth() > 0 && entry.file_type().is_dir() && outputs.is_some_and(is_outputs) {
            left_out = Some(path.to_path_buf());
            entries.skip_current_dir();
            continue;
        }
        let below = path.strip_prefix(folder).unwrap_or(path);
        if is_file(&entry) && filter.takes(below) {
            found.push(Candidate { source: Source::File(path.to_path_buf()), below: below.to_path_buf() });
        }
    }
    if let Some(path) = left_out {
        plan.notes.push(format!("{}: the results go there, so it is left out of the inputs", path.display()));
    }
}

/// Returns whether it is a file, or a link to one. If that cannot be known, it counts as one: opening it gives the reason.
fn is_file(entry: &DirEntry) -> bool {
    if !entry.path_is_symlink() {
        return entry.file_type().is_file();
    }
    match entry.path().metadata() {
        Ok(about) => about.is_file(),
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// Which files of a folder are taken.
pub(super) struct Filter<'a> {
    include: &'a [String],
    exclude: &'a [String],
}

impl<'a> Filter<'a> {
    pub(super) fn new(request: &Request<'a>) -> Result<Self, Failure> {
        let (include, exclude) = (request.include, request.exclude);
        for glob in include.iter().chain(exclude) {
            fast_glob::validate(glob).map_err(|error| Failure::Glob { glob: glob.clone(), error })?;
        }
        Ok(Self { include, exclude })
    }

    fn takes(&self, below: &Path) -> bool {
        let hidden = below.components().any(|c| c.as_os_str().as_encoded_bytes().first() == Some(&b'.'));
        let taken = if self.include.is_empty() {
            below
                .extension()
                .is_some_and(|e| SOUND_EXTENSIONS.contains(&e.to_string_lossy().to_lowercase().as_str()))
        } else {
            matches(self.include, below)
        };
        taken && !hidden && !matches(self.exclude, below)
    }
}

/// Whether one of the globs matches. A glob without a separator is about the file's name, one with a separator about its path.
fn matches(globs: &[String], below: &Path) -> bool {
    let names: Vec<&[u8]> = below.iter().map(OsStr::as_encoded_bytes).collect();
    let (path, name) = (names.join(&b'/'), names.last().copied().unwrap_or_default());
    globs.iter().any(|glob| glob_match(glob, &path) || glob_match(glob, name))
}

/// Relative entries keep their folders below the output folder; of others the file name is kept.
pub(super) fn below_of_list_entry(entry: &Path) -> PathBuf {
    let plain = entry.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    if plain {
        entry.components().filter(|c| matches!(c, Component::Normal(_))).collect()
    } else {
        entry.file_name().map(PathBuf::from).unwrap_or_default()
    }
}

/// Paths from a file or the standard input: separated by NUL if there is one, by line ends otherwise.
pub(super) fn read_list(list: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut bytes = Vec::new();
    let read = if list.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(list).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::List { path: list.into(), error })?;
    let nul = bytes.contains(&0);
    let entries = bytes.split(|&b| b == if nul { 0 } else { b'\n' });
    let entries = entries.map(|e| if nul { e } else { e.strip_suffix(b"\r").unwrap_or(e) });
    Ok(entries.filter(|e| !e.is_empty()).map(path_from_bytes).collect())
}

#[cfg(unix)]
fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}
