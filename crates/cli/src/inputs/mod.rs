//! Turns files, folders, lists and `-` into one task for each file: an input and an output.

mod own;
mod untouched;
mod walk;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sourdine_soundfile::{RawSpec, SoundReader};

use crate::failure::Failure;
use crate::output_file::has_extension;
pub(crate) use untouched::{Untouched, place};
use walk::Filter;

/// A file to read, or the standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file.
    File(PathBuf),
    /// The standard input.
    Stdin,
}

/// A file to write, or the standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sink {
    /// A file.
    File(PathBuf),
    /// The standard output.
    Stdout,
}

/// One file to process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) source: Source,
    pub(crate) sink: Sink,
    /// The output lies in a folder that was named as one, or in a tree that mirrors the input's: folders are made as they are needed.
    pub(crate) mirrored: bool,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stdin => write!(f, "standard input"),
        }
    }
}

impl std::fmt::Display for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stdout => write!(f, "standard output"),
        }
    }
}

impl Task {
    /// The file to read, if it is one.
    #[cfg(feature = "report")]
    pub(crate) fn input_file(&self) -> Option<&Path> {
        match &self.source {
            Source::File(path) => Some(path),
            Source::Stdin => None,
        }
    }

    /// The file to write, if it is one.
    pub(crate) fn output_file(&self) -> Option<&Path> {
        match &self.sink {
            Sink::File(path) => Some(path),
            Sink::Stdout => None,
        }
    }

    /// Begins to read the input; `raw` is what the standard input is, if not WAV.
    pub(crate) fn open(&self, raw: Option<RawSpec>) -> Result<SoundReader, Failure> {
        Ok(match (&self.source, raw) {
            (Source::File(path), _) => SoundReader::open(path)?,
            (Source::Stdin, None) => SoundReader::from_stream(Box::new(std::io::stdin()), "standard input")?,
            (Source::Stdin, Some(spec)) => {
                SoundReader::raw(Box::new(std::io::stdin()), spec, "standard input")?
            }
        })
    }

    /// Makes the folders that mirror those of the input.
    pub(crate) fn make_folder(&self) -> Result<(), Failure> {
        match self.output_file().and_then(Path::parent) {
            Some(folder) if self.mirrored && !folder.as_os_str().is_empty() => {
                std::fs::create_dir_all(folder)
                    .map_err(|error| Failure::Write { path: folder.to_path_buf(), error })
            }
            _ => Ok(()),
        }
    }
}

/// The inputs and outputs of the command line.
#[derive(Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) inputs: &'a [PathBuf],
    pub(crate) files_from: Option<&'a Path>,
    pub(crate) output: Option<&'a Path>,
    pub(crate) include: &'a [String],
    pub(crate) exclude: &'a [String],
    pub(crate) naming: Naming,
    /// Outputs may be replaced.
    pub(crate) force: bool,
    /// What is written is what was removed.
    pub(crate) residue: bool,
    /// Each output is several files, with numbers in their names.
    pub(crate) split: bool,
    /// Other files that are read: models, settings.
    pub(crate) also_read: &'a [PathBuf],
}

/// Rules for the names of outputs that the user did not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// As the input, with the chosen extension if there is one; next to it with `.clean` (or `.residue`) in the name.
    Sound(Option<&'static str>),
    /// As the input, with this extension; without a folder for them they go to the standard output.
    Text(&'static str),
}

impl Default for Naming {
    fn default() -> Self {
        Self::Sound(None)
    }
}

/// The tasks of a run.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) tasks: Vec<Task>,
    /// Folders that could not be searched.
    pub(crate) unsearched: Vec<Failure>,
    /// Notes on inputs that were left out.
    pub(crate) notes: Vec<String>,
    pub(crate) untouched: Untouched,
}

impl Plan {
    /// Returns whether there is more than one result to tell.
    pub(crate) fn is_several(&self) -> bool {
        self.tasks.len() + self.unsearched.len() > 1
    }

    /// The folders that are written into, links followed.
    pub(crate) fn output_folders(&self) -> Vec<PathBuf> {
        let folder = |task: &Task| Some(place(task.output_file()?).parent()?.to_path_buf());
        let mut folders: Vec<PathBuf> = self.tasks.iter().filter_map(folder).collect();
        folders.sort();
        folders.dedup();
        folders
    }
}

