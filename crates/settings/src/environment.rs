//! The variables, named like the options.

use std::ffi::OsString;

use crate::{Error, Preferences, WRONG_JOBS, attenuation_limit, channels, jobs};

pub(crate) fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Preferences, Error> {
    let value = |name| read_one(&variable, name, |text| Ok(text.to_owned()));
    Ok(Preferences {
        model: value("SOURDINE_MODEL")?,
        attenuation_limit_db: read_one(&variable, "SOURDINE_ATTENUATION_LIMIT", attenuation_limit)?,
        gate: read_one(&variable, "SOURDINE_GATE", |text| {
            text.parse().map_err(|_| "give `true` or `false`".into())
        })?,
        channels: read_one(&variable, "SOURDINE_CHANNELS", channels)?,
        jobs: read_one(&variable, "SOURDINE_JOBS", |text| {
            text.parse().map_err(|_| WRONG_JOBS.into()).and_then(jobs)
        })?,
    })
}

fn read_one<T>(
    variable: &impl Fn(&str) -> Option<OsString>,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Error> {
    let Some(value) = variable(name) else { return Ok(None) };
    let text = value.to_string_lossy();
    let parsed = match value.to_str() {
        Some(text) => parse(text),
        None => Err("it is not text".into()),
    };
    parsed.map(Some).map_err(|why| Error::Variable { name, value: text.into_owned(), why })
}
