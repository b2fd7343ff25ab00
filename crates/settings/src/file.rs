//! `sourdine.toml`.

use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};
use serde::{Deserialize, Deserializer};
use sourdine::Channels;

use crate::{Error, Preferences, io_reason};

const NAME: &str = "sourdine.toml";

/// The keys of the file, named like the options.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    model: Option<String>,
    #[serde(default, deserialize_with = "attenuation_limit")]
    attenuation_limit: Option<f32>,
    gate: Option<bool>,
    #[serde(default, deserialize_with = "channels")]
    channels: Option<Channels>,
    #[serde(default, deserialize_with = "jobs")]
    jobs: Option<usize>,
}

/// Reads the file that counts, if there is one.
pub(crate) fn find(named: Option<&Path>) -> Result<Preferences, Error> {
    match named {
        Some(path) => read(path),
        None => match candidates().into_iter().find(|path| path.is_file()) {
            Some(path) => read(&path),
            None => Ok(Preferences::default()),
        },
    }
}

fn read(path: &Path) -> Result<Preferences, Error> {
    let failed = |why| Error::File { path: path.into(), why };
    let text = std::fs::read_to_string(path).map_err(|error| {
        let why = io_reason(&error);
        Error::Unreadable { path: path.into(), why }
    })?;
    let keys: Keys = toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        failed(at + error.message().lines().next().unwrap_or_default())
    })?;
    Ok(Preferences {
        model: keys.model,
        attenuation_limit_db: keys.attenuation_limit,
        gate: keys.gate,
        channels: keys.channels,
        jobs: keys.jobs,
    })
}

/// Lists the places of the file, in order of precedence.
fn candidates() -> Vec<PathBuf> {
    let user = choose_base_strategy().ok().map(|base| base.config_dir().join("sourdine").join(NAME));
    [Some(PathBuf::from(NAME)), user].into_iter().flatten().collect()
}

/// A number of dB, or `"off"`.
fn attenuation_limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Value {
        Number(f64),
        Text(String),
    }
    let text = match Value::deserialize(from) {
        Ok(Value::Number(db)) => db.to_string(),
        Ok(Value::Text(text)) => text,
        Err(_) => String::new(),
    };
    named("attenuation-limit", crate::attenuation_limit(&text))
}

fn channels<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Channels>, D::Error> {
    named("channels", crate::channels(&String::deserialize(from)?))
}

fn jobs<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    named("jobs", crate::jobs(i64::deserialize(from)?))
}

fn named<T, E: serde::de::Error>(key: &str, value: Result<T, String>) -> Result<Option<T>, E> {
    value.map(Some).map_err(|why| E::custom(format!("{key}: {why}")))
}