/// One input with the place that it has below the output folder.
struct Candidate {
    source: Source,
    below: PathBuf,
}

/// Turns what the user named into tasks.
///
/// # Errors
/// Nothing named or found, a list or the only folder that cannot be read, two inputs with one output, an output that is an input.
pub(crate) fn plan(request: &Request) -> Result<Plan, Failure> {
    let filter = Filter::new(request)?;
    let (mut plan, mut found) = (Plan::default(), Vec::new());
    let mut several = request.files_from.is_some() || request.inputs.len() > 1;
    // Text output has no place among the sound files searched.
    let outputs = match (request.naming, request.output) {
        (Naming::Sound(_), Some(output)) => Some(place(output)),
        _ => None,
    };
    let search = |folder: &Path, plan: &mut Plan, found: &mut Vec<Candidate>| {
        if request.output.is_none() && matches!(request.naming, Naming::Sound(_)) {
            return Err(Failure::use_of(folder, "is a folder; say where the results go with -o FOLDER"));
        }
        walk::walk(folder, &filter, outputs.as_deref(), plan, found);
        Ok(())
    };
    for input in request.inputs {
        if input.as_os_str() == "-" {
            found.push(Candidate { source: Source::Stdin, below: "stdin.wav".into() });
        } else if input.is_dir() {
            several = true;
            search(input, &mut plan, &mut found)?;
        } else {
            let below = input.file_name().map(PathBuf::from).unwrap_or_default();
            found.push(Candidate { source: Source::File(input.clone()), below });
        }
    }
    if let Some(list) = request.files_from {
        for entry in walk::read_list(list)? {
            if entry.is_dir() {
                search(&entry, &mut plan, &mut found)?;
            } else {
                let below = walk::below_of_list_entry(&entry);
                found.push(Candidate { source: Source::File(entry), below });
            }
        }
    }
    if found.is_empty() && plan.unsearched.is_empty() {
        let named = request.inputs.first().map(PathBuf::as_path).or(request.files_from);
        let filtered = !request.include.is_empty() || !request.exclude.is_empty();
        let why = if filtered {
            "no sound files there; check --include and --exclude"
        } else {
            "no sound files there; name another folder, or files"
        };
        return Err(Failure::use_of(named.unwrap_or(Path::new("-")), why));
    }
    if found.is_empty() && plan.unsearched.len() == 1 {
        return Err(plan.unsearched.remove(0));
    }
    let tasks =
        found.into_iter().map(|found| task(found, several, request)).collect::<Result<Vec<_>, _>>()?;
    own::leave_out(request, tasks, &mut plan);
    let list = request.files_from.filter(|list| list.as_os_str() != "-");
    let others = request.also_read.iter().map(PathBuf::as_path).chain(list);
    plan.untouched = Untouched::new(&plan.tasks, others);
    refuse_clashes(&plan)?;
    Ok(plan)
}

/// Names the output of one input.
fn task(found: Candidate, several: bool, request: &Request) -> Result<Task, Failure> {
    let mirrored = request.output.is_some_and(|output| several || ends_in_separator(output));
    let sink = match (request.output, request.naming) {
        (Some(output), Naming::Sound(_)) if output.as_os_str() == "-" && several => {
            return Err(Failure::use_of(
                output,
                "several files do not fit into one stream; name a folder with -o",
            ));
        }
        (Some(output), _) if output.as_os_str() == "-" => Sink::Stdout,
        (Some(output), Naming::Sound(_))
            if several && !output.is_dir() && has_extension(output, &["wav", "flac"]) =>
        {
            return Err(Failure::use_of(
                output,
                "several files do not fit into one file; name a folder with -o",
            ));
        }
        (Some(output), naming) if several || output.is_dir() || ends_in_separator(output) => {
            Sink::File(output.join(named(&found.below, naming)))
        }
        (Some(output), _) => Sink::File(output.to_path_buf()),
        (None, Naming::Text(_)) => Sink::Stdout,
        (None, naming) => match &found.source {
            Source::Stdin => Sink::Stdout,
            Source::File(path) => {
                let name = named(&found.below, naming);
                let (stem, extension) = (name.file_stem(), name.extension().unwrap_or_default());
                let Some(stem) = stem else {
                    return Err(Failure::use_of(path, "not the name of a file; give one"));
                };
                let mut output = stem.to_os_string();
                output.push(if request.residue { ".residue." } else { ".clean." });
                output.push(extension);
                Sink::File(path.with_file_name(output))
            }
        },
    };
    let mirrored = mirrored && sink != Sink::Stdout;
    Ok(Task { source: found.source, sink, mirrored })
}

