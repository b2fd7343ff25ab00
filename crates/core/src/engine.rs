//! The chain and its contract.

use std::sync::Arc;
use std::time::Duration;

use crate::controls::{ControlState, Controls};
use crate::dsp::{delay::Delay, fifo::Fifo, grid::Grid};
use crate::error::{BlockError, ConfigError, SwitchError};
use crate::models::slot::SlotShape;
use crate::models::switch::Denoisers;
use crate::models::{FrameDenoiser as _, Model};
use crate::overload::{Changeover, Policy, Run, Tier};
use crate::settings::{Block, Settings, StreamFormat};
use crate::signal::{MODEL_FRAME, db_to_gain, mean_square, mean_square_to_dbfs};
use crate::stages::floor::Floor;
use crate::stages::gate::Gate;
use crate::stages::mix::{Mix, Weights};
use crate::stages::recut::Recut;
use crate::stages::resample::RatePair;
use crate::stages::{ceiling, guard};
use crate::stats::{Bypass, Report, Stats};
use crate::stream::BlockIo;
use crate::vad::VoiceDecision;

/// One stream's denoiser.
///
/// Returns one output frame for every input frame, [`latency`](Self::latency) frames later, whatever the
/// lengths of the blocks. Each form of block has an entry of its own: `process_interleaved_*` and
/// `process_planar_*`, in place or (`_into`) from one buffer to another, for
///
/// * `_f32`: ±1.0, as sound cards and files have it;
/// * `_i16`;
/// * `_f32_in_i16_range`: ±32768, as WebRTC and RNNoise have it.
///
/// # Real time
/// Making it allocates. From then on every `process_*` call neither allocates nor frees, takes no lock, makes
/// no system call and never panics, provided [`warm_up_thread`](Self::warm_up_thread) was called on the audio
/// thread if the model asks for it (`rnnoise` does). Drop it on another thread: that frees.
pub struct Engine {
    format: StreamFormat,
    grid: Grid,
    latency: usize,
    control_state: Arc<ControlState>,
    controls: Controls,

    /// For each channel of a planar frame, the host's channel. A channel that is not denoised comes last.
    order: Vec<usize>,
    /// The host frame being filled, then the frame being output. Planar.
    frame: Vec<f32>,
    filled: usize,
    rates: Option<RatePair>,
    /// The same step at 48 kHz, if the host's rate differs. Planar.
    model_step: Vec<f32>,
    /// Cuts steps that are not 480 samples long into frames of the model.
    recut: Option<Recut>,
    denoisers: Denoisers,
    shape: SlotShape,
    wet: Vec<f32>,
    dry: Delay,
    gate: Gate,
    floor: Floor,
    mix: Mix,
    /// The low-frequency channel's mix.
    lfe_mix: Mix,
    ceiling: bool,
    /// Whether the newest block was of integers.
    integer_blocks: bool,
    voice: VoiceDecision,
    out: Fifo,

    overload: Policy,
    changeover: Changeover,
    fault_steps: u32,
    fault_steps_left: u32,
    report: Report,
    stats: Stats,
    drained: Option<usize>,
}

