//! Licences and sources of all packages, on all platforms, by the rules of `deny.toml`. `cargo deny`, which has more rules, need
//! not be installed for it.

use std::process::Command;

use spdx::{Expression, LicenseReq, ParseMode};

/// Where packages that are not ours may come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn words(value: &toml::Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|word| word.as_str().expect("text")).collect()
}

/// Returns whether a licence with its exception, such as "Apache-2.0 WITH LLVM-exception", is in the list.
fn is_listed(list: &[&str], required: &LicenseReq) -> bool {
    list.contains(&required.to_string().as_str())
}

#[test]
fn licences_and_sources_are_allowed() {
    let rules: toml::Value = toml::from_str(include_str!("../../../deny.toml")).expect("deny.toml");
    let allowed = words(&rules["licenses"]["allow"]);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--all-features", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 200, "{} packages: not all of them", packages.len());
    for package in packages {
        let name = package["name"].as_str().expect("name");
        if let Some(source) = package["source"].as_str() {
            assert_eq!(source, REGISTRY, "{name} is from elsewhere");
        }
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{name} states no licence"));
        let expression = Expression::parse_mode(licence, ParseMode::LAX)
            .unwrap_or_else(|error| panic!("{name}: {licence}: {error}"));
        let exceptions = rules["licenses"]["exceptions"].as_array().expect("exceptions");
        let mut list = allowed.clone();
        for exception in exceptions.iter().filter(|exception| exception["crate"].as_str() == Some(name)) {
            list.extend(words(&exception["allow"]));
        }
        assert!(
            expression.evaluate(|required| is_listed(&list, required)),
            "{name}: {licence} is not among the licences of deny.toml"
        );
    }
}

#[test]
fn other_licences_are_refused() {
    let allowed = ["MIT", "Apache-2.0"];
    let fits = |licence: &str| {
        let expression = Expression::parse(licence).expect("an expression");
        expression.evaluate(|required| is_listed(&allowed, required))
    };
    assert!(fits("MIT OR GPL-3.0-only") && fits("MIT AND Apache-2.0"));
    assert!(
        !fits("MIT AND GPL-3.0-only")
            && !fits("Apache-2.0 WITH LLVM-exception")
            && !fits("LGPL-2.1-or-later")
    );
}
