//! Environment variables and `sourdine.toml`, where they are wrong or empty.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use common::{sourdine, stderr};

#[test]
fn a_bad_variable_is_named_and_an_empty_one_is_none() {
    let folder = tempfile::tempdir().unwrap();
    common::write_f32(folder.path(), "a.wav", 48_000, 1, &[0.1; 4800]);
    let clean = |arguments: &[&str], name: &str, value: &str| {
        let mut command = sourdine(&["clean", "a.wav", "-o", "b.wav", "--force"]);
        command.args(arguments).current_dir(folder.path()).env(name, value).output().unwrap()
    };
    for (name, bad) in [
        ("SOURDINE_ATTENUATION_LIMIT", "loud"),
        ("SOURDINE_GATE", "1"),
        ("SOURDINE_CHANNELS", "both"),
        ("SOURDINE_JOBS", "0"),
        ("SOURDINE_JOBS", "many"),
    ] {
        let done = clean(&[], name, bad);
        assert_eq!(done.status.code(), Some(1), "{name}={bad}: {}", stderr(&done));
        assert!(stderr(&done).starts_with(&format!("sourdine: {name}={bad}: give ")), "{}", stderr(&done));
    }
    let done = clean(&[], "SOURDINE_MODEL", "nosuch");
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).starts_with("sourdine: nosuch: ") && stderr(&done).contains("SOURDINE_MODEL"));
    let done = clean(&["--model", "nosuch"], "SOURDINE_MODEL", "sourdine");
    assert!(done.status.code() == Some(1) && !stderr(&done).contains("SOURDINE_MODEL"));
    for name in ["MODEL", "ATTENUATION_LIMIT", "GATE", "CHANNELS", "JOBS", "CONFIG"] {
        let done = clean(&[], &format!("SOURDINE_{name}"), "");
        assert!(done.status.success(), "{name}: {}", stderr(&done));
    }
    // None of 0 jobs, whoever asks for them.
    assert_eq!(clean(&["--jobs", "0"], "SOURDINE_JOBS", "").status.code(), Some(64));
    std::fs::write(folder.path().join("sourdine.toml"), "jobs = 0").unwrap();
    let done = clean(&[], "SOURDINE_JOBS", "");
    assert!(done.status.code() == Some(1) && stderr(&done).contains("sourdine.toml: line 1: jobs: give"));
}

#[test]
fn the_help_names_every_setting() {
    let help = String::from_utf8(sourdine(&["--help"]).output().unwrap().stdout).unwrap();
    for word in
        ["sourdine.toml", "SOURDINE_MODEL", "attenuation-limit = ", "gate = ", "channels = ", "jobs = "]
    {
        assert!(help.contains(word), "{word}");
    }
}
