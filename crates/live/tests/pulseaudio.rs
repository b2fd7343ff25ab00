//! The real program through a real sound server: PulseAudio with null sinks, started here, without root's or a
//! desktop's help. Where there is no PulseAudio this is skipped with a message, or, with SOURDINE_REQUIRE_TOOLS
//! set, fails.
//!
//! A sound card's time is real time, so these take as long as their sound: SOURDINE_LIVE_SECONDS, 12 by default, at 48 and
//! at 44.1 kHz. A machine that is busy with something else makes the server lose sound by itself, so there are five
//! attempts, and it is said when one has failed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)] // A test may.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_testkit::{metrics, signals};

use common::{Server, end, wait_for, write_wav};

/// The best correlation of a sound and a stretch of a recording over places and speeds, and how much
/// faster the recording runs there, in ppm. Each null sink has a clock of its own, which counts its blocks in whole
/// microseconds: at 44.1 kHz and a latency that is no multiple of 10 ms two of them differ by up to 0.3 %, which the
/// session follows, as it must.
fn best_correlation(expected: &[f32], around: &[f32]) -> (f64, f64) {
    // The loudest twentieth, wherever it is.
    let n = expected.len() / 20;
    let parts = expected.chunks_exact(n).enumerate();
    let loudest = parts.max_by(|a, b| metrics::level_db(a.1).total_cmp(&metrics::level_db(b.1))).unwrap();
    let (anchor, part) = (loudest.0 * n, loudest.1);
    let place = |lag: usize| correlation(part, &around[anchor + lag..][..n]);
    let reach = around.len() - expected.len();
    let lag = (0..reach).max_by(|a, b| place(*a).total_cmp(&place(*b))).unwrap();
    // What is heard at that place, at another speed and a little to the side; `half` taps on each side.
    let heard = |speed: f64, offset: f64, half: isize| -> Vec<f32> {
        let read = |k: usize| {
            let at = (lag + k) as f64 + (k as f64 - anchor as f64) * speed + offset;
            let whole = at.floor();
            let taps = (1 - half..=half).map(|j| {
                let distance = at - whole - j as f64;
                let index = whole as isize + j;
                let x = usize::try_from(index).ok().and_then(|i| around.get(i)).copied().unwrap_or(0.0);
                let window = (0.5 * std::f64::consts::PI * distance / half as f64).cos().powi(2);
                let turn = std::f64::consts::PI * distance;
                f64::from(x) * window * if turn == 0.0 { 1.0 } else { turn.sin() / turn }
            });
            taps.sum::<f64>() as f32
        };
        (0..expected.len()).map(read).collect()
    };
    let mut best = (f64::MIN, 0.0, 0.0);
    for (reach, step, side, half) in
        [(5e-3, 250e-6, 3.0, 1), (200e-6, 100e-6, 0.75, 4), (50e-6, 25e-6, 0.3, 4)]
    {
        let (_, speed, offset) = best;
        let steps = (2.0 * reach / step) as i32 + 1;
        for speed in (0..steps).map(|k| speed - reach + f64::from(k) * step) {
            for offset in (-3..=3).map(|k| offset + f64::from(k) * side / 3.0) {
                let alike = correlation(expected, &heard(speed, offset, half));
                best = if alike > best.0 { (alike, speed, offset) } else { best };
            }
        }
    }
    (best.0, best.1 * 1e6)
}

fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12)
}

fn above_mean(x: &[f32]) -> Vec<f32> {
    let mean = x.iter().sum::<f32>() / x.len().max(1) as f32;
    x.iter().map(|x| x - mean).collect()
}

