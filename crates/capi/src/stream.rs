//! Streams: one denoiser each.

use std::ffi::c_char;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use engine::{BlockError, Engine, Report};

use crate::block::{self, overlap, samples, slice, slice_mut};
use crate::config::sourdine_config;
use crate::controls::sourdine_controls;
use crate::exclusive::{Exclusive, free, hand_out, object, room_for};
use crate::report::{sourdine_report, sourdine_state, sourdine_stats, state_of};
use crate::status::{Message, catch_panic, sourdine_status};

const MOST_CHANNELS: usize = 8;

/// One stream's denoiser. Returns one output frame for every input frame, exactly sourdine_engine_get_latency()
/// frames later, whatever the lengths of the blocks.
///
/// It belongs to one thread at a time: a call from a second thread returns SOURDINE_STATUS_BUSY. Other threads use
/// sourdine_controls.
pub struct sourdine_engine {
    engine: Exclusive<Engine>,
    /// Of the stream as created; these never change.
    channels: usize,
    latency: usize,
    state: Arc<AtomicI32>,
}

impl sourdine_engine {
    /// Ends a block: publishes the stream's state to other threads, and writes the report.
    ///
    /// # Safety
    /// As `block::write`.
    unsafe fn tell(
        &self,
        engine: &Engine,
        report: Report,
        to: *mut sourdine_report,
    ) -> Result<(), sourdine_status> {
        let state = state_now(engine);
        self.state.store(state as i32, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { block::write(to, sourdine_report::new(&report, state)) }
    }
}

fn state_now(engine: &Engine) -> sourdine_state {
    if engine.stats().frames == 0 { sourdine_state::IDLE } else { state_of(&engine.report()) }
}

/// Creates a stream's denoiser. `message` may be NULL; otherwise the error is written there, up to `message_size` bytes,
/// or an empty string. Destroy the stream with sourdine_engine_destroy().
///
/// Threads: any. Real time: no, it allocates (a few hundred kilobytes). If the system has no memory left the process ends,
/// as with every allocation of Rust's.
///
/// # Safety
/// `config` is null or points to as many bytes as its size field says, with models that are null or this library's;
/// `engine` is null or points to memory for a pointer; `message` is null or points to `message_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_create(
    config: *const sourdine_config,
    engine: *mut *mut sourdine_engine,
    message: *mut c_char,
    message_size: usize,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promises.
        unsafe {
            let message = Message::new(message, message_size);
            room_for(engine)?;
            let config = sourdine_config::read(config, &message)?;
            let model = config.model();
            let mut made = Engine::new(config.format(), &config.settings(), &model)
                .map_err(|error| message.of(&error))?;
            if let Some(light) = config.light_model.as_ref() {
                made = made.with_light_model(&light.0).map_err(|error| message.of(&error))?;
            }
            let (channels, latency) = (made.format().channels, made.latency());
            let state = Arc::new(AtomicI32::new(sourdine_state::IDLE as i32));
            hand_out(engine, sourdine_engine { engine: Exclusive::new(made), channels, latency, state });
        }
        Ok(())
    })
}

/// Destroys a stream. Its controls stay valid and do nothing. NULL is allowed.
///
/// Threads: one, after all other calls have ended. Real time: no, it frees.
///
/// # Safety
/// `engine` is null or a stream of this library's that is no longer in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_destroy(engine: *mut sourdine_engine) {
    // SAFETY: the caller's promise.
    unsafe { free(engine) };
}

/// Gives a handle to change the stream with while it runs, from any thread. Destroy it with
/// sourdine_controls_destroy().
///
/// Threads: any. Real time: no, it allocates.
///
/// # Safety
/// `engine` is null or a stream of this library's; `controls` is null or points to memory for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_create_controls(
    engine: *const sourdine_engine,
    controls: *mut *mut sourdine_controls,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promises.
        unsafe {
            room_for(controls)?;
            let engine = object(engine)?;
            let handle = engine.engine.enter(|inside| Ok(inside.controls()))?;
            hand_out(controls, sourdine_controls { controls: handle, state: engine.state.clone() });
        }
        Ok(())
    })
}

