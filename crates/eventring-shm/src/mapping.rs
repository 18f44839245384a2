//! Files mapped into memory: the first of the two places with unsafe code (the other is `ofd.rs`).
//!
//! The contract: a mapping is as long as it was when it was made, by the file's owner, whom we trust
//! not to truncate it, or by a seal (`file/check.rs`); nothing refers into it but `&[AtomicU64]`, or
//! `&AtomicU32` for a bell; nobody ever looks at the same bytes in both ways; and nothing is stored
//! in a read-only one ([`Ring`](crate::protocol::Ring) writes only for a publisher, who has checked).
#![allow(unsafe_code)]

use crate::sync::{AtomicU32, AtomicU64};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};
use std::ffi::c_void;
use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{NonNull, null_mut};
use std::slice;

/// A file whose words are those of a ring.
#[derive(Debug)]
pub(crate) struct WordMapping(Mapping);

impl WordMapping {
    /// Maps the first `words` words of the file, which has to be that long.
    pub(crate) fn new(file: BorrowedFd<'_>, words: usize, writable: bool) -> io::Result<Self> {
        Mapping::new(file, words * size_of::<AtomicU64>(), writable).map(Self)
    }

    #[inline(always)]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        let words = self.0.len / size_of::<AtomicU64>();
        // SAFETY: The mapping is that long and starts at a page; whatever its bytes are, they are
        // an `AtomicU64`, and while it is mapped all access to them is by those.
        unsafe { slice::from_raw_parts(self.0.at.cast::<AtomicU64>().as_ptr(), words) }
    }
}

/// A file whose first word is that of a bell.
#[derive(Debug)]
pub(crate) struct FutexMapping(Mapping);

impl FutexMapping {
    pub(crate) fn new(file: BorrowedFd<'_>, writable: bool) -> io::Result<Self> {
        Mapping::new(file, size_of::<AtomicU32>(), writable).map(Self)
    }

    #[inline(always)]
    pub(crate) fn word(&self) -> &AtomicU32 {
        // SAFETY: As for the words of a ring: mapped, aligned to a page, any bytes will do.
        unsafe { self.0.at.cast::<AtomicU32>().as_ref() }
    }

    #[inline(always)]
    pub(crate) fn is_writable(&self) -> bool {
        self.0.writable
    }
}

#[derive(Debug)]
struct Mapping {
    at: NonNull<c_void>,
    len: usize,
    writable: bool,
}

// SAFETY: What is in it is only accessed by atomics.
unsafe impl Send for Mapping {}
// SAFETY: The same.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(file: BorrowedFd<'_>, len: usize, writable: bool) -> io::Result<Self> {
        let protection = if writable {
            ProtFlags::READ | ProtFlags::WRITE
        } else {
            ProtFlags::READ
        };
        // SAFETY: A new mapping, at an address that the kernel chooses.
        let at = unsafe { mmap(null_mut(), len, protection, MapFlags::SHARED, file, 0) }?;
        let at = NonNull::new(at).ok_or(io::ErrorKind::OutOfMemory)?;
        let mapping = Self { at, len, writable };
        // A child that is forked has no business here; it may not even have the locks.
        // SAFETY: It changes nothing in this process.
        unsafe { madvise(at.as_ptr(), len, Advice::LinuxDontFork) }?;
        Ok(mapping)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: It is ours, and nobody borrows it any more.
        let unmapped = unsafe { munmap(self.at.as_ptr(), self.len) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}
