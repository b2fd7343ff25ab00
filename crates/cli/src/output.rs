//! The only place that prints. Results go to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;

/// Prints a result. A reader that has gone away (`| head`) is no failure.
pub(crate) fn result(line: &impl Display) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Print(error)),
        _ => Ok(()),
    }
}

/// Prints a line about something that was repaired on the way.
pub(crate) fn notice(line: &impl Display) {
    let _nobody_listens = writeln!(std::io::stderr().lock(), "sourdine: note: {line}");
}

/// Prints why the command failed.
pub(crate) fn error(line: &impl Display) {
    let _nobody_listens = writeln!(std::io::stderr().lock(), "sourdine: {line}");
}

/// A progress bar over frames, shown on a terminal only.
pub(crate) fn progress(frames: u64, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(frames), ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed} of about {duration}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
