//! Resamples from the input's rate to the output's, in whole steps, with an exact number of samples for each block.

use std::collections::VecDeque;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

/// A resampler with a queue on each side, so that blocks need not be whole steps.
pub(crate) struct Rate {
    fft: Fft<f32>,
    channels: usize,
    step: Vec<f32>,
    filled: usize,
    made: Vec<f32>,
    queue: VecDeque<f32>,
}

impl Rate {
    /// Steps of 10 ms. The queue starts with one step of silence, the most that an input that ends inside a step
    /// leaves the output short of.
    pub(crate) fn new(from: u32, to: u32, channels: usize) -> Option<Self> {
        if !from.is_multiple_of(100) || !to.is_multiple_of(100) {
            return None;
        }
        let (input, output) = (from as usize / 100, to as usize / 100);
        let fft = Fft::new(from as usize, to as usize, input, channels, FixedSync::Both).ok()?;
        if (fft.input_frames_next(), fft.output_frames_next()) != (input, output) {
            return None;
        }
        let mut queue = VecDeque::with_capacity(3 * output * channels);
        queue.resize(output * channels, 0.0);
        Some(Self {
            fft,
            channels,
            step: vec![0.0; input * channels],
            filled: 0,
            made: vec![0.0; output * channels],
            queue,
        })
    }

    /// Takes samples and runs each whole step of them.
    pub(crate) fn push(&mut self, mut samples: &[f32], mut drain: impl FnMut(&mut VecDeque<f32>)) {
        while !samples.is_empty() {
            let n = samples.len().min(self.step.len() - self.filled);
            let (now, later) = samples.split_at(n);
            self.step[self.filled..self.filled + n].copy_from_slice(now);
            self.filled += n;
            samples = later;
            if self.filled == self.step.len() {
                self.filled = 0;
                self.run();
                drain(&mut self.queue);
                // A caller that takes less than there is gets the newest.
                let most = 2 * self.made.len();
                let spare = self.queue.len().saturating_sub(most);
                self.queue.drain(..spare);
            }
        }
        drain(&mut self.queue);
    }

    fn run(&mut self) {
        let (frames_in, frames_out) = (self.step.len() / self.channels, self.made.len() / self.channels);
        let (Ok(from), Ok(mut to)) = (
            InterleavedSlice::new(&self.step, self.channels, frames_in),
            InterleavedSlice::new_mut(&mut self.made, self.channels, frames_out),
        ) else {
            debug_assert!(false, "buffers made at construction fit");
            return;
        };
        let done = self.fft.process_into_buffer(&from, &mut to, None);
        debug_assert!(done.is_ok(), "{done:?}");
        self.queue.extend(&self.made);
    }
}
