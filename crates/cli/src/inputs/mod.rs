//! From what the user named (files, folders, lists, `-`) to one task for each file: what is read, what is written.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use walkdir::WalkDir;

use crate::failure::Failure;

/// The file name extensions that a folder is searched for; content is what decides in the end.
const SOUND_EXTENSIONS: [&str; 18] = [
    "wav", "wave", "bwf", "rf64", "flac", "ogg", "oga", "mp3", "m4a", "m4b", "mp4", "aac", "aif", "aiff",
    "aifc", "afc", "caf", "alac",
];

/// A file to read, or the standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum From {
    /// A file.
    File(PathBuf),
    /// The standard input.
    Stdin,
}

/// A file to write, or the standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum To {
    /// A file.
    File(PathBuf),
    /// The standard output.
    Stdout,
}

/// One file's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) from: From,
    pub(crate) to: To,
    /// The output lies in a tree that mirrors the input's: its folders are made as they are needed.
    pub(crate) mirrored: bool,
}

impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stdin => write!(f, "standard input"),
        }
    }
}

impl std::fmt::Display for To {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stdout => write!(f, "standard output"),
        }
    }
}

impl Task {
    /// The file to write, if it is one.
    pub(crate) fn output_file(&self) -> Option<&Path> {
        match &self.to {
            To::File(path) => Some(path),
            To::Stdout => None,
        }
    }
}

/// What the user named.
#[derive(Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) inputs: &'a [PathBuf],
    pub(crate) files_from: Option<&'a Path>,
    pub(crate) output: Option<&'a Path>,
    pub(crate) include: &'a [String],
    pub(crate) exclude: &'a [String],
    /// The extension of all outputs, where the user chose one.
    pub(crate) extension: Option<&'static str>,
}

/// One input with the place that it has below the output folder.
struct Found {
    from: From,
    below: PathBuf,
}

/// Turns what the user named into tasks.
///
/// # Errors
/// Nothing named or found, a list or folder that cannot be read, two inputs with one output, an output that is an
/// input.
pub(crate) fn plan(request: &Request) -> Result<Vec<Task>, Failure> {
    let filter = Filter::new(request)?;
    let mut found = Vec::new();
    let mut several = request.files_from.is_some() || request.inputs.len() > 1;
    for input in request.inputs {
        if input.as_os_str() == "-" {
            found.push(Found { from: From::Stdin, below: "stdin.wav".into() });
        } else if input.is_dir() {
            several = true;
            if request.output.is_none() {
                return Err(Failure::use_of(input, "a folder: say where the results go with -o FOLDER"));
            }
            walk(input, &filter, &mut found)?;
        } else {
            let below = input.file_name().map(PathBuf::from).unwrap_or_default();
            found.push(Found { from: From::File(input.clone()), below });
        }
    }
    if let Some(list) = request.files_from {
        for entry in read_list(list)? {
            if entry.is_dir() {
                if request.output.is_none() {
                    return Err(Failure::use_of(&entry, "a folder: say where the results go with -o FOLDER"));
                }
                walk(&entry, &filter, &mut found)?;
            } else {
                let below = below_of_list_entry(&entry);
                found.push(Found { from: From::File(entry), below });
            }
        }
    }
    if found.is_empty() {
        let named = request.inputs.first().map(PathBuf::as_path).or(request.files_from);
        return Err(Failure::use_of(
            named.unwrap_or(Path::new("-")),
            "no sound files there; check --include and --exclude",
        ));
    }
    let tasks =
        found.into_iter().map(|found| task(found, several, request)).collect::<Result<Vec<_>, _>>()?;
    refuse_clashes(&tasks)?;
    Ok(tasks)
}

/// Where one input's result goes.
fn task(found: Found, several: bool, request: &Request) -> Result<Task, Failure> {
    let mirrored = several && request.output.is_some();
    let to = match request.output {
        Some(output) if output.as_os_str() == "-" => {
            if several {
                return Err(Failure::use_of(
                    output,
                    "several files do not fit into one stream; name a folder with -o",
                ));
            }
            To::Stdout
        }
        Some(output) if several || output.is_dir() || ends_in_separator(output) => {
            To::File(output.join(with_extension(&found.below, request.extension)))
        }
        Some(output) => To::File(output.to_path_buf()),
        None => match &found.from {
            From::Stdin => To::Stdout,
            From::File(path) => {
                let name = with_extension(&found.below, request.extension);
                let (stem, extension) = (name.file_stem(), name.extension().unwrap_or_default());
                let Some(stem) = stem else {
                    return Err(Failure::use_of(path, "not the name of a file; give one"));
                };
                let mut clean = stem.to_os_string();
                clean.push(".clean.");
                clean.push(extension);
                To::File(path.with_file_name(clean))
            }
        },
    };
    Ok(Task { from: found.from, to, mirrored })
}

