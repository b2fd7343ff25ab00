//! A stream, block by block.

use std::sync::{Mutex, PoisonError};

use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use sourdine::{Engine, Report, StreamFormat};

use crate::denoise::{Audio, array, for_each_kind};
use crate::errors;
use crate::model::{Model, Options};
use crate::sample::Sample;

/// An engine that keeps its state between blocks.
///
/// The lock is taken without the interpreter's: two threads that share a stream wait for each other and for nothing else.
#[pyclass(frozen, module = "sourdine._native")]
pub(crate) struct Stream {
    engine: Mutex<Engine>,
    channels: usize,
    latency: usize,
}

/// The newest step's report, as Python's `BlockReport` has it.
type Newest = (f32, bool, f32, f32);

fn newest(report: Report) -> Newest {
    (report.voice_probability, report.voice, report.input_dbfs, report.output_dbfs)
}

#[pymethods]
impl Stream {
    #[new]
    fn new(
        sample_rate: u32,
        channels: usize,
        block: Option<usize>,
        ceiling: bool,
        model: &Model,
        options: Options,
    ) -> PyResult<Self> {
        let format = StreamFormat::new(sample_rate, channels);
        let format = block.map_or(format, |frames| format.with_fixed_block(frames));
        let settings = options.settings()?.with_ceiling(ceiling);
        let engine = Engine::new(format, &settings, &model.0).map_err(errors::value)?;
        Ok(Self { latency: engine.latency(), engine: Mutex::new(engine), channels })
    }

    #[getter]
    fn latency(&self) -> usize {
        self.latency
    }

    fn report(&self, py: Python<'_>) -> Newest {
        self.with(py, |engine| newest(engine.report()))
    }

    fn process<'py>(&self, py: Python<'py>, audio: Audio<'py>) -> PyResult<Bound<'py, PyAny>> {
        for_each_kind!(audio, audio => self.block(py, &audio))
    }

    /// Returns the frames that are still inside, as float32, float64 or int16.
    fn flush<'py>(&self, py: Python<'py>, dtype: &str) -> PyResult<Bound<'py, PyAny>> {
        match dtype {
            "int16" => self.rest::<i16>(py),
            "float64" => self.rest::<f64>(py),
            _ => self.rest::<f32>(py),
        }
    }

    fn reset(&self, py: Python<'_>) {
        self.with(py, Engine::reset);
    }
}

impl Stream {
    fn with<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut Engine) -> T + Send) -> T {
        // A poisoned lock means that another thread panicked in the engine, which does not leave its state half changed.
        py.detach(|| work(&mut self.engine.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn block<'py, T: Sample>(
        &self,
        py: Python<'py>,
        audio: &PyReadonlyArray2<'py, T>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let frames = audio.shape()[1];
        let samples = audio.as_slice()?;
        if audio.shape()[0] != self.channels {
            let error = sourdine::BlockError::Channels { expected: self.channels, got: audio.shape()[0] };
            return Err(errors::value(error));
        }
        let out = self.with(py, |engine| -> Result<Vec<T>, sourdine::BlockError> {
            // Plans the baseline model's transforms once a thread, and does nothing otherwise.
            engine.warm_up_thread();
            let mut block: Vec<T::Engine> = samples.iter().map(|x| x.load()).collect();
            let mut planes: Vec<&mut [T::Engine]> = planes(&mut block, self.channels, frames);
            T::process(engine, &mut planes)?;
            Ok(block.into_iter().map(T::store).collect())
        });
        array(py, out.map_err(errors::value)?, self.channels)
    }

    fn rest<'py, T: Sample>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let out = self.with(py, |engine| -> Result<Vec<T>, sourdine::BlockError> {
            let mut block = vec![T::Engine::default(); self.channels * self.latency];
            let mut planes = planes(&mut block, self.channels, self.latency);
            let frames = T::finish(engine, &mut planes)?;
            // All of them, or none if they were taken before.
            block.truncate(self.channels * frames);
            Ok(block.into_iter().map(T::store).collect())
        });
        array(py, out.map_err(errors::value)?, self.channels)
    }
}

/// Splits planar samples into channels of `frames` frames, which may be 0.
fn planes<T>(mut samples: &mut [T], channels: usize, frames: usize) -> Vec<&mut [T]> {
    (0..channels)
        .map(|_| {
            let (channel, rest) = std::mem::take(&mut samples).split_at_mut(frames);
            samples = rest;
            channel
        })
        .collect()
}
