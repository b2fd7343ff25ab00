//! The forms of a host's block, and an entry of the engine for each.

use dasp_sample::Sample as _;

use crate::engine::Engine;
use crate::error::BlockError;
use crate::signal::I16_SCALE;
use crate::stats::Report;

/// A block of the host that the engine reads and writes in parts. Each part is read before it is written,
/// so input and output may be the same memory.
pub(crate) trait BlockIo {
    fn read(&self, channel: usize, at: usize, to: &mut [f32]);
    fn write(&mut self, channel: usize, at: usize, from: &[f32]);
    /// Whether its samples saturate at full scale.
    fn is_integer(&self) -> bool;
}

/// A sample's scale: to and from ±1.0.
trait Scale {
    type Sample: Copy;
    const INTEGER: bool = false;
    fn to_unit(x: Self::Sample) -> f32;
    fn from_unit(x: f32) -> Self::Sample;
}

/// `f32` in ±1.0.
struct Unit;

impl Scale for Unit {
    type Sample = f32;
    fn to_unit(x: f32) -> f32 {
        x
    }
    fn from_unit(x: f32) -> f32 {
        x
    }
}

/// `i16`.
struct Int16;

impl Scale for Int16 {
    type Sample = i16;
    const INTEGER: bool = true;
    fn to_unit(x: i16) -> f32 {
        x.to_sample::<f32>()
    }
    fn from_unit(x: f32) -> i16 {
        // dasp's conversion truncates, which adds half a step of offset towards zero; `as` saturates.
        (x * I16_SCALE).round_ties_even() as i16
    }
}

/// `f32` in the int16 range. Conversion is exact: the factor is a power of two.
struct Int16Range;

impl Scale for Int16Range {
    type Sample = f32;
    fn to_unit(x: f32) -> f32 {
        x * (1.0 / I16_SCALE)
    }
    fn from_unit(x: f32) -> f32 {
        x * I16_SCALE
    }
}

struct InterleavedInPlace<'a, S: Scale> {
    block: &'a mut [S::Sample],
    channels: usize,
}

impl<S: Scale> BlockIo for InterleavedInPlace<'_, S> {
    fn read(&self, channel: usize, at: usize, to: &mut [f32]) {
        read_interleaved::<S>(self.block, self.channels, channel, at, to);
    }
    fn write(&mut self, channel: usize, at: usize, from: &[f32]) {
        write_interleaved::<S>(self.block, self.channels, channel, at, from);
    }
    fn is_integer(&self) -> bool {
        S::INTEGER
    }
}

struct Interleaved<'a, S: Scale> {
    input: &'a [S::Sample],
    output: &'a mut [S::Sample],
    channels: usize,
}

impl<S: Scale> BlockIo for Interleaved<'_, S> {
    fn read(&self, channel: usize, at: usize, to: &mut [f32]) {
        read_interleaved::<S>(self.input, self.channels, channel, at, to);
    }
    fn write(&mut self, channel: usize, at: usize, from: &[f32]) {
        write_interleaved::<S>(self.output, self.channels, channel, at, from);
    }
    fn is_integer(&self) -> bool {
        S::INTEGER
    }
}

fn read_interleaved<S: Scale>(
    block: &[S::Sample],
    channels: usize,
    channel: usize,
    at: usize,
    to: &mut [f32],
) {
    for (to, frame) in to.iter_mut().zip(block[at * channels..].chunks_exact(channels)) {
        *to = S::to_unit(frame[channel]);
    }
}

fn write_interleaved<S: Scale>(
    block: &mut [S::Sample],
    channels: usize,
    channel: usize,
    at: usize,
    from: &[f32],
) {
    for (from, frame) in from.iter().zip(block[at * channels..].chunks_exact_mut(channels)) {
        frame[channel] = S::from_unit(*from);
    }
}

struct PlanarInPlace<'a, 'b, S: Scale> {
    block: &'a mut [&'b mut [S::Sample]],
}

impl<S: Scale> BlockIo for PlanarInPlace<'_, '_, S> {
    fn read(&self, channel: usize, at: usize, to: &mut [f32]) {
        read_planar::<S>(self.block[channel], at, to);
    }
    fn write(&mut self, channel: usize, at: usize, from: &[f32]) {
        write_planar::<S>(self.block[channel], at, from);
    }
    fn is_integer(&self) -> bool {
        S::INTEGER
    }
}

