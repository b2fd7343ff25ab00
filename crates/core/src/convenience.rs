//! A whole recording in one call.

use std::fmt;

use crate::engine::Engine;
use crate::error::{BlockError, ConfigError};
use crate::models::Model;
use crate::settings::{Block, Settings, StreamFormat};

/// Denoises a whole recording: interleaved `f32` in ±1.0. The result is as long as the input and aligned with it, without
/// the engine's latency.
///
/// Otherwise the bits are those of an [`Engine`] in real time. `format.block` is ignored.
///
/// # Errors
/// [`DenoiseError`] if the stream is not supported, or if the samples end inside a frame.
///
/// # Real time
/// Allocates; not for the audio thread.
///
/// # Examples
/// ```
/// use sourdine::{Model, Settings, StreamFormat, denoise};
///
/// let stereo = vec![0.0; 2 * 8_000];
/// let clean = denoise(&stereo, StreamFormat::new(16_000, 2), &Settings::default(), &Model::default())?;
/// assert_eq!(clean.len(), stereo.len());
/// # Ok::<(), sourdine::DenoiseError>(())
/// ```
pub fn denoise(
    samples: &[f32],
    format: StreamFormat,
    settings: &Settings,
    model: &Model,
) -> Result<Vec<f32>, DenoiseError> {
    let channels = format.channels;
    let mut engine = Engine::new(StreamFormat { block: Block::Varying, ..format }, settings, model)?;
    engine.warm_up_thread();
    let mut out = vec![0.0; samples.len() + engine.latency() * channels];
    let (now, later) = out.split_at_mut(samples.len());
    engine.process_interleaved_f32_into(samples, now)?;
    engine.finish_interleaved_f32(later);
    out.drain(..engine.latency() * channels);
    Ok(out)
}

/// An error of [`denoise`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum DenoiseError {
    /// The stream is not supported.
    Config(ConfigError),
    /// The samples do not fit the stream.
    Block(BlockError),
}

impl From<ConfigError> for DenoiseError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<BlockError> for DenoiseError {
    fn from(error: BlockError) -> Self {
        Self::Block(error)
    }
}

impl fmt::Display for DenoiseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Block(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DenoiseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Block(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_the_engine_gives_in_its_place() {
        for (rate, channels) in [(48_000, 1), (44_100, 2), (11_025, 3)] {
            let format = StreamFormat::new(rate, channels);
            let samples: Vec<f32> =
                (0..rate as usize * channels).map(|i| ((i * i) as f32 * 0.001).sin() * 0.3).collect();
            let all = Settings { attenuation_limit_db: 0.0, ..Settings::default() };
            assert_eq!(denoise(&samples, format, &all, &Model::default()), Ok(samples.clone()));

            let settings = Settings::default();
            let mut engine = Engine::new(format, &settings, &Model::default()).unwrap();
            let mut out = samples.clone();
            engine.process_interleaved_f32(&mut out).unwrap();
            let late = engine.latency() * channels;
            let clean = denoise(&samples, format, &settings, &Model::default()).unwrap();
            assert!(clean.len() == samples.len() && clean[..samples.len() - late] == out[late..]);
        }
        let odd = denoise(&[0.0; 3], StreamFormat::new(48_000, 2), &Settings::default(), &Model::default());
        assert_eq!(odd, Err(DenoiseError::Block(BlockError::Ragged)));
        let none = denoise(&[], StreamFormat::new(48_000, 2), &Settings::default(), &Model::default());
        assert_eq!(none, Ok(Vec::new()));
    }
}
