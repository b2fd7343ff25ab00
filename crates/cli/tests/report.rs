//! `sourdine clean --report` and `--spectrogram` through the real binary.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use common::{assert_fails, clean, listing, samples, stderr};

#[test]
fn a_page_and_a_picture_are_written_with_the_sound() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (out, page, picture) = (path("out.wav"), path("report.html"), path("report.png"));
    let file = samples().join("keyboard-stereo-44k1.wav");
    let options = ["-o", &out, "--report", &page, "--spectrogram", &picture];
    let run = clean(&file, &options);
    assert!(run.status.success(), "{}", stderr(&run));
    assert_eq!(listing(folder.path()), ["out.wav", "report.html", "report.png"]);
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains("keyboard-stereo-44k1.wav") && text.contains("44.1 kHz · stereo"));
    assert!(text.contains("5.0 s") && text.trim_end().ends_with("</html>"));
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));

    // Both can be heard, and the page allows it.
    assert!(text.contains("<audio") && text.contains("src=\"out.wav\""), "the output is next to the page");
    assert!(text.contains("/keyboard-stereo-44k1.wav\"></audio>") && text.contains("media-src 'self' file:"));

    // The sound is the same with a report and without.
    let bare = path("bare.wav");
    assert!(clean(&file, &["-o", &bare]).status.success());
    assert_eq!(std::fs::read(&bare).unwrap(), std::fs::read(&out).unwrap());
}

#[test]
fn what_is_no_file_has_no_player() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("r.html");
    let file = std::fs::File::open(samples().join("phone-8k.wav")).unwrap();
    let run = common::sourdine(&["clean", "-", "--report"]).arg(&page).stdin(file).output().unwrap();
    assert!(run.status.success(), "{}", stderr(&run));
    assert!(!std::fs::read_to_string(&page).unwrap().contains("<audio"));
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let file = samples().join("phone-8k.wav");
    let out = path("out.wav");
    std::fs::write(path("old.html"), "old").unwrap();
    let refused = |options: &[&str], name: &str| {
        let line = assert_fails(&clean(&file, &[&["-o", &out], options].concat()), name);
        assert_eq!(listing(folder.path()), ["old.html"], "nothing was written");
        line
    };
    assert!(refused(&["--report", &path("old.html")], "old.html").contains("--force"));
    assert!(refused(&["--report", &path("page.pdf")], "page.pdf").contains(".html"));
    assert!(refused(&["--spectrogram", &path("picture.jpg")], "picture.jpg").contains(".png"));
    let line = refused(&["--report", &path("none/report.html")], "report.html");
    assert!(line.contains("folder does not exist"), "{line}");
    refused(&["--report", folder.path().to_str().unwrap()], "");
    refused(&["--report", &out], "out.wav");
    refused(&["--force", "--report", file.to_str().unwrap()], "phone-8k.wav");
    refused(&["--report", &path("one"), "--spectrogram", &path("one")], "one");
    let two = [file.to_str().unwrap(), samples().join("babble-16k.wav").to_str().unwrap()].map(String::from);
    let run =
        common::sourdine(&["clean", &two[0], &two[1], "-o", &path("both"), "--report", &path("a.html")])
            .output();
    assert_fails(&run.unwrap(), "a.html");
    assert_eq!(std::fs::read_to_string(path("old.html")).unwrap(), "old");
}
