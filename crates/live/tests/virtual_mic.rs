//! The virtual microphone on a PulseAudio server of our own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)] // A test may.

mod common;

use std::time::Duration;

use sourdine_testkit::signals;

use common::{Server, end, wait_for, write_wav};

const SOON: Duration = Duration::from_secs(10);

/// The virtual microphones that there are.
fn ours(server: &Server) -> Vec<String> {
    let names = server.sources().into_iter().map(|(_, name)| name);
    names.filter(|name| name.starts_with("sourdine_live") && name.ends_with("_mic")).collect()
}

#[test]
fn the_virtual_microphone_comes_idles_and_goes() {
    let Some(server) = Server::start(48_000) else { return };
    let live = server.live(&["--json", "-i", "vmic", "--virtual-mic", "-a", "0"]);
    wait_for("the virtual microphone", SOON, || ours(&server) == ["sourdine_live_mic"]);
    // No program listens: the real microphone is not even open.
    std::thread::sleep(Duration::from_millis(1500));
    wait_for("the real microphone to be closed while no program listens", SOON, || {
        server.readers("vmic") == 0
    });
    let idle = cpu_seconds(live.0.id());
    std::thread::sleep(Duration::from_secs(2));
    let idle = (cpu_seconds(live.0.id()) - idle) / 2.0;
    println!("idle: {:.2} % of a core", 100.0 * idle);
    assert!(idle < 0.02, "{idle}");

    // A call program listens.
    let path = server.folder.path().join("noise.wav");
    write_wav(&path, 48_000, &signals::noise(48_000 * 30, 0.2, 1));
    let player = server.play(&path);
    let recording = server.record("sourdine_live_mic", 48_000);
    wait_for("sound from the virtual microphone", SOON, || recording.last_sound().is_some());
    drop(recording.end());
    wait_for("the real microphone to be closed", SOON, || server.readers("vmic") == 0);
    drop(player);
    let (code, text) = end(live);
    assert_eq!((code, ours(&server)), (Some(0), vec![]), "{text}");
}

#[test]
fn only_a_second_one_at_the_same_time_has_a_number() {
    let Some(server) = Server::start(48_000) else { return };
    let start = || server.live(&["--json", "-i", "vmic", "--virtual-mic", "-a", "0"]);
    let first = start();
    wait_for("the first", SOON, || ours(&server) == ["sourdine_live_mic"]);
    let second = start();
    wait_for("the second", SOON, || ours(&server) == ["sourdine_live_mic", "sourdine_live_2_mic"]);
    assert_eq!(end(first).0, Some(0));
    assert_eq!(ours(&server), ["sourdine_live_2_mic"]);
    let third = start();
    wait_for("the third", SOON, || ours(&server).contains(&"sourdine_live_mic".into()));
    assert_eq!((end(second).0, end(third).0, ours(&server)), (Some(0), Some(0), vec![]));
}

#[test]
fn who_records_stays_with_the_virtual_microphone() {
    let Some(server) = Server::start(48_000) else { return };
    let start = || server.live(&["--json", "-i", "vmic", "--virtual-mic", "-a", "0"]);
    let live = start();
    wait_for("the virtual microphone", SOON, || ours(&server).len() == 1);
    let _recording = server.record("sourdine_live_mic", 48_000);
    let reads = || server.readers("sourdine_live_mic") == 1;
    wait_for("the reader", SOON, reads);
    std::thread::sleep(Duration::from_millis(500));

    // A crash: the modules stay, and the next one takes them over.
    drop(live);
    assert!(reads());
    let live = start();
    wait_for("the session", SOON, || server.readers("vmic") == 1);
    assert!(reads());

    // An end, and another start: the server has moved the reader to another source in between.
    assert_eq!(end(live).0, Some(0));
    assert_eq!(server.readers("vspk.monitor"), 1, "to the default source");
    let _live = start();
    wait_for("the reader to be back", SOON, reads);

    // Another program unloads the module.
    std::thread::sleep(Duration::from_millis(500));
    assert!(server.pactl(&["unload-module", &server.module("source_name=sourdine_live_mic")]).0);
    wait_for("the reader to be back", SOON, reads);

    // The user wants another microphone, and that is that.
    let outputs = server.pactl(&["list", "short", "source-outputs"]).1;
    let number = server.sources().into_iter().find(|(_, name)| name == "sourdine_live_mic").unwrap().0;
    let reader = outputs.lines().find(|l| l.split('\t').nth(1) == Some(&number)).unwrap();
    assert!(server.pactl(&["move-source-output", reader.split('\t').next().unwrap(), "vspk.monitor"]).0);
    std::thread::sleep(Duration::from_millis(1000));
    assert!(!reads());
}

#[test]
fn nothing_is_left_of_a_killed_program_but_the_modules() {
    let Some(server) = Server::start(48_000) else { return };
    let live = server.live(&["--json", "-i", "vmic", "--virtual-mic", "-a", "0"]);
    wait_for("the virtual microphone", SOON, || ours(&server).len() == 1);
    let id = live.0.id();
    drop(live);
    let orphans = || {
        let folder = server.folder.path().to_string_lossy().into_owned();
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let named = processes.filter(|p| {
            let read = |what| std::fs::read(p.path().join(what)).unwrap_or_default();
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            // Started by the program: its environment names our server, and it is not the server.
            text(read("environ")).contains(&folder) && !text(read("cmdline")).starts_with("pulseaudio")
        });
        named.map(|p| p.file_name()).collect::<Vec<_>>()
    };
    wait_for("the end of everything that was started", SOON, || orphans().is_empty());
    println!("nothing is left of process {id}");
}

/// The processor time of a process so far.
fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
