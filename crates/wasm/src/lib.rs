//! The engine as a WebAssembly module without imports: `web/src/engine.ts` is the other side of this interface.
//!
//! The caller is JavaScript, so handles and buffers are addresses in the module's memory. Samples are passed in a
//! buffer of the object, channel after channel. Errors are a [`Status`] or address 0, and [`error::sourdine_error`] has the text.
//! A panic stops the module, which JavaScript sees as an exception; its message is kept too.

pub mod error;

use std::alloc::Layout;
use std::time::Duration;

use sourdine::{Bypass, Controls, Engine, Model, Settings, StreamFormat, Tier, VadParams, VoiceDetector};

use error::{Status, keep_error};

/// The version of this interface; JavaScript refuses another one.
pub const ABI: u32 = 2;

/// See [`ABI`].
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_abi() -> u32 {
    ABI
}

/// Allocates `bytes` bytes, aligned to 16; 0 if memory runs out. Free them with [`sourdine_free`].
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_alloc(bytes: usize) -> *mut u8 {
    match Layout::from_size_align(bytes.max(1), 16) {
        // SAFETY: the layout is not of size 0.
        Ok(layout) => unsafe { std::alloc::alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// Frees memory of [`sourdine_alloc`].
///
/// # Safety
/// `at` came from [`sourdine_alloc`] with the same `bytes`, and is no longer used; 0 is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_free(at: *mut u8, bytes: usize) {
    if let (false, Ok(layout)) = (at.is_null(), Layout::from_size_align(bytes.max(1), 16)) {
        // SAFETY: the caller's promise.
        unsafe { std::alloc::dealloc(at, layout) };
    }
}

/// A stream, its controls, and the buffers that JavaScript reads.
pub struct Stream {
    engine: Engine,
    controls: Controls,
    /// Channel after channel, `frames` each.
    block: Vec<f32>,
    frames: usize,
    report: [f32; 5],
    stats: [f64; 10],
}

/// Makes a stream from the bytes of a model file, which may be freed at once; 0 on error. `frames` is the largest
/// block; blocks may have any length if `fixed` is 0, else multiples of `fixed`. `light` is the file of a cheaper model for
/// times of overload; none if `light_bytes` is 0.
///
/// # Safety
/// `model` points to `model_bytes` bytes, and `light` to `light_bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_create(
    rate: u32,
    channels: usize,
    frames: usize,
    fixed: usize,
    model: *const u8,
    model_bytes: usize,
    light: *const u8,
    light_bytes: usize,
) -> *mut Stream {
    error::keep_panic_messages();
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(model, model_bytes) };
    // SAFETY: the caller's promise.
    let light = (light_bytes != 0).then(|| unsafe { std::slice::from_raw_parts(light, light_bytes) });
    error::made(|| {
        let model = Model::from_bytes("from memory", bytes)?;
        let format = StreamFormat::new(rate, channels);
        let format = if fixed == 0 { format } else { format.with_fixed_block(fixed) };
        let mut engine = Engine::new(format, &Settings::default(), &model)?;
        if let Some(light) = light {
            engine = engine.with_light_model(&Model::from_bytes("for overload", light)?)?;
        }
        engine.warm_up_thread();
        let controls = engine.controls();
        let block = vec![0.0; channels * frames];
        Ok(Stream { engine, controls, block, frames, report: [0.0; 5], stats: [0.0; 10] })
    })
}

/// Frees a stream; 0 is allowed.
///
/// # Safety
/// `stream` came from [`sourdine_engine_create`] and is no longer used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_free(stream: *mut Stream) {
    if !stream.is_null() {
        // SAFETY: the caller's promise: it is a box of ours.
        drop(unsafe { Box::from_raw(stream) });
    }
}

/// Returns the address of the stream's block: channel after channel, each of the length that it was made for. It never moves.
///
/// # Safety
/// `stream` is a living stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_block(stream: *mut Stream) -> *mut f32 {
    // SAFETY: the caller's promise.
    unsafe { (*stream).block.as_mut_ptr() }
}

