//! No input is ever written, whatever path leads to it.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{read_f32, samples, sourdine, stderr, write_f32};
use sourdine_testkit::signals;

struct Folder {
    root: tempfile::TempDir,
    before: Vec<(PathBuf, Vec<u8>)>,
}

impl Folder {
    /// `in/a.wav` and `in/b.wav`, and an empty `out`.
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("in")).unwrap();
        fs::create_dir(root.path().join("out")).unwrap();
        let inputs = ["a.wav", "b.wav"].map(|name| {
            write_f32(&root.path().join("in"), name, 48_000, 1, &signals::speechlike(9_600, 48_000, 1))
        });
        let before = inputs.map(|path| (path.clone(), fs::read(path).unwrap())).into();
        Self { root, before }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        sourdine(args).current_dir(self.root.path()).output().unwrap()
    }

    /// The run fails, naming `name`, and all inputs are as they were.
    fn refuses(&self, args: &[&str], name: &str) {
        let run = self.run(args);
        self.assert_whole(args);
        assert_eq!(run.status.code(), Some(1), "{args:?}: {}", stderr(&run));
        assert!(stderr(&run).contains(name) && stderr(&run).contains("never changed"), "{}", stderr(&run));
    }

    fn assert_whole(&self, args: &[&str]) {
        for (path, bytes) in &self.before {
            assert!(fs::read(path).unwrap() == *bytes, "{args:?} wrote {}", path.display());
        }
    }
}

#[test]
fn links_in_the_output_folder() {
    type Link = fn(&Path, &Path) -> std::io::Result<()>;
    let links: [Link; 2] = [|to, at| symlink(to, at), |to, at| fs::hard_link(to, at)];
    for link in links {
        let folder = Folder::new();
        link(&folder.path("in/a.wav"), &folder.path("out/b.wav")).unwrap();
        folder.refuses(&["clean", "in", "-o", "out", "--force"], "out/b.wav");
        folder.refuses(&["clean", "in", "-o", "out", "--force", "--jobs", "1"], "out/b.wav");
        assert!(!folder.path("out/a.wav").exists(), "refused before anything is written");
        folder.refuses(&["vad", "in/a.wav", "-o", "out/b.wav", "--force"], "out/b.wav");
    }
}

#[test]
fn folders_by_another_way() {
    let folder = Folder::new();
    symlink("in", folder.path("way")).unwrap();
    for output in ["way", "new/../in", "in/.", "way/../in"] {
        folder.refuses(&["clean", "in", "-o", output, "--force"], "a.wav");
    }
}

#[test]
fn one_output_by_two_names() {
    let folder = Folder::new();
    // The link's target is made by the run itself.
    symlink("b.wav", folder.path("out/a.wav")).unwrap();
    let run = folder.run(&["clean", "in", "-o", "out", "--force"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(stderr(&run).contains("both in/a.wav and in/b.wav"), "{}", stderr(&run));
}

#[test]
fn a_link_to_a_file_that_is_no_input_is_followed_and_stays() {
    let folder = Folder::new();
    fs::write(folder.path("elsewhere.wav"), "old").unwrap();
    symlink("../elsewhere.wav", folder.path("out/a.wav")).unwrap();
    let run = folder.run(&["clean", "in", "-o", "out", "--force"]);
    assert!(run.status.success(), "{}", stderr(&run));
    assert!(folder.path("out/a.wav").is_symlink());
    assert_eq!(read_f32(&folder.path("elsewhere.wav")).len(), 9_600);
}

#[test]
fn reports_segments_and_parts() {
    let folder = Folder::new();
    fs::hard_link(folder.path("in/b.wav"), folder.path("out/r.html")).unwrap();
    let to = ["clean", "in/b.wav", "-o", "out/x.wav", "--force"];
    folder.refuses(&[&to[..], &["--report", "out/r.html"]].concat(), "r.html");
    folder.refuses(&[&to[..], &["--spectrogram", "in/b.wav"]].concat(), "b.wav");
    folder.refuses(&["vad", "in/a.wav", "-o", "in/a.wav", "--force"], "a.wav");
}

/// The names of the parts of `--split` are not known before the file is read.
#[test]
fn a_part_that_is_an_input() {
    let folder = Folder::new();
    let voice = folder.path("in/fan.wav");
    fs::copy(samples().join("fan-hum-48k.wav"), &voice).unwrap();
    fs::copy(samples().join("phone-8k.wav"), folder.path("in/other.wav")).unwrap();
    fs::hard_link(folder.path("in/other.wav"), folder.path("out/fan.001.wav")).unwrap();
    let before = fs::read(folder.path("in/other.wav")).unwrap();
    let run = folder.run(&["clean", "in/fan.wav", "in/other.wav", "-o", "out", "--split", "--force"]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    assert!(stderr(&run).contains("fan.001.wav: this output is an input"), "{}", stderr(&run));
    assert!(fs::read(folder.path("out/fan.001.wav")).unwrap() == before);
}

#[test]
fn standard_streams() {
    let folder = Folder::new();
    // The standard input is a file, and the output would take its name.
    let input = folder.path("in/a.wav");
    let run = sourdine(&["clean", "-", "--force", "-o"])
        .arg(&input)
        .stdin(File::open(&input).unwrap())
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", stderr(&run));
    folder.assert_whole(&["clean - -o its own file"]);
    let append = File::options().append(true).open(&input).unwrap();
    let run = sourdine(&["clean", "-o", "-"]).arg(&input).stdout(append).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", stderr(&run));
    folder.assert_whole(&["clean -o - >> its own file"]);
}
