//! Sound files: cleaned as `sourdine clean` does, read into arrays, written from them.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use sourdine_clean::Watch;
use sourdine_soundfile::{Notice, Overwrite, RawSpec, SoundError, SoundReader, SoundRewriter};

use crate::denoise::{Audio, array, for_each_kind};
use crate::errors;
use crate::model::{Model, Options};
use crate::sample::Sample;

/// Samples that are read at a time.
const CHUNK: usize = 1 << 16;

/// Tells running work to stop, from any thread.
#[pyclass(frozen, module = "sourdine._native")]
#[derive(Default)]
pub(crate) struct StopFlag(AtomicBool);

#[pymethods]
impl StopFlag {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Stops at Ctrl-C, at the flag, and at an exception of the callback, which gets the share that is done.
struct Caller<'a> {
    stop: &'a StopFlag,
    progress: Option<Py<PyAny>>,
    failure: Option<PyErr>,
}

impl Watch for Caller<'_> {
    fn go_on(&mut self, frames: u64, total: Option<u64>) -> bool {
        let told = Python::attach(|py| {
            // Only on the main thread does this run handlers of signals.
            py.check_signals()?;
            if let Some(progress) = &self.progress {
                let share = total.map(|total| frames as f64 / total.max(1) as f64);
                progress.call1(py, (share.map(|share| share.min(1.0)),))?;
            }
            Ok(())
        });
        self.failure = told.err();
        self.failure.is_none() && !self.stop.is_set()
    }
}

fn overwriting(overwrite: bool) -> Overwrite {
    if overwrite { Overwrite::Replace } else { Overwrite::Refuse }
}

/// Cleans a file into another. Returns the fields of `FileReport`.
#[pyfunction]
#[allow(clippy::too_many_arguments)] // They have names in Python.
pub(crate) fn clean_file<'py>(
    py: Python<'py>,
    input: PathBuf,
    output: PathBuf,
    overwrite: bool,
    strict: bool,
    model: &Model,
    options: Options,
    stop: &StopFlag,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let settings = options.settings()?;
    let mut caller = Caller { stop, progress, failure: None };
    let done = py.detach(|| {
        let overwrite = overwriting(overwrite);
        sourdine_clean::clean_file(&input, &output, overwrite, &settings, &model.0, strict, &mut caller)
    });
    match (done, caller.failure) {
        (_, Some(failure)) => Err(failure),
        (done, None) => Ok(pythonize::pythonize(py, &done.map_err(|error| errors::file(&error))?)?),
    }
}

/// An array of shape `(channels, n)`, its rate, and the faults of its file that were repaired.
type Sound<'py> = (Bound<'py, PyAny>, u32, Vec<String>);

/// Reads a file.
#[pyfunction]
pub(crate) fn read<'py>(py: Python<'py>, path: PathBuf, dtype: &str) -> PyResult<Sound<'py>> {
    match dtype {
        "int16" => read_as::<i16>(py, &path),
        "float64" => read_as::<f64>(py, &path),
        _ => read_as::<f32>(py, &path),
    }
}

fn read_as<'py, T: Sample>(py: Python<'py>, path: &std::path::Path) -> PyResult<Sound<'py>> {
    let whole = py.detach(|| -> Result<(Vec<T>, usize, u32, Vec<String>), SoundError> {
        let mut reader = SoundReader::open(path)?;
        let (channels, rate) = (usize::from(reader.spec().channels), reader.spec().sample_rate);
        let mut block = vec![0.0; CHUNK / channels * channels];
        let mut interleaved: Vec<T> = Vec::new();
        loop {
            let frames = reader.read(&mut block)?;
            if frames == 0 {
                break;
            }
            interleaved.extend(block[..frames * channels].iter().map(|x| T::from_unit(*x)));
        }
        let notices = reader.notices().iter().map(ToString::to_string).collect();
        if channels == 1 {
            return Ok((interleaved, 1, rate, notices));
        }
        let mut planar = Vec::with_capacity(interleaved.len());
        for channel in 0..channels {
            planar.extend(interleaved.iter().skip(channel).step_by(channels));
        }
        Ok((planar, channels, rate, notices))
    });
    let (samples, channels, rate, notices) = whole.map_err(|error| errors::sound(&error))?;
    Ok((array(py, samples, channels)?, rate, notices))
}

/// Writes an array of shape `(channels, n)` as WAV or FLAC, and returns what the file cannot hold of it.
#[pyfunction]
pub(crate) fn write<'py>(
    py: Python<'py>,
    path: PathBuf,
    audio: Audio<'py>,
    sample_rate: u32,
    overwrite: bool,
) -> PyResult<Vec<String>> {
    for_each_kind!(audio, audio => write_as(py, &path, &audio, sample_rate, overwriting(overwrite)))
}

fn write_as<'py, T: Sample>(
    py: Python<'py>,
    path: &std::path::Path,
    audio: &PyReadonlyArray2<'py, T>,
    sample_rate: u32,
    overwrite: Overwrite,
) -> PyResult<Vec<String>> {
    let (channels, frames) = (audio.shape()[0], audio.shape()[1]);
    let samples = audio.as_slice()?;
    let raw: RawSpec = format!("{}:{sample_rate}:{channels}", T::RAW).parse().map_err(errors::value)?;
    let written = py.detach(|| -> Result<Vec<String>, SoundError> {
        // The file layer writes what it has read: here samples without a header.
        let mut bytes = Vec::with_capacity(size_of_val(samples));
        for frame in 0..frames {
            (0..channels).for_each(|channel| samples[channel * frames + frame].append(&mut bytes));
        }
        let reader = SoundReader::raw(Box::new(Cursor::new(bytes)), raw, "array")?;
        let mut rewriter = SoundRewriter::create(reader, path, overwrite)?;
        let mut block = vec![0.0; CHUNK / channels * channels];
        loop {
            let frames = rewriter.read(&mut block)?;
            if frames == 0 {
                break;
            }
            rewriter.write(&block[..frames * channels])?;
        }
        // That FLAC has 24 bits for floats stands in the documentation.
        let notices = rewriter.output_notices();
        let unexpected = notices.iter().filter(|notice| !matches!(notice, Notice::FewerBits { .. }));
        let notices = unexpected.map(ToString::to_string).collect();
        rewriter.finish()?;
        Ok(notices)
    });
    written.map_err(|error| errors::sound(&error))
}

/// Removes the leftovers of killed writers from a folder.
#[pyfunction]
pub(crate) fn remove_abandoned(py: Python<'_>, folder: PathBuf) {
    py.detach(|| sourdine_soundfile::remove_abandoned(&folder));
}
