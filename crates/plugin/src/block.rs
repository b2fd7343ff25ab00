//! A host's block of samples.

/// The most channels of a plug-in.
pub(crate) const MAX_CHANNELS: usize = 2;

/// Planar samples in the host's memory. Inputs and outputs may be the same memory, in any pairing, which is why they are
/// pointers and no slices.
pub(crate) struct Block {
    inputs: [*const f32; MAX_CHANNELS],
    outputs: [*mut f32; MAX_CHANNELS],
    frames: usize,
}

impl Block {
    /// Describes a block. A null pointer is a channel that the host lacks.
    ///
    /// # Safety
    /// Each pointer that is not null is aligned and valid for `frames` samples as long as the block lives.
    pub(crate) unsafe fn new(
        inputs: [*const f32; MAX_CHANNELS],
        outputs: [*mut f32; MAX_CHANNELS],
        frames: usize,
    ) -> Self {
        Self { inputs, outputs, frames }
    }

    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    /// Reads the frames from `at` on into interleaved samples. A channel that the host lacks is silent.
    pub(crate) fn read(&self, at: usize, interleaved: &mut [f32], channels: usize) {
        debug_assert!(at + interleaved.len() / channels <= self.frames);
        for (channel, input) in self.inputs.iter().take(channels).enumerate() {
            for (frame, to) in interleaved.iter_mut().skip(channel).step_by(channels).enumerate() {
                // SAFETY: `new`'s promise; the caller asks for frames of the block.
                *to = if input.is_null() { 0.0 } else { unsafe { input.add(at + frame).read() } };
            }
        }
    }

    /// Writes interleaved samples to the frames from `at` on.
    pub(crate) fn write(&mut self, at: usize, interleaved: &[f32], channels: usize) {
        debug_assert!(at + interleaved.len() / channels <= self.frames);
        for (channel, output) in self.outputs.iter().take(channels).enumerate() {
            if output.is_null() {
                continue;
            }
            for (frame, from) in interleaved.iter().skip(channel).step_by(channels).enumerate() {
                // SAFETY: `new`'s promise; the caller writes frames of the block.
                unsafe { output.add(at + frame).write(*from) };
            }
        }
    }
}
