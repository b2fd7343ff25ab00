//! A whole recording in one call.

use numpy::{
    PyArray1, PyArray2, PyArrayDescrMethods, PyArrayMethods, PyReadonlyArray2, PyUntypedArray,
    PyUntypedArrayMethods, dtype as dtype_of,
};
use pyo3::prelude::*;
use sourdine::signal::mean_square_to_dbfs;
use sourdine::{Engine, StreamFormat};
use sourdine_clean::{SegmentShape, Segmenter, Totals, span};

use crate::errors;
use crate::model::{Model, Options};
use crate::sample::Sample;

/// An array of one of the kinds that are taken, C-contiguous, of shape `(channels, n)`.
pub(crate) enum Audio<'py> {
    F32(PyReadonlyArray2<'py, f32>),
    I16(PyReadonlyArray2<'py, i16>),
    F64(PyReadonlyArray2<'py, f64>),
}

/// Looks at the dtype first: trying one kind after another would make an exception for each that fails, on every block.
impl<'py> FromPyObject<'_, 'py> for Audio<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (py, dtype) = (object.py(), object.cast::<PyUntypedArray>()?.dtype());
        if dtype.is_equiv_to(&dtype_of::<i16>(py)) {
            return Ok(Self::I16(object.extract()?));
        }
        if dtype.is_equiv_to(&dtype_of::<f64>(py)) {
            return Ok(Self::F64(object.extract()?));
        }
        Ok(Self::F32(object.extract()?))
    }
}

/// Calls `$function::<Sample>($array, …)` for the array's kind of sample.
macro_rules! for_each_kind {
    ($audio:expr, $array:ident => $call:expr) => {
        match $audio {
            $crate::denoise::Audio::F32($array) => $call,
            $crate::denoise::Audio::I16($array) => $call,
            $crate::denoise::Audio::F64($array) => $call,
        }
    };
}
pub(crate) use for_each_kind;

/// Makes an array of shape `(channels, n)` of its samples.
pub(crate) fn array<T: Sample>(
    py: Python<'_>,
    samples: Vec<T>,
    channels: usize,
) -> PyResult<Bound<'_, PyAny>> {
    let n = samples.len() / channels;
    let shaped: Bound<'_, PyArray2<T>> = PyArray1::from_vec(py, samples).reshape([channels, n])?;
    Ok(shaped.into_any())
}

/// The fields of Python's `Report`.
#[derive(IntoPyObject)]
pub(crate) struct Facts {
    sample_rate: u32,
    channels: usize,
    frames: usize,
    model: String,
    attenuation_limit_db: Option<f32>,
    mean_attenuation_db: Option<f64>,
    voiced_share: f64,
    input_dbfs: f32,
    output_dbfs: f32,
    peak: f32,
    clipped_samples: u64,
    invalid_samples: u64,
    /// First frame and the frame after the last.
    segments: Vec<(u64, u64)>,
}

/// Lengths of a segment's rules in frames: least speech, least silence, pad.
pub(crate) type Shape = (u64, u64, u64);

pub(crate) fn shape_of((min_speech, min_silence, pad): Shape) -> SegmentShape {
    SegmentShape { min_speech, min_silence, pad }
}

/// Denoises an array of shape `(channels, n)`; the result is aligned with it.
#[pyfunction]
pub(crate) fn denoise<'py>(
    py: Python<'py>,
    audio: Audio<'py>,
    sample_rate: u32,
    model: &Model,
    options: Options,
    shape: Shape,
) -> PyResult<(Bound<'py, PyAny>, Facts)> {
    for_each_kind!(audio, audio => whole(py, &audio, sample_rate, model, &options, shape))
}