/// The name with the extension that it can be written under: sound its own for what is written as it was read, `wav`
/// otherwise.
fn named(name: &Path, naming: Naming) -> PathBuf {
    let lower = name.extension().map(|e| e.to_string_lossy().to_lowercase());
    match (naming, lower.as_deref()) {
        (Naming::Sound(Some(chosen)) | Naming::Text(chosen), _) => name.with_extension(chosen),
        (Naming::Sound(None), Some("wav" | "wave" | "flac" | "bwf" | "rf64")) => name.to_path_buf(),
        (Naming::Sound(None), _) => name.with_extension("wav"),
    }
}

fn ends_in_separator(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|&b| std::path::is_separator(char::from(b)))
}

/// Refuses two inputs for one output, and an output that is an input: either would lose a file.
fn refuse_clashes(plan: &Plan) -> Result<(), Failure> {
    plan.untouched.refuse_standard_output()?;
    let mut outputs: HashMap<PathBuf, &Source> = HashMap::new();
    for task in &plan.tasks {
        let Some(output) = task.output_file() else { continue };
        plan.untouched.refuse(output)?;
        if let Some(other) = outputs.insert(place(output), &task.source) {
            return Err(Failure::SameOutput {
                one: other.to_string(),
                other: task.source.to_string(),
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
            outputs(&plan(&request).unwrap().tasks, root.path()),
            ["out/a.wav", "out/b/c.wav", "out/b/d.flac"]
        );

        let (include, exclude) = (["*.wav".into(), "b/*".into()], ["*.txt".into(), "d.*".into()]);
        let request = Request { include: &include, exclude: &exclude, ..request };
        assert_eq!(outputs(&plan(&request).unwrap().tasks, root.path()), ["out/a.wav", "out/b/c.wav"]);
        let request = Request { output: None, ..request };
        assert!(plan(&request).is_err(), "a folder needs -o");
    }

    #[test]
    fn single_files_and_streams() {
        let one = |input: &str, output: Option<&str>| {
            let inputs = [PathBuf::from(input)];
            let request = Request { inputs: &inputs, output: output.map(Path::new), ..Request::default() };
            plan(&request).unwrap().tasks.remove(0).sink
        };
        assert_eq!(one("x/talk.wav", None), Sink::File("x/talk.clean.wav".into()));
        assert_eq!(one("x/talk.mp3", None), Sink::File("x/talk.clean.wav".into()));
        assert_eq!(one("x/talk.flac", None), Sink::File("x/talk.clean.flac".into()));
        assert_eq!(one("talk", None), Sink::File("talk.clean.wav".into()));
        let inputs = [PathBuf::from("x/talk.wav")];
        let residue = Request { inputs: &inputs, residue: true, ..Request::default() };
        let sink = plan(&residue).unwrap().tasks.remove(0).sink;
        assert_eq!(sink, Sink::File("x/talk.residue.wav".into()), "a cleaned file stays");
        assert_eq!(one("-", None), Sink::Stdout);
        assert_eq!(one("a.wav", Some("b.wav")), Sink::File("b.wav".into()));
        assert_eq!(one("a.wav", Some("folder/")), Sink::File("folder/a.wav".into()));
        assert_eq!(one("a.wav", Some("-")), Sink::Stdout);
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
                outputs(&plan(&request).unwrap().tasks, root.path()),
                ["out/s/1.wav", "out/t/1.wav", "out/2.wav"]
            );
        }
        std::fs::write(&list, "line\nbreak.wav\0").unwrap();
        assert_eq!(outputs(&plan(&request).unwrap().tasks, root.path()), ["out/line\nbreak.wav"]);
        std::fs::write(&list, "").unwrap();
        assert!(plan(&request).is_err());
    }
}
