//! `librnnoise`: the functions of `include/rnnoise.h`, which documents them, and those of
//! `include/sourdine_rnnoise.h`.
//!
//! A `DenoiseState` of the C side is two words in memory that C allocates and frees, as `rnnoise_init` and
//! `rnnoise_destroy` demand; what they point to is Rust's. It is read and written unaligned, since the caller of
//! `rnnoise_init` promises nothing.

mod denoiser;

use std::ffi::{CStr, c_char, c_float, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use denoiser::{Denoiser, FRAME, Weights};

/// Marks an initialised state.
const MARK: usize = 0x5352_4e4e;

/// Opaque to C.
#[repr(C)]
pub struct DenoiseState {
    mark: usize,
    denoiser: *mut Denoiser,
}

/// Opaque to C.
pub struct RNNModel(Weights);

/// Returns `otherwise` on a panic: nothing may unwind into C.
fn catch_panic<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

/// See `rnnoise.h`.
#[unsafe(no_mangle)]
pub extern "C" fn rnnoise_get_size() -> c_int {
    size_of::<DenoiseState>() as c_int
}

/// See `rnnoise.h`.
#[unsafe(no_mangle)]
pub extern "C" fn rnnoise_get_frame_size() -> c_int {
    FRAME as c_int
}

/// See `rnnoise.h`.
///
/// # Safety
/// `st` is null or points to `rnnoise_get_size()` bytes; `model` is null or a model of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnoise_init(st: *mut DenoiseState, model: *mut RNNModel) -> c_int {
    if st.is_null() {
        return -1;
    }
    catch_panic(-1, || {
        // SAFETY: the caller's promise.
        let weights = match unsafe { model.as_ref() } {
            Some(model) => model.0.clone(),
            None => Weights::default_model(),
        };
        let state = DenoiseState { mark: MARK, denoiser: Box::into_raw(Box::new(Denoiser::new(weights))) };
        // SAFETY: the caller's promise.
        unsafe { st.write_unaligned(state) };
        0
    })
}

/// See `rnnoise.h`.
///
/// # Safety
/// `model` is null or a model of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnoise_create(model: *mut RNNModel) -> *mut DenoiseState {
    // From C's allocator, since `rnnoise_destroy` frees there what the caller of `rnnoise_init` allocated.
    // SAFETY: no condition.
    let st = unsafe { libc::calloc(1, size_of::<DenoiseState>()) }.cast::<DenoiseState>();
    if st.is_null() {
        return st;
    }
    // SAFETY: the memory was just allocated; the model is the caller's promise.
    if unsafe { rnnoise_init(st, model) } != 0 {
        // SAFETY: from `calloc` above.
        unsafe { libc::free(st.cast()) };
        return std::ptr::null_mut();
    }
    st
}

/// See `sourdine_rnnoise.h`.
///
/// # Safety
/// `st` is null or points to an initialised state, no longer in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_rnnoise_release(st: *mut DenoiseState) {
    if st.is_null() {
        return;
    }
    // SAFETY: the caller's promise.
    let state = unsafe { st.read_unaligned() };
    if state.mark != MARK {
        return;
    }
    // SAFETY: as above. A state released twice no longer has the mark.
    unsafe { st.write_unaligned(DenoiseState { mark: 0, denoiser: std::ptr::null_mut() }) };
    // SAFETY: with the mark in place the pointer is the one that `rnnoise_init` made.
    catch_panic((), || drop(unsafe { Box::from_raw(state.denoiser) }));
}

/// See `rnnoise.h`.
///
/// # Safety
/// `st` is null, or from `rnnoise_create`, or initialised in memory from `malloc`, and is no longer in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnoise_destroy(st: *mut DenoiseState) {
    // SAFETY: the caller's promise, for both.
    unsafe {
        sourdine_rnnoise_release(st);
        libc::free(st.cast());
    }
}

