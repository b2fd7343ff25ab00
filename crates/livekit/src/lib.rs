//! An audio filter for LiveKit's SDKs: the C symbols that their Rust core looks up in a plug-in, with the signatures
//! that it calls them by (`livekit/src/plugin.rs` of its `rust-sdks`). See `README.md`.
//!
//! The SDK gives whole interleaved blocks, of one length for input and one for output, and its only
//! sign of an error is NULL from `create`. The reason goes to standard error.

mod options;
mod rate;
mod session;

use std::ffi::{CStr, c_char, c_void};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use options::Options;
use session::Session;

/// Catches panics: nothing may unwind into the SDK.
fn catch_panic<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

/// Called once with the server's address and token, which this filter ignores. 0 is success.
#[unsafe(no_mangle)]
pub extern "C" fn audio_filter_on_load(_options: *const c_char) -> i32 {
    0
}

/// Called with a new token, which this filter ignores.
#[unsafe(no_mangle)]
pub extern "C" fn audio_filter_update_token(_url: *const c_char, _token: *const c_char) {}

/// Called when a session's room or participant changes, which this filter ignores.
#[unsafe(no_mangle)]
pub extern "C" fn audio_filter_update_stream_info(_session: *const c_void, _info: *const c_char) {}

/// Makes a session. NULL if the rate or the options are refused; standard error says why.
///
/// # Safety
/// `options` is null or ends in 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn audio_filter_create(
    sampling_rate: u32,
    options: *const c_char,
    stream_info: *const c_char,
) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe { audio_filter_create_v2(sampling_rate, sampling_rate, options, stream_info) }
}

/// Makes a session whose output has a rate of its own. NULL if a rate or the options are refused; standard error says why.
///
/// # Safety
/// `options` is null or ends in 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn audio_filter_create_v2(
    input_sample_rate: u32,
    output_sample_rate: u32,
    options: *const c_char,
    _stream_info: *const c_char,
) -> *mut c_void {
    let text = if options.is_null() {
        Ok("")
    } else {
        // SAFETY: the caller's promise.
        unsafe { CStr::from_ptr(options) }.to_str().map_err(|_| "the options are not UTF-8".to_owned())
    };
    catch_panic(std::ptr::null_mut(), || {
        let session = text
            .and_then(Options::parse)
            .and_then(|options| Session::new(input_sample_rate, output_sample_rate, &options));
        match session {
            Ok(session) => Box::into_raw(Box::new(Mutex::new(session))).cast(),
            Err(why) => {
                // If that fails there is no other way to report it.
                let _ = writeln!(std::io::stderr(), "sourdine audio filter: {why}");
                std::ptr::null_mut()
            }
        }
    })
}

/// Ends a session. NULL is allowed.
///
/// # Safety
/// `session` is null or one of this plug-in's that is no longer in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn audio_filter_destroy(session: *const c_void) {
    if !session.is_null() {
        // SAFETY: the caller's promise.
        catch_panic((), || drop(unsafe { Box::from_raw(session.cast_mut().cast::<Mutex<Session>>()) }));
    }
}

/// Processes a block. If that fails, copies as much of the input as fits, followed by silence.
///
/// # Safety
/// `session` is null or one of this plug-in's; `input` and `output` are null or point to as many samples as stated
/// and do not overlap, unless they are the same.
unsafe fn process<T: Copy + Default>(
    session: *const c_void,
    input: *const T,
    inputs: usize,
    output: *mut T,
    outputs: usize,
    run: fn(&mut Session, &[T], &mut [T]) -> bool,
) {
    if output.is_null() || !output.is_aligned() || (inputs > 0 && (input.is_null() || !input.is_aligned())) {
        return;
    }
    // In place, which the SDK never asks for: the output's memory cannot be written while the input is read from it.
    let copy;
    let from = if inputs == 0 {
        &[]
    } else {
        // SAFETY: the caller's promise; not null, and aligned.
        unsafe { std::slice::from_raw_parts(input, inputs) }
    };
    let from = if std::ptr::eq(input, output) {
        copy = from.to_vec();
        &copy
    } else {
        from
    };
    // SAFETY: the caller's promise; not null, and aligned.
    let to = unsafe { std::slice::from_raw_parts_mut(output, outputs) };
    // SAFETY: the caller's promise.
    let session = unsafe { session.cast::<Mutex<Session>>().as_ref() };
    let done = catch_panic(false, || {
        let Some(Ok(mut session)) = session.map(Mutex::try_lock) else { return false };
        run(&mut session, from, to)
    });
    if !done {
        let n = from.len().min(to.len());
        to[..n].copy_from_slice(&from[..n]);
        to[n..].fill(T::default());
    }
}

/// Denoises interleaved 16-bit samples.
///
/// # Safety
/// `session` is null or one of this plug-in's; `input` and `output` are null or point to `samples` samples.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn audio_filter_process_int16(
    session: *const c_void,
    samples: usize,
    input: *const i16,
    output: *mut i16,
) {
    // SAFETY: the caller's promise.
    unsafe { process(session, input, samples, output, samples, Session::process_i16) }
}

/// Denoises interleaved 16-bit samples to the output's rate.
///
/// # Safety
/// `session` is null or one of this plug-in's; `input` and `output` are null or point to as many samples as stated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn audio_filter_process_int16_v2(
    session: *const c_void,
    input_samples: usize,
    input: *const i16,
    output_samples: usize,
    output: *mut i16,
) {
    // SAFETY: the caller's promise.
    unsafe { process(session, input, input_samples, output, output_samples, Session::process_i16) }
}

/// Denoises interleaved floats in ±1.0.
///
/// # Safety
/// `session` is null or one of this plug-in's; `input` and `output` are null or point to `samples` samples.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn audio_filter_process_float(
    session: *const c_void,
    samples: usize,
    input: *const f32,
    output: *mut f32,
) {
    // SAFETY: the caller's promise.
    unsafe { process(session, input, samples, output, samples, Session::process_f32) }
}

/// Denoises interleaved floats in ±1.0 to the output's rate.
///
/// # Safety
/// `session` is null or one of this plug-in's; `input` and `output` are null or point to as many samples as stated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn audio_filter_process_float_v2(
    session: *const c_void,
    input_samples: usize,
    input: *const f32,
    output_samples: usize,
    output: *mut f32,
) {
    // SAFETY: the caller's promise.
    unsafe { process(session, input, input_samples, output, output_samples, Session::process_f32) }
}
