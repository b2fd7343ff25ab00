//! Finds a model by name or path, and lists the built-in ones.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sourdine::signal::MODEL_RATE;
use sourdine::{Model, ModelError};

use crate::{Preferences, io_reason};

/// No weights file is anywhere near this large; a film given by mistake is not read into memory.
const LARGEST_MODEL: u64 = 64 << 20;

/// What is told about a built-in model. Its fields are those of the JSON objects that `sourdine models --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ListedModel {
    /// The name that selects it.
    pub name: String,
    /// One line of description.
    pub description: String,
    /// Frames per second inside the model.
    pub sample_rate: u32,
    /// Delay of one channel.
    pub latency_ms: f32,
    /// Delay of several channels under one mask.
    pub linked_latency_ms: f32,
    /// Multiplications of the network in 10 ms.
    pub multiplications_per_frame: usize,
    /// Size of the weights.
    pub weight_bytes: usize,
    /// State of a mono stream, approximately.
    pub state_bytes: usize,
    /// The licence of the weights.
    pub licence: String,
}

/// Lists the built-in models, the default first.
#[must_use]
pub fn list_models() -> Vec<ListedModel> {
    let ms = |samples: usize| samples as f32 * 1000.0 / MODEL_RATE as f32;
    let listed = |info: sourdine::ModelInfo| ListedModel {
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
    Model::built_in().into_iter().map(|model| listed(model.info())).collect()
}

/// Finds a built-in model by its name, or reads a file of weights.
///
/// # Errors
/// [`FindModelError`] names the model or the file.
pub fn find_model(model: &str) -> Result<Model, FindModelError> {
    if let Some(model) = Model::by_name(model) {
        return Ok(model);
    }
    let path = Path::new(model);
    let unreadable = |error| FindModelError::Read { path: path.into(), error };
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let built_in = Model::built_in().iter().map(|model| model.info().name).collect();
            return Err(FindModelError::Unknown { name: model.into(), built_in });
        }
        Err(error) => return Err(unreadable(error)),
    };
    if about.len() > LARGEST_MODEL {
        return Err(unreadable(io::Error::other("it is far too large for a model")));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    Model::from_bytes(&name, &bytes).map_err(|error| FindModelError::Invalid { path: path.into(), error })
}

/// Finds the model that an option names, or else the preferences do, or else `default`.
///
/// # Errors
/// As [`find_model`]; [`FindModelError::Preferred`] if the name is that of the preferences.
pub fn choose_model(
    option: Option<&str>,
    preferences: &Preferences,
    default: &str,
) -> Result<Model, FindModelError> {
    find_model(preferences.model_name(option, default)).map_err(|error| match option {
        None if preferences.model.is_some() => FindModelError::Preferred { error: Box::new(error) },
        _ => error,
    })
}

/// Why a model was not found. `Display` is one line that says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum FindModelError {
    /// Neither a built-in model nor a file.
    Unknown {
        /// The name that was given.
        name: String,
        /// The names there are.
        built_in: Vec<String>,
    },
    /// The file cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// The name is not from the command line.
    Preferred {
        /// The reason.
        error: Box<FindModelError>,
    },
    /// The file holds no model.
    Invalid {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: ModelError,
    },
}

impl fmt::Display for FindModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, built_in } if name == "rnnoise" => {
                write!(
                    f,
                    "rnnoise: not in this build, which has {}; build it with its default features",
                    built_in.join(" and ")
                )
            }
            Self::Unknown { name, built_in } => write!(
                f,
                "{name}: neither a built-in model ({}) nor a file; see `sourdine models`",
                built_in.join(", ")
            ),
            Self::Preferred { error } => {
                write!(f, "{error} (set by SOURDINE_MODEL or by `model` in sourdine.toml)")
            }
            Self::Read { path, error } => {
                write!(f, "{}: cannot read the model: {}; check the path", path.display(), io_reason(error))
            }
            Self::Invalid { path, error } => write!(
                f,
                "{}: {error}; give one of the two, or a name from `sourdine models`",
                path.display()
            ),
        }
    }
}

impl std::error::Error for FindModelError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unknown { .. } => None,
            Self::Preferred { error } => Some(error),
            Self::Read { error, .. } => Some(error),
            Self::Invalid { error, .. } => Some(error),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;

    #[test]
    fn by_name_and_by_path() {
        assert_eq!(find_model("sourdine-lite").unwrap().info().name, "sourdine-lite");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.bin");
        let line = |path: &Path| find_model(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(line(&path).contains("neither a built-in model"), "{}", line(&path));
        assert!(line(folder.path()).ends_with("check the path"), "{}", line(folder.path()));
        std::fs::write(&path, "no weights").unwrap();
        assert!(line(&path).contains("`sourdine models`"), "{}", line(&path));
        std::fs::File::create(&path).unwrap().set_len(LARGEST_MODEL + 1).unwrap();
        assert!(line(&path).contains("far too large"), "{}", line(&path));
    }
}
