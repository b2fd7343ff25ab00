//! The grid of steps that blocks of any length are cut into, with a constant delay.
//!
//! It starts at the stream's first sample and never moves, so every partition of the same input into blocks gives the same
//! output.

use crate::error::ConfigError;
use crate::settings::Block;
use crate::signal::{MODEL_FRAME, MODEL_RATE, gcd};

/// The longest step in ms, for rates at which 10 ms is not a whole number of samples; at 11.025 kHz it is 13.3 ms.
const LONGEST_FRAME_MS: usize = 20;

/// The common grid of the host's rate and the models' rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Host frames in one step.
    pub(crate) host: usize,
    /// The same time in samples at 48 kHz.
    pub(crate) model: usize,
}

impl Grid {
    /// Makes a grid of 10 ms if that is a whole number of samples, else of the shortest block common to both rates.
    pub(crate) fn new(rate: u32) -> Result<Self, ConfigError> {
        if !(8_000..=192_000).contains(&rate) {
            return Err(ConfigError::SampleRate { rate });
        }
        let (host_rate, model_rate) = (rate as usize, MODEL_RATE as usize);
        let shared = gcd(host_rate, model_rate);
        if host_rate % 100 == 0 {
            return Ok(Self { host: host_rate / 100, model: MODEL_FRAME });
        }
        if shared * LONGEST_FRAME_MS < 1000 {
            return Err(ConfigError::SampleRateGrid { rate, block_ms: 1000.0 / shared as f32 });
        }
        Ok(Self { host: host_rate / shared, model: model_rate / shared })
    }

    /// Returns the delay in frames that the host's block lengths add.
    pub(crate) fn host_delay(self, block: Block) -> usize {
        match block {
            Block::Fixed(frames) => self.host - gcd(self.host, frames),
            Block::Varying => self.host - 1,
        }
    }

    /// Returns the fewest samples at 48 kHz that are a whole number of host samples.
    pub(crate) fn unit(self) -> usize {
        self.model / gcd(self.host, self.model)
    }

    /// Returns the length of a step in ms.
    pub(crate) fn step_ms(self) -> f32 {
        self.model as f32 / (MODEL_RATE as f32 / 1000.0)
    }

    /// Returns the delay in samples at 48 kHz of cutting steps into frames of 480.
    pub(crate) fn model_delay(self) -> usize {
        MODEL_FRAME - gcd(MODEL_FRAME, self.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_of_common_rates() {
        for (rate, host, model) in
            [(8000, 80, 480), (11025, 147, 640), (22050, 147, 320), (44100, 441, 480), (192_000, 1920, 480)]
        {
            assert_eq!(Grid::new(rate).unwrap(), Grid { host, model });
        }
        assert!(matches!(Grid::new(44_056), Err(ConfigError::SampleRateGrid { .. })));
        assert!(matches!(Grid::new(44_101), Err(ConfigError::SampleRateGrid { .. })));
        for rate in [0, 7_999, 192_001, 3_000_000] {
            assert_eq!(Grid::new(rate), Err(ConfigError::SampleRate { rate }));
        }
    }

    #[test]
    fn delays_follow_the_formula() {
        let grid = Grid::new(48_000).unwrap();
        for (block, delay) in [(480, 0), (960, 0), (441, 477), (128, 448), (64, 448), (1, 479), (512, 448)] {
            assert_eq!(grid.host_delay(Block::Fixed(block)), delay, "block {block}");
        }
        assert_eq!(grid.host_delay(Block::Varying), 479);
        assert_eq!(Grid::new(11_025).unwrap().model_delay(), 320);
    }
}
