//! The baseline: RNNoise 0.1 (Valin, "A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech
//! Enhancement", 2018) by the nnnoiseless crate, with that crate's peculiarities kept in here:
//!
//! * its samples are in the int16 range: it takes ±1.0 for silence and does nothing;
//! * one NaN poisons its filters for good (and is undefined behaviour in easyfft's transform below it, which takes the error
//!   that realfft returns for impossible), and it has no reset: the guard keeps NaN and overflow out, weights whose gains
//!   could be anything but 0 to 1 are refused, and a spare state stands by;
//! * the first frame on each thread plans a transform in a thread local: [`ModelSource::warm_up_thread`]. These tables
//!   (22 kB) stay until the process ends, even when the thread ends before;
//! * its voice probability is near 1 on pink noise and fans, even while it removes them: a frame of which it
//!   left next to nothing is not taken for voice;
//! * it overshoots full scale: the engine's ceiling follows;
//! * it removes everything above 20 kHz: of that band only the attenuation limit's share remains.

mod linked;
mod weights;

use nnnoiseless::{DenoiseState, RnnModel};

use super::{FrameDenoiser, ModelInfo, ModelSource};
use crate::error::ModelError;
use crate::settings::Channels;
use crate::signal::{I16_SCALE, MODEL_FRAME, mean_square, mean_square_to_dbfs};
use linked::Linked;

pub(super) struct Rnnoise {
    name: String,
    weights: RnnModel,
    /// Bytes of the weights, and multiplications per frame: every weight is used once a frame.
    size: usize,
}

impl Rnnoise {
    pub(super) fn built_in() -> Self {
        Self { name: "rnnoise".into(), weights: RnnModel::default(), size: 87_503 }
    }

    pub(super) fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        weights::check_layers(bytes)?;
        let weights = RnnModel::from_bytes(bytes).ok_or_else(|| ModelError::Field {
            field: "layers".into(),
            problem: "their sizes do not fit together".into(),
        })?;
        Ok(Self { name: name.into(), weights, size: bytes.len() })
    }

    fn mono(&self) -> Mono {
        let new = || DenoiseState::from_model(self.weights.clone());
        Mono {
            state: new(),
            spare: Some(new()),
            retired: None,
            weights: self.weights.clone(),
            scaled: [0.0; MODEL_FRAME],
            input_power: 0.0,
        }
    }
}

impl ModelSource for Rnnoise {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: self.name.clone(),
            description: "RNNoise's network of 2018, by nnnoiseless; the baseline".into(),
            latency: MODEL_FRAME,
            linked_latency: 2 * MODEL_FRAME,
            weight_bytes: self.size,
            state_bytes: 2 * size_of::<DenoiseState<'_>>(),
            multiplications: self.size,
            licence: "BSD-3-Clause".into(),
        }
    }

    fn denoiser(&self, channels: usize, mode: Channels) -> Box<dyn FrameDenoiser> {
        match mode {
            Channels::Linked if channels > 1 => Box::new(Linked::new(channels, self.mono())),
            _ => Box::new(Separate { each: (0..channels).map(|_| self.mono()).collect() }),
        }
    }

    fn warm_up_thread(&self) {
        let mut mono = self.mono();
        let mut frame = [0.1; MODEL_FRAME];
        frame[0] = -0.1;
        mono.process(&mut frame);
    }
}

/// One channel.
pub(super) struct Mono {
    state: Box<DenoiseState<'static>>,
    /// A fresh state, to take over on the audio thread without allocating.
    spare: Option<Box<DenoiseState<'static>>>,
    /// The state it took over from, kept here so that it is not freed on the audio thread.
    retired: Option<Box<DenoiseState<'static>>>,
    weights: RnnModel,
    scaled: [f32; MODEL_FRAME],
    /// Mean square of the frame before, whose denoised form is the newest output.
    input_power: f32,
}

impl Mono {
    /// Denoises 480 samples in place.
    pub(super) fn process(&mut self, frame: &mut [f32]) -> f32 {
        for (s, x) in self.scaled.iter_mut().zip(frame.iter()) {
            *s = x * I16_SCALE;
        }
        let power = mean_square(frame);
        let probability = self.state.process_frame(frame, &self.scaled);
        for x in frame.iter_mut() {
            *x *= 1.0 / I16_SCALE;
        }
        probability * self.confidence(power, mean_square(frame))
    }

    /// Returns the weight of the network's voice probability, 0 to 1: 0 if less than −22 dB of the frame is left, 1 from
    /// −10 dB on. It is always 1 for a frame 6 dB louder than the one before: how much of that is left is known only a frame
    /// later, and the gate must not miss an onset.
    fn confidence(&mut self, power: f32, left: f32) -> f32 {
        let before = std::mem::replace(&mut self.input_power, power);
        if power > 4.0 * before {
            return 1.0;
        }
        let left_db = mean_square_to_dbfs(left) - mean_square_to_dbfs(before);
        ((left_db + 22.0) / 12.0).clamp(0.0, 1.0)
    }

    pub(super) fn reset(&mut self) {
        self.state = DenoiseState::from_model(self.weights.clone());
        self.spare = Some(DenoiseState::from_model(self.weights.clone()));
        self.retired = None;
        self.input_power = 0.0;
    }

    pub(super) fn recover(&mut self) -> bool {
        let Some(spare) = self.spare.take() else { return false };
        self.retired = Some(std::mem::replace(&mut self.state, spare));
        self.input_power = 0.0;
        true
    }
}

/// Each channel on its own.
struct Separate {
    each: Vec<Mono>,
}

impl FrameDenoiser for Separate {
    fn latency(&self) -> usize {
        MODEL_FRAME
    }

    fn process(&mut self, frame: &mut [f32]) -> f32 {
        let frames = frame.chunks_exact_mut(MODEL_FRAME);
        // Not `f32::max`: it would hide a NaN.
        self.each.iter_mut().zip(frames).fold(0.0, |most, (mono, frame)| {
            let probability = mono.process(frame);
            if probability <= most { most } else { probability }
        })
    }

    fn reset(&mut self) {
        self.each.iter_mut().for_each(Mono::reset);
    }

    fn recover(&mut self) -> bool {
        self.each.iter_mut().all(Mono::recover)
    }
}
