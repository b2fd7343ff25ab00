//! A first-in-first-out buffer of several channels.

/// A planar first-in-first-out buffer of fixed capacity.
#[derive(Debug)]
pub(crate) struct Fifo {
    data: Vec<f32>,
    channels: usize,
    capacity: usize,
    read: usize,
    len: usize,
    silence: usize,
}

impl Fifo {
    /// Makes a buffer of `capacity` frames that starts with `silence` frames of silence.
    pub(crate) fn new(channels: usize, capacity: usize, silence: usize) -> Self {
        debug_assert!(silence <= capacity, "more silence than capacity");
        Self { data: vec![0.0; channels * capacity], channels, capacity, read: 0, len: silence, silence }
    }

    pub(crate) fn reset(&mut self) {
        self.data.fill(0.0);
        self.read = 0;
        self.len = self.silence;
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends a planar step; drops frames beyond the capacity, which the engine's arithmetic rules out.
    pub(crate) fn push(&mut self, planar: &[f32], frames: usize) {
        debug_assert!(self.len + frames <= self.capacity, "fifo overrun");
        let frames = frames.min(self.capacity - self.len);
        let write = (self.read + self.len) % self.capacity;
        let first = frames.min(self.capacity - write);
        let stride = planar.len() / self.channels;
        for (own, new) in self.data.chunks_exact_mut(self.capacity).zip(planar.chunks_exact(stride)) {
            own[write..write + first].copy_from_slice(&new[..first]);
            own[..frames - first].copy_from_slice(&new[first..frames]);
        }
        self.len += frames;
    }

    /// Passes the oldest `frames` frames to `take`: channel, position within the request, samples.
    pub(crate) fn pop(&mut self, frames: usize, mut take: impl FnMut(usize, usize, &[f32])) {
        debug_assert!(frames <= self.len, "fifo underrun");
        let frames = frames.min(self.len);
        let first = frames.min(self.capacity - self.read);
        for (channel, own) in self.data.chunks_exact(self.capacity).enumerate() {
            take(channel, 0, &own[self.read..self.read + first]);
            if first < frames {
                take(channel, first, &own[..frames - first]);
            }
        }
        self.read = (self.read + frames) % self.capacity;
        self.len -= frames;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