/// The delay from input to output, in frames at the stream's own rate. It never changes.
///
/// Threads: any. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's; `frames` is null or points to a size_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_get_latency(
    engine: *const sourdine_engine,
    frames: *mut usize,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        let engine = unsafe { object(engine) }?;
        block::check(frames)?;
        // SAFETY: the caller's promise; not null, and aligned.
        unsafe { frames.write(engine.latency) };
        Ok(())
    })
}

/// Does on this thread what the model's first frame on a thread would otherwise do at a bad moment. Call it once on
/// the audio thread before audio starts: the baseline allocates there, our own model does nothing.
///
/// Threads: the audio thread. Real time: no, it may allocate.
///
/// # Safety
/// `engine` is null or a stream of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_warm_up_thread(engine: *const sourdine_engine) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        unsafe { object(engine) }?.engine.enter(|inside| {
            inside.warm_up_thread();
            Ok(())
        })
    })
}

/// Clears all state, counters and decisions; the controls stay as they are. The output from then on is that of a new stream
/// would give, bit for bit.
///
/// Threads: one at a time. Real time: no, it may allocate.
///
/// # Safety
/// `engine` is null or a stream of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_reset(engine: *const sourdine_engine) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        let engine = unsafe { object(engine) }?;
        engine.engine.enter(|inside| {
            inside.reset();
            engine.state.store(sourdine_state::IDLE as i32, Ordering::Relaxed);
            Ok(())
        })
    })
}

/// The newest frame's report.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's; `report` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_get_report(
    engine: *const sourdine_engine,
    report: *mut sourdine_report,
) -> sourdine_status {
    catch_panic(|| {
        block::check(report)?;
        // SAFETY: the caller's promises.
        unsafe {
            object(engine)?.engine.enter(|inside| {
                block::write(report, sourdine_report::new(&inside.report(), state_now(inside)))
            })
        }
    })
}

/// Counters since the stream was created or reset, and what it is doing now.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's; `stats` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_get_stats(
    engine: *const sourdine_engine,
    stats: *mut sourdine_stats,
) -> sourdine_status {
    catch_panic(|| {
        block::check(stats)?;
        // SAFETY: the caller's promises.
        unsafe {
            object(engine)?
                .engine
                .enter(|inside| block::write(stats, sourdine_stats::new(&inside.stats(), state_now(inside))))
        }
    })
}

/// Tells the stream how long the last block took and how long there was for it, in seconds. A block that took longer
/// is a deadline miss; after three in short order the stream falls to the light model, if it has one, then to the
/// input, without a click and at the same latency, and comes back when there is time. Who never calls this never
/// falls.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_report_time(
    engine: *const sourdine_engine,
    spent: f64,
    available: f64,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        let engine = unsafe { object(engine) }?;
        let seconds = |s| Duration::try_from_secs_f64(s).map_err(|_| sourdine_status::SETTING);
        let (spent, available) = (seconds(spent)?, seconds(available)?);
        engine.engine.enter(|inside| {
            inside.report_time(spent, available);
            Ok(())
        })
    })
}

/// Writes the frames that are still inside after the last block, interleaved and in +-1.0: at most `frames` of them.
/// `written` says how many; 0 once all of the latency is out. Then only sourdine_engine_reset() starts the stream again.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's; `output` is null or points to `frames` times the channels; `written`
/// is null or points to a size_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_finish_interleaved_f32(
    engine: *const sourdine_engine,
    output: *mut f32,
    frames: usize,
    written: *mut usize,
) -> sourdine_status {
    catch_panic(|| {
        block::check(written)?;
        // SAFETY: the caller's promises; not null, and aligned.
        unsafe {
            let engine = object(engine)?;
            let output = slice_mut(output, samples::<f32>(frames, engine.channels)?)?;
            written.write(engine.engine.enter(|inside| Ok(inside.finish_interleaved_f32(output)))?);
        }
        Ok(())
    })
}

