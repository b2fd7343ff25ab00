//! Ctrl-C and termination signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Returns a flag that Ctrl-C and termination signals raise, for a program that stops at its next step.
#[must_use]
pub fn stop_on_signals() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = stop.clone();
    // Without a handler a signal ends the process at once and may leave a temporary file, which the next run removes.
    ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed)).ok();
    stop
}
