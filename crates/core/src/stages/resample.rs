//! Resamples between the host's rate and 48 kHz, with an exact delay.
//!
//! rubato's `Fft` resampler works on blocks: it transforms, truncates or extends the spectrum, applies an
//! anti-aliasing filter and transforms back. Its filter is centred on sample ⌊n/2⌋ of a block of n input
//! samples, so its delay is exactly ⌊n/2⌋ *input* samples: host samples for upsampling, samples at 48 kHz for
//! downsampling. The engine adds a few samples at 48 kHz if the sum is not a whole number of host samples
//! (as at 44.1 kHz, where blocks are odd), because the dry signal has to be aligned to the sample.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler, WindowFunction};

use crate::dsp::grid::Grid;
use crate::error::ConfigError;
use crate::signal::gcd;

/// The shortest block at the lower rate, in samples. Shorter blocks have less delay but attenuate the treble: with
/// 147 the filter is flat to 0.9 of the Nyquist frequency.
const SHORTEST_BLOCK: usize = 147;

/// One direction: planar steps of `input` samples to planar steps of `output` samples.
struct OneWay {
    fft: Fft<f32>,
    channels: usize,
    blocks: usize,
    input: usize,
    output: usize,
}

impl OneWay {
    fn new(channels: usize, blocks: usize, input: usize, output: usize) -> Result<Self, ConfigError> {
        // The ratio alone matters to `Fft`, so the frame lengths stand for the rates. `Both` gives blocks of
        // exactly the length asked for; with `Input` or `Output` their number would be a hint only.
        let fft = Fft::new_custom(
            input,
            output,
            input / blocks,
            1,
            channels,
            WindowFunction::BlackmanHarris,
            FixedSync::Both,
        )
        .map_err(|e| ConfigError::Resampler { reason: e.to_string() })?;
        debug_assert_eq!(fft.input_frames_next() * blocks, input, "block length not taken");
        Ok(Self { fft, channels, blocks, input, output })
    }

    fn run(&mut self, input: &[f32], output: &mut [f32]) {
        let (Ok(from), Ok(mut to)) = (
            SequentialSlice::new(input, self.channels, self.input),
            SequentialSlice::new_mut(output, self.channels, self.output),
        ) else {
            debug_assert!(false, "buffers made at construction fit");
            return;
        };
        let (step_in, step_out) = (self.input / self.blocks, self.output / self.blocks);
        for block in 0..self.blocks {
            let at = Indexing {
                input_offset: block * step_in,
                output_offset: block * step_out,
                partial_len: None,
                active_channels_mask: None,
            };
            let done = self.fft.process_into_buffer(&from, &mut to, Some(&at));
            debug_assert!(matches!(done, Ok((i, o)) if i == step_in && o == step_out), "{done:?}");
        }
    }
}

/// Both directions.
pub(crate) struct RatePair {
    up: OneWay,
    down: OneWay,
}

impl RatePair {
    /// Makes the pair for a grid; `None` if the host is at 48 kHz already.
    pub(crate) fn new(grid: Grid, channels: usize) -> Result<Option<Self>, ConfigError> {
        if grid.host == grid.model {
            return Ok(None);
        }
        let common = gcd(grid.host, grid.model);
        let blocks = (1..=common)
            .rev()
            .find(|n| common.is_multiple_of(*n) && grid.host.min(grid.model) / n >= SHORTEST_BLOCK)
            .unwrap_or(1);
        Ok(Some(Self {
            up: OneWay::new(channels, blocks, grid.host, grid.model)?,
            down: OneWay::new(channels, blocks, grid.model, grid.host)?,
        }))
    }

    /// Returns the delay of upsampling in host samples, and of downsampling in samples at 48 kHz.
    pub(crate) fn latency(&self) -> (usize, usize) {
        (self.up.input / self.up.blocks / 2, self.down.input / self.down.blocks / 2)
    }

    /// Resamples a planar step to 48 kHz.
    pub(crate) fn up(&mut self, host: &[f32], model: &mut [f32]) {
        self.up.run(host, model);
    }

    /// Resamples a planar step at 48 kHz to the host's rate.
    pub(crate) fn down(&mut self, model: &[f32], host: &mut [f32]) {
        self.down.run(model, host);
    }

    pub(crate) fn reset(&mut self) {
        self.up.fft.reset();
        self.down.fft.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::delay::Delay;

    #[test]
    fn a_pulse_comes_back_whole_and_exactly_on_time() {
        for rate in
            [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 88_200, 96_000, 176_400, 192_000]
        {
            let grid = Grid::new(rate).unwrap();
            let mut pair = RatePair::new(grid, 1).unwrap().unwrap();
            let (up, down) = pair.latency();
            let whole = down.next_multiple_of(grid.unit());
            let mut align = Delay::new(1, whole - down, grid.model);
            let (at, width) = (3 * grid.host + 17, rate as f32 / 8_000.0 * 2.5);
            let input: Vec<f32> = (0..12 * grid.host)
                .map(|i| (-0.5 * ((i as f32 - at as f32) / width).powi(2)).exp())
                .collect();
            let mut output = vec![0.0; input.len()];
            let mut middle = vec![0.0; grid.model];
            for (i, o) in input.chunks_exact(grid.host).zip(output.chunks_exact_mut(grid.host)) {
                pair.up(i, &mut middle);
                align.run(&mut middle);
                pair.down(&middle, o);
            }
            let late = up + whole * grid.host / grid.model;
            let error = input.iter().zip(&output[late..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(error < 2e-4, "{rate} Hz: error {error} at latency {late}");
        }
    }
}
