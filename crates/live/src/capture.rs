//! The capture callback: device's block → voice channels → engine in steps of 10 ms → ring.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rtrb::Producer;
use sourdine::signal::{SILENCE_DBFS, mean_square_to_dbfs};
use sourdine::{Engine, Report, Tier};

use crate::clock::Clock;
use crate::meters::Meters;
use crate::recorder::Tap;
use crate::thread;

/// A count of captured frames with its time, so that playback knows its latency.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mark {
    pub(crate) nanos: u64,
    pub(crate) captured: u64,
    /// The length of this block.
    pub(crate) block: usize,
}

/// The connection to playback.
pub(crate) struct ToPlayback {
    pub(crate) ring: Producer<f32>,
    pub(crate) marks: Producer<Mark>,
}

/// Rise of the tracked noise floor, in dB a second. It falls within 100 ms.
const FLOOR_RISE_DB_PER_S: f32 = 3.0;

/// One end of a session. Lives in the capture callback.
pub struct Capture<C: Clock> {
    pub(crate) engine: Engine,
    /// Channels of the device.
    pub(crate) device_channels: usize,
    pub(crate) channels: usize,
    pub(crate) rate: u32,
    /// The step that is being filled, interleaved; then the engine's output.
    pub(crate) step: Vec<f32>,
    pub(crate) filled: usize,
    pub(crate) to_playback: Option<ToPlayback>,
    pub(crate) tap: Tap,
    pub(crate) captured: u64,
    pub(crate) floor_dbfs: f32,
    pub(crate) clock: C,
    pub(crate) meters: Arc<Meters>,
    pub(crate) prepared: bool,
}

impl<C: Clock> Capture<C> {
    /// Takes an interleaved block of the device, of any length.
    ///
    /// # Real time
    /// No allocation, lock or wait; the clock is read twice. The first call on a thread prepares the thread and
    /// may allocate.
    pub fn process(&mut self, block: &[f32]) {
        let began = self.clock.nanos();
        if !self.prepared {
            self.prepared = true;
            self.meters.capture_priority.set(thread::prepare());
            self.engine.warm_up_thread();
        }
        let frames = block.len() / self.device_channels;
        let mut captured = frames as u64;
        let mut rest = block;
        while !rest.is_empty() {
            rest = self.fill(rest);
            if self.filled == self.step.len() {
                self.filled = 0;
                if !self.run_step() {
                    captured = captured.saturating_sub((self.step.len() / self.channels) as u64);
                }
            }
        }
        self.captured += captured;
        if let Some(to) = &mut self.to_playback {
            // A full ring means that playback is gone; it will take the newest marks when it is back.
            let _ = to.marks.push(Mark { nanos: began, captured: self.captured, block: frames });
        }
        let meters = &self.meters;
        meters.captured.fetch_add(frames as u64, Relaxed);
        meters.capture_calls.fetch_add(1, Relaxed);
        meters.block_in_ms.set(frames as f32 * 1000.0 / self.rate as f32);
        if frames > 0 {
            let available = Duration::from_secs_f64(frames as f64 / f64::from(self.rate));
            let spent = Duration::from_nanos(self.clock.nanos().saturating_sub(began));
            self.engine.report_time(spent, available);
            meters.load.count(spent.as_secs_f32() / available.as_secs_f32());
            meters.deadline_misses.store(self.engine.stats().deadline_misses, Relaxed);
            meters.tier.store(
                match self.engine.tier() {
                    Tier::Full => 0,
                    Tier::Light => 1,
                    _ => 2,
                },
                Relaxed,
            );
        }
    }

    /// Moves as much of the block as fits into the step, mixed to the voice's channels, and returns the rest.
    fn fill<'a>(&mut self, block: &'a [f32]) -> &'a [f32] {
        let room = (self.step.len() - self.filled) / self.channels;
        let (taken, rest) = block.split_at(block.len().min(room * self.device_channels));
        let to = &mut self.step[self.filled..];
        match (self.device_channels, self.channels) {
            (a, b) if a == b => to[..taken.len()].copy_from_slice(taken),
            (1, n) => {
                for (to, x) in to.chunks_exact_mut(n).zip(taken) {
                    to.fill(*x);
                }
            }
            (n, 1) => {
                for (to, frame) in to.iter_mut().zip(taken.chunks_exact(n)) {
                    *to = 0.5 * (frame[0] + frame[1]);
                }
            }
            (n, m) => {
                for (to, frame) in to.chunks_exact_mut(m).zip(taken.chunks_exact(n)) {
                    to.copy_from_slice(&frame[..m]);
                }
            }
        }
        self.filled += taken.len() / self.device_channels * self.channels;
        // A torn last frame, which no device gives, is dropped.
        if taken.len() < self.device_channels { &[] } else { rest }
    }

    /// One step through the engine. Returns whether there was room for it in the ring.
    fn run_step(&mut self) -> bool {
        let peak = |x: &[f32]| x.iter().fold(0.0_f32, |p, x| p.max(x.abs()));
        self.meters.input_peak.raise(peak(&self.step));
        let mean_square = self.step.iter().map(|x| x * x).sum::<f32>() / self.step.len() as f32;
        let recording = self.tap.begin(&self.step);
        // The step has the length that the stream was made for, so the engine cannot refuse it.
        let report = self.engine.process_interleaved_f32(&mut self.step).unwrap_or_default();
        if recording {
            self.tap.end(&self.step, &self.meters.recorder_lost);
        }
        self.meters.output_peak.raise(peak(&self.step));
        self.tell(&report, mean_square_to_dbfs(mean_square));
        let Some(to) = &mut self.to_playback else { return true };
        if to.ring.push_entire_slice(&self.step).is_ok() {
            return true;
        }
        self.meters.lost.fetch_add((self.step.len() / self.channels) as u64, Relaxed);
        false
    }

    fn tell(&mut self, report: &Report, input_dbfs: f32) {
        if input_dbfs > SILENCE_DBFS {
            let up = self.floor_dbfs + FLOOR_RISE_DB_PER_S / 100.0;
            let down = self.floor_dbfs + 0.1 * (input_dbfs - self.floor_dbfs);
            let first = self.floor_dbfs == SILENCE_DBFS;
            self.floor_dbfs = if first {
                input_dbfs
            } else if input_dbfs > up {
                up
            } else {
                down
            };
        }
        let meters = &self.meters;
        meters.probability.set(report.voice_probability);
        meters.voice.store(report.voice, Relaxed);
        meters.bypassed.store(report.bypass.is_some(), Relaxed);
        meters.input_dbfs.set(report.input_dbfs);
        meters.output_dbfs.set(report.output_dbfs);
        meters.floor_dbfs.set(self.floor_dbfs);
        let stats = self.engine.stats();
        meters.invalid_samples.store(stats.invalid_samples, Relaxed);
        meters.clipped_samples.store(stats.clipped_samples, Relaxed);
    }
}

impl<C: Clock> std::fmt::Debug for Capture<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture").field("engine", &self.engine).finish_non_exhaustive()
    }
}
