//! Voice detection without denoising, for the many far ends of a group call.
//!
//! A statistical detector after Sohn, Kim & Sung, "A statistical model-based voice activity detection" (IEEE
//! Signal Processing Letters 6(1), 1999): per bin the likelihood ratio of voice against noise, from the
//! a-posteriori SNR γ and the a-priori SNR ξ by Ephraim & Malah's decision-directed rule, and its geometric
//! mean over the bins of the telephone band. The noise spectrum is tracked while voice is unlikely, and by its
//! minimum over a second or two (the idea of Martin's minimum statistics, 2001), so that a fan that is switched on
//! is soon recognised as noise.
//!
//! It works at the stream's own rate, without a resampler or a network.

use std::sync::Arc;

use dasp_sample::Sample as _;
use realfft::{RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex32;

use crate::error::{BlockError, ConfigError};
use crate::settings::{StreamFormat, VadParams};
use crate::signal::{I16_SCALE, SILENCE_DBFS, mean_square, mean_square_to_dbfs};
use crate::stages::guard;
use crate::vad::VoiceDecision;

/// The band that is analysed, in Hz.
const BAND_HZ: (f32, f32) = (150.0, 4000.0);

/// Decision-directed weight of the past, and the floor of the a-priori SNR (−20 dB).
const PAST: f32 = 0.96;
const LEAST_PRIOR: f32 = 0.01;

/// Limit of one bin's log likelihood ratio, so that a single tone is not voice.
const MOST_PER_BIN: f32 = 6.0;

/// Mean log likelihood ratio at which voice and noise are equally likely, and the slope there.
const EVEN_LIKELIHOOD: f32 = 0.8;
const SLOPE: f32 = 7.0;

/// The first frames of a stream are taken for noise and averaged.
const FIRST_FRAMES: u32 = 10;

/// Smoothing of the noise spectrum per frame, and of the power whose minimum is followed.
const NOISE_SMOOTHING: f32 = 0.95;
const MINIMUM_SMOOTHING: f32 = 0.85;

/// The minimum is taken over one to two of these spans (in frames of 10 ms), and lies below the mean by about
/// this factor.
const MINIMUM_SPAN: u32 = 100;
const MINIMUM_BIAS: f32 = 2.0;

/// The least noise power per bin: keeps digital silence from being noise without power.
const LEAST_NOISE: f32 = 1e-10;

/// The newest frame's report.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct VoiceReport {
    /// Probability of voice in the newest frame, 0 to 1.
    pub probability: f32,
    /// The decision made from it, with hysteresis and hangover.
    pub voice: bool,
    /// Level of the newest frame in dBFS.
    pub level_dbfs: f32,
}

/// Detects voice in a stream without changing it.
///
/// Several channels are analysed by their mean. Frames are 10 ms (or what the rate allows), windows two of them.
///
/// # Real time
/// Making it allocates. `process_*` and `reset` neither allocate nor lock, from the first call on any thread.
pub struct VoiceDetector {
    channels: usize,
    frame: usize,
    /// The frame before and the frame being filled.
    recent: Vec<f32>,
    filled: usize,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    time: Vec<f32>,
    bins: Vec<Complex32>,
    scratch: Vec<Complex32>,
    first_bin: usize,
    band: Vec<Bin>,
    frames: u32,
    decision: VoiceDecision,
    report: VoiceReport,
}

/// The state of one bin.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    noise: f32,
    /// Estimated power of the voice in the frame before, over the noise then.
    voice: f32,
    smooth: f32,
    minimum: f32,
    next_minimum: f32,
}

impl VoiceDetector {
    /// Makes a detector. The format's block length is ignored.
    ///
    /// # Errors
    /// [`ConfigError`] as for [`Engine::new`](crate::Engine::new), but any rate from 8 to 192 kHz is supported.
    ///
    /// # Real time
    /// Allocates.
    pub fn new(format: StreamFormat, params: VadParams) -> Result<Self, ConfigError> {
        params.validate()?;
        let StreamFormat { sample_rate: rate, channels, .. } = format;
        if !(8_000..=192_000).contains(&rate) {
            return Err(ConfigError::SampleRate { rate });
        }
        if !(1..=8).contains(&channels) {
            return Err(ConfigError::Channels { channels });
        }
        let frame = rate as usize / 100;
        let hz_per_bin = rate as f32 / (2 * frame) as f32;
        let first_bin = (BAND_HZ.0 / hz_per_bin).ceil() as usize;
        let last_bin = ((BAND_HZ.1 / hz_per_bin) as usize).min(frame - 1);
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(2 * frame);
        // Scaled so that a bin's power is of the order of the samples' mean square.
        let norm = (2.0 / (2 * frame) as f64).sqrt();
        let step = std::f64::consts::PI / (2 * frame) as f64;
        Ok(Self {
            channels,
            frame,
            recent: vec![0.0; 2 * frame],
            filled: 0,
            window: (0..2 * frame).map(|n| ((step * (n as f64 + 0.5)).sin() * norm) as f32).collect(),
            time: vec![0.0; 2 * frame],
            bins: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
            first_bin,
            band: vec![Bin::default(); last_bin + 1 - first_bin],
            frames: 0,
            decision: VoiceDecision::new(params, 1000.0 * frame as f32 / rate as f32),
            report: SILENCE,
        })
    }

    /// Analyses an interleaved block of `f32` in ±1.0, of any length.
    ///
    /// # Errors
    /// [`BlockError::Ragged`] if it ends inside a frame; nothing is analysed then.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics.
    pub fn process_interleaved_f32(&mut self, block: &[f32]) -> Result<VoiceReport, BlockError> {
        self.analyse(block, |x| x)
    }