/// See `rnnoise.h`.
///
/// # Safety
/// `st` is null or an initialised state that no other thread uses at the moment; `out` and `input` are null or
/// point to 480 samples.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnoise_process_frame(
    st: *mut DenoiseState,
    out: *mut c_float,
    input: *const c_float,
) -> c_float {
    if out.is_null() || input.is_null() {
        return 0.0;
    }
    // Byte by byte, because neither pointer need be aligned, and overlapping, because they may be the same.
    let bytes = FRAME * size_of::<c_float>();
    let mark = if st.is_null() {
        0
    } else {
        // SAFETY: the caller's promise.
        unsafe { st.read_unaligned() }.mark
    };
    if mark != MARK {
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy(input.cast::<u8>(), out.cast::<u8>(), bytes) };
        return 0.0;
    }
    catch_panic(0.0, || {
        // SAFETY: the mark shows that `rnnoise_init` was called; the caller promises exclusive use.
        let denoiser = unsafe { &mut *st.read_unaligned().denoiser };
        let frame = denoiser.frame().as_mut_ptr().cast::<u8>();
        // SAFETY: 480 samples on both sides, by the caller's promise; our own memory is not the caller's.
        unsafe { std::ptr::copy_nonoverlapping(input.cast::<u8>(), frame, bytes) };
        let (output, probability) = denoiser.run();
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(output.as_ptr().cast::<u8>(), out.cast::<u8>(), bytes) };
        probability
    })
}

fn model(weights: Option<Weights>) -> *mut RNNModel {
    weights.map_or(std::ptr::null_mut(), |weights| Box::into_raw(Box::new(RNNModel(weights))))
}

/// See `rnnoise.h`.
///
/// # Safety
/// `f` is null or an open file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnoise_model_from_file(f: *mut libc::FILE) -> *mut RNNModel {
    /// Larger than any model, so that reading an endless device stops.
    const LARGEST: usize = 64 << 20;
    if f.is_null() {
        return std::ptr::null_mut();
    }
    catch_panic(std::ptr::null_mut(), || {
        let mut bytes = Vec::new();
        let mut chunk = [0_u8; 4096];
        loop {
            // SAFETY: the caller's promise about the file; the chunk is ours.
            let n = unsafe { libc::fread(chunk.as_mut_ptr().cast(), 1, chunk.len(), f) };
            bytes.extend_from_slice(&chunk[..n]);
            if n == 0 || bytes.len() > LARGEST {
                return model(Weights::from_bytes(&bytes));
            }
        }
    })
}

/// See `rnnoise.h`.
///
/// # Safety
/// `filename` is null or a string that ends in 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnoise_model_from_filename(filename: *const c_char) -> *mut RNNModel {
    if filename.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: the name is the caller's promise, the mode is ours.
    let file = unsafe { libc::fopen(filename, c"rb".as_ptr()) };
    // SAFETY: null or open; closed once.
    unsafe {
        let model = rnnoise_model_from_file(file);
        if !file.is_null() {
            libc::fclose(file);
        }
        model
    }
}

/// See `rnnoise.h`.
///
/// # Safety
/// `ptr` is null or points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnoise_model_from_buffer(ptr: *const c_void, len: c_int) -> *mut RNNModel {
    let Ok(len) = usize::try_from(len) else { return std::ptr::null_mut() };
    if ptr.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(ptr.cast::<u8>(), len) };
    catch_panic(std::ptr::null_mut(), || model(Weights::from_bytes(bytes)))
}

/// See `rnnoise.h`.
///
/// # Safety
/// `model` is null or a model of this library's that is no longer in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnoise_model_free(model: *mut RNNModel) {
    if !model.is_null() {
        // SAFETY: the caller's promise.
        catch_panic((), || drop(unsafe { Box::from_raw(model) }));
    }
}

/// See `sourdine_rnnoise.h`.
///
/// # Safety
/// `name` is null or a string that ends in 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sourdine_rnnoise_model(name: *const c_char) -> *mut RNNModel {
    if name.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    catch_panic(std::ptr::null_mut(), || model(name.to_str().ok().and_then(Weights::by_name)))
}
