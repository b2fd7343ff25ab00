//! Every bad input gets one line that names the file and says what to do, code 1, and nothing is left behind.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::path::{Path, PathBuf};

use common::{assert_fails, clean, listing, read_f32, sourdine, stderr, write_f32};
use sourdine_testkit::signals;

/// A 16-bit WAV with any header fields.
fn wav(rate: u32, channels: u16, data_size: u32, data: &[u8]) -> Vec<u8> {
    let mut w = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
    w.extend(channels.to_le_bytes());
    w.extend(rate.to_le_bytes());
    w.extend((rate.wrapping_mul(u32::from(channels)).wrapping_mul(2)).to_le_bytes());
    w.extend((channels * 2).to_le_bytes());
    w.extend(16_u16.to_le_bytes());
    w.extend(b"data");
    w.extend(data_size.to_le_bytes());
    w.extend(data);
    let riff = (w.len() as u32 - 8).to_le_bytes();
    w[4..8].copy_from_slice(&riff);
    w
}

/// Writes bytes as `bad.wav` in a new folder.
fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.wav");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Asserts that the bytes are refused with a line that holds one of `words`.
fn refused(bytes: &[u8], words: &str) {
    let (folder, path) = file(bytes);
    let line = assert_fails(&clean(&path, &[]), "bad.wav");
    assert!(line.to_lowercase().contains(words), "{line}");
    assert_eq!(listing(folder.path()), ["bad.wav"], "nothing left behind");
}

/// Asserts that the bytes are cleaned to `frames` frames of mono 16 bit with a note that begins with `words`.
fn repaired(bytes: &[u8], frames: u32, words: &str) {
    let (folder, path) = file(bytes);
    let run = clean(&path, &[]);
    assert!(run.status.success(), "{}", stderr(&run));
    let line = String::from_utf8_lossy(&run.stdout);
    assert!(line.contains(&format!("note: {words}")), "{line}");
    let reader = hound::WavReader::open(folder.path().join("bad.clean.wav")).unwrap();
    assert_eq!(reader.duration(), frames);
}

#[test]
fn empty_file() {
    refused(b"", "empty");
}

#[test]
fn not_a_wav() {
    refused(b"This is a text and not a sound, although it is called bad.wav.", "not a sound");
    refused(b"fLaC\0\0\0\x22aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "flac");
}

#[test]
fn header_cut_off() {
    let whole = wav(48_000, 1, 960, &[0; 960]);
    for cut in [3, 11, 15, 25, 40] {
        let (folder, path) = file(&whole[..cut]);
        assert_fails(&clean(&path, &[]), "bad.wav");
        assert_eq!(listing(folder.path()), ["bad.wav"]);
    }
}

#[test]
fn data_cut_off_is_cleaned_as_far_as_it_goes_and_said() {
    repaired(&wav(48_000, 1, 96_000, &[1; 9_601]), 4_800, "the file is cut off");
}

#[test]
fn data_size_0_and_unknown() {
    repaired(&wav(48_000, 1, 0, &[1; 9_600]), 4_800, "the header does not state the length");
    repaired(&wav(48_000, 1, u32::MAX, &[1; 9_600]), 4_800, "the header does not state the length");
    let (folder, path) = file(&wav(48_000, 1, 0, &[]));
    assert!(clean(&path, &[]).status.success(), "an empty recording is a recording");
    assert_eq!(listing(folder.path()), ["bad.clean.wav", "bad.wav"]);
}

#[test]
fn no_channels_no_rate_and_absurd_rates() {
    refused(&wav(48_000, 0, 960, &[0; 960]), "channel");
    refused(&wav(0, 1, 960, &[0; 960]), "rate");
    refused(&wav(3_000_000, 1, 960, &[0; 960]), "rate");
    refused(&wav(4_000, 1, 960, &[0; 960]), "4000 hz");
    refused(&wav(44_056, 1, 960, &[0; 960]), "44056 hz");
    refused(&wav(48_000, 9, 1800, &[0; 1800]), "channels");
}

#[test]
fn nan_samples_are_silenced_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut samples = signals::speechlike(48_000, 48_000, 1);
    samples[1000] = f32::NAN;
    samples[2000] = f32::INFINITY;
    let path = write_f32(folder.path(), "nan.wav", 48_000, 1, &samples);
    let run = clean(&path, &[]);
    assert!(run.status.success());
    assert!(String::from_utf8(run.stdout).unwrap().contains("2 invalid samples"));
    let out = read_f32(&folder.path().join("nan.clean.wav"));
    assert!(out.iter().all(|x| x.is_finite()));
    assert!(out[24_000..].iter().any(|x| x.abs() > 0.02), "the voice goes on after it");
}

#[test]
fn a_folder_and_a_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    assert_fails(&clean(folder.path(), &["-o", "/nowhere.wav"]), &name);
    assert_fails(&clean(&folder.path().join("none.wav"), &[]), "none.wav");
}

#[test]
fn an_existing_output_is_refused_without_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_f32(folder.path(), "a.wav", 48_000, 1, &[0.0; 100]);
    std::fs::write(folder.path().join("a.clean.wav"), b"precious").unwrap();
    let line = assert_fails(&clean(&path, &[]), "a.clean.wav");
    assert!(line.contains("--force"), "{line}");
    assert_eq!(std::fs::read(folder.path().join("a.clean.wav")).unwrap(), b"precious");
    assert!(clean(&path, &["--force"]).status.success());
}

