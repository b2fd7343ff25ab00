//! The sound server crashes and is started again, or does not answer.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)] // A test may.

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use sourdine_testkit::signals;

use common::{Server, last_line, wait_for, write_wav};

const SOON: Duration = Duration::from_secs(10);

/// The three seconds that are promised, and one for the next line to be printed.
const BACK: Duration = Duration::from_secs(4);

#[test]
fn sound_is_back_after_the_server_is() {
    let Some(mut server) = Server::start(48_000) else { return };
    let (live, out) = server.live_into("live.json", &["-i", "vmic", "-a", "0"]);
    wait_for("sound", SOON, || last_line(&out).contains("\"phase\":\"running\""));
    for round in 1..=2 {
        server.kill();
        wait_for("the server to be missed", SOON, || {
            let line = last_line(&out);
            line.contains("\"phase\":\"waiting\"") && line.contains("the sound server is gone")
        });
        server.revive();
        let took = wait_for("a running session", BACK, || last_line(&out).contains("\"phase\":\"running\""));
        println!("round {round}: running, and printed so, {took:?} after the server");
    }
    let path = server.folder.path().join("noise.wav");
    write_wav(&path, 48_000, &signals::noise(48_000 * 20, 0.2, 1));
    let (_player, recording) = (server.play(&path), server.record("vspk.monitor", 48_000));
    wait_for("sound from the speakers", SOON, || recording.last_sound().is_some());
    drop(live);
}

#[test]
fn the_virtual_microphone_is_back_too() {
    let Some(mut server) = Server::start(48_000) else { return };
    let (_live, out) = server.live_into("live.json", &["-i", "vmic", "--virtual-mic", "-a", "0"]);
    let there = |server: &Server| server.sources().iter().any(|(_, name)| name == "sourdine_live_mic");
    wait_for("the microphone", SOON, || there(&server));
    wait_for("idleness", SOON, || last_line(&out).contains("\"phase\":\"idle\""));
    server.kill();
    wait_for("the server to be missed", SOON, || last_line(&out).contains("the sound server is gone"));
    server.revive();
    let took = wait_for("the microphone again", BACK, || there(&server));
    println!("the microphone is back {took:?} after the server");
    let path = server.folder.path().join("noise.wav");
    write_wav(&path, 48_000, &signals::noise(48_000 * 20, 0.2, 1));
    let (_player, recording) = (server.play(&path), server.record("sourdine_live_mic", 48_000));
    wait_for("sound from it", SOON, || recording.last_sound().is_some());
}

#[test]
fn a_server_that_does_not_answer_holds_up_nothing() {
    let Some(server) = Server::start(48_000) else { return };
    for more in [&["-o", "vspk"][..], &["--virtual-mic"]] {
        let arguments = [&["-i", "vmic", "-a", "0"], more].concat();
        let (mut live, out) = server.live_into("live.json", &arguments);
        wait_for("a line", SOON, || !last_line(&out).is_empty());
        server.signal("-STOP");
        std::thread::sleep(Duration::from_secs(4));
        let asked = Instant::now();
        let id = live.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let ended = loop {
            match live.0.try_wait().unwrap() {
                None if asked.elapsed() < Duration::from_secs(20) => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                ended => break ended,
            }
        };
        server.signal("-CONT");
        assert!(ended.is_some_and(|status| status.success()), "{more:?}: {ended:?}");
        println!("{more:?}: ended {:?} after it was asked to", asked.elapsed());
    }
}