/// Processes the first `frames` frames of each channel of the stream's block, in place.
///
/// # Safety
/// `stream` is a living stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_process(stream: *mut Stream, frames: usize) -> Status {
    // SAFETY: the caller's promise.
    let stream = unsafe { &mut *stream };
    keep_error(|| {
        if frames > stream.frames {
            return Err(format!("{frames} frames in a block of {}", stream.frames).into());
        }
        #[cfg(feature = "planted-panic")]
        assert!(!stream.block.contains(&1e6), "planted");
        // Eight, the most channels that there can be: no allocation here.
        let mut channels: [&mut [f32]; 8] = Default::default();
        let used = stream.block.len() / stream.frames.max(1);
        for (to, channel) in channels.iter_mut().zip(stream.block.chunks_exact_mut(stream.frames.max(1))) {
            *to = &mut channel[..frames];
        }
        stream.engine.process_planar_f32(&mut channels[..used])?;
        Ok(())
    })
}

/// Sets one of the controls: 0 enabled, 1 attenuation limit in dB, 2 gate, 3 passthrough, 4 residue. Switches are on if
/// the value is not 0.
///
/// # Safety
/// `stream` is a living stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_set(stream: *mut Stream, control: u32, value: f32) -> Status {
    // SAFETY: the caller's promise.
    let controls = unsafe { &(*stream).controls };
    keep_error(|| {
        let on = value != 0.0;
        match control {
            0 => controls.set_enabled(on),
            1 => controls.set_attenuation_limit_db(value)?,
            2 => controls.set_gate(on),
            3 => controls.set_passthrough(on),
            4 => controls.set_residue(on),
            _ => return Err(format!("no control has the number {control}").into()),
        }
        Ok(())
    })
}

/// Returns the delay in frames.
///
/// # Safety
/// `stream` is a living stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_latency(stream: *const Stream) -> usize {
    // SAFETY: the caller's promise.
    unsafe { (*stream).engine.latency() }
}

/// Takes the seconds that the last blocks took, and the seconds that they were allowed: overload changes the stream's tier.
///
/// # Safety
/// `stream` is a living stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_report_time(stream: *mut Stream, spent: f64, available: f64) {
    let time = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    // SAFETY: the caller's promise.
    unsafe { (*stream).engine.report_time(time(spent), time(available)) }
}

/// Returns the tier that the stream runs at: 0 its own model, 1 the cheaper one, 2 none.
///
/// # Safety
/// `stream` is a living stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_tier(stream: *const Stream) -> u32 {
    // SAFETY: the caller's promise.
    match unsafe { (*stream).engine.tier() } {
        Tier::Full => 0,
        Tier::Light => 1,
        _ => 2,
    }
}

/// Returns the newest frame's report: voice probability, decision, input and output level in dBFS, bypass (0: denoised; else
/// the index of the reason in [`sourdine_engine_stats`]). Valid until the next call.
///
/// # Safety
/// `stream` is a living stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_report(stream: *mut Stream) -> *const f32 {
    // SAFETY: the caller's promise.
    let stream = unsafe { &mut *stream };
    let report = stream.engine.report();
    let bypass = match report.bypass {
        None => 0.0,
        Some(Bypass::Off) => 2.0,
        Some(Bypass::Passthrough) => 3.0,
        Some(Bypass::NoAttenuation) => 4.0,
        Some(Bypass::Overload) => 5.0,
        Some(_) => 6.0,
    };
    let voice = f32::from(u8::from(report.voice));
    stream.report = [report.voice_probability, voice, report.input_dbfs, report.output_dbfs, bypass];
    stream.report.as_ptr()
}

