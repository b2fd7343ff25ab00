//! Switches a running stream from one model to another without a click.

use triple_buffer::Output;

use super::Model;
use super::slot::Slot;
use crate::overload::Tier;
use crate::signal::MODEL_FRAME;

/// Frames that a new model runs before it is faded in.
const SWITCH_FRAMES: u32 = 10;

/// Passes the newest requested model to the audio thread, and the one that it replaces back.
///
/// A triple buffer: neither side waits. A model that is overwritten before it was taken, or returned, ends up on the side of
/// the writer, so nothing is freed on the audio thread.
pub(crate) struct RequestedModel(Output<Option<Slot>>);

impl RequestedModel {
    pub(crate) fn new(requested: Output<Option<Slot>>) -> Self {
        Self(requested)
    }

    /// Takes the newest model, if one was requested.
    fn newest(&mut self) -> Option<Slot> {
        if self.0.update() { self.0.output_buffer_mut().take() } else { None }
    }

    /// Returns the model that the last one taken has replaced. [`Controls::set_model`](crate::Controls::set_model) frees it.
    fn give_back(&mut self, replaced: Slot) {
        *self.0.output_buffer_mut() = Some(replaced);
    }
}

/// A stream's denoiser, and during a switch the next one.
pub(crate) struct Denoisers {
    slot: Slot,
    next: Option<(Slot, u32)>,
    /// The cheaper model for [`Tier::Light`].
    light: Option<Slot>,
    requested: RequestedModel,
    next_frame: Vec<f32>,
}

impl Denoisers {
    pub(crate) fn new(slot: Slot, requested: RequestedModel, channels: usize) -> Self {
        Self { slot, next: None, light: None, requested, next_frame: vec![0.0; channels * MODEL_FRAME] }
    }

    pub(crate) fn set_light(&mut self, light: Slot) {
        self.light = Some(light);
    }

    /// Returns the model in use.
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

    /// Completes a switch and clears the state of all denoisers.
    pub(crate) fn reset(&mut self) {
        self.settle();
        self.slot.reset();
        if let Some(light) = &mut self.light {
            light.reset();
        }
    }

    /// Denoises a planar frame of 480 samples in place. Returns the voice probability, and whether the output was finite.
    pub(crate) fn run(&mut self, frame: &mut [f32], tier: Tier) -> (f32, bool) {
        if let (Tier::Light, Some(light)) = (tier, &mut self.light) {
            return light.run(frame);
        }
        if self.next.is_none()
            && let Some(slot) = self.requested.newest()
        {
            self.next = Some((slot, SWITCH_FRAMES));
        }
        let Some((next, left)) = &mut self.next else { return self.slot.run(frame) };
        self.next_frame.copy_from_slice(frame);
        let (probability, mut finite) = self.slot.run(frame);
        let (_, next_finite) = next.run(&mut self.next_frame);
        if *left > 0 {
            *left -= 1;
            return (probability, finite);
        }
        for (old, new) in frame.chunks_exact_mut(MODEL_FRAME).zip(self.next_frame.chunks_exact(MODEL_FRAME)) {
            for (i, (o, n)) in old.iter_mut().zip(new).enumerate() {
                let t = (i + 1) as f32 / MODEL_FRAME as f32;
                *o += (n - *o) * t * t * (3.0 - 2.0 * t);
            }
        }
        finite &= next_finite;
        self.settle();
        (probability, finite)
    }

    /// Completes a switch; the replaced slot is returned to be freed.
    fn settle(&mut self) {
        if let Some((next, _)) = self.next.take() {
            let old = std::mem::replace(&mut self.slot, next);
            self.requested.give_back(old);
        }
    }
}
