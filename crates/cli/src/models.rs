//! `sourdine models`, and finding a model by name or path.

use std::path::PathBuf;

use sourdine::Model;
use sourdine_settings::list_models;

use crate::args::ModelsArgs;
use crate::failure::Failure;
use crate::output;

/// The model that is used where none is named.
pub(crate) const DEFAULT: &str = "sourdine";

/// The model that decides where there is speech.
pub(crate) const VOICE: &str = "sourdine";

/// Finds a built-in model by its name, or reads a file of weights.
pub(crate) fn find(model: &str) -> Result<Model, Failure> {
    sourdine_settings::find_model(model).map_err(Failure::Model)
}

/// Returns the file of weights that [`find`] reads for a name, if it reads one.
pub(crate) fn file(model: &str) -> Option<PathBuf> {
    Model::by_name(model).is_none().then(|| model.into())
}

/// Lists the built-in models.
pub(crate) fn run(args: &ModelsArgs) -> Result<(), Failure> {
    let models = list_models();
    if args.json {
        return output::result(&output::json(&models, true)?);
    }
    output::result(&format!(
        "{:<13} {:>9} {:>9} {:>8} {:>9} {:<20} {}",
        "model", "rate", "delay", "linked", "weights", "licence", "description"
    ))?;
    for m in models {
        output::result(&format!(
            "{:<13} {:>6} Hz {:>6} ms {:>5} ms {:>6} kB {:<20} {}",
            m.name,
            m.sample_rate,
            m.latency_ms,
            m.linked_latency_ms,
            m.weight_bytes / 1000,
            m.licence,
            m.description
        ))?;
    }
    output::result(
        &"\n`delay` is for mono at 48 kHz in blocks of 10 ms, `linked` for several channels under one mask.",
    )
}
