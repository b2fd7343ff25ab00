//! Statuses, and the words of the last failure.

use std::cell::RefCell;
use std::error::Error;

/// How a call ended.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// Nothing was done; [`sourdine_error`] says why.
    Refused = 1,
}

type Failure = Box<dyn Error>;

thread_local! {
    /// A module has one thread; the tests have several.
    static WORDS: RefCell<String> = const { RefCell::new(String::new()) };
}

fn keep(words: String) {
    // What is borrowed already cannot be replaced; that is no reason to panic while a panic is told.
    WORDS.with(|kept| kept.try_borrow_mut().map(|mut kept| *kept = words).ok());
}

/// Runs `work` and keeps the words of its failure.
pub(crate) fn contained(work: impl FnOnce() -> Result<(), Failure>) -> Status {
    match work() {
        Ok(()) => Status::Ok,
        Err(error) => {
            keep(error.to_string());
            Status::Refused
        }
    }
}

/// The address of what `work` makes, or 0, and the words of its failure.
pub(crate) fn made<T>(work: impl FnOnce() -> Result<T, Failure>) -> *mut T {
    match work() {
        Ok(made) => Box::into_raw(Box::new(made)),
        Err(error) => {
            keep(error.to_string());
            std::ptr::null_mut()
        }
    }
}

/// A panic ends in a trap, of which JavaScript is told no reason: this keeps it.
pub(crate) fn keep_words_of_panics() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| keep(format!("a defect of Sourdine: {panic}"))));
}

/// The words of the last failure, [`sourdine_error_length`] bytes of UTF-8, until the next one.
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_error() -> *const u8 {
    WORDS.with_borrow(|words| words.as_ptr())
}

/// See [`sourdine_error`].
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_error_length() -> usize {
    WORDS.with_borrow(String::len)
}
