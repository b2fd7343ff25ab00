//! An output that would cost the user something, or cannot be, is refused before anything is computed.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Wav, folder, line_of, names, put, rewrite};
use sourdine_soundfile::{Overwrite, SampleFormat, SoundErrorKind as Kind, SoundReader, SoundRewriter};
use tempfile::TempDir;

fn input(folder: &TempDir) -> PathBuf {
    put(folder, "in.wav", &Wav::new(SampleFormat::I16, 1, 1000).with_chunks().bytes())
}

/// Checks that `create` refuses and that the folder holds what it held.
fn refused(folder: &TempDir, input: &Path, output: &Path, overwrite: Overwrite, kind: Kind) {
    let before = names(folder);
    let source = SoundReader::open(input).expect("the input");
    let error = SoundRewriter::create(source, output, overwrite).expect_err("not refused");
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.path(), output);
    line_of(&error);
    assert_eq!(names(folder), before);
}

#[test]
fn an_existing_output() {
    let folder = folder();
    let input = input(&folder);
    let output = put(&folder, "out.wav", b"precious");
    refused(&folder, &input, &output, Overwrite::Refuse, Kind::OutputExists);
    assert_eq!(fs::read(&output).unwrap(), b"precious");
    rewrite(&input, &output, Overwrite::Replace, |sample| sample).unwrap();
    assert_eq!(fs::read(&output).unwrap(), fs::read(&input).unwrap());
}

#[test]
fn an_output_that_comes_into_being_meanwhile() {
    let folder = folder();
    let input = input(&folder);
    let output = folder.path().join("out.wav");
    let reader = SoundReader::open(&input).unwrap();
    let mut rewriter = SoundRewriter::create(reader, &output, Overwrite::Refuse).unwrap();
    let samples = common::read_to_rewrite(&mut rewriter, 1000);
    rewriter.write(&samples).unwrap();
    fs::write(&output, b"of another program").unwrap();
    let error = rewriter.finish().unwrap_err();
    assert_eq!(error.kind(), Kind::OutputExists);
    line_of(&error);
    assert_eq!(fs::read(&output).unwrap(), b"of another program");
    assert_eq!(names(&folder), ["in.wav", "out.wav"]);
}

#[test]
fn the_input_itself() {
    let folder = folder();
    let input = input(&folder);
    fs::create_dir(folder.path().join("sub")).unwrap();
    for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
        refused(&folder, &input, &input, overwrite, Kind::SameFile);
        let detour = folder.path().join("sub/../in.wav");
        refused(&folder, &input, &detour, overwrite, Kind::SameFile);
    }
}

#[cfg(unix)]
#[test]
fn the_input_by_a_link() {
    let folder = folder();
    let input = input(&folder);
    let (soft, hard) = (folder.path().join("soft.wav"), folder.path().join("hard.wav"));
    std::os::unix::fs::symlink("in.wav", &soft).unwrap();
    fs::hard_link(&input, &hard).unwrap();
    for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
        for link in [&soft, &hard] {
            refused(&folder, &input, link, overwrite, Kind::SameFile);
            refused(&folder, link, &input, overwrite, Kind::SameFile);
        }
        refused(&folder, &soft, &hard, overwrite, Kind::SameFile);
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_another_file_is_followed() {
    let (folder, elsewhere) = (folder(), folder());
    let input = input(&folder);
    let target = put(&elsewhere, "target.wav", b"old");
    let link = folder.path().join("link.wav");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    refused(&folder, &input, &link, Overwrite::Refuse, Kind::OutputExists);
    rewrite(&input, &link, Overwrite::Replace, |sample| sample).unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), target, "the link is no link any more");
    assert_eq!(fs::read(&target).unwrap(), fs::read(&input).unwrap());
    assert_eq!(
        (names(&folder), names(&elsewhere)),
        (vec!["in.wav".into(), "link.wav".into()], vec!["target.wav".into()])
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing() {
    let folder = folder();
    let input = input(&folder);
    let link = folder.path().join("link.wav");
    std::os::unix::fs::symlink("nothing.wav", &link).unwrap();
    refused(&folder, &input, &link, Overwrite::Refuse, Kind::OutputExists);
    rewrite(&input, &link, Overwrite::Replace, |sample| sample).unwrap();
    assert_eq!(fs::read(&link).unwrap(), fs::read(&input).unwrap());
    assert_eq!(names(&folder), ["in.wav", "link.wav"]);
}

#[test]
fn folders() {
    let folder = folder();
    let input = input(&folder);
    let directory = folder.path().join("sub");
    fs::create_dir(&directory).unwrap();
    for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
        refused(&folder, &input, &directory, overwrite, Kind::OutputIsDirectory);
        refused(&folder, &input, &folder.path().join("new/"), overwrite, Kind::OutputIsDirectory);
        refused(&folder, &input, &folder.path().join(".."), overwrite, Kind::OutputIsDirectory);
        refused(
            &folder,
            &input,
            &folder.path().join("missing/out.wav"),
            overwrite,
            Kind::OutputFolderMissing,
        );
        refused(&folder, &input, &input.join("out.wav"), overwrite, Kind::OutputFolderMissing);
    }
}

#[cfg(unix)]
#[test]
fn devices() {
    let folder = folder();
    let input = input(&folder);
    for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
        refused(&folder, &input, Path::new("/dev/null"), overwrite, Kind::OutputNotAFile);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let input = input(&folder);
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(closed.join("probe"), b"").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    refused(&folder, &input, &closed.join("out.wav"), Overwrite::Refuse, Kind::WriteDenied);
}
