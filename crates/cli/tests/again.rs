//! The same command a second time: what the first wrote is no input, and the rest is resumed.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use common::{listing, samples, sourdine, stderr, write_f32};
use sourdine_testkit::signals;

fn recordings(names: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in names {
        std::fs::create_dir_all(root.path().join(name).parent().unwrap()).unwrap();
        write_f32(root.path(), name, 48_000, 1, &signals::speechlike(9_600, 48_000, 1));
    }
    root
}

fn run(args: &[&str], folder: &Path) -> Output {
    sourdine(args).current_dir(folder).output().unwrap()
}

/// As the shell does it: the command with all WAV files of the folder.
fn run_on_all(options: &[&str], folder: &Path) -> Output {
    let names = listing(folder);
    let wav = names.iter().filter(|name| name.ends_with(".wav")).map(String::as_str);
    run(&["clean"].into_iter().chain(wav).chain(options.iter().copied()).collect::<Vec<_>>(), folder)
}

/// Status and input of each line of JSON.
fn told(run: &Output) -> Vec<(String, String)> {
    let text = String::from_utf8(run.stdout.clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut told: Vec<_> = lines
        .map(|line| (line["status"].as_str().unwrap().into(), line["input"].as_str().unwrap().into()))
        .collect();
    told.sort();
    told
}

#[test]
fn outputs_inside_the_input_folder() {
    let root = recordings(&["rec/a.wav", "rec/far/b.wav"]);
    for (output, options, code, status) in [
        ("rec/clean", &[][..], 0, "cleaned"),
        ("rec/clean", &["--skip-existing"], 0, "skipped"),
        ("rec/../rec/clean/", &["--force"], 0, "cleaned"),
        ("rec/clean", &[], 1, "failed"),
    ] {
        let args = [&["clean", "rec", "-o", output, "--json"], options].concat();
        let done = run(&args, root.path());
        assert_eq!(done.status.code(), Some(code), "{args:?}: {}", stderr(&done));
        let expected = ["rec/a.wav", "rec/far/b.wav"].map(|name| (status.to_owned(), name.to_owned()));
        assert_eq!(told(&done), expected, "{args:?}");
    }
    assert_eq!(listing(&root.path().join("rec/clean")), ["a.wav", "far"]);
}

#[test]
fn a_new_recording_is_found_next_to_the_outputs() {
    let root = recordings(&["rec/a.wav"]);
    assert!(run(&["clean", "rec", "-o", "rec/clean"], root.path()).status.success());
    std::fs::copy(root.path().join("rec/a.wav"), root.path().join("rec/z.wav")).unwrap();
    let done = run(&["clean", "rec", "-o", "rec/clean", "--skip-existing"], root.path());
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(stderr(&done).contains("rec/clean: the results go there"), "{}", stderr(&done));
    assert_eq!(listing(&root.path().join("rec/clean")), ["a.wav", "z.wav"]);
}

#[test]
fn outputs_next_to_the_inputs() {
    let root = recordings(&["a.wav", "b.wav"]);
    let all = ["a.clean.wav", "a.wav", "b.clean.wav", "b.wav"];
    let as_told = |status: &str| ["a.wav", "b.wav"].map(|name| (status.to_owned(), name.to_owned()));
    for (options, code, status) in [
        (&[][..], 0, "cleaned"),
        (&["--skip-existing"], 0, "skipped"),
        (&["--force"], 0, "cleaned"),
        (&[], 1, "failed"),
    ] {
        let done = run_on_all(&[&["--json"], options].concat(), root.path());
        assert_eq!(done.status.code(), Some(code), "{options:?}: {}", stderr(&done));
        assert_eq!(told(&done), as_told(status), "{options:?}");
        assert_eq!(listing(root.path()), all);
    }
    // What was removed has a name of its own, and is no recording either.
    for options in [&["--residue"][..], &["--force"], &["--residue", "--force"]] {
        let done = run_on_all(&[&["--json"], options].concat(), root.path());
        assert!(done.status.success(), "{}", stderr(&done));
        assert_eq!(told(&done), as_told("cleaned"), "{options:?}");
    }
    for name in ["a.residue.wav", "b.residue.wav"] {
        std::fs::remove_file(root.path().join(name)).unwrap();
    }
    assert_eq!(listing(root.path()), all);
    // Alone it is meant.
    let alone = run(&["clean", "a.clean.wav"], root.path());
    assert!(alone.status.success() && root.path().join("a.clean.clean.wav").exists(), "{}", stderr(&alone));
}

#[test]
fn parts_next_to_the_inputs() {
    let root = tempfile::tempdir().unwrap();
    for name in ["fan-hum-48k.wav", "phone-8k.wav"] {
        std::fs::copy(samples().join(name), root.path().join(name)).unwrap();
    }
    let first = run_on_all(&["--split"], root.path());
    assert!(first.status.success(), "{}", stderr(&first));
    let all = listing(root.path());
    assert!(all.iter().any(|name| name.ends_with(".clean.001.wav")), "{all:?}");
    for options in [&["--split", "--force"][..], &["--force"], &["--split", "--force"]] {
        let done = run_on_all(&[&["--json"], options].concat(), root.path());
        assert!(done.status.success(), "{}", stderr(&done));
        assert_eq!(told(&done).len(), 2, "{options:?}: {:?}", told(&done));
    }
}

#[test]
fn a_list_that_names_the_outputs_too() {
    let root = recordings(&["a.wav", "far/b.wav"]);
    let listed = |list: &str, options: &[&str]| {
        let args = [&["clean", "--files-from", "-", "-o", "clean", "--json"], options].concat();
        let mut child = sourdine(&args)
            .current_dir(root.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let inputs = "./a.wav\n./far/b.wav\n";
    let everything = "./a.wav\n./clean/a.wav\n./clean/far/b.wav\n./far/b.wav\n";
    assert!(listed(inputs, &[]).status.success());
    let again = listed(everything, &["--skip-existing"]);
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(
        told(&again),
        [("skipped".into(), "./a.wav".into()), ("skipped".into(), "./far/b.wav".into())]
    );
    assert!(stderr(&again).contains("./clean/a.wav (and 1 more)"), "{}", stderr(&again));
    // A named input is never written, though it may be of an earlier run: in this folder the name is no sign.
    let before = std::fs::read(root.path().join("clean/a.wav")).unwrap();
    let forced = listed(everything, &["--force", "--attenuation-limit", "0"]);
    assert_eq!(forced.status.code(), Some(1), "{}", stderr(&forced));
    assert!(std::fs::read(root.path().join("clean/a.wav")).unwrap() == before);
    assert_eq!(listing(&root.path().join("clean")), ["a.wav", "far"]);
}
