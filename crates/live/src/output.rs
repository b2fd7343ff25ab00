//! The only place that prints.

use std::io::Write as _;

/// A line on stdout.
///
/// # Errors
/// One line, where nobody takes it.
pub(crate) fn line(text: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{text}").map_err(|e| format!("cannot print: {e}"))
}

/// A line on stderr.
pub(crate) fn note(text: &str) {
    let _nobody_listens = writeln!(std::io::stderr(), "sourdine-live: {text}");
}

/// Why the program failed.
pub(crate) fn error(why: &str) {
    note(why);
}