/// An interleaved block of one of the engine's sample types.
///
/// # Safety
/// As the entries below.
unsafe fn interleaved<T>(
    engine: *const sourdine_engine,
    input: *const T,
    output: *mut T,
    frames: usize,
    report: *mut sourdine_report,
    in_place: impl Fn(&mut Engine, &mut [T]) -> Result<Report, BlockError>,
    into: impl Fn(&mut Engine, &[T], &mut [T]) -> Result<Report, BlockError>,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promises; slices do not overlap where one of them is written.
        unsafe {
            let handle = object(engine)?;
            block::check_write(report)?;
            let len = samples::<T>(frames, handle.channels)?;
            let same = std::ptr::eq(input, output);
            if !same && overlap(input, output, len) {
                return Err(sourdine_status::OVERLAP);
            }
            let input = if same { &[] } else { slice(input, len)? };
            let output = slice_mut(output, len)?;
            handle.engine.enter(|engine| {
                let said = if same { in_place(engine, output) } else { into(engine, input, output) };
                handle.tell(engine, said?, report)
            })
        }
    })
}

/// A planar block of one of the engine's sample types.
///
/// # Safety
/// As the entries below.
unsafe fn planar<T>(
    engine: *const sourdine_engine,
    input: *const *const T,
    output: *const *mut T,
    frames: usize,
    report: *mut sourdine_report,
    in_place: impl Fn(&mut Engine, &mut [&mut [T]]) -> Result<Report, BlockError>,
    into: impl Fn(&mut Engine, &[&[T]], &mut [&mut [T]]) -> Result<Report, BlockError>,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promises; slices do not overlap where one of them is written.
        unsafe {
            let handle = object(engine)?;
            block::check_write(report)?;
            let len = samples::<T>(frames, 1)?;
            let channels = handle.channels;
            let (inputs, outputs) = (slice(input, channels)?, slice(output, channels)?);
            if len > 0 && (inputs.iter().any(|i| i.is_null()) || outputs.iter().any(|o| o.is_null())) {
                return Err(sourdine_status::NULL);
            }
            let same = inputs.iter().zip(outputs).all(|(i, o)| std::ptr::eq(*i, *o));
            for (index, output) in outputs.iter().enumerate() {
                let others = outputs[..index].iter().any(|other| overlap(*output, *other, len));
                if others || (!same && inputs.iter().any(|input| overlap(*input, *output, len))) {
                    return Err(sourdine_status::OVERLAP);
                }
            }
            let mut from: [&[T]; MOST_CHANNELS] = [&[]; MOST_CHANNELS];
            let mut to: [&mut [T]; MOST_CHANNELS] = std::array::from_fn(|_| -> &mut [T] { &mut [] });
            for channel in 0..channels {
                if !same {
                    from[channel] = slice(inputs[channel], len)?;
                }
                to[channel] = slice_mut(outputs[channel], len)?;
            }
            let (from, to) = (&from[..channels], &mut to[..channels]);
            handle.engine.enter(|engine| {
                let said = if same { in_place(engine, to) } else { into(engine, from, to) };
                handle.tell(engine, said?, report)
            })
        }
    })
}

/// Denoises a block of interleaved 32-bit floats in +-1.0.
/// `output` may be `input`; otherwise they must not overlap. `frames` is any number, 0 too, unless the stream was created
/// with a fixed block. `report` may be NULL.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's; `input` and `output` are null or point to `frames` times the
/// channels; `report` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_process_interleaved_f32(
    engine: *const sourdine_engine,
    input: *const f32,
    output: *mut f32,
    frames: usize,
    report: *mut sourdine_report,
) -> sourdine_status {
    // SAFETY: the caller's promises.
    unsafe {
        interleaved(
            engine,
            input,
            output,
            frames,
            report,
            Engine::process_interleaved_f32,
            Engine::process_interleaved_f32_into,
        )
    }
}

