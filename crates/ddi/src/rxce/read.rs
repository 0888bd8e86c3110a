//! Reading what callers point to, and writing the structures that they own.

use crate::abi::{Owned, TdiConnectionInformation, UnicodeString};
use crate::shown::Shown;
use crate::tdi;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::net::SocketAddr;
use core::ptr;
use core::slice;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use executive::mem::TryVec;
use nt::{NameBuf, Status};

/// What `place` points to.
///
/// # Errors
/// `INVALID_PARAMETER` when it is null or not aligned.
///
/// # Safety
/// If not null, `place` points to a `T`.
pub(super) unsafe fn value<T: Copy>(place: *const T) -> nt::Result<T> {
    if place.is_null() || !place.is_aligned() {
        return Err(Status::INVALID_PARAMETER);
    }
    // SAFETY: by the caller's word it points to a T; it is aligned.
    Ok(unsafe { place.read() })
}

/// Whether the structure that is built at `place` still says that it is.
///
/// # Safety
/// The table knows that a `T` is built at `place`, so its caller keeps it there.
pub(super) unsafe fn signed<T: Owned>(place: *const T) -> bool {
    // Every structure begins with its signature word.
    // SAFETY: the structure is there, and a word is its first member.
    unsafe { place.cast::<u32>().read() == T::SIGNATURE }
}

/// Makes the structure at `place` uninitialised.
///
/// # Safety
/// `place` points to a `T` of a caller's that is not in use any more, and all-zero is a value of every member.
pub(super) unsafe fn clear<T: Owned>(place: *mut T) {
    // SAFETY: by the caller's word.
    unsafe { ptr::write_bytes(place, 0, 1) };
}

/// Changes a member that counts.
///
/// # Safety
/// `count` is a member of a structure that is built.
pub(super) unsafe fn add(count: *mut u32, change: i32) {
    // SAFETY: the member is there as long as the structure is built; C reads it as the volatile word that it is.
    let count = unsafe { AtomicU32::from_ptr(count) };
    count.fetch_add(change.cast_unsigned(), Ordering::Relaxed);
}

/// RXCE_VC's state, which changes while others look at it.
///
/// # Safety
/// `state` is the member of a structure that stays built for as long as the result is used.
pub(super) unsafe fn state<'a>(state: *mut i32) -> &'a AtomicI32 {
    // SAFETY: by the caller's word; C reads it as the volatile word that it is.
    unsafe { AtomicI32::from_ptr(state) }
}

/// A copy of the name that `place` points to: at least one unit.
///
/// # Errors
/// `INVALID_PARAMETER` for a pointer or name that is not one; `INSUFFICIENT_RESOURCES`.
///
/// # Safety
/// If not null, `place` points to a UNICODE_STRING whose buffer, if not null, holds as much as it says.
pub(super) unsafe fn name(place: *const UnicodeString) -> nt::Result<NameBuf> {
    // SAFETY: handed down.
    let string = unsafe { value(place)? };
    if string.length == 0 {
        return Err(Status::INVALID_PARAMETER);
    }
    // SAFETY: handed down.
    unsafe { string.copy() }
}

/// A copy of the TRANSPORT_ADDRESS at `place`, which says itself how long it is.
///
/// # Errors
/// `INVALID_PARAMETER` when it is null or does not look like one; `INSUFFICIENT_RESOURCES`.
///
/// # Safety
/// If not null, `place` points to a TRANSPORT_ADDRESS.
pub(super) unsafe fn transport_address(place: *const u8) -> nt::Result<Vec<u8>> {
    if place.is_null() {
        return Err(Status::INVALID_PARAMETER);
    }
    // SAFETY: the count is its first member; it may lie anywhere.
    let count = unsafe { place.cast::<i32>().read_unaligned() };
    if !(1..=tdi::MOST_ADDRESSES).contains(&count) {
        return Err(Status::INVALID_PARAMETER);
    }
    let mut length = tdi::LIST_HEADER;
    for _ in 0..count {
        // SAFETY: the address at `length` is one of the `count` that are there.
        let header = unsafe { place.add(length) };
        // SAFETY: as above; every address begins with its header.
        let header = unsafe { header.cast::<[u8; tdi::ADDRESS_HEADER]>().read() };
        let (address, _) = tdi::address_header(header);
        if address > tdi::LONGEST_ADDRESS {
            return Err(Status::INVALID_PARAMETER);
        }
        length += tdi::ADDRESS_HEADER + address;
    }
    // SAFETY: that is how far the addresses reach.
    unsafe { bytes(place.cast::<c_void>(), length) }
}

/// A copy of `length` bytes at `place`.
///
/// # Safety
/// If `length` is not zero, `place` points to that many bytes.
unsafe fn bytes(place: *const c_void, length: usize) -> nt::Result<Vec<u8>> {
    let mut copy = Vec::new();
    if length > 0 {
        // SAFETY: by the caller's word.
        let there = unsafe { slice::from_raw_parts(place.cast::<u8>(), length) };
        copy.try_extend_from_slice(there)?;
    }
    Ok(copy)
}

/// A copy of connection information, with all that it points to.
pub(super) struct Information {
    pub(super) remotes: Vec<SocketAddr>,
    pub(super) shown: Shown,
    /// What `shown` points to.
    _parts: [Option<Shown>; 3],
}

/// No user data, options or remote address is longer.
const LONGEST_PART: usize = 64 * 1024;

impl Information {
    /// Copies what `place` points to.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` for a null pointer, a length without bytes or beyond reason, or a remote address that is not a
    /// list; `INSUFFICIENT_RESOURCES`.
    ///
    /// # Safety
    /// If not null, `place` points to connection information whose pointers, if not null, lead to as much as it says.
    pub(super) unsafe fn copy(place: *const TdiConnectionInformation) -> nt::Result<Self> {
        // SAFETY: handed down.
        let given = unsafe { value(place)? };
        // SAFETY: handed down.
        let user_data = unsafe { part(given.user_data_length, given.user_data)? };
        // SAFETY: handed down.
        let options = unsafe { part(given.options_length, given.options)? };
        // SAFETY: handed down.
        let address = unsafe { part(given.remote_address_length, given.remote_address)? };
        let remotes = tdi::parse(&address)?;
        let show = |bytes: Vec<u8>| -> nt::Result<Option<Shown>> {
            Ok(if bytes.is_empty() {
                None
            } else {
                Some(Shown::bytes(&bytes)?)
            })
        };
        let parts = [show(user_data)?, show(options)?, show(address)?];
        let [user_data, options, remote_address] = parts
            .each_ref()
            .map(|part| part.as_ref().map_or(ptr::null_mut(), Shown::as_ptr));
        let shown = Shown::value(TdiConnectionInformation {
            user_data,
            options,
            remote_address,
            ..given
        })?;
        Ok(Information {
            remotes,
            shown,
            _parts: parts,
        })
    }
}

/// A copy of one part of connection information.
///
/// # Safety
/// If neither is null, `place` points to `length` bytes.
unsafe fn part(length: i32, place: *const c_void) -> nt::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(|_| Status::INVALID_PARAMETER)?;
    if length > LONGEST_PART || (length > 0 && place.is_null()) {
        return Err(Status::INVALID_PARAMETER);
    }
    // SAFETY: not null; by the caller's word that many bytes are there.
    unsafe { bytes(place, length) }
}
