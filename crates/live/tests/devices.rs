//! `sourdine-live devices` says what there is, and nothing else is said.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // A test may.

use std::process::{Command, Stdio};

#[test]
fn no_library_chatters_on_stderr() {
    let empty = tempfile::tempdir().unwrap();
    for arguments in [
        &["devices", "--host", "alsa"][..],
        &["devices", "--host", "alsa", "--json"],
        &["devices", "--all"],
        &["--host", "alsa", "-i", "null", "-o", "null", "--plain", "--seconds", "1"],
        // A device that is not there gets our line and no other.
        &["--host", "alsa", "-i", "jack", "-o", "null", "--plain", "--seconds", "1"],
    ] {
        let done = Command::new(env!("CARGO_BIN_EXE_sourdine-live"))
            .args(arguments)
            // No sound server: its plugins find none, and would say so.
            .env("XDG_RUNTIME_DIR", empty.path())
            .env("PULSE_SERVER", "unix:/nonexistent")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        let foreign: Vec<&str> = said.lines().filter(|line| !line.starts_with("sourdine-live: ")).collect();
        assert!(foreign.is_empty(), "{arguments:?}: {foreign:#?}");
        if arguments.contains(&"--json") {
            serde_json::from_slice::<Vec<serde_json::Value>>(&done.stdout).unwrap();
        }
    }
}
