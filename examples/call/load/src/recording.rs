//! Frames from files, as an encoder gives them.

use std::{fs::File, io::BufReader, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use ogg::PacketReader;

/// Encoded frames at equal intervals, played again and again.
pub(crate) struct Recording {
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) interval: Duration,
}

impl Recording {
    /// Opus in Ogg (RFC 7845), in packets of 20 ms.
    pub(crate) fn ogg(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut reader = PacketReader::new(BufReader::new(file));
        let mut frames = Vec::new();
        while let Some(packet) =
            reader.read_packet().with_context(|| format!("{} is damaged", path.display()))?
        {
            frames.push(packet.data);
        }
        ensure!(
            frames.len() > 2 && frames[0].starts_with(b"OpusHead"),
            "{} is no Opus in Ogg; ffmpeg -i voice.wav -c:a libopus voice.opus makes one",
            path.display()
        );
        // The header and the comments.
        frames.drain(..2);
        Ok(Self { frames, interval: Duration::from_millis(20) })
    }

    /// VP8 in IVF: a header of 32 bytes, and 12 bytes before each frame, of which four are its length.
    pub(crate) fn ivf(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let damaged = || {
            format!("{} is no VP8 in IVF; ffmpeg -i film -c:v libvpx camera.ivf makes one", path.display())
        };
        ensure!(bytes.starts_with(b"DKIF") && bytes.get(8..12) == Some(b"VP80"), damaged());
        let number =
            |at: usize| -> Option<u32> { Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)) };
        let (rate, scale) = number(16).zip(number(20)).with_context(damaged)?;
        ensure!(rate > 0, damaged());
        let mut frames = Vec::new();
        let mut at = 32;
        while let Some(length) = number(at) {
            let begin = at + 12;
            at = begin + length as usize;
            frames.push(bytes.get(begin..at).with_context(damaged)?.to_vec());
        }
        ensure!(!frames.is_empty(), damaged());
        Ok(Self { frames, interval: Duration::from_secs_f64(f64::from(scale) / f64::from(rate)) })
    }
}