fn noisy_speech_arrives_clean(rate: u32) {
    let Some(server) = Server::start(rate) else { return };
    let seconds: usize =
        std::env::var("SOURDINE_LIVE_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(12);
    let n = rate as usize;
    let mut sound = signals::speechlike(seconds * n, rate, 11);
    sound[..2 * n].fill(0.0); // Noise alone, to see how far it is turned down.
    for (x, noise) in sound.iter_mut().zip(signals::noise(seconds * n, 0.02, 12)) {
        *x += noise;
    }
    let path = server.folder.path().join("noisy.wav");
    let sound = write_wav(&path, rate, &sound);
    let mut clean = sound.clone();
    let mut engine =
        Engine::new(StreamFormat::new(rate, 1), &Settings::default(), &Model::default()).unwrap();
    engine.process_interleaved_f32(&mut clean).unwrap();

    // Blocks of 10 ms come through complete as well, where no other program holds up the server for longer than that.
    let once = |n: i32| {
        let good = attempt(&server, rate, seconds, &path, &sound, &clean);
        println!(
            "{rate} Hz: attempt {n}: {}",
            if good { "like the cleaned file" } else { "not like the cleaned file" }
        );
        good
    };
    assert!((1..=5).any(once), "{rate} Hz: not like the cleaned file");
}

/// Plays the sound through the program once. Returns whether what came out is like `clean`.
fn attempt(server: &Server, rate: u32, seconds: usize, path: &Path, sound: &[f32], clean: &[f32]) -> bool {
    let n = rate as usize;
    let live = server.live(&["--json", "-i", "vmic", "-o", "vspk", "--block", "100", "--margin", "20"]);
    std::thread::sleep(Duration::from_millis(1500));
    let recording = server.record("vspk.monitor", rate);
    std::thread::sleep(Duration::from_millis(500));
    let mut player = server.play(path);
    assert!(player.0.wait().unwrap().success());
    std::thread::sleep(Duration::from_millis(700));
    let heard = recording.end();
    let (code, text) = end(live);
    let last = text.lines().last().unwrap_or_default();
    println!("{rate} Hz: {last}");
    assert_eq!(code, Some(0));

    // By their levels in steps of 10 ms: the clocks' difference blurs everything finer over so long a time.
    let steps = |x: &[f32]| -> Vec<f32> {
        x.chunks(n / 100).map(|c| metrics::level_db(c).max(-80.0) as f32).collect()
    };
    let (expected, got) = (steps(clean), steps(&heard));
    let alike = |lag: &usize| {
        correlation(&above_mean(&expected), &above_mean(&got[*lag..][..expected.len().min(got.len() - lag)]))
    };
    let delay = (0..300.min(got.len())).max_by(|a, b| alike(a).total_cmp(&alike(b))).unwrap() * (n / 100);
    let heard = &heard[delay..];
    assert!(heard.len() >= clean.len() - n / 10, "{} of {} frames came out", heard.len(), clean.len());
    // Second by second, each where it fits best within 0.1 s.
    let reach = n / 10;
    let (mut alike, mut speeds) = (Vec::new(), Vec::new());
    for second in 1..seconds - 1 {
        let expected = &clean[second * n..(second + 1) * n];
        let from = second * n - reach;
        let Some(around) = heard.get(from..from + n + 2 * reach) else { break };
        let (correlation, ppm) = best_correlation(expected, around);
        alike.push(correlation);
        speeds.push(ppm.round());
    }
    println!("{rate} Hz: by second {alike:.3?}, ppm {speeds:?}");
    let good = alike.iter().filter(|c| **c > 0.99).count();
    let all = alike.len();
    alike.sort_by(f64::total_cmp);
    // Between the words: the fifth of all tenths of a second with the least sound.
    let noise = |x: &[f32]| {
        let mut levels: Vec<f64> = x[n..(seconds - 1) * n].chunks(n / 10).map(metrics::level_db).collect();
        levels.sort_by(f64::total_cmp);
        levels[levels.len() / 5]
    };
    println!(
        "{rate} Hz: {good} of {all} seconds above 0.99, median {:.5}, least {:.5}; between words {:.1} dBFS, live {:.1}, clean {:.1}",
        alike[all / 2],
        alike[0],
        noise(sound),
        noise(heard),
        noise(clean)
    );
    assert!(noise(clean) < noise(sound) - 6.0, "there is something to hear");
    let as_quiet = (noise(heard) - noise(clean)).abs() < 3.0;
    as_quiet && alike[all / 2] > 0.99 && 4 * good >= 3 * all
}

#[test]
fn noisy_speech_arrives_clean_at_48_khz() {
    noisy_speech_arrives_clean(48_000);
}

#[test]
fn noisy_speech_arrives_clean_at_44100_hz() {
    noisy_speech_arrives_clean(44_100);
}

#[test]
fn an_unplugged_microphone_is_heard_again_within_a_second() {
    let Some(server) = Server::start(48_000) else { return };
    let path = server.folder.path().join("noise.wav");
    write_wav(&path, 48_000, &signals::noise(48_000 * 40, 0.2, 1));
    let live = server.live(&["--json", "-i", "vmic", "-o", "vspk", "-a", "0"]);
    let recording = server.record("vspk.monitor", 48_000);
    let player = server.play(&path);
    let sounds = || recording.last_sound().is_some_and(|t| t.elapsed() < Duration::from_millis(60));
    wait_for("sound", Duration::from_secs(10), sounds);

    let mut fastest = Duration::MAX;
    for round in 1..=2 {
        assert!(server.pactl(&["unload-module", &server.module("source_name=vmic")]).0);
        wait_for("silence", Duration::from_secs(5), || !sounds());
        std::thread::sleep(Duration::from_millis(1500));
        assert!(!sounds());
        let load = ["load-module", "module-remap-source", "source_name=vmic", "master=vmic_in.monitor"];
        let began = Instant::now();
        assert!(server.pactl(&load).0);
        wait_for("sound again", Duration::from_secs(5), sounds);
        let took = began.elapsed();
        println!("round {round}: sound {took:?} after the microphone was back");
        fastest = fastest.min(took);
    }
    // A busy machine may hold up one of them.
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
    // The next lines of the program.
    std::thread::sleep(Duration::from_millis(2500));
    drop(player);
    let (code, text) = end(live);
    assert_eq!(code, Some(0));
    assert!(text.contains("\"phase\":\"waiting\"") && text.contains("\"reopened\":2"), "{text}");
}