struct Planar<'a, 'b, 'c, S: Scale> {
    input: &'a [&'b [S::Sample]],
    output: &'a mut [&'c mut [S::Sample]],
}

impl<S: Scale> BlockIo for Planar<'_, '_, '_, S> {
    fn read(&self, channel: usize, at: usize, to: &mut [f32]) {
        read_planar::<S>(self.input[channel], at, to);
    }
    fn write(&mut self, channel: usize, at: usize, from: &[f32]) {
        write_planar::<S>(self.output[channel], at, from);
    }
    fn is_integer(&self) -> bool {
        S::INTEGER
    }
}

fn read_planar<S: Scale>(channel: &[S::Sample], at: usize, to: &mut [f32]) {
    for (to, x) in to.iter_mut().zip(&channel[at..]) {
        *to = S::to_unit(*x);
    }
}

fn write_planar<S: Scale>(channel: &mut [S::Sample], at: usize, from: &[f32]) {
    for (from, x) in from.iter().zip(&mut channel[at..]) {
        *x = S::from_unit(*from);
    }
}

/// Frames in an interleaved buffer.
fn frames_of<T>(block: &[T], channels: usize) -> Result<usize, BlockError> {
    if block.len().is_multiple_of(channels) { Ok(block.len() / channels) } else { Err(BlockError::Ragged) }
}

/// Frames in a planar buffer given by the lengths of its channels.
fn frames_of_planar(
    expected: usize,
    mut lengths: impl ExactSizeIterator<Item = usize>,
) -> Result<usize, BlockError> {
    let got = lengths.len();
    let first = lengths.next().unwrap_or(0);
    if got != expected {
        return Err(BlockError::Channels { expected, got });
    }
    if lengths.all(|len| len == first) { Ok(first) } else { Err(BlockError::Ragged) }
}

impl Engine {
    fn interleaved<S: Scale>(&mut self, block: &mut [S::Sample]) -> Result<Report, BlockError> {
        let channels = self.format().channels;
        let frames = frames_of(block, channels)?;
        self.drive(frames, &mut InterleavedInPlace::<S> { block, channels }, |_| ())
    }

    fn interleaved_into<S: Scale>(
        &mut self,
        input: &[S::Sample],
        output: &mut [S::Sample],
    ) -> Result<Report, BlockError> {
        let channels = self.format().channels;
        let frames = frames_of(input, channels)?;
        if output.len() != input.len() {
            return Err(BlockError::Ragged);
        }
        self.drive(frames, &mut Interleaved::<S> { input, output, channels }, |_| ())
    }

    fn planar<S: Scale>(&mut self, block: &mut [&mut [S::Sample]]) -> Result<Report, BlockError> {
        let frames = frames_of_planar(self.format().channels, block.iter().map(|c| c.len()))?;
        self.drive(frames, &mut PlanarInPlace::<S> { block }, |_| ())
    }

    fn planar_into<S: Scale>(
        &mut self,
        input: &[&[S::Sample]],
        output: &mut [&mut [S::Sample]],
    ) -> Result<Report, BlockError> {
        let channels = self.format().channels;
        let frames = frames_of_planar(channels, input.iter().map(|c| c.len()))?;
        if frames_of_planar(channels, output.iter().map(|c| c.len()))? != frames {
            return Err(BlockError::Ragged);
        }
        self.drive(frames, &mut Planar::<S> { input, output }, |_| ())
    }
}

impl Engine {
    /// Denoises an interleaved block of `f32` in ±1.0 in place, of any length (0 too), and gives the report of every
    /// step ([`step_frames`](Self::step_frames)) that the block completes to `each_step`.
    ///
    /// # Errors
    /// [`BlockError`] if the block does not fit the stream; it is then left as it was.
    ///
    /// # Real time
    /// No allocation, lock or system call but those of `each_step`; never panics.
    pub fn process_interleaved_f32_with_reports(
        &mut self,
        block: &mut [f32],
        each_step: impl FnMut(Report),
    ) -> Result<Report, BlockError> {
        let channels = self.format().channels;
        let frames = frames_of(block, channels)?;
        self.drive(frames, &mut InterleavedInPlace::<Unit> { block, channels }, each_step)
    }
}

