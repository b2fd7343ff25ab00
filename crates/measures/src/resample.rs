//! Whole signals at another rate.

use num_integer::gcd;
use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler, WindowFunction};

/// Samples in a block of the slower side, roughly: a sharp filter, and short compared with a file.
const BLOCK: usize = 1000;

/// A signal at rate `to`, aligned to the original: sample n is at time n / `to`. None if the library has no filter for
/// the two rates.
///
/// rubato's filter is centred on sample ⌊n/2⌋ of its block of n input samples; that delay is cut off at the front.
pub(crate) fn resampled(x: &[f64], from: u32, to: u32) -> Option<Vec<f64>> {
    if from == to {
        return Some(x.to_vec());
    }
    let common = gcd(from, to);
    let (input, output) = ((from / common) as usize, (to / common) as usize);
    // An even number of both, so that the delay is whole on both sides.
    let times = BLOCK.div_ceil(input.min(output)).next_multiple_of(2);
    let (input, output) = (input * times, output * times);
    let mut fft =
        Fft::<f64>::new_custom(input, output, input, 1, 1, WindowFunction::BlackmanHarris, FixedSync::Both)
            .ok()?;
    let wanted = (x.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
    let delay = output / 2;
    let blocks = (wanted + delay).div_ceil(output);
    let mut padded = x.to_vec();
    padded.resize(blocks * input, 0.0);
    let mut out = vec![0.0; blocks * output];
    let from = SequentialSlice::new(&padded, 1, blocks * input).ok()?;
    let mut to = SequentialSlice::new_mut(&mut out, 1, blocks * output).ok()?;
    for block in 0..blocks {
        let at = Indexing {
            input_offset: block * input,
            output_offset: block * output,
            partial_len: None,
            active_channels_mask: None,
        };
        fft.process_into_buffer(&from, &mut to, Some(&at)).ok()?;
    }
    out.drain(..delay);
    out.truncate(wanted);
    Some(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may.
mod tests {
    use super::*;

    #[test]
    fn tones_keep_their_place_and_level() {
        for from in [8_000, 11_025, 16_000, 44_100, 48_000, 96_000] {
            let tone = |rate: u32, len: usize| -> Vec<f64> {
                (0..len)
                    .map(|n| (std::f64::consts::TAU * 1000.0 * n as f64 / f64::from(rate)).sin())
                    .collect()
            };
            let at_10k = resampled(&tone(from, from as usize), from, 10_000).unwrap();
            assert_eq!(at_10k.len(), 10_000);
            let expected = tone(10_000, 10_000);
            let worst = (1500..8500).map(|n| (at_10k[n] - expected[n]).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-3, "{from} Hz: {worst}");
        }
    }
}
