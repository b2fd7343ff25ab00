//! Models, and the settings of a stream.

use pyo3::prelude::*;
use sourdine::{Channels, Settings};

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

/// Lists the built-in models, the default first, by the fields of `ModelInfo`.
#[pyfunction]
pub(crate) fn built_in_models(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    Ok(pythonize::pythonize(py, &sourdine_settings::list_models())?)
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
