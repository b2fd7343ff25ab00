//! The playback callback: ring → buffer → micro-resampler steered by the drift controller → device's block.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rtrb::Consumer;

use crate::asrc::Kernel;
use crate::capture::Mark;
use crate::clock::Clock;
use crate::drift::Drift;
use crate::latency::{Margin, RecentMax, undelivered};
use crate::meters::Meters;
use crate::splice;
use crate::thread;

/// Played sound kept to be repeated where sound is missing, in seconds.
const PAST: f64 = 0.3;

/// The most sound that may wait; the rest is lost; in seconds.
const LONGEST: f64 = 2.0;

/// Fades at the ends of a gap, and over a cut; in seconds.
const GAP_FADE: f64 = 0.005;
const CUT_FADE: f64 = 0.010;

/// The blocks of both devices together that the drift controller is made for; in seconds.
const BLOCKS: f64 = 0.025;

/// Fall of the latency where blocks have become shorter, in seconds a second: a cent of pitch.
const TARGET_FALL: f64 = 0.5e-3;

/// Marks older than this are out of date; in seconds.
const STALE: f64 = 1.0;

/// The other end of a session. Lives in the playback callback.
pub struct Playback<C: Clock> {
    ring: Consumer<f32>,
    marks: Consumer<Mark>,
    clock: C,
    meters: Arc<Meters>,
    channels: usize,
    device_channels: usize,
    /// Rates of the ring and of the device, in Hz.
    rate: f64,
    device_rate: f64,
    /// Frames in the engine's step.
    step: usize,

    kernel: Kernel,
    drift: Drift,
    margin: Margin,
    block_in: RecentMax,
    block_out: RecentMax,
    /// Received sound, planar; `base` is the number of its first frame in the stream.
    buffers: Vec<Vec<f32>>,
    len: usize,
    base: i64,
    /// The position of playback: a frame in the buffers, and a fraction beyond it.
    index: usize,
    between: f64,
    mark: Mark,
    /// The target latency, in frames of the ring.
    target: f64,
    last_nanos: u64,
    playing: bool,
    /// Frames of the device until the fade-in is over.
    fade_in: usize,
    cut: Option<Cut>,
    last: Vec<f32>,
    prepared: bool,
}

/// A change of position that is being faded over.
struct Cut {
    by: isize,
    done: usize,
}

/// The parts that a session hands to its playback end.
pub(crate) struct Parts<C> {
    pub(crate) ring: Consumer<f32>,
    pub(crate) marks: Consumer<Mark>,
    pub(crate) clock: C,
    pub(crate) meters: Arc<Meters>,
    pub(crate) channels: usize,
    pub(crate) device_channels: usize,
    pub(crate) rate: u32,
    pub(crate) device_rate: u32,
    pub(crate) step: usize,
    pub(crate) margin_ms: f32,
    /// The difference of the clocks that an earlier session measured.
    pub(crate) drift: Drift,
}

impl<C: Clock> Playback<C> {
    pub(crate) fn new(parts: Parts<C>) -> Self {
        let kernel = Kernel::new(parts.rate, parts.device_rate);
        let rate = f64::from(parts.rate);
        let capacity = (2.0 * (PAST + LONGEST) * rate) as usize;
        // Silence before the first frame, for the kernel's reach.
        let len = kernel.reach().0;
        Self {
            ring: parts.ring,
            marks: parts.marks,
            clock: parts.clock,
            meters: parts.meters,
            channels: parts.channels,
            device_channels: parts.device_channels,
            rate,
            device_rate: f64::from(parts.device_rate),
            step: parts.step,
            kernel,
            drift: parts.drift,
            margin: Margin::new(f64::from(parts.margin_ms) * 1e-3),
            block_in: RecentMax::default(),
            block_out: RecentMax::default(),
            buffers: vec![vec![0.0; capacity]; parts.channels],
            len,
            base: -(len as i64),
            index: len,
            between: 0.0,
            mark: Mark::default(),
            target: 0.0,
            last_nanos: 0,
            playing: false,
            fade_in: 0,
            cut: None,
            last: vec![0.0; parts.channels],
            prepared: false,
        }
    }

    /// The position of playback: the number of the captured frame that the next one played is made from.
    #[must_use]
    pub fn position(&self) -> f64 {
        (self.base + self.index as i64) as f64 + self.between
    }

