//! Reads any sane WAV file as interleaved `f32`.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::{SoundError, SoundErrorKind};
use crate::format::SoundSpec;
use crate::notice::Notice;
use crate::originals::Originals;
use crate::payload::Payload;
use crate::riff::{self, Layout, WalkError};

/// Reads the sound of a WAV file from its first frame to its last, in constant memory.
#[derive(Debug)]
pub(crate) struct WavReader {
    path: PathBuf,
    layout: Layout,
    payload: Payload,
}

impl WavReader {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// Every [`SoundErrorKind`] that is about the input: there is no such file, it is something else, it is damaged, or
    /// it holds something that is not PCM.
    pub(crate) fn open(path: &Path) -> Result<Self, SoundError> {
        // Before opening, because opening a pipe waits for its other end.
        let metadata = fs::metadata(path).map_err(|error| SoundError::reading(path, error))?;
        if metadata.is_dir() {
            return Err(SoundError::new(path, SoundErrorKind::IsDirectory));
        }
        if !metadata.is_file() {
            return Err(SoundError::new(path, SoundErrorKind::NotAFile));
        }
        let mut file = File::open(path).map_err(|error| SoundError::reading(path, error))?;
        let layout = riff::walk(&mut file).map_err(|error| match error {
            WalkError::Io(error) => SoundError::reading(path, error),
            WalkError::Bad(kind) => SoundError::new(path, kind),
        })?;
        let payload = Payload::new(file, &layout);
        Ok(Self { path: path.to_owned(), layout, payload })
    }

    /// Rate, channels and sample format.
    pub(crate) fn spec(&self) -> SoundSpec {
        self.layout.spec
    }

    /// Bits of an integer sample that carry sound: less than the container's where the header says so ("20 in 24").
    pub(crate) fn valid_bits(&self) -> u32 {
        self.layout.valid_bits
    }

    /// Whole frames that are really in the file, whatever its header says.
    pub(crate) fn frames(&self) -> u64 {
        self.layout.frames
    }

    /// Lists the faults of the file that were repaired.
    pub(crate) fn notices(&self) -> &[Notice] {
        &self.layout.notices
    }

    /// The file, as it was named to [`open`](Self::open).
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the next frames into `out`, interleaved, full scale ±1.0, and returns how many frames there were: as many
    /// as `out` holds, fewer only at the end, 0 behind it.
    ///
    /// NaN, infinity and values beyond full scale in a float file pass as they are. What is in `out` behind the frames
    /// read is left as it was.
    ///
    /// # Errors
    /// [`SoundErrorKind::BlockLength`] if the length of `out` is not a multiple of the channels;
    /// [`SoundErrorKind::SourceChanged`] if the file has become shorter since it was opened; [`SoundErrorKind::Read`] if the
    /// system fails.
    pub(crate) fn read(&mut self, out: &mut [f32], originals: &mut Originals) -> Result<usize, SoundError> {
        let spec = self.layout.spec;
        let channels = usize::from(spec.channels);
        let mut done = 0;
        while done < out.len() {
            let wanted = (out.len() - done) / channels;
            let bytes = self.payload.next(wanted).map_err(|error| SoundError::reading(&self.path, error))?;
            if bytes.is_empty() {
                break;
            }
            let samples = bytes.len() / spec.format.bytes();
            spec.format.decode(bytes, &mut out[done..done + samples]);
            originals.push(bytes.iter().copied());
            done += samples;
        }
        Ok(done / channels)
    }

    /// Reads what precedes and follows the sound; a part of more than 16 MiB is left out.
    pub(crate) fn surroundings(&self) -> io::Result<(Vec<u8>, Vec<u8>)> {
        const LONGEST: u64 = 16 << 20;
        let part = |start: u64, end: u64| {
            let mut bytes = Vec::new();
            if end.saturating_sub(start) <= LONGEST {
                let mut file = self.file();
                file.seek(SeekFrom::Start(start))?;
                file.take(end.saturating_sub(start)).read_to_end(&mut bytes)?;
            }
            Ok::<_, io::Error>(bytes)
        };
        let layout = &self.layout;
        let end = layout.data_offset + layout.data_len();
        // The pad byte belongs to the sound.
        let tail = part(end + layout.data_len() % 2, layout.file_len)?;
        Ok((part(layout.start, layout.data_offset)?, tail))
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The open file, for its metadata.
    pub(crate) fn file(&self) -> &File {
        self.payload.file()
    }
}
