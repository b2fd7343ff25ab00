//! Chooses the least latency that loses no sound: what the blocks need, and a margin for late callbacks.

use std::ops::RangeInclusive;

use num_integer::gcd;

/// The captured frames that may not have reached the ring yet, at most: a block of the device, and what it leaves
/// of a step of the engine.
pub(crate) fn undelivered(block: usize, step: usize) -> usize {
    block + step - gcd(block, step)
}

/// The third largest of the values of the last 5 to 10 seconds: a device's first block, and what a stall has piled up,
/// may be of a length that does not come again. In the first second the largest; what came then is forgotten after the
/// second second, as devices begin with blocks that are longer than those that follow.
#[derive(Debug)]
pub(crate) struct RecentMax {
    /// The largest three, falling.
    now: [usize; 3],
    before: [usize; 3],
    seconds: f64,
    /// When the values of the window before are forgotten.
    until: f64,
    windows: u32,
}

impl Default for RecentMax {
    fn default() -> Self {
        Self { now: [0; 3], before: [0; 3], seconds: 0.0, until: Self::START, windows: 0 }
    }
}

impl RecentMax {
    const WINDOW: f64 = 5.0;
    const START: f64 = 1.0;

    pub(crate) fn run(&mut self, value: usize, dt: f64) -> usize {
        self.seconds += dt;
        if self.seconds > self.until {
            (self.before, self.now, self.seconds) = (self.now, [0; 3], 0.0);
            self.until = if self.windows == 0 { Self::START } else { Self::WINDOW };
            self.windows = self.windows.saturating_add(1);
        }
        if let Some(place) = self.now.iter().position(|v| value >= *v) {
            self.now[place..].rotate_right(1);
            self.now[place] = value;
        }
        let rank = if self.windows == 0 { 0 } else { 2 };
        self.now[rank].max(self.before[rank])
    }
}

/// The margin in seconds. One gap is a stall's and changes nothing; three within ten seconds say that callbacks
/// here come later than thought: the margin doubles. After a minute without any it is halved again.
#[derive(Debug)]
pub(crate) struct Margin {
    seconds: f64,
    range: RangeInclusive<f64>,
    gaps: u32,
    since_gap: f64,
}

impl Margin {
    const MOST: f64 = 0.2;
    const GAPS: u32 = 3;
    const WITHIN: f64 = 10.0;
    const CALM: f64 = 60.0;

    pub(crate) fn new(seconds: f64) -> Self {
        let range = seconds..=seconds.max(Self::MOST);
        Self { seconds, range, gaps: 0, since_gap: 0.0 }
    }

    pub(crate) fn underrun(&mut self) {
        self.gaps = if self.since_gap > Self::WITHIN / f64::from(Self::GAPS - 1) { 1 } else { self.gaps + 1 };
        self.since_gap = 0.0;
        if self.gaps >= Self::GAPS {
            self.gaps = 0;
            self.set(2.0 * self.seconds.max(1e-3));
        }
    }

    pub(crate) fn run(&mut self, dt: f64) -> f64 {
        self.since_gap += dt;
        if self.since_gap > Self::CALM {
            self.since_gap = 0.0;
            self.gaps = 0;
            self.set(0.5 * self.seconds);
        }
        self.seconds
    }

    fn set(&mut self, seconds: f64) {
        self.seconds = seconds.clamp(*self.range.start(), *self.range.end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undelivered_frames() {
        assert_eq!(undelivered(480, 480), 480);
        assert_eq!(undelivered(512, 441), 512 + 440);
        assert_eq!(undelivered(64, 480), 64 + 480 - 32);
        assert_eq!(undelivered(0, 480), 0);
    }

    #[test]
    fn the_largest_value_is_followed_but_for_one_that_does_not_come_again() {
        let mut max = RecentMax::default();
        assert_eq!(max.run(9000, 0.01), 9000);
        assert_eq!((0..90).map(|_| max.run(480, 0.01)).min(), Some(9000), "the first second");
        let later: Vec<usize> =
            (0..2000).map(|k| max.run(if k == 500 { 5000 } else { 400 + k % 81 }, 0.01)).collect();
        assert_eq!(later[20..].iter().max(), Some(&480));
        assert_eq!((0..3).map(|_| max.run(960, 0.01)).last(), Some(960));
        assert_eq!((0..1100).map(|_| max.run(480, 0.01)).last(), Some(480));
    }

    #[test]
    fn the_long_blocks_of_a_beginning_are_soon_forgotten() {
        let mut max = RecentMax::default();
        let targets: Vec<usize> = (0..1000).map(|k| max.run(if k < 30 { 4800 } else { 480 }, 0.01)).collect();
        assert_eq!((targets[150], targets[250], targets[999]), (4800, 480, 480));
    }

    #[test]
    fn the_margin_grows_with_gaps_in_a_row_only_and_shrinks_again() {
        let mut margin = Margin::new(0.004);
        for _ in 0..20 {
            margin.underrun();
            assert_eq!(margin.run(10.0), 0.004, "a stall every ten seconds");
        }
        for _ in 0..3 {
            margin.underrun();
            margin.run(0.5);
        }
        assert_eq!(margin.run(0.5), 0.008);
        (0..100).for_each(|_| margin.underrun());
        assert_eq!(margin.run(0.5), 0.2);
        (0..400).for_each(|_| {
            margin.run(1.0);
        });
        assert_eq!(margin.run(1.0), 0.004);
    }
}
