//! The status that every function returns, and its text.

use std::ffi::c_char;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::{BlockError, ConfigError, ModelError, SwitchError};

/// The result of a call. Anything but SOURDINE_STATUS_OK left everything unchanged.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum sourdine_status {
    /// Done.
    OK = 0,
    /// A pointer is NULL that must not be.
    NULL = 1,
    /// A structure's `size` is unknown to this library, or a newer caller set a field that it lacks.
    SIZE = 2,
    /// A pointer is not aligned for what it points to.
    ALIGNMENT = 3,
    /// Buffers overlap without being the same.
    OVERLAP = 4,
    /// The block's length does not fit the stream, or no memory can be that long.
    LENGTH = 5,
    /// The stream was finished; reset starts it again.
    FINISHED = 6,
    /// The sample rate is outside 8000 to 192000 Hz, or shares no short grid with 48000 Hz.
    SAMPLE_RATE = 7,
    /// The number of channels is not 1 to 8.
    CHANNELS = 8,
    /// A setting is out of its range.
    SETTING = 9,
    /// No such built-in model, or bytes that are not a valid model.
    MODEL = 10,
    /// The model's delay is larger than the stream was made for.
    MODEL_LATENCY = 11,
    /// Another thread is inside this object.
    BUSY = 12,
    /// A defect of the library, caught before it reached the caller.
    INTERNAL = 13,
}

use sourdine_status as Status;

/// Turns a panic into a status: nothing may unwind into C.
pub(crate) fn catch_panic(work: impl FnOnce() -> Result<(), Status>) -> Status {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => Status::OK,
        Ok(Err(status)) => status,
        Err(_) => Status::INTERNAL,
    }
}

impl From<&ConfigError> for Status {
    fn from(error: &ConfigError) -> Self {
        match error {
            ConfigError::SampleRate { .. }
            | ConfigError::SampleRateGrid { .. }
            | ConfigError::Resampler { .. } => Self::SAMPLE_RATE,
            ConfigError::Channels { .. } => Self::CHANNELS,
            ConfigError::EmptyBlock => Self::LENGTH,
            ConfigError::Setting { .. } => Self::SETTING,
            _ => Self::INTERNAL,
        }
    }
}

impl From<&SwitchError> for Status {
    fn from(_: &SwitchError) -> Self {
        Self::MODEL_LATENCY
    }
}

impl From<BlockError> for Status {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Channels { .. } => Self::CHANNELS,
            BlockError::Ragged | BlockError::Length { .. } => Self::LENGTH,
            BlockError::Finished => Self::FINISHED,
            _ => Self::INTERNAL,
        }
    }
}

impl From<&ModelError> for Status {
    fn from(_: &ModelError) -> Self {
        Self::MODEL
    }
}

/// A buffer of the caller's for an error in words.
pub(crate) struct Message {
    at: *mut c_char,
    size: usize,
}

impl Message {
    /// # Safety
    /// `at` is null or points to `size` bytes that may be written until the call ends.
    pub(crate) unsafe fn new(at: *mut c_char, size: usize) -> Self {
        let message = Self { at, size };
        message.write(&"");
        message
    }

    /// Writes as much as fits, whole characters, and a 0.
    fn write(&self, words: &dyn Display) {
        if self.at.is_null() || self.size == 0 {
            return;
        }
        let words = words.to_string();
        let mut end = words.len().min(self.size - 1);
        while !words.is_char_boundary(end) {
            end -= 1;
        }
        // SAFETY: `end < size`, and the memory is as `new` was promised.
        unsafe {
            std::ptr::copy_nonoverlapping(words.as_ptr(), self.at.cast(), end);
            self.at.add(end).write(0);
        }
    }

    pub(crate) fn of<'e, E: Display>(&self, error: &'e E) -> Status
    where
        Status: From<&'e E>,
    {
        self.write(error);
        error.into()
    }

    pub(crate) fn words(&self, status: Status, words: &str) -> Status {
        self.write(&words);
        status
    }
}

/// A status in words; for a number that is no status, words that say so. It need not be freed.
///
/// Threads: any. Real time: yes.
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_status_text(status: i32) -> *const c_char {
    let text = match status {
        0 => c"done",
        1 => c"a pointer that must not be NULL is NULL",
        2 => c"a structure's size field is none that this library knows; set it to sizeof, or update the library",
        3 => c"a pointer is not aligned for what it points to",
        4 => c"buffers overlap without being the same",
        5 => c"the block's length does not fit the stream",
        6 => c"the stream was finished; reset it first",
        7 => c"the sample rate is outside 8000 to 192000 Hz, or shares no short grid with 48000 Hz",
        8 => c"the number of channels is not 1 to 8",
        9 => c"a setting is out of its range",
        10 => c"no such built-in model, or bytes that are no model",
        11 => c"the model's delay is larger than the stream was made for; create the stream with more model_latency",
        12 => c"another thread is using this object; try again",
        13 => c"a defect of the library; please report it",
        _ => c"not a status of this library",
    };
    text.as_ptr()
}
