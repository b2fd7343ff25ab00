//! Concurrent runs, and the leftovers of a killed one.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{listing, sourdine, stderr, write_f32};
use sourdine_testkit::signals;

/// Both succeed, whichever writes a file, and neither leaves half of one.
#[test]
fn two_runs_that_skip_what_exists() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("in/far")).unwrap();
    let names: Vec<String> = (0..12).map(|i| format!("far/{i:02}.wav")).collect();
    for name in &names {
        write_f32(&root.path().join("in"), name, 48_000, 1, &signals::speechlike(24_000, 48_000, 1));
    }
    let start = |output: &str| {
        sourdine(&["clean", "in", "-o", output, "--skip-existing", "--quiet", "--jobs", "2"])
            .current_dir(root.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let ends_well = |child: Child| {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty(), "{}", stderr(&done));
    };
    ends_well(start("alone"));
    for round in 0..5 {
        let output = format!("out{round}");
        let (one, other) = (start(&output), start(&output));
        ends_well(one);
        ends_well(other);
        let far = root.path().join(&output).join("far");
        assert_eq!(listing(&far).len(), names.len(), "{:?}", listing(&far));
        for name in &names {
            let whole = |folder: &str| std::fs::read(root.path().join(folder).join(name)).unwrap();
            assert!(whole(&output) == whole("alone"), "{name}");
        }
    }
}

/// A recording of 20 minutes, sparse: no run is done with it while the test looks.
fn long_recording(folder: &Path) {
    let path = write_f32(folder, "long.wav", 48_000, 1, &[]);
    let bytes = 48_000_u32 * 4 * 1200;
    let mut head = std::fs::read(&path).unwrap();
    let size_at = head.len() - 4;
    head[size_at..].copy_from_slice(&bytes.to_le_bytes());
    std::fs::write(&path, &head).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(head.len() as u64 + u64::from(bytes)).unwrap();
}

/// The file that a run on `long.wav` writes into.
fn temporary(folder: &Path) -> Option<String> {
    listing(folder)
        .into_iter()
        .find(|name| name.starts_with(".long.clean.wav.sourdine-") && name.ends_with(".tmp"))
}

/// A run on `long.wav` that has begun to write.
fn begun(folder: &Path) -> (Child, String) {
    let mut child =
        sourdine(&["clean", "long.wav", "-q"]).current_dir(folder).stderr(Stdio::null()).spawn().unwrap();
    for _ in 0..2000 {
        if let Some(name) = temporary(folder) {
            return (child, name);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("the run does not begin to write");
}

#[test]
fn a_killed_runs_file_goes_with_the_next_and_a_living_ones_stays() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    long_recording(folder);
    write_f32(folder, "short.wav", 48_000, 1, &signals::speechlike(4_800, 48_000, 1));
    let (mut killed, left) = begun(folder);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(temporary(folder), Some(left.clone()), "SIGKILL leaves it");

    let next = |args: &[&str]| {
        let done = sourdine(args).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
    };
    next(&["clean", "short.wav"]);
    assert_eq!(temporary(folder), None, "it is abandoned");

    // While one is written, others come and go, also those that write something else.
    let (mut living, name) = begun(folder);
    next(&["clean", "short.wav", "--force", "--report", "r.html"]);
    next(&["vad", "short.wav", "-o", "short.json"]);
    assert_eq!(temporary(folder), Some(name), "it is being written");
    assert!(Command::new("kill").args(["-INT", &living.id().to_string()]).status().unwrap().success());
    assert_eq!(living.wait().unwrap().code(), Some(130));
    assert_eq!(listing(folder), ["long.wav", "r.html", "short.clean.wav", "short.json", "short.wav"]);
}

#[test]
fn a_run_that_has_nothing_to_do_tidies_up_too() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("in/far")).unwrap();
    write_f32(&root.path().join("in"), "far/a.wav", 48_000, 1, &signals::speechlike(4_800, 48_000, 1));
    let clean = || {
        let done =
            sourdine(&["clean", "in", "-o", "out", "--skip-existing"]).current_dir(root.path()).output();
        assert!(done.unwrap().status.success());
    };
    clean();
    std::fs::write(root.path().join("out/far/.a.wav.sourdine-a1B2c3.tmp"), "half").unwrap();
    clean();
    assert_eq!(listing(&root.path().join("out/far")), ["a.wav"]);
}
