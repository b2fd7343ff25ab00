//! Holds what Sourdine's programs share: settings from environment variables and `sourdine.toml`, models by name or path,
//! and signals.
//!
//! Precedence: option, then environment variable, then the file, then the built-in default. A variable that is empty counts
//! as not set. The file is the one that the caller names, or `SOURDINE_CONFIG`; else `sourdine.toml` in the current folder;
//! else `sourdine/sourdine.toml` in the user's configuration folder (`~/.config` on Unix). Only the first that is found
//! counts.
#![forbid(unsafe_code)]

mod environment;
mod file;
mod model;
mod signals;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use sourdine::Channels;

pub use model::{FindModelError, ListedModel, choose_model, find_model, list_models};
pub use signals::stop_on_signals;

/// Settings from the environment and the file; options take precedence over them, and they over defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preferences {
    /// A built-in model, or a file of weights.
    pub model: Option<String>,
    /// The limit of the attenuation, in dB; infinity for no limit.
    pub attenuation_limit_db: Option<f32>,
    /// Whether pauses are turned down further.
    pub gate: Option<bool>,
    /// Whether channels share a mask.
    pub channels: Option<Channels>,
    /// Files processed at a time, 1 or more.
    pub jobs: Option<usize>,
}

impl Preferences {
    /// Reads the environment and the file that counts, if there is one. `named` is the file of `--config`.
    ///
    /// # Errors
    /// [`Error`] names the variable, or the file and the line.
    pub fn load(named: Option<&Path>) -> Result<Self, Error> {
        Self::load_from(named, |name| std::env::var_os(name))
    }

    /// Returns the model that an option names, or else these do, or else `default`.
    #[must_use]
    pub fn model_name<'a>(&'a self, option: Option<&'a str>, default: &'a str) -> &'a str {
        option.or(self.model.as_deref()).unwrap_or(default)
    }

    fn load_from(named: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let named = named.map(Path::to_path_buf).or_else(|| variable("SOURDINE_CONFIG").map(PathBuf::from));
        let environment = environment::read(variable)?;
        let file = file::find(named.as_deref())?;
        Ok(Self {
            model: environment.model.or(file.model),
            attenuation_limit_db: environment.attenuation_limit_db.or(file.attenuation_limit_db),
            gate: environment.gate.or(file.gate),
            channels: environment.channels.or(file.channels),
            jobs: environment.jobs.or(file.jobs),
        })
    }
}

/// An invalid variable or file. `Display` is one line that says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A variable.
    Variable {
        /// Its name.
        name: &'static str,
        /// Its value, as far as it is text.
        value: String,
        /// Advice on a value.
        why: String,
    },
    /// The file that was named cannot be read.
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// The contents of the file.
    File {
        /// Its path.
        path: PathBuf,
        /// The fault, with the line.
        why: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, value, why } => {
                write!(f, "{name}={value}: {why}; correct the environment variable, or unset it")
            }
            Self::Unreadable { path, why } => {
                write!(f, "{}: cannot be read: {why}; check the name", path.display())
            }
            Self::File { path, why } => {
                write!(f, "{}: {why}; correct the file, or name another with --config", path.display())
            }
        }
    }
}

impl std::error::Error for Error {}

/// An attenuation limit in dB as users write it; infinity for `off`.
///
/// # Errors
/// Advice on the value.
pub fn attenuation_limit(text: &str) -> Result<f32, String> {
    if text == "off" {
        return Ok(f32::INFINITY);
    }
    match text.parse::<f32>() {
        Ok(db) if db.is_finite() && db >= 0.0 => Ok(db),
        _ => Err("give a number of dB, 0 or more, or `off`".into()),
    }
}

/// Describes a failure of the system in plain words, where there are some.
#[must_use]
pub fn io_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        io::ErrorKind::NotADirectory => "a part of its path is not a folder".into(),
        io::ErrorKind::StorageFull => "the disk is full".into(),
        _ => error.to_string(),
    }
}

fn channels(text: &str) -> Result<Channels, String> {
    match text {
        "linked" => Ok(Channels::Linked),
        "separate" => Ok(Channels::Separate),
        _ => Err("give `linked` or `separate`".into()),
    }
}

fn jobs(number: i64) -> Result<usize, String> {
    usize::try_from(number).ok().filter(|jobs| *jobs > 0).ok_or_else(|| WRONG_JOBS.into())
}

