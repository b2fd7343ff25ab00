//! Starts and ends recordings while a session runs.

use super::Supervisor;
use crate::backend::Backend;
use crate::clock::Clock;
use crate::recorder::{Recording, RecordingPaths};

impl<B: Backend, C: Clock + Clone + 'static> Supervisor<B, C> {
    /// Starts a recording, or ends the one that runs.
    pub(super) fn toggle_recording(&mut self, paths: RecordingPaths) {
        let Some(running) = &mut self.running else {
            self.status.message = Some("nothing to record: no sound yet".into());
            return;
        };
        let Some(recording) = running.recording.take() else {
            if let Err(why) = self.start_recording(paths) {
                self.status.message = Some(why);
            }
            return;
        };
        let (recorder, result) = recording.finish();
        running.recorder = recorder;
        self.status.knobs.recording = false;
        let written = self.options.record.take();
        match result {
            Ok(()) => {
                self.status.message = written.map(|paths| format!("recorded {}", paths.after.display()))
            }
            Err(why) => self.failed(why),
        }
    }

    pub(super) fn start_recording(&mut self, paths: RecordingPaths) -> Result<(), String> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let Some(recorder) = running.recorder.take() else { return Ok(()) };
        match recorder.start(&paths) {
            Ok(recording) => {
                running.recording = Some(recording);
                self.status.message = Some(format!("recording to {}", paths.after.display()));
                self.status.knobs.recording = true;
                self.options.record = Some(paths);
                Ok(())
            }
            Err((recorder, why)) => {
                running.recorder = Some(recorder);
                self.options.record = None;
                Err(why)
            }
        }
    }

    /// Notices a recording that failed.
    pub(super) fn end_broken_recording(&mut self) {
        let Some(running) = &mut self.running else { return };
        if running.recording.as_ref().is_some_and(Recording::has_ended)
            && let Some(recording) = running.recording.take()
        {
            let (recorder, result) = recording.finish();
            running.recorder = recorder;
            self.status.knobs.recording = false;
            self.options.record = None;
            if let Err(why) = result {
                self.failed(why);
            }
        }
    }
}
