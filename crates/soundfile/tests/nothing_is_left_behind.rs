//! Until it is finished an output is a recognisable temporary file, and without `finish` there is nothing.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Wav, folder, line_of, names, put, read_to_rewrite};
use sourdine_soundfile::{Overwrite, SampleFormat, SoundErrorKind as Kind, SoundReader, SoundRewriter};
use tempfile::TempDir;

fn started(folder: &TempDir, name: &str) -> (SoundRewriter, PathBuf) {
    let input = put(folder, "in.wav", &Wav::new(SampleFormat::I16, 2, 100_000).with_chunks().bytes());
    let output = folder.path().join(name);
    let reader = SoundReader::open(&input).expect("the input");
    let rewriter = SoundRewriter::create(reader, &output, Overwrite::Replace).expect("the output");
    (rewriter, output)
}

#[test]
fn dropped_half_way() {
    let folder = folder();
    let old = put(&folder, "out.wav", b"old");
    let (mut rewriter, _) = started(&folder, "out.wav");
    let mut block = vec![0.0; 150_000];
    rewriter.read(&mut block).unwrap();
    rewriter.write(&block).unwrap();
    let while_writing = names(&folder);
    assert_eq!(while_writing.len(), 3);
    let temporary = &while_writing[0];
    assert!(temporary.starts_with(".out.wav.sourdine-") && temporary.ends_with(".tmp"), "{temporary}");
    assert_eq!(fs::read(&old).unwrap(), b"old", "written before the end");
    drop(rewriter);
    assert_eq!(names(&folder), ["in.wav", "out.wav"]);
    assert_eq!(fs::read(&old).unwrap(), b"old");
}

#[test]
fn too_few_frames() {
    let folder = folder();
    let (mut rewriter, _) = started(&folder, "out.wav");
    rewriter.write(&[0.0; 10]).unwrap();
    let error = rewriter.finish().unwrap_err();
    assert_eq!(error.kind(), Kind::FrameCount { expected: 100_000, written: 5 });
    line_of(&error);
    assert_eq!(names(&folder), ["in.wav"]);
}

#[test]
fn too_many_frames_and_torn_blocks_change_nothing() {
    let folder = folder();
    let (mut rewriter, output) = started(&folder, "out.wav");
    let error = rewriter.write(&vec![0.0; 200_002]).unwrap_err();
    assert_eq!(error.kind(), Kind::FrameCount { expected: 100_000, written: 100_001 });
    line_of(&error);
    let error = rewriter.write(&[0.0; 3]).unwrap_err();
    assert_eq!(error.kind(), Kind::BlockLength { samples: 3, channels: 2 });
    line_of(&error);
    let samples = read_to_rewrite(&mut rewriter, 777);
    rewriter.write(&samples).unwrap();
    assert!(rewriter.write(&[0.0; 2]).is_err());
    rewriter.finish().unwrap();
    assert_eq!(fs::read(output).unwrap(), fs::read(folder.path().join("in.wav")).unwrap());
    assert_eq!(names(&folder), ["in.wav", "out.wav"]);
}

#[test]
fn a_source_that_shrinks() {
    let folder = folder();
    let (mut rewriter, _) = started(&folder, "out.wav");
    let source = fs::OpenOptions::new().write(true).open(folder.path().join("in.wav")).unwrap();
    source.set_len(2000).unwrap();
    let error = rewriter.read(&mut vec![0.0; 200_000]).unwrap_err();
    assert_eq!(error.kind(), Kind::SourceChanged);
    assert!(error.path().ends_with("in.wav"));
    line_of(&error);
    drop(rewriter);
    assert_eq!(names(&folder), ["in.wav"]);
}

#[test]
fn a_source_that_shrank_before_the_start() {
    let folder = folder();
    let input = put(&folder, "in.wav", &Wav::new(SampleFormat::I16, 1, 1000).bytes());
    let reader = SoundReader::open(&input).unwrap();
    fs::OpenOptions::new().write(true).open(&input).unwrap().set_len(500).unwrap();
    let error = SoundRewriter::create(reader, &folder.path().join("out.wav"), Overwrite::Refuse).unwrap_err();
    assert_eq!(error.kind(), Kind::SourceChanged);
    assert_eq!(names(&folder), ["in.wav"]);
}

/// The output is made of the file that was opened, and never replaces the one that has its name now.
#[cfg(unix)]
#[test]
fn a_source_whose_name_another_file_took() {
    let folder = folder();
    let bytes = Wav::new(SampleFormat::I16, 1, 1000).with_chunks().bytes();
    let (input, output) = (put(&folder, "in.wav", &bytes), folder.path().join("out.wav"));
    let readers = [(); 2].map(|()| SoundReader::open(&input).unwrap());
    fs::rename(put(&folder, "new.wav", b"another"), &input).unwrap();
    let [one, other] = readers;
    let error = SoundRewriter::create(one, &input, Overwrite::Replace).unwrap_err();
    assert_eq!(error.kind(), Kind::SameFile);
    let mut rewriter = SoundRewriter::create(other, &output, Overwrite::Refuse).unwrap();
    let samples = read_to_rewrite(&mut rewriter, 1000);
    rewriter.write(&samples).unwrap();
    rewriter.finish().unwrap();
    assert_eq!(fs::read(&output).unwrap(), bytes);
    assert_eq!(fs::read(&input).unwrap(), b"another");
}

/// The sound is read once: what happens to the source afterwards does not reach the output.
#[test]
fn a_source_that_is_overwritten_after_it_was_read() {
    let folder = folder();
    let wav = Wav::new(SampleFormat::I32, 2, 50_000);
    let (input, output) = (put(&folder, "in.wav", &wav.bytes()), folder.path().join("out.wav"));
    let reader = SoundReader::open(&input).unwrap();
    let mut rewriter = SoundRewriter::create(reader, &output, Overwrite::Refuse).unwrap();
    let samples = read_to_rewrite(&mut rewriter, 1000);
    let silence = Wav { data: vec![0; wav.data.len()], ..wav.clone() };
    fs::write(&input, silence.bytes()).unwrap();
    rewriter.write(&samples).unwrap();
    rewriter.finish().unwrap();
    assert!(fs::read(&output).unwrap() == wav.bytes());
}

#[test]
fn a_name_as_long_as_names_may_be() {
    let folder = folder();
    for name in ["x".repeat(251) + ".wav", "é".repeat(125) + ".wav"] {
        let (mut rewriter, output) = started(&folder, &name);
        let samples = read_to_rewrite(&mut rewriter, 1000);
        rewriter.write(&samples).unwrap();
        rewriter.finish().unwrap();
        assert!(output.is_file());
    }
}

#[cfg(unix)]
#[test]
fn the_permissions_of_the_input_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    for mode in [0o644, 0o640, 0o444, 0o755] {
        let (_, output) = started(&folder, "out.wav");
        let input = folder.path().join("in.wav");
        fs::set_permissions(&input, fs::Permissions::from_mode(mode)).unwrap();
        let reader = SoundReader::open(&input).unwrap();
        let mut rewriter = SoundRewriter::create(reader, &output, Overwrite::Replace).unwrap();
        let samples = read_to_rewrite(&mut rewriter, 1000);
        rewriter.write(&samples).unwrap();
        rewriter.finish().unwrap();
        assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o7777, mode);
        fs::set_permissions(&input, fs::Permissions::from_mode(0o644)).unwrap();
    }
}
