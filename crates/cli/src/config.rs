//! Completes the options with the environment and `sourdine.toml`.

use std::path::{Path, PathBuf};

use sourdine::{Model, Settings};
use sourdine_settings::{Preferences, choose_model};

use crate::args::{ChannelMode, SoundArgs};
use crate::failure::Failure;
use crate::models;

/// The settings of the environment and the file.
#[derive(Debug, Default)]
pub(crate) struct Config {
    preferences: Preferences,
    pub(crate) jobs: Option<usize>,
}

impl Config {
    /// Reads the environment, and the file that counts, if there is one.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self, Failure> {
        let preferences = Preferences::load(named).map_err(Failure::Config)?;
        Ok(Self { jobs: preferences.jobs, preferences })
    }

    /// Finds the model: that of the option, then what was read, then the default. With the file of weights, if it is from one.
    pub(crate) fn model(
        &self,
        option: Option<&str>,
        default: &str,
    ) -> Result<(Model, Option<PathBuf>), Failure> {
        let model = choose_model(option, &self.preferences, default).map_err(Failure::Model)?;
        Ok((model, models::file(self.preferences.model_name(option, default))))
    }

    /// Decides on the sound: the options, then what was read, then the defaults.
    pub(crate) fn sound(&self, args: &SoundArgs) -> Settings {
        let read = &self.preferences;
        let defaults = Settings::default();
        defaults
            .with_attenuation_limit_db(
                args.attenuation_limit
                    .map(|limit| limit.0)
                    .or(read.attenuation_limit_db)
                    .unwrap_or(defaults.attenuation_limit_db),
            )
            .with_gate(args.gate.or(read.gate).unwrap_or(defaults.gate))
            .with_channels(args.channels.map(ChannelMode::into).or(read.channels).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_before_what_was_read_before_defaults() {
        let preferences = Preferences {
            model: Some("a.bin".into()),
            attenuation_limit_db: Some(30.0),
            gate: Some(true),
            channels: Some(sourdine::Channels::Separate),
            jobs: Some(3),
        };
        let config = Config { jobs: preferences.jobs, preferences };
        let sound = config.sound(&SoundArgs::default());
        assert_eq!((config.preferences.model_name(None, "m"), sound.attenuation_limit_db), ("a.bin", 30.0));
        assert!(sound.gate && sound.channels == sourdine::Channels::Separate);
        let args = SoundArgs {
            attenuation_limit: "off".parse().ok(),
            gate: Some(false),
            channels: Some(ChannelMode::Linked),
            ..SoundArgs::default()
        };
        let sound = config.sound(&args);
        assert!(!sound.gate && sound.attenuation_limit_db.is_infinite());
        assert_eq!(sound.channels, sourdine::Channels::Linked);
        let sound = Config::default().sound(&SoundArgs::default());
        assert_eq!(Preferences::default().model_name(None, "m"), "m");
        assert!((sound.attenuation_limit_db - Settings::DEFAULT_ATTENUATION_LIMIT_DB).abs() < 1e-6);
        assert_eq!(sound.channels, sourdine::Channels::Linked);
    }
}