    /// Analyses an interleaved block of `i16`, of any length.
    ///
    /// # Errors
    /// [`BlockError::Ragged`] if it ends inside a frame; nothing is analysed then.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics.
    pub fn process_interleaved_i16(&mut self, block: &[i16]) -> Result<VoiceReport, BlockError> {
        self.analyse(block, |x| x.to_sample::<f32>())
    }

    /// Analyses an interleaved block of `f32` in the int16 range (±32768), of any length.
    ///
    /// # Errors
    /// [`BlockError::Ragged`] if it ends inside a frame; nothing is analysed then.
    ///
    /// # Real time
    /// No allocation, lock or system call; never panics.
    pub fn process_interleaved_f32_in_i16_range(&mut self, block: &[f32]) -> Result<VoiceReport, BlockError> {
        self.analyse(block, |x| x * (1.0 / I16_SCALE))
    }

    /// Clears all state, the noise estimate too.
    ///
    /// # Real time
    /// No allocation.
    pub fn reset(&mut self) {
        self.recent.fill(0.0);
        self.filled = 0;
        self.band.fill(Bin::default());
        self.frames = 0;
        self.decision.reset();
        self.report = SILENCE;
    }

    fn analyse<T: Copy>(
        &mut self,
        block: &[T],
        to_unit: impl Fn(T) -> f32,
    ) -> Result<VoiceReport, BlockError> {
        if !block.len().is_multiple_of(self.channels) {
            return Err(BlockError::Ragged);
        }
        let share = 1.0 / self.channels as f32;
        for samples in block.chunks_exact(self.channels) {
            self.recent[self.frame + self.filled] = samples.iter().map(|x| to_unit(*x)).sum::<f32>() * share;
            self.filled += 1;
            if self.filled == self.frame {
                self.filled = 0;
                self.finish_frame();
            }
        }
        Ok(self.report)
    }

    /// Analyses a whole frame and makes it the frame before.
    fn finish_frame(&mut self) {
        let (_, newest) = self.recent.split_at_mut(self.frame);
        guard::silence_invalid(newest);
        guard::bound_for_model(newest);
        let level_dbfs = mean_square_to_dbfs(mean_square(newest));
        for ((t, x), w) in self.time.iter_mut().zip(&self.recent).zip(&self.window) {
            *t = x * w;
        }
        self.recent.copy_within(self.frame.., 0);
        let done = self.fft.process_with_scratch(&mut self.time, &mut self.bins, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths fixed at construction");

        let learning = self.frames < FIRST_FRAMES;
        let turn = self.frames.is_multiple_of(MINIMUM_SPAN);
        self.frames = if self.frames == 2 * MINIMUM_SPAN { MINIMUM_SPAN + 1 } else { self.frames + 1 };
        let mut sum = 0.0;
        for (bin, x) in self.band.iter_mut().zip(&self.bins[self.first_bin..]) {
            sum += bin.log_likelihood_ratio(x.norm_sqr(), learning, turn);
        }
        let mean = sum / self.band.len() as f32;
        // The first frame has no noise estimate to be compared with.
        let probability = if self.frames == 1 || level_dbfs <= SILENCE_DBFS + 20.0 {
            0.0
        } else {
            1.0 / (1.0 + (-SLOPE * (mean - EVEN_LIKELIHOOD)).exp())
        };
        let keep = if self.frames <= FIRST_FRAMES {
            1.0 - 1.0 / self.frames as f32
        } else {
            NOISE_SMOOTHING + (1.0 - NOISE_SMOOTHING) * probability
        };
        for (bin, x) in self.band.iter_mut().zip(&self.bins[self.first_bin..]) {
            bin.noise = keep * bin.noise + (1.0 - keep) * x.norm_sqr();
        }
        self.report = VoiceReport { probability, voice: self.decision.run(probability), level_dbfs };
    }
}

const SILENCE: VoiceReport = VoiceReport { probability: 0.0, voice: false, level_dbfs: SILENCE_DBFS };

impl Bin {
    /// Takes the bin's power; returns log Λ = γξ/(1+ξ) − log(1+ξ).
    fn log_likelihood_ratio(&mut self, power: f32, learning: bool, turn: bool) -> f32 {
        self.smooth = MINIMUM_SMOOTHING * self.smooth + (1.0 - MINIMUM_SMOOTHING) * power;
        if learning {
            // The minimum of a few frames is meaningless: start from their mean.
            self.smooth = self.noise;
            self.minimum = self.noise;
            self.next_minimum = self.noise;
        }
        if turn {
            self.minimum = self.next_minimum;
            self.next_minimum = self.smooth;
        }
        self.minimum = self.minimum.min(self.smooth);
        self.next_minimum = self.next_minimum.min(self.smooth);
        self.noise =
            self.noise.max(self.minimum).min(MINIMUM_BIAS * MINIMUM_BIAS * self.minimum).max(LEAST_NOISE);

        let posterior = power / self.noise;
        let prior = (PAST * self.voice + (1.0 - PAST) * (posterior - 1.0).max(0.0)).max(LEAST_PRIOR);
        let wiener = prior / (1.0 + prior);
        self.voice = wiener * wiener * posterior;
        (posterior * wiener - (1.0 + prior).ln()).min(MOST_PER_BIN)
    }
}

impl std::fmt::Debug for VoiceDetector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VoiceDetector").field("report", &self.report).finish_non_exhaustive()
    }
}
