//! The only place that prints. Results go to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::time::Duration;

use console::Term;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;

use crate::failure::Failure;
use crate::inputs::{Source, Task};

/// Prints a result. A reader that has gone away (`| head`) is no failure.
pub(crate) fn result(text: &impl Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Print { error, written: false }),
        _ => Ok(()),
    }
}

/// Prints the result of a file that was written, as one line.
pub(crate) fn written(line: &impl Display) -> Result<(), Failure> {
    match result(&plain(line)) {
        Err(Failure::Print { error, .. }) => Err(Failure::Print { error, written: true }),
        printed => printed,
    }
}

/// Formats an object or array as JSON. Control characters beyond those that JSON forbids are escaped too.
pub(crate) fn json(value: &impl Serialize, pretty: bool) -> Result<String, Failure> {
    let text = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let text = text.map_err(|error| Failure::Print { error: error.into(), written: false })?;
    Ok(text.chars().fold(String::with_capacity(text.len()), |mut json, c| {
        match c {
            '\n' => json.push(c),
            c if is_unprintable(c) => json += &format!("\\u{:04x}", u32::from(c)),
            c => json.push(c),
        }
        json
    }))
}

/// Escapes characters that would control the terminal: file names may hold any.
pub(crate) fn plain(line: &impl Display) -> String {
    line.to_string().chars().fold(String::new(), |mut line, c| {
        if is_unprintable(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    })
}

/// Control characters, and those that turn the direction of writing: with them a name reads as another.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Prints a note about a repair.
pub(crate) fn notice(line: &impl Display) {
    note(&format!("sourdine: note: {line}"));
}

/// Prints a line for people, on stderr.
pub(crate) fn note(line: &impl Display) {
    // Stderr may be closed.
    let _ = writeln!(std::io::stderr().lock(), "{}", plain(line));
}

/// Prints why the command failed.
pub(crate) fn error(line: &impl Display) {
    note(&format!("sourdine: {line}"));
}

/// Least columns for a bar.
const LEAST_BAR: usize = 12;

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
            0 => "{spinner} {elapsed}", // a stream has no end that is known
            _ => "{wide_bar} {reached}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("reached", reached));
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

/// Describes the progress in as many words as the terminal has room for.
fn reached(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let columns = usize::from(Term::stderr().size().1);
    let (gone, left) = (HumanDuration(state.elapsed()), HumanDuration(state.eta()));
    let percent = format!("{:>3.0} %", 100.0 * state.fraction());
    let long = format!("{percent}  {gone:#} gone, about {left:#} left");
    let short = format!("{percent}  {left:#} left");
    let fits = |text: &String| text.chars().count() + LEAST_BAR <= columns;
    let _ = out.write_str([long, short].into_iter().find(fits).as_ref().unwrap_or(&percent));
}

/// One file's share of the progress; what is missing at its end is counted when it is dropped.
#[derive(Debug)]
pub(crate) struct FileProgress<'a> {
    whole: &'a Progress,
    bytes: u64,
    counted: u64,
}

impl FileProgress<'_> {
    /// Records the share of the file that is done, 0 to 1.
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
    match &task.source {
        Source::File(path) => std::fs::metadata(path).map_or(0, |about| about.len()),
        Source::Stdin => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        let name = "a\x1b[2J\n\r\t\u{9b}31m\u{7f}\u{202e}é.wav";
        let line = plain(&name);
        assert!(!line.contains(is_unprintable) && line.ends_with("é.wav"), "{line}");
        assert_eq!(plain(&line), line, "what is escaped stays as it is");
        let text = json(&[name], true).expect("JSON");
        assert!(!text.replace('\n', "").contains(is_unprintable), "{text}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).expect("JSON"), [name]);
    }
}
