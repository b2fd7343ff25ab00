//! A simulated sound card: two devices with clocks of their own, late callbacks, stalls, and no waiting.
//!
//! It knows nothing of any sound library: the callbacks are closures. True time is in nanoseconds; a device's own
//! clock is off by its ppm.

use crate::signals::Random;

/// One device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Nominal frames per second.
    pub rate: u32,
    /// Deviation of its clock, in ppm; positive is fast.
    pub ppm: f64,
    /// Frames in a block; taken in turn where there are several.
    pub blocks: Vec<usize>,
    /// Callbacks come late by up to this many ms.
    pub jitter_ms: f64,
    /// Times without callbacks.
    pub stalls: Vec<Stall>,
}

impl Device {
    /// A device without faults.
    #[must_use]
    pub fn new(rate: u32, block: usize) -> Self {
        Self { rate, ppm: 0.0, blocks: vec![block], jitter_ms: 0.0, stalls: Vec::new() }
    }

    /// The device's own frame at a true time, with fractions.
    #[must_use]
    pub fn frame_at(&self, nanos: u64) -> f64 {
        nanos as f64 * 1e-9 * self.true_rate()
    }

    fn true_rate(&self) -> f64 {
        f64::from(self.rate) * (1.0 + self.ppm * 1e-6)
    }
}

/// A time in which a device's callbacks do not come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stall {
    /// Its beginning in seconds.
    pub at: f64,
    /// Its length in seconds.
    pub lasts: f64,
    /// Whether the sound of that time is lost (not captured, played as silence) or made up for at the end.
    pub loses: bool,
}

impl Stall {
    /// A stall of `lasts` seconds every `every` seconds up to `until`.
    #[must_use]
    pub fn every(every: f64, lasts: f64, until: f64, loses: bool) -> Vec<Self> {
        (1..)
            .map(|k| f64::from(k) * every)
            .take_while(|at| *at < until)
            .map(|at| Self { at, lasts, loses })
            .collect()
    }
}

/// The next event of a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Callback {
    /// When, in true nanoseconds.
    pub nanos: u64,
    /// The device's own number of the block's first frame.
    pub first: u64,
    /// Frames in the block.
    pub frames: usize,
}

/// The callbacks of one device in their order.
#[derive(Debug)]
struct Schedule {
    device: Device,
    random: Random,
    /// Whether a callback comes when its block is over (capture) or when it begins.
    at_end: bool,
    next: u64,
    turn: usize,
    stall: usize,
    last_nanos: u64,
}

impl Schedule {
    fn new(device: &Device, at_end: bool, seed: u64) -> Self {
        let random = Random::new(seed);
        Self { device: device.clone(), random, at_end, next: 0, turn: 0, stall: 0, last_nanos: 0 }
    }

    /// The next callback, and whether it is lost in a stall.
    fn next(&mut self) -> (Callback, bool) {
        let frames = self.device.blocks[self.turn % self.device.blocks.len()];
        self.turn += 1;
        let first = self.next;
        self.next += frames as u64;
        let due = if self.at_end { self.next } else { first } as f64 / self.device.true_rate();
        let late = 0.5e-3 * self.device.jitter_ms * (1.0 + f64::from(self.random.unit()));
        let mut seconds = due + late;
        while self.device.stalls.get(self.stall).is_some_and(|s| due >= s.at + s.lasts) {
            self.stall += 1;
        }
        let mut lost = false;
        if let Some(stall) = self.device.stalls.get(self.stall)
            && due >= stall.at
        {
            lost = stall.loses;
            seconds = seconds.max(stall.at + stall.lasts);
        }
        let nanos = ((seconds * 1e9) as u64).max(self.last_nanos);
        if !lost {
            self.last_nanos = nanos;
        }
        (Callback { nanos, first, frames }, lost)
    }

    fn next_kept(&mut self) -> Callback {
        loop {
            if let (callback, false) = self.next() {
                return callback;
            }
        }
    }
}

/// Runs both devices for `seconds` of true time, as fast as the callbacks allow. `capture` is called when a block
/// has been captured, `playback` when one is wanted.
pub fn run(
    input: &Device,
    output: &Device,
    seconds: f64,
    mut capture: impl FnMut(Callback),
    mut playback: impl FnMut(Callback),
) {
    let mut from = Schedule::new(input, true, 1);
    let mut to = Schedule::new(output, false, 2);
    let (mut captured, mut wanted) = (from.next_kept(), to.next_kept());
    let end = (seconds * 1e9) as u64;
    while captured.nanos.min(wanted.nanos) < end {
        if captured.nanos <= wanted.nanos {
            capture(captured);
            captured = from.next_kept();
        } else {
            playback(wanted);
            wanted = to.next_kept();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(device: &Device, seconds: f64) -> Vec<Callback> {
        let mut calls = Vec::new();
        run(device, &Device::new(48_000, 480), seconds, |c| calls.push(c), |_| {});
        calls
    }

    #[test]
    fn a_fast_clock_gives_more_blocks() {
        let device = Device { ppm: 1000.0, ..Device::new(48_000, 480) };
        assert_eq!(calls(&device, 100.001).len(), 10_010);
        assert_eq!(calls(&Device::new(48_000, 480), 100.001).len(), 10_000);
    }

    #[test]
    fn a_stall_delays_or_loses() {
        let stall =
            |loses| Device { stalls: Stall::every(1.0, 0.05, 2.0, loses), ..Device::new(48_000, 480) };
        let (late, lost) = (calls(&stall(false), 2.0001), calls(&stall(true), 2.0001));
        assert_eq!((late.len(), lost.len()), (200, 195));
        let at_end = late.iter().filter(|c| c.nanos == 1_050_000_000).count();
        assert_eq!(at_end, 6, "five late ones and one on time");
        assert!(late.is_sorted_by_key(|c| c.nanos) && lost.is_sorted_by_key(|c| c.first));
    }
}
