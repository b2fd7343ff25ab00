//! The arrows of ARCHITECTURE.md, read off `cargo metadata`.

use std::collections::BTreeMap;
use std::process::Command;

/// The dependencies that each package of the workspace may have, and those that only its tests may have.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    ("sourdine", &[], &["sourdine-testkit"]),
    ("sourdine-soundfile", &[], &["sourdine-testkit"]),
    ("sourdine-settings", &["sourdine"], &[]),
    ("sourdine-clean", &["sourdine", "sourdine-soundfile"], &[]),
    ("sourdine-measures", &[], &["sourdine-testkit"]),
    (
        "sourdine-cli",
        &["sourdine", "sourdine-clean", "sourdine-measures", "sourdine-settings", "sourdine-soundfile"],
        &["sourdine-testkit"],
    ),
    ("sourdine-live", &["sourdine", "sourdine-settings"], &["sourdine-testkit", "sourdine-soundfile"]),
    ("sourdine-capi", &["sourdine"], &["sourdine-testkit"]),
    ("sourdine-livekit", &["sourdine"], &["sourdine-testkit"]),
    ("sourdine-wasm", &["sourdine"], &[]),
    ("sourdine-plugin", &["sourdine"], &["sourdine-testkit"]),
    ("sourdine-gstreamer", &["sourdine"], &[]),
    ("sourdine-python", &["sourdine", "sourdine-clean", "sourdine-settings", "sourdine-soundfile"], &[]),
    ("sourdine-rnnoise", &["sourdine"], &["sourdine-testkit"]),
    ("sourdine-testkit", &["sourdine", "sourdine-measures"], &[]),
    ("sourdine-benches", &["sourdine", "sourdine-testkit"], &[]),
];

/// The packages that the core must never depend on, directly or not: I/O, threads, clocks, logs.
const NOT_BELOW_THE_CORE: &[&str] = &["cpal", "hound", "clap", "tokio", "log", "tracing", "rand"];

#[test]
fn arrows_point_to_the_core() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let ours: Vec<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let allowed: BTreeMap<_, _> =
        ALLOWED.iter().map(|(name, normal, test)| (*name, (*normal, *test))).collect();
    for package in packages {
        let name = package["name"].as_str().expect("name");
        let (normal, test) = allowed.get(name).unwrap_or_else(|| panic!("{name} is not on the map"));
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = dependency["name"].as_str().expect("name");
            if !ours.contains(&to) {
                continue;
            }
            let fits = match dependency["kind"].as_str() {
                Some("dev") => normal.contains(&to) || test.contains(&to),
                _ => normal.contains(&to),
            };
            assert!(fits, "{name} must not depend on {to}");
        }
    }
}

#[test]
fn the_core_stays_pure() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "-p", "sourdine", "-e", "normal", "--prefix", "none", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8(output.stdout).expect("text");
    assert!(tree.contains("rubato"), "the tree was read: {tree}");
    for line in tree.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        assert!(!NOT_BELOW_THE_CORE.contains(&name), "the core depends on {name}");
    }
}