/// Returns the counters: frames, voice frames, frames bypassed because off, as passthrough, with a limit of 0 dB, by
/// overload, by a model's fault; deadline misses, invalid samples, clipped samples. Valid until the next call.
///
/// # Safety
/// `stream` is a living stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_stats(stream: *mut Stream) -> *const f64 {
    // SAFETY: the caller's promise.
    let stream = unsafe { &mut *stream };
    let stats = stream.engine.stats();
    stream.stats = [
        stats.frames,
        stats.voice_frames,
        stats.bypassed_off,
        stats.bypassed_passthrough,
        stats.bypassed_no_attenuation,
        stats.bypassed_overload,
        stats.bypassed_model_fault,
        stats.deadline_misses,
        stats.invalid_samples,
        stats.clipped_samples,
    ]
    .map(|count| count as f64);
    stream.stats.as_ptr()
}

/// Clears all state and counters; the controls stay.
///
/// # Safety
/// `stream` is a living stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_engine_reset(stream: *mut Stream) {
    // SAFETY: the caller's promise.
    unsafe { (*stream).engine.reset() }
}

/// A voice detector, and the buffers that JavaScript reads.
pub struct Detector {
    detector: VoiceDetector,
    /// One channel.
    block: Vec<f32>,
    report: [f32; 3],
}

/// Makes a detector for one channel in blocks of at most `frames` frames; 0 on error.
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_detector_create(rate: u32, frames: usize) -> *mut Detector {
    error::keep_panic_messages();
    error::made(|| {
        let detector = VoiceDetector::new(StreamFormat::new(rate, 1), VadParams::HOLDING)?;
        Ok(Detector { detector, block: vec![0.0; frames], report: [0.0; 3] })
    })
}

/// Frees a detector; 0 is allowed.
///
/// # Safety
/// `detector` came from [`sourdine_detector_create`] and is no longer used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_free(detector: *mut Detector) {
    if !detector.is_null() {
        // SAFETY: the caller's promise: it is a box of ours.
        drop(unsafe { Box::from_raw(detector) });
    }
}

/// Returns the address of the detector's block. It never moves.
///
/// # Safety
/// `detector` is a living detector.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_block(detector: *mut Detector) -> *mut f32 {
    // SAFETY: the caller's promise.
    unsafe { (*detector).block.as_mut_ptr() }
}

/// Analyses the first `frames` frames of the detector's block.
///
/// # Safety
/// `detector` is a living detector.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_process(detector: *mut Detector, frames: usize) -> Status {
    // SAFETY: the caller's promise.
    let Detector { detector, block, report } = unsafe { &mut *detector };
    keep_error(|| {
        let samples = block.get(..frames).ok_or("more frames than the block holds")?;
        let newest = detector.process_interleaved_f32(samples)?;
        *report = [newest.probability, f32::from(u8::from(newest.voice)), newest.level_dbfs];
        Ok(())
    })
}

/// Returns the newest frame's report: voice probability, decision, level in dBFS.
///
/// # Safety
/// `detector` is a living detector.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_report(detector: *const Detector) -> *const f32 {
    // SAFETY: the caller's promise.
    unsafe { (*detector).report.as_ptr() }
}

