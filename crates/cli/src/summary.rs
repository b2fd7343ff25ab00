//! What is said about a file and about a run: a line for people, an object for scripts.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::failure::Failure;
use crate::inputs::Task;

/// What became of a file. This is the JSON object of `--json`, field by field.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) input: String,
    pub(crate) output: String,
    #[serde(flatten)]
    pub(crate) status: Status,
}

/// How it went.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(crate) enum Status {
    /// Written.
    Cleaned(Summary),
    /// The output was there already.
    Skipped,
    /// Not written.
    Failed {
        /// Why, and what to do.
        error: String,
    },
}

impl Outcome {
    pub(crate) fn new(task: &Task, result: &Result<Status, Failure>) -> Self {
        let failed = |failure: &Failure| Status::Failed { error: failure.to_string() };
        let status = result.as_ref().map_or_else(failed, Status::clone);
        Self { input: task.from.to_string(), output: task.to.to_string(), status }
    }

    /// What was not right in the file and was repaired.
    pub(crate) fn notices(&self) -> &[String] {
        match &self.status {
            Status::Cleaned(summary) => &summary.notices,
            _ => &[],
        }
    }
}

/// Sums over a run.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    cleaned: usize,
    /// Of these, those with notices.
    noted: usize,
    skipped: usize,
    pub(crate) failed: usize,
    seconds: f64,
}

impl Totals {
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        match &outcome.status {
            Status::Cleaned(summary) => {
                self.cleaned += 1;
                self.noted += usize::from(!summary.notices.is_empty());
                self.seconds += summary.seconds;
            }
            Status::Skipped => self.skipped += 1,
            Status::Failed { .. } => self.failed += 1,
        }
    }

    /// The run in a line.
    pub(crate) fn line(&self, took: Duration) -> String {
        let took = took.as_secs_f64();
        let mut line = format!("{} cleaned", self.cleaned);
        if self.noted > 0 {
            line += &format!(" ({} of them with notes)", self.noted);
        }
        for (count, what) in [(self.skipped, "skipped"), (self.failed, "failed")] {
            if count > 0 {
                line += &format!(", {count} {what}");
            }
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
    /// Where it was written, for people; scripts have it beside this.
    #[serde(skip)]
    pub(crate) output: String,
    pub(crate) seconds: f64,
    pub(crate) frames: u64,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    pub(crate) sample_format: String,
    pub(crate) model: String,
    /// Null for no limit.
    pub(crate) attenuation_limit_db: Option<f32>,
    /// The engine's delay that was taken out, in frames of the file.
    pub(crate) latency: usize,
    /// Mean over all frames of 10 ms that are not silent; null if all are.
    pub(crate) mean_attenuation_db: Option<f64>,
    /// Share of frames decided to hold voice, 0 to 1.
    pub(crate) voiced_share: f64,
    /// Largest magnitude of the output, full scale 1.
    pub(crate) peak: f32,
    pub(crate) clipped_samples: u64,
    pub(crate) invalid_samples: u64,
    pub(crate) times_real_time: f64,
    /// What was not right in the file and was repaired.
    pub(crate) notices: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:.1} s, {} Hz, ", self.output, self.seconds, self.sample_rate)?;
        match self.channels {
            1 => write!(f, "mono")?,
            2 => write!(f, "stereo")?,
            n => write!(f, "{n} channels")?,
        }
        write!(f, ", {}", self.sample_format)?;
        if let Some(attenuation) = self.mean_attenuation_db {
            write!(f, "; turned down by {attenuation:.1} dB on average")?;
        }
        write!(f, ", voice in {:.0} %", 100.0 * self.voiced_share)?;
        if self.invalid_samples > 0 {
            write!(f, "; {} invalid samples silenced", self.invalid_samples)?;
        }
        if self.clipped_samples > 0 {
            write!(f, "; {} samples beyond full scale", self.clipped_samples)?;
        }
        write!(f, "; {:.0} times real time", self.times_real_time)?;
        match self.notices.split_first() {
            None => Ok(()),
            Some((only, [])) => write!(f, "; note: {only}"),
            Some((first, more)) => write!(f, "; note: {first} (and {} more notes)", more.len()),
        }
    }
}
