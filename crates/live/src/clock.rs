//! Time, given to the session from outside so that tests can run hours in seconds.

use std::time::Instant;

/// A clock that never goes back.
pub trait Clock: Send {
    /// Nanoseconds since some moment that stays the same for all clones of the clock.
    ///
    /// # Real time
    /// Called on the audio threads: no lock, no allocation.
    fn nanos(&self) -> u64;
}

/// The system's monotonic clock (on Linux read without a system call).
#[derive(Debug, Clone, Copy)]
pub struct Monotonic(Instant);

impl Monotonic {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Monotonic {
    fn nanos(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