/// Writes the entries of one scale. Each is a line or two of work; what differs is the name and the words.
macro_rules! entries {
    (
        $scale:ty, $sample:ty, $unit:literal, $interleaved:ident, $interleaved_into:ident, $planar:ident, $planar_into:ident,
        $finish_interleaved:ident, $finish_planar:ident
    ) => {
        impl Engine {
            #[doc = concat!("Writes the frames that are still inside after the last block, as interleaved ", $unit, ".")]
            ///
            /// They are exactly [`latency`](Self::latency) frames in all, the last of the input among them. Returns how many
            /// were written, 0 once all are out; a frame that the end of `output` cuts is left alone. Then only
            /// [`reset`](Self::reset) starts the stream again.
            ///
            /// # Real time
            /// No allocation, lock or system call; never panics.
            pub fn $finish_interleaved(&mut self, output: &mut [$sample]) -> usize {
                let channels = self.format().channels;
                let frames = output.len() / channels;
                self.drain(frames, &mut InterleavedInPlace::<$scale> { block: output, channels })
            }

            #[doc = concat!("Writes the frames that are still inside after the last block, as planar ", $unit, ".")]
            ///
            #[doc = concat!("As [`", stringify!($finish_interleaved), "`](Self::", stringify!($finish_interleaved), ").")]
            ///
            /// # Errors
            /// [`BlockError`] if the number of channels is not the stream's, or their lengths differ; nothing is written then.
            ///
            /// # Real time
            /// No allocation, lock or system call; never panics.
            pub fn $finish_planar(&mut self, output: &mut [&mut [$sample]]) -> Result<usize, BlockError> {
                let frames = frames_of_planar(self.format().channels, output.iter().map(|c| c.len()))?;
                Ok(self.drain(frames, &mut PlanarInPlace::<$scale> { block: output }))
            }

            #[doc = concat!("Denoises an interleaved block of ", $unit, " in place, of any length (0 too).")]
            ///
            /// # Errors
            /// [`BlockError`] if the block does not fit the stream; it is then left as it was.
            ///
            /// # Real time
            /// No allocation, lock or system call; never panics.
            pub fn $interleaved(&mut self, block: &mut [$sample]) -> Result<Report, BlockError> {
                self.interleaved::<$scale>(block)
            }

            #[doc = concat!("Denoises an interleaved block of ", $unit, " into another buffer of the same length.")]
            ///
            /// # Errors
            /// [`BlockError`] if the buffers do not fit the stream or each other; nothing is written then.
            ///
            /// # Real time
            /// No allocation, lock or system call; never panics.
            pub fn $interleaved_into(
                &mut self,
                input: &[$sample],
                output: &mut [$sample],
            ) -> Result<Report, BlockError> {
                self.interleaved_into::<$scale>(input, output)
            }

            #[doc = concat!("Denoises a planar block (a slice per channel) of ", $unit, " in place.")]
            ///
            /// # Errors
            /// [`BlockError`] if the block does not fit the stream; it is then left as it was.
            ///
            /// # Real time
            /// No allocation, lock or system call; never panics.
            pub fn $planar(&mut self, block: &mut [&mut [$sample]]) -> Result<Report, BlockError> {
                self.planar::<$scale>(block)
            }

            #[doc = concat!("Denoises a planar block of ", $unit, " into other buffers of the same length.")]
            ///
            /// # Errors
            /// [`BlockError`] if the buffers do not fit the stream or each other; nothing is written then.
            ///
            /// # Real time
            /// No allocation, lock or system call; never panics.
            pub fn $planar_into(
                &mut self,
                input: &[&[$sample]],
                output: &mut [&mut [$sample]],
            ) -> Result<Report, BlockError> {
                self.planar_into::<$scale>(input, output)
            }
        }
    };
}

entries!(
    Unit,
    f32,
    "`f32` in ±1.0",
    process_interleaved_f32,
    process_interleaved_f32_into,
    process_planar_f32,
    process_planar_f32_into,
    finish_interleaved_f32,
    finish_planar_f32
);
entries!(
    Int16,
    i16,
    "`i16`",
    process_interleaved_i16,
    process_interleaved_i16_into,
    process_planar_i16,
    process_planar_i16_into,
    finish_interleaved_i16,
    finish_planar_i16
);
entries!(
    Int16Range,
    f32,
    "`f32` in the int16 range (±32768)",
    process_interleaved_f32_in_i16_range,
    process_interleaved_f32_in_i16_range_into,
    process_planar_f32_in_i16_range,
    process_planar_f32_in_i16_range_into,
    finish_interleaved_f32_in_i16_range,
    finish_planar_f32_in_i16_range
);