    /// Returns whether sound is being played, and not waited for.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// Fills an interleaved block of the device, of any length.
    ///
    /// # Real time
    /// No allocation, lock or wait; the clock is read once. The first call on a thread prepares the thread and
    /// may allocate.
    pub fn process(&mut self, block: &mut [f32]) {
        let now = self.clock.nanos();
        if !self.prepared {
            self.prepared = true;
            self.last_nanos = now;
            self.meters.playback_priority.set(thread::prepare());
        }
        let frames = block.len() / self.device_channels;
        self.meters.playback_calls.fetch_add(1, Relaxed);
        self.meters.block_out_ms.set((frames as f64 * 1e3 / self.device_rate) as f32);
        let dt = now.saturating_sub(self.last_nanos) as f64 * 1e-9;
        self.last_nanos = now;
        self.take();

        let block_in = self.block_in.run(self.mark.block, dt);
        let block_out = self.block_out.run(frames, dt) as f64 * self.rate / self.device_rate;
        let needed = undelivered(block_in, self.step) as f64
            + block_out
            + self.kernel.reach().1 as f64
            + self.margin.run(dt) * self.rate;
        // More is needed at once; what is no longer needed is given up inaudibly slowly.
        let falling = if self.playing { self.target - TARGET_FALL * self.rate * dt } else { 0.0 };
        self.target = falling.max(needed);
        let target = self.target;
        let since_mark = (now.saturating_sub(self.mark.nanos) as f64 * 1e-9).min(STALE);
        let captured = self.mark.captured as f64 + since_mark * self.rate;
        if !self.playing && self.mark.captured > 0 {
            self.try_start(captured - target, block_out);
        }
        let mut speed = 0.0;
        if self.playing {
            let late = captured - self.position();
            // The longer the blocks, the less exact is the time of their arrival.
            let coarse = ((block_in as f64 + block_out) / self.rate / BLOCKS).max(1.0);
            let correction = self.drift.run((late - target) / self.rate, dt, coarse);
            speed = correction.speed;
            if correction.cut != 0.0 {
                self.begin_cut((correction.cut * self.rate).round() as isize, block_out as usize);
            }
            self.meters.late_ms.set((late * 1e3 / self.rate) as f32);
        }
        self.meters.target_ms.set((target * 1e3 / self.rate) as f32);
        self.meters.speed_ppm.set((speed * 1e6) as f32);
        self.meters.clocks_ppm.set((self.drift.clocks() * 1e6) as f32);
        self.render(block, self.rate / self.device_rate * (1.0 + speed));
    }

    /// Moves everything from the rings into the buffers.
    fn take(&mut self) {
        let mut block = 0;
        while let Ok(mark) = self.marks.pop() {
            block = block.max(mark.block);
            self.mark = mark;
        }
        self.mark.block = block;
        let incoming = self.ring.slots() / self.channels;
        let capacity = self.buffers[0].len();
        if self.len + incoming > capacity {
            // Drop old sound; and, if playback has not run for seconds, sound that was never played.
            let past = (PAST * self.rate) as usize;
            let keep = capacity / 2;
            let from = self.index.saturating_sub(past).max(self.len.saturating_sub(keep));
            for buffer in &mut self.buffers {
                buffer.copy_within(from..self.len, 0);
            }
            self.len -= from;
            self.base += from as i64;
            self.index = self.index.saturating_sub(from).max(self.kernel.reach().0);
            if let Some(cut) = self.cut.take() {
                self.index = self.index.saturating_add_signed(cut.by).min(self.len);
            }
        }
        let frames = incoming.min(capacity - self.len);
        let Ok(chunk) = self.ring.read_chunk(frames * self.channels) else { return };
        let (first, second) = chunk.as_slices();
        let samples = first.iter().chain(second);
        for (i, x) in samples.enumerate() {
            self.buffers[i % self.channels][self.len + i / self.channels] = *x;
        }
        self.len += frames;
        chunk.commit_all();
    }

    /// The last frame that can be read.
    fn last_readable(&self) -> isize {
        self.len as isize - 1 - self.kernel.reach().1 as isize
    }

    /// Starts to play at the captured frame `at`, once that and a block after it have arrived.
    fn try_start(&mut self, at: f64, block: f64) {
        let index = at.round() - self.base as f64;
        if index < self.kernel.reach().0 as f64 || index + block > self.last_readable() as f64 {
            return;
        }
        self.index = index as usize;
        self.between = 0.0;
        self.cut = None;
        self.playing = true;
        self.fade_in = (GAP_FADE * self.device_rate) as usize;
        self.drift.restart();
    }