impl Engine {
    /// Makes a stream's denoiser.
    ///
    /// # Errors
    /// [`ConfigError`] names the rate, number of channels or setting that is not supported.
    ///
    /// # Real time
    /// Allocates; not for the audio thread.
    pub fn new(format: StreamFormat, settings: &Settings, model: &Model) -> Result<Self, ConfigError> {
        settings.validate()?;
        let channels = format.channels;
        if !(1..=8).contains(&channels) {
            return Err(ConfigError::Channels { channels });
        }
        if format.block == Block::Fixed(0) {
            return Err(ConfigError::EmptyBlock);
        }
        let (order, denoised) = order(channels, settings.lfe)?;
        let grid = Grid::new(format.sample_rate)?;
        let rates = RatePair::new(grid, denoised)?;

        // Delays: upsampling in host samples; then, at 48 kHz, recut, model and downsampling, padded together to a whole
        // number of host samples.
        let (up, down) = rates.as_ref().map_or((0, 0), RatePair::latency);
        let recut_delay = grid.model_delay();
        let denoiser = model.guarded(denoised, settings.channels);
        let model_latency = denoiser.latency().max(settings.model_latency);
        let at_model_rate = (recut_delay + model_latency + down).next_multiple_of(grid.unit());
        let shape = SlotShape {
            channels: denoised,
            mode: settings.channels,
            latency: at_model_rate - recut_delay - down,
        };
        let wet_latency = up + at_model_rate * grid.host / grid.model;
        let host_delay = grid.host_delay(format.block);

        let (controls, control_state, requested) = Controls::new(settings, shape);
        let slot = shape.padded(model, denoiser);
        let recut = (grid.model != MODEL_FRAME).then(|| Recut::new(denoised, grid.model, recut_delay));
        let model_step = if rates.is_some() { vec![0.0; denoised * grid.model] } else { Vec::new() };
        let mut engine = Self {
            format,
            grid,
            latency: wet_latency + host_delay,
            control_state,
            controls,
            order,
            frame: vec![0.0; channels * grid.host],
            filled: 0,
            rates,
            model_step,
            recut,
            denoisers: Denoisers::new(slot, requested, denoised),
            shape,
            wet: vec![0.0; denoised * grid.host],
            dry: Delay::new(channels, wet_latency, grid.host),
            gate: Gate::new(settings.gate_params, grid.step_ms()),
            floor: Floor::new(grid.step_ms()),
            mix: Mix::new(grid.host, Weights::DRY),
            lfe_mix: Mix::new(grid.host, Weights::DRY),
            ceiling: settings.ceiling,
            integer_blocks: false,
            voice: VoiceDecision::new(settings.vad, grid.step_ms()),
            out: Fifo::new(channels, host_delay + grid.host, host_delay),
            overload: Policy::new(false),
            changeover: Changeover::new(),
            fault_steps: wet_latency.div_ceil(grid.host) as u32 + 1,
            fault_steps_left: 0,
            report: Report::default(),
            stats: Stats::default(),
            drained: None,
        };
        engine.start_mix();
        Ok(engine)
    }

    /// Adds a cheaper model for the stream to fall back to when deadlines are missed, before it passes the input through;
    /// see [`report_time`](Self::report_time).
    ///
    /// # Errors
    /// [`SwitchError`] if the model's delay is larger than the stream was made for (see
    /// [`Settings::model_latency`]).
    ///
    /// # Real time
    /// Allocates; not for the audio thread.
    pub fn with_light_model(mut self, model: &Model) -> Result<Self, SwitchError> {
        let denoiser = model.guarded(self.shape.channels, self.shape.mode);
        self.denoisers.set_light(self.shape.slot(model, denoiser)?);
        self.overload = Policy::new(true);
        Ok(self)
    }

    /// Tells the engine, which has no clock, how long the caller's last block took and how long it was allowed to take: the
    /// length of the block, or less if the caller has other work.
    ///
    /// A block that took longer counts as a deadline miss. At three misses, less one for every second since, the stream
    /// falls back to the model given to [`with_light_model`](Self::with_light_model), if any, then to the
    /// input; always without a click and at the same latency. After two seconds without a miss it tries the higher tier
    /// again, after longer and longer waits (up to a minute) if that fails. A caller that never calls this stays at
    /// [`Tier::Full`].
    ///
    /// # Real time
    /// No allocation, lock or system call.
    pub fn report_time(&mut self, spent: Duration, available: Duration) {
        self.stats.deadline_misses += u64::from(self.overload.report(spent, available));
    }

