//! `--raw FORMAT:RATE:CHANNELS`: no text may panic, what is understood is within its limits, and samples of that
//! format go through reader and pipe unchanged.

#![no_main]

use std::io::{Cursor, Write};
use std::sync::mpsc::{Sender, channel};

use libfuzzer_sys::fuzz_target;
use sourdine_soundfile::{RawSpec, SoundReader, SoundRewriter};

/// Hands on what is written into it.
struct Sent(Sender<Vec<u8>>);

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| std::io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (text, payload) = data.split_at(split);
    let payload = payload.get(1..).unwrap_or_default();
    let Ok(text) = std::str::from_utf8(text) else { return };
    let raw: RawSpec = match text.parse() {
        Ok(raw) => raw,
        Err(error) => {
            let line = format!("{error}");
            assert!(!line.is_empty() && !line.contains('\n'));
            return;
        }
    };
    let spec = raw.spec();
    assert!((1..=64).contains(&spec.channels) && (1..=1_000_000).contains(&spec.sample_rate));
    let reader = SoundReader::raw(Box::new(Cursor::new(payload.to_vec())), raw, "fuzz").expect("raw has no header");
    let (sender, sent) = channel();
    let mut rewriter = SoundRewriter::to_stream(reader, Box::new(Sent(sender))).expect("writing");
    let mut block = vec![0.0; 64 * usize::from(spec.channels)];
    loop {
        let frames = rewriter.read(&mut block).expect("reading from memory");
        if frames == 0 {
            break;
        }
        rewriter.write(&block[..frames * usize::from(spec.channels)]).expect("writing");
    }
    rewriter.finish().expect("finishing");
    let whole = payload.len() - payload.len() % spec.frame_bytes();
    let out: Vec<u8> = sent.try_iter().flatten().collect();
    assert!(out == payload[..whole], "an unchanged sample changed");
});
