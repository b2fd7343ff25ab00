//! Many files: folders, lists, several at a time, interrupted and resumed.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use common::{clean, listing, read_f32, sourdine, stderr, write_f32};
use sourdine_testkit::signals;

/// A folder `in` with three recordings in two levels, one text, one broken file.
fn corpus() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("in");
    std::fs::create_dir_all(folder.join("far/deep")).unwrap();
    for (name, seed) in [("a.wav", 1), ("far/b.wav", 2), ("far/deep/c.wav", 3)] {
        write_f32(&folder, name, 48_000, 1, &signals::speechlike(12_000, 48_000, seed));
    }
    std::fs::write(folder.join("far/notes.txt"), "not a sound").unwrap();
    root
}

fn run(args: &[&str], folder: &Path) -> Output {
    sourdine(args).current_dir(folder).output().unwrap()
}

fn json_lines(run: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8(run.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_folder_comes_out_as_its_mirror_whatever_the_number_of_jobs() {
    let root = corpus();
    for jobs in ["1", "3"] {
        let out = format!("out{jobs}");
        let done = run(&["clean", "in", "-o", &out, "--jobs", jobs], root.path());
        assert!(done.status.success(), "{}", stderr(&done));
        assert!(stderr(&done).contains("3 cleaned"), "{}", stderr(&done));
        let out = root.path().join(out);
        assert_eq!(listing(&out), ["a.wav", "far"]);
        assert_eq!(listing(&out.join("far")), ["b.wav", "deep"]);
        for name in ["a.wav", "far/b.wav", "far/deep/c.wav"] {
            let alone = root.path().join("alone.wav");
            let single =
                clean(&root.path().join("in").join(name), &["-o", alone.to_str().unwrap(), "--force"]);
            assert!(single.status.success());
            assert!(read_f32(&alone) == read_f32(&out.join(name)), "{name}: the same bits as alone");
        }
    }
}

#[test]
fn an_output_folder_is_made_for_one_file_too() {
    let root = corpus();
    for command in [["clean", "in/a.wav", "-o", "new/one/"], ["vad", "in/a.wav", "-o", "new/two/"]] {
        let done = run(&command, root.path());
        assert!(done.status.success(), "{}", stderr(&done));
    }
    assert_eq!(listing(&root.path().join("new/one")), ["a.wav"]);
    assert_eq!(listing(&root.path().join("new/two")), ["a.json"]);
    let done = run(&["clean", "in/a.wav", "-o", "none/a.wav"], root.path());
    assert!(stderr(&done).contains("its folder does not exist"), "a file's folder is not: {}", stderr(&done));
}

#[test]
fn a_failing_file_does_not_stop_the_others() {
    let root = corpus();
    std::fs::write(root.path().join("in/broken.wav"), b"RIFF").unwrap();
    let done = run(&["clean", "in", "-o", "out", "--json", "--jobs", "2"], root.path());
    assert_eq!(done.status.code(), Some(2), "some failed");
    assert!(
        stderr(&done).contains("broken.wav") && stderr(&done).contains("1 of 4 files failed"),
        "{}",
        stderr(&done)
    );
    let mut lines = json_lines(&done);
    lines.sort_by_key(|line| line["input"].to_string());
    let status: Vec<_> = lines.iter().map(|line| line["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["cleaned", "failed", "cleaned", "cleaned"]);
    assert!(lines[1]["error"].as_str().unwrap().contains("broken.wav"));
    assert_eq!(listing(&root.path().join("out")), ["a.wav", "far"]);

    std::fs::remove_dir_all(root.path().join("in/far")).unwrap();
    std::fs::remove_file(root.path().join("in/a.wav")).unwrap();
    let done = run(&["clean", "in", "-o", "none"], root.path());
    assert_eq!(done.status.code(), Some(1), "nothing was written: {}", stderr(&done));
}

#[test]
fn a_broken_run_is_resumed() {
    let root = corpus();
    std::fs::create_dir(root.path().join("out")).unwrap();
    std::fs::write(root.path().join("out/a.wav"), b"from the first run").unwrap();
    let done = run(&["clean", "in", "-o", "out", "--skip-existing", "--json"], root.path());
    assert!(done.status.success(), "{}", stderr(&done));
    let skipped = json_lines(&done).iter().filter(|line| line["status"] == "skipped").count();
    assert_eq!(skipped, 1);
    assert_eq!(std::fs::read(root.path().join("out/a.wav")).unwrap(), b"from the first run");
    assert!(root.path().join("out/far/deep/c.wav").exists());
    let again = run(&["clean", "in", "-o", "out"], root.path());
    assert_eq!(again.status.code(), Some(1), "without it, existing files are refused");
}

/// A folder that may not be searched is named as a failure, and no other file suffers.
#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_searched() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    // No reading at all, or reading of the names only: then the files in it are named.
    for (closed, named, code) in [(0o000, "in/far:", 1), (0o444, "in/far/b.wav:", 1)] {
        let root = corpus();
        let far = root.path().join("in/far");
        mode(&far, closed);
        let args = ["clean", "in", "-o", "out", "--json"];
        let done = common::sourdine_of_a_plain_user(&args, root.path()).output().unwrap();
        let vad = common::sourdine_of_a_plain_user(&["vad", "in"], root.path()).output().unwrap();
        let only = common::sourdine_of_a_plain_user(&["clean", "in/far", "-o", "out"], root.path())
            .output()
            .unwrap();
        mode(&far, 0o755);
        for done in [&done, &vad] {
            assert_eq!(done.status.code(), Some(code), "{}", stderr(done));
            assert!(stderr(done).contains(named) && stderr(done).contains("permission"), "{}", stderr(done));
            assert!(stderr(done).contains("could not be searched"), "{}", stderr(done));
        }
        assert!(root.path().join("out/a.wav").exists());
        let failed: Vec<_> =
            json_lines(&done).into_iter().filter(|line| line["status"] == "failed").collect();
        assert!(failed.iter().any(|line| named.starts_with(line["input"].as_str().unwrap())), "{failed:?}");
        assert_eq!(only.status.code(), Some(1), "{}", stderr(&only));
    }
}

#[test]
fn a_skipped_file_says_why_and_what_it_is() {
    let root = corpus();
    let lines = |options: &[&str]| {
        let done = run(&[&["clean", "in", "-o", "out", "--json"], options].concat(), root.path());
        assert!(done.status.success(), "{}", stderr(&done));
        let mut lines = json_lines(&done);
        lines.sort_by_key(|line| line["input"].to_string());
        lines
    };
    for (cleaned, skipped) in lines(&[]).iter().zip(lines(&["--skip-existing"])) {
        assert_eq!(skipped["status"], "skipped");
        assert!(skipped["reason"].as_str().unwrap().contains("exists"), "{skipped}");
        for key in
            ["input", "output", "seconds", "frames", "sample_rate", "channels", "sample_format", "notices"]
        {
            assert!(!cleaned[key].is_null() && skipped[key] == cleaned[key], "{key}: {skipped}");
        }
    }
}

#[test]
fn lists_from_a_file_and_from_the_standard_input() {
    let root = corpus();
    std::fs::write(root.path().join("list"), "in/a.wav\nin/far/b.wav\n").unwrap();
    let done = run(&["clean", "--files-from", "list", "-o", "out"], root.path());
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(listing(&root.path().join("out/in")), ["a.wav", "far"]);

    let mut child = sourdine(&["clean", "--files-from", "-", "-o", "piped", "--quiet"])
        .current_dir(root.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"in/a.wav\0in/far/deep/c.wav\0").unwrap();
    assert!(child.wait().unwrap().success());
    assert!(root.path().join("piped/in/far/deep/c.wav").exists());
}

#[test]
fn globs_choose_and_outputs_never_meet() {
    let root = corpus();
    let done =
        run(&["clean", "in", "-o", "out", "--include", "*.wav", "--exclude", "far/deep/*"], root.path());
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(listing(&root.path().join("out/far")), ["b.wav"]);
    for (include, exclude, left) in [
        ("{b,c}.wav", "nothing", vec!["far/b.wav", "far/deep/c.wav"]),
        ("far/*.wav", "nothing", vec!["far/b.wav"]),
        ("far/**/*.wav", "**/deep/**", vec!["far/b.wav"]),
        ("[!b].wav", "a*", vec!["far/deep/c.wav"]),
    ] {
        let out = tempfile::tempdir().unwrap();
        let to = out.path().to_str().unwrap();
        let done = run(&["clean", "in", "-o", to, "--include", include, "--exclude", exclude], root.path());
        assert!(done.status.success(), "{}", stderr(&done));
        let there = ["a.wav", "far/b.wav", "far/deep/c.wav"].into_iter();
        assert_eq!(
            there.filter(|name| out.path().join(name).exists()).collect::<Vec<_>>(),
            left,
            "{include}"
        );
    }
    let none = run(&["clean", "in", "-o", "none", "--include", "*.flac"], root.path());
    assert_eq!(none.status.code(), Some(1));
    assert!(stderr(&none).contains("--include"), "{}", stderr(&none));
    let over = run(&["clean", "in", "-o", "in", "--force"], root.path());
    assert!(over.status.code() == Some(1) && stderr(&over).contains("never changed"), "{}", stderr(&over));
    let folder = run(&["clean", "in"], root.path());
    assert!(folder.status.code() == Some(1) && stderr(&folder).contains("-o FOLDER"), "{}", stderr(&folder));
    let bad = run(&["clean", "in", "-o", "x", "--include", "{a"], root.path());
    assert!(bad.status.code() == Some(1) && stderr(&bad).contains("{a"), "{}", stderr(&bad));
}

#[test]
fn settings_come_from_the_option_then_the_environment_then_the_file() {
    let root = corpus();
    let limit = |args: &[&str], env: Option<&str>| {
        let mut command = sourdine(&["clean", "in/a.wav", "-o", "x.wav", "--force", "--json"]);
        command.args(args).current_dir(root.path());
        if let Some(value) = env {
            command.env("SOURDINE_ATTENUATION_LIMIT", value);
        }
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
        json_lines(&done)[0]["attenuation_limit_db"].as_f64()
    };
    assert_eq!(limit(&[], None), Some(60.0));
    std::fs::write(root.path().join("sourdine.toml"), "attenuation-limit = 18\n").unwrap();
    assert_eq!(limit(&[], None), Some(18.0));
    assert_eq!(limit(&[], Some("15")), Some(15.0));
    assert_eq!(limit(&["--attenuation-limit", "9"], Some("15")), Some(9.0));
    std::fs::write(root.path().join("other.toml"), "attenuation-limit = 'off'\n").unwrap();
    assert_eq!(limit(&["--config", "other.toml"], None), None);
    std::fs::write(root.path().join("sourdine.toml"), "volume = 11\n").unwrap();
    let done = run(&["clean", "in/a.wav", "-o", "y.wav"], root.path());
    assert_eq!(done.status.code(), Some(1));
    assert!(
        stderr(&done).contains("sourdine.toml: line 1") && stderr(&done).contains("volume"),
        "{}",
        stderr(&done)
    );
}

#[test]
fn times_are_kept_when_asked() {
    let root = corpus();
    let input = root.path().join("in/a.wav");
    let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::options().write(true).open(&input).unwrap().set_modified(then).unwrap();
    let done = run(&["clean", "in/a.wav", "-o", "x.wav", "--keep-times"], root.path());
    assert!(done.status.success(), "{}", stderr(&done));
    let about = std::fs::metadata(root.path().join("x.wav")).unwrap();
    assert_eq!(about.modified().unwrap(), then);
}

/// SIGKILL at any moment: no half-written file under a final name, inputs as they were, and a second run does the rest.
#[cfg(unix)]
#[test]
fn killed_at_any_moment() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("in")).unwrap();
    let sound = signals::speechlike(48_000, 48_000, 1);
    for i in 0..12 {
        write_f32(&root.path().join("in"), &format!("{i}.wav"), 48_000, 1, &sound);
    }
    let whole = std::fs::metadata(root.path().join("in/0.wav")).unwrap().len();
    for pause in [5, 40, 90, 150] {
        let mut child = sourdine(&["clean", "in", "-o", "out", "--skip-existing", "--quiet", "--jobs", "2"])
            .current_dir(root.path())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        let Ok(folder) = std::fs::read_dir(root.path().join("out")) else { continue };
        for file in folder.map(Result::unwrap) {
            let name = file.file_name().into_string().unwrap();
            assert!(
                name.starts_with('.') || file.metadata().unwrap().len() == whole,
                "{name} is half-written"
            );
        }
    }
    let done = run(&["clean", "in", "-o", "out", "--skip-existing", "--quiet"], root.path());
    assert!(done.status.success(), "{}", stderr(&done));
    for i in 0..12 {
        let name = format!("{i}.wav");
        assert_eq!(read_f32(&root.path().join("out").join(&name)).len(), sound.len());
        assert!(read_f32(&root.path().join("in").join(&name)) == sound, "inputs are never touched");
    }
}

/// `sourdine live` runs the program next to it, with all options, and passes on its exit code.
#[cfg(unix)]
#[test]
fn live_is_a_program_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let tool = root.path().join("sourdine");
    // Another process writes the programs: were they open for writing here, a process that another test starts meanwhile would
    // inherit that, and they could not run ("text file busy").
    let sh = |script: &str| {
        let made = std::process::Command::new("sh")
            .args(["-ec", script, env!("CARGO_BIN_EXE_sourdine")])
            .current_dir(root.path())
            .status();
        assert!(made.unwrap().success());
    };
    sh("cp \"$0\" sourdine");
    let live = |path: &str| {
        std::process::Command::new(&tool).args(["live", "--json", "-x", "7"]).env("PATH", path).output()
    };
    let missing = live("/nonexistent").unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("install it"), "{}", stderr(&missing));

    sh(r#"printf '#!/bin/sh\necho "$@"\nexit 7\n' >sourdine-live; chmod 755 sourdine-live"#);
    let run = live("/bin:/usr/bin").unwrap();
    assert_eq!(run.status.code(), Some(7), "{}", stderr(&run));
    assert_eq!(String::from_utf8(run.stdout).unwrap(), "--json -x 7\n");
}

#[test]
fn manual_pages_completions_and_the_build() {
    let root = tempfile::tempdir().unwrap();
    assert!(run(&["man", "."], root.path()).status.success());
    assert!(listing(root.path()).contains(&"sourdine-clean.1".to_owned()), "{:?}", listing(root.path()));
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(run(&["completions", shell], root.path()).stdout).unwrap();
        assert!(script.contains("skip-existing"), "{shell}");
    }
    let version = String::from_utf8(run(&["--version"], root.path()).stdout).unwrap();
    assert!(version.contains(env!("CARGO_PKG_VERSION")) && version.contains('('), "{version}");
    let help = sourdine(&["clean", "--help"]).env("NO_COLOR", "1").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Many files") && help.contains("Examples") && !help.contains('\x1b'), "{help}");
}
