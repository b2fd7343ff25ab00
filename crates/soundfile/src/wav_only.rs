//! Takes the place of `formats` in a build without that feature: refuses what is not WAV.

use std::path::Path;

use crate::error::{SoundError, SoundErrorKind};
use crate::notice::Notice;
use crate::opened::Opened;
use crate::originals::Originals;
use crate::output::Target;
use crate::sniff;
use crate::sound::SoundReader;

/// Has no values.
pub(crate) enum OtherReader {}

impl OtherReader {
    pub(crate) fn open(path: &Path, head: &[u8]) -> Result<Option<Self>, SoundError> {
        match sniff::looks_like(head) {
            Some(_) => Self::open_compressed(path, head).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn open_compressed(path: &Path, head: &[u8]) -> Result<Self, SoundError> {
        let what = sniff::looks_like(head).unwrap_or("compressed sound");
        Err(SoundError::new(path, SoundErrorKind::NotInThisBuild { what }))
    }

    pub(crate) fn opened(&self) -> &Opened {
        match *self {}
    }

    pub(crate) fn read(&mut self, _out: &mut [f32], _originals: &mut Originals) -> Result<usize, SoundError> {
        match *self {}
    }
}

/// Has no values.
pub(crate) enum FlacWriter {}

impl FlacWriter {
    pub(crate) fn create(_source: &SoundReader, target: Target, _whole: bool) -> Result<Self, SoundError> {
        Err(SoundError::new(target.named(), SoundErrorKind::NotInThisBuild { what: "FLAC" }))
    }

    pub(crate) fn write(&mut self, _interleaved: &[f32]) -> Result<(), SoundError> {
        match *self {}
    }

    pub(crate) fn notices(&self) -> &[Notice] {
        match *self {}
    }

    pub(crate) fn finish(self) -> Result<(), SoundError> {
        match self {}
    }
}
