//! Models, shared between streams.

use std::ffi::{CStr, c_char, c_void};

use engine::Model;

use crate::block;
use crate::exclusive::{free, hand_out, object, room_for};
use crate::status::{Message, catch_panic, sourdine_status};

/// A model: weights, shared by any number of streams on any number of threads.
pub struct sourdine_model(pub(crate) Model);

/// Makes a built-in model: "sourdine", our own and the default, "sourdine-lite", its smaller size, or "rnnoise", the
/// baseline. Destroy it with sourdine_model_destroy().
///
/// Threads: any. Real time: no, it allocates.
///
/// # Safety
/// `name` is null or ends in 0; `model` is null or points to memory for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_model_create(
    name: *const c_char,
    model: *mut *mut sourdine_model,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promises.
        unsafe {
            room_for(model)?;
            block::check(name)?;
            let name = CStr::from_ptr(name).to_str().map_err(|_| sourdine_status::MODEL)?;
            hand_out(model, sourdine_model(Model::by_name(name).ok_or(sourdine_status::MODEL)?));
        }
        Ok(())
    })
}

/// Makes a model from the bytes of a weights file, which may be freed at once. `message` may be NULL; otherwise the
/// error is written there, up to `message_size` bytes, or an empty string. Destroy the model with sourdine_model_destroy().
///
/// Threads: any. Real time: no, it allocates.
///
/// # Safety
/// Each pointer is null or points to as much memory as stated; `model` to memory for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_model_create_from_memory(
    bytes: *const c_void,
    size: usize,
    model: *mut *mut sourdine_model,
    message: *mut c_char,
    message_size: usize,
) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promises.
        unsafe {
            let message = Message::new(message, message_size);
            room_for(model)?;
            let size = block::samples::<u8>(size, 1)?;
            if bytes.is_null() {
                return Err(sourdine_status::NULL);
            }
            let bytes = block::slice(bytes.cast::<u8>(), size)?;
            let made = Model::from_bytes("from memory", bytes).map_err(|error| message.of(&error))?;
            hand_out(model, sourdine_model(made));
        }
        Ok(())
    })
}

/// Destroys a model. Streams made with it keep it. NULL is allowed.
///
/// Threads: any. Real time: no, it frees.
///
/// # Safety
/// `model` is null or a model of this library's that is no longer in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_model_destroy(model: *mut sourdine_model) {
    // SAFETY: the caller's promise.
    unsafe { free(model) };
}

/// Pre-allocates the thread-local state that the model needs on this thread. Call it on the audio thread before audio
/// starts, if a stream there may be switched to this model. The state of "rnnoise" (22 kB a thread) stays until the process
/// ends, even if the thread ends before: keep the audio thread. Our own models need none.
///
/// Threads: any. Real time: no, it may allocate.
///
/// # Safety
/// `model` is null or a model of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_model_warm_up_thread(model: *const sourdine_model) -> sourdine_status {
    catch_panic(|| {
        // SAFETY: the caller's promise.
        unsafe { object(model) }?.0.warm_up_thread();
        Ok(())
    })
}
