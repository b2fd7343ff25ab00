//! A global allocator that counts what the current thread allocates and frees.
//!
//! In a test binary of its own:
//! ```
//! use sourdine_testkit::alloc::{CountingAllocator, count};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! let (calls, sum) = count(|| 1 + 1);
//! assert_eq!((calls, sum), (0, 2));
//! let (calls, _) = count(|| vec![0_u8; 10]);
//! assert!(calls > 0);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts, then lets the system's allocator do it.
#[derive(Debug)]
pub struct CountingAllocator;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

fn tick(bytes: i64) {
    // A thread that is ending has no counters any more; nothing is measured there.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    let _ = BYTES.try_with(|sum| sum.set(sum.get() + bytes));
}

// SAFETY: every call goes to `System` with the arguments it came with; the counter is a plain thread-local
// cell without a destructor, so touching it neither allocates nor re-enters.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        tick(layout.size() as i64);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        tick(-(layout.size() as i64));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        tick(layout.size() as i64);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        tick(new_size as i64 - layout.size() as i64);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

/// Runs `work` and returns how often it called the allocator on this thread (frees count), and its result.
/// Without [`CountingAllocator`] as the global allocator the count is always 0.
pub fn count<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = CALLS.with(Cell::get);
    let result = work();
    (CALLS.with(Cell::get) - before, result)
}

/// Runs `work` and returns by how many bytes this thread's holdings grew, and its result.
pub fn held<T>(work: impl FnOnce() -> T) -> (i64, T) {
    let before = BYTES.with(Cell::get);
    let result = work();
    (BYTES.with(Cell::get) - before, result)
}
