//! A stream's controls, for other threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use engine::Controls;

use crate::block;
use crate::exclusive::{free, object};
use crate::model::sourdine_model;
use crate::status::{catch_panic, sourdine_status};

/// A handle that controls a running stream. Every change takes effect at the stream's next frame, is faded in over
/// 10 ms, and never changes the latency. The handle may outlive the stream; it then does nothing.
pub struct sourdine_controls {
    pub(crate) controls: Controls,
    pub(crate) state: Arc<AtomicI32>,
}

/// Destroys the handle, not the stream. NULL is allowed.
///
/// Threads: any. Real time: no, it may free.
///
/// # Safety
/// `controls` is null or a handle of this library's that is no longer in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_controls_destroy(controls: *mut sourdine_controls) {
    // SAFETY: the caller's promise.
    unsafe { free(controls) };
}

/// Switches denoising on (not 0) or off (0); off passes the input through with the same latency.
///
/// Threads: any, at the same time as everything else. Real time: yes.
///
/// # Safety
/// `controls` is null or a handle of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_controls_set_enabled(
    controls: *const sourdine_controls,
    on: i32,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        unsafe { object(controls) }?.controls.set_enabled(on != 0);
        Ok(())
    })
}

/// Passes music or a shared screen's sound through untouched (not 0), or not (0).
///
/// Threads: any, at the same time as everything else. Real time: yes.
///
/// # Safety
/// `controls` is null or a handle of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_controls_set_passthrough(
    controls: *const sourdine_controls,
    on: i32,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        unsafe { object(controls) }?.controls.set_passthrough(on != 0);
        Ok(())
    })
}

/// Outputs the residue, the removed sound (not 0), or the kept sound (0).
///
/// Threads: any, at the same time as everything else. Real time: yes.
///
/// # Safety
/// `controls` is null or a handle of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_controls_set_residue(
    controls: *const sourdine_controls,
    on: i32,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        unsafe { object(controls) }?.controls.set_residue(on != 0);
        Ok(())
    })
}

/// Switches the voice gate on (not 0) or off (0).
///
/// Threads: any, at the same time as everything else. Real time: yes.
///
/// # Safety
/// `controls` is null or a handle of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_controls_set_gate(
    controls: *const sourdine_controls,
    on: i32,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        unsafe { object(controls) }?.controls.set_gate(on != 0);
        Ok(())
    })
}

/// Sets the most that any sound is attenuated, in dB: 0 changes nothing, INFINITY is no limit. Refuses a negative
/// number and NaN.
///
/// Threads: any, at the same time as everything else. Real time: yes.
///
/// # Safety
/// `controls` is null or a handle of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_controls_set_attenuation_limit_db(
    controls: *const sourdine_controls,
    db: f32,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        let controls = unsafe { object(controls) }?;
        controls.controls.set_attenuation_limit_db(db).map_err(|error| (&error).into())
    })
}

/// Switches the stream to another model: it runs silently for 100 ms, then is faded in. The model may be destroyed at once.
/// If several are set in quick succession, the newest counts. See sourdine_model_warm_up_thread().
///
/// Threads: any but the audio thread, at the same time as everything else. Real time: no, it allocates; the audio
/// thread never waits for it.
///
/// # Safety
/// Both are null or handles of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_controls_set_model(
    controls: *const sourdine_controls,
    model: *const sourdine_model,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promises.
        let (controls, model) = unsafe { (object(controls)?, object(model)?) };
        controls.controls.set_model(&model.0).map_err(|error| (&error).into())
    })
}

/// Returns the stream's state, one of sourdine_state: whether it is denoised, and if not, why.
///
/// Threads: any, at the same time as everything else. Real time: yes.
///
/// # Safety
/// `controls` is null or a handle of this library's; `state` is null or points to an int32_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_controls_get_state(
    controls: *const sourdine_controls,
    state: *mut i32,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        let controls = unsafe { object(controls) }?;
        block::check(state)?;
        // SAFETY: the caller's promise; not null, and aligned.
        unsafe { state.write(controls.state.load(Ordering::Relaxed)) };
        Ok(())
    })
}
