//! The real program through a real sound server: PulseAudio with null sinks, started here, without root's or a
//! desktop's help. Where there is no PulseAudio this is skipped with a message, or, with SOURDINE_REQUIRE_TOOLS
//! set, fails.
//!
//! A sound card's time is real time, so these take as long as their sound: SOURDINE_LIVE_SECONDS, 12 by default, at 48 and
//! at 44.1 kHz. A machine that is busy with something else makes the server lose sound by itself, so there are five
//! attempts, and it is said when one has failed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)] // A test may.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use sourdine::{Engine, Model, Settings, StreamFormat};
use sourdine_testkit::{metrics, signals};

/// One server at a time: two would share the cores and both be late.
static ALONE: Mutex<()> = Mutex::new(());

/// A process that ends with its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// A sound server of our own: what is played into `vmic_in` is heard from `vmic`; `vspk` are the speakers.
struct Server {
    _process: Process,
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Server {
    fn start(rate: u32) -> Option<Self> {
        let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let there = |tool: &str| {
            let found =
                Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            found.is_ok_and(|s| s.success())
        };
        if !["pulseaudio", "pactl", "paplay", "parec"].into_iter().all(there) {
            let why = "no PulseAudio here: apt-get install pulseaudio pulseaudio-utils";
            assert!(std::env::var_os("SOURDINE_REQUIRE_TOOLS").is_none(), "{why}");
            println!("skipped: {why}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let mut command = Command::new("pulseaudio");
        command.args([
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--use-pid-file=no",
            "--log-target=stderr",
        ]);
        for module in [
            format!("module-native-protocol-unix socket={} auth-anonymous=1", socket.display()),
            format!("module-null-sink sink_name=vmic_in rate={rate} channels=1"),
            "module-remap-source source_name=vmic master=vmic_in.monitor".into(),
            format!("module-null-sink sink_name=vspk rate={rate} channels=1"),
        ] {
            command.args(["-L", &module]);
        }
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        command.env("XDG_RUNTIME_DIR", folder.path()).env("HOME", folder.path());
        let process =
            Process(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let server = Self { _process: process, folder, _alone: alone };
        let until = Instant::now() + Duration::from_secs(10);
        while !server.pactl(&["info"]).0 {
            let log = || std::fs::read_to_string(server.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "PulseAudio does not start: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        // Not `vmic`: whenever that came back, the server would move our recordings of `vspk.monitor` to it.
        assert!(
            server.pactl(&["set-default-source", "vspk.monitor"]).0
                && server.pactl(&["set-default-sink", "vspk"]).0
        );
        Some(server)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let folder = self.folder.path();
        let socket = format!("unix:{}", folder.join("socket").display());
        command.env("PULSE_SERVER", socket).env("XDG_RUNTIME_DIR", folder).env("HOME", folder);
        command.stdin(Stdio::null());
        command
    }

    fn pactl(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command("pactl").args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn live(&self, arguments: &[&str]) -> Process {
        let mut command = self.command(env!("CARGO_BIN_EXE_sourdine-live"));
        command.args(["--host", "pulseaudio"]).args(arguments);
        Process(command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap())
    }

    fn play(&self, sound: &Path) -> Process {
        let mut command = self.command("paplay");
        Process(command.args(["--latency-msec=100", "-d", "vmic_in"]).arg(sound).spawn().unwrap())
    }

    /// Records a source until the recording is ended.
    fn record(&self, source: &str, rate: u32) -> Recording {
        let mut command = self.command("parec");
        command.args(["--raw", "-d", source, "--format=s16le", "--channels=1", "--latency-msec=20"]);
        let mut process =
            Process(command.arg(format!("--rate={rate}")).stdout(Stdio::piped()).spawn().unwrap());
        let mut pipe = process.0.stdout.take().unwrap();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let into = heard.clone();
        let reader = std::thread::spawn(move || {
            let (mut bytes, mut odd) = ([0; 1920], Vec::new());
            while let Ok(n @ 1..) = pipe.read(&mut bytes) {
                odd.extend_from_slice(&bytes[..n]);
                let whole = odd.len() / 2 * 2;
                let mut heard = into.lock().unwrap();
                let new = odd[..whole]
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0);
                let before = heard.samples.len();
                heard.samples.extend(new);
                if metrics::level_db(&heard.samples[before..]) > -50.0 {
                    heard.last_sound = Some(Instant::now());
                }
                odd.drain(..whole);
            }
        });
        Recording { process, heard, reader }
    }
}

#[derive(Default)]
struct Heard {
    samples: Vec<f32>,
    last_sound: Option<Instant>,
}

struct Recording {
    process: Process,
    heard: Arc<Mutex<Heard>>,
    reader: std::thread::JoinHandle<()>,
}

impl Recording {
    fn end(self) -> Vec<f32> {
        drop(self.process);
        self.reader.join().unwrap();
        std::mem::take(&mut self.heard.lock().unwrap().samples)
    }

    fn last_sound(&self) -> Option<Instant> {
        self.heard.lock().unwrap().last_sound
    }
}

fn wait_for(what: &str, longest: Duration, mut there: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !there() {
        assert!(began.elapsed() < longest, "{what}: not within {longest:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    began.elapsed()
}

fn write_wav(path: &Path, rate: u32, samples: &[f32]) -> Vec<f32> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    let rounded: Vec<i16> = samples.iter().map(|x| (x * 32_768.0).round() as i16).collect();
    rounded.iter().for_each(|x| writer.write_sample(*x).unwrap());
    writer.finalize().unwrap();
    rounded.iter().map(|x| f32::from(*x) / 32_768.0).collect()
}

/// How alike a sound and a stretch of a recording are, at the place and speed where they are most so, and how much
/// faster the recording runs there, in ppm. Each null sink has a clock of its own, which counts its blocks in whole
/// microseconds: at 44.1 kHz and a latency that is no multiple of 10 ms two of them differ by up to 0.3 %, which the
/// session follows, as it must.
fn likeness(expected: &[f32], around: &[f32]) -> (f64, f64) {
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

/// Ends a program as a user does and returns its exit code and output.
fn end(mut process: Process) -> (Option<i32>, String) {
    let id = process.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut text = String::new();
    process.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    (process.0.wait().unwrap().code(), text)
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
        let (correlation, ppm) = likeness(expected, around);
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

    let modules = server.pactl(&["list", "short", "modules"]).1;
    let module =
        modules.lines().find(|l| l.contains("source_name=vmic")).unwrap().split('\t').next().unwrap();
    let mut fastest = Duration::MAX;
    for round in 1..=2 {
        let unplugged = if round == 1 { module.to_owned() } else { find_module(&server, "source_name=vmic") };
        assert!(server.pactl(&["unload-module", &unplugged]).0);
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

fn find_module(server: &Server, what: &str) -> String {
    let modules = server.pactl(&["list", "short", "modules"]).1;
    let line = modules.lines().find(|l| l.contains(what)).unwrap_or_else(|| panic!("no {what} in {modules}"));
    line.split('\t').next().unwrap().to_owned()
}

#[test]
fn the_virtual_microphone_comes_idles_and_goes_even_after_a_crash() {
    let Some(server) = Server::start(48_000) else { return };
    let ours = || server.pactl(&["list", "short", "sources"]).1.matches("_mic\t").count();
    let start = || server.live(&["--json", "-i", "vmic", "--virtual-mic", "-a", "0"]);
    let soon = Duration::from_secs(10);

    let crashed = start();
    wait_for("the virtual microphone", soon, || ours() == 1);
    drop(crashed); // Killed: it could not clean up.
    assert_eq!(ours(), 1, "left behind");

    let live = start();
    let old_and_new = Duration::from_secs(10);
    wait_for("one virtual microphone", old_and_new, || {
        let sources = server.pactl(&["list", "short", "sources"]).1;
        sources.matches("_mic\t").count() == 1
            && sources.contains(&format!("sourdine_live_{}_mic", live.0.id()))
    });
    // Nobody listens: the real microphone is not even open.
    std::thread::sleep(Duration::from_millis(1500));
    let readers = |source: &str| {
        let sources = server.pactl(&["list", "short", "sources"]).1;
        let number = sources
            .lines()
            .find(|l| l.split('\t').nth(1) == Some(source))
            .unwrap()
            .split('\t')
            .next()
            .unwrap()
            .to_owned();
        let outputs = server.pactl(&["list", "short", "source-outputs"]).1;
        outputs.lines().filter(|l| l.split('\t').nth(1) == Some(&number)).count()
    };
    wait_for("the real microphone to be closed while nobody listens", soon, || readers("vmic") == 0);
    let idle = cpu_seconds(live.0.id());
    std::thread::sleep(Duration::from_secs(2));
    let idle = (cpu_seconds(live.0.id()) - idle) / 2.0;
    println!("idle: {:.2} % of a core", 100.0 * idle);
    assert!(idle < 0.02, "{idle}");

    // A call program listens.
    let path = server.folder.path().join("noise.wav");
    write_wav(&path, 48_000, &signals::noise(48_000 * 30, 0.2, 1));
    let player = server.play(&path);
    let recording = server.record(&format!("sourdine_live_{}_mic", live.0.id()), 48_000);
    wait_for("sound from the virtual microphone", soon, || recording.last_sound().is_some());
    drop(recording.end());
    wait_for("the real microphone to be closed", soon, || readers("vmic") == 0);
    drop(player);
    let (code, text) = end(live);
    assert_eq!((code, ours()), (Some(0), 0), "{text}");
}

/// What a process has used of a core so far.
fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
