//! Finds voice without changing the sound.

use std::sync::{Mutex, PoisonError};

use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use sourdine::{StreamFormat, VadParams};
use sourdine_clean::SpeechError;

use crate::denoise::{Audio, Shape, for_each_kind, shape_of};
use crate::errors;
use crate::model::Model;
use crate::sample::Sample;

/// Finds the segments of speech in an array of shape `(channels, n)`: first frame, and the frame after the last.
#[pyfunction]
pub(crate) fn find_speech<'py>(
    py: Python<'py>,
    audio: Audio<'py>,
    sample_rate: u32,
    model: &Model,
    shape: Shape,
) -> PyResult<Vec<(u64, u64)>> {
    for_each_kind!(audio, audio => search(py, &audio, sample_rate, model, shape))
}

fn search<'py, T: Sample>(
    py: Python<'py>,
    audio: &PyReadonlyArray2<'py, T>,
    sample_rate: u32,
    model: &Model,
    shape: Shape,
) -> PyResult<Vec<(u64, u64)>> {
    let (channels, frames) = (audio.shape()[0], audio.shape()[1]);
    let samples = audio.as_slice()?;
    let mut at = 0;
    let found = py.detach(|| {
        sourdine_clean::find_speech_in(
            StreamFormat::new(sample_rate, channels),
            &model.0,
            shape_of(shape),
            |block| {
                let taken = (frames - at).min(block.len() / channels);
                interleave(samples, channels, at..at + taken, block);
                at += taken;
                Ok(taken)
            },
            |_| Ok(()),
            |error: SpeechError| error,
        )
    });
    let (_, segments) = found.map_err(errors::value)?;
    Ok(segments.into_iter().map(|s| (s.start, s.end)).collect())
}

/// Copies these frames of planar samples into an interleaved block, full scale ±1.0.
fn interleave<T: Sample>(samples: &[T], channels: usize, frames: std::ops::Range<usize>, block: &mut [f32]) {
    let all = samples.len() / channels;
    for channel in 0..channels {
        let from = &samples[channel * all..][frames.clone()];
        let to = block.iter_mut().skip(channel).step_by(channels);
        to.zip(from).for_each(|(to, x)| *to = x.to_unit());
    }
}

/// Detects voice in a stream, without a model.
#[pyclass(frozen, module = "sourdine._native")]
pub(crate) struct VoiceDetector {
    detector: Mutex<sourdine::VoiceDetector>,
    channels: usize,
}

#[pymethods]
impl VoiceDetector {
    #[new]
    fn new(sample_rate: u32, channels: usize, on: f32, off: f32, hangover_ms: f32) -> PyResult<Self> {
        let params = VadParams::default().with_on(on).with_off(off).with_hangover_ms(hangover_ms);
        let detector = sourdine::VoiceDetector::new(StreamFormat::new(sample_rate, channels), params);
        Ok(Self { detector: Mutex::new(detector.map_err(errors::value)?), channels })
    }

    /// Returns probability, decision and level in dBFS.
    fn process<'py>(&self, py: Python<'py>, audio: Audio<'py>) -> PyResult<(f32, bool, f32)> {
        for_each_kind!(audio, audio => self.block(py, &audio))
    }

    fn reset(&self, py: Python<'_>) {
        py.detach(|| self.detector.lock().unwrap_or_else(PoisonError::into_inner).reset());
    }
}

impl VoiceDetector {
    fn block<'py, T: Sample>(
        &self,
        py: Python<'py>,
        audio: &PyReadonlyArray2<'py, T>,
    ) -> PyResult<(f32, bool, f32)> {
        let (channels, frames) = (audio.shape()[0], audio.shape()[1]);
        if channels != self.channels {
            let error = sourdine::BlockError::Channels { expected: self.channels, got: channels };
            return Err(errors::value(error));
        }
        let samples = audio.as_slice()?;
        let report = py.detach(|| {
            let mut block = vec![0.0; samples.len()];
            interleave(samples, channels, 0..frames, &mut block);
            let mut detector = self.detector.lock().unwrap_or_else(PoisonError::into_inner);
            detector.process_interleaved_f32(&block)
        });
        let report = report.map_err(errors::value)?;
        Ok((report.probability, report.voice, report.level_dbfs))
    }
}
