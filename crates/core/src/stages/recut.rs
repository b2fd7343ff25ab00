//! Cuts steps into the models' frames where their lengths differ: at 11.025 kHz and its multiples.

use crate::dsp::fifo::Fifo;
use crate::models::switch::Denoisers;
use crate::overload::Tier;
use crate::signal::MODEL_FRAME;

/// Cuts steps at 48 kHz into frames of 480, denoises them, and joins them again.
pub(crate) struct Recut {
    input: Fifo,
    output: Fifo,
    frame: Vec<f32>,
    /// The newest frame's voice probability: a step shorter than a frame may complete none.
    probability: f32,
}

impl Recut {
    /// Makes a stage for steps of `len` samples at 48 kHz, with a delay of `delay`.
    pub(crate) fn new(channels: usize, len: usize, delay: usize) -> Self {
        Self {
            input: Fifo::new(channels, len + MODEL_FRAME, 0),
            output: Fifo::new(channels, 2 * (len + MODEL_FRAME), delay),
            frame: vec![0.0; channels * MODEL_FRAME],
            probability: 0.0,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.input.reset();
        self.output.reset();
        self.probability = 0.0;
    }

    /// Denoises a planar step in place. Returns the voice probability, and whether the output was finite.
    pub(crate) fn run(
        &mut self,
        step: &mut [f32],
        len: usize,
        denoisers: &mut Denoisers,
        tier: Tier,
    ) -> (f32, bool) {
        let mut finite = true;
        self.input.push(step, len);
        while self.input.len() >= MODEL_FRAME {
            let frame = &mut self.frame;
            self.input.pop(MODEL_FRAME, |channel, at, samples| {
                frame[channel * MODEL_FRAME + at..][..samples.len()].copy_from_slice(samples);
            });
            let (p, f) = denoisers.run(frame, tier);
            self.probability = p;
            finite &= f;
            self.output.push(frame, MODEL_FRAME);
        }
        self.output.pop(len, |channel, at, samples| {
            step[channel * len + at..][..samples.len()].copy_from_slice(samples);
        });
        (self.probability, finite)
    }
}
