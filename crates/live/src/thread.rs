//! Sets up each audio thread, at its first callback.

use thread_priority::{ThreadPriority, set_current_thread_priority};

/// Raises the thread's priority if the system lets us, and makes it take denormals for zero. Returns whether the
/// priority was raised.
pub(crate) fn prepare() -> bool {
    flush_denormals();
    raise()
}

#[cfg(unix)]
fn raise() -> bool {
    use thread_priority::unix::{
        RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    };
    // Low among the real-time priorities: below the sound server and the system's own threads.
    let Ok(low) = thread_priority::ThreadPriorityValue::try_from(10) else { return false };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(low), policy).is_ok()
        || set_current_thread_priority(ThreadPriority::Max).is_ok() && cfg!(not(target_os = "linux"))
}

#[cfg(not(unix))]
fn raise() -> bool {
    set_current_thread_priority(ThreadPriority::Max).is_ok()
}

/// Numbers below 1e-38 become zero: on many processors they are a hundred times slower. They are 700 dB below full
/// scale; nothing here relies on it.
#[cfg(target_arch = "x86_64")]
fn flush_denormals() {
    let mut control = 0_u32;
    let at = std::ptr::from_mut(&mut control);
    // SAFETY: reads and writes this thread's MXCSR through a valid, aligned pointer; only FTZ (bit 15) and DAZ
    // (bit 6) change, which raise no exceptions and concern only the values of denormals.
    unsafe {
        std::arch::asm!("stmxcsr [{}]", in(reg) at, options(nostack));
        *at |= 1 << 15 | 1 << 6;
        std::arch::asm!("ldmxcsr [{}]", in(reg) at, options(nostack));
    }
}

/// See above.
#[cfg(target_arch = "aarch64")]
fn flush_denormals() {
    // SAFETY: sets FZ (bit 24) of this thread's FPCR, which concerns only the values of denormals.
    unsafe {
        let mut control: u64;
        std::arch::asm!("mrs {}, fpcr", out(reg) control, options(nomem, nostack));
        control |= 1 << 24;
        std::arch::asm!("msr fpcr, {}", in(reg) control, options(nomem, nostack));
    }
}

/// Other processors have no common switch for it.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn flush_denormals() {}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn denormals_become_zero_on_this_thread_only() {
        use std::hint::black_box;
        let half = || black_box(f32::MIN_POSITIVE) * black_box(0.5);
        let flushed = std::thread::spawn(move || {
            super::flush_denormals();
            half()
        });
        assert_eq!(flushed.join().unwrap(), 0.0);
        assert!(half() > 0.0);
    }
}