/// The name with the extension that it can be written under: its own for what is written as it was read, `wav`
/// otherwise.
fn with_extension(name: &Path, chosen: Option<&str>) -> PathBuf {
    let lower = name.extension().map(|e| e.to_string_lossy().to_lowercase());
    match (chosen, lower.as_deref()) {
        (Some(chosen), _) => name.with_extension(chosen),
        (None, Some("wav" | "wave" | "flac" | "bwf" | "rf64")) => name.to_path_buf(),
        (None, _) => name.with_extension("wav"),
    }
}

fn ends_in_separator(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|&b| std::path::is_separator(char::from(b)))
}

/// Relative entries keep their folders below the output folder; of others the file name is kept.
fn below_of_list_entry(entry: &Path) -> PathBuf {
    let plain = entry.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    if plain {
        entry.components().filter(|c| matches!(c, Component::Normal(_))).collect()
    } else {
        entry.file_name().map(PathBuf::from).unwrap_or_default()
    }
}

/// Everything below a folder that looks like sound, in a stable order. Links to files are followed, links to folders
/// are not: a loop would have no end.
fn walk(folder: &Path, filter: &Filter, found: &mut Vec<Found>) -> Result<(), Failure> {
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_path_buf();
            Failure::Folder { path, error: error.into() }
        })?;
        let path = entry.path();
        let below = path.strip_prefix(folder).unwrap_or(path);
        if path.is_file() && filter.takes(below) {
            found.push(Found { from: From::File(path.to_path_buf()), below: below.to_path_buf() });
        }
    }
    Ok(())
}

/// Which files of a folder are taken.
struct Filter {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Filter {
    fn new(request: &Request) -> Result<Self, Failure> {
        let set = |globs: &[String]| {
            let mut set = GlobSetBuilder::new();
            for glob in globs {
                set.add(Glob::new(glob).map_err(|error| Failure::Glob { glob: glob.clone(), error })?);
            }
            set.build().map_err(|error| Failure::Glob { glob: globs.join(" "), error })
        };
        let include = if request.include.is_empty() { None } else { Some(set(request.include)?) };
        Ok(Self { include, exclude: set(request.exclude)? })
    }

