//! Voice detection without denoising.

use std::ffi::c_char;

use engine::{BlockError, VoiceDetector, VoiceReport};

use crate::block::{self, samples, slice};
use crate::config::sourdine_config;
use crate::exclusive::{Exclusive, free, hand_out, object, room_for};
use crate::report::sourdine_voice_report;
use crate::status::{Message, catch_panic, sourdine_status};

/// Detects voice in a stream without changing it, at a fraction of the cost of denoising: for the far ends
/// of a group call. It belongs to one thread at a time, like sourdine_engine.
pub struct sourdine_detector {
    detector: Exclusive<VoiceDetector>,
    channels: usize,
}

/// Creates a voice detector. It uses the config's rate, channels and voice_* fields; any rate from 8000
/// to 192000 Hz is supported. `message` is as in sourdine_engine_create(). Destroy the detector with
/// sourdine_detector_destroy().
///
/// Threads: any. Real time: no, it allocates.
///
/// # Safety
/// As sourdine_engine_create().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_create(
    config: *const sourdine_config,
    detector: *mut *mut sourdine_detector,
    message: *mut c_char,
    message_size: usize,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promises.
        unsafe {
            let message = Message::new(message, message_size);
            room_for(detector)?;
            let config = block::read(config, sourdine_config::preset())?;
            let made =
                VoiceDetector::new(config.format(), config.voice()).map_err(|error| message.of(&error))?;
            let channels = config.channels as usize;
            hand_out(detector, sourdine_detector { detector: Exclusive::new(made), channels });
        }
        Ok(())
    })
}

/// Destroys a voice detector. NULL is allowed.
///
/// Threads: one, after all other calls have ended. Real time: no, it frees.
///
/// # Safety
/// `detector` is null or a detector of this library's that is no longer in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_destroy(detector: *mut sourdine_detector) {
    // SAFETY: the caller's promise.
    unsafe { free(detector) };
}

/// Clears all state, the noise estimate too.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `detector` is null or a detector of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_reset(detector: *const sourdine_detector) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        unsafe { object(detector) }?.detector.enter(|inside| {
            inside.reset();
            Ok(())
        })
    })
}

/// # Safety
/// As the entries below.
unsafe fn listen<T>(
    detector: *const sourdine_detector,
    input: *const T,
    frames: usize,
    report: *mut sourdine_voice_report,
    analyse: fn(&mut VoiceDetector, &[T]) -> Result<VoiceReport, BlockError>,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promises.
        unsafe {
            let handle = object(detector)?;
            block::check_write(report)?;
            let input = slice(input, samples::<T>(frames, handle.channels)?)?;
            handle.detector.enter(|inside| {
                let newest = analyse(inside, input)?;
                block::write(report, sourdine_voice_report::new(&newest))
            })
        }
    })
}

/// Analyses a block of interleaved 32-bit floats in +-1.0, of any length. `report` may be NULL.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `detector` is null or a detector of this library's; `input` is null or points to `frames` times the channels;
/// `report` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_process_interleaved_f32(
    detector: *const sourdine_detector,
    input: *const f32,
    frames: usize,
    report: *mut sourdine_voice_report,
) -> sourdine_status {
    // SAFETY: the caller's promises.
    unsafe { listen(detector, input, frames, report, VoiceDetector::process_interleaved_f32) }
}

/// Analyses a block of interleaved 16-bit integers, of any length. `report` may be NULL.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `detector` is null or a detector of this library's; `input` is null or points to `frames` times the channels;
/// `report` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_process_interleaved_i16(
    detector: *const sourdine_detector,
    input: *const i16,
    frames: usize,
    report: *mut sourdine_voice_report,
) -> sourdine_status {
    // SAFETY: the caller's promises.
    unsafe { listen(detector, input, frames, report, VoiceDetector::process_interleaved_i16) }
}

/// Analyses a block of interleaved 32-bit floats in the range of 16-bit integers (+-32768), as WebRTC and RNNoise have them, of any length. `report` may be NULL.
///
/// Threads: one at a time. Real time: yes.
///
/// # Safety
/// `detector` is null or a detector of this library's; `input` is null or points to `frames` times the channels;
/// `report` is null or points to as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_process_interleaved_f32_in_i16_range(
    detector: *const sourdine_detector,
    input: *const f32,
    frames: usize,
    report: *mut sourdine_voice_report,
) -> sourdine_status {
    // SAFETY: the caller's promises.
    unsafe { listen(detector, input, frames, report, VoiceDetector::process_interleaved_f32_in_i16_range) }
}
