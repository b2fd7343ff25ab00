//! The only place that prints. Results go to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;
use crate::inputs::{From, Task};

/// Prints a result. A reader that has gone away (`| head`) is no failure.
pub(crate) fn result(line: &impl Display) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Print(error)),
        _ => Ok(()),
    }
}

/// Prints a line about something that was repaired on the way.
pub(crate) fn notice(line: &impl Display) {
    note(&format!("sourdine: note: {line}"));
}

/// Prints a line for people beside the results.
pub(crate) fn note(line: &impl Display) {
    let _nobody_listens = writeln!(std::io::stderr().lock(), "{line}");
}

/// Prints why the command failed.
pub(crate) fn error(line: &impl Display) {
    note(&format!("sourdine: {line}"));
}

/// The progress of a whole run, by the bytes of its input files; shown on a terminal only.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    shown: bool,
}

impl Progress {
    pub(crate) fn new(tasks: &[Task], quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), shown: false };
        }
        let total: u64 = tasks.iter().map(bytes).sum();
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
        let template = match total {
            0 => "{spinner} {elapsed} {msg}", // a stream has no end that is known
            _ => "{bar:40} {percent:>3} %  {elapsed} gone, about {eta} left  {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, shown: true }
    }

    /// Follows one file.
    pub(crate) fn file(&self, task: &Task) -> FileProgress<'_> {
        FileProgress { whole: self, bytes: if self.shown { bytes(task) } else { 0 }, counted: 0 }
    }

    /// Prints past the bar.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// One file's share of the progress; what is missing at its end is counted when it is dropped.
#[derive(Debug)]
pub(crate) struct FileProgress<'a> {
    whole: &'a Progress,
    bytes: u64,
    counted: u64,
}

impl FileProgress<'_> {
    /// This share of the file, 0 to 1, is done.
    pub(crate) fn reached(&mut self, share: f64) {
        let now = (self.bytes as f64 * share.clamp(0.0, 1.0)) as u64;
        self.whole.bar.inc(now.saturating_sub(self.counted));
        self.counted = self.counted.max(now);
    }
}

impl Drop for FileProgress<'_> {
    fn drop(&mut self) {
        self.reached(1.0);
    }
}

/// The size of a task's input file.
fn bytes(task: &Task) -> u64 {
    match &task.from {
        From::File(path) => std::fs::metadata(path).map_or(0, |about| about.len()),
        From::Stdin => 0,
    }
}
