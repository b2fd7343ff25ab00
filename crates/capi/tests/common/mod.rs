//! Compiles C and C++ against the libraries that cargo has just built, and runs the result.
#![allow(dead_code, clippy::unwrap_used, clippy::print_stderr)] // Each test binary uses its part; a test may fail.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// A C compiler's name and the flags that make it strict.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Language {
    pub(crate) compiler: &'static str,
    pub(crate) standard: &'static str,
}

pub(crate) const C99: Language = Language { compiler: "gcc", standard: "-std=c99" };
pub(crate) const C11: Language = Language { compiler: "gcc", standard: "-std=c11" };
pub(crate) const CPP17: Language = Language { compiler: "g++", standard: "-std=c++17" };

/// Whether a tool is there. If it is not, the test says so and passes, unless `SOURDINE_REQUIRE_TOOLS=1`.
pub(crate) fn have(tool: &str) -> bool {
    let there = Command::new(tool).arg("--version").output().is_ok();
    if !there {
        let required = std::env::var_os("SOURDINE_REQUIRE_TOOLS").is_some_and(|v| v == "1");
        assert!(!required, "{tool} is not installed, and SOURDINE_REQUIRE_TOOLS=1");
        eprintln!("skipped: {tool} is not installed");
    }
    there
}

/// Builds the package's libraries as this test was built, once per test binary, and returns their folder. (Cargo builds
/// only `lib`s for tests by itself, and these are `cdylib` and `staticlib`.)
pub(crate) fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_path_buf();
        // target/debug, or target/TRIPLE/debug.
        let up = if std::env::var_os("CARGO_BUILD_TARGET").is_some() { 2 } else { 1 };
        let target = folder.ancestors().nth(up).unwrap();
        let profile = if folder.ends_with("release") { "release" } else { "dev" };
        run(Command::new(env!("CARGO"))
            .args([
                "build",
                "--lib",
                "--offline",
                "--profile",
                profile,
                "-p",
                env!("CARGO_PKG_NAME"),
                "--target-dir",
            ])
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR")));
        folder
    })
}

/// The shared library of this name.
pub(crate) fn shared_library(name: &str) -> PathBuf {
    let path = built().join(format!("lib{name}.so"));
    assert!(path.is_file(), "{} was not built", path.display());
    path
}

/// Runs a command and fails the test, with its words, if it does not end well.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Compiles a program with every warning an error and links it with a shared library.
pub(crate) fn compile(
    language: Language,
    package: &str,
    source: &str,
    library: &str,
    flags: &[&str],
    to: &Path,
) -> PathBuf {
    let package = Path::new(package);
    let source = package.join(source);
    let program = to.join(source.file_stem().unwrap()).with_extension(&language.standard[5..]);
    let library = shared_library(library);
    run(Command::new(language.compiler)
        .args([language.standard, "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(flags)
        .arg("-I")
        .arg(package.join("include"))
        .arg(source)
        .arg("-o")
        .arg(&program)
        .arg(&library)
        .arg(format!("-Wl,-rpath,{}", library.parent().unwrap().display()))
        .args(["-lm", "-lpthread"]));
    program
}

/// Runs a program under valgrind: an invalid access, a read of what was not written, or a leak fails the test.
pub(crate) fn valgrind(program: &Path, suppressions: Option<&Path>, args: &[&OsStr]) {
    let mut command = Command::new("valgrind");
    command.args([
        "--error-exitcode=99",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible",
    ]);
    if let Some(path) = suppressions {
        command.arg(format!("--suppressions={}", path.display()));
    }
    run(command.arg(program).args(args));
}

/// The symbols that a shared library exports, without the linker's own.
pub(crate) fn exported(library: &str) -> Vec<String> {
    let output = run(Command::new("nm").args(["-D", "--defined-only", "-P"]).arg(shared_library(library)));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<_> = text.lines().filter_map(|l| l.split(' ').next()).map(String::from).collect();
    names.sort();
    names
}

/// The libraries that a shared library needs.
pub(crate) fn needed(library: &str) -> Vec<String> {
    let output = run(Command::new("readelf").arg("-d").arg(shared_library(library)));
    let text = String::from_utf8(output.stdout).unwrap();
    let needed = text.lines().filter(|l| l.contains("(NEEDED)"));
    needed.filter_map(|l| Some(l.split_once('[')?.1.trim_end_matches(']').to_owned())).collect()
}

/// Fails if a library needs anything but the C library and what comes with it.
pub(crate) fn needs_libc_only(library: &str) {
    let allowed = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2"];
    for name in needed(library) {
        let of_libc = allowed.contains(&name.as_str()) || name.starts_with("ld-linux");
        assert!(of_libc, "lib{library} needs {name}");
    }
}
