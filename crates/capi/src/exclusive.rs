//! One thread at a time, and no waiting.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::status::sourdine_status as Status;

/// Something that one thread at a time may use. C cannot be held to that, so a second thread is told instead of
/// being let in. Entering is one atomic exchange, without waiting.
pub(crate) struct Exclusive<T> {
    taken: AtomicBool,
    inside: UnsafeCell<T>,
}

// SAFETY: `enter` lets one thread in at a time, and orders what it does after what the one before did.
unsafe impl<T: Send> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    pub(crate) fn new(inside: T) -> Self {
        Self { taken: AtomicBool::new(false), inside: UnsafeCell::new(inside) }
    }

    /// Works with what is inside, if no other thread does.
    pub(crate) fn enter<R>(&self, work: impl FnOnce(&mut T) -> Result<R, Status>) -> Result<R, Status> {
        /// Leaves even if the work panics.
        struct Leave<'a>(&'a AtomicBool);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Release);
            }
        }
        if self.taken.swap(true, Ordering::Acquire) {
            return Err(Status::BUSY);
        }
        let _leave = Leave(&self.taken);
        // SAFETY: the flag was ours to take, and is given back when this reference is gone.
        work(unsafe { &mut *self.inside.get() })
    }
}

/// A reference to the object that a handle stands for.
///
/// # Safety
/// `handle` is null or one that this library made and that is not destroyed before the reference is gone.
pub(crate) unsafe fn object<'a, T>(handle: *const T) -> Result<&'a T, Status> {
    // SAFETY: the caller's promise.
    unsafe { handle.as_ref() }.ok_or(Status::NULL)
}

/// Hands a new object to C.
///
/// # Safety
/// `handle` points to memory for a pointer.
pub(crate) unsafe fn hand_out<T>(handle: *mut *mut T, object: T) {
    // SAFETY: the caller's promise.
    unsafe { handle.write(Box::into_raw(Box::new(object))) };
}

/// Checks the pointer that receives a handle, and writes NULL there.
///
/// # Safety
/// `handle` is null or points to memory for a pointer.
pub(crate) unsafe fn room_for<T>(handle: *mut *mut T) -> Result<(), Status> {
    crate::block::check(handle)?;
    // SAFETY: the caller's promise; not null, and aligned.
    unsafe { handle.write(std::ptr::null_mut()) };
    Ok(())
}

/// Frees what a handle stands for; NULL is allowed.
///
/// # Safety
/// As [`object`], and the handle is no longer in use.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: the caller's promise.
        let object = unsafe { Box::from_raw(handle) };
        let _status = crate::status::catch_panic(|| {
            drop(object);
            Ok(())
        });
    }
}
