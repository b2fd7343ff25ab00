//! Writes cleaned frames: all into one output, or only those with speech into one or several.

use std::ops::Range;
use std::path::{Path, PathBuf};

use sourdine_clean::{Error, SegmentShape, find_speech};
use sourdine_soundfile::{Overwrite, SoundError, SoundReader, SoundRewriter, SoundWriter};

use super::Run;
use crate::failure::Failure;
use crate::models;

/// Reads a file and writes its cleaned frames.
#[derive(Debug)]
pub(super) enum Transfer {
    /// All frames into one output.
    Whole(Box<SoundRewriter>),
    /// Some ranges, each into a file of its own.
    Parts(Box<Parts>),
}

/// Ranges that are still to be written.
#[derive(Debug)]
pub(super) struct Parts {
    reader: SoundReader,
    /// The frame that comes next.
    at: u64,
    /// In reverse: the next range is the last.
    ranges: Vec<(Range<u64>, PathBuf)>,
    overwrite: Overwrite,
    writer: Option<SoundWriter>,
}

/// What a cut leaves of a file.
#[derive(Debug)]
pub(super) struct Kept {
    /// The files it is written to.
    pub(super) parts: Vec<PathBuf>,
    /// Their frames in total.
    pub(super) frames: u64,
}

impl Transfer {
    /// The part of a file with speech (`--trim`), or its segments one by one (`--split`).
    pub(super) fn cut(
        run: &Run,
        reader: SoundReader,
        output: &Path,
        overwrite: Overwrite,
    ) -> Result<(Self, Kept), Failure> {
        let cut = &run.args.cut;
        let model = models::find(models::VOICE)?;
        let input = reader.path();
        // The first of two passes through the file.
        let mut search = SoundReader::open(input)?;
        let rate = search.spec().sample_rate;
        let shape = SegmentShape {
            min_speech: cut.min_speech.frames(rate),
            min_silence: cut.min_silence.frames(rate),
            pad: cut.pad.frames(rate),
        };
        let (_, segments) = find_speech(&mut search, &model, shape, |_| !run.batch.is_stopped())?;
        // Before the first part has its name.
        let notices: Vec<String> = search.notices().iter().map(ToString::to_string).collect();
        if let Some(error) = Error::strict(input, &notices).filter(|_| run.args.strict) {
            return Err(error.into());
        }
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return Err(Failure::NoVoice { path: input.into() });
        };
        let mut ranges = if cut.split {
            let digits = segments.len().to_string().len().max(3);
            let name = |index: usize| numbered(output, index + 1, digits);
            let after = name(segments.len());
            if after.exists() && !run.args.quiet {
                let what =
                    "is a part of an earlier run; remove it, and those after it, if they are not wanted";
                run.batch
                    .progress()
                    .suspend(|| crate::output::notice(&format!("{}: {what}", after.display())));
            }
            segments.into_iter().enumerate().map(|(index, range)| (range, name(index))).collect()
        } else {
            vec![(first.start..last.end, output.to_path_buf())]
        };
        for (_, path) in &ranges {
            run.plan.untouched.refuse(path)?;
        }
        let kept = Kept {
            parts: ranges.iter().map(|(_, path)| path.clone()).collect(),
            frames: ranges.iter().map(|(range, _)| range.end - range.start).sum(),
        };
        ranges.reverse();
        Ok((Self::Parts(Box::new(Parts { reader, at: 0, ranges, overwrite, writer: None })), kept))
    }
}

impl sourdine_clean::Transfer for Transfer {
    fn reader(&self) -> &SoundReader {
        match self {
            Self::Whole(whole) => whole.reader(),
            Self::Parts(parts) => &parts.reader,
        }
    }

    fn read(&mut self, out: &mut [f32]) -> Result<usize, SoundError> {
        match self {
            Self::Whole(whole) => whole.read(out),
            Self::Parts(parts) => parts.reader.read(out),
        }
    }

    fn write(&mut self, samples: &[f32]) -> Result<(), SoundError> {
        match self {
            Self::Whole(whole) => whole.write(samples),
            Self::Parts(parts) => parts.write(samples),
        }
    }

    fn output_notices(&self) -> Vec<String> {
        let notices = match self {
            Self::Whole(whole) => whole.output_notices(),
            Self::Parts(parts) => parts.writer.as_ref().map_or(&[][..], SoundWriter::notices),
        };
        notices.iter().map(ToString::to_string).collect()
    }

    /// Completes the outputs that are still open.
    fn finish(self) -> Result<(), SoundError> {
        match self {
            Self::Whole(whole) => whole.finish()?,
            Self::Parts(parts) => {
                if let Some(writer) = parts.writer {
                    writer.finish()?;
                }
            }
        }
        Ok(())
    }
}

impl Parts {
    fn write(&mut self, samples: &[f32]) -> Result<(), SoundError> {
        let channels = usize::from(self.reader.spec().channels);
        let end = self.at + (samples.len() / channels) as u64;
        while let Some((range, path)) = self.ranges.last() {
            let (from, to) = (range.start.max(self.at), range.end.min(end));
            if from >= to {
                break;
            }
            let writer = match &mut self.writer {
                Some(writer) => writer,
                none => none.insert(SoundWriter::create_part(&self.reader, path, self.overwrite)?),
            };
            let inside = |frame: u64| (frame - self.at) as usize * channels;
            writer.write(&samples[inside(from)..inside(to)])?;
            if to < range.end {
                break;
            }
            self.ranges.pop();
            if let Some(writer) = self.writer.take() {
                writer.finish()?;
            }
        }
        self.at = end;
        Ok(())
    }
}

/// `talk.wav` becomes `talk.001.wav`.
fn numbered(path: &Path, number: usize, digits: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!(".{number:0digits$}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
