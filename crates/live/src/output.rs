//! The only place that prints.

use std::io::Write as _;

/// A line on stdout.
///
/// # Errors
/// Prints a line to stdout.
pub(crate) fn line(text: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{text}").map_err(|e| format!("cannot print: {e}"))
}

/// Prints a line to stderr.
pub(crate) fn note(text: &str) {
    // Stderr may be closed.
    let _ = writeln!(std::io::stderr(), "sourdine-live: {text}");
}

/// Prints why the program failed.
pub(crate) fn error(why: &str) {
    note(why);
}
