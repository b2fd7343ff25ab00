//! `libsourdine`: the C interface of the engine. `include/sourdine.h` is made from this crate by cbindgen
//! (`tests/header.rs`); C++ has `include/sourdine.hpp` on top.
//!
//! Each function checks its arguments, then does its work within [`status::contained`], so that nothing ever
//! unwinds into C. Handles are boxes of Rust's; nothing is global. A block's pointers become slices in [`block`],
//! and only there.
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

/// The version of this interface. A library with another one is not to be used; structures that only grow keep it.
pub const SOURDINE_ABI_VERSION: u32 = 1;

/// The version of this interface that the library was built with: compare it with SOURDINE_ABI_VERSION.
///
/// Threads: any. Real time: yes.
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_abi_version() -> u32 {
    SOURDINE_ABI_VERSION
}

/// The library's version in words, such as "0.1.0". It need not be freed.
///
/// Threads: any. Real time: yes.
#[unsafe(no_mangle)]
pub extern "C" fn sourdine_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
