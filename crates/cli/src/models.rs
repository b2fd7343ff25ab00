//! `sourdine models`, and finding a model by name or path.

use std::path::PathBuf;

use serde::Serialize;
use sourdine::signal::MODEL_RATE;
use sourdine::{Model, ModelInfo};

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

/// One line of the list.
#[derive(Serialize)]
struct ListedModel {
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

impl From<ModelInfo> for ListedModel {
    fn from(info: ModelInfo) -> Self {
        let ms = |samples: usize| samples as f32 * 1000.0 / MODEL_RATE as f32;
        Self {
            name: info.name,
            description: info.description,
            sample_rate: MODEL_RATE,
            latency_ms: ms(info.latency),
            linked_latency_ms: ms(info.linked_latency),
            multiplications_per_frame: info.multiplications,
            weight_bytes: info.weight_bytes,
            state_bytes: info.state_bytes,
            licence: info.licence,
        }
    }
}

/// Lists the built-in models.
pub(crate) fn run(args: &ModelsArgs) -> Result<(), Failure> {
    let models: Vec<ListedModel> = Model::built_in().into_iter().map(|model| model.info().into()).collect();
    if args.json {
        return output::result(&output::json(&models, true)?);
    }
    output::result(&format!(
        "{:<13} {:>9} {:>9} {:>8} {:>13} {:>9} {:<20} {}",
        "model", "rate", "delay", "linked", "mult./10 ms", "weights", "licence", "description"
    ))?;
    for m in models {
        output::result(&format!(
            "{:<13} {:>6} Hz {:>6} ms {:>5} ms {:>13} {:>6} kB {:<20} {}",
            m.name,
            m.sample_rate,
            m.latency_ms,
            m.linked_latency_ms,
            m.multiplications_per_frame,
            m.weight_bytes / 1000,
            m.licence,
            m.description
        ))?;
    }
    output::result(
        &"\n`delay` is for mono at 48 kHz in blocks of 10 ms, `linked` for several channels under one mask.",
    )
}
