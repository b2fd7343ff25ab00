//! The native module of the Python package `sourdine`: arrays and files through the engine.
//!
//! The public API is in `python/sourdine`, which checks shapes and types and calls this module. Everything that takes time releases
//! the interpreter's lock. There is no global state, so that forked processes and threads share nothing.
#![deny(unsafe_code)]

mod denoise;
mod errors;
mod files;
mod model;
mod sample;
mod speech;
mod stream;

/// Functions and classes behind the package `sourdine`.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::denoise::denoise;
    #[pymodule_export]
    use crate::files::{StopFlag, clean_file, read, remove_abandoned, write};
    #[pymodule_export]
    use crate::model::{Model, built_in_models};
    #[pymodule_export]
    use crate::speech::{VoiceDetector, find_speech};
    #[pymodule_export]
    use crate::stream::Stream;

    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        use pyo3::types::PyModuleMethods;
        module.add("VERSION", env!("CARGO_PKG_VERSION"))
    }
}
