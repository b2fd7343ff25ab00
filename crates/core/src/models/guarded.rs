//! The guard around every denoiser.
//!
//! It bounds the input, so that nothing overflows inside, and checks the output: if that is not finite, the denoiser is
//! asked to recover and the frame becomes silence. A model from a file is tried out when it is loaded.

use super::{FrameDenoiser, Model};
use crate::error::ModelError;
use crate::settings::Channels;
use crate::signal::MODEL_FRAME;
use crate::stages::guard;

/// A denoiser whose output is always finite.
pub(crate) struct Guarded {
    denoiser: Box<dyn FrameDenoiser>,
    /// False once the denoiser has failed and could not recover.
    works: bool,
}

impl Guarded {
    pub(super) fn new(denoiser: Box<dyn FrameDenoiser>) -> Self {
        Self { denoiser, works: true }
    }

    /// Denoises a planar frame in place. Returns the voice probability, and whether the output was finite; if not, the frame
    /// is silence.
    pub(crate) fn run(&mut self, frame: &mut [f32]) -> (f32, bool) {
        if self.works {
            guard::bound_for_model(frame);
            let probability = self.denoiser.process(frame);
            if guard::all_finite(frame) && probability.is_finite() {
                return (probability.clamp(0.0, 1.0), true);
            }
            self.works = self.denoiser.recover();
        }
        frame.fill(0.0);
        (0.0, false)
    }
}

impl FrameDenoiser for Guarded {
    fn latency(&self) -> usize {
        self.denoiser.latency()
    }

    fn process(&mut self, frame: &mut [f32]) -> f32 {
        self.run(frame).0
    }

    fn reset(&mut self) {
        self.denoiser.reset();
        self.works = true;
    }

    fn recover(&mut self) -> bool {
        self.works = self.denoiser.recover();
        self.works
    }
}

/// Frames of each trial signal.
const TRIAL_FRAMES: usize = 30;

/// Runs a model on noise, silence and a full-scale square wave; refuses it if its output is not finite.
pub(super) fn try_out(model: &Model) -> Result<(), ModelError> {
    let mut denoiser = model.guarded(1, Channels::Separate);
    let mut bits = 1_u32;
    let mut noise = move || {
        bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bits as f32 / u32::MAX as f32 - 0.5
    };
    let mut frame = [0.0; MODEL_FRAME];
    for (sound, loudness) in
        [("noise", 0.2), ("silence", 0.0), ("a full-scale square wave", 1.0), ("noise", 1.0)]
    {
        for _ in 0..TRIAL_FRAMES {
            for (at, x) in frame.iter_mut().enumerate() {
                *x = match sound {
                    "noise" => noise() * loudness,
                    _ => {
                        if at % 240 < 120 {
                            loudness
                        } else {
                            -loudness
                        }
                    }
                };
            }
            if !denoiser.run(&mut frame).1 {
                let problem = format!("their output for {sound} is not finite");
                return Err(ModelError::Field { field: "weights".into(), problem });
            }
        }
    }
    Ok(())
}
