//! A session's options: JSON, as LiveKit's SDKs pass it on from the application.

use serde::Deserialize;
use sourdine::Settings;

/// A session's options.
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
    /// Parses the options; an empty text means none. The error describes the problem.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        match json.trim() {
            "" => Ok(Self::default()),
            // An array would do for serde too, by position.
            object if object.starts_with('{') => {
                serde_json::from_str(object).map_err(|error| format!("the options are refused: {error}"))
            }
            _ => Err("the options are not a JSON object".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        assert_eq!(Options::parse(""), Ok(Options::default()));
        assert_eq!(Options::parse("{}"), Ok(Options::default()));
        let some = Options::parse(r#"{"model":"sourdine","attenuationLimitDb":12,"gate":true}"#).unwrap();
        let expected = Options {
            model: "sourdine".into(),
            attenuation_limit_db: 12.0,
            gate: true,
            ..Options::default()
        };
        assert_eq!(some, expected);
        for (wrong, says) in [
            ("{", "refused"),
            ("[]", "not a JSON object"),
            ("null", "not a JSON object"),
            (r#"{"attenuationlimit":3}"#, "attenuationlimit"),
            (r#"{"gate":1}"#, "boolean"),
            (r#"{"channels":-1}"#, "-1"),
        ] {
            let error = Options::parse(wrong).unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
