//! Statuses, and the text of the last error.

use std::cell::RefCell;
use std::error::Error;

/// The result of a call.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// Nothing was done; [`sourdine_error`] has the reason.
    Refused = 1,
}

type Failure = Box<dyn Error>;

thread_local! {
    /// A module has one thread; the tests have several.
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

fn keep(message: String) {
    // Never panics, even if the text is borrowed: this runs in the panic hook.
    MESSAGE.with(|kept| kept.try_borrow_mut().map(|mut kept| *kept = message).ok());
}

/// Runs `work` and keeps the text of its error.
pub(crate) fn keep_error(work: impl FnOnce() -> Result<(), Failure>) -> Status {
    match work() {
        Ok(()) => Status::Ok,
        Err(error) => {
            keep(error.to_string());
            Status::Refused
        }
    }
}

/// Returns the address of the object that `work` makes, or 0; keeps the text of its error.
pub(crate) fn made<T>(work: impl FnOnce() -> Result<T, Failure>) -> *mut T {
    match work() {
        Ok(made) => Box::into_raw(Box::new(made)),
        Err(error) => {
            keep(error.to_string());
            std::ptr::null_mut()
        }
    }
}

/// Keeps the message of a panic, which ends in a trap that gives JavaScript no reason.
pub(crate) fn keep_panic_messages() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| keep(format!("a defect of Sourdine: {panic}"))));
}

/// Returns the text of the last error, [`sourdine_error_length`] bytes of UTF-8, valid until the next one.
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_error() -> *const u8 {
    MESSAGE.with_borrow(|message| message.as_ptr())
}

/// See [`sourdine_error`].
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_error_length() -> usize {
    MESSAGE.with_borrow(String::len)
}
