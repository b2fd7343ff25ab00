//! The program heeds the environment and sourdine.toml as `sourdine clean` does: option, variable, file, default.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)] // A test may.

mod common;

use std::process::Output;

use common::Server;

#[test]
fn options_go_before_variables_before_the_file_before_defaults() {
    let Some(server) = Server::start(48_000) else { return };
    let run = |arguments: &[&str], variables: &[(&str, &str)]| -> Output {
        let mut command = server.command(env!("CARGO_BIN_EXE_sourdine-live"));
        command.args(["--host", "pulseaudio", "-i", "vmic", "-o", "vspk", "--json", "--seconds", "1.3"]);
        command.current_dir(server.folder.path()).env("XDG_CONFIG_HOME", "/nonexistent");
        command.args(arguments).envs(variables.iter().copied()).output().unwrap()
    };
    let knobs = |arguments: &[&str], variables: &[(&str, &str)]| {
        let done = run(arguments, variables);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let text = String::from_utf8(done.stdout).unwrap();
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let knobs = &last["knobs"];
        (
            knobs["model"].as_str().unwrap().to_owned(),
            knobs["attenuation_limit_db"].as_f64(),
            knobs["gate"].as_bool().unwrap(),
        )
    };
    assert_eq!(knobs(&[], &[]), ("sourdine".into(), Some(60.0), false));
    let file = server.folder.path().join("sourdine.toml");
    // Jobs are for files, and no mistake.
    std::fs::write(file, "model = 'rnnoise'\nattenuation-limit = 18\ngate = true\njobs = 2\n").unwrap();
    assert_eq!(knobs(&[], &[]), ("rnnoise".into(), Some(18.0), true));
    let variables =
        [("SOURDINE_MODEL", "sourdine-lite"), ("SOURDINE_ATTENUATION_LIMIT", "off"), ("SOURDINE_GATE", "")];
    assert_eq!(knobs(&[], &variables), ("sourdine-lite".into(), None, true));
    let options = ["-m", "sourdine", "-a", "12", "--gate=false"];
    assert_eq!(knobs(&options, &variables), ("sourdine".into(), Some(12.0), false));

    let fails = |arguments: &[&str], variables: &[(&str, &str)], words: &str| {
        let done = run(arguments, variables);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.code() == Some(1) && said.contains(words), "{:?} {said}", done.status);
    };
    fails(&[], &[("SOURDINE_GATE", "loud")], "SOURDINE_GATE=loud: give `true` or `false`");
    fails(&["--config", "none.toml"], &[], "none.toml: ");
}
