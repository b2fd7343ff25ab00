//! The plug-in, loaded by its path and its symbols' names.

#[path = "../../capi/tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::process::Command;

use common::{C11, compile, exported, have, needs_libc_only, run, shared_library, valgrind};

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn a_host_runs_it() {
    if !have("gcc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = compile(C11, PACKAGE, "tests/host.c", "sourdine_livekit", &[], folder.path());
    let library = shared_library("sourdine_livekit");
    let output = run(Command::new(&program).arg(&library));
    println!("{}", String::from_utf8_lossy(&output.stdout));
    if have("valgrind") {
        let plans = Path::new(PACKAGE).join("../rnnoise/tests/nnnoiseless.supp");
        valgrind(&program, Some(&plans), &[library.as_os_str()]);
    }
}

#[test]
fn nothing_else_is_exported_or_needed() {
    if !have("nm") || !have("readelf") {
        return;
    }
    let ours = [
        "audio_filter_create",
        "audio_filter_create_v2",
        "audio_filter_destroy",
        "audio_filter_on_load",
        "audio_filter_process_float",
        "audio_filter_process_float_v2",
        "audio_filter_process_int16",
        "audio_filter_process_int16_v2",
        "audio_filter_update_stream_info",
        "audio_filter_update_token",
    ];
    assert_eq!(exported("sourdine_livekit"), ours);
    needs_libc_only("sourdine_livekit");
}
