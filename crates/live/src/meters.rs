//! Measurements of the audio threads for all others: atomics only, each written by one thread.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use sourdine::signal::SILENCE_DBFS;

/// An `f32` that one thread writes and others read.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU32);

impl Gauge {
    pub(crate) fn set(&self, x: f32) {
        self.0.store(x.to_bits(), Relaxed);
    }

    pub(crate) fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Relaxed))
    }

    /// Raises the gauge; for values from 0 up, whose bits are in their order.
    pub(crate) fn raise(&self, x: f32) {
        self.0.fetch_max(x.to_bits(), Relaxed);
    }

    /// Reads the gauge and sets it to 0.
    pub(crate) fn take(&self) -> f32 {
        f32::from_bits(self.0.swap(0, Relaxed))
    }
}

/// Steps of the load histogram, of half a per cent of the deadline each; the last one is all above.
const LOAD_STEPS: usize = 256;

/// Which share of its deadline each capture callback took.
#[derive(Debug)]
pub(crate) struct LoadMeter {
    steps: [AtomicU32; LOAD_STEPS],
    max: Gauge,
}

impl Default for LoadMeter {
    fn default() -> Self {
        Self { steps: [const { AtomicU32::new(0) }; LOAD_STEPS], max: Gauge::default() }
    }
}

/// Shares of the deadline: 1 is all of it.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Load {
    /// Mean.
    pub mean: f32,
    /// 99th percentile.
    pub p99: f32,
    /// The largest.
    pub max: f32,
}

impl LoadMeter {
    pub(crate) fn count(&self, share: f32) {
        let step = ((share * 200.0) as usize).min(LOAD_STEPS - 1);
        self.steps[step].fetch_add(1, Relaxed);
        self.max.raise(share);
    }

    /// The loads since the last call.
    pub(crate) fn take(&self) -> Load {
        let counts: Vec<u32> = self.steps.iter().map(|s| s.swap(0, Relaxed)).collect();
        let all: u32 = counts.iter().sum();
        let max = self.max.take();
        if all == 0 {
            return Load::default();
        }
        let middle = |step: usize| (step as f32 + 0.5) / 200.0;
        let mean = counts.iter().enumerate().map(|(i, n)| middle(i) * *n as f32).sum::<f32>() / all as f32;
        let mut below = 0;
        let p99 = counts.iter().position(|n| {
            below += n;
            100 * below >= 99 * all
        });
        Load { mean, p99: middle(p99.unwrap_or(LOAD_STEPS - 1)).min(max), max }
    }
}

/// Whether a thread got real-time priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// The thread has not run yet.
    #[default]
    Unknown,
    /// It has.
    RealTime,
    /// The system refused; the thread runs like any other.
    Normal,
}

/// See [`Priority`].
#[derive(Debug, Default)]
pub(crate) struct PriorityCell(AtomicU8);

impl PriorityCell {
    pub(crate) fn set(&self, raised: bool) {
        self.0.store(1 + u8::from(!raised), Relaxed);
    }

    pub(crate) fn get(&self) -> Priority {
        match self.0.load(Relaxed) {
            0 => Priority::Unknown,
            1 => Priority::RealTime,
            _ => Priority::Normal,
        }
    }
}

