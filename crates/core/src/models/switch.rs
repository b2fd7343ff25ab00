//! From one model to another while the stream runs, without a click.

use triple_buffer::Output;

use super::Model;
use super::slot::Slot;
use crate::overload::Tier;
use crate::signal::MODEL_FRAME;

/// How long a new model listens before it is heard, in frames of 10 ms.
const SWITCH_FRAMES: u32 = 10;

/// Where the audio thread finds the newest model that was asked for, and gives back the one that it replaces.
///
/// Three cells change hands by one atomic each (a triple buffer), so neither side ever waits, what was overwritten before it
/// was taken goes back to the side that wrote it, and so does what was given back: nothing is freed on the audio thread.
pub(crate) struct WantedModel(Output<Option<Slot>>);

impl WantedModel {
    pub(crate) fn new(wanted: Output<Option<Slot>>) -> Self {
        Self(wanted)
    }

    /// Takes the newest model, if there is one.
    fn newest(&mut self) -> Option<Slot> {
        if self.0.update() { self.0.output_buffer_mut().take() } else { None }
    }

    /// Gives back the model that the last one taken has replaced. [`Controls::set_model`] frees it.
    fn give_back(&mut self, replaced: Slot) {
        *self.0.output_buffer_mut() = Some(replaced);
    }
}

/// A stream's denoiser, and the one that takes over from it while that is so.
pub(crate) struct Denoisers {
    slot: Slot,
    next: Option<(Slot, u32)>,
    /// The cheaper model's, for [`Tier::Light`].
    light: Option<Slot>,
    wanted: WantedModel,
    shadow: Vec<f32>,
}

impl Denoisers {
    pub(crate) fn new(slot: Slot, wanted: WantedModel, channels: usize) -> Self {
        Self { slot, next: None, light: None, wanted, shadow: vec![0.0; channels * MODEL_FRAME] }
    }

    pub(crate) fn set_light(&mut self, light: Slot) {
        self.light = Some(light);
    }

    /// The model that is heard.
    pub(crate) fn model(&self) -> &Model {
        &self.slot.model
    }

    /// Prepares this thread for both models.
    pub(crate) fn warm_up_thread(&self) {
        self.slot.model.warm_up_thread();
        if let Some(light) = &self.light {
            light.model.warm_up_thread();
        }
    }

    /// Ends a switch that is under way, and forgets everything heard.
    pub(crate) fn reset(&mut self) {
        self.settle();
        self.slot.reset();
        if let Some(light) = &mut self.light {
            light.reset();
        }
    }

    /// Denoises a planar frame of 480 samples in place; the voice probability, and whether the result is a model's.
    pub(crate) fn run(&mut self, frame: &mut [f32], tier: Tier) -> (f32, bool) {
        if let (Tier::Light, Some(light)) = (tier, &mut self.light) {
            return light.run(frame);
        }
        if self.next.is_none()
            && let Some(slot) = self.wanted.newest()
        {
            self.next = Some((slot, SWITCH_FRAMES));
        }
        let Some((next, left)) = &mut self.next else { return self.slot.run(frame) };
        self.shadow.copy_from_slice(frame);
        let (probability, mut finite) = self.slot.run(frame);
        let (_, next_finite) = next.run(&mut self.shadow);
        if *left > 0 {
            *left -= 1;
            return (probability, finite);
        }
        for (old, new) in frame.chunks_exact_mut(MODEL_FRAME).zip(self.shadow.chunks_exact(MODEL_FRAME)) {
            for (i, (o, n)) in old.iter_mut().zip(new).enumerate() {
                let t = (i + 1) as f32 / MODEL_FRAME as f32;
                *o += (n - *o) * t * t * (3.0 - 2.0 * t);
            }
        }
        finite &= next_finite;
        self.settle();
        (probability, finite)
    }

    /// Ends a switch that is under way; the replaced slot goes back to be freed.
    fn settle(&mut self) {
        if let Some((next, _)) = self.next.take() {
            let old = std::mem::replace(&mut self.slot, next);
            self.wanted.give_back(old);
        }
    }
}
