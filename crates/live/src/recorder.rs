//! Recording before and after, aligned to the sample, on a thread of its own.
//!
//! The capture callback pushes each step into a ring twice, before and after the engine. The writer drops the engine's latency
//! from the start of the denoised sound and from the end of the input, so that both files start with the same sound and have
//! the same length.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::wav_file::WavFile;

/// Seconds of sound that the writer may be late.
const RING_SECONDS: usize = 4;

/// Polling interval of the writer.
const PERIOD: Duration = Duration::from_millis(50);

/// The capture callback's end.
pub(crate) struct Tap {
    ring: Producer<f32>,
    on: Arc<AtomicBool>,
    before: Vec<f32>,
}

impl Tap {
    /// Keeps the step before it is denoised. Returns whether it is recording.
    pub(crate) fn begin(&mut self, step: &[f32]) -> bool {
        let on = self.on.load(Relaxed);
        if on {
            self.before.copy_from_slice(step);
        }
        on
    }

    /// Sends both.
    pub(crate) fn end(&mut self, after: &[f32], lost: &AtomicU64) {
        if self.ring.slots() >= 2 * after.len() {
            // There is room for both, so neither push can fail.
            let _ = self.ring.push_entire_slice(&self.before);
            let _ = self.ring.push_entire_slice(after);
        } else {
            lost.fetch_add(1, Relaxed);
        }
    }
}

/// The other end: hands the sound to the files of a recording.
pub struct Recorder {
    ring: Consumer<f32>,
    on: Arc<AtomicBool>,
    step: usize,
    channels: usize,
    rate: u32,
    latency: usize,
}

/// Makes both ends for steps of `step` samples.
pub(crate) fn pair(step: usize, channels: usize, rate: u32, latency: usize) -> (Tap, Recorder) {
    let (push, pop) = RingBuffer::new(RING_SECONDS * 2 * rate as usize * channels);
    let on = Arc::new(AtomicBool::new(false));
    let tap = Tap { ring: push, on: on.clone(), before: vec![0.0; step] };
    (tap, Recorder { ring: pop, on, step, channels, rate, latency })
}

/// The files of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingPaths {
    /// The sound as it came in; none if it is not wanted.
    pub before: Option<PathBuf>,
    /// The sound as it goes out.
    pub after: PathBuf,
}

impl RecordingPaths {
    /// Names the next files of a recording that continues after a gap: `call.wav`, `call-2.wav`, …
    pub(crate) fn next(&self) -> Self {
        Self { before: self.before.as_deref().map(next_path), after: next_path(&self.after) }
    }
}

fn next_path(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (base, number) =
        match stem.rsplit_once('-').and_then(|(base, n)| Some((base, n.parse::<u32>().ok()?))) {
            Some((base, number)) => (base.to_owned(), number),
            None => (stem, 1),
        };
    (number + 1..)
        .map(|n| path.with_file_name(format!("{base}-{n}.wav")))
        .find(|p| !p.exists())
        .unwrap_or_else(|| path.into())
}

/// A recording that is under way. Dropping it ends it; the files are complete then.
#[derive(Debug)]
pub struct Recording {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<(Recorder, Result<(), String>)>>,
}

impl Recorder {
    /// Starts a recording.
    ///
    /// # Errors
    /// One line that names the file that cannot be written, with the recorder itself for another try.
    pub fn start(self, paths: &RecordingPaths) -> Result<Recording, (Self, String)> {
        let open = |path: &Path| WavFile::create(path, self.channels, self.rate);
        let after = match open(&paths.after) {
            Ok(side) => side,
            Err(why) => return Err((self, why)),
        };
        let before = match paths.before.as_deref().map(open).transpose() {
            Ok(side) => side,
            Err(why) => return Err((self, why)),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || self.run(before, after, &stopped));
        Ok(Recording { stop, thread: Some(thread) })
    }

    fn run(
        mut self,
        before: Option<WavFile>,
        after: WavFile,
        stop: &AtomicBool,
    ) -> (Self, Result<(), String>) {
        let stale = self.ring.slots() - self.ring.slots() % (2 * self.step);
        let _ = self.ring.read_chunk(stale).map(rtrb::chunks::ReadChunk::commit_all);
        self.on.store(true, Relaxed);
        let mut job = Job { before, after, held: Vec::new(), skip: self.latency * self.channels };
        let mut pair = vec![0.0; 2 * self.step];
        let mut result = Ok(());
        loop {
            let last = stop.load(Relaxed);
            while self.ring.slots() >= pair.len() && self.ring.pop_entire_slice(&mut pair).is_ok() {
                let (before, after) = pair.split_at(self.step);
                if result.is_ok() {
                    result = job.write(before, after);
                }
            }
            if last || result.is_err() || self.ring.is_abandoned() {
                break;
            }
            std::thread::sleep(PERIOD);
        }
        self.on.store(false, Relaxed);
        let ended = job.finish();
        (self, result.and(ended))
    }
}

/// The two files, aligned.
struct Job {
    before: Option<WavFile>,
    after: WavFile,
    /// Samples of "before" whose "after" has not come out yet.
    held: Vec<f32>,
    /// Samples of "after" that belong to a time before the recording.
    skip: usize,
}

impl Job {
    fn write(&mut self, before: &[f32], after: &[f32]) -> Result<(), String> {
        let skipped = self.skip.min(after.len());
        self.skip -= skipped;
        let after = &after[skipped..];
        self.after.write(after)?;
        if let Some(file) = &mut self.before {
            self.held.extend_from_slice(before);
            file.write(&self.held[..after.len()])?;
            self.held.drain(..after.len());
        }
        Ok(())
    }

    /// Completes both files at the same length, which is that of the shorter one where the other could not be written.
    fn finish(self) -> Result<(), String> {
        let frames = self.before.as_ref().map_or(u64::MAX, WavFile::frames).min(self.after.frames());
        let before = self.before.map_or(Ok(()), |file| file.finish(frames));
        self.after.finish(frames).and(before)
    }
}

impl Recording {
    /// Ends the recording and completes its files; the recorder can start another.
    ///
    /// # Errors
    /// One line that names the file that could not be written to its end.
    pub fn finish(mut self) -> (Option<Recorder>, Result<(), String>) {
        self.stop.store(true, Relaxed);
        match self.thread.take().map(std::thread::JoinHandle::join) {
            Some(Ok((recorder, result))) => (Some(recorder), result),
            _ => (None, Err("the recording ended early; its files may be incomplete".into())),
        }
    }

    /// Returns whether it has ended by itself: the files could not be written, or the session is over.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(std::thread::JoinHandle::is_finished)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic was reported by its thread.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("rate", &self.rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_after_a_gap() {
        assert_eq!(next_path(Path::new("nowhere/call.wav")), Path::new("nowhere/call-2.wav"));
        assert_eq!(next_path(Path::new("nowhere/call-2.wav")), Path::new("nowhere/call-3.wav"));
        assert_eq!(next_path(Path::new("my-call.wav")), Path::new("my-call-2.wav"));
    }
}