/// Everything that is measured in a session.
#[derive(Debug)]
pub struct Meters {
    pub(crate) capture_calls: AtomicU64,
    pub(crate) playback_calls: AtomicU64,
    /// Frames that came in.
    pub(crate) captured: AtomicU64,
    /// Frames lost because the ring was full.
    pub(crate) lost: AtomicU64,
    /// Times that playback ran dry.
    pub(crate) underruns: AtomicU64,
    /// Times that a stall's excess was cut out, or a lack filled.
    pub(crate) cuts: AtomicU64,
    pub(crate) late_ms: Gauge,
    pub(crate) target_ms: Gauge,
    pub(crate) speed_ppm: Gauge,
    pub(crate) clocks_ppm: Gauge,
    pub(crate) block_in_ms: Gauge,
    pub(crate) block_out_ms: Gauge,
    pub(crate) device_in_ms: Gauge,
    pub(crate) device_out_ms: Gauge,
    pub(crate) load: LoadMeter,
    pub(crate) deadline_misses: AtomicU64,
    pub(crate) tier: AtomicU8,
    pub(crate) probability: Gauge,
    pub(crate) voice: AtomicBool,
    pub(crate) bypassed: AtomicBool,
    pub(crate) input_dbfs: Gauge,
    pub(crate) output_dbfs: Gauge,
    pub(crate) input_peak: Gauge,
    pub(crate) output_peak: Gauge,
    pub(crate) floor_dbfs: Gauge,
    pub(crate) invalid_samples: AtomicU64,
    pub(crate) clipped_samples: AtomicU64,
    pub(crate) recorder_lost: AtomicU64,
    pub(crate) capture_priority: PriorityCell,
    pub(crate) playback_priority: PriorityCell,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let meters = Self {
            capture_calls: AtomicU64::default(),
            playback_calls: AtomicU64::default(),
            captured: AtomicU64::default(),
            lost: AtomicU64::default(),
            underruns: AtomicU64::default(),
            cuts: AtomicU64::default(),
            late_ms: Gauge::default(),
            target_ms: Gauge::default(),
            speed_ppm: Gauge::default(),
            clocks_ppm: Gauge::default(),
            block_in_ms: Gauge::default(),
            block_out_ms: Gauge::default(),
            device_in_ms: Gauge::default(),
            device_out_ms: Gauge::default(),
            load: LoadMeter::default(),
            deadline_misses: AtomicU64::default(),
            tier: AtomicU8::default(),
            probability: Gauge::default(),
            voice: AtomicBool::default(),
            bypassed: AtomicBool::default(),
            input_dbfs: Gauge::default(),
            output_dbfs: Gauge::default(),
            input_peak: Gauge::default(),
            output_peak: Gauge::default(),
            floor_dbfs: Gauge::default(),
            invalid_samples: AtomicU64::default(),
            clipped_samples: AtomicU64::default(),
            recorder_lost: AtomicU64::default(),
            capture_priority: PriorityCell::default(),
            playback_priority: PriorityCell::default(),
        };
        for level in [&meters.input_dbfs, &meters.output_dbfs, &meters.floor_dbfs] {
            level.set(SILENCE_DBFS);
        }
        meters
    }

    /// Latency between the two devices' callbacks, in ms: blocks and ring, not the engine.
    #[must_use]
    pub fn late_ms(&self) -> f32 {
        self.late_ms.get()
    }

    /// The target of [`late_ms`](Self::late_ms).
    #[must_use]
    pub fn target_ms(&self) -> f32 {
        self.target_ms.get()
    }

    /// Speed of playback relative to its device's clock, in ppm.
    #[must_use]
    pub fn speed_ppm(&self) -> f32 {
        self.speed_ppm.get()
    }

    /// Times that playback ran dry.
    #[must_use]
    pub fn underruns(&self) -> u64 {
        self.underruns.load(Relaxed)
    }

    /// Times that the excess of a stall was cut out, or a lack filled.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.cuts.load(Relaxed)
    }

    /// Frames that were lost because they were not taken in time.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Capture callbacks that took longer than their block.
    #[must_use]
    pub fn deadline_misses(&self) -> u64 {
        self.deadline_misses.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_percentiles() {
        let meter = LoadMeter::default();
        assert_eq!(meter.take(), Load::default());
        (0..990).for_each(|_| meter.count(0.101));
        (0..10).for_each(|_| meter.count(0.5));
        meter.count(3.0);
        let load = meter.take();
        assert!((load.mean - 0.1).abs() < 0.02 && (load.p99 - 0.5).abs() < 0.01, "{load:?}");
        assert_eq!(load.max, 3.0);
        assert_eq!(meter.take(), Load::default(), "taken is taken");
    }
}
