//! A disk that fills up is said so, and gets its space back.

#![cfg(target_os = "linux")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Wav, folder, line_of, names, put, rewrite};
use sourdine_soundfile::{Overwrite, SampleFormat, SoundErrorKind as Kind};

/// A file system of 64 KiB, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: &Path) -> Option<Self> {
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(place).output();
        mount.is_ok_and(|done| done.status.success()).then(|| Self(place.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking(), "cannot unmount");
    }
}

#[test]
fn a_full_disk() {
    let (inputs, disk) = (folder(), folder());
    let Some(_mounted) = SmallDisk::mount(disk.path()) else {
        println!("skipped: this user may not mount a small disk");
        return;
    };
    // Both where the sound and where the last flush does not fit.
    for frames in [1_000_000, 40_000] {
        let input = put(&inputs, "in.wav", &Wav::new(SampleFormat::I16, 1, frames).bytes());
        let output = disk.path().join("out.wav");
        let error = rewrite(&input, &output, Overwrite::Refuse, |sample| sample).unwrap_err();
        assert_eq!(error.kind(), Kind::DiskFull, "{error}");
        assert_eq!(error.path(), output);
        assert!(line_of(&error).contains("disk is full"));
        assert_eq!(names(&disk), Vec::<String>::new());
    }
    let input = put(&inputs, "in.wav", &Wav::new(SampleFormat::I16, 1, 20_000).bytes());
    rewrite(&input, &disk.path().join("out.wav"), Overwrite::Refuse, |sample| sample).unwrap();
}