fn whole<'py, T: Sample>(
    py: Python<'py>,
    audio: &PyReadonlyArray2<'py, T>,
    sample_rate: u32,
    model: &Model,
    options: &Options,
    shape: Shape,
) -> PyResult<(Bound<'py, PyAny>, Facts)> {
    let channels = audio.shape()[0];
    let settings = options.settings()?.with_ceiling(T::IS_INTEGER);
    let format = StreamFormat::new(sample_rate, channels);
    let step = format.step_frames().map_err(errors::value)?;
    // The frames' grid starts at the first sample, so that steps give the bits that any other blocks give, with less delay.
    let engine = Engine::new(format.with_fixed_block(step), &settings, &model.0).map_err(errors::value)?;
    let samples = audio.as_slice()?;
    let (out, mut facts) = py.detach(|| steps(engine, samples, shape_of(shape)))?;
    facts.model = model.0.info().name;
    facts.attenuation_limit_db = options.attenuation_limit_db();
    Ok((array(py, out, channels)?, facts))
}

/// Steps between two looks for a signal: ten seconds of sound, some hundredths of a second of work.
const STEPS_PER_SIGNAL_CHECK: usize = 1000;

/// Runs planar samples through the engine step by step. Ctrl-C ends it.
fn steps<T: Sample>(mut engine: Engine, samples: &[T], shape: SegmentShape) -> PyResult<(Vec<T>, Facts)> {
    engine.warm_up_thread();
    let (channels, step, latency) = (engine.format().channels, engine.step_frames(), engine.latency());
    let frames = samples.len() / channels;
    let mut out = vec![T::default(); samples.len()];
    let mut scratch = vec![0.0; channels * step];
    let mut segmenter = Segmenter::new(shape);
    let mut totals = Totals::default();
    // After the end come the steps that push out what the engine still holds.
    for index in 0..frames.div_ceil(step) + latency.div_ceil(step) {
        if index.is_multiple_of(STEPS_PER_SIGNAL_CHECK) {
            Python::attach(|py| py.check_signals())?;
        }
        let at = index * step;
        let (from, to) = (at.min(frames), (at + step).min(frames));
        for (channel, block) in samples.chunks_exact(frames.max(1)).zip(scratch.chunks_exact_mut(step)) {
            let given = &channel[from..to];
            block.iter_mut().zip(given).for_each(|(to, x)| *to = x.to_unit());
            block[given.len()..].fill(0.0);
        }
        let report = engine
            .process_planar_f32(&mut scratch.chunks_exact_mut(step).collect::<Vec<_>>())
            .map_err(errors::value)?;
        if to - from == step {
            totals.count(report, step as u64);
        }
        segmenter.push(span(index as u64, step as u64, latency as u64), report.voice);
        // The step's output lies `latency` frames before its input.
        let (start, end) = (at.max(latency) - latency, (at + step).max(latency) - latency);
        let end = end.min(frames);
        let skipped = latency.saturating_sub(at).min(step);
        for (channel, block) in out.chunks_exact_mut(frames.max(1)).zip(scratch.chunks_exact(step)) {
            if start < end {
                channel[start..end]
                    .iter_mut()
                    .zip(&block[skipped..])
                    .for_each(|(to, x)| *to = T::from_unit(*x));
            }
        }
    }
    let stats = engine.stats();
    let facts = Facts {
        sample_rate: engine.format().sample_rate,
        channels,
        frames,
        model: String::new(),
        attenuation_limit_db: None,
        mean_attenuation_db: totals.mean_attenuation_db(),
        voiced_share: totals.voiced_share(),
        input_dbfs: level(samples),
        output_dbfs: level(&out),
        peak: out.iter().fold(0.0, |most: f32, x| most.max(x.to_unit().abs())),
        clipped_samples: stats.clipped_samples,
        invalid_samples: stats.invalid_samples,
        segments: segmenter.finish(frames as u64).into_iter().map(|s| (s.start, s.end)).collect(),
    };
    Ok((out, facts))
}

/// The level of all samples that are finite, in dBFS.
fn level<T: Sample>(samples: &[T]) -> f32 {
    let sum: f64 =
        samples.iter().map(|x| f64::from(x.to_unit())).filter(|x| x.is_finite()).map(|x| x * x).sum();
    mean_square_to_dbfs((sum / samples.len().max(1) as f64) as f32)
}
