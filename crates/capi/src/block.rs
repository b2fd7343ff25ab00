//! The caller's pointers, checked and made into slices; and structures that begin with their own size.

use crate::status::sourdine_status as Status;

/// A pointer that is neither null nor misaligned.
pub(crate) fn check<T>(at: *const T) -> Result<(), Status> {
    if at.is_null() {
        Err(Status::NULL)
    } else if !at.is_aligned() {
        Err(Status::ALIGNMENT)
    } else {
        Ok(())
    }
}

/// Samples in `frames` frames, if memory can hold as many.
pub(crate) fn samples<T>(frames: usize, channels: usize) -> Result<usize, Status> {
    let samples = frames.checked_mul(channels).ok_or(Status::LENGTH)?;
    match samples.checked_mul(size_of::<T>()) {
        Some(bytes) if isize::try_from(bytes).is_ok() => Ok(samples),
        _ => Err(Status::LENGTH),
    }
}

/// # Safety
/// `at` is null or points to `len` values that are not written while the slice exists.
pub(crate) unsafe fn slice<'a, T>(at: *const T, len: usize) -> Result<&'a [T], Status> {
    if len == 0 {
        return Ok(&[]);
    }
    check(at)?;
    // SAFETY: the caller's promise; not null, and aligned.
    Ok(unsafe { std::slice::from_raw_parts(at, len) })
}

/// # Safety
/// `at` is null or points to `len` values that nothing else accesses while the slice exists.
pub(crate) unsafe fn slice_mut<'a, T>(at: *mut T, len: usize) -> Result<&'a mut [T], Status> {
    if len == 0 {
        return Ok(&mut []);
    }
    check(at)?;
    // SAFETY: the caller's promise; not null, and aligned.
    Ok(unsafe { std::slice::from_raw_parts_mut(at, len) })
}

/// Whether `len` values at `a` and at `b` share memory.
pub(crate) fn overlap<T>(a: *const T, b: *const T, len: usize) -> bool {
    a.addr().abs_diff(b.addr()) < len * size_of::<T>()
}

/// A structure whose first field is a `uint32_t` with its size as the caller knows it, and of which all bits mean
/// something.
///
/// # Safety
/// The type is `repr(C)`, begins with `size`, is valid with any bits, and has no padding.
pub(crate) unsafe trait Sized32: Copy {
    /// The size of the first version ever: no caller knows less.
    const FIRST: usize;
}

/// The size that the caller says, within what can be.
unsafe fn said_size<T: Sized32>(at: *const T) -> Result<usize, Status> {
    check(at)?;
    // SAFETY: not null, aligned, and at least the size field is there.
    let size = unsafe { at.cast::<u32>().read() } as usize;
    if (T::FIRST..=4096).contains(&size) { Ok(size) } else { Err(Status::SIZE) }
}

/// Reads a structure: fields that an older caller does not know are taken from `otherwise`; those that only a newer
/// caller knows must be 0.
///
/// # Safety
/// `at` is null or points to as many bytes as its size field says.
pub(crate) unsafe fn read<T: Sized32>(at: *const T, otherwise: T) -> Result<T, Status> {
    // SAFETY: the caller's promise.
    let size = unsafe { said_size(at) }?;
    let mut value = otherwise;
    // SAFETY: within both structures; any bits will do.
    unsafe {
        let to = std::ptr::from_mut(&mut value).cast::<u8>();
        std::ptr::copy_nonoverlapping(at.cast::<u8>(), to, size.min(size_of::<T>()));
    }
    for beyond in size_of::<T>()..size {
        // SAFETY: within the size that the caller says.
        if unsafe { at.cast::<u8>().add(beyond).read() } != 0 {
            return Err(Status::SIZE);
        }
    }
    Ok(value)
}

/// Writes what the caller knows of a structure and leaves its size field alone. NULL is allowed.
///
/// # Safety
/// As [`read`], to be written.
pub(crate) unsafe fn write<T: Sized32>(at: *mut T, value: T) -> Result<(), Status> {
    if at.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    let size = unsafe { said_size(at) }?.min(size_of::<T>());
    // SAFETY: within both structures; the first four bytes stay.
    unsafe {
        let from = std::ptr::from_ref(&value).cast::<u8>();
        std::ptr::copy_nonoverlapping(from.add(4), at.cast::<u8>().add(4), size - 4);
    }
    Ok(())
}

/// Whether [`write`] will do, before anything is done.
///
/// # Safety
/// As [`read`].
pub(crate) unsafe fn check_write<T: Sized32>(at: *const T) -> Result<(), Status> {
    if at.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe { said_size(at) }.map(|_| ())
}