/// Denoises a block of 32-bit floats in +-1.0, with a pointer for each channel. Either all
/// channels' outputs are their inputs, or no output may overlap any input; nor may outputs overlap each other.
/// `frames` and `report` are as in sourdine_engine_process_interleaved_f32().
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's; `input` and `output` are null or point to as many pointers as there
/// are channels, each null or to `frames` samples; `report` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_process_planar_f32(
    engine: *const sourdine_engine,
    input: *const *const f32,
    output: *const *mut f32,
    frames: usize,
    report: *mut sourdine_report,
) -> sourdine_status {
    // SAFETY: the caller's promises.
    unsafe {
        planar(
            engine,
            input,
            output,
            frames,
            report,
            Engine::process_planar_f32,
            Engine::process_planar_f32_into,
        )
    }
}

/// Denoises a block of interleaved 16-bit integers.
/// `output` may be `input`; otherwise they must not overlap. `frames` is any number, 0 too, unless the stream was created
/// with a fixed block. `report` may be NULL.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's; `input` and `output` are null or point to `frames` times the
/// channels; `report` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_process_interleaved_i16(
    engine: *const sourdine_engine,
    input: *const i16,
    output: *mut i16,
    frames: usize,
    report: *mut sourdine_report,
) -> sourdine_status {
    // SAFETY: the caller's promises.
    unsafe {
        interleaved(
            engine,
            input,
            output,
            frames,
            report,
            Engine::process_interleaved_i16,
            Engine::process_interleaved_i16_into,
        )
    }
}

/// Denoises a block of 16-bit integers, with a pointer for each channel. Either all
/// channels' outputs are their inputs, or no output may overlap any input; nor may outputs overlap each other.
/// `frames` and `report` are as in sourdine_engine_process_interleaved_i16().
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's; `input` and `output` are null or point to as many pointers as there
/// are channels, each null or to `frames` samples; `report` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_process_planar_i16(
    engine: *const sourdine_engine,
    input: *const *const i16,
    output: *const *mut i16,
    frames: usize,
    report: *mut sourdine_report,
) -> sourdine_status {
    // SAFETY: the caller's promises.
    unsafe {
        planar(
            engine,
            input,
            output,
            frames,
            report,
            Engine::process_planar_i16,
            Engine::process_planar_i16_into,
        )
    }
}

/// Denoises a block of interleaved 32-bit floats in the range of 16-bit integers (+-32768), as WebRTC and RNNoise have them.
/// `output` may be `input`; otherwise they must not overlap. `frames` is any number, 0 too, unless the stream was created
/// with a fixed block. `report` may be NULL.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's; `input` and `output` are null or point to `frames` times the
/// channels; `report` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_process_interleaved_f32_in_i16_range(
    engine: *const sourdine_engine,
    input: *const f32,
    output: *mut f32,
    frames: usize,
    report: *mut sourdine_report,
) -> sourdine_status {
    // SAFETY: the caller's promises.
    unsafe {
        interleaved(
            engine,
            input,
            output,
            frames,
            report,
            Engine::process_interleaved_f32_in_i16_range,
            Engine::process_interleaved_f32_in_i16_range_into,
        )
    }
}

/// Denoises a block of 32-bit floats in the range of 16-bit integers (+-32768), as WebRTC and RNNoise have them, with a pointer for each channel. Either all
/// channels' outputs are their inputs, or no output may overlap any input; nor may outputs overlap each other.
/// `frames` and `report` are as in sourdine_engine_process_interleaved_f32_in_i16_range().
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `engine` is null or a stream of this library's; `input` and `output` are null or point to as many pointers as there
/// are channels, each null or to `frames` samples; `report` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_process_planar_f32_in_i16_range(
    engine: *const sourdine_engine,
    input: *const *const f32,
    output: *const *mut f32,
    frames: usize,
    report: *mut sourdine_report,
) -> sourdine_status {
    // SAFETY: the caller's promises.
    unsafe {
        planar(
            engine,
            input,
            output,
            frames,
            report,
            Engine::process_planar_f32_in_i16_range,
            Engine::process_planar_f32_in_i16_range_into,
        )
    }
}
