//! Messages: where they cannot be printed, with odd file names, and at different widths.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use common::{listing, samples, sourdine, stderr, write_f32};
use sourdine_testkit::signals;

#[test]
fn a_result_that_cannot_be_printed_is_a_failure() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        println!("SKIPPED: there is no /dev/full");
        return;
    };
    let file = samples().join("phone-8k.wav");
    let sound = file.to_str().unwrap();
    for args in [
        &["vad", sound][..],
        &["vad", sound, "--format", "csv"],
        &["vad", sound, "--format", "rttm"],
        &["models"],
        &["models", "--json"],
        &["compare", sound, sound, sound],
        &["compare", sound, sound, sound, "--json"],
        &["completions", "bash"],
        &["clean", sound, "-o", "-"],
        &["--help"],
        &["clean", "--help"],
        &["--version"],
    ] {
        let run = sourdine(args).stdout(full.try_clone().unwrap()).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(run.status.code(), Some(1), "{args:?}: {}", stderr(&run));
        let last = stderr(&run).lines().last().unwrap_or_default().to_owned();
        assert!(last.contains("full") && !last.contains("was written"), "{args:?}: {last}");
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.wav");
    let run = sourdine(&["clean", sound, "-o"]).arg(&out).stdout(full).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    assert!(stderr(&run).contains("the file itself was written") && out.exists(), "{}", stderr(&run));
}

#[test]
fn names_do_not_steer_the_terminal() {
    let root = tempfile::tempdir().unwrap();
    let name = "\x1b[2Ja\n\r\x07.wav";
    let sound = write_f32(root.path(), name, 8_000, 1, &signals::noise(800, 0.1, 1));
    // Cut off, so that there is a note about it.
    let bytes = std::fs::read(&sound).unwrap();
    std::fs::write(&sound, &bytes[..bytes.len() - 101]).unwrap();
    std::fs::write(root.path().join("\x1b[1mbroken.wav"), "RIFF").unwrap();
    let broken = "\x1b[1mbroken.wav";
    for args in [
        &["clean", name][..],
        &["clean", name],
        &["clean", name, broken, "--force"],
        &["clean", name, "\x1b[2Ja\n\r\x07.clean.wav", "--skip-existing", "--json"],
        &["clean", ".", "-o", "out\x1b[0m"],
        &["clean", name, "-o", "no\x1b[0m/x.wav"],
        &["clean", name, "-f", "--report", "no\x1b[0m/x.html"],
        &["clean", name, "-m", "no\x1b[0m"],
        &["clean", "--files-from", "no\x1b[0m", "-o", "x"],
        &["clean", name, "--config", "no\x1b[0m"],
        &["vad", name, broken],
        &["compare", name, broken, name],
    ] {
        let run = sourdine(args).current_dir(root.path()).output().unwrap();
        assert!(!run.stdout.is_empty() || !run.stderr.is_empty());
        for printed in [&run.stdout, &run.stderr] {
            let bad = printed.iter().any(|b| (*b < 0x20 && *b != b'\n') || *b == 0x7f);
            assert!(!bad, "{args:?}: {:?}", String::from_utf8_lossy(printed));
        }
    }
    let missing = sourdine(&["clean"]).arg(OsStr::from_bytes(b"no\xff\x1b.wav")).output().unwrap();
    assert!(
        stderr(&missing).contains("no such file") && !stderr(&missing).contains('\x1b'),
        "{}",
        stderr(&missing)
    );
}

