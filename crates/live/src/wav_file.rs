//! A WAV file of 32-bit floats that grows, and gets its name when it is whole.
//!
//! It is written under a temporary name. Until it ends, its header gives no length, which readers take for "to the end of the file":
//! of a recording whose program was killed, nothing is lost.

use std::fs::File;
use std::io::{Cursor, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};
use tempfile::NamedTempFile;

const BYTES_PER_SAMPLE: u64 = 4;

/// Offset of the length of the file in its header; RIFF does not count these first bytes.
const RIFF_LENGTH: (u64, u64) = (4, 8);

/// A length that is not known yet, or does not fit.
const UNKNOWN: u32 = u32::MAX;

pub(crate) struct WavFile {
    file: NamedTempFile,
    path: PathBuf,
    header: u64,
    frame: u64,
    bytes: Vec<u8>,
}

impl WavFile {
    pub(crate) fn create(path: &Path, channels: usize, rate: u32) -> Result<Self, String> {
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let failed = |why: &dyn std::fmt::Display| format!("{}: cannot write it: {why}", path.display());
        let spec = WavSpec {
            channels: channels as u16,
            sample_rate: rate,
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
        };
        let mut header = Cursor::new(Vec::new());
        WavWriter::new(&mut header, spec).and_then(WavWriter::finalize).map_err(|e| failed(&e))?;
        let header = header.into_inner();
        let file = temporary(path).map_err(|e| failed(&e))?;
        let mut wav = Self {
            file,
            path: path.into(),
            header: header.len() as u64,
            frame: channels as u64 * BYTES_PER_SAMPLE,
            bytes: Vec::new(),
        };
        let written = wav.file.write_all(&header).and_then(|()| wav.set_lengths(UNKNOWN, UNKNOWN));
        written.map_err(|e| wav.trouble(&e))?;
        Ok(wav)
    }

    pub(crate) fn write(&mut self, samples: &[f32]) -> Result<(), String> {
        self.bytes.clear();
        self.bytes.extend(samples.iter().flat_map(|x| x.to_le_bytes()));
        self.file.write_all(&self.bytes).map_err(|e| self.trouble(&e))
    }

    /// Whole frames that have reached the file.
    pub(crate) fn frames(&self) -> u64 {
        let length = self.file.as_file().metadata().map_or(0, |about| about.len());
        length.saturating_sub(self.header) / self.frame
    }

    /// Ends it after so many frames and gives it its name.
    pub(crate) fn finish(mut self, frames: u64) -> Result<(), String> {
        self.complete(frames).map_err(|e| self.trouble(&e))?;
        let Err(failed) = self.file.persist_noclobber(&self.path) else { return Ok(()) };
        // Another file has the name now. The recording stays where it is.
        let why = if failed.error.kind() == ErrorKind::AlreadyExists {
            "exists already".into()
        } else {
            failed.error.to_string()
        };
        let kept = failed.file.keep().map_err(|e| format!("{}: {why}: {e}", self.path.display()))?;
        Err(format!("{}: {why}; the recording is in {}", self.path.display(), kept.1.display()))
    }

    fn complete(&mut self, frames: u64) -> std::io::Result<()> {
        let sound = frames * self.frame;
        let length = self.header + sound;
        self.file.as_file().set_len(length)?;
        let fits = |length: u64| u32::try_from(length).unwrap_or(UNKNOWN);
        self.set_lengths(fits(length - RIFF_LENGTH.1), fits(sound))?;
        self.file.as_file().sync_all()
    }

    /// Writes the lengths of the whole and of the sound, which is the header's last field.
    fn set_lengths(&mut self, whole: u32, sound: u32) -> std::io::Result<()> {
        for (at, length) in [(RIFF_LENGTH.0, whole), (self.header - 4, sound)] {
            self.file.seek(SeekFrom::Start(at))?;
            self.file.write_all(&length.to_le_bytes())?;
        }
        self.file.seek(SeekFrom::End(0)).map(drop)
    }

    fn trouble(&self, error: &std::io::Error) -> String {
        let path = self.path.display();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                format!("{path}: the disk is full; free some space, or record to another one")
            }
            _ => format!("{path}: cannot write it: {error}"),
        }
    }
}

pub(crate) fn exists(path: &Path) -> String {
    format!("{}: exists already; name another file", path.display())
}

/// A temporary file in the folder of the recording, named `.NAME.sourdine-live-XXXXXX.tmp`, with a new file's permissions.
///
/// The name is none that `sourdine clean` takes for an abandoned output and removes: what a killed program has recorded
/// exists nowhere else.
fn temporary(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Not more of the name than leaves room for the rest of it in 255 bytes.
    let name = path.file_name().ok_or_else(|| std::io::Error::from(ErrorKind::IsADirectory))?;
    let name: String = name.to_string_lossy().chars().take(48).collect();
    tempfile::Builder::new()
        .prefix(&format!(".{name}.sourdine-live-"))
        .suffix(".tmp")
        .make_in(folder, |path| File::create_new(path))
}
