//! Catches panics of foreign decoders on damaged files.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread will be caught here.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; `None` if it panicked, of which nothing is printed. What it worked on may only be dropped then.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    static QUIET: Once = Once::new();
    // Other panics are reported as before.
    QUIET.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if !CONTAINED.get() {
                report(about);
            }
        }));
    });
    let outer = CONTAINED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outer);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_end_here() {
        assert_eq!(contained(|| 3), Some(3));
        let nothing: [u8; 0] = [];
        assert_eq!(contained(|| nothing[std::hint::black_box(1)]), None);
        assert!(!CONTAINED.get());
        assert_eq!(contained(|| contained(|| nothing[std::hint::black_box(1)])), Some(None));
    }
}