    /// Begins to leave out (or repeat) about `by` frames, where the sound is most similar to itself.
    fn begin_cut(&mut self, by: isize, block: usize) {
        if self.cut.is_some() {
            return;
        }
        let fade = (CUT_FADE * self.rate) as usize;
        let lowest = self.kernel.reach().0 as isize - self.index as isize;
        // As much as in ordinary playing has to be ahead of the new position, and what is compared.
        let highest = self.last_readable() - (self.index + fade.max(block)) as isize;
        let by = splice::best(&self.buffers[0][..self.len], self.index, by, fade, (lowest, highest));
        if by != 0 {
            self.cut = Some(Cut { by, done: 0 });
            self.meters.cuts.fetch_add(1, Relaxed);
        }
    }

    fn render(&mut self, block: &mut [f32], step: f64) {
        let (fade_gap, fade_cut) = (GAP_FADE * self.device_rate, CUT_FADE * self.device_rate);
        let frames = block.len() / self.device_channels;
        // The frames that can be played until the sound ends.
        let ahead = self.cut.as_ref().map_or(0, |cut| cut.by.max(0));
        let room = (self.last_readable() + 1 - self.index as isize - ahead) as f64 - self.between;
        let whole = if self.playing && room > 0.0 { ((room / step).ceil() as usize).min(frames) } else { 0 };
        let runs_dry = self.playing && whole < frames;
        let fade_out = (fade_gap as usize).min(whole);
        for (k, frame) in block.chunks_exact_mut(self.device_channels).enumerate() {
            if k >= whole {
                // Nothing to play; where there is no sound for a fade, the last value decays to zero.
                for last in &mut self.last {
                    *last *= 0.98;
                    *last = if last.abs() < 1e-6 { 0.0 } else { *last };
                }
            } else {
                let mut gain = 1.0;
                if runs_dry && k >= whole - fade_out {
                    gain *= raised_cosine((whole - k) as f64 / (fade_out + 1) as f64);
                }
                if self.fade_in > 0 {
                    gain *= raised_cosine(1.0 - self.fade_in as f64 / (fade_gap + 1.0));
                    self.fade_in -= 1;
                }
                self.read(gain, fade_cut);
                self.between += step;
                let whole_frames = self.between as usize;
                self.index += whole_frames;
                self.between -= whole_frames as f64;
            }
            spread(&self.last, frame);
        }
        if runs_dry {
            self.playing = false;
            self.meters.underruns.fetch_add(1, Relaxed);
            self.margin.underrun();
        }
    }

    /// Reads one frame at the present position into `last`.
    fn read(&mut self, gain: f32, fade_cut: f64) {
        for (last, buffer) in self.last.iter_mut().zip(&self.buffers) {
            *last = self.kernel.read(buffer, self.index, self.between);
            if let Some(cut) = &self.cut {
                let to = self.kernel.read(buffer, self.index.saturating_add_signed(cut.by), self.between);
                *last += (to - *last) * raised_cosine((cut.done + 1) as f64 / (fade_cut + 1.0));
            }
            if gain != 1.0 {
                *last *= gain;
            }
        }
        if let Some(cut) = &mut self.cut {
            cut.done += 1;
            if cut.done as f64 >= fade_cut {
                self.index = self.index.saturating_add_signed(cut.by);
                self.cut = None;
            }
        }
    }
}

/// Rises smoothly from 0 at 0 to 1 at 1.
fn raised_cosine(t: f64) -> f32 {
    (0.5 - 0.5 * (std::f64::consts::PI * t.clamp(0.0, 1.0)).cos()) as f32
}

/// Maps a frame of the voice to a frame of the device: mono on every channel (the first two, where there are more),
/// stereo as it is or as its mean.
fn spread(voice: &[f32], device: &mut [f32]) {
    match (voice, device) {
        ([x], [a]) => *a = *x,
        ([l, r], [a]) => *a = 0.5 * (l + r),
        ([x], [a, b, rest @ ..]) => {
            (*a, *b) = (*x, *x);
            rest.fill(0.0);
        }
        ([l, r, ..], [a, b, rest @ ..]) => {
            (*a, *b) = (*l, *r);
            rest.fill(0.0);
        }
        (_, device) => device.fill(0.0),
    }
}

impl<C: Clock> std::fmt::Debug for Playback<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playback")
            .field("position", &self.position())
            .field("playing", &self.playing)
            .finish_non_exhaustive()
    }
}
