//! Silence on stderr while ALSA opens devices.
//!
//! ALSA and the libraries that its plugins load (JACK's, for one) print to stderr what they do not find: two dozen lines for a
//! list of devices, and across the screen of a session. ALSA can be told to be quiet, but not by a plugin's library that
//! this program does not link; so all of stderr is turned off for the few milliseconds. What failed comes back as an error all the same.

use std::fs::OpenOptions;
use std::os::fd::{AsFd as _, OwnedFd};

/// Discards whatever any thread prints to stderr while this exists.
pub(crate) struct Hush {
    stderr: Option<OwnedFd>,
}

impl Hush {
    /// Begins it. Where that is not possible, stderr stays as it is.
    pub(crate) fn begin() -> Self {
        let stderr = std::io::stderr().as_fd().try_clone_to_owned();
        let nowhere = OpenOptions::new().write(true).open("/dev/null");
        // Only what can be turned back is turned off.
        let (Ok(stderr), Ok(nowhere)) = (stderr, nowhere) else { return Self { stderr: None } };
        let turned = rustix::stdio::dup2_stderr(nowhere).is_ok();
        Self { stderr: turned.then_some(stderr) }
    }
}

impl Drop for Hush {
    fn drop(&mut self) {
        if let Some(stderr) = self.stderr.take() {
            // There is nowhere to report it.
            let _ = rustix::stdio::dup2_stderr(stderr);
        }
    }
}
