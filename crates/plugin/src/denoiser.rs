//! The engine as a plug-in needs it: blocks of any length, parameters that may change with every block, and a choice of
//! models that needs no other thread.

use sourdine::{Controls, Engine, Model, Settings, StreamFormat};

use crate::block::Block;
use crate::parameters::{Id, MODELS, Values};

/// Seconds that a newly chosen model runs silently before it is faded in, beyond the engine's own delay.
const RUN_IN_SECONDS: f64 = 0.1;
const FADE_SECONDS: f64 = 0.01;

/// A stream's denoiser.
///
/// It has an engine for each model, all of one delay, and only the chosen one runs: the model can then be changed on the audio
/// thread, and the first block already has the model that the host asks for. Time is never measured, so that offline
/// rendering gives the bits of a live run.
pub(crate) struct Denoiser {
    engines: Vec<Engine>,
    /// Theirs, in the same order.
    controls: Vec<Controls>,
    current: usize,
    next: Option<Next>,
    /// Whether frames have been processed since the last reset.
    started: bool,
    channels: usize,
    run_in_frames: usize,
    fade_frames: usize,
    /// Interleaved samples of the piece at hand, and the next model's.
    piece: Vec<f32>,
    next_piece: Vec<f32>,
}

/// The engine that takes over, and the frames that it has run.
struct Next {
    engine: usize,
    frames: usize,
}

impl Denoiser {
    /// Makes a denoiser, or says why the stream is not supported. Allocates.
    pub(crate) fn new(sample_rate: f64, channels: usize) -> Result<Self, String> {
        let rate = sample_rate.round();
        if (rate - sample_rate).abs() > 1e-6 || !(0.0..=f64::from(u32::MAX)).contains(&rate) {
            return Err(format!("a sample rate of {sample_rate} Hz is not supported; choose a whole number"));
        }
        let format = StreamFormat::new(rate as u32, channels);
        let engines = MODELS
            .iter()
            .map(|name| {
                let model = Model::by_name(name).ok_or_else(|| format!("there is no model `{name}`"))?;
                Engine::new(format, &Settings::default(), &model).map_err(|error| error.to_string())
            })
            .collect::<Result<Vec<_>, _>>()?;
        let latency = engines[0].latency();
        if engines.iter().any(|engine| engine.latency() != latency) {
            return Err("the models differ in their delay".to_owned());
        }
        let piece = vec![0.0; channels * engines[0].step_frames()];
        Ok(Self {
            current: 0,
            next: None,
            started: false,
            channels,
            run_in_frames: latency + (RUN_IN_SECONDS * rate) as usize,
            fade_frames: (FADE_SECONDS * rate) as usize,
            next_piece: piece.clone(),
            piece,
            controls: engines.iter().map(Engine::controls).collect(),
            engines,
        })
    }

    /// Returns the delay in frames. It never changes.
    pub(crate) fn latency(&self) -> usize {
        self.engines[0].latency()
    }

    /// Applies parameters to what is processed from now on. No allocation, lock or wait.
    pub(crate) fn set(&mut self, values: &Values) {
        for controls in &self.controls {
            controls.set_enabled(!values.is_on(Id::Bypass));
            controls.set_gate(values.is_on(Id::Gate));
            // In its range: `Values` holds nothing else.
            let _ = controls.set_attenuation_limit_db(values.attenuation_limit_db());
        }
        let wanted = values.model();
        if !self.started {
            self.current = wanted;
        } else if self.next.is_none() && wanted != self.current {
            self.engines[wanted].reset();
            self.next = Some(Next { engine: wanted, frames: 0 });
        }
    }

    /// Denoises frames `from..to` of a block. No allocation, lock or wait.
    pub(crate) fn process(&mut self, block: &mut Block, from: usize, to: usize) {
        let mut at = from;
        let to = to.min(block.frames());
        while at < to {
            let frames = (to - at).min(self.piece.len() / self.channels);
            let samples = frames * self.channels;
            block.read(at, &mut self.piece[..samples], self.channels);
            self.run(samples);
            block.write(at, &self.piece[..samples], self.channels);
            at += frames;
        }
    }

    /// Denoises the first samples of the piece.
    fn run(&mut self, samples: usize) {
        self.started = true;
        let piece = &mut self.piece[..samples];
        let next_piece = &mut self.next_piece[..samples];
        next_piece.copy_from_slice(piece);
        // The engine refuses only blocks that do not fit its format, and then leaves them as they are.
        let _ = self.engines[self.current].process_interleaved_f32(piece);
        let Some(next) = &mut self.next else { return };
        let _ = self.engines[next.engine].process_interleaved_f32(next_piece);
        for (old, new) in piece.chunks_exact_mut(self.channels).zip(next_piece.chunks_exact(self.channels)) {
            next.frames += 1;
            let faded = next.frames.saturating_sub(self.run_in_frames);
            let t = (faded as f32 / self.fade_frames as f32).min(1.0);
            let weight = t * t * (3.0 - 2.0 * t);
            for (old, new) in old.iter_mut().zip(new) {
                // In this form the ends are exact.
                *old = *old * (1.0 - weight) + *new * weight;
            }
        }
        if next.frames >= self.run_in_frames + self.fade_frames {
            self.current = next.engine;
            self.next = None;
        }
    }

    /// Forgets the sound so far; parameters stay. No allocation: our models need none.
    pub(crate) fn reset(&mut self) {
        for engine in &mut self.engines {
            engine.reset();
        }
        self.next = None;
        self.started = false;
    }
}