const WRONG_JOBS: &str = "give a number of 1 or more; without it there is one job per core";

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;

    /// Loads a file with this text, and these variables.
    fn load(text: &str, variables: &[(&str, &str)]) -> Result<Preferences, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Preferences::load_from(Some(file.path()), |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    const FILE: &str =
        "model = 'a.bin'\nattenuation-limit = 30\ngate = true\nchannels = 'separate'\njobs = 3";

    #[test]
    fn the_environment_goes_before_the_file() {
        let file = load(FILE, &[]).unwrap();
        let expected = Preferences {
            model: Some("a.bin".into()),
            attenuation_limit_db: Some(30.0),
            gate: Some(true),
            channels: Some(Channels::Separate),
            jobs: Some(3),
        };
        assert_eq!(file, expected);
        let variables = [
            ("SOURDINE_MODEL", "rnnoise"),
            ("SOURDINE_ATTENUATION_LIMIT", "off"),
            ("SOURDINE_GATE", "false"),
            ("SOURDINE_CHANNELS", "linked"),
            ("SOURDINE_JOBS", "7"),
        ];
        let expected = Preferences {
            model: Some("rnnoise".into()),
            attenuation_limit_db: Some(f32::INFINITY),
            gate: Some(false),
            channels: Some(Channels::Linked),
            jobs: Some(7),
        };
        assert_eq!(load(FILE, &variables).unwrap(), expected);
        assert_eq!(load("", &variables).unwrap(), expected);
        assert_eq!(load("", &[]).unwrap(), Preferences::default());
        assert_eq!(load("attenuation-limit = 'off'", &[]).unwrap().attenuation_limit_db, Some(f32::INFINITY));
    }

    #[test]
    fn an_empty_variable_is_none() {
        let names = ["MODEL", "ATTENUATION_LIMIT", "GATE", "CHANNELS", "JOBS", "CONFIG"];
        let names = names.map(|name| format!("SOURDINE_{name}"));
        let empty: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(load(FILE, &empty).unwrap(), load(FILE, &[]).unwrap());
    }

    #[test]
    fn the_variable_names_a_file_unless_the_caller_does() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "jobs = 5").unwrap();
        let path = file.path().as_os_str().to_owned();
        let variable = |name: &str| (name == "SOURDINE_CONFIG").then(|| path.clone());
        assert_eq!(Preferences::load_from(None, variable).unwrap().jobs, Some(5));
        assert_eq!(load("jobs = 2", &[("SOURDINE_CONFIG", "/nonexistent")]).unwrap().jobs, Some(2));
        let error = Preferences::load_from(None, |_| Some("/nonexistent".into())).unwrap_err();
        assert!(matches!(&error, Error::Variable { .. }), "{error}");
        let error =
            Preferences::load_from(None, |name| (name == "SOURDINE_CONFIG").then(|| "/nonexistent".into()));
        assert!(error.unwrap_err().to_string().starts_with("/nonexistent: "));
    }

    #[test]
    fn a_bad_variable_is_named() {
        for (name, value) in [
            ("SOURDINE_ATTENUATION_LIMIT", "loud"),
            ("SOURDINE_ATTENUATION_LIMIT", "-3"),
            ("SOURDINE_GATE", "perhaps"),
            ("SOURDINE_CHANNELS", "both"),
            ("SOURDINE_JOBS", "0"),
            ("SOURDINE_JOBS", "many"),
        ] {
            let line = load("", &[(name, value)]).unwrap_err().to_string();
            assert!(line.starts_with(&format!("{name}={value}: give ")), "{line}");
            assert!(!line.contains("--") && line.lines().count() == 1, "{line}");
        }
    }

    #[test]
    fn mistakes_in_the_file_are_named_with_their_line() {
        for (text, words) in [
            ("\nvolume = 3", "line 2: unknown field `volume`"),
            ("attenuation-limit = -3", "attenuation-limit"),
            ("attenuation-limit = []", "attenuation-limit"),
            ("gate = 1", "line 1"),
            ("channels = 'both'", "line 1"),
            ("\njobs = 0", "line 2: jobs: give a number of 1 or more"),
            ("jobs = -1", "jobs: give a number of 1 or more"),
            ("model", "line 1"),
        ] {
            let line = load(text, &[]).unwrap_err().to_string();
            assert!(line.contains(words) && line.lines().count() == 1, "{text}: {line}");
        }
    }

    #[test]
    fn attenuation_limits() {
        for (text, limit) in
            [("0", Some(0.0)), ("24", Some(24.0)), ("7.5", Some(7.5)), ("off", Some(f32::INFINITY))]
        {
            assert_eq!(attenuation_limit(text).ok(), limit);
        }
        for text in ["-1", "nan", "inf", "", "loud"] {
            assert!(attenuation_limit(text).is_err(), "{text}");
        }
    }
}
