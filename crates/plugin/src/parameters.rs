//! The parameters, the same in every interface.

/// Identifies a parameter: its place in [`ALL`]. Hosts store these numbers, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Id {
    AttenuationLimit,
    Gate,
    Model,
    Bypass,
}

/// What values of a parameter mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Decibels,
    Toggle,
    /// One of these, by its place in the list.
    Choice(&'static [&'static str]),
}

/// A parameter's description.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) id: Id,
    /// A name for files: letters and underscores.
    pub(crate) symbol: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) max: f64,
    pub(crate) default: f64,
}

/// The names of the models, by the values of [`Id::Model`].
pub(crate) const MODELS: &[&str] = &["sourdine", "sourdine-lite"];

/// The attenuation limit from which on there is none, in dB. Twice the default, since LADSPA can state no other
/// default of 60 than the middle of the range.
const NO_LIMIT_DB: f64 = 120.0;

/// All parameters, by [`Id`]. The smallest value of each is 0.
pub(crate) const ALL: [Parameter; 4] = [
    Parameter {
        id: Id::AttenuationLimit,
        symbol: "attenuation_limit",
        name: "Attenuation limit",
        kind: Kind::Decibels,
        max: NO_LIMIT_DB,
        default: 60.0,
    },
    Parameter { id: Id::Gate, symbol: "gate", name: "Gate", kind: Kind::Toggle, max: 1.0, default: 0.0 },
    Parameter {
        id: Id::Model,
        symbol: "model",
        name: "Model",
        kind: Kind::Choice(MODELS),
        max: (MODELS.len() - 1) as f64,
        default: 0.0,
    },
    Parameter {
        id: Id::Bypass,
        symbol: "bypass",
        name: "Bypass",
        kind: Kind::Toggle,
        max: 1.0,
        default: 0.0,
    },
];

impl Parameter {
    /// Returns the value as a host should show it.
    pub(crate) fn text(&self, value: f64) -> String {
        match self.kind {
            Kind::Decibels if value >= self.max => "no limit".to_owned(),
            Kind::Decibels => format!("{value:.1} dB"),
            Kind::Toggle => if value >= 0.5 { "on" } else { "off" }.to_owned(),
            Kind::Choice(names) => names[(value.round() as usize).min(names.len() - 1)].to_owned(),
        }
    }

    /// Reads what [`text`](Self::text) writes, and numbers.
    pub(crate) fn value(&self, text: &str) -> Option<f64> {
        let text = text.trim();
        if let Ok(number) = text.trim_end_matches("dB").trim_end().parse::<f64>() {
            return number.is_finite().then(|| number.clamp(0.0, self.max));
        }
        match self.kind {
            Kind::Decibels => (text == "no limit").then_some(self.max),
            Kind::Toggle => ["off", "on"].iter().position(|name| *name == text).map(|at| at as f64),
            Kind::Choice(names) => names.iter().position(|name| *name == text).map(|at| at as f64),
        }
    }
}

/// A value for each parameter, in its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Values([f64; ALL.len()]);

impl Default for Values {
    fn default() -> Self {
        Self(ALL.map(|parameter| parameter.default))
    }
}

impl Values {
    pub(crate) fn get(&self, id: Id) -> f64 {
        self.0[id as usize]
    }

    /// Sets the nearest value in the parameter's range; NaN changes nothing.
    pub(crate) fn set(&mut self, id: Id, value: f64) {
        if !value.is_nan() {
            self.0[id as usize] = value.clamp(0.0, ALL[id as usize].max);
        }
    }

    /// The limit for the engine: infinity for none.
    pub(crate) fn attenuation_limit_db(&self) -> f32 {
        let db = self.get(Id::AttenuationLimit);
        if db < NO_LIMIT_DB { db as f32 } else { f32::INFINITY }
    }

    pub(crate) fn is_on(&self, id: Id) -> bool {
        self.get(id) >= 0.5
    }

    /// The model's place in [`MODELS`].
    pub(crate) fn model(&self) -> usize {
        self.get(Id::Model).round() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_places() {
        for (at, parameter) in ALL.iter().enumerate() {
            assert_eq!(parameter.id as usize, at);
        }
    }

    #[test]
    fn texts_are_read_back() {
        for parameter in &ALL {
            for value in [0.0, parameter.default, parameter.max] {
                assert_eq!(parameter.value(&parameter.text(value)), Some(value), "{}", parameter.name);
            }
            assert_eq!(parameter.value("perhaps"), None);
            assert_eq!(parameter.value("NaN"), None);
        }
        assert_eq!(ALL[0].value("12.5 dB"), Some(12.5));
        assert_eq!(ALL[0].value("-3"), Some(0.0));
    }

    #[test]
    fn values_stay_in_their_range() {
        let mut values = Values::default();
        values.set(Id::AttenuationLimit, f64::NAN);
        assert_eq!(values, Values::default());
        values.set(Id::AttenuationLimit, 1e9);
        assert_eq!(values.attenuation_limit_db(), f32::INFINITY);
        values.set(Id::AttenuationLimit, -1.0);
        assert_eq!(values.attenuation_limit_db(), 0.0);
        values.set(Id::Model, 7.0);
        assert_eq!(values.model(), MODELS.len() - 1);
    }
}