/// Clears all state, the noise estimate too.
///
/// # Safety
/// `detector` is a living detector.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_detector_reset(detector: *mut Detector) {
    // SAFETY: the caller's promise.
    unsafe { (*detector).detector.reset() }
}

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use super::*;

    const MODEL: &[u8] = include_bytes!("../../core/models/sourdine-lite.safetensors");

    fn message() -> String {
        // SAFETY: the text stays until the next error on this thread.
        let text =
            unsafe { std::slice::from_raw_parts(error::sourdine_error(), error::sourdine_error_length()) };
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[test]
    fn a_stream_gives_what_the_engine_gives() {
        let input: Vec<f32> = (0..2 * 4800).map(|i| ((i * i) as f32 * 0.001).sin() * 0.3).collect();
        let format = StreamFormat::new(48_000, 2).with_fixed_block(128);
        let model = Model::from_bytes("lite", MODEL).unwrap();
        let mut engine = Engine::new(format, &Settings::default(), &model).unwrap();
        // SAFETY: the stream lives until it is freed, and its block holds two channels of 128 frames.
        unsafe {
            let stream = sourdine_engine_create(48_000, 2, 128, 128, MODEL.as_ptr(), MODEL.len(), null(), 0);
            assert!(!stream.is_null(), "{}", message());
            assert_eq!(sourdine_engine_latency(stream), engine.latency());
            let block = std::slice::from_raw_parts_mut(sourdine_engine_block(stream), 256);
            for piece in input.chunks_exact(256) {
                let mut expected = piece.to_vec();
                let (left, right) = expected.split_at_mut(128);
                engine.process_planar_f32(&mut [left, right]).unwrap();
                block.copy_from_slice(piece);
                assert_eq!(sourdine_engine_process(stream, 128), Status::Ok);
                assert_eq!(block, expected);
            }
            let frames = *sourdine_engine_stats(stream);
            assert_eq!(frames, engine.stats().frames as f64);
            assert_eq!(*sourdine_engine_report(stream).add(3), engine.report().output_dbfs);
            sourdine_engine_free(stream);
        }
    }

    #[test]
    fn overload_falls_to_the_light_model_then_to_none_and_comes_back() {
        // SAFETY: the stream lives until it is freed.
        unsafe {
            let (model, bytes) = (MODEL.as_ptr(), MODEL.len());
            let stream = sourdine_engine_create(48_000, 1, 480, 480, model, bytes, model, bytes);
            assert!(!stream.is_null(), "{}", message());
            let tier_after = |reports: usize, spent: f64| {
                for _ in 0..reports {
                    sourdine_engine_report_time(stream, spent, 0.1);
                }
                sourdine_engine_tier(stream)
            };
            assert_eq!([tier_after(2, 0.2), tier_after(1, 0.2), tier_after(3, 0.2)], [0, 1, 2]);
            for _ in 0..10 {
                assert_eq!(sourdine_engine_process(stream, 480), Status::Ok);
            }
            assert!(*sourdine_engine_stats(stream).add(5) > 0.0);
            assert_eq!([tier_after(25, 0.0), tier_after(25, 0.0)], [1, 0]);
            sourdine_engine_free(stream);
        }
    }

    #[test]
    fn errors_have_a_text() {
        // SAFETY: the bytes are there; what was made is used, then freed.
        unsafe {
            let made = sourdine_engine_create(48_000, 1, 128, 0, MODEL.as_ptr(), MODEL.len() / 2, null(), 0);
            assert!(made.is_null() && message().contains("damaged model file"), "{}", message());
            let made = sourdine_engine_create(44_056, 1, 128, 0, MODEL.as_ptr(), MODEL.len(), null(), 0);
            assert!(made.is_null() && message().contains("44056"), "{}", message());
            let stream = sourdine_engine_create(48_000, 1, 128, 0, MODEL.as_ptr(), MODEL.len(), null(), 0);
            assert_eq!(sourdine_engine_set(stream, 1, -1.0), Status::Refused);
            assert!(message().contains("attenuation_limit_db"), "{}", message());
            assert_eq!(sourdine_engine_set(stream, 9, 1.0), Status::Refused);
            assert_eq!(sourdine_engine_process(stream, 129), Status::Refused);
            assert_eq!(sourdine_engine_set(stream, 0, 0.0), Status::Ok);
            sourdine_engine_free(stream);
        }
        assert!(sourdine_detector_create(1, 128).is_null() && message().contains("1 Hz"), "{}", message());
    }

    #[test]
    fn a_detector_measures_a_level() {
        let detector = sourdine_detector_create(48_000, 480);
        // SAFETY: the detector lives until it is freed, and its block holds 480 frames.
        unsafe {
            let block = std::slice::from_raw_parts_mut(sourdine_detector_block(detector), 480);
            block.fill(0.1);
            assert_eq!(sourdine_detector_process(detector, 480), Status::Ok);
            assert!((*sourdine_detector_report(detector).add(2) + 20.0).abs() < 0.01);
            assert_eq!(sourdine_detector_process(detector, 481), Status::Refused);
            sourdine_detector_reset(detector);
            sourdine_detector_free(detector);
        }
    }
}
