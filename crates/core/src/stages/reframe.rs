//! Blocks of any length ↔ frames of 10 ms, with a constant delay.
//!
//! The grid of frames starts at the stream's first sample and never moves, whatever the blocks: that is why
//! every partition of the same input gives the same output.

use crate::error::ConfigError;
use crate::settings::Block;
use crate::signal::{MODEL_FRAME, MODEL_RATE, gcd};

/// The longest host frame, in ms, when a rate has no whole 10 ms: 11.025 kHz and its kin take 13.3 ms.
const LONGEST_FRAME_MS: usize = 20;

/// The common grid of the host's rate and the models' rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Frames of the host in one step of the chain.
    pub(crate) host: usize,
    /// The same time at 48 kHz.
    pub(crate) model: usize,
}

impl Grid {
    /// 10 ms where that is a whole number of samples, else the shortest block common to both rates.
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

    /// The delay in frames that the host's block lengths cost.
    pub(crate) fn host_delay(self, block: Block) -> usize {
        match block {
            Block::Fixed(frames) => self.host - gcd(self.host, frames),
            Block::Varying => self.host - 1,
        }
    }

    /// The fewest samples at 48 kHz that are a whole number of host samples.
    pub(crate) fn unit(self) -> usize {
        self.model / gcd(self.host, self.model)
    }

    /// One step in ms.
    pub(crate) fn step_ms(self) -> f32 {
        self.model as f32 / (MODEL_RATE as f32 / 1000.0)
    }

    /// The delay in samples at 48 kHz of cutting steps of `model` samples into frames of 480.
    pub(crate) fn model_delay(self) -> usize {
        MODEL_FRAME - gcd(MODEL_FRAME, self.model)
    }
}

/// A planar first-in-first-out buffer of fixed room.
#[derive(Debug)]
pub(crate) struct Fifo {
    data: Vec<f32>,
    channels: usize,
    room: usize,
    read: usize,
    len: usize,
    silence: usize,
}

impl Fifo {
    /// A buffer with room for `room` frames that starts with `silence` frames of silence.
    pub(crate) fn new(channels: usize, room: usize, silence: usize) -> Self {
        debug_assert!(silence <= room, "more silence than room");
        Self { data: vec![0.0; channels * room], channels, room, read: 0, len: silence, silence }
    }

    pub(crate) fn reset(&mut self) {
        self.data.fill(0.0);
        self.read = 0;
        self.len = self.silence;
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends a planar frame; what there is no room for is dropped (the engine's arithmetic rules it out).
    pub(crate) fn push(&mut self, planar: &[f32], frames: usize) {
        debug_assert!(self.len + frames <= self.room, "fifo overrun");
        let frames = frames.min(self.room - self.len);
        let write = (self.read + self.len) % self.room;
        let first = frames.min(self.room - write);
        let stride = planar.len() / self.channels;
        for (own, new) in self.data.chunks_exact_mut(self.room).zip(planar.chunks_exact(stride)) {
            own[write..write + first].copy_from_slice(&new[..first]);
            own[..frames - first].copy_from_slice(&new[first..frames]);
        }
        self.len += frames;
    }

    /// Gives the oldest `frames` frames to `take`: channel, position within the request, samples.
    pub(crate) fn pop(&mut self, frames: usize, mut take: impl FnMut(usize, usize, &[f32])) {
        debug_assert!(frames <= self.len, "fifo underrun");
        let frames = frames.min(self.len);
        let first = frames.min(self.room - self.read);
        for (channel, own) in self.data.chunks_exact(self.room).enumerate() {
            take(channel, 0, &own[self.read..self.read + first]);
            if first < frames {
                take(channel, first, &own[..frames - first]);
            }
        }
        self.read = (self.read + frames) % self.room;
        self.len -= frames;
    }
}

/// A planar delay line that works in place.
#[derive(Debug)]
pub(crate) struct Delay {
    /// Per channel a ring of the last `delay` samples.
    data: Vec<f32>,
    delay: usize,
    /// Where the oldest sample lies in each ring.
    oldest: usize,
    frame: usize,
}

impl Delay {
    pub(crate) fn new(channels: usize, delay: usize, frame: usize) -> Self {
        Self { data: vec![0.0; channels * delay], delay, oldest: 0, frame }
    }

    pub(crate) fn reset(&mut self) {
        self.data.fill(0.0);
        self.oldest = 0;
    }

    /// Replaces the planar frame by what came in `delay` samples earlier.
    pub(crate) fn run(&mut self, planar: &mut [f32]) {
        if self.delay == 0 {
            return;
        }
        let channels = planar.chunks_exact_mut(self.frame);
        for (ring, mut frame) in self.data.chunks_exact_mut(self.delay).zip(channels) {
            let mut at = self.oldest;
            while !frame.is_empty() {
                let (now, later) = frame.split_at_mut(frame.len().min(self.delay - at));
                now.swap_with_slice(&mut ring[at..at + now.len()]);
                at = (at + now.len()) % self.delay;
                frame = later;
            }
        }
        self.oldest = (self.oldest + self.frame) % self.delay;
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

    #[test]
    fn delay_line_delays() {
        const FRAMES: usize = 5;
        for (delay, frame) in [(0, 4), (1, 4), (3, 4), (4, 4), (5, 4), (8, 4), (11, 4)] {
            let mut line = Delay::new(2, delay, frame);
            for _ in 0..2 {
                let mut out = Vec::new();
                for n in 0..FRAMES {
                    let left = (1..=frame).map(|i| (frame * n + i) as f32);
                    let mut planar: Vec<f32> = left.clone().chain(left.map(|x| -x)).collect();
                    line.run(&mut planar);
                    out.extend_from_slice(&planar[..frame]);
                    assert!(planar[..frame].iter().zip(&planar[frame..]).all(|(a, b)| *a == -*b));
                }
                let input = (1..=frame * FRAMES).map(|i| i as f32);
                let expected = std::iter::repeat_n(0.0, delay).chain(input).take(out.len());
                assert!(out.iter().copied().eq(expected), "delay {delay}: {out:?}");
                line.reset();
            }
        }
    }

    #[test]
    fn fifo_keeps_order_across_its_end() {
        let mut fifo = Fifo::new(2, 7, 2);
        let mut out = vec![];
        let mut next = 1.0;
        for _ in 0..10 {
            let frame: Vec<f32> = vec![next, next + 1.0, next + 2.0, -next, -next - 1.0, -next - 2.0];
            next += 3.0;
            fifo.push(&frame, 3);
            fifo.pop(3, |channel, at, x| {
                if channel == 0 {
                    out.extend_from_slice(x);
                } else {
                    let start = out.len() - 3 + at;
                    for (a, b) in out[start..].iter().zip(x) {
                        assert_eq!(*a, -*b);
                    }
                }
            });
        }
        assert_eq!(out.len(), 30);
        assert_eq!(&out[..4], &[0.0, 0.0, 1.0, 2.0]);
        assert!(out[2..].windows(2).all(|w| w[1] == w[0] + 1.0));
    }
}
