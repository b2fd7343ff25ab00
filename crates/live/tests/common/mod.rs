//! A PulseAudio server of our own, the program on it, and what is heard.
#![allow(dead_code)] // Each test file uses a part.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use sourdine_testkit::metrics;

/// One server at a time: two would share the cores and both be late.
static ALONE: Mutex<()> = Mutex::new(());

/// A process that ends with its test.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A sound server of our own: what is played into `vmic_in` is heard from `vmic`; `vspk` are the speakers.
pub(crate) struct Server {
    process: Process,
    rate: u32,
    pub(crate) folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

fn spawn(folder: &Path, rate: u32) -> Process {
    let mut command = Command::new("pulseaudio");
    command.args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--log-target=stderr"]);
    for module in [
        format!("module-native-protocol-unix socket={} auth-anonymous=1", folder.join("socket").display()),
        format!("module-null-sink sink_name=vmic_in rate={rate} channels=1"),
        "module-remap-source source_name=vmic master=vmic_in.monitor".into(),
        format!("module-null-sink sink_name=vspk rate={rate} channels=1"),
    ] {
        command.args(["-L", &module]);
    }
    let log = std::fs::File::create(folder.join("log")).unwrap();
    command.env("XDG_RUNTIME_DIR", folder).env("HOME", folder);
    Process(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap())
}

impl Server {
    pub(crate) fn start(rate: u32) -> Option<Self> {
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
        let process = spawn(folder.path(), rate);
        let server = Self { process, rate, folder, _alone: alone };
        server.prepare();
        Some(server)
    }

    /// Ends the server as a crash does.
    pub(crate) fn kill(&mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
        let _ = std::fs::remove_file(self.folder.path().join("socket"));
    }

    /// Starts it again.
    pub(crate) fn revive(&mut self) {
        self.process = spawn(self.folder.path(), self.rate);
        self.prepare();
    }

    /// Sends the server a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.0.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits for it and sets its defaults.
    fn prepare(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while !self.pactl(&["info"]).0 {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "PulseAudio does not start: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        // Not `vmic`: whenever that came back, the server would move our recordings of `vspk.monitor` to it.
        assert!(
            self.pactl(&["set-default-source", "vspk.monitor"]).0
                && self.pactl(&["set-default-sink", "vspk"]).0
        );
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let folder = self.folder.path();
        let socket = format!("unix:{}", folder.join("socket").display());
        command.env("PULSE_SERVER", socket).env("XDG_RUNTIME_DIR", folder).env("HOME", folder);
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn pactl(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command("pactl").args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The number of the module that was loaded with such an argument.
    pub(crate) fn module(&self, argument: &str) -> String {
        let modules = self.pactl(&["list", "short", "modules"]).1;
        let line = modules.lines().find(|l| l.contains(argument));
        let line = line.unwrap_or_else(|| panic!("no {argument} in {modules}"));
        line.split('\t').next().unwrap().to_owned()
    }

    /// The numbers and names of the sources.
    pub(crate) fn sources(&self) -> Vec<(String, String)> {
        let text = self.pactl(&["list", "short", "sources"]).1;
        let fields = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
        fields.filter(|f| f.len() > 1).map(|f| (f[0].clone(), f[1].clone())).collect()
    }

    /// Counts the programs that record from a source.
    pub(crate) fn readers(&self, source: &str) -> usize {
        let Some((number, _)) = self.sources().into_iter().find(|(_, name)| name == source) else { return 0 };
        let outputs = self.pactl(&["list", "short", "source-outputs"]).1;
        outputs.lines().filter(|l| l.split('\t').nth(1) == Some(&number)).count()
    }

    /// The program, and the file that it prints to.
    pub(crate) fn live_into(&self, name: &str, arguments: &[&str]) -> (Process, PathBuf) {
        let mut command = self.command(env!("CARGO_BIN_EXE_sourdine-live"));
        command.args(["--host", "pulseaudio", "--json"]).args(arguments);
        let path = self.folder.path().join(name);
        let out = std::fs::File::create(&path).unwrap();
        (Process(command.stdout(out).stderr(Stdio::inherit()).spawn().unwrap()), path)
    }

    pub(crate) fn live(&self, arguments: &[&str]) -> Process {
        let mut command = self.command(env!("CARGO_BIN_EXE_sourdine-live"));
        command.args(["--host", "pulseaudio"]).args(arguments);
        Process(command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap())
    }

    pub(crate) fn play(&self, sound: &Path) -> Process {
        let mut command = self.command("paplay");
        Process(command.args(["--latency-msec=100", "-d", "vmic_in"]).arg(sound).spawn().unwrap())
    }

    /// Records a source until the recording is ended.
    pub(crate) fn record(&self, source: &str, rate: u32) -> Recording {
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
pub(crate) struct Heard {
    samples: Vec<f32>,
    last_sound: Option<Instant>,
}

pub(crate) struct Recording {
    process: Process,
    heard: Arc<Mutex<Heard>>,
    reader: std::thread::JoinHandle<()>,
}

impl Recording {
    pub(crate) fn end(self) -> Vec<f32> {
        drop(self.process);
        self.reader.join().unwrap();
        std::mem::take(&mut self.heard.lock().unwrap().samples)
    }

    pub(crate) fn last_sound(&self) -> Option<Instant> {
        self.heard.lock().unwrap().last_sound
    }
}

pub(crate) fn wait_for(what: &str, longest: Duration, mut there: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !there() {
        assert!(began.elapsed() < longest, "{what}: not within {longest:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    began.elapsed()
}

pub(crate) fn write_wav(path: &Path, rate: u32, samples: &[f32]) -> Vec<f32> {
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

/// Ends a program as a user does and returns its exit code and output.
pub(crate) fn end(mut process: Process) -> (Option<i32>, String) {
    let id = process.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut text = String::new();
    process.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    (process.0.wait().unwrap().code(), text)
}

/// The newest whole line that a program has printed into a file.
pub(crate) fn last_line(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().last().unwrap_or_default().to_owned()
}