#[test]
fn what_is_missing_is_said_plainly() {
    let root = tempfile::tempdir().unwrap();
    let sound = samples().join("phone-8k.wav");
    let said = |args: &[&str], words: &str| {
        let run = sourdine(args).arg(&sound).current_dir(root.path()).output().unwrap();
        assert_eq!(run.status.code(), Some(1), "{args:?}");
        let line = stderr(&run);
        assert!(
            line.contains(words) && !line.contains("entity") && !line.contains("os error"),
            "{args:?}: {line}"
        );
    };
    said(&["clean", "-o", "x.wav", "--report", "none/r.html"], "folder does not exist");
    said(&["vad", "-o", "none/x.json"], "folder does not exist");
    said(&["clean", "-o", "x", "--files-from", "none"], "no such file");
    said(&["clean", "-m", "none"], "neither a built-in model");
    said(&["clean", "-o", "x.wav", "--report", "."], "folder");
    said(&["compare", "none.wav", "none.wav"], "no such file");
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let sound = samples().join("phone-8k.wav");
    let run = |args: &[&str]| sourdine(args).arg(&sound).current_dir(root.path()).output().unwrap();
    for (args, words) in [
        (&["clean", "-o", "x.flac", "--to", "wav"][..], "--to asks for another kind"),
        (&["clean", "-o", "x", "--to", "flac"], "--to asks for another kind"),
        (&["vad", "-o", "x.srt"], "no format of segments"),
    ] {
        let refused = run(args);
        assert_eq!(refused.status.code(), Some(1), "{args:?}");
        assert!(stderr(&refused).contains(words), "{args:?}: {}", stderr(&refused));
    }
    assert!(listing(root.path()).is_empty());
    for args in [
        &["clean", "-o", "x.bwf", "--to", "wav"][..],
        &["clean", "-o", "new/", "--to", "flac"],
        &["vad", "-o", "labels"],
        &["vad", "-o", "x.srt", "--format", "audacity"],
    ] {
        assert!(run(args).status.success(), "{args:?}");
    }
    assert_eq!(listing(root.path()), ["labels", "new", "x.bwf", "x.srt"]);
    let skipped = run(&["clean", "-o", "x.bwf", "--skip-existing"]);
    assert!(skipped.status.success() && stderr(&skipped).contains("is skipped"), "{}", stderr(&skipped));
}

#[test]
fn manual_pages_go_into_a_folder_that_is_made() {
    let root = tempfile::tempdir().unwrap();
    let run = sourdine(&["man", "new/man1"]).current_dir(root.path()).output().unwrap();
    assert!(run.status.success(), "{}", stderr(&run));
    assert!(listing(&root.path().join("new/man1")).contains(&"sourdine.1".to_owned()));
    let help = sourdine(&["--help"]).output().unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains("WAV in"));
}

/// On a terminal of a few columns no line of the progress is longer than one.
#[test]
fn progress_fits_a_narrow_terminal() {
    let root = tempfile::tempdir().unwrap();
    let script = Command::new("script").arg("--version").output();
    if !script.is_ok_and(|run| run.status.success()) {
        assert!(std::env::var_os("SOURDINE_REQUIRE_TOOLS").is_none(), "script (util-linux) is missing");
        println!("SKIPPED: there is no script (util-linux)");
        return;
    }
    // A minute: some drawings.
    write_f32(root.path(), "in.wav", 48_000, 1, &signals::noise(48_000 * 60, 0.01, 1));
    for columns in [8, 18, 30, 60, 120] {
        let line = format!(
            "stty rows 24 cols {columns}; '{}' clean in.wav -fo out.wav > said",
            env!("CARGO_BIN_EXE_sourdine")
        );
        let run = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(root.path())
            .env("TERM", "xterm")
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
        let drawn = drawn_lines(&String::from_utf8_lossy(&run.stdout));
        assert!(drawn.iter().any(|line| line.contains('%')), "{columns}: {drawn:?}");
        for line in drawn {
            assert!(line.chars().count() <= columns, "{columns}: {line:?}");
        }
    }
}

/// The text between the control sequences of the terminal.
fn drawn_lines(screen: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut characters = screen.chars();
    while let Some(c) = characters.next() {
        match c {
            '\x1b' => while characters.next().is_some_and(|c| !c.is_ascii_alphabetic()) {},
            '\r' | '\n' => lines.push(String::new()),
            c => lines.last_mut().unwrap().push(c),
        }
    }
    lines
}
