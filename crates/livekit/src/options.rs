//! A session's options: JSON, as LiveKit's SDKs pass it on from the application.

use serde::Deserialize;
use sourdine::Settings;

/// What an application may ask for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Options {
    pub(crate) model: String,
    pub(crate) attenuation_limit_db: f32,
    pub(crate) gate: bool,
    pub(crate) enabled: bool,
    pub(crate) channels: usize,
}

impl Default for Options {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            model: "sourdine".into(),
            attenuation_limit_db: settings.attenuation_limit_db,
            gate: settings.gate,
            enabled: settings.enabled,
            channels: 1,
        }
    }
}

impl Options {
    /// No text at all stands for no options.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        match json.trim() {
            "" => Some(Self::default()),
            // An array would do for serde too, by position.
            object if object.starts_with('{') => serde_json::from_str(object).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        assert_eq!(Options::parse(""), Some(Options::default()));
        assert_eq!(Options::parse("{}"), Some(Options::default()));
        let some = Options::parse(r#"{"model":"sourdine","attenuationLimitDb":12,"gate":true}"#).unwrap();
        let expected = Options {
            model: "sourdine".into(),
            attenuation_limit_db: 12.0,
            gate: true,
            ..Options::default()
        };
        assert_eq!(some, expected);
        for wrong in ["{", "[]", "null", r#"{"attenuationlimit":3}"#, r#"{"gate":1}"#, r#"{"channels":-1}"#] {
            assert_eq!(Options::parse(wrong), None, "{wrong}");
        }
    }
}
