//! Running the real binary on files made here.
#![allow(dead_code, clippy::unwrap_used)] // Each test file uses some of it; a test may unwrap.

pub(crate) mod manifest;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The binary with arguments, not yet run.
pub(crate) fn sourdine(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sourdine"));
    command.args(args);
    // The tester's own settings must not count.
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    for name in ["MODEL", "ATTENUATION_LIMIT", "GATE", "CHANNELS", "CONFIG", "JOBS"] {
        command.env_remove(format!("SOURDINE_{name}"));
    }
    command
}

/// Runs `sourdine clean` with the paths and options.
pub(crate) fn clean(input: &Path, options: &[&str]) -> Output {
    sourdine(&["clean"]).arg(input).args(options).output().unwrap()
}

/// The text printed on stderr.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts that a run failed with code 1 and one line that names `name`, and returns the line.
pub(crate) fn assert_fails(output: &Output, name: &str) -> String {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(1), "exit code; stderr: {text}");
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    assert!(text.contains(name), "it names {name}: {text}");
    assert!(output.stdout.is_empty(), "nothing on stdout");
    text
}

/// The folder's files, sorted.
pub(crate) fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Writes a float WAV and returns its path.
pub(crate) fn write_f32(folder: &Path, name: &str, rate: u32, channels: u16, samples: &[f32]) -> PathBuf {
    let path = folder.join(name);
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    samples.iter().for_each(|x| writer.write_sample(*x).unwrap());
    writer.finalize().unwrap();
    path
}

/// Reads a float WAV.
pub(crate) fn read_f32(path: &Path) -> Vec<f32> {
    hound::WavReader::open(path).unwrap().samples::<f32>().map(Result::unwrap).collect()
}

/// The project's samples.
pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

/// The binary for a user whom permissions bind, in a folder that is open to all: the superuser is made nobody.
#[cfg(unix)]
pub(crate) fn sourdine_of_a_plain_user(args: &[&str], folder: &Path) -> Command {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let open = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o777)).unwrap();
    let probe = folder.join("whose");
    std::fs::write(&probe, "").unwrap();
    let is_superuser = std::fs::metadata(&probe).unwrap().uid() == 0;
    std::fs::remove_file(&probe).unwrap();
    if !is_superuser {
        let mut command = sourdine(args);
        command.current_dir(folder);
        return command;
    }
    open(folder);
    // No other user may look where the tests are built.
    let tool = folder.join(".sourdine-of-all");
    if !tool.exists() {
        // By another process: what a test forks meanwhile would hold the copy open, and open files are not run.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_sourdine")).arg(&tool).status();
        assert!(copied.unwrap().success());
        open(&tool);
    }
    let mut command = Command::new(tool);
    command.args(args).current_dir(folder).env("XDG_CONFIG_HOME", "/nonexistent").uid(65_534).gid(65_534);
    command
}