    /// Returns the tier that the stream runs at.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.overload.tier()
    }

    /// Returns the delay from input to output in frames at the stream's own rate. It never changes.
    #[must_use]
    pub fn latency(&self) -> usize {
        self.latency
    }

    /// Returns the length of a step: the frames processed at a time, 10 ms or the shortest block that 48 kHz and the rate
    /// share. Steps start at the stream's first frame. Blocks that are multiples of a step add no delay.
    #[must_use]
    pub fn step_frames(&self) -> usize {
        self.grid.host
    }

    /// Returns the format this engine was made for.
    #[must_use]
    pub fn format(&self) -> StreamFormat {
        self.format
    }

    /// Returns a handle that changes the running stream from any thread.
    ///
    /// # Real time
    /// Copies two counted pointers: no allocation.
    #[must_use]
    pub fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// Returns the newest frame's report.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report
    }

    /// Returns the counters since the start or the last [`reset`](Self::reset).
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Pre-allocates the thread-local state that the model needs on this thread.
    ///
    /// The baseline model's Fourier transforms are planned once per thread, on the first frame, with some 50
    /// allocations. Call this on the audio thread before audio starts, for instance in the callback that opens
    /// the stream. If a host changes its audio thread without notice, the first frame there plans again.
    ///
    /// # Real time
    /// May allocate.
    pub fn warm_up_thread(&self) {
        self.denoisers.warm_up_thread();
    }

    /// Clears all state, counters and decisions; the controls stay as they are. The output from then on is that of a new
    /// engine with these controls, bit for bit.
    ///
    /// # Real time
    /// May allocate (the baseline model does); for the audio thread only between streams.
    pub fn reset(&mut self) {
        self.denoisers.reset();
        self.overload = Policy::new(self.overload.has_light());
        self.changeover = Changeover::new();
        self.filled = 0;
        if let Some(rates) = &mut self.rates {
            rates.reset();
        }
        if let Some(recut) = &mut self.recut {
            recut.reset();
        }
        self.dry.reset();
        self.gate.reset();
        self.floor.reset();
        self.voice.reset();
        self.out.reset();
        self.fault_steps_left = 0;
        self.report = Report::default();
        self.stats = Stats::default();
        self.drained = None;
        self.start_mix();
    }

    /// Writes at most `frames` of the frames still inside to `io`; see `finish_*`.
    pub(crate) fn drain(&mut self, frames: usize, io: &mut impl BlockIo) -> usize {
        let drained = self.drained.unwrap_or(0);
        let total = frames.min(self.latency - drained);
        self.integer_blocks = io.is_integer();
        let mut done = 0;
        while done < total {
            if self.out.len() == 0 {
                for channel in self.frame.chunks_exact_mut(self.grid.host) {
                    channel[self.filled..].fill(0.0);
                }
                self.step();
            }
            let n = self.out.len().min(total - done);
            let order = &self.order;
            self.out.pop(n, |channel, at, samples| io.write(order[channel], done + at, samples));
            done += n;
        }
        self.drained = Some(drained + total);
        total
    }

    /// Processes a block. The entries have checked the buffers.
    pub(crate) fn drive(
        &mut self,
        frames: usize,
        io: &mut impl BlockIo,
        mut each_step: impl FnMut(Report),
    ) -> Result<Report, BlockError> {
        if self.drained.is_some() {
            return Err(BlockError::Finished);
        }
        if let Block::Fixed(expected) = self.format.block
            && !frames.is_multiple_of(expected)
        {
            return Err(BlockError::Length { expected, got: frames });
        }
        self.integer_blocks = io.is_integer();
        let mut done = 0;
        while done < frames {
            let n = (frames - done).min(self.grid.host - self.filled);
            for (channel, frame) in self.order.iter().zip(self.frame.chunks_exact_mut(self.grid.host)) {
                io.read(*channel, done, &mut frame[self.filled..self.filled + n]);
            }
            self.filled += n;
            if self.filled == self.grid.host {
                self.step();
                each_step(self.report);
            }
            let order = &self.order;
            self.out.pop(n, |channel, at, samples| io.write(order[channel], done + at, samples));
            done += n;
        }
        Ok(self.report)
    }

    /// Runs one host frame through the stages, in their order.
    fn step(&mut self) {
        self.filled = 0;
        self.stats.invalid_samples += guard::silence_invalid(&mut self.frame);

        let run = self.changeover.next(self.overload.tier());
        let newest_dbfs = mean_square_to_dbfs(mean_square(&self.frame[..self.wet.len()]));
        let floor = self.floor.run(newest_dbfs);
        let (probability, gate_gain) = self.make_wet(run, newest_dbfs);
        let (weights, bypass) = self.weights(gate_gain, floor, run.audible);
        let lfe_weights = self.lfe_weights(bypass);
        let input_dbfs = mean_square_to_dbfs(mean_square(&self.frame));
        let (by_model, lfe) = self.frame.split_at_mut(self.wet.len());
        self.mix.run(by_model, &self.wet, weights);
        // Its wet weight is 0: any samples of its length will do.
        self.lfe_mix.run(lfe, &self.wet[..lfe.len()], lfe_weights);
        self.fault_steps_left = self.fault_steps_left.saturating_sub(1);

        self.report = Report {
            voice_probability: probability,
            voice: if run.tier == Tier::Dry { self.report.voice } else { self.voice.run(probability) },
            input_dbfs,
            output_dbfs: mean_square_to_dbfs(mean_square(&self.frame)),
            bypass,
        };
        self.stats.count(&self.report);
        // A sum rather than a filtered count, which would not vectorise.
        self.stats.clipped_samples +=
            u64::from(self.frame.iter().map(|x| u32::from(x.abs() > 1.0)).sum::<u32>());
        self.out.push(&self.frame, self.grid.host);
    }

    /// Makes the wet frame from the host frame, and replaces that by the dry one. Returns the voice probability and
    /// the gate's gain. While no model runs, the wet frame is not mixed in, and voice and gate stay as they were.
    fn make_wet(&mut self, run: Run, newest_dbfs: f32) -> (f32, f32) {
        if run.tier == Tier::Dry {
            self.dry.run(&mut self.frame);
            return (self.report.voice_probability, 1.0);
        }
        let (probability, finite, wet_dbfs) = self.denoise_frame(run.tier);
        if self.ceiling || self.integer_blocks {
            ceiling::bend(&mut self.wet);
        }
        self.dry.run(&mut self.frame);
        if !finite {
            self.fault_steps_left = self.fault_steps;
            copy(&mut self.wet, &self.frame);
        }
        (probability, self.gate.run(probability, newest_dbfs, wet_dbfs))
    }

    /// Upsamples to 48 kHz, denoises, downsamples. Returns the voice probability, whether the result is the model's, and the
    /// level at 48 kHz in dBFS.
    fn denoise_frame(&mut self, tier: Tier) -> (f32, bool, f32) {
        copy(&mut self.wet, &self.frame);
        let Some(rates) = &mut self.rates else {
            let (probability, finite) = self.denoisers.run(&mut self.wet, tier);
            return (probability, finite, mean_square_to_dbfs(mean_square(&self.wet)));
        };
        // For the resampler; the guard around the model bounds its own input.
        guard::bound_for_model(&mut self.wet);
        rates.up(&self.wet, &mut self.model_step);
        let (probability, finite) = match &mut self.recut {
            None => self.denoisers.run(&mut self.model_step, tier),
            Some(recut) => recut.run(&mut self.model_step, self.grid.model, &mut self.denoisers, tier),
        };
        let wet_dbfs = mean_square_to_dbfs(mean_square(&self.model_step));
        rates.down(&self.model_step, &mut self.wet);
        (probability, finite, wet_dbfs)
    }

    /// Returns the weights that the controls ask for, and the reason if the mix is dry.
    fn weights(&self, gate_gain: f32, floor: f32, model_audible: bool) -> (Weights, Option<Bypass>) {
        let wanted = self.control_state.snapshot();
        let dry = |why| (Weights::DRY, Some(why));
        if !wanted.enabled {
            return dry(Bypass::Off);
        }
        if wanted.passthrough {
            return dry(Bypass::Passthrough);
        }
        if !model_audible {
            return dry(Bypass::Overload);
        }
        if self.fault_steps_left > 0 {
            return dry(Bypass::ModelFault);
        }
        let (kept, why) = if wanted.attenuation_limit_db == 0.0 {
            (Weights::DRY, Some(Bypass::NoAttenuation))
        } else {
            let limit = db_to_gain(-wanted.attenuation_limit_db);
            let dry_share = if limit > 0.0 { limit.max(floor) } else { 0.0 };
            (Weights::kept(dry_share, if wanted.gate { gate_gain } else { 1.0 }), None)
        };
        (if wanted.residue { kept.removed() } else { kept }, why)
    }

    /// Returns the weights of the low-frequency channel, which is kept whole; its residue is silence.
    fn lfe_weights(&self, bypass: Option<Bypass>) -> Weights {
        let residue =
            self.control_state.snapshot().residue && matches!(bypass, None | Some(Bypass::NoAttenuation));
        if residue { Weights::DRY.removed() } else { Weights::DRY }
    }

    /// Sets the mix to what the controls ask for, without a fade.
    fn start_mix(&mut self) {
        let (weights, bypass) = self.weights(1.0, 0.0, true);
        self.mix.reset(weights);
        self.lfe_mix.reset(self.lfe_weights(bypass));
    }
}

/// Returns the order of the channels inside the engine, and how many of them are denoised.
fn order(channels: usize, lfe: Option<usize>) -> Result<(Vec<usize>, usize), ConfigError> {
    let Some(lfe) = lfe else { return Ok(((0..channels).collect(), channels)) };
    if lfe >= channels || channels < 2 {
        let allowed = "the number of one of the stream's channels, which are at least two";
        return Err(ConfigError::Setting { name: "lfe", value: lfe as f32, allowed });
    }
    Ok(((0..channels).filter(|channel| *channel != lfe).chain([lfe]).collect(), channels - 1))
}

/// Copies the channels that are denoised, which come first.
fn copy(wet: &mut [f32], frame: &[f32]) {
    wet.copy_from_slice(&frame[..wet.len()]);
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("format", &self.format)
            .field("latency", &self.latency)
            .field("model", self.denoisers.model())
            .finish_non_exhaustive()
    }
}
