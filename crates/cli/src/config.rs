//! `sourdine.toml`: what the user wants when the command line and the environment say nothing.
//!
//! Precedence: option, then environment variable, then this file, then the built-in default. The file is the one of
//! `--config` or `SOURDINE_CONFIG`; else `sourdine.toml` in the current folder; else `sourdine/sourdine.toml` in the
//! user's configuration folder (`~/.config` on Unix). Only the first that is found counts.

use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};
use serde::{Deserialize, Deserializer};
use sourdine::Settings;

use crate::args::{AttenuationLimit, ChannelMode, SoundArgs};
use crate::failure::Failure;

const NAME: &str = "sourdine.toml";

/// The keys of the file, named like the options.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    model: Option<String>,
    #[serde(default, deserialize_with = "attenuation_limit")]
    attenuation_limit: Option<AttenuationLimit>,
    gate: Option<bool>,
    channels: Option<ChannelMode>,
    pub(crate) jobs: Option<usize>,
}

/// The sound as it was decided on.
#[derive(Debug, Clone)]
pub(crate) struct Sound {
    pub(crate) model: String,
    pub(crate) settings: Settings,
}

impl Config {
    /// Reads the file that counts, if there is one.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self, Failure> {
        match named {
            Some(path) => Self::read(path),
            None => match candidates().into_iter().find(|path| path.is_file()) {
                Some(path) => Self::read(&path),
                None => Ok(Self::default()),
            },
        }
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::Config { path: path.into(), why: error.to_string() })?;
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            let why = error.message().lines().next().unwrap_or_default().to_owned();
            Failure::Config { path: path.into(), why: at + &why }
        })
    }

    /// Decides on the sound: the options (environment included), then this file, then the defaults.
    pub(crate) fn sound(&self, args: &SoundArgs, default_model: &str) -> Sound {
        let model = args.model.as_ref().or(self.model.as_ref());
        let limit = args.attenuation_limit.or(self.attenuation_limit);
        let defaults = Settings::default();
        Sound {
            model: model.map_or(default_model, String::as_str).to_owned(),
            settings: Settings {
                attenuation_limit_db: limit.map_or(defaults.attenuation_limit_db, |limit| limit.0),
                gate: args.gate.or(self.gate).unwrap_or(defaults.gate),
                channels: args.channels.or(self.channels).unwrap_or(ChannelMode::Linked).into(),
                ..defaults
            },
        }
    }
}

/// Where the file may be, the first that counts first.
fn candidates() -> Vec<PathBuf> {
    let user = choose_base_strategy().ok().map(|base| base.config_dir().join("sourdine").join(NAME));
    [Some(PathBuf::from(NAME)), user].into_iter().flatten().collect()
}

/// A number of dB, or `"off"`.
fn attenuation_limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<AttenuationLimit>, D::Error> {
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
    let limit = text.parse().map_err(|why| serde::de::Error::custom(format!("attenuation-limit: {why}")))?;
    Ok(Some(limit))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::find(Some(file.path())).map_err(|failure| failure.to_string())
    }

    #[test]
    fn options_before_the_file_before_defaults() {
        let config =
            read("model = 'a.bin'\nattenuation-limit = 30\ngate = true\nchannels = 'separate'\njobs = 3");
        let config = config.unwrap();
        assert_eq!(config.jobs, Some(3));
        let sound = config.sound(&SoundArgs::default(), "m");
        assert_eq!((sound.model.as_str(), sound.settings.attenuation_limit_db), ("a.bin", 30.0));
        assert!(sound.settings.gate && sound.settings.channels == sourdine::Channels::Separate);
        let args =
            SoundArgs { attenuation_limit: "off".parse().ok(), gate: Some(false), ..SoundArgs::default() };
        let sound = config.sound(&args, "m");
        assert!(!sound.settings.gate && sound.settings.attenuation_limit_db.is_infinite());
        let sound = Config::default().sound(&SoundArgs::default(), "m");
        assert_eq!(sound.model, "m");
        assert!((sound.settings.attenuation_limit_db - Settings::DEFAULT_ATTENUATION_LIMIT_DB).abs() < 1e-6);
        assert!(read("attenuation-limit = 'off'").is_ok());
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, words) in [
            ("\nvolume = 3", "line 2: unknown field `volume`"),
            ("attenuation-limit = -3", "attenuation-limit"),
            ("attenuation-limit = []", "attenuation-limit"),
            ("gate = 1", "line 1"),
            ("channels = 'both'", "line 1"),
            ("model", "line 1"),
        ] {
            let line = read(text).unwrap_err();
            assert!(line.contains(words) && line.lines().count() == 1, "{text}: {line}");
        }
    }
}
