//! Recordings of the real program: whole under their names or not there at all, on a full disk as well.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)] // A test may.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::{Server, wait_for};

/// A file system of 512 KiB, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: &Path) -> Option<Self> {
        std::fs::create_dir(place).unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"]).arg(place).output();
        mount.is_ok_and(|done| done.status.success()).then(|| Self(place.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking(), "cannot unmount");
    }
}

fn live(server: &Server, arguments: &[&str]) -> Output {
    let mut command = server.command(env!("CARGO_BIN_EXE_sourdine-live"));
    command.args(["--host", "pulseaudio", "-i", "vmic", "--plain"]).args(arguments).output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = all.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn frames(path: &Path) -> usize {
    let samples = hound::WavReader::open(path).unwrap().into_samples::<f32>();
    samples.map(Result::unwrap).count()
}

#[test]
fn a_full_disk_ends_the_recording_with_a_message_and_a_whole_file() {
    let Some(server) = Server::start(48_000) else { return };
    let disk = server.folder.path().join("disk");
    let Some(_mounted) = SmallDisk::mount(&disk) else {
        println!("skipped: this user may not mount a small disk");
        return;
    };
    let (after, before) = (disk.join("after.wav"), disk.join("before.wav"));
    let record = ["--record", after.to_str().unwrap(), "--record-before", before.to_str().unwrap()];
    // Without an output, the program ends with its recording.
    let began = Instant::now();
    let done = live(&server, &[&["-o", "none", "--seconds", "60"], &record[..]].concat());
    assert!(began.elapsed() < Duration::from_secs(40));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains(".wav: the disk is full"), "{said}");
    assert_eq!(names(&disk), ["after.wav", "before.wav"]);
    // Of 512 KiB each of the two has about half.
    assert_eq!(frames(&after), frames(&before));
    assert!((50_000..66_000).contains(&frames(&after)), "{}", frames(&after));

    // With an output, playback continues, and the exit code tells.
    [&after, &before].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let done = live(&server, &["-o", "vspk", "--seconds", "6", record[0], record[1]]);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("after.wav: the disk is full") && said.contains("playback continues"), "{said}");
    assert!((100_000..131_072).contains(&frames(&after)), "{}", frames(&after));
    let lines = String::from_utf8_lossy(&done.stdout).lines().count();
    assert!(lines >= 4, "{lines} lines");
}

#[test]
fn a_recording_has_its_name_when_it_is_whole() {
    let Some(server) = Server::start(48_000) else { return };
    let folder = server.folder.path().join("takes");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("talk.wav");
    let arguments = ["-i", "vmic", "-o", "none", "--record", path.to_str().unwrap()];
    let (mut live_one, _) = server.live_into("live.json", &arguments);
    let size = || {
        let name = names(&folder).pop()?;
        Some((std::fs::metadata(folder.join(&name)).ok()?.len(), name))
    };
    wait_for("sound in the file", Duration::from_secs(10), || size().is_some_and(|(n, _)| n > 100_000));
    let (_, name) = size().unwrap();
    assert!(name.starts_with(".talk.wav.sourdine-") && name.ends_with(".tmp"), "{name}");
    let id = live_one.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(live_one.0.wait().unwrap().success());
    assert_eq!(names(&folder), ["talk.wav"]);
    assert!(frames(&path) > 20_000);

    // It is not replaced by the next one, which says so at once.
    let whole = std::fs::read(&path).unwrap();
    let done = live(&server, &["-o", "vspk", "--seconds", "60", "--record", path.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.code() == Some(1) && said.contains("talk.wav: exists already"), "{said}");
    assert!(std::fs::read(&path).unwrap() == whole);
}

#[test]
fn what_a_killed_program_has_recorded_can_be_read() {
    let Some(server) = Server::start(48_000) else { return };
    let folder = server.folder.path().join("takes");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("talk.wav");
    let arguments = ["-i", "vmic", "-o", "none", "--record", path.to_str().unwrap()];
    let (live, _) = server.live_into("live.json", &arguments);
    let long = || names(&folder).iter().any(|n| std::fs::metadata(folder.join(n)).unwrap().len() > 100_000);
    wait_for("sound in the file", Duration::from_secs(10), long);
    // Cleaning files into the same folder removes what its own killed runs left, and no recording, whether it goes on or
    // not.
    sourdine_soundfile::remove_abandoned(&folder);
    assert_eq!(names(&folder).len(), 1, "a recording that goes on was taken away");
    drop(live); // Killed.
    sourdine_soundfile::remove_abandoned(&folder);
    let [name] = &names(&folder)[..] else { panic!("{:?}", names(&folder)) };
    let mut reader = sourdine_soundfile::SoundReader::open(&folder.join(name)).unwrap();
    let mut samples = 0;
    let mut block = vec![0.0; 4096];
    loop {
        match reader.read(&mut block).unwrap() {
            0 => break,
            n => samples += n,
        }
    }
    assert!(samples > 20_000, "{samples}");
}