    fn takes(&self, below: &Path) -> bool {
        let hidden = below.components().any(|c| c.as_os_str().as_encoded_bytes().first() == Some(&b'.'));
        // A glob without a separator is about the file's name, one with a separator about its path.
        let matches =
            |set: &GlobSet| set.is_match(below) || below.file_name().is_some_and(|n| set.is_match(n));
        let taken = match &self.include {
            Some(include) => matches(include),
            None => below
                .extension()
                .is_some_and(|e| SOUND_EXTENSIONS.contains(&e.to_string_lossy().to_lowercase().as_str())),
        };
        taken && !hidden && !matches(&self.exclude)
    }
}

/// Paths from a file or the standard input: separated by NUL if there is one, by line ends otherwise.
fn read_list(list: &Path) -> Result<Vec<PathBuf>, Failure> {
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
    std::ffi::OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Two inputs for one output, or an output that is somebody's input, would lose a file.
fn refuse_clashes(tasks: &[Task]) -> Result<(), Failure> {
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let inputs: HashSet<PathBuf> = tasks
        .iter()
        .filter_map(|task| match &task.from {
            From::File(path) => Some(full(path)),
            From::Stdin => None,
        })
        .collect();
    let mut outputs: HashMap<PathBuf, &From> = HashMap::new();
    for task in tasks {
        let Some(output) = task.output_file() else { continue };
        let place = full(output);
        if inputs.contains(&place) {
            return Err(Failure::use_of(
                output,
                "this output is an input too, and inputs are never changed; name another with -o",
            ));
        }
        if let Some(other) = outputs.insert(place, &task.from) {
            return Err(Failure::SameOutput {
                one: other.to_string(),
                other: task.from.to_string(),
                output: output.to_path_buf(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;

    fn touch(root: &Path, names: &[&str]) {
        for name in names {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
    }

    fn outputs(tasks: &[Task], root: &Path) -> Vec<String> {
        let relative = |p: &Path| p.strip_prefix(root).unwrap_or(p).to_string_lossy().replace('\\', "/");
        tasks.iter().map(|t| t.output_file().map_or("-".into(), relative)).collect()
    }

    #[test]
    fn a_folder_is_mirrored() {
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), &["in/a.wav", "in/b/c.MP3", "in/b/notes.txt", "in/.hidden/x.wav", "in/b/d.flac"]);
        let inputs = [root.path().join("in")];
        let out = root.path().join("out");
        let request = Request { inputs: &inputs, output: Some(&out), ..Request::default() };
        assert_eq!(
            outputs(&plan(&request).unwrap(), root.path()),
            ["out/a.wav", "out/b/c.wav", "out/b/d.flac"]
        );

        let (include, exclude) = (["*.wav".into(), "b/*".into()], ["*.txt".into(), "d.*".into()]);
        let request = Request { include: &include, exclude: &exclude, ..request };
        assert_eq!(outputs(&plan(&request).unwrap(), root.path()), ["out/a.wav", "out/b/c.wav"]);
        let request = Request { output: None, ..request };
        assert!(plan(&request).is_err(), "a folder needs -o");
    }

    #[test]
    fn single_files_and_streams() {
        let one = |input: &str, output: Option<&str>| {
            let inputs = [PathBuf::from(input)];
            let request = Request { inputs: &inputs, output: output.map(Path::new), ..Request::default() };
            plan(&request).unwrap().remove(0).to
        };
        assert_eq!(one("x/talk.wav", None), To::File("x/talk.clean.wav".into()));
        assert_eq!(one("x/talk.mp3", None), To::File("x/talk.clean.wav".into()));
        assert_eq!(one("x/talk.flac", None), To::File("x/talk.clean.flac".into()));
        assert_eq!(one("talk", None), To::File("talk.clean.wav".into()));
        assert_eq!(one("-", None), To::Stdout);
        assert_eq!(one("a.wav", Some("b.wav")), To::File("b.wav".into()));
        assert_eq!(one("a.wav", Some("folder/")), To::File("folder/a.wav".into()));
        assert_eq!(one("a.wav", Some("-")), To::Stdout);
    }

    #[test]
    fn nothing_can_be_lost() {
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), &["a/x.wav", "b/x.wav"]);
        let inputs = [root.path().join("a/x.wav"), root.path().join("b/x.wav")];
        let (out, a) = (root.path().join("out"), root.path().join("a"));
        let clash = Request { inputs: &inputs, output: Some(&out), ..Request::default() };
        assert!(plan(&clash).unwrap_err().to_string().contains("both"));
        let over = Request { inputs: &inputs[..1], output: Some(&a), ..Request::default() };
        assert!(plan(&over).unwrap_err().to_string().contains("never changed"));
        let stream = Request { inputs: &inputs, output: Some(Path::new("-")), ..Request::default() };
        assert!(plan(&stream).is_err());
    }

    #[test]
    fn lists_by_line_and_by_nul() {
        let root = tempfile::tempdir().unwrap();
        let list = root.path().join("list");
        let out = root.path().join("out");
        let request = Request { files_from: Some(&list), output: Some(&out), ..Request::default() };
        for text in ["s/1.wav\r\nt/1.wav\n\n/far/2.wav\n", "s/1.wav\0t/1.wav\0/far/2.wav"] {
            std::fs::write(&list, text).unwrap();
            assert_eq!(
                outputs(&plan(&request).unwrap(), root.path()),
                ["out/s/1.wav", "out/t/1.wav", "out/2.wav"]
            );
        }
        std::fs::write(&list, "line\nbreak.wav\0").unwrap();
        assert_eq!(outputs(&plan(&request).unwrap(), root.path()), ["out/line\nbreak.wav"]);
        std::fs::write(&list, "").unwrap();
        assert!(plan(&request).is_err());
    }
}
