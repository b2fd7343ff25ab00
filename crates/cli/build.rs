//! Tells the program what it was built from, for `sourdine --version`.

use std::process::Command;

fn main() {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // A source archive has no history: then the version alone says what it is.
    let commit = git(&["rev-parse", "--short=9", "HEAD"]).unwrap_or_else(|| "release".into());
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=SOURDINE_COMMIT={commit}");
    println!("cargo::rustc-env=SOURDINE_TARGET={target}");
    if let Some(head) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={head}");
    }
}
