//! Headers that are legal and rarely met: each file is read as what it is, with what it says of itself.
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use common::tools::{decoded_f32, have, pass, read, run};
use common::{Wav, folder, put};
use sourdine_soundfile::{Notice, Overwrite, SampleFormat, SoundReader, SoundRewriter};
use tempfile::TempDir;

const FRAMES: usize = 4321;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Noise, as WAV.
fn noise(folder: &TempDir, format: SampleFormat, channels: u16) -> PathBuf {
    put(folder, "noise.wav", &Wav::new(format, channels, FRAMES).bytes())
}

fn made(folder: &TempDir, name: &str, channels: u16, options: &[&str]) -> PathBuf {
    let source = noise(folder, SampleFormat::I16, channels);
    let made = folder.path().join(name);
    run("ffmpeg", &[&["-v", "error", "-y", "-i", text(&source)], options, &[text(&made)]].concat());
    made
}

/// Reads as many samples as ffmpeg, and the same ones.
fn check(path: &Path, notices: &[Notice]) {
    let (ours, reader) = read(path);
    let theirs = decoded_f32(path);
    assert_eq!(reader.notices(), notices, "{}", path.display());
    assert_eq!(ours.len(), theirs.len(), "{}", path.display());
    let error = ours.iter().zip(&theirs).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
    assert!(error < 1e-6, "{}: {error}", path.display());
}

fn tags(path: &Path) -> String {
    let entries = ["-v", "error", "-show_entries", "format_tags", "-of", "default=nw=1", text(path)];
    String::from_utf8(run("ffprobe", &entries)).unwrap().to_lowercase()
}

/// The file out of a pipe into a file.
fn through_pipe(bytes: &[u8], output: &Path) -> Vec<Notice> {
    let reader = SoundReader::from_stream(Box::new(Cursor::new(bytes.to_vec())), "a pipe").unwrap();
    let mut rewriter = SoundRewriter::create(reader, output, Overwrite::Replace).unwrap();
    let channels = usize::from(rewriter.reader().spec().channels);
    let mut block = vec![0.0; 1000 * channels];
    loop {
        match rewriter.read(&mut block).unwrap() {
            0 => break,
            frames => rewriter.write(&block[..frames * channels]).unwrap(),
        }
    }
    let notices = rewriter.reader().notices().to_vec();
    rewriter.finish().unwrap();
    notices
}

#[test]
fn caf_whose_sound_does_not_know_its_length() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let caf = made(&folder, "pipe.caf", 2, &["-c:a", "pcm_s16le"]);
    let mut bytes = fs::read(&caf).unwrap();
    let data = bytes.windows(4).position(|four| four == b"data").unwrap();
    bytes[data + 4..data + 12].fill(0xFF);
    bytes.truncate(data + 16 + FRAMES * 4);
    fs::write(&caf, bytes).unwrap();
    check(&caf, &[Notice::UnknownLength]);
}

#[test]
fn aiff_with_a_block_size_an_empty_tag_or_no_name_of_its_coding() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let aiff = made(&folder, "plain.aiff", 2, &[]);
    let plain = fs::read(&aiff).unwrap();
    let sound = plain.windows(4).position(|four| four == b"SSND").unwrap();
    let mut blocks = plain.clone();
    blocks[sound + 12..sound + 16].copy_from_slice(&512_u32.to_be_bytes());
    check(&put(&folder, "blocks.aiff", &blocks), &[]);
    let mut tagged = plain.clone();
    tagged.splice(12..12, *b"ID3 \0\0\0\0");
    let size = tagged.len() as u32 - 8;
    tagged[4..8].copy_from_slice(&size.to_be_bytes());
    check(&put(&folder, "tagged.aiff", &tagged), &[]);

    let samples: Vec<u8> = (0..200).collect();
    let mut sowt = b"FORM\0\0\0\0AIFCCOMM\0\0\0\x16".to_vec();
    sowt.extend([0, 1, 0, 0, 0, 100, 0, 16, 0x40, 0x0E, 0xBB, 0x80, 0, 0, 0, 0, 0, 0]);
    sowt.extend(b"sowtSSND\0\0\0\xD0\0\0\0\0\0\0\0\0");
    sowt.extend(&samples);
    let (found, reader) = read(&put(&folder, "sowt.aifc", &sowt));
    assert_eq!((reader.spec().sample_rate, reader.notices()), (48_000, &[][..]));
    let wanted: Vec<f32> =
        samples.chunks(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect();
    assert_eq!(found, wanted);
}

