//! Models, and the settings of a stream.

use pyo3::prelude::*;
use sourdine::{Channels, Settings, signal::MODEL_RATE};

use crate::errors;

/// A model: immutable, shared between any number of streams and threads.
#[pyclass(frozen, module = "sourdine._native")]
pub(crate) struct Model(pub(crate) sourdine::Model);

#[pymethods]
impl Model {
    #[new]
    fn new(py: Python<'_>, name_or_path: &str) -> PyResult<Self> {
        py.detach(|| sourdine_settings::find_model(name_or_path))
            .map(Self)
            .map_err(|error| errors::model(&error))
    }

    #[getter]
    fn name(&self) -> String {
        self.0.info().name
    }
}

/// The fields of Python's `ModelInfo`.
#[derive(IntoPyObject)]
pub(crate) struct ModelFacts {
    name: String,
    description: String,
    sample_rate: u32,
    latency_ms: f32,
    linked_latency_ms: f32,
    multiplications_per_frame: usize,
    weight_bytes: usize,
    state_bytes: usize,
    licence: String,
}

/// Lists the built-in models, the default first.
#[pyfunction]
pub(crate) fn built_in_models() -> Vec<ModelFacts> {
    let ms = |samples: usize| samples as f32 * 1000.0 / MODEL_RATE as f32;
    let facts = |info: sourdine::ModelInfo| ModelFacts {
        name: info.name,
        description: info.description,
        sample_rate: MODEL_RATE,
        latency_ms: ms(info.latency),
        linked_latency_ms: ms(info.linked_latency),
        multiplications_per_frame: info.multiplications,
        weight_bytes: info.weight_bytes,
        state_bytes: info.state_bytes,
        licence: info.licence,
    };
    sourdine::Model::built_in().into_iter().map(|model| facts(model.info())).collect()
}

/// The attributes of Python's `Settings` that the engine takes.
#[derive(FromPyObject)]
pub(crate) struct Options {
    attenuation_limit_db: f32,
    gate: bool,
    channels: String,
    residue: bool,
}

impl Options {
    pub(crate) fn settings(&self) -> PyResult<Settings> {
        let channels = match self.channels.as_str() {
            "linked" => Channels::Linked,
            "separate" => Channels::Separate,
            other => {
                return Err(errors::value(format!(
                    "channels is {other:?}; it must be \"linked\" or \"separate\""
                )));
            }
        };
        Ok(Settings::default()
            .with_attenuation_limit_db(self.attenuation_limit_db)
            .with_gate(self.gate)
            .with_channels(channels)
            .with_residue(self.residue))
    }

    pub(crate) fn attenuation_limit_db(&self) -> Option<f32> {
        Some(self.attenuation_limit_db).filter(|db| db.is_finite())
    }
}
