//! A delay line of several channels.

/// A planar delay line that works in place.
#[derive(Debug)]
pub(crate) struct Delay {
    /// A ring of the last `delay` samples for each channel.
    data: Vec<f32>,
    delay: usize,
    /// Index of the oldest sample in each ring.
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

    /// Replaces the planar frame by the input of `delay` samples earlier.
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
}