#[test]
fn the_same_file_in_and_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_f32(folder.path(), "a.wav", 48_000, 1, &[0.1; 100]);
    let before = std::fs::read(&path).unwrap();
    for force in [&["--force"][..], &[]] {
        let mut options = vec!["-o", path.to_str().unwrap()];
        options.extend(force);
        assert_fails(&clean(&path, &options), "a.wav");
        assert!(std::fs::read(&path).unwrap() == before);
    }
}

#[test]
fn an_output_folder_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_f32(folder.path(), "a.wav", 48_000, 1, &[0.1; 100]);
    let out = folder.path().join("none").join("b.wav");
    assert_fails(&clean(&path, &["-o", out.to_str().unwrap()]), "b.wav");
}

#[cfg(unix)]
#[test]
fn no_permission() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = write_f32(folder.path(), "a.wav", 48_000, 1, &[0.1; 100]);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    assert_fails(&clean(&path, &[]), "a.wav");
}

/// A full disk needs a small one: a 256 KiB tmpfs where this user may mount it.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = |args: &[&str]| std::process::Command::new("mount").args(args).arg(&disk).output();
    if !mount(&["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).is_ok_and(|m| m.status.success()) {
        println!("skipped: this user may not mount a small disk");
        return;
    }
    let path = write_f32(folder.path(), "a.wav", 48_000, 1, &signals::noise(200_000, 0.1, 1));
    let run = clean(&path, &["-o", disk.join("b.wav").to_str().unwrap()]);
    let left = listing(&disk);
    let unmounted = std::process::Command::new("umount").arg(&disk).status();
    let line = assert_fails(&run, "b.wav");
    assert!(line.to_lowercase().contains("full") || line.to_lowercase().contains("space"), "{line}");
    assert!(left.is_empty(), "{left:?}");
    assert!(unmounted.is_ok_and(|s| s.success()));
}

#[test]
fn wrong_models() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_f32(folder.path(), "a.wav", 48_000, 1, &[0.1; 100]);
    let line = assert_fails(&clean(&path, &["--model", "krisp"]), "krisp");
    assert!(line.contains("rnnoise"), "it names what there is: {line}");
    assert_fails(&clean(&path, &["--model", path.to_str().unwrap()]), "a.wav");
    assert_fails(&clean(&path, &["--model", folder.path().to_str().unwrap()]), "model");
    let empty = folder.path().join("empty.rnn");
    std::fs::write(&empty, b"").unwrap();
    assert_fails(&clean(&path, &["--model", empty.to_str().unwrap()]), "empty.rnn");
    assert_eq!(listing(folder.path()), ["a.wav", "empty.rnn"]);
}

#[test]
fn wrong_use_is_code_64() {
    for args in [
        &["clean"][..],
        &["clean", "a.wav", "--attenuation-limit", "-3"],
        &["polish"],
        &["clean", "a.wav", "--force", "--skip-existing"],
        &["clean", "a.wav", "--pad", "1s"],
        &["clean", "a.wav", "--trim", "--split"],
    ] {
        let run = sourdine(args).output().unwrap();
        assert_eq!(run.status.code(), Some(64), "{args:?}");
    }
    assert_eq!(sourdine(&["--version"]).output().unwrap().status.code(), Some(0));
}

/// Ctrl-C in the middle of a long file: code 130, one line, nothing left.
#[cfg(unix)]
#[test]
fn interrupted() {
    let folder = tempfile::tempdir().unwrap();
    // Long enough that the signal comes long before the end: 20 minutes, sparse.
    let path = folder.path().join("long.wav");
    let bytes = 48_000 * 2 * 1200;
    std::fs::write(&path, wav(48_000, 1, bytes, &[])).unwrap();
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().set_len(44 + u64::from(bytes)).unwrap();
    let child = sourdine(&["clean"])
        .arg(&path)
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while listing(folder.path()).len() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(5)); // until the temporary file is there
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("long.wav") && stderr(&output).lines().count() == 1);
    assert_eq!(listing(folder.path()), ["long.wav"]);
}

/// No file, however damaged, makes the program panic.
#[test]
fn damaged_headers_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("bad.wav");
    let good = wav(48_000, 1, 960, &[3; 960]);
    let mut random = signals::Random::new(77);
    for _ in 0..150 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(44);
            bytes[at] = random.bits() as u8;
        }
        std::fs::write(path, &bytes).unwrap();
        let run = clean(path, &["--force", "--quiet"]);
        assert!(matches!(run.status.code(), Some(0 | 1)), "{:?}: {}", run.status, stderr(&run));
    }
}

#[test]
fn several_files_do_not_become_a_folder_named_like_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.wav", "b.wav"] {
        write_f32(folder.path(), name, 48_000, 1, &signals::noise(4_800, 0.01, 1));
    }
    let run =
        sourdine(&["clean", "a.wav", "b.wav", "-o", "one.wav"]).current_dir(folder.path()).output().unwrap();
    let line = assert_fails(&run, "one.wav");
    assert!(line.contains("folder"), "{line}");
    assert_eq!(listing(folder.path()), ["a.wav", "b.wav"]);
}
