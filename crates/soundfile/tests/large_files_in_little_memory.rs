//! 5 GiB through reader and writer in less than 64 MiB. Slow, and needs 10 GB of disk:
//!
//! ```sh
//! cargo test --release -p sourdine-soundfile --test large_files_in_little_memory -- --ignored --nocapture
//! ```

#![cfg(target_os = "linux")]

mod common;

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};

use common::{Wav, folder, put};
use sourdine_soundfile::{Overwrite, SampleFormat, SoundReader, SoundRewriter};

const FRAMES: u64 = 5 * (1 << 30) / 6 + 1; // of two channels with 24 bits
const DATA: u64 = FRAMES * 6;

/// The most memory that the process ever had, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
#[ignore = "writes 5 GiB"]
fn rf64_of_5_gib() {
    let folder = folder();
    let wav = Wav { magic: *b"RF64", ..Wav::new(SampleFormat::I24, 2, 0) };
    let mut header = wav.bytes();
    let offset = header.len() as u64;
    header[20..28].copy_from_slice(&(offset - 8 + DATA).to_le_bytes());
    header[28..36].copy_from_slice(&DATA.to_le_bytes());
    header[36..44].copy_from_slice(&FRAMES.to_le_bytes());
    let input = put(&folder, "large.wav", &header);
    let mut file = OpenOptions::new().write(true).open(&input).expect("a file");
    file.seek(SeekFrom::Start(offset + DATA - 6)).expect("a sparse file");
    file.write_all(&[1, 2, 3, 4, 5, 6]).expect("a sparse file");

    let output = folder.path().join("out.wav");
    let reader = SoundReader::open(&input).expect("an RF64");
    assert_eq!((reader.frames(), reader.notices()), (Some(FRAMES), &[][..]));
    let mut rewriter = SoundRewriter::create(reader, &output, Overwrite::Refuse).expect("room for it");
    let mut block = vec![0.0; 2 << 14];
    loop {
        let frames = rewriter.read(&mut block).expect("reading");
        if frames == 0 {
            break;
        }
        rewriter.write(&block[..2 * frames]).expect("writing");
    }
    rewriter.finish().expect("finishing");

    let mut out = fs::File::open(&output).expect("the output");
    assert_eq!(out.metadata().expect("the output").len(), offset + DATA);
    let mut start = vec![0; header.len()];
    out.read_exact(&mut start).expect("the header");
    assert!(start == header);
    let mut end = [0; 6];
    out.seek(SeekFrom::End(-6)).expect("the end");
    out.read_exact(&mut end).expect("the end");
    assert_eq!(end, [1, 2, 3, 4, 5, 6]);
    println!("{} KiB at most", peak_kib());
    assert!(peak_kib() < 64 << 10, "{} KiB", peak_kib());
}
