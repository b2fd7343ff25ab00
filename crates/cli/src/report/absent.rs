//! Takes the place of the report in a program built without the feature `report`: there is no recorder.

use std::path::Path;

use sourdine::{Report, StreamFormat};

use crate::args::ReportArgs;
use crate::failure::Failure;
use crate::inputs::Plan;

/// Has no values.
#[derive(Debug)]
pub(crate) enum Recorder {}

impl Recorder {
    pub(crate) fn push_before(&mut self, _samples: &[f32]) {
        match *self {}
    }

    pub(crate) fn push_after(&mut self, _samples: &[f32]) {
        match *self {}
    }

    pub(crate) fn push_report(&mut self, _report: Report, _frames: usize) {
        match *self {}
    }
}

impl ReportArgs {
    pub(crate) fn paths(&self) -> Vec<&Path> {
        Vec::new()
    }

    pub(crate) fn check(&self, _plan: &Plan, _overwrite: bool) -> Result<(), Failure> {
        Ok(())
    }

    pub(crate) fn recorder(&self, _format: StreamFormat, _latency: usize) -> Option<Recorder> {
        None
    }
}
