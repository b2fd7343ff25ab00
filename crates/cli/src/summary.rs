//! Summaries of a file and of a run: a line for people, an object for scripts.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use sourdine_clean::FileReport;
use sourdine_soundfile::SoundReader;

use crate::failure::Failure;
use crate::inputs::{Source, Task};

/// The outcome of a file. This is the JSON object of `--json`, field by field.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) input: String,
    /// None for a folder that could not be searched, and for a file whose parts have names of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    #[serde(flatten)]
    pub(crate) status: Status,
}

/// The kind of outcome.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum Status {
    /// Written.
    Cleaned(Summary),
    /// Skipped.
    Skipped(Skipped),
    /// Not written.
    Failed {
        /// The reason, and what to do.
        error: String,
    },
}

/// The part of a file's result that enters the sums of a run.
pub(crate) trait Done {
    /// Returns the seconds of sound and the number of notices; none if it was skipped.
    fn seconds_and_notices(&self) -> Option<(f64, usize)>;
}

impl Done for Status {
    fn seconds_and_notices(&self) -> Option<(f64, usize)> {
        match self {
            Self::Cleaned(summary) => Some((summary.report.seconds, summary.report.notices.len())),
            Self::Skipped(_) | Self::Failed { .. } => None,
        }
    }
}

/// Why a file was skipped, and what its header says of it, with the keys of [`FileReport`].
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Skipped {
    pub(crate) reason: &'static str,
    #[serde(flatten)]
    pub(crate) header: Option<Header>,
}

/// The header of a file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Header {
    /// Null where it can only be known by reading to the end.
    seconds: Option<f64>,
    frames: Option<u64>,
    sample_rate: u32,
    channels: u16,
    sample_format: String,
    notices: Vec<String>,
}

impl Skipped {
    /// The output exists; `header` asks for the input's header.
    pub(crate) fn exists(task: &Task, header: bool) -> Self {
        let input = match &task.source {
            Source::File(path) if header => SoundReader::open(path).ok(),
            _ => None,
        };
        let header = input.map(|reader| {
            let (spec, frames) = (reader.spec(), reader.frames());
            Header {
                seconds: frames.map(|frames| frames as f64 / f64::from(spec.sample_rate)),
                frames,
                sample_rate: spec.sample_rate,
                channels: spec.channels,
                sample_format: spec.format.to_string(),
                notices: reader.notices().iter().map(ToString::to_string).collect(),
            }
        });
        Self { reason: "the output exists already", header }
    }
}

impl Outcome {
    pub(crate) fn new(task: &Task, result: &Result<Status, Failure>) -> Self {
        let failed = |failure: &Failure| Status::Failed { error: failure.to_string() };
        let status = result.as_ref().map_or_else(failed, Status::clone);
        // The parts of a split have other names.
        let has_parts = |summary: &Summary| {
            let sink = task.sink.to_string();
            summary.cut.as_ref().is_some_and(|cut| cut.parts != [sink])
        };
        let output = match &status {
            Status::Cleaned(summary) if has_parts(summary) => None,
            _ => Some(task.sink.to_string()),
        };
        Self { input: task.source.to_string(), output, status }
    }

    /// For a folder that could not be searched.
    pub(crate) fn unsearched(failure: &Failure) -> Self {
        let input = match failure {
            Failure::Folder { path, .. } => path.display().to_string(),
            _ => String::new(),
        };
        Self { input, output: None, status: Status::Failed { error: failure.to_string() } }
    }

    /// Faults of the file that were repaired.
    pub(crate) fn notices(&self) -> &[String] {
        match &self.status {
            Status::Cleaned(summary) => &summary.report.notices,
            _ => &[],
        }
    }
}

/// Sums over a run.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    done: usize,
    /// Of these, those with notices.
    noted: usize,
    skipped: usize,
    pub(crate) failed: usize,
    seconds: f64,
}

impl Totals {
    pub(crate) fn count(&mut self, result: &Result<impl Done, Failure>) {
        match result.as_ref().map(Done::seconds_and_notices) {
            Ok(Some((seconds, notices))) => {
                self.done += 1;
                self.noted += usize::from(notices > 0);
                self.seconds += seconds;
            }
            Ok(None) => self.skipped += 1,
            Err(_) => self.failed += 1,
        }
    }

    /// Describes the run in a line.
    pub(crate) fn line(&self, verb: &str, took: Duration) -> String {
        let took = took.as_secs_f64();
        let mut line = format!("{} {verb}", self.done);
        if self.noted > 0 {
            line += &format!(" ({} of them with notes)", self.noted);
        }
        for (count, what) in [(self.skipped, "skipped"), (self.failed, "failed")] {
            if count > 0 {
                line += &format!(", {count} {what}");
            }
        }
        if self.done == 0 {
            return line;
        }
        let speed = self.seconds / took.max(1e-9);
        line + &format!(
            ": {:.1} min of sound in {took:.1} s, {speed:.0} times real time",
            self.seconds / 60.0
        )
    }
}

/// The result of cleaning one file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    /// The place where it was written, for people; scripts have it in another field.
    #[serde(skip)]
    pub(crate) output: String,
    /// None if all of the file is kept.
    #[serde(flatten)]
    pub(crate) cut: Option<Cut>,
    #[serde(flatten)]
    pub(crate) report: FileReport,
}

/// The part of a file that `--trim` and `--split` keep.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cut {
    /// The files that hold it, in order.
    pub(crate) parts: Vec<String>,
    pub(crate) kept_seconds: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, cut, report } = self;
        match cut.as_ref().map_or(&[][..], |cut| &cut.parts) {
            [first, .., last] => write!(f, "{first} to {last}: ")?,
            [only] => write!(f, "{only}: ")?,
            [] => write!(f, "{output}: ")?,
        }
        if let Some(cut) = cut {
            write!(f, "{:.1} s of ", cut.kept_seconds)?;
        }
        write!(f, "{:.1} s, {} Hz, ", report.seconds, report.sample_rate)?;
        match report.channels {
            1 => write!(f, "mono")?,
            2 => write!(f, "stereo")?,
            n => write!(f, "{n} channels")?,
        }
        write!(f, ", {}", report.sample_format)?;
        write!(f, "; voice in {:.0} %", 100.0 * report.voiced_share)?;
        if let Some(attenuation) = report.pause_attenuation_db {
            write!(f, ", pauses {attenuation:.1} dB quieter")?;
        }
        if report.invalid_samples > 0 {
            write!(f, "; {} invalid samples silenced", report.invalid_samples)?;
        }
        if report.clipped_samples > 0 {
            write!(f, "; {} samples beyond full scale", report.clipped_samples)?;
        }
        write!(f, "; {:.0} times real time", report.times_real_time)?;
        report.notices.iter().try_for_each(|notice| write!(f, "; note: {notice}"))
    }
}
