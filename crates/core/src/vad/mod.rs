//! Voice activity: a detector that needs no model, and the decision made from a probability.

mod decision;
mod detector;

pub(crate) use decision::VoiceDecision;
pub use detector::{VoiceDetector, VoiceReport};