#[test]
fn wav_of_24_bits_in_4_bytes_without_an_extension_keeps_its_bytes() {
    let folder = folder();
    let mut wav = Wav::new(SampleFormat::I32, 2, 300);
    wav.fmt = common::fmt(1, 2, 48_000, 32);
    wav.fmt[14..16].copy_from_slice(&24_u16.to_le_bytes());
    wav.data.chunks_mut(4).for_each(|sample| sample[0] = 0);
    let input = put(&folder, "in.wav", &wav.bytes());
    let (samples, reader) = read(&input);
    assert_eq!((reader.spec().format, samples.len()), (SampleFormat::I32, 600));
    let output = folder.path().join("out.wav");
    pass(&input, &output, 1).unwrap();
    assert!(fs::read(&output).unwrap() == wav.bytes());
    let piped = folder.path().join("piped.wav");
    assert_eq!(through_pipe(&wav.bytes(), &piped), []);
    assert!(fs::read(&piped).unwrap() == wav.bytes());
}

#[test]
fn wav_behind_an_id3v2_tag_keeps_the_tag_from_file_and_pipe() {
    let folder = folder();
    for magic in [*b"RIFF", *b"RF64"] {
        let wav = Wav { magic, ..Wav::new(SampleFormat::I16, 2, 301).with_chunks() };
        let tagged = [&b"ID3\x03\0\0\0\0\0\x05hello"[..], &wav.bytes()].concat();
        let input = put(&folder, "in.wav", &tagged);
        let (samples, reader) = read(&input);
        assert_eq!((samples.len(), reader.notices()), (602, &[][..]));
        let output = folder.path().join(format!("out-{}.wav", magic[2]));
        pass(&input, &output, 1).unwrap();
        assert!(fs::read(&output).unwrap() == tagged);
        let piped = folder.path().join("piped.wav");
        through_pipe(&tagged, &piped);
        assert!(fs::read(&piped).unwrap() == tagged);
    }
    // Cut off, the sizes are corrected where they stand.
    let wav = Wav::new(SampleFormat::I16, 2, 300);
    let tagged = [&b"ID3\x03\0\0\0\0\0\x05hello"[..], &wav.bytes()].concat();
    let input = put(&folder, "cut.wav", &tagged[..tagged.len() - 400]);
    let output = folder.path().join("repaired.wav");
    pass(&input, &output, 1).unwrap();
    let (samples, reader) = read(&output);
    assert_eq!((samples.len(), reader.notices()), (400, &[][..]));
}

#[test]
fn big_endian_wav_holds_what_its_source_held() {
    if !have("sox") {
        return;
    }
    let folder = folder();
    let source = noise(&folder, SampleFormat::I16, 2);
    for bits in ["16", "24", "32"] {
        let rifx = folder.path().join("big.wav");
        run("sox", &[text(&source), "-B", "-b", bits, text(&rifx)]);
        assert!(fs::read(&rifx).unwrap().starts_with(b"RIFX"));
        let (samples, reader) = read(&rifx);
        assert_eq!(reader.notices(), [], "{bits}");
        assert!(samples == read(&source).0, "{bits}");
    }
}

#[test]
fn sun_audio_of_every_coding() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    for coding in
        ["pcm_mulaw", "pcm_s8", "pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be", "pcm_f64be", "pcm_alaw"]
    {
        let au = made(&folder, "noise.au", 2, &["-c:a", coding]);
        check(&au, &[]);
        let output = folder.path().join(format!("{coding}.wav"));
        assert_eq!(pass(&au, &output, 1).unwrap(), FRAMES as u64);
    }
}

#[test]
fn adpcm_of_microsoft_and_ima() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    for coding in ["adpcm_ms", "adpcm_ima_wav"] {
        for channels in [1, 2] {
            let file = made(&folder, "adpcm.wav", channels, &["-c:a", coding]);
            let (ours, reader) = read(&file);
            let theirs = decoded_f32(&file);
            let what = format!("{coding} {channels}: {} {} {:?}", ours.len(), theirs.len(), reader.notices());
            assert!(reader.notices().is_empty(), "{what}");
            // The last block is filled up; how much of it is sound, one reader knows and the other does not.
            assert!(ours.len() >= FRAMES * usize::from(channels) && ours.len() <= theirs.len(), "{what}");
            let error = ours.iter().zip(&theirs).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
            assert!(error < 1e-4, "{what}: {error}");
        }
    }
}

