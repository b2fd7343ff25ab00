//! A stream, block by block.

use std::sync::{Mutex, PoisonError};

use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use sourdine::{BlockError, DenoiseError, Engine, Report, Settings, StreamFormat};

use crate::denoise::{Audio, array, for_each_kind};
use crate::errors;
use crate::model::{Model, Options};
use crate::sample::Sample;

/// An engine that keeps its state between blocks.
///
/// The lock is taken without the interpreter's: two threads that share a stream wait for each other and for nothing else.
#[pyclass(frozen, module = "sourdine._native")]
pub(crate) struct Stream {
    state: Mutex<State>,
    format: StreamFormat,
    settings: Settings,
    model: sourdine::Model,
    latency: usize,
}

struct State {
    engine: Engine,
    /// Whether the output is limited to full scale: the first block decides, as a file's format does.
    ceiling: bool,
    /// No block was processed yet.
    is_new: bool,
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
        model: &Model,
        options: Options,
    ) -> PyResult<Self> {
        let format = StreamFormat::new(sample_rate, channels);
        let format = block.map_or(format, |frames| format.with_fixed_block(frames));
        let (settings, model) = (options.settings()?, model.0.clone());
        let engine = Engine::new(format, &settings, &model).map_err(errors::value)?;
        let latency = engine.latency();
        let state = Mutex::new(State { engine, ceiling: false, is_new: true });
        Ok(Self { state, format, settings, model, latency })
    }

    #[getter]
    fn latency(&self) -> usize {
        self.latency
    }

    fn report(&self, py: Python<'_>) -> Newest {
        self.with(py, |state| newest(state.engine.report()))
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
        self.with(py, |state| {
            state.engine.reset();
            state.is_new = true;
        });
    }
}

impl Stream {
    fn with<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut State) -> T + Send) -> T {
        // A poisoned lock means that another thread panicked in the engine, which does not leave its state half changed.
        py.detach(|| work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Makes the engine anew if the first block is of another kind than the engine was made for.
    fn prepare(&self, state: &mut State, ceiling: bool) -> Result<(), DenoiseError> {
        if state.is_new && state.ceiling != ceiling {
            state.engine = Engine::new(self.format, &self.settings.with_ceiling(ceiling), &self.model)?;
            state.ceiling = ceiling;
        }
        state.is_new = false;
        // Plans the baseline model's transforms once a thread, and does nothing otherwise.
        state.engine.warm_up_thread();
        Ok(())
    }

    fn block<'py, T: Sample>(
        &self,
        py: Python<'py>,
        audio: &PyReadonlyArray2<'py, T>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (channels, frames) = (self.format.channels, audio.shape()[1]);
        let samples = audio.as_slice()?;
        if audio.shape()[0] != channels {
            let error = BlockError::Channels { expected: channels, got: audio.shape()[0] };
            return Err(errors::value(error));
        }
        let out = self.with(py, |state| -> Result<Vec<T>, DenoiseError> {
            self.prepare(state, T::IS_INTEGER)?;
            let mut block: Vec<f32> = samples.iter().map(|x| x.to_unit()).collect();
            state.engine.process_planar_f32(&mut planes(&mut block, channels, frames))?;
            Ok(block.into_iter().map(T::from_unit).collect())
        });
        array(py, out.map_err(failed)?, channels)
    }

    fn rest<'py, T: Sample>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let channels = self.format.channels;
        let out = self.with(py, |state| -> Result<Vec<T>, DenoiseError> {
            self.prepare(state, state.ceiling)?;
            let mut block = vec![0.0; channels * self.latency];
            let frames = state.engine.finish_planar_f32(&mut planes(&mut block, channels, self.latency))?;
            // All of them, or none if they were taken before.
            block.truncate(channels * frames);
            Ok(block.into_iter().map(T::from_unit).collect())
        });
        array(py, out.map_err(errors::value)?, channels)
    }
}

/// Names Python's methods.
fn failed(error: DenoiseError) -> PyErr {
    match error {
        DenoiseError::Block(BlockError::Finished) => {
            errors::value("the stream was flushed; call reset before the next block")
        }
        error => errors::value(error),
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
