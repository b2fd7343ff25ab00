//! `libsourdine`: the C interface of the engine. `include/sourdine.h` is made from this crate by cbindgen
//! (`tests/header.rs`); C++ has `include/sourdine.hpp` on top.
//!
//! Each function checks its arguments, then does its work within [`status::catch_panic`], so that nothing
//! unwinds into C. Handles are boxes; nothing is global. A block's pointers become slices in [`block`]
//! only.
#![allow(non_camel_case_types)] // C's names.

mod block;
pub mod config;
pub mod controls;
pub mod detector;
mod exclusive;
pub mod model;
pub mod recording;
pub mod report;
pub mod status;
pub mod stream;

#[cfg(test)]
mod tests;

use std::ffi::c_char;

/// The version of this interface. Do not use a library with another one; structures that grow keep it.
pub const SOURDINE_ABI_VERSION: u32 = 1;

/// Returns the version of the interface that the library was built with: compare it with SOURDINE_ABI_VERSION.
///
/// Threads: any. Real time: yes.
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_abi_version() -> u32 {
    SOURDINE_ABI_VERSION
}

/// Returns the library's version as text, such as "0.1.0". Do not free it.
///
/// Threads: any. Real time: yes.
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