#[test]
fn dates_and_names_go_along_from_every_container() {
    if !have("ffmpeg") {
        return;
    }
    for (name, options) in [
        ("t.mp3", &["-c:a", "libmp3lame"][..]),
        ("t.ogg", &["-c:a", "libvorbis"]),
        ("t.m4a", &["-c:a", "aac"]),
        ("t.flac", &[]),
        ("t.caf", &["-c:a", "pcm_s16le"]),
        ("t.aiff", &["-write_id3v2", "1"]),
    ] {
        let folder = folder();
        let marks = ["-metadata", "title=Die Rede", "-metadata", "date=2026-03-01"];
        let file = made(&folder, name, 1, &[options, &marks[..]].concat());
        let output = folder.path().join("out.wav");
        pass(&file, &output, 1).unwrap();
        let found = tags(&output);
        assert!(found.contains("title=die rede"), "{name}: {found}");
        assert!(found.contains("date=2026") || name == "t.caf", "{name}: {found}");
    }
}

#[test]
fn flac_behind_an_id3v2_tag_keeps_its_comments_and_pictures() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    let flac = made(&folder, "in.flac", 1, &["-metadata", "composer=Bach", "-metadata", "date=1721"]);
    let mut bytes = fs::read(&flac).unwrap();
    // A picture of nothing, behind STREAMINFO.
    let picture = [
        &3_u32.to_be_bytes()[..],
        &9_u32.to_be_bytes(),
        b"image/png",
        &[0; 20],
        &4_u32.to_be_bytes(),
        b"PICT",
    ]
    .concat();
    let block = [&[6, 0, 0, picture.len() as u8][..], &picture].concat();
    bytes.splice(42..42, block);
    let tagged = [&b"ID3\x03\0\0\0\0\0\x0A0123456789"[..], &bytes].concat();
    let input = put(&folder, "tagged.flac", &tagged);
    let output = folder.path().join("out.flac");
    pass(&input, &output, 1).unwrap();
    let kept = fs::read(&output).unwrap();
    for wanted in [&b"omposer=Bach"[..], b"=1721", b"PICT"] {
        let found = kept.windows(wanted.len()).any(|bytes| bytes.eq_ignore_ascii_case(wanted));
        assert!(found, "{}", String::from_utf8_lossy(wanted));
    }
    check(&input, &[]);
}

#[test]
fn surround_in_caf_stays_what_it_is() {
    if !have("ffmpeg") {
        return;
    }
    let folder = folder();
    for (layout, channels) in [("3.0", 3), ("4.0", 4), ("5.0", 5), ("5.1", 6), ("quad", 4)] {
        let file = made(&folder, "surround.caf", channels, &["-channel_layout", layout, "-c:a", "pcm_s16le"]);
        let output = folder.path().join(format!("{layout}.wav"));
        pass(&file, &output, 1).unwrap();
        let of = |path: &Path| {
            let entries =
                ["-v", "error", "-show_entries", "stream=channel_layout", "-of", "csv=p=0", text(path)];
            String::from_utf8(run("ffprobe", &entries)).unwrap()
        };
        assert_eq!(of(&output), of(&file), "{layout}");
        assert!(!of(&output).contains("unknown"), "{layout}: {}", of(&file));
    }
}

#[test]
fn pipes_and_files_agree_on_torn_frames_and_forgotten_pad_bytes() {
    let folder = folder();
    let good = Wav::new(SampleFormat::I16, 2, 301).with_chunks();
    let mut inputs = Vec::new();
    for bytes in 1..4 {
        let mut torn = good.clone();
        torn.data.extend(vec![9; bytes]);
        inputs.push((format!("{bytes} bytes torn"), torn.bytes()));
    }
    let mono = Wav::new(SampleFormat::I24, 1, 301).with_chunks();
    for bytes in 1..3 {
        let mut torn = mono.clone();
        torn.data.extend(vec![9; bytes]);
        inputs.push((format!("{bytes} of 3 bytes torn"), torn.bytes()));
    }
    let mut unpadded = good.bytes();
    unpadded.splice(12..12, *b"odd \x03\0\0\0abc");
    let size = unpadded.len() as u32 - 8;
    unpadded[4..8].copy_from_slice(&size.to_le_bytes());
    inputs.push(("no pad byte".to_owned(), unpadded));
    inputs.push(("empty".to_owned(), Wav::new(SampleFormat::I16, 2, 0).bytes()));
    inputs.push(("empty with chunks".to_owned(), Wav::new(SampleFormat::I16, 2, 0).with_chunks().bytes()));
    for (what, bytes) in inputs {
        let input = put(&folder, "in.wav", &bytes);
        let by_file = folder.path().join("file.wav");
        let _ = fs::remove_file(&by_file);
        pass(&input, &by_file, 1).unwrap();
        let by_pipe = folder.path().join("pipe.wav");
        let notices = through_pipe(&bytes, &by_pipe);
        assert_eq!(notices, read(&input).1.notices(), "{what}");
        assert!(fs::read(&by_pipe).unwrap() == fs::read(&by_file).unwrap(), "{what}");
    }
}
